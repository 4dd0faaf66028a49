//! Requests that are pushed, approved and closed, and codes that are exchanged.

use std::sync::Arc;

use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::token::SessionId;
use atpass_provider::store::{
    ApproveOutcome, CodeRecord, ConsumeOutcome, RequestRecord, SessionRecord, Store,
};

use super::super::{NOW, code, request, session};
use super::history::{Dice, id, run};
use super::search::Model;

/// One request, and the two codes that it may become.
struct Requests;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    open: bool,
    codes: [Code; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Code {
    #[default]
    None,
    Issued,
    /// For this session.
    Exchanged(i64),
}

#[derive(Clone, Debug, PartialEq)]
enum Op {
    Push,
    Close,
    IsOpen,
    Approve(usize),
    Consume(usize, i64),
    Look(usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Out {
    Yes(bool),
    Approve(ApproveOutcome),
    Consume(ConsumeOutcome),
    Code(Code),
}

impl Model for Requests {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let mut next = state.clone();
        let allowed = match (op, out) {
            (Op::Push, Out::Yes(pushed)) => {
                next.open = true;
                *pushed != state.open
            }
            (Op::Close, Out::Yes(closed)) => {
                next.open = false;
                *closed == state.open
            }
            (Op::IsOpen, Out::Yes(open)) => *open == state.open,
            (Op::Approve(n), Out::Approve(outcome)) => {
                let code = next.codes.get_mut(*n)?;
                let used = *code != Code::None;
                match outcome {
                    ApproveOutcome::Issued => {
                        *code = Code::Issued;
                        next.open = false;
                        state.open && !used
                    }
                    // Where both hold, either may be told.
                    ApproveOutcome::RequestGone => !state.open,
                    ApproveOutcome::ChallengeUsed => used,
                }
            }
            (Op::Consume(n, session), Out::Consume(outcome)) => {
                let code = next.codes.get_mut(*n)?;
                match outcome {
                    ConsumeOutcome::Consumed => {
                        std::mem::replace(code, Code::Exchanged(*session)) == Code::Issued
                    }
                    ConsumeOutcome::AlreadyConsumed(session) => {
                        *code == Code::Exchanged(session.as_i64())
                    }
                    ConsumeOutcome::Gone => *code == Code::None,
                    ConsumeOutcome::AssertionUsed => false,
                }
            }
            (Op::Look(n), Out::Code(code)) => state.codes.get(*n) == Some(code),
            _ => false,
        };
        allowed.then_some(next)
    }

    fn is_quiet(&self, op: &Op, out: &Out) -> bool {
        match out {
            Out::Yes(yes) => !yes || *op == Op::IsOpen,
            Out::Approve(outcome) => *outcome != ApproveOutcome::Issued,
            Out::Consume(outcome) => *outcome != ConsumeOutcome::Consumed,
            Out::Code(_) => true,
        }
    }
}

pub(super) async fn check(store: &Arc<dyn Store>, round: u64) {
    let script = Dice::new(round).script(4, 4, |dice, caller, call| {
        let code = usize::from(dice.roll(2));
        let session = i64::try_from(2_000_000 + caller * 16 + call).unwrap()
            + i64::try_from(round).unwrap() * 100_000;
        match dice.roll(8) {
            0 | 1 => Op::Push,
            2 => Op::Close,
            3 => Op::IsOpen,
            4 | 5 => Op::Approve(code),
            6 => Op::Consume(code, session),
            _ => Op::Look(code),
        }
    });
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move { ask(&*store, round, object, op).await }
    };
    run(&Requests, State::default(), script, act).await;
}

async fn ask(store: &dyn Store, round: u64, object: usize, op: Op) -> Out {
    let request_id = id(1, round, object, 0);
    let code_id = |n: usize| id(1, round, object, n + 1);
    match op {
        Op::Push => {
            let record = RequestRecord {
                id: request_id,
                ..request(1)
            };
            Out::Yes(matches!(store.push_request(&record, None).await, Ok(None)))
        }
        Op::Close => Out::Yes(store.close_request(&request_id, NOW).await.unwrap()),
        Op::IsOpen => Out::Yes(store.request(&request_id, NOW).await.unwrap().is_some()),
        Op::Approve(n) => {
            let record = CodeRecord {
                id: code_id(n),
                challenge: CodeChallenge::from_bytes(code_id(n)),
                state: code_id(n),
                ..code(1)
            };
            Out::Approve(store.approve(&request_id, &record).await.unwrap())
        }
        Op::Consume(n, number) => {
            let record = SessionRecord {
                id: SessionId::from_i64(number),
                ..session(number, 1)
            };
            Out::Consume(
                store
                    .consume_code(&code_id(n), &record, None, NOW)
                    .await
                    .unwrap(),
            )
        }
        Op::Look(n) => {
            let code = store.code(&code_id(n)).await.unwrap();
            Out::Code(match code.map(|code| code.session) {
                None => Code::None,
                Some(None) => Code::Issued,
                Some(Some(session)) => Code::Exchanged(session.as_i64()),
            })
        }
    }
}
