//! The pushed authorization request (RFC 9126), with the rules of the atproto profile.

use serde::{Deserialize, Serialize};

use super::presentation::check_display;
use super::{Form, UiLocales, read_scope};
use crate::error::{OAuthError, OAuthErrorCode};
use crate::id::{ClientId, Did, Handle, RedirectUri};
use crate::jose::Jkt;
use crate::pkce::CodeChallenge;
use crate::scope::ScopeSet;
use crate::secret::Secret;

/// A request for authorization, as the client pushes it.
///
/// Well-formed, but not yet held against the client's metadata.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedAuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// What is asked for.
    pub scope: ScopeSet,
    /// Comes back with the answer.
    pub state: State,
    /// PKCE, method S256.
    pub code_challenge: CodeChallenge,
    /// Thumbprint of the DPoP key, where the client names it besides the proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Jkt>,
    /// The account that is to sign in, as the person typed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<LoginHint>,
    /// How much to ask the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// How the answer travels.
    pub response_mode: ResponseMode,
    /// The languages that the person reads.
    #[serde(default, skip_serializing_if = "UiLocales::is_empty")]
    pub ui_locales: UiLocales,
}

/// The client's `state`: 1 to 1024 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(String);

impl State {
    /// Takes a `state` over.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let printable = text.bytes().all(|b| matches!(b, 0x20..=0x7e));
        if (1..=1024).contains(&text.len()) && printable {
            Ok(Self(text.to_owned()))
        } else {
            Err(OAuthError::invalid_request(
                "state must be 1 to 1024 printable ASCII characters",
            ))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which account is to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginHint {
    /// By handle.
    Handle(Handle),
    /// By DID.
    Did(Did),
}

impl LoginHint {
    /// Reads a hint; a leading `@` and spaces are forgiven.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let text = text.trim();
        if text.starts_with("did:") {
            return Did::parse(text)
                .map(Self::Did)
                .map_err(|error| OAuthError::invalid_request(format!("login_hint: {error}")));
        }
        Handle::from_person(text)
            .map(Self::Handle)
            .map_err(|error| {
                OAuthError::invalid_request(format!(
                    "login_hint is neither a DID nor a handle: {error}"
                ))
            })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Handle(handle) => handle.as_str(),
            Self::Did(did) => did.as_str(),
        }
    }

    /// Whether an account of this DID and handle is meant.
    pub fn means(&self, did: &Did, handle: &Handle) -> bool {
        match self {
            Self::Handle(hint) => hint == handle,
            Self::Did(hint) => hint == did,
        }
    }
}

/// How much to ask the person (`OpenID Connect Core` section 3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Nothing at all.
    None,
    /// The password, even of an account that is signed in.
    Login,
    /// Consent, even where it was given.
    Consent,
    /// Which account.
    SelectAccount,
    /// To make a new account (OpenID Connect, Initiating User Registration). Not every server takes
    /// new accounts, so that it is the server's to refuse it.
    Create,
}

impl Prompt {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
            Self::Create => "create",
        }
    }

    fn parse(text: &str) -> Result<Self, OAuthError> {
        [
            Self::None,
            Self::Login,
            Self::Consent,
            Self::SelectAccount,
            Self::Create,
        ]
        .into_iter()
        .find(|prompt| prompt.as_str() == text)
        .ok_or_else(|| Self::unsupported(text))
    }

    /// The answer to a value that isn't supported.
    pub fn unsupported(text: &str) -> OAuthError {
        OAuthError::invalid_request(format!(
            "prompt {text} is not supported; prompt_values_supported lists those that are"
        ))
    }
}

/// How the answer travels to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    #[default]
    Query,
    /// In its fragment.
    Fragment,
    /// In a form that the browser posts there (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }

    fn parse(text: &str) -> Result<Self, OAuthError> {
        [Self::Query, Self::Fragment, Self::FormPost]
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| {
                OAuthError::invalid_request("response_mode must be query, fragment or form_post")
            })
    }
}

