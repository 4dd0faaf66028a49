//! The network's public syntax vectors, valid and invalid (clauses ID-HDL-01, ID-DID-01).

use atpass_protocol::id::{Did, Handle, Nsid};

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn check(valid: &str, invalid: &str, parses: impl Fn(&str) -> bool) {
    let (mut good, mut bad) = (0, 0);
    for line in lines(valid) {
        assert!(parses(line), "refused, but is valid: {line:?}");
        good += 1;
    }
    for line in lines(invalid) {
        assert!(!parses(line), "accepted, but is invalid: {line:?}");
        bad += 1;
    }
    assert!(good > 5 && bad > 5, "the vectors were read");
}

#[test]
fn handles() {
    let (valid, invalid) = (
        include_str!("vectors/handle_syntax_valid.txt"),
        include_str!("vectors/handle_syntax_invalid.txt"),
    );
    check(valid, invalid, |text| Handle::parse(text).is_ok());
}

#[test]
fn dids() {
    let (valid, invalid) = (
        include_str!("vectors/did_syntax_valid.txt"),
        include_str!("vectors/did_syntax_invalid.txt"),
    );
    check(valid, invalid, |text| Did::parse(text).is_ok());
}

#[test]
fn nsids() {
    let (valid, invalid) = (
        include_str!("vectors/nsid_syntax_valid.txt"),
        include_str!("vectors/nsid_syntax_invalid.txt"),
    );
    check(valid, invalid, |text| Nsid::parse(text).is_ok());
}

#[test]
fn at_identifiers() {
    let (valid, invalid) = (
        include_str!("vectors/atidentifier_syntax_valid.txt"),
        include_str!("vectors/atidentifier_syntax_invalid.txt"),
    );
    check(valid, invalid, |text| {
        Handle::parse(text).is_ok() || Did::parse(text).is_ok()
    });
}
