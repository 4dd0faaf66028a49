//! The rule: what a request must bring to be let through.

use std::fmt;
use std::sync::Arc;

use atpass_protocol::dpop::{self, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::metadata::ProtectedResourceMetadata;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::{AccessTokenClaims, AccessTokenError, ExpectedToken, TokenOrigin};
use atpass_replay::{ProofError, Proofs, Replay};
use http::header::{AUTHORIZATION, HeaderMap};

use crate::held::{HeldTokens, TokenHash, VerifiedToken};
use crate::{
    IssuerKeys, ResourceError, RevocationList, SessionState, TrustedIssuer, VerifiedRequest,
};

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

/// Where a resource publishes its metadata (RFC 9728 section 3).
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

/// A resource server. Cheap to clone.
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    config: ResourceConfig,
    parts: ResourceParts,
    proofs: Proofs,
    /// Those besides the one of the configuration.
    others: Vec<TrustedIssuer>,
    held: HeldTokens,
}

impl ResourceServer {
    /// A resource server with these parts, which trusts one authorization server.
    pub fn new(config: ResourceConfig, parts: ResourceParts) -> Self {
        Self::with_issuers(config, parts, Vec::new())
    }

    /// The same, which trusts others as well: a few. The `iss` of a token chooses whose keys,
    /// audience and ended sessions count for it; of two with one URL, the first does.
    pub fn with_issuers(
        config: ResourceConfig,
        parts: ResourceParts,
        others: Vec<TrustedIssuer>,
    ) -> Self {
        Self(Arc::new(Inner {
            config,
            proofs: Proofs::new(parts.nonces.clone(), parts.replay.clone()),
            parts,
            others,
            held: HeldTokens::default(),
        }))
    }

    /// Its configuration.
    pub fn config(&self) -> &ResourceConfig {
        &self.0.config
    }

    /// What it publishes at [`METADATA_PATH`] (RFC 9728).
    pub fn metadata(&self) -> ProtectedResourceMetadata {
        let own = ProtectedResourceMetadata::new(&self.config().origin, &self.config().issuer);
        let others = self.0.others.iter();
        others.fold(own, |document, other| document.and(&other.issuer))
    }

    /// Where that lies.
    pub fn metadata_url(&self) -> String {
        self.config().origin.at(METADATA_PATH)
    }

    /// The nonce for the caller's next proof; `None` while the memory of proofs hasn't been reached yet.
    pub fn next_nonce(&self) -> Option<String> {
        self.0.proofs.next_nonce(self.0.parts.clock.now())
    }

    /// Verifies a request by its method, URL path, query and headers: the rule itself. For whole
    /// requests there is [`Self::verify_request`].
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
        let Inner {
            config,
            parts,
            proofs,
            ..
        } = &*self.0;
        let now = parts.clock.now();
        let token = read_token(headers, query)?;
        // The proof first: a stale nonce, which is common, is found before any signature.
        let url = config.origin.at(path);
        let mut held = None;
        let expected = Expected {
            method: method.as_str(),
            url: &url,
            query: config.query,
            access_token: Some(token),
        };
        let verify = |nonces: &NonceKeeper| {
            let headers = headers.get_all("dpop").iter();
            let headers = headers.map(|value| value.to_str().ok());
            dpop::verify_with(headers, &expected, nonces, now, |hash| {
                held = self.0.held.get(hash, now);
                held.as_ref().and_then(|token| token.key())
            })
        };
        let checked = proofs.check(verify).await.map_err(refused)?;
        let proof = &checked.proof;
        let hash = proof.token_hash;
        let hash = hash.unwrap_or_else(|| Secret::new(token).sha256());
        let (verified, revoked) = self.verify_token(token, held, hash, now).await?;
        let claims = &verified.claims;
        if claims.cnf.jkt != proof.jkt {
            return Err(ResourceError::Binding);
        }
        verified.remember(&proof.key);
        match revoked.state(claims.sid, now) {
            SessionState::Live => {}
            SessionState::Ended => return Err(ResourceError::Revoked),
            SessionState::Unknown => {
                return Err(unavailable("no news of ended sessions for too long"));
            }
        }
        let proof = proofs.record(checked, now).await.map_err(refused)?;
        if proof.had_query {
            tracing::debug!(client_id = %claims.client_id, "the htu of a proof has a query");
        }
        Ok(VerifiedRequest(verified))
    }

    /// The token, verified now or for a request before, and the ended sessions of its issuer. The
    /// issuer may have given its key up since.
    async fn verify_token(
        &self,
        token: &str,
        known: Option<Arc<VerifiedToken>>,
        hash: TokenHash,
        now: UnixTime,
    ) -> Result<(Arc<VerifiedToken>, &RevocationList), ResourceError> {
        let origin = match &known {
            Some(token) => token.origin(),
            None => TokenOrigin::read(token)?,
        };
        let issuer = self
            .trusted(&origin.iss)
            .ok_or(ResourceError::Token(AccessTokenError::Issuer))?;
        let mut keys = issuer.keys.keys().await?;
        if keys.find(&origin.kid).is_none() {
            keys = issuer.keys.keys_for(&origin).await?;
        } else if let Some(token) = known {
            return Ok((token, issuer.revoked));
        }
        let expected = ExpectedToken {
            issuer: issuer.issuer,
            audience: issuer.audience,
        };
        let claims = AccessTokenClaims::verify(token, |kid| keys.find(kid), &expected, now)?;
        let verified = Arc::new(VerifiedToken::new(claims, origin.kid));
        self.0.held.hold(hash, verified.clone(), now);
        Ok((verified, issuer.revoked))
    }

    /// What is known of the issuer with this URL, if it is trusted.
    fn trusted(&self, issuer: &Issuer) -> Option<Trusted<'_>> {
        let Inner {
            config,
            parts,
            others,
            ..
        } = &*self.0;
        if config.issuer == *issuer {
            return Some(Trusted {
                issuer: &config.issuer,
                audience: &config.audience,
                keys: &*parts.keys,
                revoked: &parts.revoked,
            });
        }
        let other = others.iter().find(|other| other.issuer == *issuer)?;
        Some(Trusted {
            issuer: &other.issuer,
            audience: &other.audience,
            keys: &*other.keys,
            revoked: &other.revoked,
        })
    }
}

/// One of the trusted issuers.
struct Trusted<'a> {
    issuer: &'a Issuer,
    audience: &'a Did,
    keys: &'a dyn IssuerKeys,
    revoked: &'a RevocationList,
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResourceServer")
            .field(self.config())
            .finish()
    }
}

fn refused(error: ProofError) -> ResourceError {
    match error {
        ProofError::Refused(error) => error.into(),
        ProofError::Unavailable(error) => unavailable(error),
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
