//! Watching discovery step by step.

use std::fmt;
use std::sync::Arc;

/// A step of discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The handle's TXT record.
    HandleDns,
    /// The handle's own host.
    HandleHttps,
    /// A server that resolves handles.
    HandleServer,
    /// The DID document.
    Document,
    /// What the PDS says of its authorization server.
    ResourceMetadata,
    /// What the authorization server says of itself.
    ServerMetadata,
    /// The TXT record that names who publishes a group of lexicons.
    LexiconDns,
    /// A lexicon's record, with its proof.
    LexiconRecord,
}

impl Step {
    /// A name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HandleDns => "handle_dns",
            Self::HandleHttps => "handle_https",
            Self::HandleServer => "handle_server",
            Self::Document => "did_document",
            Self::ResourceMetadata => "resource_metadata",
            Self::ServerMetadata => "server_metadata",
            Self::LexiconDns => "lexicon_dns",
            Self::LexiconRecord => "lexicon_record",
        }
    }

    /// A name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::HandleDns => "handle by DNS",
            Self::HandleHttps => "handle by HTTPS",
            Self::HandleServer => "handle by a server",
            Self::Document => "DID document",
            Self::ResourceMetadata => "PDS metadata",
            Self::ServerMetadata => "server metadata",
            Self::LexiconDns => "lexicon by DNS",
            Self::LexiconRecord => "lexicon record",
        }
    }
}

/// Is told of each step that is really made; what a cache answers isn't one.
pub trait Observer: Send + Sync + 'static {
    /// A step begins, with what it asks.
    fn began(&self, step: Step, asks: &str);

    /// An answer came, with these headers.
    fn answered(&self, step: Step, headers: &http::HeaderMap) {
        let _ = (step, headers);
    }

    /// It ended: found something, or failed for a reason. A step that was given up, because another
    /// one made it pointless, doesn't end.
    fn ended(&self, step: Step, found: Result<&str, &str>);
}

/// An observer, or none.
#[derive(Clone, Default)]
pub(crate) struct Watch(pub(crate) Option<Arc<dyn Observer>>);

impl Watch {
    /// Tells of an answer's headers.
    pub(crate) fn answered<T>(&self, step: Step, answer: &http::Response<T>) {
        if let Some(observer) = &self.0 {
            observer.answered(step, answer.headers());
        }
    }

    /// Makes a step under observation.
    pub(crate) async fn step<T: fmt::Display, E: fmt::Display>(
        &self,
        step: Step,
        asks: String,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(observer) = &self.0 else {
            return work.await;
        };
        observer.began(step, &asks);
        let result = work.await;
        match &result {
            Ok(found) => observer.ended(step, Ok(&found.to_string())),
            Err(error) => observer.ended(step, Err(&error.to_string())),
        }
        result
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}
