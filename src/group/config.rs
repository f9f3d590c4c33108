//! What an analyst can set about grouping.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::GrowthSteps;

/// How complaints are put into groups and when a group becomes an incident.
///
/// No published rule names a number of callers, of days or a likeness that makes a group incident,
/// so the defaults are this project's starting values. Before changing one, look at what it does:
/// `fenghuo generate --gold` writes a stream with its truth, `fenghuo replay` what the engine makes
/// of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupConfig {
    /// How long a complaint stays open for others to join, in days of event time, 1 to 366. Slow
    /// matters need 90 or more; memory grows with it.
    pub match_days: u32,
    /// The window in which distinct callers are counted, in days, 1 to `match_days`.
    pub window_days: u32,
    /// Numbers of distinct callers at which an incident is raised and then told again, rising, each
    /// 2 or more; the levels 蓝 黄 橙 红 follow the first four.
    pub steps: GrowthSteps,
    /// Other steps for complaints of a category (any name on the category path; the finest one
    /// that is named here counts).
    pub steps_by_category: BTreeMap<String, GrowthSteps>,
    /// An incident without a new complaint for this many days is resolved, 1 to `match_days`.
    pub resolve_after_days: u32,
    /// The similarity, 0.01 to 1, at which two complaints that surely name the same place are one
    /// matter; the less sure, the nearer to `unknown_place`. Above `unknown_place`, naming the same
    /// place would count against them.
    pub same_place: f64,
    /// The similarity, 0.01 to 1, asked for when their places say nothing: one of them names none,
    /// or they cannot be compared. Different places are kept apart at any similarity.
    pub unknown_place: f64,
    /// How many times a word in the title counts against one in the text, 1 to 10.
    pub title_weight: u32,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            match_days: 180,
            window_days: 30,
            steps: GrowthSteps::default(),
            steps_by_category: BTreeMap::new(),
            resolve_after_days: 14,
            same_place: 0.16,
            unknown_place: 0.22,
            title_weight: 3,
        }
    }
}

/// A setting that cannot work.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("group.{key}: {problem}")]
pub struct GroupConfigError {
    /// The key below `group`.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl GroupConfig {
    /// Checks ranges and relations.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), GroupConfigError> {
        let fail = |key, problem| Err(GroupConfigError { key, problem });
        if !(1..=366).contains(&self.match_days) {
            return fail("match_days", format!("{} is not within 1 to 366", self.match_days));
        }
        for (key, days) in
            [("window_days", self.window_days), ("resolve_after_days", self.resolve_after_days)]
        {
            if !(1..=self.match_days).contains(&days) {
                return fail(key, format!("{days} is not within 1 to match_days ({})", self.match_days));
            }
        }
        for (key, value) in [("same_place", self.same_place), ("unknown_place", self.unknown_place)] {
            if !(0.01..=1.0).contains(&value) {
                return fail(key, format!("{value} is not within 0.01 to 1"));
            }
        }
        if !(1..=10).contains(&self.title_weight) {
            return fail("title_weight", format!("{} is not within 1 to 10", self.title_weight));
        }
        Ok(())
    }

    /// The growth steps for a complaint of this category path.
    pub fn steps_for<'a>(
        &'a self,
        mut category: impl DoubleEndedIterator<Item = &'a str>,
    ) -> &'a GrowthSteps {
        // The finest name wins, so look from the end of the path.
        std::iter::from_fn(|| category.next_back())
            .find_map(|name| self.steps_by_category.get(name))
            .unwrap_or(&self.steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        GroupConfig::default().validate().unwrap();
    }

    #[test]
    fn what_cannot_work_is_named() {
        let config = GroupConfig { window_days: 181, ..GroupConfig::default() };
        insta::assert_snapshot!(
            config.validate().unwrap_err(),
            @"group.window_days: 181 is not within 1 to match_days (180)"
        );
    }

    #[test]
    fn the_finest_category_decides_the_steps() {
        let fine = GrowthSteps::new(vec![2]).unwrap();
        let coarse = GrowthSteps::new(vec![9]).unwrap();
        let steps_by_category = [("停水".to_owned(), fine.clone()), ("公用事业".to_owned(), coarse)].into();
        let config = GroupConfig { steps_by_category, ..GroupConfig::default() };
        assert_eq!(config.steps_for(["公用事业", "停水"].into_iter()), &fine);
        assert_eq!(config.steps_for(std::iter::empty()), &config.steps);
    }
}
