//! `atpass dev`: a whole network on this machine.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use atpass_protocol::id::Issuer;
use atpass_testnet::{DevAccount, Network, NetworkConfig, Ports};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Dev;
use crate::config::Loaded;

/// What a program needs to know to use the network.
#[derive(Serialize)]
struct Ready<'a> {
    issuer: &'a Issuer,
    resource: &'a Issuer,
    directory: &'a Issuer,
    app: &'a Issuer,
    accounts: &'a [DevAccount],
    /// The options with which every other program reaches this network.
    network: NetworkOptions<'a>,
}

#[derive(Serialize)]
struct NetworkOptions<'a> {
    directory: &'a Issuer,
    handle_resolver: &'a Issuer,
    allow_http: bool,
    allow_loopback: bool,
}

pub(crate) async fn run(dev: Dev) -> anyhow::Result<()> {
    // Before anything is announced: a program may send the signal as soon as it has read the line.
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;

    let temporary = match &dev.data {
        Some(_) => None,
        None => Some(temporary_folder()?),
    };
    let folder = temporary.as_ref().map(|folder| folder.path().to_owned());
    let data = dev.data.or(folder).unwrap_or_default();
    let mut config = NetworkConfig::new(data);
    config.fetch = dev.fetch.config().await?;
    config.permission_set_directory = Some(dev.directory);
    config.lifetimes = Loaded::from_environment().check_lifetimes()?;
    config.ports = if dev.port == 0 {
        Ports::Free
    } else {
        Ports::From(dev.port)
    };
    let network = Network::start(config).await?;
    let announced = if dev.json {
        print_json(&network)
    } else {
        print_welcome(&network, temporary.is_some())
    };
    // Who reads our output may have gone; the network is of use all the same.
    announced.unwrap_or_else(|error| tracing::warn!(%error, "the start text can't be printed"));

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    network.stop().await;
    if let Some(folder) = temporary {
        folder.close().context("remove the temporary folder")?;
    }
    Ok(())
}

fn temporary_folder() -> anyhow::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("atpass-dev-")
        .tempdir()
        .context("make a temporary folder")
}

fn print_json(network: &Network) -> std::io::Result<()> {
    let ready = Ready {
        issuer: &network.issuer,
        resource: &network.resource,
        directory: &network.directory,
        app: &network.app,
        accounts: &network.accounts,
        network: NetworkOptions {
            directory: &network.directory,
            handle_resolver: &network.resource,
            allow_http: true,
            allow_loopback: true,
        },
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&ready)?)?;
    out.flush()
}

fn print_welcome(network: &Network, temporary: bool) -> std::io::Result<()> {
    let (bold, link) = (
        Style::new().bold(),
        AnsiColor::Cyan.on_default().underline(),
    );
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "\n{bold}atpass dev{bold:#}: a whole AT Protocol network on this machine\n"
    )?;
    writeln!(
        out,
        "  Open  {link}{}{link:#}  and sign in as one of:\n",
        network.app
    )?;
    for account in &network.accounts {
        writeln!(
            out,
            "    handle  {bold}{:<10}{bold:#}   password  {bold}{}{bold:#}",
            account.handle, account.password
        )?;
    }
    writeln!(out, "\n  authorization server   {}", network.issuer)?;
    writeln!(out, "  resource server        {}", network.resource)?;
    writeln!(out, "  directory of DIDs      {}", network.directory)?;
    if temporary {
        writeln!(
            out,
            "\n  Everything is forgotten at the end; keep it with --data DIR."
        )?;
    }
    writeln!(
        out,
        "  For development only: it listens on this machine and uses plain http."
    )?;
    writeln!(out, "  Ctrl-C stops it.\n")?;
    out.flush()
}
