//! Servers that are down, back, frozen, full, or not what they should be.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use atpass_replay::{Fresh, Replay, WhenDown};
use redis::AsyncConnectionConfig;
use tracing::Level;

use crate::log::Log;
use crate::own::{OwnServer, free_port};
use crate::{START, accept, key, node};

/// Sends the server a command. Returns its answer as text, a line for each part.
pub(crate) async fn command(server: &OwnServer, name: &str, words: &[&str]) -> String {
    let client = redis::Client::open(server.url()).unwrap();
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connection.await.unwrap();
    let mut command = redis::cmd(name);
    command.arg(words);
    let answer: redis::Value = command.query_async(&mut connection).await.unwrap();
    match &answer {
        redis::Value::Int(number) => number.to_string(),
        other => {
            let parts = redis::from_redis_value_ref::<Vec<String>>(other);
            parts.unwrap_or_default().join("\n")
        }
    }
}

/// Clause AS-DPOP-11: what can't be known isn't accepted. The first request after the
/// server's return is answered again.
#[tokio::test]
async fn without_a_server_it_refuses_until_it_is_back() {
    let mut log = Log::of_this_thread();
    let mut server = OwnServer::start(&[]);
    let port = server.port();
    let replay = node(&server.url(), "p:", WhenDown::Refuse);
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::First));
    for outage in 1..3 {
        drop(server);
        for number in 1..4 {
            assert!(accept(&replay, number).await.is_err());
            assert!(replay.is_down());
        }
        let alarms = log.rest();
        assert_eq!(alarms.len(), 1, "once for outage {outage}: {alarms:?}");
        assert_eq!(alarms[0].0, Level::ERROR);

        server = OwnServer::start_on(port, &[]);
        assert_eq!(accept(&replay, 2).await, Ok(Fresh::First));
        assert_eq!(accept(&replay, 2).await, Ok(Fresh::Seen));
        assert!(!replay.is_down());
        assert_eq!(log.next().await.0, Level::INFO);
        let (level, text) = log.next().await;
        assert!(level == Level::WARN && text.contains("restarted"), "{text}");
    }
}

/// Clause AS-DPOP-11: where it was chosen to go on, no node accepts twice what it accepted
/// before or during the outage, also not afterwards.
#[tokio::test]
async fn without_a_server_it_remembers_here() {
    let mut log = Log::of_this_thread();
    let server = OwnServer::start(&[]);
    let (url, port) = (server.url(), server.port());
    let replay = node(&url, "p:", WhenDown::RememberHere);
    let other = node(&url, "p:", WhenDown::RememberHere);
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::First));
    assert_eq!(accept(&other, 1).await, Ok(Fresh::Seen));
    let before = replay.era().unwrap();

    drop(server);
    for (number, fresh) in [
        (1, Fresh::Seen),
        (2, Fresh::First),
        (2, Fresh::Seen),
        (3, Fresh::First),
    ] {
        assert_eq!(accept(&replay, number).await, Ok(fresh), "{number}");
    }
    let alarms = log.rest();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    let (level, text) = &alarms[0];
    assert!(
        *level == Level::ERROR && text.contains("ALARM"),
        "{alarms:?}"
    );
    // What is risked: the nodes don't know of each other.
    assert_eq!(accept(&other, 2).await, Ok(Fresh::First));
    assert_eq!(log.next().await.0, Level::ERROR);

    let _server = OwnServer::start_on(port, &[]);
    assert_eq!(accept(&replay, 4).await, Ok(Fresh::First));
    assert_eq!(log.next().await.0, Level::INFO);
    assert!(!replay.is_down());
    for number in 1..5 {
        for node in [&replay, &other] {
            let key = key(number);
            let again = node.accept_once(before, &key, START.plus(300), START);
            let again = again.await.unwrap();
            assert_ne!(again, Fresh::First, "{number}");
        }
    }
    assert_eq!(accept(&other, 4).await, Ok(Fresh::Seen), "they agree again");
}

#[tokio::test]
async fn it_starts_before_the_server_does() {
    let port = free_port();
    let url = format!("redis://127.0.0.1:{port}");
    let replay = node(&url, "p:", WhenDown::Refuse);
    let here = node(&url, "p:", WhenDown::RememberHere);
    assert!(accept(&replay, 1).await.is_err());
    assert_eq!(accept(&here, 1).await, Ok(Fresh::First));
    let _server = OwnServer::start_on(port, &[]);
    assert_eq!(accept(&replay, 2).await, Ok(Fresh::First));
    assert_eq!(accept(&here, 2).await, Ok(Fresh::Seen));
}

/// A server closes what is idle, or is restarted while nothing is asked.
#[tokio::test]
async fn a_connection_that_was_closed_costs_no_request() {
    let mut log = Log::of_this_thread();
    let server = OwnServer::start(&[]);
    let port = server.port();
    let replay = node(&server.url(), "p:", WhenDown::Refuse);
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::First));
    command(&server, "CLIENT", &["KILL", "TYPE", "normal"]).await;
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::Seen));
    drop(server);
    let _server = OwnServer::start_on(port, &[]);
    assert_eq!(accept(&replay, 2).await, Ok(Fresh::First));
    let warnings = log.rest();
    assert!(
        warnings.len() == 1 && warnings[0].0 == Level::WARN,
        "no outage, but another era: {warnings:?}"
    );
}

