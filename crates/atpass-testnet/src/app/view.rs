//! What the app's pages show.

use askama::Template;

/// The app's style sheet.
pub(super) const STYLESHEET: &str = include_str!("style.css");
/// Where it is served.
pub(super) const STYLESHEET_PATH: &str = "/style.css";

/// Before sign-in.
#[derive(Template)]
#[template(path = "signed_out.html")]
pub(super) struct SignedOut<'a> {
    pub(super) stylesheet: &'a str,
    /// The server that it offers to sign in at.
    pub(super) server: &'a str,
    /// Handles and passwords of the development network.
    pub(super) accounts: &'a [(&'a str, &'a str)],
    /// What went wrong.
    pub(super) problem: Option<&'a str>,
    /// What is in the handle field.
    pub(super) handle: &'a str,
}

/// After sign-in.
#[derive(Template)]
#[template(path = "signed_in.html")]
pub(super) struct SignedIn<'a> {
    pub(super) stylesheet: &'a str,
    pub(super) handle: &'a str,
    pub(super) did: &'a str,
    pub(super) server: &'a str,
    pub(super) scope: &'a str,
    /// Seconds until the access token ends.
    pub(super) expires_in: i64,
    pub(super) csrf: &'a str,
    pub(super) notes: &'a [NoteView],
    /// What went wrong.
    pub(super) problem: Option<&'a str>,
}

/// A note.
pub(super) struct NoteView {
    pub(super) text: String,
    pub(super) rkey: String,
}
