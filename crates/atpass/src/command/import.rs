//! `atpass account import`: the accounts of a running official PDS.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use atpass_entryway::store::{AccountRecord, AppPasswordRecord, EntrywayStore, Imported};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::time::UnixTime;
use atpass_provider::password::Passwords;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rusqlite::{Connection, OpenFlags, Row};
use serde::Serialize;

use crate::cli::DatabasePlace;
use crate::output::{many, print, print_json};

/// Take over the accounts of an official PDS, which may go on running
///
/// Reads the PDS's account database, and changes nothing there. Handles, addresses, passwords, app passwords
/// and states come along; passwords go on working. It can be run again: what was taken over already is
/// brought up to date, a password that was changed here is left alone. Where accounts can't be taken over,
/// the others are, and the exit code is 1.
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
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    did: String,
    problem: String,
}

pub(crate) async fn run(import: &Import) -> anyhow::Result<ExitCode> {
    let (store, loaded) = import.place.open()?;
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
    for did in dids {
        let outcome = match source.account(&did, &import.pds) {
            Ok((account, passwords)) => store
                .import_account(&account, &passwords, import.dry_run)
                .await?
                .map_err(|taken| taken.to_string()),
            Err(problem) => Err(format!("{problem:#}")),
        };
        match outcome {
            Ok(Imported::New) => report.new += 1,
            Ok(Imported::Updated) => report.updated += 1,
            Ok(Imported::Same) => report.same += 1,
            Err(problem) => report.problems.push(Problem { did, problem }),
        }
        progress.inc(1);
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

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(report);
    }
    for Problem { did, problem } in &report.problems {
        anstream::eprintln!("{did}: {problem}");
    }
    let Report {
        new, updated, same, ..
    } = report;
    let would = if report.dry_run {
        " A dry run: nothing was changed."
    } else {
        ""
    };
    print(&format!(
        "{}: {new} new, {updated} brought up to date, {same} as they were, {} not taken over.{would}",
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

/// The account database of an official PDS.
struct Source(Connection);

impl Source {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let open = || {
            let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
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

    fn dids(&self) -> anyhow::Result<Vec<String>> {
        let sql = "SELECT did FROM account JOIN actor USING (did) ORDER BY did";
        let mut select = self.0.prepare(sql)?;
        let dids = select.query_map([], |row| row.get(0))?;
        Ok(dids.collect::<Result<_, _>>()?)
    }

    fn account(
        &self,
        did: &str,
        pds: &Did,
    ) -> anyhow::Result<(AccountRecord, Vec<AppPasswordRecord>)> {
        let sql = "SELECT handle, email, emailConfirmedAt, passwordScrypt, createdAt, takedownRef,
            deactivatedAt FROM account JOIN actor USING (did) WHERE did = ?";
        let read = |row: &Row<'_>| Ok(read_account(row, did, pds));
        let account = self.0.prepare_cached(sql)?.query_row([did], read)??;
        let sql = "SELECT name, passwordScrypt, createdAt, privileged FROM app_password
            WHERE did = ? ORDER BY createdAt";
        let mut select = self.0.prepare_cached(sql)?;
        let passwords = select.query_map([did], |row| Ok(read_app_password(row, &account.did)))?;
        let passwords = passwords.collect::<Result<Result<Vec<_>, _>, _>>()??;
        Ok((account, passwords))
    }
}

fn read_account(row: &Row<'_>, did: &str, pds: &Did) -> anyhow::Result<AccountRecord> {
    let handle: Option<String> = row.get("handle")?;
    let handle = handle.context("it has no handle")?;
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
        email: Some(email.to_lowercase()).filter(|email| !email.is_empty()),
        email_confirmed_at: time("emailConfirmedAt")?,
        password_hash: Passwords::of_official_pds(&hash)?,
        pds: pds.clone(),
        created_at: time("createdAt")?.context("it has no createdAt")?,
        active: takedown.is_none(),
        deactivated_at: time("deactivatedAt")?,
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
