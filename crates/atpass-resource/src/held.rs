//! Tokens that were verified, by their hash, until they expire: the next request with the same one
//! needs neither its signature nor its scope read again. Whom it is bound to, whether its session
//! ended and whether its key is still the issuer's is asked each time. Which issuer that is stands in
//! the token, whose every byte is in the hash: no token is ever taken for another issuer's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use atpass_protocol::jose::BoundKey;
use atpass_protocol::scope::Grants;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, TokenOrigin};

/// The most tokens that are held. A few kilobytes each at most, and mostly less than one.
const MOST: usize = 4096;

/// A token that was verified, and what it allows in the form that is asked: made when it is first
/// asked.
#[derive(Debug)]
pub(crate) struct VerifiedToken {
    pub(crate) claims: AccessTokenClaims,
    /// The key that signed it.
    pub(crate) kid: String,
    grants: OnceLock<Grants>,
    /// The key that it is bound to, prepared: known as of the first proof.
    key: OnceLock<Arc<BoundKey>>,
}

impl VerifiedToken {
    pub(crate) const fn new(claims: AccessTokenClaims, kid: String) -> Self {
        Self {
            claims,
            kid,
            grants: OnceLock::new(),
            key: OnceLock::new(),
        }
    }

    /// What it said of itself before it was verified.
    pub(crate) fn origin(&self) -> TokenOrigin {
        TokenOrigin {
            iss: self.claims.iss.clone(),
            kid: self.kid.clone(),
            iat: self.claims.iat,
        }
    }

    pub(crate) fn key(&self) -> Option<Arc<BoundKey>> {
        self.key.get().cloned()
    }

    /// Keeps the key that it was seen to be bound to.
    pub(crate) fn remember(&self, key: &Arc<BoundKey>) {
        self.key.get_or_init(|| key.clone());
    }

    pub(crate) fn grants(&self) -> &Grants {
        self.grants.get_or_init(|| self.claims.scope.grants())
    }
}

/// SHA-256 of a token.
pub(crate) type TokenHash = [u8; 32];

/// The tokens that are held.
#[derive(Debug, Default)]
pub(crate) struct HeldTokens(Mutex<HashMap<TokenHash, Arc<VerifiedToken>>>);

impl HeldTokens {
    /// A token that hasn't expired.
    pub(crate) fn get(&self, hash: &TokenHash, now: UnixTime) -> Option<Arc<VerifiedToken>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(hash)
            .filter(|token| now < token.claims.exp)
            .cloned()
    }

    /// Holds a token. Where there is no room, those go that have expired; where none has, half of
    /// them, whichever.
    pub(crate) fn hold(&self, hash: TokenHash, token: Arc<VerifiedToken>, now: UnixTime) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST {
            held.retain(|_, token| now < token.claims.exp);
        }
        if held.len() >= MOST {
            let mut keep = false;
            held.retain(|_, _| {
                keep = !keep;
                keep
            });
        }
        held.insert(hash, token);
    }
}

#[cfg(test)]
mod tests {
    use atpass_protocol::id::{ClientId, Did, Issuer};
    use atpass_protocol::jose::Jkt;
    use atpass_protocol::scope::ScopeSet;
    use atpass_protocol::token::{Audience, Confirmation, SessionId};

    use super::*;

    fn token(exp: i64) -> Arc<VerifiedToken> {
        let did = Did::parse("did:web:example.com").unwrap();
        let claims = AccessTokenClaims {
            iss: Issuer::parse("https://auth.example.com").unwrap(),
            aud: Audience(did.clone()),
            sub: did,
            client_id: ClientId::parse("http://localhost").unwrap(),
            scope: ScopeSet::parse("atproto").unwrap(),
            cnf: Confirmation {
                jkt: Jkt::from_bytes([0; 32]),
            },
            jti: "tok-0".into(),
            sid: SessionId::from_i64(0),
            iat: UnixTime::from_secs(0),
            exp: UnixTime::from_secs(exp),
        };
        Arc::new(VerifiedToken::new(claims, "k1".into()))
    }

    #[test]
    fn the_memory_is_bounded_and_ends_with_the_tokens() {
        let held = HeldTokens::default();
        let at = UnixTime::from_secs;
        let hash = |n: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_be_bytes());
            hash
        };
        held.hold(hash(0), token(100), at(0));
        assert!(held.get(&hash(0), at(99)).is_some() && held.get(&hash(0), at(100)).is_none());
        for n in 1..3 * MOST {
            held.hold(hash(n), token(1000), at(0));
            assert!(held.0.lock().unwrap().len() <= MOST);
        }
        let last = hash(3 * MOST - 1);
        assert!(held.get(&last, at(0)).is_some());
        held.hold(hash(0), token(3000), at(2000));
        assert!(held.get(&last, at(2000)).is_none());
    }
}
