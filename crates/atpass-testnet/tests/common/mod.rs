//! A raw app and a raw browser, over HTTP: they can do what no decent client would.
#![expect(dead_code, reason = "each test file uses its own part of this")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::{Arc, Mutex};

use atpass_fetch::{FetchConfig, FetchError, Fetcher};
use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_testnet::{ManualClock, Network, NetworkConfig, RequestLog};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

/// Where the raw app's answers go. Nobody listens there: the tests read the redirect itself.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// A network with a clock that the test moves, in a folder that goes with it.
pub(crate) struct Lab {
    pub(crate) network: Network,
    pub(crate) clock: ManualClock,
    pub(crate) fetcher: Fetcher,
    pub(crate) folder: TempDir,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// With each request to the network written down.
    pub(crate) async fn start_logged(requests: RequestLog) -> Self {
        let change = |config: &mut NetworkConfig| config.requests = Some(requests);
        Self::start_with(tempfile::tempdir().unwrap(), change).await
    }

    /// With another configuration.
    pub(crate) async fn configured(change: impl FnOnce(&mut NetworkConfig)) -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), change).await
    }

    pub(crate) async fn start_in(folder: TempDir) -> Self {
        Self::start_with(folder, |_| {}).await
    }

    pub(crate) async fn start_with(
        folder: TempDir,
        change: impl FnOnce(&mut NetworkConfig),
    ) -> Self {
        let clock = ManualClock::at(atpass_protocol::time::SystemClock.now());
        let mut config = NetworkConfig::new(folder.path());
        config.clock = Arc::new(clock.clone());
        change(&mut config);
        let network = Network::start(config).await.unwrap();
        let limits = FetchConfig {
            per_host: 1024,
            total_timeout: std::time::Duration::from_mins(1),
            ..FetchConfig::development()
        };
        let fetcher = Fetcher::new(limits).unwrap();
        Self {
            network,
            clock,
            fetcher,
            folder,
        }
    }

    pub(crate) fn app(&self) -> App {
        App::new(
            self.network.issuer.as_str(),
            self.fetcher.clone(),
            self.clock.now(),
        )
    }

    /// Rows of each table, to see that nothing was written.
    pub(crate) fn rows(&self) -> Vec<(String, i64)> {
        let path = self.folder.path().join("atpass.sqlite");
        let database = rusqlite::Connection::open(path).unwrap();
        let mut names = database
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
            .unwrap();
        let names: Vec<String> = names
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let count = |name: String| {
            let sql = format!("SELECT count(*) FROM \"{name}\"");
            let rows = database.query_row(&sql, [], |row| row.get(0)).unwrap();
            (name, rows)
        };
        names.into_iter().map(count).collect()
    }
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn of(response: Response<Bytes>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The `error` member, or nothing.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Tokens that were issued.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) body: Value,
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
            body: body.clone(),
        }
    }
}

/// The key with which a confidential client proves who it is.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) key: Arc<PrivateKey>,
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            key: Arc::new(PrivateKey::generate().unwrap()),
        }
    }

    /// As it is published.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = serde_json::to_value(self.key.public()).unwrap();
        jwk["kid"] = self.kid.clone().into();
        jwk
    }
}

/// A client with one DPoP key: a public loopback client, unless a test makes it another.
pub(crate) struct App {
    pub(crate) origin: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) key: PrivateKey,
    pub(crate) now: UnixTime,
    nonce: Mutex<Option<String>>,
    fetcher: Fetcher,
}

pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://x/").unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

impl App {
    pub(crate) fn new(origin: &str, fetcher: Fetcher, now: UnixTime) -> Self {
        let query = form(&[
            ("redirect_uri", REDIRECT),
            ("scope", "atproto transition:generic"),
        ]);
        Self {
            origin: origin.to_owned(),
            client_id: format!("http://localhost?{query}"),
            redirect_uri: REDIRECT.to_owned(),
            signer: None,
            key: PrivateKey::generate().unwrap(),
            now,
            nonce: Mutex::new(None),
            fetcher,
        }
    }

    /// Another installation of the same app: same client id, another key.
    pub(crate) fn other_key(&self) -> Self {
        let mut other = Self::new(&self.origin, self.fetcher.clone(), self.now);
        other.client_id.clone_from(&self.client_id);
        other.redirect_uri.clone_from(&self.redirect_uri);
        other.signer.clone_from(&self.signer);
        other
    }

    pub(crate) fn nonce(&self) -> Option<String> {
        self.nonce.lock().unwrap().clone()
    }

    pub(crate) fn proof(&self, method: &str, path: &str, access_token: Option<&str>) -> String {
        let nonce = self.nonce();
        let proof = DpopProof {
            htm: method,
            htu: &format!("{}{path}", self.origin),
            nonce: nonce.as_deref(),
            access_token,
            iat: self.now,
        };
        proof.sign(&self.key, &SystemRandom).unwrap()
    }

