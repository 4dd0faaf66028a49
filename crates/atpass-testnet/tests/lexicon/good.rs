//! Lexicons that are as they should be.

use std::collections::BTreeMap;

use atpass_protocol::id::{Did, Nsid};
use atpass_testnet::repository::{RepositoryKey, archive, block, name};
use http::header;
use serde_json::json;

use super::scene::{DID, NAME, NSID, OTHER_DID, Publisher, Reply, Scene, document, lexicon, nsid};

/// Clause SC-INC-01: from DNS to the record, with a key of either curve.
#[tokio::test]
async fn the_whole_way() {
    for key in [RepositoryKey::p256(), RepositoryKey::k256()] {
        let publisher = Publisher::new(key.unwrap());
        let stage = Scene::of(&publisher).start().await;
        let found = stage.resolve().await.unwrap();
        assert_eq!(found.nsid, nsid());
        assert_eq!(found.did.as_str(), DID);
        assert_eq!(found.document, lexicon(NSID));
        let record = block(&lexicon(NSID)).unwrap();
        assert_eq!(found.cid.to_string(), name(&record).unwrap());
        assert_eq!(stage.internet.names.asked()[0], format!("TXT {NAME}"));
        assert_eq!(
            stage.asked(),
            [
                format!("plc.example.net/{DID}"),
                "pds.example.com/xrpc/com.atproto.sync.getRecord".into(),
            ]
        );
        let did = DID.replace(':', "%3A");
        let query = format!("did={did}&collection=com.atproto.lexicon.schema&rkey={NSID}");
        assert_eq!(stage.queries(), [query]);
    }
}

/// Clause SC-INC-01: only the blocks on the way are needed, in any order, among any others.
#[tokio::test]
async fn blocks_in_any_order() {
    let publisher = Publisher::p256();
    let stage = Scene::of(&publisher).start().await;
    let mut blocks = publisher.blocks();
    blocks[1..].reverse();
    blocks.push(block(&json!({ "junk": true })).unwrap());
    blocks.push(vec![0xff; 1000]);
    blocks.push(blocks[3].clone());
    let bent = Reply::car(archive(&blocks).unwrap());
    stage.change(|scene| scene.record = bent.header(header::SERVER, "x"));
    assert_eq!(stage.resolve().await.unwrap().document, lexicon(NSID));
}

/// Clause SC-INC-01: links and bytes have their form in JSON.
#[tokio::test]
async fn links_and_bytes() {
    let mut record = lexicon(NSID);
    record["extra"] = json!({
        "link": { "$link": "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity" },
        "bytes": { "$bytes": "nFERjvLLiw9qm45JrqH9QTzyC2Lu1Xb4ne6+sBrCzI0" },
        "numbers": [0, -1, i64::MIN, i64::MAX],
        "text": "a~öñ©⽘☎𓋓😀👨‍👩‍👧‍👧",
        "nothing": [null, true, {}, []],
    });
    let publisher = Publisher::p256().with_record(&record);
    let found = Scene::of(&publisher).start().await.resolve().await;
    assert_eq!(found.unwrap().document, record);
}

/// Clause SC-INC-01: a TXT record in pieces is one text, and other records don't matter.
#[tokio::test]
async fn a_long_text() {
    let host = format!(
        "{}.{}.{}.example.com",
        "a".repeat(63),
        "b".repeat(63),
        "c".repeat(63)
    );
    let host = format!("{}.{host}", "d".repeat(40));
    let did = format!("did:web:{host}");
    assert!(did.len() > 251);
    let mut publisher = Publisher::p256();
    publisher.repository.did = Did::parse(&did).unwrap();
    let mut scene = Scene::of(&publisher);
    scene.texts = vec!["v=spf1 -all".into(), format!("did={did}"), "DID=x".into()];
    let document = document(&publisher.key.multibase().unwrap()).to_string();
    let document = serde_json::from_str(&document.replace(DID, &did)).unwrap();
    scene.document = Reply::json(&document);
    let found = scene.start_with_host(&host).await.resolve().await;
    assert_eq!(found.unwrap().did.as_str(), did);
}

/// Clause SC-INC-01: names are the same in upper and lower case to DNS.
#[tokio::test]
async fn an_authority_in_capitals() {
    let nsid = Nsid::parse("com.Example.feed.authFull").unwrap();
    let mut publisher = Publisher::p256();
    let path = format!("com.atproto.lexicon.schema/{nsid}");
    let record = lexicon(nsid.as_str());
    publisher.repository.put(&path, &record).unwrap();
    let mut scene = Scene::of(&publisher);
    scene.record = Reply::car(publisher.repository.proof(&path, &publisher.key).unwrap());
    let stage = scene.start().await;
    let found = stage.resolver.lexicon(&nsid).await.unwrap();
    assert_eq!(found.document["id"], nsid.as_str());
}

/// The operator may name the account of a group; DNS isn't asked about it then.
#[tokio::test]
async fn a_configured_authority() {
    let mut scene = Scene::of(&Publisher::p256());
    scene.texts = vec![format!("did={OTHER_DID}")];
    let did = Did::parse(DID).unwrap();
    scene.authorities = BTreeMap::from([("com.example.feed".into(), did)]);
    let stage = scene.start().await;
    assert_eq!(stage.resolve().await.unwrap().did.as_str(), DID);
    let asked = stage.internet.names.asked();
    assert!(
        asked.iter().all(|asked| !asked.starts_with("TXT")),
        "{asked:?}"
    );

    // It stands for this group only.
    let nsid = Nsid::parse("com.example.feed.more.authFull").unwrap();
    stage.resolver.lexicon(&nsid).await.unwrap_err();
    let asked = stage.internet.names.asked();
    assert!(asked.contains(&"TXT _lexicon.more.feed.example.com".to_owned()));
}

/// Clause SC-INC-01: a new key, or a new PDS, that isn't in the known document yet.
#[tokio::test]
async fn the_account_changes() {
    let old = Publisher::p256();
    let stage = Scene::of(&old).start().await;
    stage.resolve().await.unwrap();

    let new = Publisher::new(RepositoryKey::k256().unwrap());
    stage.change(|scene| *scene = Scene::of(&new));
    stage.resolve().await.unwrap();
    assert_eq!(stage.asked().len(), 2 + 3, "{:?}", stage.asked());

    let mut moved = new.document();
    moved["service"][0]["serviceEndpoint"] = json!("https://new-pds.example.com");
    stage.change(|scene| {
        scene.document = Reply::json(&moved);
        scene.record = Reply::status(400);
        scene.other_record = Reply::car(new.proof());
    });
    stage.resolve().await.unwrap();
    let asked = stage.asked();
    let last = "new-pds.example.com/xrpc/com.atproto.sync.getRecord";
    assert_eq!(asked.last().unwrap(), last);

    // Where nothing changed, nobody is asked twice.
    stage.change(|scene| scene.other_record = Reply::status(400));
    stage.resolve().await.unwrap_err();
    assert_eq!(stage.asked().len(), asked.len() + 2);
}
