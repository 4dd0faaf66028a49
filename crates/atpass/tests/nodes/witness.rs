//! Writes down what is sent and told, and what the proxy saw of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::history::{Act, History, Millis, Outcome, Spell};
use crate::moment::Stopwatch;

/// What became of a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Forwarded,
    /// The proxy cut it before it reached a node.
    CutBefore,
    /// A node answered with this status, and the proxy cut the answer.
    Withheld(u16),
    /// The node died before its answer was complete.
    NodeGone,
    /// No node took it.
    NoNode,
}

pub(crate) struct Witness {
    since: Stopwatch,
    next: AtomicU64,
    acts: Mutex<Vec<Act>>,
    fates: Mutex<HashMap<u64, Fate>>,
    spells: Mutex<Vec<Spell>>,
    accidents: Mutex<Vec<String>>,
    asked_twice: Mutex<Vec<Millis>>,
}

impl Witness {
    pub(crate) fn new() -> Self {
        Self {
            since: Stopwatch::start(),
            next: AtomicU64::new(1),
            acts: Mutex::default(),
            fates: Mutex::default(),
            spells: Mutex::default(),
            accidents: Mutex::default(),
            asked_twice: Mutex::default(),
        }
    }

    pub(crate) fn now(&self) -> Millis {
        self.since.elapsed()
    }

    /// A number that nothing else has: for a request, a proof, an assertion.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn write(&self, act: Act) {
        self.acts.lock().unwrap().push(act);
    }

    /// The proxy's word.
    pub(crate) fn saw(&self, request: u64, fate: Fate) {
        self.fates.lock().unwrap().insert(request, fate);
    }

    pub(crate) fn spell(&self, spell: Spell) {
        self.spells.lock().unwrap().push(spell);
    }

    pub(crate) fn accident(&self, text: String) {
        self.accidents.lock().unwrap().push(text);
    }

    /// Somebody was asked for another nonce twice in a row.
    pub(crate) fn asked_twice(&self) {
        let now = self.now();
        self.asked_twice.lock().unwrap().push(now);
    }

    /// The status of an answer that was held back.
    pub(crate) fn withheld(&self, request: u64) -> Option<u16> {
        match self.fates.lock().unwrap().get(&request) {
            Some(Fate::Withheld(status)) => Some(*status),
            _ => None,
        }
    }

    /// How often each fate befell a request; statuses aside.
    pub(crate) fn fates(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for fate in self.fates.lock().unwrap().values() {
            let name = match fate {
                Fate::Forwarded => continue,
                Fate::CutBefore => "cut before it was forwarded",
                Fate::Withheld(_) => "cut before its answer",
                Fate::NodeGone => "lost with its node",
                Fate::NoNode => "no node to take it",
            };
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// All of it.
    pub(crate) fn history(&self) -> History {
        let fates = self.fates.lock().unwrap();
        let mut acts = self.acts.lock().unwrap().clone();
        for act in &mut acts {
            if let (Outcome::Cut { withheld }, Some(Fate::Withheld(status))) =
                (&mut act.outcome, fates.get(&act.id))
            {
                *withheld = Some(*status);
            }
        }
        acts.sort_by_key(|act| act.sent);
        History {
            acts,
            spells: self.spells.lock().unwrap().clone(),
            accidents: self.accidents.lock().unwrap().clone(),
            asked_twice: self.asked_twice.lock().unwrap().clone(),
        }
    }
}
