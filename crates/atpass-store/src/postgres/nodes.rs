//! The servers on this database, as they say of themselves.

use atpass_protocol::time::UnixTime;
use deadpool_postgres::GenericClient;

use super::pool::{Failure, execute, query};
use super::row::Columns;
use crate::database::NodeRecord;

/// Seconds after which a server that went without a word is forgotten.
const MEMORY: i64 = 24 * 60 * 60;

pub(super) async fn meet(db: &impl GenericClient, node: &NodeRecord) -> Result<(), Failure> {
    let sql = "WITH gone AS (
            DELETE FROM nodes WHERE seen_at <= $7
        )
        INSERT INTO nodes (id, name, version, configuration, started_at, seen_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
    execute(
        db,
        sql,
        &[
            &node.id.as_slice(),
            &node.name,
            &node.version,
            &node.configuration.as_slice(),
            &node.started_at.as_secs(),
            &node.seen_at.as_secs(),
            &node.seen_at.plus(-MEMORY).as_secs(),
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn all(
    db: &impl GenericClient,
    now: UnixTime,
) -> Result<Vec<NodeRecord>, Failure> {
    let sql = "SELECT id, name, version, configuration, started_at, seen_at FROM nodes
        WHERE seen_at > $1 ORDER BY name COLLATE \"C\", started_at";
    let since = now.plus(-NodeRecord::SILENCE).as_secs();
    let mut nodes = Vec::new();
    for row in &query(db, sql, &[&since]).await? {
        let columns = Columns {
            table: "nodes",
            row,
        };
        let id: &[u8] = columns.get("id")?;
        nodes.push(NodeRecord {
            id: id
                .try_into()
                .map_err(|_| columns.corrupt("id", "not 16 bytes"))?,
            name: columns.get("name")?,
            version: columns.get("version")?,
            configuration: columns.digest("configuration")?,
            started_at: columns.time("started_at")?,
            seen_at: columns.time("seen_at")?,
        });
    }
    Ok(nodes)
}

pub(super) async fn leave(db: &impl GenericClient, node: &[u8; 16]) -> Result<(), Failure> {
    let sql = "DELETE FROM nodes WHERE id = $1";
    execute(db, sql, &[&node.as_slice()]).await?;
    Ok(())
}
