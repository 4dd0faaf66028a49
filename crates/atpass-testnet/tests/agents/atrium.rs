//! Atrium's agent.

use atpass_client::atrium::{AtriumSession, session_error};
use atrium_api::agent::{Agent, Configure};
use atrium_api::com::atproto::repo::{create_record, list_records};
use atrium_api::types::string::{AtIdentifier, Did, Nsid};
use atrium_api::types::{TryFromUnknown, TryIntoUnknown};
use atrium_xrpc::Error;
use atrium_xrpc::error::XrpcErrorKind;
use http::StatusCode;
use serde_json::{Value, json};

use super::{LATER, LIKES, NOTES, Setting};

type AtriumAgent = Agent<AtriumSession>;

fn nsid(text: &str) -> Nsid {
    text.parse().unwrap()
}

async fn me(agent: &AtriumAgent) -> AtIdentifier {
    AtIdentifier::Did(agent.did().await.unwrap())
}

async fn write(
    agent: &AtriumAgent,
    collection: &str,
    text: &str,
) -> Result<String, Error<create_record::Error>> {
    let record = json!({ "$type": collection, "text": text });
    let input = create_record::InputData {
        collection: nsid(collection),
        record: record.try_into_unknown().unwrap(),
        repo: me(agent).await,
        rkey: None,
        swap_commit: None,
        validate: None,
    };
    let written = agent.api.com.atproto.repo.create_record(input.into()).await;
    written.map(|written| written.data.uri)
}

async fn notes(agent: &AtriumAgent) -> Vec<(String, Value)> {
    let parameters = list_records::ParametersData {
        collection: nsid(NOTES),
        cursor: None,
        limit: None,
        repo: me(agent).await,
        reverse: None,
    };
    let repo = &agent.api.com.atproto.repo;
    let listed = repo.list_records(parameters.into()).await.unwrap();
    let records = listed.data.records.into_iter();
    records
        .map(|record| {
            let value = Value::try_from_unknown(record.data.value).unwrap();
            (record.data.uri, value["text"].clone())
        })
        .collect()
}

/// Reads, writes and lists, before and after the end of the access token.
#[tokio::test(flavor = "multi_thread")]
async fn an_agents_day() {
    let setting = Setting::new().await;
    let agent = Agent::new(AtriumSession::new(setting.session.clone()));
    let session = agent.api.com.atproto.server.get_session().await.unwrap();
    assert_eq!(session.handle.as_str(), "alice.test");
    assert_eq!(session.did.as_str(), setting.session.did().as_str());
    assert_eq!(agent.did().await.unwrap(), session.did);

    let first = write(&agent, NOTES, "one").await.unwrap();
    assert_eq!(notes(&agent).await, [(first.clone(), json!("one"))]);
    assert_eq!(setting.refreshes().await, Some(0));

    setting.lab.clock.advance(LATER);
    let second = write(&agent, NOTES, "two").await.unwrap();
    assert_eq!(
        notes(&agent).await,
        [(second, json!("two")), (first, json!("one"))]
    );
    assert_eq!(setting.refreshes().await, Some(1));
}

/// A scope too small is an answer with status, error and message, and ends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call() {
    let setting = Setting::new().await;
    let agent = Agent::new(AtriumSession::new(setting.session.clone()));
    let refused = write(&agent, LIKES, "no").await.unwrap_err();
    assert!(session_error(&refused).is_none());
    let Error::XrpcResponse(answer) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let Some(XrpcErrorKind::Undefined(body)) = answer.error else {
        panic!("{:?}", answer.error);
    };
    assert_eq!(body.error.unwrap(), "insufficient_scope");
    let needed = format!("repo:{LIKES}?action=create");
    assert!(body.message.unwrap().contains(&needed));

    write(&agent, NOTES, "yes").await.unwrap();
    assert_eq!(setting.refreshes().await, Some(0));
}

/// A session that is over says so, to a program as well.
#[tokio::test(flavor = "multi_thread")]
async fn the_end() {
    let setting = Setting::new().await;
    let agent = Agent::new(AtriumSession::new(setting.session.clone()));
    setting.end().await;
    let error = write(&agent, NOTES, "late").await.unwrap_err();
    assert!(session_error(&error).unwrap().needs_login(), "{error}");
}

/// What the agent sets arrives, beside token and proof; at another server, in place of them.
#[tokio::test(flavor = "multi_thread")]
async fn headers() {
    let setting = Setting::new().await;
    let agent = Agent::new(AtriumSession::new(setting.session.clone()));
    let did = |name: &str| Did::new(format!("did:web:{name}.example")).unwrap();
    agent.configure_labelers_header(Some(vec![(did("one"), true), (did("two"), false)]));
    let chat = agent.api_with_proxy(did("chat"), "bsky_chat");
    chat.com.atproto.server.get_session().await.unwrap();
    let sent = |name| setting.sent.last(name);
    assert_eq!(
        sent("atproto-proxy").unwrap(),
        "did:web:chat.example#bsky_chat"
    );
    assert_eq!(
        sent("atproto-accept-labelers").unwrap(),
        "did:web:one.example;redact, did:web:two.example"
    );
    assert!(sent("authorization").unwrap().starts_with("DPoP "));
    assert!(sent("dpop").is_some());

    agent.api.com.atproto.server.get_session().await.unwrap();
    assert_eq!(
        sent("atproto-proxy"),
        None,
        "the proxy is the other agent's"
    );

    agent.configure_endpoint(setting.lab.network.directory.to_string());
    let elsewhere = agent.api.com.atproto.server.get_session().await;
    assert!(matches!(elsewhere.unwrap_err(), Error::XrpcResponse(_)));
    assert_eq!((sent("authorization"), sent("dpop")), (None, None));
    assert!(sent("atproto-accept-labelers").is_some());
}
