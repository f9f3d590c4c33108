//! Plans for matters: how many complaints, over how long, by which people.

use std::sync::LazyLock;

use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;

use super::kinds::{Bound, KINDS, Kind};
use super::people::Person;
use super::world::{Site, SiteKind};

/// Who complains about a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    /// Several people, some of them more than once.
    Many,
    /// One person again and again, often word for word.
    One,
    /// Many people with one copied text.
    Campaign,
    /// Somebody every day, for ever.
    Chronic,
}

/// The most complaints one person makes about one matter.
const MOST_OF_ONE: u32 = 40;

/// A matter with complaints still to come.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) kind: u16,
    pub(super) site: Site,
    pub(super) subject: u64,
    pub(super) cast: Cast,
    left: u32,
    mean_gap: f64,
    words: u64,
    people: Vec<Person>,
}

impl Thread {
    pub(super) fn chronic(kind: u16, site: Site) -> Self {
        let (cast, mean_gap) = (Cast::Chronic, 0.6 * 86_400.0);
        Self { kind, site, subject: 0, cast, left: u32::MAX, mean_gap, words: 0, people: Vec::new() }
    }

    /// A matter whose first complaint is made now. `span` is how long the stream lasts in seconds.
    pub(super) fn planned(
        kind: u16,
        site: Site,
        subject: u64,
        sizes: &Sizes,
        span: Option<f64>,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let cast = match rng.random_range(0..100) {
            0..72 => Cast::Many,
            72..90 => Cast::One,
            _ => Cast::Campaign,
        };
        let complaints = match cast {
            Cast::One => sizes.draw(rng).min(MOST_OF_ONE),
            _ => sizes.draw(rng),
        };
        // From two hours to four weeks, evenly on a logarithmic scale; a storm of hundreds lasts
        // at least six hours.
        let shortest: f64 = if complaints > 50 { 6.0 * 3600.0 } else { 2.0 * 3600.0 };
        let longest = (28.0 * 86_400.0_f64).min(span.unwrap_or(f64::MAX) * 0.6).max(shortest * 1.5);
        let duration = shortest * (longest / shortest).powf(rng.random());
        Self {
            kind,
            site,
            subject,
            cast,
            left: complaints - 1,
            mean_gap: duration / f64::from(complaints),
            words: 0,
            people: Vec::new(),
        }
    }

    pub(super) fn first_words(&mut self, words: u64) {
        self.words = words;
    }

    pub(super) fn told_by(&mut self, person: Person) {
        // Enough to draw repeated callers from.
        if self.people.len() < 32 && !self.people.contains(&person) {
            self.people.push(person);
        }
    }

    /// Somebody who has complained about it before, when it is such a one's turn.
    pub(super) fn earlier(&self, rng: &mut ChaCha8Rng) -> Option<Person> {
        let again = match self.cast {
            Cast::Many => 0.25,
            Cast::One => 1.0,
            Cast::Campaign => 0.0,
            Cast::Chronic => 0.1,
        };
        (!self.people.is_empty() && rng.random_bool(again))
            .then(|| self.people[rng.random_range(0..self.people.len())])
    }

    /// The choice of words and of errors for the next complaint.
    pub(super) fn words(&self, rng: &mut ChaCha8Rng) -> (u64, u64) {
        let (new, errors) = (rng.next_u64(), rng.next_u64());
        match self.cast {
            Cast::One if rng.random_bool(0.5) => (self.words, self.words),
            Cast::Campaign => (self.words, errors),
            _ => (new, errors),
        }
    }

    /// Seconds until the next complaint; `None` when there is none.
    pub(super) fn next_gap(&mut self, rng: &mut ChaCha8Rng) -> Option<i64> {
        self.left = if self.cast == Cast::Chronic { self.left } else { self.left.checked_sub(1)? };
        let gap = -self.mean_gap * rng.random::<f64>().max(1e-9).ln();
        Some((gap as i64).clamp(1, 60 * 86_400))
    }
}

/// How many complaints a planned matter has: two mostly, hundreds rarely.
#[derive(Debug)]
pub(super) struct Sizes {
    /// Cumulated shares of the sizes from 2.
    shares: Vec<f64>,
    mean: f64,
}

