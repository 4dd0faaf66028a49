//! What is kept of a lexicon, and for how long it is good (clause SC-INC-05).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use atpass_identity::{
    FoundLexicon, KeptLexicon, LexiconCache, LexiconError, LexiconLifetimes, LexiconStore,
    LexiconStoreError, MemoryLexicons,
};
use atpass_protocol::id::Nsid;
use atpass_protocol::time::Clock;
use serde_json::json;

use super::row::label;
use super::scene::{NSID, Publisher, Reply, Scene, Stage, lexicon, nsid};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

struct Kept {
    stage: Stage,
    store: Arc<MemoryLexicons>,
    cache: LexiconCache,
}

impl Kept {
    async fn start(scene: Scene) -> Self {
        let stage = scene.start().await;
        let store = Arc::new(MemoryLexicons::default());
        let cache = LexiconCache::new(stage.resolver.clone(), store.clone());
        Self {
            stage,
            store,
            cache,
        }
    }

    async fn good() -> Self {
        Self::start(Scene::of(&Publisher::p256())).await
    }

    async fn new_session(&self) -> Result<FoundLexicon, LexiconError> {
        let now = self.stage.clock.now();
        self.cache.for_new_session(&nsid(), now).await
    }

    async fn old_session(&self) -> Result<FoundLexicon, LexiconError> {
        let now = self.stage.clock.now();
        self.cache.for_existing_session(&nsid(), now).await
    }

    /// The PDS fails from now on.
    fn fail(&self) {
        self.stage.change(|scene| scene.record = Reply::status(500));
    }

    fn publish(&self, title: &str) {
        let mut record = lexicon(NSID);
        record["defs"]["main"]["title"] = json!(title);
        let publisher = Publisher::p256().with_record(&record);
        self.stage.change(|scene| *scene = Scene::of(&publisher));
    }
}

fn title(found: &FoundLexicon) -> &str {
    found.schema.document["defs"]["main"]["title"]
        .as_str()
        .unwrap()
}

/// Clause SC-INC-05: for a day nobody is asked; then the new value counts at once.
#[tokio::test]
async fn fresh_for_a_day() {
    let kept = Kept::good().await;
    let first = kept.new_session().await.unwrap();
    assert_eq!(first.resolved_at, kept.stage.clock.now());
    kept.publish("New");
    kept.stage.clock.advance(DAY - 1);
    assert_eq!(kept.new_session().await.unwrap(), first);
    assert_eq!(kept.old_session().await.unwrap(), first);
    assert_eq!(kept.stage.fetched(), 1);

    kept.stage.clock.advance(1);
    let second = kept.old_session().await.unwrap();
    assert_eq!(title(&second), "New");
    assert_eq!(second.resolved_at, kept.stage.clock.now());
    assert_eq!(second.failure, None);
    assert_eq!(kept.new_session().await.unwrap(), second);
    assert_eq!(kept.stage.fetched(), 2);
}

/// Clause SC-INC-05: what was never seen can't be used by anybody.
#[tokio::test]
async fn never_seen() {
    let kept = Kept::good().await;
    kept.fail();
    for found in [kept.new_session().await, kept.old_session().await] {
        assert_eq!(label(&found.unwrap_err()), "fetch: status");
    }
}

