//! What an analyst can set about grouping.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{GrowthSteps, OpenSince};

use super::Registered;

/// Raised with every change of the program that may group complaints otherwise under the same settings.
const FORMING: u32 = 4;

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
    /// How long a complaint that has stayed alone stays open, in days, 1 to 366; as long as `match_days` where
    /// that is less. Most matters come again within weeks, and many complaints stay alone.
    pub alone_days: u32,
    /// The window in which distinct callers are counted, in days, 1 to `match_days`.
    pub window_days: u32,
    /// Numbers of distinct callers at which an incident is raised and then told again, rising, each
    /// 2 or more; the levels 蓝 黄 橙 红 follow the first four.
    pub steps: GrowthSteps,
    /// Other steps for complaints of a category (any name on the category path; the finest one
    /// that is named here counts).
    pub steps_by_category: BTreeMap<String, GrowthSteps>,
    /// Further windows, each with steps of its own: `days`, `steps` and, if need be, `steps_by_category`. A
    /// shorter one tells a burst before `steps` are reached, a longer one a matter that is slow. Of windows
    /// that have reached a step the alert names the one with the highest level, of those the shortest.
    pub further_windows: Vec<CountWindow>,
    /// Matters that are known already (立案, 长期) and are told only when they break through: each with
    /// `name`, `place` or `words` or both, `callers` and, if it ends, `until`.
    pub registered: Vec<Registered>,
    /// An incident without a new complaint for this many days is resolved, 1 to `match_days`.
    pub resolve_after_days: u32,
    /// How like two complaints must be to be one matter: the cosine of their words, plus
    /// `title_share` times that of their titles, against this, 0.01 to 2. Different places are kept
    /// apart at any likeness.
    pub likeness: f64,
    /// What the titles' likeness adds, 0 to 2 times its cosine.
    pub title_share: f64,
    /// What is added when both accuse one company of what a risk rule knows, 0 to 2, and taken away
    /// when their titles name different ones.
    pub same_company: f64,
    /// See `same_company`.
    pub other_company: f64,
    /// What is added when both surely name one place, 0 to 2; the less sure, the less.
    pub same_place: f64,
    /// What two that name one place must share beyond its name, as a cosine, 0 to 2, unless both are of one
    /// category or accuse one company: two matters of one estate share its name and little else.
    pub least_matter: f64,
    /// What is added when both are of one category at one place, 0 to 2, by as much as the place is
    /// sure.
    pub same_category: f64,
    /// What is taken away when both have a category and not the same, 0 to 2.
    pub other_category: f64,
    /// How like a complaint must be to the group's nearest members on average, as a part of
    /// `likeness`, 0 to 2: one near member must not draw it into a group that speaks of something
    /// else. Two groups that a complaint links become one when their members are so like, too.
    pub support: f64,
    /// How many times a word in the title counts against one in the text, 1 to 10.
    pub title_weight: u32,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self {
            match_days: 180,
            alone_days: 90,
            window_days: 30,
            steps: GrowthSteps::default(),
            steps_by_category: BTreeMap::new(),
            further_windows: vec![CountWindow {
                days: 180,
                steps: GrowthSteps::new(vec![6, 15, 40, 100]).expect("they rise"),
                steps_by_category: BTreeMap::new(),
            }],
            registered: Vec::new(),
            resolve_after_days: 14,
            likeness: 0.4,
            title_share: 0.5,
            same_company: 0.4,
            other_company: 0.3,
            same_place: 0.02,
            least_matter: 0.08,
            same_category: 1.0,
            other_category: 0.15,
            support: 0.95,
            title_weight: 3,
        }
    }
}

