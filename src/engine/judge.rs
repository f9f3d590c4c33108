//! Whether a group is an incident now, and what is told of it.

use std::collections::hash_map::Entry;

use jiff::Timestamp;

use crate::model::{Alert, GroupId};

use super::fold::{Effects, Engine, days};
use super::incidents::{GroupCase, Told};
use super::prepare::Prepared;

/// What came of judging a group after a complaint.
pub(super) enum Judged {
    /// It is told.
    Told(Box<Alert>),
    /// An incident would begin, if the matter were not registered under this name and as many people to be
    /// expected.
    Registered(String),
    /// There is nothing new to tell.
    Silent,
}

impl Engine {
    /// Judges a group after a complaint was put into it.
    pub(super) fn judge_group(
        &mut self,
        id: &GroupId,
        seq: u64,
        prepared: &Prepared,
        effects: &mut Effects,
    ) -> Judged {
        let at = prepared.complaint.received_at;
        let Some(tally) = self.grouper.tally(id) else { return Judged::Silent };
        let config = &self.config.group;
        let steps = config.steps_for(prepared.complaint.category.iter().map(String::as_str));
        let enough = steps.reached(tally.callers) > 0;
        let known = self.cases.get(id);
        if !enough && known.is_none() {
            return Judged::Silent;
        }
        let is_open = known.is_some_and(|case| case.incident.open);
        let due_before = known.and_then(|case| case.incident.due(days(config.resolve_after_days)));
        let resolved_at = known.and_then(|case| case.incident.resolved_at);

        // The counts were brought up to date above; now the group is only read.
        let grouper = &self.grouper;
        let Some(group) = grouper.peek(id) else { return Judged::Silent };
        let fresh = steps.reached(resolved_at.map_or(tally.callers, |at| group.callers_after(at)));
        let opens = !is_open && enough && fresh > 0;
        let registered = opens
            .then(|| grouper.registered(group, tally.last_at.to_zoned(self.zone.clone()).date()))
            .flatten();
        if let Some(matter) = registered.filter(|matter| tally.callers < matter.callers) {
            return Judged::Registered(matter.name.clone());
        }
        let (case, is_new) = match self.cases.entry(id.clone()) {
            Entry::Occupied(entry) => (entry.into_mut(), false),
            Entry::Vacant(entry) => {
                let Some(told) = Told::of(grouper, group) else { return Judged::Silent };
                let case = GroupCase::new(id.clone(), seq, at, &self.partition, &self.zone, told);
                (entry.insert(case), true)
            }
        };
        if opens {
            // What is usual is what was before: while it goes on an incident is not measured against itself.
            case.usual = grouper.usual(group, tally.last_at);
            case.registered = registered.map(|matter| matter.name.clone());
        }
        // Growth counts above what is usual there, but so many people are never too few to be told at all.
        let above = case.usual.map_or(tally.callers, |usual| usual.above(tally.callers));
        let reached = steps.reached(above).max(usize::from(enough));
        let mut judged = Judged::Silent;
        if let Some(step) = case.incident.judge(tally.last_at, reached, fresh) {
            if !is_new && let Some(told) = Told::of(grouper, group) {
                case.told = told;
            }
            case.step_asked = steps.asked(reached);
            let alert = case.alert(step, at, &self.partition, config, &self.zone, Some((grouper, group)));
            judged = Judged::Told(Box::new(alert));
        }
        let due = case.incident.due(days(config.resolve_after_days));
        if due != due_before {
            due_before.map(|before| self.due.remove(&(before, id.clone())));
            self.due.extend(due.map(|due| (due, id.clone())));
        }
        effects.groups.insert(id.clone(), at);
        judged
    }

    /// Ends the incident of a group that was quiet until `at`.
    pub(super) fn resolve_group(&mut self, id: &GroupId, at: Timestamp, effects: &mut Effects) {
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
}
