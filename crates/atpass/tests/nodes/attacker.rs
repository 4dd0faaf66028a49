//! Somebody on the way who has seen every request, and sends it once more.

use std::sync::Arc;

use tokio::sync::watch;

use crate::apps::App;
use crate::device::Device;
use crate::history::{Millis, Who};
use crate::moment::{Dice, pause};
use crate::wire::{Posted, Wire};

/// Older proofs and assertions are refused for their age.
const YOUNG: Millis = 90_000;
/// Between two replays.
const GAP: Millis = 400;

pub(crate) struct Attacker {
    wire: Arc<Wire>,
    nodes: Vec<u16>,
    seed: u64,
}

impl Attacker {
    pub(crate) const fn new(wire: Arc<Wire>, nodes: Vec<u16>, seed: u64) -> Self {
        Self { wire, nodes, seed }
    }

    /// Replays something now and then: what was sent a moment ago, or a while ago.
    pub(crate) async fn lurk(&self, stop: watch::Receiver<bool>) {
        let mut dice = Dice::new(self.seed, 1 << 42);
        while !*stop.borrow() {
            pause(GAP).await;
            let done = self.young();
            if done.is_empty() {
                continue;
            }
            let among = if dice.chance(500) {
                done.len().min(20)
            } else {
                done.len()
            };
            let posted = &done[dice.index(among)];
            let target = self.target(dice.index(self.nodes.len() + 1));
            self.replay(posted, target).await;
        }
    }

    /// Replays the newest, at every node and through the proxy.
    pub(crate) async fn burst(&self, done: &[Arc<Posted>], count: usize) {
        let with_assertion = done.iter().filter(|posted| posted.post.assertion.is_some());
        let newest = done
            .iter()
            .take(count)
            .chain(with_assertion.take(count / 2));
        for posted in newest {
            for index in 0..=self.nodes.len() {
                self.replay(posted, self.target(index)).await;
            }
        }
    }

    /// What was done lately, newest first.
    pub(crate) fn young(&self) -> Vec<Arc<Posted>> {
        let now = self.wire.witness.now();
        let mut done = self.wire.done();
        done.retain(|posted| posted.sent + YOUNG > now);
        done
    }

    /// A node, or else the proxy.
    fn target(&self, index: usize) -> Option<u16> {
        self.nodes.get(index).copied()
    }

    async fn replay(&self, posted: &Posted, node: Option<u16>) {
        let mut post = posted.post.clone();
        post.draft.who = Who::Attacker;
        self.wire.post(&post, node).await;
        // The proof is looked at first; so the assertion once more, with a proof of the attacker's own.
        let (Some(assertion), Some(number)) = (&post.assertion, post.draft.assertion) else {
            return;
        };
        let app = App {
            signer: None,
            ..App::confidential()
        };
        let device = Device::new(app, &post.address, self.wire.clone());
        device.push_stolen(assertion, number, node).await;
    }
}
