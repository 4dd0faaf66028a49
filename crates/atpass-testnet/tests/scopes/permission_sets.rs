//! Permission sets, published in a repository on the network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atpass_fetch::FetchConfig;
use atpass_protocol::id::Did;
use atpass_protocol::time::Clock;
use atpass_testnet::Internet;
use atpass_testnet::repository::{Repository, RepositoryKey};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

const SET: &str = "org.example.feed.authFull";
const INCLUDE: &str = "include:org.example.feed.authFull?aud=did:web:api.example.com%23svc_appview";
const HOST: &str = "lex.example.org";
const DAY: i64 = 24 * 60 * 60;

/// What the publisher's PDS does.
#[derive(Clone)]
enum Mood {
    Publishes(Value),
    /// The same, signed by somebody else.
    Forged(Value),
    Down,
}

/// An account that publishes permission sets: DID document, PDS and repository at one host.
struct Publisher {
    internet: Internet,
    mood: Arc<Mutex<Mood>>,
}

impl Publisher {
    async fn start(set: Value) -> Self {
        let mood = Arc::new(Mutex::new(Mood::Publishes(set)));
        let (shared, key) = (mood.clone(), Arc::new(RepositoryKey::k256().unwrap()));
        let routes = Router::new().fallback(move |request: Request| {
            let (mood, key) = (shared.lock().unwrap().clone(), key.clone());
            async move { answer(&mood, &key, request.uri().path()) }
        });
        let internet = Internet::start([(HOST, routes)]).await.unwrap();
        let did = format!("did=did:web:{HOST}");
        internet
            .names
            .add_texts("_lexicon.feed.example.org", &[&did]);
        Self { internet, mood }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn fetch_config(&self) -> FetchConfig {
        FetchConfig {
            total_timeout: Duration::from_millis(500),
            ..self.internet.fetch_config()
        }
    }

    async fn lab(&self) -> Lab {
        self.lab_in(tempfile::tempdir().unwrap()).await
    }

    async fn lab_in(&self, folder: TempDir) -> Lab {
        let fetch = self.fetch_config();
        Lab::start_with(folder, |config| config.fetch = fetch).await
    }
}

fn answer(mood: &Mood, key: &RepositoryKey, path: &str) -> Response {
    let did = format!("did:web:{HOST}");
    let (set, signer) = match mood {
        Mood::Publishes(set) => (set, None),
        Mood::Forged(set) => (set, Some(RepositoryKey::k256().unwrap())),
        Mood::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
    };
    if path == "/.well-known/did.json" {
        let document = json!({
            "id": did,
            "verificationMethod": [{
                "id": format!("{did}#atproto"), "type": "Multikey", "controller": did,
                "publicKeyMultibase": key.multibase().unwrap(),
            }],
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": format!("https://{HOST}"),
            }],
        });
        return axum::Json(document).into_response();
    }
    let record = format!("com.atproto.lexicon.schema/{SET}");
    let mut repository = Repository::new(Did::parse(&did).unwrap());
    repository.put(&record, set).unwrap();
    let proof = repository
        .proof(&record, signer.as_ref().unwrap_or(key))
        .unwrap();
    let headers = [(http::header::CONTENT_TYPE, "application/vnd.ipld.car")];
    (headers, proof).into_response()
}

fn permission_set(permissions: &Value) -> Value {
    json!({
        "$type": "com.atproto.lexicon.schema", "lexicon": 1, "id": SET,
        "defs": { "main": {
            "type": "permission-set",
            "title": "Your feed", "title:lang": { "de": "Ihr Feed" },
            "detail": "Posting and reading.", "detail:lang": { "de": "Schreiben und lesen." },
            "permissions": permissions,
        } },
    })
}

fn repo(collection: &str) -> Value {
    json!({ "type": "permission", "resource": "repo", "collection": [collection] })
}

fn rpc(lxm: &str) -> Value {
    json!({ "type": "permission", "resource": "rpc", "lxm": [lxm], "inheritAud": true })
}

fn post_and_read() -> Value {
    permission_set(&json!([
        repo("org.example.feed.post"),
        rpc("org.example.feed.getPosts")
    ]))
}

async fn refresh(lab: &Lab, app: &mut App, tokens: &mut Value) -> String {
    app.now = lab.clock.now();
    let answer = app.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    *tokens = answer.json();
    tokens["scope"].as_str().unwrap().to_owned()
}

