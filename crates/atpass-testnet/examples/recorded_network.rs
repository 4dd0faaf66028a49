//! A network at the end of a pipe that tells who asked it what, for measurements of clients.
//!
//! Settings: `DATA`, the folder of its database. Prints one line of JSON when it answers. Then it reads
//! commands from standard input, one JSON object a line, and answers each with one: `{"do":"log"}` gives
//! the requests since the last such command, `{"do":"delay","ms"}` makes each request take longer from
//! here on. Ends when the input does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "whoever runs it reads why it ended"
)]

use std::io::BufRead;

use atpass_testnet::{Network, NetworkConfig, RequestLog};
use serde_json::{Value, json};

#[tokio::main]
async fn main() {
    let data = std::env::var("DATA").unwrap_or_else(|_| panic!("set DATA"));
    let log = RequestLog::default();
    let mut config = NetworkConfig::new(data);
    config.requests = Some(log.clone());
    let distance = config.distance.clone();
    let network = Network::start(config).await.unwrap();
    println!(
        "{}",
        json!({
            "issuer": network.issuer,
            "resource": network.resource,
            "directory": network.directory,
            "accounts": network.accounts,
        })
    );
    let mut told = 0;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let answer = match command.get("do").and_then(Value::as_str) {
            Some("log") => {
                let requests = log.requests();
                let new = requests.get(told..).unwrap_or_default();
                told = requests.len();
                json!({ "requests": new })
            }
            Some("delay") => {
                let ms = command.get("ms").and_then(Value::as_u64);
                distance.set(ms.unwrap_or_default());
                json!({})
            }
            other => json!({ "error": format!("what is {other:?}?") }),
        };
        println!("{answer}");
    }
    network.stop().await;
}
