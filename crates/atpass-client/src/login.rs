//! From what a person typed to the URL at which they sign in.

use atpass_identity::{Discovery, Freshness, Input};
use atpass_protocol::id::{Handle, RedirectUri};
use atpass_protocol::jose::{PrivateKey, StoredKey};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random;
use atpass_protocol::request::{Prompt, PushedAuthorizationResponse, State};
use atpass_protocol::scope::ScopeSet;
use http::StatusCode;
use url::Url;

use crate::answers::read_answer;
use crate::authentication::Audience;
use crate::config::ConfigError;
use crate::error::Endpoint;
use crate::proofs::Form;
use crate::store::{BoundClientKey, PendingLogin, Server, SessionKey};
use crate::{ClientError, OAuthClient};

/// Seconds within which the browser must come back.
const PENDING_LIFETIME: i64 = 60 * 60;

/// What one login asks for, where it isn't what all logins of the app do.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    scope: Option<ScopeSet>,
    redirect_uri: Option<RedirectUri>,
    prompt: Option<Prompt>,
    ui_locales: Option<String>,
    replaces: Option<SessionKey>,
}

impl LoginOptions {
    /// Asks for this, which is less than the app declares ([`crate::ClientConfig::scope`]).
    #[must_use]
    pub fn scope(self, scope: ScopeSet) -> Self {
        Self {
            scope: Some(scope),
            ..self
        }
    }

    /// The answer goes here, to another of the app's redirect URIs than the first. For `127.0.0.1` and
    /// `[::1]` the port is free.
    #[must_use]
    pub fn redirect_uri(self, redirect_uri: RedirectUri) -> Self {
        Self {
            redirect_uri: Some(redirect_uri),
            ..self
        }
    }

    /// What the server's pages should do: ask for the password again, for consent, for the account, or
    /// nothing at all.
    #[must_use]
    pub fn prompt(self, prompt: Prompt) -> Self {
        Self {
            prompt: Some(prompt),
            ..self
        }
    }

    /// The person's languages, the best first, with a space between: `pt-BR en`.
    #[must_use]
    pub fn ui_locales(self, locales: impl Into<String>) -> Self {
        Self {
            ui_locales: Some(locales.into()),
            ..self
        }
    }

    /// The new session takes the place of this one, once it is stored.
    pub(crate) fn replacing(self, session: SessionKey) -> Self {
        Self {
            replaces: Some(session),
            ..self
        }
    }
}

/// A login that has begun.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// Where to send the browser.
    pub url: Url,
    /// Comes back with the callback. A web app binds it to the browser that began the login.
    pub state: State,
    /// The account's handle, where the login began with one; confirmed from both sides.
    pub handle: Option<Handle>,
}

impl OAuthClient {
    /// Begins a login with a handle, a DID, or the URL of a PDS or authorization server, and asks
    /// for all that the app declares.
    pub async fn login(&self, typed: &str) -> Result<LoginRequest, ClientError> {
        self.login_with(typed, LoginOptions::default()).await
    }

    /// The same, with options.
    #[tracing::instrument(skip_all, fields(client_id = %self.config().client_id()))]
    pub async fn login_with(
        &self,
        typed: &str,
        options: LoginOptions,
    ) -> Result<LoginRequest, ClientError> {
        let scope = self.scope_of(&options)?;
        let redirect_uri = self.redirect_uri_of(&options)?;
        let found = self
            .resolver()
            .discover(&Input::parse(typed)?, Freshness::Recent)
            .await?;
        if let Some(nonce) = &found.dpop_nonce {
            self.sender().offer_nonce(&found.issuer, nonce);
        }
        let key = PrivateKey::generate()?;
        let asked = Asked {
            verifier: CodeVerifier::generate(self.random()),
            state: State::parse(&random::text::<32>(self.random()))
                .map_err(ClientError::Callback)?,
            // The hint is what the person typed (their handle), not what it resolved to.
            hint: found.account.as_ref().map(|_| typed.trim()),
            client_key: self.client_key(&found, &key).await?,
            key,
            scope,
            redirect_uri,
            options: &options,
        };
        let pushed = self.push(&found, &asked).await?;

        let mut url = Url::parse(&found.server.authorization_endpoint).map_err(|error| {
            ClientError::Departure {
                endpoint: Endpoint::PushedAuthorizationRequest,
                what: format!("authorization_endpoint: {error}"),
            }
        })?;
        // Clause C-PAR-03.
        url.query_pairs_mut()
            .append_pair("client_id", self.config().client_id().as_str())
            .append_pair("request_uri", pushed.request_uri.expose());
        let handle = found
            .account
            .as_ref()
            .and_then(|account| account.handle.clone());
        let pending = PendingLogin {
            expected: found.account.map(|account| (account.did, account.pds)),
            server: Server {
                issuer: found.issuer,
                token_endpoint: found.server.token_endpoint,
                revocation_endpoint: found.server.revocation_endpoint,
            },
            client_id: self.config().client_id().clone(),
            client_key: asked.client_key,
            redirect_uri: asked.redirect_uri.clone(),
            scope: asked.scope.clone(),
            verifier: asked.verifier,
            key: StoredKey::from_key(&asked.key)?,
            replaces: options.replaces.clone(),
        };
        let now = self.clock().now();
        let until = now.plus(PENDING_LIFETIME);
        self.vault()
            .put_pending(&asked.state, &pending, until, now)
            .await?;
        let state = asked.state;
        Ok(LoginRequest { url, state, handle })
    }

