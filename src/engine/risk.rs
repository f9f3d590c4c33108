//! Risk cases: hits on one company (or one matter) followed over time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::entity::Names;
use crate::group::{Incident, IncidentStep, People, alert_id};
use crate::model::{
    Alert, AlertBody, AlertId, AlertKind, CallerKeys, ComplaintId, GroupId, IncidentRecord, PartitionKey,
    RiskAlert, RiskHit,
};

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

/// All cases of one engine, by what they are about.
#[derive(Debug, Default)]
pub(super) struct RiskCases {
    cases: BTreeMap<String, RiskCase>,
    /// The companies of the cases, to be found under any spelling.
    names: Names,
    /// When each case comes to its next turn: an open one is resolved, a closed one forgotten.
    turns: BTreeSet<(Timestamp, String)>,
    /// How many of them are open.
    open: usize,
}

/// One company or matter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RiskCase {
    id: AlertId,
    key: String,
    entity: Option<String>,
    incident: Incident,
    calls: VecDeque<Call>,
    /// Who made the calls; `None` when that has to be counted again.
    #[serde(skip)]
    people: Option<People>,
    hits: VecDeque<(ComplaintId, RiskHit)>,
    headline: String,
    grounds: Vec<String>,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Call {
    at: Timestamp,
    id: ComplaintId,
    callers: CallerKeys,
}

/// A hit strong enough to alert, on its way to its case.
pub(super) struct Finding<'a> {
    /// The complaint's number, which no other has in this engine.
    pub(super) seq: u64,
    pub(super) id: &'a ComplaintId,
    pub(super) at: Timestamp,
    pub(super) callers: &'a CallerKeys,
    pub(super) hit: &'a RiskHit,
    /// The group of the complaint, and the one it was founded with, if it was.
    pub(super) group: Option<&'a GroupId>,
    pub(super) drawn: &'a [ComplaintId],
    pub(super) headline: &'a str,
    /// The words of the hit as they stand in the complaint.
    pub(super) grounds: Vec<String>,
}

/// What is fixed for all cases.
pub(super) struct Setting<'a> {
    pub(super) config: &'a RiskConfig,
    pub(super) zone: &'a TimeZone,
    pub(super) partition: &'a PartitionKey,
    pub(super) pack: &'a str,
}

impl RiskCases {
    /// Puts a finding into its case. Returns the case's key, and an alert when there is something
    /// to tell.
    pub(super) fn find(&mut self, finding: &Finding<'_>, setting: &Setting<'_>) -> (String, Option<Alert>) {
        let key = self.key(finding, setting.config);
        let before = self.cases.get(&key).map(|case| case.turn(setting.config));
        let case = self.cases.entry(key.clone()).or_insert_with(|| {
            let case = RiskCase::new(&key, finding, setting);
            case.company().into_iter().for_each(|name| self.names.insert(name));
            case
        });
        case.add(finding, setting.config);
        let was_open = case.incident.open;
        let steps = &setting.config.steps;
        let (callers, fresh) = case.people();
        // A single person's lead is one: the first step is the first hit.
        let reached = 1 + steps.reached(callers);
        let fresh_reached = usize::from(fresh > 0) + steps.reached(fresh);
        let step = case.incident.judge(finding.at, reached, fresh_reached);
        let alert = step.map(|step| case.alert(step, finding.at, setting));
        self.open += usize::from(case.incident.open && !was_open);
        let turn = case.turn(setting.config);
        self.turn(before, turn);
        (key, alert)
    }

    fn turn(&mut self, before: Option<(Timestamp, String)>, after: (Timestamp, String)) {
        if let Some(before) = before.filter(|before| *before != after) {
            self.turns.remove(&before);
        }
        self.turns.insert(after);
    }

    /// Takes a complaint out of its cases because a new version of it has come; the cases changed.
    pub(super) fn withdraw(&mut self, id: &ComplaintId) -> impl Iterator<Item = String> {
        self.cases.iter_mut().filter_map(move |(key, case)| {
            let before = case.calls.len();
            case.calls.retain(|call| call.id != *id);
            case.people.take_if(|_| case.calls.len() < before);
            case.hits.retain(|(member, _)| member != id);
            (case.calls.len() < before).then(|| key.clone())
        })
    }

    /// The case of a group that has gone into another goes with it, unless the other has one of its own.
    /// Returns the key of the case that changed.
    pub(super) fn regroup(&mut self, old: &GroupId, into: &GroupId, config: &RiskConfig) -> Option<String> {
        let key = format!("group:{into}");
        if self.cases.contains_key(&key) {
            return None;
        }
        let mut case = self.cases.remove(&format!("group:{old}"))?;
        let before = case.turn(config);
        case.key.clone_from(&key);
        self.turn(Some(before), case.turn(config));
        self.cases.insert(key.clone(), case);
        Some(key)
    }

