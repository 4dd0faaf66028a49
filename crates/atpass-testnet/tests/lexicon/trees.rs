//! Trees that no repository has, each under a commit that the account signed.

use atpass_testnet::repository::{archive, block, entry, layer, name, signed};
use serde_json::{Value, json};

use super::row::{Row, check};
use super::scene::{PATH, Publisher};

/// A signed archive of these nodes, the first of them the top, and the record.
fn under(publisher: &Publisher, nodes: &[Value]) -> Vec<u8> {
    let nodes: Vec<Vec<u8>> = nodes.iter().map(|node| block(node).unwrap()).collect();
    of_blocks(publisher, &nodes)
}

fn of_blocks(publisher: &Publisher, nodes: &[Vec<u8>]) -> Vec<u8> {
    let commit = publisher.repository.commit(&name(&nodes[0]).unwrap());
    let mut blocks = vec![signed(&commit, &publisher.key).unwrap()];
    blocks.extend_from_slice(nodes);
    blocks.push(publisher.repository.records[PATH].clone());
    archive(&blocks).unwrap()
}

fn link(node: &Value) -> Value {
    json!({ "$link": name(&block(node).unwrap()).unwrap() })
}

/// A key of this layer, of those that begin so.
fn key(start: &str, wanted: u32) -> String {
    let mut keys = (0..).map(|n| format!("{start}{n}"));
    keys.find(|key| layer(key) == wanted).unwrap()
}

/// Clause SC-INC-01: the tree's own rules, of which each one is needed for a proof.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn trees() {
    let publisher = Publisher::p256();
    let record = name(&publisher.repository.records[PATH]).unwrap();
    let own = layer(PATH);
    let one = |path: &str| entry(b"", path.as_bytes(), &record);
    let node = |left: Value, entries: &[Value]| json!({ "l": left, "e": entries });
    let leaf = node(Value::Null, &[one(PATH)]);
    let null = Value::Null;
    let with = |member: &str, value: Value| {
        let mut entry = one(PATH);
        entry[member] = value;
        node(Value::Null, &[entry])
    };
    // Keys before and after the wanted one, on its layer and on the one above.
    let before = key("com.a/", own);
    let (high_before, high_after) = (key("com.a/", own + 1), key("com.z/", own + 1));
    let higher = key("com.a/", own + 2);
    let two = |first: &str, second: &str| {
        let entries = [
            one(first),
            entry(first.as_bytes(), second.as_bytes(), &record),
        ];
        node(Value::Null, &entries)
    };
    let on_left = |key: &str, subtree: &Value| node(link(subtree), &[one(key)]);
    let on_right = |key: &str, subtree: &Value| {
        let mut entry = one(key);
        entry["t"] = link(subtree);
        node(Value::Null, &[entry])
    };
    let mut unshared = two(&before, PATH);
    let rest = &before.as_bytes()[..0];
    unshared["e"][1] = entry(rest, PATH.as_bytes(), &record);
    let mut overshared = two(&before, PATH);
    overshared["e"][1]["p"] = json!(before.len() + 1);
    let long = format!("com.z/{}", "z".repeat(1100));
    let empty = node(null.clone(), &[]);
    let passing = node(link(&leaf), &[]);

    check(
        &publisher,
        vec![
            Row("an empty tree", under(&publisher, std::slice::from_ref(&empty)), "not_found"),
            Row("another record only", under(&publisher, &[node(null.clone(), &[one(&before)])]), "not_found"),
            Row("out of order", under(&publisher, &[two(PATH, &before)]), "out of order"),
            Row("a key twice", under(&publisher, &[two(PATH, PATH)]), "out of order"),
            Row("no key", under(&publisher, &[with("k", json!({ "$bytes": "" }))]), "out of order"),
            Row("a prefix of nothing", under(&publisher, &[with("p", json!(1))]), "not shortened"),
            Row("a key that isn't shortened", under(&publisher, &[unshared]), "not shortened"),
            Row("a key that is shortened too much", under(&publisher, &[overshared]), "not shortened"),
            Row("a negative prefix", under(&publisher, &[with("p", json!(-1))]), "unreadable: a node"),
            Row("a key of 1106 bytes", under(&publisher, &[node(null.clone(), &[one(&long)])]), "longer than 1024"),
            Row("keys of two layers in one node", under(&publisher, &[two(&high_before, PATH)]), "wrong layer"),
            Row(
                "a subtree two layers down",
                under(&publisher, &[on_right(&higher, &leaf), leaf.clone()]),
                "wrong layer",
            ),
            Row(
                "a subtree on the same layer",
                under(&publisher, &[on_right(&before, &leaf), leaf.clone()]),
                "wrong layer",
            ),
            Row(
                "a top without keys",
                under(&publisher, &[passing.clone(), leaf.clone()]),
                "wrong layer",
            ),
            Row(
                "a subtree on the wrong side, the left",
                under(&publisher, &[on_left(&high_after, &node(null.clone(), &[one(&key("com.zz/", own))])), node(null.clone(), &[one(&key("com.zz/", own))])]),
                "out of order",
            ),
            Row(
                "a subtree on the wrong side, the right",
                under(&publisher, &[on_right(&high_before, &two(&key("com./", own), PATH)), two(&key("com./", own), PATH)]),
                "out of order",
            ),
            Row(
                "the record where nobody looks",
                under(&publisher, &[on_left(&high_before, &leaf), leaf.clone()]),
                "not_found",
            ),
            Row(
                "an empty node below",
                under(&publisher, &[on_right(&high_before, &empty), empty.clone()]),
                "a node is empty",
            ),
            Row(
                "a subtree that isn't there",
                under(&publisher, &[on_right(&high_before, &leaf)]),
                "is missing",
            ),
            Row("a record that isn't there", under(&publisher, &[with("v", link(&json!({})))]), "is missing"),
            Row(
                "a raw record",
                under(&publisher, &[with("v", json!({ "$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity" }))]),
                "unreadable: a node",
            ),
            Row("a text for a key", under(&publisher, &[with("k", json!(PATH))]), "unreadable: a node"),
            Row("more in an entry", under(&publisher, &[with("x", json!(1))]), "unreadable: a node"),
            Row("no subtree at all", under(&publisher, &[json!({ "e": [one(PATH)] })]), "unreadable: a node"),
            Row("more in a node", under(&publisher, &[json!({ "l": null, "e": [one(PATH)], "x": 1 })]), "unreadable: a node"),
            Row("a list for a node", under(&publisher, &[json!([null, [one(PATH)]])]), "unreadable: a node"),
        ],
    )
    .await;
}

/// Clause SC-INC-01: a chain of nodes that goes on below the lowest layer.
#[tokio::test]
async fn a_deep_tree() {
    let publisher = Publisher::p256();
    let record = name(&publisher.repository.records[PATH]).unwrap();
    let mut below =
        block(&json!({ "l": null, "e": [entry(b"", PATH.as_bytes(), &record)] })).unwrap();
    let mut nodes = vec![below.clone()];
    for _ in 0..1000 {
        let link = json!({ "$link": name(&below).unwrap() });
        below = block(&json!({ "l": link, "e": [] })).unwrap();
        nodes.push(below.clone());
    }
    let mut top = entry(b"", key("com.a/", 3).as_bytes(), &record);
    top["t"] = json!({ "$link": name(&below).unwrap() });
    nodes.push(block(&json!({ "l": null, "e": [top] })).unwrap());
    nodes.reverse();
    let bent = of_blocks(&publisher, &nodes);
    check(&publisher, vec![Row("1000 layers", bent, "wrong layer")]).await;
}
