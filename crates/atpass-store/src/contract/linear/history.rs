//! Runs callers at once, and writes down what each was answered, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Barrier;

use super::search::{Call, Model, order};

/// Callers at once.
pub(super) const CALLERS: usize = 64;

/// A history: for each caller what it asks, one after the other, and of which object.
pub(super) type Script<Op> = Vec<Vec<(usize, Op)>>;

/// Lets all callers loose. Panics with the history where an object's answers have no order.
pub(super) async fn run<M, F>(
    model: &M,
    start: M::State,
    script: Script<M::Op>,
    act: impl Fn(usize, M::Op) -> F + Clone + Send + 'static,
) where
    M: Model<Op: Send, Out: Send> + 'static,
    F: Future<Output = M::Out> + Send,
{
    if let Err(history) = try_run(model, start, script, act).await {
        panic!("{history}");
    }
}

/// The same, with the history in place of a panic.
pub(super) async fn try_run<M, F>(
    model: &M,
    start: M::State,
    script: Script<M::Op>,
    act: impl Fn(usize, M::Op) -> F + Clone + Send + 'static,
) -> Result<(), String>
where
    M: Model<Op: Send, Out: Send> + 'static,
    F: Future<Output = M::Out> + Send,
{
    let (ticks, all) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(Barrier::new(script.len())),
    );
    let tasks = script.into_iter().enumerate().map(|(caller, ops)| {
        let (ticks, all, act) = (ticks.clone(), all.clone(), act.clone());
        tokio::spawn(async move {
            let tick = || ticks.fetch_add(1, Ordering::SeqCst);
            all.wait().await;
            let mut calls = Vec::new();
            for (object, op) in ops {
                let begun = tick();
                let out = act(object, op.clone()).await;
                let ended = tick();
                let call = Call {
                    caller,
                    op,
                    out,
                    begun,
                    ended,
                };
                calls.push((object, call));
            }
            calls
        })
    });
    // An object of its own is one history: the whole is in order where each part is.
    let mut parts: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for task in tasks.collect::<Vec<_>>() {
        for (object, call) in task.await.unwrap() {
            parts.entry(object).or_default().push(call);
        }
    }
    for (object, calls) in parts {
        order(model, start.clone(), &calls)
            .map_err(|history| format!("object {object}: {history}"))?;
    }
    Ok(())
}

/// Numbers that look random and are the same for the same seed: `SplitMix64` (Steele, Lea and Flood, 2014).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn roll(&mut self, sides: u8) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = (z ^ (z >> 31)) % u64::from(sides.max(1));
        u8::try_from(number).unwrap()
    }

    /// A script: callers in turns on so many objects, each with so many calls, made by `op` from the
    /// caller, the number of the call, and the dice.
    pub(super) fn script<Op>(
        mut self,
        objects: usize,
        calls: usize,
        op: impl Fn(&mut Self, usize, usize) -> Op,
    ) -> Script<Op> {
        let mut caller = |caller: usize| {
            let calls = (0..calls).map(|n| (caller % objects, op(&mut self, caller, n)));
            calls.collect()
        };
        (0..CALLERS).map(&mut caller).collect()
    }
}

/// A name that no other history uses, as the id of something.
pub(super) fn id(kind: u8, round: u64, object: usize, n: usize) -> [u8; 32] {
    let mut id = [0xee; 32];
    let numbers = [
        kind,
        u8::try_from(round).unwrap(),
        u8::try_from(object).unwrap(),
        u8::try_from(n).unwrap(),
    ];
    for (place, number) in id.iter_mut().zip(numbers) {
        *place = number;
    }
    id
}
