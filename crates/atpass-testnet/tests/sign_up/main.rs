//! New accounts on the authorization server's pages, over HTTP, with a raw app and a raw browser.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;

mod form;
mod limits;
mod scene;
mod way;
