//! Groups against matters.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::model::GroupId;

use super::case::{Case, Matter};
use super::scores::{Apart, Grouping, Worst, mean};
use super::{Decided, Pair};

/// A group as a number; complaints that are alone have one of their own.
type Cluster = usize;

pub(super) fn score(case: &Case, decided: &Decided) -> Grouping {
    let (clusters, sizes) = clusters(case, decided);
    let (mut precision, mut recall, mut count) = (0.0, 0.0, 0_usize);
    let mut worst = Vec::new();
    for matter in &case.matters {
        let shared = shared(case, matter, &clusters);
        let (all, mut best, mut scored) = (matter.members.len(), 0.0_f64, 0_usize);
        for &member in &matter.members {
            if !case.counts(case.events[member].at) {
                continue;
            }
            let cluster = clusters[member];
            let (size, shared) = (sizes[cluster], shared.get(&cluster).copied().unwrap_or(0));
            // A complaint of a theme that is also in a matter may stand in a group of nobody else.
            precision += if size == 0 { 0.0 } else { shared as f64 / size as f64 };
            recall += shared as f64 / all as f64;
            best = best.max(2.0 * shared as f64 / (size + all) as f64);
            scored += 1;
        }
        count += scored;
        if scored >= 2 {
            worst.push(Worst { matter: matter.name.clone(), title: matter.title.clone(), f: best });
        }
    }
    let (precision, recall) = (mean(precision, count), mean(recall, count));
    let f = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
    let best_f = mean(worst.iter().map(|worst| worst.f).sum(), worst.len());
    // Equals stay in the order of the gold.
    worst.sort_by(|a, b| a.f.total_cmp(&b.f));
    Grouping {
        gold_matters: worst.len(),
        gold_complaints: count,
        unassigned_events: case.events.iter().filter(|event| !decided.groups.contains_key(&event.id)).count(),
        precision,
        recall,
        f,
        best_f,
        worst,
    }
}

/// The cluster of each event, and how many complaints each has that are in no theme.
fn clusters(case: &Case, decided: &Decided) -> (Vec<Cluster>, Vec<usize>) {
    let mut numbers: FxHashMap<&GroupId, Cluster> = FxHashMap::default();
    let mut sizes = Vec::new();
    let clusters = case
        .events
        .iter()
        .map(|event| {
            let new = sizes.len();
            let cluster = decided.group(&event.id).map_or(new, |group| *numbers.entry(group).or_insert(new));
            if cluster == new {
                sizes.push(0);
            }
            sizes[cluster] += usize::from(!event.is_theme);
            cluster
        })
        .collect();
    (clusters, sizes)
}

/// How many complaints of the matter each cluster has.
fn shared(case: &Case, matter: &Matter, clusters: &[Cluster]) -> BTreeMap<Cluster, usize> {
    let mut shared = BTreeMap::new();
    for &member in matter.members.iter().filter(|&&member| !case.events[member].is_theme) {
        *shared.entry(clusters[member]).or_default() += 1;
    }
    shared
}

pub(super) fn apart(case: &Case, decided: &Decided, pairs: &[Pair]) -> Apart {
    let mut apart = Apart::default();
    for Pair { a, b } in pairs {
        let (Some(&first), Some(&second)) = (case.index.get(a), case.index.get(b)) else { continue };
        if case.counts(case.events[first].at) && case.counts(case.events[second].at) {
            apart.pairs += 1;
            let group = decided.group(a);
            apart.violations += usize::from(group.is_some() && group == decided.group(b));
        }
    }
    apart
}
