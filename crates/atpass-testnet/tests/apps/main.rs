//! Apps built on the client library, at a host of their own, with our servers: keys that are exchanged, a
//! backend that signs, crashes in the middle of a refresh, records that are sealed, clocks that are wrong.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/library.rs"]
mod library;

mod backend;
mod crashes;
mod keys;
mod records;
mod scene;
