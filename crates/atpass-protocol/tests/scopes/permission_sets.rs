use atpass_protocol::id::Nsid;
use atpass_protocol::scope::{IncludeScope, PermissionSet, Scope};
use serde_json::{Value, json};

const SET: &str = "app.example.feed.authFull";

fn document(permissions: &Value) -> Value {
    json!({
        "$type": "com.atproto.lexicon.schema", "lexicon": 1, "id": SET,
        "defs": { "main": {
            "type": "permission-set", "title": "Feeds", "title:lang": { "de": "Feeds verwalten", "pt-BR": "Fluxos" },
            "detail": "Read and write\u{202e} feeds\n", "permissions": permissions,
        } },
    })
}

fn include(text: &str) -> IncludeScope {
    let Scope::Include(include) = Scope::parse(text).unwrap() else {
        unreachable!("{text}")
    };
    include
}

fn set(permissions: &Value) -> PermissionSet {
    PermissionSet::from_document(&Nsid::parse(SET).unwrap(), &document(permissions)).unwrap()
}

/// What one permission of the set becomes.
fn expand(permission: &Value, aud: &str) -> Option<String> {
    let scopes = set(&json!([permission])).expand(&include(&format!("include:{SET}{aud}")));
    assert!(scopes.len() <= 1);
    scopes.first().map(ToString::to_string)
}

const AUD: &str = "?aud=did:web:api.example.com%23svc";

