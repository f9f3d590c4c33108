//! Kills at every step.

use std::sync::Arc;

use fenghuo::daemon::pipeline::{NoProbe, Stop};

use super::ending::Ending;
use super::world::{KillAt, Stream, World};

/// A run that nobody disturbs.
pub(super) fn undisturbed(stream: &Stream, size: usize) -> Ending {
    let mut world = World::new(stream);
    let mut life = world.start(Arc::new(NoProbe));
    world.feed(&mut life, size).unwrap();
    world.end(life)
}

#[test]
fn killed_once_at_any_step_it_ends_as_if_nothing_had_happened() {
    kill_once_at_any_step(&Stream::generate(11, 150));
}

#[test]
fn the_same_while_complaints_close_and_incidents_end() {
    kill_once_at_any_step(&Stream::generate(21, 150).with_short_memory());
}

#[test]
fn the_same_while_groups_become_one() {
    let stream = Stream::generate(33, 150);
    assert!(undisturbed(&stream, 16).merged > 0, "take another seed: no groups of this stream become one");
    kill_once_at_any_step(&stream);
}

fn kill_once_at_any_step(stream: &Stream) {
    let expected = undisturbed(stream, 16);
    assert!(expected.accepted.len() > 8, "the stream has alerts: {:?}", expected.accepted.keys());
    for step in 0.. {
        let mut world = World::new(stream);
        let mut life = world.start(KillAt::new(Some(step)));
        let result = world.feed(&mut life, 16).and_then(|()| life.rest());
        match result {
            Ok(()) => {
                assert!(step > 40, "every step of every batch was killed, {step} in all");
                break;
            }
            Err(Stop::Killed(_)) => drop(life),
            Err(stop) => panic!("{stop}"),
        }
        // What was told before the crash is on its way or not; half of it is, and not noted.
        world.deliver(Some(1 + step % 3));
        let mut life = world.start(Arc::new(NoProbe));
        world.feed(&mut life, 5).unwrap();
        world.end(life).assert_same(&expected, &format!("a run killed at step {step}"));
    }
}

#[test]
fn killed_at_every_step_of_every_batch_in_turn_it_ends_as_if_nothing_had_happened() {
    let stream = Stream::generate(12, 120).with_short_memory();
    let expected = undisturbed(&stream, 120);
    let mut world = World::new(&stream);
    let mut lives = 0;
    // Each life gets a little further into its first batches, then the next begins anew.
    let last = loop {
        let mut life = world.start(KillAt::new(Some(lives % 11)));
        let size = 3 + lives % 7;
        lives += 1;
        match world.feed(&mut life, size) {
            Ok(()) => break life,
            Err(Stop::Killed(_)) => {}
            Err(stop) => panic!("{stop}"),
        }
        drop(life);
        world.deliver(Some(lives % 4 + 1));
    };
    drop(last);
    let mut life = world.start(Arc::new(NoProbe));
    world.feed(&mut life, 1).unwrap();
    assert!(lives > 30, "{lives} lives");
    world.end(life).assert_same(&expected, "a run killed again and again");
}
