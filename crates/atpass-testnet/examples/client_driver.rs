//! The client library at the end of a pipe, for tests and measurements that run it beside other
//! libraries, or in many processes with one store.
//!
//! Settings: `STORE` (an SQLite file), `DIRECTORY`, `HANDLE_RESOLVER`. Reads commands from standard input,
//! one JSON object a line, and answers each with one: `{"do":"ready"}`, `{"do":"login","handle"}`,
//! `{"do":"callback","query"}`, `{"do":"refresh","key"}`, `{"do":"call","key"}`, `{"do":"logout","key"}`,
//! `{"do":"age","key"}`, after which the session's identity was checked long ago,
//! `{"do":"work","rounds"}`, which refreshes and uses sessions of the store at random.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever runs it reads why it ended"
)]

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use atpass_client::store::{Record, SessionStore, SqliteStore};
use atpass_client::{ClientConfig, ClientError, ClientParts, OAuthClient, Session, SessionKey};
use atpass_protocol::random::{self, SystemRandom};
use serde_json::{Value, json};
use url::Url;

const WHO: &str = "/xrpc/com.atproto.server.getSession";

#[tokio::main]
async fn main() {
    let setting = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("set {name}"));
    let store = SqliteStore::open(setting("STORE")).await.unwrap();
    let url = |name| Url::parse(&setting(name)).unwrap();
    let (directory, handles) = (url("DIRECTORY"), url("HANDLE_RESOLVER"));
    let store = Arc::new(store);
    let parts = ClientParts::development(store.clone(), directory, handles).unwrap();
    let scope = "atproto transition:generic";
    let config = ClientConfig::loopback("http://127.0.0.1:9/callback", scope).unwrap();
    let client = OAuthClient::new(config, parts);
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if command.get("do").is_some_and(|name| name == "age") {
            age(&*store, command.get("key").unwrap().as_str().unwrap()).await;
            println!("{}", json!({}));
            continue;
        }
        let answer = run(&client, &command).await;
        println!("{}", answer.unwrap_or_else(|error| problem(&error)));
    }
}

fn problem(error: &ClientError) -> Value {
    json!({
        "error": error.to_string(),
        "transient": error.is_transient(),
        "needs_login": error.needs_login(),
    })
}

async fn run(client: &OAuthClient, command: &Value) -> Result<Value, ClientError> {
    let text = |name: &str| {
        command
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match text("do") {
        "ready" => Ok(json!({})),
        "login" => Ok(json!({ "url": client.login(text("handle")).await?.url.as_str() })),
        "callback" => {
            let session = client.callback(text("query")).await?;
            Ok(json!({ "key": session.key(), "did": session.did() }))
        }
        "refresh" => {
            session(client, text("key")).await?.refresh().await?;
            Ok(json!({}))
        }
        "call" => {
            let answer = session(client, text("key")).await?.get(WHO).await?;
            Ok(json!({ "status": answer.status().as_u16() }))
        }
        "logout" => {
            session(client, text("key")).await?.logout().await?;
            Ok(json!({}))
        }
        "work" => {
            let rounds = command.get("rounds").and_then(Value::as_u64);
            work(client, rounds.unwrap_or_default()).await
        }
        other => Err(ClientError::Request(format!("what is {other:?}?"))),
    }
}

async fn session(client: &OAuthClient, key: &str) -> Result<Session, ClientError> {
    let found = client.restore(&SessionKey::new(key)).await?;
    found.ok_or_else(|| ClientError::SessionEnded("it isn't in the store".into()))
}

/// Writes into a session's record that its identity was last checked in 1970.
async fn age(store: &dyn SessionStore, key: &str) {
    let key = SessionKey::new(key);
    let (record, version) = store.get(&key).await.unwrap().unwrap();
    let mut session: Value = serde_json::from_slice(record.as_bytes()).unwrap();
    let checked_at = session.get_mut("checked_at").unwrap();
    *checked_at = json!(0);
    let did = serde_json::from_value(session.get("did").unwrap().clone()).unwrap();
    let record = Record::new(session.to_string().into_bytes());
    store.put(&key, &did, &record, Some(version)).await.unwrap();
}

/// Takes a session at random, refreshes or calls, and again; several at once. Counts how it went.
async fn work(client: &OAuthClient, rounds: u64) -> Result<Value, ClientError> {
    const AT_ONCE: u64 = 4;
    let keys = Arc::new(client.sessions().await?);
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, keys) = (client.clone(), keys.clone());
            tokio::spawn(async move {
                let mut counts = BTreeMap::new();
                for _ in 0..rounds / AT_ONCE {
                    let outcome = one_round(&client, &keys).await;
                    *counts.entry(outcome).or_insert(0_u64) += 1;
                }
                counts
            })
        })
        .collect();
    let mut counts = BTreeMap::new();
    for worker in workers {
        for (outcome, count) in worker.await.unwrap() {
            *counts.entry(outcome).or_insert(0_u64) += count;
        }
    }
    Ok(json!(counts))
}

async fn one_round(client: &OAuthClient, keys: &[SessionKey]) -> &'static str {
    let draw = usize::from(u16::from_ne_bytes(random::bytes::<2>(&SystemRandom)));
    let Some(key) = keys.get(draw % keys.len().max(1)) else {
        return "nothing to do";
    };
    let done = async {
        let session = session(client, key.as_str()).await?;
        if draw % 8 == 0 {
            session.get(WHO).await.map(|_| ())
        } else {
            session.refresh().await
        }
    };
    match done.await {
        Ok(()) => "good",
        Err(error) if error.needs_login() => {
            eprintln!("lost {key:?}: {error}");
            "lost"
        }
        Err(error) if error.is_transient() => "transient",
        Err(error) => {
            eprintln!("failed: {error}");
            "failed"
        }
    }
}
