//! A database on PostgreSQL that grows.

use std::fmt::Write as _;
use std::ops::Sub;
use std::path::{Path, PathBuf};
use std::pin::pin;

use anyhow::{Context, Result, bail};
use atpass_protocol::seal::SealingKeys;
use atpass_store::{PostgresConfig, PostgresStore};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::SinkExt;
use tokio_postgres::{Client, NoTls};

use crate::apps::{SCOPE, stored};
use crate::population::{AUDIENCE, PASSWORD_HASH, Population, accounts_of};
use crate::stored::Sizes;
use crate::usage;

/// Bytes of one message of a COPY.
const MESSAGE: usize = 256 * 1024;
const NAME: &str = "growth";

/// What the server is set to while rows are loaded: what is lost in a crash is made again.
const LOADING: [(&str, &str); 4] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_wal_size", "'8GB'"),
];

/// A database on a server that is ours alone.
pub(crate) struct PostgresDatabase {
    url: String,
    client: Client,
    master: SealingKeys,
    folder: PathBuf,
    postmaster: u32,
}

/// What the server counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    /// Bytes of the write-ahead log.
    pub(crate) log_bytes: i64,
    /// Whole pages in it, of those that changed for the first time since a checkpoint.
    pub(crate) log_pages: i64,
    /// How often it was flushed to the disk.
    pub(crate) log_flushes: i64,
    /// Rows of sessions that changed, and those of them that touched no index.
    pub(crate) updates: i64,
    pub(crate) hot_updates: i64,
    /// Pages of all tables and indexes that weren't in the server's own memory.
    pub(crate) pages_read: i64,
}

impl Sub for Counters {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            log_bytes: self.log_bytes - before.log_bytes,
            log_pages: self.log_pages - before.log_pages,
            log_flushes: self.log_flushes - before.log_flushes,
            updates: self.updates - before.updates,
            hot_updates: self.hot_updates - before.hot_updates,
            pages_read: self.pages_read - before.pages_read,
        }
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // It ends with the client.
    tokio::spawn(connection);
    Ok(client)
}

impl PostgresDatabase {
    /// A new one, on a server reached as its superuser.
    pub(crate) async fn new(server: &str, master: SealingKeys) -> Result<Self> {
        let (base, _) = server.rsplit_once('/').context("a URL with a database")?;
        let url = format!("{base}/{NAME}");
        let superuser = connect(server).await?;
        superuser
            .batch_execute(&format!("CREATE DATABASE {NAME}"))
            .await?;
        let client = connect(&url).await?;
        let row = client
            .query_one(
                "SELECT pg_backend_pid(), current_setting('data_directory')",
                &[],
            )
            .await?;
        let (backend, folder): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
        let database = Self {
            postmaster: usage::parent_of(u32::try_from(backend)?)?,
            folder: PathBuf::from(folder),
            url,
            client,
            master,
        };
        PostgresStore::migrate(&database.config()?).await?;
        Ok(database)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) const fn postmaster(&self) -> u32 {
        self.postmaster
    }

    fn config(&self) -> Result<PostgresConfig> {
        Ok(PostgresConfig::new(&self.url, self.master.clone())?)
    }

    pub(crate) async fn open(&self) -> Result<PostgresStore> {
        Ok(PostgresStore::open(&self.config()?).await?)
    }

