//! From plain values to a database, and to what servers share besides it.

use atpass_protocol::seal::SealingKeys;
use atpass_protocol::secret::Secret;
use atpass_replay::WhenDown;
use atpass_store::PostgresConfig;
use url::Url;

use super::Loaded;
use super::check::Check;
use super::entryway::secret_in;
use super::settings;
use crate::database::{Location, in_folder};
use crate::network::read_certificate;

/// A Valkey server as it was configured.
#[derive(Clone)]
pub(crate) struct ValkeyPlan {
    /// With the password, if there is one.
    pub(crate) url: Secret,
    pub(crate) when_down: WhenDown,
}

impl std::fmt::Debug for ValkeyPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when_down = self.when_down;
        f.debug_struct("ValkeyPlan")
            .field("when_down", &when_down)
            .finish_non_exhaustive()
    }
}

impl Check<'_> {
    /// Which database it is.
    pub(super) fn database(&mut self, loaded: &Loaded) -> Option<Location> {
        let chosen = &loaded.settings.database;
        let Some(url) = &chosen.url else {
            let folder = loaded.base().join(&loaded.settings.data);
            return Some(Location::Sqlite(in_folder(&folder)));
        };
        let master = self.master_keys(loaded);
        let password = chosen.password_file.as_ref().and_then(|file| {
            let password = secret_in(&loaded.base().join(file));
            self.read("database.password_file", file, password)
        });
        let connections = usize::try_from(chosen.connections).unwrap_or(0);
        if !(2..=200).contains(&connections) {
            let message = format!("is {}; it must be between 2 and 200", chosen.connections);
            self.problem("database.connections", message);
        }
        let config = PostgresConfig::new(url, master?);
        let mut config = self.read("database.url", url, config)?;
        if let Some(password) = password {
            config = config.with_password(&password);
        }
        for file in &chosen.root_certs {
            let pem = read_certificate(&loaded.base().join(file));
            let trusted = pem
                .map_err(|error| format!("{error:#}"))
                .and_then(|pem| config.trust(&pem).map_err(|error| error.to_string()));
            self.read("database.root_certs", file, trusted);
        }
        let config = config.with_connections(connections);
        Some(Location::Postgres(Box::new(config)))
    }

    fn master_keys(&mut self, loaded: &Loaded) -> Option<SealingKeys> {
        let files = &loaded.settings.database.master_keys;
        let mut keys: Option<SealingKeys> = None;
        for file in files {
            let read = secret_in(&loaded.base().join(file)).and_then(|text| {
                let key = SealingKeys::parse(&text);
                key.map_err(|_| "isn't a master key; `atpass key master FILE` makes one".to_owned())
            });
            let key = self.read("database.master_keys", file, read)?;
            keys = Some(match keys {
                None => key,
                Some(newer) => newer.opening(&key),
            });
        }
        if files.is_empty() {
            self.problem_of(
                "database.master_keys",
                "database.url",
                "is missing: with PostgreSQL, keys and secrets are sealed; `atpass key master FILE` makes a key for that",
            );
        }
        keys
    }

    /// What servers share besides the database, if they do.
    pub(super) fn valkey(&mut self, loaded: &Loaded) -> Option<ValkeyPlan> {
        let chosen = &loaded.settings.valkey;
        let text = chosen.url.as_ref()?;
        let mut url = self.read("valkey.url", text, valkey_url(text))?;
        if let Some(file) = &chosen.password_file {
            let password = secret_in(&loaded.base().join(file));
            let password = self.read("valkey.password_file", file, password)?;
            if url.set_password(Some(password.expose())).is_err() {
                self.problem("valkey.password_file", "such an address takes no password");
            }
        }
        let Some(when_down) = chosen.when_down else {
            self.problem_of(
                "valkey.when_down",
                "valkey.url",
                "is missing: say what happens while it can't be reached, \"refuse\" or \"remember-here\"",
            );
            return None;
        };
        Some(ValkeyPlan {
            url: Secret::new(url.as_str()),
            when_down: match when_down {
                settings::WhenDown::Refuse => WhenDown::Refuse,
                settings::WhenDown::RememberHere => WhenDown::RememberHere,
            },
        })
    }
}

fn valkey_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "expected a URL such as redis://127.0.0.1:6379")?;
    match url.scheme() {
        "redis" | "rediss" | "valkey" | "valkeys" | "unix" => Ok(url),
        _ => Err("expected redis://, rediss:// (with TLS) or unix://"),
    }
}

impl Loaded {
    /// SHA-256 of what all servers on one database must be configured with alike.
    pub(crate) fn shared_digest(&self) -> [u8; 32] {
        let settings = &self.settings;
        let pdses = settings.pds.iter().map(|pds| {
            let shared = (&pds.origin, &pds.did, &pds.handle_domains, pds.new_accounts);
            serde_json::json!(shared)
        });
        let network = &settings.network;
        let shared = serde_json::json!({
            "issuer": settings.issuer,
            "protected_resources": settings.protected_resources,
            "experimental_spaces": settings.experimental_spaces,
            "lifetimes": settings.lifetimes,
            "network": (&network.directory, &network.handle_resolver, network.allow_http, network.allow_loopback),
            "clients": settings.clients,
            "entryway": (&settings.entryway.did, &settings.entryway.sign_up),
            "pds": pdses.collect::<Vec<_>>(),
            "valkey": settings.valkey.when_down,
        });
        Secret::new(shared.to_string()).sha256()
    }
}
