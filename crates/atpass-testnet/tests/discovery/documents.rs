//! DIDs that can't be used, and documents that lie.

use serde_json::{Value, json};

use super::row::{Change, Row, check};
use super::scene::{DID, OTHER_DID, PDS, Reply, Scene, WEB_DID, document, service, with, without};

fn doc(change: impl Fn(Value) -> Value + 'static) -> Change {
    Box::new(move |scene| scene.document = Reply::json(&change(document())))
}

fn endpoint(endpoint: &'static str) -> Change {
    doc(move |value| with(value, "/service/0/serviceEndpoint", endpoint))
}

fn doc_reply(reply: Reply) -> Change {
    Box::new(move |scene| scene.document = reply.clone())
}

/// Clauses ID-DID-01 to ID-DID-05.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn documents() {
    check(vec![
        Row(
            "ID-DID-01",
            "another method",
            "did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-01",
            "did:plc of 23 characters",
            "did:plc:ewvi7nxzyoun6zhxrhs64oi",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-02",
            "did:web with a path",
            "did:web:web.example.com:alice",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-02",
            "did:web with a port",
            "did:web:web.example.com%3A8443",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-02",
            "did:web of an address",
            "did:web:127.0.0.1",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-02",
            "did:web with credentials",
            "did:web:x%40web.example.com",
            doc(|v| v),
            "method",
        ),
        Row(
            "ID-DID-02",
            "did:web of this machine, not in development",
            "did:web:localhost%3A2583",
            doc(|v| v),
            "document: url",
        ),
        Row(
            "ID-DID-02",
            "did:web without a host",
            "did:web:nowhere.example.com",
            doc(|v| v),
            "document: dns",
        ),
        Row(
            "ID-DID-03",
            "a directory that answers for another DID",
            DID,
            doc(|v| with(v, "/id", OTHER_DID)),
            "bad document",
        ),
        Row(
            "ID-DID-03",
            "a did:web host that serves a did:plc document",
            WEB_DID,
            Box::new(|scene| scene.web_document = Reply::json(&document())),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "no service",
            DID,
            doc(|v| without(v, "service")),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a service of another type",
            DID,
            doc(|v| with(v, "/service/0/type", "Other")),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a service with another id",
            DID,
            doc(|v| with(v, "/service/0/id", "#pds")),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "another DID's service",
            DID,
            doc(|v| with(v, "/service/0/id", format!("{OTHER_DID}#atproto_pds"))),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a PDS with a path",
            DID,
            endpoint("https://pds.example.com/x"),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a PDS with a query",
            DID,
            endpoint("https://pds.example.com/?x=y"),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a PDS with credentials",
            DID,
            endpoint("https://u:p@pds.example.com"),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a PDS without TLS",
            DID,
            endpoint("http://pds.example.com"),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "a PDS that is no URL",
            DID,
            endpoint("pds.example.com"),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "an endpoint that is an object",
            DID,
            doc(|v| with(v, "/service/0/serviceEndpoint", json!({"uri": PDS}))),
            "bad document",
        ),
        Row(
            "ID-DID-04",
            "two PDSes: the first counts, and it is a bad one",
            DID,
            doc(|v| {
                with(
                    v,
                    "/service",
                    json!([service("https://pds.example.com/x"), service(PDS)]),
                )
            }),
            "bad document",
        ),
        Row(
            "ID-DID-05",
            "a DID that isn't there",
            OTHER_DID,
            doc(|v| v),
            "no such did",
        ),
        Row(
            "ID-DID-05",
            "a tombstone",
            DID,
            doc_reply(Reply::json(&json!({"message": "DID not available"})).status(410)),
            "tombstoned",
        ),
        Row(
            "ID-DID-05",
            "the directory fails",
            DID,
            doc_reply(Reply::text("text/plain", "x").status(500)),
            "document: status",
        ),
        Row(
            "ID-DID-05",
            "no JSON",
            DID,
            doc_reply(Reply::text("application/json", "{\"id\":")),
            "document: json",
        ),
        Row(
            "ID-DID-05",
            "JSON of another shape",
            DID,
            doc_reply(Reply::text("application/json", "[]")),
            "document: json",
        ),
        Row(
            "ID-DID-05",
            "a web page",
            DID,
            doc_reply(Reply::text("text/html", "<p>")),
            "document: content_type",
        ),
        Row(
            "ID-DID-05",
            "the id isn't a DID",
            DID,
            doc(|v| with(v, "/id", "alice")),
            "document: json",
        ),
    ])
    .await;
}

/// Clause ID-DID-04: where two services claim to be the PDS, the first one is it.
#[tokio::test]
async fn a_document_with_two_pdses() {
    let services = json!([service(PDS), service("https://evil.example.com")]);
    let scene = Scene {
        document: Reply::json(&with(document(), "/service", services)),
        ..Scene::default()
    };
    let found = scene.start().await.discover(DID).await.unwrap();
    assert_eq!(found.account.unwrap().pds.as_str(), PDS);
}
