//! Several authorization servers, each believed about its own tokens only: RS-TOK-02, RS-TOK-04,
//! RS-TOK-05.

use std::sync::Arc;

use async_trait::async_trait;
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::{JwkSet, PrivateKey, PublishedKey};
use atpass_protocol::token::{AccessTokenClaims, Audience, SessionId};
use atpass_resource::{IssuerKeys, KeysUnavailable, RevocationList, TrustedIssuer};

use crate::fixture::{Answer, ISSUER, Setup, World};

const OTHER: &str = "https://other.example.com";
const OTHER_AUDIENCE: &str = "did:web:api.example.com";

/// Two issuers whose keys have one name.
struct Two {
    world: World,
    other_key: PrivateKey,
    other_revoked: Arc<RevocationList>,
}

impl Two {
    fn new(revoked: RevocationList) -> Self {
        let other_key = PrivateKey::generate().unwrap();
        let keys = vec![PublishedKey::new("k1", other_key.public().clone())];
        let other_revoked = Arc::new(revoked);
        let other = TrustedIssuer {
            issuer: Issuer::parse(OTHER).unwrap(),
            audience: Did::parse(OTHER_AUDIENCE).unwrap(),
            keys: Arc::new(Arc::new(JwkSet { keys })),
            revoked: other_revoked.clone(),
        };
        let unreachable = TrustedIssuer {
            issuer: Issuer::parse("https://down.example.com").unwrap(),
            keys: Arc::new(Down),
            ..other.clone()
        };
        let world = World::with(Setup {
            others: vec![other, unreachable],
            ..Setup::default()
        });
        Self {
            world,
            other_key,
            other_revoked,
        }
    }

    fn claims(&self, issuer: &str, audience: &str) -> AccessTokenClaims {
        AccessTokenClaims {
            iss: Issuer::parse(issuer).unwrap(),
            aud: Audience(Did::parse(audience).unwrap()),
            ..self.world.claims()
        }
    }

    fn others_token(&self) -> String {
        let claims = self.claims(OTHER, OTHER_AUDIENCE);
        claims.sign("k1", &self.other_key).unwrap()
    }

    async fn send(&self, token: &str) -> Answer {
        self.world.send(&self.world.me(token)).await
    }
}

struct Down;

#[async_trait]
impl IssuerKeys for Down {
    async fn keys(&self) -> Result<Arc<JwkSet>, KeysUnavailable> {
        Err(KeysUnavailable::Failed("no route".into()))
    }
}

#[tokio::test]
async fn rs_tok_04_the_issuer_chooses_key_and_audience() {
    let two = Two::new(RevocationList::default());
    let (own_key, other_key) = (&two.world.issuer_key, &two.other_key);
    let own_audience = two.world.claims().aud.0.to_string();
    let (own, other) = (two.world.token(), two.others_token());
    // Twice, because they are held.
    for _ in 0..2 {
        assert!(two.send(&own).await.is_ok());
        assert!(two.send(&other).await.is_ok());
    }
    let stranger = "https://stranger.example.com";
    for (what, claims, key) in [
        (
            "signed by the other",
            two.claims(ISSUER, &own_audience),
            other_key,
        ),
        (
            "signed by this one, for the other",
            two.claims(OTHER, OTHER_AUDIENCE),
            own_key,
        ),
        (
            "this one's audience, of the other",
            two.claims(OTHER, &own_audience),
            other_key,
        ),
        (
            "the other's audience, of this one",
            two.claims(ISSUER, OTHER_AUDIENCE),
            own_key,
        ),
        (
            "an issuer that nobody trusts",
            two.claims(stranger, &own_audience),
            own_key,
        ),
        (
            "the same, signed by the other",
            two.claims(stranger, OTHER_AUDIENCE),
            other_key,
        ),
    ] {
        let token = claims.sign("k1", key).unwrap();
        for _ in 0..2 {
            let answer = two.send(&token).await;
            assert!(answer.refuses(401, "invalid_token"), "{what}");
        }
    }
    let verified = two.world.me(&other).request();
    let caller = two.world.server.verify_request(&verified).await.unwrap();
    assert_eq!(caller.issuer().as_str(), OTHER);
}

/// Sessions have names of their own at each issuer.
#[tokio::test]
async fn rs_tok_05_each_issuer_ends_its_own_sessions() {
    let two = Two::new(RevocationList::default());
    let (own, other) = (two.world.token(), two.others_token());
    let (now, session) = (two.world.now(), SessionId::from_i64(7));
    two.other_revoked.end_session(session, now.plus(900), now);
    assert!(two.send(&own).await.is_ok());
    assert!(two.send(&other).await.refuses(401, "invalid_token"));
}

/// Trouble with one issuer is none of the others'.
#[tokio::test]
async fn rs_err_02_an_issuer_that_is_down_is_alone_with_it() {
    let two = Two::new(RevocationList::from_elsewhere(60));
    assert_eq!(two.send(&two.others_token()).await.status, 503);
    two.other_revoked.complete(two.world.now());
    assert!(two.send(&two.others_token()).await.is_ok());
    let claims = two.claims("https://down.example.com", OTHER_AUDIENCE);
    let token = claims.sign("k1", &two.other_key).unwrap();
    assert_eq!(two.send(&token).await.status, 503);
    assert!(two.send(&two.world.token()).await.is_ok());
}

/// RFC 9728 section 2.
#[test]
fn the_metadata_names_all_of_them() {
    let two = Two::new(RevocationList::default());
    let metadata = two.world.server.metadata();
    let all = [ISSUER, OTHER, "https://down.example.com"];
    assert_eq!(metadata.authorization_servers, all);
}
