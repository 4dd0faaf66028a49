//! What official PDSes forward, over HTTP: sessions of old apps, codes by letter, app passwords, accounts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod account;
mod app_password;
mod email;
mod input;
mod service_auth;
mod session;
mod support;
