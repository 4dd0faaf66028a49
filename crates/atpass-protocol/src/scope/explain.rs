//! What a scope means, in a sentence for developers. The words for people who decide are the
//! authorization server's pages', in their languages.

use super::{
    AccountAction, AccountAttribute, IdentityScope, Names, RepoAction, RpcAudience, Scope,
    SpaceAuthority,
};

impl Scope {
    /// What it lets an app do.
    pub fn explain(&self) -> String {
        match self {
            Self::Atproto => "know who the account is; every session has it".into(),
            Self::TransitionGeneric => "create, update and delete all records, upload all kinds of files, and call all methods of all services but chat.bsky.*".into(),
            Self::TransitionChat => "with transition:generic, call chat.bsky.* as well; nothing without it".into(),
            Self::TransitionEmail => "see the e-mail address, like account:email".into(),
            Self::Account(scope) => match (scope.attribute, scope.action) {
                (AccountAttribute::Email, AccountAction::Read) => "see the e-mail address and whether it is confirmed; the person may leave it out".into(),
                (AccountAttribute::Email, AccountAction::Manage) => "see and change the e-mail address; the person may leave it out".into(),
                (AccountAttribute::Repo, AccountAction::Read) => "nothing yet".into(),
                (AccountAttribute::Repo, AccountAction::Manage) => "replace the whole repository by a file".into(),
                (AccountAttribute::Status, AccountAction::Read) => "see whether the account is active".into(),
                (AccountAttribute::Status, AccountAction::Manage) => "switch the account off and on".into(),
            },
            Self::Identity(IdentityScope::Handle) => "change the handle".into(),
            Self::Identity(IdentityScope::All) => "change the DID document, with its keys and its PDS, and the handle".into(),
            Self::Repo(scope) => {
                let actions: Vec<_> = scope.actions.iter().map(RepoAction::as_str).collect();
                format!("{} records of {}", and(&actions), names(&scope.collections, "all collections"))
            }
            Self::Rpc(scope) => {
                let service = match &scope.audience {
                    RpcAudience::Any => "any service".to_owned(),
                    RpcAudience::Service(service) => service.to_string(),
                };
                format!("call {} of {service}", names(&scope.methods, "all methods"))
            }
            Self::Blob(scope) => {
                let kinds: Vec<_> = scope.accept.iter().map(ToString::to_string).collect();
                format!("upload files of {}", and(&kinds))
            }
            Self::Include(scope) => {
                let aud = scope.audience.as_ref();
                let aud = aud.map(|aud| format!(", at {aud} where it says inheritAud"));
                let group = scope.group();
                let aud = aud.unwrap_or_default();
                format!("what the permission set {} holds for {group}.*{aud}", scope.nsid)
            }
            Self::Space(scope) => {
                let whose = match &scope.authority {
                    SpaceAuthority::Own => "the account's own".to_owned(),
                    SpaceAuthority::Any => "anybody's".to_owned(),
                    SpaceAuthority::Of(did) => did.to_string(),
                };
                format!("use {whose} spaces of {} (an experiment)", names(&scope.space_type, "all types"))
            }
            Self::Unknown(_) => "nothing: it isn't known here".into(),
        }
    }
}

fn names(names: &Names, all: &str) -> String {
    match names {
        Names::All => all.to_owned(),
        Names::These(_) => and(&names.texts().collect::<Vec<_>>()),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn and<T: AsRef<str>>(items: &[T]) -> String {
    let texts: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match texts.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => texts.concat(),
    }
}
