//! What an app asks for, in the words of the person: few items, each with what it is about, and the
//! technical names one click away.

use std::collections::{BTreeMap, BTreeSet};

use atpass_protocol::id::Nsid;
use atpass_protocol::scope::{
    AccountAction, AccountAttribute, AccountScope, BlobScope, IdentityScope, IncludeScope,
    MimePattern, Names, PermissionSet, RepoAction, RepoActions, RepoScope, RpcAudience, RpcScope,
    Scope, ScopeSet,
};
use i18n_embed_fl::fl;

use super::language::Language;
use super::view::PermissionView;
use crate::permission_sets::ExpandedScope;

/// More groups of one kind than this become one.
const MOST_GROUPS: usize = 6;

/// The items, the most personal first.
pub(super) fn permissions(asked: &ExpandedScope, language: &Language) -> Vec<PermissionView> {
    let words = Words { language };
    let mut items = vec![words.plain(&Scope::Atproto)];
    // The fewest scopes that say the same: doubles are no news to a person.
    let scopes = asked.scope.grants().into_scopes();
    let chat_counts = scopes.contains(&Scope::TransitionGeneric);
    let email = the_email(&scopes);
    let mut calls = Vec::new();
    for scope in &scopes {
        match scope {
            scope if is_optional(scope) && Some(scope) != email => {}
            Scope::TransitionChat if !chat_counts => {}
            Scope::Atproto | Scope::Unknown(_) => {}
            Scope::TransitionGeneric | Scope::TransitionChat | Scope::TransitionEmail => {
                items.push(words.plain(scope));
            }
            Scope::Account(scope) => items.push(words.account(*scope)),
            Scope::Identity(scope) => items.push(words.identity(*scope)),
            Scope::Repo(scope) => items.extend(words.repo(scope)),
            Scope::Rpc(scope) => calls.push(scope),
            Scope::Blob(scope) => items.push(words.blob(scope)),
            Scope::Include(include) => items.push(words.include(include, asked.set(include))),
            Scope::Space(space) => items.push(words.space(&space.to_string())),
        }
    }
    items.extend(words.rpc(&calls));
    items
}

/// Whether the person may leave it out: the one permission that the protocol's guide lets them
/// (clause AS-AUTHZ-08).
pub(super) const fn is_optional(scope: &Scope) -> bool {
    matches!(
        scope,
        Scope::TransitionEmail
            | Scope::Account(AccountScope {
                attribute: AccountAttribute::Email,
                ..
            })
    )
}

/// The one item about the e-mail address, with the one checkbox, in however many words it is asked for: who
/// may change it sees it.
fn the_email(scopes: &[Scope]) -> Option<&Scope> {
    let manages = |scope: &&Scope| matches!(scope, Scope::Account(scope) if scope.action == AccountAction::Manage);
    let emails = || scopes.iter().filter(|scope| is_optional(scope));
    emails().find(manages).or_else(|| emails().next())
}

/// What is left of the request when a person leaves out what isn't ticked.
pub(super) fn ticked(asked: &ScopeSet, is_ticked: impl Fn(&str) -> bool) -> ScopeSet {
    let kept = asked
        .iter()
        .filter(|scope| !is_optional(scope) || is_ticked(EMAIL));
    ScopeSet::of(kept.cloned())
}

/// The name of the one checkbox.
const EMAIL: &str = "account:email";

struct Words<'l> {
    language: &'l Language,
}

