//! Client assertions, which count once.

use std::sync::Arc;

use atpass_provider::store::{AssertionUse, Store};

use super::super::NOW;
use super::history::{Dice, id, run};
use super::search::Model;

/// One assertion; the state is whether it was used.
struct Once;

impl Model for Once {
    type State = bool;
    type Op = ();
    type Out = bool;

    fn step(&self, used: &bool, (): &(), first: &bool) -> Option<bool> {
        (*first != *used).then_some(true)
    }

    fn is_quiet(&self, (): &(), first: &bool) -> bool {
        !first
    }
}

pub(super) async fn check(store: &Arc<dyn Store>, round: u64) {
    let script = Dice::new(round).script(16, 3, |_, _, _| ());
    let store = store.clone();
    let act = move |object: usize, ()| {
        let store = store.clone();
        async move {
            let assertion = AssertionUse {
                key: id(5, round, object, 0),
                until: NOW.plus(60),
            };
            store.use_assertion(&assertion, NOW).await.unwrap()
        }
    };
    run(&Once, false, script, act).await;
}
