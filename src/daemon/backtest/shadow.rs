//! Other settings beside those in force, on what the store takes in: what would be told instead.
//!
//! Two engines read what has been committed, one with the settings in force and one with those that are
//! tried. What was told live is not looked at: it may stem from yet other settings, and two engines that began
//! alike differ by nothing but theirs. The daemon is not touched, and does not wait.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::daemon::ahead::read_ahead;
use crate::engine::{Arrival, Effects, Engine, EngineConfig, Prepared, Preparer};
use crate::model::{ComplaintRecord, PartitionKey};
use crate::store::{Store, StoredComplaint};

use super::cases::{CaseBook, CaseChanges};
use super::history::{EARLIEST, Read};
use super::period::Period;

/// Settings, and what reads complaints under them.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The engine's settings.
    pub config: Arc<EngineConfig>,
    /// Rules, gazetteer and dictionary.
    pub preparer: Preparer,
}

/// Complaints that both have decided upon when they came, by whether they put them into a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Grouped {
    /// Both did.
    pub both: u64,
    /// Only the settings in force did.
    pub only_in_force: u64,
    /// Only the settings that are tried did.
    pub only_tried: u64,
    /// It is alone under both.
    pub neither: u64,
}

/// What the settings that are tried change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Beside {
    /// Under what groups are formed: in force, and tried.
    pub grouping: [String; 2],
    /// The hashes of the rule packs: in force, and tried.
    pub packs: [String; 2],
    /// What was read.
    pub read: Read,
    /// How complaints were grouped.
    pub grouped: Grouped,
    /// Risk cases.
    pub risks: CaseChanges,
    /// Group incidents.
    pub incidents: CaseChanges,
}

impl Beside {
    /// Whether the same would be told, and the same complaints be grouped when they come.
    #[must_use]
    pub fn is_same(&self) -> bool {
        let moved = self.grouped.only_in_force + self.grouped.only_tried;
        self.risks.is_empty() && self.incidents.is_empty() && moved == 0
    }
}

/// Follows the store with two manners.
pub struct Shadow<'a> {
    manners: [&'a Manner; 2],
    pool: &'a rayon::ThreadPool,
    period: Period,
    engines: BTreeMap<PartitionKey, Followed>,
    books: [CaseBook; 2],
    read: Read,
    grouped: Grouped,
}

/// One engine of the store, in both manners.
struct Followed {
    engines: [Engine; 2],
    /// The next complaint to come has this number or a higher one.
    next_seq: u64,
    /// Its clock is this or later.
    clock: Timestamp,
}

