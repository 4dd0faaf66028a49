//! Refresh tokens: what they are, and the rule that decides what happens to one.
//!
//! A token is a keyed function of its session and its generation. Garbage is refused before the
//! store is asked, the store holds nothing that could be used, and the answer to a refresh whose
//! first answer was lost can be made again.

use atpass_protocol::secret::{HmacKey, Secret};
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use data_encoding::BASE64URL_NOPAD;

use crate::store::SessionRecord;

/// Makes and reads refresh tokens.
#[derive(Clone, Debug)]
pub struct RefreshTokens {
    key: HmacKey,
}

/// Bytes of a token: 8 of the session, 4 of the generation, 20 of the tag.
const LENGTH: usize = 32;
const TAG: usize = 20;

impl RefreshTokens {
    /// With a key that all nodes share.
    pub fn new(master: &HmacKey) -> Self {
        Self {
            key: master.derive("refresh-token"),
        }
    }

    /// The refresh token of this session and generation: 43 characters.
    pub fn token(&self, session: SessionId, generation: u32) -> Secret {
        let (id, number) = (session.as_i64().to_be_bytes(), generation.to_be_bytes());
        let tag = self.key.sign(&[&id, &number]);
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&id);
        bytes[8..12].copy_from_slice(&number);
        bytes[12..].copy_from_slice(&tag[..TAG]);
        Secret::new(BASE64URL_NOPAD.encode(&bytes))
    }

    /// The session and generation of a token that this server made; `None` for all else.
    pub fn read(&self, token: &Secret) -> Option<(SessionId, u32)> {
        let bytes = BASE64URL_NOPAD.decode(token.expose().as_bytes()).ok()?;
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        let (id, rest) = bytes.split_first_chunk::<8>()?;
        let (number, tag) = rest.split_first_chunk::<4>()?;
        if !self.key.verify(&[id, number], tag) {
            return None;
        }
        let session = SessionId::from_i64(i64::from_be_bytes(*id));
        Some((session, u32::from_be_bytes(*number)))
    }
}

/// What happens to a presented refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// It was the current one: this generation takes its place.
    Rotated {
        /// The new current generation.
        generation: u32,
    },
    /// Its answer was lost: the successor, not used yet, is handed out again.
    Repeated {
        /// The current generation, as it was.
        generation: u32,
    },
    /// It is older than that: somebody has a copy. The session ends.
    Replayed,
    /// The session has ended already.
    Ended,
    /// The session, or this refresh token, is past its time.
    Expired,
    /// There is no such session.
    Unknown,
    /// The client assertion that came along was used before: this is a copy of another request.
    AssertionUsed,
}

/// Decides on a refresh token of generation `presented`, by what the store knows.
///
/// `recovery` is for how many seconds after a rotation the predecessor is taken for a lost
/// answer. The caller has proved that the presenter is the client of the session and holds its
/// key; nobody else gets this far.
pub fn decide(
    row: Option<&SessionRecord>,
    presented: u32,
    now: UnixTime,
    recovery: i64,
) -> RefreshDecision {
    let Some(row) = row else {
        return RefreshDecision::Unknown;
    };
    if row.ended.is_some() {
        return RefreshDecision::Ended;
    }
    if now >= row.expires_at || now >= row.refresh_expires_at {
        return RefreshDecision::Expired;
    }
    if presented == row.generation {
        return row
            .generation
            .checked_add(1)
            .map_or(RefreshDecision::Expired, |generation| {
                RefreshDecision::Rotated { generation }
            });
    }
    // The successor of `presented` is unused exactly while it is still the current one.
    let is_predecessor = presented.checked_add(1) == Some(row.generation);
    if is_predecessor && now.since(row.rotated_at) <= recovery {
        return RefreshDecision::Repeated {
            generation: row.generation,
        };
    }
    RefreshDecision::Replayed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::EndReason;
    use atpass_protocol::id::{ClientId, Did};
    use atpass_protocol::jose::Jkt;
    use atpass_protocol::random::SystemRandom;
    use atpass_protocol::scope::ScopeSet;

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    fn row(generation: u32, rotated_at: UnixTime) -> SessionRecord {
        SessionRecord {
            id: SessionId::from_i64(1),
            did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
            client_id: ClientId::parse("http://localhost").unwrap(),
            jkt: Jkt::from_bytes([0; 32]),
            client_key: None,
            scope: ScopeSet::parse("atproto").unwrap(),
            generation,
            rotated_at,
            created_at: NOW.plus(-1000),
            expires_at: NOW.plus(1000),
            refresh_expires_at: NOW.plus(1000),
            ended: None,
        }
    }

    /// Clauses AS-REF-01, AS-REF-05, AS-REF-06, AS-REF-11.
    #[test]
    fn the_rule() {
        use RefreshDecision as D;
        let at = |row: &SessionRecord, presented| decide(Some(row), presented, NOW, 60);
        assert_eq!(at(&row(5, NOW), 5), D::Rotated { generation: 6 });
        assert_eq!(at(&row(5, NOW), 4), D::Repeated { generation: 5 });
        assert_eq!(at(&row(5, NOW.plus(-60)), 4), D::Repeated { generation: 5 });
        assert_eq!(at(&row(5, NOW.plus(-61)), 4), D::Replayed);
        assert_eq!(at(&row(5, NOW), 3), D::Replayed);
        assert_eq!(at(&row(5, NOW), 6), D::Replayed);
        assert_eq!(at(&row(u32::MAX, NOW), u32::MAX), D::Expired);
        assert_eq!(decide(None, 0, NOW, 60), D::Unknown);
        let mut ended = row(5, NOW);
        ended.ended = Some((NOW, EndReason::Revoked));
        assert_eq!(at(&ended, 5), D::Ended);
        let mut expired = row(5, NOW);
        expired.refresh_expires_at = NOW;
        assert_eq!(at(&expired, 5), D::Expired);
    }

    #[test]
    fn only_our_own_tokens_are_read() {
        let tokens = RefreshTokens::new(&HmacKey::new(&[1; 32]));
        let session = SessionId::generate(&SystemRandom);
        let token = tokens.token(session, 7);
        assert_eq!(token.expose().len(), 43);
        assert_eq!(tokens.read(&token), Some((session, 7)));
        assert_eq!(
            RefreshTokens::new(&HmacKey::new(&[2; 32])).read(&token),
            None
        );
        for bad in ["", "x", &"A".repeat(43), &format!("{}A", token.expose())] {
            assert_eq!(tokens.read(&Secret::new(bad)), None);
        }
    }
}
