//! Group incidents: judging a group after each complaint, and wording what is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::group::{Group, GroupConfig, Grouper, Incident, IncidentStep, Tally, alert_id};
use crate::model::{
    Alert, AlertBody, AlertId, AlertKind, AlertState, ComplaintId, GroupAlert, GroupId, IncidentRecord,
    PartitionKey, PlaceKind, Usual,
};

use super::wording::{self, GroupWords};
use super::{EngineConfig, Knowledge};

/// An alert names at most this many members: the newest.
const MAX_MEMBERS: usize = 200;
/// And this many terms.
const KEY_TERMS: usize = 8;

/// A group's incident, with what it needs to be told again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupCase {
    pub(super) id: AlertId,
    pub(super) group: GroupId,
    pub(super) incident: Incident,
    /// The steps of the category it was raised in, so that it goes on as it began.
    pub(super) step_asked: u32,
    /// What was told last; told again when it is resolved, when members may be gone.
    pub(super) told: Told,
    /// The window that was told last; `None` in incidents from before there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) window_days: Option<u32>,
    /// What was usual there before it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usual: Option<Usual>,
    /// The registered matter that has broken through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) registered: Option<String>,
    /// The incident that goes on in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) merged_into: Option<AlertId>,
}

/// The part of an alert that outlives the group's open members.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Told {
    place: Option<String>,
    headline: String,
    central: ComplaintId,
    key_terms: Vec<String>,
    tally: Tally,
    /// How many sent nearly one text.
    #[serde(default)]
    copied: u32,
}

/// What is fixed for all incidents of an engine, until its rules are renewed.
pub(super) struct Frame<'a> {
    pub(super) partition: &'a PartitionKey,
    pub(super) config: &'a GroupConfig,
    pub(super) zone: &'a TimeZone,
    /// The hash of the rule pack.
    pub(super) pack: &'a str,
}

impl<'a> Frame<'a> {
    pub(super) fn of(
        partition: &'a PartitionKey,
        config: &'a EngineConfig,
        zone: &'a TimeZone,
        knowledge: &'a Knowledge,
    ) -> Self {
        Self { partition, config: &config.group, zone, pack: knowledge.pack.hash() }
    }
}

impl GroupCase {
    pub(super) fn new(
        group: GroupId,
        seq: u64,
        at: Timestamp,
        partition: &PartitionKey,
        zone: &TimeZone,
        told: Told,
    ) -> Self {
        // See the risk cases: no two incidents share a name, whatever is forgotten in between.
        let id = alert_id("QS", at, zone, &format!("{}\n{group}\n{seq}", partition.as_str()));
        Self {
            id,
            group,
            incident: Incident::default(),
            step_asked: 0,
            told,
            window_days: None,
            usual: None,
            registered: None,
            merged_into: None,
        }
    }

    pub(super) fn record(&self, at: Timestamp) -> IncidentRecord {
        IncidentRecord {
            id: self.id.clone(),
            kind: AlertKind::GroupIncident,
            group: Some(self.group.clone()),
            entity: None,
            open: self.incident.open,
            revision: self.incident.revision,
            changed_at: at,
            state: serde_json::to_string(self).expect("plain data is JSON"),
        }
    }

