//! What no refresh can do without, each part on the servers' core: the verification of a proof, a signature, one
//! HTTP exchange, and its share of a durable commit.

use std::net::Ipv4Addr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use atpass_bench_load::pace::{self, real};
use atpass_protocol::dpop::{self, DpopProof, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random;
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, SystemClock};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::Router;
use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::routing::post;
use axum::serve::ListenerExt;
use cpu_time::ProcessTime;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::lines::Lines;
use crate::process::{Cores, Process};
use crate::rows::{Party, Plan, What};
use crate::site::TOKEN;

/// How long each part is repeated.
const LENGTH: Duration = Duration::from_millis(500);
/// Where the proof is for.
const URL: &str = "http://localhost:12345/oauth/token";
/// Bytes that are signed of an access token.
const SIGNED: usize = 500;
/// Rows of the table, and bytes of each: as sessions have.
const ROWS: i64 = 10_000;
const ROW: usize = 400;

/// Microseconds of the processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    pub(crate) verify: f64,
    pub(crate) sign: f64,
    pub(crate) http: f64,
    pub(crate) commit: f64,
}

impl Floor {
    pub(crate) fn sum(&self) -> f64 {
        self.verify + self.sign + self.http + self.commit
    }
}

/// Measures the parts, with groups of as many acts as the server had under load.
pub(crate) async fn measure(
    cores: &Cores,
    party: &Party,
    plan: &Plan,
    group: u32,
) -> Result<Floor> {
    let mut command = cores.pinned(&std::env::current_exe()?);
    command
        .args(["floor-parts", "--group", &group.to_string()])
        .stdout(Stdio::piped());
    let mut parts = Process::start("the floor", &mut command)?;
    let parts: Value = serde_json::from_str(&parts.line().await?)?;
    let part = |name: &str| parts[name].as_f64().context("a part");
    Ok(Floor {
        verify: part("verify")?,
        sign: part("sign")?,
        commit: part("commit")?,
        http: exchange(cores, party, plan).await?,
    })
}

/// What one HTTP exchange of a refresh's size takes.
async fn exchange(cores: &Cores, party: &Party, plan: &Plan) -> Result<f64> {
    let what = What::Refresh(crate::rows::Kind::Public);
    let mut jobs = party.jobs(what, 1).await?;
    let job = jobs.pop().context("a refresh")?;
    let sample = party.site.sample(job).await?;
    let mut command = cores.pinned(&std::env::current_exe()?);
    command
        .args(["floor-http", "--bytes", &sample.answer.to_string()])
        .stdout(Stdio::piped());
    let mut server = Process::start("the floor's server", &mut command)?;
    let port: u16 = server.line().await?.parse()?;
    let lines = Lines::to(port);
    let act = {
        let (lines, proof, form) = (lines.clone(), sample.proof, sample.form);
        move |()| {
            let request = http::Request::post(TOKEN)
                .header("host", format!("localhost:{port}"))
                .header("accept", "application/json")
                .header("dpop", &proof)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form.clone().into());
            let lines = lines.clone();
            async move {
                lines.send(request?).await?;
                Ok(())
            }
        }
    };
    let warm_up = pace::in_flight(vec![(); 5000], plan.in_flight, act.clone()).await?;
    let count = vec![(); warm_up.count() * 8];
    let before = server.cpu()?;
    let times = pace::in_flight(count, plan.in_flight, act).await?;
    let used = server.cpu()? - before;
    Ok(used.as_secs_f64() * 1e6 / real(times.count()))
}

/// The process with the server: prints its port, and answers everything alike.
pub(crate) async fn serve_http(bytes: usize) -> Result<()> {
    let answer = Bytes::from("a".repeat(bytes));
    let routes = Router::new().route(
        TOKEN,
        post(async move |_: Bytes| {
            let headers = [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, "no-store"),
                (PRAGMA, "no-cache"),
            ];
            (headers, answer.clone())
        }),
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let listener = listener.tap_io(|connection| {
        // Best effort: without it, answers are only slower.
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

/// The process with the other parts: prints their microseconds.
pub(crate) fn parts(group: u32) -> Result<()> {
    let random = SystemRandom::new();
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let key = EcdsaKeyPair::generate(kind).map_err(|error| anyhow!(error))?;
    let message = vec![b'a'; SIGNED];
    let sign = each(1, || {
        let signed = key.sign(&random, &message);
        signed.map(drop).map_err(|error| anyhow!(error))
    })?;
    let (verify, commit) = (verify()?, commit(group)?);
    println!(
        "{}",
        json!({ "verify": verify, "sign": sign, "commit": commit })
    );
    Ok(())
}

/// The verification of a proof, whose key comes with it.
fn verify() -> Result<f64> {
    let now = SystemClock.now();
    let nonces = NonceKeeper::new(&HmacKey::new(&random::bytes(&random::SystemRandom)));
    let nonce = nonces.issue(now);
    let proof = DpopProof {
        htm: "POST",
        htu: URL,
        nonce: Some(&nonce),
        access_token: None,
        iat: now,
    };
    let proof = proof.sign(&PrivateKey::generate()?, &random::SystemRandom)?;
    let expected = Expected {
        method: "POST",
        url: URL,
        query: QueryPolicy::Refuse,
        access_token: None,
    };
    each(1, || {
        let proofs = std::iter::once(Some(proof.as_str()));
        dpop::verify(proofs, &expected, &nonces, now)?;
        Ok(())
    })
}

/// One act's share of a durable commit of so many: a row found by its number and updated in place.
fn commit(group: u32) -> Result<f64> {
    let folder = tempfile::TempDir::with_prefix("floor-")?;
    let db = Connection::open(folder.path().join("floor.sqlite"))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.execute_batch(
        "CREATE TABLE sessions (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, rest TEXT NOT NULL) STRICT;
        BEGIN",
    )?;
    for id in 0..ROWS {
        let sql = "INSERT INTO sessions VALUES (?, 0, ?)";
        db.prepare_cached(sql)?.execute((id, "a".repeat(ROW)))?;
    }
    db.execute_batch("COMMIT")?;
    let mut id = 0;
    each(group, || {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..group {
            // Any order but the rows' own.
            id = (id + 7919) % ROWS;
            let sql = "UPDATE sessions SET generation = generation + 1 WHERE id = ?";
            db.prepare_cached(sql)?.execute([id])?;
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    })
}

/// Microseconds of the processor for each act, where one call does so many.
fn each(acts: u32, mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut calls = 0_u32;
    call()?;
    let begun = ProcessTime::now();
    while begun.elapsed() < LENGTH {
        // Several between two looks at the clock, which costs as well.
        for _ in 0..64 {
            call()?;
        }
        calls += 64;
    }
    let used = begun.elapsed().as_secs_f64() * 1e6;
    Ok(used / f64::from(calls) / f64::from(acts))
}
