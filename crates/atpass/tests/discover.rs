//! `atpass discover` as people and programs use it, against names and TLS hosts of the test's own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use atpass_testnet::Internet;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// What the authorization server does.
#[derive(Clone, Copy, PartialEq)]
enum Server {
    Good,
    NoCors,
    SlowClock,
    BotFilter,
    OtherIssuer,
    Redirect,
    Steers,
}

struct World {
    internet: Internet,
    root: NamedTempFile,
}

impl World {
    async fn start(server: Server) -> Self {
        let port = Arc::new(OnceLock::<u16>::new());
        let host = |name: &'static str| {
            let port = port.clone();
            let answer = move |request: Request| {
                let port = *port.get().unwrap();
                async move { answer(name, server, port, &request) }
            };
            (name, Router::new().fallback(answer))
        };
        let internet = Internet::start([
            host("plc.example.net"),
            host("pds.example.com"),
            host("auth.example.org"),
        ])
        .await
        .unwrap();
        port.set(internet.port()).unwrap();
        internet
            .names
            .add_texts("_atproto.alice.example.com", &[&format!("did={DID}")]);
        let root = NamedTempFile::new().unwrap();
        std::fs::write(root.path(), internet.root()).unwrap();
        Self { internet, root }
    }

    fn discover(&self, arguments: &[&str]) -> Output {
        let port = self.internet.port();
        Command::new(env!("CARGO_BIN_EXE_atpass"))
            .arg("discover")
            .args(arguments)
            .args(["--directory", &format!("https://plc.example.net:{port}")])
            .args(["--dns", &self.internet.names.address().to_string()])
            .arg("--root-cert")
            .arg(self.root.path())
            .arg("--allow-loopback")
            .env_clear()
            .output()
            .unwrap()
    }

    fn discover_json(&self, input: &str) -> (bool, Value) {
        let output = self.discover(&[input, "--json"]);
        let value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.success(), value)
    }
}

fn answer(host: &str, server: Server, port: u16, request: &Request) -> Response {
    let issuer = format!("https://auth.example.org:{port}");
    let pds = format!("https://pds.example.com:{port}");
    if request.method() == http::Method::OPTIONS {
        return preflight(server);
    }
    let document = match (host, request.uri().path()) {
        ("plc.example.net", path) if path == format!("/{DID}") => json!({
            "id": DID,
            "alsoKnownAs": ["at://alice.example.com"],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": pds,
            }],
        }),
        ("pds.example.com", "/.well-known/oauth-protected-resource") => {
            json!({"resource": pds, "authorization_servers": [issuer]})
        }
        ("auth.example.org", "/.well-known/oauth-authorization-server") => match server {
            Server::BotFilter => {
                let page = [(header::CONTENT_TYPE, "text/html")];
                return (StatusCode::FORBIDDEN, page, "Are you a person?").into_response();
            }
            Server::Redirect => {
                let to = [(header::LOCATION, "https://www.example.org/")];
                return (StatusCode::MOVED_PERMANENTLY, to).into_response();
            }
            Server::OtherIssuer => metadata("https://other.example.org"),
            Server::Steers => metadata("\u{1b}[2J\u{1b}]52;c;cm0=\u{7}\u{9b}2J\u{202e}"),
            Server::Good | Server::NoCors | Server::SlowClock => metadata(&issuer),
        },
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let mut headers = HeaderMap::new();
    if server != Server::NoCors || host != "auth.example.org" {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
    }
    if server == Server::SlowClock && host == "auth.example.org" {
        let date = HeaderValue::from_static("Fri, 01 May 2020 00:00:00 GMT");
        headers.insert(header::DATE, date);
    }
    (headers, axum::Json(document)).into_response()
}

