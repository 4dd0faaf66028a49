//! Passwords for old apps.

use atpass_protocol::jose::CompactJws;
use serde_json::{Value, json};

use crate::support::{World, bob};

const CREATE: &str = "com.atproto.server.createAppPassword";
const LIST: &str = "com.atproto.server.listAppPasswords";
const REVOKE: &str = "com.atproto.server.revokeAppPassword";

#[tokio::test]
async fn made_listed_used_and_taken_away() {
    let world = World::open().await;
    let create = async |input: Value| world.forwarded(CREATE, Some(input)).await;
    let old = create(json!({ "name": "old app" })).await.good();
    let new = create(json!({ "name": "new app", "privileged": true }))
        .await
        .good();
    assert_eq!(old["createdAt"], "2027-01-15T08:00:00.000Z");
    for name in ["old app", "", " ", &"x".repeat(101)] {
        let answer = create(json!({ "name": name })).await;
        assert_eq!(answer.error(), (400, "InvalidRequest"), "{name}");
    }
    let listed = world.query(LIST).await.good();
    let expected = [("old app", false), ("new app", true)].map(|(name, privileged)| {
        json!({
            "name": name,
            "privileged": privileged,
            "createdAt": "2027-01-15T08:00:00.000Z",
        })
    });
    assert_eq!(listed, json!({ "passwords": expected }));

    let mut tokens = Vec::new();
    for (made, scope) in [
        (&old, "com.atproto.appPass"),
        (&new, "com.atproto.appPassPrivileged"),
    ] {
        let password = made["password"].as_str().unwrap();
        let answer = world.sign_in("alice@example.com", password).await;
        let (access, refresh) = (answer.text("accessJwt"), answer.text("refreshJwt"));
        let next = world.refresh(&refresh).await;
        for token in [access, next.text("accessJwt")] {
            let claims: Value = CompactJws::parse(&token).unwrap().claims().unwrap();
            assert_eq!(claims["scope"], scope);
        }
        tokens.push(next.text("refreshJwt"));
        // It is nobody else's.
        let other = world.sign_in(bob().as_str(), password).await;
        assert_eq!(other.status, 401);
    }
    let name = json!({ "name": "old app" });
    world.forwarded(REVOKE, Some(name)).await.good();
    let over = world.refresh(&tokens[0]).await;
    assert_eq!(over.error(), (400, "ExpiredToken"));
    assert_eq!(world.refresh(&tokens[1]).await.status, 200);
    let password = old["password"].as_str().unwrap();
    let refused = world.sign_in("alice.garden.net", password).await;
    assert_eq!(refused.error(), (401, "AuthenticationRequired"));
}
