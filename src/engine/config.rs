//! What can be set about the engine.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::group::{GroupConfig, GroupConfigError};
use crate::model::GrowthSteps;

/// Time and risk settings of the engine. Grouping has its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// How much older than the newest event one may be before it counts as late, in seconds; 0
    /// marks every event out of order. Late events are grouped all the same; they are counted and
    /// marked.
    pub allowed_lateness_seconds: u32,
    /// After this many seconds without an event, 1 to 86400, the clock goes on by itself, so that
    /// quiet periods end incidents without waiting for the next call. It does not while a source is
    /// behind or cannot be reached.
    pub idle_after_seconds: u32,
    /// The IANA zone in which alerts name times and days.
    pub time_zone: String,
    /// Grouping.
    pub group: GroupConfig,
    /// Financial risk.
    pub risk: RiskConfig,
}

/// How risk hits become cases and alerts. The defaults are this project's starting values; laws
/// count victims and sums for prosecution, not callers for attention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RiskConfig {
    /// How long hits on one company count together, in days of event time, 1 to 366.
    pub window_days: u32,
    /// Numbers of distinct callers, rising, each 2 or more, at which a case, raised at its first
    /// hit, is told again one level higher.
    pub steps: GrowthSteps,
    /// A case without a new hit for this many days is resolved, 1 to `window_days`.
    pub resolve_after_days: u32,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            allowed_lateness_seconds: 600,
            idle_after_seconds: 60,
            time_zone: "Asia/Shanghai".to_owned(),
            group: GroupConfig::default(),
            risk: RiskConfig::default(),
        }
    }
}

impl Default for RiskConfig {
    fn default() -> Self {
        Self { window_days: 180, steps: GrowthSteps::default(), resolve_after_days: 30 }
    }
}

/// A setting that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum EngineConfigError {
    /// In the grouping part.
    #[error("engine.{0}")]
    Group(#[from] GroupConfigError),
    /// A number out of its range.
    #[error("engine.{key}: {value} is not within {low} to {high}")]
    Range {
        /// The key below `engine`.
        key: &'static str,
        /// What was given.
        value: u32,
        /// The least allowed.
        low: u32,
        /// The most allowed.
        high: u32,
    },
    /// A zone that is not in the time zone database.
    #[error("engine.time_zone: {name:?} is not an IANA time zone; use for example \"Asia/Shanghai\"")]
    TimeZone {
        /// What was given.
        name: String,
    },
}

impl EngineConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), EngineConfigError> {
        self.group.validate()?;
        self.zone()?;
        let range = |key, value, low, high| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(EngineConfigError::Range { key, value, low, high })
            }
        };
        range("risk.window_days", self.risk.window_days, 1, 366)?;
        range("risk.resolve_after_days", self.risk.resolve_after_days, 1, self.risk.window_days)?;
        range("idle_after_seconds", self.idle_after_seconds, 1, 86_400)
    }

    /// The zone for times that people read.
    ///
    /// # Errors
    /// When the name is not in the database.
    pub fn zone(&self) -> Result<TimeZone, EngineConfigError> {
        TimeZone::get(&self.time_zone)
            .map_err(|_| EngineConfigError::TimeZone { name: self.time_zone.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_a_bad_zone_is_named() {
        EngineConfig::default().validate().unwrap();
        let config = EngineConfig { time_zone: "Peking".into(), ..EngineConfig::default() };
        insta::assert_snapshot!(
            config.validate().unwrap_err(),
            @r#"engine.time_zone: "Peking" is not an IANA time zone; use for example "Asia/Shanghai""#
        );
    }
}
