//! What an operator asks and does.

use std::path::Path;

use async_trait::async_trait;
use atpass_entryway::store::{AccountRecord, Taken};
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::jose::Jkt;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use atpass_provider::store::{EndReason, SessionRecord, StoreError};
use rusqlite::{Connection, ToSql, named_params};

use super::row::{Columns, unavailable};
use super::{SqliteStore, accounts, entryway, seen, sessions, void};
use crate::database::{AccountDetails, Counts, NodeRecord, OperatorStore, SessionFilter};
use crate::void::Voided;

/// What makes a session live, and the filter's conditions; a parameter that is NULL says nothing.
macro_rules! fits {
    () => {
        "ended_at IS NULL AND expires_at > :now AND refresh_expires_at > :now
        AND (:id IS NULL OR id = :id) AND (:did IS NULL OR did = :did)
        AND (:client_id IS NULL OR client_id = :client_id) AND (:jkt IS NULL OR jkt = :jkt)"
    };
}

#[async_trait]
impl OperatorStore for SqliteStore {
    async fn find_sessions(
        &self,
        filter: &SessionFilter,
        limit: u32,
        now: UnixTime,
    ) -> Result<(Vec<SessionRecord>, i64), StoreError> {
        let filter = filter.clone();
        self.read(move |db| find_sessions(db, &filter, limit, now))
            .await
    }

    async fn end_sessions(
        &self,
        filter: &SessionFilter,
        now: UnixTime,
    ) -> Result<usize, StoreError> {
        let filter = filter.clone();
        self.write(move |db| end_sessions(db, &filter, now)).await
    }

    async fn account_details(
        &self,
        of: Option<&Identifier>,
        now: UnixTime,
    ) -> Result<Vec<AccountDetails>, StoreError> {
        let of = of.cloned();
        self.read(move |db| account_details(db, of.as_ref(), now))
            .await
    }

    async fn counts(&self, now: UnixTime) -> Result<Counts, StoreError> {
        self.read(move |db| counts(db, now)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let ask = |db: &Connection| {
            db.query_row("SELECT count(*) FROM secrets", [], |_| Ok(()))
                .map_err(unavailable)
        };
        self.read(ask).await
    }

    async fn size(&self) -> Result<(u64, u64), StoreError> {
        Ok(Self::file_sizes(self.path()))
    }

    async fn add_account(&self, account: &AccountRecord) -> Result<Result<(), Taken>, StoreError> {
        let account = entryway::in_lower_case(account);
        self.write(move |db| entryway::add(db, &account)).await
    }

    async fn set_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let (did, hash) = (did.clone(), hash.to_owned());
        self.write(move |db| accounts::set_password(db, &did, &hash, now))
            .await
    }

    async fn replace_password(&self, did: &Did, hash: &str) -> Result<bool, StoreError> {
        let (did, hash) = (did.clone(), hash.to_owned());
        self.write(move |db| accounts::write_password(db, &did, &hash))
            .await
    }

    async fn set_active(
        &self,
        did: &Did,
        active: bool,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let did = did.clone();
        self.write(move |db| accounts::set_active(db, &did, active, now))
            .await
    }

    async fn remove_account(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let did = did.clone();
        self.write(move |db| accounts::remove(db, &did, now)).await
    }

    async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError> {
        self.write(move |db| void::spent(db, now)).await
    }

    async fn meet(&self, _: &NodeRecord) -> Result<Vec<NodeRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn nodes(&self, _: UnixTime) -> Result<Vec<NodeRecord>, StoreError> {
        Ok(Vec::new())
    }

