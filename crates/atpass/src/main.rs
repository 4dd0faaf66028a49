//! AT Protocol OAuth: the program.

mod cli;
mod command;
mod log;
mod network;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    log::init(cli.verbose);
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
            cli::Command::Discover(discover) => command::discover::run(*discover).await,
        }
    })
}
