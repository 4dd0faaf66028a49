//! A resource server elsewhere, which hears of ended sessions from the feed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use atpass_fetch::{FetchConfig, Fetcher};
use atpass_protocol::dpop::{NonceKeeper, QueryPolicy, access_token_hash};
use atpass_protocol::id::{Did, Issuer};
use atpass_protocol::jose::JwkSet;
use atpass_protocol::revocation::{EndedCursor, EndedSessions};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::{Clock, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::store::{EndReason, Store};
use atpass_replay::MemoryReplay;
use atpass_resource::{
    ResourceConfig, ResourceError, ResourceParts, ResourceServer, RevocationFeed, RevocationList,
};
use atpass_testnet::ManualClock;
use common::{App, Browser, Lab};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

const FEED: &str = "/oauth/ended-sessions";
const TOLERANCE: i64 = 60;

/// A resource server that knows the authorization server by its URL only.
struct Elsewhere {
    server: ResourceServer,
    feed: RevocationFeed,
    clock: ManualClock,
}

impl Elsewhere {
    async fn start(lab: &Lab) -> Self {
        let issuer = &lab.network.issuer;
        let fetcher = Fetcher::new(FetchConfig::development()).unwrap();
        let jwks = Url::parse(&issuer.at("/oauth/jwks")).unwrap();
        let keys: JwkSet = fetcher.get_json(&jwks).await.unwrap();
        let list = Arc::new(RevocationList::from_elsewhere(TOLERANCE));
        let feed = RevocationFeed::new(fetcher, issuer, list.clone());
        let config = ResourceConfig {
            origin: Issuer::parse("https://api.example.com").unwrap(),
            audience: Did::parse("did:web:localhost").unwrap(),
            issuer: issuer.clone(),
            query: QueryPolicy::Ignore,
        };
        let parts = ResourceParts {
            keys: Arc::new(Arc::new(keys)),
            nonces: NonceKeeper::new(&HmacKey::new(&[1; 32])),
            replay: Arc::new(MemoryReplay::default()),
            revoked: list,
            clock: Arc::new(lab.clock.clone()),
        };
        Self {
            server: ResourceServer::new(config, parts),
            feed,
            clock: lab.clock.clone(),
        }
    }

    async fn poll(&self) -> bool {
        self.feed.poll(&self.clock).await.is_ok()
    }

    async fn call(&self, app: &App, token: &str) -> Result<(), ResourceError> {
        let claims = serde_json::json!({
            "jti": atpass_protocol::token::new_token_id(&atpass_protocol::random::SystemRandom),
            "htm": "GET", "htu": "https://api.example.com/x", "iat": self.clock.now(),
            "nonce": self.server.next_nonce(), "ath": access_token_hash(token),
        });
        let header =
            serde_json::json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": app.key.public() });
        let proof = app.key.sign_compact(&header, &claims).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("DPoP {token}").parse().unwrap());
        headers.insert("dpop", proof.parse().unwrap());
        let verified = self.server.verify(&Method::GET, "/x", None, &headers).await;
        verified.map(drop)
    }
}

