//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
}

/// Run a whole network on this machine, to try a login or to develop an app against
///
/// An authorization server and a resource server on localhost:2583, a directory of DIDs on the port
/// after it, and a sample app on 127.0.0.1 and the port after that. Everything listens on this
/// machine only.
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
}
