//! Handles that lead nowhere, or to somebody else.

use http::header;
use serde_json::json;

use super::row::{Change, Row, check, label};
use super::scene::{Content, DID, HANDLE, OTHER_DID, Reply, Scene, document, with, without};

fn texts(texts: &'static [&'static str]) -> Change {
    Box::new(move |scene| scene.texts = texts.iter().map(|&text| text.into()).collect())
}

fn handle_host(reply: Reply) -> Change {
    Box::new(move |scene| {
        scene.texts.clear();
        scene.well_known = Some(reply.clone());
    })
}

fn plain(body: &str) -> Reply {
    Reply::text("text/plain", body.to_owned())
}

/// Clauses ID-HDL-02 to ID-HDL-06.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn handles() {
    check(vec![
        Row(
            "ID-HDL-02",
            "no record, no host",
            HANDLE,
            texts(&[]),
            "handle: dns none, https status",
        ),
        Row(
            "ID-HDL-02",
            "two records name two DIDs",
            HANDLE,
            texts(&[
                "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                "did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
            ]),
            "handle: dns several, https status",
        ),
        Row(
            "ID-HDL-02",
            "two records name the same DID",
            HANDLE,
            texts(&[
                "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz",
                "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            ]),
            "handle: dns several, https status",
        ),
        Row(
            "ID-HDL-02",
            "the record holds no DID",
            HANDLE,
            texts(&["did=alice"]),
            "handle: dns invalid, https status",
        ),
        Row(
            "ID-HDL-02",
            "a space after did=",
            HANDLE,
            texts(&["did= did:plc:ewvi7nxzyoun6zhxrhs64oiz"]),
            "handle: dns invalid, https status",
        ),
        Row(
            "ID-HDL-02",
            "a record in two pieces, which is read as one: its host isn't there",
            HANDLE,
            Box::new(|scene| {
                let label = "x".repeat(60);
                let host = format!("{label}.{label}.{label}.{label}.com");
                scene.texts = vec![format!("did=did:web:{host}")];
            }),
            "document: dns",
        ),
        Row(
            "ID-HDL-02",
            "records of other purposes only",
            HANDLE,
            texts(&["v=spf1 -all", "DID=did:plc:ewvi7nxzyoun6zhxrhs64oiz"]),
            "handle: dns none, https status",
        ),
        Row(
            "ID-HDL-03",
            "the host says no DID",
            HANDLE,
            handle_host(plain("alice")),
            "handle: dns none, https invalid",
        ),
        Row(
            "ID-HDL-03",
            "the host says two DIDs",
            HANDLE,
            handle_host(plain(&format!("{DID}\n{OTHER_DID}"))),
            "handle: dns none, https invalid",
        ),
        Row(
            "ID-HDL-03",
            "the host answers 201",
            HANDLE,
            handle_host(plain(DID).status(201)),
            "handle: dns none, https status",
        ),
        Row(
            "ID-HDL-03",
            "the host redirects",
            HANDLE,
            handle_host(
                plain(DID)
                    .status(301)
                    .header(header::LOCATION, "https://www.alice.example.com/"),
            ),
            "handle: dns none, https redirect",
        ),
        Row(
            "ID-HDL-03",
            "the host's answer has no end",
            HANDLE,
            handle_host(plain("").body(Content::Endless)),
            "handle: dns none, https too_large",
        ),
        Row(
            "ID-HDL-03",
            "the host's answer isn't text",
            HANDLE,
            handle_host(Reply::text("text/plain", vec![0xff, 0xfe, 0x00])),
            "handle: dns none, https content_type",
        ),
        Row(
            "ID-HDL-06",
            "a handle that nobody claims back",
            HANDLE,
            Box::new(|scene| {
                scene.document = Reply::json(&with(document(), "/alsoKnownAs", json!([])));
            }),
            "not claimed",
        ),
        Row(
            "ID-HDL-06",
            "a document that has no place for handles",
            HANDLE,
            Box::new(|scene| {
                scene.document = Reply::json(&without(document(), "alsoKnownAs"));
            }),
            "not claimed",
        ),
        Row(
            "ID-HDL-06",
            "the document claims another handle first",
            HANDLE,
            Box::new(|scene| {
                let names = json!(["at://alice.example.org", format!("at://{HANDLE}")]);
                scene.document = Reply::json(&with(document(), "/alsoKnownAs", names));
            }),
            "not claimed",
        ),
        Row(
            "ID-HDL-06",
            "somebody else's handle points at this DID",
            HANDLE,
            Box::new(|scene| {
                let names = json!(["at://mallory.example.com"]);
                scene.document = Reply::json(&with(document(), "/alsoKnownAs", names));
            }),
            "not claimed",
        ),
    ])
    .await;
}

/// Clause ID-HDL-05: refused before anybody is asked.
#[tokio::test]
async fn reserved_names_are_not_looked_up() {
    let stage = Scene::default().start().await;
    for top in [
        "local",
        "arpa",
        "invalid",
        "localhost",
        "internal",
        "example",
        "alt",
        "onion",
        "test",
    ] {
        let error = stage.discover(&format!("alice.{top}")).await.unwrap_err();
        assert_eq!(label(&error), "handle: disallowed", "{top}");
    }
    assert_eq!(stage.internet.names.asked(), [""; 0]);
    assert_eq!(stage.asked(), [""; 0]);

    let development = Scene {
        allow_test_handles: true,
        ..Scene::default()
    };
    let stage = development.start().await;
    let error = stage.discover("alice.test").await.unwrap_err();
    assert_eq!(label(&error), "handle: dns none, https dns");
}
