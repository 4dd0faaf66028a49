//! Signing keys that are added and given up, and secrets that all agree on.

use std::sync::Arc;

use atpass_provider::store::{SigningKeyRecord, Store};

use super::super::NOW;
use super::history::{Dice, run};
use super::search::Model;

/// One key, and one secret.
struct Keys;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    key: Key,
    secret: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Key {
    #[default]
    None,
    InUse,
    /// So many seconds after the beginning.
    Retired(i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Add,
    Retire(i64),
    Look,
    Secret(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Yes(bool),
    Key(Key),
    Secret(u8),
}

impl Model for Keys {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let mut next = *state;
        let expected = match *op {
            Op::Add => {
                let new = state.key == Key::None;
                if new {
                    next.key = Key::InUse;
                }
                Out::Yes(new)
            }
            Op::Retire(after) => {
                let in_use = state.key == Key::InUse;
                if in_use {
                    next.key = Key::Retired(after);
                }
                Out::Yes(in_use)
            }
            Op::Look => Out::Key(state.key),
            Op::Secret(candidate) => Out::Secret(*next.secret.get_or_insert(candidate)),
        };
        (expected == *out).then_some(next)
    }

    fn is_quiet(&self, op: &Op, out: &Out) -> bool {
        match (op, out) {
            (Op::Secret(candidate), Out::Secret(secret)) => candidate != secret,
            _ => *out != Out::Yes(true),
        }
    }
}

pub(super) async fn check(store: &Arc<dyn Store>, round: u64) {
    let script = Dice::new(round).script(8, 4, |dice, _, _| match dice.roll(5) {
        0 => Op::Add,
        1 => Op::Retire(dice.roll(100).into()),
        2 | 3 => Op::Look,
        _ => Op::Secret(dice.roll(100)),
    });
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move { ask(&*store, &format!("racing {round} {object}"), op).await }
    };
    run(&Keys, State::default(), script, act).await;
}

async fn ask(store: &dyn Store, name: &str, op: Op) -> Out {
    match op {
        Op::Add => {
            let key = SigningKeyRecord {
                kid: name.to_owned(),
                pkcs8: vec![1].into(),
                created_at: NOW,
                signs_from: NOW,
                retired_at: None,
            };
            Out::Yes(store.add_signing_key(&key).await.is_ok())
        }
        Op::Retire(after) => {
            let retired = store.retire_signing_key(name, NOW.plus(after)).await;
            Out::Yes(retired.unwrap())
        }
        Op::Look => {
            let keys = store.signing_keys().await.unwrap();
            let found = keys.into_iter().find(|key| key.kid == name);
            Out::Key(match found.map(|key| key.retired_at) {
                None => Key::None,
                Some(None) => Key::InUse,
                Some(Some(at)) => Key::Retired(at.since(NOW)),
            })
        }
        Op::Secret(candidate) => {
            let [secret, ..] = store.secret(name, &[candidate; 32]).await.unwrap();
            Out::Secret(secret)
        }
    }
}
