//! How the sinks are doing, for the console and the readiness page.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Blame, Verdict};

/// So many failures in a row, each perhaps the fault of one alert only, count as the sink's. Refused
/// alerts are counted alike: a receiver that refuses whatever comes is set up wrongly.
const ENOUGH_FAILURES: u32 = 3;

/// How one sink is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SinkState {
    /// The last attempt succeeded, or there was none yet.
    #[default]
    Ok,
    /// It takes nothing at the moment; this may pass.
    Failing {
        /// Since when (wall clock).
        since: Timestamp,
        /// The last failure, without secrets.
        error: String,
    },
    /// It takes nothing until somebody mends a setting.
    Alarmed {
        /// Since when (wall clock).
        since: Timestamp,
        /// The last failure, without secrets.
        error: String,
    },
}

impl SinkState {
    /// A stable name for metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failing { .. } => "failing",
            Self::Alarmed { .. } => "alarmed",
        }
    }
}

/// One line on the sinks that take nothing at the moment; `None` when all is well.
#[must_use]
pub fn problem(states: &BTreeMap<String, SinkState>) -> Option<String> {
    let lines: Vec<String> = states
        .iter()
        .filter_map(|(sink, state)| match state {
            SinkState::Ok => None,
            SinkState::Failing { since, error } => {
                Some(format!("{sink} has taken no alerts since {since:.0}: {error}"))
            }
            SinkState::Alarmed { since, error } => {
                Some(format!("{sink} has refused all alerts since {since:.0}, somebody has to look: {error}"))
            }
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

/// Follows one sink's attempts.
#[derive(Debug, Default)]
pub(super) struct Follow {
    failures: u32,
    refusals: u32,
    state: SinkState,
}

impl Follow {
    /// Takes note of an attempt; gives the new state when it is another one.
    pub(super) fn note(&mut self, verdict: Verdict, detail: &str, now: Timestamp) -> Option<SinkState> {
        let alarm = match verdict {
            Verdict::Delivered => {
                (self.failures, self.refusals) = (0, 0);
                return self.change(SinkState::Ok);
            }
            Verdict::Refused => {
                self.failures = 0;
                self.refusals = self.refusals.saturating_add(1);
                if self.refusals < ENOUGH_FAILURES {
                    // The receiver is there and reads.
                    return self.change(SinkState::Ok);
                }
                true
            }
            Verdict::Retry { blame, alarm } => {
                self.failures = self.failures.saturating_add(1);
                if blame == Blame::Row && self.failures < ENOUGH_FAILURES {
                    return None;
                }
                alarm
            }
        };
        let since = match &self.state {
            SinkState::Ok => now,
            SinkState::Failing { since, .. } | SinkState::Alarmed { since, .. } => *since,
        };
        let error = detail.to_owned();
        self.change(if alarm {
            SinkState::Alarmed { since, error }
        } else {
            SinkState::Failing { since, error }
        })
    }

    fn change(&mut self, state: SinkState) -> Option<SinkState> {
        (state != self.state).then(|| {
            self.state = state.clone();
            state
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alert_that_fails_is_not_the_sinks_fault_but_three_are() {
        let now = Timestamp::UNIX_EPOCH;
        let row = Verdict::of_status(500);
        let mut follow = Follow::default();
        let mut names = Vec::new();
        for (verdict, detail) in [
            (row, "500"),
            (row, "500"),
            (Verdict::Delivered, ""),
            (row, "500"),
            (row, "500"),
            (row, "500"),
            (Verdict::of_status(401), "401"),
            (Verdict::UNREACHABLE, "gone"),
            (Verdict::Refused, ""),
            (Verdict::UNREACHABLE, "gone"),
            (Verdict::Refused, "400"),
            (Verdict::Refused, "400"),
            (Verdict::Delivered, ""),
        ] {
            let changed = follow.note(verdict, detail, now);
            names.push(changed.map_or("-", |state| state.as_str()));
        }
        assert_eq!(
            names,
            [
                "-", "-", "-", "-", "-", "failing", "alarmed", "failing", "ok", "failing", "ok", "alarmed",
                "ok"
            ]
        );
    }

    #[test]
    fn the_line_for_people() {
        let since = Timestamp::UNIX_EPOCH;
        let mut states = BTreeMap::from([("a".to_owned(), SinkState::Ok)]);
        assert_eq!(problem(&states), None);
        states.insert("b".into(), SinkState::Alarmed { since, error: "HTTP 401".into() });
        insta::assert_snapshot!(problem(&states).unwrap(), @"b has refused all alerts since 1970-01-01T00:00:00Z, somebody has to look: HTTP 401");
    }
}
