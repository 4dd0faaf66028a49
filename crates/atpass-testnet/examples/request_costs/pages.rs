//! What each page weighs, as it is sent.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::{App, Tokens};
use crate::browser::{Browser, authorize, code};
use crate::scene::{Answer, DID, Scene};

/// A page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    name: &'static str,
    /// As the server sends it.
    bytes: usize,
    /// As a proxy before it would.
    gzip_bytes: usize,
    /// Of a script in it.
    script_bytes: usize,
}

/// All pages, and the style sheet that they share.
pub(crate) async fn all() -> Result<Value> {
    let apps = App::both()?;
    let internet = App::host(&apps).await?;
    let scene = Scene::open(&internet, true).await?;
    let [app, _] = &apps;
    let mut browser = Browser::new(&scene);
    let push = async |more: &[(&str, &str)]| {
        let verifier = atpass_protocol::pkce::CodeVerifier::generate(&*scene.random);
        let request_uri = app.push(&scene, &verifier, more).await?;
        anyhow::Ok((verifier, request_uri))
    };

    let (_, request_uri) = push(&[]).await?;
    let path = authorize(app, &request_uri);
    let sign_in = browser.get(&path, StatusCode::OK).await?;
    let styles = stylesheet(&sign_in)?;
    let mut pages = vec![page("sign-in", &sign_in)?];
    let new = browser
        .get(&format!("{path}&account=new"), StatusCode::OK)
        .await?;
    pages.push(page("new account", &new)?);

    browser.sign_in().await?;
    let choice = browser.get(&path, StatusCode::OK).await?;
    pages.push(page("choice of an account", &choice)?);
    let consent = browser.open(app, &request_uri, StatusCode::OK).await?;
    pages.push(page("consent", &consent)?);

    let (_, posted) = push(&[("response_mode", "form_post")]).await?;
    let answer = browser.agree(app, &posted, StatusCode::OK).await?;
    pages.push(page("answer that the browser posts", &answer)?);

    let (verifier, request_uri) = push(&[]).await?;
    let answer = browser
        .agree(app, &request_uri, StatusCode::SEE_OTHER)
        .await?;
    let exchange = app.exchange(&scene, &code(&answer)?, &verifier)?;
    Tokens::of(&scene.ask(exchange, StatusCode::OK).await?)?;
    let account = format!("/account?account={DID}");
    let account = browser.get(&account, StatusCode::OK).await?;
    pages.push(page("account, one app", &account)?);
    let gone = browser
        .get(&authorize(app, "urn:gone"), StatusCode::BAD_REQUEST)
        .await?;
    pages.push(page("what went wrong", &gone)?);

    let styles = browser.get(&styles, StatusCode::OK).await?;
    pages.push(page("style sheet, once for all pages", &styles)?);
    Ok(json!({ "pages": pages }))
}

fn page(name: &'static str, answer: &Answer) -> Result<Page> {
    ensure!(
        answer.header("content-encoding").is_err(),
        "{name}: the server compresses, so these are no raw bytes"
    );
    let text = answer.text()?;
    // All that a page may bring is its style sheet and one script of a line.
    for asset in ["<script src", "<style", "@font-face", "<iframe"] {
        ensure!(!text.contains(asset), "{name} has a {asset}");
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&answer.body)?;
    Ok(Page {
        name,
        bytes: answer.body.len(),
        gzip_bytes: gzip.finish()?.len(),
        script_bytes: script(text).len(),
    })
}

fn script(page: &str) -> &str {
    let after = page.split_once("<script>").map(|(_, after)| after);
    let script = after.and_then(|after| after.split_once("</script>"));
    script.map_or("", |(script, _)| script)
}

/// Where the style sheet of a page is.
fn stylesheet(page: &Answer) -> Result<String> {
    let text = page.text()?;
    let (_, after) = text
        .split_once("<link rel=\"stylesheet\" href=\"")
        .context("no style sheet")?;
    let (path, _) = after.split_once('"').context("its name has no end")?;
    Ok(path.to_owned())
}
