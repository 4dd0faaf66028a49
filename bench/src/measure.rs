//! Batches of every verifier in turn.

use std::hint::black_box;

use anyhow::{Result, ensure};
use cpu_time::ThreadTime;

use crate::scene::{Case, Scene};
use crate::{Input, Options, Verifier};

/// Batches before those that count: memories are filled, and the processor is awake.
const WARM_UP: u32 = 10;

/// What one verifier took.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    /// Whether it refuses a proof that it saw before.
    pub(crate) remembers: bool,
    /// Nanoseconds for a request, for each batch.
    pub(crate) batches: Vec<f64>,
}

/// Measures all of them.
pub(crate) fn measure(
    scene: &Scene,
    verifiers: &mut [Box<dyn Verifier>],
    options: &Options,
) -> Result<Vec<Times>> {
    let mut times = Vec::new();
    for verifier in verifiers.iter_mut() {
        times.push(Times {
            name: verifier.name(),
            remembers: try_out(scene, &mut **verifier)?,
            batches: Vec::new(),
        });
    }
    let inputs = [Input::HeldTokens, Input::NewTokens, Input::RskyNonces];
    for batch in 0..WARM_UP + options.batches {
        let mut all = Vec::new();
        for input in inputs {
            all.push((input, scene.cases(options.requests, input)?));
        }
        // Another one comes first each time: who runs after whom makes a difference of its own.
        let first = usize::try_from(batch)? % verifiers.len();
        let mut order: Vec<_> = verifiers.iter_mut().zip(&mut times).collect();
        order.rotate_left(first);
        for (verifier, times) in order {
            let cases = all.iter().find(|(input, _)| *input == verifier.input());
            let cases = cases.map_or(&[][..], |(_, cases)| cases);
            verifier.prepare()?;
            let nanoseconds = time(&mut **verifier, cases)?;
            if batch >= WARM_UP {
                times.batches.push(nanoseconds);
            }
        }
    }
    Ok(times)
}

/// Nanoseconds of the processor for a request: what other programs do in between doesn't count.
fn time(verifier: &mut dyn Verifier, cases: &[Case]) -> Result<f64> {
    let begun = ThreadTime::now();
    let good = cases.iter().filter(|case| verifier.verify(black_box(case)));
    let good = good.count();
    let taken = begun.elapsed();
    ensure!(
        good == cases.len(),
        "{}: refused a good request",
        verifier.name()
    );
    Ok(taken.as_secs_f64() * 1e9 / f64::from(u32::try_from(good)?))
}

/// A number means nothing where the verifier doesn't verify. Returns whether it refuses a replay.
fn try_out(scene: &Scene, verifier: &mut dyn Verifier) -> Result<bool> {
    let name = verifier.name();
    let cases = scene.cases(2, verifier.input())?;
    let [good, other] = &cases[..] else {
        anyhow::bail!("no requests");
    };
    verifier.prepare()?;
    let forged = good.clone().signed_as(other)?;
    ensure!(!verifier.verify(&forged), "{name}: took a forged proof");
    ensure!(verifier.verify(good), "{name}: refused a good proof");
    Ok(!verifier.verify(good))
}
