//! A small table of sums by complaint, used again for each new complaint.

/// More slots than entries a complaint looks at, twice over, so that chains stay short.
const SLOTS: usize = 1024;

/// Sums by sequence number. Emptied in no time: a slot counts only in the round it was filled in.
#[derive(Debug)]
pub(super) struct Sums {
    slots: Box<[Slot]>,
    filled: Vec<u16>,
    round: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    seq: u64,
    sum: u64,
    round: u32,
}

impl Default for Sums {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); SLOTS].into(), filled: Vec::new(), round: 0 }
    }
}

impl Sums {
    /// At most this many different numbers fit, with room for short chains.
    pub(super) const ROOM: usize = SLOTS / 2;

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.filled.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            // Slots of four billion rounds ago would count again.
            self.slots.fill(Slot::default());
            self.round = 1;
        }
    }

    /// Adds to the sum of a complaint; no more than [`Sums::ROOM`] different ones a round.
    pub(super) fn add(&mut self, seq: u64, weight: u64) {
        // Neighbouring numbers fall into neighbouring slots, which is what postings hold.
        let mut at = seq as usize % SLOTS;
        loop {
            let slot = &mut self.slots[at];
            if slot.round != self.round {
                debug_assert!(self.filled.len() < Self::ROOM, "too many for the table");
                *slot = Slot { seq, sum: weight, round: self.round };
                self.filled.push(at as u16);
                return;
            }
            if slot.seq == seq {
                slot.sum += weight;
                return;
            }
            at = (at + 1) % SLOTS;
        }
    }

    /// Sums with their complaints, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.filled.iter().map(|&at| {
            let slot = &self.slots[usize::from(at)];
            (slot.sum, slot.seq)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn sums_as_a_map_does(
            rounds in proptest::collection::vec(
                proptest::collection::vec((0_u64..3000, 1_u64..9), 0..Sums::ROOM), 1..4),
        ) {
            let mut sums = Sums::default();
            for round in rounds {
                sums.clear();
                let mut map: BTreeMap<u64, u64> = BTreeMap::new();
                for (seq, weight) in round {
                    sums.add(seq, weight);
                    *map.entry(seq).or_default() += weight;
                }
                let found: BTreeMap<u64, u64> = sums.iter().map(|(sum, seq)| (seq, sum)).collect();
                proptest::prop_assert_eq!(found, map);
            }
        }
    }
}
