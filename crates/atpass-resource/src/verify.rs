//! The rule: what a request must bring to be let through.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::dpop::{self, DpopError, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::id::{ClientId, Did, Issuer};
use atpass_protocol::jose::{Jkt, JwkSet};
use atpass_protocol::metadata::ProtectedResourceMetadata;
use atpass_protocol::scope::{Grants, Needed, ScopeSet};
use atpass_protocol::secret::Secret;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::{AccessTokenClaims, ExpectedToken, SessionId};
use atpass_replay::{Fresh, Namespace, Replay};
use http::header::{AUTHORIZATION, HeaderMap};

use crate::held::{HeldTokens, VerifiedToken};
use crate::{ResourceError, RevocationList, SessionState};

/// What a resource server is configured with.
#[derive(Clone, Debug)]
pub struct ResourceConfig {
    /// Its own public origin. Never derived from a request.
    pub origin: Issuer,
    /// Its own DID: the `aud` of its tokens.
    pub audience: Did,
    /// The authorization server whose tokens it takes.
    pub issuer: Issuer,
    /// Whether a query in the `htu` of a proof is forgiven.
    pub query: QueryPolicy,
}

/// The parts that a resource server works with.
pub struct ResourceParts {
    /// The issuer's keys.
    pub keys: Arc<dyn IssuerKeys>,
    /// DPoP nonces; shared with an authorization server at the same origin.
    pub nonces: NonceKeeper,
    /// Which proofs were seen.
    pub replay: Arc<dyn Replay>,
    /// Which sessions are over.
    pub revoked: Arc<RevocationList>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Where the issuer's public keys come from.
#[async_trait]
pub trait IssuerKeys: Send + Sync + 'static {
    /// The keys as they are now.
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable>;
}

/// The issuer's keys can't be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are unavailable: {0}")]
pub struct KeysUnavailable(pub String);

/// Keys of an authorization server in the same process.
#[async_trait]
impl IssuerKeys for Arc<JwkSet> {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Ok(self.clone())
    }
}

/// Where a resource publishes its metadata (RFC 9728 section 3).
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// A resource server. Cheap to clone.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    config: ResourceConfig,
    parts: ResourceParts,
    held: HeldTokens,
}

impl ResourceServer {
    /// A resource server with these parts.
    pub fn new(config: ResourceConfig, parts: ResourceParts) -> Self {
        Self(Arc::new(Inner {
            config,
            parts,
            held: HeldTokens::default(),
        }))
    }

    /// Its configuration.
    pub fn config(&self) -> &ResourceConfig {
        &self.0.config
    }

    /// What it publishes at [`METADATA_PATH`] (RFC 9728).
    pub fn metadata(&self) -> ProtectedResourceMetadata {
        ProtectedResourceMetadata::new(&self.config().origin, &self.config().issuer)
    }

    /// Where that lies.
    pub fn metadata_url(&self) -> String {
        self.config().origin.at(METADATA_PATH)
    }

    /// The nonce for the caller's next proof.
    pub fn next_nonce(&self) -> String {
        self.0.parts.nonces.issue(self.0.parts.clock.now())
    }

