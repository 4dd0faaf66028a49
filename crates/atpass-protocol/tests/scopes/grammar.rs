use atpass_protocol::scope::{Scope, ScopeError, ScopeSet};

fn canonical(text: &str) -> String {
    Scope::parse(text).unwrap().to_string()
}

/// Clause SC-SYN-01: the examples of the permission specification that are valid.
#[test]
fn the_valid_examples() {
    for text in [
        "repo:app.example.profile",
        "repo:app.example.profile?action=create&action=update&action=delete",
        "repo?collection=app.example.profile&collection=app.example.post",
        "repo:*",
        "repo:*?action=delete",
        "rpc:app.example.moderation.createReport?aud=*",
        "rpc?lxm=*&aud=did:web:api.example.com%23svc_appview",
        "blob:*/*",
        "blob?accept=video/*&accept=text/html",
        "account:email",
        "account:repo?action=manage",
        "account?action=manage&attr=repo",
        "identity:handle",
        "identity:*",
        "identity:*?",
        "include:app.example.authFull?aud=did:web:api.example.com%23svc_chat",
    ] {
        let scope = Scope::parse(text);
        assert!(scope.is_ok(), "{text}: {scope:?}");
    }
}

/// Clause SC-SYN-01: well-formed examples that mean nothing, and malformed ones.
#[test]
fn the_other_examples() {
    for text in [
        "resource",
        "resource:positional?key=val",
        "resource:positional&thing?key=val",
        "service:did:web:com.example#type?key=val",
        "resource:",
        "resource:?",
        "resource:&",
        "resource?",
    ] {
        assert!(
            matches!(Scope::parse(text), Err(ScopeError::In { .. })),
            "{text}"
        );
        let set = ScopeSet::parse(&format!("atproto {text}")).unwrap();
        assert_eq!(set.to_string(), format!("atproto {text}"), "kept as it is");
        assert!(ScopeSet::parse_known(&format!("atproto {text}")).is_err());
        assert_eq!(
            set.grants(),
            ScopeSet::parse("atproto").unwrap().grants(),
            "grants nothing"
        );
    }
    for text in [
        "resource:positional?key=québec",
        "emoji:☺️",
        "a\"b",
        "a\\b",
        "a\tb",
        "",
    ] {
        assert_eq!(Scope::parse(text), Err(ScopeError::Syntax), "{text}");
        assert_eq!(
            ScopeSet::parse(&format!("atproto {text}")),
            Err(ScopeError::Syntax)
        );
    }
}

/// Clauses SC-SYN-02, SC-REPO-01, SC-RPC-01, SC-BLOB-01, SC-ACC-01, SC-IDN-01: scopes of known
/// resources that grant nothing, and what is said of them.
#[test]
fn known_resources_misused() {
    for (text, reason) in [
        ("repo", "collection is missing"),
        ("repo?action=create", "collection is missing"),
        ("repo:", "collection must be an NSID"),
        ("repo:app.example", "collection must be an NSID"),
        ("repo:app.example.*", "there is no app.example.*"),
        (
            "repo:app.example.post?collection=app.example.like",
            "collection may be given once only",
        ),
        (
            "repo:app.example.post?action=read",
            "action must be create, update or delete",
        ),
        ("repo:app.example.post?action=", "action must be"),
        (
            "repo:app.example.post?acton=create",
            "the parameter acton is not known",
        ),
        (
            "repo:app.example.post?action=create&new=1",
            "the parameter new is not known",
        ),
        ("repo:%zz", "a % in a scope"),
        ("repo:%2", "a % in a scope"),
        ("repo:%ff.example.post", "UTF-8"),
        ("REPO:app.example.post", "is not known"),
        ("rpc:app.example.getFeed", "aud is missing"),
        ("rpc?aud=*", "lxm is missing"),
        ("rpc:*?aud=*", "can't both be *"),
        ("rpc?lxm=*&lxm=app.example.getFeed&aud=*", "can't both be *"),
        ("rpc:app.example.*?aud=*", "lxm must be an NSID"),
        (
            "rpc:app.example.getFeed?aud=did:web:api.example.com",
            "aud must be a DID with the fragment",
        ),
        (
            "rpc:app.example.getFeed?aud=api.example.com%23svc",
            "aud must be a DID with the fragment",
        ),
        (
            "rpc:app.example.getFeed?aud=*&aud=*",
            "aud may be given once only",
        ),
        (
            "rpc:app.example.getFeed?aud=*&inheritAud=true",
            "inheritAud is not known",
        ),
        ("blob", "accept is missing"),
        ("blob:image", "accept must be"),
        ("blob:*/png", "accept must be"),
        ("blob:image/", "accept must be"),
        ("blob:a/b/c", "accept must be"),
        ("account", "attr is missing"),
        ("account:*", "attr must be email, repo or status"),
        ("account:password", "attr must be"),
        (
            "account:email?action=write",
            "action must be read or manage",
        ),
        (
            "account?attr=email&attr=repo",
            "attr may be given once only",
        ),
        ("identity", "attr is missing"),
        ("identity:did", "attr must be handle or *"),
        ("identity:handle?action=manage", "action is not known"),
        ("include", "nsid is missing"),
        ("include:*", "nsid must be an NSID"),
        (
            "include:app.example.authFull?aud=*",
            "aud must be a DID with the fragment",
        ),
        ("transition:everything", "is not known"),
        ("openid", "is not known"),
        ("space", "type is missing"),
        ("space:app.example.forum?action=fly", "action must be"),
    ] {
        let error = Scope::parse(text).unwrap_err().to_string();
        assert!(
            error.contains(reason) && error.contains("scope "),
            "{text}: {error}"
        );
    }
}

