//! Builds the sinks from the configuration and the secrets that it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::tz::TimeZone;

use super::config::Config;
use super::secrets::{self, SecretError};
use crate::deliver::channel::{self, ChannelConfig, ChannelSecrets};
use crate::deliver::route::Plan;
use crate::deliver::{Gate, Sink, TemplateError, WebhookSecrets, WebhookSink, Words};

/// A channel that cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("`{setting}`: {message}")]
pub struct ChannelFault {
    /// The setting at fault.
    pub setting: String,
    /// What is wrong and what to do about it, without secrets.
    pub message: String,
}

/// The sinks, in the order in which commits name them.
///
/// # Errors
/// The first one that cannot be set up.
pub(super) fn open(config: &Config) -> anyhow::Result<Vec<Arc<dyn Sink>>> {
    let mut sinks: Vec<Arc<dyn Sink>> = Vec::new();
    if let Some(webhook) = &config.webhook {
        let (file, env) = (webhook.secret_file.as_deref(), webhook.secret_env.as_deref());
        let signing = secrets::secret("the webhook secret", file, env)?
            .context("webhook: name the secret that signs alerts in `secret_file` or `secret_env`")?;
        let (file, env) = (webhook.token_file.as_deref(), webhook.token_env.as_deref());
        let token = secrets::secret("the webhook token", file, env)?;
        sinks.push(Arc::new(WebhookSink::new(webhook, &WebhookSecrets { signing, token })?));
    }
    for sink in channels(config, &words(config)?) {
        sinks.push(sink?);
    }
    Ok(sinks)
}

/// What stands before the channels: routes, inhibition, mute windows.
///
/// # Errors
/// When the time zone is not known.
pub fn plan(config: &Config) -> anyhow::Result<Arc<Plan>> {
    let mute = config.channels.iter().map(|(name, channel)| (name.clone(), channel.mute.clone())).collect();
    let deliver = &config.deliver;
    let zone = TimeZone::get(&config.engine.time_zone).context("engine.time_zone")?;
    Ok(Arc::new(Plan::new(deliver.routes.clone(), deliver.inhibit.clone(), mute, zone)))
}

/// A gate before each channel.
pub(super) fn gates(config: &Config) -> anyhow::Result<BTreeMap<String, Gate>> {
    let plan = plan(config)?;
    Ok(config.channels.keys().map(|name| (name.clone(), Gate::new(name, Arc::clone(&plan)))).collect())
}

/// The templates of messages.
pub(super) fn words(config: &Config) -> Result<Arc<Words>, TemplateError> {
    let deliver = &config.deliver;
    Words::load(deliver.templates_dir.as_deref(), deliver.console_url.as_deref()).map(Arc::new)
}

/// The sink of each channel, or what is wrong with it.
pub(super) fn channels(config: &Config, words: &Arc<Words>) -> Vec<Result<Arc<dyn Sink>, ChannelFault>> {
    config.channels.iter().map(|(name, channel)| one(name, channel, words)).collect()
}

fn one(name: &str, config: &ChannelConfig, words: &Arc<Words>) -> Result<Arc<dyn Sink>, ChannelFault> {
    let fault = |setting: &str, message: String| {
        let dot = if setting.is_empty() { "" } else { "." };
        ChannelFault { setting: format!("channels.{name}{dot}{setting}"), message }
    };
    let mut found = ChannelSecrets::new();
    for place in config.secrets() {
        let told = |error: SecretError| fault(&place.named(), error.to_string());
        if let Some(secret) = secrets::secret(place.what, place.file, place.env).map_err(told)? {
            found.insert(place.setting, secret);
        }
    }
    channel::open(name, config, &found, words).map_err(|error| {
        // What is wrong with a secret is told of where it was read from.
        let place = config.secrets().into_iter().find(|place| place.setting == error.setting());
        let setting = place.map_or_else(|| error.setting().to_owned(), |place| place.named());
        fault(&setting, error.message())
    })
}
