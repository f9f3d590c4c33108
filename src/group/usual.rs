//! How many people usually call about a matter where it is: what is chronic there is no news.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};

use crate::model::{PlaceKind, Usual};

use super::grams;
use super::members::Group;
use super::people::People;
use super::{Grouper, Open};

/// Of the complaints of one kind at one place so many are looked at, the newest. Bounds the work; it is asked
/// only when an incident opens.
const LOOKED_AT: usize = 2048;

/// By what complaints of one category at one site are found.
pub(super) fn of_kind(category: NonZeroU32, site: u32) -> u32 {
    grams::hash(u64::from(category.get()) << 32 | u64::from(site))
}

impl Grouper {
    /// How many distinct callers a window of `window_days` had, on average over the whole windows before the one that ends at
    /// `until`, among the group's own members and the complaints of its category at its place. `None` when
    /// it is not known yet, because fewer than one whole window is open before, or when it rounds to nobody.
    ///
    /// The plain mean of past windows, as EARS and its kin take for their base line (Hutwagner et al. 2003,
    /// doi:10.1093/jurban/jtg042), yet no test of significance on top: those miss small true groups.
    pub fn usual(&self, group: &Group, until: Timestamp) -> Option<Usual> {
        let span = SignedDuration::from_hours(24 * i64::from(self.config().window_days));
        let since = until.checked_sub(span).ok()?;
        let first = self.window.iter().next()?.clock;
        let whole = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs() / span.as_secs();
        let windows = usize::try_from(whole(first, since)).ok().filter(|windows| *windows > 0)?;
        let mut people = vec![People::default(); windows];
        for open in self.of_its_kind(group) {
            if open.at < since
                && let Ok(window) = usize::try_from(whole(open.at, since))
                && let Some(people) = people.get_mut(window)
            {
                people.call(open.at, &open.callers);
            }
        }
        let callers: u32 = people.iter().map(People::count).sum();
        let mean = f64::from(callers) / windows as f64;
        (mean >= 0.5).then_some(Usual { callers: mean as f32, windows: windows as u32 })
    }

    /// The group's members, and the open complaints of the category of its central one that name its place.
    fn of_its_kind(&self, group: &Group) -> Vec<&Open> {
        let mut found: Vec<u64> = group.members().rev().take(LOOKED_AT).collect();
        if let Some(central) = self.central(group)
            && let Some(category) = central.category
        {
            let is_site = |kind| matches!(kind, PlaceKind::Site | PlaceKind::Road);
            let sites = central.named_places().filter(|(kind, _)| is_site(*kind));
            for (_, name) in sites {
                let Some((_, holders)) = self.postings.holders(of_kind(category, grams::hash_name(name)))
                else {
                    continue;
                };
                self.postings.newest(holders, LOOKED_AT, |seq| {
                    // Two keys may be one number: the category decides.
                    let is_of_kind = |open: &&Open| open.category == Some(category);
                    found.extend(self.window.get(seq).filter(is_of_kind).map(|_| seq));
                });
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|seq| self.window.get(seq)).collect()
    }
}
