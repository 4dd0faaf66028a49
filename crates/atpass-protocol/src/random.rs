//! Randomness, passed in like the time, so that a test can repeat a run.

use crate::encoding;
use crate::secret::Secret;

/// A source of bytes that nobody can guess.
pub trait Random: Send + Sync + 'static {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "without randomness no answer is safe; this is the system's failure, never a peer's input"
        )]
        aws_lc_rs::rand::fill(out).expect("the operating system gives random bytes");
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// `N` random bytes in base64url, as an unguessable value that isn't itself secret.
pub fn text<const N: usize>(random: &dyn Random) -> String {
    encoding::encode(&bytes::<N>(random))
}

/// `N` random bytes in base64url, as a secret.
pub fn secret<const N: usize>(random: &dyn Random) -> Secret {
    Secret::new(text::<N>(random))
}
