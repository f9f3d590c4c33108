//! How far time has come in an engine that several source partitions feed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

/// The newest event time of each source partition of an engine.
///
/// While one of them is behind (it has records that we have not read), time has come only as far as
/// that one: what another says has happened since must not end quiet periods or make the rest of
/// the backlog late. This is the usual watermark of a stream with several inputs: the least of
/// those that are not idle.
#[derive(Debug, Clone, Default)]
pub(super) struct Clocks(BTreeMap<Arc<str>, Timestamp>);

impl Clocks {
    /// How far time has come with an event of `source` at `at`, the engine's clock standing at
    /// `clock` and the sources `behind` having more.
    pub(super) fn reached(
        &mut self,
        source: &Arc<str>,
        at: Timestamp,
        behind: &[Arc<str>],
        clock: Option<Timestamp>,
    ) -> Timestamp {
        let own = if let Some(newest) = self.0.get_mut(source) {
            *newest = at.max(*newest);
            *newest
        } else {
            self.0.insert(Arc::clone(source), at);
            at
        };
        let mut least = None;
        for other in behind {
            match (self.0.get(other), clock) {
                (Some(newest), _) => {
                    least = Some(least.map_or(*newest, |least: Timestamp| least.min(*newest)));
                }
                // Nothing is known of it yet, so time stands still.
                (None, Some(clock)) => return clock,
                (None, None) => {}
            }
        }
        least.unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(day * 86_400).unwrap()
    }

    #[test]
    fn time_goes_with_the_slowest_of_those_that_have_more() {
        let (one, two): (Arc<str>, Arc<str>) = (Arc::from("one"), Arc::from("two"));
        let mut clocks = Clocks::default();
        let both = [Arc::clone(&one), Arc::clone(&two)];
        assert_eq!(clocks.reached(&one, day(1), &both, None), day(1), "time begins somewhere");
        assert_eq!(clocks.reached(&one, day(9), &both, Some(day(1))), day(1), "the other may bring older");
        assert_eq!(clocks.reached(&two, day(2), &both, Some(day(1))), day(2));
        assert_eq!(clocks.reached(&one, day(10), &both, Some(day(2))), day(2));
        assert_eq!(clocks.reached(&two, day(3), &both, Some(day(2))), day(3));
        assert_eq!(clocks.reached(&one, day(11), &both[..1], Some(day(3))), day(11), "the other is through");
        assert_eq!(
            clocks.reached(&two, day(4), &[], Some(day(11))),
            day(4),
            "the engine's clock stays ahead"
        );
    }

    #[test]
    fn alone_a_source_is_as_far_as_its_newest_event() {
        let one: Arc<str> = Arc::from("one");
        let mut clocks = Clocks::default();
        for behind in [&[][..], &[Arc::clone(&one)]] {
            assert_eq!(clocks.reached(&one, day(5), behind, None), day(5));
            assert_eq!(clocks.reached(&one, day(4), behind, Some(day(5))), day(5));
        }
    }
}
