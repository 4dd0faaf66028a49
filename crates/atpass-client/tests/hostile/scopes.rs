//! What is granted, against what was asked for.

use atpass_client::ClientError;
use atpass_protocol::scope::ScopeSet;
use serde_json::json;

use crate::app::App;

/// Of a set with its service; the set may speak of `app.example` and what is below it.
const SET: &str = "include:app.example.authFull?aud=did:web:api.example.com%23svc";

/// Clauses C-TOK-01 and C-SUB-03: scopes that were never asked for are refused, and what was issued is
/// revoked. It is the meaning that counts.
#[tokio::test]
async fn scopes_never_asked_for() {
    let first = App::start().await;
    for (asked, granted) in [
        ("", "transition:generic"),
        ("", "transition:chat.bsky"),
        ("", "repo:app.example.post"),
        ("", "account:email"),
        ("", "space:app.example.room"),
        ("", SET),
        (
            "transition:generic",
            "transition:generic transition:chat.bsky",
        ),
        (
            "transition:generic",
            "transition:generic account:repo?action=manage",
        ),
        (
            "transition:generic",
            "transition:generic rpc:chat.bsky.convo.getLog?aud=*",
        ),
        ("repo:app.example.post", "repo:*"),
        (
            "repo:app.example.post",
            "repo:app.example.post repo:app.example.like",
        ),
        (
            "repo:app.example.post?action=create",
            "repo:app.example.post",
        ),
        ("blob:image/*", "blob:*/*"),
        ("account:email", "account:email?action=manage"),
        ("account:email", "transition:email identity:*"),
        (
            "rpc:app.example.get?aud=did:web:a.example%23x",
            "rpc:app.example.get?aud=*",
        ),
        (
            "rpc:app.example.get?aud=did:web:a.example%23x",
            "rpc:app.example.get?aud=did:web:b.example%23x",
        ),
        // Beyond what a set can hold.
        (SET, "repo:app.examples.post"),
        (SET, "repo:app.other.post"),
        (SET, "repo:app.example.post repo:org.example.post"),
        (
            SET,
            "repo?collection=app.example.post&collection=org.example.post",
        ),
        (SET, "repo:*"),
        (SET, "rpc:*?aud=did:web:api.example.com%23svc"),
        (SET, "rpc:chat.bsky.convo.getLog?aud=*"),
        (
            SET,
            "rpc:app.example.get?aud=did:web:other.example.com%23svc",
        ),
        (SET, "blob:*/*"),
        (SET, "account:email"),
        (SET, "include:app.example.authOther"),
    ] {
        let app = first.anew_asking(format!("atproto {asked}").trim()).await;
        app.fake.token("scope", json!(format!("atproto {granted}")));
        let what = format!("{asked} => {granted}");
        match app.refused("alice.test", &what).await {
            ClientError::Departure { what, .. } => {
                assert!(
                    what.contains("never asked for"),
                    "{asked} => {granted}: {what}"
                );
            }
            other => panic!("{what}: {other}"),
        }
        assert_eq!(app.fake.revoked(), ["rt-1"], "{what}");
    }
}

/// Clauses C-TOK-02, SC-INC-02, SC-ALG-01 and SC-ALG-02: what servers may grant: the same in other words,
/// less, a set as what it holds, and values that nobody knows.
#[tokio::test]
async fn scopes_that_are_fine() {
    let first = App::start().await;
    for (asked, granted) in [
        ("", ""),
        (
            "transition:generic transition:chat.bsky",
            "transition:chat.bsky transition:generic",
        ),
        ("transition:generic transition:email", "transition:generic"),
        (
            "transition:generic",
            "repo:* blob:*/* rpc:app.bsky.feed.getTimeline?aud=*",
        ),
        ("transition:email", "account:email"),
        ("account:email", "transition:email"),
        ("account:email?action=manage", "account:email"),
        ("repo:*", "repo:app.example.post?action=create"),
        (
            "repo:app.example.post",
            "repo?collection=app.example.post&action=update&action=create&action=delete",
        ),
        (
            "repo?collection=app.example.a&collection=app.example.b",
            "repo:app.example.b repo:app.example.a?action=create",
        ),
        ("repo:app.example.post?action=create", ""),
        ("blob:*/*", "blob:image/png blob:video/*"),
        ("identity:*", "identity:handle"),
        (
            "rpc:app.example.get?aud=*",
            "rpc:app.example.get?aud=did:web:a.example%23x",
        ),
        (SET, SET),
        (SET, ""),
        (
            SET,
            "repo:app.example.post repo:app.example.deeply.nested.post",
        ),
        (
            SET,
            "repo?collection=app.example.post&collection=app.example.like&action=create",
        ),
        (
            SET,
            "rpc:app.example.get?aud=did:web:api.example.com%23svc rpc:app.example.list?aud=*",
        ),
        (SET, "space:app.example.room"),
        (
            "repo:org.example.post include:app.example.authFull",
            "repo?collection=org.example.post&collection=app.example.post",
        ),
        (
            "include:app.example.authFull include:org.example.auth",
            "rpc?lxm=app.example.get&lxm=org.example.get&aud=*",
        ),
        // Nothing that this version knows, and nothing that it could use.
        (
            "",
            "ref:urn:x openid foo:bar space:%% repo:no repo:*?x rpc:app.example.get transition:everything",
        ),
    ] {
        let app = first.anew_asking(format!("atproto {asked}").trim()).await;
        let scope = format!("atproto {granted}");
        app.fake.token("scope", json!(scope));
        let session = app.finish("alice.test").await;
        let session = session.unwrap_or_else(|error| panic!("{asked} => {granted}: {error}"));
        assert_eq!(session.scope(), scope, "as the server wrote it");
        assert!(app.fake.revoked().is_empty());
        session.refresh().await.unwrap();
    }
}

/// Clause C-TOK-02: at a refresh the tokens can't be had again, and the session is the person's own:
/// scopes never asked for are kept as they came, values that nobody knows as well.
#[tokio::test]
async fn scopes_never_asked_for_at_a_refresh() {
    let app = App::start().await;
    let session = app.session().await;
    for granted in ["atproto repo:*", "atproto foo:bar space:x", "atproto"] {
        app.fake.token("scope", json!(granted));
        session.refresh().await.unwrap();
        assert_eq!(session.scope(), granted);
    }
    assert!(app.fake.revoked().is_empty());
    assert_eq!(session.granted(), ScopeSet::parse("atproto").unwrap());
}
