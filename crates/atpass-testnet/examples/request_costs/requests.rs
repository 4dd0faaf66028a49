//! The requests, several of each.

use anyhow::{Context, Result, anyhow, ensure};
use atpass_protocol::dpop::{self, DpopError, Expected, QueryPolicy, VerifiedProof};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::scope::Repo;
use atpass_protocol::time::Clock;
use axum::body::Body;
use http::{Request, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::{App, COLLECTION, METHOD, Tokens, URL};
use crate::browser::{Browser, code};
use crate::count::{Count, counted};
use crate::scene::Scene;

/// Requests of each kind that fill caches and don't count.
const WARM_UPS: usize = 2;
/// Those that count. What happens once in many requests, such as a table that grows, hits few of them.
const REPEATS: usize = 5;

/// What requests of one kind cost, in the order in which they were sent.
#[derive(Serialize)]
struct Row {
    name: String,
    requests: Vec<Count>,
}

/// Sends all of them.
pub(crate) async fn all() -> Result<Value> {
    let apps = App::both()?;
    let internet = App::host(&apps).await?;
    let scene = Scene::open(&internet, false).await?;
    // The servers know the apps from here on, and no connection is left that would count as well.
    for app in &apps {
        app.push(&scene, &verifier(&scene), &[]).await?;
    }
    drop(internet);
    let mut browser = Browser::new(&scene);
    browser.sign_in().await?;

    let [public, _] = &apps;
    let proof = proof(&scene, public, "token")?;
    let kept_until = verify(&scene, &proof, "token")?.replay_until;
    scene.fill_memories(kept_until).await?;

    let mut rows = vec![metadata(&scene).await?];
    for (app, kind) in apps.iter().zip(["public", "confidential"]) {
        let pushed = par(&scene, app).await?;
        let (exchanged, tokens) = exchange(&scene, app, &mut browser).await?;
        let (refreshed, tokens) = refresh(&scene, app, tokens).await?;
        rows.push(named(&format!("PAR, {kind}"), pushed));
        rows.push(named(&format!("code exchange, {kind}"), exchanged));
        rows.push(named(&format!("refresh, {kind}"), refreshed));
        if kind == "confidential" {
            rows.extend(calls(&scene, app, tokens).await?);
        }
    }
    Ok(json!({ "warmUps": WARM_UPS, "rows": rows }))
}

fn named(name: &str, requests: Vec<Count>) -> Row {
    Row {
        name: name.to_owned(),
        requests,
    }
}

fn verifier(scene: &Scene) -> CodeVerifier {
    CodeVerifier::generate(&*scene.random)
}

async fn metadata(scene: &Scene) -> Result<Row> {
    let mut counts = Vec::new();
    for _ in 0..WARM_UPS + REPEATS {
        let request = Request::get("/.well-known/oauth-authorization-server")
            .header("host", "auth.example.com")
            .body(Body::empty())?;
        counts.push(scene.count(request, StatusCode::OK).await?.1);
    }
    Ok(named("metadata document", counts))
}

async fn par(scene: &Scene, app: &App) -> Result<Vec<Count>> {
    let mut counts = Vec::new();
    for _ in 0..WARM_UPS + REPEATS {
        let request = app.par(scene, &verifier(scene), &[])?;
        counts.push(scene.count(request, StatusCode::CREATED).await?.1);
    }
    Ok(counts)
}

/// Also returns the tokens of the last session.
async fn exchange(
    scene: &Scene,
    app: &App,
    browser: &mut Browser<'_>,
) -> Result<(Vec<Count>, Tokens)> {
    let mut counts = Vec::new();
    let mut tokens = None;
    for _ in 0..WARM_UPS + REPEATS {
        let verifier = verifier(scene);
        // A confidential app would get the code without a question the second time.
        let prompt = [("prompt", "consent")];
        let request_uri = app.push(scene, &verifier, &prompt).await?;
        let answer = browser
            .agree(app, &request_uri, StatusCode::SEE_OTHER)
            .await?;
        let request = app.exchange(scene, &code(&answer)?, &verifier)?;
        let (answer, count) = scene.count(request, StatusCode::OK).await?;
        counts.push(count);
        tokens = Some(Tokens::of(&answer)?);
    }
    Ok((counts, tokens.context("no session")?))
}

async fn refresh(scene: &Scene, app: &App, mut tokens: Tokens) -> Result<(Vec<Count>, Tokens)> {
    let mut counts = Vec::new();
    for _ in 0..WARM_UPS + REPEATS {
        let request = app.refresh(scene, &tokens)?;
        let (answer, count) = scene.count(request, StatusCode::OK).await?;
        counts.push(count);
        tokens = Tokens::of(&answer)?;
    }
    Ok((counts, tokens))
}

/// Calls to the resource server: with a token that it knows, with a new one, and the proof alone.
async fn calls(scene: &Scene, app: &App, mut tokens: Tokens) -> Result<[Row; 3]> {
    let (mut held, mut new, mut proofs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..WARM_UPS + REPEATS {
        let request = app.refresh(scene, &tokens)?;
        tokens = Tokens::of(&scene.ask(request, StatusCode::OK).await?)?;
        new.push(call(scene, app, &tokens.access).await?);
    }
    for _ in 0..WARM_UPS + REPEATS {
        held.push(call(scene, app, &tokens.access).await?);
    }
    for _ in 0..WARM_UPS + REPEATS {
        proofs.push(alone(scene, app, &tokens.access).await?);
    }
    Ok([
        named("resource request, new token", new),
        named("resource request, held token", held),
        named("DPoP proof alone", proofs),
    ])
}

async fn call(scene: &Scene, app: &App, token: &str) -> Result<Count> {
    let request = app.call(scene, token)?;
    let (allowed, count) = counted(async {
        let caller = scene.resource.verify_request(&request).await;
        let caller = caller.map_err(|error| anyhow!("a good request: {error:?}"))?;
        anyhow::Ok(caller.require(Repo::create(COLLECTION)).is_ok())
    })
    .await;
    ensure!(allowed?, "a good request may not do what its scope says");
    Ok(count)
}

async fn alone(scene: &Scene, app: &App, token: &str) -> Result<Count> {
    let proof = proof(scene, app, token)?;
    let (verified, count) = counted(async { verify(scene, &proof, token) }).await;
    verified?;
    Ok(count)
}

fn proof(scene: &Scene, app: &App, token: &str) -> Result<String> {
    app.proof(scene, token, &scene.nonces.issue(scene.clock.now()))
}

fn verify(scene: &Scene, proof: &str, token: &str) -> Result<VerifiedProof, DpopError> {
    let expected = Expected {
        method: METHOD,
        url: URL,
        query: QueryPolicy::Refuse,
        access_token: Some(token),
    };
    let headers = [Some(proof)].into_iter();
    dpop::verify(headers, &expected, &scene.nonces, scene.clock.now())
}
