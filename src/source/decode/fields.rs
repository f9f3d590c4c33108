//! Reading one field's value as what the field must be.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::json::{self, Json, Prose};
use super::words::shown;
use super::{DecodeConfig, Undecodable};
use crate::model::DeadReason;

/// Longest id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// Reads the fields of one event under its limits.
pub(super) struct Fields<'d> {
    config: &'d DecodeConfig,
    extra_bytes: usize,
}

fn wrong(path: &str, found: &str, remedy: &str) -> Undecodable {
    Undecodable::new(DeadReason::InvalidField, format!("`{path}` is {found}; {remedy}"))
}

impl<'d> Fields<'d> {
    pub(super) fn new(config: &'d DecodeConfig) -> Self {
        Self { config, extra_bytes: 0 }
    }

    /// The work order's number; `None` when it is missing or blank.
    pub(super) fn id(raw: &RawValue) -> Result<Option<Cow<'_, str>>, Undecodable> {
        const REMEDY: &str = "give the work order's number as a text or a whole number";
        let id = match json::open(raw, "id")? {
            Json::Null => return Ok(None),
            Json::Text { text, .. } => text,
            Json::Number(written) => Cow::Borrowed(
                whole(written)
                    .ok_or_else(|| wrong("id", &format!("the number {}", shown(written)), REMEDY))?,
            ),
            _ => return Err(wrong("id", json::kind_of(raw.get()), REMEDY)),
        };
        let id = trimmed(id);
        if id.len() > MAX_ID_BYTES {
            let found = format!("a text of {} bytes", id.len());
            return Err(wrong("id", &found, "an id has at most 128 bytes"));
        }
        if id.chars().any(char::is_control) {
            let found = format!("\"{}\", with a control character in it", shown(&id));
            return Err(wrong("id", &found, "send it without"));
        }
        Ok(Some(id).filter(|id| !id.is_empty()))
    }

    /// A long text, kept as it is but for control characters; empty when it is missing.
    pub(super) fn prose(&self, prose: Option<Prose<'_>>, path: &str) -> Result<String, Undecodable> {
        match prose {
            None | Some(Prose::Null) => Ok(String::new()),
            Some(Prose::Text { text, clean }) => Ok(self.bounded(text, clean, path)?.into_owned()),
            Some(Prose::Other(kind)) => Err(wrong(path, kind, "give it as a text")),
        }
    }

    /// A short text; `None` when it is missing or blank.
    pub(super) fn short(&self, prose: Option<Prose<'_>>, path: &str) -> Result<Option<String>, Undecodable> {
        match prose {
            None | Some(Prose::Null) => Ok(None),
            Some(Prose::Text { text, clean }) => self.short_text(text, clean, path),
            Some(Prose::Other(kind)) => Err(wrong(path, kind, "give it as a text, or leave it out")),
        }
    }

    /// A short text that senders also write as a whole number: a phone, an account, a channel.
    pub(super) fn label(&self, raw: Option<&RawValue>, path: &str) -> Result<Option<String>, Undecodable> {
        const REMEDY: &str = "give it as a text or a whole number, or leave it out";
        let Some(raw) = raw else { return Ok(None) };
        match json::open(raw, path)? {
            Json::Null => Ok(None),
            Json::Text { text, clean } => self.short_text(text, clean, path),
            Json::Number(written) => match whole(written) {
                Some(digits) => Ok(Some(digits.to_owned())),
                None => Err(wrong(path, "a number that is not whole or is negative", REMEDY)),
            },
            _ => Err(wrong(path, json::kind_of(raw.get()), REMEDY)),
        }
    }

    /// A list of short texts; members that are `null` or blank are left out.
    pub(super) fn texts(&self, raw: Option<&RawValue>, path: &str) -> Result<Vec<String>, Undecodable> {
        Self::list(raw, path, |member: Prose<'_>| self.short(Some(member), path))
    }

    /// A list of what [`Self::label`] reads.
    pub(super) fn labels(&self, raw: Option<&RawValue>, path: &str) -> Result<Vec<String>, Undecodable> {
        Self::list(raw, path, |member: &RawValue| self.label(Some(member), path))
    }

    fn list<'a, T: Deserialize<'a>>(
        raw: Option<&'a RawValue>,
        path: &str,
        read: impl Fn(T) -> Result<Option<String>, Undecodable>,
    ) -> Result<Vec<String>, Undecodable> {
        let Some(raw) = raw else { return Ok(Vec::new()) };
        match json::open(raw, path)? {
            Json::Null => Ok(Vec::new()),
            Json::List(list) => {
                let members = json::values::<T>(list)?;
                let mut texts = Vec::with_capacity(members.len());
                for member in members {
                    texts.extend(read(member).map_err(|mut error| {
                        error.detail.insert_str(0, "a member of ");
                        error
                    })?);
                }
                Ok(texts)
            }
            _ => Err(wrong(path, json::kind_of(raw.get()), "give it as a list of texts, or leave it out")),
        }
    }

    /// An object, as it stands; `None` when it is missing.
    pub(super) fn object<'a>(
        raw: Option<&'a RawValue>,
        path: &str,
        remedy: &str,
    ) -> Result<Option<&'a str>, Undecodable> {
        let Some(raw) = raw else { return Ok(None) };
        match json::open(raw, path)? {
            Json::Null => Ok(None),
            Json::Object(object) => Ok(Some(object)),
            _ => Err(wrong(path, json::kind_of(raw.get()), remedy)),
        }
    }

    /// What to say of an object whose keys or texts cannot be read.
    pub(super) fn unreadable(path: &str, error: &serde_json::Error) -> Undecodable {
        let detail = format!("`{path}` cannot be read: {error}; write characters as UTF-8");
        Undecodable::new(DeadReason::InvalidJson, detail)
    }

    /// A coordinate in degrees; what cannot be one is put aside in `extra` as `invalid_NAME`.
    pub(super) fn degrees(
        &mut self,
        raw: Option<&RawValue>,
        name: &str,
        most: f64,
        extra: &mut Map<String, Value>,
    ) -> Result<Option<f64>, Undecodable> {
        let Some(raw) = raw else { return Ok(None) };
        let written = match json::open(raw, name)? {
            Json::Null => return Ok(None),
            Json::Number(written) => Cow::Borrowed(written),
            Json::Text { text, .. } if text.trim().is_empty() => return Ok(None),
            Json::Text { text, .. } => trimmed(text),
            _ => Cow::Borrowed(""),
        };
        match written.parse::<f64>() {
            Ok(degrees) if degrees.abs() <= most => Ok(Some(degrees)),
            _ => {
                self.keep(Cow::Owned(format!("invalid_{name}")), raw, 2, extra)?;
                Ok(None)
            }
        }
    }

    /// Keeps an unknown field of an object that stands at `level`.
    pub(super) fn keep(
        &mut self,
        key: Cow<'_, str>,
        raw: &RawValue,
        level: usize,
        extra: &mut Map<String, Value>,
    ) -> Result<(), Undecodable> {
        self.extra_bytes += key.len() + raw.get().len();
        if self.extra_bytes > self.config.max_extra_bytes {
            let detail = format!(
                "the unknown fields, up to `{}`, have more than {} bytes; send attachments apart, or \
                 raise `decode.max_extra_bytes`",
                shown(&key),
                self.config.max_extra_bytes
            );
            return Err(Undecodable::new(DeadReason::TooLarge, detail));
        }
        let value = json::kept(raw, &key, level + 1, self.config.max_depth)?;
        extra.insert(key.into_owned(), value);
        Ok(())
    }

    fn short_text(&self, text: Cow<'_, str>, clean: bool, path: &str) -> Result<Option<String>, Undecodable> {
        let text = trimmed(self.bounded(text, clean, path)?);
        Ok(Some(text).filter(|text| !text.is_empty()).map(Cow::into_owned))
    }

    fn bounded<'a>(&self, text: Cow<'a, str>, clean: bool, path: &str) -> Result<Cow<'a, str>, Undecodable> {
        if text.len() > self.config.max_text_bytes {
            let detail = format!(
                "`{path}` has {} bytes, more than the limit of {}; shorten it, or raise `decode.max_text_bytes`",
                text.len(),
                self.config.max_text_bytes
            );
            return Err(Undecodable::new(DeadReason::TooLarge, detail));
        }
        let is_noise = |c: char| c < ' ' && c != '\n' && c != '\t';
        if clean || !text.contains(is_noise) {
            return Ok(text);
        }
        Ok(Cow::Owned(text.chars().filter(|&c| !is_noise(c)).collect()))
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

// Spreadsheets write 13800000000.0 for a phone.
fn whole(written: &str) -> Option<&str> {
    let digits = match written.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|b| b == b'0') => digits,
        Some(_) => return None,
        None => written,
    };
    digits.bytes().all(|b| b.is_ascii_digit()).then_some(digits)
}
