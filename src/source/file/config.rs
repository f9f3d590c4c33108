//! The settings of reading files.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// Reading complaints from files: NDJSON, or tables of work orders as CSV or XLSX.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// The files, read one after the other (with `follow`, side by side); `-` is stdin.
    pub paths: Vec<PathBuf>,
    /// The form of the files.
    pub format: Format,
    /// How characters are written.
    pub encoding: Encoding,
    /// What stands between the cells of a CSV row; one ASCII character. Without it a comma, or a
    /// tab in files called `.tsv`.
    pub delimiter: Option<char>,
    /// The sheet of an XLSX workbook, by name; without it the first.
    pub sheet: Option<String>,
    /// Wait for more at the end of a file, and go over to the new file when it is rotated. Not for
    /// XLSX, which is written as a whole.
    pub follow: bool,
    /// How often to look for more, in milliseconds. 10 to 60000.
    #[schemars(range(min = 10, max = 60_000))]
    pub poll_interval_milliseconds: u32,
    /// The longest line or row, in bytes; a longer one is put aside, cut. 1024 to 1073741824.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub max_line_bytes: usize,
    /// Which columns of a table hold what.
    pub columns: ColumnsConfig,
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            format: Format::Auto,
            encoding: Encoding::Auto,
            delimiter: None,
            sheet: None,
            follow: false,
            poll_interval_milliseconds: 250,
            max_line_bytes: 1 << 20,
            columns: ColumnsConfig::default(),
        }
    }
}

/// The form of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the name's ending, else by how the file begins.
    #[default]
    Auto,
    /// One JSON event a line.
    Ndjson,
    /// A table with a header row.
    Csv,
    /// An Excel workbook (2007 and later).
    Xlsx,
}

/// How characters are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// UTF-8 if the beginning of the file is, otherwise GB18030.
    #[default]
    Auto,
    /// UTF-8, with a byte order mark or without.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB18030, which includes GBK and GB 2312.
    Gb18030,
}

/// Which columns of a table hold what: for each field one header, or several of which the first
/// that is there counts. Without a name the usual headers of exports are looked for. Columns that
/// are not named here are passed on in the event under their headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnsConfig {
    /// The number of the work order (工单编号). Required.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub id: Vec<String>,
    /// When the call came (来电时间). Required.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub received_at: Vec<String>,
    /// One line that sums it up (标题). This or `text` is required.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub title: Vec<String>,
    /// What the caller said (诉求内容).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub text: Vec<String>,
    /// Where it came in (受理渠道).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub channel: Vec<String>,
    /// Whom it is about (被反映单位).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub subject: Vec<String>,
    /// The hotline's classes, from coarse to fine: all columns named here together.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub category: Vec<String>,
    /// Earlier work orders of the same person about the same matter (旧工单): all columns named here together.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub earlier: Vec<String>,
    /// Personal data that nobody needs: these columns are not read at all.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub drop: Vec<String>,
    /// Who called.
    pub caller: CallerColumns,
    /// Where it is.
    pub place: PlaceColumns,
}

/// Columns about the caller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallerColumns {
    /// The hotline's account of the caller (客户编号). A name is none: people share names.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub id: Vec<String>,
    /// The phone called from (来电号码).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub phone: Vec<String>,
    /// Further phones of the same person (备用电话): all columns named here together.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub also: Vec<String>,
    /// The caller's name (来电人). Only its first character is kept.
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub name: Vec<String>,
}

/// Columns about the place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceColumns {
    /// District (区).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub district: Vec<String>,
    /// Street office (街道).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub street: Vec<String>,
    /// Community (社区).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub community: Vec<String>,
    /// Address or site (事发地址).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub address: Vec<String>,
    /// Longitude in degrees (经度).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub lon: Vec<String>,
    /// Latitude in degrees (纬度).
    #[serde(deserialize_with = "names")]
    #[schemars(schema_with = "names_schema")]
    pub lat: Vec<String>,
}

/// One name, or a list of names.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a column's header, or a list of headers")]
    enum Names {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Several(names) => names,
    })
}

fn names_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["array", "string"], "items": { "type": "string" } })
}

/// A setting of reading files that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileConfigError {
    /// Nothing to read.
    #[error("`file.paths` is empty; name at least one file, or \"-\" for stdin")]
    NoPaths,
    /// A file that would be read twice at the same time.
    #[error("`file.paths` names {0} twice; name each file once")]
    NamedTwice(PathBuf),
    /// XLSX does not grow.
    #[error("{0} is a workbook, which cannot be followed; set `file.follow` to false")]
    CannotFollowXlsx(PathBuf),
    /// Waiting for stdin would keep the other files waiting.
    #[error("`file.paths` names \"-\" beside files that are followed; read stdin in a process of its own")]
    FollowedStdin,
    /// A delimiter that cannot be one.
    #[error("`file.delimiter` is {0:?}; use one ASCII character that is no quote and no line end")]
    Delimiter(char),
    /// A number is out of its range.
    #[error("`file.{field}` is {found}; it must be from {least} to {most}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// What it is set to.
        found: usize,
        /// The least allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
}

impl FileConfig {
    /// Settings to read one file to its end, everything else as by default.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        Self { paths: vec![path.to_owned()], ..Self::default() }
    }

    /// Looks at what can be said without opening a file.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn check(&self) -> Result<(), FileConfigError> {
        if self.paths.is_empty() || self.paths.iter().any(|path| path.as_os_str().is_empty()) {
            return Err(FileConfigError::NoPaths);
        }
        let twice = |(at, path): (usize, &PathBuf)| self.paths[..at].contains(path).then(|| path.clone());
        if let Some(path) = self.paths.iter().enumerate().find_map(twice) {
            return Err(FileConfigError::NamedTwice(path));
        }
        let is_workbook =
            |path: &&PathBuf| self.format == Format::Xlsx || super::open::by_name(path) == Some(Format::Xlsx);
        if let Some(path) = self.paths.iter().find(is_workbook).filter(|_| self.follow) {
            return Err(FileConfigError::CannotFollowXlsx(path.clone()));
        }
        if self.follow && self.paths.len() > 1 && self.paths.iter().any(|path| super::source::is_stdin(path))
        {
            return Err(FileConfigError::FollowedStdin);
        }
        self.check_values()
    }

    /// The values alone, for reading a file that is not among the paths.
    pub(super) fn check_values(&self) -> Result<(), FileConfigError> {
        if let Some(delimiter) = self.delimiter
            && (!delimiter.is_ascii() || "\"\r\n".contains(delimiter))
        {
            return Err(FileConfigError::Delimiter(delimiter));
        }
        let within = |field, found: usize, least, most| {
            if (least..=most).contains(&found) {
                Ok(())
            } else {
                Err(FileConfigError::OutOfRange { field, found, least, most })
            }
        };
        within("poll_interval_milliseconds", self.poll_interval_milliseconds as usize, 10, 60_000)?;
        within("max_line_bytes", self.max_line_bytes, 1024, 1 << 30)
    }
}
