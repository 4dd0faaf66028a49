//! The account page: what an owner sees, and what they can end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Answer, App, Browser, Lab, csrf};
use http::StatusCode;

/// Signs in on the account page itself.
async fn sign_in(browser: &Browser, who: &str, password: &str) -> Answer {
    let page = browser.get("/account").await;
    assert_eq!(page.status, StatusCode::OK);
    let pairs = [
        ("csrf", csrf(&page)),
        ("identifier", who.to_owned()),
        ("password", password.to_owned()),
    ];
    submit(browser, "/account/sign-in", &pairs).await
}

async fn submit(browser: &Browser, path: &str, pairs: &[(&str, String)]) -> Answer {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser.submit(path, &pairs).await
}

fn sessions_in(page: &Answer) -> Vec<String> {
    let text = page.text();
    let parts = text.split(r#"name="session" value=""#).skip(1);
    parts
        .map(|part| part.split('"').next().unwrap().to_owned())
        .filter(|value| value != "all")
        .collect()
}

async fn works(app: &App, token: &str) -> bool {
    app.get_session(token).await.status == StatusCode::OK
}

/// Clause AS-AUTHZ-15: the owner sees each session, and can end each.
#[tokio::test(flavor = "multi_thread")]
async fn the_owner_sees_and_ends_sessions() {
    let lab = Lab::start().await;
    let alice = lab.network.accounts.first().unwrap().did.to_string();
    let apps = [lab.app(), lab.app(), lab.app()];
    let mut tokens = Vec::new();
    for app in &apps {
        tokens.push(app.login().await);
    }
    let browser = Browser::new(apps.first().unwrap());
    let answer = sign_in(&browser, "alice.test", "wonderland").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let page = browser.get(answer.header("location")).await;
    assert!(page.text().contains("alice.test") && page.text().contains("Use your account"));
    let sessions = sessions_in(&page);
    assert_eq!(sessions.len(), 3);

    let end = |page: &Answer, session: &str| {
        let pairs = [
            ("csrf", csrf(page)),
            ("account", alice.clone()),
            ("session", session.to_owned()),
        ];
        let browser = &browser;
        async move { submit(browser, "/account/end", &pairs).await }
    };
    end(&page, sessions.first().unwrap()).await;
    let page = browser.get("/account").await;
    assert_eq!(sessions_in(&page).len(), 2);
    let mut live = 0;
    for (app, tokens) in apps.iter().zip(&tokens) {
        let access = works(app, &tokens.access).await;
        let refresh = app.refresh(&tokens.refresh).await;
        assert_eq!(
            access,
            refresh.status == StatusCode::OK,
            "at once, and both"
        );
        live += usize::from(access);
    }
    assert_eq!(live, 2);
    end(&page, "all").await;
    let page = browser.get("/account").await;
    assert_eq!(sessions_in(&page), [""; 0]);
    assert!(page.text().contains("No app has access"));
}

/// Nobody ends what isn't theirs, and no other site can make a browser do it (clause AS-AUTHZ-10).
#[tokio::test(flavor = "multi_thread")]
async fn hand_made_forms() {
    let lab = Lab::start().await;
    let app = lab.app();
    let tokens = app.login().await;
    let alice = lab.network.accounts.first().unwrap().did.clone();
    let now = atpass_protocol::time::Clock::now(&lab.clock);
    let sessions = atpass_provider::store::Store::sessions_of(lab.network.store(), &alice, now);
    let session = sessions.await.unwrap().first().unwrap().id.to_string();

    let bob = Browser::new(&app);
    let answer = sign_in(&bob, "bob.test", "workshop").await;
    let page = bob.get(answer.header("location")).await;
    let did = |n: usize| lab.network.accounts.get(n).unwrap().did.to_string();
    // Bob's account, Alice's session.
    let pairs = [
        ("csrf", csrf(&page)),
        ("account", did(1)),
        ("session", session.clone()),
    ];
    submit(&bob, "/account/end", &pairs).await;
    assert!(works(&app, &tokens.access).await);
    // Alice's account, which isn't signed in there.
    let pairs = [
        ("csrf", csrf(&page)),
        ("account", did(0)),
        ("session", session.clone()),
    ];
    let answer = submit(&bob, "/account/end", &pairs).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // Without the token of the form.
    for token in ["", "x"] {
        let pairs = [("csrf", token), ("account", &did(1)), ("session", "all")];
        let answer = bob.submit("/account/end", &pairs).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(works(&app, &tokens.access).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out() {
    let lab = Lab::start().await;
    let app = lab.app();
    let alice = lab.network.accounts.first().unwrap().did.to_string();
    let (here, there) = (Browser::new(&app), Browser::new(&app));
    for browser in [&here, &there] {
        let answer = sign_in(browser, "alice.test", "wonderland").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    let page = here.get("/account").await;
    let form = |place: &str| {
        [
            ("csrf", csrf(&page)),
            ("account", alice.clone()),
            ("where", place.to_owned()),
        ]
    };
    submit(&here, "/account/sign-out", &form("others")).await;
    assert!(there.get("/account").await.text().contains("Sign in"));
    assert!(
        here.get("/account")
            .await
            .text()
            .contains("Apps with access")
    );
    submit(&here, "/account/sign-out", &form("here")).await;
    assert!(
        !here
            .get("/account")
            .await
            .text()
            .contains("Apps with access")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password() {
    let lab = Lab::start().await;
    let browser = Browser::new(&lab.app());
    let answer = sign_in(&browser, "alice.test", "wrong").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("go together"));
    assert!(answer.text().contains(r#"value="alice.test""#));
}
