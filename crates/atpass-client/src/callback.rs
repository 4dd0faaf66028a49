//! From what the browser brings back to a session.

use atpass_identity::Freshness;
use atpass_protocol::id::Issuer;
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random;
use atpass_protocol::request::{CallbackParameters, TokenResponse};
use atpass_protocol::secret::Secret;
use http::StatusCode;

use crate::answers::{
    check_scope, check_tokens, ending_token, ending_token_in, lifetime, read_answer,
};
use crate::authentication::Audience;
use crate::error::Endpoint;
use crate::login::require_nonce;
use crate::proofs::Form;
use crate::session::Session;
use crate::store::{
    BoundClientKey, PendingLogin, PutOutcome, Server, SessionKey, StoreFailure, StoredSession,
};
use crate::{ClientError, OAuthClient};

/// Whose tokens are exchanged or revoked: what identifies a session to its server.
pub(crate) struct Holder<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client_id: &'a atpass_protocol::id::ClientId,
    pub(crate) client_key: Option<&'a BoundClientKey>,
    pub(crate) key: &'a PrivateKey,
}

impl OAuthClient {
    /// Finishes a login with the query that the browser brought to the redirect URI.
    ///
    /// The login is over then, whatever comes of it. Where a check fails, nothing is stored, and
    /// tokens that were given are revoked (clause C-SUB-03).
    #[tracing::instrument(skip_all, fields(client_id = %self.config().client_id()))]
    pub async fn callback(&self, query: &str) -> Result<Session, ClientError> {
        let callback = CallbackParameters::parse(query).map_err(ClientError::Callback)?;
        let now = self.clock().now();
        let pending = self.vault().take_pending(&callback.state, now).await?;
        let pending = pending.ok_or(ClientError::UnknownState)?;
        let issuer = &pending.server.issuer;
        if callback.iss.as_deref() != Some(issuer.as_str()) {
            return Err(ClientError::Issuer {
                expected: issuer.to_string(),
                got: callback.iss.unwrap_or_else(|| "(none)".into()),
            });
        }
        let code = callback.outcome.map_err(ClientError::Denied)?;
        // A code counts once, and the browser's request may be cut off: what has begun is finished.
        let client = self.clone();
        let task = tokio::spawn(async move { client.finish(pending, &code).await });
        task.await
            .map_err(|error| StoreFailure(format!("the login stopped: {error}")))?
    }

    async fn finish(&self, pending: PendingLogin, code: &Secret) -> Result<Session, ClientError> {
        let key = pending.key.to_key()?;
        let holder = pending.holder(&key);
        let tokens = self.exchange(&pending, &holder, code).await?;
        let checked = self.check_subject(&pending, &tokens).await;
        let kept = match checked {
            Ok(pds) => self.keep(&pending, &tokens, pds).await,
            Err(error) => Err(error),
        };
        if kept.is_err() {
            // The tokens are of no use to anybody now.
            let token = ending_token(tokens.refresh_token.as_ref(), &tokens.access_token);
            self.give_up(&holder, token).await;
        }
        kept
    }

