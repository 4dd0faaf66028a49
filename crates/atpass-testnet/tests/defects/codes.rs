//! Requests and codes.

use http::StatusCode;

use crate::common::{Browser, Lab, REDIRECT, Signer, Tokens, form};
use crate::site::World;
use crate::{assert_no_tokens, push, verifier};

const DAY: i64 = 24 * 60 * 60;

/// Clause AS-TOK-02: a code that comes back ends what it began, the access token at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_back() {
    let lab = Lab::start().await;
    let app = lab.app();
    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    let first = Tokens::of(&app.exchange(&code, &verifier).await);
    let second = Tokens::of(&app.refresh(&first.refresh).await);
    assert_eq!(app.get_session(&second.access).await.status, StatusCode::OK);
    // By now it would have expired in any case.
    lab.clock.advance(60);
    let again = app.exchange(&code, &verifier).await;
    assert_eq!(again.error(), "invalid_grant");
    assert_no_tokens(&again);
    for tokens in [&first, &second] {
        let call = app.get_session(&tokens.access).await;
        assert_eq!(call.error(), "invalid_token", "{}", call.text());
        assert_eq!(app.refresh(&tokens.refresh).await.error(), "invalid_grant");
    }
}

/// Clauses AS-PAR-10, AS-TOK-01, AS-TOK-03: any of the declared redirect URIs may be asked for, and then
/// the code is good with this one only; leaving it out is no way round it.
#[tokio::test(flavor = "multi_thread")]
async fn a_code_belongs_to_its_redirect_uri() {
    let lab = Lab::start().await;
    let mut app = lab.app();
    let second = "http://127.0.0.1:9/second";
    let query = form(&[
        ("redirect_uri", REDIRECT),
        ("redirect_uri", second),
        ("scope", "atproto transition:generic"),
    ]);
    app.client_id = format!("http://localhost?{query}");
    for (mine, other) in [(REDIRECT, second), (second, REDIRECT)] {
        let verifier = verifier();
        mine.clone_into(&mut app.redirect_uri);
        let code = app.code(&Browser::new(&app), &verifier).await;
        for wrong in [other, "http://127.0.0.1:9/", "https://evil.example.com/"] {
            wrong.clone_into(&mut app.redirect_uri);
            let answer = app.exchange(&code, &verifier).await;
            assert_eq!(answer.error(), "invalid_grant", "{wrong}");
            assert_no_tokens(&answer);
        }
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", app.client_id.as_str()),
            ("code", &code),
            ("code_verifier", verifier.expose()),
        ];
        let answer = app.post("/oauth/token", &pairs).await;
        assert_eq!(answer.error(), "invalid_request");
        mine.clone_into(&mut app.redirect_uri);
        Tokens::of(&app.exchange(&code, &verifier).await);
    }
}

/// Clauses AS-PAR-08, AS-TOK-03: PKCE is for every client, and by S256 only.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_its_own_excuses_no_client_from_pkce() {
    let signer = Signer::new("k1");
    let world = World::confidential(&[&signer]).await;
    for app in [world.app(Some(&signer)), world.lab.app()] {
        let plain = verifier();
        for (change, missing) in [
            (&[("code_challenge_method", "plain")][..], ""),
            (&[("code_challenge_method", "")], ""),
            (&[("code_challenge", "")], ""),
            (&[("code_challenge", "x")], ""),
            (
                &[
                    ("code_challenge", plain.expose()),
                    ("code_challenge_method", "plain"),
                ],
                "",
            ),
            (&[], "code_challenge"),
            (&[], "code_challenge_method"),
        ] {
            let challenge = verifier().challenge().to_string();
            let mut pairs = app.request(&challenge, &challenge);
            pairs.retain(|(name, _)| *name != missing);
            pairs.retain(|(name, _)| change.iter().all(|(other, _)| other != name));
            pairs.extend_from_slice(change);
            let answer = app.post("/oauth/par", &pairs).await;
            assert_eq!(answer.error(), "invalid_request", "{change:?} {missing}");
        }

        let verifier = verifier();
        let code = app.code(&Browser::new(&app), &verifier).await;
        let challenge = verifier.challenge().to_string();
        for (wrong, error) in [
            (None, "invalid_request"),
            (Some(""), "invalid_request"),
            // What a server that takes `plain` would take.
            (Some(challenge.as_str()), "invalid_grant"),
        ] {
            let mut pairs = vec![
                ("grant_type", "authorization_code"),
                ("client_id", app.client_id.as_str()),
                ("redirect_uri", &app.redirect_uri),
                ("code", &code),
            ];
            pairs.extend(wrong.map(|wrong| ("code_verifier", wrong)));
            let answer = app.post("/oauth/token", &pairs).await;
            assert_eq!(answer.error(), error, "{wrong:?}");
            assert_no_tokens(&answer);
        }
        Tokens::of(&app.exchange(&code, &verifier).await);
    }
}

/// Clause AS-PAR-09: a challenge that led to a code is refused for a day: to any app, with any key, and
/// though old rows are removed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_is_used_for_one_code() {
    let lab = Lab::start().await;
    let app = lab.app();
    let verifier = verifier();
    let code = app.code(&Browser::new(&app), &verifier).await;
    Tokens::of(&app.exchange(&code, &verifier).await);
    let challenge = verifier.challenge().to_string();
    for seconds in [0, 3600, DAY - 3600 - 60] {
        lab.clock.advance(seconds);
        lab.network.sweep(1000).await.unwrap();
        let mut later = lab.app();
        for redirect in [REDIRECT, "http://127.0.0.1/"] {
            if redirect != REDIRECT {
                later.client_id = "http://localhost".into();
            }
            redirect.clone_into(&mut later.redirect_uri);
            let change = [("code_challenge", challenge.as_str()), ("scope", "atproto")];
            let answer = push(&later, &change).await;
            assert_eq!(answer.error(), "invalid_request", "after {seconds} s");
            assert!(
                answer.text().contains("code_challenge"),
                "{}",
                answer.text()
            );
        }
    }
}

/// Clause AS-PAR-11: an app gets no more than it declared, whatever the words; and a set of permissions
/// that nobody has looked into grants nothing.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_wider_than_declared() {
    let lab = Lab::start().await;
    let mut app = lab.app();
    let query = form(&[("redirect_uri", REDIRECT), ("scope", "atproto")]);
    app.client_id = format!("http://localhost?{query}");
    for scope in [
        "atproto transition:generic",
        "atproto transition:chat.bsky",
        "atproto repo:*",
        "atproto repo:*?action=delete",
        "atproto rpc:*?aud=*",
        "atproto rpc:chat.bsky.convo.getLog?aud=*",
        "atproto rpc:chat.bsky.convo.getLog?aud=did:web:api.example.com%23chat",
        "atproto include:com.evil.everything",
        "atproto include:com.evil.everything?aud=did:web:api.example.com%23chat",
        "atproto account:repo?action=manage",
        "atproto identity:*",
        "atproto blob:*/*",
        "repo:app.example.note",
        "transition:generic",
    ] {
        let answer = push(&app, &[("scope", scope)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{scope}");
        assert_eq!(answer.error(), "invalid_scope", "{scope}");
    }
    let answer = push(&app, &[("scope", "atproto")]).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}
