//! What is done to the cluster, one thing after another, in an order that the seed gives.

use std::sync::Arc;

use crate::apps::App;
use crate::attacker::Attacker;
use crate::cluster::{Cluster, Shared};
use crate::device::Device;
use crate::history::{Millis, Spell};
use crate::moment::{Dice, pause};
use crate::plan::Plan;
use crate::servers::Stop;
use crate::wire::Wire;

/// Connections that are cut all the time: so many of a thousand requests, and as many answers.
const CUTS: u64 = 10;
/// The same in a storm.
const STORM: u64 = 200;
/// Within this, every node works again once all that it needs is there. Far more than it takes.
const RECOVERY: Millis = 30_000;
/// Replays after each fault, at every node.
const REPLAYS: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Fault {
    DrainNode,
    KillNode,
    KillAllButOne,
    CutStorm,
    RestartPostgres,
    CrashPostgres,
    EmptyValkey,
    KillValkey,
    KillEverything,
}

impl Fault {
    const OF_ONE_NODE: &[Self] = &[Self::KillNode, Self::CutStorm];
    const OF_MANY: &[Self] = &[
        Self::DrainNode,
        Self::KillNode,
        Self::EmptyValkey,
        Self::CrashPostgres,
        Self::KillValkey,
        Self::KillAllButOne,
        Self::RestartPostgres,
        Self::CutStorm,
        Self::KillEverything,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::DrainNode => "a node is drained",
            Self::KillNode => "a node is killed",
            Self::KillAllButOne => "all nodes but one are killed",
            Self::CutStorm => "every third connection is cut",
            Self::RestartPostgres => "PostgreSQL is restarted",
            Self::CrashPostgres => "PostgreSQL is restarted at once",
            Self::EmptyValkey => "Valkey is emptied",
            Self::KillValkey => "Valkey is killed and started",
            Self::KillEverything => "everything is killed",
        }
    }
}

/// Makes trouble for as long as the plan says.
pub(crate) async fn make(
    cluster: &mut Cluster,
    attacker: &Attacker,
    wire: &Arc<Wire>,
    plan: &Plan,
) {
    let probe = Device::new(App::public(), "10.2.0.1", wire.clone());
    let mut trouble = Trouble {
        cluster,
        probe,
        wire,
        dice: Dice::new(plan.seed, 1 << 43),
    };
    trouble.cluster.proxy.cut(CUTS);
    let until = wire.witness.now() + plan.seconds * 1000;
    let kinds = match trouble.cluster.shared {
        Shared::Sqlite => Fault::OF_ONE_NODE,
        Shared::Servers { .. } => Fault::OF_MANY,
    };
    // A short run has each kind once, however slow the machine is.
    let mut is_first = true;
    while is_first || wire.witness.now() < until {
        let mut round = kinds.to_vec();
        while !round.is_empty() && (is_first || wire.witness.now() < until) {
            let fault = round.swap_remove(trouble.dice.index(round.len()));
            let before = attacker.young();
            trouble.make(fault).await;
            attacker.burst(&before, REPLAYS).await;
            let rest = trouble.dice.between(1500, 4000);
            pause(rest).await;
        }
        is_first = false;
    }
    trouble.cluster.proxy.cut(0);
}

struct Trouble<'a> {
    cluster: &'a mut Cluster,
    probe: Device,
    wire: &'a Arc<Wire>,
    dice: Dice,
}

impl Trouble<'_> {
    /// Lets an outage last.
    async fn last(&mut self) {
        let outage = self.dice.between(200, 3000);
        pause(outage).await;
    }

    async fn make(&mut self, fault: Fault) {
        let began = self.wire.witness.now();
        let count = self.cluster.nodes.len();
        let first = self.dice.index(count);
        match fault {
            Fault::DrainNode => self.drain_node(first).await,
            Fault::KillNode => self.kill_nodes(&[first]).await,
            Fault::KillAllButOne => {
                let others: Vec<usize> = (0..count).filter(|index| *index != first).collect();
                self.kill_nodes(&others).await;
            }
            Fault::CutStorm => {
                self.cluster.proxy.cut(STORM);
                self.last().await;
                self.cluster.proxy.cut(CUTS);
            }
            Fault::RestartPostgres => self.restart_postgres(Stop::Fast).await,
            Fault::CrashPostgres => self.restart_postgres(Stop::Immediate).await,
            Fault::EmptyValkey => {
                if let Shared::Servers { valkey, .. } = &self.cluster.shared {
                    valkey.empty();
                }
            }
            Fault::KillValkey => self.kill_valkey().await,
            Fault::KillEverything => self.kill_everything().await,
        }
        let healed = self.wire.witness.now();
        let recovered = self.recover(healed).await;
        self.wire.witness.spell(Spell {
            fault: fault.name(),
            began,
            healed,
            recovered,
        });
    }

    async fn drain_node(&mut self, which: usize) {
        let node = &mut self.cluster.nodes[which];
        if let Some(how) = node.drain().await {
            self.wire.witness.accident(how);
        }
        self.last().await;
        self.cluster.nodes[which].start();
    }

    async fn kill_nodes(&mut self, which: &[usize]) {
        for &index in which {
            self.cluster.nodes[index].kill();
        }
        self.last().await;
        for &index in which {
            self.cluster.nodes[index].start();
        }
    }

    async fn restart_postgres(&mut self, how: Stop) {
        let outage = self.dice.between(0, 3000);
        if let Shared::Servers { postgres, .. } = &mut self.cluster.shared {
            postgres.stop(how);
            pause(outage).await;
            postgres.start_again().await;
        }
    }

    async fn kill_valkey(&mut self) {
        let outage = self.dice.between(0, 3000);
        if let Shared::Servers { valkey, .. } = &mut self.cluster.shared {
            valkey.kill();
            pause(outage).await;
            valkey.start_again().await;
        }
    }

    /// As if the machine lost its power and came back.
    async fn kill_everything(&mut self) {
        for node in &mut self.cluster.nodes {
            node.kill();
        }
        if let Shared::Servers { postgres, valkey } = &mut self.cluster.shared {
            postgres.stop(Stop::Immediate);
            valkey.kill();
            postgres.start_again().await;
            valkey.start_again().await;
        }
        for node in &mut self.cluster.nodes {
            node.start();
        }
    }

    /// Waits until every node takes a request.
    async fn recover(&mut self, healed: Millis) -> Option<Millis> {
        let witness = &self.wire.witness;
        for node in &mut self.cluster.nodes {
            while !self.probe.probe(node.port).await {
                if let Some(how) = node.ended() {
                    witness.accident(how);
                    node.start();
                }
                if witness.now() > healed + RECOVERY {
                    return None;
                }
                pause(50).await;
            }
        }
        Some(witness.now())
    }
}
