//! An app, which makes requests as a good client does.

use anyhow::{Context, Result};
use atpass_protocol::client_assertion::{ASSERTION_TYPE, NewAssertion};
use atpass_protocol::dpop::DpopProof;
use atpass_protocol::id::{ClientId, Issuer};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::random;
use atpass_protocol::time::Clock;
use atpass_testnet::Internet;
use axum::body::Body;
use axum::{Json, Router, routing};
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::scene::{Answer, ISSUER, ORIGIN, Scene};

const HOST: &str = "app.example.com";
const CALLBACK: &str = "https://app.example.com/callback";
const SCOPE: &str = "atproto repo:app.example.post rpc:app.example.getFeed?aud=*";
const KID: &str = "k1";
/// What apps call.
pub(crate) const PAR: &str = "/oauth/par";
pub(crate) const TOKEN: &str = "/oauth/token";

/// The method that is called at the resource server.
pub(crate) const METHOD: &str = "POST";
pub(crate) const URL: &str = "https://pds.example.com/xrpc/com.atproto.repo.createRecord";
pub(crate) const COLLECTION: &str = "app.example.post";

/// An app with its DPoP key.
pub(crate) struct App {
    pub(crate) id: ClientId,
    /// Of a confidential one.
    signer: Option<PrivateKey>,
    key: PrivateKey,
}

/// The tokens of a session.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl App {
    /// A public app and a confidential one.
    pub(crate) fn both() -> Result<[Self; 2]> {
        let app = |path: &str, signer| -> Result<Self> {
            Ok(Self {
                id: ClientId::parse(&format!("https://{HOST}/{path}.json"))?,
                signer,
                key: PrivateKey::generate()?,
            })
        };
        let signer = PrivateKey::generate()?;
        Ok([app("public", None)?, app("confidential", Some(signer))?])
    }

    /// The host of these apps.
    pub(crate) async fn host(apps: &[Self]) -> Result<Internet> {
        let mut routes = Router::new();
        for app in apps {
            let document = app.document()?;
            let answer = async move || Json(document);
            let path = app
                .id
                .as_str()
                .trim_start_matches("https://app.example.com");
            routes = routes.route(path, routing::get(answer));
        }
        Internet::start([(HOST, routes)]).await
    }

    fn document(&self) -> Result<Value> {
        let mut document = json!({
            "client_id": self.id.as_str(),
            "application_type": "web",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": SCOPE,
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "dpop_bound_access_tokens": true,
            "client_name": "Example App",
            "client_uri": "https://app.example.com",
        });
        if let Some(signer) = &self.signer {
            let mut jwk = serde_json::to_value(signer.public())?;
            let members = jwk.as_object_mut().context("a key is an object")?;
            members.insert("kid".to_owned(), KID.into());
            let members = document.as_object_mut().context("an object")?;
            for (name, value) in [
                ("token_endpoint_auth_method", json!("private_key_jwt")),
                ("token_endpoint_auth_signing_alg", json!("ES256")),
                ("jwks", json!({ "keys": [jwk] })),
            ] {
                members.insert(name.to_owned(), value);
            }
        }
        Ok(document)
    }

    /// A request to the authorization server, with a proof and, of a confidential app, an assertion.
    fn post(&self, scene: &Scene, path: &str, pairs: &[(&str, &str)]) -> Result<Request<Body>> {
        let nonce = scene.nonce()?;
        let proof = DpopProof {
            htm: "POST",
            htu: &format!("{ISSUER}{path}"),
            nonce: Some(&nonce),
            access_token: None,
            iat: scene.clock.now(),
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("client_id", self.id.as_str())
            .extend_pairs(pairs);
        if let Some(signer) = &self.signer {
            let assertion = NewAssertion {
                client_id: &self.id,
                issuer: &Issuer::parse(ISSUER)?,
                kid: KID,
                bound_to: None,
                iat: scene.clock.now(),
            };
            form.append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", &assertion.sign(signer, &*scene.random)?);
        }
        let request = Request::post(path)
            .header("host", "auth.example.com")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("dpop", proof.sign(&self.key, &*scene.random)?)
            .body(Body::from(form.finish()))?;
        Ok(request)
    }

    /// A pushed authorization request, with these parameters besides.
    pub(crate) fn par(
        &self,
        scene: &Scene,
        verifier: &CodeVerifier,
        more: &[(&str, &str)],
    ) -> Result<Request<Body>> {
        let (challenge, state) = (
            verifier.challenge().to_string(),
            random::text::<16>(&*scene.random),
        );
        let pairs = [
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", SCOPE),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        self.post(scene, PAR, &[&pairs, more].concat())
    }

    /// Pushes a request, and returns its `request_uri`.
    pub(crate) async fn push(
        &self,
        scene: &Scene,
        verifier: &CodeVerifier,
        more: &[(&str, &str)],
    ) -> Result<String> {
        let request = self.par(scene, verifier, more)?;
        let answer = scene.ask(request, StatusCode::CREATED).await?;
        member(&answer, "request_uri")
    }

    /// A code exchange.
    pub(crate) fn exchange(
        &self,
        scene: &Scene,
        code: &str,
        verifier: &CodeVerifier,
    ) -> Result<Request<Body>> {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", code),
            ("code_verifier", verifier.expose()),
        ];
        self.post(scene, TOKEN, &pairs)
    }

    /// A refresh.
    pub(crate) fn refresh(&self, scene: &Scene, tokens: &Tokens) -> Result<Request<Body>> {
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &tokens.refresh),
        ];
        self.post(scene, TOKEN, &pairs)
    }

    /// The proof of a call to the resource server, with this nonce of its.
    pub(crate) fn proof(&self, scene: &Scene, token: &str, nonce: &str) -> Result<String> {
        let proof = DpopProof {
            htm: METHOD,
            htu: URL,
            nonce: Some(nonce),
            access_token: Some(token),
            iat: scene.clock.now(),
        };
        Ok(proof.sign(&self.key, &*scene.random)?)
    }

    /// A call to the resource server.
    pub(crate) fn call(&self, scene: &Scene, token: &str) -> Result<Request<()>> {
        let nonce = scene.resource.next_nonce().context("a nonce")?;
        let request = Request::builder()
            .method(METHOD)
            .uri(URL)
            .header("host", ORIGIN.trim_start_matches("https://"))
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", self.proof(scene, token, &nonce)?)
            .body(())?;
        Ok(request)
    }
}

impl Tokens {
    pub(crate) fn of(answer: &Answer) -> Result<Self> {
        Ok(Self {
            access: member(answer, "access_token")?,
            refresh: member(answer, "refresh_token")?,
        })
    }
}

/// A member of a JSON answer.
fn member(answer: &Answer, name: &str) -> Result<String> {
    let body: Value = serde_json::from_slice(&answer.body)?;
    let value = body.get(name).and_then(Value::as_str);
    Ok(value
        .with_context(|| format!("no {name} in {body}"))?
        .to_owned())
}
