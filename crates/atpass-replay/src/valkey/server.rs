//! A server, and the connection to it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atpass_protocol::secret::Secret;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The longest that a connection may take, and then the answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The address isn't one of a Valkey or Redis server. Says nothing of the address, which may hold
/// a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the address of Valkey must be like `redis://user:password@host:6379/0`, or `rediss://` with TLS"
)]
pub struct ValkeyAddressError;

/// A Valkey or Redis server that several nodes share. Cheap to clone: clones share one connection.
///
/// - It is connected to when it is first needed, so a node starts also while it is down. A connection
///   that takes longer than a second, or an answer that does, counts as down.
/// - It runs scripts in Lua: it must allow `EVALSHA` and `EVAL`, and the commands that the memory
///   ([`ValkeyReplay`](crate::ValkeyReplay)) and the limits ([`RateLimits`](crate::RateLimits)) name.
/// - It is one server, with replicas or without; a cluster that spreads keys over several won't do.
/// - With `rediss://` its certificate is checked against the system's roots.
#[derive(Clone)]
pub struct Valkey(Arc<Server>);

struct Server {
    client: Client,
    address: String,
    /// Taken out of errors: a server that doesn't know a command repeats its arguments.
    password: Option<Secret>,
    connection: Mutex<Connection>,
    is_down: AtomicBool,
}

/// A program that the server runs as one atomic step.
pub(crate) struct Script {
    code: &'static str,
    /// By which the server knows it.
    hash: String,
}

impl Script {
    pub(crate) fn new(code: &'static str) -> Self {
        let hash = redis::Script::new(code).get_hash().to_owned();
        Self { code, hash }
    }
}

/// What went wrong, for the operator. Holds no password.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ServerError(String);

/// The connection that requests share.
#[derive(Default)]
struct Connection {
    /// How many there were before, so that a failure is held against the one that failed.
    number: u64,
    manager: Option<ConnectionManager>,
}

impl Valkey {
    /// The server at this URL: `redis://`, `valkey://`, with TLS `rediss://` or `valkeys://`, or
    /// `unix://`. Doesn't connect yet.
    ///
    /// With TLS, it makes aws-lc-rs the cryptography of this process's rustls, where none was
    /// chosen.
    pub fn open(url: &str) -> Result<Self, ValkeyAddressError> {
        let client = Client::open(url).map_err(|_| ValkeyAddressError)?;
        let info = client.get_connection_info();
        // rustls stops the process where two providers are compiled in and none is chosen. If
        // another thread chooses at this moment, its choice is as good.
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. })
            && CryptoProvider::get_default().is_none()
        {
            let _ = aws_lc_rs::default_provider().install_default();
        }
        Ok(Self(Arc::new(Server {
            address: info.addr().to_string(),
            password: info.redis_settings().password().map(Secret::new),
            client,
            connection: Mutex::default(),
            is_down: AtomicBool::new(false),
        })))
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Whether the last that was asked of it failed. For what is shown of this node's health.
    pub fn is_down(&self) -> bool {
        self.0.is_down.load(Ordering::Relaxed)
    }

    /// Runs a script. It may run twice, where the connection is lost before the answer.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<T, ServerError> {
        let run = |name, code: &str| {
            let mut command = redis::cmd(name);
            command.arg(code).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        let mut answer = self.0.send(&run("EVALSHA", &script.hash)).await;
        // A server closes connections that are idle, and one that was restarted knows none.
        if let Err(error) = &answer
            && error.is_connection_dropped()
            && !error.is_connection_refusal()
        {
            answer = self.0.send(&run("EVALSHA", &script.hash)).await;
        }
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
        {
            answer = self.0.send(&run("EVAL", script.code)).await;
        }
        self.0.is_down.store(answer.is_err(), Ordering::Relaxed);
        answer.map_err(|error| ServerError(self.0.without_password(&error)))
    }
}

impl fmt::Debug for Valkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Valkey").field(&self.0.address).finish()
    }
}

impl Server {
    async fn send<T: FromRedisValue>(&self, command: &redis::Cmd) -> RedisResult<T> {
        let (number, mut manager) = self.connect()?;
        let answer = command.query_async(&mut manager).await;
        if let Err(error) = &answer
            && !is_answer(error)
        {
            self.disconnect(number);
        }
        answer
    }

    /// The connection, or a new one, which is made when its first command is sent.
    fn connect(&self) -> RedisResult<(u64, ConnectionManager)> {
        let mut connection = self.lock();
        if let Some(manager) = &connection.manager {
            return Ok((connection.number, manager.clone()));
        }
        let config = ConnectionManagerConfig::new()
            // Who waits for an answer waits for one attempt.
            .set_number_of_retries(0)
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        connection.manager = Some(manager.clone());
        tokio::spawn(warn_of_settings(manager.clone(), self.address.clone()));
        Ok((connection.number, manager))
    }

    /// Has the next command make a new connection. The manager would keep one that was refused
    /// for its password, or whose other end is gone without a word.
    fn disconnect(&self, number: u64) {
        let mut connection = self.lock();
        if connection.number == number {
            connection.number += 1;
            connection.manager = None;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        // Nothing that is done under the lock can be left half done.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn without_password(&self, error: &RedisError) -> String {
        let text = error.to_string();
        match self.password.as_ref().map(Secret::expose) {
            None | Some("") => text,
            Some(password) => text.replace(password, "[password]"),
        }
    }
}

/// Whether the server answered, so that the connection is good.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

/// Warns if the server would forget keys before their time, or doesn't say. One that isn't there is
/// asked again with the next connection.
async fn warn_of_settings(mut manager: ConnectionManager, server: String) {
    let mut command = redis::cmd("INFO");
    command.arg("memory");
    let info = match command.query_async::<String>(&mut manager).await {
        Ok(info) => info,
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm) => {
            tracing::warn!(
                server,
                "Valkey doesn't allow INFO: so it isn't known when it was restarted from an older \
                 snapshot or replaced by a replica, and proofs that it forgot then count again, until \
                 their time is over. Allow the command: ACL SETUSER ... +info"
            );
            return;
        }
        Err(_) => return,
    };
    match eviction_policy(&info) {
        None | Some("noeviction") => {}
        Some(policy) => tracing::warn!(
            server,
            policy,
            "Valkey forgets keys when it is full, and proofs that it forgets so count again: set its \
             maxmemory-policy to noeviction"
        ),
    }
}

fn eviction_policy(info: &str) -> Option<&str> {
    info.lines()
        .find_map(|line| line.trim().strip_prefix("maxmemory_policy:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_found_where_it_is_told() {
        let info = "# Memory\r\nused_memory:1\r\nmaxmemory_policy:allkeys-lru\r\nallocator:x\r\n";
        assert_eq!(eviction_policy(info), Some("allkeys-lru"));
        assert_eq!(eviction_policy("# Memory\r\n"), None);
    }

    /// Whoever answers here speaks no TLS: a failure like any other, whatever cryptography the
    /// process has.
    #[tokio::test]
    async fn tls_that_fails_is_a_failure() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || listener.incoming().for_each(drop));
        let server = Valkey::open(&format!("rediss://:secret@{address}/")).unwrap();
        let answer = server.run::<u64>(&Script::new("return 1"), &[], &[]).await;
        let error = answer.unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
        assert!(server.is_down());
    }
}
