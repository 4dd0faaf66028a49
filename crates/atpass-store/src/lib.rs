//! The authorization server's store, on SQLite.
