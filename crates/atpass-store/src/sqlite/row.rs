//! Columns into types. What can't be read is told with its table, never skipped.

use std::cell::Cell;
use std::str::FromStr;

use atpass_protocol::time::UnixTime;
use atpass_provider::store::StoreError;
use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::de::DeserializeOwned;

/// SQLite's own failures are the store's unavailability.
pub(super) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

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
    table: &'static str,
    row: &'a Row<'a>,
    /// Behind the column that was read last: most are read in their order.
    next: Cell<usize>,
}

impl<'a> Columns<'a> {
    pub(super) const fn of(table: &'static str, row: &'a Row<'a>) -> Self {
        let next = Cell::new(0);
        Self { table, row, next }
    }

    pub(super) fn corrupt(&self, column: &str, error: impl std::fmt::Display) -> StoreError {
        StoreError::Corrupt {
            table: self.table,
            detail: format!("{column}: {error}"),
        }
    }

    pub(super) fn get<T: FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.place(column)
            .and_then(|place| self.row.get(place))
            .map_err(|error| self.corrupt(column, error))
    }

    fn place(&self, column: &str) -> rusqlite::Result<usize> {
        let mut place = self.next.get();
        if self.row.as_ref().column_name(place) != Ok(column) {
            place = self.row.as_ref().column_index(column)?;
        }
        self.next.set(place + 1);
        Ok(place)
    }

    /// A text as it is in the row, without a copy.
    fn text(&self, column: &str) -> Result<&str, StoreError> {
        let value = self.place(column).and_then(|place| self.row.get_ref(place));
        let value = value.map_err(|error| self.corrupt(column, error))?;
        value.as_str().map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &str,
    ) -> Result<T, StoreError> {
        let text = self.text(column)?;
        text.parse().map_err(|error| self.corrupt(column, error))
    }

    /// A value that is kept as JSON, where there is one.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text: Option<String> = self.get(column)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| self.corrupt(column, error))
    }

    pub(super) fn time_if(&self, column: &str) -> Result<Option<UnixTime>, StoreError> {
        let seconds: Option<i64> = self.get(column)?;
        Ok(seconds.map(UnixTime::from_secs))
    }

    pub(super) fn time(&self, column: &str) -> Result<UnixTime, StoreError> {
        self.get(column).map(UnixTime::from_secs)
    }
}
