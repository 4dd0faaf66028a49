//! Servers that forget. Clause AS-DPOP-11: whatever they forget, no proof counts twice.

use std::sync::Arc;

use atpass_protocol::dpop::DpopError;
use atpass_replay::{ProofError, Proofs, WhenDown};
use tracing::Level;

use crate::app::{App, answer, check, proofs, wants_nonce};
use crate::log::Log;
use crate::outage::command;
use crate::own::{OwnServer, free_port};
use crate::{START, node};

/// Replicas needn't wait for others to be copied with.
const AT_ONCE: [&str; 2] = ["--repl-diskless-sync-delay", "0"];

const BOTH: [WhenDown; 2] = [WhenDown::Refuse, WhenDown::RememberHere];

/// Two nodes on this server.
fn two_nodes(server: &OwnServer, when_down: WhenDown) -> [Proofs; 2] {
    [(); 2].map(|()| proofs(node(&server.url(), "p:", when_down)))
}

/// Neither node takes any of these proofs, however often they are sent.
async fn assert_none_counts(nodes: &[Proofs], sent: &[String]) {
    for proof in sent {
        for node in nodes.iter().chain(nodes) {
            let error = answer(node, proof).await.unwrap_err();
            assert!(matches!(error, ProofError::Refused(_)), "{error}");
        }
    }
}

/// Apps send a request at most twice, to whichever node, and get through.
async fn assert_apps_get_through([a, b]: &[Proofs; 2], apps: &[App]) {
    let ways = [[a, b], [b, a], [a, a], [b, b]];
    for (app, way) in apps.iter().zip(ways) {
        let (_, sent) = app.call(way).await.unwrap();
        assert!(sent <= 2);
        assert_eq!(app.call(way).await.unwrap().1, 1, "the nonce is a good one");
    }
}

/// Apps that called each node, and what they sent.
async fn apps(nodes: &[Proofs; 2]) -> (Vec<App>, Vec<String>) {
    let mut apps = Vec::new();
    let mut sent = Vec::new();
    for _ in 0..4 {
        let app = App::new();
        for node in nodes {
            sent.push(app.call([node, node]).await.unwrap().0);
        }
        apps.push(app);
    }
    assert_none_counts(nodes, &sent).await;
    (apps, sent)
}

#[tokio::test]
async fn an_emptied_server_begins_another_era() {
    for when_down in BOTH {
        let mut log = Log::of_this_thread();
        let server = OwnServer::start(&[]);
        let nodes = two_nodes(&server, when_down);
        let (apps, mut sent) = apps(&nodes).await;
        for _ in 0..3 {
            command(&server, "FLUSHALL", &[]).await;
            assert_none_counts(&nodes, &sent).await;
            assert_apps_get_through(&nodes, &apps).await;
            sent.push(apps[0].call([&nodes[0], &nodes[1]]).await.unwrap().0);
            assert_none_counts(&nodes, &sent).await;
        }
        let warnings = log.rest();
        assert!(
            warnings.iter().all(|(level, _)| *level == Level::WARN),
            "{warnings:?}"
        );
        assert_eq!(warnings.len(), 6, "once for each node");
    }
}

#[tokio::test]
async fn a_server_that_was_killed_begins_another_era() {
    for when_down in BOTH {
        let mut server = OwnServer::start(&[]);
        let nodes = two_nodes(&server, when_down);
        let (apps, sent) = apps(&nodes).await;
        server.restart();
        assert_none_counts(&nodes, &sent).await;
        assert_apps_get_through(&nodes, &apps).await;
    }
}

/// With the era's name and some of the keys, and without those that came after.
#[tokio::test]
async fn a_server_from_an_older_snapshot_begins_another_era() {
    for when_down in BOTH {
        let mut server = OwnServer::start(&[]);
        let nodes = two_nodes(&server, when_down);
        let (apps, mut sent) = apps(&nodes).await;
        command(&server, "SAVE", &[]).await;
        for app in &apps {
            sent.push(app.call([&nodes[0], &nodes[1]]).await.unwrap().0);
        }
        let era = nodes[0].replay().era().unwrap();
        server.restart();
        let kept = command(&server, "GET", &["p:era"]).await;
        assert!(kept.contains(&era.to_string()), "the snapshot was read");
        // A node that starts now has nothing but what the server tells it.
        let new = proofs(node(&server.url(), "p:", when_down));
        assert_none_counts(&[new], &sent).await;
        assert_none_counts(&nodes, &sent).await;
        assert_apps_get_through(&nodes, &apps).await;
    }
}