    /// A case as it is kept.
    pub(super) fn record(&self, key: &str, at: Timestamp) -> Option<IncidentRecord> {
        Some(self.cases.get(key)?.record(at))
    }

    /// Resolves what has been quiet until `now`, in the order it fell due, and forgets what is too
    /// old to matter.
    pub(super) fn advance(&mut self, now: Timestamp, setting: &Setting<'_>) -> Vec<(IncidentRecord, Alert)> {
        let mut told = Vec::new();
        while let Some((at, key)) = self.turns.first().filter(|(at, _)| *at <= now).cloned() {
            self.turns.pop_first();
            let Some(case) = self.cases.get_mut(&key) else { continue };
            match case.incident.resolve(at) {
                Some(step) => {
                    self.open -= 1;
                    let alert = case.alert(step, at, setting);
                    told.push((case.record(at), alert));
                    self.turns.insert(case.turn(setting.config));
                }
                None => {
                    if let Some(gone) = self.cases.remove(&key) {
                        gone.company().into_iter().for_each(|name| self.names.remove(name));
                    }
                }
            }
        }
        told
    }

    /// Puts a stored case back, unless its turn to be forgotten came before `clock`.
    pub(super) fn restore(&mut self, case: RiskCase, clock: Timestamp, config: &RiskConfig) {
        let turn = case.turn(config);
        if case.incident.open || turn.0 > clock {
            case.company().into_iter().for_each(|name| self.names.insert(name));
            self.open += usize::from(case.incident.open);
            self.turns.insert(turn);
            self.cases.insert(case.key.clone(), case);
        }
    }

    /// The state in words, without what is only kept to be quicker.
    pub(super) fn describe(&self) -> String {
        let cases: Vec<IncidentRecord> =
            self.cases.values().map(|case| case.record(Timestamp::MIN)).collect();
        format!("{cases:#?}\n{:#?}\n{} open", self.turns, self.open)
    }

    /// How many cases are raised.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The case a finding belongs to: that of its company under any spelling, else of its group,
    /// else its own.
    fn key(&mut self, finding: &Finding<'_>, config: &RiskConfig) -> String {
        if let Some(name) = &finding.hit.entity {
            let exact = format!("entity:{name}");
            if self.cases.contains_key(&exact) {
                return exact;
            }
            return self.names.find(name).map_or(exact, |known| format!("entity:{known}"));
        }
        let Some(group) = finding.group else { return format!("complaint:{}", finding.id) };
        let key = format!("group:{group}");
        // Who founds the group was alone when it was found, and so was a complaint whose former
        // version had no company: the case becomes the group's, unless the group has one.
        if !self.cases.contains_key(&key) {
            let mut alone = finding.drawn.iter().chain([finding.id]);
            if let Some(mut case) = alone.find_map(|id| self.cases.remove(&format!("complaint:{id}"))) {
                let before = case.turn(config);
                case.key.clone_from(&key);
                self.turn(Some(before), case.turn(config));
                self.cases.insert(key.clone(), case);
            }
        }
        key
    }
}

impl RiskCase {
    fn new(key: &str, finding: &Finding<'_>, setting: &Setting<'_>) -> Self {
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
            told: None,
        }
    }

    /// The company it is kept under, if it is kept under one.
    fn company(&self) -> Option<&str> {
        self.key.strip_prefix("entity:")
    }

    /// When its next turn comes, and its key: an open case is resolved after quiet, a closed one
    /// forgotten at the end of its window.
    fn turn(&self, config: &RiskConfig) -> (Timestamp, String) {
        let at = self.incident.due(days(config.resolve_after_days)).unwrap_or_else(|| {
            let last = self.incident.last_at.unwrap_or(Timestamp::MIN);
            last.saturating_add(days(config.window_days)).unwrap_or(Timestamp::MAX)
        });
        (at, self.key.clone())
    }

    fn add(&mut self, finding: &Finding<'_>, config: &RiskConfig) {
        let call = Call { at: finding.at, id: finding.id.clone(), callers: finding.callers.clone() };
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
    }

    /// Distinct callers in the window, and those since the case was last resolved.
    fn people(&mut self) -> (u32, u32) {
        let people = self.people.get_or_insert_with(|| {
            let mut people = People::default();
            self.calls.iter().for_each(|call| people.call(call.at, &call.callers));
            people
        });
        let all = people.count();
        (all, self.incident.resolved_at.map_or(all, |at| people.count_after(at)))
    }

    fn alert(&mut self, step: IncidentStep, at: Timestamp, setting: &Setting<'_>) -> Alert {
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
            }),
        }
    }

    fn record(&self, at: Timestamp) -> IncidentRecord {
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
