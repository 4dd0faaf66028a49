//! Refreshes and verifications under load: while the database grows to millions of sessions, and on several
//! servers at one PostgreSQL. `bench/beside` uses some of its parts.
//!
//! | File | holds |
//! | --- | --- |
//! | `population` | who is stored, by number |
//! | `apps` | their apps |
//! | `stored`, `sqlite`, `postgres` | databases, and how they are filled |
//! | `server` | authorization and resource server in this process |
//! | `nodes` | the program, several times |
//! | `refreshes`, `verifications` | requests, signed beforehand |
//! | `pace` | so many at once, or so many a second |
//! | `drive` | sends requests |
//! | `usage`, `disk`, `quiet` | processor and disk, and who else uses them |
//! | `growth`, `scaling`, `growth_table` | the measurements |

pub mod apps;
mod disk;
pub mod drive;
pub mod growth;
mod growth_table;
mod nodes;
pub mod pace;
pub mod population;
mod postgres;
mod quiet;
pub mod refreshes;
pub mod scaling;
mod server;
pub mod sqlite;
mod stored;
pub mod usage;
mod verifications;

use anyhow::Result;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;

pub use nodes::free_port;
pub use server::refresh_tokens;

/// How far it is, for those who wait.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// A new master key, as its file holds it and as it is used.
fn master_key() -> Result<(Secret, SealingKeys)> {
    let text = SealingKeys::generate(&SystemRandom);
    let keys = SealingKeys::parse(&text)?;
    Ok((text, keys))
}