/// Waits until one server has all that the other has. It is told in INFO alone.
async fn wait_for_copy(of: &OwnServer, copy: &OwnServer) {
    loop {
        let link = command(copy, "INFO", &["replication"]).await;
        let sizes = [of, copy].map(|server| command(server, "DBSIZE", &[]));
        let [of, copy] = sizes;
        if link.contains("master_link_status:up") && of.await == copy.await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The replica hadn't got everything yet.
#[tokio::test]
async fn a_replica_that_takes_over_begins_another_era() {
    let first = OwnServer::start(&AT_ONCE);
    let port = first.port().to_string();
    let replica = OwnServer::start(&["--replicaof", "127.0.0.1", &port]);
    // A server's first replica ends an era too.
    wait_for_copy(&first, &replica).await;
    let [a, _] = two_nodes(&first, WhenDown::Refuse);
    let app = App::new();
    let before = app.call([&a, &a]).await.unwrap().0;
    wait_for_copy(&first, &replica).await;
    replica.signal("STOP");
    let lost = app.call([&a, &a]).await.unwrap().0;
    drop(first);
    replica.signal("CONT");
    command(&replica, "REPLICAOF", &["NO", "ONE"]).await;
    let kept = command(&replica, "GET", &["p:era"]).await;
    assert!(
        kept.contains(&a.replay().era().unwrap().to_string()),
        "{kept}"
    );
    let nodes = two_nodes(&replica, WhenDown::Refuse);
    assert_none_counts(&nodes, &[before, lost]).await;
    app.call([&nodes[0], &nodes[1]]).await.unwrap();
}

/// A server that for a while followed one that had less, and has its name of the era.
#[tokio::test]
async fn a_server_that_followed_another_begins_another_era() {
    let first = OwnServer::start(&AT_ONCE);
    let port = first.port().to_string();
    let second = OwnServer::start(&[&AT_ONCE[..], &["--replicaof", "127.0.0.1", &port]].concat());
    wait_for_copy(&first, &second).await;
    let nodes = two_nodes(&first, WhenDown::Refuse);
    let (apps, mut sent) = apps(&nodes).await;
    wait_for_copy(&first, &second).await;
    command(&second, "REPLICAOF", &["NO", "ONE"]).await;
    sent.push(apps[0].call([&nodes[0], &nodes[1]]).await.unwrap().0);
    let before = nodes[0].replay().era();
    let port = second.port().to_string();
    command(&first, "REPLICAOF", &["127.0.0.1", &port]).await;
    wait_for_copy(&second, &first).await;
    command(&first, "REPLICAOF", &["NO", "ONE"]).await;
    assert_none_counts(&nodes, &sent).await;
    assert_ne!(nodes[0].replay().era(), before);
    assert_apps_get_through(&nodes, &apps).await;
}

/// Of callers before, at and after the moment at which all is forgotten, at most one gets through; and
/// nobody does whose nonce was checked before, however late the proof is recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_around_the_forgetting_one_wins() {
    for when_down in BOTH {
        let server = Arc::new(OwnServer::start(&[]));
        let nodes = Arc::new(two_nodes(&server, when_down));
        let mut winners = 0;
        for round in 0..24 {
            let app = App::new();
            app.call([&nodes[0], &nodes[1]]).await.unwrap();
            let proof = Arc::new(app.proof());
            let slow = check(&nodes[0], &proof).await.unwrap();
            let mut callers = tokio::task::JoinSet::new();
            for caller in 0..64 {
                let (nodes, proof, server) = (nodes.clone(), proof.clone(), server.clone());
                callers.spawn(async move {
                    if caller == 2 * round {
                        command(&server, "FLUSHALL", &[]).await;
                    }
                    answer(&nodes[caller % 2], &proof).await.is_ok()
                });
            }
            let answers = callers.join_all().await;
            let first = answers.into_iter().filter(|accepted| *accepted).count();
            assert!(first <= 1, "{first} of 64");
            winners += first;
            assert!(nodes[0].record(slow, START).await.is_err());
            assert_none_counts(&*nodes, &[proof.to_string()]).await;
        }
        assert!(winners > 0, "the race was one");
    }
}

/// The era that counts is the one in which this proof's nonce was checked, not one that another request
/// brought meanwhile.
#[tokio::test]
async fn a_proof_keeps_the_era_of_its_check() {
    let server = OwnServer::start(&[]);
    let [a, _] = two_nodes(&server, WhenDown::Refuse);
    let app = App::new();
    app.call([&a, &a]).await.unwrap();
    let checked = check(&a, &app.proof()).await.unwrap();
    command(&server, "FLUSHALL", &[]).await;
    app.call([&a, &a]).await.unwrap();
    let late = a.record(checked, START).await.unwrap_err();
    assert!(wants_nonce(&late), "{late}");
}

/// A node that hears nothing for a while: with the nonce of another node, an app is let through at once.
#[tokio::test]
async fn a_node_that_did_not_hear_asks_once() {
    let server = OwnServer::start(&[]);
    let [a, b] = two_nodes(&server, WhenDown::Refuse);
    let app = App::new();
    for node in [&a, &b] {
        app.call([node, node]).await.unwrap();
    }
    command(&server, "FLUSHALL", &[]).await;
    assert_eq!(app.call([&a, &a]).await.unwrap().1, 2);
    let proof = app.proof();
    assert_eq!(answer(&b, &proof).await, Ok(()));
    let seen = answer(&b, &proof).await.unwrap_err();
    assert_eq!(seen, DpopError::Replayed.into());

    // An app that knows no nonce yet isn't given one of the past.
    command(&server, "FLUSHALL", &[]).await;
    app.call([&a, &a]).await.unwrap();
    let new = App::new();
    assert_eq!(new.call([&b, &a]).await.unwrap().1, 2);
}

/// Strangers make nonces up: concurrent ones share a question.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_wrong_nonces_are_few_questions() {
    let server = OwnServer::start(&[]);
    let nodes = Arc::new(two_nodes(&server, WhenDown::Refuse));
    let app = App::new();
    app.call([&nodes[0], &nodes[0]]).await.unwrap();
    command(&server, "CONFIG", &["RESETSTAT"]).await;
    server.signal("STOP");
    let mut strangers = tokio::task::JoinSet::new();
    let wrong = Arc::new(App::new().proof());
    for _ in 0..64 {
        let (nodes, wrong) = (nodes.clone(), wrong.clone());
        strangers.spawn(async move { answer(&nodes[0], &wrong).await });
    }
    while tokio::runtime::Handle::current()
        .metrics()
        .num_alive_tasks()
        < 64
    {
        tokio::task::yield_now().await;
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    server.signal("CONT");
    for refused in strangers.join_all().await {
        assert!(wants_nonce(&refused.unwrap_err()));
    }
    let told = command(&server, "INFO", &["commandstats"]).await;
    let calls = told.split("cmdstat_evalsha:calls=").nth(1).unwrap();
    let calls: u32 = calls.split(',').next().unwrap().parse().unwrap();
    assert!(calls <= 64 / 8, "{calls} questions for 64 requests");
}

/// A node that starts before the server does.
#[tokio::test]
async fn without_any_era_there_is_no_nonce() {
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}");
    let refusing = proofs(node(&url, "p:", WhenDown::Refuse));
    let here = proofs(node(&url, "p:", WhenDown::RememberHere));
    let app = App::new();
    for _ in 0..2 {
        let error = answer(&refusing, &app.proof()).await.unwrap_err();
        assert!(matches!(error, ProofError::Unavailable(_)), "{error}");
    }
    assert_eq!(refusing.next_nonce(START), None);
    let (sent, _) = app.call([&here, &here]).await.unwrap();
    assert!(answer(&here, &sent).await.is_err());

    let _server = OwnServer::start_on(port, &[]);
    assert_none_counts(&[here.clone(), refusing.clone()], &[sent]).await;
    assert_eq!(app.call([&here, &refusing]).await.unwrap().1, 2);
    assert_eq!(App::new().call([&refusing, &here]).await.unwrap().1, 2);
}

