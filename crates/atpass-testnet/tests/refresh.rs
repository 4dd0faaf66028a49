//! Refresh: no session is lost to the network, and none survives theft.

mod common;

use common::{Lab, Tokens};
use futures::future::join_all;
use http::StatusCode;

/// Clauses AS-TOK-04, AS-REF-01, AS-TOK-05: what a login and a refresh answer.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_all_its_parts() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    assert_eq!(tokens.body["token_type"], "DPoP");
    assert_eq!(tokens.body["scope"], "atproto transition:generic");
    assert_eq!(tokens.body["sub"], lab.network.accounts[0].did.as_str());
    assert_eq!(tokens.body["expires_in"], 900);
    let answer = app.refresh(&tokens.refresh).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(!answer.header("dpop-nonce").is_empty());
    let next = Tokens::of(&answer);
    assert_ne!(next.refresh, tokens.refresh);
    assert_eq!(app.get_session(&next.access).await.status, StatusCode::OK);
}

/// Clause AS-REF-05: the answer was lost, the same token comes again, and gets the same successor.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_made_again() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let lost = Tokens::of(&app.refresh(&tokens.refresh).await);
    lab.clock.advance(30);
    let again = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(again.refresh, lost.refresh);
    Tokens::of(&app.refresh(&again.refresh).await);
}

/// Clause AS-REF-05: eight at once leave one live branch.
#[tokio::test(flavor = "multi_thread")]
async fn refreshes_at_once_agree() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let answers = join_all((0..8).map(|_| app.refresh(&tokens.refresh))).await;
    let successors: Vec<_> = answers
        .iter()
        .map(|answer| Tokens::of(answer).refresh)
        .collect();
    assert!(
        successors
            .iter()
            .all(|successor| *successor == successors[0])
    );
    Tokens::of(&app.refresh(&successors[0]).await);
}

/// Clause AS-REF-06: an old token after its successor was used ends the session, and its access
/// tokens with it (clause AS-REV-04).
#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_ends_the_session() {
    let lab = Lab::start().await;
    let app = lab.app();
    let first = app.login().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    let third = Tokens::of(&app.refresh(&second.refresh).await);
    let replay = app.refresh(&first.refresh).await;
    assert_eq!(
        (replay.status, replay.error().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );
    let after = app.refresh(&third.refresh).await;
    assert_eq!(
        (after.status, after.error().as_str()),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );
    let call = app.get_session(&third.access).await;
    assert_eq!(
        (call.status, call.error().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_token")
    );
}

/// Clause AS-REF-06: the predecessor after the recovery time is an old token.
#[tokio::test(flavor = "multi_thread")]
async fn recovery_ends_after_a_minute() {
    let lab = Lab::start().await;
    let app = lab.app();
    let first = app.login().await;
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    lab.clock.advance(61);
    assert_eq!(app.refresh(&first.refresh).await.error(), "invalid_grant");
    assert_eq!(app.refresh(&second.refresh).await.error(), "invalid_grant");
}

/// Clause AS-REF-02: another key or client is refused, with any token, and nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_thief_changes_nothing() {
    let lab = Lab::start().await;
    let app = lab.app();
    let first = app.login().await;
    let thief = app.other_key();
    let mut elsewhere = lab.app();
    elsewhere.client_id = "http://localhost".into();
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    for token in [&first.refresh, &second.refresh] {
        for holder in [&thief, &elsewhere] {
            let answer = holder.refresh(token).await;
            assert_eq!(
                (answer.status, answer.error().as_str()),
                (StatusCode::BAD_REQUEST, "invalid_grant")
            );
        }
    }
    let stolen = thief.get_session(&second.access).await;
    assert_eq!(
        (stolen.status, stolen.error().as_str()),
        (StatusCode::UNAUTHORIZED, "invalid_token")
    );
    assert_eq!(app.get_session(&second.access).await.status, StatusCode::OK);
    Tokens::of(&app.refresh(&second.refresh).await);
}

