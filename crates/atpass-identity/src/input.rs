//! What a person types to say where they sign in.

use atpass_protocol::id::{Did, Handle, Issuer};
use url::Url;

/// A starting point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// An account, by its handle.
    Handle(Handle),
    /// An account, by its DID.
    Did(Did),
    /// A PDS or authorization server, without an account.
    Server(Issuer),
}

/// The text is none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type a handle such as alice.example.com, a DID, or the https URL of a server")]
pub struct InputError;

impl Input {
    /// Reads what was typed. Spaces and a leading `@` are forgiven, and so is a path after the
    /// server's name.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let text = text.trim();
        if text.starts_with("did:") {
            return Did::parse(text).map(Self::Did).map_err(|_| InputError);
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            let url = Url::parse(text).map_err(|_| InputError)?;
            return Issuer::of(&url).map(Self::Server).map_err(|_| InputError);
        }
        Handle::from_person(text)
            .map(Self::Handle)
            .map_err(|_| InputError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        let handle = Handle::parse("alice.test").unwrap();
        for text in ["alice.test", " @Alice.test "] {
            assert_eq!(Input::parse(text), Ok(Input::Handle(handle.clone())));
        }
        assert!(matches!(
            Input::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            Ok(Input::Did(_))
        ));
        let server = Issuer::parse("https://pds.example.com").unwrap();
        assert_eq!(
            Input::parse("https://pds.example.com/account?x"),
            Ok(Input::Server(server))
        );
        for text in [
            "",
            "alice",
            "ftp://x.example",
            "http://pds.example.com",
            "did:x",
            "a b.test",
        ] {
            assert_eq!(Input::parse(text), Err(InputError), "{text}");
        }
    }
}
