//! What an admin asks of a PDS, and what is never printed of it.

use atpass_entryway::pds::PdsError;
use atpass_protocol::id::Did;
use serde_json::json;

use crate::support::{ADMIN_PASSWORD, PdsMood, World};

#[tokio::test]
async fn what_an_admin_decides() {
    let world = World::open().await;
    let account = world.sign_up("alice.garden.net").await.unwrap();
    let (did, pds) = (account.did, world.entryway.pds_of(&account.audience));
    let pds = pds.unwrap();
    pds.set_deactivated(&did, true).await.unwrap();
    pds.set_taken_down(&did, false).await.unwrap();
    pds.delete_account(&did).await.unwrap();
    let subject = json!({ "$type": "com.atproto.admin.defs#repoRef", "did": did });
    let (applied, lifted) = (json!({ "applied": true }), json!({ "applied": false }));
    assert_eq!(
        world.pdses[0].admin_calls(),
        [
            (
                "updateSubjectStatus",
                json!({ "subject": subject, "deactivated": applied })
            ),
            (
                "updateSubjectStatus",
                json!({ "subject": subject, "takedown": lifted })
            ),
            ("deleteAccount", json!({ "did": did })),
        ]
    );
    let stranger = Did::parse("did:web:elsewhere.example.com").unwrap();
    assert!(world.entryway.pds_of(&stranger).is_none());
}

#[tokio::test]
async fn errors_say_whose_fault_it_is_and_no_secrets() {
    let world = World::open().await;
    let account = world.sign_up("alice.garden.net").await.unwrap();
    let pds = world.entryway.pds_of(&account.audience).unwrap();
    let handle = "other.garden.net".parse().unwrap();
    let refused = pds.update_handle(&account.did, &handle).await.unwrap_err();
    assert!(matches!(&refused, PdsError::Refused { name, .. } if name == "InvalidRequest"));
    world.set_moods(PdsMood::Down);
    let down = pds.update_handle(&account.did, &handle).await.unwrap_err();
    assert!(matches!(&down, PdsError::Failed { status: 404, .. }));
    let printed = format!(
        "{pds:?} {refused:?} {refused} {down:?} {down} {:?}",
        world.entryway
    );
    let encoded = data_encoding::BASE64.encode(format!("admin:{ADMIN_PASSWORD}").as_bytes());
    assert!(!printed.contains(ADMIN_PASSWORD) && !printed.contains(&encoded));
}