/// A pushed request for the set. Returns the answer.
async fn push(app: &App, scope: &str) -> Answer {
    let challenge = CodeVerifier::generate(&SystemRandom)
        .challenge()
        .to_string();
    let mut request = app.request(&challenge, &challenge);
    request.retain(|(name, _)| *name != "scope");
    request.push(("scope", scope));
    app.post("/oauth/par", &request).await
}

/// Clauses SC-INC-01, SC-INC-03, SC-UI-01, SC-ALG-02: from a record in a repository to what the
/// resource server allows, with the words of the set in the languages of the person.
#[tokio::test(flavor = "multi_thread")]
async fn from_a_repository_to_the_resource() {
    let publisher = Publisher::start(post_and_read()).await;
    let lab = publisher.lab().await;
    let scope = format!("atproto {INCLUDE}");
    let app = app_declaring(&lab, &scope);
    let browser = Browser::new(&app);
    let (verifier, request_uri, page) = ask(&app, &browser, &scope).await;
    let english = page.text();
    let query = form(&[
        ("client_id", &app.client_id),
        ("request_uri", &request_uri),
        (
            "account",
            lab.network.accounts.first().unwrap().did.as_str(),
        ),
    ]);
    let german = http::Request::get(format!("{}/oauth/authorize?{query}", app.origin))
        .header("accept-language", "de")
        .body(bytes::Bytes::new());
    let german = browser.send(german.unwrap()).await.text();
    for (page, title, detail) in [
        (
            &english,
            "Your feed",
            "Posting and reading. Defined by example.org.",
        ),
        (
            &german,
            "Ihr Feed",
            "Schreiben und lesen. Festgelegt von example.org.",
        ),
    ] {
        assert!(page.contains(title) && page.contains(detail), "{page}");
        for item in [
            "repo:org.example.feed.post",
            "rpc:org.example.feed.getPosts?aud=did:web:api.example.com%23svc_appview",
        ] {
            assert!(
                page.contains(&format!("<code>{item}</code>")),
                "{item}: {page}"
            );
        }
    }
    let decided = browser.decide(&app, &request_uri, &page, "authorize").await;
    let tokens = app.exchange(&code_of(&decided), &verifier).await.json();
    assert_eq!(
        tokens["scope"],
        format!("atproto repo:org.example.feed.post rpc:org.example.feed.getPosts?aud={API}")
    );
    let token = tokens["access_token"].as_str().unwrap();
    for (collection, status) in [
        ("org.example.feed.post", StatusCode::OK),
        ("org.example.feed.like", StatusCode::FORBIDDEN),
    ] {
        let body = json!({ "repo": "alice.test", "collection": collection, "record": { "$type": collection } });
        let create = "/xrpc/com.atproto.repo.createRecord";
        let answer = app.call(Method::POST, create, token, Some(&body)).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    let account = browser.get("/account").await.text();
    assert!(account.contains("Know who you are, Your feed"), "{account}");
}

/// Clauses SC-INC-05, AS-REF-09: a set that grew reaches the session at a refresh, a day later at
/// the latest; while it can't be resolved the last good one counts.
#[tokio::test(flavor = "multi_thread")]
async fn computed_anew_at_a_refresh() {
    let publisher = Publisher::start(post_and_read()).await;
    let lab = publisher.lab().await;
    let scope = format!("atproto {INCLUDE}");
    let mut app = app_declaring(&lab, &scope);
    let mut tokens = log_in(&app, &scope).await.json();
    let first = tokens["scope"].as_str().unwrap().to_owned();

    publisher.set(Mood::Publishes(permission_set(&json!([repo(
        "org.example.feed.like"
    )]))));
    lab.clock.advance(DAY - 600);
    assert_eq!(
        refresh(&lab, &mut app, &mut tokens).await,
        first,
        "kept for a day"
    );
    lab.clock.advance(601);
    let second = "atproto repo:org.example.feed.like";
    assert_eq!(refresh(&lab, &mut app, &mut tokens).await, second);

    for mood in [
        Mood::Down,
        Mood::Forged(post_and_read()),
        Mood::Publishes(
            json!({ "$type": "com.atproto.lexicon.schema", "lexicon": 1, "id": SET, "defs": {} }),
        ),
    ] {
        publisher.set(mood);
        lab.clock.advance(DAY + 1);
        assert_eq!(refresh(&lab, &mut app, &mut tokens).await, second);
    }
    publisher.set(Mood::Publishes(post_and_read()));
    lab.clock.advance(61);
    assert_eq!(refresh(&lab, &mut app, &mut tokens).await, first);
}

/// Clause SC-INC-05: without the set no session begins, with the last good one for 90 days.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_begin() {
    let publisher = Publisher::start(post_and_read()).await;
    let lab = publisher.lab().await;
    let scope = format!("atproto {INCLUDE}");
    let mut app = app_declaring(&lab, &scope);
    publisher.set(Mood::Down);
    let answer = push(&app, &scope).await;
    assert_eq!(answer.error(), "invalid_scope");
    assert!(answer.text().contains(SET), "{}", answer.text());
    let asked = publisher.internet.asked().len();
    assert_eq!(push(&app, &scope).await.error(), "invalid_scope");
    assert_eq!(
        publisher.internet.asked().len(),
        asked,
        "a failure is remembered for a minute"
    );

    publisher.set(Mood::Publishes(post_and_read()));
    let pass = |app: &mut App, seconds| {
        lab.clock.advance(seconds);
        app.now = lab.clock.now();
    };
    pass(&mut app, 61);
    assert_eq!(push(&app, &scope).await.status, StatusCode::CREATED);
    publisher.set(Mood::Down);
    pass(&mut app, 89 * DAY);
    assert_eq!(
        push(&app, &scope).await.status,
        StatusCode::CREATED,
        "stale, and good enough"
    );
    pass(&mut app, DAY);
    assert_eq!(push(&app, &scope).await.error(), "invalid_scope", "expired");
}

