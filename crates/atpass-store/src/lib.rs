//! The authorization server's memory, on SQLite or PostgreSQL.
//!
//! A [`Database`] is the [`atpass_provider::store::Store`], an entryway's
//! [`atpass_entryway::store::EntrywayStore`], and what operators ask and do ([`OperatorStore`]).
//! [`SqliteStore`] keeps it in one file: all writing is done by one thread that commits whatever waits
//! in one go, with full durability; reading is done beside it. [`PostgresStore`] keeps it where any number
//! of servers share it. [`StoredAccounts`] are the [`atpass_provider::accounts::Accounts`] in either.
//!
//! Whoever writes another backend runs [`contract::check_store_contract`] against it, and
//! [`contract::check_entryway_store_contract`] where it is an entryway's.

mod accounts;
pub mod contract;
mod copy;
mod database;
mod postgres;
mod replay;
mod sqlite;
mod void;

pub use accounts::{AccountError, NewAccount, StoredAccounts};
pub use copy::{Copied, CopyError, CopyProgress, copy_to_postgres, give_copy_up};
pub use database::{
    AccountDetails, Counts, Database, NodeRecord, OperatorStore, SchemaVersions, SessionFilter,
};
pub use postgres::{PostgresConfig, PostgresConfigError, PostgresOpenError, PostgresStore};
pub use replay::StoredReplay;
pub use sqlite::{Backup, BackupError, OpenError, Progress, Restored, Since, SqliteStore};
pub use void::Voided;