fn preflight(server: Server) -> Response {
    if server == Server::NoCors {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, DPoP"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "scopes_supported": ["atproto"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": true,
        "client_id_metadata_document_supported": true,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_every_step() {
    let world = World::start(Server::Good).await;
    let port = world.internet.port();
    let (ok, report) = world.discover_json("alice.example.com");
    assert!(ok, "{report}");
    assert_eq!(report["ok"], true);
    assert_eq!(report["account"]["did"], DID);
    assert_eq!(report["account"]["handle"], "alice.example.com");
    assert_eq!(
        report["account"]["pds"],
        format!("https://pds.example.com:{port}")
    );
    assert_eq!(report["issuer"], format!("https://auth.example.org:{port}"));
    assert_eq!(report["findings"], json!([]));
    let steps: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            (
                step["step"].as_str().unwrap(),
                step["ok"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("handle_dns", true),
            // The handle's own host has no address here; DNS is enough.
            ("handle_https", false),
            ("did_document", true),
            ("resource_metadata", true),
            ("server_metadata", true),
            ("cors_par", true),
            ("cors_token", true),
        ]
    );
    for step in report["steps"].as_array().unwrap() {
        assert!(step["ms"].as_f64().unwrap() <= report["total_ms"].as_f64().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_a_waterfall() {
    let world = World::start(Server::Good).await;
    let output = world.discover(&["@alice.example.com"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "handle by DNS",
        "━",
        DID,
        "claimed from both sides",
        "issuer   https://auth.example.org",
        "found, with 7 questions",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours in a pipe: {text}");
}

/// What a stranger's server says doesn't steer the terminal.
#[tokio::test(flavor = "multi_thread")]
async fn text_of_strangers() {
    let world = World::start(Server::Steers).await;
    for arguments in [&[DID][..], &[DID, "--json"]] {
        let output = world.discover(arguments);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("?[2J"), "{text}");
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.chars().any(steers), "{text:?}");
    }
}

/// Clause ID-DISC-02 and what operators get wrong: each is named, with the way to mend it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_and_how_to_mend_it() {
    for (server, ok, code, what, mend) in [
        (
            Server::NoCors,
            true,
            "cors_missing",
            "apps in a browser",
            "Access-Control-Allow-Origin",
        ),
        (
            Server::SlowClock,
            true,
            "clock_offset",
            "s behind this machine's",
            "NTP",
        ),
        (
            Server::BotFilter,
            false,
            "status",
            "status 403 with a web page",
            "bot filter",
        ),
        (
            Server::OtherIssuer,
            false,
            "server_metadata",
            "issuer is https://other.example.org",
            "correct these members",
        ),
        (
            Server::Redirect,
            false,
            "redirect",
            "redirects to https://www.example.org/",
            "answer at this URL itself",
        ),
    ] {
        let world = World::start(server).await;
        let (success, report) = world.discover_json(DID);
        assert_eq!((success, &report["ok"]), (ok, &json!(ok)), "{report}");
        let findings = report["findings"].as_array().unwrap();
        assert!(
            findings.iter().all(|finding| finding["code"] == code),
            "{report}"
        );
        let finding = &findings[0];
        let severity = if ok { "warning" } else { "error" };
        assert_eq!(finding["severity"], severity);
        let text = |member: &str| finding[member].as_str().unwrap().to_owned();
        assert!(text("what").contains(what), "{report}");
        assert!(text("mend").contains(mend), "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_sense() {
    let world = World::start(Server::Good).await;
    for (arguments, part) in [
        (
            &["not a handle"][..],
            "type a handle such as alice.example.com",
        ),
        (&["alice"][..], "type a handle such as alice.example.com"),
        (
            &[DID, "--root-cert", "/nowhere.pem"][..],
            "read the root certificate /nowhere.pem",
        ),
        (&[DID, "--handle-resolver", "nonsense"][..], "nonsense"),
    ] {
        let output = world.discover(arguments);
        assert!(!output.status.success());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(part), "{part:?} in {text}");
        assert!(output.stdout.is_empty());
    }
}
