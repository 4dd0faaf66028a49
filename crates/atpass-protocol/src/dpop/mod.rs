//! Demonstrating proof of possession (RFC 9449): the proof, its verification, the nonces.
//!
//! A server holds a [`NonceKeeper`], in the [`Era`] of its memory of proofs, calls [`verify`] with
//! what it expects, and records the returned [`VerifiedProof::replay_key`] until
//! [`VerifiedProof::replay_until`]: verify first, record after (`atpass_replay::Proofs` is all of
//! that). A client makes proofs with [`DpopProof::sign`].

mod era;
mod nonce;
mod proof;
mod verify;

pub use era::Era;
pub use nonce::{NonceKeeper, NonceStatus};
pub use proof::{DpopProof, access_token_hash};
pub use verify::{DpopError, Expected, QueryPolicy, VerifiedProof, verify, verify_with};
