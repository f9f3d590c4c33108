//! Prepare and fold: from a decoded complaint to the decision about it.
//!
//! **Does:** [`Preparer`] reads what a complaint says, without memory and on any thread; [`Engine`]
//! folds prepared complaints in order into groups, incidents, risk cases and alerts. **Promises:**
//! no I/O, no wall clock, no randomness: time is the events'. The same complaints in the same order
//! give the same effects, whatever the batch borders, the number of threads, and the restarts in
//! between ([`Engine::restore_complaint`]). Nothing else in the product decides to alert.
//! **Leaves to others:** which bytes are a complaint (`source`), what was seen before the open
//! window (`store`), telling people (`deliver`).

mod caller;
mod case;
mod claims;
mod config;
mod dossier;
mod fold;
mod headline;
mod incidents;
mod judge;
mod ledger;
mod merge;
mod prepare;
mod privacy;
mod restore;
mod risk;
#[cfg(test)]
mod tests;
mod wording;

pub use crate::model::EngineStatus;
pub use caller::{CallerHasher, CallerKeyError};
pub use config::{EngineConfig, EngineConfigError, RiskConfig};
pub use dossier::{Dossier, Named, Week};
pub use fold::{Arrival, Effects, Engine};
pub use prepare::{Knowledge, Prepared, Preparer};
