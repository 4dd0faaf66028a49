//! Permission sets from the network, with the proof of their repository, kept in a store.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_identity::{
    FoundLexicon, LexiconCache, LexiconError, LexiconLifetimes, LexiconSchema, LexiconStore,
    Resolver,
};
use atpass_protocol::id::Nsid;
use atpass_protocol::scope::PermissionSet;
use atpass_protocol::time::UnixTime;

use super::{PermissionSetProblem, PermissionSets};
use crate::lifetimes::Lifetimes;

/// The longest document of a permission set that is kept, in bytes: room for a thousand
/// permissions of the usual size.
const LONGEST: usize = 64 * 1024;

/// Permission sets as the network has them (clauses SC-INC-01, SC-INC-05). Cheap to clone.
#[derive(Clone)]
pub struct ResolvedPermissionSets {
    cache: LexiconCache,
    store: Arc<dyn LexiconStore>,
}

impl ResolvedPermissionSets {
    /// Sets that this resolver finds, kept in this store.
    pub fn new(resolver: Resolver, store: Arc<dyn LexiconStore>, lifetimes: &Lifetimes) -> Self {
        let lifetimes = LexiconLifetimes {
            stale_after: lifetimes.permission_set_stale,
            expires_after: lifetimes.permission_set_expiry,
            ..LexiconLifetimes::default()
        };
        let cache = LexiconCache::new(resolver, store.clone()).with_lifetimes(lifetimes);
        Self {
            cache: cache.with_check(|schema| read(schema).map(drop)),
            store,
        }
    }

    fn take(
        found: Result<FoundLexicon, LexiconError>,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem> {
        let found = found.map_err(|error| PermissionSetProblem {
            text: error.to_string(),
            is_transient: error.is_transient(),
        })?;
        if let Some(failure) = &found.failure {
            tracing::warn!(%failure, "a permission set can't be resolved anew; the last good one is used");
        }
        read(&found.schema).map_err(|text| PermissionSetProblem {
            text,
            is_transient: false,
        })
    }
}

/// Reads a set, or says why it isn't one.
fn read(schema: &LexiconSchema) -> Result<Arc<PermissionSet>, String> {
    let length = schema.document.to_string().len();
    if length > LONGEST {
        return Err(format!("it has {length} bytes; at most {LONGEST} are read"));
    }
    let set = PermissionSet::from_document(&schema.nsid, &schema.document);
    set.map(Arc::new).map_err(|error| error.to_string())
}

#[async_trait]
impl PermissionSets for ResolvedPermissionSets {
    async fn for_new_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem> {
        Self::take(self.cache.for_new_session(nsid, now).await)
    }

    async fn for_existing_session(
        &self,
        nsid: &Nsid,
        now: UnixTime,
    ) -> Result<Arc<PermissionSet>, PermissionSetProblem> {
        Self::take(self.cache.for_existing_session(nsid, now).await)
    }

    async fn known(&self, nsid: &Nsid) -> Option<Arc<PermissionSet>> {
        let kept = self.store.get(nsid).await.ok()??;
        let document = serde_json::from_str(&kept.document).ok()?;
        PermissionSet::from_document(nsid, &document)
            .ok()
            .map(Arc::new)
    }
}

impl fmt::Debug for ResolvedPermissionSets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedPermissionSets")
            .finish_non_exhaustive()
    }
}
