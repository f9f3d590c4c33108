//! The life cycle of an incident: raised, updated by steps of growth, resolved after quiet,
//! reopened by new callers.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{AlertState, GrowthSteps, Level};

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

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentStep {
    /// What happened.
    pub state: AlertState,
    /// The level now.
    pub level: Level,
}

impl Incident {
    /// Judges after a complaint was counted at `last_at`. `reached` steps of growth are reached by
    /// all callers in the window, `fresh` by those who called since it was last resolved. A step is
    /// told once: growth that does not reach the next step, and shrinking, are silent.
    pub fn judge(&mut self, last_at: Timestamp, reached: usize, fresh: usize) -> Option<IncidentStep> {
        self.last_at = self.last_at.max(Some(last_at));
        let state = match (self.open, self.revision) {
            (false, 0) if reached > 0 => AlertState::Raised,
            // Only people who came after the end can open it again: the old ones were told.
            (false, 1..) if fresh > 0 && reached > 0 => AlertState::Reopened,
            (true, _) if reached > self.told_steps => AlertState::Updated,
            _ => return None,
        };
        let level = GrowthSteps::level(reached)?;
        self.open = true;
        self.told_steps = reached;
        self.revision += 1;
        Some(IncidentStep { state, level })
    }

    /// Something besides the steps of growth has to be told of it; nothing while it is not open.
    pub fn tell(&mut self) -> Option<IncidentStep> {
        let level = GrowthSteps::level(self.told_steps).filter(|_| self.open)?;
        self.revision += 1;
        Some(IncidentStep { state: AlertState::Updated, level })
    }

    /// When it is resolved if nothing more comes.
    pub fn due(&self, resolve_after: SignedDuration) -> Option<Timestamp> {
        let last_at = self.last_at.filter(|_| self.open)?;
        Some(last_at.saturating_add(resolve_after).unwrap_or(Timestamp::MAX))
    }

    /// Resolves it: it was quiet until `at`.
    pub fn resolve(&mut self, at: Timestamp) -> Option<IncidentStep> {
        if !self.open {
            return None;
        }
        let level = GrowthSteps::level(self.told_steps)?;
        self.open = false;
        self.told_steps = 0;
        self.revision += 1;
        self.resolved_at = Some(at);
        Some(IncidentStep { state: AlertState::Resolved, level })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_step_is_told_once() {
        let steps = GrowthSteps::default();
        let mut incident = Incident::default();
        let told: Vec<_> = [1, 2, 3, 3, 4, 5, 4, 5, 11, 50]
            .into_iter()
            .map(|callers| steps.reached(callers))
            .filter_map(|reached| incident.judge(at(0), reached, reached))
            .map(|step| (step.state, step.level))
            .collect();
        assert_eq!(
            told,
            [
                (AlertState::Raised, Level::Blue),
                (AlertState::Updated, Level::Yellow),
                (AlertState::Updated, Level::Orange),
                (AlertState::Updated, Level::Red),
            ]
        );
    }

    #[test]
    fn it_ends_with_quiet_and_only_new_people_open_it_again() {
        let day = SignedDuration::from_hours(24);
        let mut incident = Incident::default();
        assert_eq!(incident.due(day), None);
        incident.judge(at(100), 1, 1).unwrap();
        assert_eq!(incident.due(day), Some(at(100 + 86_400)));
        let end = incident.resolve(at(100 + 86_400)).unwrap();
        assert_eq!((end.state, incident.revision), (AlertState::Resolved, 2));
        assert_eq!(incident.resolve(at(200_000)), None);
        assert_eq!(incident.judge(at(200_000), 2, 0), None);
        let again = incident.judge(at(200_001), 2, 1).unwrap();
        assert_eq!((again.state, again.level, incident.revision), (AlertState::Reopened, Level::Yellow, 3));
    }
}
