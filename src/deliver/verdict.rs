//! What an answer means for the alert that was sent.

/// What to do after an attempt. [`Verdict::of_status`] is the whole table for HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// Try again.
    Retry {
        /// Who is at fault, as far as one answer shows.
        blame: Blame,
        /// Nothing will change until somebody mends a setting, here or there: raise an alarm.
        alarm: bool,
    },
    /// This alert will never be taken: put it aside, so that the next ones go on.
    Refused,
}

/// Who is at fault for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The receiver as a whole, or the way to it: the others need not be tried for now.
    Sink,
    /// Perhaps only this alert: the others go on meanwhile.
    Row,
}

impl Verdict {
    /// The receiver cannot be reached or does not answer in time.
    pub const UNREACHABLE: Self = Self::Retry { blame: Blame::Sink, alarm: false };

    /// Somebody has to mend a setting, here or there.
    pub const MISCONFIGURED: Self = Self::Retry { blame: Blame::Sink, alarm: true };

    /// What an HTTP status means.
    ///
    /// | status | verdict | why |
    /// |---|---|---|
    /// | 2xx | delivered | |
    /// | 3xx | retry, alarm | redirects are not followed: alerts go only where the configuration says |
    /// | 401, 403, 407 | retry, alarm | secret or token differ; nothing is wrong with the alert |
    /// | 404, 405, 410, 421 | retry, alarm | nearly always a wrong address or a service that is not deployed; putting alerts aside would empty the outbox unseen |
    /// | 408, 425 | retry | the request did not get through as it should |
    /// | 429, 502, 503, 504 | retry later, the sink pauses | the receiver as a whole is busy or away |
    /// | other 5xx | retry | a fault of the receiver's, perhaps with this alert only |
    /// | other 4xx (400, 409, 413, 415, 422 ...) | refused | the receiver has read it and will never take it |
    /// | anything else | retry, alarm | not HTTP as we know it |
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Delivered,
            401 | 403 | 404 | 405 | 407 | 410 | 421 => Self::MISCONFIGURED,
            408 | 425 => Self::Retry { blame: Blame::Row, alarm: false },
            429 | 502..=504 => Self::Retry { blame: Blame::Sink, alarm: false },
            400..=499 => Self::Refused,
            500..=599 => Self::Retry { blame: Blame::Row, alarm: false },
            _ => Self::MISCONFIGURED,
        }
    }

    /// A stable name for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry { alarm: true, .. } => "alarm",
            Self::Retry { alarm: false, .. } => "retry",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_for_every_status() {
        let name = |status| match Verdict::of_status(status) {
            Verdict::Retry { blame: Blame::Sink, alarm: false } => "pause",
            verdict => verdict.as_str(),
        };
        // Written as runs, so that no status between the interesting ones is left out.
        let mut runs = vec![(0, name(0))];
        for status in 1..=999 {
            if runs.last().is_some_and(|&(_, last)| last != name(status)) {
                runs.push((status, name(status)));
            }
        }
        let table: Vec<String> = runs.iter().map(|(from, name)| format!("{from} {name}")).collect();
        insta::assert_snapshot!(table.join(", "), @"0 alarm, 200 delivered, 300 alarm, 400 refused, 401 alarm, 402 refused, 403 alarm, 406 refused, 407 alarm, 408 retry, 409 refused, 410 alarm, 411 refused, 421 alarm, 422 refused, 425 retry, 426 refused, 429 pause, 430 refused, 500 retry, 502 pause, 505 retry, 600 alarm");
    }
}
