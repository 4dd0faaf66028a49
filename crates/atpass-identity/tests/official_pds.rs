//! Archives that the official PDS sent: see `vectors/official-pds/README.md`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use atpass_identity::{
    CarError, Claim, CommitError, DidDocument, ProofError, ProvenRecord, verify_record,
};
use serde_json::json;

const DOCUMENT: &str = include_str!("vectors/official-pds/document.json");
const PRESENT: &[u8] = include_bytes!("vectors/official-pds/present.car");
const ABSENT: &[u8] = include_bytes!("vectors/official-pds/absent.car");
const PATH: &str = "com.atproto.lexicon.schema/com.example.feed.authFull";

fn verify(archive: &[u8], path: &str) -> Result<ProvenRecord, ProofError> {
    let document: DidDocument = serde_json::from_str(DOCUMENT).unwrap();
    let claim = Claim {
        did: &document.id,
        signing_key: &document.signing_key().unwrap(),
        path,
    };
    verify_record(archive, &claim)
}

/// Clause SC-INC-01.
#[test]
fn a_record_of_the_official_pds() {
    let record = verify(PRESENT, PATH).unwrap();
    assert_eq!(
        record.cid.to_string(),
        "bafyreihxupji6ccy2gr2t2ojogieofcntl5eyozmvchbz4eqtwkccoqkry"
    );
    let main = &record.value["defs"]["main"];
    assert_eq!(main["type"], "permission-set");
    assert_eq!(main["permissions"][1]["inheritAud"], json!(true));
}

/// Clause SC-INC-01: that a record isn't there is proven as well.
#[test]
fn no_record_of_the_official_pds() {
    let absent = "com.atproto.lexicon.schema/com.example.feed.nothing";
    assert_eq!(verify(ABSENT, absent), Err(ProofError::Absent));
    // It says nothing of the record that is there.
    let other = verify(ABSENT, PATH);
    assert!(matches!(other, Err(ProofError::Missing(_))), "{other:?}");
}

/// Clause SC-INC-01: no bit of it can be another one.
#[test]
fn every_bit_counts() {
    let mut bent = PRESENT.to_vec();
    for n in 0..bent.len() {
        for bit in [1, 0x10, 0x80] {
            bent[n] ^= bit;
            assert!(verify(&bent, PATH).is_err(), "byte {n}, {bit}");
            bent[n] ^= bit;
        }
        let cut = verify(PRESENT.get(..n).unwrap(), PATH).unwrap_err();
        assert!(
            matches!(
                cut,
                ProofError::Car(CarError::Framing) | ProofError::Missing(_)
            ),
            "{n}: {cut}"
        );
    }
}

/// Clause SC-INC-01: another account's key proves nothing, nor does another account's name.
#[test]
fn another_account() {
    let document: DidDocument = serde_json::from_str(DOCUMENT).unwrap();
    let other = "zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
    let claim = Claim {
        did: &document.id,
        signing_key: &atpass_identity::SigningKey::from_multibase(other).unwrap(),
        path: PATH,
    };
    assert_eq!(
        verify_record(PRESENT, &claim),
        Err(ProofError::Commit(CommitError::Signature))
    );
    let claim = Claim {
        did: &"did:web:example.com".parse().unwrap(),
        signing_key: &document.signing_key().unwrap(),
        path: PATH,
    };
    assert_eq!(
        verify_record(PRESENT, &claim),
        Err(ProofError::Commit(CommitError::Did(
            document.id.to_string()
        )))
    );
}
