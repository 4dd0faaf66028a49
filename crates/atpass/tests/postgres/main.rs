//! The program on PostgreSQL: its commands, several servers, and PostgreSQL away.
//!
//! | File | holds |
//! | --- | --- |
//! | `support` | a database of a test's own, and a way to it that can be cut |
//! | `configured` | what is wrong is told, and no secret with it |
//! | `commands` | an operator's commands beside a running server |
//! | `copied` | from SQLite, and back in time |
//! | `nodes` | two servers, and PostgreSQL away |
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../../../atpass-testnet/tests/common/mod.rs"]
mod common;
#[path = "../program/mod.rs"]
mod program;

mod commands;
mod configured;
mod copied;
mod nodes;
mod support;
