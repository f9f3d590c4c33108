//! What rules the daemon works with, and what was wrong with those it did not take: one board that the
//! reload writes and the HTTP side and the console read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use serde::Serialize;

use crate::console::RulesShown;
use crate::rules::{OverlayChange, RuleError, RuleErrors, RulePack};

use super::core::RulesConfig;

/// The rules in use.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// The hash of the pack: what alerts carry.
    pub pack: String,
    /// The folder it was read from; null for the shipped rules.
    pub risk_dir: Option<PathBuf>,
    /// The folder of local changes.
    pub overlay_dir: Option<PathBuf>,
    /// How many rules it has, by their status.
    pub rules: BTreeMap<&'static str, usize>,
    /// How many exceptions it has.
    pub exceptions: usize,
    /// What the overlay has changed.
    pub overlay: Vec<OverlayChange>,
    /// Since when it is in use (wall clock).
    pub since: Timestamp,
    /// What was wrong with the last rules read, when they could not be taken over.
    pub refused: Option<Refusal>,
}

/// Why rules or settings were not taken over.
#[derive(Debug, Clone, Serialize)]
pub struct Refusal {
    /// When (wall clock).
    pub at: Timestamp,
    /// All in one line.
    pub error: String,
    /// Mistakes in rule files, each with its place.
    pub problems: Vec<RuleError>,
}

impl Refusal {
    /// Of an error that came `now`.
    pub fn of(error: &anyhow::Error, now: Timestamp) -> Self {
        let problems = error.downcast_ref::<RuleErrors>().map(|errors| errors.0.clone()).unwrap_or_default();
        Self { at: now, error: format!("{error:#}").replace('\n', "; "), problems }
    }
}

/// The board. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Board(Arc<RwLock<Standing>>);

impl Board {
    /// With the rules of the start.
    pub fn new(pack: &RulePack, config: &RulesConfig, now: Timestamp) -> Self {
        Self(Arc::new(RwLock::new(standing(pack, config, now))))
    }

    /// Other rules were taken over; nothing is refused any more.
    pub fn taken(&self, pack: &RulePack, config: &RulesConfig, now: Timestamp) {
        self.with(|board| {
            let since = if board.pack == pack.hash() { board.since } else { now };
            *board = standing(pack, config, since);
        });
    }

    /// Something could not be taken over.
    pub fn refused(&self, refusal: Refusal) {
        self.with(|board| board.refused = Some(refusal));
    }

    /// What it says.
    pub fn read(&self) -> Standing {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What of it the console shows.
    pub fn shown(&self) -> RulesShown {
        let Standing { pack, rules, since, refused, .. } = self.read();
        let rules = rules.values().sum();
        RulesShown { pack, rules, since, refused: refused.map(|refusal| refusal.error) }
    }

    // Plain values that are never left half changed.
    fn with(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

fn standing(pack: &RulePack, config: &RulesConfig, since: Timestamp) -> Standing {
    let mut rules: BTreeMap<&'static str, usize> = BTreeMap::new();
    for rule in pack.rules() {
        *rules.entry(rule.status.as_str()).or_default() += 1;
    }
    Standing {
        pack: pack.hash().to_owned(),
        risk_dir: config.risk_dir.clone(),
        overlay_dir: config.overlay_dir.clone(),
        rules,
        exceptions: pack.exceptions().len(),
        overlay: pack.changes().to_vec(),
        since,
        refused: None,
    }
}
