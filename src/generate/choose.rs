//! Where a complaint is, and which company it names.

use rand::{Rng as _, RngExt as _};

use super::kinds::{Bound, KINDS};
use super::truth::MatterId;
use super::world::{Site, SiteKind};
use super::{Generator, chance};

impl Generator {
    /// Customers of a scheme live anywhere; everything else stays where it is.
    pub(super) fn site_of(&mut self, kind: u16, site: Site) -> Site {
        let kind = &KINDS[usize::from(kind)];
        let anywhere = kind.bound == Bound::Nothing || (kind.bound == Bound::Subject && !kind.premises);
        if anywhere && !kind.at.is_empty() { self.world.any(site.kind, &mut self.rng) } else { site }
    }

    pub(super) fn site_for(&mut self, kind: u16, subject: u64) -> Site {
        let at = &KINDS[usize::from(kind)].at;
        let Some(site_kind) = (!at.is_empty()).then(|| at[self.rng.random_range(0..at.len())]) else {
            return Site { kind: SiteKind::Estate, number: 0 };
        };
        let by_subject =
            KINDS[usize::from(kind)].premises && KINDS[usize::from(kind)].bound == Bound::Subject;
        if by_subject {
            let mut rng = chance(self.config.seed, 0x9023, subject << 16 | u64::from(kind));
            let site_kind = at[rng.random_range(0..at.len())];
            return self.world.any(site_kind, &mut rng);
        }
        self.world.any(site_kind, &mut self.rng)
    }

    /// Where one person's own trouble is: sites take turns, so that strangers seldom share one by
    /// mere chance.
    pub(super) fn single_site(&mut self, kind: u16, subject: u64) -> Site {
        let index = usize::from(kind);
        if KINDS[index].bound != Bound::Site {
            return self.site_for(kind, subject);
        }
        let turn = self.singles[index];
        self.singles[index] += 1;
        let at = &KINDS[index].at;
        let site_kind = at[turn as usize % at.len()];
        self.world.in_turn(site_kind, turn / at.len() as u64 + u64::from(kind) * 37)
    }

    pub(super) fn subject_for(&mut self, kind: u16, planned: bool) -> u64 {
        if KINDS[usize::from(kind)].bound != Bound::Subject {
            return 0;
        }
        // Planned schemes take low numbers and are known widely, one-off ones come from a far
        // larger field, so that they seldom meet by chance.
        let estates = u64::from(self.config.estates());
        let field = if planned { 0..estates / 4 + 8 } else { estates / 4 + 8..estates * 6 };
        self.rng.random_range(field)
    }

    /// The number of the company a complaint names: the matter's own, unless it is the matter.
    pub(super) fn company(&self, kind: u16, site: Site, subject: u64) -> u64 {
        if KINDS[usize::from(kind)].bound == Bound::Subject {
            return subject;
        }
        chance(self.config.seed, 0xC0, MatterId::new(kind, site, 0).number()).next_u64() >> 40
    }
}
