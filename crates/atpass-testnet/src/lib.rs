//! A whole AT Protocol network in one process, for tests and for development.
//!
//! [`Network::start`] brings up, on loopback ports: an authorization server and a resource server
//! on one origin, a directory of DIDs, and a sample app that signs people in. Two accounts are
//! there. `atpass dev` is this and a friendly text; a test starts one with port 0 and a
//! [`ManualClock`].

mod accounts;
mod app;
mod clock;
mod directory;
mod listen;
mod network;
mod pds;
mod records;

pub use accounts::DevAccount;
pub use clock::ManualClock;
pub use listen::Ports;
pub use network::{Network, NetworkConfig};
