//! Discovery against real sockets: a DNS server, TLS hosts and a directory of the test's own.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod addresses;
mod documents;
mod good;
mod handles;
mod hostile_door;
mod metadata;
mod row;
mod scene;
