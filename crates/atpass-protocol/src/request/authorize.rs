//! The answer of the authorization endpoint (RFC 6749 section 4.1.2, RFC 9207), written by the
//! server and read by the client.

use super::{Form, ResponseMode, State};
use crate::error::{OAuthError, OAuthErrorCode};
use crate::id::{Issuer, RedirectUri};
use crate::secret::Secret;
use crate::text::shown;

/// What the browser carries back to the client.
#[derive(Clone, Debug)]
pub enum AuthorizationResponse {
    /// The person agreed.
    Code(Secret),
    /// They didn't, or something went wrong.
    Error(OAuthError),
}

impl AuthorizationResponse {
    /// The parameters: always `state` and `iss`.
    pub fn parameters<'a>(
        &'a self,
        state: &'a State,
        issuer: &'a Issuer,
    ) -> Vec<(&'static str, &'a str)> {
        let mut parameters = vec![("iss", issuer.as_str()), ("state", state.as_str())];
        match self {
            Self::Code(code) => parameters.push(("code", code.expose())),
            Self::Error(error) => {
                parameters.push(("error", error.code.as_str()));
                parameters.push(("error_description", &error.description));
            }
        }
        parameters
    }

    /// The URL to send the browser to with the answer; `None` where it goes by a form.
    pub fn redirect(
        &self,
        to: &RedirectUri,
        mode: ResponseMode,
        state: &State,
        issuer: &Issuer,
    ) -> Option<String> {
        let separator = match mode {
            ResponseMode::Fragment => '#',
            ResponseMode::Query if to.as_str().contains('?') => '&',
            ResponseMode::Query => '?',
            ResponseMode::FormPost => return None,
        };
        let mut parameters = form_urlencoded::Serializer::new(String::new());
        parameters.extend_pairs(self.parameters(state, issuer));
        Some(format!("{to}{separator}{}", parameters.finish()))
    }
}

/// What came back to the client's redirect URI.
#[derive(Clone, Debug)]
pub struct CallbackParameters {
    /// The request that it answers.
    pub state: State,
    /// The server that says it sent the answer.
    pub iss: Option<String>,
    /// The code, or the error.
    pub outcome: Result<Secret, CallbackError>,
}

/// The authorization server's refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {}", description.as_deref().unwrap_or("no description"))]
pub struct CallbackError {
    /// The code as it was sent, fit to be [`shown`].
    pub error: String,
    /// The sentence for the developer, where one was sent, fit to be [`shown`].
    pub description: Option<String>,
}

impl CallbackError {
    /// The code, where it is a standard one.
    pub fn code(&self) -> Option<OAuthErrorCode> {
        OAuthErrorCode::parse(&self.error)
    }
}

impl CallbackParameters {
    /// Reads the query (or fragment) of the redirect, without its `?` or `#`.
    ///
    /// What decides is read strictly. The words of a refusal are read leniently, so that it is told
    /// whatever they are, and unknown parameters are ignored (RFC 6749 section 4.1.2).
    pub fn parse(query: &str) -> Result<Self, OAuthError> {
        let (mut strict, mut errors, mut descriptions) = (Vec::new(), Vec::new(), Vec::new());
        for pair in query.split('&') {
            let Some((name, value)) = form_urlencoded::parse(pair.as_bytes()).next() else {
                continue;
            };
            match &*name {
                "code" | "state" | "iss" => strict.push(pair),
                "error" => errors.push(shown(&value)),
                "error_description" => descriptions.push(shown(&value)),
                _ => {}
            }
        }
        if errors.len() > 1 {
            return Err(OAuthError::invalid_request(
                "parameter error is given twice",
            ));
        }
        let form = Form::parse(strict.join("&").as_bytes())?;
        let said = |texts: Vec<String>| texts.into_iter().find(|text| !text.is_empty());
        let outcome = match (form.get("code"), said(errors)) {
            (Some(code), None) => Ok(Secret::new(code)),
            (None, Some(error)) => Err(CallbackError {
                error,
                description: said(descriptions),
            }),
            _ => {
                return Err(OAuthError::invalid_request(
                    "the callback must have either code or error",
                ));
            }
        };
        Ok(Self {
            state: State::parse(form.require("state")?)?,
            iss: form.get("iss").map(ToOwned::to_owned),
            outcome,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clause AS-AUTHZ-03: what the server writes, the client reads.
    #[test]
    fn answers_round_trip() {
        let issuer = Issuer::parse("https://auth.example.com").unwrap();
        let state = State::parse("a b&c").unwrap();
        let to = RedirectUri::parse("http://127.0.0.1:1/cb?x=1").unwrap();
        let url = AuthorizationResponse::Code(Secret::new("c=1")).redirect(
            &to,
            ResponseMode::Query,
            &state,
            &issuer,
        );
        let url = url.unwrap();
        let read = CallbackParameters::parse(url.split_once("?x=1&").unwrap().1).unwrap();
        assert_eq!(
            (read.state, read.iss.as_deref()),
            (state.clone(), Some(issuer.as_str()))
        );
        assert_eq!(read.outcome, Ok(Secret::new("c=1")));
        let denied =
            AuthorizationResponse::Error(OAuthError::new(OAuthErrorCode::AccessDenied, "no"));
        let url = denied
            .redirect(&to, ResponseMode::Fragment, &state, &issuer)
            .unwrap();
        let read = CallbackParameters::parse(url.split_once('#').unwrap().1).unwrap();
        assert_eq!(
            read.outcome.unwrap_err().code(),
            Some(OAuthErrorCode::AccessDenied)
        );
        assert!(CallbackParameters::parse("state=x").is_err());
        assert!(CallbackParameters::parse("state=x&code=a&error=b").is_err());
    }

    #[test]
    fn a_refusal_is_read_whatever_its_words() {
        for (words, description) in [
            ("", None),
            ("&error_description=", None),
            ("&error_description=no%0A%1B[2J", Some("no??[2J")),
            ("&error_description=%FF", Some("\u{fffd}")),
            (
                "&error_description=a&error_description=b&x=%00&y&y",
                Some("a"),
            ),
        ] {
            let query = format!("state=x&iss=i&error=access_denied{words}");
            let refusal = CallbackParameters::parse(&query).unwrap().outcome;
            let refusal = refusal.unwrap_err();
            assert_eq!(refusal.code(), Some(OAuthErrorCode::AccessDenied));
            assert_eq!(refusal.description.as_deref(), description, "{words}");
        }
        let odd = CallbackParameters::parse("state=x&error=a%1Bb").unwrap();
        assert_eq!(odd.outcome.unwrap_err().error, "a?b");
        for bad in [
            "state=x&error=a&error=a",
            "state=x&error=a&%65rror=",
            "state=x%00&error=a",
            "state=x&error=a&iss=%0A",
            "state=x&code=%0A",
            "state=x&error=",
        ] {
            assert!(CallbackParameters::parse(bad).is_err(), "{bad}");
        }
    }
}
