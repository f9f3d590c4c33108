//! Group-incident detection (群诉): which complaints are about one matter at one place, and when
//! enough people have said so.
//!
//! **Does:** turns a complaint's words into [`Grams`]; assigns each complaint to a group, or leaves
//! it alone, by comparing it with the open ones, and makes groups one that turn out to be about one
//! matter ([`Grouper`]); counts distinct people in several windows ([`People`]); knows what is usual at a
//! place and which matters are registered; runs the life cycle of an incident ([`Incident`]). **Promises:** a pure fold: the same
//! complaints in the same order give the same groups, whatever came before the open window; work
//! per complaint is bounded; place *and* matter must agree; every assignment carries its evidence.
//! **Leaves to others:** reading places (`place`), wording alerts and the clock (`engine`).
//!
//! The state is a function of the open complaints in the order they were applied and of the groups
//! they were put in; nothing else is remembered. That is what makes a restart exact: put the same
//! complaints back with [`Grouper::restore`] and the state is the same.

mod admission;
pub mod background;
mod candidates;
mod company;
mod config;
mod copies;
mod evidence;
mod grams;
mod grouper;
mod identity;
mod incident;
mod lexicon;
mod members;
mod people;
mod posting;
mod reading;
mod registered;
mod similarity;
mod sums;
mod usual;
mod window;

pub use company::Company;
pub use config::{CountWindow, GroupConfig, GroupConfigError};
pub use grams::{Gram, Grams, KEPT_KEYS, KEPT_PAIRS, MAX_PAIRS};
pub use grouper::{Assigned, Candidate, Grouper, Restored};
pub use identity::alert_id;
pub use incident::{Incident, IncidentStep};
pub use members::{Group, MAX_EVIDENCE, Tally};
pub use people::People;
pub use reading::{Reading, ReadingError};
pub use registered::Registered;
pub use window::Open;
