//! Whether acts that race are atomic: each history of many callers at once must be one that callers
//! one after the other could have had, in an order in which no call comes before another that had
//! ended when it began (Herlihy and Wing, "Linearizability", 1990).
//!
//! | File | holds |
//! | --- | --- |
//! | `search` | looks for that order |
//! | `history` | runs callers at once, and writes down what happened when |
//! | `requests`, `assertions`, `sessions`, `devices`, `keys` | the acts of [`Store`] |
//! | `accounts`, `old_apps` | the acts of [`EntrywayStore`] |

mod accounts;
mod assertions;
mod devices;
mod history;
mod keys;
mod old_apps;
mod requests;
mod search;
mod sessions;

use std::sync::Arc;

use atpass_entryway::store::EntrywayStore;
use atpass_provider::store::Store;

/// Histories of each kind.
const ROUNDS: u64 = 6;

pub(super) async fn check_store(store: &Arc<dyn Store>) {
    for round in 0..ROUNDS {
        requests::check(store, round).await;
        assertions::check(store, round).await;
        sessions::check(store, round).await;
        devices::check(store, round).await;
        keys::check(store, round).await;
    }
}

pub(super) async fn check_entryway(store: &Arc<dyn EntrywayStore>) {
    for round in 0..ROUNDS {
        accounts::check(store, round).await;
        old_apps::check(store, round).await;
    }
}
