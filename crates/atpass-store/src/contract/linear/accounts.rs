//! Accounts that are made and given up, and the handles and invite codes that they want.

use std::collections::BTreeMap;
use std::sync::Arc;

use atpass_entryway::store::{AccountRecord, EntrywayStore, SignUpRecord, Taken};
use atpass_protocol::id::{Did, Handle};
use atpass_provider::accounts::Identifier;

use super::super::NOW;
use super::super::entryway::{account, did, handle};
use super::history::{Dice, run};
use super::search::Model;

/// Some accounts that want the same few handles, and an invite code.
struct Accounts;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    accounts: BTreeMap<u8, Account>,
    /// What is left of the invite code.
    uses: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Account {
    handle: u8,
    in_the_making: bool,
    invited: bool,
}

const OBJECTS: usize = 8;
const USES: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Begin { who: u8, handle: u8, invited: bool },
    Finish(u8),
    GiveUp(u8),
    SetHandle { who: u8, handle: u8 },
    Look(u8),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Result(Result<(), Taken>),
    Finished(bool),
    Done,
    Handle(Option<u8>),
}

impl State {
    fn has_another(&self, but: u8, handle: u8) -> bool {
        let mut accounts = self.accounts.iter();
        accounts.any(|(who, account)| *who != but && account.handle == handle)
    }

    fn finished(&self, who: u8) -> Option<&Account> {
        self.accounts
            .get(&who)
            .filter(|account| !account.in_the_making)
    }
}

impl Model for Accounts {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let mut next = state.clone();
        let allowed = match (*op, *out) {
            (
                Op::Begin {
                    who,
                    handle,
                    invited,
                },
                Out::Result(result),
            ) => {
                let did = state.accounts.contains_key(&who);
                let taken = state.accounts.values().any(|other| other.handle == handle);
                let used_up = invited && state.uses == 0;
                match result {
                    Ok(()) => {
                        next.uses = next.uses.saturating_sub(invited.into());
                        let new = Account {
                            handle,
                            in_the_making: true,
                            invited,
                        };
                        next.accounts.insert(who, new);
                        !did && !taken && !used_up
                    }
                    // Where several hold, each may be told.
                    Err(Taken::Did) => did,
                    Err(Taken::Handle) => taken,
                    Err(Taken::Invite) => used_up,
                    Err(Taken::Email) => false,
                }
            }
            (Op::Finish(who), Out::Finished(finished)) => {
                let account = next.accounts.get_mut(&who);
                let making = account.filter(|account| account.in_the_making);
                let was = making.map(|account| account.in_the_making = false);
                finished == was.is_some()
            }
            (Op::GiveUp(who), Out::Done) => {
                if state.finished(who).is_none()
                    && let Some(account) = next.accounts.remove(&who)
                {
                    next.uses += u8::from(account.invited);
                }
                true
            }
            (Op::SetHandle { who, handle }, Out::Result(result)) => {
                let taken = state.has_another(who, handle);
                match (result, state.finished(who).is_some()) {
                    (Ok(()), true) => {
                        let account = next.accounts.get_mut(&who)?;
                        account.handle = handle;
                        !taken
                    }
                    // Nothing happens to who isn't there, whatever is told.
                    (Ok(()), false) => true,
                    (Err(why), _) => taken && why == Taken::Handle,
                }
            }
            (Op::Look(who), Out::Handle(handle)) => {
                handle == state.finished(who).map(|account| account.handle)
            }
            _ => false,
        };
        allowed.then_some(next)
    }

    fn is_quiet(&self, _: &Op, out: &Out) -> bool {
        matches!(
            out,
            Out::Result(Err(_)) | Out::Finished(false) | Out::Handle(_)
        )
    }
}

pub(super) async fn check(store: &Arc<dyn EntrywayStore>, round: u64) {
    for object in 0..OBJECTS {
        let code = invite(round, object);
        store.add_invite(&code, USES.into(), NOW).await.unwrap();
    }
    let script = Dice::new(round).script(OBJECTS, 4, |dice, _, _| {
        let (who, handle) = (dice.roll(5), dice.roll(4));
        match dice.roll(8) {
            0..3 => Op::Begin {
                who,
                handle,
                invited: dice.roll(2) == 0,
            },
            3 => Op::Finish(who),
            4 => Op::GiveUp(who),
            5 => Op::SetHandle { who, handle },
            _ => Op::Look(who),
        }
    });
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move { ask(&*store, round, object, op).await }
    };
    let start = State {
        accounts: BTreeMap::new(),
        uses: USES,
    };
    run(&Accounts, start, script, act).await;
}

fn invite(round: u64, object: usize) -> String {
    format!("racing {round} {object}")
}

async fn ask(store: &dyn EntrywayStore, round: u64, object: usize, op: Op) -> Out {
    let did_of = |who: u8| -> Did { did(&format!("racing{round}-{object}-{who}")) };
    let named = |n: u8| -> Handle { handle(&format!("racing{round}-{object}-{n}")) };
    match op {
        Op::Begin {
            who,
            handle,
            invited,
        } => {
            let record = SignUpRecord {
                account: AccountRecord {
                    did: did_of(who),
                    handle: named(handle),
                    email: None,
                    ..account("racing")
                },
                operation: "{}".into(),
                invite: invited.then(|| invite(round, object)),
            };
            Out::Result(store.begin_sign_up(&record).await.unwrap())
        }
        Op::Finish(who) => Out::Finished(store.finish_sign_up(&did_of(who)).await.unwrap()),
        Op::GiveUp(who) => {
            store.give_up_sign_up(&did_of(who)).await.unwrap();
            Out::Done
        }
        Op::SetHandle { who, handle } => {
            let set = store.set_handle(&did_of(who), &named(handle)).await;
            Out::Result(set.unwrap())
        }
        Op::Look(who) => {
            let found = store.account(&Identifier::Did(did_of(who))).await.unwrap();
            Out::Handle(found.map(|account| {
                let is = |n: &u8| named(*n) == account.handle;
                (0..4).find(is).unwrap()
            }))
        }
    }
}
