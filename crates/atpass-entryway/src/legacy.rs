//! Sessions of apps that know no OAuth: an access token that official PDSes take as it is, and a refresh token
//! that ends up here.
//!
//! Such a PDS verifies both by the one key that it knows, which signs OAuth's access tokens as well. They are
//! told apart by `typ`, `aud` and `scope`, and by `cnf`, which none of these has.

use atpass_protocol::id::Did;
use atpass_protocol::jose::{CompactJws, ES256K};
use atpass_protocol::random;
use atpass_protocol::time::{NumericDate, UnixTime};
use atpass_protocol::token::SessionId;
use atpass_provider::accounts::Identifier;
use http::{HeaderMap, StatusCode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::service_auth::bearer;
use crate::store::{AccountRecord, LegacySessionRecord};
use crate::xrpc::{Server, XrpcError};

/// Seconds of an access token: nobody can take it back from a PDS.
pub(crate) const ACCESS_LIFE: i64 = 900;
/// Seconds of a session that nobody refreshes.
pub(crate) const SESSION_LIFE: i64 = 90 * 24 * 60 * 60;
/// Seconds for which the predecessor of a refresh token still gets the current one: old apps may lose an
/// answer, or refresh twice at once.
pub(crate) const GRACE: i64 = 2 * 60 * 60;

const ACCESS: &str = "at+jwt";
const REFRESH: &str = "refresh+jwt";

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    /// Everything: the session began with the account's own password.
    #[serde(rename = "com.atproto.access")]
    Access,
    /// Not the account itself, nor direct messages.
    #[serde(rename = "com.atproto.appPass")]
    AppPass,
    /// Not the account itself.
    #[serde(rename = "com.atproto.appPassPrivileged")]
    AppPassPrivileged,
    /// To get the next tokens.
    #[serde(rename = "com.atproto.refresh")]
    Refresh,
}

impl Scope {
    const fn of(session: &LegacySessionRecord) -> Self {
        match session.app_password {
            None => Self::Access,
            Some((_, false)) => Self::AppPass,
            Some((_, true)) => Self::AppPassPrivileged,
        }
    }
}

/// The tokens of a session.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

#[derive(Serialize)]
struct NewHeader {
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct NewClaims<'a> {
    scope: Scope,
    sub: &'a Did,
    aud: &'a Did,
    jti: String,
    iat: UnixTime,
    exp: UnixTime,
}

/// Signs the tokens of a session as it is now.
pub(crate) fn issue(
    server: &Server,
    account: &AccountRecord,
    session: &LegacySessionRecord,
) -> Result<Tokens, XrpcError> {
    let now = server.entryway.now();
    let key = server.provider.official_pds_key();
    let sign = |typ, claims: &NewClaims<'_>| {
        let header = NewHeader { typ, alg: ES256K };
        let token = key.sign_compact(&header, claims);
        token.map_err(|error| XrpcError::unavailable(&error))
    };
    // Tokens count whole seconds. One made in the second in which the sessions before it were ended must not
    // look like one of theirs ([`verify_access`]).
    let after = account.sessions_ended_at.map(|ended| ended.plus(1));
    let access = NewClaims {
        scope: Scope::of(session),
        sub: &account.did,
        aud: &account.pds,
        jti: random::text::<16>(&*server.entryway.parts().random),
        iat: after.map_or(now, |after| after.max(now)),
        exp: now.plus(ACCESS_LIFE),
    };
    let refresh = NewClaims {
        scope: Scope::Refresh,
        sub: &account.did,
        aud: &server.entryway.config().did,
        jti: format!("{}:{}", session.id, session.generation),
        iat: now,
        exp: session.expires_at,
    };
    Ok(Tokens {
        access: sign(ACCESS, &access)?,
        refresh: sign(REFRESH, &refresh)?,
    })
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    kid: Option<IgnoredAny>,
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    scope: Scope,
    sub: Did,
    aud: Did,
    iat: NumericDate,
    exp: NumericDate,
    jti: String,
    /// The token is bound to a key: it is OAuth's.
    cnf: Option<IgnoredAny>,
    /// The token is for one method of one service.
    lxm: Option<IgnoredAny>,
}

/// A refresh token that this server made. Whether its session goes on is for the store to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    pub(crate) did: Did,
    pub(crate) session: SessionId,
    pub(crate) generation: u32,
    expired: bool,
}

impl RefreshToken {
    /// The token, if its time isn't over.
    pub(crate) fn in_time(self) -> Result<Self, XrpcError> {
        if self.expired {
            Err(expired())
        } else {
            Ok(self)
        }
    }
}

/// Reads the refresh token of a request, in time or not.
pub(crate) fn read_refresh(
    server: &Server,
    headers: &HeaderMap,
) -> Result<RefreshToken, XrpcError> {
    let claims = read(server, bearer(headers)?, REFRESH)?;
    if claims.scope != Scope::Refresh || claims.aud != server.entryway.config().did {
        return Err(invalid());
    }
    let (session, generation) = claims.jti.split_once(':').ok_or_else(invalid)?;
    Ok(RefreshToken {
        session: SessionId::try_from(session.to_owned()).map_err(|_| invalid())?,
        generation: generation.parse().map_err(|_| invalid())?,
        expired: claims.exp.0 <= server.entryway.now(),
        did: claims.sub,
    })
}

/// The account that a request is from which a PDS passed through with the app's own access token.
///
/// App passwords are refused: what is passed through decides about the account itself.
pub(crate) async fn verify_access(
    server: &Server,
    headers: &HeaderMap,
) -> Result<AccountRecord, XrpcError> {
    let claims = read(server, bearer(headers)?, ACCESS)?;
    if claims.scope != Scope::Access {
        return Err(invalid());
    }
    if claims.exp.0 <= server.entryway.now() {
        return Err(expired());
    }
    let store = &server.entryway.parts().store;
    let account = store.account(&Identifier::Did(claims.sub)).await?;
    let account = account.filter(|account| account.pds == claims.aud);
    match account {
        Some(account) if !account.active => Err(XrpcError::taken_down()),
        // Its session was ended, by a new password perhaps: that is known here.
        Some(account) if account.sessions_ended_at >= Some(claims.iat.0) => Err(expired()),
        Some(account) => Ok(account),
        None => Err(invalid()),
    }
}

fn read(server: &Server, token: &str, typ: &str) -> Result<Claims, XrpcError> {
    let jws = CompactJws::parse(token).map_err(|_| invalid())?;
    let header: Header = jws.header().map_err(|_| invalid())?;
    let ours = header.typ == typ
        && header.alg == ES256K
        && header.kid.is_none()
        && header.crit.is_none()
        && server.provider.official_pds_key().has_signed(&jws);
    if !ours {
        return Err(invalid());
    }
    let claims: Claims = jws.claims().map_err(|_| invalid())?;
    if claims.cnf.is_some() || claims.lxm.is_some() {
        return Err(invalid());
    }
    Ok(claims)
}

fn invalid() -> XrpcError {
    let message = "the token could not be verified";
    XrpcError::new(StatusCode::BAD_REQUEST, "InvalidToken", message)
}

/// Apps refresh, or sign in again, on an error of this name with this status.
pub(crate) fn expired() -> XrpcError {
    let message = "the token has expired, or was revoked";
    XrpcError::new(StatusCode::BAD_REQUEST, "ExpiredToken", message)
}
