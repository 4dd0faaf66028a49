//! Ways that lead nowhere: names, accounts and answers.

use std::net::UdpSocket;

use atpass_testnet::repository::RepositoryKey;
use http::header;
use serde_json::{Value, json};

use super::row::label;
use super::scene::{DID, NAME, OTHER_DID, Publisher, Reply, Scene};

type Change = Box<dyn Fn(&mut Scene)>;

/// A row: what is bent, where it is refused, and whether it may pass.
struct Row(&'static str, Change, &'static str, bool);

async fn check(rows: Vec<Row>) {
    let publisher = Publisher::p256();
    for Row(name, change, expected, transient) in rows {
        let mut scene = Scene::of(&publisher);
        change(&mut scene);
        let stage = scene.start().await;
        let error = stage.resolve().await.unwrap_err();
        assert_eq!(label(&error), expected, "{name}: {error}");
        assert_eq!(error.is_transient(), transient, "{name}: {error}");
        println!("SC-INC-01 {name:<50} {error}");
    }
}

fn texts(texts: &'static [&'static str]) -> Change {
    Box::new(move |scene| scene.texts = texts.iter().map(|&text| text.into()).collect())
}

/// Clause SC-INC-01: exactly one record names the account.
#[tokio::test]
async fn names() {
    const DID_1: &str = "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz";
    const DID_2: &str = "did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
    const NONE: &str = "authority: there is no such record";
    check(vec![
        Row("no record", texts(&[]), NONE, false),
        Row(
            "records of other purposes",
            texts(&["v=spf1", "DID=x"]),
            NONE,
            false,
        ),
        Row(
            "two accounts",
            texts(&[DID_1, DID_2]),
            "authority: 2",
            false,
        ),
        Row(
            "one account twice",
            texts(&[DID_1, DID_1]),
            "authority: 2",
            false,
        ),
        Row(
            "one account and no account",
            texts(&[DID_1, "did="]),
            "authority: 2",
            false,
        ),
        Row("no DID", texts(&["did=alice"]), "authority: invalid", false),
        Row(
            "a space",
            texts(&["did= did:web:example.com"]),
            "authority: invalid",
            false,
        ),
        Row(
            "another method",
            texts(&["did=did:key:zQ3sh"]),
            "account: method",
            false,
        ),
        Row(
            "an address",
            texts(&["did=did:web:127.0.0.1"]),
            "account: method",
            false,
        ),
    ])
    .await;
}

/// Clause SC-INC-01: that nobody answers is another thing than that there is no record.
#[tokio::test]
async fn dead_names() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let stage = Scene {
        dns: Some(address),
        ..Scene::of(&Publisher::p256())
    };
    let error = stage.start().await.resolve().await.unwrap_err();
    assert_eq!(error.stage.name(), "authority");
    assert!(error.is_transient(), "{error}");
}

/// Clause SC-INC-01: nobody is asked about the group above.
#[tokio::test]
async fn each_group_stands_for_itself() {
    let mut scene = Scene::of(&Publisher::p256());
    scene.texts.clear();
    let stage = scene.start().await;
    for name in [
        "_lexicon.example.com",
        "_lexicon.com",
        "_atproto.feed.example.com",
    ] {
        stage
            .internet
            .names
            .add_texts(name, &[&format!("did={DID}")]);
    }
    stage.resolve().await.unwrap_err();
    assert_eq!(stage.internet.names.asked(), [format!("TXT {NAME}")]);
    assert_eq!(stage.asked(), Vec::<String>::new());
}

fn document(change: impl Fn(&mut Value) + 'static) -> Change {
    Box::new(move |scene| {
        let body = scene.document.body.as_ref().unwrap();
        let mut document = serde_json::from_slice(body).unwrap();
        change(&mut document);
        scene.document = Reply::json(&document);
    })
}

fn reply(reply: Reply) -> Change {
    Box::new(move |scene| scene.document = reply.clone())
}

/// Clauses SC-INC-01, ID-DID-03 and ID-DID-04: the account's document.
#[tokio::test]
async fn accounts() {
    let key = |pointer: &'static str, value: Value| {
        document(move |document| {
            *document.pointer_mut(pointer).unwrap() = value.clone();
        })
    };
    check(vec![
        Row("no such DID", reply(Reply::status(404)), "account: no such did", false),
        Row("deleted", reply(Reply::status(410)), "account: tombstoned", false),
        Row("the directory fails", reply(Reply::status(502)), "account: status", true),
        Row("the directory is silent", reply(Reply::silent()), "account: timeout", true),
        Row(
            "another's document",
            key("/id", json!(OTHER_DID)),
            "account: the document is of did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            false,
        ),
        Row("no key", key("/verificationMethod", json!([])), "account: no key", false),
        Row(
            "a key of another purpose",
            key("/verificationMethod/0/id", json!("#atproto_label")),
            "account: no key",
            false,
        ),
        Row(
            "a key under another's control",
            key("/verificationMethod/0/controller", json!(OTHER_DID)),
            "account: no key",
            false,
        ),
        Row(
            "a key of another kind",
            key(
                "/verificationMethod/0/publicKeyMultibase",
                json!("z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"),
            ),
            "account: bad key",
            false,
        ),
        Row(
            "a PDS by plain http",
            key("/service/0/serviceEndpoint", json!("http://pds.example.com")),
            "account: the address of its PDS must be an https origin, and is http://pds.example.com",
            false,
        ),
        Row(
            "a PDS on this machine",
            key("/service/0/serviceEndpoint", json!("https://192.168.0.1")),
            "fetch: address",
            false,
        ),
    ])
    .await;
}

fn record(reply: Reply) -> Change {
    Box::new(move |scene| scene.record = reply.clone())
}

/// Clauses SC-INC-01 and ID-NET-02: the PDS's answer.
#[tokio::test]
async fn answers() {
    let proof = Publisher::new(RepositoryKey::p256().unwrap()).proof();
    let of_kind = |kind: &str| record(Reply::new(kind, proof.clone()));
    let with_status = |status| {
        let good = Reply::car(proof.clone());
        record(Reply { status, ..good })
    };
    let elsewhere = Reply::status(302).header(header::LOCATION, "https://new-pds.example.com/");
    let gzip = Reply::car(proof.clone()).header(header::CONTENT_ENCODING, "gzip");
    let twice = Reply::car(proof.clone()).header(header::CONTENT_TYPE, "text/html");
    check(vec![
        Row(
            "JSON",
            of_kind("application/json"),
            "fetch: content_type",
            false,
        ),
        Row(
            "bytes",
            of_kind("application/octet-stream"),
            "fetch: content_type",
            false,
        ),
        Row(
            "two content types",
            record(twice),
            "fetch: content_type",
            false,
        ),
        Row("compressed", record(gzip), "fetch: content_encoding", false),
        Row("a redirect", record(elsewhere), "fetch: redirect", false),
        Row("206", with_status(206), "fetch: status", false),
        Row(
            "no such record",
            record(Reply::status(404)),
            "fetch: status",
            false,
        ),
        Row(
            "no such repository",
            record(Reply::status(400)),
            "fetch: status",
            false,
        ),
        Row(
            "too many requests",
            record(Reply::status(429)),
            "fetch: status",
            true,
        ),
        Row(
            "the PDS fails",
            record(Reply::status(500)),
            "fetch: status",
            true,
        ),
        Row(
            "the PDS is silent",
            record(Reply::silent()),
            "fetch: timeout",
            true,
        ),
        Row(
            "more than 512 KiB",
            record(Reply::car(vec![0; 512 * 1024 + 1])),
            "fetch: too_large",
            false,
        ),
    ])
    .await;
}
