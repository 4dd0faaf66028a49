//! What an operator asks and does.

use async_trait::async_trait;
use atpass_entryway::store::{AccountRecord, Taken};
use atpass_protocol::id::{ClientId, Did};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::{Account, Identifier};
use atpass_provider::store::{EndReason, SessionRecord, StoreError};
use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use super::pool::{Failure, query, query_one, rows, run, transact};
use super::row::Columns;
use super::{PostgresStore, accounts, entryway, nodes, seen, sessions, void};
use crate::database::{AccountDetails, Counts, NodeRecord, OperatorStore, SessionFilter};
use crate::void::Voided;

#[async_trait]
impl OperatorStore for PostgresStore {
    async fn find_sessions(
        &self,
        filter: &SessionFilter,
        limit: u32,
        now: UnixTime,
    ) -> Result<(Vec<SessionRecord>, i64), StoreError> {
        run!(self, |db| find_sessions(db, filter, limit, now))
    }

    async fn end_sessions(
        &self,
        filter: &SessionFilter,
        now: UnixTime,
    ) -> Result<usize, StoreError> {
        run!(self, |db| end_sessions(db, filter, now))
    }

    async fn account_details(
        &self,
        of: Option<&Identifier>,
        now: UnixTime,
    ) -> Result<Vec<AccountDetails>, StoreError> {
        run!(self, |db| account_details(db, of, now))
    }

    async fn counts(&self, now: UnixTime) -> Result<Counts, StoreError> {
        run!(self, |db| counts(db, now))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let ask = "SELECT oldest_program FROM database_state";
        run!(self, |db| query_one(db, ask, &[])).map(drop)
    }

    async fn size(&self) -> Result<(u64, u64), StoreError> {
        let ask = "SELECT pg_database_size(current_database())";
        let row = run!(self, |db| query_one(db, ask, &[]))?;
        let bytes: i64 = row.try_get(0).map_err(Failure::from)?;
        Ok((bytes.unsigned_abs(), 0))
    }

    async fn add_account(&self, account: &AccountRecord) -> Result<Result<(), Taken>, StoreError> {
        let account = entryway::in_lower_case(account);
        transact!(self, |db| entryway::add(db, &account))
    }

    async fn set_password(
        &self,
        did: &Did,
        hash: &str,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        transact!(self, |db| accounts::set_password(db, did, hash, now))
    }

    async fn replace_password(&self, did: &Did, hash: &str) -> Result<bool, StoreError> {
        transact!(self, |db| accounts::write_password(db, did, hash))
    }

    async fn set_active(
        &self,
        did: &Did,
        active: bool,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        transact!(self, |db| accounts::set_active(db, did, active, now))
    }

    async fn remove_account(
        &self,
        did: &Did,
        now: UnixTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        transact!(self, |db| accounts::remove(db, did, now))
    }

    async fn void_spent(&self, now: UnixTime) -> Result<Voided, StoreError> {
        Ok(void::spent(self.own_connection().await?, now).await?)
    }

    async fn meet(&self, node: &NodeRecord) -> Result<Vec<NodeRecord>, StoreError> {
        run!(self, |db| nodes::meet(db, node))?;
        self.nodes(node.seen_at).await
    }

    async fn nodes(&self, now: UnixTime) -> Result<Vec<NodeRecord>, StoreError> {
        run!(self, |db| nodes::all(db, now))
    }

    async fn leave(&self, node: &[u8; 16]) -> Result<(), StoreError> {
        run!(self, |db| nodes::leave(db, node))
    }

    async fn note_use(
        &self,
        key: &[u8],
        until: UnixTime,
        now: UnixTime,
    ) -> Result<bool, StoreError> {
        run!(self, |db| seen::note(db, key, until, now))
    }
}

/// Conditions for live sessions, and their values. Only what is given is asked for, so that an index serves it.
struct Fitting {
    conditions: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Fitting {
    fn new(filter: &SessionFilter, now: UnixTime) -> Self {
        let mut fitting = Self {
            conditions: vec![
                "ended_at IS NULL AND expires_at > $1 AND refresh_expires_at > $1".into(),
            ],
            values: vec![Box::new(now.as_secs())],
        };
        fitting.and("id", filter.id.map(SessionId::as_i64));
        fitting.and("did", filter.did.as_ref().map(Did::to_string));
        let client_id = filter.client_id.as_ref();
        fitting.and("client_id", client_id.map(ClientId::to_string));
        let jkt = filter.jkt.as_ref();
        fitting.and("jkt", jkt.map(|jkt| jkt.as_bytes().to_vec()));
        fitting
    }

    fn and<T: ToSql + Sync + Send + 'static>(&mut self, column: &str, value: Option<T>) {
        if let Some(value) = value {
            self.values.push(Box::new(value));
            let number = self.values.len();
            self.conditions.push(format!("{column} = ${number}"));
        }
    }

