//! How good the engine is on complaints that somebody has grouped by hand: its groups, its
//! incidents and how late they came, its false alarms. And how good risk rules are on complaints that
//! somebody has judged.
//!
//! **Does:** reads gold files, pairs that must stay apart and what `replay` has written ([`gold`],
//! [`pairs`], [`Decided`]), and compares them over the events of a [`Case`] ([`score`]).
//!
//! **Promises:** pure functions of their arguments; the same figures whatever the order of the gold.
//! Precision and recall are B-cubed over the complaints that the gold mentions: of each, how much of
//! its group is of its matter, and how much of its matter is in its group; every such complaint
//! counts once. Complaints of a `theme` (a policy question bound to no place) are left out of every
//! figure. A matter is an expected incident from the complaint on with which a third person has
//! complained within 30 days, and found when an alarm has most of its members from it. A complaint
//! with no caller is nobody's: it makes no incident and is nobody's repeat. A complaint that tells of a
//! risk is found when some rule alerts on it, whichever it is.
//!
//! **Leaves to others:** deciding (`engine`), running it over a file (`daemon::replay`), hashing
//! callers (`engine`), saying where a file is.

mod case;
mod decided;
mod errors;
mod gold;
mod grouping;
mod incidents;
mod risk;
mod scores;
#[cfg(test)]
mod tests;
mod verdict;

pub use case::{Case, Event};
pub use decided::{Alarm, Decided};
pub use errors::{MatterErrors, Part, errors};
pub use gold::{EvalError, GoldMatter, MatterKind, Pair, gold, pairs};
pub use risk::{Counts, JudgedComplaint, Outcome, RiskScores, RuleCounts, risk_scores};
pub use scores::{Apart, Grouping, Incidents, Outside, Scores, Worst};
pub use verdict::{NoVerdict, field, verdict};

/// All figures for what was decided about a case. Pairs and alarms are scored where there are any to
/// score: `apart` when the case has pairs, `incidents` when alarms were read.
pub fn score(case: &Case, decided: &Decided) -> Scores {
    Scores {
        grouping: grouping::score(case, decided),
        apart: case.pairs.as_deref().map(|pairs| grouping::apart(case, decided, pairs)),
        incidents: decided.alarms.as_deref().map(|alarms| incidents::score(case, alarms)),
    }
}
