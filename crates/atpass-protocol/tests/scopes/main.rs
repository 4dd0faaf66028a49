//! Scopes: the grammar, what they mean, and the laws of the algebra. Clauses SC-*.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod grammar;
mod laws;
mod meaning;
mod permission_sets;

use atpass_protocol::scope::{Grants, Scope, ScopeSet};

fn grants(text: &str) -> Grants {
    let text = format!("atproto {text}");
    ScopeSet::parse(text.trim_end()).unwrap().grants()
}

/// Written in the fewest scopes, without `atproto`.
fn written(grants: Grants) -> String {
    let scopes: Vec<_> = grants.into_scopes().iter().map(Scope::to_string).collect();
    scopes.join(" ")
}
