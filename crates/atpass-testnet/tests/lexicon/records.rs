//! Records that are no lexicons, and blocks that are no records; proven, each of them.

use atpass_testnet::repository::{archive, block, name, signed};
use serde_json::{Value, json};

use super::row::{Row, check};
use super::scene::{NSID, PATH, Publisher, lexicon};

/// Clause SC-INC-01: the record must be the lexicon that was asked for.
#[tokio::test]
async fn schemas() {
    let publisher = Publisher::p256();
    let mut rows = Vec::new();
    let mut row = |name, member: &str, value: Option<Value>, expected| {
        let mut record = lexicon(NSID);
        match value {
            Some(value) => record[member] = value,
            None => _ = record.as_object_mut().unwrap().remove(member),
        }
        rows.push((name, record, expected));
    };
    row(
        "another id",
        "id",
        Some(json!("com.example.feed.other")),
        "id is com.example.feed.other",
    );
    row(
        "the id in capitals",
        "id",
        Some(json!(NSID.to_uppercase())),
        "id is COM",
    );
    row("no id", "id", None, "id is missing");
    row(
        "another type",
        "$type",
        Some(json!("com.example.feed.post")),
        "$type",
    );
    row(
        "the type with a fragment",
        "$type",
        Some(json!("com.atproto.lexicon.schema#main")),
        "$type",
    );
    row("no type", "$type", None, "$type");
    row("version 2", "lexicon", Some(json!(2)), "\"lexicon\": 1");
    row(
        "a text for the version",
        "lexicon",
        Some(json!("1")),
        "\"lexicon\": 1",
    );
    row("no version", "lexicon", None, "\"lexicon\": 1");
    let rows = rows.into_iter().map(|(name, record, expected)| {
        let mut bent = publisher.repository.clone();
        bent.put(PATH, &record).unwrap();
        Row(name, bent.proof(PATH, &publisher.key).unwrap(), expected)
    });
    check(&publisher, rows.collect()).await;
}

/// Clause SC-INC-01: another record in the place of the one that the tree names.
#[tokio::test]
async fn swapped() {
    let publisher = Publisher::p256();
    let mut blocks = publisher.blocks();
    let mut other = lexicon(NSID);
    other["defs"]["main"]["title"] = json!("Something else");
    *blocks.last_mut().unwrap() = block(&other).unwrap();
    let properly_named = archive(&blocks).unwrap();
    // Under the name of the right one.
    let mut bytes = publisher.proof();
    let at = bytes
        .windows(9)
        .position(|found| found == b"The whole")
        .unwrap();
    bytes[at..at + 9].copy_from_slice(b"All of it");
    check(
        &publisher,
        vec![
            Row("another record", properly_named, "is missing"),
            Row("another record under its name", bytes, "is another one"),
        ],
    )
    .await;
}

/// The lexicon in DAG-CBOR, as a map of this many members, followed by one more.
fn with_more(count: u8, more: &[u8]) -> Vec<u8> {
    let good = block(&lexicon(NSID)).unwrap();
    assert_eq!(good[0], 0xa4);
    [&[0xa0 + count], &good[1..], more].concat()
}

