//! One risk case: what is kept of a company's complaints, and what is told of them.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::entity::{Likeness, Spelling};
use crate::group::{Incident, IncidentStep, People, alert_id};
use crate::model::{
    Alert, AlertBody, AlertId, AlertKind, ComplaintId, GroupId, GrowthSteps, IncidentRecord, RiskAlert,
    RiskHit, RiskIndex, ToldBefore,
};

use super::ledger::{self, Call, Facts};
use super::risk::{Finding, Setting};
use super::wording::{self, RiskWords};
use super::{RiskConfig, claims};

/// A case keeps at most this many calls; of more the newest, so that a case bounds its memory. That
/// many callers are red anyway; that many calls of a few callers can push others out of the count.
const MAX_CALLS: usize = 500;
/// When there are more, so many are kept: callers are counted again after that, and not for each call.
const KEPT_CALLS: usize = 400;
/// And the hits of this many newest members for the alert.
const MAX_HITS: usize = 20;
/// Words shown as grounds in the summary.
const SHOWN_WORDS: usize = 8;
/// It names at most this many incidents, streets and earlier alerts.
const MAX_LINKS: usize = 20;

/// One company or matter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RiskCase {
    pub(super) id: AlertId,
    pub(super) key: String,
    pub(super) entity: Option<String>,
    pub(super) incident: Incident,
    pub(super) calls: VecDeque<Call>,
    /// Who made the calls; `None` when that has to be counted again.
    #[serde(skip)]
    people: Option<People>,
    pub(super) hits: VecDeque<(ComplaintId, RiskHit)>,
    pub(super) headline: String,
    grounds: Vec<String>,
    /// Other spellings that are so near its name that what is like them is about it, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    aliases: BTreeSet<String>,
    /// The groups of its complaints, and the incidents that these were.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    groups: BTreeSet<GroupId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) incidents: Vec<AlertId>,
    /// The level that its index holds, counted from 1; 0 before the first was made.
    #[serde(default)]
    index_level: usize,
    /// What was told, the newest at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) earlier: Vec<ToldBefore>,
    /// What was told last, for the end of a case whose complaints have been corrected since.
    told: Option<Told>,
}