    fn conditions(&self) -> String {
        self.conditions.join(" AND ")
    }

    fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let values = self.values.iter();
        values
            .map(|value| &**value as &(dyn ToSql + Sync))
            .collect()
    }
}

async fn find_sessions(
    db: &impl GenericClient,
    filter: &SessionFilter,
    limit: u32,
    now: UnixTime,
) -> Result<(Vec<SessionRecord>, i64), Failure> {
    let fitting = Fitting::new(filter, now);
    let conditions = fitting.conditions();
    // One statement, so one snapshot for the count and the rows.
    let sql = format!(
        "SELECT {}, (SELECT count(*) FROM sessions WHERE {conditions}) AS total
        FROM sessions WHERE {conditions} ORDER BY created_at DESC, id LIMIT {limit}",
        sessions::columns!()
    );
    let found = query(db, &sql, &fitting.values()).await?;
    let total = match found.first() {
        Some(row) => row.try_get("total")?,
        None if limit > 0 => 0,
        None => {
            let sql = format!("SELECT count(*) FROM sessions WHERE {conditions}");
            query_one(db, &sql, &fitting.values()).await?.try_get(0)?
        }
    };
    let sessions: Result<_, _> = found.iter().map(sessions::read).collect();
    Ok((sessions?, total))
}

async fn end_sessions(
    db: &impl GenericClient,
    filter: &SessionFilter,
    now: UnixTime,
) -> Result<usize, Failure> {
    let fitting = Fitting::new(filter, now);
    let sql = format!(
        "WITH ended AS (
            UPDATE sessions SET ended_at = $1, end_reason = '{}' WHERE {}
            RETURNING did, client_id
        ), forgotten AS (
            DELETE FROM approvals USING ended
            WHERE approvals.did = ended.did AND approvals.client_id = ended.client_id
        )
        SELECT count(*) FROM ended",
        EndReason::Operator.as_str(),
        fitting.conditions()
    );
    let ended: i64 = query_one(db, &sql, &fitting.values()).await?.try_get(0)?;
    Ok(rows(ended.unsigned_abs()))
}

async fn account_details(
    db: &impl GenericClient,
    of: Option<&Identifier>,
    now: UnixTime,
) -> Result<Vec<AccountDetails>, Failure> {
    let (column, value) = match of {
        None => ("did", None),
        Some(Identifier::Did(did)) => ("did", Some(did.to_string())),
        Some(Identifier::Handle(handle)) => ("handle", Some(handle.to_string())),
        Some(Identifier::Email(email)) => ("email", Some(email.to_lowercase())),
    };
    let sql = format!(
        "SELECT did, handle, email, audience, active,
            (SELECT count(*) FROM sessions WHERE sessions.did = accounts.did AND ended_at IS NULL
                AND expires_at > $1 AND refresh_expires_at > $1) AS sessions,
            (SELECT count(*) FROM device_accounts JOIN devices ON devices.id = device
                WHERE device_accounts.did = accounts.did AND expires_at > $1) AS browsers
        FROM accounts WHERE sign_up IS NULL AND ($2::text IS NULL OR {column} = $2)
        ORDER BY handle COLLATE \"C\""
    );
    let mut found = Vec::new();
    for row in &query(db, &sql, &[&now.as_secs(), &value]).await? {
        let columns = Columns {
            table: "accounts",
            row,
        };
        found.push(AccountDetails {
            account: Account {
                did: columns.parse("did")?,
                handle: columns.parse("handle")?,
                audience: columns.parse("audience")?,
                active: columns.get("active")?,
            },
            email: columns.get("email")?,
            sessions: columns.get("sessions")?,
            browsers: columns.get("browsers")?,
        });
    }
    Ok(found)
}

async fn counts(db: &impl GenericClient, now: UnixTime) -> Result<Counts, Failure> {
    let sql = "SELECT (SELECT count(*) FROM accounts),
        (SELECT count(*) FROM sessions
            WHERE ended_at IS NULL AND expires_at > $1 AND refresh_expires_at > $1),
        (SELECT count(*) FROM sessions), pg_database_size(current_database())";
    let row = query_one(db, sql, &[&now.as_secs()]).await?;
    Ok(Counts {
        accounts: row.try_get(0)?,
        live_sessions: row.try_get(1)?,
        sessions: row.try_get(2)?,
        bytes: row.try_get(3)?,
    })
}
