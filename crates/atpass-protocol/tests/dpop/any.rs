//! Whatever arrives gets an answer.

use atpass_protocol::dpop::{Expected, QueryPolicy};
use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::Value;

use crate::{EXPECTED, Proof, check};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    /// No text in the header can do more than be refused.
    #[test]
    fn any_text_is_refused(text in ".{0,400}") {
        prop_assert!(check(&[Some(&text)], &EXPECTED).is_err());
    }

    #[test]
    fn any_three_parts_are_refused(
        header in prop::collection::vec(any::<u8>(), 0..200),
        claims in prop::collection::vec(any::<u8>(), 0..200),
        signature in prop::collection::vec(any::<u8>(), 64),
    ) {
        let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let text = format!("{}.{}.{}", encode(&header), encode(&claims), encode(&signature));
        prop_assert!(check(&[Some(&text)], &EXPECTED).is_err());
    }

    /// A well-signed proof in which one member has any value at all: an answer, never a panic.
    #[test]
    fn any_value_of_any_member_gets_an_answer(
        name in prop::sample::select(vec![
            "typ", "alg", "jwk", "crit", "kid", "jti", "htm", "htu", "iat", "nonce", "ath",
        ]),
        value in json_value(),
        url in "[a-z]{1,6}:[/\\\\]{0,3}.{0,60}",
    ) {
        let _ = Proof::new().claim(name, value.clone()).verify();
        let _ = Proof::new().header(name, value).verify();
        let expected = Expected { url: &url, query: QueryPolicy::Ignore, ..EXPECTED };
        prop_assert!(Proof::new().claim("htu", &*url).verify_for(&expected).is_ok());
        prop_assert!(Proof::new().verify_for(&expected).is_err());
    }
}
