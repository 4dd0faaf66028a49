//! What is wrong, and how to mend it.

use atpass_fetch::{DnsError, FetchError, Stage};
use atpass_identity::{
    Discovery, DnsFailure, DocumentError, HandleFailure, HttpsFailure, IdentityError,
};
use atpass_protocol::id::{Did, Handle};
use serde::Serialize;

/// Something that is wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    /// A word for programs.
    pub(crate) code: &'static str,
    pub(crate) what: String,
    /// How to mend it.
    pub(crate) mend: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Nobody can sign in.
    Error,
    /// Some can't, or may not be able to before long.
    Warning,
}

impl Finding {
    pub(crate) const fn warning(code: &'static str, what: String, mend: String) -> Self {
        Self {
            severity: Severity::Warning,
            code,
            what,
            mend,
        }
    }

    /// A clock that is `offset` seconds ahead of ours.
    pub(crate) fn clock(url: &str, offset: i64) -> Self {
        let direction = if offset > 0 { "ahead of" } else { "behind" };
        let seconds = offset.unsigned_abs();
        Self::warning(
            "clock_offset",
            format!("the clock at {url} is {seconds} s {direction} this machine's"),
            "set both by NTP: proofs and tokens hold the time, and are refused when it is too far off"
                .into(),
        )
    }
}

/// What is worth saying though the way was gone.
pub(crate) fn of_discovery(found: &Discovery) -> Option<Finding> {
    let account = found.account.as_ref()?;
    let conflict = account.conflict.as_ref()?;
    Some(Finding::warning(
        "handle_conflict",
        format!(
            "DNS says that the handle is of {}, its own host says {conflict}",
            account.did
        ),
        "make both name the same DID, or remove one; DNS counts where both answer".into(),
    ))
}

/// Why the way couldn't be gone.
pub(crate) fn of_error(error: &IdentityError) -> Finding {
    let (code, mend) = match error {
        IdentityError::Handle { handle, error } => of_handle(handle, error),
        IdentityError::HandleNotClaimed { handle, did } => (
            "handle_not_claimed",
            format!(
                "if {did} is yours, set its handle to {handle} in your account's settings, so that \
                 its DID document has at://{handle} as the first handle in alsoKnownAs; if it is \
                 not, don't trust this handle"
            ),
        ),
        IdentityError::Method(_) => (
            "did_method",
            "use a did:plc of 24 characters after the colon, or a did:web that is a host name"
                .into(),
        ),
        IdentityError::NoSuchDid(did) => ("did_not_found", of_missing(did)),
        IdentityError::Tombstoned(_) => (
            "did_tombstoned",
            "nothing can bring it back; sign in with another account".into(),
        ),
        IdentityError::Document { error, .. }
        | IdentityError::Resource { error, .. }
        | IdentityError::Server { error, .. } => (error.stage.name(), of_fetch(error)),
        IdentityError::BadDocument { error, .. } => ("did_document", of_document(error)),
        IdentityError::BadResource { resource, .. } => (
            "resource_metadata",
            format!(
                "{resource}/.well-known/oauth-protected-resource must have \"resource\": \
                 \"{resource}\" and one https origin in \"authorization_servers\""
            ),
        ),
        IdentityError::BadServer { issuer, .. } => (
            "server_metadata",
            format!("correct these members of {issuer}/.well-known/oauth-authorization-server"),
        ),
        IdentityError::Subject { .. } => ("subject", "sign in again, from the handle".into()),
    };
    Finding {
        severity: Severity::Error,
        code,
        what: error.to_string(),
        mend,
    }
}

