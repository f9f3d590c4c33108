//! A random row of commits, deliveries and failures does to the store what it does to a plain model.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::Positions;
use crate::store::CommitError;

const COMPLAINTS: u8 = 8;
const GROUPS: u8 = 4;

#[derive(Debug, Clone)]
struct Batch {
    complaints: Vec<(u8, Option<u8>)>,
    regrouped: Vec<(u8, Option<u8>)>,
    alias: Option<(u8, u8)>,
    alerts: Vec<u8>,
    letters: u8,
    spoilt: Option<Spoilt>,
}

/// What makes a batch fail; each is met at another step of the transaction.
#[derive(Debug, Clone, Copy)]
enum Spoilt {
    Position,
    Fence,
    ImpossibleTime,
    ToldAlready,
    GroupIntoItself,
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Batch),
    Deliver { robot: bool, outcome: u8 },
    Reopen,
}

fn batches() -> impl Strategy<Value = Batch> {
    let member = || (0..COMPLAINTS, prop::option::of(0..GROUPS));
    let spoilt = prop_oneof![
        Just(Spoilt::Position),
        Just(Spoilt::Fence),
        Just(Spoilt::ImpossibleTime),
        Just(Spoilt::ToldAlready),
        Just(Spoilt::GroupIntoItself)
    ];
    (
        prop::collection::vec(member(), 0..4),
        prop::collection::vec(member(), 0..3),
        prop::option::of((0..GROUPS, 0..GROUPS)),
        prop::collection::vec(0..3_u8, 0..3),
        0..2_u8,
        prop::option::weighted(0.3, spoilt),
    )
        .prop_map(|(complaints, regrouped, alias, alerts, letters, spoilt)| Batch {
            complaints,
            regrouped,
            alias: alias.filter(|(old, into)| old != into),
            alerts,
            letters,
            spoilt,
        })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => batches().prop_map(Step::Commit),
        3 => (any::<bool>(), 0..3_u8).prop_map(|(robot, outcome)| Step::Deliver { robot, outcome }),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Debug, Clone, Default)]
struct Model {
    next: u64,
    commits: u64,
    position: Option<i64>,
    /// Number, version and group.
    complaints: BTreeMap<u8, (u64, u32, Option<u8>)>,
    aliases: BTreeMap<u8, u8>,
    told: BTreeMap<u8, u32>,
    /// Undelivered revisions for each sink and alert, oldest first.
    pending: BTreeMap<(bool, u8), Vec<u32>>,
    letters: u64,
}

impl Model {
    fn join(&mut self, complaint: u8, group: Option<u8>) {
        if let Some(group) = group {
            self.aliases.remove(&group);
        }
        self.complaints.get_mut(&complaint).expect("stored").2 = group;
        self.drop_empty();
    }

    fn drop_empty(&mut self) {
        let living: BTreeSet<u8> = self.complaints.values().filter_map(|found| found.2).collect();
        self.aliases.retain(|_, into| living.contains(into));
    }

    /// Applies a batch and makes the commit that should do the same to the store.
    fn apply(&mut self, batch: &Batch, now: i64) -> Commit {
        let mut commit = super::batch(now);
        let to = self.position.unwrap_or(0) + 1;
        commit.positions = vec![delta("a", self.position, to)];
        self.position = Some(to);
        for &(complaint, group) in &batch.complaints {
            let seq = self.next;
            self.next += 1;
            let known = self.complaints.entry(complaint).or_insert((0, 0, None));
            (known.0, known.1) = (seq, known.1 + 1);
            let version = known.1;
            let name = group.map(group_name);
            commit.complaints.push(ComplaintRecord {
                version,
                clock: at(seq.cast_signed()),
                ..record(&format!("c{complaint}"), seq, name.as_deref())
            });
            self.join(complaint, group);
        }
        for &(complaint, group) in &batch.regrouped {
            let id = ComplaintId::from(format!("c{complaint}"));
            commit.regrouped.push((id, group.map(|group| group_name(group).into())));
            if self.complaints.contains_key(&complaint) {
                self.join(complaint, group);
            }
        }
        if let Some((old, into)) = batch.alias {
            commit.aliases.push((group_name(old).into(), group_name(into).into()));
            self.aliases.remove(&into);
            for found in self.complaints.values_mut().filter(|found| found.2 == Some(old)) {
                found.2 = Some(into);
            }
            for target in self.aliases.values_mut().filter(|target| **target == old) {
                *target = into;
            }
            self.aliases.insert(old, into);
            self.drop_empty();
        }
        for &name in &batch.alerts {
            let revision = self.told.entry(name).or_insert(0);
            *revision += 1;
            commit.alerts.push(alert(&format!("A{name}"), *revision));
            for robot in [false, true] {
                self.pending.entry((robot, name)).or_default().push(*revision);
            }
        }
        for _ in 0..batch.letters {
            commit.dead_letters.push(letter(b"bad"));
            self.letters += 1;
        }
        commit
    }
}

fn group_name(group: u8) -> String {
    format!("g{group}")
}