/// A set of hundreds of permissions becomes a token that the resource server reads; one that would be
/// too long for a token begins no session.
#[tokio::test(flavor = "multi_thread")]
async fn large_sets() {
    let named = |count: usize, padding: &str| -> Value {
        let one = |n| format!("org.example.feed.thing{n}{padding}");
        let collections: Vec<_> = (0..count).map(one).collect();
        let repo = |name: &String| repo(name);
        permission_set(&Value::Array(collections.iter().map(repo).collect()))
    };
    let publisher = Publisher::start(named(600, "")).await;
    let lab = publisher.lab().await;
    let scope = format!("atproto {INCLUDE}");
    let app = app_declaring(&lab, &scope);
    let tokens = log_in(&app, &scope).await.json();
    let token = tokens["access_token"].as_str().unwrap();
    println!("600 permissions: a token of {} bytes", token.len());
    let collection = "org.example.feed.thing599";
    let body = json!({ "repo": "alice.test", "collection": collection, "record": { "$type": collection } });
    let create = "/xrpc/com.atproto.repo.createRecord";
    let answer = app.call(Method::POST, create, token, Some(&body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());

    let names = named(0, "");
    let mut long = names.clone();
    let collections: Vec<_> = (0..700)
        .map(|n| format!("org.example.feed.thing{n}{}", "x".repeat(50)))
        .collect();
    long["defs"]["main"]["permissions"] =
        json!([{ "type": "permission", "resource": "repo", "collection": collections }]);
    publisher.set(Mood::Publishes(long));
    lab.clock.advance(DAY + 1);
    let mut app = app_declaring(&lab, &scope);
    app.now = lab.clock.now();
    let answer = push(&app, &scope).await;
    assert_eq!(answer.error(), "invalid_scope");
    assert!(
        answer.text().contains("fit into a token"),
        "{}",
        answer.text()
    );
}

/// Twenty sets are enough for anybody, and are looked up side by side.
#[tokio::test(flavor = "multi_thread")]
async fn many_sets() {
    let publisher = Publisher::start(post_and_read()).await;
    let lab = publisher.lab().await;
    let app = app_declaring(&lab, "atproto transition:generic");
    let includes = |count: usize| -> String {
        let one = |n| format!(" include:org.example.feed{n}.authFull");
        format!("atproto{}", (0..count).map(one).collect::<String>())
    };
    for (count, expected) in [
        (21, "at most 20 permission sets"),
        (20, "can't be resolved"),
    ] {
        let answer = push(&app, &includes(count)).await;
        assert_eq!(answer.error(), "invalid_scope");
        assert!(answer.text().contains(expected), "{}", answer.text());
    }
}

/// What was resolved outlives the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart() {
    let publisher = Publisher::start(post_and_read()).await;
    let Lab {
        network, folder, ..
    } = {
        let lab = publisher.lab().await;
        let scope = format!("atproto {INCLUDE}");
        let app = app_declaring(&lab, &scope);
        assert_eq!(push(&app, &scope).await.status, StatusCode::CREATED);
        lab
    };
    network.stop().await;
    publisher.set(Mood::Down);
    let lab = publisher.lab_in(folder).await;
    let scope = format!("atproto {INCLUDE}");
    let app = app_declaring(&lab, &scope);
    assert_eq!(push(&app, &scope).await.status, StatusCode::CREATED);
}

