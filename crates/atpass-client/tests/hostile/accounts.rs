//! Whose tokens they are.

use atpass_client::ClientError;
use atpass_identity::IdentityError;
use serde_json::json;

use crate::app::App;
use crate::fake::{ALICE, BOB, CAROL, Fake};

/// Clauses C-SUB-01 and C-SUB-03: two accounts at one server: the other one signs in.
#[tokio::test]
async fn another_account_of_the_same_server() {
    let first = App::start().await;
    for typed in ["alice.test", ALICE] {
        let app = first.anew().await;
        app.fake.token("sub", json!(BOB));
        match app.refused(typed, "Bob for Alice").await {
            ClientError::WrongAccount { expected, got } => {
                assert_eq!((expected.as_str(), got.as_str()), (ALICE, BOB));
            }
            other => panic!("{other}"),
        }
        assert_eq!(app.fake.revoked(), ["rt-1"]);
    }
}

/// Clauses C-SUB-02 and C-SUB-03: begun at a server, the account's own server must be that one.
#[tokio::test]
async fn a_server_speaks_for_its_own_accounts_only() {
    let app = App::start().await;
    let server = app.fake.origin.to_string();
    app.fake.token("sub", json!(CAROL));
    let error = app.refused(&server, "a PDS that can't be reached").await;
    assert!(matches!(error, ClientError::Identity(_)), "{error}");
    assert_eq!(app.fake.revoked(), ["rt-1"]);

    // A server of the attacker's, where the login began, names an account of another one.
    let home = Fake::start().await;
    app.fake.set(|script| {
        script.pds = Some(home.origin.to_string());
        script.token["sub"] = json!(ALICE);
    });
    match app.refused(&server, "an account of another server").await {
        ClientError::Identity(IdentityError::Subject { expected, .. }) => {
            assert_eq!(expected, home.origin);
        }
        other => panic!("{other}"),
    }
    assert_eq!(app.fake.revoked(), ["rt-1", "rt-2"]);

    app.fake.set(|script| script.pds = None);
    // What was found of the account is kept for ten minutes.
    app.clock.advance(601);
    let session = app.finish(&server).await.unwrap();
    assert_eq!(session.did().as_str(), ALICE);
}

/// Clause ID-HDL-06: a handle that nobody claims back, whether the document has other names, none, or no
/// place for them, begins no login.
#[tokio::test]
async fn handles_are_claimed_back() {
    let first = App::start().await;
    for names in [json!([]), json!(null), json!(["at://bob.test"])] {
        let app = first.anew().await;
        app.fake
            .set(|script| script.document = json!({ "alsoKnownAs": names }));
        let error = app.refused_at_once("alice.test", "unclaimed").await;
        assert!(matches!(error, ClientError::Identity(_)), "{error}");
        assert_eq!(app.fake.count("par"), 0);
        // Who types the DID claims no handle, and none is sent.
        app.finish(ALICE).await.unwrap();
        assert_eq!(
            app.fake.seen("par")[0].field("login_hint").as_deref(),
            Some(ALICE)
        );
    }
}

/// Clauses C-SUB-02 and C-REF-04: an account that has moved to another server is told so within the hour,
/// and isn't refreshed at the old one any more.
#[tokio::test]
async fn accounts_that_moved() {
    let app = App::start().await;
    let session = app.session().await;
    let home = Fake::start().await;
    app.fake
        .set(|script| script.pds = Some(home.origin.to_string()));
    app.clock.advance(3600);
    // The check runs beside the first refresh; what it found counts from the next one on.
    session.refresh().await.unwrap();
    let mut tries = 0;
    let error = loop {
        tries += 1;
        assert!(tries < 500, "nobody noticed");
        let asked = app.fake.count("token");
        match session.refresh().await {
            Ok(()) => tokio::task::yield_now().await,
            Err(error) => {
                assert_eq!(app.fake.count("token"), asked, "the old server isn't asked");
                break error;
            }
        }
    };
    match &error {
        ClientError::SessionMoved { did, to } => {
            assert_eq!((did.as_str(), to), (ALICE, &home.origin));
        }
        other => panic!("{other}"),
    }
    assert!(error.needs_login() && !error.is_transient());

    // At once, where the old server says that the account isn't active there.
    let app = App::start().await;
    let session = app.session().await;
    app.fake
        .set(|script| script.pds = Some(home.origin.to_string()));
    app.clock.advance(601);
    let deactivated = crate::fake::Canned::error(400, "AccountDeactivated");
    app.fake.next("call", [deactivated]);
    let error = session.get("/xrpc/x").await.unwrap_err();
    assert!(matches!(error, ClientError::SessionMoved { .. }), "{error}");
}