/// A window in which distinct callers are counted, beside the main one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountWindow {
    /// Its length in days, 1 to 366; as long as `match_days` where that is less.
    pub days: u32,
    /// See `steps`.
    pub steps: GrowthSteps,
    /// See `steps_by_category`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps_by_category: BTreeMap<String, GrowthSteps>,
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
        if !(1..=366).contains(&self.alone_days) {
            return fail("alone_days", format!("{} is not within 1 to 366", self.alone_days));
        }
        for (key, days) in
            [("window_days", self.window_days), ("resolve_after_days", self.resolve_after_days)]
        {
            if !(1..=self.match_days).contains(&days) {
                return fail(key, format!("{days} is not within 1 to match_days ({})", self.match_days));
            }
        }
        let mut lengths = BTreeSet::from([self.window_days]);
        for CountWindow { days, .. } in &self.further_windows {
            if !(1..=366).contains(days) {
                return fail("further_windows", format!("{days} days are not within 1 to 366"));
            }
            if !lengths.insert(*days) {
                return fail("further_windows", format!("there are two windows of {days} days"));
            }
        }
        let mut names = BTreeSet::new();
        for matter in &self.registered {
            if let Some(problem) = matter.problem() {
                return fail("registered", problem);
            }
            if !names.insert(&matter.name) {
                return fail("registered", format!("two matters are called {:?}", matter.name));
            }
        }
        for (key, value, least) in [
            ("likeness", self.likeness, 0.01),
            ("title_share", self.title_share, 0.0),
            ("same_company", self.same_company, 0.0),
            ("other_company", self.other_company, 0.0),
            ("same_place", self.same_place, 0.0),
            ("least_matter", self.least_matter, 0.0),
            ("same_category", self.same_category, 0.0),
            ("other_category", self.other_category, 0.0),
            ("support", self.support, 0.0),
        ] {
            if !(least..=2.0).contains(&value) {
                return fail(key, format!("{value} is not within {least} to 2"));
            }
        }
        if !(1..=10).contains(&self.title_weight) {
            return fail("title_weight", format!("{} is not within 1 to 10", self.title_weight));
        }
        Ok(())
    }

    /// From which complaints on are open when time has come to `clock`.
    pub fn open_since(&self, clock: Timestamp) -> OpenSince {
        let before = |days: u32| {
            clock.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
        };
        OpenSince { grouped: before(self.match_days), alone: before(self.alone_days.min(self.match_days)) }
    }

    /// Under what groups are formed: the program's way to do it, and 8 hex digits of a hash (SHA-256) of all
    /// that is set here. Alerts carry it: two that differ in it may have been grouped otherwise.
    ///
    /// # Panics
    /// Never: settings are plain data, which is JSON.
    pub fn version(&self) -> String {
        let settings = serde_json::to_vec(self).expect("settings are plain data");
        let hash = Sha256::digest(settings);
        format!("{FORMING}-{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3])
    }

    /// The windows with the growth steps of a complaint of this category path, the main one first.
    pub fn windows<'a>(
        &'a self,
        category: impl DoubleEndedIterator<Item = &'a str> + Clone,
    ) -> impl Iterator<Item = (u32, &'a GrowthSteps)> {
        let further = self.further_windows.iter();
        let further = further
            .map(|window| (window.days.min(self.match_days), &window.steps, &window.steps_by_category));
        std::iter::once((self.window_days, &self.steps, &self.steps_by_category)).chain(further).map(
            move |(days, steps, by_category)| {
                // The finest name wins, so look from the end of the path.
                let own = category.clone().rev().find_map(|name| by_category.get(name));
                (days, own.unwrap_or(steps))
            },
        )
    }

    /// The length of the longest window, in days.
    pub(super) fn longest_window(&self) -> u32 {
        let further = self.further_windows.iter().map(|window| window.days).max();
        further.map_or(self.window_days, |further| further.min(self.match_days).max(self.window_days))
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
    fn another_setting_is_another_version() {
        let config = GroupConfig { likeness: 0.41, ..GroupConfig::default() };
        assert_ne!(config.version(), GroupConfig::default().version());
        assert_eq!(config.version(), config.clone().version());
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
        assert_eq!(config.windows(["公用事业", "停水"].into_iter()).next(), Some((30, &fine)));
        assert_eq!(config.windows([].into_iter()).next(), Some((30, &config.steps)));
    }
}
