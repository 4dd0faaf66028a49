//! The ways to the form, and on from it.

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use http::StatusCode;

use crate::common::{Answer, App, Browser, Lab, Tokens, code_of, csrf, hidden};
use crate::scene::{PASSWORD, PATH, Scene, did_of, filled, handle};

const FORM: &str = r#"action="/oauth/authorize/sign-up""#;
const OFFER: &str = r#"name="account" value="new""#;

fn asks_for_password(page: &Answer) -> bool {
    page.text().contains(r#"action="/oauth/authorize/sign-in""#)
}

async fn prompts(app: &App) -> Vec<String> {
    let request = http::Request::get(format!(
        "{}/.well-known/oauth-authorization-server",
        app.origin
    ));
    let answer = app.send(request.body(bytes::Bytes::new()).unwrap()).await;
    let metadata = answer.json();
    let list = metadata.get("prompt_values_supported").unwrap();
    serde_json::from_value(list.clone()).unwrap()
}

/// Clauses AS-AUTHZ-05, AS-AUTHZ-11, AS-AUTHZ-12: who made an account is signed in, with a new cookie,
/// is asked, and the app gets its code and its tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_answers() {
    let scene = Scene::start(&["example.com"], false).await;
    let visit = scene.visit(&[]).await;
    let sign_in = visit.open().await;
    assert!(asks_for_password(&sign_in) && sign_in.text().contains(OFFER));
    let page = visit.choose(&sign_in, "new").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains(FORM) && text.contains("<p id=\"domain\">.example.com</p>"));
    assert!(!text.contains("<select") && !text.contains(r#"name="invite""#));
    assert!(text.contains(r#"type="password" autocomplete="new-password""#));
    assert!(text.contains("An app on this computer"));
    assert!(asks_for_password(&visit.choose(&page, "another").await));

    let before = visit.browser.cookie.lock().unwrap().clone();
    // A form without a domain: there is only one.
    let changes = [("name", " @Carol"), ("email", "Carol@Mail.example ")];
    let pairs: Vec<_> = filled(&[], &changes);
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter(|pair| pair.0 != "domain")
        .collect();
    let answer = visit.submit(&page, &pairs).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    assert!(!cookie.contains("Max-Age"), "nobody asked to be remembered");
    assert_ne!(before, *visit.browser.cookie.lock().unwrap());

    let asked = scene.watched.asked().pop().unwrap();
    assert_eq!(asked.handle, handle("carol.example.com"));
    assert_eq!(asked.email, "carol@mail.example");
    assert_eq!(asked.password.expose(), PASSWORD);
    assert_eq!(asked.invite, None);

    let consent = visit.browser.get(answer.header("location")).await;
    assert!(
        consent
            .text()
            .contains("Allow access to carol.example.com?")
    );
    let answer = visit
        .browser
        .decide(&visit.app, &visit.request_uri, &consent, "authorize")
        .await;
    let tokens = Tokens::of(&visit.app.exchange(&code_of(&answer), &visit.verifier).await);
    let did = did_of("carol.example.com");
    assert_eq!(tokens.body.get("sub").unwrap(), did.as_str());

    // It signs in elsewhere as any other.
    let other = scene.visit(&[]).await;
    other
        .browser
        .approve(
            &other.app,
            &other.request_uri,
            "carol@mail.example",
            PASSWORD,
        )
        .await;
}

/// Clause AS-AUTHZ-07: `prompt=create` comes to the form at once, is published, and the person can turn
/// back to the accounts that they have.
#[tokio::test(flavor = "multi_thread")]
async fn prompt_create() {
    let scene = Scene::start(&["example.com", "example.org"], false).await;
    let visit = scene.visit(&[("prompt", "create")]).await;
    let published = prompts(&visit.app).await;
    assert!(published.contains(&"create".to_owned()));
    let page = visit.open().await;
    assert!(page.text().contains(FORM));
    assert!(
        page.text()
            .contains(r#"<label for="domain">Domain</label>"#)
    );
    let changes = [("domain", "example.org")];
    let answer = visit.submit(&page, &changes).await;
    let consent = visit.browser.get(answer.header("location")).await;
    assert!(
        consent
            .text()
            .contains("Allow access to carol.example.org?")
    );

    // The list of accounts, from the question and from signing in, offers another new one.
    for from in ["switch", "list"] {
        let list = if from == "switch" {
            let answer = visit
                .browser
                .decide(&visit.app, &visit.request_uri, &consent, from)
                .await;
            visit.browser.get(answer.header("location")).await
        } else {
            let first = visit.open().await;
            assert!(
                first.text().contains(FORM),
                "the request still wants a new one"
            );
            let sign_in = visit.choose(&first, "another").await;
            assert!(asks_for_password(&sign_in));
            visit.choose(&sign_in, from).await
        };
        assert!(list.text().contains("Choose an account"), "{from}");
        assert!(list.text().contains(OFFER));
        assert!(visit.choose(&list, "new").await.text().contains(FORM));
    }
}

/// Clause AS-AUTHZ-04: a hint is the only account that may come of it, also by a hand-made form; where
/// it can't be made here, nothing is offered.
#[tokio::test(flavor = "multi_thread")]
async fn hints() {
    let scene = Scene::start(&["example.com", "example.org"], false).await;
    let hinted = [("login_hint", "dora.example.org"), ("prompt", "create")];
    let visit = scene.visit(&hinted).await;
    let page = visit.open().await;
    let text = page.text();
    assert!(text.contains(r#"value="dora""#) && text.contains(" readonly"));
    assert!(text.contains(r#"<p id="domain">.example.org</p>"#) && !text.contains("<select"));
    let answer = visit.submit(&page, &[]).await;
    let consent = visit.browser.get(answer.header("location")).await;
    assert!(consent.text().contains("Allow access to dora.example.org?"));
    let asked = scene.watched.asked().pop().unwrap();
    assert_eq!(
        asked.handle,
        handle("dora.example.org"),
        "not carol, as was sent"
    );

    for hint in [
        "dora.example.org",
        "alice.test",
        "a.b.example.com",
        "example.com",
        "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
    ] {
        let visit = scene
            .visit(&[("login_hint", hint), ("prompt", "create")])
            .await;
        for page in [visit.open().await, visit.form().await] {
            assert!(asks_for_password(&page), "{hint}");
            assert!(!page.text().contains(OFFER), "{hint}");
            let answer = visit.submit(&page, &[]).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{hint}");
        }
    }
    assert_eq!(scene.watched.asked().len(), 1);
}

/// From the account page, without an app.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_app() {
    let scene = Scene::start(&["example.com"], false).await;
    let browser = Browser::new(&scene.lab.app());
    let sign_in = browser.get("/account").await;
    assert!(sign_in.text().contains(OFFER));
    let page = browser.get("/account?account=new").await;
    let path = "/account/sign-up";
    assert!(page.text().contains(&format!(r#"action="{path}""#)));
    let token = csrf(&page);
    let answer = browser
        .submit(path, &filled(&[("csrf", &token)], &[("password", "short")]))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(hidden(&answer, "name"), "carol");
    let answer = browser.submit(path, &filled(&[("csrf", "")], &[])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = browser
        .submit(path, &filled(&[("csrf", &token)], &[]))
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let account = browser.get(answer.header("location")).await;
    assert!(account.text().contains("<h1>carol.example.com</h1>"));
}

/// Clauses AS-AUTHZ-07, AS-META-10: a server that takes no accounts, or none at present, neither says
/// nor does anything of it.
#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_sign_up() {
    for lab in [Lab::start().await, Scene::start(&[], false).await.lab] {
        let app = lab.app();
        assert!(!prompts(&app).await.contains(&"create".to_owned()));
        let verifier = CodeVerifier::generate(&SystemRandom);
        let challenge = verifier.challenge().to_string();
        let mut pairs = app.request("state", &challenge);
        pairs.push(("prompt", "create"));
        let refused = app.post("/oauth/par", &pairs).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.error(), "invalid_request");

        let request_uri = app.push(&verifier, &[]).await;
        let browser = Browser::new(&app);
        let page = browser.open(&app, &request_uri).await;
        let account = browser.get("/account?account=new").await;
        for page in [&page, &account] {
            assert!(!page.text().contains(OFFER) && !page.text().contains("sign-up"));
        }
        let csrf = csrf(&page);
        let hidden = [
            ("client_id", app.client_id.as_str()),
            ("request_uri", &request_uri),
            ("csrf", &csrf),
        ];
        for path in [PATH, "/account/sign-up"] {
            let answer = browser.submit(path, &filled(&hidden, &[])).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
