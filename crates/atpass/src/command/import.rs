//! `atpass account import`: the accounts of a running official PDS.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use atpass_entryway::store::{AccountRecord, AppPasswordRecord, Imported, Taken};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_provider::password::Passwords;
use atpass_provider::store::StoreError;
use atpass_store::Database;
use clap::Args;
use futures::future::join_all;
use indicatif::{ProgressBar, ProgressStyle};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::Serialize;
use url::Url;

use crate::cli::DatabasePlace;
use crate::output::{many, print, print_json};

/// Accounts that are given to the store at once: it writes what waits in one go, so that they share a disk flush.
const BATCH: usize = 100;

/// Take over the accounts of an official PDS, which may go on running
///
/// Reads the PDS's account database, and changes nothing there. Handles, addresses, passwords, app passwords
/// and states come along; passwords go on working. It can be run again: an account that was taken over already
/// is brought up to date, until its owner signs in here or something about it is changed here; then it is left
/// alone. Where accounts can't be taken over, the others are, and the exit code is 1.
///
/// Beside a running PDS this must be able to read the files that SQLite keeps with the database (-wal, -shm).
/// Where there is a -wal without a -shm, SQLite makes one: run this as the PDS's own user then, or the PDS can't
/// open it. After the PDS was stopped in order there is neither, and none is made; don't start the PDS meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// DID of the PDS, such as did:web:pds.example.com
    #[arg(long, value_name = "DID")]
    pds: Did,
    /// Its account database: account.sqlite in its data folder. Options of `atpass` with the same purpose
    /// name ours: --data, --config
    #[arg(long, value_name = "FILE")]
    database: PathBuf,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: DatabasePlace,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    dry_run: bool,
    accounts: usize,
    new: usize,
    updated: usize,
    same: usize,
    /// Left alone: used or changed here since they came.
    kept: usize,
    problems: Vec<Problem>,
}

impl Report {
    fn count(&mut self, did: String, outcome: Result<Imported, String>) {
        match outcome {
            Ok(Imported::New) => self.new += 1,
            Ok(Imported::Updated) => self.updated += 1,
            Ok(Imported::Same) => self.same += 1,
            Ok(Imported::Kept) => self.kept += 1,
            Err(problem) => self.problems.push(Problem { did, problem }),
        }
    }
}

#[derive(Debug, Serialize)]
struct Problem {
    did: String,
    problem: String,
}

pub(crate) async fn run(import: &Import) -> anyhow::Result<ExitCode> {
    let (store, loaded) = import.place.open().await?;
    let configured = loaded.check()?.entryway;
    let known = configured.is_some_and(|plan| plan.config.pds(&import.pds).is_some());
    if !known {
        bail!(
            "no [[pds]] of the configuration has the DID {}; the accounts would get tokens that nobody takes",
            import.pds
        );
    }
    let source = Source::open(&import.database)?;
    let dids = source.dids()?;
    let progress = progress(dids.len(), import.json);
    let mut report = Report {
        dry_run: import.dry_run,
        accounts: dids.len(),
        ..Report::default()
    };
    let mut earlier = Earlier::default();
    for batch in dids.chunks(BATCH) {
        let taking = batch
            .iter()
            .map(|did| take_over(import, &source, &store, did));
        for (did, outcome) in batch.iter().zip(join_all(taking).await) {
            let outcome = outcome?.and_then(|(imported, account)| {
                if import.dry_run && imported != Imported::Kept {
                    earlier.add(account).map_err(|taken| taken.to_string())?;
                }
                Ok(imported)
            });
            let (Ok(did) | Err(did)) = did;
            report.count(did.clone(), outcome);
        }
        progress.inc(batch.len().try_into()?);
    }
    progress.finish_and_clear();
    if !import.dry_run {
        let Report { new, updated, .. } = report;
        let what = format!("pds={} new={new} updated={updated}", import.pds);
        crate::log::audit("accounts_imported", &what);
    }
    tell(&report, import.json)?;
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Takes one account over, or says why it can't be. An error is the store's own.
async fn take_over(
    import: &Import,
    source: &Source,
    store: &Arc<dyn Database>,
    did: &Result<String, String>,
) -> Result<Result<(Imported, AccountRecord), String>, StoreError> {
    let read = match did {
        Ok(did) => source.account(did, &import.pds),
        Err(_) => Err(anyhow!("its DID isn't a text")),
    };
    let (account, passwords) = match read {
        Ok(read) => read,
        Err(problem) => return Ok(Err(format!("{problem:#}"))),
    };
    let imported = store.import_account(&account, &passwords, import.dry_run);
    Ok(match imported.await? {
        Ok(imported) => Ok((imported, account)),
        Err(taken) => Err(taken.to_string()),
    })
}

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(report);
    }
    for Problem { did, problem } in &report.problems {
        anstream::eprintln!("{did}: {problem}");
    }
    let Report {
        new,
        updated,
        same,
        kept,
        ..
    } = report;
    let would = if report.dry_run {
        " A dry run: nothing was changed."
    } else {
        ""
    };
    print(&format!(
        "{}: {new} new, {updated} brought up to date, {same} as they were, {kept} left alone (used or changed here), {} not taken over.{would}",
        many(report.accounts, "account"),
        report.problems.len()
    ))
}

/// On a terminal, for people.
fn progress(count: usize, json: bool) -> ProgressBar {
    if json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count.try_into().unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} accounts, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What earlier accounts of a dry run would take: the store, where nothing is changed, doesn't know of it.
#[derive(Default)]
struct Earlier {
    handles: HashSet<Handle>,
    emails: HashSet<String>,
}

