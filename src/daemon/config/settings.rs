//! The configuration as put to use: checked, and with everything resolved that a setting leaves
//! open.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::{Config, Invalid, Loaded};
use crate::daemon::secrets::secret;

/// What the daemon is built from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The settings as written.
    pub config: Config,
    /// The data folder, absolute.
    pub data_dir: PathBuf,
    /// The database file, absolute.
    pub store_path: PathBuf,
    /// How many threads prepare complaints.
    pub threads: NonZeroUsize,
}

impl Settings {
    /// Resolves what the configuration leaves open: folders against the working folder, 0 threads
    /// against the number of cores.
    ///
    /// # Errors
    /// When the working folder is gone.
    pub fn new(loaded: &Loaded<Config>) -> std::io::Result<Self> {
        let config = loaded.config.clone();
        let data_dir = std::path::absolute(&config.data_dir)?;
        let store_path = match &config.store.path {
            Some(path) => std::path::absolute(path)?,
            None => data_dir.join("fenghuo.db"),
        };
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = NonZeroUsize::new(usize::from(config.threads)).unwrap_or(cores);
        Ok(Self { config, data_dir, store_path, threads })
    }

    /// The secrets that the configuration names and that cannot be had, each with the remedy.
    /// Nothing is made that is missing.
    #[must_use]
    pub fn unreadable_secrets(config: &Config) -> Vec<Invalid> {
        let caller = &config.caller;
        let mut named = vec![("caller.key", "the caller key", &caller.key_file, &caller.key_env)];
        if let Some(webhook) = &config.webhook {
            named.push(("webhook.secret", "the webhook secret", &webhook.secret_file, &webhook.secret_env));
        }
        let mut out = Vec::new();
        for (name, what, file, env) in named {
            if let Err(error) = secret(what, file.as_deref(), env.as_deref()) {
                let end = if file.is_some() { "file" } else { "env" };
                out.push(Invalid::new(format!("{name}_{end}"), error.to_string()));
            }
        }
        out
    }
}

/// What is wrong between settings that are each right on their own.
pub(super) fn relations(config: &Config) -> Vec<Invalid> {
    let mut out = Vec::new();
    if config.data_dir.as_os_str().is_empty() {
        out.push(Invalid::new("data_dir", "is empty; name a folder"));
    }
    for filter in &config.log.filters {
        if filter.parse::<tracing_subscriber::filter::Directive>().is_err() {
            let message = format!("\"{filter}\" is no filter; write it like \"fenghuo::store=debug\"");
            out.push(Invalid::new("log.filters", message));
        }
    }
    either(&mut out, "caller", "key", config.caller.key_file.is_some(), config.caller.key_env.is_some());
    if let Some(kafka) = &config.kafka
        && kafka.brokers.is_empty()
    {
        out.push(Invalid::new("kafka.brokers", "is empty; name at least one, like [\"kafka-1:9092\"]"));
    }
    if let Some(file) = &config.file
        && file.path.as_os_str().is_empty()
    {
        out.push(Invalid::new("file.path", "is empty; name a file, or \"-\" for stdin"));
    }
    if let Some(webhook) = &config.webhook {
        if webhook.url.is_empty() {
            out.push(Invalid::new("webhook.url", "is empty; give the address that takes alerts"));
        }
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
