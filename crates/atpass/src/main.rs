//! AT Protocol OAuth: the program.

mod cli;
mod command;
mod config;
mod database;
mod log;
mod network;
mod output;
mod password;

use std::process::ExitCode;

use clap::Parser;

/// Requests allocate in small pieces on many threads; the C library's allocator takes a good part of their time. Builds for
/// development keep that one, which the tools that look for errors know.
#[cfg(not(debug_assertions))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // A server's log is as its configuration says.
    if !matches!(cli.command, cli::Command::Serve(_)) {
        log::init(cli.verbose);
    }
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("atpass: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            cli::Command::Dev(dev) => command::dev::run(dev).await.map(|()| ExitCode::SUCCESS),
            cli::Command::Serve(serve) => {
                let served = command::serve::run(&serve, cli.verbose).await;
                served.map(|()| ExitCode::SUCCESS)
            }
            cli::Command::Config(args) => command::config::run(&args),
            cli::Command::Database(args) => command::database::run(&args).await,
            cli::Command::Store(args) => command::store::run(&args).await,
            cli::Command::Account(args) => command::account::run(args).await,
            cli::Command::Session(args) => command::session::run(&args).await,
            cli::Command::Key(args) => command::key::run(&args).await,
            cli::Command::Entryway(args) => command::entryway::run(&args)
                .await
                .map(|()| ExitCode::SUCCESS),
            cli::Command::Client(args) => command::client_lint::run(&args).await,
            cli::Command::Login(args) => command::client::login(&args).await,
            cli::Command::Call(args) => command::client::call(&args).await,
            cli::Command::Whoami(args) => command::client::whoami(&args).await,
            cli::Command::Logout(args) => command::client::logout(&args).await,
            cli::Command::Lexicon(lexicon) => command::lexicon::run(&lexicon).await,
            cli::Command::Scope(args) => command::scope::run(&args),
            cli::Command::Discover(discover) => command::discover::run(*discover).await,
        }
    })
}
