//! A DNS server for tests: it says what it is told to say, in turn if need be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, TXT};
use hickory_proto::rr::{RData, Record, RecordType};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Answers by name and kind. Several answers to one question are given one after the other, the
/// last one for good.
type Zone = HashMap<(String, RecordType), Vec<Vec<RData>>>;

/// A DNS server on a loopback port. Stops when it is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    zone: Zone,
    asked: Vec<String>,
}

impl NameServer {
    /// Starts with nothing in it: every name is unknown.
    pub async fn start() -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("bind a UDP port")?;
        let address = socket.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let task = tokio::spawn(serve(socket, state.clone()));
        Ok(Self {
            address,
            state,
            task,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds an answer of addresses for a name.
    pub fn add_addresses(&self, name: &str, addresses: &[IpAddr]) {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => v4.push(RData::A(A(*address))),
                IpAddr::V6(address) => v6.push(RData::AAAA(AAAA(*address))),
            }
        }
        self.add(name, RecordType::A, v4);
        self.add(name, RecordType::AAAA, v6);
    }

    /// Adds an answer of TXT records for a name.
    pub fn add_texts(&self, name: &str, texts: &[&str]) {
        let records = texts.iter().map(|text| {
            // A long text goes in pieces of 255 bytes, as it must.
            let pieces = text.as_bytes().chunks(255).map(String::from_utf8_lossy);
            RData::TXT(TXT::new(pieces.map(String::from).collect()))
        });
        self.add(name, RecordType::TXT, records.collect());
    }

    fn add(&self, name: &str, kind: RecordType, answer: Vec<RData>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state
            .zone
            .entry((name.to_ascii_lowercase(), kind))
            .or_default()
            .push(answer);
    }

    /// What was asked so far, as `TXT _atproto.alice.test`.
    pub fn asked(&self) -> Vec<String> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .asked
            .clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, state: Arc<Mutex<State>>) {
    let mut buffer = [0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            return;
        };
        let query = buffer.get(..length).unwrap_or_default();
        if let Some(answer) = answer_bytes(query, &state) {
            // Who doesn't listen any more needs no answer.
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

/// The same server over HTTPS (RFC 8484).
pub(crate) fn over_https(names: &NameServer) -> Router {
    let state = names.state.clone();
    let ask = async move |query: Bytes| match answer_bytes(&query, &state) {
        Some(answer) => ([(CONTENT_TYPE, "application/dns-message")], answer).into_response(),
        None => StatusCode::BAD_REQUEST.into_response(),
    };
    Router::new().route("/dns-query", axum::routing::post(ask))
}

fn answer_bytes(query: &[u8], state: &Mutex<State>) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).ok()?;
    answer(&query, state)?.to_vec().ok()
}

fn answer(query: &Message, state: &Mutex<State>) -> Option<Message> {
    let question = query.queries.first()?;
    let name = question
        .name()
        .to_ascii()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    let kind = question.query_type();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push(format!("{kind} {name}"));

    let mut message = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    message.metadata.recursion_desired = query.metadata.recursion_desired;
    message.metadata.recursion_available = true;
    message.add_query(question.clone());
    match state.zone.get_mut(&(name, kind)) {
        None => message.metadata.response_code = ResponseCode::NXDomain,
        Some(answers) => {
            let data = if answers.len() > 1 {
                answers.remove(0)
            } else {
                answers.first()?.clone()
            };
            // Nobody may keep it: the next answer may differ.
            let records = data
                .into_iter()
                .map(|data| Record::from_rdata(question.name().clone(), 0, data));
            message.add_answers(records);
        }
    }
    Some(message)
}