impl Words<'_> {
    fn plain(&self, scope: &Scope) -> PermissionView {
        let texts = self.language.texts();
        match scope {
            Scope::TransitionGeneric => PermissionView::new(
                fl!(texts, "permission-generic-title"),
                fl!(texts, "permission-generic-detail"),
            )
            .with_caution(),
            Scope::TransitionChat => PermissionView::new(
                fl!(texts, "permission-chat-title"),
                fl!(texts, "permission-chat-detail"),
            )
            .with_caution(),
            Scope::TransitionEmail => self.email(),
            _ => PermissionView::new(
                fl!(texts, "permission-atproto-title"),
                fl!(texts, "permission-atproto-detail"),
            ),
        }
    }

    fn email(&self) -> PermissionView {
        let texts = self.language.texts();
        PermissionView::new(
            fl!(texts, "permission-email-title"),
            fl!(texts, "permission-email-detail"),
        )
        .optional(EMAIL)
    }

    fn account(&self, scope: AccountScope) -> PermissionView {
        use AccountAction::{Manage, Read};
        use AccountAttribute::{Email, Repo, Status};
        let texts = self.language.texts();
        match (scope.attribute, scope.action) {
            (Email, Read) => self.email(),
            (Email, Manage) => PermissionView::new(
                fl!(texts, "permission-email-manage-title"),
                fl!(texts, "permission-email-manage-detail"),
            )
            .with_caution()
            .optional(EMAIL),
            (Repo, Read) => PermissionView::new(
                fl!(texts, "permission-import-read-title"),
                fl!(texts, "permission-import-read-detail"),
            ),
            (Repo, Manage) => PermissionView::new(
                fl!(texts, "permission-import-title"),
                fl!(texts, "permission-import-detail"),
            )
            .with_caution(),
            (Status, Read) => PermissionView::new(
                fl!(texts, "permission-status-title"),
                fl!(texts, "permission-status-detail"),
            ),
            (Status, Manage) => PermissionView::new(
                fl!(texts, "permission-status-manage-title"),
                fl!(texts, "permission-status-manage-detail"),
            )
            .with_caution(),
        }
    }

    fn identity(&self, scope: IdentityScope) -> PermissionView {
        let texts = self.language.texts();
        let view = match scope {
            IdentityScope::Handle => PermissionView::new(
                fl!(texts, "permission-handle-title"),
                fl!(texts, "permission-handle-detail"),
            ),
            IdentityScope::All => PermissionView::new(
                fl!(texts, "permission-identity-title"),
                fl!(texts, "permission-identity-detail"),
            ),
        };
        view.with_caution()
    }

    fn repo(&self, scope: &RepoScope) -> Vec<PermissionView> {
        let texts = self.language.texts();
        let actions = actions_name(scope.actions);
        let title = fl!(texts, "permission-repo-title", actions = actions);
        match &scope.collections {
            Names::All => {
                let detail = fl!(texts, "permission-repo-everything");
                vec![PermissionView::new(title.clone(), detail).with_caution()]
            }
            Names::These(names) => {
                let kinds = |count: usize, domain: String| {
                    fl!(
                        texts,
                        "permission-repo-kinds",
                        count = count,
                        domain = domain
                    )
                };
                let many = |count: usize, domains: usize| {
                    fl!(
                        texts,
                        "permission-repo-many",
                        count = count,
                        domains = domains
                    )
                };
                group(names, kinds, many)
                    .into_iter()
                    .map(|(detail, names)| {
                        PermissionView::new(title.clone(), detail).with_items(texts_of(&names))
                    })
                    .collect()
            }
        }
    }

    fn rpc(&self, scopes: &[&RpcScope]) -> Vec<PermissionView> {
        let texts = self.language.texts();
        let mut views = Vec::new();
        for scope in scopes {
            let (title, anywhere) = match &scope.audience {
                RpcAudience::Any => (fl!(texts, "permission-rpc-anywhere-title"), true),
                RpcAudience::Service(service) => {
                    let service = service_name(service.as_str());
                    (fl!(texts, "permission-rpc-title", service = service), false)
                }
            };
            match &scope.methods {
                Names::All => {
                    let detail = fl!(texts, "permission-rpc-everything");
                    let view = PermissionView::new(title, detail);
                    let items = vec![scope.audience.as_str().to_owned()];
                    views.push(view.with_items(items).with_caution());
                }
                Names::These(names) => {
                    let kinds = |count: usize, domain: String| {
                        fl!(
                            texts,
                            "permission-rpc-kinds",
                            count = count,
                            domain = domain
                        )
                    };
                    let many = |count: usize, domains: usize| {
                        fl!(
                            texts,
                            "permission-rpc-many",
                            count = count,
                            domains = domains
                        )
                    };
                    for (detail, names) in group(names, kinds, many) {
                        let mut items = texts_of(&names);
                        if !anywhere {
                            items.push(scope.audience.as_str().to_owned());
                        }
                        views.push(PermissionView::new(title.clone(), detail).with_items(items));
                    }
                }
            }
        }
        views
    }

    fn blob(&self, scope: &BlobScope) -> PermissionView {
        let texts = self.language.texts();
        let kind = |pattern: &MimePattern| match pattern {
            MimePattern::Any => fl!(texts, "permission-blob-any"),
            MimePattern::Type(kind) => match &**kind {
                "image" => fl!(texts, "permission-blob-image"),
                "video" => fl!(texts, "permission-blob-video"),
                "audio" => fl!(texts, "permission-blob-audio"),
                _ => pattern.to_string(),
            },
            MimePattern::One(mime) => mime.to_string(),
        };
        let kinds: Vec<_> = scope.accept.iter().map(kind).collect();
        let kinds = kinds.join(&fl!(texts, "list-separator"));
        PermissionView::new(
            fl!(texts, "permission-blob-title"),
            fl!(texts, "permission-blob-kinds", kinds = kinds),
        )
    }

    /// Clause SC-UI-01: by the title and detail of its author, in the person's language; expandable
    /// to each permission.
    fn include(&self, include: &IncludeScope, set: Option<&PermissionSet>) -> PermissionView {
        let texts = self.language.texts();
        let domain = domain_of(&include.nsid);
        let defined = fl!(texts, "permission-set-defined", domain = domain);
        let languages = [self.language.tag];
        let title = set.and_then(|set| set.title(&languages));
        let detail = set.and_then(|set| set.detail(&languages));
        let detail = detail.map_or_else(|| defined.clone(), |detail| format!("{detail} {defined}"));
        let scopes = set.map(|set| set.expand(include)).unwrap_or_default();
        let items = scopes.iter().map(ToString::to_string);
        let items = [include.to_string()].into_iter().chain(items).collect();
        let title = title.unwrap_or(include.nsid.as_str());
        PermissionView::new(title.to_owned(), detail).with_items(items)
    }

    fn space(&self, scope: &str) -> PermissionView {
        let texts = self.language.texts();
        PermissionView::new(
            fl!(texts, "permission-space-title"),
            fl!(texts, "permission-space-detail"),
        )
        .with_items(vec![scope.to_owned()])
        .with_caution()
    }
}

