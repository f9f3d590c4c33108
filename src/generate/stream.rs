//! Decides what is complained about, by whom, and when.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;

use crate::model::{Complaint, ComplaintId};

use super::clock::{Clock, ZONE};
use super::kinds::{Bound, FRAME, KINDS};
use super::people::{MOST_PEOPLE, Person};
use super::plan::{self, Cast, Sizes, Thread};
use super::truth::{ApartPair, Ids, MatterId, Truth, TruthMatter};
use super::wording::{Telling, tell};
use super::world::{Site, World};
use super::{GenerateConfig, GenerateError, chance};

/// How an event comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Once, in time.
    InTime,
    /// Once, later than its time: its `received_at` is older than that of events before it.
    Late,
    /// The same event again, unchanged.
    Repeat,
    /// An earlier event with other content under its id.
    Update,
}

/// One event of the stream with its truth.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The event.
    pub complaint: Complaint,
    /// The matter it is about.
    pub matter: MatterId,
    /// How it comes.
    pub delivery: Delivery,
}

/// Earlier events that may come again, be corrected, or be imitated elsewhere.
const REMEMBERED: usize = 256;

#[derive(Debug)]
struct Remembered {
    serial: u32,
    matter: MatterId,
    kind: u16,
    site: Site,
    subject: u64,
    words: u64,
    complaint: Complaint,
}

/// What one complaint is about and who makes it.
struct Post {
    kind: u16,
    site: Site,
    subject: u64,
    /// The facts of another matter, for its text told of another place.
    facts: Option<MatterId>,
    words: u64,
    errors: u64,
    person: Option<Person>,
}

/// The stream: an iterator over events, endless unless the configuration bounds it.
#[derive(Debug)]
pub struct Generator {
    pub(super) config: GenerateConfig,
    pub(super) world: World,
    pub(super) rng: ChaCha8Rng,
    clock: Clock,
    sizes: Sizes,
    made: u64,
    serial: u32,
    people: u32,
    /// Matters with complaints still to come, by when the next one is due.
    due: BTreeMap<(i64, u64), Thread>,
    threads: u64,
    remembered: VecDeque<Remembered>,
    /// How many one-off complaints of each kind there were.
    pub(super) singles: Vec<u64>,
    ids: Ids,
    truth: Option<Truth>,
}

