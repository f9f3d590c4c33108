//! The fold: one prepared complaint after the other, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;

use crate::group::{Candidate, Grouper};
use crate::model::{
    Alert, AlertId, ComplaintId, ComplaintRecord, Decision, EngineStatus, GroupDecision, GroupId,
    IncidentRecord, PartitionKey,
};

use super::headline::{grounds, headline};
use super::incidents::{GroupCase, Told};
use super::prepare::{Knowledge, Prepared};
use super::risk::{Finding, RiskCases, Setting};
use super::{EngineConfig, EngineConfigError};

/// A prepared complaint, and whether it is new.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The complaint.
    pub prepared: Prepared,
    /// 1 for a new complaint, more for an update of one.
    pub version: u32,
    /// How far time has come with it: its own time, or less while another source that feeds this
    /// engine is behind. Time never goes back.
    pub reached: Timestamp,
}

/// What a batch has changed, ready to be committed.
#[derive(Debug, Default)]
pub struct Effects {
    /// Complaints with their decisions, in the order applied.
    pub complaints: Vec<ComplaintRecord>,
    /// Complaints whose group is another than when they were applied: who was alone and is now a
    /// founder. Their decision stays as it was taken.
    pub regrouped: Vec<(ComplaintId, Option<GroupId>)>,
    /// Groups that went into another: (old, into), in the order in which they did.
    pub merged: Vec<(GroupId, GroupId)>,
    /// Alerts in the order raised.
    pub alerts: Vec<Alert>,
    /// Incidents and cases that ended, as they were then.
    pub(super) ended: BTreeMap<AlertId, IncidentRecord>,
    /// Incidents and cases that changed, and when; written down once, by [`Engine::incidents`].
    groups: BTreeMap<GroupId, Timestamp>,
    pub(super) cases: BTreeMap<String, Timestamp>,
}

impl Effects {
    fn record(&mut self, record: ComplaintRecord) {
        let id = &record.complaint.id;
        if record.version > 1 {
            // Where its former version was put in this batch no longer matters.
            self.regrouped.retain(|(other, _)| other != id);
        }
        self.complaints.push(record);
    }
}

/// The state of one partition. Single-threaded; holds no handle to anything outside.
pub struct Engine {
    pub(super) config: Arc<EngineConfig>,
    pub(super) knowledge: Knowledge,
    pub(super) zone: TimeZone,
    pub(super) partition: PartitionKey,
    pub(super) grouper: Grouper,
    pub(super) cases: FxHashMap<GroupId, GroupCase>,
    /// When each open incident is resolved if nothing more comes.
    pub(super) due: BTreeSet<(Timestamp, GroupId)>,
    pub(super) risks: RiskCases,
    /// How far time has come: what is due by then is done.
    pub(super) clock: Option<Timestamp>,
    /// The newest event time seen, ahead of the clock while a source is behind. Complaints carry it,
    /// so that it rises with their numbers.
    pub(super) newest: Option<Timestamp>,
    pub(super) next_seq: u64,
    pub(super) late: u64,
}

impl Engine {
    /// An engine that has seen nothing.
    ///
    /// # Errors
    /// When a setting cannot work.
    pub fn new(
        partition: PartitionKey,
        config: Arc<EngineConfig>,
        knowledge: Knowledge,
    ) -> Result<Self, EngineConfigError> {
        config.validate()?;
        let grouper = Grouper::new(Arc::new(config.group.clone()));
        Ok(Self {
            zone: config.zone()?,
            config,
            knowledge,
            partition,
            grouper,
            cases: FxHashMap::default(),
            due: BTreeSet::new(),
            risks: RiskCases::default(),
            clock: None,
            newest: None,
            next_seq: 1,
            late: 0,
        })
    }

    /// Which complaints this engine groups.
    pub fn partition(&self) -> &PartitionKey {
        &self.partition
    }

    /// How much it holds.
    pub fn status(&self) -> EngineStatus {
        EngineStatus {
            clock: self.clock,
            open_complaints: self.grouper.open_complaints(),
            open_terms: self.grouper.open_terms(),
            open_groups: self.grouper.open_groups(),
            // Each open incident waits for its end.
            open_incidents: self.due.len(),
            open_cases: self.risks.open(),
            late: self.late,
        }
    }

    /// Everything older than this was applied by then, apart from late events.
    pub fn watermark(&self) -> Option<Timestamp> {
        let lateness = SignedDuration::from_secs(i64::from(self.config.allowed_lateness_seconds));
        self.clock.map(|clock| clock.saturating_sub(lateness).unwrap_or(Timestamp::MIN))
    }

