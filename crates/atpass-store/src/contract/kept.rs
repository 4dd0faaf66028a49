//! What is kept beside them: browsers, keys, secrets, scopes; and for how long.

use std::sync::Arc;

use atpass_provider::store::{DeviceSignIn, SigningKeyRecord, Store, Swept};

use super::{DAY, NOW, did, request};

pub(super) async fn devices(store: &dyn Store) {
    let sign_in = |old: Option<u8>, new: u8, account: u8, seconds: i64| DeviceSignIn {
        old: old.map(|n| [n; 32]),
        new: [new; 32],
        did: did(account),
        now: NOW.plus(seconds),
        expires_at: NOW.plus(180 * DAY),
        remembered: true,
    };
    store.sign_in(&sign_in(None, 1, 1, 0)).await.unwrap();
    store.sign_in(&sign_in(Some(1), 2, 2, 5)).await.unwrap();
    assert_eq!(
        store.device(&[1; 32], NOW).await.unwrap(),
        None,
        "the old id is gone"
    );
    let device = store.device(&[2; 32], NOW).await.unwrap().unwrap();
    let accounts: Vec<_> = device
        .accounts
        .iter()
        .map(|account| (account.did.clone(), account.signed_in_at))
        .collect();
    assert_eq!(
        accounts,
        [(did(2), NOW.plus(5)), (did(1), NOW)],
        "last used first"
    );
    assert!(device.remembered);
    store.sign_in(&sign_in(Some(9), 3, 1, 0)).await.unwrap();
    assert!(
        store.device(&[3; 32], NOW).await.unwrap().is_some(),
        "an unknown old id is no obstacle"
    );
    assert_eq!(
        store.device(&[2; 32], NOW.plus(180 * DAY)).await.unwrap(),
        None,
        "it expires"
    );
    store
        .keep_device(&[2; 32], NOW.plus(200 * DAY))
        .await
        .unwrap();
    assert!(
        store
            .device(&[2; 32], NOW.plus(180 * DAY))
            .await
            .unwrap()
            .is_some()
    );
    let elsewhere = DeviceSignIn {
        old: None,
        new: [33; 32],
        did: did(2),
        now: NOW,
        expires_at: NOW.plus(DAY),
        remembered: false,
    };
    store.sign_in(&elsewhere).await.unwrap();
    store.sign_out_others(&[2; 32], &did(2)).await.unwrap();
    let here = store.device(&[2; 32], NOW).await.unwrap().unwrap();
    assert!(here.accounts.iter().any(|account| account.did == did(2)));
    let there = store.device(&[33; 32], NOW).await.unwrap().unwrap();
    assert!(there.accounts.is_empty());
    store.sign_out(&[2; 32], &did(2)).await.unwrap();
    assert_eq!(
        store
            .device(&[2; 32], NOW)
            .await
            .unwrap()
            .unwrap()
            .accounts
            .len(),
        1
    );
}

pub(super) async fn keys(store: &Arc<dyn Store>) {
    let key = |kid: &str, seconds| SigningKeyRecord {
        kid: kid.to_owned(),
        pkcs8: vec![1, 2, 3].into(),
        created_at: NOW.plus(seconds),
        signs_from: NOW.plus(seconds + 600),
        retired_at: None,
    };
    store.add_signing_key(&key("old", 0)).await.unwrap();
    store.add_signing_key(&key("new", 1)).await.unwrap();
    assert!(store.add_signing_key(&key("new", 2)).await.is_err());
    let kids: Vec<_> = store
        .signing_keys()
        .await
        .unwrap()
        .into_iter()
        .map(|key| key.kid)
        .collect();
    assert_eq!(kids, ["new", "old"], "newest first");
    assert!(store.retire_signing_key("old", NOW).await.unwrap());
    assert!(!store.retire_signing_key("old", NOW.plus(9)).await.unwrap());
    assert!(!store.retire_signing_key("other", NOW).await.unwrap());
    let keys = store.signing_keys().await.unwrap();
    let times: Vec<_> = keys
        .iter()
        .map(|key| (key.signs_from, key.retired_at))
        .collect();
    assert_eq!(times, [(NOW.plus(601), None), (NOW.plus(600), Some(NOW))]);

    let callers = (0..64).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.secret("law", &[n; 32]).await.unwrap() })
    });
    let mut agreed = None;
    for caller in callers.collect::<Vec<_>>() {
        let secret = caller.await.unwrap();
        assert_eq!(
            *agreed.get_or_insert(secret),
            secret,
            "all get the same secret"
        );
    }
    assert_ne!(
        store.secret("other", &[99; 32]).await.unwrap(),
        agreed.unwrap()
    );
}

pub(super) async fn scopes(store: &dyn Store) {
    assert_eq!(store.scope("ref:a").await.unwrap(), None);
    for until in [NOW.plus(10), NOW.plus(60), NOW] {
        store.keep_scope("ref:a", "atproto a", until).await.unwrap();
    }
    let swept = store.sweep(NOW.plus(59), 10).await.unwrap();
    assert_eq!(swept.scope_references, 0, "the latest time counts");
    assert_eq!(
        store.scope("ref:a").await.unwrap().as_deref(),
        Some("atproto a")
    );
    let swept = store.sweep(NOW.plus(60), 10).await.unwrap();
    assert_eq!(swept.scope_references, 1);
    assert_eq!(store.scope("ref:a").await.unwrap(), None);
}

pub(super) async fn retention(store: &dyn Store) {
    for n in 50..60 {
        store.push_request(&request(n), None).await.unwrap();
    }
    let swept = store.sweep(NOW.plus(300), 4).await.unwrap();
    assert_eq!(
        (swept.requests, swept.codes, swept.sessions, swept.devices),
        (4, 0, 0, 0),
        "a batch at a time"
    );
    assert!(store.sweep(NOW.plus(300), 100).await.unwrap().requests >= 6);
    let swept = store.sweep(NOW.plus(DAY), 100).await.unwrap();
    assert!(swept.codes >= 4 && swept.sessions == 0, "{swept:?}");
    let swept = store.sweep(NOW.plus(300 * DAY), 100).await.unwrap();
    assert!(swept.sessions >= 3 && swept.devices >= 2, "{swept:?}");
    assert_eq!(
        store.sweep(NOW.plus(300 * DAY), 100).await.unwrap(),
        Swept::default()
    );
}
