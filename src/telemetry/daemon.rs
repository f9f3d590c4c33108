//! Happenings of the daemon itself.

use std::sync::LazyLock;

use prometheus::{IntCounterVec, IntGaugeVec};

use super::{counter, gauge};

static RELOADS: LazyLock<IntCounterVec> = LazyLock::new(|| {
    counter(
        "fenghuo_reloads_total",
        "Times configuration and rules were read again, by outcome.",
        &["outcome"],
    )
});
static REFUSED: LazyLock<IntGaugeVec> = LazyLock::new(|| {
    gauge("fenghuo_reload_refused", "1 while the last reload could not be taken over.", &[])
});

static PACK: LazyLock<IntGaugeVec> =
    LazyLock::new(|| gauge("fenghuo_rules_pack", "1 for the rule pack in use.", &["pack"]));

/// The daemon works with a rule pack from now on.
///
/// Series `fenghuo_rules_pack{pack}` (1 for the pack in use; others have none).
#[derive(Debug)]
pub struct RulesInUse<'a> {
    /// The hash of the rule pack.
    pub pack: &'a str,
}

impl RulesInUse<'_> {
    /// Shows it.
    pub fn emit(self) {
        PACK.reset();
        PACK.with_label_values(&[self.pack]).set(1);
    }
}

/// Configuration and rules were read again and taken over.
///
/// Series `fenghuo_reloads_total{outcome="taken_over"}`, `fenghuo_reload_refused` (0) and
/// `fenghuo_rules_pack`.
#[derive(Debug)]
pub struct Reloaded<'a> {
    /// The hash of the rule pack.
    pub pack: &'a str,
    /// Whether the pipeline works with it already; while the store stalls it cannot.
    pub is_in_use: bool,
    /// How long reading took.
    pub seconds: f64,
}

impl Reloaded<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        RELOADS.with_label_values(&["taken_over"]).inc();
        REFUSED.with_label_values::<&str>(&[]).set(0);
        RulesInUse { pack: self.pack }.emit();
        let seconds = self.seconds;
        if self.is_in_use {
            tracing::info!(pack = self.pack, seconds, "reloaded: the rules as read are in use");
        } else {
            tracing::warn!(
                pack = self.pack,
                seconds,
                "reloaded: the rules as read are used after the batch under way"
            );
        }
    }
}

/// Configuration or rules could not be read; what was in use still is.
///
/// Series `fenghuo_reloads_total{outcome="refused"}` and `fenghuo_reload_refused` (1 until a reload
/// succeeds).
#[derive(Debug)]
pub struct ReloadRefused<'a> {
    /// Everything that is wrong, with its place.
    pub error: &'a str,
}

impl ReloadRefused<'_> {
    /// Counts and logs.
    pub fn emit(self) {
        RELOADS.with_label_values(&["refused"]).inc();
        REFUSED.with_label_values::<&str>(&[]).set(1);
        tracing::error!(error = self.error, "the reload failed, and what was in use still is");
    }
}

/// Settings were changed that a reload does not take over.
#[derive(Debug)]
pub struct RestartNeeded<'a> {
    /// The sections they are in.
    pub sections: &'a str,
}

impl RestartNeeded<'_> {
    /// Logs.
    pub fn emit(self) {
        tracing::warn!(sections = self.sections, "these settings have changed and need a restart");
    }
}
