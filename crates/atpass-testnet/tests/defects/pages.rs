//! What is published to everybody, and kept in browsers.

use http::StatusCode;

use crate::common::{Browser, Lab};
use crate::nodes::Nodes;
use crate::verifier;

/// Clause AS-AUTHZ-11: over https, the cookie goes over https only, and no other host can set it.
#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_over_https() {
    let nodes = Nodes::start(1).await;
    let app = nodes.app();
    let browser = Browser::new(&app);
    let request_uri = app.push(&verifier(), &[]).await;
    let page = browser.open(&app, &request_uri).await;
    let signed_in = browser
        .sign_in(&app, &request_uri, "alice.test", "wonderland")
        .await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER);
    for answer in [page, signed_in] {
        let cookie = answer.header("set-cookie");
        let mut parts = cookie.split("; ");
        assert!(parts.next().unwrap().starts_with("__Host-"), "{cookie}");
        let attributes: Vec<_> = parts.collect();
        for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&attribute), "{attribute}: {cookie}");
        }
        assert!(!cookie.to_ascii_lowercase().contains("domain"), "{cookie}");
        assert!(!answer.header("strict-transport-security").is_empty());
    }
}

/// Clause AS-META-12: what is published of a key is what anybody may know.
#[tokio::test(flavor = "multi_thread")]
async fn published_keys_are_public() {
    let lab = Lab::start().await;
    let now = atpass_protocol::time::Clock::now(&lab.clock);
    let next = atpass_provider::keys::new_key(false, now).unwrap();
    let store = lab.network.store();
    atpass_provider::store::Store::add_signing_key(store, &next)
        .await
        .unwrap();
    lab.network.refresh().await.unwrap();
    let answer = Browser::new(&lab.app()).get("/oauth/jwks").await;
    let set = answer.json();
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    for key in keys {
        let members: Vec<_> = key.as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
    assert_eq!(set.as_object().unwrap().len(), 1);
}
