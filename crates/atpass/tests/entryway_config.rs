//! An entryway's configuration: the PDSes behind it, and what they are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod program;

use program::{failure, json, text};
use tempfile::TempDir;

const KEY: &str = "0000000000000000000000000000000000000000000000000000000000000001";

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("atpass.toml"), config).unwrap();
    std::fs::write(path.join("admin"), "the password\n").unwrap();
    std::fs::write(path.join("admin2"), "the password of the other\n").unwrap();
    std::fs::write(path.join("empty"), "\n").unwrap();
    std::fs::write(path.join("plc"), KEY).unwrap();
    folder
}

const GOOD: &str = "issuer = \"https://auth.example.com\"
data = \".\"
[entryway]
sign_up = \"invite\"
plc_keys = [\"plc\"]
[[pds]]
origin = \"https://one.example.com\"
handle_domains = [\".one.example.com\", \"example.org\"]
admin_password_file = \"admin\"
[[pds]]
origin = \"http://localhost:3000\"
did = \"did:web:two.example.com\"
admin_password_file = \"admin2\"
new_accounts = false
";

/// What a PDS must be told is the same whenever it is asked for, and holds no secret.
#[test]
fn the_environment_of_the_pdses() {
    let folder = folder(GOOD);
    let path = folder.path();
    assert!(text(path, &["config", "check"]).contains("in order"));
    text(path, &["database", "migrate"]);
    let environment = json(path, &["entryway", "environment", "--json"]);
    assert_eq!(environment["PDS_ENTRYWAY_URL"], "https://auth.example.com");
    assert_eq!(environment["PDS_ENTRYWAY_DID"], "did:web:auth.example.com");
    // The generator of the curve (SEC 2 section 2.4.1), as a did:key.
    assert_eq!(
        environment["PDS_ENTRYWAY_PLC_ROTATION_KEY"],
        "did:key:zQ3shVc2UkAfJCdc1TR8E66J85h48P43r93q8jGPkPpjF9Ef9"
    );
    let key = environment["PDS_ENTRYWAY_JWT_VERIFY_KEY_K256_PUBLIC_KEY_HEX"].clone();
    let key = key.as_str().unwrap();
    assert!(key.len() == 66 && (key.starts_with("02") || key.starts_with("03")));
    let printed = text(path, &["entryway", "environment"]);
    assert!(
        printed.contains(&format!("K256_PUBLIC_KEY_HEX={key}\n")),
        "{printed}"
    );
    assert!(!printed.contains("the password"), "{printed}");

    let shown = text(path, &["config", "show", "--json"]);
    assert!(shown.contains("https://one.example.com") && !shown.contains("the password"));
}

#[test]
fn every_problem_is_told_at_once_with_its_line() {
    let config = "issuer = \"https://auth.example.com\"
[lifetimes]
access_token = 901
[entryway]
did = \"did:key:z6\"
sign_up = \"open\"
plc_keys = [\"admin\", \"absent\"]
[[pds]]
origin = \"https://one.example.com/\"
handle_domain = [\"one.example.com\"]
admin_password_file = \"empty\"
[[pds]]
handle_domains = [\"example_com\"]
new_accounts = \"yes\"
[[pds]]
origin = \"https://10.0.0.1\"
admin_password_file = \"admin\"
[[pds]]
origin = \"https://two.example.com\"
admin_password_file = \"admin\"
[[pds]]
origin = \"https://two.example.com\"
";
    let folder = folder(config);
    let message = failure(folder.path(), &["config", "check"]);
    for problem in [
        "atpass.toml:3: lifetimes.access_token: is 901; with [[pds]] it must be 900 at most",
        "atpass.toml:5: entryway.did: \"did:key:z6\": expected a did:plc",
        "atpass.toml:6: entryway.sign_up: no [[pds]] takes new accounts",
        "atpass.toml:7: entryway.plc_keys: \"admin\": not a secp256k1 private key",
        "atpass.toml:7: entryway.plc_keys: \"absent\"",
        "atpass.toml:9: pds[0].origin: \"https://one.example.com/\": an issuer is an origin only",
        "atpass.toml:10: pds[0].handle_domain: there is no such key; did you mean handle_domains?",
        "atpass.toml:11: pds[0].admin_password_file: \"empty\": the file is empty",
        "pds[1].origin: is missing",
        "atpass.toml:14: pds[1].new_accounts: must be true or false, but is \"yes\"",
        "atpass.toml:16: pds[2].origin: \"https://10.0.0.1\": has no did:web",
        "pds[4].admin_password_file: is missing",
    ] {
        assert!(message.contains(problem), "{problem}\nisn't in:\n{message}");
    }
    let closed = "issuer = \"https://auth.example.com\"\n[entryway]\nsign_up = \"open\"\n";
    let folder = self::folder(closed);
    let message = failure(folder.path(), &["config", "check"]);
    assert!(
        message.contains("entryway.sign_up: new accounts need a PDS"),
        "{message}"
    );
    let folder = self::folder("issuer = \"https://auth.example.com\"\n[pds]\norigin = \"x\"\n");
    let message = failure(folder.path(), &["config", "check"]);
    assert!(message.contains("write [[pds]]"), "{message}");
    let same = "issuer = \"https://pds.example.com\"
[entryway]
did = \"did:web:pds.example.com\"
[[pds]]
origin = \"https://pds.example.com\"
handle_domains = [\"com\"]
admin_password_file = \"admin\"
[[pds]]
origin = \"https://two.example.com\"
admin_password_file = \"admin\"
";
    let folder = self::folder(same);
    let message = failure(folder.path(), &["config", "check"]);
    for problem in [
        "issuer: is the origin of a [[pds]]",
        "entryway.did: did:web:pds.example.com is the DID of a [[pds]]",
        "pds: two have the same admin password",
        "pds[0].handle_domains: \"com\": a whole top-level domain",
    ] {
        assert!(message.contains(problem), "{problem}\nisn't in:\n{message}");
    }
    let none = self::folder("issuer = \"https://auth.example.com\"\ndata = \".\"\n");
    text(none.path(), &["database", "migrate"]);
    let message = failure(none.path(), &["entryway", "environment"]);
    assert!(message.contains("no PDS is configured"), "{message}");
}
