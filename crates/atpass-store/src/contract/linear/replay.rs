//! What counts once only.

use std::sync::Arc;

use atpass_replay::{Fresh, Namespace, Replay};

use super::super::NOW;
use super::history::{Dice, id, run};
use super::search::Model;

/// One key; the state is whether it was seen.
struct Once;

impl Model for Once {
    type State = bool;
    type Op = ();
    type Out = bool;

    fn step(&self, seen: &bool, (): &(), first: &bool) -> Option<bool> {
        (*first != *seen).then_some(true)
    }

    fn is_quiet(&self, (): &(), first: &bool) -> bool {
        !first
    }
}

/// Whether each key counts once, and not for two who ask at the same time. For a memory that forgets
/// nothing meanwhile.
///
/// # Panics
///
/// Where that doesn't hold, with the history; and where the memory fails.
pub async fn check_replay_is_atomic(replay: Arc<dyn Replay>, namespace: Namespace) {
    for round in 0..super::ROUNDS {
        let script = Dice::new(round).script(16, 3, |_, _, _| ());
        let replay = replay.clone();
        let act = move |object: usize, ()| {
            let replay = replay.clone();
            async move {
                let key = id(5, round, object, 0);
                let until = NOW.plus(60);
                let fresh = replay.accept_once(namespace, &key, until, NOW).await;
                fresh.unwrap() == Fresh::First
            }
        };
        run(&Once, false, script, act).await;
    }
}