/// Clause SC-SYN-03: one way to write each scope.
#[test]
fn the_canonical_form() {
    for (text, expected) in [
        ("repo?collection=app.example.post", "repo:app.example.post"),
        ("repo:app.example.post?", "repo:app.example.post"),
        ("repo:app.example.post?&", "repo:app.example.post"),
        ("repo:app%2Eexample.post", "repo:app.example.post"),
        (
            "repo:app.example.post?action=delete&action=update&action=create",
            "repo:app.example.post",
        ),
        (
            "repo:*?action=delete&action=create",
            "repo:*?action=create&action=delete",
        ),
        (
            "repo?collection=b.example.x&collection=a.example.x&collection=b.example.x",
            "repo?collection=a.example.x&collection=b.example.x",
        ),
        ("repo?collection=a.example.x&collection=*", "repo:*"),
        (
            "rpc?aud=*&lxm=app.example.getFeed",
            "rpc:app.example.getFeed?aud=*",
        ),
        (
            "rpc:app.example.getFeed?aud=did:web:api.example.com#svc",
            "rpc:app.example.getFeed?aud=did:web:api.example.com%23svc",
        ),
        (
            "rpc?lxm=*&aud=did%3Aweb%3Aapi.example.com%23svc",
            "rpc:*?aud=did:web:api.example.com%23svc",
        ),
        ("blob:IMAGE/PNG", "blob:image/png"),
        ("blob:image/svg+xml", "blob:image/svg+xml"),
        ("account?attr=email&action=read", "account:email"),
        (
            "account?action=manage&attr=repo",
            "account:repo?action=manage",
        ),
        ("identity?attr=*", "identity:*"),
        (
            "include?nsid=app.example.authFull",
            "include:app.example.authFull",
        ),
        (
            "space:app.example.forum?authority=self",
            "space:app.example.forum",
        ),
        (
            "space:app.example.forum?authority=*&skey=main&collection=app.example.post&action=read&manage=create",
            "space:app.example.forum?authority=*&skey=main&collection=app.example.post&action=read&manage=create",
        ),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
        assert_eq!(canonical(expected), expected);
    }
}

#[test]
fn a_set_is_canonical_and_holds_atproto() {
    let set = |text: &str| ScopeSet::parse(text).map(|set| set.to_string());
    assert_eq!(
        set("transition:generic repo?collection=app.example.post atproto atproto").unwrap(),
        "atproto transition:generic repo:app.example.post"
    );
    assert_eq!(set("transition:generic"), Err(ScopeError::NoAtproto));
    for odd in [
        "",
        " ",
        "atproto ",
        " atproto",
        "atproto  transition:email",
        "atproto\ttransition:email",
    ] {
        assert_eq!(set(odd), Err(ScopeError::Syntax), "{odd:?}");
    }
    let many = |n: usize| vec!["atproto"; n].join(" ");
    assert!(set(&many(1000)).is_ok());
    assert_eq!(set(&many(1001)), Err(ScopeError::Syntax));
}
