//! From what a person typed to a session.

use atpass_identity::{Discovery, Freshness, Input};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::{PrivateKey, StoredKey};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random;
use atpass_protocol::request::{
    CallbackParameters, PushedAuthorizationResponse, State, TokenResponse,
};
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::Secret;
use http::StatusCode;
use url::Url;

use crate::session::Session;
use crate::store::{PendingLogin, PutOutcome, SessionKey, StoreFailure, StoredSession};
use crate::token_request::{check_tokens, lifetime, post_form, read_answer};
use crate::{ClientError, OAuthClient};

/// Seconds within which the browser must come back.
const PENDING_LIFETIME: i64 = 60 * 60;

const PAR: &str = "the pushed authorization request endpoint";
const TOKEN: &str = "the token endpoint";

/// What one login asks for, where it isn't all that the app declares.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    scope: Option<ScopeSet>,
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
}

impl OAuthClient {
    /// Begins a login with a handle, a DID, or the URL of a PDS or authorization server, and asks
    /// for all that the app declares.
    pub async fn login(&self, typed: &str) -> Result<LoginRequest, ClientError> {
        self.login_with(typed, LoginOptions::default()).await
    }

    /// The same, with options.
    pub async fn login_with(
        &self,
        typed: &str,
        options: LoginOptions,
    ) -> Result<LoginRequest, ClientError> {
        let declared = self.config().scope();
        let scope = options.scope.as_ref().unwrap_or(declared);
        if !declared.covers(scope) {
            let missing = declared.missing(scope);
            return Err(ClientError::Undeclared(ScopeSet::of(missing)));
        }
        let found = self
            .resolver()
            .discover(&Input::parse(typed)?, Freshness::Recent)
            .await?;
        let key = PrivateKey::generate()?;
        let verifier = CodeVerifier::generate(self.random());
        let state =
            State::parse(&random::text::<32>(self.random())).map_err(ClientError::Callback)?;
        // The hint is what the person typed (their handle), not what it resolved to.
        let hint = found.account.as_ref().map(|_| typed.trim());
        if let Some(nonce) = &found.dpop_nonce {
            self.sender().offer(&found.issuer, nonce);
        }
        let asked = Asked {
            key: &key,
            verifier: &verifier,
            state: &state,
            scope,
            hint,
        };
        let pushed = self.push(&found, &asked).await?;

        let mut url = Url::parse(&found.server.authorization_endpoint).map_err(|error| {
            ClientError::Departure {
                endpoint: PAR,
                what: format!("authorization_endpoint: {error}"),
            }
        })?;
        url.query_pairs_mut()
            .append_pair("client_id", self.config().client_id().as_str())
            .append_pair("request_uri", pushed.request_uri.expose());
        let pending = PendingLogin {
            expected: found.account.map(|account| (account.did, account.pds)),
            issuer: found.issuer,
            token_endpoint: found.server.token_endpoint,
            revocation_endpoint: found.server.revocation_endpoint,
            scope: scope.clone(),
            verifier,
            key: StoredKey::from_key(&key)?,
            created_at: self.clock().now(),
            replaces: options.replaces,
        };
        self.store().put_pending(&state, &pending).await?;
        Ok(LoginRequest { url, state })
    }

    async fn push(
        &self,
        found: &Discovery,
        asked: &Asked<'_>,
    ) -> Result<PushedAuthorizationResponse, ClientError> {
        let (challenge, scope) = (
            asked.verifier.challenge().to_string(),
            asked.scope.to_string(),
        );
        let mut form = vec![
            ("client_id", self.config().client_id().as_str()),
            ("response_type", "code"),
            ("redirect_uri", self.config().redirect_uri().as_str()),
            ("scope", &scope),
            ("state", asked.state.as_str()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        form.extend(asked.hint.map(|hint| ("login_hint", hint)));
        let endpoint = &found.server.pushed_authorization_request_endpoint;
        let answer = post_form(self.sender(), endpoint, asked.key, &form).await?;
        let pushed = read_answer(PAR, StatusCode::CREATED, &answer.response)?;
        require_nonce(PAR, answer.had_nonce)?;
        Ok(pushed)
    }

    /// Finishes a login with the query that the browser brought to the redirect URI.
    pub async fn callback(&self, query: &str) -> Result<Session, ClientError> {
        let callback = CallbackParameters::parse(query).map_err(ClientError::Callback)?;
        let pending = self.store().take_pending(&callback.state).await?;
        let now = self.clock().now();
        let pending = pending
            .filter(|pending| now.since(pending.created_at) <= PENDING_LIFETIME)
            .ok_or(ClientError::UnknownState)?;
        if callback.iss.as_deref() != Some(pending.issuer.as_str()) {
            return Err(ClientError::Issuer {
                expected: pending.issuer.to_string(),
                got: callback.iss.unwrap_or_else(|| "(none)".into()),
            });
        }
        let code = callback.outcome.map_err(ClientError::Denied)?;
        let key = pending.key.to_key()?;
        let tokens = self.exchange(&pending, &key, &code).await?;
        match self.check_subject(&pending, &tokens).await {
            Ok(pds) => self.keep(pending, tokens, pds).await,
            Err(error) => {
                // The tokens are of no use to anybody now.
                self.give_up(&pending, &key, &tokens).await;
                Err(error)
            }
        }
    }

    async fn exchange(
        &self,
        pending: &PendingLogin,
        key: &PrivateKey,
        code: &Secret,
    ) -> Result<TokenResponse, ClientError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", self.config().client_id().as_str()),
            ("redirect_uri", self.config().redirect_uri().as_str()),
            ("code", code.expose()),
            ("code_verifier", pending.verifier.expose()),
        ];
        let answer = post_form(self.sender(), &pending.token_endpoint, key, &form).await?;
        let tokens: TokenResponse = read_answer(TOKEN, StatusCode::OK, &answer.response)?;
        let checked =
            require_nonce(TOKEN, answer.had_nonce).and_then(|()| check_tokens(TOKEN, &tokens));
        if let Err(error) = checked {
            self.give_up(pending, key, &tokens).await;
            return Err(error);
        }
        Ok(tokens)
    }