fn spoil(commit: &mut Commit, how: Spoilt, before: &Model) {
    match how {
        Spoilt::Position => commit.positions[0].from = Some(Position(before.position.unwrap_or(0) + 77)),
        Spoilt::Fence => commit.after += 1,
        Spoilt::ImpossibleTime => {
            let far: Timestamp = "9000-01-01T00:00:00Z".parse().unwrap();
            commit.dead_letters.push(DeadLetter { seen_at: far, ..letter(b"far") });
        }
        Spoilt::ToldAlready => {
            commit.alerts.push(alert("twice", 1));
            commit.alerts.push(alert("twice", 1));
        }
        Spoilt::GroupIntoItself => commit.aliases.push(("same".into(), "same".into())),
    }
}

fn assert_same(store: &SqliteStore, model: &Model) {
    assert_eq!(store.position("a").unwrap().map(|position| position.0), model.position);
    let mut order: Vec<(u64, String)> = Vec::new();
    for complaint in 0..COMPLAINTS {
        let id = format!("c{complaint}");
        let found = store.complaint(&id.as_str().into()).unwrap();
        let found = found.map(|found| (found.record.seq, found.record.version, found.group));
        let wanted = model.complaints.get(&complaint).copied();
        assert_eq!(
            found,
            wanted.map(|(seq, version, group)| (seq, version, group.map(|group| group_name(group).into()))),
            "{id}"
        );
        order.extend(wanted.map(|(seq, ..)| (seq, id)));
    }
    order.sort();
    let ids: Vec<String> = order.iter().map(|(_, id)| id.clone()).collect();
    assert_eq!(window(store, at(0)), ids);
    for group in 0..GROUPS {
        let living = model.complaints.values().any(|found| found.2 == Some(group));
        let resolved = if living { Some(group) } else { model.aliases.get(&group).copied() };
        let name = GroupId::from(group_name(group));
        assert_eq!(store.resolve_group(&name).unwrap(), resolved.map(|group| group_name(group).into()));
        let members = model.complaints.iter().filter(|(_, found)| resolved.is_some() && found.2 == resolved);
        assert_eq!(store.group_members(&name).unwrap().len(), members.count());
    }
    for (name, told) in &model.told {
        let revisions: Vec<u32> =
            store.alert(&format!("A{name}").into()).unwrap().iter().map(|alert| alert.revision).collect();
        assert_eq!(revisions, (1..=*told).collect::<Vec<_>>());
    }
    let counts = store.counts().unwrap();
    let pending: usize = model.pending.values().map(Vec::len).sum();
    assert_eq!(counts.outbox_pending, pending as u64);
    assert_eq!(counts.dead_letters.get("invalid_json").copied().unwrap_or(0), model.letters);
}

fn run(steps: Vec<Step>) {
    let (folder, mut store) = fresh();
    let mut model = Model::default();
    // Leases end and retries fall due between two steps.
    for (now, step) in (1..).step_by(100).zip(steps) {
        match step {
            Step::Commit(batch) => {
                let mut after = model.clone();
                let mut commit = after.apply(&batch, now);
                commit.after = model.commits;
                if let Some(how) = batch.spoilt {
                    spoil(&mut commit, how, &model);
                    let error = store.commit(&commit, &sinks()).unwrap_err();
                    let lost = matches!(how, Spoilt::Position | Spoilt::Fence | Spoilt::ToldAlready);
                    assert_eq!(matches!(error, CommitError::Lost { .. }), lost, "{how:?}: {error}");
                } else {
                    store.commit(&commit, &sinks()).unwrap();
                    model = after;
                    model.commits += 1;
                }
            }
            Step::Deliver { robot, outcome } => deliver(&store, &mut model, robot, outcome, now),
            Step::Reopen => {
                drop(store);
                store = SqliteStore::open(&quick(&folder)).unwrap();
            }
        }
        assert_same(&store, &model);
    }
    assert_sound(&store);
}

fn deliver(store: &SqliteStore, model: &mut Model, robot: bool, outcome: u8, now: i64) {
    let sink = if robot { "robot" } else { "centre" };
    let rows = store.due(at(now), sink, 100, "me", at(now + 50)).unwrap();
    let mut got: Vec<(String, u32)> =
        rows.iter().map(|row| (row.alert.id.to_string(), row.alert.revision)).collect();
    got.sort();
    let oldest = |((_, name), waiting): (&(bool, u8), &Vec<u32>)| {
        waiting.first().map(|revision| (format!("A{name}"), *revision))
    };
    let wanted: Vec<(String, u32)> =
        model.pending.iter().filter(|((to, _), _)| *to == robot).filter_map(oldest).collect();
    assert_eq!(got, wanted);
    for row in rows {
        let name: u8 = row.alert.id.as_str()[1..].parse().unwrap();
        match outcome {
            0 => assert!(store.delivered(&row, at(now), "200").unwrap()),
            1 => assert!(store.refused(&row, &letter(b"refused")).unwrap().is_some()),
            _ => {
                assert!(store.retry_at(&row, at(now + 60), "503").unwrap());
                continue;
            }
        }
        model.letters += u64::from(outcome);
        model.pending.get_mut(&(robot, name)).expect("pending").remove(0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(steps in prop::collection::vec(steps(), 1..24)) {
        run(steps);
    }
}
