//! Looks for an order in which the calls of a history could have happened one after the other: the
//! search of Wing and Gong with Lowe's memory of what was tried ("Testing for linearizability", 2017).

use std::collections::HashSet;
use std::fmt::{Debug, Write};
use std::hash::Hash;

/// What an object does when it is asked by one caller at a time.
pub(super) trait Model {
    /// What it remembers. Small.
    type State: Clone + Eq + Hash + Debug;
    /// A call.
    type Op: Clone + PartialEq + Debug;
    /// Its answer.
    type Out: Clone + PartialEq + Debug;

    /// The state after this call, if this answer is allowed in this state.
    fn step(&self, state: &Self::State, op: &Self::Op, out: &Self::Out) -> Option<Self::State>;

    /// Whether a call with this answer changes nothing in any state.
    fn is_quiet(&self, op: &Self::Op, out: &Self::Out) -> bool;
}

/// A call, with the places of its beginning and its end in the order of all beginnings and ends.
#[derive(Clone, Debug)]
pub(super) struct Call<Op, Out> {
    pub(super) caller: usize,
    pub(super) op: Op,
    pub(super) out: Out,
    pub(super) begun: u64,
    pub(super) ended: u64,
}

type CallOf<M> = Call<<M as Model>::Op, <M as Model>::Out>;

/// Some calls that have an order, and the state after them.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reached<State> {
    placed: Vec<bool>,
    state: State,
}

impl<State> Reached<State> {
    fn open<'a, T>(&'a self, calls: &'a [T]) -> impl Iterator<Item = (usize, &'a T)> {
        let open = |(n, _): &(usize, &T)| self.placed.get(*n) == Some(&false);
        calls.iter().enumerate().filter(open)
    }

    fn place(&mut self, n: usize) {
        if let Some(placed) = self.placed.get_mut(n) {
            *placed = true;
        }
    }
}

/// `Err` is the history for people, where it has no such order.
pub(super) fn order<M: Model>(
    model: &M,
    start: M::State,
    calls: &[CallOf<M>],
) -> Result<(), String> {
    let mut waiting = vec![Reached {
        placed: vec![false; calls.len()],
        state: start,
    }];
    let (mut tried, mut furthest) = (HashSet::new(), None);
    while let Some(mut reached) = waiting.pop() {
        absorb(model, &mut reached, calls);
        let open = reached.open(calls).count();
        if open == 0 {
            return Ok(());
        }
        if !tried.insert(reached.clone()) {
            continue;
        }
        // The last to be pushed is tried first: that which ended first.
        let mut next = candidates(&reached, calls);
        next.sort_by_key(|(_, call)| std::cmp::Reverse(call.ended));
        for (n, call) in next {
            if let Some(state) = model.step(&reached.state, &call.op, &call.out) {
                let mut then = Reached {
                    state,
                    ..reached.clone()
                };
                then.place(n);
                waiting.push(then);
            }
        }
        if furthest.as_ref().is_none_or(|(least, _)| open < *least) {
            furthest = Some((open, reached));
        }
    }
    Err(furthest.map_or_else(String::new, |(_, furthest)| tell(&furthest, calls)))
}

/// Calls that may come next: those that began before any other open one had ended. Of several with the
/// same answer to the same question the one that ended first is enough: where another one can take its
/// place, so can it.
fn candidates<'a, State, Op: PartialEq, Out: PartialEq>(
    reached: &'a Reached<State>,
    calls: &'a [Call<Op, Out>],
) -> Vec<(usize, &'a Call<Op, Out>)> {
    let first_end = reached.open(calls).map(|(_, call)| call.ended).min();
    let mut found: Vec<(usize, &Call<Op, Out>)> = Vec::new();
    for (n, call) in reached.open(calls) {
        if first_end.is_some_and(|end| call.begun > end) {
            continue;
        }
        let same =
            |other: &&mut (usize, &Call<Op, Out>)| other.1.op == call.op && other.1.out == call.out;
        match found.iter_mut().find(same) {
            Some(other) if call.ended < other.1.ended => *other = (n, call),
            Some(_) => {}
            None => found.push((n, call)),
        }
    }
    found
}

/// A call that fits now and changes nothing wherever it stands comes next: it is in nobody's way.
fn absorb<M: Model>(model: &M, reached: &mut Reached<M::State>, calls: &[CallOf<M>]) {
    loop {
        let quiet = candidates(reached, calls).into_iter().find(|(_, call)| {
            model.is_quiet(&call.op, &call.out)
                && model.step(&reached.state, &call.op, &call.out).is_some()
        });
        let Some((n, _)) = quiet else { return };
        reached.place(n);
    }
}