    /// The account that signed in must be the one that was asked for; where none was, the server
    /// must be the account's own (clauses C-SUB-01, C-SUB-02). Returns the account's PDS.
    async fn check_subject(
        &self,
        pending: &PendingLogin,
        tokens: &TokenResponse,
    ) -> Result<Issuer, ClientError> {
        match &pending.expected {
            Some((did, pds)) if *did == tokens.sub => Ok(pds.clone()),
            Some((did, _)) => Err(ClientError::WrongAccount {
                expected: did.clone(),
                got: tokens.sub.clone(),
            }),
            None => Ok(self
                .resolver()
                .verify_subject(&tokens.sub, &pending.issuer, Freshness::Anew)
                .await?),
        }
    }

    async fn keep(
        &self,
        pending: PendingLogin,
        tokens: TokenResponse,
        pds: Issuer,
    ) -> Result<Session, ClientError> {
        let key = SessionKey::new(random::text::<16>(self.random()));
        let replaced = pending.replaces;
        let stored = StoredSession {
            did: tokens.sub.clone(),
            pds,
            issuer: pending.issuer,
            token_endpoint: pending.token_endpoint,
            revocation_endpoint: pending.revocation_endpoint,
            key: pending.key,
            expires_at: self.clock().now().plus(lifetime(&tokens)),
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            asked: pending.scope,
            scope: tokens.scope,
        };
        match self.store().put(&key, &stored, None).await? {
            PutOutcome::Stored(_) => {
                if let Some(replaced) = replaced {
                    self.end_replaced(&replaced).await;
                }
                Ok(Session::new(self.clone(), key, &stored))
            }
            PutOutcome::Conflict => {
                Err(StoreFailure("it has a session of a new random name already".into()).into())
            }
        }
    }

    /// Ends the session that a new one took the place of. The new one is stored by now: failing to
    /// is only worth a log line.
    async fn end_replaced(&self, key: &SessionKey) {
        let ended = match self.restore(key).await {
            Ok(Some(session)) => session.logout().await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = ended {
            tracing::warn!(%error, "the session before an upgrade could not be ended");
        }
    }

    /// Revokes tokens that mustn't be used. Failing to is only worth a log line.
    async fn give_up(&self, pending: &PendingLogin, key: &PrivateKey, tokens: &TokenResponse) {
        let token = tokens
            .refresh_token
            .as_ref()
            .unwrap_or(&tokens.access_token);
        let revoked = self
            .revoke(
                pending.revocation_endpoint.as_deref(),
                key,
                token,
                &tokens.sub,
            )
            .await;
        if let Err(error) = revoked {
            tracing::warn!(%error, "tokens of a failed login could not be revoked");
        }
    }

    /// Revokes a token (RFC 7009), where the server has an endpoint for it.
    pub(crate) async fn revoke(
        &self,
        endpoint: Option<&str>,
        key: &PrivateKey,
        token: &Secret,
        did: &Did,
    ) -> Result<(), ClientError> {
        let Some(endpoint) = endpoint else {
            return Ok(());
        };
        let form = [
            ("client_id", self.config().client_id().as_str()),
            ("token", token.expose()),
        ];
        let answer = post_form(self.sender(), endpoint, key, &form).await?;
        if answer.response.status().is_success() {
            tracing::debug!(%did, "session revoked");
            return Ok(());
        }
        read_answer("the revocation endpoint", StatusCode::OK, &answer.response)
    }
}

/// What one pushed request is made of.
struct Asked<'a> {
    key: &'a PrivateKey,
    verifier: &'a CodeVerifier,
    state: &'a State,
    scope: &'a ScopeSet,
    hint: Option<&'a str>,
}

/// Clause C-DPOP-03.
fn require_nonce(endpoint: &'static str, had_nonce: bool) -> Result<(), ClientError> {
    if had_nonce {
        return Ok(());
    }
    Err(ClientError::Departure {
        endpoint,
        what: "its answer has no DPoP-Nonce".into(),
    })
}
