//! Rule packs and settings over the history: what a pack would have told, and what another, or other settings
//! beside those in force, would tell instead.
//!
//! The history is the store's complaints or a file of events. It goes through the engine as in a
//! [replay](super::replay), so that cases and their levels come out as they would have live; for two
//! packs it is read once and goes through two engines. What is kept meanwhile grows with the hits and
//! alerts, and of a file, in which a complaint may come again, with its complaints.

mod cases;
mod changes;
mod fired;
mod history;
mod period;
mod shadow;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

use rayon::prelude::*;

use crate::engine::{Arrival, Effects, Engine, EngineConfig, Prepared, Preparer};
use crate::model::{DeadReason, PartitionKey};

use super::ledger::{Ledger, Novelty};

pub use cases::{Case, CaseChanges, Cases};
pub use changes::{Change, Difference, Example, RuleChanges, Side};
pub use fired::{DayCount, Fired, RuleFired, Sample};
pub(in crate::daemon) use history::EARLIEST;
pub use history::{Events, History, Read};
pub use period::{BadPeriod, Period};
pub use shadow::{Beside, Grouped, Manner, Shadow};

use cases::CaseBook;
use changes::HitChanges;
use fired::HitBook;
use history::{Refused, prepare};

/// What a run over the history needs besides packs and history.
#[derive(Debug)]
pub struct Backtest<'a> {
    /// The engine's settings.
    pub config: Arc<EngineConfig>,
    /// The threads to prepare on.
    pub pool: &'a rayon::ThreadPool,
    /// The days that are told of.
    pub period: Period,
    /// How many samples and examples are kept of each kind.
    pub samples: usize,
}

/// What is told while the history is read.
pub struct Watch<'a> {
    /// Called with events that could not be read: the line or row (from 1), reason, detail.
    pub rejected: &'a mut dyn FnMut(u64, DeadReason, &str),
    /// Called after each chunk with the number of complaints read so far.
    pub progress: &'a mut dyn FnMut(u64),
}

impl Backtest<'_> {
    /// What the pack of `preparer` would have told.
    ///
    /// # Errors
    /// When the history cannot be read or a setting cannot work.
    pub fn one(
        &self,
        preparer: &Preparer,
        history: History<'_>,
        watch: &mut Watch<'_>,
    ) -> anyhow::Result<Fired> {
        let pack = &preparer.knowledge().pack;
        let mut hits = HitBook::new(pack, &self.period, self.samples);
        let mut cases = CaseBook::default();
        let read = self.fold([preparer], history, watch, &mut |effects| {
            let [Effects { complaints, alerts, .. }] = effects;
            for record in &complaints {
                hits.take(record);
            }
            for alert in &alerts {
                cases.take(alert, &self.period);
            }
        })?;
        Ok(Fired {
            pack: pack.hash().to_owned(),
            read,
            rules: hits.finish(),
            cases: cases.risks(self.samples),
        })
    }

    /// What is different when the pack of `new` takes the place of that of `old`.
    ///
    /// # Errors
    /// As [`Backtest::one`].
    pub fn both(
        &self,
        old: &Preparer,
        new: &Preparer,
        history: History<'_>,
        watch: &mut Watch<'_>,
    ) -> anyhow::Result<Difference> {
        let packs = [old, new].map(|preparer| preparer.knowledge().pack.as_ref());
        let mut hits = HitChanges::new(packs, &self.period, self.samples);
        let mut cases = [CaseBook::default(), CaseBook::default()];
        let read = self.fold([old, new], history, watch, &mut |effects| {
            let [was, is] = &effects;
            // Both engines were given the same complaints in the same order.
            for (was, is) in was.complaints.iter().zip(&is.complaints) {
                hits.take(was, is);
            }
            for (cases, effects) in cases.iter_mut().zip(&effects) {
                for alert in &effects.alerts {
                    cases.take(alert, &self.period);
                }
            }
        })?;
        let [was, is] = cases;
        let (risks, incidents) = CaseBook::compare(was, is, self.samples);
        let packs = packs.map(|pack| pack.hash().to_owned());
        Ok(Difference { packs, read, rules: hits.finish(), risks, incidents })
    }

    /// Reads the history once and lets the engines of all packs decide. `take` is given what they did,
    /// chunk by chunk.
    fn fold<const N: usize>(
        &self,
        preparers: [&Preparer; N],
        history: History<'_>,
        watch: &mut Watch<'_>,
        take: &mut dyn FnMut([Effects; N]),
    ) -> anyhow::Result<Read> {
        let mut read = Read::default();
        let mut ledger = Ledger::default();
        let mut engines: Option<[Engine; N]> = None;
        let lead = self.period.lead(&self.config);
        history.each(&lead, &mut |partition, decoder, chunk| {
            let prepared: Vec<Result<Option<[Prepared; N]>, Refused>> = self.pool.install(|| {
                chunk.into_par_iter().map(|item| prepare(item, decoder, &lead, preparers)).collect()
            });
            if engines.as_ref().is_none_or(|engines| engines[0].partition() != partition) {
                engines = Some(self.engines(preparers, partition)?);
            }
            let engines = engines.as_mut().expect("made above");
            let mut effects: [Effects; N] = std::array::from_fn(|_| Effects::default());
            for prepared in prepared {
                read.entries += 1;
                let prepared = match prepared {
                    Ok(Some(prepared)) => prepared,
                    Ok(None) => continue,
                    Err(Refused { number, reason, detail }) => {
                        *read.rejected.entry(reason.as_str()).or_default() += 1;
                        (watch.rejected)(number, reason, &detail);
                        continue;
                    }
                };
                let complaint = Arc::clone(&prepared[0].complaint);
                // The store keeps the last version of each complaint only.
                let novelty = match decoder {
                    Some(_) => ledger.judge(&complaint.id, prepared[0].content),
                    None => Novelty::New,
                };
                let Some(version) = novelty.version() else { continue };
                if novelty == Novelty::New {
                    read.count(complaint.received_at, &self.period);
                }
                for ((engine, prepared), effects) in engines.iter_mut().zip(prepared).zip(&mut effects) {
                    let arrival = Arrival { prepared, version, reached: complaint.received_at };
                    engine.apply(arrival, effects);
                }
            }
            take(effects);
            (watch.progress)(read.entries);
            Ok(())
        })?;
        Ok(read)
    }

    fn engines<const N: usize>(
        &self,
        preparers: [&Preparer; N],
        partition: &PartitionKey,
    ) -> anyhow::Result<[Engine; N]> {
        let engine = |preparer: &Preparer| {
            Engine::new(partition.clone(), Arc::clone(&self.config), preparer.knowledge().clone())
        };
        let engines = preparers.into_iter().map(engine).collect::<Result<Vec<Engine>, _>>()?;
        Ok(engines.try_into().unwrap_or_else(|_| unreachable!("one for each pack")))
    }
}
