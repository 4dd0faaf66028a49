//! Lexicons resolved over real sockets, from repositories of the test's own, good and bad.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod archives;
mod cache;
mod good;
mod records;
mod row;
mod scene;
mod trees;
mod way;
