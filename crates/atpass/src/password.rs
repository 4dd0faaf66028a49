//! A password from a person or a program: never from an argument, which everybody on the machine
//! can read.

use std::io::IsTerminal;

use anyhow::{Context, bail, ensure};
use atpass_protocol::secret::Secret;
use atpass_provider::password::LONGEST_PASSWORD;

/// The least characters (NIST SP 800-63B section 5.1.1).
const SHORTEST: usize = 8;

/// Reads a new password from the first line of standard input, or asks for it twice.
pub(crate) fn read_new(from_stdin: bool) -> anyhow::Result<Secret> {
    let password = if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .context("read the password from standard input")?;
        let password = Secret::new(line.trim_end_matches(['\r', '\n']));
        // The first line itself must not stay in memory either.
        drop(Secret::new(line));
        password
    } else {
        ask()?
    };
    let length = password.expose().len();
    ensure!(
        password.expose().chars().count() >= SHORTEST,
        "the password must have {SHORTEST} characters at least"
    );
    ensure!(
        length <= LONGEST_PASSWORD,
        "the password is {length} bytes long; {LONGEST_PASSWORD} are the most"
    );
    Ok(password)
}

fn ask() -> anyhow::Result<Secret> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password at; send it with --password-stdin");
    }
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .map(Secret::new)
            .context("ask for the password")
    };
    let password = ask("New password: ")?;
    ensure!(
        password == ask("The same again: ")?,
        "the two passwords differ; nothing was changed"
    );
    Ok(password)
}