fn of_handle(handle: &Handle, error: &HandleFailure) -> (&'static str, String) {
    let (dns, https) = match error {
        HandleFailure::Disallowed(_) => {
            return (
                "handle_disallowed",
                "use a handle under a public domain (.test works with --allow-loopback)".into(),
            );
        }
        HandleFailure::Server(FetchError {
            stage: Stage::Status { status: 400, .. },
            ..
        }) => {
            return (
                "handle_unresolved",
                "that server knows no such handle: check the spelling, or leave out \
                 --handle-resolver to ask DNS and the handle's own host"
                    .into(),
            );
        }
        HandleFailure::Server(error) => return ("handle_server", of_fetch(error)),
        HandleFailure::Network { dns, https } => (dns, https),
    };
    let record = format!("the TXT record _atproto.{handle} must be did= and the account's DID");
    let mend = match (dns, https) {
        (DnsFailure::Ambiguous(_), _) => {
            format!(
                "remove all but one of the TXT records at _atproto.{handle} that begin with did="
            )
        }
        (DnsFailure::Invalid, _) => record,
        (_, HttpsFailure::Invalid) => {
            format!(
                "https://{handle}/.well-known/atproto-did must be the account's DID, and nothing else"
            )
        }
        (DnsFailure::Dns(DnsError::Failed(_)), _) => {
            "the DNS server failed: try again, or ask another one with --dns".into()
        }
        (DnsFailure::Dns(DnsError::NotFound), HttpsFailure::Fetch(_)) => format!(
            "{record}, or serve the DID as plain text at https://{handle}/.well-known/atproto-did; \
             check the spelling too"
        ),
    };
    ("handle_unresolved", mend)
}

fn of_missing(did: &Did) -> String {
    match did.as_str().strip_prefix("did:web:") {
        Some(host) => format!("serve its document at https://{host}/.well-known/did.json"),
        None => "check the spelling, and whether --directory is the right one".into(),
    }
}

fn of_document(error: &DocumentError) -> String {
    match error {
        DocumentError::Id(_) => {
            "the document's id must be the DID that was asked for: the wrong file is served there"
        }
        DocumentError::NoPds => {
            "add a service with the id #atproto_pds, the type AtprotoPersonalDataServer and the \
             PDS's https origin as serviceEndpoint; an account that was never on a PDS has none"
        }
        DocumentError::PdsUrl(_) => {
            "serviceEndpoint of #atproto_pds must be https, host and perhaps a port: no path, \
             query or credentials"
        }
        DocumentError::NoSigningKey | DocumentError::SigningKey(_) => {
            "add a verification method with the id #atproto, the type Multikey and the account's \
             P-256 or K-256 key as publicKeyMultibase"
        }
    }
    .into()
}

fn of_fetch(error: &FetchError) -> String {
    match &error.stage {
        Stage::Url(_) => "use https; for a network on this machine, --allow-http and --allow-loopback",
        Stage::Dns(_) => "check the host name and its DNS records, or ask another server with --dns",
        Stage::AddressNotPublic => {
            "publish a public address for the name; for a network on this machine, --allow-loopback"
        }
        Stage::Connect(_) => "see that the server runs and that its firewall lets you in",
        Stage::Tls(_) => {
            "the certificate must be valid, for this name, with its whole chain; for an authority \
             of your own, --root-cert"
        }
        Stage::Timeout => "the server takes too long: look at its load, or try again",
        Stage::Busy => "try again when fewer requests are under way",
        Stage::Transfer(_) => "the server hung up in the middle of its answer: look at its log",
        Stage::Redirect(_) => "answer at this URL itself, with status 200: redirects aren't followed",
        Stage::Status { html: true, .. } => {
            "let requests to /.well-known/, /oauth/ and /xrpc/ pass the bot filter: apps can't \
             solve its puzzles"
        }
        Stage::Status { status, .. } if *status >= 500 => "the server fails: look at its log",
        Stage::Status { status: 429, .. } => "it had too many requests: wait, and try again",
        Stage::Status { .. } => {
            "serve the document at this URL with status 200; is this the address of the right server?"
        }
        Stage::ContentType { .. } => "serve it as Content-Type: application/json",
        Stage::Encoding(_) => "compress answers only for those who send Accept-Encoding",
        Stage::TooLarge { .. } => "a document of this size isn't one that a login needs",
        Stage::Json(_) => "correct the document: it must be JSON with the members of its standard",
    }
    .into()
}