/// The part of an alert that outlives the complaints it was raised on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Told {
    hit: RiskHit,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl RiskCase {
    pub(super) fn new(key: &str, finding: &Finding<'_>, setting: &Setting<'_>) -> Self {
        // Engines know nothing of each other, and what is forgotten may come again on the same day:
        // the engine and the complaint's number in it make sure that no two cases share a name.
        let about = format!("{}\n{key}\n{}", setting.partition.as_str(), finding.seq);
        Self {
            id: alert_id("JR", finding.at, setting.zone, &about),
            key: key.to_owned(),
            entity: finding.hit.entity.clone(),
            incident: Incident::default(),
            calls: VecDeque::new(),
            people: Some(People::default()),
            hits: VecDeque::new(),
            headline: finding.headline.to_owned(),
            grounds: Vec::new(),
            aliases: BTreeSet::new(),
            groups: BTreeSet::new(),
            incidents: Vec::new(),
            index_level: 0,
            earlier: Vec::new(),
            told: None,
        }
    }

    /// The company it is kept under, if it is kept under one.
    pub(super) fn company(&self) -> Option<&str> {
        self.key.strip_prefix("entity:")
    }

    /// The spellings under which it is looked for: its name and its aliases.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(String::as_str);
        self.company().into_iter().flat_map(move |name| std::iter::once(name).chain(aliases.clone()))
    }

    /// Takes a spelling that was joined as one under which it is looked for from now on; whether it is new.
    /// Only what sounds the same, is turned round or has other trade words: what merely holds the name, or has a
    /// slip in it, would lead further away with each step.
    pub(super) fn learn(&mut self, spelling: &str) -> bool {
        let Some(name) = self.company() else { return false };
        let likeness = Spelling::new(name).likeness(&Spelling::new(spelling));
        let near = matches!(likeness, Some(Likeness::Trade | Likeness::Swapped | Likeness::Misheard));
        near && self.aliases.len() < MAX_LINKS && self.aliases.insert(spelling.to_owned())
    }

    /// When its next turn comes, and its key: an open case is resolved after quiet, a closed one
    /// forgotten at the end of its window.
    pub(super) fn turn(&self, config: &RiskConfig) -> (Timestamp, String) {
        let at = self.incident.due(days(config.resolve_after_days)).unwrap_or_else(|| {
            let last = self.incident.last_at.unwrap_or(Timestamp::MIN);
            last.saturating_add(days(config.window_days)).unwrap_or(Timestamp::MAX)
        });
        (at, self.key.clone())
    }

    /// Takes a finding in, and forgets what has left the window.
    pub(super) fn add(&mut self, finding: &Finding<'_>, setting: &Setting<'_>) {
        let config = setting.config;
        let call = Call::of(finding);
        let place = self.calls.partition_point(|other| other.at <= call.at);
        self.people.iter_mut().for_each(|people| people.call(call.at, &call.callers));
        self.calls.insert(place, call);
        let last = self.calls.back().map_or(finding.at, |call| call.at);
        let since = last.saturating_sub(days(config.window_days)).unwrap_or(Timestamp::MIN);
        while let Some(gone) = self.calls.pop_front_if(|call| call.at < since) {
            // What a call that is gone has linked is linked no longer.
            self.people.take_if(|_| gone.callers.len() > 1);
        }
        self.people.iter_mut().for_each(|people| people.forget_before(since));
        if self.calls.len() > MAX_CALLS {
            self.calls.drain(..self.calls.len() - KEPT_CALLS);
            self.people = None;
        }
        if self.hits.len() == MAX_HITS {
            self.hits.pop_front();
        }
        self.hits.push_back((finding.id.clone(), finding.hit.clone()));
        for word in &finding.grounds {
            if self.grounds.len() < SHOWN_WORDS && !self.grounds.contains(word) {
                self.grounds.push(word.clone());
            }
        }
        if self.groups.len() < MAX_LINKS {
            self.groups.extend(finding.group.cloned());
        }
        // A group of an earlier complaint may have become an incident since.
        for incident in self.groups.iter().filter_map(|group| setting.incidents.get(group)) {
            if self.incidents.len() < MAX_LINKS && !self.incidents.contains(&incident.id) {
                self.incidents.push(incident.id.clone());
            }
        }
    }

    /// Takes a complaint out; whether it was there.
    pub(super) fn withdraw(&mut self, id: &ComplaintId) -> bool {
        let before = self.calls.len();
        self.calls.retain(|call| call.id != *id);
        self.hits.retain(|(member, _)| member != id);
        let was_there = self.calls.len() < before;
        self.people.take_if(|_| was_there);
        was_there
    }

    /// Judges after a finding came in at `at`: by its callers, and by its index.
    pub(super) fn judge(&mut self, at: Timestamp, setting: &Setting<'_>) -> Option<Alert> {
        let steps = &setting.config.steps;
        let (callers, fresh) = self.people();
        // A single person's lead is one: the first step is the first hit.
        let reached = 1 + steps.reached(callers);
        let fresh_reached = usize::from(fresh > 0) + steps.reached(fresh);
        let index = self.index();
        let was = GrowthSteps::level(self.incident.told_steps.max(self.index_level));
        self.index_level = ledger::level(index.total, self.index_level, !self.incident.open);
        let by_index = GrowthSteps::level(self.index_level);
        let grown = self.incident.judge(at, reached, fresh_reached);
        let by_callers = grown.is_some();
        let mut step = match grown {
            None if by_index > was => self.incident.tell()?,
            grown => grown?,
        };
        step.level = by_index.map_or(step.level, |level| level.max(step.level));
        Some(self.alert(step, by_callers, at, setting))
    }

    /// Ends it at `at`; the alert when it was open.
    pub(super) fn resolve(&mut self, at: Timestamp, setting: &Setting<'_>) -> Option<Alert> {
        let mut step = self.incident.resolve(at)?;
        step.level = GrowthSteps::level(self.index_level).map_or(step.level, |level| level.max(step.level));
        Some(self.alert(step, true, at, setting))
    }

    /// What its complaints within the window make of it.
    pub(super) fn index(&mut self) -> RiskIndex {
        let (callers, _) = self.people();
        let last = self.calls.back().map_or(Timestamp::MIN, |call| call.at);
        let recent_since = last.saturating_sub(days(ledger::RECENT_DAYS)).unwrap_or(Timestamp::MIN);
        let recent = self.people.as_ref().map_or(0, |people| people.count_after(recent_since));
        ledger::index(&Facts {
            calls: &self.calls,
            callers,
            recent,
            recent_since,
            people: claims::claimed(self.hits.iter().map(|(_, hit)| hit)).people.unwrap_or(0),
            incidents: self.incidents.len(),
        })
    }

    /// Distinct callers in the window, and those since the case was last resolved.
    pub(super) fn people(&mut self) -> (u32, u32) {
        let people = self.people.get_or_insert_with(|| {
            let mut people = People::default();
            self.calls.iter().for_each(|call| people.call(call.at, &call.callers));
            people
        });
        let all = people.count();
        (all, self.incident.resolved_at.map_or(all, |at| people.count_after(at)))
    }

    fn alert(&mut self, step: IncidentStep, by_callers: bool, at: Timestamp, setting: &Setting<'_>) -> Alert {
        let index = self.index();
        let (callers, _) = self.people();
        let best = self.hits.iter().max_by_key(|(_, hit)| hit.score);
        if let (Some((_, hit)), Some(first), Some(last)) = (best, self.calls.front(), self.calls.back()) {
            self.told = Some(Told { hit: hit.clone(), first_at: first.at, last_at: last.at });
        }
        let Told { hit, first_at, last_at } = self.told.as_ref().expect("a case is raised on a hit");
        let (first_at, last_at) = (*first_at, *last_at);
        let anonymous = self.calls.iter().filter(|call| call.callers.is_empty()).count() as u32;
        let claimed = claims::claimed(self.hits.iter().map(|(_, hit)| hit));
        let words = RiskWords {
            claimed: &claimed,
            by_callers,
            was: self.earlier.last().map(|told| told.level),
            index: index.total,
            state: step.state,
            level: step.level,
            entity: self.entity.as_deref(),
            category: &hit.category,
            rule: &hit.rule,
            score: hit.score,
            headline: &self.headline,
            words: &self.grounds,
            callers,
            complaints: self.calls.len() as u32,
            anonymous,
            first_at,
            last_at,
            quiet_days: setting.config.resolve_after_days,
        };
        let earlier = self.earlier.clone();
        if self.earlier.len() == MAX_LINKS {
            self.earlier.remove(0);
        }
        let (revision, state, level) = (self.incident.revision, step.state, step.level);
        self.earlier.push(ToldBefore { revision, state, level, at });
        Alert {
            id: self.id.clone(),
            revision: self.incident.revision,
            partition: setting.partition.clone(),
            kind: AlertKind::FinancialRisk,
            state: step.state,
            level: step.level,
            raised_at: at,
            title: wording::risk_title(&words),
            summary: wording::risk_summary(&words, setting.zone),
            callers,
            complaints: words.complaints,
            anonymous,
            first_at,
            last_at,
            members: self.calls.iter().rev().take(200).rev().map(|call| call.id.clone()).collect(),
            body: AlertBody::Risk(RiskAlert {
                entity: self.entity.clone(),
                hits: self.hits.iter().cloned().collect(),
                pack: setting.pack.to_owned(),
                claimed,
                index: Some(index),
                streets: self.streets(),
                incidents: self.incidents.clone(),
                earlier,
            }),
        }
    }

    /// The streets of its complaints, in their order by name.
    fn streets(&self) -> Vec<String> {
        let streets: BTreeSet<&String> = self.calls.iter().filter_map(|call| call.street.as_ref()).collect();
        streets.into_iter().take(MAX_LINKS).cloned().collect()
    }

    pub(super) fn record(&self, at: Timestamp) -> IncidentRecord {
        IncidentRecord {
            id: self.id.clone(),
            kind: AlertKind::FinancialRisk,
            group: None,
            entity: self.entity.clone(),
            open: self.incident.open,
            revision: self.incident.revision,
            changed_at: at,
            state: serde_json::to_string(self).expect("plain data is JSON"),
        }
    }
}

fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}
