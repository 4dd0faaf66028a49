//! What the client keeps of a session, and of a login under way.

use atpass_protocol::id::{ClientId, Did, Issuer, RedirectUri};
use atpass_protocol::jose::{Jkt, StoredKey};
use atpass_protocol::pkce::CodeVerifier;
use atpass_protocol::scope::ScopeSet;
use atpass_protocol::secret::Secret;
use atpass_protocol::time::UnixTime;
use serde::{Deserialize, Serialize};

use super::SessionKey;

/// A session as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredSession {
    /// The account.
    pub(crate) did: Did,
    /// The account's PDS.
    pub(crate) pds: Issuer,
    /// Where the session was given, and lives.
    pub(crate) server: Server,
    /// As whom the app asked: the server takes no other for this session.
    pub(crate) client_id: ClientId,
    /// The app's own key with which the session began, where it has one (clause C-REF-02).
    pub(crate) client_key: Option<BoundClientKey>,
    /// The key that the session is bound to.
    pub(crate) key: StoredKey,
    /// The access token.
    pub(crate) access_token: Secret,
    /// When it came.
    pub(crate) refreshed_at: UnixTime,
    /// It took the place of one that a server had refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) follows_refused: bool,
    /// When it ends.
    pub(crate) expires_at: UnixTime,
    /// The refresh token, where the server gave one.
    pub(crate) refresh_token: Option<Secret>,
    /// What was asked for.
    pub(crate) asked: ScopeSet,
    /// What was granted, as the server wrote it.
    pub(crate) scope: String,
    /// When DID, PDS and server were last seen to belong together.
    pub(crate) checked_at: UnixTime,
    /// The server that the account has moved to since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) moved_to: Option<Issuer>,
    /// A refresh that has begun, and isn't known to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refreshing: Option<RefreshMark>,
}

/// The parts of an authorization server that a session needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Server {
    pub(crate) issuer: Issuer,
    pub(crate) token_endpoint: String,
    pub(crate) revocation_endpoint: Option<String>,
}

/// Which of the app's keys a session is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BoundClientKey {
    pub(crate) kid: String,
    /// Unknown where a backend signs.
    pub(crate) jkt: Option<Jkt>,
}

/// Written before a refresh token is sent. While it is there and its time isn't over, nobody else
/// sends the token. When its time is over, whoever wrote it has died, or never got an answer: the
/// server may have exchanged the token already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefreshMark {
    /// Who refreshes: a name that each client of each process has for itself.
    pub(crate) holder: String,
    /// Until when it is left alone.
    pub(crate) until: UnixTime,
    /// Its owner has given up: nobody need wait, and the refresh is to be tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_left: bool,
}

/// A login under way, between the redirect to the server and the callback.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingLogin {
    /// The account that was asked for and its PDS, where one was.
    pub(crate) expected: Option<(Did, Issuer)>,
    /// The server that was asked.
    pub(crate) server: Server,
    /// As whom.
    pub(crate) client_id: ClientId,
    /// With which key of the app.
    pub(crate) client_key: Option<BoundClientKey>,
    /// Where the answer goes (clause C-CB-02).
    pub(crate) redirect_uri: RedirectUri,
    /// What is asked for.
    pub(crate) scope: ScopeSet,
    /// The verifier of the challenge.
    pub(crate) verifier: CodeVerifier,
    /// The key of the login, and of the session that it becomes.
    pub(crate) key: StoredKey,
    /// The session that the new one takes the place of.
    #[serde(default)]
    pub(crate) replaces: Option<SessionKey>,
}
