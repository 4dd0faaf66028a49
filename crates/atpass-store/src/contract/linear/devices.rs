//! Browsers that people sign in and out on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use atpass_protocol::id::Did;
use atpass_provider::store::{DeviceSignIn, Store};

use super::super::{DAY, NOW};
use super::history::{CALLERS, Dice, id, run};
use super::search::Model;

/// Some browsers that few people share.
struct Devices;

/// Who is signed in where.
type State = BTreeMap<u8, BTreeSet<u8>>;

const OBJECTS: usize = 16;
const CALLS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    SignIn { old: Option<u8>, new: u8, who: u8 },
    SignOut { device: u8, who: u8 },
    SignOutOthers { keep: u8, who: u8 },
    Look(u8),
}

#[derive(Clone, Debug, PartialEq)]
enum Out {
    Done,
    Device(Option<BTreeSet<u8>>),
}

impl Model for Devices {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let mut next = state.clone();
        let mut expected = Out::Done;
        match op {
            Op::SignIn { old, new, who } => {
                let mut here = old.and_then(|old| next.remove(&old)).unwrap_or_default();
                here.insert(*who);
                next.insert(*new, here);
            }
            Op::SignOut { device, who } => {
                if let Some(here) = next.get_mut(device) {
                    here.remove(who);
                }
            }
            Op::SignOutOthers { keep, who } => {
                for (device, here) in &mut next {
                    if device != keep {
                        here.remove(who);
                    }
                }
            }
            Op::Look(device) => expected = Out::Device(state.get(device).cloned()),
        }
        (expected == *out).then_some(next)
    }

    fn is_quiet(&self, _: &Op, out: &Out) -> bool {
        *out != Out::Done
    }
}

pub(super) async fn check(store: &Arc<dyn Store>, round: u64) {
    let ids = u8::try_from(CALLERS / OBJECTS * CALLS).unwrap();
    let script = Dice::new(round).script(OBJECTS, CALLS, |dice, caller, call| {
        // A new id is nobody else's, as it is random; the old one may be anybody's.
        let new = u8::try_from(caller / OBJECTS * CALLS + call).unwrap();
        let (device, who) = (dice.roll(ids), dice.roll(2));
        match dice.roll(6) {
            0..3 => Op::SignIn {
                old: (device != new).then_some(device),
                new,
                who,
            },
            3 => Op::SignOut { device, who },
            4 => Op::SignOutOthers { keep: device, who },
            _ => Op::Look(device),
        }
    });
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move { ask(&*store, round, object, op).await }
    };
    run(&Devices, State::default(), script, act).await;
}

async fn ask(store: &dyn Store, round: u64, object: usize, op: Op) -> Out {
    let device = |n: u8| id(3, round, object, n.into());
    let did = |who: u8| Did::parse(&format!("did:web:{who}.{object}.{round}.example.com")).unwrap();
    match op {
        Op::SignIn { old, new, who } => {
            let sign_in = DeviceSignIn {
                old: old.map(device),
                new: device(new),
                did: did(who),
                now: NOW,
                expires_at: NOW.plus(DAY),
                remembered: true,
            };
            store.sign_in(&sign_in).await.unwrap();
        }
        Op::SignOut { device: n, who } => store.sign_out(&device(n), &did(who)).await.unwrap(),
        Op::SignOutOthers { keep, who } => {
            let keep = device(keep);
            store.sign_out_others(&keep, &did(who)).await.unwrap();
        }
        Op::Look(n) => {
            let found = store.device(&device(n), NOW).await.unwrap();
            let here = found.map(|found| {
                let accounts = found.accounts.into_iter();
                accounts
                    .map(|account| u8::from(account.did == did(1)))
                    .collect()
            });
            return Out::Device(here);
        }
    }
    Out::Done
}
