//! Answers questions about scopes, one JSON object a line, for a comparison with others:
//!
//! - `{"value": "repo:…"}`: its canonical form, or `-` where it means nothing
//! - `{"scope": "atproto …", "repo": {"collection": "…", "action": "create"}}`, or `rpc`, `blob`,
//!   `account`, `identity`: whether the scope allows it

use std::io::{self, BufRead, Write};

use atpass_protocol::scope::{
    AccountAction, AccountAttribute, Blob, IdentityScope, Needed, Permission, Repo, RepoAction,
    Rpc, Scope, ScopeSet,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(untagged)]
enum Question {
    Value {
        value: String,
    },
    Act {
        scope: String,
        #[serde(flatten)]
        act: Act,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    Repo { collection: String, action: String },
    Rpc { lxm: String, aud: String },
    Blob { mime: String },
    Account { attr: String, action: String },
    Identity { attr: String },
}

fn needed(act: &Act) -> Option<Needed> {
    match act {
        Act::Repo { collection, action } => {
            let mut known = RepoAction::ALL.into_iter();
            let action = known.find(|known| known.as_str() == action)?;
            Some(Repo::act(collection, action))
        }
        Act::Rpc { lxm, aud } if lxm == "*" => Some(Rpc::any(aud)),
        Act::Rpc { lxm, aud } => Some(Rpc::call(lxm, aud)),
        Act::Blob { mime } => Some(Blob::upload(mime)),
        Act::Account { attr, action } => {
            let mut known = AccountAttribute::ALL.into_iter();
            let attribute = known.find(|known| known.as_str() == attr)?;
            let action = [AccountAction::Read, AccountAction::Manage]
                .into_iter()
                .find(|known| known.as_str() == action)?;
            Some(Ok(Permission::Account { attribute, action }))
        }
        Act::Identity { attr } => {
            let mut known = [IdentityScope::Handle, IdentityScope::All].into_iter();
            let scope = known.find(|known| known.as_str() == attr)?;
            Some(Ok(Permission::Identity(scope)))
        }
    }
}

fn answer(question: &Question) -> String {
    match question {
        Question::Value { value } => {
            Scope::parse(value).map_or_else(|_| "-".to_owned(), |scope| scope.to_string())
        }
        Question::Act { scope, act } => {
            let allowed = ScopeSet::parse(scope).is_ok_and(|scope| {
                needed(act).is_some_and(|needed| needed.is_ok_and(|needed| scope.allows(&needed)))
            });
            allowed.to_string()
        }
    }
}

fn main() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let question = serde_json::from_str(&line?)?;
        writeln!(out, "{}", answer(&question))?;
    }
    out.flush()
}
