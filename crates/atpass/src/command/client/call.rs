//! `atpass call`.

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use atpass_protocol::id::Nsid;
use bytes::Bytes;
use clap::Args;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request};
use serde_json::{Map, Value};

use super::tell::escaped;
use super::{DEFAULT_SCOPE, Place, Which};
use crate::output::{print, print_json};

/// Words with which the names of queries begin. Everything else is a procedure, and is posted.
const QUERY_VERBS: [&str; 7] = [
    "get", "list", "search", "describe", "resolve", "check", "query",
];

/// Call a method of an account's PDS
///
/// `key=value` gives a text, `key:=value` any JSON. A query has them in its URL, a procedure in its
/// body; which of the two a method is shows in its name (`getSession`, `createRecord`), and --query and
/// --procedure say otherwise. Prints the answer; fails if the server refuses.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The method, such as com.atproto.repo.listRecords
    #[arg(value_name = "NSID")]
    nsid: String,
    /// Its parameters
    #[arg(value_name = "KEY=VALUE")]
    parameters: Vec<String>,
    /// It is a query (GET)
    #[arg(long, conflicts_with_all = ["procedure", "input"])]
    query: bool,
    /// It is a procedure (POST)
    #[arg(long)]
    procedure: bool,
    /// Body of a procedure: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Type of that body
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    content_type: String,
    /// Another service to which the PDS passes the call on, such as `did:web:api.bsky.app#bsky_appview`
    #[arg(long, value_name = "DID#SERVICE")]
    proxy: Option<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(args: &Call) -> anyhow::Result<ExitCode> {
    let request = args.request()?;
    let own = args.place.open(DEFAULT_SCOPE).await?;
    let session = own.session(&args.which).await?;
    let answer = session.request(request).await?;
    let (status, body) = (answer.status(), answer.body());
    let on_terminal = std::io::stdout().is_terminal();
    match serde_json::from_slice::<Value>(body) {
        Ok(json) if on_terminal => print(&escaped(&serde_json::to_string_pretty(&json)?))?,
        Ok(json) => print_json(&json)?,
        Err(_) if on_terminal => print(&escaped(&String::from_utf8_lossy(body)))?,
        Err(_) => std::io::stdout()
            .write_all(body)
            .context("print the answer")?,
    }
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    anstream::eprintln!("atpass: {} answered {status}", session.pds());
    Ok(ExitCode::FAILURE)
}

impl Call {
    fn is_query(&self, nsid: &Nsid) -> bool {
        if self.query || self.procedure || self.input.is_some() {
            return self.query;
        }
        let name = nsid.as_str().rsplit('.').next().unwrap_or_default();
        QUERY_VERBS.iter().any(|verb| name.starts_with(verb))
    }

    fn request(&self) -> anyhow::Result<Request<Bytes>> {
        let nsid = Nsid::parse(&self.nsid).with_context(|| self.nsid.clone())?;
        let parameters = self.parameters.iter().map(|text| parameter(text));
        let parameters = parameters.collect::<anyhow::Result<Vec<_>>>()?;
        let (mut path, mut body) = (format!("/xrpc/{nsid}"), Bytes::new());
        let is_query = self.is_query(&nsid);
        let in_url = is_query || self.input.is_some();
        if in_url && !parameters.is_empty() {
            let mut query = form_urlencoded::Serializer::new(String::new());
            for (name, value) in &parameters {
                append(&mut query, name, value);
            }
            path = format!("{path}?{}", query.finish());
        }
        if let Some(file) = &self.input {
            body = read(file)?;
        } else if !is_query && !parameters.is_empty() {
            body = Value::Object(Map::from_iter(parameters)).to_string().into();
        }
        let method = if is_query { Method::GET } else { Method::POST };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, "application/json, */*;q=0.5");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, &self.content_type);
        }
        if let Some(proxy) = &self.proxy {
            request = request.header("atproto-proxy", proxy);
        }
        request.body(body).context("the request")
    }
}

/// `key=value` or `key:=json`.
fn parameter(text: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) = text
        .split_once('=')
        .with_context(|| format!("{text}: write key=value, or key:=value for JSON"))?;
    match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(value).with_context(|| format!("{text}: no JSON"))?;
            Ok((name.to_owned(), value))
        }
        None => Ok((name.to_owned(), value.into())),
    }
}

/// A list is the same name several times.
fn append(query: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| append(query, name, value)),
        Value::String(text) => drop(query.append_pair(name, text)),
        other => drop(query.append_pair(name, &other.to_string())),
    }
}

fn read(file: &PathBuf) -> anyhow::Result<Bytes> {
    if file.as_os_str() != "-" {
        let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        return Ok(bytes.into());
    }
    let mut bytes = Vec::new();
    if std::io::stdin().is_terminal() {
        bail!("--input - reads standard input; nothing is piped into it");
    }
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("read standard input")?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        call: Call,
    }

    fn request(words: &[&str]) -> (String, String) {
        let line = Line::parse_from(["call"].iter().chain(words));
        let request = line.call.request().unwrap();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        (format!("{} {}", request.method(), request.uri()), body)
    }

    #[test]
    fn queries_and_procedures() {
        let list = ["com.atproto.repo.listRecords", "repo=did:plc:a", "limit:=2"];
        let got = request(&list);
        let url = "GET /xrpc/com.atproto.repo.listRecords?repo=did%3Aplc%3Aa&limit=2";
        assert_eq!(got, (url.into(), String::new()));
        let create = [
            "com.atproto.repo.createRecord",
            "repo=a",
            "record:={\"x\":[1]}",
        ];
        let (line, body) = request(&create);
        assert_eq!(line, "POST /xrpc/com.atproto.repo.createRecord");
        assert_eq!(body, r#"{"record":{"x":[1]},"repo":"a"}"#);
        let (line, _) = request(&["app.example.getThing", "--procedure"]);
        assert_eq!(line, "POST /xrpc/app.example.getThing");
        let (line, _) = request(&["app.example.thing", "--query", "a:=[1,\"b\"]"]);
        assert_eq!(line, "GET /xrpc/app.example.thing?a=1&a=b");
        // A query has no body.
        for other in [&["--procedure"][..], &["--input", "file"]] {
            let words = ["call", "app.example.thing", "--query"];
            assert!(Line::try_parse_from(words.iter().chain(other)).is_err());
        }
        assert!(parameter("nothing").is_err());
        assert!(parameter("a:=nothing").is_err());
    }
}
