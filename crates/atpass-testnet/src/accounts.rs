//! The accounts of a development network.

use std::sync::Arc;

use anyhow::Context;
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::jose::PrivateKey;
use data_encoding::BASE32_NOPAD;
use serde::Serialize;

/// An account of a development network, as it is announced to whoever started it.
#[derive(Clone, Debug, Serialize)]
pub struct DevAccount {
    /// Who it is. The same at each start.
    pub did: Did,
    /// What it is called.
    pub handle: Handle,
    /// Its password. No secret: it signs in on this machine only.
    pub password: &'static str,
    /// The key with which it signs what it sends to other services.
    #[serde(skip)]
    pub(crate) key: Arc<PrivateKey>,
}

/// The accounts that are always there, and their passwords.
const ACCOUNTS: [(&str, &str); 2] = [("alice.test", "wonderland"), ("bob.test", "workshop")];

/// The DID of the resource server: the audience of the network's tokens.
pub(crate) const AUDIENCE: &str = "did:web:localhost";

/// The accounts, with new keys.
pub(crate) fn dev_accounts() -> anyhow::Result<Vec<DevAccount>> {
    let accounts = ACCOUNTS.into_iter().map(|(handle, password)| {
        let key = PrivateKey::generate().context("make an account's key")?;
        Ok(DevAccount {
            did: dev_did(handle)?,
            handle: Handle::parse(handle)?,
            password,
            key: Arc::new(key),
        })
    });
    accounts.collect()
}

/// A `did:plc` in form, made from the handle, so that it is the same at each start.
fn dev_did(handle: &str) -> anyhow::Result<Did> {
    let digest =
        atpass_protocol::secret::Secret::new(format!("atpass development account {handle}"))
            .sha256();
    let mut name = BASE32_NOPAD.encode(&digest).to_ascii_lowercase();
    name.truncate(24);
    Ok(Did::parse(&format!("did:plc:{name}"))?)
}
