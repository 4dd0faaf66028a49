//! The commands, one module each.

pub(crate) mod account;
pub(crate) mod client;
pub(crate) mod client_lint;
pub(crate) mod config;
pub(crate) mod database;
pub(crate) mod dev;
pub(crate) mod discover;
pub(crate) mod entryway;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod lexicon;
pub(crate) mod scope;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod store;
