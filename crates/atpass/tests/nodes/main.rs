//! Several nodes of the program, whose parts are killed, emptied and cut off while a load of people log in,
//! refresh, call and log out. Afterwards a checker holds what everybody was told against what was promised:
//! no session is lost, none lives on once it was revoked, no code, assertion or proof counts twice, and no
//! token is for another account.
//!
//! What runs here is the short form; `cargo xtask faults` runs the long one.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod apps;
mod attacker;
mod checker;
mod cluster;
#[path = "../../../atpass-testnet/tests/common/mod.rs"]
mod common;
mod device;
mod faults;
mod history;
mod load;
mod moment;
mod plan;
#[path = "../program/mod.rs"]
mod program;
mod proxy;
mod report;
mod resource;
mod servers;
mod session;
mod sign_in;
mod wire;
mod witness;

use std::sync::Arc;

use attacker::Attacker;
use cluster::Cluster;
use load::Load;
use plan::Plan;
use report::Report;
use resource::STATED;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use wire::Wire;
use witness::Witness;

/// Each run has the machine to itself.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Clauses AS-REF-10, AS-TOK-02, AS-REV-04, AS-AUTHN-05.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_with_postgres_and_valkey() {
    let _alone = ALONE.lock().await;
    let plan = Plan::given_or(60, 60);
    let witness = Arc::new(Witness::new());
    let cluster = Cluster::of_three(&witness, plan.accounts(), plan.seed).await;
    run(cluster, witness, plan).await;
}

/// The same of one node on SQLite, whose only part is itself.
#[tokio::test(flavor = "multi_thread")]
async fn one_node_with_sqlite() {
    let _alone = ALONE.lock().await;
    let plan = Plan::new(40, 20, 1);
    let witness = Arc::new(Witness::new());
    let cluster = Cluster::on_sqlite(&witness, plan.accounts(), plan.seed).await;
    run(cluster, witness, plan).await;
}

async fn run(mut cluster: Cluster, witness: Arc<Witness>, plan: Plan) {
    println!("{plan:?}");
    let wire = Arc::new(Wire::new(cluster.proxy.origin(), witness.clone()));
    let nodes = cluster.nodes.iter().map(|node| node.port).collect();
    let attacker = Arc::new(Attacker::new(wire.clone(), nodes, plan.seed));
    let load = Arc::new(Load::new(plan, wire.clone(), cluster.accounts.clone()));
    let mut people = JoinSet::new();
    for number in 0..plan.sessions {
        people.spawn(load.clone().person(number));
    }
    people.spawn(load.clone().haunt());
    let (lurking, stopping) = (attacker.clone(), load.stopping());
    people.spawn(async move { lurking.lurk(stopping).await });
    let trouble = async {
        load.until(plan.sessions / 4).await;
        faults::make(&mut cluster, &attacker, &wire, &plan).await;
        load.until(plan.sessions).await;
        load.stop();
    };
    let everybody = async {
        while let Some(person) = people.join_next().await {
            person.unwrap();
        }
    };
    let both = async { tokio::join!(trouble, everybody) };
    tokio::time::timeout(plan.patience(), both).await.unwrap();
    let sessions = load.last_round().await;
    for panic in cluster.panics() {
        witness.accident(panic);
    }

    let history = witness.history();
    let findings = checker::check(&history, STATED);
    let report = Report {
        history: &history,
        findings: &findings,
        fates: witness.fates(),
        sessions,
    };
    println!("{report}");
    if !findings.is_empty() {
        let place = cluster.keep();
        panic!(
            "{} findings; the nodes' logs are in {}",
            findings.len(),
            place.display()
        );
    }
}
