//! What is fuzzed: each function takes any bytes, must not panic but for a broken law, and is one
//! fuzz target. The seeds in `seeds/` go through the same functions in `cargo test`.

use atpass_identity::{Claim, DidDocument, Input, read_block, verify_record};
use atpass_protocol::client_assertion::{self, ExpectedAssertion};
use atpass_protocol::dpop::{self, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::id::{ClientId, Did, Handle, Issuer, RedirectUri};
use atpass_protocol::jose::{BoundKey, ClientKeys, PublicJwk};
use atpass_protocol::metadata::{
    AuthorizationServerMetadata, ClientMetadata, ProtectedResourceMetadata,
};
use atpass_protocol::request::{
    CallbackParameters, Form, PushedAuthorizationRequest, RevocationRequest, TokenRequest,
};
use atpass_protocol::scope::{Grants, Names, PermissionSet, Scope, ScopeSet};
use atpass_protocol::secret::HmacKey;
use atpass_protocol::time::UnixTime;
use atpass_protocol::token::{AccessTokenClaims, ExpectedToken};
use serde_json::Value;
use url::Url;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// A target: its name, and what takes the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 12] = [
    ("handle", handle),
    ("did", did),
    ("input", input),
    ("did_document", did_document),
    ("metadata", metadata),
    ("client_document", client_document),
    ("redirect_uri", redirect_uri),
    ("jwt", jwt),
    ("scope", scope),
    ("permission_set", permission_set),
    ("form", form),
    ("lexicon_proof", lexicon_proof),
];

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// What reads as a handle prints as one, in lower case.
pub fn handle(data: &[u8]) {
    let Some(text) = text(data) else { return };
    for handle in [Handle::parse(text), Handle::from_person(text)]
        .into_iter()
        .flatten()
    {
        let printed = handle.to_string();
        assert_eq!(Handle::parse(&printed).as_ref(), Ok(&handle));
        assert_eq!(printed, printed.to_lowercase());
        assert!(printed.len() <= 253 && printed.contains('.'));
    }
}

/// What reads as a DID prints as the same text.
pub fn did(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(did) = Did::parse(text) {
        assert_eq!(did.as_str(), text);
        let _ = did.method();
    }
}

/// What a person may type.
pub fn input(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match Input::parse(text) {
        Ok(Input::Handle(handle)) => {
            assert_eq!(Input::parse(handle.as_str()), Ok(Input::Handle(handle)));
        }
        Ok(Input::Did(did)) => assert_eq!(Input::parse(did.as_str()), Ok(Input::Did(did))),
        Ok(Input::Server(server)) => {
            assert_eq!(Input::parse(server.as_str()), Ok(Input::Server(server)));
        }
        Err(_) => {}
    }
}

/// A DID document: its PDS, where it has one, is an origin.
pub fn did_document(data: &[u8]) {
    let Ok(document) = serde_json::from_slice::<DidDocument>(data) else {
        return;
    };
    let _ = document.to_string();
    let _ = document.handle();
    assert_eq!(document.check_id(&document.id), Ok(()));
    if let Ok(pds) = document.pds() {
        assert_eq!(Issuer::parse(pds.as_str()), Ok(pds));
    }
}

/// What a PDS and an authorization server say of themselves.
pub fn metadata(data: &[u8]) {
    let issuer = issuer();
    if let Ok(resource) = serde_json::from_slice::<ProtectedResourceMetadata>(data)
        && let Ok(named) = resource.issuer(&issuer)
    {
        assert_eq!(Issuer::parse(named.as_str()), Ok(named));
    }
    if let Ok(server) = serde_json::from_slice::<AuthorizationServerMetadata>(data) {
        let departures = server.departures(&issuer);
        assert!(!departures.is_empty() || server.issuer == issuer.as_str());
        let _ = server.check_resource(&issuer);
    }
}

/// What lies at a `client_id`: all that passes keeps the rules.
pub fn client_document(data: &[u8]) {
    let (id, url) = client();
    if let Ok(client) = ClientMetadata::from_document(&id, &url, data) {
        assert_eq!(client.client_id, id);
        assert!(!client.redirect_uris.is_empty() && client.dpop_bound_access_tokens);
        assert_eq!(client.is_confidential(), client.keys.is_some());
    }
    let _ = ClientKeys::from_json(data);
    let _ = PublicJwk::from_json(data);
}

/// A redirect URI matches itself; a client id prints as it was read.
pub fn redirect_uri(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(uri) = RedirectUri::parse(text) {
        assert_eq!(uri.as_str(), text);
        assert!(uri.matches(&uri));
        let _ = (uri.policy_source(), uri.destination(), uri.is_loopback());
    }
    if let Ok(id) = ClientId::parse(text) {
        assert_eq!(id.as_str(), text);
        let _ = id.kind();
    }
    if let Ok(issuer) = Issuer::parse(text) {
        assert_eq!(issuer.as_str(), text);
    }
}

