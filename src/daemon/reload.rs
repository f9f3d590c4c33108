//! Reading the configuration and the rules again while the daemon runs.
//!
//! Taken over: log level and filters, and everything `rules` names (risk packs, gazetteer,
//! dictionary), also the paths themselves. All is read and compiled here, away from the pipeline, which
//! swaps it between two batches. Risk rules change nothing of what is open, since an engine stands on
//! what was decided; for another gazetteer or dictionary engines are rebuilt as after a restart, so a
//! reload decides nothing that a restart would not. Everything else waits for a restart, and the log says
//! so. What cannot be read leaves all as it was.
//!
//! A reload is asked for by SIGHUP, over HTTP (the rules alone), or by rule files that have changed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::engine::{EngineConfig, Knowledge};
use crate::rules::RuleFiles;
use crate::telemetry::daemon::{ReloadRefused, Reloaded, RestartNeeded};

use super::config::{Config, Settings};
use super::core::RulesConfig;
use super::health::{Health, Reporter};
use super::logging::LogHandle;
use super::pipeline::Renewal;
use super::standing::{Board, Refusal};
use super::{core, systemd};

/// How long the service manager is left waiting for the pipeline to take over; it goes on without.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often to look whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// What is asked for.
#[derive(Debug)]
pub enum Ask {
    /// Settings, rules and lists.
    Everything,
    /// The rules alone; who asked may wait for what comes of it.
    Rules(Option<oneshot::Sender<Result<(), Refusal>>>),
}

/// When to reload, and from where.
pub struct Reload {
    /// Whoever has it may ask for a reload.
    pub asks: Sender<Ask>,
    /// What was asked for comes out here.
    pub asked: Receiver<Ask>,
    /// Reads the settings as at the start.
    pub read: Box<dyn Fn() -> anyhow::Result<Settings>>,
    /// The way to change what is logged.
    pub log: LogHandle,
}

/// What the daemon works with when it starts.
pub(super) struct Start {
    pub(super) renewal: Renewal,
    pub(super) caller_key: SecretString,
    pub(super) engine: Arc<EngineConfig>,
    pub(super) knowledge: Knowledge,
    pub(super) board: Board,
}

/// Reloads a running daemon.
pub(super) struct Reloader {
    pub(super) reload: Reload,
    start: Start,
    health: Health,
    reporter: Reporter,
    running: Config,
    /// The settings of the rules that were taken over last.
    rules: RulesConfig,
    /// What the gazetteer and the dictionary in use were read from.
    lists: [u8; 32],
    watch: Watch,
}

impl Reloader {
    pub(super) fn new(
        reload: Reload,
        start: Start,
        health: &Health,
        running: &Config,
    ) -> anyhow::Result<Self> {
        let reporter = health.register("configuration");
        reporter.ok();
        let lists = core::lists(&running.rules)?;
        let watch = Watch::new(start.knowledge.pack.hash(), Instant::now());
        let (health, running) = (health.clone(), running.clone());
        let rules = running.rules.clone();
        Ok(Self { reload, start, health, reporter, running, rules, lists, watch })
    }

