//! Which alert goes to which channel, and when not.
//!
//! **Does:** follows a tree of routes by level, kind, category, street, tag and time; holds messages
//! during a channel's mute windows; keeps back an alert beside which a higher one at the same place or
//! company is open. **Promises:** a pure function of the alert, what the channel was told before, and
//! the time; whoever was told of an alert is told of its end; what is kept back stays on record with
//! the reason. **Leaves to others:** sending (`line`), what there is to know about an alert (`facts`
//! reads it from the store).

mod config;
mod facts;
mod hours;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

pub use config::{InhibitConfig, MuteConfig, RouteConfig};
pub use facts::Facts;
pub use hours::Day;

use super::render::local_time;
use crate::model::{Alert, AlertBody, AlertState};

/// The routes, inhibition and mute windows of all channels.
#[derive(Debug, Clone)]
pub struct Plan {
    routes: Vec<RouteConfig>,
    inhibit: Option<InhibitConfig>,
    mute: BTreeMap<String, Vec<MuteConfig>>,
    zone: TimeZone,
}

/// Whether an alert passes to a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// It does; by which routes, in words for people.
    Send(String),
    /// Not now.
    Hold {
        /// When it is looked at again.
        until: Timestamp,
        /// Why, in words for people.
        why: String,
    },
    /// Not at all; why, in words for people.
    Suppress(String),
}

impl Plan {
    /// A plan for these channels, each with its mute windows. Times of day are those of `zone`.
    #[must_use]
    pub fn new(
        routes: Vec<RouteConfig>,
        inhibit: Option<InhibitConfig>,
        mute: BTreeMap<String, Vec<MuteConfig>>,
        zone: TimeZone,
    ) -> Self {
        Self { routes, inhibit, mute, zone }
    }

    /// To whom the routes send an alert at `now`: the channel, and the names of the routes that led
    /// there. Without routes, or when none matches, everybody.
    #[must_use]
    pub fn channels(&self, facts: &Facts, now: Timestamp) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let at = now.to_zoned(self.zone.clone());
        if walk(&self.routes, facts, &at, &[], &[], &mut found) {
            return found;
        }
        let why = if self.routes.is_empty() {
            "没有设置路由"
        } else {
            "没有路由符合，发往所有渠道"
        };
        self.mute.keys().map(|channel| (channel.clone(), why.to_owned())).collect()
    }

    /// Whether an alert passes to `channel` at `now`. `open` are the alerts that the channel was told
    /// of and that are not over.
    #[must_use]
    pub fn passage(&self, channel: &str, facts: &Facts, open: &[Alert], now: Timestamp) -> Passage {
        let by = if facts.state == AlertState::Resolved {
            if !facts.was_told {
                return Passage::Suppress("此渠道没有收到过该提示，不再告知解除".into());
            }
            "此渠道收到过该提示".to_owned()
        } else {
            let channels = self.channels(facts, now);
            let Some(by) = channels.get(channel) else {
                let to: Vec<String> = channels.iter().map(|(to, by)| format!("{to}（{by}）")).collect();
                let to = if to.is_empty() {
                    "不发往任何渠道".into()
                } else {
                    format!("发往{}", to.join("、"))
                };
                return Passage::Suppress(format!("按路由不发此渠道：{to}"));
            };
            if let Some(other) = self.inhibited_by(facts, open) {
                return Passage::Suppress(format!(
                    "同一地点或主体的{}色提示 {} 正在处理，不再单独告知",
                    other.level.chinese(),
                    other.id
                ));
            }
            by.clone()
        };
        let at = now.to_zoned(self.zone.clone());
        let muted = self.mute.get(channel).into_iter().flatten().find(|mute| mute.holds(facts.level, &at));
        match muted {
            Some(mute) => {
                let until = mute.end(&at).timestamp();
                Passage::Hold { until, why: format!("免打扰时段，{}后告知", local_time(until)) }
            }
            None => Passage::Send(by),
        }
    }

    fn inhibited_by<'a>(&self, facts: &Facts, open: &'a [Alert]) -> Option<&'a Alert> {
        let inhibit = self.inhibit.as_ref()?;
        if facts.level > inhibit.up_to {
            return None;
        }
        open.iter().find(|other| {
            let (place, entity) = place_and_entity(other);
            let is_same = |ours: &Option<String>, theirs: Option<&str>| {
                ours.as_deref().is_some_and(|ours| theirs == Some(ours))
            };
            other.id != facts.id
                && other.level >= inhibit.from
                && other.kind == facts.kind
                && (is_same(&facts.place, place) || is_same(&facts.entity, entity))
        })
    }
}

/// The place of a group incident; the company of a risk.
fn place_and_entity(alert: &Alert) -> (Option<&str>, Option<&str>) {
    match &alert.body {
        AlertBody::Group(group) => (group.place.as_deref(), None),
        AlertBody::Risk(risk) => (None, risk.entity.as_deref()),
    }
}

// Whether any of the siblings matched.
fn walk(
    routes: &[RouteConfig],
    facts: &Facts,
    at: &Zoned,
    path: &[String],
    inherited: &[String],
    found: &mut BTreeMap<String, String>,
) -> bool {
    let mut is_found = false;
    for (index, route) in routes.iter().enumerate() {
        if !route.matches(facts, at) {
            continue;
        }
        is_found = true;
        let own = if route.name.is_empty() { format!("路由{}", index + 1) } else { route.name.clone() };
        let path: Vec<String> = path.iter().cloned().chain([own]).collect();
        let to = if route.to.is_empty() && !route.nobody { inherited } else { &route.to };
        if !walk(&route.routes, facts, at, &path, to, found) {
            for channel in to {
                found.entry(channel.clone()).or_insert_with(|| path.join(" > "));
            }
        }
        if !route.go_on {
            break;
        }
    }
    is_found
}

#[cfg(test)]
mod tests;
