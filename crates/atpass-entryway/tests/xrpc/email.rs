//! What is decided by a letter.

use atpass_protocol::token::SessionId;
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::support::{ADMIN_PASSWORD, Answer, PASSWORD, World, alice, bob};

const REQUEST_CONFIRMATION: &str = "com.atproto.server.requestEmailConfirmation";
const CONFIRM: &str = "com.atproto.server.confirmEmail";
const REQUEST_UPDATE: &str = "com.atproto.server.requestEmailUpdate";
const UPDATE: &str = "com.atproto.server.updateEmail";
const REQUEST_RESET: &str = "com.atproto.server.requestPasswordReset";
const RESET: &str = "com.atproto.server.resetPassword";
const SHOW: &str = "com.atproto.server.getSession";

async fn confirm(world: &World, email: &str, token: &str) -> Answer {
    let input = json!({ "email": email, "token": token });
    world.forwarded(CONFIRM, Some(input)).await
}

#[tokio::test]
async fn an_address_is_confirmed_and_changed() {
    let world = World::open().await;
    world.forwarded(REQUEST_CONFIRMATION, None).await.good();
    let letter = world.letters.last();
    assert_eq!(letter.to, "alice@example.com");
    for part in [
        "entry.garden.net",
        "@alice.garden.net",
        "If you didn't ask for it",
    ] {
        assert!(letter.text.contains(part), "{part} in {}", letter.text);
    }
    assert!(letter.text.lines().all(|line| line.len() < 77) && letter.text.is_ascii());
    let code = world.letters.code();
    let wrong = confirm(&world, "alice@example.com", "AAAAA-AAAAA").await;
    assert_eq!(wrong.error(), (400, "InvalidToken"));
    let other = confirm(&world, "bob@example.com", &code).await;
    assert_eq!(other.error(), (400, "InvalidEmail"));
    let typed = format!(" {} ", code.to_lowercase());
    confirm(&world, "Alice@Example.com", &typed).await.good();
    assert_eq!(world.query(SHOW).await.good()["emailConfirmed"], true);
    let twice = confirm(&world, "alice@example.com", &code).await;
    assert_eq!(twice.error(), (400, "InvalidToken"));

    let required = world.forwarded(REQUEST_UPDATE, None).await.good();
    assert_eq!(required, json!({ "tokenRequired": true }));
    let code = world.letters.code();
    let update = async |input: Value| world.forwarded(UPDATE, Some(input)).await;
    let answer = update(json!({ "email": "new@example.com" })).await;
    assert_eq!(answer.error(), (400, "TokenRequired"));
    for email in [
        "bob@example.com",
        "alice",
        "new@localhost",
        "a@b.c\r\nBcc: x@y.zz",
    ] {
        let answer = update(json!({ "email": email, "token": code })).await;
        assert_eq!(answer.error(), (400, "InvalidRequest"), "{email}");
    }
    // None of that used the code up.
    update(json!({ "email": "New@example.com", "token": code }))
        .await
        .good();
    let who = world.query(SHOW).await.good();
    assert_eq!(
        (&who["email"], &who["emailConfirmed"]),
        (&json!("new@example.com"), &json!(false))
    );
    let required = world.forwarded(REQUEST_UPDATE, None).await.good();
    assert_eq!(required, json!({ "tokenRequired": false }));
}

#[tokio::test]
async fn a_code_is_good_for_one_thing_one_address_and_not_for_long() {
    let world = World::open().await;
    world.forwarded(REQUEST_CONFIRMATION, None).await.good();
    let code = world.letters.code();
    let delete = json!({ "did": alice(), "password": PASSWORD, "token": code });
    let answer = world.post("com.atproto.server.deleteAccount", None, Some(delete));
    assert_eq!(answer.await.error(), (400, "InvalidToken"));
    // An address that hasn't been confirmed is changed just so: it is not confirmed by a letter to another one.
    let update = json!({ "email": "victim@example.com" });
    world.forwarded(UPDATE, Some(update)).await.good();
    let answer = confirm(&world, "victim@example.com", &code).await;
    assert_eq!(answer.error(), (400, "InvalidToken"));

    world.forwarded(REQUEST_CONFIRMATION, None).await.good();
    let code = world.letters.code();
    world.clock.pass(86_400);
    let answer = confirm(&world, "victim@example.com", &code).await;
    assert_eq!(answer.error(), (400, "InvalidToken"));
}

#[tokio::test]
async fn a_handful_of_letters() {
    let world = World::open().await;
    for _ in 0..5 {
        world.forwarded(REQUEST_CONFIRMATION, None).await.good();
    }
    let answer = world.forwarded(REQUEST_CONFIRMATION, None).await;
    assert_eq!(answer.error(), (429, "RateLimitExceeded"));
    assert_eq!(world.letters.count(), 5);
    world.clock.pass(3600);
    world.forwarded(REQUEST_CONFIRMATION, None).await.good();
    // Nor can codes be guessed.
    let mut last = 0;
    for _ in 0..25 {
        last = confirm(&world, "alice@example.com", "AAAAA-AAAAA")
            .await
            .status;
    }
    assert_eq!(last, 429);
}

