//! Groups that turn out to be about one matter become one, and so do their incidents.

use jiff::Timestamp;

use crate::model::{Alert, GroupId};

use super::fold::{Effects, Engine, days};
use super::incidents::Frame;

impl Engine {
    /// Makes `own` and the groups that are about the same one group. Returns the one that goes on: whose
    /// incident people follow already, else the one that began first. The incidents of the others end with a
    /// word about where they go on.
    pub(super) fn merge(
        &mut self,
        own: GroupId,
        alike: Vec<GroupId>,
        at: Timestamp,
        alerts: &mut Vec<Alert>,
        effects: &mut Effects,
    ) -> GroupId {
        let mut into = own;
        for other in alike {
            let old = if self.goes_on(&other, &into) { std::mem::replace(&mut into, other) } else { other };
            alerts.extend(self.end_merged(&old, &into, at, effects));
            self.grouper.merge(&old, &into);
            effects.cases.extend(self.risks.regroup(&old, &into, &self.config.risk).map(|key| (key, at)));
            effects.merged.push((old, into.clone()));
        }
        into
    }

    /// Whether the first of two groups is the one to go on.
    fn goes_on(&self, a: &GroupId, b: &GroupId) -> bool {
        let rank = |id: &GroupId| {
            let case = self.cases.get(id);
            let began = self.grouper.peek(id).and_then(|group| group.members().next());
            (case.is_none_or(|case| !case.incident.open), case.is_none(), began)
        };
        rank(a) < rank(b)
    }

    /// Ends the incident of a group that is about to go into another; the alert when it was open.
    fn end_merged(
        &mut self,
        old: &GroupId,
        into: &GroupId,
        at: Timestamp,
        effects: &mut Effects,
    ) -> Option<Alert> {
        let mut case = self.cases.remove(old)?;
        if let Some(due) = case.incident.due(days(self.config.group.resolve_after_days)) {
            self.due.remove(&(due, old.clone()));
        }
        case.merged_into = self.cases.get(into).map(|case| case.id.clone());
        let group = self.grouper.peek(old).map(|group| (&self.grouper, group));
        let frame = Frame::of(&self.partition, &self.config, &self.zone, &self.knowledge);
        let alert = case.resolve(at, &frame, group);
        let record = case.record(at);
        effects.ended.insert(record.id.clone(), record);
        alert
    }
}
