//! What is wrong with the form, and what isn't its own.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{Request, StatusCode};

use crate::common::{Answer, Browser, csrf, form};
use crate::scene::{INVITE, PASSWORD, PATH, Scene, filled};

/// The markup of a field, up to its end.
fn field(page: &Answer, id: &str) -> String {
    let text = page.text();
    let from = text.split(&format!(r#" id="{id}""#)).nth(1);
    let field = from.and_then(|from| from.split('>').next());
    field
        .unwrap_or_else(|| panic!("no {id} in {text}"))
        .to_owned()
}

/// A field that says what is wrong with it.
#[track_caller]
fn assert_wrong(page: &Answer, id: &str, words: &str) {
    let markup = field(page, id);
    assert!(markup.contains(r#"aria-invalid="true""#), "{id}: {markup}");
    let described = markup.split(r#"aria-describedby=""#).nth(1).unwrap();
    assert!(described.starts_with(&format!("{id}-problem")), "{markup}");
    let said = format!(r#"id="{id}-problem">{words}"#);
    assert!(page.text().contains(&said), "{said}: {}", page.text());
    // And it is said above that something is wrong.
    assert!(page.text().contains(r#"id="problem" role="alert""#));
}

#[track_caller]
fn assert_kept(page: &Answer, fields: &[(&str, &str)]) {
    for (id, value) in fields {
        let markup = field(page, id);
        assert!(markup.contains(&format!(r#" value="{value}""#)), "{markup}");
    }
    assert!(!field(page, "password").contains("value="));
    assert!(!page.text().contains(PASSWORD));
}

const KEPT: &[(&str, &str)] = &[("name", "carol"), ("email", "carol@mail.example")];

/// Each mistake is said next to its field, and what was typed stays, but for the password.
#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_next_to_its_field() {
    let scene = Scene::start(&["example.com", "example.org"], true).await;
    let visit = scene.visit(&[]).await;
    let page = visit.form().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.text().contains("problem") && !page.text().contains("aria-invalid"));
    let invite = ("invite", INVITE);
    let first = visit.form().await;
    let changes = [("name", "taken"), ("email", "taken@mail.example"), invite];
    let answer = visit.submit(&first, &changes).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);

    let long = "x".repeat(257);
    let wide = "長".repeat(200);
    for (id, changes, words) in [
        ("name", &[("name", "taken")][..], "This handle is taken"),
        ("name", &[("name", "admin")], "This handle can’t be had"),
        ("name", &[("name", "")], "This handle can’t be had"),
        ("name", &[("name", "a.b")], "This handle can’t be had"),
        ("name", &[("domain", "evil.example")], "This handle can’t"),
        (
            "email",
            &[("email", "taken@mail.example")],
            "Another account",
        ),
        ("email", &[("email", "carol")], "No e-mail can go to"),
        (
            "password",
            &[("password", "1234567")],
            "This password is too short. Use at least 8 ",
        ),
        (
            "password",
            &[("password", &long)],
            "This password is too long. Use at most 256 ",
        ),
        (
            "password",
            &[("password", &wide)],
            "This password is too long",
        ),
        (
            "invite",
            &[("invite", "guess")],
            "This invite code isn’t valid",
        ),
        ("invite", &[("invite", " ")], "This invite code isn’t valid"),
    ] {
        // Time enough for another attempt.
        scene.lab.clock.advance(360);
        let visit = scene.visit(&[]).await;
        let page = visit.form().await;
        let mut all = vec![invite];
        all.retain(|(name, _)| changes.iter().all(|(other, _)| other != name));
        all.extend_from_slice(changes);
        let answer = visit.submit(&page, &all).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{changes:?}"
        );
        assert_wrong(&answer, id, words);
        let kept: Vec<_> = KEPT
            .iter()
            .chain(&[invite])
            .filter(|(name, _)| changes.iter().all(|(other, _)| other != name))
            .copied()
            .collect();
        assert_kept(&answer, &kept);
        for (name, value) in changes
            .iter()
            .filter(|(name, _)| ["name", "email"].contains(name))
        {
            assert_kept(&answer, &[(name, value)]);
        }
        let others = ["name", "email", "password", "invite"];
        for other in others.iter().filter(|other| **other != id) {
            assert!(!field(&answer, other).contains("aria-invalid"), "{other}");
        }
    }
    let visit = scene.visit(&[]).await;
    let page = visit.form().await;
    // Several at once, and the domain that was chosen.
    let wrong = [
        ("name", "-"),
        ("email", ""),
        ("password", ""),
        ("domain", "example.org"),
    ];
    let answer = visit.submit(&page, &wrong).await;
    for id in ["name", "email", "password", "invite"] {
        assert_wrong(&answer, id, "");
    }
    assert!(answer.text().contains(r#"value="example.org" selected"#));
    // And the form that came back is as good as the first.
    let answer = visit
        .submit(&answer, &[invite, ("domain", "example.org")])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
}

/// A PDS that can't be reached: try again, with the same form.
#[tokio::test(flavor = "multi_thread")]
async fn out_of_order() {
    let scene = Scene::start(&["example.com"], false).await;
    let visit = scene.visit(&[]).await;
    let page = visit.form().await;
    scene.watched.down.store(true, Ordering::SeqCst);
    let answer = visit.submit(&page, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().contains("can’t be created at the moment"));
    assert!(!answer.text().contains("connection refused"));
    assert!(!answer.text().contains("aria-invalid"));
    assert_kept(&answer, KEPT);
    scene.watched.down.store(false, Ordering::SeqCst);
    let answer = visit.submit(&answer, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

/// What was typed comes back as text, never as markup.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_escaped() {
    let scene = Scene::start(&["example.com", "example.org"], true).await;
    let visit = scene.visit(&[]).await;
    let page = visit.form().await;
    let evil = r#""><script>alert(1)</script>"#;
    let changes = ["name", "domain", "email", "password", "invite"].map(|name| (name, evil));
    let answer = visit.submit(&page, &changes).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text().contains("<script"));
    assert_eq!(answer.text().matches("alert(1)").count(), 3);
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// Clause AS-AUTHZ-10: only our own form, of this browser, makes an account.
#[tokio::test(flavor = "multi_thread")]
async fn foreign_forms() {
    let scene = Scene::start(&["example.com"], false).await;
    let visit = scene.visit(&[]).await;
    let token = csrf(&visit.form().await);
    let stranger = Browser::new(&visit.app);
    let foreign = csrf(&stranger.open(&visit.app, &visit.request_uri).await);
    let ours = visit.browser.cookie.lock().unwrap().clone();
    let origin = visit.app.origin.as_str();
    for (token, cookie, origin, site) in [
        ("", ours.as_str(), origin, "same-origin"),
        (&foreign, &ours, origin, "same-origin"),
        (&token, "", origin, "same-origin"),
        (&token, &ours, "https://evil.example", "same-origin"),
        (&token, &ours, origin, "cross-site"),
    ] {
        let hidden = [
            ("client_id", visit.app.client_id.as_str()),
            ("request_uri", &visit.request_uri),
            ("csrf", token),
        ];
        let request = Request::post(format!("{}{PATH}", visit.app.origin))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", origin)
            .header("sec-fetch-site", site)
            .header(COOKIE, cookie)
            .body(Bytes::from(form(&filled(&hidden, &[]))));
        let answer = visit.app.send(request.unwrap()).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{token} {cookie} {site}"
        );
        assert_eq!(answer.header("location"), "");
    }
    assert!(scene.watched.asked().is_empty());

    // A request that is over, or none.
    let hidden = [("csrf", token.as_str())];
    let answer = visit.browser.submit(PATH, &filled(&hidden, &[])).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(scene.watched.asked().is_empty());
}
