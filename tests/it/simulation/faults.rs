//! Faults of the program, and complaints that change their engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fenghuo::daemon::pipeline::{Killed, NoProbe, Probe, Step, Stop};
use fenghuo::model::{ComplaintId, PartitionKey, Position};
use fenghuo::source::{Lease, Record};
use fenghuo::store::{DeadLetterFilter, Store as _};

use super::crashes::undisturbed;
use super::world::{DESK, LOG, Life, Stream, World, record};

/// Panics on one complaint.
struct FailOn {
    id: &'static str,
    in_fold: bool,
    failed: AtomicUsize,
}

impl Probe for FailOn {
    fn at(&self, _: Step) -> Result<(), Killed> {
        Ok(())
    }

    fn preparing(&self, record: &Record) {
        let needle = format!("\"{}\"", self.id);
        if !self.in_fold && String::from_utf8_lossy(&record.raw).contains(&needle) {
            self.failed.fetch_add(1, Ordering::Relaxed);
            panic!("a fault in preparing");
        }
    }

    fn folding(&self, id: &ComplaintId) {
        if self.in_fold && (self.id == "*" || id.as_str() == self.id) {
            self.failed.fetch_add(1, Ordering::Relaxed);
            panic!("a fault in folding");
        }
    }
}

#[test]
fn a_record_on_which_the_program_fails_is_put_aside_and_spoils_nothing() {
    let stream = Stream::generate(41, 150).with_short_memory();
    let victim: &'static str = stream.ids.iter().nth(60).unwrap().to_string().leak();
    let expected = undisturbed(&stream.without(victim), 16);
    for in_fold in [false, true] {
        let mut world = World::new(&stream);
        let probe = Arc::new(FailOn { id: victim, in_fold, failed: AtomicUsize::new(0) });
        let mut life = world.start(Arc::clone(&probe) as Arc<dyn Probe>);
        world.feed(&mut life, 16).unwrap();
        assert!(probe.failed.load(Ordering::Relaxed) > 0);
        let letters = world.store().dead_letters(&DeadLetterFilter::default(), 1000).unwrap();
        let faults: Vec<_> =
            letters.iter().filter(|letter| letter.reason.as_str() == "program_fault").collect();
        assert!(!faults.is_empty());
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                faults[0].detail.replace("preparing", "…").replace("folding", "…"),
                @"the program failed on this event (a fault in …); please report it, and redrive after an update"
            );
        }
        let faulty: Vec<String> = faults.iter().map(|letter| letter.detail.clone()).collect();
        let mut ending = world.end_without(life, victim);
        ending.letters.retain(|(_, detail)| !faulty.contains(detail));
        ending.assert_same(&expected, "a run with a fault");
    }
}

#[test]
fn a_program_that_fails_on_everything_stops() {
    let stream = Stream::generate(42, 60);
    let mut world = World::new(&stream);
    let mut life = world.start(Arc::new(FailOn { id: "*", in_fold: true, failed: AtomicUsize::new(0) }));
    let stopped = world.feed(&mut life, 16);
    let Err(Stop::Fatal(error)) = stopped else { panic!("went on: {stopped:?}") };
    assert!(error.to_string().starts_with("the program fails on one record after the other"), "{error}");
    drop(life);
    // After an update everything is there.
    let mut life = world.start(Arc::new(NoProbe));
    world.feed(&mut life, 16).unwrap();
    world.end(life).assert_same(&undisturbed(&stream, 16), "a run after an update");
}

/// The second version of a complaint comes by another way: it counts there and no longer here.
#[test]
fn a_complaint_counts_in_one_engine_only() {
    let stream = Stream::of_log(43, 0);
    let world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    life.pipeline.build_known().unwrap();
    let event = |id: usize, said: &str| {
        format!(
            r#"{{"id": "m{id}", "received_at": "2026-03-0{}T08:00:00+08:00", "caller": {{"phone": "1390000000{id}"}},
                "text": "{said}永安里小区停水三天了，聚宝盆公司高息集资不还钱", "place": {{"site": "永安里小区"}}}}"#,
            id + 1
        )
        .into_bytes()
    };
    let mut next = 0;
    let mut log = |life: &mut Life, raw: &[u8]| {
        next += 1;
        let lease = life.lease().clone();
        life.pipeline.process(vec![record(LOG, raw, Some(Position(next)), lease, None)]).unwrap();
    };
    for id in 0..4 {
        log(&mut life, &event(id, ""));
    }
    let whole = describe(&mut life, LOG);
    life.pipeline.process(vec![record(DESK, &event(3, "更正："), None, Lease::default(), None)]).unwrap();
    assert_ne!(describe(&mut life, LOG), whole, "it has left");
    assert_eq!(world.store().complaint(&"m3".into()).unwrap().unwrap().partition, PartitionKey::from(DESK));
    // Both engines go on, and are as they would be after a restart.
    log(&mut life, &event(4, ""));
    let engines = [LOG, DESK].map(|name| describe(&mut life, name));
    drop(life);
    let mut life = world.start(Arc::new(NoProbe));
    life.pipeline.build_known().unwrap();
    life.pipeline.tick().unwrap();
    assert_eq!([LOG, DESK].map(|name| describe(&mut life, name)), engines);
}

fn describe(life: &mut Life, name: &str) -> String {
    life.pipeline.describe(&PartitionKey::from(name)).unwrap()
}
