//! Who a forwarded request is from: a token that the account's PDS signed with the account's own key (atproto
//! spec, XRPC, "Inter-Service Authentication").

use atpass_identity::{Freshness, IdentityError, SigningKey};
use atpass_protocol::id::Did;
use atpass_protocol::jose::CompactJws;
use atpass_protocol::time::NumericDate;
use atpass_provider::accounts::Identifier;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::legacy::ACCESS_LIFE;
use crate::store::AccountRecord;
use crate::xrpc::{Server, XrpcError};

/// Seconds that a token may still be good for. A PDS makes them for one minute.
const LONGEST: i64 = 300;
/// Seconds by which the clocks of the servers may differ.
const CLOCKS: i64 = 60;
/// Kinds of tokens that are something else, whoever signed them.
const OTHER_KINDS: [&str; 3] = ["at+jwt", "refresh+jwt", "dpop+jwt"];

/// What of a header means something here. A `kid` chooses nothing: the account has one key.
#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    lxm: Option<String>,
    exp: NumericDate,
}

/// The account that a forwarded request is from, for this method and no other.
pub(crate) async fn verify(
    server: &Server,
    headers: &HeaderMap,
    lxm: &'static str,
) -> Result<Did, XrpcError> {
    Ok(verify_account(server, headers, lxm).await?.did)
}

/// The same, of an account that the operator lets act.
pub(crate) async fn verify_active(
    server: &Server,
    headers: &HeaderMap,
    lxm: &'static str,
) -> Result<AccountRecord, XrpcError> {
    let account = verify_account(server, headers, lxm).await?;
    if account.active {
        Ok(account)
    } else {
        Err(XrpcError::taken_down())
    }
}

/// The same, for what would outlast the session that asks for it. For as long as access tokens from before a
/// new password may still be good at the PDS it is refused: who knew the old one could stay in by it.
pub(crate) async fn verify_settled(
    server: &Server,
    headers: &HeaderMap,
    lxm: &'static str,
) -> Result<AccountRecord, XrpcError> {
    let account = verify_active(server, headers, lxm).await?;
    let longest = server.provider.config().lifetimes.access_token;
    let longest = longest.max(ACCESS_LIFE) + CLOCKS;
    let settled = account.sessions_ended_at.map(|at| at.plus(longest));
    if settled.is_some_and(|settled| server.entryway.now() < settled) {
        return Err(XrpcError::invalid(
            "all of the account's sessions were ended a moment ago; this can be done again in a quarter of an hour",
        ));
    }
    Ok(account)
}

async fn verify_account(
    server: &Server,
    headers: &HeaderMap,
    lxm: &'static str,
) -> Result<AccountRecord, XrpcError> {
    let refused = |name, message: &str| XrpcError::unauthenticated(name, message);
    let token = bearer(headers)?;
    let jws = CompactJws::parse(token).map_err(|error| refused("BadJwt", &error.to_string()))?;
    let unreadable = |error: serde_json::Error| refused("BadJwt", &error.to_string());
    let header: Header = jws.header().map_err(unreadable)?;
    let claims: Claims = jws.claims().map_err(unreadable)?;
    // Media types know no case.
    let kind = header.typ.unwrap_or_default().to_ascii_lowercase();
    let kind = kind.strip_prefix("application/").unwrap_or(&kind);
    if OTHER_KINDS.contains(&kind) || header.crit.is_some() {
        return Err(refused("BadJwtType", "the token is none for services"));
    }
    let entryway = &server.entryway;
    if claims.aud != entryway.config().did.as_str() {
        return Err(refused("BadJwtAudience", "the token is for another server"));
    }
    if claims.lxm.as_deref() != Some(lxm) {
        let message = format!("the token is not for {lxm}");
        return Err(refused("BadJwtLexiconMethod", &message));
    }
    let NumericDate(until) = claims.exp;
    let now = entryway.now();
    if until <= now {
        return Err(refused("JwtExpired", "the token has expired"));
    }
    if until.since(now) > LONGEST {
        return Err(refused("BadJwt", "the token is good for too long"));
    }
    let no_account = || {
        refused(
            "AccountNotFound",
            "the token is of no account of this server",
        )
    };
    let did = Did::parse(&claims.iss).map_err(|_| no_account())?;
    // Before the key is looked up: nobody can have us ask for the documents of strangers.
    let account = entryway
        .parts()
        .store
        .account(&Identifier::Did(did))
        .await?;
    let account = account.ok_or_else(no_account)?;
    let is_signed = |key: &SigningKey| {
        header.alg == key.algorithm() && key.verifies(jws.signed().as_bytes(), jws.signature())
    };
    if is_signed_by_account(server, &account.did, is_signed).await? {
        Ok(account)
    } else {
        Err(refused(
            "BadJwtSignature",
            "the token isn't signed by the account's key",
        ))
    }
}

/// Asks for the key once more where it doesn't fit: the account may have another one since.
async fn is_signed_by_account(
    server: &Server,
    did: &Did,
    is_signed: impl Fn(&SigningKey) -> bool,
) -> Result<bool, XrpcError> {
    let resolver = &server.entryway.parts().resolver;
    match resolver.signing_key(did, Freshness::Recent).await {
        Ok(key) if is_signed(&key) => return Ok(true),
        Err(error) if error.is_transient() => return Err(XrpcError::unavailable(&error)),
        Ok(_) | Err(_) => {}
    }
    // Anybody can send wrong signatures, and make us ask the directory each time.
    let limit = &server.entryway.limits().fresh_keys;
    let limited = limit.check(did.as_str()).await;
    limited.map_err(XrpcError::too_many)?;
    match resolver.signing_key(did, Freshness::Anew).await {
        Ok(key) => Ok(is_signed(&key)),
        Err(error) if error.is_transient() => Err(XrpcError::unavailable(&error)),
        // It is certain that the account has no key.
        Err(
            IdentityError::BadDocument { .. }
            | IdentityError::NoSuchDid(_)
            | IdentityError::Tombstoned(_),
        ) => Ok(false),
        Err(error) => Err(XrpcError::unavailable(&error)),
    }
}

/// The token of the one `Authorization` header (RFC 6750 section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, XrpcError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let malformed = || {
        let message = "send one Authorization header, of type Bearer";
        XrpcError::new(StatusCode::BAD_REQUEST, "InvalidToken", message)
    };
    let value = values
        .next()
        .ok_or_else(|| XrpcError::unauthenticated("AuthMissing", "authentication is required"))?;
    if values.next().is_some() {
        return Err(malformed());
    }
    let text = value.to_str().map_err(|_| malformed())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(malformed()),
    }
}