impl Sizes {
    /// Sizes up to `most`, which is held between 5 and 300.
    pub(super) fn new(most: u64) -> Self {
        let weight = |size: u64| (size as f64).powf(-2.1);
        let sizes = 2..=most.clamp(5, 300);
        let all: f64 = sizes.clone().map(weight).sum();
        let mean = sizes.clone().map(|size| size as f64 * weight(size)).sum::<f64>() / all;
        let shares = sizes
            .scan(0.0, |sum, size| {
                *sum += weight(size) / all;
                Some(*sum)
            })
            .collect();
        Self { shares, mean }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> u32 {
        let roll: f64 = rng.random();
        let at = self.shares.partition_point(|&share| share < roll).min(self.shares.len() - 1);
        u32::try_from(at).unwrap_or(0) + 2
    }

    /// Which share of new things must be planned matters, so that in the long run `groups` of all
    /// complaints belong to them: with p of the new things, pm of 1 + p(m - 1) complaints do.
    pub(super) fn start_share(&self, groups: f64) -> f64 {
        groups / (self.mean - groups * (self.mean - 1.0))
    }
}

/// How late a late event is, in seconds: minutes mostly, up to a day and a half.
pub(super) fn delay(rng: &mut ChaCha8Rng) -> i64 {
    let longest: f64 = 36.0 * 3600.0;
    (300.0 * (longest / 300.0).powf(rng.random::<f64>().powi(2))) as i64
}

/// Kinds to draw from, with cumulated weights.
#[derive(Debug)]
struct Wheel(Vec<(f64, u16)>);

impl Wheel {
    fn new(take: impl Fn(&Kind) -> bool) -> Self {
        let mut sum = 0.0;
        let kinds = (0_u16..).zip(KINDS.iter()).filter(|(_, kind)| take(kind));
        Self(
            kinds
                .map(|(at, kind)| {
                    sum += kind.weight;
                    (sum, at)
                })
                .collect(),
        )
    }

    fn turn(&self, rng: &mut ChaCha8Rng) -> Option<u16> {
        let &(all, _) = self.0.last()?;
        let roll = rng.random::<f64>() * all;
        let at = self.0.partition_point(|&(sum, _)| sum <= roll).min(self.0.len() - 1);
        Some(self.0[at].1)
    }
}

static THEMES: LazyLock<Wheel> = LazyLock::new(|| Wheel::new(|kind| kind.bound == Bound::Nothing));
static SINGLES: LazyLock<Wheel> = LazyLock::new(|| Wheel::new(|kind| kind.bound != Bound::Nothing));
static PLANNED: LazyLock<Wheel> =
    LazyLock::new(|| Wheel::new(|kind| kind.bound != Bound::Nothing && !kind.trap));

/// The kind of a policy question.
pub(super) fn theme(rng: &mut ChaCha8Rng) -> u16 {
    THEMES.turn(rng).expect("there are themes")
}

/// The kind of one person's own trouble.
pub(super) fn single(rng: &mut ChaCha8Rng) -> u16 {
    SINGLES.turn(rng).expect("there are kinds")
}

/// The kind of a matter with several complaints.
pub(super) fn planned(rng: &mut ChaCha8Rng) -> u16 {
    PLANNED.turn(rng).expect("there are kinds")
}

/// The kind of a matter at such a site, bound to it; `None` when chance finds none.
pub(super) fn planned_at(site: SiteKind, rng: &mut ChaCha8Rng) -> Option<u16> {
    (0..6).map(|_| planned(rng)).find(|&kind| {
        let kind = &KINDS[usize::from(kind)];
        kind.bound == Bound::Site && kind.at.contains(&site)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::chance;

    #[test]
    fn sizes_have_a_heavy_tail() {
        let sizes = Sizes::new(1000);
        let mut rng = chance(1, 1, 1);
        let drawn: Vec<u32> = (0..20_000).map(|_| sizes.draw(&mut rng)).collect();
        let mean = f64::from(drawn.iter().sum::<u32>()) / 20_000.0;
        assert!((sizes.mean * 0.85..sizes.mean * 1.15).contains(&mean), "{mean} {}", sizes.mean);
        assert!(drawn.iter().all(|size| (2..=300).contains(size)));
        let (small, large) = (
            drawn.iter().filter(|&&size| size <= 3).count(),
            drawn.iter().filter(|&&size| size >= 50).count(),
        );
        assert!(small > 10_000 && large > 100, "{small} {large}");
    }
}
