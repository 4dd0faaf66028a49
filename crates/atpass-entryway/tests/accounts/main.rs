//! Accounts' making, and their handles, against a PDS and a directory that are scripted.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod change_handle;
mod pds;
mod sign_up;
mod support;
mod well_known;
