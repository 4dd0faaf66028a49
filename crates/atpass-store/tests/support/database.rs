//! PostgreSQL databases for tests.

use atpass_protocol::random::{self, SystemRandom};
use atpass_protocol::seal::SealingKeys;
use atpass_store::PostgresConfig;
use data_encoding::HEXLOWER;
use tokio_postgres::{Client, NoTls};

/// A new database, and how to reach it. The server forgets it when the tests are over.
pub(crate) async fn new() -> (PostgresConfig, Client) {
    let server = std::env::var("ATPASS_TEST_POSTGRES").expect(
        "ATPASS_TEST_POSTGRES is the URL of a PostgreSQL where databases may be made; `cargo xtask test` starts one",
    );
    let name = format!(
        "atpass_{}",
        HEXLOWER.encode(&random::bytes::<8>(&SystemRandom))
    );
    let admin = connect(&server).await;
    let create = format!("CREATE DATABASE {name}");
    admin.batch_execute(&create).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let master = SealingKeys::new(&[7; 32]).unwrap();
    let client = connect(&url).await;
    (PostgresConfig::new(&url, master).unwrap(), client)
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
