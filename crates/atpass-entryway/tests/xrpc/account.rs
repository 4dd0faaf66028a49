//! Accounts put to rest, woken up, deleted.

use atpass_protocol::time::Clock;
use atpass_protocol::token::SessionId;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, World, alice};

const ACTIVATE: &str = "com.atproto.server.activateAccount";
const DEACTIVATE: &str = "com.atproto.server.deactivateAccount";
const REQUEST_DELETE: &str = "com.atproto.server.requestAccountDelete";
const DELETE: &str = "com.atproto.server.deleteAccount";

fn status(applied: bool) -> (String, Value) {
    let body = json!({
        "subject": { "$type": "com.atproto.admin.defs#repoRef", "did": alice() },
        "deactivated": { "applied": applied },
    });
    ("com.atproto.admin.updateSubjectStatus".into(), body)
}

#[tokio::test]
async fn to_rest_and_awake() {
    let world = World::open().await;
    let session = world.sign_in("alice.garden.net", PASSWORD).await;
    let bearer = format!("Bearer {}", session.text("accessJwt"));
    let rest = async || {
        let input = json!({ "deleteAfter": "2030-01-01T00:00:00Z" });
        world.post(DEACTIVATE, Some(&bearer), Some(input)).await
    };
    // The PDS isn't told, and the same request ends it.
    world.network.pds_is_down(true);
    assert_eq!(rest().await.error(), (503, "Unavailable"));
    world.network.pds_is_down(false);
    rest().await.good();
    assert_eq!(world.network.asked(), [status(true)]);
    let answer = world.sign_in("alice.garden.net", PASSWORD).await.good();
    let standing = (&answer["active"], &answer["status"]);
    assert_eq!(standing, (&json!(false), &json!("deactivated")));

    world.post(ACTIVATE, Some(&bearer), None).await.good();
    world.post(ACTIVATE, Some(&bearer), None).await.good();
    assert_eq!(world.network.asked(), [status(false), status(false)]);
    let who = world.query("com.atproto.server.getSession").await.good();
    assert_eq!(who["active"], true);
}

#[tokio::test]
async fn sessions_ended_and_begun_within_a_second() {
    let world = World::open().await;
    let sign_in = async || {
        let session = world.sign_in("alice.garden.net", PASSWORD).await;
        format!("Bearer {}", session.text("accessJwt"))
    };
    let before = sign_in().await;
    let now = Some(world.clock.now());
    world
        .store
        .change(&alice(), |account| account.sessions_ended_at = now);
    let after = sign_in().await;
    let refused = world.post(DEACTIVATE, Some(&before), Some(json!({}))).await;
    assert_eq!(refused.error(), (400, "ExpiredToken"));
    let answer = world.post(DEACTIVATE, Some(&after), Some(json!({}))).await;
    answer.good();
}

async fn delete(world: &World, password: &str, token: &str) -> Answer {
    let input = json!({ "did": alice(), "password": password, "token": token });
    world.post(DELETE, None, Some(input)).await
}

#[tokio::test]
async fn deleted() {
    let world = World::open().await;
    let oauth = SessionId::from_i64(7);
    world.store.inner().oauth.push(oauth);
    world.forwarded(REQUEST_DELETE, None).await.good();
    let code = world.letters.code();
    let wrong = delete(&world, "not it", &code).await;
    assert_eq!(wrong.error(), (401, "AuthenticationRequired"));
    let wrong = delete(&world, PASSWORD, "AAAAA-AAAAA").await;
    assert_eq!(wrong.error(), (400, "InvalidToken"));
    assert!(world.network.asked().is_empty());
    // The PDS can't be told: the account is still there, and so is the code.
    world.network.pds_is_down(true);
    let answer = delete(&world, PASSWORD, &code).await;
    assert_eq!(answer.error(), (503, "Unavailable"));
    assert!(world.store.find(&alice()).is_some());
    world.network.pds_is_down(false);
    delete(&world, PASSWORD, &code).await.good();
    let asked = (
        "com.atproto.admin.deleteAccount".into(),
        json!({ "did": alice() }),
    );
    assert_eq!(world.network.asked(), [asked]);
    assert_eq!(world.ended.all(), [oauth]);
    assert!(world.store.find(&alice()).is_none());
    let gone = delete(&world, PASSWORD, &code).await;
    assert_eq!(gone.error(), (401, "AuthenticationRequired"));
}

#[tokio::test]
async fn two_questions_with_one_answer_each() {
    let world = World::open().await;
    let codes = world
        .query("com.atproto.server.getAccountInviteCodes")
        .await;
    assert_eq!(codes.good(), json!({ "codes": [] }));
    let queue = world.query("com.atproto.temp.checkSignupQueue").await;
    assert_eq!(queue.good(), json!({ "activated": true }));
}