/// Clause SC-INC-05: stale is better than nothing, and expired still good enough for
/// sessions that are there.
#[tokio::test]
async fn stale_and_expired() {
    let kept = Kept::good().await;
    let first = kept.new_session().await.unwrap();
    kept.fail();
    for age in [DAY, 30 * DAY, 90 * DAY - 61] {
        let age_now = kept.stage.clock.now().since(first.resolved_at);
        kept.stage.clock.advance(age - age_now);
        for found in [kept.new_session().await, kept.old_session().await] {
            let found = found.unwrap();
            assert_eq!(found.schema, first.schema);
            assert_eq!(found.resolved_at, first.resolved_at);
            assert_eq!(label(&found.failure.unwrap()), "fetch: status");
        }
    }
    kept.stage.clock.advance(60);
    kept.new_session().await.unwrap();
    kept.stage.clock.advance(1);
    let error = kept.new_session().await.unwrap_err();
    assert_eq!(label(&error), "fetch: status");
    kept.stage.clock.advance(10_000 * DAY);
    let found = kept.old_session().await.unwrap();
    assert_eq!(found.schema, first.schema);

    // What comes back is good for both.
    kept.publish("Back");
    kept.stage.clock.advance(60);
    assert_eq!(title(&kept.new_session().await.unwrap()), "Back");
    assert_eq!(title(&kept.old_session().await.unwrap()), "Back");
}

/// Clause SC-INC-05: a publisher who removes the lexicon, or sends no proof, ends no session.
#[tokio::test]
async fn removed() {
    let kept = Kept::good().await;
    let first = kept.new_session().await.unwrap();
    let mut publisher = Publisher::p256();
    publisher.repository.records.remove(super::scene::PATH);
    for (scene, expected) in [
        (Scene::of(&publisher), "not_found"),
        (
            Scene {
                record: Reply::car(vec![]),
                ..Scene::of(&publisher)
            },
            "proof",
        ),
        (
            Scene {
                document: Reply::status(404),
                ..Scene::of(&publisher)
            },
            "account",
        ),
    ] {
        kept.stage.change(|now| *now = scene);
        kept.stage.clock.advance(DAY);
        let found = kept.old_session().await.unwrap();
        assert_eq!(found.schema, first.schema);
        assert_eq!(found.failure.unwrap().stage.name(), expected);
    }
}

/// A failure is remembered for a minute: whoever asks in it is told at once.
#[tokio::test]
async fn failures_are_remembered() {
    let kept = Kept::good().await;
    kept.fail();
    kept.new_session().await.unwrap_err();
    kept.publish("Back");
    let asked = kept.stage.asked().len();
    for _ in 0..5 {
        kept.stage.clock.advance(10);
        kept.new_session().await.unwrap_err();
        kept.stage.clock.advance(1);
        kept.old_session().await.unwrap_err();
    }
    assert_eq!(kept.stage.asked().len(), asked);
    kept.stage.clock.advance(5);
    assert_eq!(title(&kept.new_session().await.unwrap()), "Back");
}