/// Clause AS-REF-03: a public client's session ends after 14 days, refreshed or not.
#[tokio::test(flavor = "multi_thread")]
async fn fourteen_days_in_all() {
    let lab = Lab::start().await;
    let mut app = lab.app();
    let mut tokens = app.login().await;
    for _ in 0..13 {
        lab.clock.advance(24 * 60 * 60);
        app.now = atpass_protocol::time::Clock::now(&lab.clock);
        tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
    }
    lab.clock.advance(24 * 60 * 60 - 10);
    app.now = atpass_protocol::time::Clock::now(&lab.clock);
    let last = Tokens::of(&app.refresh(&tokens.refresh).await);
    assert_eq!(
        last.body["expires_in"], 10,
        "no access token outlives its session"
    );
    lab.clock.advance(10);
    assert_eq!(app.refresh(&last.refresh).await.error(), "invalid_grant");
}

/// Clause AS-REF-08: no wider scope; a narrower one is for this answer only.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_narrow_for_once() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let with_scope = async |token: &str, scope: &str| {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", app.client_id.as_str()),
            ("refresh_token", token),
            ("scope", scope),
        ];
        app.post("/oauth/token", &pairs).await
    };
    assert_eq!(
        with_scope(&tokens.refresh, "atproto transition:email")
            .await
            .error(),
        "invalid_scope"
    );
    let narrow = Tokens::of(&with_scope(&tokens.refresh, "atproto").await);
    assert_eq!(narrow.body["scope"], "atproto");
    let full = Tokens::of(&app.refresh(&narrow.refresh).await);
    assert_eq!(full.body["scope"], "atproto transition:generic");
}

/// Clauses AS-REV-01, AS-REV-02, AS-REV-04.
/// At the resource server it is clause RS-TOK-05.
#[tokio::test(flavor = "multi_thread")]
async fn revocation_is_immediate_and_the_clients_own() {
    let lab = Lab::start().await;
    let app = lab.app();
    let revoke = async |client_id: &str, token: &str| {
        app.post(
            "/oauth/revoke",
            &[("client_id", client_id), ("token", token)],
        )
        .await
        .status
    };
    let tokens = app.login().await;
    assert_eq!(
        revoke("http://localhost", &tokens.refresh).await,
        StatusCode::BAD_REQUEST,
        "refused, as RFC 7009 section 2.1 says"
    );
    assert_eq!(
        app.get_session(&tokens.access).await.status,
        StatusCode::OK,
        "another client changes nothing"
    );
    assert_eq!(revoke(&app.client_id, "nonsense").await, StatusCode::OK);
    assert_eq!(
        revoke(&app.client_id, &tokens.refresh).await,
        StatusCode::OK
    );
    assert_eq!(
        app.get_session(&tokens.access).await.error(),
        "invalid_token"
    );
    assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
    let by_access_token = app.login().await;
    assert_eq!(
        revoke(&app.client_id, &by_access_token.access).await,
        StatusCode::OK
    );
    assert_eq!(
        app.refresh(&by_access_token.refresh).await.error(),
        "invalid_grant"
    );
}

/// Clause AS-REV-04 across a restart: what was revoked stays revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_revives_nothing() {
    let lab = Lab::start().await;
    let app = lab.app();
    let (kept, ended) = (app.login().await, app.login().await);
    app.post(
        "/oauth/revoke",
        &[("client_id", &app.client_id), ("token", &ended.refresh)],
    )
    .await;
    let Lab {
        network, folder, ..
    } = lab;
    network.stop().await;
    let lab = Lab::start_in(folder).await;
    let mut moved = lab.app();
    moved.key = app.key;
    assert_eq!(moved.refresh(&ended.refresh).await.error(), "invalid_grant");
    let kept = Tokens::of(&moved.refresh(&kept.refresh).await);
    assert_eq!(moved.get_session(&kept.access).await.status, StatusCode::OK);
}
