//! What the examples share: where they find the network, and where they keep their secrets.

use std::env;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use atpass_client::{ClientConfig, ClientKeyset, ClientParts, SessionStore, paths};
use atpass_protocol::random::SystemRandom;
use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
use url::Url;

/// The parts of a client: on the internet; or, with `DIRECTORY` and `HANDLE_RESOLVER`, on the network
/// that `atpass dev` runs (`http://localhost:2584` and `http://localhost:2583`).
pub fn parts(store: Arc<dyn SessionStore>) -> anyhow::Result<ClientParts> {
    let url = |name| {
        env::var(name)
            .ok()
            .map(|url| Url::parse(&url).context(name))
    };
    match (url("DIRECTORY"), url("HANDLE_RESOLVER")) {
        (Some(directory), Some(resolver)) => {
            Ok(ClientParts::development(store, directory?, resolver?)?)
        }
        _ => Ok(ClientParts::internet(store)?),
    }
}

/// The web app's identity: at `PUBLIC_URL`, and with `CLIENT=public` one without a key.
pub fn web_app(scope: &str, keys: ClientKeyset) -> anyhow::Result<ClientConfig> {
    let public_url = setting("PUBLIC_URL", "http://127.0.0.1:3000");
    if setting("CLIENT", "") != "public" {
        return Ok(ClientConfig::from_public_url(&public_url, scope, keys)?);
    }
    let at = |path: &str| format!("{public_url}{path}");
    // Another id than the confidential one's: servers remember what a client is.
    let (client_id, callback) = (at("/oauth/public-client.json"), at(paths::CALLBACK));
    Ok(ClientConfig::web_public(&client_id, &callback, scope)?)
}

/// What an app keeps to itself. A real one has it in its secret store.
pub struct Secrets {
    /// With these it proves who it is.
    pub keys: ClientKeyset,
    /// With these its cookies and stored sessions are encrypted.
    pub sealing: SealingKeys,
}

/// Reads the secrets from a folder, and makes them when it is empty.
pub fn secrets(folder: &Path) -> anyhow::Result<Secrets> {
    std::fs::create_dir_all(folder)?;
    let keys = keep(&folder.join("client-keys.json"), || {
        Ok(ClientKeyset::generate()?.to_secret()?)
    })?;
    let sealing = keep(&folder.join("sealing-key"), || {
        Ok(SealingKeys::generate(&SystemRandom))
    })?;
    Ok(Secrets {
        keys: ClientKeyset::from_secret(&keys)?,
        sealing: SealingKeys::parse(&sealing)?,
    })
}

fn keep(path: &Path, make: impl FnOnce() -> anyhow::Result<Secret>) -> anyhow::Result<Secret> {
    use std::io::Write;
    if let Ok(text) = std::fs::read_to_string(path) {
        return Ok(Secret::new(text));
    }
    let secret = make()?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(secret.expose().as_bytes())?;
    Ok(secret)
}

/// A setting, or what is usual.
pub fn setting(name: &str, usual: &str) -> String {
    env::var(name).unwrap_or_else(|_| usual.to_owned())
}