    async fn leave(&self, _: &[u8; 16]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn note_use(
        &self,
        key: &[u8],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        let key = key.to_vec();
        self.change(move |db| seen::note(db, &key, until, now))
            .await
    }
}

impl SqliteStore {
    /// Bytes of a database's file and of its log, as the file system says. Zero for what isn't
    /// there.
    pub fn file_sizes(path: &Path) -> (u64, u64) {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        (size(path), size(Path::new(&log)))
    }
}

fn find_sessions(
    db: &Connection,
    filter: &SessionFilter,
    limit: u32,
    now: UnixTime,
) -> Result<(Vec<SessionRecord>, i64), StoreError> {
    // One statement, so one snapshot for the count and the rows.
    let sql = concat!(
        "SELECT *, (SELECT count(*) FROM sessions WHERE ",
        fits!(),
        ") AS total FROM sessions WHERE ",
        fits!(),
        " ORDER BY created_at DESC, id LIMIT :limit"
    );
    let mut total = 0;
    let mut found = Vec::new();
    with(filter, now, |parameters| {
        let limit: (&str, &dyn ToSql) = (":limit", &limit);
        let mut select = db.prepare(sql)?;
        let mut rows = select.query([parameters, &[limit]].concat().as_slice())?;
        while let Some(row) = rows.next()? {
            total = row.get("total")?;
            found.push(sessions::read(row));
        }
        Ok(())
    })?;
    if limit == 0 {
        total = with(filter, now, |parameters| {
            let sql = concat!("SELECT count(*) FROM sessions WHERE ", fits!());
            db.query_row(sql, parameters, |row| row.get(0))
        })?;
    }
    let found: Result<_, _> = found.into_iter().collect();
    Ok((found?, total))
}

fn end_sessions(
    db: &Connection,
    filter: &SessionFilter,
    now: UnixTime,
) -> Result<usize, StoreError> {
    with(filter, now, |parameters| {
        let sql = concat!(
            "DELETE FROM approvals WHERE (did, client_id) IN (SELECT did, client_id FROM sessions WHERE ",
            fits!(),
            ")"
        );
        db.execute(sql, parameters)
    })?;
    let ended = with(filter, now, |parameters| {
        let set = format!(
            "ended_at = :now, end_reason = '{}'",
            EndReason::Operator.as_str()
        );
        db.execute(
            &format!("UPDATE sessions SET {set} WHERE {}", fits!()),
            parameters,
        )
    })?;
    Ok(ended)
}

/// Runs a statement with the filter's parameters.
fn with<T>(
    filter: &SessionFilter,
    now: UnixTime,
    run: impl FnOnce(&[(&str, &dyn ToSql)]) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let parameters = named_params! {
        ":now": now.as_secs(),
        ":id": filter.id.map(SessionId::as_i64),
        ":did": filter.did.as_ref().map(Did::as_str),
        ":client_id": filter.client_id.as_ref().map(ClientId::as_str),
        ":jkt": filter.jkt.as_ref().map(Jkt::as_bytes),
    };
    run(parameters).map_err(unavailable)
}

fn account_details(
    db: &Connection,
    of: Option<&Identifier>,
    now: UnixTime,
) -> Result<Vec<AccountDetails>, StoreError> {
    let (column, value) = match of {
        None => ("NULL", None),
        Some(Identifier::Did(did)) => ("did", Some(did.to_string())),
        Some(Identifier::Handle(handle)) => ("handle", Some(handle.to_string())),
        Some(Identifier::Email(email)) => ("email", Some(email.to_lowercase())),
    };
    let sql = format!(
        "SELECT *,
            (SELECT count(*) FROM sessions WHERE sessions.did = accounts.did AND ended_at IS NULL
                AND expires_at > :now AND refresh_expires_at > :now) AS sessions,
            (SELECT count(*) FROM device_accounts JOIN devices ON devices.id = device
                WHERE device_accounts.did = accounts.did AND expires_at > :now) AS browsers
        FROM accounts WHERE sign_up IS NULL AND (:value IS NULL OR {column} = :value) ORDER BY handle"
    );
    let mut select = db.prepare(&sql).map_err(unavailable)?;
    let mut rows = select
        .query(named_params! { ":now": now.as_secs(), ":value": value })
        .map_err(unavailable)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(unavailable)? {
        let columns = Columns::of("accounts", row);
        found.push(AccountDetails {
            account: accounts::read(&columns)?,
            email: columns.get("email")?,
            sessions: columns.get("sessions")?,
            browsers: columns.get("browsers")?,
        });
    }
    Ok(found)
}

fn counts(db: &Connection, now: UnixTime) -> Result<Counts, StoreError> {
    let count = |sql: &str| {
        db.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(unavailable)
    };
    Ok(Counts {
        accounts: count("SELECT count(*) FROM accounts")?,
        live_sessions: with(&SessionFilter::default(), now, |parameters| {
            let sql = concat!("SELECT count(*) FROM sessions WHERE ", fits!());
            db.query_row(sql, parameters, |row| row.get(0))
        })?,
        sessions: count("SELECT count(*) FROM sessions")?,
        bytes: count("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
    })
}
