//! HTTP/1.1 over a few connections that are kept.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Connections to one port of this machine.
#[derive(Clone)]
pub(crate) struct Lines {
    port: u16,
    idle: Arc<Mutex<Vec<SendRequest<Full<Bytes>>>>>,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Lines {
    pub(crate) fn to(port: u16) -> Self {
        Self {
            port,
            idle: Arc::default(),
        }
    }

    /// Forgets the connections: a server closes those that nobody uses for a while.
    pub(crate) fn hang_up(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer> {
        let mut line = match self.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let (head, body) = line.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if line.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(line);
        }
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(SendRequest::is_ready)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await;
        let stream = stream.with_context(|| format!("connect to port {}", self.port))?;
        stream.set_nodelay(true)?;
        let (line, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the line; what went wrong is told to whoever sends.
        tokio::spawn(connection);
        Ok(line)
    }
}