    /// Waits up to `time` for somebody to ask for a reload, and does it; else looks whether rule files have
    /// changed.
    pub(super) fn wait(&mut self, time: Duration, shutdown: &CancellationToken) {
        match self.reload.asked.recv_timeout(time) {
            Ok(first) => {
                // Asked for several times, it is done once.
                let asks: Vec<Ask> = std::iter::once(first).chain(self.reload.asked.try_iter()).collect();
                self.run(asks, shutdown);
            }
            // There is a sender here, too, so that the channel never closes.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if self.watch.has_changed(&self.rules, Instant::now()) {
                    self.run(vec![Ask::Rules(None)], shutdown);
                }
            }
        }
    }

    /// Reads again what is asked for and hands it to the pipeline, or says why not.
    fn run(&mut self, asks: Vec<Ask>, shutdown: &CancellationToken) {
        let is_everything = asks.iter().any(|ask| matches!(ask, Ask::Everything));
        if is_everything {
            systemd::reloading();
        }
        let started = Instant::now();
        // Asked before the files are read: what changes meanwhile is seen by the next look.
        let found = contents(&self.rules);
        let taken = if is_everything { self.take_over() } else { self.take_over_rules(&self.rules.clone()) };
        // What was refused is tried again when it is another.
        self.watch.tried = match &taken {
            Ok(()) => self.start.knowledge.pack.hash().to_owned(),
            Err(_) => found,
        };
        let answer = match taken {
            Ok(()) => {
                let end = Instant::now() + PATIENCE;
                let read = started.elapsed();
                while self.start.renewal.is_waiting() && !shutdown.is_cancelled() && Instant::now() < end {
                    std::thread::sleep(LOOK);
                }
                self.reporter.ok();
                let pack = &self.start.knowledge.pack;
                self.start.board.taken(pack, &self.rules, Timestamp::now());
                let is_in_use = !self.start.renewal.is_waiting();
                Reloaded { pack: pack.hash(), is_in_use, seconds: read.as_secs_f64() }.emit();
                Ok(())
            }
            Err(error) => {
                let refusal = Refusal::of(&error, Timestamp::now());
                let error = &refusal.error;
                let said = format!("the last reload failed, and what was in use still is: {error}");
                self.reporter.degraded(said);
                ReloadRefused { error }.emit();
                self.start.board.refused(refusal.clone());
                Err(refusal)
            }
        };
        if is_everything {
            systemd::ready(&self.health.report(Instant::now()));
        }
        for ask in asks {
            if let Ask::Rules(Some(reply)) = ask {
                // Who asked may have gone.
                let _ = reply.send(answer.clone());
            }
        }
    }

    /// Everything is read before anything is changed.
    fn take_over(&mut self) -> anyhow::Result<()> {
        let config = (self.reload.read)()?.config;
        let lists = core::lists(&config.rules)?;
        let old = &self.start.knowledge;
        let knowledge = if lists == self.lists {
            // The same words and places are not read again: engines need not be, either.
            Knowledge { pack: Arc::new(core::pack(&config.rules)?), ..old.clone() }
        } else {
            core::knowledge(&config.rules, &self.start.engine)?
        };
        let preparer = core::preparer(knowledge.clone(), &self.start.caller_key)?;
        let waiting = changed(&self.running, &config)?;
        self.reload.log.set(&config.log).context("log")?;
        self.start.renewal.offer(preparer);
        (self.start.knowledge, self.rules, self.lists) = (knowledge, config.rules, lists);
        if !waiting.is_empty() {
            RestartNeeded { sections: &waiting.join(", ") }.emit();
        }
        Ok(())
    }

    fn take_over_rules(&mut self, rules: &RulesConfig) -> anyhow::Result<()> {
        let pack = Arc::new(core::pack(rules)?);
        let knowledge = Knowledge { pack, ..self.start.knowledge.clone() };
        self.start.renewal.offer(core::preparer(knowledge.clone(), &self.start.caller_key)?);
        self.start.knowledge = knowledge;
        Ok(())
    }
}

/// Looks now and then whether the files of the rules hold something else.
///
/// Contents are compared and not times: links that are switched to other files, as configuration is
/// brought into containers, have no new time. What was changed has to stay the same from one look to the
/// next, so that files that are being written are left alone.
#[derive(Debug)]
struct Watch {
    /// What was last tried to be taken over.
    tried: String,
    /// What the last look saw.
    seen: String,
    looked: Instant,
}

impl Watch {
    fn new(pack: &str, now: Instant) -> Self {
        Self { tried: pack.to_owned(), seen: pack.to_owned(), looked: now }
    }

    /// Whether it is time for a look and something else is there.
    fn has_changed(&mut self, rules: &RulesConfig, now: Instant) -> bool {
        let every = Duration::from_secs(rules.watch_seconds.into());
        let has_files = rules.risk_dir.is_some() || rules.overlay_dir.is_some();
        if every.is_zero() || !has_files || now.duration_since(self.looked) < every {
            return false;
        }
        self.looked = now;
        let found = contents(rules);
        let has_settled = found == self.seen;
        self.seen = found;
        has_settled && self.seen != self.tried
    }
}

/// The hash of what the rule files hold, or why they cannot be read.
fn contents(rules: &RulesConfig) -> String {
    match RuleFiles::read(rules.risk_dir.as_deref(), rules.overlay_dir.as_deref()) {
        Ok(files) => files.hash(),
        Err(errors) => errors.to_string(),
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
    fn files_are_read_again_when_they_hold_something_else_and_have_settled() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("a.yaml"), text).unwrap();
        write("masks: [一一]");
        let rules = RulesConfig {
            risk_dir: Some(folder.path().to_owned()),
            watch_seconds: 2,
            ..RulesConfig::default()
        };
        let start = Instant::now();
        let mut watch = Watch::new(&contents(&rules), start);
        let mut looks = 0;
        let mut look = |watch: &mut Watch| {
            looks += 2;
            watch.has_changed(&rules, start + Duration::from_secs(looks))
        };
        assert!(!look(&mut watch));
        write("masks: [二二]");
        assert!(!look(&mut watch), "it may still be written");
        assert!(look(&mut watch));
        assert!(look(&mut watch), "until it was tried");
        watch.tried = contents(&rules);
        assert!(!look(&mut watch));
        // Written again as it was: nothing to do.
        write("masks: [三三]");
        assert!(!look(&mut watch));
        write("masks: [二二]");
        assert!(!look(&mut watch) && !look(&mut watch));
        // The folder is gone, which is told once.
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(!look(&mut watch) && look(&mut watch));
        watch.tried = contents(&rules);
        assert!(!look(&mut watch));
        let off = RulesConfig { watch_seconds: 0, ..rules.clone() };
        assert!(!watch.has_changed(&off, start + Duration::from_hours(1)));
    }

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
