//! Risk cases: hits on one company (or one matter) followed over time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustc_hash::FxHashMap;

use crate::entity::Names;
use crate::model::{Alert, CallerKeys, ComplaintId, GroupId, IncidentRecord, PartitionKey, RiskHit, Touch};

use super::RiskConfig;
use super::case::RiskCase;
use super::incidents::GroupCase;

/// All cases of one engine, by what they are about.
#[derive(Debug, Default)]
pub(super) struct RiskCases {
    cases: BTreeMap<String, RiskCase>,
    /// The companies of the cases, to be found under any spelling.
    names: Names,
    /// For each of these names the keys of the cases that are looked for under it.
    named: BTreeMap<String, BTreeSet<String>>,
    /// When each case comes to its next turn: an open one is resolved, a closed one forgotten.
    turns: BTreeSet<(Timestamp, String)>,
    /// How many of them are open.
    open: usize,
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
    /// The name of the company as it stands in the complaint.
    pub(super) said: Option<String>,
    /// The rules that alert, each once.
    pub(super) rules: Vec<String>,
    /// What these say of the company.
    pub(super) touches: Vec<Touch>,
    /// Where the complaint comes from.
    pub(super) street: Option<String>,
    pub(super) district: Option<String>,
}

/// What is fixed for all cases.
pub(super) struct Setting<'a> {
    pub(super) config: &'a RiskConfig,
    pub(super) zone: &'a TimeZone,
    pub(super) partition: &'a PartitionKey,
    pub(super) pack: &'a str,
    /// The group incidents of the engine.
    pub(super) incidents: &'a FxHashMap<GroupId, GroupCase>,
}

/// Has a case looked for under a name.
fn list(names: &mut Names, named: &mut BTreeMap<String, BTreeSet<String>>, name: &str, key: &str) {
    names.insert(name);
    named.entry(name.to_owned()).or_default().insert(key.to_owned());
}

impl RiskCases {
    /// Puts a finding into its case. Returns the case's key, and an alert when there is something
    /// to tell.
    pub(super) fn find(&mut self, finding: &Finding<'_>, setting: &Setting<'_>) -> (String, Option<Alert>) {
        let key = self.key(finding, setting.config);
        let before = self.cases.get(&key).map(|case| case.turn(setting.config));
        let case = self.cases.entry(key.clone()).or_insert_with(|| {
            let case = RiskCase::new(&key, finding, setting);
            case.spellings().for_each(|name| list(&mut self.names, &mut self.named, name, &key));
            case
        });
        if let Some(name) = finding.hit.entity.as_deref().filter(|name| case.learn(name)) {
            list(&mut self.names, &mut self.named, name, &key);
        }
        case.add(finding, setting);
        let was_open = case.incident.open;
        let alert = case.judge(finding.at, setting);
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
        self.cases.iter_mut().filter_map(move |(key, case)| case.withdraw(id).then(|| key.clone()))
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
            match case.resolve(at, setting) {
                Some(alert) => {
                    self.open -= 1;
                    told.push((case.record(at), alert));
                    self.turns.insert(case.turn(setting.config));
                }
                None => {
                    if let Some(gone) = self.cases.remove(&key) {
                        for name in gone.spellings() {
                            let Some(keys) = self.named.get_mut(name) else { continue };
                            keys.remove(&key);
                            if keys.is_empty() {
                                self.named.remove(name);
                                self.names.remove(name);
                            }
                        }
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
            case.spellings().for_each(|name| list(&mut self.names, &mut self.named, name, &case.key));
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
            let known = |name: &str| self.named.get(name)?.first().cloned();
            return known(name).or_else(|| known(self.names.find(name)?)).unwrap_or(exact);
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
