//! Whether a group is an incident now, and what is told of it.

use std::collections::hash_map::Entry;

use jiff::Timestamp;

use crate::group::{Group, Tally};
use crate::model::{Alert, GroupId, GrowthSteps, Usual};

use super::fold::{Effects, Engine, days};
use super::incidents::{Frame, GroupCase, Told};
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

/// What a window counts, and how many of its steps that reaches.
struct Count<'a> {
    window_days: u32,
    steps: &'a GrowthSteps,
    tally: Tally,
    reached: usize,
    /// Steps that those have reached who called since the incident was resolved last.
    fresh: usize,
}

impl<'a> Count<'a> {
    fn of(
        group: &Group,
        window_days: u32,
        steps: &'a GrowthSteps,
        resolved_at: Option<Timestamp>,
    ) -> Option<Self> {
        let tally = group.tally_within(days(window_days))?;
        let fresh = resolved_at.map_or(tally.callers, |at| group.callers_after(at).min(tally.callers));
        let reached = steps.reached(tally.callers);
        Some(Self { window_days, steps, tally, reached, fresh: steps.reached(fresh) })
    }

    /// Lets growth begin above what is usual there within `usual_days`; yet so many people as make an incident
    /// are never too few to be told at all.
    fn set_off(&mut self, usual: Usual, usual_days: u32) {
        let above = usual.above(self.tally.callers, self.window_days, usual_days);
        self.reached = self.steps.reached(above).max(self.reached.min(1));
    }
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
        // Brings the counts up to date; then the group is only read.
        if self.grouper.group(id).is_none() {
            return Judged::Silent;
        }
        let (config, grouper) = (&self.config.group, &self.grouper);
        let Some(group) = grouper.peek(id) else { return Judged::Silent };
        let known = self.cases.get(id);
        let is_open = known.is_some_and(|case| case.incident.open);
        let due_before = known.and_then(|case| case.incident.due(days(config.resolve_after_days)));
        let resolved_at = known.and_then(|case| case.incident.resolved_at);
        let usual = known.filter(|_| is_open).and_then(|case| case.usual);

        let category = prepared.complaint.category.iter().map(String::as_str);
        let count = |(window_days, steps)| Count::of(group, window_days, steps, resolved_at);
        let mut counts: Vec<Count<'_>> = config.windows(category).filter_map(count).collect();
        let Some(main) = counts.first().map(|main| main.tally) else { return Judged::Silent };
        let enough = counts.iter().any(|count| count.reached > 0);
        if !enough && known.is_none() {
            return Judged::Silent;
        }
        let opens = !is_open && enough && counts.iter().any(|count| count.fresh > 0);
        let today = || main.last_at.to_zoned(self.zone.clone()).date();
        let registered = opens.then(|| grouper.registered(group, today())).flatten();
        if let Some(matter) = registered.filter(|matter| main.callers < matter.callers) {
            return Judged::Registered(matter.name.clone());
        }
        // What is usual is what was before: while it goes on an incident is not measured against itself.
        let usual = if opens { grouper.usual(group, main.last_at) } else { usual };
        if let Some(usual) = usual {
            for count in &mut counts {
                count.set_off(usual, config.window_days);
            }
        }
        // Who called since the end opens it again by the steps of any window, not only of the one that is told.
        let fresh = counts.iter().map(|count| count.fresh).max().unwrap_or(0);
        // A step is worth the same in each window; the shortest window tells most.
        let most = |count: &&Count<'_>| (count.reached, std::cmp::Reverse(count.window_days));
        let Some(count) = counts.iter().max_by_key(most) else { return Judged::Silent };
        let case = match self.cases.entry(id.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let Some(told) = Told::of(grouper, group, count.tally) else { return Judged::Silent };
                let case = GroupCase::new(id.clone(), seq, at, &self.partition, &self.zone, told);
                entry.insert(case)
            }
        };
        if opens {
            case.usual = usual;
            case.registered = registered.map(|matter| matter.name.clone());
        }
        let mut judged = Judged::Silent;
        if let Some(step) = case.incident.judge(main.last_at, count.reached, fresh) {
            if let Some(told) = Told::of(grouper, group, count.tally) {
                case.told = told;
            }
            case.step_asked = count.steps.asked(count.reached);
            case.window_days = Some(count.window_days);
            let frame = Frame::of(&self.partition, &self.config, &self.zone, &self.knowledge);
            let alert = case.alert(step, at, &frame, Some((grouper, group)));
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
        let frame = Frame::of(&self.partition, &self.config, &self.zone, &self.knowledge);
        if let Some(alert) = case.resolve(at, &frame, group) {
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
