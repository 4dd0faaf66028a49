//! Archives and commits that prove nothing.

use atpass_protocol::id::Did;
use atpass_testnet::repository::{
    RepositoryKey, archive, block, name, section, signed, with_signature,
};
use serde_json::{Value, json};

use super::row::{Row, check};
use super::scene::{OTHER_DID, Publisher};

/// A section of an archive with this block under that name.
fn named(name: &[u8], block: &[u8]) -> Vec<u8> {
    section(&[name, block])
}

fn header(value: &Value) -> Vec<u8> {
    section(&[&block(value).unwrap()])
}

fn link(block: &[u8]) -> Value {
    json!({ "$link": name(block).unwrap() })
}

/// Clause SC-INC-01: the format of archives, and blocks that aren't what their names say.
#[tokio::test]
async fn archives() {
    let publisher = Publisher::p256();
    let good = publisher.proof();
    let blocks = publisher.blocks();
    let root = link(&blocks[0]);
    // The good one without its header.
    let body = good[header(&json!({ "roots": [&root], "version": 1 })).len()..].to_vec();
    let with_header = |value: &Value| [header(value), body.clone()].concat();
    let after = |more: &[u8]| [&good[..], more].concat();
    let digest = [7; 32];
    let cid = |prefix: &[u8]| [prefix, &digest].concat();

    check(
        &publisher,
        vec![
            Row("nothing", Vec::new(), "cut off"),
            Row("JSON", b"{\"error\":\"no\"}".to_vec(), "cut off"),
            Row("cut off", good[..good.len() - 1].to_vec(), "cut off"),
            Row("the header only", good[..header(&json!({ "roots": [&root], "version": 1 })).len()].to_vec(), "is missing"),
            Row("a length of 2^63", after(&[0xff; 9]), "cut off"),
            Row("a length without end", after(&[0x80; 30]), "cut off"),
            Row("a length in a longer form", after(&[0x81, 0x00, 1]), "cut off"),
            Row("a length past the end", after(&[100, 1, 0x71]), "cut off"),
            Row("an empty section", after(&[0]), "another kind of name"),
            Row("a name without its end", after(&section(&[&[1, 0x71, 0x12, 0x20, 1]])), "another kind of name"),
            Row("a raw block", after(&named(&cid(&[1, 0x55, 0x12, 0x20]), b"x")), "another kind of name"),
            Row("a name of version 0", after(&named(&cid(&[0x12, 0x20]), b"xx")), "another kind of name"),
            Row("another hash", after(&named(&cid(&[1, 0x71, 0x1e, 0x20]), b"x")), "another kind of name"),
            Row("an identity hash", after(&named(&[1, 0x71, 0, 1, 0xa0], b"")), "another kind of name"),
            Row("a wrong name beside the way", after(&named(&cid(&[1, 0x71, 0x12, 0x20]), b"x")), "is another one"),
            Row("no roots", with_header(&json!({ "roots": [], "version": 1 })), "it has 0 roots"),
            Row("two roots", with_header(&json!({ "roots": [&root, &root], "version": 1 })), "it has 2 roots"),
            Row("version 2", with_header(&json!({ "roots": [&root], "version": 2 })), "header"),
            Row("no version", with_header(&json!({ "roots": [&root] })), "header"),
            Row("more in the header", with_header(&json!({ "roots": [&root], "version": 1, "x": 1 })), "header"),
            Row("a raw root", with_header(&json!({ "roots": [{ "$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity" }], "version": 1 })), "header"),
            Row("a header that is none", [section(&[b"\xa0"]), body.clone()].concat(), "header"),
            Row("a root that isn't there", with_header(&json!({ "roots": [link(b"x")], "version": 1 })), "is missing"),
            Row("the record as the root", with_header(&json!({ "roots": [link(blocks.last().unwrap())], "version": 1 })), "unreadable: the commit"),
            Row("a node as the root", with_header(&json!({ "roots": [link(&blocks[1])], "version": 1 })), "unreadable: the commit"),
        ],
    )
    .await;
}

