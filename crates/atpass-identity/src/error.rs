//! Why the way couldn't be gone, and at which step.

use atpass_fetch::{FetchError, Stage};
use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::metadata::{ResourceMetadataError, ServerMetadataError};

use crate::document::DocumentError;
use crate::handle::HandleFailure;

/// Why discovery failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The handle has no DID, or nobody can be asked.
    #[error("the handle {handle} can't be resolved: {error}")]
    Handle {
        /// Which handle.
        handle: Handle,
        /// Why.
        error: HandleFailure,
    },
    /// The DID document claims another handle, or none.
    #[error("{did} doesn't claim the handle {handle} back")]
    HandleNotClaimed {
        /// The handle that led there.
        handle: Handle,
        /// The DID that it led to.
        did: Did,
    },
    /// The method of the DID isn't one of the network's.
    #[error("{0} is neither did:plc nor did:web")]
    Method(Did),
    /// There is no such DID.
    #[error("{0} does not exist")]
    NoSuchDid(Did),
    /// The DID existed, and was given up for good.
    #[error("{0} was deleted")]
    Tombstoned(Did),
    /// The DID document can't be had.
    #[error("the document of {did} can't be had: {error}")]
    Document {
        /// Which DID.
        did: Did,
        /// Why.
        error: FetchError,
    },
    /// The DID document can't be used.
    #[error("the document of {did} can't be used: {error}")]
    BadDocument {
        /// Which DID.
        did: Did,
        /// Why.
        error: DocumentError,
    },
    /// The PDS doesn't say which authorization server it uses.
    #[error("{resource} doesn't name its authorization server: {error}")]
    Resource {
        /// Which PDS.
        resource: Issuer,
        /// Why.
        error: FetchError,
    },
    /// What the PDS says of its authorization server can't be used.
    #[error("{resource} doesn't name its authorization server properly: {error}")]
    BadResource {
        /// Which PDS.
        resource: Issuer,
        /// Why.
        error: ResourceMetadataError,
    },
    /// The authorization server doesn't describe itself.
    #[error("{issuer} is no authorization server that can be used: {error}")]
    Server {
        /// Which server.
        issuer: Issuer,
        /// Why.
        error: FetchError,
    },
    /// The authorization server departs from the profile.
    #[error("{issuer} departs from the atproto profile: {}", list(.departures))]
    BadServer {
        /// Which server.
        issuer: Issuer,
        /// Each departure.
        departures: Vec<ServerMetadataError>,
    },
    /// The account's own authorization server is another one.
    #[error("{got} spoke for {did}, whose authorization server is {expected}")]
    Subject {
        /// The account.
        did: Did,
        /// Its server.
        expected: Issuer,
        /// The server that spoke for it.
        got: Issuer,
    },
}

fn list(departures: &[ServerMetadataError]) -> String {
    let texts: Vec<_> = departures.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

impl IdentityError {
    /// Why a document can't be had, told apart as the directory tells it.
    pub(crate) fn of_document(did: &Did, error: FetchError) -> Self {
        match error.stage {
            Stage::Status { status: 404, .. } => Self::NoSuchDid(did.clone()),
            Stage::Status { status: 410, .. } => Self::Tombstoned(did.clone()),
            _ => Self::Document {
                did: did.clone(),
                error,
            },
        }
    }

    /// Whether the same may succeed a little later.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Handle { error, .. } => error.is_transient(),
            Self::Document { error, .. }
            | Self::Resource { error, .. }
            | Self::Server { error, .. } => error.is_transient(),
            Self::HandleNotClaimed { .. }
            | Self::Method(_)
            | Self::NoSuchDid(_)
            | Self::Tombstoned(_)
            | Self::BadDocument { .. }
            | Self::BadResource { .. }
            | Self::BadServer { .. }
            | Self::Subject { .. } => false,
        }
    }
}
