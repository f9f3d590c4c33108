//! What the demo takes over from the configuration, and the folder it works in.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use tempfile::TempDir;

use crate::cli::{Exit, OrExit as _};
use crate::daemon::config::{Config, Loaded, Settings};
use crate::deliver::WebhookConfig;
use crate::source::http::HttpConfig;
use crate::store::StoreConfig;

use super::{DemoArgs, DemoReceiver};

/// The secret between the demo and its receiver; a folder that has it is a demo's own.
const SECRET_FILE: &str = "demo-webhook.secret";

/// The folder of the demo's data; a temporary one is removed at the end.
#[derive(Debug)]
pub(super) enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Folder {
    /// The folder that was asked for, or a new one with a name that nobody can guess and that only
    /// its owner may enter.
    pub(super) fn open(wanted: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = wanted else {
            let made = tempfile::Builder::new()
                .prefix("fenghuo-demo-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir();
            let parent = std::env::temp_dir();
            let made = made.with_context(|| format!("{}: cannot make a folder in it", parent.display()));
            return Ok(Self::Temporary(made.or_exit(Exit::Store)?));
        };
        let store = StoreConfig::at(path).file();
        if store.exists() && !path.join(SECRET_FILE).exists() {
            let message =
                "holds a store that no demo has made; name a new folder, so that the two do not mix";
            return Err(anyhow!("{}: {message}", store.display())).or_exit(Exit::Store);
        }
        fs::create_dir_all(path)
            .with_context(|| format!("{}: cannot make this folder", path.display()))
            .or_exit(Exit::Store)?;
        Ok(Self::Kept(path.to_path_buf()))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    pub(super) fn is_temporary(&self) -> bool {
        matches!(self, Self::Temporary(_))
    }
}

/// The settings of the demo: of the configuration only what decides about complaints. Where they
/// come from, where they are kept, who may send and who is told are the demo's own, so that a demo
/// with the configuration of a service touches nothing of that service.
pub(super) fn settings(
    mut loaded: Loaded<Config>,
    args: &DemoArgs,
    folder: &Path,
    receiver: &DemoReceiver,
) -> anyhow::Result<Settings> {
    let secret_file = folder.join(SECRET_FILE);
    write_secret(&secret_file, &receiver.secret)
        .with_context(|| format!("{}: cannot be written", secret_file.display()))
        .or_exit(Exit::Store)?;
    let own = Config {
        store: StoreConfig::at(folder),
        http: HttpConfig {
            listen: args.listen.to_string(),
            // Without tokens nobody else's machine may send; to look is for everybody who is let in.
            accept_complaints: args.is_local(),
            ..HttpConfig::default()
        },
        webhook: Some(WebhookConfig {
            url: receiver.url.clone(),
            secret_file: Some(secret_file),
            ..WebhookConfig::default()
        }),
        ..Config::default()
    };
    // Each by its name: a setting that is added is the demo's own until somebody decides otherwise.
    let Config { threads, decode, intake, engine, rules, .. } = loaded.config;
    loaded.config = Config { threads, decode, intake, engine, rules, ..own };
    Ok(Settings::new(&loaded)?)
}

fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::config::{Flag, Sources};

    #[test]
    fn nothing_of_a_service_is_touched() {
        let service = [
            ("store.path", "/srv/fenghuo"),
            ("store.max_size_mib", "100"),
            ("http.listen", "0.0.0.0:80"),
            ("http.tokens_file", "/etc/fenghuo/tokens"),
            ("caller.key_file", "/etc/fenghuo/caller.key"),
            ("file.paths", "[\"/var/log/hotline.ndjson\"]"),
            #[cfg(feature = "kafka")]
            ("kafka.brokers", "[\"kafka-1:9092\"]"),
            ("webhook.url", "https://centre.example/hooks"),
            ("webhook.secret_file", "/etc/fenghuo/webhook.secret"),
            ("webhook.token_file", "/etc/fenghuo/webhook.token"),
            ("webhook.name", "centre"),
            ("engine.group.resolve_after_days", "9"),
        ];
        let mut sources = Sources::default();
        for (path, value) in service {
            sources.flags.push(Flag { name: "--set".into(), path: path.into(), value: value.into() });
        }
        let loaded = Config::load(&sources).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let receiver = DemoReceiver { url: "http://127.0.0.1:9/alerts".into(), secret: "whsec_x".into() };
        let listen = "127.0.0.1:0".parse().unwrap();
        let args = DemoArgs { complaints: 1, seed: 1, speed: 0, listen, data_dir: None, once: true };
        let settings = settings(loaded, &args, folder.path(), &receiver).unwrap();

        let said = serde_json::to_string(&settings.config).unwrap();
        for (path, value) in service.into_iter().filter(|(path, _)| !path.starts_with("engine")) {
            let value = value.trim_matches(['[', ']', '"']);
            assert!(!said.contains(&format!("\"{value}\"")), "{path} of the service in {said}");
        }
        let config = settings.config;
        #[cfg(feature = "kafka")]
        assert!(config.kafka.is_none());
        assert!(config.file.is_none() && config.caller.key_file.is_none());
        assert_eq!(config.store.max_size_mib, None);
        assert_eq!(
            config.engine.group.resolve_after_days, 9,
            "what decides about complaints is the operator's"
        );
        let mode = folder.path().join(SECRET_FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_temporary_folder_is_its_owners_alone_and_goes() {
        let (first, second) = (Folder::open(None).unwrap(), Folder::open(None).unwrap());
        assert_ne!(first.path(), second.path());
        assert_eq!(first.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        let path = first.path().to_path_buf();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }

    #[test]
    fn a_store_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("fenghuo.db"), "a store").unwrap();
        let error = Folder::open(Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("name a new folder"), "{error}");
        fs::write(folder.path().join(SECRET_FILE), "whsec_x").unwrap();
        assert!(!Folder::open(Some(folder.path())).unwrap().is_temporary());
    }
}
