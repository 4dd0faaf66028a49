//! The pages speak the person's language: the app's word first, then the browser's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_testnet::{Fault, Faults};
use common::{Answer, App, Browser, Lab, csrf, form, hidden};
use http::header::ACCEPT_LANGUAGE;
use http::{Request, StatusCode};

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SystemRandom)
}

/// Opens a page with this `Accept-Language`.
async fn get(browser: &Browser, path: &str, languages: &str) -> Answer {
    let request = Request::get(format!("{}{path}", browser.origin))
        .header(ACCEPT_LANGUAGE, languages)
        .body(bytes::Bytes::new());
    browser.send(request.unwrap()).await
}

/// Opens the first page of a request.
async fn open(browser: &Browser, app: &App, request_uri: &str, languages: &str) -> Answer {
    let query = form(&[("client_id", &app.client_id), ("request_uri", request_uri)]);
    get(browser, &format!("/oauth/authorize?{query}"), languages).await
}

/// Pushes a good request with one parameter more.
async fn push(app: &App, name: &str, value: &str) -> Answer {
    let challenge = verifier().challenge().to_string();
    let mut pairs = app.request(&challenge, &challenge);
    pairs.push((name, value));
    app.post("/oauth/par", &pairs).await
}

#[track_caller]
fn assert_speaks(page: &Answer, tag: &str, texts: &[&str]) {
    let html = page.text();
    assert!(html.contains(&format!(r#"<html lang="{tag}">"#)), "{html}");
    for text in texts {
        assert!(html.contains(text), "{text}: {html}");
    }
}

const ENGLISH: &[&str] = &[
    "<h1>Sign in</h1>",
    ">Handle or email</label>",
    "<span>You are on <strong>localhost:",
];
const GERMAN: &[&str] = &[
    "<h1>Anmelden</h1>",
    ">Handle oder E-Mail-Adresse</label>",
    ">Passwort</label>",
    "Eine App auf diesem Computer",
    "<span>Sie sind bei <strong>localhost:",
];
const FRENCH: &[&str] = &[">Mot de passe</label>", ">Se connecter</button>"];

/// OpenID Connect Core section 3.1.2.1: the app's order counts, languages that nobody here speaks
/// are passed over, and without any good one the browser decides (RFC 9110 section 12.5.4).
#[tokio::test(flavor = "multi_thread")]
async fn which_language() {
    let lab = Lab::start().await;
    let app = lab.app();
    for (app_s, browser_s, tag, texts) in [
        ("", "", "en", ENGLISH),
        ("xx de", "", "de", GERMAN),
        ("", "de-AT,de;q=0.9", "de", GERMAN),
        ("fr-CA de", "de-AT,de;q=0.9", "fr", FRENCH),
        ("en", "de", "en", ENGLISH),
        ("xx tlh", "en;q=0.5, de", "de", GERMAN),
        ("xx", "tlh, *;q=0.1", "en", ENGLISH),
        ("", "q=;,\"<script>;q=NaN", "en", ENGLISH),
    ] {
        let request_uri = app.push(&verifier(), &[("ui_locales", app_s)]).await;
        let page = open(&Browser::new(&app), &app, &request_uri, browser_s).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("vary"), "accept-language");
        assert_speaks(&page, tag, texts);
    }
}

/// Clause AS-PAR-16: what isn't a list of language tags is refused by name; so is a `display` that
/// OpenID Connect doesn't know.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_values() {
    let lab = Lab::start().await;
    let app = lab.app();
    let many = ["de"; 17].join(" ");
    let long = format!("de-x-{}", "abcdefgh-".repeat(100));
    for (name, value) in [
        ("ui_locales", "de,fr"),
        ("ui_locales", "de  fr"),
        ("ui_locales", "de_DE"),
        ("ui_locales", "<b>"),
        ("ui_locales", "日本語"),
        ("ui_locales", &many),
        ("ui_locales", &long),
        ("display", "hologram"),
        ("display", "page popup"),
    ] {
        let answer = push(&app, name, value).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
        assert_eq!(answer.error(), "invalid_request", "{name}={value}");
        let body = answer.json();
        let description = body["error_description"].as_str().unwrap();
        assert!(description.contains(name), "{description}");
        assert!(description.len() < 300, "{description}");
    }
    for (name, value) in [
        (
            "ui_locales",
            "zh-cmn-Hans-CN de-u-co-phonebk i-klingon x-own",
        ),
        ("ui_locales", ""),
        ("display", "page"),
        ("display", "popup"),
        ("display", "touch"),
        ("display", "wap"),
    ] {
        let answer = push(&app, name, value).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{name}={value}");
    }
}

/// Clause AS-META-10: each language that is published is spoken.
#[tokio::test(flavor = "multi_thread")]
async fn published_languages() {
    let lab = Lab::start().await;
    let app = lab.app();
    let browser = Browser::new(&app);
    let path = "/.well-known/oauth-authorization-server";
    let metadata = browser.get(path).await.json();
    let languages = metadata["ui_locales_supported"].as_array().unwrap();
    assert!(languages.len() >= 6);
    for language in languages {
        let tag = language.as_str().unwrap();
        let request_uri = app.push(&verifier(), &[("ui_locales", tag)]).await;
        assert_speaks(&browser.open(&app, &request_uri).await, tag, &[]);
    }
}

/// The app's choice lasts from page to page, also where something goes wrong.
#[tokio::test(flavor = "multi_thread")]
async fn all_the_way() {
    let faults = Faults::default();
    let lab = Lab::configured(|config| config.faults = faults.clone()).await;
    let app = lab.app();
    for (tag, wrong, question, permission, ours) in [
        (
            "de",
            "passen nicht zusammen",
            "Zugriff auf alice.test erlauben?",
            "<strong>Ihr Konto verwenden</strong>",
            "Das ist unser Fehler, nicht Ihrer.",
        ),
        (
            "ja",
            "組み合わせが正しくありません",
            "alice.test へのアクセスを許可しますか？",
            "<strong>あなたのアカウントを使う</strong>",
            "これは当サーバーの問題で、",
        ),
    ] {
        let browser = Browser::new(&app);
        let extra = [("ui_locales", tag), ("response_mode", "form_post")];
        let request_uri = app.push(&verifier(), &extra).await;
        let refused = browser
            .sign_in(&app, &request_uri, "alice.test", "wrong")
            .await;
        assert_speaks(&refused, tag, &[wrong]);
        let signed_in = browser
            .sign_in(&app, &request_uri, "alice.test", "wonderland")
            .await;
        let consent = get(&browser, signed_in.header("location"), "es").await;
        assert_speaks(&consent, tag, &[question, permission]);

        faults.fail_next("approve", Fault::Before);
        let failed = browser
            .decide(&app, &request_uri, &consent, "authorize")
            .await;
        assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_speaks(&failed, tag, &[ours]);
        let posted = browser
            .decide(&app, &request_uri, &consent, "authorize")
            .await;
        assert!(!hidden(&posted, "code").is_empty());
        assert_speaks(&posted, tag, &[]);
        // The request is gone, and what it said with it.
        let gone = open(&browser, &app, &request_uri, "es").await;
        assert_eq!(gone.status, StatusCode::BAD_REQUEST);
        assert_speaks(&gone, "es", &["Este inicio de sesión ha caducado"]);
    }
}

/// The account page belongs to no app: the browser decides.
#[tokio::test(flavor = "multi_thread")]
async fn the_account_page() {
    let lab = Lab::start().await;
    let app = lab.app();
    app.login().await;
    let browser = Browser::new(&app);
    let page = get(&browser, "/account", "fr-CH, en;q=0.1").await;
    assert_speaks(&page, "fr", FRENCH);
    let pairs = [
        ("csrf", csrf(&page)),
        ("identifier", "alice.test".to_owned()),
        ("password", "wonderland".to_owned()),
    ];
    let pairs = pairs
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let answer = browser.submit("/account/sign-in", &pairs).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    for (languages, tag, texts) in [
        (
            "pt-BR",
            "pt-BR",
            [
                "Saber quem você é, Usar sua conta",
                "Conectado nas últimas 24 horas, usado pela última vez nas últimas 24 horas",
                "Encerrar o acesso de Um aplicativo neste computador, conectado nas",
            ],
        ),
        (
            "ja",
            "ja",
            [
                "あなたが誰であるかを知る、あなたのアカウントを使う",
                "サインイン：24時間以内、最後の使用：24時間以内",
                "このコンピューター上のアプリ のアクセスを終了する",
            ],
        ),
        (
            "",
            "en",
            [
                "Know who you are, Use your account",
                "Signed in within the last day, last used within the last day",
                "End access of An app on this computer, signed in within the last day",
            ],
        ),
    ] {
        let page = get(&browser, "/account", languages).await;
        assert_speaks(&page, tag, &texts);
    }
}
