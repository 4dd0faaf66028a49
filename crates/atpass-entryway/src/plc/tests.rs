//! Operations against those that the official library makes of the same.

use atpass_protocol::id::{Did, Handle, Issuer};
use atpass_protocol::jose::K256Key;
use serde_json::{Value, json};

use super::{Contents, LastOperation, PlcError};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/plc.json")).unwrap()
}

fn rotation_key() -> K256Key {
    K256Key::from_bytes(&[0x11; 32]).unwrap()
}

fn handle(text: &str) -> Handle {
    Handle::parse(text).unwrap()
}

#[test]
fn the_first_operation_and_the_did_that_it_makes() {
    let (vectors, key) = (vectors(), rotation_key());
    assert_eq!(key.did_key(), vectors["rotation"]);
    let contents = Contents::of_account(
        &handle("alice.example.com"),
        &Issuer::parse(vectors["pds"].as_str().unwrap()).unwrap(),
        key.did_key(),
        K256Key::from_bytes(&[0x22; 32]).unwrap().did_key(),
    );
    let genesis = contents.sign(None, &key).unwrap();
    assert_eq!(genesis.to_json().unwrap(), vectors["genesis"]);
    assert_eq!(genesis.did().unwrap().as_str(), vectors["did"]);
}

#[test]
fn an_update_names_the_operation_before_and_keeps_all_else() {
    let (vectors, key) = (vectors(), rotation_key());
    let did = Did::parse(vectors["did"].as_str().unwrap()).unwrap();
    let updates = vectors["updates"].as_array().unwrap();
    assert_eq!(updates.len(), 3);
    for update in updates {
        let last = LastOperation::read(&did, &update["last"]).unwrap();
        assert_eq!(last.cid, update["cid"]);
        assert_eq!(last.contents.handle(), Some(handle("alice.example.com")));
        let contents = last.contents.with_handle(&handle("bob.example.com"));
        let next = contents.sign(Some(last.cid), &key).unwrap();
        assert_eq!(next.to_json().unwrap(), update["next"]);
    }
}

#[test]
fn a_handle_goes_where_the_one_before_was() {
    let contents = |names: &[&str]| Contents {
        rotation_keys: vec![],
        verification_methods: [].into(),
        also_known_as: names.iter().map(|&name| name.into()).collect(),
        services: [].into(),
    };
    for (before, after) in [
        (&[][..], &["at://b.example"][..]),
        (&["x:1"], &["at://b.example", "x:1"]),
        (&["x:1", "at://a.example"], &["x:1", "at://b.example"]),
        // The directory takes no name twice.
        (&["at://a.example", "at://b.example"], &["at://b.example"]),
        (&["at://b.example"], &["at://b.example"]),
    ] {
        let changed = contents(before).with_handle(&handle("b.example"));
        assert_eq!(changed, contents(after), "{before:?}");
    }
}

#[test]
fn what_ends_a_did_and_what_is_no_operation() {
    let did = Did::parse("did:plc:sxr6qlrutpqzyj6gajx3p7jq").unwrap();
    let read = |operation: Value| LastOperation::read(&did, &operation).unwrap_err();
    assert_eq!(
        read(json!({ "type": "plc_tombstone", "prev": "bafy", "sig": "x" })),
        PlcError::Tombstoned(did.clone())
    );
    let mut lacking = vectors()["genesis"].clone();
    lacking.as_object_mut().unwrap().remove("services");
    for bad in [lacking, json!({}), json!([]), json!({ "type": "create" })] {
        assert!(matches!(read(bad), PlcError::Malformed(_)));
    }
}
