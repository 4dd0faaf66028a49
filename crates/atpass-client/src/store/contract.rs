//! What every session store has to do.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test suite reports by panicking"
)]

use std::sync::Arc;

use atpass_protocol::id::Did;
use atpass_protocol::time::UnixTime;

use super::{PutOutcome, Record, SessionKey, SessionStore};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Makes a test of every law for a store of one's own.
///
/// The expression gives two handles on one empty store: twice the same, or two that were opened
/// separately, where the store is shared between processes.
///
/// ```
/// # use std::sync::Arc;
/// # use atpass_client::{MemoryStore, SessionStore};
/// atpass_client::session_store_contract!(memory, {
///     let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::default());
///     (store.clone(), store)
/// });
/// ```
#[macro_export]
macro_rules! session_store_contract {
    ($name:ident, $make:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what is around it")]
            use super::*;

            $crate::session_store_contract!(@law replacing, $make);
            $crate::session_store_contract!(@law removing, $make);
            $crate::session_store_contract!(@law listing, $make);
            $crate::session_store_contract!(@law logins, $make);
            $crate::session_store_contract!(@law odd_names_and_records, $make);
            $crate::session_store_contract!(@law one_writer_of_many_wins, $make);
            $crate::session_store_contract!(@law one_taker_of_many_wins, $make);
        }
    };
    (@law $law:ident, $make:expr) => {
        #[tokio::test(flavor = "multi_thread")]
        async fn $law() {
            let (one, other) = $make;
            $crate::store::contract::$law(one, other).await;
        }
    };
}

/// Two handles on one store.
type Handle = Arc<dyn SessionStore>;

fn did(name: char) -> Did {
    Did::parse(&format!("did:plc:{}", name.to_string().repeat(24))).unwrap()
}

fn record(text: &str) -> Record {
    Record::new(text.as_bytes().to_vec())
}

async fn put(store: &Handle, key: &SessionKey, text: &str, expected: Option<u64>) -> PutOutcome {
    let put = store.put(key, &did('a'), &record(text), expected).await;
    put.unwrap()
}

async fn stored(store: &Handle, key: &SessionKey, text: &str, expected: Option<u64>) -> u64 {
    match put(store, key, text, expected).await {
        PutOutcome::Stored(version) => version,
        PutOutcome::Conflict => panic!("a put with the right version ({expected:?}) is stored"),
    }
}

/// A record is replaced by whoever knows its version, and by nobody else.
pub async fn replacing(one: Handle, other: Handle) {
    let key = SessionKey::new("key");
    assert_eq!(one.get(&key).await.unwrap(), None);
    assert_eq!(put(&one, &key, "x", Some(1)).await, PutOutcome::Conflict);
    let first = stored(&one, &key, "first", None).await;
    assert_eq!(
        other.get(&key).await.unwrap(),
        Some((record("first"), first)),
        "what is stored is seen by everybody"
    );
    assert_eq!(put(&other, &key, "x", None).await, PutOutcome::Conflict);
    let second = stored(&other, &key, "second", Some(first)).await;
    assert!(second > first, "versions grow");
    for wrong in [None, Some(first), Some(second + 1), Some(0), Some(u64::MAX)] {
        let outcome = put(&one, &key, "x", wrong).await;
        assert_eq!(outcome, PutOutcome::Conflict, "{wrong:?}");
    }
    assert_eq!(
        one.get(&key).await.unwrap(),
        Some((record("second"), second)),
        "a conflict changes nothing"
    );
}

/// What is removed is gone, and its versions with it.
pub async fn removing(one: Handle, other: Handle) {
    let key = SessionKey::new("key");
    assert!(!one.remove(&key, None).await.unwrap());
    assert!(!one.remove(&key, Some(1)).await.unwrap());
    let first = stored(&one, &key, "first", None).await;
    let second = stored(&one, &key, "second", Some(first)).await;
    assert!(!other.remove(&key, Some(first)).await.unwrap());
    assert!(one.get(&key).await.unwrap().is_some());
    assert!(other.remove(&key, Some(second)).await.unwrap());
    assert_eq!(one.get(&key).await.unwrap(), None);
    assert_eq!(
        put(&one, &key, "x", Some(second)).await,
        PutOutcome::Conflict
    );
    let again = stored(&one, &key, "again", None).await;
    assert!(
        again != first && again != second,
        "a version doesn't come back: somebody may still hold it"
    );
    assert!(one.remove(&key, None).await.unwrap());
}

