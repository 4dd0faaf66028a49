//! Rows of what is bent, and where it must be refused.

use atpass_identity::{DnsFailure, HandleFailure, HttpsFailure, IdentityError};

use super::scene::Scene;

/// The step at which discovery failed, and how.
pub(crate) fn label(error: &IdentityError) -> String {
    match error {
        IdentityError::Handle { error, .. } => match error {
            HandleFailure::Disallowed(_) => "handle: disallowed".into(),
            HandleFailure::Server(error) => format!("handle server: {}", error.stage.name()),
            HandleFailure::Network { dns, https } => {
                let dns = match dns {
                    DnsFailure::Dns(_) => "none",
                    DnsFailure::Ambiguous(_) => "several",
                    DnsFailure::Invalid => "invalid",
                };
                let https = match https {
                    HttpsFailure::Fetch(error) => error.stage.name(),
                    HttpsFailure::Invalid => "invalid",
                };
                format!("handle: dns {dns}, https {https}")
            }
        },
        IdentityError::HandleNotClaimed { .. } => "not claimed".into(),
        IdentityError::Method(_) => "method".into(),
        IdentityError::NoSuchDid(_) => "no such did".into(),
        IdentityError::Tombstoned(_) => "tombstoned".into(),
        IdentityError::Document { error, .. } => format!("document: {}", error.stage.name()),
        IdentityError::BadDocument { .. } => "bad document".into(),
        IdentityError::Resource { error, .. } => format!("resource: {}", error.stage.name()),
        IdentityError::BadResource { .. } => "bad resource".into(),
        IdentityError::Server { error, .. } => format!("server: {}", error.stage.name()),
        IdentityError::BadServer { departures, .. } => {
            let all: Vec<_> = departures.iter().map(ToString::to_string).collect();
            format!("bad server: {}", all.join("; "))
        }
        IdentityError::Subject { .. } => "subject".into(),
    }
}

pub(crate) type Change = Box<dyn Fn(&mut Scene)>;

/// A row: the clause, what is bent, what is typed, and the step at which it is refused.
pub(crate) struct Row(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) Change,
    pub(crate) &'static str,
);

pub(crate) async fn check(rows: Vec<Row>) {
    let count = rows.len();
    for Row(clause, name, typed, change, expected) in rows {
        let mut scene = Scene::default();
        change(&mut scene);
        let stage = scene.start().await;
        let error = stage.discover(typed).await.unwrap_err();
        let got = label(&error);
        assert_eq!(got, expected, "{clause}, {name}: {error}");
        println!("{clause:<11} {name:<58} {error}");
    }
    println!("{count} rows");
}
