//! The life cycle of an incident: raised, updated by steps of growth, resolved after quiet,
//! reopened by new callers.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{AlertState, GrowthSteps, Level};

use super::Tally;

/// Where an incident stands. This is all that has to be kept to go on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The last revision told; 0 before the first.
    pub revision: u32,
    /// Raised or reopened, and not resolved since.
    pub open: bool,
    /// How many steps of growth have been told since it was raised or reopened.
    pub told_steps: usize,
    /// When it was last resolved (event time).
    pub resolved_at: Option<Timestamp>,
    /// The last complaint that counted (event time).
    pub last_at: Option<Timestamp>,
}

/// What is known of a group when its incident is judged.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The counts.
    pub tally: Tally,
    /// Distinct callers since the incident was last resolved; all of them when it never was.
    pub fresh_callers: u32,
}

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentStep {
    /// What happened.
    pub state: AlertState,
    /// The level now.
    pub level: Level,
    /// The callers that were asked for.
    pub asked: u32,
}

impl Incident {
    /// Judges after a complaint was counted. A step is told once: growth that does not reach the
    /// next step, and shrinking, are silent.
    pub fn judge(&mut self, standing: Standing, steps: &GrowthSteps) -> Option<IncidentStep> {
        self.last_at = self.last_at.max(Some(standing.tally.last_at));
        let reached = steps.reached(standing.tally.callers);
        let state = match (self.open, self.revision) {
            (false, 0) if reached > 0 => AlertState::Raised,
            // Only people who came after the end can open it again: the old ones were told.
            (false, 1..) if steps.reached(standing.fresh_callers) > 0 => AlertState::Reopened,
            (true, _) if reached > self.told_steps => AlertState::Updated,
            _ => return None,
        };
        let told_steps = if state == AlertState::Updated { reached } else { reached.max(1) };
        let level = GrowthSteps::level(told_steps)?;
        self.open = true;
        self.told_steps = told_steps;
        self.revision += 1;
        let asked = steps.asked(told_steps);
        Some(IncidentStep { state, level, asked })
    }

    /// When it is resolved if nothing more comes.
    pub fn due(&self, resolve_after: SignedDuration) -> Option<Timestamp> {
        let last_at = self.last_at.filter(|_| self.open)?;
        Some(last_at.saturating_add(resolve_after).unwrap_or(Timestamp::MAX))
    }

    /// Resolves it: it was quiet until `at`.
    pub fn resolve(&mut self, at: Timestamp, steps: &GrowthSteps) -> Option<IncidentStep> {
        if !self.open {
            return None;
        }
        let level = GrowthSteps::level(self.told_steps)?;
        let asked = steps.asked(self.told_steps);
        self.open = false;
        self.told_steps = 0;
        self.revision += 1;
        self.resolved_at = Some(at);
        Some(IncidentStep { state: AlertState::Resolved, level, asked })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn standing(callers: u32, fresh_callers: u32) -> Standing {
        let tally = Tally { callers, complaints: callers, anonymous: 0, first_at: at(0), last_at: at(100) };
        Standing { tally, fresh_callers }
    }

    #[test]
    fn each_step_is_told_once() {
        let steps = GrowthSteps::default();
        let mut incident = Incident::default();
        let told: Vec<_> = [1, 2, 3, 3, 4, 5, 4, 5, 11, 50]
            .into_iter()
            .filter_map(|callers| incident.judge(standing(callers, callers), &steps))
            .map(|step| (step.state, step.level, step.asked))
            .collect();
        assert_eq!(
            told,
            [
                (AlertState::Raised, Level::Blue, 3),
                (AlertState::Updated, Level::Yellow, 5),
                (AlertState::Updated, Level::Orange, 10),
                (AlertState::Updated, Level::Red, 50),
            ]
        );
    }

    #[test]
    fn it_ends_with_quiet_and_only_new_people_open_it_again() {
        let steps = GrowthSteps::default();
        let day = SignedDuration::from_hours(24);
        let mut incident = Incident::default();
        assert_eq!(incident.due(day), None);
        incident.judge(standing(4, 4), &steps).unwrap();
        assert_eq!(incident.due(day), Some(at(100 + 86_400)));
        let end = incident.resolve(at(100 + 86_400), &steps).unwrap();
        assert_eq!((end.state, incident.revision), (AlertState::Resolved, 2));
        assert_eq!(incident.resolve(at(200_000), &steps), None);
        assert_eq!(incident.judge(standing(5, 1), &steps), None);
        let again = incident.judge(standing(7, 3), &steps).unwrap();
        assert_eq!((again.state, again.level, incident.revision), (AlertState::Reopened, Level::Yellow, 3));
    }
}