impl Earlier {
    /// Counts an account, unless an earlier one takes what it needs.
    fn add(&mut self, account: AccountRecord) -> Result<(), Taken> {
        if self.handles.contains(&account.handle) {
            return Err(Taken::Handle);
        }
        if let Some(email) = account.email
            && !self.emails.insert(email.to_lowercase())
        {
            return Err(Taken::Email);
        }
        self.handles.insert(account.handle);
        Ok(())
    }
}

/// The account database of an official PDS.
struct Source(Connection);

impl Source {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let open = || {
            let db = if is_closed(file)? {
                let mut url = Url::from_file_path(std::path::absolute(file)?)
                    .map_err(|()| anyhow!("its path can't be written as a URL"))?;
                url.set_query(Some("immutable=1"));
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                Connection::open_with_flags(url.as_str(), flags)?
            } else {
                Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?
            };
            // The PDS may be writing.
            db.busy_timeout(Duration::from_secs(10))?;
            db.query_row("SELECT count(*) FROM actor", [], |_| Ok(()))?;
            anyhow::Ok(db)
        };
        let shown = file.display();
        open()
            .map(Self)
            .with_context(|| format!("read {shown}: is it the account.sqlite of an official PDS?"))
    }

    /// All accounts that have a password here. An actor without one has it elsewhere: at an entryway. A DID that
    /// isn't a text is an error, to be shown as it is, and doesn't stop the others.
    fn dids(&self) -> anyhow::Result<Vec<Result<String, String>>> {
        let mut select = self.0.prepare("SELECT did FROM account ORDER BY did")?;
        let mut rows = select.query([])?;
        let mut dids = Vec::new();
        while let Some(row) = rows.next()? {
            let did = row.get_ref(0)?;
            dids.push(match (did.as_str(), did.as_bytes()) {
                (Ok(did), _) => Ok(did.to_owned()),
                (Err(_), Ok(bytes)) => Err(bytes.escape_ascii().to_string()),
                (Err(_), Err(_)) => Err(did.data_type().to_string()),
            });
        }
        Ok(dids)
    }

    fn account(
        &self,
        did: &str,
        pds: &Did,
    ) -> anyhow::Result<(AccountRecord, Vec<AppPasswordRecord>)> {
        let sql = "SELECT handle, email, emailConfirmedAt, passwordScrypt, createdAt, takedownRef,
            deactivatedAt FROM account JOIN actor USING (did) WHERE did = ?";
        let read = |row: &Row<'_>| Ok(read_account(row, did, pds));
        let account = self.0.prepare_cached(sql)?.query_row([did], read);
        let account = account.optional()?.context("it has no row in actor")??;
        let sql = "SELECT name, passwordScrypt, createdAt, privileged FROM app_password
            WHERE did = ? ORDER BY createdAt";
        let mut select = self.0.prepare_cached(sql)?;
        let passwords = select.query_map([did], |row| Ok(read_app_password(row, &account.did)))?;
        let passwords = passwords.collect::<Result<Result<Vec<_>, _>, _>>()??;
        Ok((account, passwords))
    }
}

/// Whether nobody has the database open: in the WAL mode, which official PDSes use, there is a -wal file beside
/// it for as long as anybody has. Then it can be read as a file that doesn't change; else SQLite would make a
/// -wal and a -shm, and leave them behind, as files of whoever ran this.
fn is_closed(file: &Path) -> anyhow::Result<bool> {
    let mut start = [0; 20];
    std::fs::File::open(file)?.read_exact(&mut start)?;
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    // The versions of the format for writing and reading: 2 is WAL.
    Ok(start.ends_with(&[2, 2]) && !Path::new(&log).try_exists()?)
}

fn read_account(row: &Row<'_>, did: &str, pds: &Did) -> anyhow::Result<AccountRecord> {
    let handle: Option<String> = row.get("handle")?;
    let handle = handle.context("it has no handle")?;
    // What others are shown in place of a handle that isn't right.
    if handle.eq_ignore_ascii_case("handle.invalid") {
        bail!("its handle is handle.invalid");
    }
    let email: String = row.get("email")?;
    let takedown: Option<String> = row.get("takedownRef")?;
    let time = |column: &str| -> anyhow::Result<Option<UnixTime>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| read_time(&text).with_context(|| format!("{column}: {text}")))
            .transpose()
    };
    let hash: String = row.get("passwordScrypt")?;
    Ok(AccountRecord {
        did: Did::parse(did)?,
        handle: Handle::parse(&handle).with_context(|| format!("its handle is {handle}"))?,
        email: Some(email).filter(|email| !email.is_empty()),
        email_confirmed_at: time("emailConfirmedAt")?,
        password_hash: Passwords::of_official_pds(&hash)?,
        pds: pds.clone(),
        created_at: time("createdAt")?.context("it has no createdAt")?,
        active: takedown.is_none(),
        deactivated_at: time("deactivatedAt")?,
        sessions_ended_at: None,
    })
}

fn read_app_password(row: &Row<'_>, did: &Did) -> anyhow::Result<AppPasswordRecord> {
    let (hash, created_at): (String, String) = (row.get("passwordScrypt")?, row.get("createdAt")?);
    Ok(AppPasswordRecord {
        did: did.clone(),
        name: row.get("name")?,
        hash: Passwords::of_official_pds(&hash)?,
        created_at: read_time(&created_at)?,
        privileged: row.get("privileged")?,
    })
}

fn read_time(text: &str) -> anyhow::Result<UnixTime> {
    let time = humantime::parse_rfc3339(text)?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(UnixTime::from_secs(since.as_secs().try_into()?))
}