impl Generator {
    /// Sets the stream up.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(config: GenerateConfig) -> Result<Self, GenerateError> {
        config.check()?;
        let expected = config.events.unwrap_or_else(|| u64::from(config.events_per_day) * 365);
        let people = u32::try_from(expected * 3 / 5).unwrap_or(MOST_PEOPLE).clamp(200, MOST_PEOPLE);
        let sizes = Sizes::new(config.events.map_or(300, |events| events / 20));
        let mut generator = Self {
            world: World::new(config.seed, config.estates()),
            rng: chance(config.seed, 0, 0),
            clock: Clock::new(config.start, config.events_per_day),
            sizes,
            made: 0,
            serial: 0,
            people,
            due: BTreeMap::new(),
            threads: 0,
            remembered: VecDeque::new(),
            singles: vec![0; KINDS.len()],
            ids: Ids::default(),
            truth: config.keep_truth.then(Truth::default),
            config,
        };
        if generator.config.groups > 0.0 {
            generator.start_chronic();
        }
        Ok(generator)
    }

    /// The matters so far with at least two complaints, in the order they began; empty when the
    /// truth is not kept.
    pub fn truth(&self) -> impl Iterator<Item = TruthMatter> + '_ {
        self.truth.iter().flat_map(|truth| truth.matters(&self.world, &self.ids))
    }

    /// The pairs so far that must stay apart; empty when the truth is not kept.
    pub fn apart(&self) -> impl Iterator<Item = ApartPair> + '_ {
        self.truth.iter().flat_map(|truth| truth.apart(&self.ids))
    }

    /// One place where parking is complained about every day, by other people each time.
    fn start_chronic(&mut self) {
        let Some(kind) = KINDS.iter().position(|kind| kind.id == "parking_short") else { return };
        let site = self.world.any(KINDS[kind].at[0], &mut self.rng);
        let thread = Thread::chronic(kind as u16, site);
        self.push(self.config.start.as_second() + 7200, thread);
    }

    fn push(&mut self, due: i64, thread: Thread) {
        self.threads += 1;
        self.due.insert((due, self.threads), thread);
    }

    fn person(&mut self) -> Person {
        Person(self.rng.random_range(0..self.people))
    }

    /// The next complaint of the first matter that is due.
    fn go_on(&mut self, now: i64) -> Option<Post> {
        let first = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let mut thread = first.remove();
        let person = match thread.earlier(&mut self.rng) {
            Some(person) => person,
            None => self.person(),
        };
        let (words, errors) = thread.words(&mut self.rng);
        let post = Post {
            kind: thread.kind,
            site: self.site_of(thread.kind, thread.site),
            subject: thread.subject,
            facts: None,
            words,
            errors,
            person: (thread.cast == Cast::One || !self.rng.random_bool(0.04)).then_some(person),
        };
        thread.told_by(person);
        if let Some(gap) = thread.next_gap(&mut self.rng) {
            self.push(now + gap, thread);
        }
        Some(post)
    }

    /// Something new: a policy question, the first of a planned matter, a text known from another
    /// place, or one person's own trouble.
    fn begin(&mut self, now: i64) -> (Post, Option<(usize, bool)>) {
        let (words, errors) = (self.rng.next_u64(), self.rng.next_u64());
        let roll: f64 = self.rng.random();
        let groups = self.sizes.start_share(self.config.groups);
        if roll < self.config.themes {
            let kind = plan::theme(&mut self.rng);
            let site = self.site_for(kind, 0);
            let person = Some(self.person());
            return (Post { kind, site, subject: 0, facts: None, words, errors, person }, None);
        }
        if roll < self.config.themes + groups {
            return self.begin_planned(now, words, errors);
        }
        if self.rng.random_bool(0.04)
            && let Some(twin) = self.begin_twin()
        {
            return twin;
        }
        let kind = plan::single(&mut self.rng);
        let subject = self.subject_for(kind, false);
        let site = self.single_site(kind, subject);
        let person = (!self.rng.random_bool(0.05)).then(|| self.person());
        let subject = self.company(kind, site, subject);
        (Post { kind, site, subject, facts: None, words, errors, person }, None)
    }

    fn begin_planned(&mut self, now: i64, words: u64, errors: u64) -> (Post, Option<(usize, bool)>) {
        let mut kind = plan::planned(&mut self.rng);
        let mut subject = self.subject_for(kind, true);
        let mut site = self.site_for(kind, subject);
        // Now and then where something else is going on already.
        let mut neighbour = None;
        if self.rng.random_bool(0.2) && !self.remembered.is_empty() {
            let at = self.rng.random_range(0..self.remembered.len());
            let near = self.remembered[at].site;
            if let Some(other) = plan::planned_at(near.kind, &mut self.rng)
                && MatterId::new(other, near, 0) != self.remembered[at].matter
            {
                (kind, site, subject, neighbour) = (other, near, 0, Some((at, false)));
            }
        }
        let subject = self.company(kind, site, subject);
        let person = self.person();
        let span =
            self.config.events.map(|events| events as f64 / f64::from(self.config.events_per_day) * 86_400.0);
        let mut thread = Thread::planned(kind, site, subject, &self.sizes, span, &mut self.rng);
        thread.first_words(words);
        thread.told_by(person);
        if let Some(gap) = thread.next_gap(&mut self.rng) {
            self.push(now + gap, thread);
        }
        (Post { kind, site, subject, facts: None, words, errors, person: Some(person) }, neighbour)
    }

    /// The text of an earlier complaint about another place.
    fn begin_twin(&mut self) -> Option<(Post, Option<(usize, bool)>)> {
        let at = self.rng.random_range(0..self.remembered.len().max(1));
        let other = self.remembered.get(at)?;
        let (kind, words, subject, facts, from) =
            (other.kind, other.words, other.subject, other.matter, other.site);
        if KINDS[usize::from(kind)].bound != Bound::Site {
            return None;
        }
        let site = self.world.any(from.kind, &mut self.rng);
        if site == from {
            return None;
        }
        let person = Some(self.person());
        let errors = self.rng.next_u64();
        Some((Post { kind, site, subject, facts: Some(facts), words, errors, person }, Some((at, true))))
    }

    fn complaint(&mut self, post: &Post, now: i64) -> (Complaint, MatterId, Delivery) {
        let matter = MatterId::new(post.kind, post.site, post.subject);
        let telling = Telling {
            kind: &KINDS[usize::from(post.kind)],
            site: post.site,
            subject: post.subject,
            facts: post.facts.unwrap_or(matter).number(),
            words: post.words,
            errors: post.errors,
        };
        let told = tell(&self.world, self.config.seed, self.config.noise, telling);
        let late = self.rng.random_bool(self.config.late);
        let start = self.config.start.as_second();
        let delay = if late { plan::delay(&mut self.rng) } else { 0 };
        let received = (now - delay).max(start);
        let caller = post.person.map(|person| person.reported(&mut self.rng)).unwrap_or_default();
        let complaint = Complaint {
            id: ComplaintId::from(self.ids.id(self.serial)),
            received_at: Timestamp::from_second(received).expect("the stream stays within 100 years"),
            channel: Some(told.channel.to_owned()),
            caller,
            title: told.title,
            text: told.text,
            place: told.place,
            category: if self.rng.random_bool(0.7) { telling.kind.category.clone() } else { Vec::new() },
            subject: told.subject,
            tags: Vec::new(),
            earlier: Vec::new(),
            extra: serde_json::Map::new(),
        };
        (complaint, matter, if late { Delivery::Late } else { Delivery::InTime })
    }

    /// An earlier event once more, unchanged or corrected.
    fn again(&mut self, delivery: Delivery) -> Option<Generated> {
        let at = self.rng.random_range(0..self.remembered.len().max(1));
        let old = self.remembered.get_mut(at)?;
        if delivery == Delivery::Update {
            let addition = &FRAME.update[self.rng.random_range(0..FRAME.update.len())];
            old.complaint.text.push_str(addition);
        }
        Some(Generated { complaint: old.complaint.clone(), matter: old.matter, delivery })
    }

    fn fresh(&mut self, now: i64) -> Generated {
        let local = Timestamp::from_second(now).expect("the stream stays within 100 years");
        let date = ZONE.to_datetime(local).date();
        self.ids.enter(self.serial, date);

        let (post, apart) = match self.go_on(now) {
            Some(post) => (post, None),
            None => self.begin(now),
        };
        let (complaint, matter, delivery) = self.complaint(&post, now);
        if let Some(truth) = &mut self.truth {
            let at = complaint.received_at.as_second() - self.config.start.as_second();
            truth.add(matter, self.serial, post.person, u32::try_from(at).unwrap_or(u32::MAX));
            if let Some((at, near_text)) = apart
                && self.remembered[at].matter != matter
            {
                let other = &self.remembered[at];
                let a = (other.serial, other.complaint.text.as_str());
                truth.keep_apart(a, (self.serial, &complaint.text), near_text);
            }
        }
        if self.rng.random_bool(0.25) {
            if self.remembered.len() == REMEMBERED {
                self.remembered.pop_front();
            }
            self.remembered.push_back(Remembered {
                serial: self.serial,
                matter,
                kind: post.kind,
                site: post.site,
                subject: post.subject,
                words: post.words,
                complaint: complaint.clone(),
            });
        }
        self.serial += 1;
        Generated { complaint, matter, delivery }
    }
}

impl Iterator for Generator {
    type Item = Generated;

    fn next(&mut self) -> Option<Generated> {
        if self.config.events.is_some_and(|events| self.made >= events) || self.serial == u32::MAX {
            return None;
        }
        let now = self.clock.at(self.made, self.rng.random());
        self.made += 1;
        let roll: f64 = self.rng.random();
        let again = if roll < self.config.repeats {
            self.again(Delivery::Repeat)
        } else if roll < self.config.repeats + self.config.updates {
            self.again(Delivery::Update)
        } else {
            None
        };
        Some(match again {
            Some(event) => event,
            None => self.fresh(now),
        })
    }
}
