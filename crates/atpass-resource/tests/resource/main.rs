//! A resource server behind its layer, asked over HTTP, by the clauses RS-*.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod fixture;
mod issuers;
mod proofs;
#[cfg(feature = "remote")]
mod remote_keys;
mod requests;
mod tokens;