    /// The alert of a step that was just judged.
    pub(super) fn alert(
        &self,
        step: IncidentStep,
        at: Timestamp,
        frame: &Frame<'_>,
        group: Option<(&Grouper, &Group)>,
    ) -> Alert {
        let Frame { config, .. } = *frame;
        let Told { place, headline, central, key_terms, tally, copied } = &self.told;
        let words = GroupWords {
            state: step.state,
            level: step.level,
            place: place.as_deref(),
            headline,
            key_terms,
            callers: tally.callers,
            complaints: tally.complaints,
            anonymous: tally.anonymous,
            first_at: tally.first_at,
            last_at: tally.last_at,
            step: self.step_asked,
            window_days: self.window_days.unwrap_or(config.window_days),
            usual_days: config.window_days,
            quiet_days: config.resolve_after_days,
            usual: self.usual.map(Usual::rounded),
            registered: self.registered.as_deref(),
            copied: *copied,
            merged_into: self.merged_into.as_ref().map(AlertId::as_str),
        };
        let mut members: Vec<ComplaintId> = Vec::new();
        let mut evidence = Vec::new();
        if let Some((grouper, group)) = group {
            let skip = group.members().len().saturating_sub(MAX_MEMBERS);
            members.extend(
                group.members().skip(skip).filter_map(|seq| Some(grouper.complaint(seq)?.id.clone())),
            );
            evidence.extend(group.evidence().map(|(id, evidence)| (id.clone(), evidence)));
        }
        Alert {
            id: self.id.clone(),
            revision: self.incident.revision,
            partition: frame.partition.clone(),
            kind: AlertKind::GroupIncident,
            state: step.state,
            level: step.level,
            raised_at: at,
            title: wording::group_title(&words),
            summary: wording::group_summary(&words, frame.zone),
            callers: tally.callers,
            complaints: tally.complaints,
            anonymous: tally.anonymous,
            first_at: tally.first_at,
            last_at: tally.last_at,
            members,
            body: AlertBody::Group(GroupAlert {
                group: self.group.clone(),
                place: place.clone(),
                key_terms: key_terms.clone(),
                central: central.clone(),
                threshold: self.step_asked,
                window_days: self.window_days.unwrap_or(config.window_days),
                evidence,
                grouping: config.version(),
                pack: frame.pack.to_owned(),
                usual: self.usual,
                registered: self.registered.clone(),
                copied: *copied,
                merged_into: self.merged_into.clone(),
            }),
        }
    }

    /// Resolves the incident at `at`; the alert when it was open.
    pub(super) fn resolve(
        &mut self,
        at: Timestamp,
        frame: &Frame<'_>,
        group: Option<(&Grouper, &Group)>,
    ) -> Option<Alert> {
        let step = self.incident.resolve(at)?;
        debug_assert_eq!(step.state, AlertState::Resolved);
        Some(self.alert(step, at, frame, group))
    }
}

impl Told {
    /// What can be told of a group now with the counts of a window; `None` when it has no open member.
    pub(super) fn of(grouper: &Grouper, group: &Group, tally: Tally) -> Option<Self> {
        let central = grouper.central(group)?;
        Some(Self {
            place: place(grouper, group),
            headline: central.headline.to_string(),
            central: central.id.clone(),
            key_terms: key_terms(group),
            tally,
            copied: grouper.copied(group),
        })
    }
}

/// The place that most members name, the finer kind first; of equally frequent ones the one named
/// first.
fn place(grouper: &Grouper, group: &Group) -> Option<String> {
    let mut counted: BTreeMap<&str, (PlaceKind, usize, usize)> = BTreeMap::new();
    let mut order = 0;
    for open in group.members().filter_map(|seq| grouper.complaint(seq)) {
        for (kind, name) in open.named_places() {
            order += 1;
            counted.entry(name).or_insert((kind, 0, order)).1 += 1;
        }
    }
    let fineness = |kind| match kind {
        PlaceKind::Site => 3,
        PlaceKind::Road => 2,
        PlaceKind::Community => 1,
        PlaceKind::Street | PlaceKind::District => 0,
    };
    counted
        .into_iter()
        .max_by_key(|(_, (kind, count, order))| (fineness(*kind), *count, std::cmp::Reverse(*order)))
        .map(|(name, _)| name.to_owned())
}

/// The terms that hold the newest members together, by their weight in the evidence.
fn key_terms(group: &Group) -> Vec<String> {
    let mut weights: BTreeMap<&str, f32> = BTreeMap::new();
    for (term, weight) in group.shared_terms() {
        *weights.entry(term).or_default() += weight;
    }
    let mut ranked: Vec<(&str, f32)> = weights.into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().take(KEY_TERMS).map(|(term, _)| term.to_owned()).collect()
}
