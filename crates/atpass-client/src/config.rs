//! What kind of client this is.

use atpass_protocol::id::{ClientId, ClientIdError, RedirectUri};
use atpass_protocol::scope::ScopeSet;

/// A client's identity: its id, where its answers go, and what it asks for.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    client_id: ClientId,
    redirect_uri: RedirectUri,
    scope: ScopeSet,
}

impl ClientConfig {
    /// A public client on the user's own machine. Its id says all there is to say of it, so
    /// nothing need be published.
    ///
    /// `redirect_uri` is `http` on `127.0.0.1` or `[::1]`.
    pub fn loopback(redirect_uri: RedirectUri, scope: ScopeSet) -> Result<Self, ClientIdError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("scope", &scope.to_string())
            .finish();
        Ok(Self {
            client_id: ClientId::parse(&format!("http://localhost?{query}"))?,
            redirect_uri,
            scope,
        })
    }

    /// The client's id.
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Where answers go.
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// What it asks for.
    pub const fn scope(&self) -> &ScopeSet {
        &self.scope
    }
}
