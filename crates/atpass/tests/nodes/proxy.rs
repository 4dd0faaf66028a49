//! A round-robin proxy in front of the nodes, which cuts connections as told: before a request is
//! forwarded, or after, so that its answer is lost.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::moment::Dice;
use crate::witness::{Fate, Witness};

/// The number of a request, by which the witness knows it.
pub(crate) const REQUEST: &str = "x-test-request";
/// The address of the person who sends it. What stands for it behind the proxy is `X-Forwarded-For`.
pub(crate) const PERSON: &str = "x-test-address";

/// Bytes of a request or an answer at most.
const LONGEST: usize = 1024 * 1024;

/// Stops when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    cuts: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

struct Inner {
    nodes: Vec<u16>,
    turn: AtomicUsize,
    cuts: Arc<AtomicU64>,
    witness: Arc<Witness>,
}

impl Proxy {
    pub(crate) async fn start(nodes: Vec<u16>, witness: Arc<Witness>, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cuts = Arc::new(AtomicU64::new(0));
        let inner = Arc::new(Inner {
            nodes,
            turn: AtomicUsize::new(0),
            cuts: cuts.clone(),
            witness,
        });
        let task = tokio::spawn(async move {
            let mut connections = 0;
            loop {
                let Ok((client, _)) = listener.accept().await else {
                    continue;
                };
                connections += 1;
                let dice = Dice::new(seed, 1 << 40 | connections);
                tokio::spawn(serve(inner.clone(), client, dice));
            }
        });
        Self { port, cuts, task }
    }

    /// The issuer.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Cuts so many of a thousand requests on their way, and as many answers.
    pub(crate) fn cut(&self, per_mille: u64) {
        self.cuts.store(per_mille, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One connection, one request. What ends without an answer is cut.
async fn serve(inner: Arc<Inner>, mut client: TcpStream, mut dice: Dice) {
    let Some(request) = Message::read(&mut client).await else {
        return;
    };
    let number = request.header(REQUEST).and_then(|text| text.parse().ok());
    let note = |fate| {
        if let Some(number) = number {
            inner.witness.saw(number, fate);
        }
    };
    let cuts = inner.cuts.load(Ordering::Relaxed);
    if dice.chance(cuts) {
        return note(Fate::CutBefore);
    }
    let Some(mut node) = inner.connect().await else {
        return note(Fate::NoNode);
    };
    if node.write_all(&request.forwarded()).await.is_err() {
        return note(Fate::NodeGone);
    }
    let Some(answer) = Message::read(&mut node).await else {
        return note(Fate::NodeGone);
    };
    if dice.chance(cuts) {
        return note(Fate::Withheld(answer.status()));
    }
    note(Fate::Forwarded);
    // The client may be gone.
    let _ = client.write_all(&answer.bytes).await;
    let _ = client.shutdown().await;
}

impl Inner {
    /// The next node that takes a connection.
    async fn connect(&self) -> Option<TcpStream> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        for step in 0..self.nodes.len() {
            let index = (first + step) % self.nodes.len();
            let port = *self.nodes.get(index)?;
            if let Ok(node) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                return Some(node);
            }
        }
        None
    }
}

/// A request or an answer, whole.
struct Message {
    bytes: Vec<u8>,
    /// Where the body begins.
    body: usize,
}

impl Message {
    /// Reads as much as its head says. `None` if it ends before.
    async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let body = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            Self::more(stream, &mut bytes).await?;
        };
        let mut message = Self { bytes, body };
        let length = message.header("content-length");
        let length: usize = length.map_or(Some(0), |text| text.parse().ok())?;
        while message.bytes.len() < body + length {
            Self::more(stream, &mut message.bytes).await?;
        }
        Some(message)
    }

    async fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
        let read = stream.read_buf(bytes).await.ok()?;
        (read > 0 && bytes.len() < LONGEST).then_some(())
    }

    fn head(&self) -> &str {
        let head = self.bytes.get(..self.body).unwrap_or_default();
        str::from_utf8(head).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head().lines().filter_map(|line| line.split_once(':'));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    fn status(&self) -> u16 {
        let status = self.head().split(' ').nth(1);
        status.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// As a node gets it: from the person's address, and alone on its connection.
    fn forwarded(&self) -> Vec<u8> {
        let mut lines = self.head().trim_end().lines();
        let mut head = lines.next().unwrap_or_default().to_owned();
        for line in lines {
            let name = line.split(':').next().unwrap_or_default();
            let hop = ["connection", REQUEST, PERSON, "x-forwarded-for"];
            if !hop.iter().any(|hop| name.eq_ignore_ascii_case(hop)) {
                head = head + "\r\n" + line;
            }
        }
        if let Some(address) = self.header(PERSON) {
            head = head + "\r\nx-forwarded-for: " + address;
        }
        head += "\r\nconnection: close\r\n\r\n";
        let body = self.bytes.get(self.body..).unwrap_or_default();
        [head.as_bytes(), body].concat()
    }
}
