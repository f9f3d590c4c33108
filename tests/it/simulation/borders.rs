//! Where a batch ends, and how many threads prepare it, must not matter.

use std::sync::Arc;

use fenghuo::daemon::pipeline::NoProbe;
use proptest::prelude::*;

use super::crashes::undisturbed;
use super::world::{Stream, World};

#[test]
fn batch_borders_change_nothing() {
    for stream in [Stream::generate(13, 200), Stream::generate(14, 200).with_short_memory()] {
        let expected = undisturbed(&stream, 1);
        for size in [7, 64, 1000] {
            undisturbed(&stream, size).assert_same(&expected, &format!("a run with batches of {size}"));
        }
    }
}

proptest! {
    // A case is two runs of a pipeline with a store, which takes a second.
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_ends_the_same_with_any_batches_and_threads(
        seed in any::<u64>(),
        sizes in proptest::collection::vec(1..60_usize, 1..6),
        threads in 1..5_usize,
        is_forgetful in any::<bool>(),
    ) {
        let stream = Stream::generate(seed, 90);
        let stream = if is_forgetful { stream.with_short_memory() } else { stream };
        let expected = undisturbed(&stream, 90);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| {
            let mut world = World::new(&stream);
            let mut life = world.start(Arc::new(NoProbe));
            life.pipeline.build_known().unwrap();
            for size in sizes.iter().cycle() {
                if world.is_over(&life) {
                    break;
                }
                world.feed_one(&mut life, *size).unwrap();
            }
            world.end(life)
        });
        found.assert_same(&expected, &format!("seed {seed} in batches of {sizes:?} on {threads} threads"));
    }
}

#[test]
fn an_engine_is_the_same_built_from_what_was_read_or_read_again() {
    let stream = Stream::generate(51, 150);
    let mut world = World::new(&stream);
    let mut life = world.start(Arc::new(NoProbe));
    world.feed(&mut life, 16).unwrap();
    let running = life.engines();
    drop(life);
    let built = |world: &World<'_>| {
        let mut life = world.start(Arc::new(NoProbe));
        life.pipeline.build_known().unwrap();
        // Builds the engine of the log as well, which is its own again.
        life.pipeline.tick().unwrap();
        life.engines()
    };
    assert!(built(&world) == running, "what was read is read back");
    assert!(world.forget_readings() > 100);
    assert!(built(&world) == running, "and read again");
}
