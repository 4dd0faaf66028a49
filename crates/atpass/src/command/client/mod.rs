//! `atpass login`, `call`, `whoami`, `logout`: a client of the network on the command line, with its
//! sessions in a folder of the person's own.

mod call;
mod login;
mod logout;
mod whoami;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use atpass_client::store::FileStore;
use atpass_client::{
    ClientConfig, ClientParts, LOOPBACK_REDIRECT_URI, OAuthClient, Session, SessionKey,
};
use atpass_identity::{Freshness, Input};
use atpass_protocol::id::Did;
use clap::Args;
use etcetera::BaseStrategy;

pub(crate) use call::{Call, run as call};
pub(crate) use login::{Login, run as login};
pub(crate) use logout::{Logout, run as logout};
pub(crate) use whoami::{Whoami, run as whoami};

use crate::network::NetworkArgs;

/// The scope of a login that names none.
const DEFAULT_SCOPE: &str = "atproto transition:generic";
/// The file with the name of the session that is used when none is named.
const CURRENT: &str = "current";

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
        let store = FileStore::open(&folder)
            .await
            .context("open the folder of the sessions (--sessions names another one)")?;
        let fetcher = self.network.fetcher().await?;
        let resolver = self.network.resolver(fetcher.clone());
        let parts = ClientParts::new(Arc::new(store), fetcher, resolver.clone());
        let config = ClientConfig::loopback(LOOPBACK_REDIRECT_URI, scope)?;
        let client = OAuthClient::new(config, parts);
        // The last command may have ended before the answer to its refresh came.
        client.resume_refreshes().await?;
        Ok(Own {
            client,
            folder,
            resolver,
        })
    }
}

impl Own {
    /// The session that is meant: of the account that is named, the one of the last login, or else the
    /// newest.
    async fn session(&self, which: &Which) -> anyhow::Result<Session> {
        let Some(account) = &which.account else {
            return self.current().await;
        };
        let did = self.did(account).await?;
        if let Ok(current) = self.current().await
            && *current.did() == did
        {
            return Ok(current);
        }
        let sessions = self.sessions_of(&did).await?;
        let newest = sessions.into_iter().max_by_key(Session::expires_at);
        newest.with_context(|| {
            format!("{account} is not signed in here; `atpass login {account}` does that")
        })
    }

    /// The account's sessions that can be read.
    async fn sessions_of(&self, did: &Did) -> anyhow::Result<Vec<Session>> {
        let mut sessions = Vec::new();
        for key in self.client.sessions_of(did).await? {
            match self.client.restore(&key).await {
                Ok(session) => sessions.extend(session),
                Err(error) => anstream::eprintln!("atpass: {error}"),
            }
        }
        Ok(sessions)
    }

    /// The name of the session of the last login, whether it can be read or not.
    fn current_key(&self) -> Option<SessionKey> {
        let name = std::fs::read_to_string(self.folder.join(CURRENT)).ok()?;
        Some(SessionKey::new(name.trim()))
    }

    /// The session of the last login; or the only one.
    async fn current(&self) -> anyhow::Result<Session> {
        if let Some(key) = self.current_key()
            && let Some(session) = self.client.restore(&key).await?
        {
            return Ok(session);
        }
        match self.client.sessions().await?.as_slice() {
            [] => bail!("nobody is signed in; `atpass login <handle>` does that"),
            [only] => {
                let session = self.client.restore(only).await?;
                session.context("nobody is signed in")
            }
            _ => bail!("several accounts are signed in; name one with --account"),
        }
    }

    fn make_current(&self, session: &Session) -> anyhow::Result<()> {
        let path = self.folder.join(CURRENT);
        write_private(&path, session.key().as_str())
            .with_context(|| format!("write {}", path.display()))
    }

    async fn did(&self, account: &str) -> anyhow::Result<Did> {
        let input = Input::parse(account)?;
        if let Input::Did(did) = input {
            return Ok(did);
        }
        let found = self.resolver.discover(&input, Freshness::Recent).await?;
        let account = found.account.context("name an account, not a server")?;
        Ok(account.did)
    }
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
