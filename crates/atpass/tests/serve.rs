//! `atpass serve`, as an operator meets it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};

use program::{Answer, Server, failure, get, run, text};

const METADATA: &str = "/.well-known/oauth-authorization-server";

#[test]
fn the_issuer_is_the_configured_one_whatever_the_request_says() {
    let server = Server::start("");
    let answer = get(server.port, "evil.example", METADATA);
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .text
            .contains(&format!("\"issuer\":\"{}\"", server.origin()))
    );
    assert!(!answer.text.contains("evil.example"), "{}", answer.text);
}

#[test]
fn health_and_metrics_have_their_own_listener() {
    let server = Server::start("");
    assert_eq!(server.observed("/health/live").status, 200);
    assert_eq!(server.observed("/health/ready").status, 200);
    assert_eq!(server.observed(METADATA).status, 404);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(
            server.get(path).status,
            404,
            "{path} is no business of the public"
        );
    }
    assert_eq!(server.get(METADATA).status, 200);
    assert_eq!(server.get("/oauth/token").status, 405);
    let metrics = server.observed("/metrics").text;
    for line in [
        "atpass_requests_total{route=\"/.well-known/oauth-authorization-server\",method=\"GET\",status=\"200\"} 1",
        "atpass_requests_total{route=\"/oauth/token\",method=\"GET\",status=\"405\"} 1",
        // However many paths somebody makes up, they are one series.
        "atpass_requests_total{route=\"unknown\",method=\"GET\",status=\"404\"} 3",
        "atpass_request_duration_seconds_count{route=\"/oauth/token\",method=\"GET\"} 1",
        "atpass_requests_in_flight 0",
        "atpass_database_size_bytes{file=\"main\"}",
    ] {
        assert!(metrics.contains(line), "{line} isn't in:\n{metrics}");
    }
}

#[test]
fn a_request_is_one_line_without_its_query() {
    let server = Server::start("");
    server.get("/oauth/authorize?request_uri=hush&client_id=hush");
    let line = server
        .event(|event| event["target"] == "atpass::request")
        .unwrap();
    assert_eq!(line["method"], "GET");
    assert_eq!(line["path"], "/oauth/authorize");
    assert_eq!(line["status"], 400);
    assert_eq!(line["outcome"], "refused");
    assert!(line["milliseconds"].is_number(), "{line}");
    assert!(!server.log().contains("hush"), "{}", server.log());
    assert!(!server.observed("/metrics").text.contains("hush"));
}

#[test]
fn development_exceptions_are_told_loudly() {
    let server = Server::start("");
    for exception in ["network.allow_http", "network.allow_loopback"] {
        assert!(
            server
                .log()
                .contains(&format!("DEVELOPMENT EXCEPTION: {exception}"))
        );
    }
}

/// A POST whose last byte isn't sent yet, and the byte.
fn half_a_request(server: &Server) -> (TcpStream, &'static [u8]) {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    let head = "POST /oauth/token HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\n";
    connection.write_all(head.as_bytes()).unwrap();
    // Sent when the server begins to read the body: the request is under way.
    let mut answer = [0; 25];
    std::io::Read::read_exact(&mut connection, &mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 100"), "{answer:?}");
    connection.write_all(b"a=").unwrap();
    (connection, b"b")
}

#[test]
fn on_sigterm_it_finishes_what_is_under_way() {
    let mut server = Server::start("");
    let (mut connection, rest) = half_a_request(&server);
    server.terminate();
    server
        .event(|event| event["message"].to_string().contains("stopping"))
        .unwrap();
    let ready = server.observed("/health/ready");
    assert_eq!(ready.status, 503, "{}", ready.text);
    assert_eq!(server.observed("/health/live").status, 200);
    // Its socket closes while the request is still under way.
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, server.port));
    while connect().is_ok() {
        std::thread::yield_now();
    }

    connection.write_all(rest).unwrap();
    let answer = Answer::read(connection);
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(answer.text.contains("\"error\""), "{}", answer.text);
    assert_eq!(server.ended().code(), Some(0));
}

#[test]
fn a_request_that_never_ends_doesnt_keep_it() {
    let mut server = Server::start("drain_seconds = 0");
    let (connection, _) = half_a_request(&server);
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
    assert!(server.log().contains("cut off"), "{}", server.log());
    drop(connection);
}

#[test]
fn a_second_signal_ends_the_wait() {
    let mut server = Server::start("drain_seconds = 3600");
    let (connection, _) = half_a_request(&server);
    server.terminate();
    server
        .event(|event| event["message"].to_string().contains("stopping"))
        .unwrap();
    server.terminate();
    assert_eq!(server.ended().code(), Some(0));
    drop(connection);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let server = Server::start("");
    let message = failure(server.path(), &["serve"]);
    assert!(
        message.contains(&format!("can't listen on 127.0.0.1:{}", server.port)),
        "{message}"
    );
}

/// It never migrates by itself, and says which command does.
#[test]
fn only_a_database_of_this_version_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let config =
        "issuer = \"https://auth.example.com\"\ndata = \"data\"\nlisten = [\"127.0.0.1:0\"]\n";
    std::fs::write(folder.path().join("a.toml"), config).unwrap();
    let serve = ["serve", "--config", "a.toml"];
    let migrate = ["database", "migrate", "--config", "a.toml"];
    let status = ["database", "status", "--json", "--config", "a.toml"];
    let advice = "`atpass database migrate --config a.toml`";
    let message = failure(folder.path(), &serve);
    assert!(
        message.contains("no database") && message.contains(advice),
        "{message}"
    );

    text(folder.path(), &migrate);
    let set_version = |version: i64| {
        let database = folder.path().join("data/atpass.sqlite");
        let database = rusqlite::Connection::open(database).unwrap();
        database
            .pragma_update(None, "user_version", version)
            .unwrap();
    };
    let state = || {
        let output = run(folder.path(), &status);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        status["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(), "current");

    set_version(0);
    let message = failure(folder.path(), &serve);
    assert!(
        message.contains("schema version 0") && message.contains(advice),
        "{message}"
    );
    assert_eq!(state(), "older");

    set_version(1000);
    let message = failure(folder.path(), &serve);
    assert!(
        message.contains("schema version 1000") && message.contains("newer"),
        "{message}"
    );
    assert!(failure(folder.path(), &migrate).contains("newer"));
    assert_eq!(state(), "newer");
}
