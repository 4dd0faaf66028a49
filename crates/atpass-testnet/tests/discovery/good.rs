//! Every way in, what is kept, and who counts where two answer.

use std::sync::{Arc, Mutex};

use atpass_identity::{Freshness, IdentityError, Input, Observer, Step};
use atpass_protocol::id::{Did, Issuer};
use futures::future::join_all;
use serde_json::json;

use super::scene::{
    DID, HANDLE, ISSUER, OTHER_DID, PDS, Reply, Scene, WEB_DID, document, resource, with,
};

fn text(body: &str) -> Reply {
    Reply::text("text/plain", body.to_owned())
}

/// Clauses ID-HDL-01, ID-HDL-02, ID-HDL-03, ID-HDL-06, ID-DID-01, ID-DID-02, ID-DISC-03.
#[tokio::test]
async fn every_way_in() {
    let by_dns = Scene::default();
    let by_https = Scene {
        texts: vec![],
        // Clause ID-HDL-03: whatever content type, spaces around it forgiven.
        well_known: Some(Reply::text(
            "application/octet-stream",
            format!(" {DID}\r\n"),
        )),
        ..Scene::default()
    };
    let web_handle = Scene {
        texts: vec![format!("did={WEB_DID}")],
        ..Scene::default()
    };
    for (scene, typed, did) in [
        (&by_dns, "alice.example.com", Some(DID)),
        (&by_dns, " @Alice.Example.COM ", Some(DID)),
        (&by_https, HANDLE, Some(DID)),
        (&web_handle, HANDLE, Some(WEB_DID)),
        (&by_dns, DID, Some(DID)),
        (&by_dns, WEB_DID, Some(WEB_DID)),
        (&by_dns, PDS, None),
        (&by_dns, ISSUER, None),
    ] {
        let stage = scene.start().await;
        let found = stage.discover(typed).await.unwrap();
        assert_eq!(found.issuer.as_str(), ISSUER, "{typed}");
        let account = found.account;
        assert_eq!(
            account.as_ref().map(|account| account.did.as_str()),
            did,
            "{typed}"
        );
        if let Some(account) = account {
            assert_eq!(account.pds.as_str(), PDS, "{typed}");
            let handle = account.handle.map(|handle| handle.to_string());
            assert_eq!(
                handle.as_deref(),
                (!typed.starts_with("did:")).then_some(HANDLE)
            );
        }
    }
}

/// Clause ID-DISC-03: resource metadata first, then server metadata, each once.
#[tokio::test]
async fn a_server_is_asked_for_its_resource_metadata_first() {
    let stage = Scene::default().start().await;
    stage.discover(PDS).await.unwrap();
    assert_eq!(
        stage.asked(),
        [
            "pds.example.com/.well-known/oauth-protected-resource",
            "auth.example.org/.well-known/oauth-authorization-server"
        ]
    );
    let stage = Scene::default().start().await;
    stage.discover(ISSUER).await.unwrap();
    assert_eq!(
        stage.asked(),
        [
            "auth.example.org/.well-known/oauth-protected-resource",
            "auth.example.org/.well-known/oauth-authorization-server"
        ]
    );
}

/// A PDS and authorization server in one names itself.
#[tokio::test]
async fn a_server_that_is_both() {
    let own = with(
        with(resource(), "/resource", ISSUER),
        "/authorization_servers",
        json!([ISSUER]),
    );
    let scene = Scene {
        server_as_resource: Some(Reply::json(&own)),
        document: Reply::json(&with(document(), "/service/0/serviceEndpoint", ISSUER)),
        ..Scene::default()
    };
    let stage = scene.start().await;
    for typed in [ISSUER, HANDLE] {
        let found = stage.discover(typed).await.unwrap();
        assert_eq!(found.issuer.as_str(), ISSUER);
    }
}

#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Observer for Diary {
    fn began(&self, step: Step, _: &str) {
        self.0
            .lock()
            .unwrap()
            .push(format!("{} began", step.name()));
    }

    fn ended(&self, step: Step, found: Result<&str, &str>) {
        let word = if found.is_ok() { "found" } else { "failed" };
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {word}", step.name()));
    }
}

/// Clause ID-HDL-04: both ways are tried together.
#[tokio::test]
async fn both_ways_of_a_handle_run_side_by_side() {
    let scene = Scene {
        well_known: Some(text(DID)),
        ..Scene::default()
    };
    let stage = scene.start().await;
    let diary = Arc::new(Diary::default());
    let resolver = stage.resolver.observed_by(diary.clone());
    let input = Input::parse(HANDLE).unwrap();
    resolver.discover(&input, Freshness::Recent).await.unwrap();
    let lines = diary.0.lock().unwrap().clone();
    assert_eq!(lines[..2], ["handle_dns began", "handle_https began"]);
    let mut ends = lines[2..4].to_vec();
    ends.sort();
    assert_eq!(ends, ["handle_dns found", "handle_https found"]);
    assert_eq!(
        lines[4..],
        [
            "did_document began",
            "did_document found",
            "resource_metadata began",
            "resource_metadata found",
            "server_metadata began",
            "server_metadata found"
        ]
    );
}

