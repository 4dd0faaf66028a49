//! Hosts of clients that do what a test wants.

use atpass_fetch::FetchConfig;
use atpass_testnet::Internet;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{StatusCode, header};
use serde_json::Value;

use crate::common::{Answer, App, Lab};
use crate::push;
use crate::site::{CALLBACK, CLIENT_ID};

/// A network, and two hosts on an internet of its own: `app.example.com` and `keys.example.net`.
pub(crate) struct Web {
    pub(crate) lab: Lab,
    pub(crate) internet: Internet,
}

impl Web {
    pub(crate) async fn start(site: Router) -> Self {
        Self::configured(site, |_| {}).await
    }

    pub(crate) async fn configured(site: Router, change: impl FnOnce(&mut FetchConfig)) -> Self {
        let hosts = [
            ("app.example.com", site.clone()),
            ("keys.example.net", site),
        ];
        let internet = Internet::start(hosts).await.unwrap();
        let mut fetch = internet.fetch_config();
        change(&mut fetch);
        let lab = Lab::configured(|config| config.fetch = fetch).await;
        Self { lab, internet }
    }

    /// The client at this id, a public one.
    pub(crate) fn app(&self, client_id: &str) -> App {
        let mut app = self.lab.app();
        client_id.clone_into(&mut app.client_id);
        CALLBACK.clone_into(&mut app.redirect_uri);
        app
    }

    /// A request of the client at `app.example.com`, which can't be used, for this reason.
    pub(crate) async fn assert_unusable(&self, reason: &str, what: &str) {
        let answer = push(&self.app(CLIENT_ID), &[]).await;
        assert_unusable(&answer, reason, what);
    }
}

pub(crate) fn assert_unusable(answer: &Answer, reason: &str, what: &str) {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}");
    assert_eq!(answer.error(), "invalid_client_metadata", "{what}");
    assert!(answer.text().contains(reason), "{what}: {}", answer.text());
}

/// A document with this status.
pub(crate) fn document(status: u16, document: &Value) -> Response {
    let body = Body::from(document.to_string());
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