/// Clause SC-INC-01: DAG-CBOR has one form for each value, and no record is endless.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn blocks() {
    let publisher = Publisher::p256();
    let good = block(&lexicon(NSID)).unwrap();
    // A member whose name is longer than the others, and whose value is this.
    let member = |value: &[u8]| with_more(5, &[&[0x69], &b"zzzzzzzzz"[..], value].concat());
    assert_eq!(member(&[0xf6]).len(), good.len() + 11);
    let nested = |depth| member(&[vec![0x81; depth], vec![0xf6]].concat());
    let id = good
        .windows(3)
        .position(|found| found == b"\x62id")
        .unwrap();
    let mut reordered = good.clone();
    let type_at = good
        .windows(6)
        .position(|found| found == b"\x65$type")
        .unwrap();
    let lexicon_at = good
        .windows(8)
        .position(|found| found == b"\x67lexicon")
        .unwrap();
    assert!(id < type_at && type_at < lexicon_at);
    let moved = [&good[lexicon_at..], &good[1..lexicon_at]].concat();
    reordered.truncate(1);
    reordered.extend(moved);
    let raw = |block: Vec<u8>| {
        let mut bent = publisher.repository.clone();
        bent.records.insert(PATH.into(), block);
        bent.proof(PATH, &publisher.key).unwrap()
    };
    let unreadable = "unreadable: the record";
    let rows = vec![
        ("nothing", Vec::new(), unreadable),
        ("members out of order", reordered, unreadable),
        (
            "a member twice",
            with_more(5, b"\x67lexicon\x01"),
            unreadable,
        ),
        (
            "a map without a length",
            [&[0xbf], &good[1..], &[0xff]].concat(),
            unreadable,
        ),
        ("a list without a length", member(&[0x9f, 0xff]), unreadable),
        ("a text without a length", member(&[0x7f, 0xff]), unreadable),
        ("a number in a longer form", member(&[0x18, 1]), unreadable),
        ("a length in a longer form", member(&[0x98, 0]), unreadable),
        ("a short float", member(&[0xf9, 0x3c, 0]), unreadable),
        (
            "a NaN",
            member(&[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
            unreadable,
        ),
        ("undefined", member(&[0xf7]), unreadable),
        ("a simple value", member(&[0xe0]), unreadable),
        ("a date", member(&[0xc1, 1]), unreadable),
        ("a big number", member(&[0xc2, 0x41, 1]), unreadable),
        (
            "a link that is none",
            member(&[0xd8, 0x2a, 0x41, 0]),
            unreadable,
        ),
        (
            "a link without its zero",
            member(&[0xd8, 0x2a, 0x44, 1, 0x71, 0, 0]),
            unreadable,
        ),
        ("a text that isn't UTF-8", member(&[0x61, 0xff]), unreadable),
        ("a name that is a number", with_more(5, &[1, 1]), unreadable),
        (
            "a list of 2^32",
            member(&[0x9a, 0xff, 0xff, 0xff, 0xff]),
            unreadable,
        ),
        (
            "a list of 2^64",
            member(&[&[0x9b][..], &[0xff; 8]].concat()),
            unreadable,
        ),
        (
            "bytes of 2^64",
            member(&[&[0x5b][..], &[0xff; 8]].concat()),
            unreadable,
        ),
        (
            "a map of 2^64",
            member(&[&[0xbb][..], &[0xff; 8]].concat()),
            unreadable,
        ),
        ("more after the end", [&good[..], &[0]].concat(), unreadable),
        ("10000 levels", nested(10_000), unreadable),
        ("65 levels", nested(65), "levels deep"),
        (
            "a float",
            member(&[0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
            "no integer",
        ),
        (
            "2^63",
            member(&[0x1b, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            "too large",
        ),
        (
            "-2^64",
            member(&[&[0x3b][..], &[0xff; 8]].concat()),
            "too large",
        ),
        ("a list", vec![0x80], "not an object"),
        (
            "a link",
            [&[0xd8, 0x2a, 0x58, 37, 0, 1, 0x71, 0x12, 32][..], &[0; 32]].concat(),
            "not an object",
        ),
        (
            "128 KiB",
            member(&[&[0x7a, 0, 2, 0, 0][..], &vec![b'x'; 128 * 1024]].concat()),
            "longer than",
        ),
    ];
    let rows = rows
        .into_iter()
        .map(|(name, block, expected)| Row(name, raw(block), expected));
    check(&publisher, rows.collect()).await;
}

/// Clause SC-INC-01: commits and nodes have one form as well.
#[tokio::test]
async fn commits_and_nodes() {
    let publisher = Publisher::p256();
    let blocks = publisher.blocks();
    // The signature as an indefinite string: the same value.
    let commit = &blocks[0];
    let at = commit
        .windows(6)
        .position(|found| found == b"\x63sig\x58\x40")
        .unwrap();
    let mut bent = commit[..at + 4].to_vec();
    bent.push(0x5f);
    bent.extend(&commit[at + 4..at + 6 + 64]);
    bent.push(0xff);
    bent.extend(&commit[at + 6 + 64..]);
    let mut with_commit = blocks.clone();
    with_commit[0] = bent;

    // `e` and `l` the other way around.
    let top = &blocks[1];
    assert_eq!(&top[..3], b"\xa2\x61e");
    let split = top.len() - if top.ends_with(b"\x61l\xf6") { 3 } else { 43 };
    let bent = [&top[..1], &top[split..], &top[1..split]].concat();
    let new_commit = publisher.repository.commit(&name(&bent).unwrap());
    let mut with_node = blocks.clone();
    with_node[0] = signed(&new_commit, &publisher.key).unwrap();
    with_node[1] = bent;
    check(
        &publisher,
        vec![
            Row(
                "a commit in another form",
                archive(&with_commit).unwrap(),
                "unreadable: the commit",
            ),
            Row(
                "a node in another form",
                archive(&with_node).unwrap(),
                "unreadable: a node",
            ),
        ],
    )
    .await;
}

/// Clause SC-INC-01: as deep as it may be.
#[tokio::test]
async fn a_deep_record() {
    let mut deep = json!(1);
    for _ in 0..62 {
        deep = json!([deep]);
    }
    let mut record = lexicon(NSID);
    record["deep"] = deep;
    let publisher = Publisher::p256().with_record(&record);
    let found = super::scene::Scene::of(&publisher)
        .start()
        .await
        .resolve()
        .await;
    let text = found.unwrap().document.to_string();
    // It can be read again where it was kept.
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), record);
}