fn tell<State: Debug, Op: PartialEq + Debug, Out: PartialEq + Debug>(
    furthest: &Reached<State>,
    calls: &[Call<Op, Out>],
) -> String {
    let open: Vec<_> = furthest.open(calls).map(|(n, _)| n).collect();
    let next: Vec<_> = candidates(furthest, calls)
        .into_iter()
        .map(|(n, _)| n)
        .collect();
    let mut sorted: Vec<_> = calls.iter().enumerate().collect();
    sorted.sort_by_key(|(_, call)| call.begun);
    let mut text = format!(
        "no order of these calls explains their answers; {} of {} fit, and the state is then {:?}.\n\
         + fits, ? could come next but doesn't fit, - comes later; [begun ended] caller: call = answer\n",
        calls.len() - open.len(),
        calls.len(),
        furthest.state
    );
    for (n, call) in sorted {
        let mark = match n {
            n if next.contains(&n) => '?',
            n if open.contains(&n) => '-',
            _ => '+',
        };
        let Call {
            caller,
            op,
            out,
            begun,
            ended,
        } = call;
        // A string takes everything.
        let _ = writeln!(
            text,
            "{mark} [{begun:4} {ended:4}] {caller:2}: {op:?} = {out:?}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that can be set and read.
    struct Register;

    #[derive(Clone, Debug, PartialEq)]
    enum Op {
        Set(u8),
        Get,
    }

    impl Model for Register {
        type State = u8;
        type Op = Op;
        type Out = Option<u8>;

        fn step(&self, state: &u8, op: &Op, out: &Option<u8>) -> Option<u8> {
            match op {
                Op::Set(value) => out.is_none().then_some(*value),
                Op::Get => (*out == Some(*state)).then_some(*state),
            }
        }

        fn is_quiet(&self, op: &Op, _: &Option<u8>) -> bool {
            *op == Op::Get
        }
    }

    fn history(calls: &[(Op, Option<u8>, u64, u64)]) -> Result<(), String> {
        let call = |(caller, (op, out, begun, ended)): (usize, &(Op, Option<u8>, u64, u64))| Call {
            caller,
            op: op.clone(),
            out: *out,
            begun: *begun,
            ended: *ended,
        };
        let calls: Vec<_> = calls.iter().enumerate().map(call).collect();
        order(&Register, 0, &calls)
    }

    #[test]
    fn what_has_an_order() {
        use Op::{Get, Set};
        history(&[]).unwrap();
        history(&[(Set(1), None, 0, 1), (Get, Some(1), 2, 3)]).unwrap();
        // At the same time: either may be first.
        history(&[(Set(1), None, 0, 3), (Get, Some(0), 1, 2)]).unwrap();
        history(&[(Set(1), None, 0, 3), (Get, Some(1), 1, 2)]).unwrap();
        // What changes nothing at first may do so later.
        history(&[
            (Set(0), None, 0, 5),
            (Set(1), None, 1, 2),
            (Get, Some(1), 3, 4),
            (Get, Some(0), 6, 7),
        ])
        .unwrap();
        // Two that read one after the other while two write.
        let both = |first, second| {
            history(&[
                (Set(1), None, 0, 7),
                (Set(2), None, 1, 6),
                (Get, Some(first), 2, 3),
                (Get, Some(second), 4, 5),
            ])
        };
        for (first, second) in [(0, 0), (0, 1), (0, 2), (1, 2), (2, 1), (1, 1), (2, 2)] {
            both(first, second).unwrap();
        }
        both(1, 0).unwrap_err();
        both(2, 0).unwrap_err();
    }

    #[test]
    fn what_has_none() {
        use Op::{Get, Set};
        // Too late.
        history(&[(Set(1), None, 0, 1), (Get, Some(0), 2, 3)]).unwrap_err();
        // Never written.
        history(&[(Set(1), None, 0, 3), (Get, Some(2), 1, 2)]).unwrap_err();
        // Two who saw the writes in different orders.
        let split = history(&[
            (Set(1), None, 0, 11),
            (Set(2), None, 1, 10),
            (Get, Some(1), 2, 4),
            (Get, Some(2), 3, 5),
            (Get, Some(1), 6, 8),
            (Get, Some(2), 7, 9),
            (Get, Some(1), 12, 13),
            (Get, Some(2), 14, 15),
        ]);
        let told = split.unwrap_err();
        assert!(told.contains("5 of 8 fit"), "{told}");
        assert!(told.contains("- [  14   15]  7: Get = Some(2)"), "{told}");
    }

    /// Many equal calls at once are one case, not all their orders.
    #[test]
    fn many_at_once_are_decided_soon() {
        let mut calls: Vec<_> = (0..32)
            .map(|n| (Op::Set(n % 4), None, u64::from(n), 200))
            .collect();
        calls.push((Op::Get, Some(9), 100, 101));
        history(&calls).unwrap_err();
    }
}
