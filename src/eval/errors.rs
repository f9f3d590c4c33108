//! What to read first: the matters that were grouped worst, with what went wrong.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{ComplaintId, GroupId};

use super::{Case, Decided};

/// A matter that is not grouped as the gold has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatterErrors {
    /// The matter.
    pub matter: String,
    /// What it is about.
    pub title: String,
    /// How many complaints' worth of B-cubed precision it costs: strangers in its groups.
    pub precision_lost: f64,
    /// How many complaints' worth of B-cubed recall it costs: members that are elsewhere.
    pub recall_lost: f64,
    /// The groups that its complaints are in, the one with most of them first.
    pub parts: Vec<Part>,
}

/// The part of a matter that is in one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The group; `None` for a complaint that is alone.
    pub group: Option<GroupId>,
    /// Complaints of the matter, in the order they came.
    pub members: Vec<ComplaintId>,
    /// Complaints that do not belong to it, in the order they came; those of themes left out.
    pub strangers: Vec<ComplaintId>,
}

/// The matters with errors, those that cost most first; of equals in the order of the gold.
pub fn errors(case: &Case, decided: &Decided) -> Vec<MatterErrors> {
    // A complaint that is alone is a group of its own.
    type Place<'a> = (Option<&'a GroupId>, usize);
    let place = |number: usize| -> Place<'_> {
        let group = decided.group(&case.events[number].id);
        (group, if group.is_some() { usize::MAX } else { number })
    };
    let mut groups: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
    for (number, event) in case.events.iter().enumerate() {
        if !event.is_theme {
            groups.entry(place(number)).or_default().push(number);
        }
    }
    let ids = |numbers: &[usize]| numbers.iter().map(|&number| case.events[number].id.clone()).collect();
    let mut found = Vec::new();
    for matter in &case.matters {
        let mut parts: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
        for &member in &matter.members {
            parts.entry(place(member)).or_default().push(member);
        }
        let (mut precision_lost, mut recall_lost) = (0.0, 0.0);
        let mut told = Vec::new();
        for (group, members) in &parts {
            let scored = members.iter().filter(|&&member| case.counts(case.events[member].at)).count() as f64;
            let all = groups.get(group).map_or(&[][..], Vec::as_slice);
            let strangers: Vec<usize> =
                all.iter().copied().filter(|number| !matter.members.contains(number)).collect();
            precision_lost += scored * strangers.len() as f64 / all.len().max(1) as f64;
            recall_lost += scored * (1.0 - members.len() as f64 / matter.members.len() as f64);
            told.push(Part { group: group.0.cloned(), members: ids(members), strangers: ids(&strangers) });
        }
        if precision_lost + recall_lost > 0.0 {
            told.sort_by_key(|part| std::cmp::Reverse(part.members.len()));
            let (name, title) = (matter.name.clone(), matter.title.clone());
            found.push(MatterErrors { matter: name, title, precision_lost, recall_lost, parts: told });
        }
    }
    let cost = |errors: &MatterErrors| errors.precision_lost + errors.recall_lost;
    found.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    found
}
