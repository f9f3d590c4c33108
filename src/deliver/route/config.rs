//! The settings of routes, mute windows and inhibition.

use jiff::Zoned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Facts;
use super::hours::{self, Day, Hours};
use crate::model::{AlertKind, Level};

/// One route: which alerts it takes, and to which channels they go. All that it names must agree; of
/// a list one is enough; what it does not name does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RouteConfig {
    /// What people call it; it stands in the explanations.
    pub name: String,
    /// Kinds of alerts: `group_incident`, `financial_risk`.
    pub kinds: Vec<AlertKind>,
    /// Levels: `red`, `orange`, `yellow`, `blue`.
    pub levels: Vec<Level>,
    /// Names anywhere on the path of categories of the complaint that speaks for the others; for
    /// financial risks also rules (`F07`) and their categories.
    pub categories: Vec<String>,
    /// Street offices of that complaint.
    pub streets: Vec<String>,
    /// Tags of that complaint.
    pub tags: Vec<String>,
    /// The time of day, for example `08:00-18:00`, or `18:00-08:00` over midnight.
    pub hours: Option<String>,
    /// Days of the week, `mon` to `sun`; a night belongs to the day on which it begins.
    pub days: Vec<Day>,
    /// The channels. Empty means those of the route around it.
    pub to: Vec<String>,
    /// Send to no channel, and keep on record that it was this route.
    pub nobody: bool,
    /// Look at the routes after this one, too.
    #[serde(rename = "continue")]
    pub go_on: bool,
    /// Finer routes within this one; the first that takes the alert decides in its place.
    pub routes: Vec<RouteConfig>,
}

/// A time in which a channel is not told of what can wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MuteConfig {
    /// The time of day, for example `22:00-07:30`; all day without it.
    pub hours: Option<String>,
    /// Days of the week; every day without them.
    pub days: Vec<Day>,
    /// The highest level that waits.
    pub up_to: Level,
}

impl Default for MuteConfig {
    fn default() -> Self {
        Self { hours: None, days: Vec::new(), up_to: Level::Yellow }
    }
}

/// Of several open alerts at one place, or on one company, only the highest is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InhibitConfig {
    /// From this level on an open alert, of which the channel was told, keeps others back.
    pub from: Level,
    /// The highest level that is kept back.
    pub up_to: Level,
}

impl Default for InhibitConfig {
    fn default() -> Self {
        Self { from: Level::Red, up_to: Level::Yellow }
    }
}

impl RouteConfig {
    /// Checks this route and those within: `known` are the channels. Gives the way to what is wrong,
    /// such as `routes.0.to`, and what it is.
    pub(in super::super) fn validate(&self, known: &[&str]) -> Result<(), (String, String)> {
        if let Some(name) = self.to.iter().find(|name| !known.contains(&name.as_str())) {
            let known = if known.is_empty() { "there are none".into() } else { known.join(", ") };
            return Err(("to".into(), format!("names \"{name}\", which is no channel; channels: {known}")));
        }
        if self.nobody && !self.to.is_empty() {
            return Err(("nobody".into(), "and `to` are both given; keep one of the two".into()));
        }
        self.parsed_hours().map_err(|message| ("hours".to_owned(), message))?;
        for (index, inner) in self.routes.iter().enumerate() {
            inner.validate(known).map_err(|(path, message)| (format!("routes.{index}.{path}"), message))?;
        }
        Ok(())
    }

    fn parsed_hours(&self) -> Result<Option<Hours>, String> {
        self.hours.as_deref().map(Hours::parse).transpose()
    }

    pub(super) fn matches(&self, facts: &Facts, at: &Zoned) -> bool {
        let named = |wanted: &[String], found: &[String]| {
            wanted.is_empty() || found.iter().any(|name| wanted.contains(name))
        };
        (self.kinds.is_empty() || self.kinds.contains(&facts.kind))
            && (self.levels.is_empty() || self.levels.contains(&facts.level))
            && named(&self.categories, &facts.categories)
            && named(&self.streets, &facts.streets)
            && named(&self.tags, &facts.tags)
            // `validate` has read them.
            && self.parsed_hours().is_ok_and(|hours| hours::within(hours, &self.days, at))
    }
}

impl MuteConfig {
    /// Checks the time of day.
    pub(in super::super) fn validate(&self) -> Result<(), String> {
        if self.hours.is_none() && self.days.is_empty() {
            return Err("has neither `hours` nor `days`, so the channel would never be told".into());
        }
        self.parsed_hours().map(drop)
    }

    fn parsed_hours(&self) -> Result<Option<Hours>, String> {
        self.hours.as_deref().map(Hours::parse).transpose()
    }

    pub(super) fn holds(&self, level: Level, at: &Zoned) -> bool {
        level <= self.up_to && self.parsed_hours().is_ok_and(|hours| hours::within(hours, &self.days, at))
    }

    pub(super) fn end(&self, at: &Zoned) -> Zoned {
        hours::end(self.parsed_hours().ok().flatten(), &self.days, at)
    }
}
