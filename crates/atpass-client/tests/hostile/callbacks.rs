//! What a browser may bring back.

use atpass_client::ClientError;
use atpass_protocol::error::OAuthErrorCode;

use crate::app::App;
use crate::fake::Fake;

/// Clause C-CB-01: an answer of another issuer, or of none, is nobody's: its code is sent nowhere, and
/// the login is over. Slashes and upper case make another issuer.
#[tokio::test]
async fn answers_of_another_issuer() {
    let app = App::start().await;
    let other = Fake::start().await;
    let own = app.fake.origin.as_str();
    let issuers = [
        Some(other.origin.to_string()),
        Some("https://evil.example.com".to_owned()),
        Some(format!("{own}/")),
        Some(format!("{own}/x")),
        Some(own.to_uppercase()),
        Some(String::new()),
        None,
    ];
    for iss in issuers {
        let login = app.client.login("alice.test").await.unwrap();
        let state = login.state.as_str();
        let iss = iss.map_or_else(String::new, |iss| format!("&iss={iss}"));
        for outcome in ["code=c", "error=access_denied"] {
            let query = format!("{outcome}&state={state}{iss}");
            match app.client.callback(&query).await {
                Err(ClientError::Issuer { expected, .. }) => assert_eq!(expected, own),
                // The first of the two has ended it.
                Err(ClientError::UnknownState) if outcome != "code=c" => {}
                other => panic!("{query}: {other:?}"),
            }
        }
    }
    assert_eq!(app.fake.count("token") + other.count("token"), 0);
    assert_eq!(app.stored_sessions(), 0);
}

/// Clause C-CB-01: two logins at two servers, and their answers exchanged on the way (the mix-up attack
/// of RFC 9207): neither server is sent the code of the other one.
#[tokio::test]
async fn mixed_up_answers() {
    let good = App::start().await;
    let evil = Fake::start().await;
    let config = good.client.config().clone();
    let at_evil = good.and(evil, config);
    let login = good.client.login("alice.test").await.unwrap();
    let other = at_evil
        .client
        .login(at_evil.fake.origin.as_str())
        .await
        .unwrap();
    let swapped = [(&good, good.query(&other)), (&good, at_evil.query(&login))];
    for (app, query) in swapped {
        let error = app.client.callback(&query).await.unwrap_err();
        assert!(matches!(error, ClientError::Issuer { .. }), "{error}");
    }
    assert_eq!(good.fake.count("token") + at_evil.fake.count("token"), 0);
    assert_eq!(good.stored_sessions(), 0);
}

/// Clause C-CB-01: a refusal is told as such, with the code that it names.
#[tokio::test]
async fn refusals_are_told() {
    let app = App::start().await;
    for (error, code) in [
        ("access_denied", Some(OAuthErrorCode::AccessDenied)),
        ("login_required", OAuthErrorCode::parse("login_required")),
        ("server_error", OAuthErrorCode::parse("server_error")),
        (
            "temporarily_unavailable",
            OAuthErrorCode::parse("temporarily_unavailable"),
        ),
        ("an_error_of_tomorrow", None),
    ] {
        let login = app.client.login("alice.test").await.unwrap();
        let (state, iss) = (login.state.as_str(), &app.fake.origin);
        let words = "no+way%0A%1B[2J";
        let query = format!("error={error}&error_description={words}&state={state}&iss={iss}");
        let told = app.client.callback(&query).await.unwrap_err();
        let ClientError::Denied(denied) = &told else {
            panic!("{told:?}");
        };
        assert_eq!((denied.error.as_str(), denied.code()), (error, code));
        assert_eq!(denied.description.as_deref(), Some("no way??[2J"));
        let (transient, message) = match error {
            "access_denied" => (false, "You did not allow access"),
            "server_error" | "temporarily_unavailable" => (true, "can’t be reached"),
            _ => (false, "The server refused the sign-in"),
        };
        assert_eq!(told.is_transient(), transient, "{told}");
        assert!(told.user_message().contains(message), "{told}");
        let late = app.client.callback(&app.query(&login)).await;
        assert!(matches!(late, Err(ClientError::UnknownState)), "it is over");
    }
    assert_eq!((app.fake.count("token"), app.stored_sessions()), (0, 0));
}

/// Clause C-CB-01: what can't be read, what nobody waits for and what comes twice.
#[tokio::test]
async fn odd_callbacks() {
    let app = App::start().await;
    let login = app.client.login("alice.test").await.unwrap();
    let (state, iss) = (login.state.as_str(), &app.fake.origin);
    for query in [
        String::new(),
        "%".to_owned(),
        "code=c".to_owned(),
        format!("state={state}&iss={iss}"),
        format!("code=c&error=access_denied&state={state}&iss={iss}"),
        format!("code=c&state={state}&state=x&iss={iss}"),
        format!("code=c&code=d&state={state}&iss={iss}"),
        format!("code=c&state={state}&iss={iss}&iss=https://evil.example.com"),
        format!("code=c&state={}&iss={iss}", "x".repeat(100_000)),
    ] {
        let error = app.client.callback(&query).await.unwrap_err();
        let known = matches!(error, ClientError::Callback(_) | ClientError::UnknownState);
        assert!(known, "{query}: {error}");
    }
    assert_eq!(app.fake.count("token"), 0);
    // None of them has ended the login.
    let query = app.query(&login);
    app.client.callback(&query).await.unwrap();
    let again = app.client.callback(&query).await;
    assert!(matches!(again, Err(ClientError::UnknownState)), "{again:?}");
    assert_eq!(app.fake.count("token"), 1);
}
