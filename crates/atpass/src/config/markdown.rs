//! The documentation of every key, as a page.

use std::fmt::Write;

use super::keys::{self, Kind, Section};

const HEAD: &str = "\
# Configuration

<!-- Written by `atpass config schema --markdown`; a test compares the two. -->

`atpass serve` reads one TOML file, `--config FILE`, or `atpass.toml` in the current folder. Each key
has an environment variable that counts before the file; in a variable, the items of a list are
separated by commas. A key that nobody knows is an error.

`atpass config check` tells every problem at once, `atpass config show` prints the values that count
and where each comes from. The smallest configuration is the issuer alone:

```toml
issuer = \"https://auth.example.com\"
```

The database is made and brought up to date by `atpass database migrate`, and by nothing else. The
server speaks plain HTTP and wants a reverse proxy in front that speaks TLS and sets
`X-Forwarded-For`; name its address under `[proxy]`, or everybody shares one limit on sign-in
attempts.
";

/// The page.
pub(crate) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for section in keys::sections() {
        // Writing to a text can't fail.
        let _ = write_section(&mut page, section);
    }
    page
}

fn write_section(page: &mut String, section: &Section) -> std::fmt::Result {
    match &section.name {
        None => writeln!(page, "\n## At the top\n")?,
        Some(name) if section.is_repeated => {
            writeln!(page, "\n## `[[{name}]]`\n\n{}\n", section.doc)?;
        }
        Some(name) => writeln!(page, "\n## `[{name}]`\n\n{}\n", section.doc)?,
    }
    if section.is_repeated {
        writeln!(page, "| key | kind | default |\n| --- | --- | --- |")?;
    } else {
        writeln!(
            page,
            "| key | kind | default | variable |\n| --- | --- | --- | --- |"
        )?;
    }
    for key in &section.keys {
        let (_, name) = key.section_and_name();
        let kind = match &key.kind {
            Kind::Text => "text".into(),
            Kind::Integer => "whole number".into(),
            Kind::Switch => "true or false".into(),
            Kind::List => "list of texts".into(),
            Kind::Choice(words) => format!("`{}`", words.join("`, `")),
        };
        let default = if key.default.is_null() {
            String::new()
        } else {
            format!("`{}`", key.default)
        };
        if section.is_repeated {
            writeln!(page, "| `{name}` | {kind} | {default} |")?;
        } else {
            writeln!(page, "| `{name}` | {kind} | {default} | `{}` |", key.env)?;
        }
    }
    writeln!(page)?;
    for key in &section.keys {
        let (_, name) = key.section_and_name();
        writeln!(page, "- **`{name}`**: {}", key.doc)?;
    }
    Ok(())
}
