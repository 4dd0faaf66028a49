//! Servers whose `Date` isn't our time.

use std::time::{Duration, UNIX_EPOCH};

use atpass_client::Session;
use atpass_protocol::time::{Clock, SystemClock};
use serde_json::json;

use crate::app::App;
use crate::fake::{Canned, Nonces};

const HOUR: i64 = 3600;

async fn hours_of_a_call(app: &App, session: &Session) -> Vec<i64> {
    app.fake.forget();
    session.get("/xrpc/x").await.unwrap();
    hours(app, "call")
}

/// By how much the proofs that an endpoint has seen are behind the true time, in whole hours.
fn hours(app: &App, endpoint: &str) -> Vec<i64> {
    let now = SystemClock.now();
    let calls = app.fake.seen(endpoint);
    let ages = calls.iter().map(|seen| {
        let iat = seen.proof()["iat"].as_i64().unwrap();
        now.as_secs() - iat
    });
    ages.map(|age| (age + HOUR / 2).div_euclid(HOUR)).collect()
}

/// Clause C-DPOP-01: a `Date` alone is no reason to leave our own time: it may be a proxy's that is wrong.
#[tokio::test]
async fn a_date_that_nobody_asked_for() {
    let app = App::start().await;
    let session = app.session().await;
    let seconds = u64::try_from(SystemClock.now().as_secs() - HOUR).unwrap();
    let date = UNIX_EPOCH + Duration::from_secs(seconds);
    let date = httpdate::fmt_http_date(date);
    let wrong = Canned::json(200, &json!({})).header("date", &*date);
    app.fake.next("call", [wrong]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);

    // It is tried when the server complains, and not kept where that is of no help.
    let refusal = Canned::error(400, "invalid_dpop_proof").header("date", date);
    app.fake.next("call", [refusal.clone(), refusal]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0, 1]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);
}

/// Clause C-DPOP-01: a server that refuses our time is told its own, from then on, until it refuses that.
#[tokio::test]
async fn a_clock_that_is_wrong() {
    let app = App::start().await;
    let session = app.session().await;
    app.clock.advance(-HOUR);
    let refusal = || [Canned::error(400, "invalid_dpop_proof")];
    assert_eq!(hours_of_a_call(&app, &session).await, [1]);
    app.fake.next("call", refusal());
    assert_eq!(hours_of_a_call(&app, &session).await, [1, 0]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);
    // Its time is known already: there is nothing to try again with.
    app.fake.next("call", refusal());
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);
    assert_eq!(hours_of_a_call(&app, &session).await, [1]);
    // The clock is set right while the offset is in use.
    app.fake.next("call", refusal());
    assert_eq!(hours_of_a_call(&app, &session).await, [1, 0]);
    app.clock.advance(HOUR);
    app.fake.next("call", refusal());
    assert_eq!(hours_of_a_call(&app, &session).await, [-1, 0]);
    assert_eq!(hours_of_a_call(&app, &session).await, [0]);
}

/// Clause C-DPOP-01: servers ask for their nonce before they look at the time, and there is one retry.
#[tokio::test]
async fn a_wrong_clock_at_a_new_server() {
    let app = App::start().await;
    app.clock.advance(-HOUR);
    let session = app.session().await;
    assert_eq!(hours(&app, "par"), [1, 0]);
    // This one doesn't mind, so our time is used.
    assert_eq!(hours(&app, "token"), [1]);
    app.nonces(Nonces::New);
    assert_eq!(hours_of_a_call(&app, &session).await, [1, 1]);
}
