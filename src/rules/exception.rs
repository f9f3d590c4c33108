//! Exceptions: cases that are known and taken care of, about which a rule does not alert for a while.
//! A mask says what a word never means; an exception says who has decided to be left alone by which
//! rule, why, and until when.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use regex::Regex;
use serde::Serialize;

use crate::model::{Complaint, RiskHit, Suppressed};
use crate::text::{Normalised, normalise};

use super::Reading;
use super::compiled::Compiled;
use super::fields;
use super::haystack::squeeze;
use super::lint::{RuleWarning, WarningKind};
use super::reading::Verdict;

/// So many days before its last one an exception is told to be near its end.
const SOON_DAYS: i32 = 14;

/// An exception of a pack.
#[derive(Debug, Clone, Serialize)]
pub struct Exception {
    /// Unique in the pack.
    pub id: String,
    /// Who answers for it.
    pub owner: String,
    /// Why nothing need be told.
    pub reason: String,
    /// The last day on which it holds, in the zone of the engine.
    pub until: Date,
    /// The rules it holds for; empty when it holds for all.
    pub rules: Vec<String>,
    /// Where it stands: the file.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    #[serde(skip)]
    pub(super) terms: Vec<Seek>,
    /// As typed.
    #[serde(rename = "entity")]
    pub(super) entities: Vec<String>,
    /// In normal form.
    #[serde(rename = "place")]
    pub(super) places: Vec<String>,
}

/// A term of an exception.
#[derive(Debug, Clone)]
pub(super) enum Seek {
    /// In normal form.
    Literal(String),
    Pattern(Regex),
}

impl Seek {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Literal(word) => text.contains(word.as_str()),
            Self::Pattern(regex) => regex.is_match(text),
        }
    }
}

/// What a hit is about, besides its words.
pub struct About<'a> {
    /// The complaint.
    pub complaint: &'a Complaint,
    /// The zone in which its time is a day.
    pub zone: &'a TimeZone,
    /// Whether a name, as the writer of an exception typed it, means the company that is accused.
    pub is_entity: &'a dyn Fn(&str) -> bool,
}

impl Exception {
    fn suppressed(&self) -> Suppressed {
        let Self { id, owner, reason, until, .. } = self;
        Suppressed { exception: id.clone(), owner: owner.clone(), reason: reason.clone(), until: *until }
    }
}

/// Marks the hits that an exception of the pack takes away.
pub(super) fn suppress(
    compiled: &Compiled,
    hits: &mut [RiskHit],
    (title, text): (&Normalised, &Normalised),
    about: &About<'_>,
) {
    if compiled.exceptions.is_empty() || hits.is_empty() {
        return;
    }
    let holding = holding(compiled, (title, text), about);
    for hit in hits {
        hit.suppressed = first(&holding, &hit.rule).map(|exception| Box::new(exception.suppressed()));
    }
}

/// The same for readings, of which those that are no hit stay as they are.
pub(super) fn suppress_readings(compiled: &Compiled, readings: &mut [Reading], about: &About<'_>) {
    if compiled.exceptions.is_empty() {
        return;
    }
    let (title, text) = (normalise(&about.complaint.title), normalise(&about.complaint.text));
    let holding = holding(compiled, (&title, &text), about);
    let is_hit = |reading: &&mut Reading| !matches!(reading.verdict, Verdict::Below | Verdict::NotMatched);
    for reading in readings.iter_mut().filter(is_hit) {
        if let Some(exception) = first(&holding, &reading.rule) {
            reading.verdict = Verdict::Suppressed;
            reading.suppressed = Some(exception.suppressed());
        }
    }
}

fn first<'c>(holding: &[&'c Exception], rule: &str) -> Option<&'c Exception> {
    let of_rule =
        |exception: &&&Exception| exception.rules.is_empty() || exception.rules.iter().any(|id| id == rule);
    holding.iter().find(of_rule).copied()
}

/// The exceptions that hold for a complaint, in the order of the pack: each of what they name is there.
fn holding<'c>(
    compiled: &'c Compiled,
    (title, text): (&Normalised, &Normalised),
    about: &About<'_>,
) -> Vec<&'c Exception> {
    let complaint = about.complaint;
    let day = about.zone.to_datetime(complaint.received_at).date();
    let subject = complaint.subject.as_deref().map(normalise);
    let said: Vec<_> = fields(title, text, subject.as_ref()).map(|field| field.text).collect();
    let place = &complaint.place;
    let given = [&place.district, &place.street, &place.community, &place.address].into_iter().flatten();
    let places: Vec<String> = given.map(|name| squeeze(normalise(name).text()).into_owned()).collect();
    let holds = |exception: &&Exception| {
        let Exception { until, terms, entities, places: named, .. } = exception;
        let is_said = |term: &Seek| said.iter().any(|text| term.is_in(text));
        let is_place = |name: &String| places.iter().any(|place| place.contains(name.as_str()));
        day <= *until
            && (terms.is_empty() || terms.iter().any(is_said))
            && (entities.is_empty() || entities.iter().any(|name| (about.is_entity)(name)))
            && (named.is_empty() || named.iter().any(is_place))
    };
    compiled.exceptions.iter().filter(holds).collect()
}

/// Exceptions that have ended on `today`, or are about to.
pub(super) fn ending(exceptions: &[Exception], today: Date) -> Vec<RuleWarning> {
    let warning = |exception: &Exception| {
        let Exception { id, owner, until, file, line, column, .. } = exception;
        let left = today.until(*until).map_or(i32::MAX, |span| span.get_days());
        let (kind, message) = match left {
            ..0 => (
                WarningKind::ExpiredException,
                format!(
                    "exception {id} ended with {until} and hides nothing; remove it, or let {owner} say until when"
                ),
            ),
            0..=SOON_DAYS => (
                WarningKind::ExpiringException,
                format!("exception {id} ends with {until}; its hits alert again after that ({owner})"),
            ),
            _ => return None,
        };
        Some(RuleWarning { kind, file: file.clone(), line: *line, column: *column, message })
    };
    exceptions.iter().filter_map(warning).collect()
}
