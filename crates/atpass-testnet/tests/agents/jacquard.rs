//! Jacquard's agent.

use atpass_client::jacquard::{JacquardSession, session_error};
use jacquard::Data;
use jacquard::client::{Agent, AgentKind};
use jacquard::common::AuthorizationToken;
use jacquard::common::deps::fluent_uri::Uri;
use jacquard::common::error::{AuthError, ClientError, ClientErrorKind, HttpError};
use jacquard::common::xrpc::atproto::{CreateRecord, GetSession, ListRecords};
use jacquard::common::xrpc::{CallOptions, XrpcClient};
use jacquard::identity::resolver::IdentityResolver;
use jacquard::types::ident::AtIdentifier;
use jacquard::types::string::{Did, Handle, Nsid};
use serde_json::{Value, json};

use super::{LATER, LIKES, NOTES, Setting};

type JacquardAgent = Agent<JacquardSession>;

async fn me(agent: &JacquardAgent) -> AtIdentifier {
    AtIdentifier::Did(agent.info().await.unwrap().0)
}

async fn write(agent: &JacquardAgent, collection: &str, text: &str) -> Result<String, ClientError> {
    let record = json!({ "$type": collection, "text": text });
    let request = CreateRecord {
        collection: Nsid::new_owned(collection).unwrap(),
        record: serde_json::from_value::<Data>(record).unwrap(),
        repo: me(agent).await,
        rkey: None,
        swap_commit: None,
        validate: None,
    };
    let answer = agent.send(request).await?;
    Ok(answer.into_output().unwrap().uri.to_string())
}

async fn notes(agent: &JacquardAgent) -> Vec<(String, Value)> {
    let request = ListRecords {
        collection: Nsid::new_owned(NOTES).unwrap(),
        cursor: None,
        limit: None,
        repo: me(agent).await,
        reverse: None,
    };
    let listed = agent.send(request).await.unwrap().into_output().unwrap();
    let records = listed.records.into_iter();
    records
        .map(|record| {
            let value = serde_json::to_value(&record.value).unwrap();
            (record.uri.to_string(), value["text"].clone())
        })
        .collect()
}

/// Reads, writes and lists, before and after the end of the access token.
#[tokio::test(flavor = "multi_thread")]
async fn an_agents_day() {
    let setting = Setting::new().await;
    let agent = Agent::new(JacquardSession::new(setting.session.clone()));
    let session = agent.send(GetSession).await.unwrap().into_output().unwrap();
    assert_eq!(session.handle.as_str(), "alice.test");
    assert_eq!(session.did.as_str(), setting.session.did().as_str());
    let (did, key) = agent.info().await.unwrap();
    assert_eq!((agent.kind(), did), (AgentKind::OAuth, session.did));
    assert_eq!(key.unwrap(), setting.session.key().as_str());

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

    setting.lab.clock.advance(LATER);
    let token = agent.refresh().await.unwrap();
    assert!(matches!(token, AuthorizationToken::Dpop(_)));
    assert_eq!(setting.refreshes().await, Some(2));
}

/// A scope too small is an answer with a status and a body, and ends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call() {
    let setting = Setting::new().await;
    let agent = Agent::new(JacquardSession::new(setting.session.clone()));
    let refused = write(&agent, LIKES, "no").await.unwrap_err();
    assert!(session_error(&refused).is_none());
    assert!(!refused.is_auth(), "{refused:?}");
    assert_eq!(refused.status().unwrap(), 403);
    let source = refused.source_err().unwrap().downcast_ref::<HttpError>();
    let body: Value = serde_json::from_slice(source.unwrap().body.as_ref().unwrap()).unwrap();
    assert_eq!(body["error"], "insufficient_scope");

    write(&agent, NOTES, "yes").await.unwrap();
    assert_eq!(setting.refreshes().await, Some(0));
}

/// A session that is over says so, to a program as well.
#[tokio::test(flavor = "multi_thread")]
async fn the_end() {
    let setting = Setting::new().await;
    let agent = Agent::new(JacquardSession::new(setting.session.clone()));
    setting.end().await;
    let error = write(&agent, NOTES, "late").await.unwrap_err();
    assert!(
        matches!(
            error.kind(),
            ClientErrorKind::Auth(AuthError::RefreshFailed)
        ),
        "{error:?}"
    );
    assert!(session_error(&error).unwrap().needs_login());
}

/// What the agent sets arrives, beside token and proof; at another server, in place of them.
#[tokio::test(flavor = "multi_thread")]
async fn headers() {
    let setting = Setting::new().await;
    let agent = Agent::new(JacquardSession::new(setting.session.clone()));
    let options = CallOptions {
        atproto_proxy: Some("did:web:chat.example#bsky_chat".into()),
        atproto_accept_labelers: Some(vec!["did:web:one.example;redact".into()]),
        ..CallOptions::default()
    };
    agent.set_options(options).await;
    agent.send(GetSession).await.unwrap();
    let sent = |name| setting.sent.last(name);
    assert_eq!(
        sent("atproto-proxy").unwrap(),
        "did:web:chat.example#bsky_chat"
    );
    assert_eq!(
        sent("atproto-accept-labelers").unwrap(),
        "did:web:one.example;redact"
    );
    assert!(sent("authorization").unwrap().starts_with("DPoP "));
    assert!(sent("dpop").is_some());

    let directory = Uri::parse(setting.lab.network.directory.to_string()).unwrap();
    agent.set_base_uri(directory).await;
    let elsewhere = agent.send(GetSession).await;
    assert!(elsewhere.is_err_and(|error| error.is_not_found()));
    assert_eq!((sent("authorization"), sent("dpop")), (None, None));
    assert!(sent("atproto-proxy").is_some());
}

/// Accounts are found with the client's own resolver.
#[tokio::test(flavor = "multi_thread")]
async fn accounts() {
    let setting = Setting::new().await;
    let agent = Agent::new(JacquardSession::new(setting.session.clone()));
    let handle: Handle = Handle::new_owned("alice.test").unwrap();
    let (did, pds) = agent.pds_for_handle(&handle).await.unwrap();
    assert_eq!(did.as_str(), setting.session.did().as_str());
    assert_eq!(pds.as_str(), setting.session.pds().as_str());
    assert_eq!(agent.endpoint().await, pds);

    let nobody: Handle = Handle::new_owned("nobody.test").unwrap();
    assert!(agent.resolve_handle(&nobody).await.is_err());
    let nobody: Did = Did::new_owned("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    assert!(agent.pds_for_did(&nobody).await.is_err());
}
