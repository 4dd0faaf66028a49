//! `POST /oauth/authorize/choose`: which account.

use atpass_protocol::time::UnixTime;

use super::browser::BrowserRequest;
use super::pending::open_form;
use super::{Page, PageError};
use crate::provider::Provider;

/// The choice of an account that isn't signed in here.
pub(super) const ANOTHER: &str = "another";
/// The choice of one that isn't there yet.
pub(super) const NEW: &str = "new";
/// The wish to see those that are signed in, whatever page came first.
pub(super) const LIST: &str = "list";

pub(crate) async fn choose(
    provider: &Provider,
    request: &BrowserRequest,
    now: UnixTime,
) -> Result<Page, PageError> {
    let (browser, pending) = open_form(provider, request, now).await?;
    // The choice is only where to go next: the page there decides what it may show.
    let page = Page::see_other(pending.url(request.form.get("account")));
    Ok(page.with_cookie(browser.set_cookie))
}
