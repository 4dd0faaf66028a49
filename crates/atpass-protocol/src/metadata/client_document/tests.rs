//! Documents good and bad.

use super::*;
use crate::jose::PrivateKey;
use serde_json::{Value, json};

const ID: &str = "https://app.example.com/client.json";

fn read(document: &Value) -> Result<ClientMetadata, Problems> {
    read_text(&document.to_string())
}

fn read_text(text: &str) -> Result<ClientMetadata, Problems> {
    let (id, url) = (ClientId::parse(ID).unwrap(), Url::parse(ID).unwrap());
    ClientMetadata::from_document(&id, &url, text.as_bytes())
}

fn public() -> Value {
    json!({
        "client_id": ID,
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "atproto transition:generic",
        "redirect_uris": ["https://app.example.com/cb"],
        "token_endpoint_auth_method": "none",
        "dpop_bound_access_tokens": true,
        "client_name": "App",
        "client_uri": "https://app.example.com",
        "something_else": {"a": [1]},
    })
}

fn confidential() -> Value {
    let mut jwk = serde_json::to_value(PrivateKey::generate().unwrap().public()).unwrap();
    jwk["kid"] = "k1".into();
    let mut document = public();
    document["token_endpoint_auth_method"] = "private_key_jwt".into();
    document["token_endpoint_auth_signing_alg"] = "ES256".into();
    document["jwks"] = json!({ "keys": [jwk] });
    document
}

fn with(mut document: Value, member: &str, value: Value) -> Value {
    if value.is_null() {
        document.as_object_mut().unwrap().remove(member);
    } else {
        document[member] = value;
    }
    document
}

#[test]
fn good_documents() {
    let client = read(&public()).unwrap();
    assert!(!client.is_confidential() && client.may_refresh());
    assert_eq!(client.names.client_name.as_deref(), Some("App"));
    let client = read(&confidential()).unwrap();
    assert!(matches!(client.keys, Some(ClientKeySource::Inline(_))));
    let elsewhere = with(
        with(confidential(), "jwks", Value::Null),
        "jwks_uri",
        "https://keys.example.net/jwks.json".into(),
    );
    let client = read(&elsewhere).unwrap();
    assert!(matches!(client.keys, Some(ClientKeySource::At(_))));
    for (member, value) in [
        ("application_type", Value::Null),
        ("grant_types", json!(["authorization_code"])),
        ("token_endpoint_auth_signing_alg", Value::Null),
    ] {
        assert!(read(&with(public(), member, value)).is_ok(), "{member}");
    }
}

