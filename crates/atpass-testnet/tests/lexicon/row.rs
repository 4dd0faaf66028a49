//! Rows of what is bent, and where it must be refused.

use atpass_identity::{
    AuthorityError, DocumentError, IdentityError, LexiconError, LexiconStage, ProofError,
};

use super::scene::{Publisher, Reply, Scene};

/// The stage at which a resolution failed, and how.
pub(crate) fn label(error: &LexiconError) -> String {
    let stage = error.stage.name();
    let how = match &error.stage {
        LexiconStage::Authority { error, .. } => match error {
            AuthorityError::Dns(error) => error.to_string(),
            AuthorityError::Ambiguous(count) => count.to_string(),
            AuthorityError::Invalid => "invalid".into(),
        },
        LexiconStage::Account(error) => match &**error {
            IdentityError::NoSuchDid(_) => "no such did".into(),
            IdentityError::Tombstoned(_) => "tombstoned".into(),
            IdentityError::Method(_) => "method".into(),
            IdentityError::Document { error, .. } => error.stage.name().into(),
            IdentityError::BadDocument { error, .. } => match error {
                DocumentError::NoSigningKey => "no key".into(),
                DocumentError::SigningKey(_) => "bad key".into(),
                other => other.to_string(),
            },
            other => other.to_string(),
        },
        LexiconStage::Fetch(error) => error.stage.name().into(),
        // Why a block can't be read is told in the library's words.
        LexiconStage::Proof {
            error: ProofError::Block { what, .. },
            ..
        } => format!("unreadable: {what}"),
        LexiconStage::Proof { error, .. } => error.to_string(),
        LexiconStage::Schema(error) => error.to_string(),
        LexiconStage::NotFound { .. } => String::new(),
        other => other.to_string(),
    };
    format!("{stage}: {how}").trim_end_matches(": ").to_owned()
}

/// A row: what is bent, what the PDS sends, and where it is refused.
pub(crate) struct Row(
    pub(crate) &'static str,
    pub(crate) Vec<u8>,
    pub(crate) &'static str,
);

/// Sends each archive for the lexicon, of an account with this publisher's key.
pub(crate) async fn check(publisher: &Publisher, rows: Vec<Row>) {
    let stage = Scene::of(publisher).start().await;
    let count = rows.len();
    for Row(name, archive, expected) in rows {
        stage.change(|scene| scene.record = Reply::car(archive));
        let error = stage.resolve().await.unwrap_err();
        assert!(label(&error).contains(expected), "{name}: {error}");
        assert!(!error.is_transient(), "{name}");
        println!("SC-INC-01 {name:<50} {error}");
    }
    println!("{count} rows");
}