impl<'a> Shadow<'a> {
    /// Tells of `period`; what came shortly before is read, too, for what it begins with.
    pub fn new(manners: [&'a Manner; 2], pool: &'a rayon::ThreadPool, period: Period) -> Self {
        let (engines, books, read, grouped) = Default::default();
        Self { manners, pool, period, engines, books, read, grouped }
    }

    /// Reads what has been committed since the last time, and returns how many complaints that were.
    ///
    /// # Errors
    /// When the store cannot be read or a setting cannot work.
    pub fn catch_up(&mut self, store: &dyn Store, progress: &mut dyn FnMut(u64)) -> anyhow::Result<u64> {
        let before = self.read.entries;
        for (partition, _) in store.partitions()? {
            let (clock, next_seq) = match self.engines.get(&partition) {
                Some(followed) => (followed.clock, followed.next_seq),
                None => (self.begin(), 0),
            };
            let read = |put: &mut dyn FnMut(StoredComplaint) -> ControlFlow<()>| {
                store.history(&partition, clock, &mut |stored| {
                    if stored.record.seq < next_seq { ControlFlow::Continue(()) } else { put(stored) }
                })
            };
            read_ahead("shadow", read, |chunk| {
                self.take(&partition, &chunk)?;
                progress(self.read.entries);
                Ok(())
            })??;
        }
        Ok(self.read.entries - before)
    }

    /// What is different so far, with so many samples of each kind.
    pub fn told(&self, samples: usize) -> Beside {
        let [in_force, tried] = self.books.clone();
        let (risks, incidents) = CaseBook::compare(in_force, tried, samples);
        Beside {
            grouping: self.manners.map(|manner| manner.config.group.version()),
            packs: self.manners.map(|manner| manner.preparer.knowledge().pack.hash().to_owned()),
            read: self.read.clone(),
            grouped: self.grouped,
            risks,
            incidents,
        }
    }

    fn begin(&self) -> Timestamp {
        let leads = self.manners.map(|manner| self.period.lead(&manner.config).from);
        leads[0].min(leads[1]).max(EARLIEST)
    }

    fn take(&mut self, partition: &PartitionKey, chunk: &[StoredComplaint]) -> anyhow::Result<()> {
        let Some(last) = chunk.last() else { return Ok(()) };
        let (next_seq, clock) = (last.record.seq + 1, last.record.clock);
        if let Some(followed) = self.engines.get_mut(partition) {
            (followed.next_seq, followed.clock) = (next_seq, clock);
        } else {
            let engine = |manner: &Manner| {
                let knowledge = manner.preparer.knowledge().clone();
                Engine::new(partition.clone(), Arc::clone(&manner.config), knowledge)
            };
            let engines = [engine(self.manners[0])?, engine(self.manners[1])?];
            self.engines.insert(partition.clone(), Followed { engines, next_seq, clock });
        }
        let Some(Followed { engines, .. }) = self.engines.get_mut(partition) else { return Ok(()) };
        let manners = self.manners;
        let prepare = |StoredComplaint { record, .. }: &StoredComplaint| -> [Prepared; 2] {
            let ComplaintRecord { complaint, callers, content, .. } = record;
            manners.map(|manner| {
                manner.preparer.prepare_stored(Arc::clone(complaint), callers.clone(), *content)
            })
        };
        let prepared: Vec<[Prepared; 2]> = self.pool.install(|| chunk.par_iter().map(prepare).collect());
        for (stored, prepared) in chunk.iter().zip(prepared) {
            let ComplaintRecord { complaint, version, clock, .. } = &stored.record;
            let mut effects = [Effects::default(), Effects::default()];
            for ((engine, prepared), effects) in engines.iter_mut().zip(prepared).zip(&mut effects) {
                engine.apply(Arrival { prepared, version: *version, reached: *clock }, effects);
            }
            self.read.entries += 1;
            self.read.count(complaint.received_at, &self.period);
            if self.period.contains(complaint.received_at) {
                let is_grouped = |effects: &Effects| {
                    effects.complaints.iter().any(|record| record.decision.group.group.is_some())
                };
                *match (is_grouped(&effects[0]), is_grouped(&effects[1])) {
                    (true, true) => &mut self.grouped.both,
                    (true, false) => &mut self.grouped.only_in_force,
                    (false, true) => &mut self.grouped.only_tried,
                    (false, false) => &mut self.grouped.neither,
                } += 1;
            }
            for (book, effects) in self.books.iter_mut().zip(&effects) {
                effects.alerts.iter().for_each(|alert| book.take(alert, &self.period));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::daemon::core;
    use crate::generate::{GenerateConfig, Generator};
    use crate::model::{Commit, Level};
    use crate::source::decode::{DecodeConfig, Decoder};
    use crate::store::StoreConfig;
    use crate::store::sqlite::SqliteStore;

    fn manner(change: impl FnOnce(&mut EngineConfig)) -> Manner {
        let mut config = EngineConfig::default();
        change(&mut config);
        let knowledge = core::knowledge(&core::RulesConfig::default(), &config).unwrap();
        let preparer = core::preparer(knowledge, &SecretString::from("sixteen bytes at least")).unwrap();
        Manner { config: Arc::new(config), preparer }
    }

    /// A daemon that takes in a generated stream.
    struct Daemon<'a> {
        store: &'a SqliteStore,
        engine: Engine,
        commits: u64,
    }

    impl Daemon<'_> {
        fn take(&mut self, manner: &Manner, events: impl Iterator<Item = crate::generate::Generated>) {
            let decoder = Decoder::new(DecodeConfig::default()).unwrap();
            let mut effects = Effects::default();
            for event in events {
                let mut bytes = Vec::new();
                event.write_json(&mut bytes);
                let decoded = decoder.decode(&bytes, Timestamp::MAX).unwrap();
                let prepared = manner.preparer.prepare(decoded.complaint, decoded.content);
                let reached = prepared.complaint.received_at;
                self.engine.apply(Arrival { prepared, version: 1, reached }, &mut effects);
            }
            let mut commit = Commit::new("main".into(), self.commits, Timestamp::UNIX_EPOCH);
            self.commits += 1;
            commit.clock = self.engine.status().clock;
            commit.incidents = self.engine.incidents(&mut effects);
            (commit.complaints, commit.regrouped, commit.aliases) =
                (effects.complaints, effects.regrouped, effects.merged);
            self.store.commit(&commit, &[]).unwrap();
        }
    }

    #[test]
    fn other_settings_are_told_apart_and_following_is_as_good_as_reading_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&StoreConfig::at(folder.path())).unwrap();
        let in_force = manner(|_| ());
        let tried =
            manner(|config| config.group.steps = crate::model::GrowthSteps::new(vec![2, 4, 9, 20]).unwrap());
        let engine =
            Engine::new("main".into(), Arc::clone(&in_force.config), in_force.preparer.knowledge().clone());
        let mut daemon = Daemon { store: &store, engine: engine.unwrap(), commits: 0 };
        let stream = GenerateConfig { updates: 0.0, repeats: 0.0, ..GenerateConfig::spread(300, 10) };
        let mut events = Generator::new(stream).unwrap();

        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let zone = in_force.config.zone().unwrap();
        let new = |tried| {
            let period = Period::new(None, None, zone.clone()).unwrap();
            Shadow::new([&in_force, tried], &pool, period)
        };
        let mut following = new(&tried);
        assert_eq!(following.catch_up(&store, &mut |_| ()).unwrap(), 0);
        for size in [120, 1, 179] {
            daemon.take(&in_force, events.by_ref().take(size));
            assert_eq!(following.catch_up(&store, &mut |_| ()).unwrap(), size as u64);
            assert_eq!(following.catch_up(&store, &mut |_| ()).unwrap(), 0, "nothing is read twice");
        }
        let mut at_once = new(&tried);
        at_once.catch_up(&store, &mut |_| ()).unwrap();
        let told = following.told(3);
        assert_eq!(told, at_once.told(3));
        assert!(!told.is_same());
        assert!(told.incidents.new > 0 && told.incidents.lost == 0, "two people are enough: {told:?}");
        assert!(told.incidents.new_samples.iter().all(|case| case.level <= Level::Blue && case.callers == 2));
        let Grouped { both, only_in_force, only_tried, neither } = told.grouped;
        assert_eq!((both + neither, only_in_force, only_tried), (300, 0, 0), "steps group nothing");
        assert_ne!(told.grouping[0], told.grouping[1]);

        let mut same = new(&in_force);
        same.catch_up(&store, &mut |_| ()).unwrap();
        assert!(same.told(3).is_same());
    }
}
