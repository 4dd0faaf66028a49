use std::fmt::Write;

use atpass_protocol::id::ClientId;
use atpass_provider::store::Store;

use super::*;

/// Clauses AS-AUTHZ-08, SC-ALG-02: what was un-ticked isn't granted, and isn't later without asking.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_unticked() {
    let lab = Lab::start().await;
    for email in [
        "account:email",
        "account:email?action=manage",
        "transition:email",
        "transition:email account:email",
        "transition:email account:email?action=manage",
    ] {
        let scope = format!("atproto repo:app.example.post {email}");
        let app = app_declaring(&lab, &scope);
        let browser = Browser::new(&app);
        let (verifier, request_uri, page) = ask(&app, &browser, &scope).await;
        assert_eq!(common::ticked(&page), ["account:email"], "{}", page.text());
        let decided = browser
            .decide_with(&app, &request_uri, &page, "authorize", &[])
            .await;
        let answer = app.exchange(&code_of(&decided), &verifier).await;
        let granted = "atproto repo:app.example.post";
        assert_eq!(answer.json()["scope"], granted);
        let did = lab.network.accounts[0].did.clone();
        let client_id = ClientId::parse(&app.client_id).unwrap();
        let remembered = lab.network.store().approved(&did, &client_id).await;
        assert_eq!(remembered.unwrap().unwrap().to_string(), granted);
        let refreshed = app
            .refresh(answer.json()["refresh_token"].as_str().unwrap())
            .await;
        assert_eq!(refreshed.json()["scope"], granted);
        // A box that isn't on the page grants nothing.
        let (verifier, request_uri, page) = ask(&app, &browser, "atproto").await;
        let decided = browser
            .decide_with(
                &app,
                &request_uri,
                &page,
                "authorize",
                &["account:email", "repo:*"],
            )
            .await;
        let answer = app.exchange(&code_of(&decided), &verifier).await;
        assert_eq!(answer.json()["scope"], "atproto");
    }
}

/// Clauses AS-AUTHZ-07, AS-AUTHZ-08: each kind of permission in plain words, with its technical name.
#[tokio::test(flavor = "multi_thread")]
async fn in_words() {
    let lab = Lab::start().await;
    let browser = Browser::new(&lab.app());
    for (scope, words) in [
        (
            "repo:*",
            vec!["Create, change and delete records", "All of your records"],
        ),
        (
            "repo:app.example.post?action=create",
            vec![
                "Create records",
                "Of 1 kind, defined by example.app.",
                "<code>app.example.post</code>",
            ],
        ),
        (
            "repo?collection=app.example.a&collection=app.example.b&collection=org.other.c&action=delete",
            vec![
                "Delete records",
                "Of 2 kinds, defined by example.app.",
                "Of 1 kind, defined by other.org.",
            ],
        ),
        (
            "rpc:app.example.getFeed?aud=*",
            vec![
                "Act for you at any service",
                "1 kind of request, defined by example.app.",
            ],
        ),
        (
            "rpc:*?aud=did:web:api.example.com%23svc",
            vec![
                "Act for you at api.example.com",
                "Everything that this service offers.",
                "<code>did:web:api.example.com#svc</code>",
            ],
        ),
        (
            "blob?accept=image/*&accept=text/html",
            vec!["Upload files", "To your account: images, text/html."],
        ),
        ("account:email", vec!["See your e-mail address"]),
        (
            "account:email?action=manage",
            vec!["See and change your e-mail address"],
        ),
        (
            "account:repo?action=manage",
            vec!["Replace all of your records"],
        ),
        ("identity:handle", vec!["Change your handle"]),
        (
            "identity:*",
            vec!["Control your identity", "can take your account away"],
        ),
        (
            "transition:generic repo:app.example.post",
            vec!["Use your account"],
        ),
    ] {
        let scope = format!("atproto {scope}");
        let app = app_declaring(&lab, &scope);
        let (_, _, page) = ask(&app, &browser, &scope).await;
        let text = page.text();
        for words in words {
            assert!(text.contains(words), "{scope}: {words}: {text}");
        }
        assert!(text.contains("Know who you are"));
    }
}

/// Three hundred permissions are still a page that a person can read.
#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_permissions() {
    let lab = Lab::start().await;
    let mut scope = String::from("atproto");
    for n in 0..100 {
        let _ = write!(
            scope,
            " repo:app.example.thing{n} rpc:org.site{n}.call?aud=* rpc:app.example.call{n}?aud={API}"
        );
    }
    // Too long for a loopback client_id: by meaning.
    let app = app_declaring(&lab, "atproto transition:generic");
    let (_, _, page) = ask(&app, &Browser::new(&app), &scope).await;
    let text = page.text();
    let items = text.matches("<li>").count() + text.matches("<li class=\"caution\">").count()
        - text.matches("<li><code>").count();
    println!("300 permissions: {items} items, {} bytes", text.len());
    assert!(items <= 5, "{items}");
    for words in [
        "Of 100 kinds, defined by example.app.",
        "100 kinds of requests, defined by 100 different domains.",
        "100 kinds of requests, defined by example.app.",
    ] {
        assert!(text.contains(words), "{words}");
    }
}
