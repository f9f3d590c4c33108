//! Everything that is kept of a company's case, laid out for people: one page of evidence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::Serialize;

use crate::entity::{Likeness, Spelling, is_named};
use crate::group::People;
use crate::model::{
    AlertId, AlertKind, Claimed, ComplaintId, IncidentRecord, RiskHit, RiskIndex, ToldBefore,
};

use super::case::RiskCase;
use super::claims;

/// A spelling under which complaints name a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// In normal form.
    pub name: String,
    /// As it stands in complaints, each once.
    pub said: Vec<String>,
    /// How many complaints name it so.
    pub complaints: u32,
    /// Why it means the company.
    pub why: Likeness,
}

/// Who called in a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Week {
    /// Its Monday.
    pub monday: Date,
    /// Distinct callers.
    pub callers: u32,
    /// Complaints.
    pub complaints: u32,
}

/// A company's case within its window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dossier {
    /// The case, which is the alert's id.
    pub id: AlertId,
    /// The name it is kept under; `None` when no company could be named.
    pub name: Option<String>,
    /// The first complaint in one line.
    pub headline: String,
    /// Raised and not resolved since.
    pub open: bool,
    /// Distinct callers.
    pub callers: u32,
    /// The first call and the last.
    pub first_at: Option<Timestamp>,
    /// See `first_at`.
    pub last_at: Option<Timestamp>,
    /// The risk index with its parts.
    pub index: RiskIndex,
    /// Every spelling, most frequent first.
    pub names: Vec<Named>,
    /// Weeks in which somebody called, in order.
    pub weeks: Vec<Week>,
    /// Streets and how many complaints come from each.
    pub streets: BTreeMap<String, u32>,
    /// Rules and how many complaints each meets.
    pub rules: BTreeMap<String, u32>,
    /// What the newest complaints say of sums and people.
    pub claimed: Claimed,
    /// The complaints, oldest first.
    pub complaints: Vec<ComplaintId>,
    /// The strongest hit of each of the newest of them.
    pub hits: Vec<(ComplaintId, RiskHit)>,
    /// Group incidents to which they belong.
    pub incidents: Vec<AlertId>,
    /// What was told, oldest first.
    pub told: Vec<ToldBefore>,
}

impl Dossier {
    /// Lays a stored case out, weeks by `zone`; `None` of an incident that is no risk case.
    ///
    /// # Errors
    /// When its state is not one of ours: the store belongs to another version.
    pub fn of(record: &IncidentRecord, zone: &TimeZone) -> Result<Option<Self>, serde_json::Error> {
        if record.kind != AlertKind::FinancialRisk {
            return Ok(None);
        }
        let mut case: RiskCase = serde_json::from_str(&record.state)?;
        let (callers, _) = case.people();
        let count = |of: &mut BTreeMap<String, u32>, key: &String| *of.entry(key.clone()).or_default() += 1;
        let (mut streets, mut rules) = (BTreeMap::new(), BTreeMap::new());
        for call in &case.calls {
            call.street.iter().for_each(|street| count(&mut streets, street));
            call.rules.iter().for_each(|rule| count(&mut rules, rule));
        }
        Ok(Some(Self {
            index: case.index(),
            callers,
            first_at: case.calls.front().map(|call| call.at),
            last_at: case.calls.back().map(|call| call.at),
            names: names(&case),
            weeks: weeks(&case, zone),
            streets,
            rules,
            claimed: claims::claimed(case.hits.iter().map(|(_, hit)| hit)),
            complaints: case.calls.iter().map(|call| call.id.clone()).collect(),
            open: case.incident.open,
            id: case.id,
            name: case.entity,
            headline: case.headline,
            hits: case.hits.into(),
            incidents: case.incidents,
            told: case.earlier,
        }))
    }

    /// Whether what somebody typed means this company, or is a spelling that was joined with it.
    #[must_use]
    pub fn is_about(&self, typed: &str) -> bool {
        let names = self.name.iter().chain(self.names.iter().map(|named| &named.name));
        names.into_iter().any(|name| is_named(name, typed))
    }
}

fn names(case: &RiskCase) -> Vec<Named> {
    let kept = case.entity.as_deref().map(Spelling::new);
    let mut seen: BTreeMap<&str, (BTreeSet<&str>, u32)> = BTreeMap::new();
    for call in &case.calls {
        if let Some(name) = &call.name {
            let (said, complaints) = seen.entry(name).or_default();
            said.extend(call.said.as_deref());
            *complaints += 1;
        }
    }
    let why = |name: &str| {
        let likeness = kept.as_ref().and_then(|kept| kept.likeness(&Spelling::new(name)));
        likeness.unwrap_or(Likeness::Other)
    };
    let mut names: Vec<Named> = seen
        .into_iter()
        .map(|(name, (said, complaints))| Named {
            name: name.to_owned(),
            said: said.into_iter().map(str::to_owned).collect(),
            complaints,
            why: why(name),
        })
        .collect();
    names.sort_by_key(|named| std::cmp::Reverse(named.complaints));
    names
}

fn weeks(case: &RiskCase, zone: &TimeZone) -> Vec<Week> {
    let mut weeks: BTreeMap<Date, (People, u32)> = BTreeMap::new();
    for call in &case.calls {
        let date = call.at.to_zoned(zone.clone()).date();
        let since = i64::from(date.weekday().since(Weekday::Monday));
        let (people, complaints) = weeks.entry(date.saturating_sub(since.days())).or_default();
        people.call(call.at, &call.callers);
        *complaints += 1;
    }
    let week = |(monday, (people, complaints)): (Date, (People, u32))| Week {
        monday,
        callers: people.count(),
        complaints,
    };
    weeks.into_iter().map(week).collect()
}
