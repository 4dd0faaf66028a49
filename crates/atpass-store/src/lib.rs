//! The authorization server's memory, on SQLite.
//!
//! [`SqliteStore`] is the [`atpass_provider::store::Store`], [`SqliteAccounts`] the
//! [`atpass_provider::accounts::Accounts`], in one database file. All writing is done by one
//! thread that commits whatever waits in one go, with full durability; reading is done beside it.
//!
//! Whoever writes another backend runs [`contract::check_store_contract`] against it, and
//! [`contract::check_entryway_store_contract`] where it is an entryway's.

pub mod contract;
mod sqlite;

pub use sqlite::{
    AccountDetails, AccountError, Backup, BackupError, Counts, NewAccount, OpenError, Progress,
    Restored, SchemaVersions, SessionFilter, Since, SqliteAccounts, SqliteReplay, SqliteStore,
    Voided,
};
