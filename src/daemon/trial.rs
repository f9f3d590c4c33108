//! The engine over a labelled file: what `fenghuo eval` and the bench of quality score.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::engine::{CallerHasher, EngineConfig};
use crate::eval::{Decided, Event};
use crate::model::{Complaint, ComplaintId};
use crate::source::decode::{DecodeConfig, Decoder};
use crate::source::file::{self, FileConfig};
use crate::text::mask_personal;

use super::core::{self, RulesConfig};
use super::replay::{Outputs, Replay};

/// Hashes are compared within one run and not shown, so any key will do.
const CALLER_KEY: &str = "compared within one run";

/// Settings to try.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The engine's.
    pub engine: EngineConfig,
    /// The packs and lists.
    pub rules: RulesConfig,
    /// How events are read.
    pub decode: DecodeConfig,
    /// How tables are read.
    pub file: FileConfig,
}

/// An event of the file, as far as people need it to recognise it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Its number.
    pub id: ComplaintId,
    /// When it was received.
    pub at: Timestamp,
    /// Its title, or the beginning of its text, personal numbers masked.
    pub title: String,
}

/// The longest headline, in characters.
const HEADLINE: usize = 40;

/// A file of events that can be used whole.
#[derive(Debug)]
pub struct Labelled {
    /// What scoring needs, in the order of the file.
    pub events: Vec<Event>,
    /// The same for people.
    pub headlines: Vec<Headline>,
}

/// Reads all complaints of a file with the line each stands in: the labels of a file of which some lines
/// cannot be read would be about other complaints than the engine sees.
///
/// # Errors
/// The first line that cannot be read.
pub fn complaints(
    events: &Path,
    settings: &Settings,
    not_after: Timestamp,
) -> anyhow::Result<Vec<(u64, Complaint)>> {
    let decoder = Decoder::new(settings.decode.clone())?;
    let mut complaints = Vec::new();
    for record in file::records(events, &settings.file)? {
        let record = record?;
        let refused = |detail: &str| anyhow::anyhow!("{}:{}: {detail}", events.display(), record.number);
        let event = record.event().map_err(|(_, detail)| refused(detail))?;
        let decoded = decoder.decode(event, not_after).map_err(|fault| refused(&fault.detail))?;
        complaints.push((record.number, decoded.complaint));
    }
    Ok(complaints)
}

/// Reads all events of a file as scoring groups needs them.
///
/// # Errors
/// As [`complaints`].
pub fn read(events: &Path, settings: &Settings, not_after: Timestamp) -> anyhow::Result<Labelled> {
    let hasher = CallerHasher::new(CALLER_KEY.as_bytes())?;
    let mut labelled = Labelled { events: Vec::new(), headlines: Vec::new() };
    for (_, complaint) in complaints(events, settings, not_after)? {
        let callers = hasher.keys(&complaint.caller);
        let at = complaint.received_at;
        labelled.headlines.push(Headline { id: complaint.id.clone(), at, title: headline(&complaint) });
        labelled.events.push(Event { id: complaint.id, at, callers });
    }
    Ok(labelled)
}

/// The title of a complaint, or the beginning of its text, in one short line without personal numbers.
pub fn headline(complaint: &Complaint) -> String {
    let title = if complaint.title.is_empty() { &complaint.text } else { &complaint.title };
    let title = mask_personal(title);
    title.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).take(HEADLINE).collect()
}

/// Plays the events through the engine in the order of the file, as `replay` does.
///
/// # Errors
/// When settings cannot be used or the file cannot be read.
pub fn play(
    events: &Path,
    settings: &Settings,
    not_after: Timestamp,
    pool: &rayon::ThreadPool,
) -> anyhow::Result<Decided> {
    settings.engine.validate()?;
    let knowledge = core::knowledge(&settings.rules, &settings.engine)?;
    let preparer = core::preparer(knowledge, &SecretString::from(CALLER_KEY))?;
    let decoder = Decoder::new(settings.decode.clone())?;
    let (mut groups, mut alerts) = (Vec::new(), Vec::new());
    let config = Arc::new(settings.engine.clone());
    Replay { decoder: &decoder, preparer: &preparer, config, not_after, pool }.run(
        file::records(events, &settings.file)?,
        &mut Outputs {
            groups: &mut groups,
            alerts: &mut alerts,
            risks: &mut std::io::sink(),
            rejected: &mut |_, _, _| {},
            progress: &mut |_| {},
        },
    )?;
    Decided::read(&groups, Some(&alerts)).context("reading what the engine has decided")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headlines_show_no_personal_number() {
        let folder = tempfile::tempdir().unwrap();
        let events = folder.path().join("events.ndjson");
        let event = r#"{"id": "1", "received_at": "2026-03-01T08:00:00+08:00", "text": "请打13900001234"}"#;
        std::fs::write(&events, event).unwrap();
        let labelled = read(&events, &Settings::default(), Timestamp::MAX).unwrap();
        assert_eq!(labelled.headlines[0].title, "请打139****1234");
    }
}
