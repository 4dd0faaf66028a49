use atpass_protocol::scope::{
    AccountAction, AccountAttribute, Blob, IdentityScope, Needed, Permission, Repo, Rpc, ScopeSet,
};

use super::{grants, written};

const API: &str = "did:web:api.example.com#svc_appview";

fn allows(text: &str, needed: impl Into<Needed>) -> bool {
    grants(text).allows(&needed.into().unwrap())
}

const fn account(attribute: AccountAttribute, action: AccountAction) -> Permission {
    Permission::Account { attribute, action }
}

/// Clause SC-REPO-01.
#[test]
fn repo() {
    let post = "app.example.post";
    assert!(allows("repo:app.example.post", Repo::create(post)));
    assert!(allows("repo:*", Repo::delete(post)));
    assert!(allows(
        "repo:*?action=delete repo:app.example.post?action=create",
        Repo::create(post)
    ));
    assert!(!allows("repo:*?action=delete", Repo::create(post)));
    assert!(!allows(
        "repo:app.example.post?action=create",
        Repo::update(post)
    ));
    assert!(!allows("repo:app.example.postscript", Repo::create(post)));
    assert!(!allows("repo:app.example.POST", Repo::create(post)));
    assert!(!allows("", Repo::create(post)));
    assert!(Repo::create("post").is_err());
}

/// Clause SC-RPC-01: the fragment of the service counts.
#[test]
fn rpc() {
    let feed = "app.example.getFeed";
    assert!(allows(
        "rpc:app.example.getFeed?aud=*",
        Rpc::call(feed, API)
    ));
    assert!(allows(
        "rpc:app.example.getFeed?aud=*",
        Rpc::call(feed, "did:web:api.example.com")
    ));
    let this = "rpc:app.example.getFeed?aud=did:web:api.example.com%23svc_appview";
    assert!(allows(this, Rpc::call(feed, API)));
    for other in [
        "did:web:api.example.com",
        "did:web:api.example.com#svc_chat",
        "did:web:api.example.com#SVC_APPVIEW",
        "did:web:example.com#svc_appview",
        "*",
    ] {
        assert!(!allows(this, Rpc::call(feed, other)), "{other}");
    }
    assert!(!allows(this, Rpc::call("app.example.getProfile", API)));
    let all = "rpc:*?aud=did:web:api.example.com%23svc_appview";
    assert!(allows(all, Rpc::call("app.example.getProfile", API)) && allows(all, Rpc::any(API)));
    assert!(!allows(this, Rpc::any(API)));
}

/// Clause SC-BLOB-01.
#[test]
fn blob() {
    assert!(allows("blob:*/*", Blob::upload("image/png")));
    assert!(allows("blob:image/*", Blob::upload("Image/PNG; q=1")));
    assert!(allows(
        "blob?accept=video/*&accept=text/html",
        Blob::upload("text/html; charset=utf-8")
    ));
    assert!(!allows("blob:image/*", Blob::upload("imagex/png")));
    assert!(!allows("blob:image/png", Blob::upload("image/jpeg")));
    for odd in ["", "image", "image/*", "*/*", "a b/c"] {
        assert!(Blob::upload(odd).is_err(), "{odd}");
    }
}

/// Clauses SC-ACC-01, SC-IDN-01.
#[test]
fn account_and_identity() {
    use AccountAction::{Manage, Read};
    use AccountAttribute::{Email, Repo};
    assert!(allows("account:email", account(Email, Read)));
    assert!(!allows("account:email", account(Email, Manage)));
    assert!(!allows("account:email", account(Repo, Read)));
    assert!(allows("account:email?action=manage", account(Email, Read)));
    assert!(allows("account:repo?action=manage", account(Repo, Manage)));
    let handle = || Permission::Identity(IdentityScope::Handle);
    let all = || Permission::Identity(IdentityScope::All);
    assert!(allows("identity:handle", handle()) && !allows("identity:handle", all()));
    assert!(allows("identity:*", handle()) && allows("identity:*", all()));
    assert!(!allows("transition:generic", handle()));
}

/// Clauses SC-TRN-01, SC-TRN-02, SC-TRN-03.
#[test]
fn transitional_scopes() {
    let chat = || Rpc::call("chat.bsky.convo.listConvos", API);
    let generic = "transition:generic";
    assert!(allows(generic, Repo::create("app.example.post")));
    assert!(allows(generic, Rpc::call("app.bsky.feed.getTimeline", API)));
    assert!(allows(generic, Blob::upload("image/png")));
    assert!(!allows(generic, chat()));
    assert!(
        !allows(generic, Rpc::any(API)),
        "a token for all methods reaches chat"
    );
    assert!(!allows(generic, Permission::ACCOUNT_EMAIL));
    assert!(!allows(
        generic,
        account(AccountAttribute::Repo, AccountAction::Manage)
    ));
    assert!(!allows("transition:chat.bsky", chat()));
    let both = "transition:chat.bsky transition:generic";
    assert!(allows(both, chat()) && allows(both, Rpc::any(API)));
    assert!(allows("transition:email", Permission::ACCOUNT_EMAIL));
    assert!(!allows(
        "transition:email",
        account(AccountAttribute::Email, AccountAction::Manage)
    ));
}

