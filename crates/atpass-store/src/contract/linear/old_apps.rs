//! What an account has for old apps: passwords and sessions; the codes of its letters; and its own
//! password, which ends all of them when it is changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use atpass_entryway::store::{
    AccountRecord, AppPasswordRecord, EmailPurpose, EntrywayStore, LegacyRotation, SignUpRecord,
};
use atpass_protocol::token::SessionId;

use super::super::entryway::{account, app_password, did, new, session};
use super::super::{DAY, NOW};
use super::history::{CALLERS, Dice, run};
use super::search::Model;

/// One account.
struct OldApps;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    password: u8,
    has_app_password: bool,
    code: Option<u8>,
    sessions: BTreeMap<u8, Session>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Session {
    generation: u32,
    of_app_password: bool,
}

const OBJECTS: usize = 8;
const CALLS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    ChangePassword(u8),
    AddAppPassword,
    RevokeAppPassword,
    /// With the password that was checked, or the app password.
    Begin(u8, Option<u8>),
    Rotate {
        session: u8,
        presented: u32,
    },
    End(u8),
    PutCode(u8),
    UseCode {
        code: u8,
        named: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Done,
    Yes(bool),
    Generation(Option<u32>),
}

impl Model for OldApps {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let mut next = state.clone();
        let expected = match *op {
            Op::ChangePassword(password) => {
                next = State {
                    password,
                    ..State::default()
                };
                Out::Done
            }
            Op::AddAppPassword => {
                next.has_app_password = true;
                Out::Yes(!state.has_app_password)
            }
            Op::RevokeAppPassword => {
                next.has_app_password = false;
                next.sessions.retain(|_, session| !session.of_app_password);
                Out::Done
            }
            Op::Begin(id, checked) => {
                let good =
                    checked.map_or(state.has_app_password, |checked| checked == state.password);
                if good {
                    let session = Session {
                        generation: 0,
                        of_app_password: checked.is_none(),
                    };
                    next.sessions.insert(id, session);
                }
                Out::Yes(good)
            }
            Op::Rotate { session, presented } => {
                Out::Generation(rotate(&mut next, session, presented))
            }
            Op::End(id) => {
                next.sessions.remove(&id);
                Out::Done
            }
            Op::PutCode(code) => {
                next.code = Some(code);
                Out::Done
            }
            Op::UseCode { code, .. } => {
                let good = state.code == Some(code);
                if good {
                    next.code = None;
                }
                Out::Yes(good)
            }
        };
        (expected == *out).then_some(next)
    }

    fn is_quiet(&self, op: &Op, out: &Out) -> bool {
        match (op, out) {
            (Op::Rotate { presented, .. }, Out::Generation(generation)) => {
                *generation == Some(*presented)
            }
            _ => *out == Out::Yes(false),
        }
    }
}

/// All of it is within the grace.
fn rotate(state: &mut State, id: u8, presented: u32) -> Option<u32> {
    let session = state.sessions.get_mut(&id)?;
    if presented == session.generation {
        session.generation += 1;
    } else if presented + 1 != session.generation {
        state.sessions.remove(&id);
        return None;
    }
    Some(session.generation)
}

pub(super) async fn check(store: &Arc<dyn EntrywayStore>, round: u64) {
    for object in 0..OBJECTS {
        let name = name(round, object);
        let record = SignUpRecord {
            account: AccountRecord {
                password_hash: "password 0".into(),
                ..account(&name)
            },
            ..new(&name, None)
        };
        store.begin_sign_up(&record).await.unwrap().unwrap();
        store.finish_sign_up(&did(&name)).await.unwrap();
    }
    let sessions = u8::try_from(CALLERS / OBJECTS * CALLS).unwrap();
    let script = Dice::new(round).script(OBJECTS, CALLS, |dice, caller, call| {
        let id = u8::try_from(caller / OBJECTS * CALLS + call).unwrap();
        let some = dice.roll(sessions);
        match dice.roll(24) {
            0 => Op::ChangePassword(dice.roll(3)),
            1..4 => Op::AddAppPassword,
            4 => Op::RevokeAppPassword,
            5..8 => Op::Begin(id, None),
            8..11 => Op::Begin(id, Some(dice.roll(2))),
            11..17 => Op::Rotate {
                session: some,
                presented: u32::from(dice.roll(3)) / 2,
            },
            17 => Op::End(some),
            18..21 => Op::PutCode(dice.roll(2)),
            _ => Op::UseCode {
                code: dice.roll(2),
                named: dice.roll(2) == 0,
            },
        }
    });
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move { ask(&*store, round, object, op).await }
    };
    run(&OldApps, State::default(), script, act).await;
}

fn name(round: u64, object: usize) -> String {
    format!("old-apps{round}-{object}")
}

async fn ask(store: &dyn EntrywayStore, round: u64, object: usize, op: Op) -> Out {
    let name = name(round, object);
    let (did, purpose) = (did(&name), EmailPurpose::ResetPassword);
    let numbered = i64::try_from(round).unwrap() * 10_000 + i64::try_from(object).unwrap() * 1000;
    let number = |id: u8| 4_000_000 + numbered + i64::from(id);
    let code = |code: u8| super::history::id(4, round, object, code.into());
    match op {
        Op::ChangePassword(n) => {
            let hash = format!("password {n}");
            store.change_password(&did, &hash, NOW).await.unwrap();
        }
        Op::AddAppPassword => {
            let record: AppPasswordRecord = app_password(&name, "app");
            return Out::Yes(store.add_app_password(&record).await.unwrap());
        }
        Op::RevokeAppPassword => store.revoke_app_password(&did, "app").await.unwrap(),
        Op::Begin(id, checked) => {
            let app = checked.is_none().then_some("app");
            let hash = checked.map_or("hash of app".into(), |n| format!("password {n}"));
            let record = session(number(id), &name, app);
            let begun = store.begin_legacy_session(&record, &hash).await;
            return Out::Yes(begun.unwrap());
        }
        Op::Rotate { session, presented } => {
            let id = SessionId::from_i64(number(session));
            let rotation = store
                .rotate_legacy_session(id, presented, NOW, 60, NOW.plus(DAY))
                .await;
            return Out::Generation(match rotation.unwrap() {
                LegacyRotation::GoesOn(session) => Some(session.generation),
                LegacyRotation::Over => None,
            });
        }
        Op::End(id) => {
            let id = SessionId::from_i64(number(id));
            store.end_legacy_session(id).await.unwrap();
        }
        Op::PutCode(n) => {
            let until = NOW.plus(600);
            let put = store.put_email_code(&did, purpose, &code(n), until).await;
            put.unwrap();
        }
        Op::UseCode { code: n, named } => {
            let whose = named.then_some(&did);
            let used = store.use_email_code(whose, purpose, &code(n), NOW).await;
            return Out::Yes(used.unwrap().is_some());
        }
    }
    Out::Done
}