    /// Sends a request as it is, and keeps the nonce of the answer.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        self.try_send(request).await.unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) async fn try_send(&self, request: Request<Bytes>) -> Result<Answer, FetchError> {
        let answer = Answer::of(self.fetcher.fetch(request).await?);
        let nonce = answer.header("dpop-nonce");
        if !nonce.is_empty() {
            *self.nonce.lock().unwrap() = Some(nonce.to_owned());
        }
        Ok(answer)
    }

    pub(crate) fn form_request(
        &self,
        path: &str,
        body: &str,
        proof: Option<&str>,
    ) -> Request<Bytes> {
        let mut request = Request::post(format!("{}{path}", self.origin))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    /// Posts a form with a good proof, and once more where a nonce was missing.
    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.try_post(path, pairs).await.unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) async fn try_post(
        &self,
        path: &str,
        pairs: &[(&str, &str)],
    ) -> Result<Answer, FetchError> {
        let proof = self.proof("POST", path, None);
        let body = self.signed(pairs);
        let answer = self
            .try_send(self.form_request(path, &body, Some(&proof)))
            .await?;
        if answer.error() != "use_dpop_nonce" {
            return Ok(answer);
        }
        let body = self.signed(pairs);
        let proof = self.proof("POST", path, None);
        self.try_send(self.form_request(path, &body, Some(&proof)))
            .await
    }

    /// A client assertion of this moment.
    pub(crate) fn assertion(&self, signer: &Signer) -> String {
        let (client_id, issuer) = (
            ClientId::parse(&self.client_id).unwrap(),
            Issuer::parse(&self.origin).unwrap(),
        );
        let assertion = NewAssertion {
            client_id: &client_id,
            issuer: &issuer,
            kid: &signer.kid,
            bound_to: None,
            iat: self.now,
        };
        assertion.sign(&signer.key, &SystemRandom).unwrap()
    }

    /// The form, with what a confidential client adds to it.
    fn signed(&self, pairs: &[(&str, &str)]) -> String {
        let Some(signer) = &self.signer else {
            return form(pairs);
        };
        let assertion = self.assertion(signer);
        let mut pairs = pairs.to_vec();
        pairs.push(("client_assertion_type", ASSERTION_TYPE));
        pairs.push(("client_assertion", &assertion));
        form(&pairs)
    }

    /// Calls the resource server with a good proof, and once more where a nonce was missing.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> Answer {
        for _ in 0..2 {
            let plain = path.split('?').next().unwrap();
            let mut request = Request::builder()
                .method(&method)
                .uri(format!("{}{path}", self.origin))
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", self.proof(method.as_str(), plain, Some(token)));
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
            let answer = self.send(request.body(bytes).unwrap()).await;
            if answer.error() != "use_dpop_nonce" {
                return answer;
            }
        }
        panic!("a nonce was asked for twice");
    }

    /// The parameters of a good authorization request.
    pub(crate) fn request<'a>(
        &'a self,
        state: &'a str,
        challenge: &'a str,
    ) -> Vec<(&'a str, &'a str)> {
        vec![
            ("client_id", &self.client_id),
            ("response_type", "code"),
            ("redirect_uri", &self.redirect_uri),
            ("scope", "atproto transition:generic"),
            ("state", state),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
        ]
    }

    /// Pushes a good request with these parameters added or replaced. Returns the `request_uri`.
    pub(crate) async fn push(&self, verifier: &CodeVerifier, extra: &[(&str, &str)]) -> String {
        let challenge = verifier.challenge().to_string();
        let state = format!("state-{challenge}");
        let mut request = self.request(&state, &challenge);
        request.retain(|(name, _)| extra.iter().all(|(other, _)| other != name));
        request.extend_from_slice(extra);
        let answer = self.post("/oauth/par", &request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["request_uri"].as_str().unwrap().to_owned()
    }

    /// The code exchange.
    pub(crate) async fn exchange(&self, code: &str, verifier: &CodeVerifier) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("code", code),
            ("code_verifier", verifier.expose()),
        ];
        self.post("/oauth/token", &pairs).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.try_refresh(token).await.unwrap()
    }

    /// The same, where the server may be gone.
    pub(crate) async fn try_refresh(&self, token: &str) -> Result<Answer, FetchError> {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("refresh_token", token),
        ];
        self.try_post("/oauth/token", &pairs).await
    }

    pub(crate) async fn get_session(&self, token: &str) -> Answer {
        self.call(
            Method::GET,
            "/xrpc/com.atproto.server.getSession",
            token,
            None,
        )
        .await
    }

    /// The whole login as alice, up to the code.
    pub(crate) async fn code(&self, browser: &Browser, verifier: &CodeVerifier) -> String {
        let request_uri = self.push(verifier, &[]).await;
        browser
            .approve(self, &request_uri, "alice.test", "wonderland")
            .await
    }

    /// The whole login as alice.
    pub(crate) async fn login(&self) -> Tokens {
        let verifier = CodeVerifier::generate(&SystemRandom);
        let browser = Browser::new(self);
        let code = self.code(&browser, &verifier).await;
        Tokens::of(&self.exchange(&code, &verifier).await)
    }
}

/// A browser with one cookie.
pub(crate) struct Browser {
    pub(crate) origin: String,
    pub(crate) cookie: Mutex<String>,
    fetcher: Fetcher,
}

