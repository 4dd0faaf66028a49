//! Records in memory: just enough of a repository to show what a token may do.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use atpass_protocol::id::{Did, Nsid};
use atpass_protocol::secret::Secret;
use data_encoding::BASE32_NOPAD;
use serde::Serialize;
use serde_json::Value;

/// A record and where it lies.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) uri: String,
    pub(crate) cid: String,
    pub(crate) value: Value,
}

/// The most records of one account and collection.
const MOST_RECORDS: usize = 1000;

/// All records of all accounts, in the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Records(Mutex<BTreeMap<(Did, Nsid), BTreeMap<String, Record>>>);

/// Why a record wasn't written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteError {
    Exists,
    Full,
}

impl Records {
    pub(crate) fn create(
        &self,
        repo: &Did,
        collection: &Nsid,
        rkey: &str,
        value: Value,
    ) -> Result<Record, WriteError> {
        let record = Record {
            uri: format!("at://{repo}/{collection}/{rkey}"),
            cid: raw_cid(&value),
            value,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let records = all.entry((repo.clone(), collection.clone())).or_default();
        if records.contains_key(rkey) {
            return Err(WriteError::Exists);
        }
        if records.len() >= MOST_RECORDS {
            return Err(WriteError::Full);
        }
        records.insert(rkey.to_owned(), record.clone());
        Ok(record)
    }

    /// Newest first.
    pub(crate) fn list(&self, repo: &Did, collection: &Nsid, limit: usize) -> Vec<Record> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let records = all.get(&(repo.clone(), collection.clone()));
        records
            .into_iter()
            .flat_map(|records| records.values().rev())
            .take(limit)
            .cloned()
            .collect()
    }

    /// Removing what isn't there is no error, as in a real repository.
    pub(crate) fn delete(&self, repo: &Did, collection: &Nsid, rkey: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = all.get_mut(&(repo.clone(), collection.clone())) {
            records.remove(rkey);
        }
    }
}

/// The CID of the record's JSON as raw bytes (version 1, codec `raw`, SHA-256): a real name for what
/// is kept here, though not the one that a repository would give the same record.
fn raw_cid(value: &Value) -> String {
    let digest = Secret::new(value.to_string()).sha256();
    let bytes = [&[0x01, 0x55, 0x12, 0x20], &digest[..]].concat();
    format!("b{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}
