//! `atpass login`, `call`, `whoami`, `logout`: a client of the network on the command line, with its
//! sessions in a folder of the person's own.

mod call;
mod login;
mod logout;
mod tell;
mod whoami;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use atpass_client::store::FileStore;
use atpass_client::{
    ClientConfig, ClientError, ClientParts, LOOPBACK_REDIRECT_URI, OAuthClient, Session, SessionKey,
};
use atpass_identity::{Freshness, Input};
use atpass_protocol::id::Did;
use clap::Args;
use etcetera::BaseStrategy;

pub(crate) use call::Call;
pub(crate) use login::Login;
pub(crate) use logout::Logout;
pub(crate) use whoami::Whoami;

use crate::network::NetworkArgs;

/// The scope of a login that names none.
const DEFAULT_SCOPE: &str = "atproto transition:generic";
/// The file with the name of the session that is used when none is named.
const CURRENT: &str = "current";

/// What is said where there is no session.
const NOBODY: &str = "nobody is signed in; `atpass login <handle>` does that";

pub(crate) async fn login(args: &Login) -> anyhow::Result<ExitCode> {
    login::run(args).await.map_err(tell::failure)
}

pub(crate) async fn call(args: &Call) -> anyhow::Result<ExitCode> {
    call::run(args).await.map_err(tell::failure)
}

pub(crate) async fn whoami(args: &Whoami) -> anyhow::Result<ExitCode> {
    whoami::run(args).await.map_err(tell::failure)
}

pub(crate) async fn logout(args: &Logout) -> anyhow::Result<ExitCode> {
    logout::run(args).await.map_err(tell::failure)
}

/// Where sessions are kept, and how servers are reached.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Folder of the sessions, in place of the one in the home folder
    #[arg(long, env = "ATPASS_SESSIONS", value_name = "DIR")]
    sessions: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Which session.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The account, where several are signed in; without it, the one of the last login
    #[arg(long, value_name = "HANDLE|DID")]
    account: Option<String>,
}

/// The sessions of this person.
struct Own {
    client: OAuthClient,
    folder: PathBuf,
    resolver: atpass_identity::Resolver,
}

impl Place {
    async fn open(&self, scope: &str) -> anyhow::Result<Own> {
        let folder = match &self.sessions {
            Some(folder) => folder.clone(),
            None => own_folder()?,
        };
        let store = FileStore::open(&folder).await?;
        let fetcher = self.network.fetcher().await?;
        let resolver = self.network.resolver(fetcher.clone());
        let parts = ClientParts::new(Arc::new(store), fetcher, resolver.clone());
        let config = ClientConfig::loopback(LOOPBACK_REDIRECT_URI, scope)?;
        let client = OAuthClient::new(config, parts);
        // A command may have ended in the middle of one, and the next shouldn't lose the session.
        if let Err(error) = client.resume_refreshes().await {
            tracing::warn!(%error, "interrupted refreshes");
        }
        Ok(Own {
            client,
            folder,
            resolver,
        })
    }
}

/// What became of a session that was to end.
enum Ended {
    /// It is over, at its server as well.
    Both(Did),
    /// It is over here, and its server couldn't be told.
    Here(Option<Did>, ClientError),
    /// It was over already.
    Before,
}

impl Own {
    /// The session that is meant.
    async fn session(&self, which: &Which) -> anyhow::Result<Session> {
        let Some(account) = &which.account else {
            let key = self.current().await?;
            let session = self.client.restore(&key).await;
            let session =
                session.context("the session can't be read (`atpass logout` removes it)")?;
            return session.context(NOBODY);
        };
        let did = self.did(account).await?;
        let current = self.current().await.ok();
        let (mut found, mut failure) = (None::<Session>, None);
        for key in self.client.sessions_of(&did).await? {
            let session = match self.client.restore(&key).await {
                Ok(Some(session)) => session,
                Ok(None) => continue,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            };
            if current.as_ref() == Some(&key) {
                return Ok(session);
            }
            // The one with the newest token lives longest.
            let is_newer = |found: &Session| session.expires_at() > found.expires_at();
            if found.as_ref().is_none_or(is_newer) {
                found = Some(session);
            }
        }
        match (found, failure) {
            (Some(session), _) => Ok(session),
            (None, Some(error)) => Err(error).context(format!(
                "the session can't be read (`atpass logout --account {account}` removes it)"
            )),
            (None, None) => Err(not_signed_in(account)),
        }
    }

    /// The session of the last login; or the only one.
    async fn current(&self) -> anyhow::Result<SessionKey> {
        let mut keys = self.keys().await?;
        if let Some(named) = self.named().filter(|named| keys.contains(named)) {
            return Ok(named);
        }
        match (keys.pop(), keys.is_empty()) {
            (None, _) => bail!(NOBODY),
            (Some(only), true) => Ok(only),
            (Some(_), false) => bail!("several accounts are signed in; name one with --account"),
        }
    }

    /// All sessions: also the current one where its record is broken, so that no list has it.
    async fn keys(&self) -> anyhow::Result<Vec<SessionKey>> {
        let mut keys = self.client.sessions().await?;
        if let Some(named) = self.named().filter(|named| !keys.contains(named))
            && self.client.restore(&named).await.is_err()
        {
            keys.push(named);
        }
        Ok(keys)
    }

    /// The session that the last login has named, whether it is still there or not.
    fn named(&self) -> Option<SessionKey> {
        let name = std::fs::read_to_string(self.folder.join(CURRENT)).ok()?;
        Some(SessionKey::new(name.trim()))
    }

    /// Ends a session. Here it is over afterwards, whatever its server says; the error is the store's.
    async fn end(&self, key: &SessionKey) -> anyhow::Result<Ended> {
        let (did, error) = match self.client.restore(key).await {
            Ok(None) => return Ok(Ended::Before),
            Ok(Some(session)) => {
                let did = session.did().clone();
                match session.logout().await {
                    Ok(()) => return Ok(Ended::Both(did)),
                    Err(error) => (Some(did), error),
                }
            }
            Err(error) => (None, error),
        };
        // The logout forgets it, unless it failed at the record itself.
        self.client.forget(key).await?;
        Ok(Ended::Here(did, error))
    }

    fn make_current(&self, session: &Session) -> anyhow::Result<()> {
        let path = self.folder.join(CURRENT);
        write_private(&path, session.key().as_str())
            .with_context(|| format!("write {}", path.display()))
    }

    async fn did(&self, account: &str) -> anyhow::Result<Did> {
        let input = Input::parse(account).map_err(ClientError::from)?;
        if let Input::Did(did) = input {
            return Ok(did);
        }
        let found = self.resolver.discover(&input, Freshness::Recent).await;
        let found = found.map_err(ClientError::from)?;
        let account = found.account.context("name an account, not a server")?;
        Ok(account.did)
    }
}

fn not_signed_in(account: &str) -> anyhow::Error {
    anyhow::anyhow!("{account} is not signed in here; `atpass login {account}` does that")
}

/// Where programs keep what they need again, and nobody else does.
fn own_folder() -> anyhow::Result<PathBuf> {
    let base = etcetera::choose_base_strategy().context("find the home folder")?;
    let folder = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(folder.join("atpass").join("client"))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
