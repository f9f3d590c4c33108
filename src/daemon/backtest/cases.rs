//! The alerts that a run has raised, one entry for each case or incident.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::model::{Alert, AlertBody, AlertId, AlertKind, AlertState, ComplaintId, Level, PartitionKey};

use super::period::Period;

/// A risk case or a group incident, over all that was told of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Its id. Two packs may give the same case different ones, when it begins with another complaint.
    pub id: AlertId,
    /// When it was first told.
    pub raised_at: Timestamp,
    /// The highest level it has reached.
    pub level: Level,
    /// The title of the last alert before its end.
    pub title: String,
    /// The most callers that were told.
    pub callers: u32,
    /// The rules of its hits; none for a group incident.
    pub rules: BTreeSet<String>,
}

/// The cases that a pack would have raised.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cases {
    /// How many.
    pub count: u64,
    /// How many of each level, by the highest that each has reached.
    pub levels: BTreeMap<Level, u64>,
    /// Alerts about them, one for each revision.
    pub alerts: u64,
    /// Some of them, those of the highest levels first.
    pub samples: Vec<Case>,
}

/// What is different between the cases of two packs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CaseChanges {
    /// Cases that only the new pack raises.
    pub new: u64,
    /// Cases that only the old pack raises.
    pub lost: u64,
    /// Cases that reach another level.
    pub changed: u64,
    /// Cases that both raise with one level.
    pub same: u64,
    /// Some that are new.
    pub new_samples: Vec<Case>,
    /// Some that are lost.
    pub lost_samples: Vec<Case>,
    /// Some of another level: before and after.
    pub changed_samples: Vec<(Case, Case)>,
}

impl CaseChanges {
    /// Whether both packs raise the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new + self.lost + self.changed == 0
    }
}

#[derive(Clone)]
struct Entry {
    case: Case,
    kind: AlertKind,
    partition: PartitionKey,
    entity: Option<String>,
    members: BTreeSet<ComplaintId>,
    /// Alerts within the period.
    told: u64,
}

/// Takes alerts down while the history passes.
#[derive(Clone, Default)]
pub(super) struct CaseBook(BTreeMap<AlertId, Entry>);

impl CaseBook {
    pub(super) fn take(&mut self, alert: &Alert, period: &Period) {
        let entry = self.0.entry(alert.id.clone()).or_insert_with(|| Entry {
            case: Case {
                id: alert.id.clone(),
                raised_at: alert.raised_at,
                level: alert.level,
                title: alert.title.clone(),
                callers: alert.callers,
                rules: BTreeSet::new(),
            },
            kind: alert.kind,
            partition: alert.partition.clone(),
            entity: None,
            members: BTreeSet::new(),
            told: 0,
        });
        entry.told += u64::from(period.contains(alert.raised_at));
        entry.members.extend(alert.members.iter().cloned());
        let case = &mut entry.case;
        case.level = case.level.max(alert.level);
        case.callers = case.callers.max(alert.callers);
        if alert.state != AlertState::Resolved {
            case.title.clone_from(&alert.title);
        }
        if let AlertBody::Risk(risk) = &alert.body {
            entry.entity.clone_from(&risk.entity);
            case.rules.extend(risk.hits.iter().map(|(_, hit)| hit.rule.clone()));
        }
    }

    /// The risk cases of which something was told within the period.
    pub(super) fn risks(self, samples: usize) -> Cases {
        let mut cases = Cases::default();
        for entry in self.0.into_values() {
            if entry.kind != AlertKind::FinancialRisk || entry.told == 0 {
                continue;
            }
            cases.count += 1;
            cases.alerts += entry.told;
            *cases.levels.entry(entry.case.level).or_default() += 1;
            cases.samples.push(entry.case);
        }
        order(&mut cases.samples);
        cases.samples.truncate(samples);
        cases
    }

    /// What is different: risk cases, then group incidents. What a rule says of a company is part of
    /// how complaints are grouped.
    pub(super) fn compare(old: Self, new: Self, samples: usize) -> (CaseChanges, CaseChanges) {
        let [mut risks, mut incidents] = [CaseChanges::default(), CaseChanges::default()];
        let mut left = Unmatched::new(new);
        for was in old.0.into_values() {
            let is = left.take_like(&was);
            let changes = if was.kind == AlertKind::FinancialRisk { &mut risks } else { &mut incidents };
            match is {
                Some(is) if was.told + is.told == 0 => {}
                Some(is) if is.case.level == was.case.level => changes.same += 1,
                Some(is) => {
                    changes.changed += 1;
                    changes.changed_samples.push((was.case, is.case));
                }
                None if was.told == 0 => {}
                None => {
                    changes.lost += 1;
                    changes.lost_samples.push(was.case);
                }
            }
        }
        for is in left.entries.into_iter().flatten().filter(|entry| entry.told > 0) {
            let changes = if is.kind == AlertKind::FinancialRisk { &mut risks } else { &mut incidents };
            changes.new += 1;
            changes.new_samples.push(is.case);
        }
        for changes in [&mut risks, &mut incidents] {
            order(&mut changes.new_samples);
            order(&mut changes.lost_samples);
            changes.changed_samples.sort_by_key(|(_, is)| is.raised_at);
            changes.new_samples.truncate(samples);
            changes.lost_samples.truncate(samples);
            changes.changed_samples.truncate(samples);
        }
        (risks, incidents)
    }
}

/// What a case can be recognised by under another pack.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Mark {
    Member(ComplaintId),
    Company(String),
}

type Key = (AlertKind, PartitionKey, Mark);

impl Entry {
    fn key(&self, mark: Mark) -> Key {
        (self.kind, self.partition.clone(), mark)
    }

    fn marks(&self) -> impl Iterator<Item = Key> {
        let members = self.members.iter().map(|id| Mark::Member(id.clone()));
        members.chain(self.entity.iter().map(|name| Mark::Company(name.clone()))).map(|mark| self.key(mark))
    }
}

/// Cases of the new pack that none of the old one was found to be the same as.
struct Unmatched {
    entries: Vec<Option<Entry>>,
    by_mark: FxHashMap<Key, Vec<usize>>,
}

impl Unmatched {
    fn new(book: CaseBook) -> Self {
        let entries: Vec<Option<Entry>> = book.0.into_values().map(Some).collect();
        let mut by_mark: FxHashMap<Key, Vec<usize>> = FxHashMap::default();
        for (place, entry) in entries.iter().enumerate() {
            for key in entry.iter().flat_map(Entry::marks) {
                by_mark.entry(key).or_default().push(place);
            }
        }
        Self { entries, by_mark }
    }

    /// The same case: the one about most of the same complaints, or at least about the same company. Ids
    /// do not tell, since a case may begin with another complaint.
    fn take_like(&mut self, was: &Entry) -> Option<Entry> {
        let mut shared: BTreeMap<usize, u32> = BTreeMap::new();
        for key in was.marks() {
            for place in self.by_mark.get(&key).into_iter().flatten() {
                *shared.entry(*place).or_default() += 1;
            }
        }
        // Of equals the nearest in time: a company may have had a case before.
        let apart = |entry: &Entry| entry.case.raised_at.duration_since(was.case.raised_at).abs();
        let open = shared.into_iter().filter_map(|(place, count)| {
            let entry = self.entries[place].as_ref()?;
            Some((count, Reverse(apart(entry)), Reverse(place)))
        });
        let (_, _, Reverse(place)) = open.max()?;
        self.entries[place].take()
    }
}

/// The highest level first, then the earliest.
fn order(cases: &mut [Case]) {
    cases.sort_by_key(|case| (Reverse(case.level), case.raised_at));
}