/// Clause SC-ALG-01: whether a request is within what was declared is decided by meaning.
#[test]
fn within() {
    for (declared, requested, within) in [
        ("repo:*", "repo:app.example.post?action=create", true),
        ("repo:*?action=create", "repo:app.example.post", false),
        (
            "repo:*?action=create repo:*?action=update&action=delete",
            "repo:*",
            true,
        ),
        (
            "repo?collection=a.example.x&collection=b.example.x",
            "repo:b.example.x",
            true,
        ),
        (
            "repo:a.example.x",
            "repo?collection=a.example.x&collection=b.example.x",
            false,
        ),
        ("repo:a.example.x", "repo:*", false),
        (
            "rpc:a.example.x?aud=*",
            "rpc:a.example.x?aud=did:web:api.example.com%23svc",
            true,
        ),
        (
            "rpc:a.example.x?aud=did:web:api.example.com%23svc",
            "rpc:a.example.x?aud=*",
            false,
        ),
        (
            "rpc:*?aud=did:web:api.example.com%23svc",
            "rpc:a.example.x?aud=did:web:api.example.com%23svc",
            true,
        ),
        ("blob:*/*", "blob?accept=image/*&accept=video/mp4", true),
        ("blob:image/png", "blob:image/*", false),
        ("account:email?action=manage", "account:email", true),
        ("account:email?action=manage", "transition:email", true),
        ("account:email", "account:email?action=manage", false),
        ("identity:*", "identity:handle", true),
        (
            "transition:generic",
            "repo:* blob:*/* rpc:a.example.x?aud=*",
            true,
        ),
        ("transition:generic", "rpc:chat.bsky.x?aud=*", false),
        (
            "transition:generic",
            "transition:generic transition:chat.bsky",
            false,
        ),
        (
            "transition:generic transition:chat.bsky",
            "rpc:chat.bsky.x?aud=* rpc:*?aud=did:web:api.example.com%23svc",
            true,
        ),
        ("repo:* blob:*/*", "transition:generic", false),
        (
            "include:a.example.set?aud=did:web:api.example.com%23svc",
            "include:a.example.set",
            true,
        ),
        (
            "include:a.example.set",
            "include:a.example.set?aud=did:web:api.example.com%23svc",
            false,
        ),
        ("include:a.example.set", "include:a.example.other", false),
        (
            "transition:generic",
            "include:a.example.set?aud=did:web:api.example.com%23svc",
            true,
        ),
        ("transition:generic", "include:chat.bsky.set", false),
        ("transition:generic", "include:chat.bsky.convo.set", false),
        (
            "space:app.example.forum",
            "space:app.example.forum?collection=app.example.post&action=read_self",
            true,
        ),
        (
            "space:app.example.forum?action=read",
            "space:app.example.forum?action=create",
            false,
        ),
        (
            "space:app.example.forum",
            "space:app.example.forum?authority=*",
            false,
        ),
    ] {
        assert_eq!(
            grants(declared).covers(&grants(requested)),
            within,
            "{requested} within {declared}"
        );
    }
}

/// What an app would have to ask for, and not more.
#[test]
fn missing() {
    for (granted, needed, missing) in [
        (
            "repo:*?action=create",
            "repo:app.example.post",
            "repo:app.example.post?action=delete&action=update",
        ),
        (
            "repo:a.example.x",
            "repo?collection=a.example.x&collection=b.example.x",
            "repo:b.example.x",
        ),
        (
            "transition:generic",
            "repo:* account:email rpc:chat.bsky.x?aud=*",
            "account:email rpc:chat.bsky.x?aud=*",
        ),
        (
            "account:email",
            "account:email?action=manage",
            "account:email?action=manage",
        ),
        ("identity:*", "identity:handle", ""),
        (
            "blob:image/*",
            "blob?accept=image/png&accept=video/mp4",
            "blob:video/mp4",
        ),
    ] {
        let set = |text: &str| ScopeSet::parse(&format!("atproto {text}")).unwrap();
        let found: Vec<_> = set(granted)
            .missing(&set(needed))
            .iter()
            .map(ToString::to_string)
            .collect();
        let expected: Vec<_> = missing
            .replace("action=delete&action=update", "action=update&action=delete")
            .split(' ')
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect();
        assert_eq!(found, expected, "{needed} without {granted}");
    }
}

#[test]
fn fewest_scopes() {
    for (text, fewest) in [
        (
            "repo:b.example.x repo:a.example.x repo:*?action=create",
            "repo:*?action=create repo?collection=a.example.x&collection=b.example.x&action=update&action=delete",
        ),
        (
            "rpc:a.example.x?aud=* rpc:a.example.x?aud=did:web:api.example.com%23svc",
            "rpc:a.example.x?aud=*",
        ),
        (
            "blob:image/* blob:image/png blob:video/mp4",
            "blob?accept=image/*&accept=video/mp4",
        ),
        (
            "transition:generic repo:* blob:image/png include:a.example.set",
            "transition:generic",
        ),
        (
            "include:a.example.set include:a.example.set?aud=did:web:api.example.com%23svc",
            "include:a.example.set?aud=did:web:api.example.com%23svc",
        ),
    ] {
        let once = grants(text).union(&grants(""));
        assert_eq!(written(once), fewest, "{text}");
    }
}

#[test]
fn the_smallest_scope_allows_what_it_is_for() {
    for needed in [
        Repo::create("app.example.post"),
        Rpc::call("app.example.getFeed", API),
        Rpc::call("app.example.getFeed", "did:web:api.example.com"),
        Rpc::any(API),
        Blob::upload("image/png"),
        Ok(Permission::ACCOUNT_EMAIL),
        Ok(Permission::Identity(IdentityScope::All)),
    ] {
        let needed = needed.unwrap();
        assert!(grants(&needed.to_string()).allows(&needed), "{needed}");
    }
}
