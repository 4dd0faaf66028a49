//! A handle's change, and what comes of it where something stops half-way.

use atpass_entryway::store::AccountRecord;
use atpass_entryway::{ChangeHandleError, NotGiven};
use atpass_protocol::id::{Did, Handle};
use atpass_protocol::jose::K256Key;
use atpass_provider::sign_up::{NewAccount, SignUp};
use serde_json::json;

use crate::support::{DirectoryMood, NOW, PdsMood, World, person};

const ALICE: &str = "alice.garden.net";
const ALISON: &str = "alison.garden.net";

async fn change(world: &World, did: &Did, handle: &str) -> Result<(), ChangeHandleError> {
    let handle = Handle::parse(handle).unwrap();
    world.entryway.change_handle(did, &handle).await
}

/// With an account; returns its DID.
async fn with_alice() -> (World, Did) {
    let world = World::open().await;
    let did = world.sign_up(ALICE).await.unwrap().did;
    (world, did)
}

/// Whether all know the account by this handle.
async fn all_know(world: &World, did: &Did, handle: &str) -> bool {
    let known = [world.directory.handle(did), world.pdses[0].handle(did)];
    known.iter().flatten().all(|known| known == handle)
        && world.find(handle).await.as_ref() == Some(did)
}

#[tokio::test]
async fn all_are_told_and_the_old_handle_is_free() {
    let (world, did) = with_alice().await;
    change(&world, &did, ALISON).await.unwrap();
    assert!(all_know(&world, &did, ALISON).await);
    assert_eq!(world.find(ALICE).await, None);
    // The same again does no harm, and costs no operation.
    change(&world, &did, ALISON).await.unwrap();
    assert_eq!(world.directory.count(&did), 2);
    let other = NewAccount {
        email: "other@example.com".into(),
        ..person(ALICE)
    };
    world.entryway.sign_up(other, NOW).await.unwrap();
    let taken = change(&world, &did, ALICE).await;
    assert!(matches!(taken, Err(ChangeHandleError::Taken)));
    assert!(all_know(&world, &did, ALISON).await);
}

#[tokio::test]
async fn a_directory_that_refuses_changes_nothing() {
    let (world, did) = with_alice().await;
    world.directory.set_mood(DirectoryMood::Refuses);
    let refused = change(&world, &did, ALISON).await;
    assert!(matches!(refused, Err(ChangeHandleError::Plc(_))));
    assert!(all_know(&world, &did, ALICE).await);
}

#[tokio::test]
async fn wherever_it_stops_the_same_request_again_ends_it() {
    let (fine, down) = (PdsMood::Fine, PdsMood::Down);
    for (directory, pds) in [
        (DirectoryMood::Broken, fine),
        (DirectoryMood::Forgets, fine),
        (DirectoryMood::Fine, down),
    ] {
        let (world, did) = with_alice().await;
        world.directory.set_mood(directory);
        world.set_moods(pds);
        change(&world, &did, ALISON).await.unwrap_err();
        assert!(!all_know(&world, &did, ALISON).await);
        world.directory.set_mood(DirectoryMood::Fine);
        world.set_moods(fine);
        change(&world, &did, ALISON).await.unwrap();
        assert!(
            all_know(&world, &did, ALISON).await,
            "{directory:?} {pds:?}"
        );
        assert_eq!(world.directory.count(&did), 2);
    }
}

#[tokio::test]
async fn a_domain_of_ones_own() {
    let (world, did) = with_alice().await;
    let own = "alice.example.org";
    let unknown = change(&world, &did, own).await;
    assert!(matches!(unknown, Err(ChangeHandleError::Identity(_))));
    let bob = world.sign_up("bob.garden.net").await.unwrap().did;
    world.directory.resolves(own, &bob);
    let not_hers = change(&world, &did, own).await;
    assert!(matches!(not_hers, Err(ChangeHandleError::NotResolved(_))));
    world.directory.resolves(own, &did);
    change(&world, &did, own).await.unwrap();
    assert!(all_know(&world, &did, own).await);
}

#[tokio::test]
async fn the_rules_of_new_handles_hold_for_others_too() {
    let (world, did) = with_alice().await;
    for (handle, why) in [
        ("al.garden.net", NotGiven::Short),
        ("admin.garden.net", NotGiven::Reserved),
        ("a.lice.garden.net", NotGiven::Dot),
    ] {
        let refused = change(&world, &did, handle).await;
        assert!(matches!(refused, Err(ChangeHandleError::NotGiven(is)) if is == why));
    }
    let nobody = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
    let refused = change(&world, &nobody, ALISON).await;
    assert!(matches!(refused, Err(ChangeHandleError::NoAccount)));
}

/// An account that came from elsewhere.
fn imported(world: &World, did: &Did) -> AccountRecord {
    AccountRecord {
        did: did.clone(),
        handle: Handle::parse("old.garden.net").unwrap(),
        email: None,
        email_confirmed_at: None,
        password_hash: String::new(),
        pds: world.entryway.config().pdses[0].did.clone(),
        created_at: NOW,
        active: true,
        deactivated_at: None,
        sessions_ended_at: None,
    }
}

/// Its document is its owner's own: the handle must be there first.
#[tokio::test]
async fn a_did_web_claims_the_handle_itself() {
    let world = World::open().await;
    let (_, port) = world.directory_url.rsplit_once(':').unwrap();
    let did = Did::parse(&format!("did:web:localhost%3A{port}")).unwrap();
    world.store.put(imported(&world, &did));
    let document = |handle: &str| json!({ "id": did, "alsoKnownAs": [format!("at://{handle}")] });
    world.directory.publish(document("old.garden.net"));
    let refused = change(&world, &did, ALISON).await;
    assert!(matches!(refused, Err(ChangeHandleError::NotClaimed)));
    assert_eq!(world.find(ALISON).await, None);
    world.directory.publish(document(ALISON));
    change(&world, &did, ALISON).await.unwrap();
    assert_eq!(world.find(ALISON).await.as_ref(), Some(&did));
    assert_eq!(world.pdses[0].handle(&did).unwrap(), ALISON);
}

/// Accounts that came from elsewhere: another of our keys, in the oldest form; then one that left.
#[tokio::test]
async fn whichever_of_our_keys_the_did_has_signs() {
    let (world, _) = with_alice().await;
    let pds = world.entryway.config().pdses[0].clone();
    let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
    let key = |byte| K256Key::from_bytes(&[byte; 32]).unwrap().did_key();
    let put = |recovery: &str, kind: &str| {
        let operation = json!({
            "type": kind,
            "signingKey": key(0x22),
            "recoveryKey": recovery,
            "handle": "old.garden.net",
            "service": pds.origin,
            "prev": null,
            "sig": "",
        });
        world.directory.put(&did, operation);
    };
    world.store.put(imported(&world, &did));
    put(&key(0x33), "create");
    change(&world, &did, ALISON).await.unwrap();
    assert!(all_know(&world, &did, ALISON).await);
    put(&key(0x44), "create");
    let left = change(&world, &did, "other.garden.net").await;
    assert!(
        matches!(left, Err(ChangeHandleError::Plc(error)) if error.to_string().contains("rotation keys"))
    );
    put(&key(0x33), "plc_tombstone");
    let ended = change(&world, &did, "other.garden.net").await;
    assert!(
        matches!(ended, Err(ChangeHandleError::Plc(error)) if error.to_string().contains("tombstoned"))
    );
    assert_eq!(world.find("other.garden.net").await, None);
}
