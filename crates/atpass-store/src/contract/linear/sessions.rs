//! Sessions that are refreshed and ended.

use std::sync::Arc;

use atpass_protocol::pkce::CodeChallenge;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::SessionId;
use atpass_provider::refresh::{RefreshDecision, decide};
use atpass_provider::store::{
    CodeRecord, EndReason, RequestRecord, Rotation, SessionRecord, Store,
};

use super::super::{DAY, NOW, code, request, session};
use super::history::{Dice, Script, id, run};
use super::search::Model;

/// A session, by the rule itself.
struct Sessions;

/// Seconds for which a lost answer can be had again.
const RECOVERY: i64 = 60;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct State {
    generation: u32,
    /// Seconds after the beginning.
    rotated_at: i64,
    /// When it ended, and the word for why.
    ended: Option<(i64, &'static str)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Rotate { presented: u32, after: i64 },
    End { after: i64 },
    Look,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Out {
    Decision(RefreshDecision),
    Ended(bool),
    Session(State),
}

impl State {
    fn of(record: &SessionRecord) -> Self {
        let after = |at: UnixTime| at.since(NOW);
        Self {
            generation: record.generation,
            rotated_at: after(record.rotated_at),
            ended: record.ended.map(|(at, why)| (after(at), why.as_str())),
        }
    }

    fn record(self) -> SessionRecord {
        let why = |word| EndReason::ALL.into_iter().find(|why| why.as_str() == word);
        SessionRecord {
            generation: self.generation,
            rotated_at: NOW.plus(self.rotated_at),
            ended: self
                .ended
                .and_then(|(at, word)| Some((NOW.plus(at), why(word)?))),
            ..session(1, 1)
        }
    }

    /// What the rule decides, and what is so then.
    fn rotate(mut self, presented: u32, after: i64) -> (Self, RefreshDecision) {
        let row = self.record();
        let decision = decide(Some(&row), presented, NOW.plus(after), RECOVERY);
        match decision {
            RefreshDecision::Rotated { generation } => {
                (self.generation, self.rotated_at) = (generation, after);
            }
            RefreshDecision::Replayed => {
                self.ended = Some((after, EndReason::Replayed.as_str()));
            }
            _ => {}
        }
        (self, decision)
    }
}

impl Model for Sessions {
    type State = State;
    type Op = Op;
    type Out = Out;

    fn step(&self, state: &State, op: &Op, out: &Out) -> Option<State> {
        let (next, expected) = match *op {
            Op::Rotate { presented, after } => {
                let (next, decision) = state.rotate(presented, after);
                (next, Out::Decision(decision))
            }
            Op::End { after } => {
                let ended = state.ended.or(Some((after, EndReason::Revoked.as_str())));
                (State { ended, ..*state }, Out::Ended(state.ended.is_none()))
            }
            Op::Look => (*state, Out::Session(*state)),
        };
        (expected == *out).then_some(next)
    }

    fn is_quiet(&self, _: &Op, out: &Out) -> bool {
        match out {
            Out::Decision(decision) => !matches!(
                decision,
                RefreshDecision::Rotated { .. } | RefreshDecision::Replayed
            ),
            Out::Ended(ended) => !ended,
            Out::Session(_) => true,
        }
    }
}

/// Callers present what is about current; few present what ends a session, and few end it.
fn script(round: u64) -> Script<Op> {
    Dice::new(round).script(4, 5, |dice, _, call| {
        let call = u32::try_from(call).unwrap();
        let after = i64::from(dice.roll(90));
        match dice.roll(40) {
            0 => Op::End { after },
            1 => Op::Rotate {
                presented: call + 1,
                after,
            },
            2..8 => Op::Look,
            8..20 => Op::Rotate {
                presented: call.saturating_sub(1),
                after,
            },
            _ => Op::Rotate {
                presented: call,
                after,
            },
        }
    })
}

pub(super) async fn check(store: &Arc<dyn Store>, round: u64) {
    let number = move |object: usize| {
        let (round, object) = (i64::try_from(round), i64::try_from(object));
        3_000_000 + round.unwrap() * 1000 + object.unwrap()
    };
    for object in 0..4 {
        let id = id(2, round, object, 0);
        let asked = RequestRecord { id, ..request(1) };
        store.push_request(&asked, None).await.unwrap();
        let issued = CodeRecord {
            id,
            challenge: CodeChallenge::from_bytes(id),
            state: id,
            ..code(1)
        };
        store.approve(&id, &issued).await.unwrap();
        let begun = session(number(object), 1);
        store.consume_code(&id, &begun, None, NOW).await.unwrap();
    }
    let store = store.clone();
    let act = move |object: usize, op: Op| {
        let store = store.clone();
        async move {
            let session = SessionId::from_i64(number(object));
            match op {
                Op::Rotate { presented, after } => {
                    let rotation = Rotation {
                        session,
                        presented,
                        now: NOW.plus(after),
                        refresh_expires_at: NOW.plus(10 * DAY),
                        recovery: RECOVERY,
                        assertion: None,
                    };
                    Out::Decision(store.rotate(&rotation).await.unwrap())
                }
                Op::End { after } => {
                    let (why, now) = (EndReason::Revoked, NOW.plus(after));
                    Out::Ended(store.end_session(session, why, now).await.unwrap())
                }
                Op::Look => {
                    let record = store.session(session).await.unwrap().unwrap();
                    Out::Session(State::of(&record))
                }
            }
        }
    };
    run(&Sessions, State::default(), script(round), act).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::history::try_run;
    use super::*;

    /// A store that reads, decides and then writes, or does it all at once.
    async fn history(round: u64, at_once: bool) -> Result<(), String> {
        let sessions: Arc<[Mutex<State>; 4]> = Arc::default();
        let act = move |object: usize, op: Op| {
            let sessions = sessions.clone();
            async move {
                let session = &sessions[object];
                let decide = |state: State| match op {
                    Op::Rotate { presented, after } => {
                        let (next, decision) = state.rotate(presented, after);
                        (next, Out::Decision(decision))
                    }
                    Op::End { after } => {
                        let ended = state.ended.or(Some((after, EndReason::Revoked.as_str())));
                        (State { ended, ..state }, Out::Ended(state.ended.is_none()))
                    }
                    Op::Look => (state, Out::Session(state)),
                };
                if at_once {
                    let mut state = session.lock().unwrap();
                    let (next, out) = decide(*state);
                    *state = next;
                    return out;
                }
                let read = *session.lock().unwrap();
                let (next, out) = decide(read);
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
                *session.lock().unwrap() = next;
                out
            }
        };
        try_run(&Sessions, State::default(), script(round), act).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn reading_before_writing_is_found() {
        let mut found = 0;
        for round in 0..20 {
            history(round, true).await.unwrap();
            if let Err(told) = history(round, false).await {
                assert!(told.contains("no order of these calls"), "{told}");
                found += 1;
            }
        }
        println!("found in {found} of 20 histories");
        assert!(found > 0);
    }
}
