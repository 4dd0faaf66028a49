//! A client's host that is down, slow or lying: at PAR, at the token endpoint, at refresh (clauses
//! AS-CLI-17, AS-REF-07). No session is lost to it.

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use http::StatusCode;
use serde_json::json;

use crate::common::{Browser, Signer, Tokens};
use crate::documents::push;
use crate::site::{Mood, World, confidential, serves, with};

const HOUR: i64 = 60 * 60;

fn moods() -> Vec<(&'static str, Mood)> {
    let lie = with(
        confidential(&[&Signer::new("k9")]),
        "client_id",
        json!("https://other.example.com/c.json"),
    );
    vec![
        ("down", Mood::Status(503)),
        ("gone", Mood::Status(404)),
        ("slow", Mood::Silent),
        ("a web page", Mood::Text("text/html", "<p>".into())),
        ("somebody else's document", serves(lie)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn existing_sessions_go_on_for_a_day() {
    for (name, mood) in moods() {
        let signer = Signer::new("k1");
        let world = World::confidential(&[&signer]).await;
        let mut app = world.app(Some(&signer));
        let tokens = app.login().await;
        let verifier = CodeVerifier::generate(&SystemRandom);
        let code = app.code(&Browser::new(&app), &verifier).await;

        world.set(mood);
        // A code lives for a minute; the metadata is still good then.
        Tokens::of(&app.exchange(&code, &verifier).await);
        world.pass(&mut app, HOUR);
        // New logins need to know who asks.
        let answer = push(&app, &[]).await;
        assert_eq!(answer.error(), "invalid_client_metadata", "{name}");
        let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);

        // After a day without a good word, the session waits.
        world.pass(&mut app, 24 * HOUR);
        let answer = app.refresh(&tokens.refresh).await;
        let transient = matches!(name, "down" | "slow");
        let (status, code) = if transient {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        } else {
            (StatusCode::BAD_REQUEST, "invalid_client_metadata")
        };
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (status, code),
            "{name}"
        );

        world.set(serves(confidential(&[&signer])));
        world.pass(&mut app, 10);
        let tokens = Tokens::of(&app.refresh(&tokens.refresh).await);
        assert_eq!(
            app.get_session(&tokens.access).await.status,
            StatusCode::OK,
            "{name}"
        );
    }
}
