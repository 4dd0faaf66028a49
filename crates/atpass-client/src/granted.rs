//! What a server granted, held against what was asked for.

use atpass_protocol::scope::{Grants, IncludeScope, Names, RpcAudience, Scope, ScopeSet};

/// The granted values that this version knows. Others grant nothing that an app could use, and are no
/// obstacle (clause C-TOK-02).
pub(crate) fn known(granted: &str) -> impl Iterator<Item = Scope> {
    let values = granted.split_ascii_whitespace();
    values.filter_map(|value| Scope::parse(value).ok())
}

/// What was granted without being asked for, by meaning: servers may write a scope in another way, grant
/// less of it, and grant a permission set as what it holds.
pub(crate) fn unasked(granted: &str, asked: &ScopeSet) -> Unasked {
    let granted: Grants = known(granted).collect();
    let mut more = granted.difference(&asked.grants()).into_scopes();
    more.retain(|scope| !is_of_a_set(scope, asked));
    Unasked(more)
}

/// Whether it may come from the permission sets that were asked for. What they hold only their server has
/// looked up; what they can hold is known (clauses SC-INC-02, SC-INC-03). That a set has `space` is
/// beyond those clauses, and in use.
fn is_of_a_set(scope: &Scope, asked: &ScopeSet) -> bool {
    let sets = || {
        asked.iter().filter_map(|scope| match scope {
            Scope::Include(set) => Some(set),
            _ => None,
        })
    };
    let within = |names: &Names, audience: &dyn Fn(&IncludeScope) -> bool| match names {
        Names::All => false,
        Names::These(names) => names
            .iter()
            .all(|name| sets().any(|set| set.has_authority_over(name) && audience(set))),
    };
    match scope {
        Scope::Repo(repo) => within(&repo.collections, &|_| true),
        Scope::Space(space) => within(&space.space_type, &|_| true),
        Scope::Rpc(rpc) => within(&rpc.methods, &|set| match &rpc.audience {
            RpcAudience::Any => true,
            RpcAudience::Service(service) => set.audience.as_ref() == Some(service),
        }),
        _ => false,
    }
}

/// Scopes that nobody asked for.
#[derive(Debug)]
pub(crate) struct Unasked(Vec<Scope>);

impl Unasked {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for Unasked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(" "))
    }
}