    async fn exchange(
        &self,
        pending: &PendingLogin,
        holder: &Holder<'_>,
        code: &Secret,
    ) -> Result<TokenResponse, ClientError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", pending.client_id.as_str()),
            ("redirect_uri", pending.redirect_uri.as_str()),
            ("code", code.expose()),
            ("code_verifier", pending.verifier.expose()),
        ];
        let form = self.token_form(holder, &fields);
        let answer = self.sender().post(&form, holder.key).await?;
        let read = read_answer(Endpoint::Token, StatusCode::OK, &answer.response);
        let checked = read.and_then(|tokens| {
            require_nonce(Endpoint::Token, answer.had_nonce)?;
            check_tokens(&tokens)?;
            check_scope(&tokens, &pending.scope)?;
            Ok(tokens)
        });
        if checked.is_err()
            && let Some(token) = ending_token_in(answer.response.body())
        {
            self.give_up(holder, &token).await;
        }
        checked
    }

    /// A form for the token endpoint of a session's server.
    pub(crate) fn token_form<'a>(
        &'a self,
        holder: &'a Holder<'_>,
        fields: &'a [(&'a str, &'a str)],
    ) -> Form<'a> {
        let url = &holder.server.token_endpoint;
        self.form(holder, Endpoint::Token, url, fields)
    }

    fn form<'a>(
        &'a self,
        holder: &'a Holder<'_>,
        endpoint: Endpoint,
        url: &'a str,
        fields: &'a [(&'a str, &'a str)],
    ) -> Form<'a> {
        let audience = Audience {
            client_id: holder.client_id,
            issuer: &holder.server.issuer,
            key: holder.client_key,
        };
        Form {
            endpoint,
            url,
            fields,
            client: Some((self.authenticator(), audience)),
        }
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
                .verify_subject(&tokens.sub, &pending.server.issuer, Freshness::Recent)
                .await?),
        }
    }

    async fn keep(
        &self,
        pending: &PendingLogin,
        tokens: &TokenResponse,
        pds: Issuer,
    ) -> Result<Session, ClientError> {
        let key = SessionKey::new(random::text::<16>(self.random()));
        let now = self.clock().now();
        let stored = StoredSession {
            did: tokens.sub.clone(),
            pds,
            server: pending.server.clone(),
            client_id: pending.client_id.clone(),
            client_key: pending.client_key.clone(),
            key: pending.key.clone(),
            access_token: tokens.access_token.clone(),
            refreshed_at: now,
            follows_refused: false,
            expires_at: now.plus(lifetime(tokens)),
            refresh_token: tokens.refresh_token.clone(),
            asked: pending.scope.clone(),
            scope: tokens.scope.clone(),
            checked_at: now,
            moved_to: None,
            refreshing: None,
        };
        match self.vault().put(&key, &stored, None).await? {
            PutOutcome::Stored(_) => {}
            PutOutcome::Conflict => {
                let why = "it has a session of a new random name already";
                return Err(StoreFailure(why.into()).into());
            }
        }
        if let Some(replaced) = &pending.replaces {
            self.end_replaced(replaced).await;
        }
        tracing::debug!(did = %stored.did, "a session began");
        Session::new(self.clone(), key, stored)
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

    /// Revokes what mustn't be used, by its [`ending_token`]. Failing to is only worth a log line.
    pub(crate) async fn give_up(&self, holder: &Holder<'_>, token: &Secret) {
        if let Err(error) = self.revoke(holder, token).await {
            tracing::warn!(%error, "tokens that are of no use could not be revoked");
        }
    }

    /// Revokes a token (RFC 7009), where the server has an endpoint for it. Any 2xx will do.
    pub(crate) async fn revoke(
        &self,
        holder: &Holder<'_>,
        token: &Secret,
    ) -> Result<(), ClientError> {
        let Some(url) = &holder.server.revocation_endpoint else {
            return Ok(());
        };
        let fields = [
            ("client_id", holder.client_id.as_str()),
            ("token", token.expose()),
        ];
        let form = self.form(holder, Endpoint::Revocation, url, &fields);
        let answer = self.sender().post(&form, holder.key).await?;
        if answer.response.status().is_success() {
            return Ok(());
        }
        read_answer(Endpoint::Revocation, StatusCode::OK, &answer.response)
    }
}

impl PendingLogin {
    fn holder<'a>(&'a self, key: &'a PrivateKey) -> Holder<'a> {
        Holder {
            server: &self.server,
            client_id: &self.client_id,
            client_key: self.client_key.as_ref(),
            key,
        }
    }
}

impl StoredSession {
    pub(crate) fn holder<'a>(&'a self, key: &'a PrivateKey) -> Holder<'a> {
        Holder {
            server: &self.server,
            client_id: &self.client_id,
            client_key: self.client_key.as_ref(),
            key,
        }
    }
}