    /// Verifies a request by its method, URL path, query and headers.
    ///
    /// Everything is verified first (RFC 9068 section 4, RFC 9449 section 7.1); only a proof that
    /// holds is then recorded as seen.
    pub async fn verify(
        &self,
        method: &http::Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<VerifiedRequest, ResourceError> {
        let Inner { config, parts, .. } = &*self.0;
        let now = parts.clock.now();
        let token = read_token(headers, query)?;
        // The proof first: a stale nonce, which is common, is found before any signature.
        let url = config.origin.at(path);
        let proof = dpop::verify(
            headers
                .get_all("dpop")
                .iter()
                .map(|value| value.to_str().ok()),
            &Expected {
                method: method.as_str(),
                url: &url,
                query: config.query,
                access_token: Some(token),
            },
            &parts.nonces,
            now,
        )?;
        let keys = parts.keys.keys().await.map_err(unavailable)?;
        let verified = self.verify_token(token, &keys, now)?;
        let claims = &verified.claims;
        if claims.cnf.jkt != proof.jkt {
            return Err(ResourceError::Binding);
        }
        match parts.revoked.state(claims.sid, now) {
            SessionState::Live => {}
            SessionState::Ended => return Err(ResourceError::Revoked),
            SessionState::Unknown => {
                return Err(unavailable("no news of ended sessions for too long"));
            }
        }
        let fresh = parts
            .replay
            .accept_once(Namespace::Dpop, &proof.replay_key, proof.replay_until, now)
            .await
            .map_err(unavailable)?;
        if fresh == Fresh::Seen {
            return Err(DpopError::Replayed.into());
        }
        if proof.had_query {
            tracing::debug!(client_id = %claims.client_id, "the htu of a proof has a query");
        }
        Ok(VerifiedRequest(verified))
    }

    /// The token, verified now or for a request before. The issuer may have given its key up since.
    fn verify_token(
        &self,
        token: &str,
        keys: &JwkSet,
        now: UnixTime,
    ) -> Result<Arc<VerifiedToken>, ResourceError> {
        let Inner { config, held, .. } = &*self.0;
        let hash = Secret::new(token).sha256();
        if let Some(token) = held.get(&hash, now)
            && keys.find(&token.kid).is_some()
        {
            return Ok(token);
        }
        let expected = ExpectedToken {
            issuer: &config.issuer,
            audience: &config.audience,
        };
        let mut signer = String::new();
        let find = |kid: &str| {
            kid.clone_into(&mut signer);
            keys.find(kid)
        };
        let claims = AccessTokenClaims::verify(token, find, &expected, now)?;
        let verified = Arc::new(VerifiedToken::new(claims, signer));
        held.hold(hash, verified.clone(), now);
        Ok(verified)
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResourceServer")
            .field(self.config())
            .finish()
    }
}

fn unavailable(error: impl fmt::Display) -> ResourceError {
    ResourceError::Unavailable(error.to_string())
}

/// Finds the one token of a request (RFC 6750 section 2, RFC 9449 section 7.1).
fn read_token<'a>(headers: &'a HeaderMap, query: Option<&str>) -> Result<&'a str, ResourceError> {
    let mut parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    if parameters.any(|(name, _)| name == "access_token") {
        return Err(ResourceError::Malformed(
            "a token in the URL ends up in logs; send it in the Authorization header",
        ));
    }
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(ResourceError::NoCredentials),
        (Some(value), None) => value,
        (Some(_), Some(_)) => {
            return Err(ResourceError::Malformed(
                "send exactly one Authorization header",
            ));
        }
    };
    let value = value
        .to_str()
        .map_err(|_| ResourceError::Malformed("the Authorization header is not text"))?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("Bearer") {
        return Err(ResourceError::Scheme);
    }
    // RFC 6750 section 3.1: another scheme is as good as no credentials.
    if !scheme.eq_ignore_ascii_case("DPoP") {
        return Err(ResourceError::NoCredentials);
    }
    match token.trim() {
        "" => Err(ResourceError::Malformed(
            "the Authorization header has no token",
        )),
        token => Ok(token),
    }
}

/// A request that was let through: who calls, by which app, and what they may do.
#[derive(Clone, Debug)]
pub struct VerifiedRequest(Arc<VerifiedToken>);

impl VerifiedRequest {
    /// The account.
    pub fn did(&self) -> &Did {
        &self.claims().sub
    }

    /// The app.
    pub fn client_id(&self) -> &ClientId {
        &self.claims().client_id
    }

    /// What was granted.
    pub fn scope(&self) -> &ScopeSet {
        &self.claims().scope
    }

    /// Thumbprint of the session's key.
    pub fn jkt(&self) -> Jkt {
        self.claims().cnf.jkt
    }

    /// The session that the token belongs to.
    pub fn session(&self) -> SessionId {
        self.claims().sid
    }

    /// All that the token says.
    pub fn claims(&self) -> &AccessTokenClaims {
        &self.0.claims
    }

    /// When the access token ends.
    pub fn expires_at(&self) -> UnixTime {
        self.claims().exp
    }

    /// What the token allows.
    pub fn grants(&self) -> &Grants {
        self.0.grants()
    }

    /// Whether the token allows this, or else the answer that says what is missing: the smallest
    /// scope, with status 403; 400 for names that can't be the object of a permission.
    ///
    /// ```
    /// # use atpass_protocol::scope::{Permission, Repo};
    /// # fn check(caller: atpass_resource::VerifiedRequest) -> Result<(), atpass_resource::ResourceError> {
    /// caller.require(Repo::create("app.example.post"))?;
    /// caller.require(Permission::ACCOUNT_EMAIL)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn require(&self, needed: impl Into<Needed>) -> Result<(), ResourceError> {
        let permission = needed.into().map_err(ResourceError::Name)?;
        if self.grants().allows(&permission) {
            Ok(())
        } else {
            Err(ResourceError::Scope(permission))
        }
    }
}