/// By account, and all.
pub async fn listing(one: Handle, other: Handle) {
    assert!(one.list(None).await.unwrap().is_empty());
    for (name, owner) in [("a1", 'a'), ("b1", 'b'), ("a2", 'a')] {
        let key = SessionKey::new(name);
        let put = one.put(&key, &did(owner), &record("x"), None).await;
        put.unwrap();
    }
    let names = |mut keys: Vec<SessionKey>| {
        keys.sort();
        let names = keys.iter().map(|key| key.as_str().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(other.list(None).await.unwrap()), ["a1", "a2", "b1"]);
    let of_a = other.list(Some(&did('a'))).await.unwrap();
    assert_eq!(names(of_a), ["a1", "a2"]);
    assert!(other.list(Some(&did('c'))).await.unwrap().is_empty());
    one.remove(&SessionKey::new("a1"), None).await.unwrap();
    let of_a = other.list(Some(&did('a'))).await.unwrap();
    assert_eq!(names(of_a), ["a2"]);
}

/// A login is taken once, and in time.
pub async fn logins(one: Handle, other: Handle) {
    let later = NOW.plus(60);
    one.put_pending("a", &record("a"), later, NOW)
        .await
        .unwrap();
    one.put_pending("b", &record("b"), later, NOW)
        .await
        .unwrap();
    assert_eq!(other.take_pending("c", NOW).await.unwrap(), None);
    assert_eq!(
        other.take_pending("a", NOW).await.unwrap(),
        Some(record("a"))
    );
    assert_eq!(one.take_pending("a", NOW).await.unwrap(), None, "once");
    assert_eq!(one.take_pending("b", later).await.unwrap(), None, "in time");
    assert_eq!(
        one.take_pending("b", NOW).await.unwrap(),
        None,
        "gone for good"
    );
    assert!(
        one.list(None).await.unwrap().is_empty(),
        "a login is no session"
    );
    // Long after their time, others make place.
    for number in 0..50 {
        let name = format!("old {number}");
        one.put_pending(&name, &record("x"), later, NOW)
            .await
            .unwrap();
    }
    let after = NOW.plus(100_000);
    let until = after.plus(60);
    one.put_pending("new", &record("new"), until, after)
        .await
        .unwrap();
    let taken = other.take_pending("new", after).await.unwrap();
    assert_eq!(taken, Some(record("new")));
}

/// Names are text, records are bytes, whatever is in them.
pub async fn odd_names_and_records(one: Handle, other: Handle) {
    let long = "x".repeat(512);
    let names = [
        "",
        " ",
        "../up",
        "a/b",
        "NUL",
        "ümläut",
        "a'b\"; --",
        "%00",
        &long,
    ];
    let all: Vec<u8> = (0..=255).collect();
    for (number, name) in names.into_iter().enumerate() {
        let key = SessionKey::new(name);
        let bytes = match number % 3 {
            0 => vec![],
            1 => all.clone(),
            _ => all.repeat(4096),
        };
        let bytes = Record::new(bytes);
        let put = one.put(&key, &did('a'), &bytes, None).await.unwrap();
        let PutOutcome::Stored(version) = put else {
            panic!("{name:?} is another name than those before")
        };
        assert_eq!(other.get(&key).await.unwrap(), Some((bytes, version)));
    }
    let mut listed = other.list(None).await.unwrap();
    listed.sort();
    let mut expected: Vec<_> = names.into_iter().map(SessionKey::new).collect();
    expected.sort();
    assert_eq!(listed, expected);
}

/// Of all who write on the same version, one is told that it is stored.
pub async fn one_writer_of_many_wins(one: Handle, other: Handle) {
    const WRITERS: u32 = 32;
    const ROUNDS: u32 = 4;
    let key = SessionKey::new("counter");
    stored(&one, &key, "0", None).await;
    let write = |store: Handle| {
        let key = key.clone();
        tokio::spawn(async move {
            let mut successes = 0;
            for _ in 0..ROUNDS {
                let (found, version) = store.get(&key).await.unwrap().unwrap();
                let count: u32 = String::from_utf8_lossy(found.as_bytes()).parse().unwrap();
                let next = (count + 1).to_string();
                if put(&store, &key, &next, Some(version)).await != PutOutcome::Conflict {
                    successes += 1;
                }
            }
            successes
        })
    };
    let handles = [&one, &other].into_iter().cycle();
    let writers: Vec<_> = (0..WRITERS)
        .zip(handles)
        .map(|(_, handle)| write(handle.clone()))
        .collect();
    let mut successes = 0;
    for writer in writers {
        successes += writer.await.unwrap();
    }
    let (found, _) = one.get(&key).await.unwrap().unwrap();
    let count: u32 = String::from_utf8_lossy(found.as_bytes()).parse().unwrap();
    assert_eq!(count, successes, "each write that was reported is there");
    assert!(successes >= ROUNDS);
}

/// Of all who take a login, one gets it.
pub async fn one_taker_of_many_wins(one: Handle, other: Handle) {
    for round in 0..8 {
        let name = format!("login {round}");
        let until = NOW.plus(60);
        one.put_pending(&name, &record("x"), until, NOW)
            .await
            .unwrap();
        let take = |store: Handle| {
            let name = name.clone();
            tokio::spawn(async move { store.take_pending(&name, NOW).await.unwrap().is_some() })
        };
        let handles = [&one, &other].into_iter().cycle();
        let takers: Vec<_> = (0..64)
            .zip(handles)
            .map(|(_, handle)| take(handle.clone()))
            .collect();
        let mut got = 0;
        for taker in takers {
            got += u32::from(taker.await.unwrap());
        }
        assert_eq!(got, 1);
    }
}