    /// Complaints whose clock is at or after this moment are open; what is older need not be
    /// restored.
    pub fn open_since(clock: Timestamp, config: &EngineConfig) -> Timestamp {
        clock.saturating_sub(days(config.group.match_days)).unwrap_or(Timestamp::MIN)
    }

    /// Applies one complaint.
    pub fn apply(&mut self, arrival: Arrival, effects: &mut Effects) {
        let Arrival { prepared, version, reached } = arrival;
        let at = prepared.complaint.received_at;
        let late = self.watermark().is_some_and(|watermark| at < watermark);
        self.late += u64::from(late);
        let watermark = self.watermark();
        self.advance(reached, effects);
        let clock = self.newest.max(self.clock).map_or(at, |newest| newest.max(at));
        self.newest = Some(clock);
        if version > 1 {
            self.withdraw(&prepared.complaint.id, at, effects);
        }

        let seq = self.next_seq;
        self.next_seq += 1;
        let headline = headline(&prepared);
        let assigned = self.grouper.assign(&candidate(&prepared, seq, clock, &headline));
        let group = assigned.decision.group.clone();
        effects.regrouped.extend(assigned.drawn.iter().map(|drawn| (drawn.clone(), group.clone())));
        let mut alerts = Vec::new();
        let group = group.map(|own| self.merge(own, assigned.alike, at, &mut alerts, effects));
        if let Some(group) = &group {
            alerts.extend(self.judge_group(group, seq, &prepared, effects));
        }
        alerts.extend(self.judge_risk(seq, &prepared, group.as_ref(), &assigned.drawn, &headline, effects));
        let decision = Decision {
            group: GroupDecision { group, late, ..assigned.decision },
            places: prepared.places,
            risks: prepared.risks,
            raised: alerts.iter().map(|alert| (alert.id.clone(), alert.revision, alert.level)).collect(),
            watermark,
        };
        effects.alerts.extend(alerts);
        effects.record(ComplaintRecord {
            seq,
            complaint: prepared.complaint,
            callers: prepared.callers,
            content: prepared.content,
            version,
            clock,
            decision,
        });
    }

    /// The incidents and cases that changed since `effects` began, in their last state and in the
    /// order of their ids. To be committed with the rest.
    pub fn incidents(&self, effects: &mut Effects) -> Vec<IncidentRecord> {
        let mut records = std::mem::take(&mut effects.ended);
        let groups = std::mem::take(&mut effects.groups).into_iter();
        let groups = groups.filter_map(|(group, at)| Some(self.cases.get(&group)?.record(at)));
        let cases = std::mem::take(&mut effects.cases).into_iter();
        let cases = cases.filter_map(|(key, at)| self.risks.record(&key, at));
        // What ended and came again since is written as it is now; what is gone had ended.
        records.extend(groups.chain(cases).map(|record| (record.id.clone(), record)));
        records.into_values().collect()
    }

    /// Lets time pass up to `to`: ends what has been quiet long enough and closes old complaints.
    /// Does nothing when the clock is there already.
    pub fn advance(&mut self, to: Timestamp, effects: &mut Effects) {
        if self.clock.is_some_and(|clock| to <= clock) {
            return;
        }
        self.clock = Some(to);
        while let Some((at, group)) = self.due.first().cloned()
            && at <= to
        {
            self.due.pop_first();
            self.resolve_group(&group, at, effects);
        }
        let setting = setting(&self.config, &self.zone, &self.partition, &self.knowledge);
        for (record, alert) in self.risks.advance(to, &setting) {
            effects.ended.insert(record.id.clone(), record);
            effects.alerts.push(alert);
        }
        for gone in self.grouper.expire(to) {
            self.drop_empty_case(&gone);
        }
    }

    /// Takes a complaint out: a new version of it has come at `at`, here or in another engine.
    pub fn withdraw(&mut self, id: &ComplaintId, at: Timestamp, effects: &mut Effects) {
        if let Some(Some(group)) = self.grouper.withdraw(id) {
            self.drop_empty_case(&group);
        }
        effects.cases.extend(self.risks.withdraw(id).map(|key| (key, at)));
    }

