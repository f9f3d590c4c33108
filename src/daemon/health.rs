//! How the parts of the process are doing: one registry that `/healthz`, `/readyz`, the service
//! manager's status line and its watchdog all read, so that they cannot disagree.
//!
//! *Ready* means that complaints are taken and alerts go out: every part is up. *Alive* means that
//! a restart would not help: no part is stuck. A part that works poorly is degraded, which is
//! shown but neither.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Serialize;

/// How a part is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
pub enum State {
    /// Not up yet.
    Starting,
    /// All is well.
    Ok,
    /// It works, but somebody should look; the reason in words.
    Degraded(String),
    /// It does not work; the reason in words.
    Failed(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Ok => f.write_str("ok"),
            Self::Degraded(reason) => write!(f, "degraded: {reason}"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

#[derive(Debug)]
struct Part {
    state: State,
    /// The last sign of life and how long the next may take, for parts that give signs of life.
    beat: Option<(Instant, Duration)>,
}

/// The registry. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<RwLock<BTreeMap<&'static str, Part>>>);

/// One part's way to tell how it is doing. When it is dropped, the part counts as failed, so that a
/// task that ends or panics without a word is seen.
#[derive(Debug)]
pub struct Reporter {
    health: Health,
    name: &'static str,
    is_done: bool,
}

/// How everything is doing at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether complaints are taken and alerts go out.
    pub ready: bool,
    /// Whether no part is stuck.
    pub alive: bool,
    /// Each part by its name.
    pub parts: BTreeMap<&'static str, State>,
}

impl Health {
    /// An empty registry: alive, and ready as nothing is missing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part, or takes over the part of this name; it is starting until it says otherwise.
    #[must_use]
    pub fn register(&self, name: &'static str) -> Reporter {
        self.with(|parts| parts.insert(name, Part { state: State::Starting, beat: None }));
        Reporter { health: self.clone(), name, is_done: false }
    }

    /// How everything is doing at `now`. A part whose sign of life is overdue has failed.
    #[must_use]
    pub fn report(&self, now: Instant) -> Report {
        let parts = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (mut alive, mut states) = (true, BTreeMap::new());
        for (&name, part) in &*parts {
            let silence = part.beat.map(|(last, most)| (now.saturating_duration_since(last), most));
            let stuck = silence.filter(|(silence, most)| silence > most);
            let state = match stuck {
                Some((silence, _)) => {
                    alive = false;
                    State::Failed(format!("no sign of life for {} s", silence.as_secs()))
                }
                None => part.state.clone(),
            };
            states.insert(name, state);
        }
        let ready = states.values().all(|state| matches!(state, State::Ok | State::Degraded(_)));
        Report { ready, alive, parts: states }
    }

    // The map holds plain values that are never left half changed, so a panic elsewhere while the
    // lock was held cannot have spoilt it.
    fn with<R>(&self, change: impl FnOnce(&mut BTreeMap<&'static str, Part>) -> R) -> R {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter {
    /// All is well.
    pub fn ok(&self) {
        self.set(State::Ok);
    }

    /// It works, but somebody should look.
    pub fn degraded(&self, reason: impl Into<String>) {
        self.set(State::Degraded(reason.into()));
    }

    /// It does not work for now.
    pub fn failed(&self, reason: impl Into<String>) {
        self.set(State::Failed(reason.into()));
    }

    /// Says how it is doing.
    pub fn set(&self, state: State) {
        self.health.with(|parts| {
            if let Some(part) = parts.get_mut(self.name)
                && part.state != state
            {
                part.state = state;
            }
        });
    }

    /// A sign of life; the next one comes within `most`, or the process counts as stuck. Never
    /// called, a part need not give any.
    pub fn beat(&self, now: Instant, most: Duration) {
        self.health.with(|parts| {
            if let Some(part) = parts.get_mut(self.name) {
                part.beat = Some((now, most));
            }
        });
    }

    /// The part has ended as it should and is not missed, as a file source at the end of its file.
    pub fn done(mut self) {
        self.is_done = true;
        self.health.with(|parts| parts.remove(self.name));
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.health.with(|parts| {
            if let Some(part) = parts.get_mut(self.name) {
                // A part that has said why it failed knows better; a dead part beats no more, and
                // whether the process should go on without it is for the daemon to say.
                if !matches!(part.state, State::Failed(_)) {
                    part.state = State::Failed("it has stopped".into());
                }
                part.beat = None;
            }
        });
    }
}

impl Report {
    /// One line for people: `ready`, or the parts that are not well.
    #[must_use]
    pub fn line(&self) -> String {
        let unwell: Vec<String> = self
            .parts
            .iter()
            .filter(|(_, state)| **state != State::Ok)
            .map(|(name, state)| format!("{name} {state}"))
            .collect();
        match (self.ready, unwell.is_empty()) {
            (true, true) => "ready".into(),
            (true, false) => format!("ready; {}", unwell.join("; ")),
            (false, _) => format!("not ready: {}", unwell.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_that_every_part_is_up() {
        let (health, now) = (Health::new(), Instant::now());
        let store = health.register("store");
        let source = health.register("source");
        insta::assert_snapshot!(health.report(now).line(), @"not ready: source starting; store starting");
        store.ok();
        source.ok();
        insta::assert_snapshot!(health.report(now).line(), @"ready");
        source.degraded("lag 5000");
        insta::assert_snapshot!(health.report(now).line(), @"ready; source degraded: lag 5000");
        store.failed("disk full");
        insta::assert_snapshot!(health.report(now).line(), @"not ready: source degraded: lag 5000; store failed: disk full");
        assert!(health.report(now).alive, "a full disk is not cured by a restart");
    }

    #[test]
    fn an_overdue_sign_of_life_is_not_alive_and_the_next_one_is() {
        let (health, start) = (Health::new(), Instant::now());
        let pipeline = health.register("pipeline");
        pipeline.ok();
        pipeline.beat(start, Duration::from_secs(30));
        assert!(health.report(start + Duration::from_secs(30)).alive);
        let late = health.report(start + Duration::from_secs(31));
        assert!(!late.alive && !late.ready);
        insta::assert_snapshot!(late.line(), @"not ready: pipeline failed: no sign of life for 31 s");
        pipeline.beat(start + Duration::from_secs(40), Duration::from_secs(30));
        assert!(health.report(start + Duration::from_secs(41)).alive);
    }

    #[test]
    fn a_part_that_ends_without_a_word_is_seen_and_one_that_is_done_is_not_missed() {
        let (health, now) = (Health::new(), Instant::now());
        let worker = health.register("deliver");
        worker.ok();
        drop(worker);
        insta::assert_snapshot!(health.report(now).line(), @"not ready: deliver failed: it has stopped");
        health.register("deliver").done();
        assert!(health.report(now).ready);
        let worker = health.register("deliver");
        worker.failed("bad address");
        drop(worker);
        assert_eq!(health.report(now).parts["deliver"], State::Failed("bad address".into()));
    }

    #[test]
    fn the_json_form_is_stable() {
        let health = Health::new();
        let _store = health.register("store");
        let source = health.register("source");
        source.degraded("lag 5000");
        let json = serde_json::to_string(&health.report(Instant::now())).unwrap();
        insta::assert_snapshot!(json, @r#"{"ready":false,"alive":true,"parts":{"source":{"state":"degraded","reason":"lag 5000"},"store":{"state":"starting"}}}"#);
    }
}