/// Clauses AS-CLI-03 to AS-CLI-09.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_member_is_checked() {
    let keys = &confidential()["jwks"];
    let mut private = keys.clone();
    private["keys"][0]["d"] = "AA".into();
    let rows: Vec<(Value, &str, Value, &str)> = vec![
        (public(), "client_id", Value::Null, "client_id is missing"),
        (
            public(),
            "client_id",
            json!(format!("{ID}?")),
            "which is not the URL of the document",
        ),
        (
            public(),
            "grant_types",
            json!(["refresh_token"]),
            "grant_types must hold authorization_code",
        ),
        (
            public(),
            "grant_types",
            Value::Null,
            "grant_types is missing",
        ),
        (
            public(),
            "response_types",
            json!(["token"]),
            "response_types must hold code",
        ),
        (public(), "scope", Value::Null, "scope is missing"),
        (
            public(),
            "scope",
            json!("transition:generic"),
            "scope: scope must hold atproto",
        ),
        (
            public(),
            "redirect_uris",
            json!([]),
            "redirect_uris is missing",
        ),
        (
            public(),
            "redirect_uris",
            json!(vec!["https://app.example.com/cb"; 65]),
            "more than 64",
        ),
        (
            public(),
            "dpop_bound_access_tokens",
            json!(false),
            "dpop_bound_access_tokens is false; it must be true",
        ),
        (
            public(),
            "dpop_bound_access_tokens",
            Value::Null,
            "dpop_bound_access_tokens is missing",
        ),
        (
            public(),
            "application_type",
            json!("service"),
            "it must be web or native",
        ),
        (
            public(),
            "token_endpoint_auth_method",
            Value::Null,
            "it must be none or private_key_jwt",
        ),
        (
            public(),
            "token_endpoint_auth_method",
            json!("client_secret_basic"),
            "it must be none or private_key_jwt",
        ),
        (
            public(),
            "client_secret",
            json!("x"),
            "client_secret must not be there",
        ),
        (
            public(),
            "client_uri",
            json!("https://example.com"),
            "client_uri must be at the host",
        ),
        (
            public(),
            "client_uri",
            json!("http://app.example.com"),
            "client_uri must be an https URL",
        ),
        (
            public(),
            "logo_uri",
            json!("data:image/png;base64,AA"),
            "logo_uri must be an https URL",
        ),
        (
            public(),
            "tos_uri",
            json!("javascript:alert(1)"),
            "tos_uri must be an https URL",
        ),
        (
            public(),
            "policy_uri",
            json!("x"),
            "policy_uri must be an https URL",
        ),
        (
            confidential(),
            "jwks",
            Value::Null,
            "either jwks or jwks_uri",
        ),
        (
            confidential(),
            "jwks_uri",
            json!("https://app.example.com/jwks"),
            "either jwks or jwks_uri",
        ),
        (confidential(), "jwks", private, "private member"),
        (confidential(), "jwks", json!({"keys": []}), "no ES256 key"),
        (
            confidential(),
            "token_endpoint_auth_signing_alg",
            json!("none"),
            "it must be ES256 here",
        ),
        (
            confidential(),
            "token_endpoint_auth_signing_alg",
            json!("HS256"),
            "it must be ES256 here",
        ),
    ];
    for (document, member, value, problem) in rows {
        let problems = read(&with(document, member, value.clone())).unwrap_err();
        let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(
            text.join("; ").contains(problem),
            "{member} {value}: {text:?}"
        );
        assert_eq!(problems.len(), 1, "{member} {value}: {text:?}");
    }
    let http_keys = with(
        with(confidential(), "jwks", Value::Null),
        "jwks_uri",
        json!("http://x.example.com"),
    );
    assert_eq!(
        read(&http_keys),
        Err(vec![ClientMetadataError::Url("jwks_uri")])
    );
    let all = read(&json!({})).unwrap_err();
    assert_eq!(all.len(), 7, "every problem at once: {all:?}");
}

/// Clauses AS-CLI-10 to AS-CLI-13.
#[test]
fn redirect_uris_by_kind() {
    let check = |kind: &str, uri: &str| {
        let document = with(public(), "application_type", kind.into());
        read(&with(document, "redirect_uris", json!([uri]))).is_ok()
    };
    for (uri, web, native) in [
        ("https://app.example.com/cb", true, true),
        ("https://other.example.com/cb", true, false),
        ("https://app.example.com:8443/cb", true, false),
        ("http://127.0.0.1/cb", false, true),
        ("http://[::1]:4000/cb", false, true),
        ("com.example.app:/cb", false, true),
        ("com.example.other:/cb", false, false),
        ("com.example:/cb", false, false),
        ("com.example.app://cb", false, false),
        ("com.example.app:cb", false, false),
        ("javascript:alert(1)", false, false),
        ("myapp:/cb", false, false),
        ("http://localhost/cb", false, false),
        ("https://localhost/cb", false, false),
        ("http://app.example.com/cb", false, false),
        ("https://app.example.com:443/cb", false, false),
        ("https://u@app.example.com/cb", false, false),
        ("https://app.example.com/cb#x", false, false),
    ] {
        assert_eq!(
            (check("web", uri), check("native", uri)),
            (web, native),
            "{uri}"
        );
    }
}

/// Clause AS-CLI-20.
#[test]
fn what_is_no_document() {
    let twice = public()
        .to_string()
        .replacen('{', r#"{"scope":"atproto","#, 1);
    for text in [
        "",
        "[]",
        "null",
        "{",
        r#"{"client_id":1}"#,
        r#"{"redirect_uris":"https://app.example.com/cb"}"#,
        twice.as_str(),
        &"[".repeat(100_000),
    ] {
        let problems = read_text(text).unwrap_err();
        assert!(
            matches!(problems.as_slice(), [ClientMetadataError::Json(_)]),
            "{problems:?}"
        );
    }
    let (id, url) = (ClientId::parse(ID).unwrap(), Url::parse(ID).unwrap());
    assert!(ClientMetadata::from_document(&id, &url, &[b'{', 0xff, b'}']).is_err());
}
