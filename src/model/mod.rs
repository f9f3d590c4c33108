//! The words everybody here uses: complaint, caller, place, group, incident, alert, level.
//!
//! **Does:** names the things that flow through the pipeline as plain typed data with their serde
//! forms. **Promises:** no I/O, no clock, no behaviour beyond conversions that cannot surprise; the
//! JSON forms are stable, since the store and the receivers of alerts keep them. **Leaves to
//! others:** reading bytes (`source`), understanding text (`text`, `place`, `rules`, `entity`),
//! deciding (`group`, `engine`), keeping (`store`).
//!
//! This room knows none of the other rooms.

mod alert;
mod caller;
mod claim;
mod commit;
mod complaint;
mod dead_letter;
mod explain;
mod ids;
mod index;
mod judgement;
mod level;
mod measures;
mod notify;
mod place;
mod position;

pub use alert::{Alert, AlertBody, AlertKind, AlertState, GroupAlert, RiskAlert, Usual};
pub use caller::{CallerKey, CallerKeys};
pub use claim::{Claim, Claimed, Line, Measure, Standard};
pub use commit::{Commit, ComplaintRecord, IncidentRecord, KeptReading, OpenSince};
pub use complaint::{Complaint, ContentHash, PlaceFields, ReportedCaller};
pub use dead_letter::{DeadLetter, DeadReason};
pub use explain::{
    Decision, GroupDecision, HitOutcome, KeptApart, MemberEvidence, RiskHit, ScorePart, SharedTerm, Span,
    Suppressed, Where,
};
pub use ids::{AlertId, ComplaintId, GroupId, PartitionKey};
pub use index::{Dimension, DimensionScore, IndexPart, RiskIndex, Sign, ToldBefore, Touch};
pub use judgement::{Judgement, Truth};
pub use level::{GrowthSteps, Level};
pub use measures::{Counts, EngineStatus, OutboxDepth, SweepReport};
pub use notify::NotifyReason;
pub use place::{PlaceKind, PlaceMention, PlaceSource};
pub use position::{Position, PositionDelta, Positions};
