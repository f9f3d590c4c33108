//! Reading the configuration and the rules again while the daemon runs.
//!
//! Taken over: log level and filters, and everything `rules` names (risk packs, gazetteer,
//! dictionary), also the paths themselves. The pipeline swaps them between two batches and rebuilds
//! its engines as after a restart, so a reload decides nothing that a restart would not. Everything
//! else waits for a restart, and the log says so. What cannot be read leaves all as it was.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::engine::EngineConfig;
use crate::telemetry::daemon::{ReloadRefused, Reloaded, RestartNeeded};

use super::config::{Config, Settings};
use super::health::{Health, Reporter};
use super::logging::LogHandle;
use super::pipeline::Renewal;
use super::{core, systemd};

/// How long the service manager is left waiting for the pipeline to take over; it goes on without.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often to look whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// When to reload, and from where.
pub struct Reload {
    /// Something comes out whenever a reload is asked for.
    pub asked: Receiver<()>,
    /// Reads the settings as at the start.
    pub read: Box<dyn Fn() -> anyhow::Result<Settings>>,
    /// The way to change what is logged.
    pub log: LogHandle,
}

/// Reloads a running daemon.
pub(super) struct Reloader {
    pub(super) reload: Reload,
    renewal: Renewal,
    health: Health,
    reporter: Reporter,
    caller_key: SecretString,
    engine: Arc<EngineConfig>,
    running: Config,
}

impl Reloader {
    pub(super) fn new(
        reload: Reload,
        renewal: Renewal,
        health: &Health,
        caller_key: SecretString,
        engine: Arc<EngineConfig>,
        running: &Config,
    ) -> Self {
        let reporter = health.register("configuration");
        reporter.ok();
        let (health, running) = (health.clone(), running.clone());
        Self { reload, renewal, health, reporter, caller_key, engine, running }
    }

    /// Reads everything again and hands it to the pipeline, or says why not.
    pub(super) fn run(&mut self, shutdown: &CancellationToken) {
        systemd::reloading();
        match self.take_over() {
            Ok(pack) => {
                let end = Instant::now() + PATIENCE;
                while self.renewal.is_waiting() && !shutdown.is_cancelled() && Instant::now() < end {
                    std::thread::sleep(LOOK);
                }
                self.reporter.ok();
                Reloaded { pack: &pack, is_in_use: !self.renewal.is_waiting() }.emit();
            }
            Err(error) => {
                let error = format!("{error:#}").replace('\n', "; ");
                let said = format!("the last reload failed, and what was in use still is: {error}");
                self.reporter.degraded(said);
                ReloadRefused { error: &error }.emit();
            }
        }
        systemd::ready(&self.health.report(Instant::now()));
    }

    /// Everything is read before anything is changed.
    fn take_over(&mut self) -> anyhow::Result<String> {
        let config = (self.reload.read)()?.config;
        let knowledge = core::knowledge(&config.rules, &self.engine)?;
        let pack = knowledge.pack.hash().to_owned();
        let preparer = core::preparer(knowledge, &self.caller_key)?;
        self.reload.log.set(&config.log).context("log")?;
        self.renewal.offer(preparer);
        let waiting = changed(&self.running, &config)?;
        if !waiting.is_empty() {
            RestartNeeded { sections: &waiting.join(", ") }.emit();
        }
        Ok(pack)
    }
}

/// The sections that differ and are not taken over.
fn changed(running: &Config, read: &Config) -> anyhow::Result<Vec<String>> {
    let sections = |config: &Config| -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
        match serde_json::to_value(config).context("comparing the settings")? {
            serde_json::Value::Object(sections) => Ok(sections),
            _ => anyhow::bail!("a configuration is a table"),
        }
    };
    let (running, read) = (sections(running)?, sections(read)?);
    let is_taken_over = |name: &str| matches!(name, "log" | "rules");
    let differs = |name: &&String| !is_taken_over(name) && running.get(*name) != read.get(*name);
    Ok(read.keys().filter(differs).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_need_a_restart_are_named() {
        let running = Config::default();
        let mut read = running.clone();
        read.rules.risk_dir = Some("elsewhere".into());
        assert_eq!(changed(&running, &read).unwrap(), Vec::<String>::new());
        read.shutdown_seconds += 1;
        read.http.listen = "127.0.0.1:1".into();
        assert_eq!(changed(&running, &read).unwrap(), ["shutdown_seconds", "http"]);
    }
}