    fn judge_group(
        &mut self,
        id: &GroupId,
        seq: u64,
        prepared: &Prepared,
        effects: &mut Effects,
    ) -> Option<Alert> {
        let at = prepared.complaint.received_at;
        let tally = self.grouper.tally(id)?;
        let config = &self.config.group;
        let steps = config.steps_for(prepared.complaint.category.iter().map(String::as_str));
        let reached = steps.reached(tally.callers);
        if reached == 0 && !self.cases.contains_key(id) {
            return None;
        }
        let resolved_at = self.cases.get(id).and_then(|case| case.incident.resolved_at);
        let group = self.grouper.group(id)?;
        let fresh = resolved_at.map_or(tally.callers, |at| group.callers_after(at));
        let fresh_reached = steps.reached(fresh);
        let due_before =
            self.cases.get(id).and_then(|case| case.incident.due(days(config.resolve_after_days)));

        // The group was brought up to date above; now it is only read.
        let grouper = &self.grouper;
        let group = grouper.peek(id)?;
        let (case, is_new) = match self.cases.entry(id.clone()) {
            std::collections::hash_map::Entry::Occupied(entry) => (entry.into_mut(), false),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let (id, told) = (id.clone(), Told::of(grouper, group)?);
                (entry.insert(GroupCase::new(id, seq, at, &self.partition, &self.zone, told)), true)
            }
        };
        let step = case.incident.judge(tally.last_at, reached, fresh_reached);
        let mut alert = None;
        if let Some(step) = step {
            if !is_new {
                case.told = Told::of(grouper, group)?;
            }
            case.step_asked = steps.asked(reached);
            alert = Some(case.alert(step, at, &self.partition, config, &self.zone, Some((grouper, group))));
        }
        let due = case.incident.due(days(config.resolve_after_days));
        if due != due_before {
            due_before.map(|before| self.due.remove(&(before, id.clone())));
            self.due.extend(due.map(|due| (due, id.clone())));
        }
        effects.groups.insert(id.clone(), at);
        alert
    }

    fn resolve_group(&mut self, id: &GroupId, at: Timestamp, effects: &mut Effects) {
        // Brings the counts up to date.
        self.grouper.group(id);
        let group = self.grouper.peek(id).map(|group| (&self.grouper, group));
        let Some(case) = self.cases.get_mut(id) else { return };
        if let Some(alert) = case.resolve(at, &self.partition, &self.config.group, &self.zone, group) {
            effects.alerts.push(alert);
            let record = case.record(at);
            effects.ended.insert(record.id.clone(), record);
        }
        self.drop_empty_case(id);
    }

    /// A case whose group has no open member only waits to be resolved.
    pub(super) fn drop_empty_case(&mut self, id: &GroupId) {
        if self.grouper.peek(id).is_none() && self.cases.get(id).is_some_and(|case| !case.incident.open) {
            self.cases.remove(id);
        }
    }

    fn judge_risk(
        &mut self,
        seq: u64,
        prepared: &Prepared,
        group: Option<&GroupId>,
        drawn: &[ComplaintId],
        headline: &str,
        effects: &mut Effects,
    ) -> Option<Alert> {
        let hit = prepared.risks.iter().find(|hit| hit.alerts())?;
        let setting = setting(&self.config, &self.zone, &self.partition, &self.knowledge);
        let finding = Finding {
            seq,
            id: &prepared.complaint.id,
            at: prepared.complaint.received_at,
            callers: &prepared.callers,
            hit,
            group,
            drawn,
            headline,
            grounds: grounds(prepared, hit),
        };
        let (key, alert) = self.risks.find(&finding, &setting);
        effects.cases.insert(key, finding.at);
        alert
    }
}

fn setting<'a>(
    config: &'a EngineConfig,
    zone: &'a TimeZone,
    partition: &'a PartitionKey,
    knowledge: &'a Knowledge,
) -> Setting<'a> {
    Setting { config: &config.risk, zone, partition, pack: knowledge.pack.hash() }
}

pub(super) fn candidate<'a>(
    prepared: &'a Prepared,
    seq: u64,
    clock: Timestamp,
    headline: &'a str,
) -> Candidate<'a> {
    Candidate {
        seq,
        id: &prepared.complaint.id,
        at: prepared.complaint.received_at,
        clock,
        callers: &prepared.callers,
        grams: &prepared.grams,
        places: &prepared.places,
        place_keys: &prepared.place_keys,
        category: &prepared.complaint.category,
        company: prepared.company.as_ref(),
        said: (&prepared.complaint.title, &prepared.complaint.text),
        headline,
    }
}

pub(super) fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}
