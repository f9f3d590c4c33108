//! Which room may know which, and how large a file may grow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of ARCHITECTURE.md, each with the rooms it may use. `daemon` and `cli` put the others
/// together and may use them all.
const ARROWS: [(&str, &[&str]); 15] = [
    ("model", &[]),
    ("text", &["model"]),
    ("place", &["model", "text"]),
    ("group", &["model", "text", "place", "entity"]),
    ("rules", &["model", "text"]),
    ("entity", &["model", "text"]),
    ("engine", &["model", "text", "place", "group", "rules", "entity"]),
    ("eval", &["model"]),
    ("generate", &["model"]),
    ("telemetry", &["model"]),
    ("kafka", &[]),
    ("source", &["model", "telemetry", "kafka"]),
    ("store", &["model", "telemetry"]),
    ("deliver", &["model", "store", "telemetry", "kafka"]),
    ("console", &["model", "text", "store", "telemetry"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}

fn of_room(room: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room), &mut found);
    found.sort();
    assert!(!found.is_empty(), "src/{room} is empty");
    found
}

/// The rooms that a file names as `crate::room`, its tests and comments left out.
fn named(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut rooms = BTreeSet::new();
    for line in lines {
        for rest in line.split("crate::").skip(1) {
            rooms.insert(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

#[test]
fn rooms_know_only_whom_they_may() {
    let arrows = BTreeMap::from(ARROWS);
    let mut odd = Vec::new();
    for (room, allowed) in &arrows {
        for file in of_room(room).into_iter().filter(|file| !file.to_string_lossy().contains("/tests")) {
            for other in named(&fs::read_to_string(&file).expect("readable")) {
                let is_room =
                    arrows.contains_key(other.as_str()) || ["daemon", "cli"].contains(&other.as_str());
                if is_room && other != *room && !allowed.contains(&other.as_str()) {
                    odd.push(format!("{}: {room} may not use {other}", file.display()));
                }
            }
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}

/// A file that one can read at a sitting. What is over the line is split by meaning.
#[test]
fn no_file_is_too_long_to_read() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests/it", "benches"] {
        sources(&root.join(folder), &mut files);
    }
    let long = files.iter().filter_map(|file| {
        let lines = fs::read_to_string(file).expect("readable").lines().count();
        (lines > 420).then(|| format!("{}: {lines} lines", file.display()))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}
