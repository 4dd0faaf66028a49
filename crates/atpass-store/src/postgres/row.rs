//! Columns into types. What can't be read is told with its table, never skipped.

use std::str::FromStr;

use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::store::StoreError;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::pool::unavailable;

/// A value to keep as JSON, where there is one.
pub(super) fn to_json<T: serde::Serialize>(
    value: Option<&T>,
) -> Result<Option<String>, StoreError> {
    value
        .map(serde_json::to_string)
        .transpose()
        .map_err(unavailable)
}

/// A row of one table, for reading.
pub(super) struct Columns<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a Row,
}

impl Columns<'_> {
    pub(super) fn corrupt(&self, column: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            detail: format!("{column}: {error}"),
        }
    }

    pub(super) fn get<'a, T: FromSql<'a>>(&'a self, column: &str) -> Result<T, StoreError> {
        self.row
            .try_get(column)
            .map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        let text: &str = self.get(column)?;
        text.parse().map_err(|error| self.corrupt(column, error))
    }

    /// A value that is kept as JSON, where there is one.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text: Option<&str> = self.get(column)?;
        text.map(serde_json::from_str)
            .transpose()
            .map_err(|error| self.corrupt(column, error))
    }

    /// 32 bytes.
    pub(super) fn digest(&self, column: &str) -> Result<[u8; 32], StoreError> {
        let bytes: &[u8] = self.get(column)?;
        bytes
            .try_into()
            .map_err(|_| self.corrupt(column, "not 32 bytes"))
    }

    pub(super) fn generation(&self) -> Result<u32, StoreError> {
        let number: i64 = self.get("generation")?;
        number
            .try_into()
            .map_err(|error| self.corrupt("generation", error))
    }

    pub(super) fn session(&self, column: &str) -> Result<SessionId, StoreError> {
        self.get(column).map(SessionId::from_i64)
    }

    pub(super) fn time_if(&self, column: &str) -> Result<Option<UnixTime>, StoreError> {
        let seconds: Option<i64> = self.get(column)?;
        Ok(seconds.map(UnixTime::from_secs))
    }

    pub(super) fn time(&self, column: &str) -> Result<UnixTime, StoreError> {
        self.get(column).map(UnixTime::from_secs)
    }
}
