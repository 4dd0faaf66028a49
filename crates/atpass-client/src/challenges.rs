//! What a `WWW-Authenticate` header says, read leniently: servers and proxies write it in many ways.

use std::iter::Peekable;
use std::str::Chars;

use bytes::Bytes;
use http::Response;
use http::header::WWW_AUTHENTICATE;

/// The most characters of one header that are read.
const LONGEST: usize = 8 * 1024;

/// Whether a challenge of the answer names this error (RFC 6750 section 3, RFC 9449 section 7.1).
pub(crate) fn challenge_has(response: &Response<Bytes>, error: &str) -> bool {
    let challenges = response.headers().get_all(WWW_AUTHENTICATE);
    challenges.iter().any(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        has_error(&text, error)
    })
}

fn has_error(challenges: &str, error: &str) -> bool {
    let end = challenges.char_indices().nth(LONGEST).map(|(end, _)| end);
    let read = end.and_then(|end| challenges.get(..end));
    let mut parameters = Parameters(read.unwrap_or(challenges).chars().peekable());
    parameters.any(|(name, value)| name.eq_ignore_ascii_case("error") && value == error)
}

/// The parameters of all challenges, with their values (RFC 9110 section 11.2). Schemes and what can't be
/// made out are left out.
struct Parameters<'a>(Peekable<Chars<'a>>);

impl Iterator for Parameters<'_> {
    type Item = (String, String);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = self.token();
            if name.is_empty() {
                // A text that stands alone is passed over as one: what is in it is no parameter.
                if *self.0.peek()? == '"' {
                    self.quoted();
                } else {
                    self.0.next();
                }
                continue;
            }
            self.spaces();
            if self.0.next_if_eq(&'=').is_none() {
                continue;
            }
            self.spaces();
            let is_quoted = self.0.peek() == Some(&'"');
            let value = if is_quoted {
                self.quoted()
            } else {
                self.token()
            };
            return Some((name, value));
        }
    }
}

impl Parameters<'_> {
    fn spaces(&mut self) {
        while self.0.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
    }

    fn token(&mut self) -> String {
        std::iter::from_fn(|| self.0.next_if(|c| is_of_a_token(*c))).collect()
    }

    /// RFC 9110 section 5.6.4. One that has no end reaches to the end of the header.
    fn quoted(&mut self) -> String {
        let mut text = String::new();
        self.0.next();
        while let Some(c) = self.0.next() {
            match c {
                '"' => break,
                '\\' => text.extend(self.0.next()),
                c => text.push(c),
            }
        }
        text
    }
}

/// RFC 9110 section 5.6.2.
fn is_of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str) -> bool {
        has_error(text, "invalid_token")
    }

    #[test]
    fn however_it_is_written() {
        for good in [
            "DPoP error=\"invalid_token\"",
            "DPoP error=invalid_token",
            "DPoP error = \"invalid_token\"",
            "DPoP Error=\"invalid_token\"",
            "dpop algs=\"ES256 RS256\",error=invalid_token,error_description=\"x\"",
            "DPoP realm=\"a, b=\\\"c\\\"\", , error=\t\"invalid_token\"",
            "Basic YWI=, Bearer realm=x, DPoP error=\"invalid\\_token\"",
            "error=\"invalid_token",
            "DPoP realm=\"é\", error=\"invalid_token\"",
        ] {
            assert!(says(good), "{good}");
        }
    }

    #[test]
    fn what_says_something_else() {
        let late = format!(
            "DPoP realm=\"{}\", error=invalid_token",
            "é".repeat(LONGEST)
        );
        for other in [
            "",
            "DPoP",
            "DPoP error",
            "DPoP error=",
            "DPoP error=\"",
            "DPoP error=\"\\",
            "=\"invalid_token\"",
            "DPoP error=\"invalid_request\"",
            "DPoP error=\"Invalid_Token\"",
            "DPoP error_uri=\"invalid_token\"",
            "DPoP error_description=\"error=\\\"invalid_token\\\"\"",
            "DPoP \"error=invalid_token\"",
            &late,
        ] {
            assert!(!says(other), "{other}");
        }
    }
}
