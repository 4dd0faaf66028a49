//! Bad input: each malformed request gets its exact status and error code, a description that
//! says something, and writes nothing. Clauses AS-PAR-*, AS-TOK-07, AS-TOK-08, AS-DPOP-*,
//! AS-META-13, RS-*.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod proofs;
mod pushed_requests;
mod resource_requests;
mod token_requests;

use bytes::Bytes;
use common::{Answer, App, Lab, REDIRECT, form};
use data_encoding::BASE64URL_NOPAD;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::{Value, json};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What was answered, against what should be.
struct Table {
    wrong: Vec<String>,
    count: usize,
}

impl Table {
    fn row(&mut self, name: &str, answer: &Answer, status: u16, error: &str) {
        self.count += 1;
        let got = (answer.status.as_u16(), answer.error());
        let json = answer.json();
        let text = json["error_description"]
            .as_str()
            .or(json["message"].as_str())
            .unwrap_or_default();
        println!("{name:44} {} {:24} {text}", got.0, got.1);
        if got != (status, error.to_owned()) {
            self.wrong.push(format!(
                "{name}: {got:?} where ({status}, {error:?}) was expected: {}",
                answer.text()
            ));
        }
        if answer.header("dpop-nonce").is_empty() {
            self.wrong.push(format!("{name}: no DPoP-Nonce"));
        }
        if !error.is_empty() && text.len() < 12 {
            self.wrong.push(format!("{name}: no description"));
        }
    }

    fn finish(self) {
        println!("{} malformed requests", self.count);
        assert!(self.wrong.is_empty(), "\n{}", self.wrong.join("\n"));
    }
}

/// A proof with any header and claims, signed by the app's key.
fn proof(app: &App, path: &str, header: &Value, claims: &Value) -> String {
    let mut all_header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": app.key.public() });
    let mut all_claims = json!({
        "jti": format!("jti-{claims}-{header}"), "htm": "POST", "htu": format!("{}{path}", app.origin),
        "iat": app.now, "nonce": app.nonce(),
    });
    for (all, part) in [(&mut all_header, header), (&mut all_claims, claims)] {
        for (name, value) in part.as_object().unwrap() {
            match value {
                Value::Null => all.as_object_mut().unwrap().remove(name),
                value => all
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
    }
    app.key.sign_compact(&all_header, &all_claims).unwrap()
}

async fn send(app: &App, path: &str, body: &str, proofs: &[String]) -> Answer {
    let mut request = app.form_request(path, body, None);
    for proof in proofs {
        request.headers_mut().append("dpop", proof.parse().unwrap());
    }
    app.send(request).await
}
