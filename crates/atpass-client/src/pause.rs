//! Waiting: for another process to finish, or before a second try. The one place that does.

use std::time::Duration;

use atpass_protocol::random::{self, Random};

/// Waits for this long and up to half as long again, so that processes that wait for the same thing
/// don't come back at the same moment.
pub(crate) async fn pause(base: Duration, random: &dyn Random) {
    let [byte] = random::bytes::<1>(random);
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no event to wait for: it happens in another process, or at a server"
    )]
    tokio::time::sleep(base + base * u32::from(byte) / 512).await;
}