/// Clause SC-INC-01: a block that isn't there, each of those on the way.
#[tokio::test]
async fn missing_blocks() {
    let publisher = Publisher::p256();
    let blocks = publisher.blocks();
    let mut rows = Vec::new();
    for n in 1..blocks.len() {
        let mut fewer = blocks.clone();
        fewer.remove(n);
        let bent = archive(&fewer).unwrap();
        if !proves(&publisher, &bent) {
            rows.push(Row(
                "a block is missing",
                bent,
                "is missing from the archive",
            ));
        }
    }
    assert!(
        rows.len() >= 3,
        "several layers and the record: {}",
        rows.len()
    );
    check(&publisher, rows).await;
}

fn proves(publisher: &Publisher, archive: &[u8]) -> bool {
    let key = publisher.key.multibase().unwrap();
    let claim = atpass_identity::Claim {
        did: &publisher.repository.did,
        signing_key: &atpass_identity::SigningKey::from_multibase(&key).unwrap(),
        path: super::scene::PATH,
    };
    atpass_identity::verify_record(archive, &claim).is_ok()
}

/// Clause SC-INC-01: commits of somebody else, or signed by somebody else.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn commits() {
    let publisher = Publisher::p256();
    let tree = publisher.repository.tree().unwrap();
    let commit = publisher.repository.commit(&tree.root);
    let key = &publisher.key;
    let rest = publisher.blocks()[1..].to_vec();
    let under = |commit: Vec<u8>| archive(&[vec![commit], rest.clone()].concat()).unwrap();
    let with = |member: &str, value: Value| {
        let mut commit = commit.clone();
        commit[member] = value;
        under(signed(&commit, key).unwrap())
    };
    let without = |member: &str| {
        let mut commit = commit.clone();
        commit.as_object_mut().unwrap().remove(member).unwrap();
        under(signed(&commit, key).unwrap())
    };
    let of_bytes = |signature: &[u8]| under(with_signature(&commit, signature).unwrap());
    let message = block(&commit).unwrap();
    let good = key.sign(&message).unwrap();
    let (stranger, k256) = (
        RepositoryKey::p256().unwrap(),
        RepositoryKey::k256().unwrap(),
    );
    let mut other_root = commit.clone();
    other_root["data"] = link(b"x");
    let other_signature = key.sign(&block(&other_root).unwrap()).unwrap();
    let of_other = Did::parse(OTHER_DID).unwrap();

    check(
        &publisher,
        vec![
            Row(
                "another key of the same curve",
                under(signed(&commit, &stranger).unwrap()),
                "signature",
            ),
            Row(
                "a key of the other curve",
                under(signed(&commit, &k256).unwrap()),
                "signature",
            ),
            Row(
                "high-S",
                of_bytes(&key.sign_high(&message).unwrap()),
                "signature",
            ),
            Row("of another commit", of_bytes(&other_signature), "signature"),
            Row("an empty signature", of_bytes(&[]), "signature"),
            Row("a short signature", of_bytes(&good[..63]), "signature"),
            Row(
                "a long signature",
                of_bytes(&[&good[..], &[0]].concat()),
                "signature",
            ),
            Row("a signature of zeros", of_bytes(&[0; 64]), "signature"),
            Row(
                "no signature",
                under(block(&commit).unwrap()),
                "unreadable: the commit",
            ),
            Row(
                "another account",
                with("did", json!(of_other)),
                "commit of did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            ),
            Row("no DID", with("did", json!("")), "commit of"),
            Row("version 2", with("version", json!(2)), "version 2"),
            Row("version 4", with("version", json!(4)), "version 4"),
            Row(
                "version 3.0",
                with("version", json!(3.5)),
                "unreadable: the commit",
            ),
            Row("no prev", without("prev"), "unreadable: the commit"),
            Row("no rev", without("rev"), "unreadable: the commit"),
            Row(
                "more members",
                with("more", json!(1)),
                "unreadable: the commit",
            ),
            Row(
                "a text for the tree",
                with("data", json!(tree.root)),
                "unreadable: the commit",
            ),
            Row(
                "a tree that isn't there",
                with("data", link(b"x")),
                "is missing",
            ),
            Row(
                "the record for the tree",
                with("data", link(rest.last().unwrap())),
                "unreadable: a node",
            ),
        ],
    )
    .await;

    // The same for the other curve, whose order is another one.
    let publisher = Publisher::new(RepositoryKey::k256().unwrap());
    let high = publisher.key.sign_high(&message).unwrap();
    let root = publisher.repository.commit(&tree.root);
    assert_eq!(root, commit);
    check(
        &publisher,
        vec![Row("high-S, K-256", of_bytes(&high), "signature")],
    )
    .await;
}