/// Proofs, assertions and access tokens of strangers: none of them holds.
pub fn jwt(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (issuer, nonces) = (issuer(), NonceKeeper::new(&HmacKey::new(&[7; 32])));
    let expected = Expected {
        method: "POST",
        url: "https://auth.example.org/oauth/token",
        query: QueryPolicy::Ignore,
        access_token: None,
    };
    assert!(dpop::verify([Some(text)].into_iter(), &expected, &nonces, NOW).is_err());
    let (client_id, _) = client();
    let keys = ClientKeys::from_json(KEYS.as_bytes()).expect("the set is a good one");
    let expected = ExpectedAssertion {
        client_id: &client_id,
        issuer: &issuer,
        keys: &keys,
    };
    assert!(client_assertion::verify(text, &expected, NOW).is_err());
    let audience = Did::parse("did:web:pds.example.com").expect("a good DID");
    let expected = ExpectedToken {
        issuer: &issuer,
        audience: &audience,
    };
    assert!(
        AccessTokenClaims::verify(
            text,
            |kid| keys.find(kid).map(BoundKey::key),
            &expected,
            NOW
        )
        .is_err()
    );
}

/// Scopes print as they are read, and the algebra holds for whatever two of them say.
pub fn scope(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let half = (text.len() / 2..text.len()).find(|&at| text.is_char_boundary(at));
    let (one, other) = text.split_at(half.unwrap_or(text.len()));
    for value in text.split(' ') {
        if let Ok(scope) = Scope::parse(value) {
            assert_eq!(Scope::parse(&scope.to_string()), Ok(scope.clone()));
            let _ = scope.explain();
        }
    }
    if let Ok(set) = ScopeSet::parse(text) {
        assert_eq!(ScopeSet::parse(&set.to_string()), Ok(set.clone()));
        assert!(set.covers(&set) && set.contains(&Scope::Atproto));
    }
    let read = |text: &str| -> Grants {
        text.split(' ')
            .filter_map(|value| Scope::parse(value).ok())
            .collect()
    };
    let (one, other) = (read(one), read(other));
    let union = one.clone().union(&other);
    let common = one.intersection(&other);
    let left = one.difference(&other);
    assert!(union.covers(&one) && union.covers(&other));
    assert!(one.covers(&common) && other.covers(&common));
    assert!(one.covers(&left) && left.union(&other).covers(&one));
    let fewest: Grants = one.clone().into_scopes().into_iter().collect();
    assert!(fewest.covers(&one) && one.covers(&fewest));
}

/// A permission set grants changes of records and calls of its own group, and nothing else.
pub fn permission_set(data: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let include = "include:app.example.feed.authFull?aud=did:web:api.example.com%23svc";
    let Ok(Scope::Include(include)) = Scope::parse(include) else {
        return;
    };
    let Ok(set) = PermissionSet::from_document(&include.nsid, &document) else {
        return;
    };
    let _ = (set.title(&["de"]), set.detail(&[]));
    for scope in set.expand(&include) {
        let names = match &scope {
            Scope::Repo(repo) => &repo.collections,
            Scope::Rpc(rpc) => &rpc.methods,
            other => panic!("{other} in a set"),
        };
        let Names::These(names) = names else {
            panic!("{scope} in a set");
        };
        assert!(names.iter().all(|name| include.has_authority_over(name)));
        assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
    }
}

/// Parameters, and every message that is read from them.
pub fn form(data: &[u8]) {
    if let Ok(form) = Form::parse(data) {
        let _ = PushedAuthorizationRequest::from_form(&form);
        let _ = TokenRequest::from_form(&form);
        let _ = RevocationRequest::from_form(&form);
    }
    if let Some(text) = text(data) {
        let _ = CallbackParameters::parse(text);
    }
}

/// An archive that is to prove a record, and any block of one. Only the one archive that the account
/// signed proves anything; what reads as a record can be written, and read again.
pub fn lexicon_proof(data: &[u8]) {
    let account: DidDocument = serde_json::from_str(ACCOUNT).expect("a good document");
    let claim = Claim {
        did: &account.id,
        signing_key: &account.signing_key().expect("a good key"),
        path: "com.atproto.lexicon.schema/com.example.feed.authFull",
    };
    if let Ok(record) = verify_record(data, &claim) {
        assert_eq!(record.cid.to_string(), RECORD);
    }
    if let Ok(record) = read_block(data, &claim) {
        let text = record.to_string();
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(record));
    }
}

/// The account that signed the archives of the seeds, and its record.
const ACCOUNT: &str =
    include_str!("../../crates/atpass-identity/tests/vectors/official-pds/document.json");
const RECORD: &str = "bafyreihxupji6ccy2gr2t2ojogieofcntl5eyozmvchbz4eqtwkccoqkry";

fn issuer() -> Issuer {
    Issuer::parse("https://auth.example.org").expect("a good issuer")
}

fn client() -> (ClientId, Url) {
    let text = "https://app.example.com/client.json";
    let id = ClientId::parse(text).expect("a good client id");
    (id, Url::parse(text).expect("a good URL"))
}

/// The key of RFC 9449 section 4.1.
const KEYS: &str = r#"{"keys":[{"kid":"k1","kty":"EC","crv":"P-256",
    "x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}]}"#;
