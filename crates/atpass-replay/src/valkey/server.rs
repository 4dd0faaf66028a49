//! The connection to the server.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atpass_protocol::secret::Secret;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ConnectionAddr, ErrorKind, RedisError, RedisResult, Value};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::replay::{Fresh, ReplayUnavailable};

/// The longest that a connection may take, and then the answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The longest that a key is kept, a century: of very large numbers the server says that they
/// can't be, and no proof is good for as long.
const LONGEST: u64 = 100 * 366 * 24 * 60 * 60;

/// A server, connected to when it is needed.
pub(super) struct Server {
    client: Client,
    address: String,
    /// Taken out of errors: a server that doesn't know a command repeats its arguments.
    password: Option<Secret>,
    connection: Mutex<Connection>,
}

/// The connection that requests share.
#[derive(Default)]
struct Connection {
    /// How many there were before, so that a failure is held against the one that failed.
    number: u64,
    manager: Option<ConnectionManager>,
}

impl Server {
    /// Reads the URL; `None` if it isn't one of a server.
    pub(super) fn open(url: &str) -> Option<Self> {
        let client = Client::open(url).ok()?;
        let info = client.get_connection_info();
        // rustls stops the process where two providers are compiled in and none is chosen. If
        // another thread chooses at this moment, its choice is as good.
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. })
            && CryptoProvider::get_default().is_none()
        {
            let _ = aws_lc_rs::default_provider().install_default();
        }
        Some(Self {
            address: info.addr().to_string(),
            password: info.redis_settings().password().map(Secret::new),
            client,
            connection: Mutex::default(),
        })
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Sets the key for so many seconds, if it isn't there.
    pub(super) async fn set_once(
        &self,
        key: &str,
        seconds: u64,
    ) -> Result<Fresh, ReplayUnavailable> {
        let mut command = redis::cmd("SET");
        command
            .arg(key)
            .arg("1")
            .arg("NX")
            .arg("EX")
            .arg(seconds.min(LONGEST));
        let mut answer = self.send(&command).await;
        // A server closes connections that are idle, and one that was restarted knows none. Had
        // it got the key and lost only the answer, the key is known now and the request refused:
        // better than to accept it twice.
        if let Err(error) = &answer
            && error.is_connection_dropped()
            && !error.is_connection_refusal()
        {
            answer = self.send(&command).await;
        }
        match answer {
            Ok(Value::Okay) => Ok(Fresh::First),
            Ok(Value::Nil) => Ok(Fresh::Seen),
            Ok(_) => Err(ReplayUnavailable::new("no answer to SET")),
            Err(error) => Err(ReplayUnavailable::new(self.without_password(&error))),
        }
    }

    async fn send(&self, command: &redis::Cmd) -> RedisResult<Value> {
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
        tokio::spawn(warn_of_eviction(manager.clone(), self.address.clone()));
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

/// Warns if the server would forget keys before their time. One that doesn't say, or isn't there,
/// is asked again with the next connection.
async fn warn_of_eviction(mut manager: ConnectionManager, server: String) {
    let mut command = redis::cmd("INFO");
    command.arg("memory");
    let Ok(info) = command.query_async::<String>(&mut manager).await else {
        return;
    };
    match eviction_policy(&info) {
        None | Some("noeviction") => {}
        Some(policy) => tracing::warn!(
            server,
            policy,
            "the replay memory's server forgets keys when it is full, and what it forgets counts \
             again: set its maxmemory-policy to noeviction"
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
        let server = Server::open(&format!("rediss://:secret@{address}/")).unwrap();
        let error = server.set_once("key", 1).await.unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