/// In an outage each node stays in the era that all know; what it accepted then, it refuses afterwards.
#[tokio::test]
async fn an_outage_keeps_the_era() {
    let mut server = OwnServer::start(&[]);
    let nodes = two_nodes(&server, WhenDown::RememberHere);
    let (apps, mut sent) = apps(&nodes).await;
    let era = nodes[0].replay().era();
    server.stop();
    for app in &apps {
        let (proof, times) = app.call([&nodes[0], &nodes[1]]).await.unwrap();
        assert_eq!(times, 1, "the nonces of before are good");
        sent.push(proof.clone());
        assert!(answer(&nodes[0], &proof).await.is_err());
    }
    assert_eq!(nodes[0].replay().era(), era);
    assert_eq!(nodes[1].replay().era(), era);
    server.restart();
    assert_none_counts(&nodes, &sent).await;
    assert_apps_get_through(&nodes, &apps).await;
}

/// The same where the server forgot nothing: its era goes on, and so does this node's memory.
#[tokio::test]
async fn a_frozen_server_keeps_its_era() {
    let server = OwnServer::start(&[]);
    let nodes = two_nodes(&server, WhenDown::RememberHere);
    let (apps, _) = apps(&nodes).await;
    let era = nodes[0].replay().era();
    server.signal("STOP");
    let (proof, _) = apps[0].call([&nodes[0], &nodes[0]]).await.unwrap();
    server.signal("CONT");
    assert_eq!(apps[1].call([&nodes[0], &nodes[0]]).await.unwrap().1, 1);
    assert_eq!(nodes[0].replay().era(), era);
    let again = answer(&nodes[0], &proof).await.unwrap_err();
    assert_eq!(again, DpopError::Replayed.into());
}

/// INFO may be forbidden: a warning says what is lost, and an emptied server is noticed all the same.
#[tokio::test]
async fn without_info_there_are_eras_too() {
    let mut log = Log::of_this_thread();
    let server = OwnServer::start(&[]);
    let rules = ["SETUSER", "node", "on", ">secret", "~p:*"];
    let rules = [&rules[..], &["+evalsha", "+eval", "+get", "+set"]].concat();
    command(&server, "ACL", &rules).await;
    let url = format!("redis://node:secret@127.0.0.1:{}", server.port());
    let nodes = [(); 2].map(|()| proofs(node(&url, "p:", WhenDown::Refuse)));
    let (apps, sent) = apps(&nodes).await;
    for _ in &nodes {
        let (level, text) = log.next().await;
        assert!(level == Level::WARN && text.contains("INFO"), "{text}");
    }
    command(&server, "FLUSHALL", &[]).await;
    assert_none_counts(&nodes, &sent).await;
    assert_apps_get_through(&nodes, &apps).await;
}
