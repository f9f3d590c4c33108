//! The fold: one prepared complaint after the other, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rustc_hash::FxHashMap;

use crate::group::{Candidate, Grouper};
use crate::model::{
    Alert, AlertId, ComplaintId, ComplaintRecord, Decision, EngineStatus, GroupDecision, GroupId,
    IncidentRecord, OpenSince, PartitionKey, PlaceKind, Touch,
};
use crate::rules::RulePack;

use super::headline::{grounds, said};
use super::incidents::GroupCase;
use super::judge::Judged;
use super::prepare::{Knowledge, Prepared};
use super::risk::{Finding, RiskCases, Setting};
use super::{EngineConfig, EngineConfigError};

/// A chain of earlier orders links at most so many phones and accounts to one call.
const MAX_LINKED_KEYS: usize = 8;

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
    pub(super) groups: BTreeMap<GroupId, Timestamp>,
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

    /// Works with other rules from now on. What is open keeps what was decided about it, as it does when the
    /// engine is put back from the store.
    pub fn use_pack(&mut self, pack: Arc<RulePack>) {
        self.knowledge.pack = pack;
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
    pub fn open_since(clock: Timestamp, config: &EngineConfig) -> OpenSince {
        config.group.open_since(clock)
    }

    /// Applies one complaint.
    pub fn apply(&mut self, arrival: Arrival, effects: &mut Effects) {
        let Arrival { mut prepared, version, reached } = arrival;
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
        let earlier = self.goes_on_from(&mut prepared);
        let reading = std::mem::take(&mut prepared.reading);
        let headline = reading.headline().to_owned();
        let candidate = Candidate {
            seq,
            id: &prepared.complaint.id,
            clock,
            callers: &prepared.callers,
            grams: &prepared.grams,
            places: &prepared.places,
            earlier,
            said: (&prepared.complaint.title, &prepared.complaint.text),
        };
        let assigned = self.grouper.assign(&candidate, reading);
        let group = assigned.decision.group.clone();
        effects.regrouped.extend(assigned.drawn.iter().map(|drawn| (drawn.clone(), group.clone())));
        let mut alerts = Vec::new();
        let group = group.map(|own| self.merge(own, assigned.alike, at, &mut alerts, effects));
        let mut registered = None;
        if let Some(group) = &group {
            match self.judge_group(group, seq, &prepared, effects) {
                Judged::Told(alert) => alerts.push(*alert),
                Judged::Registered(name) => registered = Some(name),
                Judged::Silent => {}
            }
        }
        alerts.extend(self.judge_risk(seq, &prepared, group.as_ref(), &assigned.drawn, &headline, effects));
        let decision = Decision {
            group: GroupDecision { group, registered, late, ..assigned.decision },
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
            reading: prepared.kept,
        });
    }

    /// The open complaint that this one goes on from by its own word, whose caller it has then: a person who
    /// calls from another phone about an earlier order stays one person.
    fn goes_on_from(&self, prepared: &mut Prepared) -> Option<u64> {
        let complaint = Arc::clone(&prepared.complaint);
        let others = complaint.earlier.iter().filter(|id| **id != *complaint.id.as_str());
        let open = others.filter_map(|id| self.grouper.find(&ComplaintId::from(id.as_str())));
        let open = open.max_by_key(|open| open.seq)?;
        for key in &open.callers {
            if prepared.callers.len() < MAX_LINKED_KEYS && !prepared.callers.contains(key) {
                prepared.callers.push(*key);
            }
        }
        Some(open.seq)
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
        let setting = setting(&self.config, &self.zone, &self.partition, &self.knowledge, &self.cases);
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
        let setting = setting(&self.config, &self.zone, &self.partition, &self.knowledge, &self.cases);
        let alerting = || prepared.risks.iter().filter(|hit| hit.alerts());
        let rules = alerting().map(|hit| hit.rule.clone()).collect();
        let touches: BTreeSet<Touch> = alerting().flat_map(|hit| hit.touches.iter().copied()).collect();
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
            said: hit.entity_span.and_then(|span| said(&prepared.complaint, span)),
            rules,
            touches: touches.into_iter().collect(),
            street: place(prepared, PlaceKind::Street),
            district: place(prepared, PlaceKind::District),
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
    incidents: &'a FxHashMap<GroupId, GroupCase>,
) -> Setting<'a> {
    Setting { config: &config.risk, zone, partition, pack: knowledge.pack.hash(), incidents }
}

/// The place of this kind where the complaint comes from: as the event's fields say, else as its words do.
fn place(prepared: &Prepared, kind: PlaceKind) -> Option<String> {
    let places = prepared.places.iter().filter(|place| place.kind == kind);
    places.min_by_key(|place| place.source).map(|place| place.name.to_string())
}

pub(super) fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}
