//! Where a batch ends must not matter.

use super::crashes::undisturbed;
use super::world::Stream;

#[test]
fn batch_borders_change_nothing() {
    for stream in [Stream::generate(13, 200), Stream::generate(14, 200).with_short_memory()] {
        let expected = undisturbed(&stream, 1);
        for size in [7, 64, 1000] {
            undisturbed(&stream, size).assert_same(&expected, &format!("a run with batches of {size}"));
        }
    }
}
