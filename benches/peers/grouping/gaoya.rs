//! gaoya over one file of complaints: reads, groups, writes groups and alerts, says how long it took.
//!
//! `gaoya-groups EVENTS OUT SETTINGS`, with the settings and the files that `peer.py` has. What is around the
//! peer (reading, shingles, groups, alerts) is `events.py` and `groups.py` in Rust.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use gaoya::minhash::{MinHashIndex, MinHasher as _, MinHasher32};
use gaoya::simhash::{SimHash, SimSipHasher64};
use jiff::{SignedDuration, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;
use serde_json::{Value, json};

/// So many callers within this time are told.
const PEOPLE: usize = 3;
const WINDOW: SignedDuration = SignedDuration::from_hours(30 * 24);

#[derive(Deserialize)]
struct Settings {
    /// `minhash` or `simhash`.
    function: String,
    fields: String,
    tokens: String,
    threshold: f64,
    join: String,
    #[serde(default)]
    bands: usize,
    #[serde(default)]
    rows: usize,
}

/// A complaint as it stands in the file; what is missing is empty.
#[derive(Deserialize)]
struct Line {
    id: String,
    received_at: Timestamp,
    #[serde(default)]
    caller: Option<Caller>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    place: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    category: Vec<String>,
    #[serde(default)]
    subject: Option<String>,
}

#[derive(Deserialize)]
struct Caller {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    also: Vec<String>,
}

struct Event {
    id: String,
    at: Timestamp,
    person: Option<usize>,
    /// What is compared, without marks and spaces.
    text: Vec<char>,
}

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [events, out, settings] = &args[..] else { anyhow::bail!("gaoya-groups EVENTS OUT SETTINGS") };
    let settings: Settings = serde_json::from_str(settings)?;
    let start = Instant::now();
    let events = read(Path::new(events), &settings.fields)?;
    let groups = match settings.function.as_str() {
        "minhash" => minhash(&events, &settings)?,
        "simhash" => simhash(&events, &settings)?,
        other => anyhow::bail!("{other} is no function"),
    };
    groups.write(Path::new(out))?;
    let told = json!({ "seconds": start.elapsed().as_secs_f64(), "complaints": events.len() });
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}

/// The complaints of a file, each once: a later event with a known id is an update.
fn read(path: &Path, fields: &str) -> anyhow::Result<Vec<Event>> {
    let (mut events, mut seen, mut people) = (Vec::new(), FxHashSet::default(), FxHashMap::default());
    for line in BufReader::new(File::open(path)?).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        if !seen.insert(line.id.clone()) {
            continue;
        }
        let person = line.caller.as_ref().and_then(|caller| person(caller, &mut people));
        let (title, text) = (line.title.unwrap_or_default(), line.text.unwrap_or_default());
        let mut compared = match fields {
            "title" if title.is_empty() => text,
            "title" => title,
            _ => format!("{title} {text}"),
        };
        if fields == "all" {
            let place = line.place.unwrap_or_default();
            let place = place.values().filter_map(Value::as_str);
            let more = place.chain(line.category.iter().map(String::as_str)).chain(line.subject.as_deref());
            more.for_each(|value| compared.push_str(value));
        }
        let text = compared.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        events.push(Event { id: line.id, at: line.received_at, person, text });
    }
    Ok(events)
}

/// Who called: whoever came under one of these keys before, else somebody new.
fn person(caller: &Caller, people: &mut FxHashMap<String, usize>) -> Option<usize> {
    let keys: Vec<&String> =
        caller.id.iter().chain(&caller.phone).chain(&caller.also).filter(|key| !key.is_empty()).collect();
    let known = keys.iter().find_map(|key| people.get(*key).copied());
    let person = known.unwrap_or(people.len());
    for key in &keys {
        people.entry((*key).clone()).or_insert(person);
    }
    (!keys.is_empty()).then_some(person)
}

/// All runs of so many characters.
fn shingles(text: &[char], size: usize) -> impl Iterator<Item = &[char]> {
    text.windows(size.min(text.len()).max(1))
}

