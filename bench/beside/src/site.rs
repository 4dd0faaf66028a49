//! One of the two servers under test, and what is asked of it.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use atpass_bench_load::pace;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::{self, SystemRandom};
use http::Method;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::app::{App, SCOPE};
use crate::browser::Browser;
use crate::endpoint::{Call, Endpoint, Signed, form};
use crate::process::Process;

const PAR: &str = "/oauth/par";
pub(crate) const TOKEN: &str = "/oauth/token";
/// What is asked of the resource server.
pub(crate) const RESOURCE: &str = "/xrpc/com.atproto.server.getSession";
/// Logins at once that aren't measured.
const AT_ONCE: usize = 16;

/// One of the two servers.
pub(crate) struct Site {
    pub(crate) name: &'static str,
    /// The authorization server.
    pub(crate) server: Process,
    pub(crate) auth: Endpoint,
    /// The resource server, where it is another process.
    pub(crate) resource: Option<(Process, Endpoint)>,
    pub(crate) browser: Browser,
}

/// A session of an app.
pub(crate) struct Session {
    app: Arc<App>,
    key: Arc<PrivateKey>,
    tokens: Mutex<Tokens>,
}

struct Tokens {
    access: Arc<str>,
    refresh: String,
}

/// What an app knows of a login that it has begun.
pub(crate) struct Begun {
    app: Arc<App>,
    key: Arc<PrivateKey>,
    verifier: CodeVerifier,
}

/// What a refresh puts on the wire.
pub(crate) struct Sample {
    pub(crate) proof: String,
    pub(crate) form: String,
    /// Bytes of the answer's body.
    pub(crate) answer: usize,
}

/// Something whose cost is measured, its requests signed.
pub(crate) enum Job {
    Push(Begun, Signed),
    Exchange(Begun, String, Signed),
    /// The two requests that an app makes for a login.
    Login(Begun, [Signed; 2]),
    Refresh(Arc<Session>, Signed),
    Resource(Signed),
}

impl Site {
    /// Where resource requests go.
    pub(crate) fn api(&self) -> &Endpoint {
        let other = self.resource.as_ref();
        other.map_or(&self.auth, |(_, endpoint)| endpoint)
    }