/// Who asks while one asks gets the same answer.
#[tokio::test]
async fn one_look_up_for_all() {
    let kept = Kept::good().await;
    let now = kept.stage.clock.now();
    let callers: Vec<_> = (0..50)
        .map(|n| {
            let cache = kept.cache.clone();
            tokio::spawn(async move {
                if n % 2 == 0 {
                    cache.for_new_session(&nsid(), now).await
                } else {
                    cache.for_existing_session(&nsid(), now).await
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(kept.stage.fetched(), 1);
}

/// Who gives up doesn't end it for the others, nor for the next.
#[tokio::test]
async fn who_gives_up() {
    let kept = Kept::good().await;
    let given_up = tokio::time::timeout(Duration::ZERO, kept.new_session()).await;
    assert!(given_up.is_err());
    kept.new_session().await.unwrap();
    assert_eq!(kept.stage.fetched(), 1);
}

/// Clause SC-INC-05: a slow publisher keeps nobody waiting who has an old value.
#[tokio::test]
async fn slow_publishers() {
    let slow = Scene {
        deadline: Duration::from_secs(15),
        ..Scene::of(&Publisher::p256())
    };
    let mut kept = Kept::start(slow).await;
    kept.cache = kept.cache.with_lifetimes(LexiconLifetimes {
        patience: Duration::from_millis(50),
        ..LexiconLifetimes::default()
    });
    let first = kept.new_session().await.unwrap();
    kept.stage.clock.advance(DAY);
    kept.stage.change(|scene| scene.record = Reply::silent());
    assert_eq!(kept.old_session().await.unwrap(), first);
    assert_eq!(kept.new_session().await.unwrap(), first);
    assert_eq!(kept.stage.fetched(), 2, "one waits for all");
}

/// Clause SC-INC-05: what is no permission set any more never takes the place of one.
#[tokio::test]
async fn lexicons_of_another_kind() {
    let mut kept = Kept::good().await;
    kept.cache = kept.cache.with_check(|schema| {
        let kind = &schema.document["defs"]["main"]["type"];
        (kind == "permission-set")
            .then_some(())
            .ok_or_else(|| format!("it is a {kind}"))
    });
    let first = kept.new_session().await.unwrap();
    let mut record = lexicon(NSID);
    record["defs"]["main"]["type"] = json!("record");
    let publisher = Publisher::p256().with_record(&record);
    kept.stage.change(|scene| *scene = Scene::of(&publisher));
    kept.stage.clock.advance(DAY);
    let found = kept.old_session().await.unwrap();
    assert_eq!(found.schema, first.schema);
    assert_eq!(label(&found.failure.unwrap()), "unfit: it is a \"record\"");
    kept.stage.clock.advance(90 * DAY);
    assert_eq!(kept.new_session().await.unwrap_err().stage.name(), "unfit");
    assert_eq!(kept.old_session().await.unwrap().schema, first.schema);
}

/// What is kept outlives the process.
#[tokio::test]
async fn another_process() {
    let kept = Kept::good().await;
    let first = kept.new_session().await.unwrap();
    let other = LexiconCache::new(kept.stage.resolver.clone(), kept.store.clone());
    let now = kept.stage.clock.now();
    let found = other.for_new_session(&nsid(), now).await.unwrap();
    assert_eq!(found, first);
    assert_eq!(kept.stage.fetched(), 1);

    // A clock that went back trusts nothing that it hasn't seen.
    let before = now.plus(-1);
    other.for_new_session(&nsid(), before).await.unwrap();
    assert_eq!(kept.stage.fetched(), 2);
}

/// A store that fails when it is told to.
#[derive(Default)]
struct Faulty {
    store: MemoryLexicons,
    fails: AtomicBool,
}

impl Faulty {
    fn check(&self) -> Result<(), LexiconStoreError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(LexiconStoreError("the disk is full".into()));
        }
        Ok(())
    }
}

#[async_trait]
impl LexiconStore for Faulty {
    async fn get(&self, nsid: &Nsid) -> Result<Option<KeptLexicon>, LexiconStoreError> {
        self.check()?;
        self.store.get(nsid).await
    }

    async fn put(&self, nsid: &Nsid, kept: &KeptLexicon) -> Result<(), LexiconStoreError> {
        self.check()?;
        self.store.put(nsid, kept).await
    }
}

/// A store that fails is our fault, and passes.
#[tokio::test]
async fn a_store_that_fails() {
    let store = Arc::new(Faulty::default());
    let mut kept = Kept::good().await;
    kept.cache = LexiconCache::new(kept.stage.resolver.clone(), store.clone());
    store.fails.store(true, Ordering::SeqCst);
    // The network can help.
    let found = kept.old_session().await.unwrap();
    assert_eq!(
        label(&found.failure.unwrap()),
        "store: the store of lexicons failed (the disk is full)"
    );
    kept.fail();
    for found in [kept.new_session().await, kept.old_session().await] {
        let error = found.unwrap_err();
        assert_eq!(error.stage.name(), "store");
        assert!(error.is_transient());
    }

    // What can't be read is no lexicon.
    store.fails.store(false, Ordering::SeqCst);
    let bent = KeptLexicon {
        resolved_at: kept.stage.clock.now(),
        did: found.schema.did.clone(),
        cid: found.schema.cid,
        document: "{".into(),
    };
    store.put(&nsid(), &bent).await.unwrap();
    assert_eq!(kept.old_session().await.unwrap_err().stage.name(), "store");
}
