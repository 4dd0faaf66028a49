//! The way from a lexicon's name to its record: DNS, account, PDS, proof.

use std::sync::Arc;

use atpass_fetch::DnsError;
use atpass_protocol::id::{Did, Issuer, Nsid};
use atpass_protocol::text::shown;
use serde_json::Value;
use url::Url;

use super::error::{AuthorityError, LexiconError, LexiconStage, SchemaError};
use super::proof::{Claim, ProofError, verify_record};
use super::{COLLECTION, LexiconSchema};
use crate::discover::{Freshness, Resolver};
use crate::document::{DidDocument, DocumentError};
use crate::error::IdentityError;
use crate::observer::Step;

/// The content type of an archive.
const CAR_TYPE: &str = "application/vnd.ipld.car";

impl Resolver {
    /// Resolves a lexicon, with the proof that it is in its authority's repository
    /// (clause SC-INC-01). Nothing is kept but the account's document, for ten minutes.
    pub async fn lexicon(&self, nsid: &Nsid) -> Result<LexiconSchema, LexiconError> {
        // On the heap: it is large, and callers nest it in theirs.
        let found = Box::pin(self.find_lexicon(nsid)).await;
        found.map_err(|stage| LexiconError {
            nsid: nsid.clone(),
            stage,
        })
    }

    async fn find_lexicon(&self, nsid: &Nsid) -> Result<LexiconSchema, LexiconStage> {
        let did = self.lexicon_authority(nsid).await?;
        let known = self.document(&did, Freshness::Recent).await;
        let known = known.map_err(|error| LexiconStage::Account(error.into()))?;
        let found = self.lexicon_of(nsid, &known).await;
        let Err(LexiconStage::Fetch(_) | LexiconStage::Proof { .. }) = found else {
            return found;
        };
        // The account may have moved, or have a new key, since its document was read.
        match self.document(&did, Freshness::Anew).await {
            Ok(now) if now.pds() != known.pds() || now.signing_key() != known.signing_key() => {
                self.lexicon_of(nsid, &now).await
            }
            _ => found,
        }
    }

    /// The account whom DNS, or this program's configuration, names for the group of a lexicon.
    /// Nobody is asked for a group above it: each stands for itself.
    async fn lexicon_authority(&self, nsid: &Nsid) -> Result<Did, LexiconStage> {
        let group = group(nsid);
        if let Some(did) = self.shared.config.lexicon_authorities.get(&group) {
            return Ok(did.clone());
        }
        let mut labels: Vec<&str> = group.split('.').collect();
        labels.reverse();
        let name = format!("_lexicon.{}", labels.join("."));
        let ask = async {
            let texts = self.shared.fetcher.texts(&name).await;
            let texts = texts.map_err(AuthorityError::Dns)?;
            let claims: Vec<&str> = texts
                .iter()
                .filter_map(|text| text.strip_prefix("did="))
                .collect();
            match claims.as_slice() {
                [] => Err(AuthorityError::Dns(DnsError::NotFound)),
                [did] => Did::parse(did).map_err(|_| AuthorityError::Invalid),
                several => Err(AuthorityError::Ambiguous(several.len())),
            }
        };
        let asks = format!("TXT {name}");
        let did = self.watch.step(Step::LexiconDns, asks, ask).await;
        did.map_err(|error| LexiconStage::Authority { name, error })
    }

    /// Gets a lexicon from the PDS of the account with this document.
    async fn lexicon_of(
        &self,
        nsid: &Nsid,
        document: &Arc<DidDocument>,
    ) -> Result<LexiconSchema, LexiconStage> {
        let did = &document.id;
        let unusable = |error: DocumentError| {
            let did = did.clone();
            LexiconStage::Account(IdentityError::BadDocument { did, error }.into())
        };
        let pds = document.pds().map_err(unusable)?;
        let signing_key = document.signing_key().map_err(unusable)?;
        let url = record_url(&pds, did, nsid)
            .ok_or_else(|| unusable(DocumentError::PdsUrl(pds.to_string())))?;
        let ask = async {
            let archive = self.shared.fetcher.get_bytes(&url, &[CAR_TYPE]).await;
            let archive = archive.map_err(LexiconStage::Fetch)?;
            let claim = Claim {
                did,
                signing_key: &signing_key,
                path: &format!("{COLLECTION}/{nsid}"),
            };
            let record = verify_record(archive.body(), &claim).map_err(|error| match error {
                ProofError::Absent => LexiconStage::NotFound { did: did.clone() },
                error => LexiconStage::Proof {
                    did: did.clone(),
                    error,
                },
            })?;
            check(nsid, &record.value).map_err(LexiconStage::Schema)?;
            Ok(LexiconSchema {
                nsid: nsid.clone(),
                did: did.clone(),
                cid: record.cid,
                document: record.value,
            })
        };
        let asks = url.to_string();
        self.watch.step(Step::LexiconRecord, asks, ask).await
    }
}

/// The group of an NSID: all but its last segment, in lower case. `app.example.feed` for
/// `app.example.feed.authFull`.
fn group(nsid: &Nsid) -> String {
    let (group, _name) = nsid.as_str().rsplit_once('.').unwrap_or_default();
    group.to_ascii_lowercase()
}

fn record_url(pds: &Issuer, did: &Did, nsid: &Nsid) -> Option<Url> {
    let mut url = Url::parse(&pds.at("/xrpc/com.atproto.sync.getRecord")).ok()?;
    url.query_pairs_mut()
        .append_pair("did", did.as_str())
        .append_pair("collection", COLLECTION)
        .append_pair("rkey", nsid.as_str());
    Some(url)
}

/// Makes sure that a record is the lexicon that was asked for.
fn check(nsid: &Nsid, record: &Value) -> Result<(), SchemaError> {
    let member = |name| record.get(name);
    if member("$type").and_then(Value::as_str) != Some(COLLECTION) {
        return Err(SchemaError::Type);
    }
    if member("lexicon").and_then(Value::as_i64) != Some(1) {
        return Err(SchemaError::Version);
    }
    match member("id").and_then(Value::as_str) {
        Some(id) if id == nsid.as_str() => Ok(()),
        Some(id) => Err(SchemaError::Id(shown(id))),
        None => Err(SchemaError::Id("missing".into())),
    }
}
