//! What lies in a store, and what a client with a wrong clock makes of the servers' time.

use std::sync::Arc;

use atpass_client::{MemoryStore, OAuthClient, SessionStore};
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::time::Clock;
use atpass_testnet::ManualClock;

use crate::library::client_of;
use crate::scene::{World, sealing, works};

fn client(world: &World, store: &Arc<MemoryStore>, sealing: Option<SealingKeys>) -> OAuthClient {
    let mut parts = world.parts(store.clone());
    parts.sealing = sealing;
    client_of(parts)
}

/// Records are sealed with the app's key; a new key opens what an older one sealed.
#[tokio::test(flavor = "multi_thread")]
async fn sealed() {
    let world = World::start().await;
    let store = Arc::new(MemoryStore::default());
    let first = sealing();
    let sealed = client(&world, &store, Some(first.clone()));
    let session = world.log_in(&sealed).await;
    let key = session.key().clone();
    let (record, _) = store.get(&key).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(record.as_bytes());
    for readable in ["refresh_token", "access_token", "did:plc:"] {
        assert!(!text.contains(readable), "{readable}");
    }

    for (name, wrong) in [("no key", None), ("another key", Some(sealing()))] {
        let error = client(&world, &store, wrong).restore(&key).await;
        let error = error.unwrap_err();
        assert!(
            error.is_transient() && !error.needs_login(),
            "{name}: {error}"
        );
    }
    let turned = sealing().opening(&first);
    let later = client(&world, &store, Some(turned));
    works(&later.restore(&key).await.unwrap().unwrap()).await;
    let error = sealed.restore(&key).await.unwrap_err();
    assert!(
        error.to_string().contains("a key that isn't here"),
        "{error}"
    );

    // A record in the clear is nobody's whose records are sealed.
    let plain = Arc::new(MemoryStore::default());
    let open = world.log_in(&client(&world, &plain, None)).await;
    let error = client(&world, &plain, Some(sealing()))
        .restore(open.key())
        .await;
    assert!(error.unwrap_err().to_string().contains("isn't sealed"));
}

/// A name in a store opens nothing but its own record.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_belongs_to_its_name() {
    let world = World::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&world, &store, Some(sealing()));
    let (one, two) = (world.log_in(&client).await, world.log_in(&client).await);
    let (record, _) = store.get(one.key()).await.unwrap().unwrap();
    let (_, version) = store.get(two.key()).await.unwrap().unwrap();
    let put = store.put(two.key(), two.did(), &record, Some(version));
    put.await.unwrap();
    let error = client.restore(two.key()).await.unwrap_err();
    assert!(error.to_string().contains("another place"), "{error}");
    works(&one).await;
}

/// Clause C-DPOP-01: a clock that is wrong by minutes or hours is set right by the servers' own `Date`.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_wrong() {
    let world = World::start().await;
    for offset in [-7200, -400, 400, 7200] {
        let store = Arc::new(MemoryStore::default());
        let mut parts = world.parts(store);
        let wrong = ManualClock::at(world.lab.clock.now().plus(offset));
        parts.clock = Arc::new(wrong.clone());
        let session = world.log_in(&client_of(parts)).await;
        works(&session).await;
        world.lab.clock.advance(1000);
        wrong.advance(1000);
        works(&session).await;
    }
}

/// One account may be signed in several times, and each session ends alone.
#[tokio::test(flavor = "multi_thread")]
async fn several_sessions_of_one_account() {
    let world = World::start().await;
    let store = Arc::new(MemoryStore::default());
    let client = client(&world, &store, None);
    let (one, two) = (world.log_in(&client).await, world.log_in(&client).await);
    assert_eq!(client.sessions_of(one.did()).await.unwrap().len(), 2);
    one.logout().await.unwrap();
    works(&two).await;
    assert_eq!(client.sessions().await.unwrap(), [two.key().clone()]);
}