async fn reset(world: &World, token: &str, password: &str) -> Answer {
    let input = json!({ "token": token, "password": password });
    world.post(RESET, None, Some(input)).await
}

async fn request_reset(world: &World, email: &str) -> Answer {
    let input = json!({ "email": email });
    world.post(REQUEST_RESET, None, Some(input)).await
}

#[tokio::test]
async fn a_new_password_by_a_letter() {
    let world = World::open().await;
    let session = world.sign_in("alice.garden.net", PASSWORD).await;
    let session = session.text("refreshJwt");
    let oauth = SessionId::from_i64(7);
    world.store.inner().oauth.push(oauth);
    // The same answer for both.
    assert_eq!(
        request_reset(&world, "nobody@example.com").await.good(),
        Value::Null
    );
    assert_eq!(
        request_reset(&world, "Alice@Example.com").await.good(),
        Value::Null
    );
    world.letters.next().await;
    assert_eq!(world.letters.count(), 1);
    let code = world.letters.code();
    assert_eq!(
        reset(&world, &code, "short").await.error(),
        (400, "InvalidRequest")
    );
    let wrong = reset(&world, "AAAAA-AAAAA", "another horse").await;
    assert_eq!(wrong.error(), (400, "InvalidToken"));
    reset(&world, &code, "another horse").await.good();
    assert_eq!(world.ended.all(), [oauth]);
    assert_eq!(world.refresh(&session).await.error(), (400, "ExpiredToken"));
    assert_eq!(
        world.sign_in("alice.garden.net", PASSWORD).await.status,
        401
    );
    world
        .sign_in("alice.garden.net", "another horse")
        .await
        .good();
    let twice = reset(&world, &code, "a third horse").await;
    assert_eq!(twice.error(), (400, "InvalidToken"));

    // Who got a letter at the old address has no say any more.
    request_reset(&world, "alice@example.com").await.good();
    world.letters.next().await;
    let code = world.letters.code();
    let update = json!({ "email": "new@example.com" });
    world.forwarded(UPDATE, Some(update)).await.good();
    let answer = reset(&world, &code, "a third horse").await;
    assert_eq!(answer.error(), (400, "InvalidToken"));
}

#[tokio::test]
async fn without_a_mail_server() {
    let world = World::with(false).await;
    for answer in [
        world.forwarded(REQUEST_CONFIRMATION, None).await,
        world
            .forwarded("com.atproto.server.requestAccountDelete", None)
            .await,
        world
            .forwarded("com.atproto.identity.requestPlcOperationSignature", None)
            .await,
        request_reset(&world, "alice@example.com").await,
    ] {
        assert_eq!(answer.error(), (400, "InvalidRequest"));
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains("sends no e-mail"), "{message}");
    }
}

#[tokio::test]
async fn what_the_operator_of_the_pds_may() {
    let world = World::open().await;
    let basic = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
    let right = basic(&format!("admin:{ADMIN_PASSWORD}"));
    let email = |account: Value| json!({ "account": account, "email": "new@example.com" });
    let update = async |authorization: Option<&str>, input| {
        let method = "com.atproto.admin.updateAccountEmail";
        world.post(method, authorization, Some(input)).await
    };
    for wrong in [
        None,
        Some(basic("admin:other")),
        Some(basic(&format!("root:{ADMIN_PASSWORD}"))),
        // The other PDS has no power over this one's accounts.
        Some(basic("admin:truffle")),
        Some(basic("admin")),
        Some("Basic !".into()),
        Some(format!("Bearer {ADMIN_PASSWORD}")),
    ] {
        let answer = update(wrong.as_deref(), email(json!(alice()))).await;
        assert_eq!(answer.error(), (401, "AuthenticationRequired"), "{wrong:?}");
    }
    for account in [json!("nobody.garden.net"), json!("alice@example.com")] {
        let answer = update(Some(&right), email(account)).await;
        assert_eq!(answer.error(), (400, "InvalidRequest"));
    }
    update(Some(&right), email(json!("alice.garden.net")))
        .await
        .good();
    update(Some(&right), email(json!(alice()))).await.good();
    let taken = update(Some(&right), email(json!(bob()))).await;
    assert_eq!(taken.error(), (400, "InvalidRequest"));
    let account = world.store.find(&alice()).unwrap();
    assert_eq!(account.email.as_deref(), Some("new@example.com"));

    let method = "com.atproto.admin.updateAccountPassword";
    let input = json!({ "did": alice(), "password": "another horse" });
    let answer = world.post(method, None, Some(input.clone())).await;
    assert_eq!(answer.error(), (401, "AuthenticationRequired"));
    world.post(method, Some(&right), Some(input)).await.good();
    world
        .sign_in("alice.garden.net", "another horse")
        .await
        .good();
}
