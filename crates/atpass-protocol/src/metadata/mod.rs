//! The three metadata documents: the authorization server's (RFC 8414), the protected
//! resource's (RFC 9728) and the client's (atproto spec, OAuth, "Clients").

mod client;
mod client_document;
mod resource;
mod server;

pub use client::{
    ApplicationType, ClientKeySource, ClientMetadata, ClientNames, TokenEndpointAuthMethod,
};
pub use client_document::ClientMetadataError;
pub use resource::{ProtectedResourceMetadata, ResourceMetadataError};
pub use server::{AuthorizationServerMetadata, ServerMetadataError};
