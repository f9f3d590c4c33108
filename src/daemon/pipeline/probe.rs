//! The steps of a batch, so that a test can end the pipeline at each of them.

use crate::model::ComplaintId;
use crate::source::Record;

use super::Stop;

/// A step of a batch that has just been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The engine is there, built or rebuilt.
    EngineReady,
    /// Events are decoded and prepared.
    Prepared,
    /// The engine has folded them; nothing is stored.
    Applied,
    /// The transaction is durable; nobody was told.
    Committed,
    /// Who waited was answered.
    Answered,
}

/// Ends the pipeline where a test wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

/// Looks at each step.
pub trait Probe: Send + Sync {
    /// Called after `step`.
    ///
    /// # Errors
    /// [`Killed`] ends the pipeline right there, as a crash would.
    fn at(&self, step: Step) -> Result<(), Killed>;

    /// Called before a record is decoded and prepared; a panic here stands for one there.
    fn preparing(&self, _: &Record) {}

    /// Called before a complaint is folded; a panic here stands for one there.
    fn folding(&self, _: &ComplaintId) {}
}

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbe;

impl Probe for NoProbe {
    fn at(&self, _: Step) -> Result<(), Killed> {
        Ok(())
    }
}

impl super::Pipeline {
    pub(super) fn step(&self, step: Step) -> Result<(), Stop> {
        self.parts.probe.at(step).map_err(|Killed| Stop::Killed(step))
    }
}
