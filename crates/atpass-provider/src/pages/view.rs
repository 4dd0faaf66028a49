//! What the pages show. The templates lie in `templates/`, and escape all of it.

use askama::Template;
use i18n_embed::fluent::FluentLanguageLoader;
use i18n_embed_fl::fl;

/// What every page shows.
pub(crate) struct Layout<'a> {
    /// The domain of this server, so that people can check where they are.
    pub(crate) server_host: &'a str,
    /// What the page says of it, before and after.
    pub(crate) before_host: String,
    pub(crate) after_host: String,
    /// Path of the style sheet.
    pub(crate) stylesheet: &'a str,
    /// Whether to say that this is a development server.
    pub(crate) development: bool,
    /// The language's tag.
    pub(crate) language: &'static str,
    /// What the templates say, by `fl!`.
    pub(crate) texts: &'static FluentLanguageLoader,
}

/// Where the app runs.
pub(crate) enum ClientKind {
    /// On the person's own machine.
    Loopback,
    /// On the web, at this host.
    Web {
        /// The host.
        host: String,
    },
}

/// The app that asks.
pub(crate) struct ClientView<'a> {
    /// Its whole id.
    pub(crate) client_id: &'a str,
    /// Where it runs.
    pub(crate) kind: ClientKind,
    /// What it calls itself: shown for trusted clients only.
    pub(crate) name: Option<&'a str>,
    /// Its page, likewise.
    pub(crate) page: Option<&'a str>,
    /// Its picture, likewise.
    pub(crate) logo: Option<&'a str>,
    /// Where the browser goes afterwards.
    pub(crate) redirect_host: String,
}

/// The hidden fields of every form.
pub(crate) struct Hidden<'a> {
    /// The app.
    pub(crate) client_id: &'a str,
    /// The pushed request.
    pub(crate) request_uri: &'a str,
    /// Proof that the form is of this browser.
    pub(crate) csrf: &'a str,
}

/// Handle and password.
#[derive(Template)]
#[template(path = "sign_in.html")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a part of the page that is there or isn't"
)]
pub(crate) struct SignIn<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) client: ClientView<'a>,
    pub(crate) hidden: Hidden<'a>,
    /// What is in the identifier field.
    pub(crate) identifier: &'a str,
    /// Only this account may sign in.
    pub(crate) identifier_locked: bool,
    /// What was wrong.
    pub(crate) problem: Option<String>,
    /// Whether the box is ticked.
    pub(crate) remember: bool,
    /// Whether there are accounts to go back to.
    pub(crate) can_choose: bool,
    /// Whether a new account may answer.
    pub(crate) can_sign_up: bool,
}

/// The app that waits for an account, with what its forms carry.
pub(crate) struct Asker<'a> {
    pub(crate) client: ClientView<'a>,
    pub(crate) hidden: Hidden<'a>,
}

/// A new account.
#[derive(Template)]
#[template(path = "sign_up.html")]
pub(crate) struct SignUp<'a> {
    pub(crate) layout: Layout<'a>,
    /// None, where the account is made for its own sake.
    pub(crate) asker: Option<Asker<'a>>,
    pub(crate) csrf: &'a str,
    /// What is in the fields. Never a password.
    pub(crate) name: &'a str,
    pub(crate) domains: &'a [DomainView<'a>],
    /// Only this handle may be had.
    pub(crate) locked: bool,
    pub(crate) email: &'a str,
    /// There is no such field where no invite code is needed.
    pub(crate) invite: Option<&'a str>,
    /// Characters of a password.
    pub(crate) least: usize,
    /// What was wrong as a whole, and in each field.
    pub(crate) problem: Option<String>,
    pub(crate) name_problem: Option<String>,
    pub(crate) email_problem: Option<String>,
    pub(crate) password_problem: Option<String>,
    pub(crate) invite_problem: Option<String>,
}

/// A domain of new handles.
pub(crate) struct DomainView<'a> {
    pub(crate) name: &'a str,
    pub(crate) chosen: bool,
}

/// An account.
pub(crate) struct AccountView {
    pub(crate) did: String,
    pub(crate) handle: String,
}

/// Which account.
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct Choose<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) client: ClientView<'a>,
    pub(crate) hidden: Hidden<'a>,
    pub(crate) accounts: &'a [AccountView],
    /// Whether a new one may answer.
    pub(crate) can_sign_up: bool,
}

/// Something that the app may do.
pub(crate) struct PermissionView {
    pub(crate) title: String,
    pub(crate) detail: String,
    /// The name of the box that un-ticks it.
    pub(crate) optional: Option<&'static str>,
    /// Whether it deserves a second look.
    pub(crate) caution: bool,
    /// What it comprises, by technical names.
    pub(crate) items: Vec<String>,
}

impl PermissionView {
    pub(crate) const fn new(title: String, detail: String) -> Self {
        Self {
            title,
            detail,
            optional: None,
            caution: false,
            items: Vec::new(),
        }
    }

    pub(crate) fn with_caution(self) -> Self {
        Self {
            caution: true,
            ..self
        }
    }

    pub(crate) fn optional(self, name: &'static str) -> Self {
        Self {
            optional: Some(name),
            ..self
        }
    }

    pub(crate) fn with_items(self, items: Vec<String>) -> Self {
        Self { items, ..self }
    }
}

/// Whether to agree.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) client: ClientView<'a>,
    pub(crate) hidden: Hidden<'a>,
    pub(crate) account: AccountView,
    pub(crate) permissions: &'a [PermissionView],
    /// The raw scope.
    pub(crate) scope: &'a str,
    /// Whether another account may answer.
    pub(crate) can_switch: bool,
}

/// What went wrong.
#[derive(Template)]
#[template(path = "problem.html")]
pub(crate) struct Problem<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) title: &'a str,
    pub(crate) message: &'a str,
    /// For the developer of the app.
    pub(crate) detail: Option<&'a str>,
    pub(crate) status: u16,
}

/// The answer, on its way to the app by a form.
#[derive(Template)]
#[template(path = "form_post.html")]
pub(crate) struct FormPost<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) action: &'a str,
    pub(crate) redirect_host: &'a str,
    pub(crate) parameters: &'a [(&'static str, &'a str)],
    pub(crate) script: &'a str,
}

/// Sign-in without an app.
#[derive(Template)]
#[template(path = "account_sign_in.html")]
pub(crate) struct AccountSignIn<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) csrf: &'a str,
    pub(crate) identifier: &'a str,
    pub(crate) problem: Option<String>,
    /// Whether new accounts are taken.
    pub(crate) can_sign_up: bool,
}

/// What an owner sees of their account.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) layout: Layout<'a>,
    pub(crate) csrf: &'a str,
    pub(crate) account: AccountView,
    /// Other accounts signed in here.
    pub(crate) others: &'a [AccountView],
    pub(crate) sessions: &'a [SessionView],
}

/// An app with access.
pub(crate) struct SessionView {
    pub(crate) id: String,
    /// Where it is.
    pub(crate) app: String,
    pub(crate) client_id: String,
    /// Days since it got access, and since it last used it: as exact as a person needs it, and
    /// the same in every time zone.
    pub(crate) began: i64,
    pub(crate) used: i64,
    /// The titles.
    pub(crate) permissions: String,
}