fn actions_name(actions: RepoActions) -> String {
    if actions == RepoActions::ALL {
        return "all".to_owned();
    }
    let names: Vec<_> = actions.iter().map(RepoAction::as_str).collect();
    names.join("-")
}

fn texts_of(names: &[&Nsid]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Names by the domain that defined them; or all in one, where that would be a long list.
fn group(
    names: &BTreeSet<Nsid>,
    kinds: impl Fn(usize, String) -> String,
    many: impl Fn(usize, usize) -> String,
) -> Vec<(String, Vec<&Nsid>)> {
    let mut groups: BTreeMap<String, Vec<&Nsid>> = BTreeMap::new();
    for name in names {
        groups.entry(domain_of(name)).or_default().push(name);
    }
    if groups.len() > MOST_GROUPS {
        return vec![(many(names.len(), groups.len()), names.iter().collect())];
    }
    let described = groups
        .into_iter()
        .map(|(domain, names)| (kinds(names.len(), domain), names));
    described.collect()
}

/// The domain behind a name: `app.example.feed.post` is of `example.app`. Where the second part is
/// short (`uk.co.example…`), three parts make the domain.
fn domain_of(name: &Nsid) -> String {
    let parts: Vec<_> = name.as_str().split('.').collect();
    let short = parts.get(1).is_some_and(|second| second.len() <= 3) && parts.len() > 3;
    let mut domain: Vec<_> = parts.into_iter().take(if short { 3 } else { 2 }).collect();
    domain.reverse();
    domain.join(".")
}

/// The host of a `did:web`, or the DID.
fn service_name(service: &str) -> String {
    let did = service.split('#').next().unwrap_or_default();
    let name = did.strip_prefix("did:web:").unwrap_or(did);
    name.replace("%3A", ":")
}
