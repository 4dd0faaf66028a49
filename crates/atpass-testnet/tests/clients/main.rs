//! Clients with metadata documents, over real TLS and DNS: what is fetched, what is refused, and how
//! confidential clients prove who they are.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod assertions;
mod documents;
mod outages;
mod pages;
mod sessions;
mod site;
mod week;
