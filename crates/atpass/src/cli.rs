//! The command line.

use std::path::PathBuf;
use std::sync::Arc;

use atpass_store::Database;
use clap::{Args, Parser, Subcommand};
use url::Url;

use crate::command::account::AccountArgs;
use crate::command::client::{Call, Login, Logout, Whoami};
use crate::command::client_lint::ClientArgs;
use crate::command::config::ConfigArgs;
use crate::command::database::DatabaseArgs;
use crate::command::entryway::EntrywayArgs;
use crate::command::key::KeyArgs;
use crate::command::lexicon::Lexicon;
use crate::command::scope::ScopeArgs;
use crate::command::session::SessionArgs;
use crate::command::store::StoreArgs;
use crate::config::Loaded;
use crate::database::{self, Location};
use crate::network::{FetchArgs, NetworkArgs, PUBLIC_DIRECTORY};

/// AT Protocol OAuth: authorization server, discovery, client, resource server.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Log what happens, to standard error (more with -vv)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Dev(Dev),
    Serve(Serve),
    Config(ConfigArgs),
    Database(DatabaseArgs),
    Store(StoreArgs),
    Account(AccountArgs),
    Session(SessionArgs),
    Key(KeyArgs),
    Entryway(EntrywayArgs),
    Client(ClientArgs),
    Scope(ScopeArgs),
    Login(Box<Login>),
    Call(Box<Call>),
    Whoami(Box<Whoami>),
    Logout(Box<Logout>),
    Discover(Box<Discover>),
    Lexicon(Box<Lexicon>),
}

/// Run a whole network on this machine, to try a login or to develop an app against
///
/// An authorization server and a resource server on localhost:2583, a directory of DIDs on the port
/// after it, and a sample app on 127.0.0.1 and the port after that. Everything listens on this
/// machine only. The variables `ATPASS_LIFETIMES_…` of `atpass serve` count here as well.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// First of three ports; 0 picks free ones
    #[arg(long, env = "ATPASS_PORT", default_value_t = 2583)]
    pub(crate) port: u16,
    /// Folder for the database; without it, a temporary one that goes at the end
    #[arg(long, env = "ATPASS_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print one line of JSON on standard output when everything is up
    #[arg(long)]
    pub(crate) json: bool,
    /// Directory of did:plc that knows who publishes permission sets
    #[arg(
        long,
        env = "ATPASS_DIRECTORY",
        value_name = "URL",
        default_value = PUBLIC_DIRECTORY,
        help_heading = "Network"
    )]
    pub(crate) directory: Url,
    /// How the authorization server fetches the metadata of clients, and permission sets
    #[command(flatten)]
    pub(crate) fetch: FetchArgs,
}

/// Run the authorization server
///
/// Needs a configuration with the issuer, its public origin, and a database that
/// `atpass database migrate` has made. Speaks plain HTTP behind a reverse proxy that speaks TLS. Logs
/// go to standard error. On SIGTERM it takes no new connections, finishes what is under way and ends.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// Configuration file; without it, atpass.toml in the current folder, if it is there
    #[arg(long, env = "ATPASS_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which database a command works on.
#[derive(Debug, Args)]
pub(crate) struct DatabasePlace {
    #[command(flatten)]
    config: ConfigFile,
    /// Folder of the database, in place of the configured one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DatabasePlace {
    /// What is configured. Needs no more of it to be right than that it can be read.
    pub(crate) fn load(&self) -> anyhow::Result<Loaded> {
        let loaded = Loaded::read(self.config.config.as_deref());
        if loaded.problems.is_empty() {
            Ok(loaded)
        } else {
            Err(loaded.fail(loaded.problems.clone()).into())
        }
    }

    /// Which database it is.
    pub(crate) fn location(&self, loaded: &Loaded) -> anyhow::Result<Location> {
        match &self.data {
            Some(folder) => Ok(Location::Sqlite(database::in_folder(folder))),
            None => Ok(loaded.location()?),
        }
    }

    /// Opens the database. Works beside a running server.
    pub(crate) async fn open(&self) -> anyhow::Result<(Arc<dyn Database>, Loaded)> {
        let loaded = self.load()?;
        let location = self.location(&loaded)?;
        let store = location.open(loaded.file.as_deref()).await?;
        Ok((store, loaded))
    }
}

/// Find the authorization server of an account, step by step, and say what is wrong
///
/// Goes the way that every login goes: handle, DID, PDS, authorization server. Shows what each step
/// asked, how long it took and what it found; then what is wrong, and how to mend it. Asks the
/// server whether apps in a browser may use it (CORS) as well. Fails if an app couldn't sign in.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// A handle, a DID, or the https URL of a PDS or authorization server
    #[arg(value_name = "HANDLE|DID|URL")]
    pub(crate) input: String,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}