    /// All processes.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &Process> {
        let resource = self.resource.as_ref().map(|(process, _)| process);
        std::iter::once(&self.server).chain(resource)
    }

    /// Asks for nothing but a nonce, and forgets old connections.
    pub(crate) async fn prepare(&self) -> Result<()> {
        for (endpoint, path) in [(&self.auth, TOKEN), (self.api(), RESOURCE)] {
            endpoint.lines.hang_up();
            let request = if path == TOKEN {
                http::Request::post(path)
            } else {
                http::Request::get(path)
            };
            endpoint.plain(request, String::new()).await?;
        }
        Ok(())
    }

    /// Signs the person in at this server's pages.
    pub(crate) async fn sign_in(&self, app: &Arc<App>) -> Result<()> {
        let begun = Begun::by(app)?;
        let signed = self.post(PAR, &begun.app, &begun.key)?;
        let request_uri = self.push(&begun, signed).await?;
        self.browser.sign_in(&self.auth, app, &request_uri).await
    }

    /// Makes so many sessions.
    pub(crate) async fn sessions(
        self: &Arc<Self>,
        app: &Arc<App>,
        many: usize,
    ) -> Result<Vec<Arc<Session>>> {
        let made: Arc<Mutex<Vec<_>>> = Arc::default();
        let (site, keep) = (self.clone(), made.clone());
        let act = move |app: Arc<App>| {
            let (site, keep) = (site.clone(), keep.clone());
            async move {
                let Job::Login(begun, requests) = site.login(&app)? else {
                    return Ok(());
                };
                let session = site.whole_login(begun, requests).await?;
                keep.lock().await.push(Arc::new(session));
                Ok(())
            }
        };
        pace::in_flight(vec![app.clone(); many], AT_ONCE, act).await?;
        Ok(std::mem::take(&mut *made.lock().await))
    }

    /// Exchanges of so many codes, which a person agreed to already.
    pub(crate) async fn exchanges(
        self: &Arc<Self>,
        app: &Arc<App>,
        many: usize,
    ) -> Result<Vec<Job>> {
        let made: Arc<Mutex<Vec<_>>> = Arc::default();
        let (site, keep) = (self.clone(), made.clone());
        let act = move |app: Arc<App>| {
            let (site, keep) = (site.clone(), keep.clone());
            async move {
                let begun = Begun::by(&app)?;
                let push = site.post(PAR, &app, &begun.key)?;
                let code = site.code(&begun, push).await?;
                keep.lock().await.push((begun, code));
                Ok(())
            }
        };
        pace::in_flight(vec![app.clone(); many], AT_ONCE, act).await?;
        let made = std::mem::take(&mut *made.lock().await);
        let sign = |(begun, code): (Begun, String)| {
            let signed = self.post(TOKEN, &begun.app, &begun.key)?;
            Ok(Job::Exchange(begun, code, signed))
        };
        made.into_iter().map(sign).collect()
    }

    /// A login.
    pub(crate) fn login(&self, app: &Arc<App>) -> Result<Job> {
        let begun = Begun::by(app)?;
        let sign = |path| self.post(path, &begun.app, &begun.key);
        let requests = [sign(PAR)?, sign(TOKEN)?];
        Ok(Job::Login(begun, requests))
    }

    /// The first request of a login.
    pub(crate) fn first(&self, app: &Arc<App>) -> Result<Job> {
        let begun = Begun::by(app)?;
        let signed = self.post(PAR, &begun.app, &begun.key)?;
        Ok(Job::Push(begun, signed))
    }

    /// The next refresh of a session.
    pub(crate) fn refresh(&self, session: &Arc<Session>) -> Result<Job> {
        let signed = self.post(TOKEN, &session.app, &session.key)?;
        Ok(Job::Refresh(session.clone(), signed))
    }

    /// A resource request of a session.
    pub(crate) async fn call(&self, session: &Session) -> Result<Job> {
        let token = session.tokens.lock().await.access.clone();
        let signed = self.api().sign(Call {
            method: Method::GET,
            path: RESOURCE,
            key: session.key.clone(),
            token: Some(token),
            app: None,
        })?;
        Ok(Job::Resource(signed))
    }

    /// Does it; anything but success is an error.
    pub(crate) async fn act(&self, job: Job) -> Result<()> {
        match job {
            Job::Push(begun, signed) => {
                self.push(&begun, signed).await?;
            }
            Job::Exchange(begun, code, signed) => {
                self.exchange(&begun, &code, signed).await?;
            }
            Job::Login(begun, requests) => {
                self.whole_login(begun, requests).await?;
            }
            Job::Refresh(session, signed) => {
                // One after the other, where two of the same session are about.
                let mut tokens = session.tokens.lock().await;
                let form = refresh_form(&session.app, &tokens);
                *tokens = Tokens::of(&self.auth.send(signed, &form).await?)?;
            }
            Job::Resource(signed) => {
                let answer = self.api().send(signed, "").await?;
                text(&answer, "did")?;
            }
        }
        Ok(())
    }

    /// Does a refresh, and returns what went over the wire.
    pub(crate) async fn sample(&self, job: Job) -> Result<Sample> {
        let Job::Refresh(session, signed) = job else {
            bail!("not a refresh");
        };
        let mut tokens = session.tokens.lock().await;
        let proof = signed.proof().to_owned();
        let form = refresh_form(&session.app, &tokens);
        let answer = self.auth.send(signed, &form).await?;
        *tokens = Tokens::of(&answer)?;
        Ok(Sample {
            proof,
            form,
            answer: answer.to_string().len(),
        })
    }

    fn post(&self, path: &'static str, app: &Arc<App>, key: &Arc<PrivateKey>) -> Result<Signed> {
        self.auth.sign(Call {
            method: Method::POST,
            path,
            key: key.clone(),
            token: None,
            app: Some(app.clone()),
        })
    }

    async fn whole_login(&self, begun: Begun, [push, exchange]: [Signed; 2]) -> Result<Session> {
        let code = self.code(&begun, push).await?;
        let tokens = self.exchange(&begun, &code, exchange).await?;
        Ok(Session {
            app: begun.app,
            key: begun.key,
            tokens: Mutex::new(tokens),
        })
    }

    /// Pushes the request, and has the person agree to it.
    async fn code(&self, begun: &Begun, push: Signed) -> Result<String> {
        let request_uri = self.push(begun, push).await?;
        let agreed = self.browser.agree(&self.auth, &begun.app, &request_uri);
        agreed.await
    }

    async fn push(&self, begun: &Begun, signed: Signed) -> Result<String> {
        let form = form(&[
            ("response_type", "code"),
            ("client_id", begun.app.id.as_str()),
            ("redirect_uri", &begun.app.redirect_uri),
            ("scope", SCOPE),
            ("state", &random::text::<16>(&SystemRandom)),
            ("code_challenge", &begun.verifier.challenge().to_string()),
            ("code_challenge_method", "S256"),
            ("login_hint", self.browser.handle()),
        ]);
        let answer = self.auth.send(signed, &form).await?;
        Ok(text(&answer, "request_uri")?.to_owned())
    }

    async fn exchange(&self, begun: &Begun, code: &str, signed: Signed) -> Result<Tokens> {
        let form = form(&[
            ("grant_type", "authorization_code"),
            ("client_id", begun.app.id.as_str()),
            ("redirect_uri", &begun.app.redirect_uri),
            ("code", code),
            ("code_verifier", begun.verifier.expose()),
        ]);
        Tokens::of(&self.auth.send(signed, &form).await?)
    }
}

impl Begun {
    fn by(app: &Arc<App>) -> Result<Self> {
        Ok(Self {
            app: app.clone(),
            key: Arc::new(PrivateKey::generate()?),
            verifier: CodeVerifier::generate(&SystemRandom),
        })
    }
}

impl Tokens {
    fn of(answer: &Value) -> Result<Self> {
        Ok(Self {
            access: text(answer, "access_token")?.into(),
            refresh: text(answer, "refresh_token")?.to_owned(),
        })
    }
}

fn refresh_form(app: &App, tokens: &Tokens) -> String {
    form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
        ("client_id", app.id.as_str()),
    ])
}

fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    let value = answer[name].as_str();
    value.with_context(|| format!("no {name} in the answer"))
}
