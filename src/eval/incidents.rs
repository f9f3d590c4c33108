//! Alarms against matters.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Alarm;
use super::case::{Case, Matter};
use super::scores::{Incidents, Outside, mean};

/// So many people make an incident of a matter,
const PEOPLE: usize = 3;
/// when they complain within this time.
const WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn score(case: &Case, alarms: &[Alarm]) -> Incidents {
    let mut alarms: Vec<&Alarm> = alarms.iter().collect();
    alarms.sort_by_key(|alarm| alarm.raised_at);
    let about = about(case, &alarms);
    let mut scores = Incidents::default();

    // By matter: the first alarm that has most of its members from it.
    let mut first: BTreeMap<usize, Timestamp> = BTreeMap::new();
    for (alarm, about) in alarms.iter().zip(&about) {
        for matter in about.iter().flatten() {
            first.entry(*matter).or_insert(alarm.raised_at);
        }
    }
    let mut delays = Vec::new();
    for (number, matter) in case.matters.iter().enumerate() {
        let Some(due) = due(case, matter).filter(|due| case.counts(*due)) else { continue };
        scores.expected += 1;
        let Some(raised) = first.get(&number) else {
            scores.missed.push((matter.name.clone(), matter.title.clone()));
            continue;
        };
        scores.detected += 1;
        let is_late = |member: &&usize| {
            let at = case.events[**member].at;
            due < at && at <= *raised
        };
        delays.push(matter.members.iter().filter(is_late).count());
    }
    scores.delay = (!delays.is_empty()).then(|| mean(delays.iter().sum::<usize>() as f64, delays.len()));

    let mut groups = Vec::new();
    for (alarm, about) in alarms.iter().zip(&about).filter(|(alarm, _)| case.counts(alarm.raised_at)) {
        scores.alerts += 1;
        groups.push(&alarm.group);
        match about {
            // All of its complaints are of themes.
            None => {}
            Some(matters) if matters.is_empty() => scores.outside.push(Outside {
                group: alarm.group.clone(),
                ids: {
                    let mut ids = alarm.ids.clone();
                    ids.sort_unstable();
                    ids
                },
            }),
            Some(matters) => {
                let matter = &case.matters[matters[0]];
                if is_of_one_person(case, matter) {
                    scores.single_caller.push(matter.name.clone());
                }
            }
        }
    }
    scores.single_caller.sort_unstable();
    scores.single_caller.dedup();
    groups.sort_unstable();
    groups.dedup();
    scores.alerted_groups = groups.len();
    scores
}

/// Of each alarm the matters that most of its members are of; `None` when all are of themes. More
/// than one only where matters share complaints; then the one with the most comes first.
fn about(case: &Case, alarms: &[&Alarm]) -> Vec<Option<Vec<usize>>> {
    let mut matters_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (number, matter) in case.matters.iter().enumerate() {
        for &member in &matter.members {
            matters_of.entry(member).or_default().push(number);
        }
    }
    let about = |alarm: &&Alarm| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let mut ids: Vec<_> = alarm.ids.iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let mut all = 0;
        for id in ids {
            let place = case.index.get(id);
            if place.is_some_and(|&place| case.events[place].is_theme) {
                continue;
            }
            all += 1;
            for matter in place.and_then(|place| matters_of.get(place)).into_iter().flatten() {
                *counts.entry(*matter).or_default() += 1;
            }
        }
        let mut most: Vec<(usize, usize)> = counts.into_iter().filter(|(_, count)| count * 2 > all).collect();
        most.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        (all > 0).then(|| most.into_iter().map(|(matter, _)| matter).collect())
    };
    alarms.iter().map(about).collect()
}

/// When the complaint came with which a matter became an incident.
fn due(case: &Case, matter: &Matter) -> Option<Timestamp> {
    let mut calls: Vec<(Timestamp, usize)> = matter
        .members
        .iter()
        .map(|&member| &case.events[member])
        .filter_map(|event| Some((event.at, event.person?)))
        .collect();
    calls.sort_unstable();
    let mut inside: BTreeMap<usize, usize> = BTreeMap::new();
    let mut from = 0;
    for &(at, person) in &calls {
        *inside.entry(person).or_default() += 1;
        while at.duration_since(calls[from].0) > WINDOW {
            let gone = calls[from].1;
            if let Some(count) = inside.get_mut(&gone) {
                *count -= 1;
                if *count == 0 {
                    inside.remove(&gone);
                }
            }
            from += 1;
        }
        if inside.len() >= PEOPLE {
            return Some(at);
        }
    }
    None
}

/// Whether one person has made all of the matter's complaints.
fn is_of_one_person(case: &Case, matter: &Matter) -> bool {
    let person = |member: &usize| case.events[*member].person;
    let mut people = matter.members.iter().map(person);
    let first = people.next().flatten();
    first.is_some() && people.all(|person| person == first)
}
