//! Requests that an agent of another library made, over a session.

use atpass_protocol::id::Issuer;
use bytes::Bytes;
use http::{Request, Response, Uri};
use url::Url;

use crate::{ClientError, Session};

/// Sends a request to the account's PDS with token and proof, and to any other server without them:
/// the token is of no use there, and would be refused where the open request succeeds.
pub(crate) async fn send(
    session: &Session,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, ClientError> {
    let request = request.map(Bytes::from);
    let answer = if is_for(request.uri(), &session.pds()) {
        session.request(request).await?
    } else {
        session.client().sender().call_openly(request).await?
    };
    Ok(answer.map(Vec::from))
}

/// Whether a request goes to this PDS: a path, or a URL of the same origin.
fn is_for(uri: &Uri, pds: &Issuer) -> bool {
    if uri.host().is_none() {
        return true;
    }
    let origin = Url::parse(&uri.to_string()).map(|url| Issuer::of(&url));
    matches!(origin, Ok(Ok(origin)) if origin == *pds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The token goes to the account's PDS, and to nobody who looks like it.
    #[test]
    fn the_accounts_pds() {
        let pds = Issuer::parse("https://pds.example.com").unwrap();
        let goes_to_pds = |uri: &str| is_for(&uri.parse().unwrap(), &pds);
        for uri in [
            "/xrpc/com.atproto.server.getSession",
            "https://pds.example.com/xrpc/com.atproto.repo.listRecords?repo=x",
            "https://PDS.example.com:443/xrpc/x",
        ] {
            assert!(goes_to_pds(uri), "{uri}");
        }
        for uri in [
            "https://other.example.com/xrpc/x",
            "http://pds.example.com/xrpc/x",
            "https://pds.example.com:8443/xrpc/x",
            "https://pds.example.com.evil.example/xrpc/x",
            "https://pds.example.com@evil.example/xrpc/x",
        ] {
            assert!(!goes_to_pds(uri), "{uri}");
        }
    }
}