/// Clauses AS-REV-04, RS-TOK-05, RS-ERR-02: a revoked session is refused as soon as the feed was
/// read, and where it can't be read, nothing passes for longer than the stated time.
#[tokio::test(flavor = "multi_thread")]
async fn revocation_reaches_another_process() {
    let lab = Lab::start().await;
    let elsewhere = Elsewhere::start(&lab).await;
    let (app, other) = (lab.app(), lab.app());
    let (mine, others) = (app.login().await, other.login().await);
    let unavailable = |answer| matches!(answer, Err(ResourceError::Unavailable(_)));
    assert!(
        unavailable(elsewhere.call(&app, &mine.access).await),
        "it doesn't know yet"
    );
    assert!(elsewhere.poll().await);
    assert_eq!(elsewhere.call(&app, &mine.access).await, Ok(()));

    let pairs = [
        ("client_id", app.client_id.as_str()),
        ("token", &mine.refresh),
    ];
    assert_eq!(
        app.post("/oauth/revoke", &pairs).await.status,
        StatusCode::OK
    );
    assert_eq!(
        elsewhere.call(&app, &mine.access).await,
        Ok(()),
        "not heard yet"
    );
    assert!(elsewhere.poll().await);
    let refused = elsewhere.call(&app, &mine.access).await;
    assert_eq!(refused, Err(ResourceError::Revoked));
    assert_eq!(elsewhere.call(&other, &others.access).await, Ok(()));

    lab.clock.advance(TOLERANCE);
    assert_eq!(elsewhere.call(&other, &others.access).await, Ok(()));
    lab.clock.advance(1);
    assert!(unavailable(elsewhere.call(&other, &others.access).await));
    let refused = elsewhere.call(&app, &mine.access).await;
    assert_eq!(
        refused,
        Err(ResourceError::Revoked),
        "what it knows it knows"
    );
    assert!(elsewhere.poll().await);
    assert_eq!(elsewhere.call(&other, &others.access).await, Ok(()));

    // The authorization server is gone: the list grows old, and says so.
    lab.network.stop().await;
    assert!(!elsewhere.poll().await);
    assert_eq!(elsewhere.call(&other, &others.access).await, Ok(()));
    elsewhere.clock.advance(TOLERANCE + 1);
    assert!(unavailable(elsewhere.call(&other, &others.access).await));
}

/// The answers themselves: in order, in pages, and only as far back as tokens live.
#[tokio::test(flavor = "multi_thread")]
async fn the_feed_has_an_end() {
    let lab = Lab::start().await;
    let store = lab.network.store();
    let did = lab.network.accounts.first().unwrap().did.clone();
    let app = lab.app();
    app.login().await;
    let now = lab.clock.now();
    let template = store.sessions_of(&did, now).await.unwrap().remove(0);
    let path = lab.folder.path().join("atpass.sqlite");
    let database = rusqlite::Connection::open(path).unwrap();
    let sql = "WITH RECURSIVE numbers (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < 9001)
        INSERT INTO sessions (id, did, client_id, jkt, scope, generation, rotated_at, created_at, expires_at, refresh_expires_at, ended_at, end_reason)
        SELECT value, s.did, s.client_id, s.jkt, s.scope, 0, s.rotated_at, s.created_at, s.expires_at, s.refresh_expires_at, ?, 'revoked'
        FROM sessions s, numbers WHERE s.id = ?";
    let ended_at = now.plus(-100).as_secs();
    let many = database.execute(sql, (ended_at, template.id.as_i64()));
    assert_eq!(many.unwrap(), 9001);
    let browser = Browser::new(&app);
    let read = async |query: &str| -> EndedSessions {
        let answer = browser.get(&format!("{FEED}{query}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.body.len() < 512 * 1024);
        serde_json::from_slice(&answer.body).unwrap()
    };
    let after = |cursor: EndedCursor| format!("?after={}", String::from(cursor));
    let (mut found, mut page) = (0, read("").await);
    let mut pages = 1;
    loop {
        found += page.ended.len();
        let until = UnixTime::from_secs(ended_at + 900);
        assert!(page.ended.iter().all(|session| session.until == until));
        if !page.more {
            break;
        }
        page = read(&after(page.next)).await;
        pages += 1;
    }
    assert_eq!((found, pages), (9001, 3));
    assert_eq!(page.next, EndedCursor::before(now.plus(-30)));

    // An end that is stamped a moment before it is seen.
    store
        .end_session(template.id, EndReason::Operator, now.plus(-20))
        .await
        .unwrap();
    assert_eq!(read(&after(page.next)).await.ended.len(), 1);
    let long_ago = EndedCursor {
        at: UnixTime::from_secs(0),
        session: SessionId::from_i64(0),
    };
    lab.clock.advance(801);
    assert_eq!(
        read(&after(long_ago)).await.ended.len(),
        1,
        "the tokens of the others have expired"
    );
    for odd in [
        "?after=1",
        "?after=x.0000000000000000",
        "?after=1.1&after=2.2",
    ] {
        let answer = browser.get(&format!("{FEED}{odd}")).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request"),
            "{odd}"
        );
    }
}
