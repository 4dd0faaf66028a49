//! The laws of the algebra, over generated scopes from a small world, so that they meet.

use atpass_protocol::scope::{Blob, Grants, Permission, Repo, RepoAction, Rpc, Scope, ScopeSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const NAMES: [&str; 4] = [
    "app.example.a",
    "app.example.b",
    "chat.bsky.c",
    "app.other.a",
];
const SERVICES: [&str; 2] = ["did:web:one.example#svc", "did:web:two.example#svc"];
const MIMES: [&str; 5] = ["*/*", "image/*", "image/png", "image/jpeg", "text/html"];

fn joined(name: &str, values: &[&str]) -> String {
    let pairs: Vec<_> = values
        .iter()
        .map(|value| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn scope() -> impl Strategy<Value = String> {
    let names = || {
        prop_oneof![
            1 => Just(vec!["*"]),
            4 => subsequence(NAMES.to_vec(), 1..=3),
        ]
    };
    let repo = (
        names(),
        subsequence(vec!["create", "update", "delete"], 1..=3),
    )
        .prop_map(|(names, actions)| {
            format!(
                "repo?{}&{}",
                joined("collection", &names),
                joined("action", &actions)
            )
        });
    let aud = prop_oneof![
        Just("*".to_owned()),
        select(SERVICES.to_vec()).prop_map(|s| s.replace('#', "%23"))
    ];
    let rpc = (names(), aud).prop_filter_map("lxm and aud can't both be *", |(names, aud)| {
        let everything = names == ["*"] && aud == "*";
        (!everything).then(|| format!("rpc?{}&aud={aud}", joined("lxm", &names)))
    });
    let blob = subsequence(MIMES.to_vec(), 1..=2)
        .prop_map(|accept| format!("blob?{}", joined("accept", &accept)));
    let fixed = select(vec![
        "account:email",
        "account:email?action=manage",
        "account:repo?action=manage",
        "identity:handle",
        "identity:*",
        "include:app.example.set",
        "include:app.example.set?aud=did:web:one.example%23svc",
        "include:chat.bsky.set",
        "include:app.example.set?aud=did:web:two.example%23svc",
        "transition:generic",
        "transition:chat.bsky",
        "transition:email",
        "space:app.example.forum",
        "space:app.example.forum?action=read",
        "space:app.example.forum?authority=*",
    ])
    .prop_map(str::to_owned);
    prop_oneof![3 => repo, 3 => rpc, 2 => blob, 3 => fixed]
}

fn set() -> impl Strategy<Value = ScopeSet> {
    vec(scope(), 0..5)
        .prop_map(|scopes| ScopeSet::of(scopes.iter().map(|text| Scope::parse(text).unwrap())))
}

fn grants() -> impl Strategy<Value = Grants> {
    set().prop_map(|set| set.grants())
}

/// Every act of the small world.
fn acts() -> Vec<Permission> {
    use atpass_protocol::scope::{AccountAction, AccountAttribute, IdentityScope};
    let mut acts = Vec::new();
    for name in NAMES {
        acts.extend(RepoAction::ALL.map(|action| Repo::act(name, action).unwrap()));
        for aud in SERVICES
            .into_iter()
            .chain(["did:web:one.example", "did:web:three.example#svc"])
        {
            acts.push(Rpc::call(name, aud).unwrap());
        }
    }
    acts.extend(SERVICES.map(|aud| Rpc::any(aud).unwrap()));
    acts.extend(["image/png", "image/gif", "text/html"].map(|mime| Blob::upload(mime).unwrap()));
    for attribute in AccountAttribute::ALL {
        for action in [AccountAction::Read, AccountAction::Manage] {
            acts.push(Permission::Account { attribute, action });
        }
    }
    acts.extend([IdentityScope::Handle, IdentityScope::All].map(Permission::Identity));
    acts
}

/// As a set of values: what grants say, and no more.
fn same(one: &Grants, other: &Grants) -> bool {
    one.covers(other) && other.covers(one)
}

fn is_transitional(grants: &Grants) -> bool {
    let scopes = grants.clone().into_scopes();
    scopes.contains(&Scope::TransitionGeneric) || scopes.contains(&Scope::TransitionChat)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Clause SC-SYN-03: what is printed is read as the same, and printed the same.
    #[test]
    fn print_and_parse(text in scope()) {
        let scope = Scope::parse(&text).unwrap();
        let printed = scope.to_string();
        prop_assert_eq!(Scope::parse(&printed), Ok(scope));
        let set = ScopeSet::parse(&format!("atproto {printed}")).unwrap();
        prop_assert_eq!(ScopeSet::parse(&set.to_string()), Ok(set));
    }

    /// No text makes the parser panic, and what it accepts it prints canonically.
    #[test]
    fn any_text(text in "(repo|rpc|blob|account|identity|include|space)[:?][ -~]{0,40}") {
        if let Ok(scope) = Scope::parse(&text) {
            prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
        }
    }

    /// Clause SC-ALG-01: covering is an order, and means what is allowed.
    #[test]
    fn covers(a in grants(), b in grants(), c in grants()) {
        prop_assert!(a.covers(&a));
        if a.covers(&b) {
            for act in acts().iter().filter(|act| b.allows(act)) {
                prop_assert!(a.allows(act), "{act}");
            }
            if b.covers(&c) {
                prop_assert!(a.covers(&c));
            }
        }
    }

    #[test]
    fn union(a in grants(), b in grants(), c in grants()) {
        let both = a.clone().union(&b);
        prop_assert!(both.covers(&a) && both.covers(&b));
        prop_assert!(same(&both, &b.clone().union(&a)));
        prop_assert_eq!(c.covers(&a) && c.covers(&b), c.covers(&both) );
        prop_assert!(same(&a.clone().union(&a), &a));
        for act in acts().iter().filter(|act| a.allows(act) || b.allows(act)) {
            prop_assert!(both.allows(act), "{act}");
        }
    }

    #[test]
    fn intersection(a in grants(), b in grants(), c in grants()) {
        let common = a.intersection(&b);
        prop_assert!(a.covers(&common) && b.covers(&common));
        prop_assert!(same(&common, &b.intersection(&a)));
        prop_assert!(same(&a.intersection(&a), &a));
        for act in acts() {
            let allowed = a.allows(&act) && b.allows(&act);
            if common.allows(&act) {
                prop_assert!(allowed, "{act}");
            } else if !is_transitional(&a) && !is_transitional(&b) {
                prop_assert!(!allowed, "{act}");
            }
        }
        if !is_transitional(&a) && !is_transitional(&b) && a.covers(&c) && b.covers(&c) {
            prop_assert!(common.covers(&c));
        }
    }

    #[test]
    fn difference(a in grants(), b in grants()) {
        let left = a.difference(&b);
        prop_assert!(a.covers(&left));
        prop_assert!(left.clone().union(&b).covers(&a));
        if b.covers(&a) {
            prop_assert!(left.into_scopes().is_empty());
        }
    }

    /// The fewest scopes say the same.
    #[test]
    fn fewest(a in grants()) {
        let scopes = a.clone().into_scopes();
        let again: Grants = scopes.iter().cloned().collect();
        prop_assert!(same(&a, &again));
        prop_assert_eq!(again.into_scopes(), scopes);
    }

    /// The smallest scope of an act is covered by whatever allows the act.
    #[test]
    fn smallest(a in grants()) {
        for act in acts() {
            let smallest: Grants = act.smallest_scope().into_iter().collect();
            if a.covers(&smallest) {
                prop_assert!(a.allows(&act), "{act}");
            } else {
                // A bare DID is no service that a scope could name.
                let bare = matches!(&act, Permission::Rpc { aud, .. } if !aud.contains('#'));
                prop_assert!(bare || !a.allows(&act), "{act}");
            }
        }
    }
}