impl PushedAuthorizationRequest {
    /// Reads the parameters. Unknown ones are ignored (RFC 6749 section 3.1).
    pub fn from_form(form: &Form) -> Result<Self, OAuthError> {
        let bad = |error: &dyn std::fmt::Display| OAuthError::invalid_request(error);
        if form.get("request_uri").is_some() {
            return Err(bad(
                &"request_uri is not allowed in a pushed request (RFC 9126 section 2.1)",
            ));
        }
        if form.get("request").is_some() {
            return Err(OAuthError::new(
                OAuthErrorCode::RequestNotSupported,
                "request objects are not supported; send the parameters themselves",
            ));
        }
        let client_id = read_client_id(form)?;
        if form.require("response_type")? != "code" {
            return Err(OAuthError::new(
                OAuthErrorCode::UnsupportedResponseType,
                "response_type must be code",
            ));
        }
        let state = State::parse(form.require("state")?)?;
        let redirect_uri =
            RedirectUri::parse(form.require("redirect_uri")?).map_err(|error| bad(&error))?;
        let code_challenge =
            CodeChallenge::parse(form.require("code_challenge")?).map_err(|error| bad(&error))?;
        if form.require("code_challenge_method")? != "S256" {
            return Err(bad(&"code_challenge_method must be S256"));
        }
        let scope = form.get("scope").ok_or_else(|| {
            OAuthError::new(
                OAuthErrorCode::InvalidScope,
                "parameter scope is missing; it must hold atproto",
            )
        })?;
        let scope = read_scope(scope)?;
        let dpop_jkt = form
            .get("dpop_jkt")
            .map(|text| Jkt::parse(text).map_err(|error| bad(&format!("dpop_jkt: {error}"))))
            .transpose()?;
        let response_mode = form.get("response_mode").map(ResponseMode::parse);
        let response_mode = response_mode.transpose()?.unwrap_or_default();
        let ui_locales = form.get("ui_locales").map(UiLocales::parse);
        check_display(form)?;
        Ok(Self {
            client_id,
            redirect_uri,
            scope,
            state,
            code_challenge,
            dpop_jkt,
            login_hint: form.get("login_hint").map(LoginHint::parse).transpose()?,
            prompt: form.get("prompt").map(Prompt::parse).transpose()?,
            response_mode,
            ui_locales: ui_locales.transpose()?.unwrap_or_default(),
        })
    }
}

/// The `client_id` of any message to the authorization server.
pub(super) fn read_client_id(form: &Form) -> Result<ClientId, OAuthError> {
    ClientId::parse(form.require("client_id")?)
        .map_err(|error| OAuthError::invalid_client(format!("client_id: {error}")))
}

/// The answer to a pushed request (RFC 9126 section 2.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PushedAuthorizationResponse {
    /// Stands for the request at the authorization endpoint.
    pub request_uri: Secret,
    /// Seconds until it ends.
    pub expires_in: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "client_id=http%3A%2F%2Flocalhost&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F\
        &scope=atproto&state=xyz&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    fn read(text: &str) -> Result<PushedAuthorizationRequest, OAuthError> {
        PushedAuthorizationRequest::from_form(&Form::parse(text.as_bytes())?)
    }

    /// Clauses AS-PAR-03, AS-PAR-05, AS-PAR-06, AS-PAR-08, AS-PAR-10, AS-PAR-11, AS-PAR-13, AS-PAR-14.
    #[test]
    fn each_rule_has_its_code() {
        use OAuthErrorCode as Code;
        assert_eq!(read(GOOD).unwrap().response_mode, ResponseMode::Query);
        assert!(read(&format!("{GOOD}&unknown=1&client_secret=x")).is_ok());
        assert!(read(&format!("{GOOD}&ui_locales=xx%20de&display=popup")).is_ok());
        let without = |name: &str| {
            GOOD.split('&')
                .filter(|pair| !pair.starts_with(&format!("{name}=")))
                .collect::<Vec<_>>()
                .join("&")
        };
        for name in [
            "client_id",
            "response_type",
            "redirect_uri",
            "state",
            "code_challenge",
            "code_challenge_method",
        ] {
            assert_eq!(
                read(&without(name)).unwrap_err().code,
                Code::InvalidRequest,
                "{name}"
            );
        }
        assert_eq!(
            read(&without("scope")).unwrap_err().code,
            Code::InvalidScope
        );
        for (change, code) in [
            (
                ("response_type=code", "response_type=token"),
                Code::UnsupportedResponseType,
            ),
            (("scope=atproto", "scope=openid"), Code::InvalidScope),
            (("S256", "plain"), Code::InvalidRequest),
            (("E9Mel", "short"), Code::InvalidRequest),
            (("state=xyz", "state=%C3%A9"), Code::InvalidRequest),
            (
                ("client_id=http%3A%2F%2Flocalhost", "client_id=abc"),
                Code::InvalidClient,
            ),
            (
                (
                    "redirect_uri=http%3A%2F%2F127.0.0.1%3A8080%2F",
                    "redirect_uri=javascript%3Aalert(1)",
                ),
                Code::InvalidRequest,
            ),
        ] {
            let text = GOOD.replace(change.0, change.1);
            if change.1 == "short" {
                assert_eq!(read(&text.replace("short", "x")).unwrap_err().code, code);
            } else {
                assert_eq!(read(&text).unwrap_err().code, code, "{change:?}");
            }
        }
        for (extra, code) in [
            ("request_uri=x", Code::InvalidRequest),
            ("request=x", Code::RequestNotSupported),
            ("prompt=none%20login", Code::InvalidRequest),
            ("login_hint=not%20a%20handle", Code::InvalidRequest),
            ("response_mode=form_post.jwt", Code::InvalidRequest),
            ("dpop_jkt=x", Code::InvalidRequest),
            ("ui_locales=de,fr", Code::InvalidRequest),
            ("display=hologram", Code::InvalidRequest),
            ("state=again", Code::InvalidRequest),
        ] {
            assert_eq!(
                read(&format!("{GOOD}&{extra}")).unwrap_err().code,
                code,
                "{extra}"
            );
        }
    }
}
