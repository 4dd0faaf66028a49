//! The client against servers that break the protocol, and against those that keep to it in a way of
//! their own: what is refused leaves nothing behind.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod answers;
mod app;
mod callbacks;
mod calls;
mod clocks;
mod fake;
mod good;
mod keys;
mod logout;
mod loopback;
mod nonces;
mod races;
mod refresh;
mod scopes;
mod secrets;
mod stuck;
mod tokens;
