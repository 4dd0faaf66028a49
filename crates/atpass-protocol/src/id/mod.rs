//! Identifiers, each a type that holds only what the specification allows.

mod client_id;
mod did;
mod handle;
mod issuer;
mod nsid;
mod redirect_uri;
mod service_ref;

pub use client_id::{ClientId, ClientIdError, ClientIdKind, LoopbackClientId};
pub use did::{Did, DidError, DidMethod};
pub use handle::{Handle, HandleError};
pub use issuer::{Issuer, IssuerError};
pub use nsid::{Nsid, NsidError};
pub use redirect_uri::{RedirectUri, RedirectUriError};
pub use service_ref::{ServiceRef, ServiceRefError};

/// The string forms that every identifier has: `Display`, `AsRef`, parsing and serde.
macro_rules! string_identifier {
    ($name:ident, $error:ident) => {
        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}
pub(crate) use string_identifier;
