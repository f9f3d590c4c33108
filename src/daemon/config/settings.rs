//! The configuration as put to use: checked, and with everything resolved that a setting leaves
//! open.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::{Config, Invalid, Loaded};
use crate::daemon::secrets::secret;
use crate::source::decode::Decoder;

/// What the daemon is built from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings as written, with the store's path absolute.
    pub config: Config,
    /// The folder of the store, absolute; the caller key lives there, too.
    pub data_dir: PathBuf,
    /// The store's file, absolute.
    pub store_file: PathBuf,
    /// How many threads prepare complaints.
    pub threads: NonZeroUsize,
}

impl Settings {
    /// Resolves what the configuration leaves open: paths against the working folder, 0 threads
    /// against the number of cores.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn new(loaded: &Loaded<Config>) -> std::io::Result<Self> {
        let mut config = loaded.config.clone();
        config.store.path = std::path::absolute(&config.store.path)?;
        let store_file = config.store.file();
        let data_dir = store_file.parent().unwrap_or(&store_file).to_path_buf();
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = NonZeroUsize::new(usize::from(config.threads)).unwrap_or(cores);
        Ok(Self { config, data_dir, store_file, threads })
    }

    /// What the rooms would refuse when they are built from this configuration: values out of
    /// range, secrets and certificates that cannot be read. Nothing is made that is missing.
    #[must_use]
    pub fn faults(config: &Config) -> Vec<Invalid> {
        let mut out = Vec::new();
        let caller = &config.caller;
        let mut secrets = vec![("caller.key", "the caller key", &caller.key_file, &caller.key_env)];
        if let Some(webhook) = &config.webhook {
            secrets.push(("webhook.secret", "the webhook secret", &webhook.secret_file, &webhook.secret_env));
            secrets.push(("webhook.token", "the webhook token", &webhook.token_file, &webhook.token_env));
        }
        for (name, what, file, env) in secrets {
            if let Err(error) = secret(what, file.as_deref(), env.as_deref()) {
                let end = if file.is_some() { "file" } else { "env" };
                out.push(Invalid::new(format!("{name}_{end}"), error.to_string()));
            }
        }
        out.extend(config.store.validate().err().map(|said| named("store", &said)));
        out.extend(config.http.check().err().map(|error| named("http", &error.to_string())));
        let decoder = Decoder::new(config.decode.clone());
        out.extend(decoder.err().map(|error| named("decode", &error.to_string())));
        #[cfg(feature = "kafka")]
        #[cfg(feature = "kafka")]
        if let Some(kafka) = &config.kafka {
            out.extend(kafka.client().err().map(|error| named("kafka", &error.to_string())));
        }
        out
    }
}

// The rooms begin their messages with the setting, with or without their section before it.
fn named(section: &str, said: &str) -> Invalid {
    let (first, rest) = said.split_once(' ').unwrap_or((said, ""));
    let first = first.trim_matches(|c| c == '`' || c == ':');
    let is_name = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
    match (is_name, first.starts_with(&format!("{section}."))) {
        (true, true) => Invalid::new(first, rest),
        (true, false) => Invalid::new(format!("{section}.{first}"), rest),
        (false, _) => Invalid::new(section, said),
    }
}

/// What is wrong between settings that are each right on their own.
pub(super) fn relations(config: &Config) -> Vec<Invalid> {
    let mut out = Vec::new();
    if config.store.path.as_os_str().is_empty() {
        out.push(Invalid::new("store.path", "is empty; name the data folder, for example \"data\""));
    }
    for filter in &config.log.filters {
        if filter.parse::<tracing_subscriber::filter::Directive>().is_err() {
            let message = format!("\"{filter}\" is no filter; write it like \"fenghuo::store=debug\"");
            out.push(Invalid::new("log.filters", message));
        }
    }
    either(&mut out, "caller", "key", config.caller.key_file.is_some(), config.caller.key_env.is_some());
    #[cfg(feature = "kafka")]
    if let Some(kafka) = &config.kafka
        && kafka.brokers.is_empty()
    {
        out.push(Invalid::new("kafka.brokers", "is empty; name at least one, like [\"kafka-1:9092\"]"));
    }
    if let Some(file) = &config.file {
        out.extend(file.check().err().map(|error| Invalid::new("file.paths", error.to_string())));
    }
    if let Some(webhook) = &config.webhook {
        out.extend(
            webhook
                .validate()
                .err()
                .map(|error| Invalid::new(format!("webhook.{}", error.field), error.message)),
        );
        either(&mut out, "webhook", "secret", webhook.secret_file.is_some(), webhook.secret_env.is_some());
    }
    out
}

fn either(out: &mut Vec<Invalid>, section: &str, what: &str, file: bool, env: bool) {
    if file && env {
        let message = format!("`{section}.{what}_env` is given too; keep one of the two");
        out.push(Invalid::new(format!("{section}.{what}_file"), message));
    }
}
