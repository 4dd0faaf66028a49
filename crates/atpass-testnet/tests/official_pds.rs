//! Access tokens for unmodified official PDSes, by what such a PDS takes and refuses.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Lab, Tokens};
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use serde_json::Value;

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

/// Clauses AS-TOK-04, AS-TOK-05: ES256K, no `kid`, `aud` the PDS, `jti` of its form, 900 seconds at most.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_as_such_a_pds_takes_them() {
    let lab = Lab::configured(|config| config.official_pds = true).await;
    let app = lab.app();
    let tokens = app.login().await;
    let refreshed = Tokens::of(&app.refresh(&tokens.refresh).await);
    for token in [&tokens.access, &refreshed.access] {
        let header = part(token, 0);
        assert_eq!(
            header,
            serde_json::json!({ "typ": "at+jwt", "alg": "ES256K" })
        );
        let claims = part(token, 1);
        assert_eq!(claims["iss"], lab.network.issuer.as_str());
        assert_eq!(claims["sub"], lab.network.accounts[0].did.as_str());
        assert!(claims["aud"].as_str().unwrap().starts_with("did:web:"));
        let id = claims["jti"].as_str().unwrap();
        let digits = id.strip_prefix("tok-").unwrap();
        assert!(digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!(life <= 900, "{life}");
        assert!(claims["cnf"]["jkt"].is_string());
        assert_eq!(claims["scope"], "atproto transition:generic");
    }
}

/// Clause AS-REV-01: such an access token ends its session as well.
#[tokio::test(flavor = "multi_thread")]
async fn revoked_by_their_access_token() {
    let lab = Lab::configured(|config| config.official_pds = true).await;
    let app = lab.app();
    let tokens = app.login().await;
    let answer = app
        .post(
            "/oauth/revoke",
            &[("client_id", &app.client_id), ("token", &tokens.access)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let after = app.refresh(&tokens.refresh).await;
    assert_eq!(after.error(), "invalid_grant");
}

/// Nothing can be revoked at such a PDS, so that tokens must be short-lived.
#[tokio::test(flavor = "multi_thread")]
async fn longer_lives_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = atpass_testnet::NetworkConfig::new(folder.path());
    config.official_pds = true;
    config.lifetimes.access_token = 901;
    let Err(error) = atpass_testnet::Network::start(config).await else {
        panic!("it started");
    };
    let error = format!("{error:#}");
    assert!(error.contains("lifetime access_token is 901 s"), "{error}");
}