/// A server that doesn't answer: nobody waits long, and of those who can go on without it, only one waits.
#[tokio::test]
async fn a_frozen_server_is_down() {
    let server = OwnServer::start(&[]);
    let refusing = node(&server.url(), "p:", WhenDown::Refuse);
    let here = Arc::new(node(&server.url(), "p:", WhenDown::RememberHere));
    assert_eq!(accept(&refusing, 1).await, Ok(Fresh::First));
    assert_eq!(accept(&here, 2).await, Ok(Fresh::First));

    server.signal("STOP");
    let both = async { tokio::join!(accept(&refusing, 3), accept(&here, 4)) };
    let answers = tokio::time::timeout(Duration::from_secs(5), both).await;
    let (refused, accepted) = answers.expect("an answer in a while");
    assert!(refused.is_err());
    assert_eq!(accepted, Ok(Fresh::First));
    let probing = tokio::spawn({
        let here = here.clone();
        async move { accept(&here, 5).await }
    });
    tokio::task::yield_now().await;
    for (number, fresh) in [(4, Fresh::Seen), (6, Fresh::First), (6, Fresh::Seen)] {
        let answer = tokio::time::timeout(Duration::from_millis(500), accept(&here, number)).await;
        assert_eq!(answer.expect("at once"), Ok(fresh), "{number}");
    }
    assert_eq!(probing.await.unwrap(), Ok(Fresh::First));

    server.signal("CONT");
    assert_eq!(accept(&refusing, 7).await, Ok(Fresh::First));
    assert_eq!(accept(&here, 7).await, Ok(Fresh::Seen));
    assert!(!refusing.is_down() && !here.is_down());
}

/// Clause AS-DPOP-11: a full server forgets nothing, and what it can't remember
/// isn't accepted.
#[tokio::test]
async fn a_full_server_is_down() {
    let server = OwnServer::start(&["--maxmemory-policy", "noeviction"]);
    let replay = node(&server.url(), "p:", WhenDown::Refuse);
    let here = node(&server.url(), "p:", WhenDown::RememberHere);
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::First));
    command(&server, "CONFIG", &["SET", "maxmemory", "1"]).await;
    let error = accept(&replay, 2).await.unwrap_err().to_string();
    assert!(error.contains("OOM"), "{error}");
    assert_eq!(accept(&here, 2).await, Ok(Fresh::First));
    assert_eq!(accept(&here, 2).await, Ok(Fresh::Seen));
    command(&server, "CONFIG", &["SET", "maxmemory", "0"]).await;
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::Seen));
    assert_eq!(accept(&replay, 3).await, Ok(Fresh::First));
}

#[tokio::test]
async fn a_server_that_would_forget_is_warned_of() {
    let mut log = Log::of_this_thread();
    let server = OwnServer::start(&["--maxmemory-policy", "allkeys-lru"]);
    let replay = node(&server.url(), "p:", WhenDown::Refuse);
    assert_eq!(accept(&replay, 1).await, Ok(Fresh::First));
    let (level, text) = log.next().await;
    assert_eq!(level, Level::WARN);
    assert!(
        text.contains("allkeys-lru") && text.contains("noeviction"),
        "{text}"
    );
}

/// A server whose password is another, until it isn't.
#[tokio::test]
async fn a_wrong_password_is_down_and_never_told() {
    let mut log = Log::of_this_thread();
    let server = OwnServer::start(&["--requirepass", "right-one"]);
    let at = |password| format!("redis://:{password}@127.0.0.1:{}", server.port());
    let replay = node(&at("wrong-one"), "p:", WhenDown::Refuse);
    for number in 1..3 {
        let error = accept(&replay, number).await.unwrap_err().to_string();
        assert!(!error.contains("wrong-one"), "{error}");
    }
    let alarms = log.rest();
    assert!(
        alarms.len() == 1 && !alarms[0].1.contains("wrong-one"),
        "{alarms:?}"
    );

    let client = redis::Client::open(at("right-one")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut change = redis::cmd("CONFIG");
    change.arg(&["SET", "requirepass", "wrong-one"]);
    change.exec_async(&mut connection).await.unwrap();
    assert_eq!(accept(&replay, 3).await, Ok(Fresh::First));
}

/// A server that doesn't know a command may repeat what it was given.
#[tokio::test]
async fn a_password_that_comes_back_is_taken_out() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut read = [0; 1024];
            while let Ok(length @ 1..) = connection.read(&mut read) {
                let commands = String::from_utf8_lossy(&read[..length]);
                let answer = if commands.contains("AUTH") {
                    "+OK\r\n"
                } else {
                    "-ERR unknown command, after 'AUTH' 'hunter2'\r\n"
                };
                // Each command begins with a star.
                let answers = answer.repeat(commands.matches('*').count());
                let _ = connection.write_all(answers.as_bytes());
            }
        }
    });
    let url = format!("redis://user:hunter2@127.0.0.1:{port}");
    let replay = node(&url, "p:", WhenDown::Refuse);
    let error = accept(&replay, 1).await.unwrap_err().to_string();
    assert!(error.contains("'[password]'"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}