impl Browser {
    pub(crate) fn new(app: &App) -> Self {
        Self {
            origin: app.origin.clone(),
            cookie: Mutex::default(),
            fetcher: app.fetcher.clone(),
        }
    }

    pub(crate) async fn send(&self, mut request: Request<Bytes>) -> Answer {
        let cookie = self.cookie.lock().unwrap().clone();
        if !cookie.is_empty() {
            request
                .headers_mut()
                .insert(COOKIE, cookie.parse().unwrap());
        }
        let answer = Answer::of(self.fetcher.fetch(request).await.unwrap());
        if let Some(cookie) = answer.headers.get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            pair.clone_into(&mut self.cookie.lock().unwrap());
        }
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(
            Request::get(format!("{}{path}", self.origin))
                .body(Bytes::new())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn submit(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = Request::post(format!("{}{path}", self.origin))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("origin", &self.origin)
            .header("sec-fetch-site", "same-origin")
            .body(Bytes::from(form(pairs)))
            .unwrap();
        self.send(request).await
    }

    pub(crate) async fn open(&self, app: &App, request_uri: &str) -> Answer {
        let query = form(&[("client_id", &app.client_id), ("request_uri", request_uri)]);
        self.get(&format!("/oauth/authorize?{query}")).await
    }

    /// Signs in. Returns the answer to the form.
    pub(crate) async fn sign_in(
        &self,
        app: &App,
        request_uri: &str,
        identifier: &str,
        password: &str,
    ) -> Answer {
        let page = self.open(app, request_uri).await;
        let csrf = csrf(&page);
        let pairs = [
            ("client_id", app.client_id.as_str()),
            ("request_uri", request_uri),
            ("csrf", &csrf),
            ("identifier", identifier),
            ("password", password),
            ("remember", "on"),
        ];
        self.submit("/oauth/authorize/sign-in", &pairs).await
    }

    /// Presses a button of the consent page that `page` is.
    pub(crate) async fn decide(
        &self,
        app: &App,
        request_uri: &str,
        page: &Answer,
        decision: &str,
    ) -> Answer {
        let ticked = ticked(page);
        let ticked: Vec<&str> = ticked.iter().map(String::as_str).collect();
        self.decide_with(app, request_uri, page, decision, &ticked)
            .await
    }

    /// The same, with these boxes ticked.
    pub(crate) async fn decide_with(
        &self,
        app: &App,
        request_uri: &str,
        page: &Answer,
        decision: &str,
        ticked: &[&str],
    ) -> Answer {
        let csrf = csrf(page);
        let account = hidden(page, "account");
        let mut pairs = vec![
            ("client_id", app.client_id.as_str()),
            ("request_uri", request_uri),
            ("csrf", &csrf),
            ("account", &account),
            ("decision", decision),
        ];
        pairs.extend(ticked.iter().map(|name| (*name, "on")));
        self.submit("/oauth/authorize/decide", &pairs).await
    }

    /// Signs in and authorizes. Returns the code.
    pub(crate) async fn approve(
        &self,
        app: &App,
        request_uri: &str,
        identifier: &str,
        password: &str,
    ) -> String {
        let answer = self.sign_in(app, request_uri, identifier, password).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let consent = self.get(answer.header(LOCATION.as_str())).await;
        if consent.status == StatusCode::SEE_OTHER {
            // The same was granted before: nobody is asked.
            return code_of(&consent);
        }
        let answer = self.decide(app, request_uri, &consent, "authorize").await;
        code_of(&answer)
    }
}

/// The code in a redirect back to the app.
pub(crate) fn code_of(answer: &Answer) -> String {
    parameter(answer, "code")
        .unwrap_or_else(|| panic!("no code: {} {}", answer.status, answer.text()))
}

/// A parameter of a redirect back to the app.
pub(crate) fn parameter(answer: &Answer, name: &str) -> Option<String> {
    let url = Url::parse(answer.header(LOCATION.as_str())).ok()?;
    let issuer = url.query_pairs().any(|(name, _)| name == "iss");
    assert!(issuer, "not an answer to an app: {url}");
    url.query_pairs()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}

pub(crate) fn csrf(page: &Answer) -> String {
    hidden(page, "csrf")
}

/// The boxes that are ticked when a page is shown.
pub(crate) fn ticked(page: &Answer) -> Vec<String> {
    let text = page.text();
    let boxes = text
        .split("<input")
        .filter_map(|input| input.split('>').next())
        .filter(|input| input.contains("type=\"checkbox\"") && input.contains(" checked"));
    boxes
        .filter_map(|input| input.split("name=\"").nth(1)?.split('"').next())
        .map(ToOwned::to_owned)
        .collect()
}

/// The value of a hidden field.
pub(crate) fn hidden(page: &Answer, name: &str) -> String {
    let text = page.text();
    let field = text
        .split("<input")
        .find(|input| input.contains(&format!("name=\"{name}\"")))
        .unwrap_or_else(|| panic!("no field {name} in: {} {text}", page.status));
    let value = field
        .split("value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&")
}
