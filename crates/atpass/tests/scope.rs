//! `atpass scope explain`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use program::run;
use serde_json::Value;

fn explain(arguments: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["scope", "explain"], arguments].concat();
    let output = run(folder.path(), &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text)
}

#[test]
fn each_value_is_explained() {
    let (fine, text) = explain(&[
        "atproto repo?collection=app.example.post&action=create blob:image/* identity:*",
    ]);
    assert!(fine);
    for words in [
        "know who the account is",
        "create records of app.example.post",
        "the same as repo:app.example.post?action=create",
        "upload files of image/*",
        "change the DID document",
        "together: atproto ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_means_nothing_is_told_with_the_reason() {
    let (fine, text) = explain(&["atproto repo:app.example.*"]);
    assert!(
        !fine && text.contains("there is no app.example.*"),
        "{text}"
    );
    let (fine, text) = explain(&["openid", "--json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert!(!fine && json["values"][0]["canonical"].is_null(), "{text}");
}

#[test]
fn calls_are_held_against_it() {
    let scope = "atproto repo:*?action=delete rpc:app.example.getFeed?aud=did:web:api.example.com%23svc blob:image/*";
    for (arguments, covered) in [
        (
            vec![
                "--call",
                "app.example.getFeed",
                "--aud",
                "did:web:api.example.com#svc",
            ],
            true,
        ),
        (
            vec![
                "--call",
                "app.example.getFeed",
                "--aud",
                "did:web:api.example.com",
            ],
            false,
        ),
        (
            vec!["--record", "app.example.post", "--action", "delete"],
            true,
        ),
        (vec!["--record", "app.example.post"], false),
        (vec!["--upload", "image/png"], true),
        (vec!["--upload", "video/mp4"], false),
    ] {
        let all = [&[scope], arguments.as_slice(), &["--json"]].concat();
        let (fine, text) = explain(&all);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (fine, &json["call"]["covered"]),
            (covered, &Value::Bool(covered)),
            "{arguments:?}"
        );
    }
}
