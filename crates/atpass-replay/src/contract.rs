//! What every replay memory has to pass, and in [`limits`] what rate limits have to.

pub mod limits;

use std::sync::Arc;

use atpass_protocol::dpop::Era;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::time::UnixTime;

use crate::replay::{Fresh, GRACE, Replay};

/// Checks a memory that knows none of the contract's keys yet: all of them begin with
/// `atpass contract`. Takes the time from `start` on, so a memory with a clock of its own needs
/// `start` to be the present.
///
/// # Panics
///
/// Where the memory breaks the contract.
pub async fn check(replay: Arc<dyn Replay>, start: UnixTime) {
    let era = replay.ask_era().await;
    assert!(era.is_ok(), "the memory is there and has an era: {era:?}");
    let Ok(era) = era else { return };
    once_until_its_time(&*replay, era, start).await;
    other_eras_are_over(&*replay, era, start).await;
    one_of_many_wins(replay, era, start).await;
}

fn key(number: u8) -> [u8; 32] {
    let mut key = [number; 32];
    key[..15].copy_from_slice(b"atpass contract");
    key
}

async fn once_until_its_time(replay: &dyn Replay, era: Era, start: UnixTime) {
    let until = start.plus(300);
    let accept =
        |number, now| async move { replay.accept_once(era, &key(number), until, now).await };
    assert_eq!(
        accept(1, start).await,
        Ok(Fresh::First),
        "a new key is accepted"
    );
    for now in [start, start.plus(299), until, until.plus(GRACE - 1)] {
        assert_eq!(
            accept(1, now).await,
            Ok(Fresh::Seen),
            "a known key is refused at {now}"
        );
    }
    assert_eq!(
        accept(2, start).await,
        Ok(Fresh::First),
        "another key is accepted"
    );
    let over = start.plus(-GRACE - 1);
    let late = replay.accept_once(era, &key(3), over, start).await;
    assert_eq!(
        late,
        Ok(Fresh::First),
        "a key whose time is over is no failure"
    );
}

async fn other_eras_are_over(replay: &dyn Replay, era: Era, start: UnixTime) {
    assert_eq!(replay.era(), Some(era), "an era that was told is known");
    let accept = |era| async move {
        replay
            .accept_once(era, &key(5), start.plus(300), start)
            .await
    };
    let other = Era::begin(&SystemRandom);
    for _ in 0..2 {
        assert_eq!(accept(other).await, Ok(Fresh::EraOver), "another era");
    }
    assert_eq!(replay.era(), Some(era), "nobody brings an era along");
    let first = accept(era).await;
    assert_eq!(first, Ok(Fresh::First), "what was refused isn't remembered");
    assert_eq!(replay.ask_era().await, Ok(era), "an era lasts");
}

async fn one_of_many_wins(replay: Arc<dyn Replay>, era: Era, start: UnixTime) {
    for round in 10..26 {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let replay = replay.clone();
            tasks.spawn(async move {
                let until = start.plus(300);
                replay.accept_once(era, &key(round), until, start).await
            });
        }
        let answers = tasks.join_all().await;
        let of = |fresh| {
            answers
                .iter()
                .filter(|answer| **answer == Ok(fresh))
                .count()
        };
        let counts = (of(Fresh::First), of(Fresh::Seen));
        assert_eq!(
            counts,
            (1, 63),
            "of 64 concurrent calls exactly one is the first"
        );
    }
}