fn minhash<'a>(events: &'a [Event], settings: &Settings) -> anyhow::Result<Groups<'a>> {
    let Settings { bands, rows, threshold, .. } = *settings;
    let size = settings.tokens.parse()?;
    let hasher = MinHasher32::new(bands * rows);
    let mut index = MinHashIndex::new(bands, rows, threshold);
    let mut groups = Groups::new(events, settings);
    for (at, event) in events.iter().enumerate() {
        let signature = hasher.create_signature(shingles(&event.text, size));
        groups.arrive(at, &index.query_owned_return_similarity(&signature));
        index.insert(at, signature);
    }
    Ok(groups)
}

/// Compared with all earlier ones: at the distances that find anything in complaints, 10 bits and more, an index
/// of permutations would be larger and slower.
fn simhash<'a>(events: &'a [Event], settings: &Settings) -> anyhow::Result<Groups<'a>> {
    let size = settings.tokens.parse()?;
    let hasher = SimHash::<SimSipHasher64, u64, 64>::new(SimSipHasher64::new(1, 2));
    let mut known: Vec<u64> = Vec::with_capacity(events.len());
    let mut groups = Groups::new(events, settings);
    for (at, event) in events.iter().enumerate() {
        let signature = hasher.create_signature(shingles(&event.text, size));
        let likeness = |other: &u64| 1.0 - f64::from((signature ^ other).count_ones()) / 64.0;
        let near: Vec<(usize, f64)> = known
            .iter()
            .map(likeness)
            .enumerate()
            .filter(|(_, likeness)| *likeness >= settings.threshold)
            .collect();
        groups.arrive(at, &near);
        known.push(signature);
    }
    Ok(groups)
}

/// Groups that grow as complaints come.
struct Groups<'a> {
    events: &'a [Event],
    is_nearest_only: bool,
    parent: Vec<usize>,
    members: Vec<Vec<usize>>,
    alerted: Vec<bool>,
    alerts: Vec<Value>,
}

impl<'a> Groups<'a> {
    fn new(events: &'a [Event], settings: &Settings) -> Self {
        Self {
            events,
            is_nearest_only: settings.join == "nearest",
            parent: (0..events.len()).collect(),
            members: vec![Vec::new(); events.len()],
            alerted: vec![false; events.len()],
            alerts: Vec::new(),
        }
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return;
        }
        // The older one keeps its name.
        let (one, other) = (one.min(other), one.max(other));
        self.parent[other] = one;
        let moved = std::mem::take(&mut self.members[other]);
        self.members[one].extend(moved);
        self.alerted[one] |= self.alerted[other];
    }

    /// A complaint has come, and is like these: puts it into its group, and looks whether there is something to
    /// tell.
    fn arrive(&mut self, at: usize, near: &[(usize, f64)]) {
        if self.is_nearest_only {
            // Of equals the oldest, whatever the order of a hash table.
            let nearest = near.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            nearest.into_iter().for_each(|(other, _)| self.join(at, *other));
        } else {
            near.iter().for_each(|(other, _)| self.join(at, *other));
        }
        let root = self.root(at);
        self.members[root].push(at);
        let members = &self.members[root];
        if self.alerted[root] || members.len() < PEOPLE {
            return;
        }
        let now = self.events[at].at;
        let recent = members.iter().map(|&member| &self.events[member]);
        let recent = recent.filter(|event| now.duration_since(event.at) <= WINDOW);
        let people: FxHashSet<usize> = recent.filter_map(|event| event.person).collect();
        if people.len() >= PEOPLE {
            self.alerted[root] = true;
            let mut members = members.clone();
            members.sort_unstable();
            let ids: Vec<&str> = members.iter().map(|&member| &*self.events[member].id).collect();
            let group = &self.events[root].id;
            self.alerts.push(json!({ "group": group, "raised_at": now.to_string(), "ids": ids }));
        }
    }

    fn write(mut self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
        let mut file = BufWriter::new(File::create(folder.join("groups.ndjson"))?);
        for at in 0..self.events.len() {
            let root = self.root(at);
            let group = (self.members[root].len() > 1).then(|| &self.events[root].id);
            writeln!(file, "{}", json!({ "id": self.events[at].id, "group": group }))?;
        }
        file.flush()?;
        let mut file = BufWriter::new(File::create(folder.join("alerts.ndjson"))?);
        for alert in &self.alerts {
            writeln!(file, "{alert}")?;
        }
        Ok(file.flush()?)
    }
}
