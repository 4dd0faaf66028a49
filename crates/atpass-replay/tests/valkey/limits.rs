//! Rate limits on a real Valkey or Redis.

use std::sync::Arc;

use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::SystemClock;
use atpass_replay::{Quota, RateLimit, RateLimits, RetryAfter, Valkey, contract};
use tracing::Level;

use crate::log::Log;
use crate::outage::command;
use crate::own::{OwnServer, free_port};

const QUOTA: Quota = Quota {
    burst: 20,
    refill_seconds: 600,
};

fn limits(url: &str, key: &HmacKey) -> RateLimits {
    RateLimits::valkey(Valkey::open(url).unwrap(), key, Arc::new(SystemClock))
}

fn any_key() -> HmacKey {
    HmacKey::new(&random::bytes(&SystemRandom))
}

/// The counters of a server.
async fn counters(server: &OwnServer) -> Vec<String> {
    let names = command(server, "KEYS", &["atpass:limit:*"]).await;
    names.lines().map(str::to_owned).collect()
}

/// How many of so many attempts pass, one after the other.
async fn passing(limit: &RateLimit, attempts: usize) -> usize {
    let mut passed = 0;
    for _ in 0..attempts {
        passed += usize::from(limit.check("somebody").await.is_ok());
    }
    passed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract() {
    let server = OwnServer::start(&[]);
    let limits = limits(&server.url(), &any_key());
    // Time that passes is as good as a quota that was used so much earlier.
    let pass = async |seconds: u16| {
        for name in counters(&server).await {
            let whole = command(&server, "GET", &[&name]).await;
            let earlier = whole.parse::<u64>().unwrap() - u64::from(seconds) * 1_000_000;
            command(&server, "SET", &[&name, &earlier.to_string(), "KEEPTTL"]).await;
        }
    };
    contract::limits::check(&limits, pass).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_on_several_nodes_a_burst_passes() {
    let key = any_key();
    let nodes = [(); 2].map(|()| limits(&crate::url(), &key).limit("test-nodes", QUOTA));
    let nodes = nodes.map(Arc::new);
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64 {
        let limit = nodes[caller % 2].clone();
        callers.spawn(async move { limit.check("somebody").await.is_ok() });
    }
    let passed = callers.join_all().await;
    assert_eq!(passed.into_iter().filter(|passed| *passed).count(), 20);
}

/// Nothing of who was counted is on the server, and nothing stays.
#[tokio::test]
async fn counters_are_nameless_and_go_by_themselves() {
    let server = OwnServer::start(&[]);
    let limits = limits(&server.url(), &any_key());
    let limit = limits.limit("test", QUOTA);
    let wider = limits.limit("test-wider", QUOTA);
    let attempt = [(&limit, "alice@example.com"), (&wider, "192.0.2.7")];
    assert_eq!(RateLimit::check_all(&attempt).await, Ok(()));
    let names = counters(&server).await;
    assert_eq!(names.len(), 2);
    for name in names {
        assert!(
            !name.contains("alice") && !name.contains("192.0.2.7"),
            "{name}"
        );
        assert!(name.len() <= "atpass:limit:test-wider:".len() + 22);
        let left = command(&server, "PTTL", &[&name]).await;
        let left: u64 = left.parse().unwrap();
        assert!((570_000..=600_000).contains(&left), "{left}");
    }
}

/// One round trip for all limits of an attempt.
#[tokio::test]
async fn an_attempt_is_one_question() {
    let server = OwnServer::start(&[]);
    let limits = limits(&server.url(), &any_key());
    let all = ["a", "b", "c"].map(|name| limits.limit(name, QUOTA));
    let attempt: Vec<_> = all.iter().map(|limit| (limit, "somebody")).collect();
    for _ in 0..2 {
        command(&server, "CONFIG", &["RESETSTAT"]).await;
        assert_eq!(RateLimit::check_all(&attempt).await, Ok(()));
    }
    let told = command(&server, "INFO", &["commandstats"]).await;
    assert!(told.contains("cmdstat_evalsha:calls=1,"), "{told}");
    assert!(!told.contains("cmdstat_eval:"), "{told}");
}

/// A clock that is set back keeps nobody away for longer than a quota.
#[tokio::test]
async fn a_clock_that_was_wrong_ends() {
    let server = OwnServer::start(&[]);
    let limit = limits(&server.url(), &any_key()).limit("test", QUOTA);
    assert_eq!(limit.check("somebody").await, Ok(()));
    let name = &counters(&server).await[0];
    command(&server, "SET", &[name, "9000000000000000"]).await;
    let refused = limit.check("somebody").await;
    assert_eq!(refused, Err(RetryAfter { seconds: 600 }));
    command(&server, "SET", &[name, "1"]).await;
    assert_eq!(limit.check("somebody").await, Ok(()));
}

/// While the server is down each node counts for itself, from what it let through before.
#[tokio::test]
async fn in_an_outage_each_node_counts() {
    let mut log = Log::of_this_thread();
    let mut server = OwnServer::start(&[]);
    let key = any_key();
    let nodes = [(); 2].map(|()| limits(&server.url(), &key).limit("test", QUOTA));
    assert_eq!(passing(&nodes[0], 15).await, 15);
    server.stop();
    assert_eq!(passing(&nodes[0], 64).await, 5, "5 are left");
    assert_eq!(passing(&nodes[1], 64).await, 20, "it had none");
    let alarms = log.rest();
    assert_eq!(alarms.len(), 2, "once for each node: {alarms:?}");
    for (level, text) in alarms {
        assert!(level == Level::ERROR && text.contains("ALARM"), "{text}");
    }
    server.restart();
    assert_eq!(passing(&nodes[0], 10).await, 10);
    assert_eq!(passing(&nodes[1], 64).await, 10, "they agree again");
    for _ in &nodes {
        assert_eq!(log.next().await.0, Level::INFO);
    }
}

/// Nobody's sign-in waits for a server that doesn't answer, but the one that finds out.
#[tokio::test]
async fn a_frozen_server_keeps_one_waiting() {
    let server = OwnServer::start(&[]);
    let valkey = Valkey::open(&server.url()).unwrap();
    let limits = RateLimits::valkey(valkey.clone(), &any_key(), Arc::new(SystemClock));
    let limit = Arc::new(limits.limit("test", QUOTA));
    assert_eq!(limit.check("somebody").await, Ok(()));
    assert!(!valkey.is_down());
    server.signal("STOP");
    assert_eq!(limit.check("somebody").await, Ok(()));
    assert!(valkey.is_down());
    let probing = tokio::spawn({
        let limit = limit.clone();
        async move { limit.check("somebody").await }
    });
    tokio::task::yield_now().await;
    let others = async {
        for _ in 0..16 {
            assert_eq!(limit.check("somebody").await, Ok(()));
        }
    };
    let others = tokio::time::timeout(std::time::Duration::from_millis(500), others);
    others.await.expect("at once");
    assert!(probing.await.unwrap().is_ok());
    server.signal("CONT");
    assert!(limit.check("other").await.is_ok());
    assert!(!valkey.is_down());
}

#[tokio::test]
async fn it_starts_before_the_server_does() {
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}");
    let limit = limits(&url, &any_key()).limit("test", QUOTA);
    assert_eq!(passing(&limit, 64).await, 20);
    let _server = OwnServer::start_on(port, &[]);
    assert_eq!(passing(&limit, 64).await, 20);
}
