//! A whole AT Protocol network in one process, for tests and for development.
//!
//! [`Network::start`] brings up, on loopback ports: an authorization server and a resource server
//! on one origin, a directory of DIDs, and a sample app that signs people in. Two accounts are
//! there. `atpass dev` is this and a friendly text; a test starts one with port 0 and a
//! [`ManualClock`].
//!
//! [`Internet`] is a small internet for tests of discovery: names, TLS hosts, and a record of who was
//! asked what, in which order.

mod accounts;
mod app;
mod clock;
mod directory;
mod distance;
mod faults;
mod internet;
mod layers;
mod listen;
mod names;
mod network;
mod pds;
mod records;
pub mod repository;
mod request_log;
mod tls;
mod weather;

pub use accounts::DevAccount;
pub use clock::ManualClock;
pub use distance::Distance;
pub use faults::{Fault, Faults};
pub use internet::Internet;
pub use listen::Ports;
pub use names::NameServer;
pub use network::{MakeSignUp, Network, NetworkConfig};
pub use request_log::{LoggedRequest, RequestLog};
pub use weather::{Forecast, Weather, WeatherReport};
