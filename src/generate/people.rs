//! Callers: accounts, phones, and what an event tells of them.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::model::ReportedCaller;

/// A person, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Person(pub(super) u32);

/// How many people there can be: their phones must be all different.
pub(super) const MOST_PEOPLE: u32 = 600_000;

impl Person {
    /// A number that nobody can have: four zeros after the three digits of the network.
    pub(super) fn phone(self) -> String {
        phone(self.0)
    }

    /// Every sixteenth person calls from a second phone now and then.
    fn second_phone(self) -> Option<String> {
        self.0.is_multiple_of(16).then(|| phone(MOST_PEOPLE + self.0 / 16))
    }

    fn account(self) -> String {
        // A walk through seven digits that meets every number once.
        format!("KH{:07}", (u64::from(self.0) * 7_654_321 + 1_234_567) % 9_999_991)
    }

    /// What an event says of its caller. The account is written out as null when it is not known.
    pub(super) fn reported(self, rng: &mut ChaCha8Rng) -> ReportedCaller {
        let mut caller = ReportedCaller::default();
        match (self.second_phone(), rng.random_range(0..10)) {
            // The second phone, and the event says whose it is.
            (Some(second), 0..5) => {
                caller.phone = Some(second);
                caller.also = vec![self.phone(), self.account()];
            }
            (_, 0..6) => {
                caller.id = Some(self.account());
                caller.phone = Some(self.phone());
            }
            (_, 6..9) => caller.id = Some(self.account()),
            // A phone alone would hide that the account is the same person, so the event tells it.
            _ => {
                caller.phone = Some(self.phone());
                caller.also = vec![self.account()];
            }
        }
        caller
    }
}

fn phone(number: u32) -> String {
    let network = number / 10_000;
    format!("1{}{}0000{:04}", 3 + network / 10 % 7, network % 10, number % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_and_accounts_are_different_for_different_people() {
        let most = MOST_PEOPLE + MOST_PEOPLE / 16;
        let phones: std::collections::BTreeSet<String> = (0..most).map(phone).collect();
        assert_eq!(phones.len(), most as usize);
        assert!(phones.iter().all(|phone| phone.len() == 11 && &phone[3..7] == "0000"));
        let accounts: std::collections::BTreeSet<String> =
            (0..MOST_PEOPLE).map(|person| Person(person).account()).collect();
        assert_eq!(accounts.len(), MOST_PEOPLE as usize);
    }
}
