//! Two processes on one store.

use std::sync::Arc;

use fenghuo::daemon::pipeline::{NoProbe, Stop};

use super::crashes::undisturbed;
use super::world::{Stream, World};

/// What a former owner of a log still has in hand is given up, and the clients that it serves alone
/// make it end loudly instead of dropping one batch after the other.
#[test]
fn who_was_overtaken_commits_nothing() {
    let stream = Stream::generate(15, 80);
    let expected = undisturbed(&stream, 10);
    let mut world = World::new(&stream);
    let mut former = world.start(Arc::new(NoProbe));
    former.pipeline.build_known().unwrap();
    world.feed_one(&mut former, 10).unwrap();
    let mut owner = world.start(Arc::new(NoProbe));
    world.feed(&mut owner, 10).unwrap();

    let overtaken = world.feed_late(&mut former);
    let Err(Stop::Fatal(error)) = overtaken else { panic!("went on: {overtaken:?}") };
    assert!(format!("{error:#}").starts_with("another daemon uses this data folder; "), "{error:#}");
    assert!(former.is_overtaken(), "the log is given up");
    drop(former);
    world.end(owner).assert_same(&expected, "a run with two processes");
}
