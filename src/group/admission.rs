//! Whether a group takes a complaint, and whether two groups are one: asked of their nearest members.

use crate::place::Relation;

use super::candidates::{Compared, compare};
use super::company::Accused;
use super::grouper::Grouper;
use super::members::Group;
use super::similarity::Squared;
use super::window::Open;

// The sizes below bound the work for a complaint and have no published source.

/// How many of a group's members speak for it: the nearest of those compared.
const SUPPORTERS: usize = 2;
/// Of a group's members that were not found by the index, so many of the newest are compared as well.
const ASKED_SUPPORTERS: usize = 8;
/// Of the smaller of two groups that may be one, so many of the newest members ask the other.
const ASKING_MEMBERS: usize = 4;
/// Of a group's members that say anything about a complaint's place, so many of the newest are asked.
const PLACED_MEMBERS: usize = 8;
/// And no more than so many are looked at for them: the newest.
const ASKED_MEMBERS: usize = 24;

/// Whether a group, of which `near` is the nearest member, takes the complaint: its nearest members must
/// be like it on average, and none of its places may speak against it.
pub(super) fn admits(
    grouper: &Grouper,
    open: &Open,
    squared: Squared,
    near: &Compared,
    group: u32,
    compared: &[Compared],
) -> bool {
    let Some(group) = grouper.groups[group as usize].as_ref() else { return false };
    supports(grouper, open, squared, group, compared)
        && (near.accused == Accused::Same || !place_forbids(grouper, open, group))
}

fn supports(grouper: &Grouper, open: &Open, squared: Squared, group: &Group, compared: &[Compared]) -> bool {
    let least = grouper.config().support as f32;
    // They are in the order of their margins.
    let mut margins: Vec<f32> = compared
        .iter()
        .filter(|near| group.is_member(near.seq))
        .map(|near| near.margin)
        .take(SUPPORTERS)
        .collect();
    // More members to choose from can only bring nearer ones.
    if margins.len() == SUPPORTERS && mean_of_nearest(&mut margins) >= least {
        return true;
    }
    let is_compared = |seq: &u64| compared.iter().any(|near| near.seq == *seq);
    let asked = group
        .members()
        .rev()
        .take(ASKED_SUPPORTERS)
        .filter(|seq| !is_compared(seq))
        .filter_map(|seq| grouper.window.get(seq))
        .map(|other| compare(grouper, open, squared, other).margin);
    margins.extend(asked);
    mean_of_nearest(&mut margins) >= least
}

/// Whether the places of the group speak against the complaint: a member without a place must not lead
/// a complaint from elsewhere into it. A community is wide: to share one weighs less than other sites.
fn place_forbids(grouper: &Grouper, open: &Open, group: &Group) -> bool {
    let relations = group
        .members()
        .rev()
        .take(ASKED_MEMBERS)
        .filter_map(|member| grouper.window.get(member))
        .map(|member| open.place_keys.relation(&member.place_keys))
        .filter(|relation| *relation != Relation::Unknown)
        .take(PLACED_MEMBERS);
    let (mut same, mut different) = (0.0_f32, 0.0_f32);
    for relation in relations {
        match relation {
            Relation::Same(sure) => same += sure,
            _ => different += 1.0,
        }
    }
    different > same
}

/// Whether a complaint that is alone and as near as `margin` to one that has just joined a group belongs
/// there as well.
pub(super) fn draws(grouper: &mut Grouper, seq: u64, margin: f32, number: u32) -> bool {
    let Grouper { lexicon, window, .. } = &mut *grouper;
    let Some(alone) = window.get(seq) else { return false };
    lexicon.ask(&alone.pairs);
    let grouper = &*grouper;
    let (Some(alone), Some(group)) = (grouper.window.get(seq), grouper.groups[number as usize].as_ref())
    else {
        return false;
    };
    let squared = Squared::of(&grouper.lexicon, &alone.pairs);
    let compared = |seq| Some(compare(grouper, alone, squared, grouper.window.get(seq)?));
    let members: Vec<Compared> = group.members().rev().take(ASKED_SUPPORTERS).filter_map(compared).collect();
    let mut margins: Vec<f32> = members.iter().map(|member| member.margin).chain([margin]).collect();
    let one_company = members.iter().any(|member| member.accused == Accused::Same);
    mean_of_nearest(&mut margins) >= grouper.config().support as f32
        && (one_company || !place_forbids(grouper, alone, group))
}

/// Whether two groups are about one matter at one place: the newest members of the smaller one are on average
/// as near to the other as a complaint must be to be taken, and their places do not speak against it.
pub(super) fn belong_together(grouper: &mut Grouper, a: u32, b: u32) -> bool {
    let size =
        |number: u32| grouper.groups[number as usize].as_ref().map_or(0, |group| group.members().len());
    let (small, large) = if size(a) <= size(b) { (a, b) } else { (b, a) };
    let newest = |number: u32, most: usize| -> Vec<u64> {
        let group = grouper.groups[number as usize].as_ref();
        group.into_iter().flat_map(|group| group.members().rev().take(most)).collect()
    };
    let (ours, theirs) = (newest(small, ASKING_MEMBERS), newest(large, ASKED_SUPPORTERS));
    let (mut margins, mut same, mut different) = (Vec::new(), 0.0_f32, 0.0_f32);
    for seq in ours {
        let Grouper { lexicon, window, .. } = &mut *grouper;
        let Some(open) = window.get(seq) else { continue };
        lexicon.ask(&open.pairs);
        let squared = Squared::of(lexicon, &open.pairs);
        let grouper = &*grouper;
        let Some(open) = grouper.window.get(seq) else { continue };
        let others = theirs.iter().filter_map(|seq| grouper.window.get(*seq));
        let compared: Vec<Compared> = others.map(|other| compare(grouper, open, squared, other)).collect();
        for near in &compared {
            match near.relation {
                _ if near.accused == Accused::Same => same += 1.0,
                Relation::Same(sure) => same += sure,
                Relation::Different => different += 1.0,
                Relation::Unknown => {}
            }
        }
        margins.push(mean_of_nearest(&mut compared.iter().map(|near| near.margin).collect()));
    }
    let mean = margins.iter().sum::<f32>() / margins.len().max(1) as f32;
    mean >= grouper.config().support as f32 && different <= same
}

/// The mean of the nearest few.
fn mean_of_nearest(margins: &mut Vec<f32>) -> f32 {
    margins.sort_unstable_by(|a, b| b.total_cmp(a));
    margins.truncate(SUPPORTERS);
    margins.iter().sum::<f32>() / margins.len().max(1) as f32
}