/// Clauses SC-INC-02, SC-INC-04: what a set may not hold isn't granted, and the rest is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_beyond_its_own_group() {
    let set = permission_set(&json!([
        repo("org.example.feed.post"),
        repo("org.example.actor.profile"),
        repo("org.example.feedback.post"),
        repo("app.bsky.feed.post"),
        repo("*"),
        rpc("chat.bsky.convo.sendMessage"),
        { "type": "permission", "resource": "rpc", "lxm": ["org.example.feed.getPosts"], "aud": "did:web:evil.example#svc" },
        { "type": "permission", "resource": "repo", "collection": ["org.example.feed.post"], "until": "tomorrow" },
        { "type": "permission", "resource": "blob", "accept": ["*/*"] },
        { "type": "permission", "resource": "account", "attr": "email" },
        { "type": "permission", "resource": "identity", "attr": "*" },
    ]));
    let publisher = Publisher::start(set).await;
    let lab = publisher.lab().await;
    let scope = format!("atproto {INCLUDE}");
    let app = app_declaring(&lab, &scope);
    let tokens = log_in(&app, &scope).await.json();
    assert_eq!(tokens["scope"], "atproto repo:org.example.feed.post");
}

/// Clause SC-INC-01: without the proof there is no set.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proven() {
    let large = json!([repo(&format!("org.example.feed.{}", "x".repeat(60)))]);
    let mut many = large.as_array().unwrap().clone();
    many.extend(vec![large[0].clone(); 999]);
    let mut more = many.clone();
    more.push(large[0].clone());
    let mut padded = post_and_read();
    padded["defs"]["main"]["detail"] = json!("x".repeat(140_000));
    for (name, mood) in [
        ("another signature", Mood::Forged(post_and_read())),
        (
            "1001 permissions",
            Mood::Publishes(permission_set(&Value::Array(more))),
        ),
        ("140,000 bytes", Mood::Publishes(padded)),
        (
            "a record type",
            Mood::Publishes({
                let mut set = post_and_read();
                set["defs"]["main"]["type"] = json!("record");
                set
            }),
        ),
    ] {
        let publisher = Publisher::start(post_and_read()).await;
        publisher.set(mood);
        let lab = publisher.lab().await;
        let scope = format!("atproto {INCLUDE}");
        let answer = push(&app_declaring(&lab, &scope), &scope).await;
        println!(
            "{name}: {}",
            answer.json()["error_description"].as_str().unwrap_or("?")
        );
        assert_eq!(answer.error(), "invalid_scope", "{name}");
    }
}

/// Clause SC-ALG-01: an app that declares what a set holds may ask for the set.
#[tokio::test(flavor = "multi_thread")]
async fn declared_by_what_it_holds() {
    let publisher = Publisher::start(post_and_read()).await;
    let lab = publisher.lab().await;
    for (declared, allowed) in [
        (
            "include:org.example.feed.authFull?aud=did:web:api.example.com%23svc_appview",
            true,
        ),
        ("include:org.example.feed.authFull", false),
        ("transition:generic", true),
        (
            "repo:* rpc:*?aud=did:web:api.example.com%23svc_appview",
            true,
        ),
        ("repo:*", false),
        ("include:org.example.feed.authRead", false),
    ] {
        let app = app_declaring(&lab, &format!("atproto {declared}"));
        let answer = push(&app, &format!("atproto {INCLUDE}")).await;
        assert_eq!(
            answer.status == StatusCode::CREATED,
            allowed,
            "{declared}: {}",
            answer.text()
        );
    }
}

/// A set that grew doesn't bring an app more than it declares: only a set that it names may.
#[tokio::test(flavor = "multi_thread")]
async fn growth_within_what_is_declared() {
    let publisher = Publisher::start(permission_set(&json!([repo("org.example.feed.post")]))).await;
    let lab = publisher.lab().await;
    let mut app = app_declaring(
        &lab,
        "atproto repo:*?action=create repo:org.example.feed.post",
    );
    let mut tokens = log_in(&app, "atproto include:org.example.feed.authFull")
        .await
        .json();
    assert_eq!(tokens["scope"], "atproto repo:org.example.feed.post");
    let grown = json!([repo("org.example.feed.post"), repo("org.example.feed.like")]);
    publisher.set(Mood::Publishes(permission_set(&grown)));
    lab.clock.advance(DAY + 1);
    let scope = refresh(&lab, &mut app, &mut tokens).await;
    assert_eq!(scope, "atproto repo:org.example.feed.post");
}
