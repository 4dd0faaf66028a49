//! A small internet for tests: hosts with names and certificates, all at one loopback port, and a
//! record of what was asked.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Context;
use atpass_fetch::{DnsServer, FetchConfig};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::names::{self, NameServer};
use crate::request_log::RequestLog;
use crate::tls::{Authority, TlsListener};

/// The host that speaks DNS over HTTPS.
const DNS_HOST: &str = "dns.example.net";

/// Hosts, their names and their certificates. Stops when it is dropped.
pub struct Internet {
    /// Its DNS server. Names of the hosts are there; a test adds what else it needs.
    pub names: NameServer,
    port: u16,
    root: String,
    requests: RequestLog,
    task: JoinHandle<()>,
}

impl Internet {
    /// Starts these hosts, each with its routes. One more, `dns.example.net`, answers questions about
    /// names over HTTPS.
    pub async fn start(hosts: impl IntoIterator<Item = (&str, Router)>) -> anyhow::Result<Self> {
        let mut hosts: HashMap<String, Router> = hosts
            .into_iter()
            .map(|(name, router)| (name.to_owned(), router))
            .collect();
        let names = NameServer::start().await?;
        hosts.insert(DNS_HOST.to_owned(), names::over_https(&names));
        let list: Vec<String> = hosts.keys().cloned().collect();
        for name in &list {
            names.add_addresses(name, &[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        }
        let authority = Authority::new().context("make a certificate authority")?;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("bind a port")?;
        let port = tcp.local_addr()?.port();
        let listener = TlsListener {
            tcp,
            acceptor: authority.acceptor(&list)?,
        };
        let requests = RequestLog::default();
        let record = requests.clone();
        let app = Router::new().fallback(move |request: Request| {
            let (hosts, record) = (hosts.clone(), record.clone());
            async move { dispatch(&hosts, &record, request).await }
        });
        let task = tokio::spawn(async move {
            // Serving ends with the task.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            names,
            port,
            root: authority.pem().to_owned(),
            requests,
            task,
        })
    }

    /// The configuration with which its hosts are reached, as they would be on the real one.
    pub fn fetch_config(&self) -> FetchConfig {
        FetchConfig {
            allow_loopback: true,
            dns: DnsServer::Plain(self.names.address()),
            https_port: Some(self.port),
            root_certificates: vec![self.root.clone().into_bytes()],
            ..FetchConfig::default()
        }
    }

    /// Its DNS server, reached over HTTPS.
    pub fn dns_over_https(&self) -> DnsServer {
        DnsServer::Https {
            address: (Ipv4Addr::LOCALHOST, self.port).into(),
            name: DNS_HOST.to_owned(),
            path: None,
        }
    }

    /// The root certificate, PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The port at which the hosts listen.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The requests so far, as `GET https://host/path`.
    pub fn asked(&self) -> Vec<String> {
        self.requests.lines()
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn dispatch(
    hosts: &HashMap<String, Router>,
    record: &RequestLog,
    request: Request,
) -> Response {
    let host = request
        .headers()
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = request.uri().host().or(host).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let url = format!("https://{host}{}", request.uri().path());
    let place = record.begin(&request, url);
    let answer = match hosts.get(&host) {
        Some(router) => router.clone().oneshot(request).await.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    record.end(place, answer).await
}
