//! The answer as a form that the browser posts to the app (OAuth 2.0 Form Post Response Mode).

use std::sync::LazyLock;

use atpass_protocol::secret::Secret;
use data_encoding::BASE64;

use super::pending::Pending;
use super::view::FormPost;
use super::{Page, PageError, Sources, layout};
use crate::provider::Provider;

/// Presses the button. Without scripts, the person does.
const SCRIPT: &str = "document.forms[0].submit()";

/// The script, as the content security policy names it.
static SCRIPT_SOURCE: LazyLock<String> = LazyLock::new(|| {
    let digest = Secret::new(SCRIPT).sha256();
    format!("'sha256-{}'", BASE64.encode(&digest))
});

pub(super) fn page(
    provider: &Provider,
    pending: &Pending,
    parameters: &[(&'static str, &str)],
) -> Result<Page, PageError> {
    let redirect_uri = &pending.record.request.redirect_uri;
    let template = FormPost {
        layout: layout(provider, pending.language),
        action: redirect_uri.as_str(),
        redirect_host: &redirect_uri.destination(),
        parameters,
        script: SCRIPT,
    };
    let sources = Sources {
        form: Some(redirect_uri.policy_source()),
        script: Some(SCRIPT_SOURCE.clone()),
        ..Sources::default()
    };
    Page::html(200, &template, sources)
}