    /// The settings that the numbers depend on.
    pub(crate) async fn settings(&self) -> Result<String> {
        let sql = "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings
            WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size',
                'checkpoint_timeout', 'wal_compression', 'server_version')";
        Ok(self.client.query_one(sql, &[]).await?.try_get(0)?)
    }

    pub(crate) async fn checkpoint(&self) -> Result<()> {
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }

    /// Stores the sessions from one number up to another, with their accounts. The indexes are there all the time,
    /// so that they are as full as those of a database that grew over years.
    pub(crate) async fn grow(&self, population: &Population, from: u64, to: u64) -> Result<()> {
        self.set(&LOADING).await?;
        let others = connect(&self.url).await?;
        let accounts = copy(
            &others,
            "COPY accounts (did, handle, email, password_hash, audience, created_at, active) FROM STDIN",
            accounts_of(from)..accounts_of(to),
            |number, line| account(population, number, line),
        );
        let sessions = copy(
            &self.client,
            "COPY sessions (id, did, client_id, jkt, client_key, scope, generation, rotated_at, created_at,
                expires_at, refresh_expires_at, ended_at, end_reason) FROM STDIN",
            from..to,
            |number, line| session(population, number, line),
        );
        futures::try_join!(accounts, sessions)?;
        self.client
            .batch_execute("VACUUM (ANALYZE) sessions, accounts")
            .await?;
        self.set(&[]).await?;
        self.checkpoint().await?;
        // Without fsync the server has left it to the system when to write.
        let synced = tokio::process::Command::new("sync").status().await?;
        if !synced.success() {
            bail!("`sync` ended with {synced}");
        }
        Ok(())
    }

    /// Has the server follow these settings, and otherwise those that it was started with.
    async fn set(&self, settings: &[(&str, &str)]) -> Result<()> {
        self.client.batch_execute("ALTER SYSTEM RESET ALL").await?;
        for (name, value) in settings {
            let sql = format!("ALTER SYSTEM SET {name} = {value}");
            self.client.batch_execute(&sql).await?;
        }
        Ok(self.client.batch_execute("SELECT pg_reload_conf()").await?)
    }

    /// What is on the disk.
    pub(crate) async fn sizes(&self) -> Result<Sizes> {
        let sql = "SELECT pg_total_relation_size('sessions'), pg_total_relation_size('accounts')";
        let row = self.client.query_one(sql, &[]).await?;
        let bytes = |place: usize| -> Result<u64> {
            let bytes: i64 = row.try_get(place)?;
            Ok(u64::try_from(bytes)?)
        };
        Ok(Sizes {
            sessions: bytes(0)?,
            accounts: bytes(1)?,
        })
    }

    /// Those of tables come up to ten seconds late, while a connection is idle.
    pub(crate) async fn counters(&self) -> Result<Counters> {
        let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                (SELECT wal_fpi FROM pg_stat_wal), (SELECT wal_sync FROM pg_stat_wal),
                n_tup_upd, n_tup_hot_upd,
                (SELECT blks_read FROM pg_stat_database WHERE datname = current_database())
            FROM pg_stat_user_tables WHERE relname = 'sessions'";
        let row = self.client.query_one(sql, &[]).await?;
        Ok(Counters {
            log_bytes: row.try_get(0)?,
            log_pages: row.try_get(1)?,
            log_flushes: row.try_get(2)?,
            updates: row.try_get(3)?,
            hot_updates: row.try_get(4)?,
            pages_read: row.try_get(5)?,
        })
    }
}

/// Loads rows: `line` appends the text of one.
async fn copy(
    client: &Client,
    sql: &str,
    numbers: std::ops::Range<u64>,
    line: impl Fn(u64, &mut String) -> Result<()>,
) -> Result<()> {
    let mut sink = pin!(client.copy_in::<_, Bytes>(sql).await?);
    let mut message = String::with_capacity(MESSAGE + 1024);
    for number in numbers {
        line(number, &mut message)?;
        if message.len() >= MESSAGE {
            let full = std::mem::replace(&mut message, String::with_capacity(MESSAGE + 1024));
            sink.send(Bytes::from(full)).await?;
        }
    }
    sink.send(Bytes::from(message)).await?;
    sink.finish().await?;
    Ok(())
}

fn account(population: &Population, number: u64, line: &mut String) -> Result<()> {
    let account = population.account(number);
    writeln!(
        line,
        "{}\t{}\t{}\t{PASSWORD_HASH}\t{AUDIENCE}\t{}\tt",
        account.did,
        account.handle,
        account.email,
        population.now.as_secs(),
    )?;
    Ok(())
}

fn session(population: &Population, number: u64, line: &mut String) -> Result<()> {
    let session = population.session(number);
    let app = &population.apps[session.app];
    let jkt = HEXLOWER.encode(&stored(population.keys[session.key].thumbprint()));
    // Without a backslash, which would need another.
    let client_key = app.key.as_ref().map_or("\\N", |key| &key.stored);
    write!(
        line,
        "{}\t{}\t{}\t\\\\x{jkt}\t{client_key}\t{SCOPE}\t{}\t{}\t{}\t{}\t{}\t",
        session.id.as_i64(),
        session.did,
        app.id.as_str(),
        session.generation,
        session.rotated_at.as_secs(),
        session.created_at.as_secs(),
        session.expires_at.as_secs(),
        session.refresh_expires_at.as_secs(),
    )?;
    match session.ended_at {
        None => writeln!(line, "\\N\t\\N")?,
        Some(at) => writeln!(line, "{}\trevoked", at.as_secs())?,
    }
    Ok(())
}
