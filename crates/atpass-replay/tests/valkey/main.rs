//! Replay memory on a real Valkey or Redis.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod app;
mod eras;
mod limits;
mod log;
mod outage;
mod own;

use std::sync::Arc;

use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::time::{Clock, SystemClock, UnixTime};
use atpass_replay::{
    Fresh, GRACE, Replay, ReplayUnavailable, Valkey, ValkeyReplay, WhenDown, contract,
};

const START: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The server that all tests share.
fn url() -> String {
    std::env::var("ATPASS_TEST_VALKEY")
        .expect("`cargo xtask test` starts Valkey and says where; without it, set the variable")
}

/// A beginning of keys that no other test has.
fn prefix() -> String {
    format!("test:{}:", random::text::<12>(&SystemRandom))
}

fn node(url: &str, prefix: &str, when_down: WhenDown) -> ValkeyReplay {
    let valkey = Valkey::open(url).unwrap();
    ValkeyReplay::new(valkey, when_down).with_prefix(prefix)
}

fn key(number: u8) -> [u8; 32] {
    [number; 32]
}

async fn accept(replay: &ValkeyReplay, number: u8) -> Result<Fresh, ReplayUnavailable> {
    accept_until(replay, number, START.plus(300)).await
}

async fn accept_until(
    replay: &ValkeyReplay,
    number: u8,
    until: UnixTime,
) -> Result<Fresh, ReplayUnavailable> {
    // As a proof whose nonce is of the present.
    let era = replay.ask_era().await?;
    replay.accept_once(era, &key(number), until, START).await
}

/// Clause AS-DPOP-11.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keeps_the_contract() {
    for when_down in [WhenDown::Refuse, WhenDown::RememberHere] {
        for start in [START, SystemClock.now()] {
            let replay = node(&url(), &prefix(), when_down);
            contract::check(Arc::new(replay), start).await;
        }
    }
}

/// Clause AS-DPOP-11: on all nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_callers_on_several_nodes_one_wins() {
    for when_down in [WhenDown::Refuse, WhenDown::RememberHere] {
        let prefix = prefix();
        let nodes = [0; 2].map(|_| Arc::new(node(&url(), &prefix, when_down)));
        for number in 0..16 {
            let mut callers = tokio::task::JoinSet::new();
            for caller in 0..64 {
                let node = nodes[caller % 2].clone();
                callers.spawn(async move { accept(&node, number).await.unwrap() });
            }
            let answers = callers.join_all().await;
            let first = answers.iter().filter(|answer| **answer == Fresh::First);
            assert_eq!(first.count(), 1, "of {} callers", answers.len());
        }
    }
}

/// Clause AS-DPOP-11: across restarts of the node.
#[tokio::test]
async fn a_new_node_knows_what_was_accepted() {
    let prefix = prefix();
    let accept_at_new_node = async || accept(&node(&url(), &prefix, WhenDown::Refuse), 1).await;
    assert_eq!(accept_at_new_node().await, Ok(Fresh::First));
    assert_eq!(accept_at_new_node().await, Ok(Fresh::Seen));
}

/// Clause AS-DPOP-11: what is remembered goes with its time, as the server counts
/// it, however far its clock is from ours.
#[tokio::test]
async fn keys_go_with_their_time() {
    let prefix = prefix();
    let replay = node(&url(), &prefix, WhenDown::Refuse);
    let over = START.plus(-GRACE);
    let last = over.plus(1);
    let never = UnixTime::from_secs(i64::MAX);
    for (number, until) in [(1, START.plus(300)), (2, over), (3, last), (4, never)] {
        assert_eq!(accept_until(&replay, number, until).await, Ok(Fresh::First));
    }
    assert_eq!(accept_until(&replay, 4, never).await, Ok(Fresh::Seen));
    let again = accept_until(&replay, 2, over).await;
    assert_eq!(again, Ok(Fresh::First), "one that is over isn't kept");

    let client = redis::Client::open(url()).unwrap();
    let mut server = client.get_multiplexed_async_connection().await.unwrap();
    let mut left = async |number| -> i64 {
        let text = data_encoding::BASE64URL_NOPAD.encode(&key(number));
        let name = format!("{prefix}dpop:{text}");
        redis::cmd("PTTL")
            .arg(name)
            .query_async(&mut server)
            .await
            .unwrap()
    };
    let milliseconds = left(1).await;
    assert!(
        (300_001..=330_000).contains(&milliseconds),
        "{milliseconds}"
    );
    // -2: there is no such key.
    assert_eq!(left(2).await, -2);
    let milliseconds = left(3).await;
    assert!(
        milliseconds == -2 || (0..=1_000).contains(&milliseconds),
        "{milliseconds}"
    );
    assert!(left(4).await > 0, "not for ever");
}

/// What isn't an address says so, without what it holds.
#[test]
fn addresses_are_checked_at_once() {
    for url in [
        "",
        "127.0.0.1:6379",
        "http://:secret@127.0.0.1",
        "redis://:secret@127.0.0.1:port",
        "redis://:secret@127.0.0.1/database",
    ] {
        let error = Valkey::open(url).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    for url in ["redis://:secret@host", "valkey://user:secret@host:1/2"] {
        let replay = node(url, "p:", WhenDown::Refuse);
        assert!(!format!("{replay:?}").contains("secret"), "{replay:?}");
    }
}