/// Clauses SC-INC-02, SC-INC-03, SC-INC-04.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn permissions_of_a_set() {
    let repo = |more: Value| {
        let mut permission = json!({ "type": "permission", "resource": "repo" });
        permission
            .as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
        permission
    };
    let rpc = |more: Value| {
        let mut permission = repo(more);
        *permission.get_mut("resource").unwrap() = json!("rpc");
        permission
    };
    let post = "app.example.feed.post";
    let get = "app.example.feed.getPosts";
    for (permission, aud, expected) in [
        (
            repo(json!({ "collection": [post] })),
            "",
            Some("repo:app.example.feed.post"),
        ),
        (
            repo(json!({ "collection": [post], "action": ["delete"] })),
            "",
            Some("repo:app.example.feed.post?action=delete"),
        ),
        (
            repo(json!({ "collection": ["app.example.feed.deep.er.post"] })),
            "",
            Some("repo:app.example.feed.deep.er.post"),
        ),
        (
            repo(json!({ "collection": post })),
            "",
            Some("repo:app.example.feed.post"),
        ),
        // Other namespaces: a sibling, a parent, a stranger, and a prefix that is no whole segment.
        (
            repo(json!({ "collection": ["app.example.actor.profile"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": ["app.example.post"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": ["com.elsewhere.feed.post"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": ["app.example.feedback.post"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": [post, "app.example.actor.profile"] })),
            "",
            None,
        ),
        // No wildcards, no unknown fields or values, no half.
        (repo(json!({ "collection": ["*"] })), "", None),
        (repo(json!({ "collection": [] })), "", None),
        (
            repo(json!({ "collection": [post], "action": ["fly"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": [post], "action": ["create", "fly"] })),
            "",
            None,
        ),
        (
            repo(json!({ "collection": [post], "rkey": "self" })),
            "",
            None,
        ),
        (repo(json!({ "collection": [post, 7] })), "", None),
        (repo(json!({ "collection": { "0": post } })), "", None),
        (
            repo(json!({ "collection": [post], "inheritAud": true })),
            AUD,
            None,
        ),
        (
            repo(json!({ "collection": [post], "type": "permissions" })),
            "",
            None,
        ),
        // Calls.
        (
            rpc(json!({ "lxm": [get], "aud": "*" })),
            "",
            Some("rpc:app.example.feed.getPosts?aud=*"),
        ),
        (
            rpc(json!({ "lxm": [get], "inheritAud": true })),
            AUD,
            Some("rpc:app.example.feed.getPosts?aud=did:web:api.example.com%23svc"),
        ),
        (rpc(json!({ "lxm": [get], "inheritAud": true })), "", None),
        (
            rpc(json!({ "lxm": [get], "inheritAud": true, "aud": "*" })),
            AUD,
            None,
        ),
        (rpc(json!({ "lxm": [get], "inheritAud": false })), AUD, None),
        (
            rpc(json!({ "lxm": [get], "inheritAud": "true" })),
            AUD,
            None,
        ),
        (rpc(json!({ "lxm": [get] })), AUD, None),
        (
            rpc(json!({ "lxm": [get], "aud": "did:web:api.example.com#svc" })),
            AUD,
            None,
        ),
        (rpc(json!({ "lxm": ["*"], "inheritAud": true })), AUD, None),
        (
            rpc(json!({ "lxm": ["chat.bsky.convo.sendMessage"], "aud": "*" })),
            "",
            None,
        ),
        (
            rpc(json!({ "lxm": ["app.example.feedback.get"], "aud": "*" })),
            "",
            None,
        ),
        // Other resources don't belong in a set.
        (
            json!({ "type": "permission", "resource": "blob", "accept": ["*/*"] }),
            "",
            None,
        ),
        (
            json!({ "type": "permission", "resource": "account", "attr": "email" }),
            "",
            None,
        ),
        (
            json!({ "type": "permission", "resource": "identity", "attr": "*" }),
            "",
            None,
        ),
        (
            json!({ "type": "permission", "resource": "include", "nsid": "app.example.feed.authAll" }),
            "",
            None,
        ),
        (
            json!({ "type": "permission", "resource": "unheard" }),
            "",
            None,
        ),
        (json!({ "type": "permission" }), "", None),
        (json!("repo:*"), "", None),
        (json!(null), "", None),
    ] {
        assert_eq!(
            expand(&permission, aud).as_deref(),
            expected,
            "{permission}"
        );
    }
}

/// Clause SC-INC-02: the example that users reported.
#[test]
fn a_prefix_is_whole_segments() {
    let include = include("include:io.atcr.authFull");
    let over = |name: &str| include.has_authority_over(&Nsid::parse(name).unwrap());
    assert!(over("io.atcr.manifest") && over("io.atcr.sailor.profile"));
    assert!(!over("io.atcritical.manifest") && !over("io.atc.manifest") && !over("io.atcr2.x"));
}

/// Clause SC-UI-01: titles in the languages of the person.
#[test]
fn titles() {
    let set = set(&json!([]));
    assert_eq!(set.title(&[]), Some("Feeds"));
    assert_eq!(set.title(&["fr", "de-AT", "en"]), Some("Feeds verwalten"));
    assert_eq!(set.title(&["pt-br"]), Some("Fluxos"));
    assert_eq!(set.title(&["ja"]), Some("Feeds"));
    assert_eq!(
        set.detail(&["de"]),
        Some("Read and write feeds"),
        "nothing turns the text around"
    );
}

#[test]
fn documents_that_are_none() {
    let nsid = Nsid::parse(SET).unwrap();
    let changed = |pointer: &str, value: Value| {
        let mut document = document(&json!([]));
        *document.pointer_mut(pointer).unwrap() = value;
        PermissionSet::from_document(&nsid, &document)
            .unwrap_err()
            .to_string()
    };
    assert!(changed("/lexicon", json!(2)).contains("lexicon must be 1"));
    assert!(changed("/id", json!("app.example.other.set")).contains("app.example.other.set"));
    assert!(changed("/defs/main/type", json!("record")).contains("permission-set"));
    assert!(changed("/defs/main/permissions", json!({})).contains("permission set"));
    assert!(changed("/defs", json!([])).contains("permission set"));
    let many = changed(
        "/defs/main/permissions",
        Value::Array(vec![json!({}); 1001]),
    );
    assert!(many.contains("1001"), "{many}");
    assert!(PermissionSet::from_document(&nsid, &json!("x")).is_err());
}
