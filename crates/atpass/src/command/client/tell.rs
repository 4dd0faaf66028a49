//! How the client's commands tell people what servers have said.

use std::fmt::Display;

use atpass_client::store::StoreFailure;
use atpass_client::{ClientError, LoopbackError};
use atpass_identity::IdentityError;
use atpass_protocol::text::shown;

/// Pieces of text that are shown of one message or list.
const MOST_PIECES: usize = 20;
/// Characters of a piece.
const PIECE: usize = 200;

/// Text of strangers with nothing in it that steers a terminal, cut where it never ends.
pub(super) fn safe(text: impl Display) -> String {
    let letters: Vec<char> = text.to_string().chars().collect();
    let pieces = letters.chunks(PIECE).take(MOST_PIECES);
    pieces
        .map(|piece| shown(&String::from_iter(piece)))
        .collect()
}

/// An answer as it is shown on a terminal: control characters are written as JSON writes them.
pub(super) fn escaped(answer: &str) -> String {
    let written = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' {
            format!("\\u{:04x}", u32::from(c))
        } else {
            c.to_string()
        }
    };
    answer.chars().map(written).collect()
}

/// What a command has failed with, as one line that says everything once.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the error's place is taken by the one that is returned"
)]
pub(super) fn failure(error: anyhow::Error) -> anyhow::Error {
    let client = match error.downcast_ref::<LoopbackError>() {
        Some(LoopbackError::Client(error)) => Some(error),
        _ => error.downcast_ref::<ClientError>(),
    };
    if let Some(error @ ClientError::Identity(IdentityError::Handle { .. })) = client
        && !error.is_transient()
    {
        return anyhow::Error::msg(safe(error.user_message()));
    }
    let mut told = String::new();
    for cause in error.chain().map(safe) {
        // Some errors have their cause in their own text.
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    let of_store = matches!(client, Some(ClientError::Store(_))) || error.is::<StoreFailure>();
    if of_store {
        told.push_str(" (--sessions names another folder)");
    }
    anyhow::Error::msg(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(safe("a\u{1b}[2J\u{202e}b"), "a?[2J?b");
        assert_eq!(safe("scope ".repeat(100)), "scope ".repeat(100));
        assert_eq!(safe("x".repeat(100_000)).len(), MOST_PIECES * PIECE);
        assert_eq!(
            escaped("{\n\t\"a\": \"\u{9b}2J\u{7f}\u{1b}ü\"}"),
            "{\n\t\"a\": \"\\u009b2J\\u007f\\u001bü\"}"
        );
    }
}