    fn scope_of<'a>(&'a self, options: &'a LoginOptions) -> Result<&'a ScopeSet, ClientError> {
        let declared = self.config().scope();
        let scope = options.scope.as_ref().unwrap_or(declared);
        if declared.covers(scope) {
            return Ok(scope);
        }
        let missing = declared.missing(scope);
        Err(ClientError::Undeclared(ScopeSet::of(missing)))
    }

    fn redirect_uri_of<'a>(
        &'a self,
        options: &'a LoginOptions,
    ) -> Result<&'a RedirectUri, ClientError> {
        let declared = self.config().redirect_uris();
        let found = match &options.redirect_uri {
            None => declared.first(),
            Some(uri) => declared
                .iter()
                .any(|declared| uri.matches(declared))
                .then_some(uri),
        };
        found.ok_or(ClientError::Config(ConfigError::Url(
            "the redirect URI of this login isn't one of the app's",
        )))
    }

    async fn client_key(
        &self,
        found: &Discovery,
        key: &PrivateKey,
    ) -> Result<Option<BoundClientKey>, ClientError> {
        let audience = Audience {
            client_id: self.config().client_id(),
            issuer: &found.issuer,
            key: None,
        };
        let authenticator = self.authenticator();
        authenticator
            .ask_for_key(&audience, key, self.sender())
            .await
    }

    async fn push(
        &self,
        found: &Discovery,
        asked: &Asked<'_>,
    ) -> Result<PushedAuthorizationResponse, ClientError> {
        const PAR: Endpoint = Endpoint::PushedAuthorizationRequest;
        let challenge = asked.verifier.challenge().to_string();
        let scope = asked.scope.to_string();
        let client_id = self.config().client_id();
        let mut fields = vec![
            ("client_id", client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", asked.redirect_uri.as_str()),
            ("scope", &scope),
            ("state", asked.state.as_str()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        fields.extend(asked.hint.map(|hint| ("login_hint", hint)));
        let prompt = asked.options.prompt.map(Prompt::as_str);
        fields.extend(prompt.map(|prompt| ("prompt", prompt)));
        let locales = asked.options.ui_locales.as_deref();
        fields.extend(locales.map(|locales| ("ui_locales", locales)));
        let audience = Audience {
            client_id,
            issuer: &found.issuer,
            key: asked.client_key.as_ref(),
        };
        let form = Form {
            endpoint: PAR,
            url: &found.server.pushed_authorization_request_endpoint,
            fields: &fields,
            client: Some((self.authenticator(), audience)),
        };
        let answer = self.sender().post(&form, &asked.key).await?;
        let pushed = read_answer(PAR, StatusCode::CREATED, &answer.response)?;
        require_nonce(PAR, answer.had_nonce)?;
        Ok(pushed)
    }
}

/// What one pushed request is made of.
struct Asked<'a> {
    key: PrivateKey,
    client_key: Option<BoundClientKey>,
    verifier: CodeVerifier,
    state: State,
    scope: &'a ScopeSet,
    redirect_uri: &'a RedirectUri,
    hint: Option<&'a str>,
    options: &'a LoginOptions,
}

/// Clause C-DPOP-03.
pub(crate) fn require_nonce(endpoint: Endpoint, had_nonce: bool) -> Result<(), ClientError> {
    if had_nonce {
        return Ok(());
    }
    Err(ClientError::Departure {
        endpoint,
        what: "its answer has no DPoP-Nonce".into(),
    })
}