/// Clause ID-HDL-04: DNS counts where both answer, and who watches is told of the conflict.
#[tokio::test]
async fn dns_counts_where_both_answer() {
    let scene = Scene {
        well_known: Some(text(OTHER_DID)),
        ..Scene::default()
    };
    let stage = scene.start().await;
    let account = stage.discover(HANDLE).await.unwrap().account.unwrap();
    assert_eq!(account.did.as_str(), DID);

    let watched = stage.resolver.observed_by(Arc::new(Diary::default()));
    let input = Input::parse(HANDLE).unwrap();
    let found = watched.discover(&input, Freshness::Anew).await.unwrap();
    let account = found.account.unwrap();
    assert_eq!(account.did.as_str(), DID);
    assert_eq!(
        account.conflict.map(|did| did.to_string()).as_deref(),
        Some(OTHER_DID)
    );
}

/// A host that never answers holds nobody up whose DNS record is good.
#[tokio::test]
async fn a_silent_host_is_not_waited_for() {
    let scene = Scene {
        well_known: Some(text("").body(super::scene::Content::Silent)),
        ..Scene::default()
    };
    // No deadline but the test's own: waiting for the host would hang.
    let stage = scene
        .start_with(|_, config| config.total_timeout = std::time::Duration::from_hours(1))
        .await;
    stage.discover(HANDLE).await.unwrap();
}

/// A DNS server of one's own, over UDP or over HTTPS, and no other.
#[tokio::test]
async fn dns_over_https() {
    let scene = Scene::default();
    let stage = scene
        .start_with(|internet, config| config.dns = internet.dns_over_https())
        .await;
    let found = stage.discover(HANDLE).await.unwrap();
    assert_eq!(found.issuer.as_str(), ISSUER);
    let asked = stage.internet.asked();
    let by_https = asked
        .iter()
        .filter(|line| *line == "POST https://dns.example.net/dns-query");
    assert!(by_https.count() >= 4, "{asked:?}");
}

/// Clauses ID-DISC-04 and C-SUB-02: what was found is good for ten minutes, and no longer.
#[tokio::test]
async fn what_was_found_is_kept_for_ten_minutes() {
    let stage = Scene::default().start().await;
    stage.discover(HANDLE).await.unwrap();
    let first = stage.asked().len();
    let questions = stage.internet.names.asked().len();
    stage.clock.advance(599);
    for typed in [HANDLE, DID, ISSUER] {
        stage.discover(typed).await.unwrap();
    }
    let did = Did::parse(DID).unwrap();
    let issuer = Issuer::parse(ISSUER).unwrap();
    let pds = stage
        .resolver
        .verify_subject(&did, &issuer, Freshness::Recent)
        .await;
    assert_eq!(pds.unwrap().as_str(), PDS);
    // Only the server's own resource metadata was new.
    assert_eq!(stage.asked().len(), first + 1, "{:?}", stage.asked());
    assert_eq!(stage.internet.names.asked().len(), questions);

    stage.clock.advance(1);
    stage.discover(HANDLE).await.unwrap();
    assert!(stage.asked().len() >= 2 * first, "{:?}", stage.asked());
}

/// Who asks for it anew gets it anew: after a handle change, or a migration.
#[tokio::test]
async fn asked_for_anew() {
    let stage = Scene::default().start().await;
    stage.discover(DID).await.unwrap();
    let first = stage.asked();
    let input = Input::parse(DID).unwrap();
    let again = stage.resolver.discover(&input, Freshness::Anew).await;
    again.unwrap();
    assert_eq!(stage.asked(), [first.clone(), first].concat());
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let stage = Scene::default().start().await;
    let all = join_all((0..50).map(|_| stage.discover(DID))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(stage.asked().len(), 3, "{:?}", stage.asked());
}

/// A flood of logins with a bad name costs one look-up, for ten seconds.
#[tokio::test]
async fn failures_are_kept_for_seconds() {
    let stage = Scene::default().start().await;
    for _ in 0..3 {
        assert_eq!(
            stage.discover(OTHER_DID).await.unwrap_err(),
            IdentityError::NoSuchDid(Did::parse(OTHER_DID).unwrap())
        );
    }
    assert_eq!(stage.asked().len(), 1);
    stage.clock.advance(10);
    stage.discover(OTHER_DID).await.unwrap_err();
    assert_eq!(stage.asked().len(), 2);
}

/// Clauses C-SUB-01, C-SUB-02: the account's own authorization server, and no other.
#[tokio::test]
async fn a_subject_is_verified_from_its_own_side() {
    let stage = Scene::default().start().await;
    let did = Did::parse(DID).unwrap();
    for (issuer, good) in [
        (ISSUER, true),
        (PDS, false),
        ("https://evil.example.com", false),
        ("https://auth.example.org:8443", false),
    ] {
        let issuer = Issuer::parse(issuer).unwrap();
        let verified = stage
            .resolver
            .verify_subject(&did, &issuer, Freshness::Recent)
            .await;
        match verified {
            Ok(pds) => assert!(good && pds.as_str() == PDS, "{issuer}"),
            Err(error) => {
                assert!(!good, "{issuer}: {error}");
                assert!(matches!(error, IdentityError::Subject { .. }), "{error}");
            }
        }
    }
}
