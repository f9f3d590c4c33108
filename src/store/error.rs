//! What can go wrong, one enum per family of operations.

use std::path::PathBuf;

/// Why a store could not be opened. The file is left as it was in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A setting is out of its range.
    #[error("{0}")]
    Config(String),
    /// The data folder cannot be made or used.
    #[error("cannot use the data folder {}: {detail}; point store.path at a folder that this user may write to", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Asked to read a store that is not there.
    #[error("there is no store at {}; check store.path, or start `fenghuo run` once to make it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a fenghuo store ({detail}); it was left untouched: move it away or point store.path elsewhere", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// How we know.
        detail: String,
    },
    /// The file was written by a newer version of fenghuo.
    #[error("{} was written by a newer fenghuo (schema {found}, this one knows up to {known}); it was left untouched: install that version or restore a backup", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// Asked to read a store of an older version, which only a writer may upgrade.
    #[error("{} is of an older version (schema {found}, this one reads {known}); start `fenghuo run` once to upgrade it", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The schema version that this program reads.
        known: i64,
    },
    /// The file is ours and its structure is broken.
    #[error("{} is damaged ({detail}); it was left untouched: move it away and restore a backup made with `fenghuo store backup`", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file or its folder cannot be written.
    #[error("{} cannot be written ({detail}); give this user write access to the file and its folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Another process kept the file locked for longer than `busy_timeout_seconds`.
    #[error("{} is locked by another process; wait for it to end, or raise store.busy_timeout_seconds", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else, with what the system said.
    #[error("cannot open {}: {detail}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
}

/// Why reading or changing the store failed. Nothing was changed; the store can be used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room: the disk, a quota, or `store.max_size_mib`. Waiting and trying again is right.
    #[error("{FULL} ({0})")]
    Full(String),
    /// Another process kept the file locked. Trying again is right.
    #[error("{BUSY} ({0})")]
    Busy(String),
    /// The file cannot be written, or was opened to read only.
    #[error("{READ_ONLY} ({0})")]
    ReadOnly(String),
    /// The file's structure or a record in it is broken.
    #[error("{DAMAGED} ({0})")]
    Damaged(String),
    /// Another version of fenghuo has upgraded the file while this process had it open.
    #[error("{SUPERSEDED} (schema {0})")]
    Superseded(i64),
    /// Anything else.
    #[error("the store failed: {0}")]
    Other(String),
}

/// Why a commit was not applied. Nothing of it was; the store can be used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Somebody else has committed for this source or partition in the meantime: what this engine
    /// knows is out of date, and it must be rebuilt from the store before it goes on.
    #[error("somebody else has committed for {source} in the meantime; rebuild from the store")]
    Lost {
        /// The source whose position does not join on, or the partition whose numbers do not.
        r#source: String,
    },
    /// See [`StoreError::Full`].
    #[error("{FULL} ({0})")]
    Full(String),
    /// See [`StoreError::Busy`].
    #[error("{BUSY} ({0})")]
    Busy(String),
    /// See [`StoreError::ReadOnly`].
    #[error("{READ_ONLY} ({0})")]
    ReadOnly(String),
    /// See [`StoreError::Damaged`].
    #[error("{DAMAGED} ({0})")]
    Damaged(String),
    /// See [`StoreError::Superseded`].
    #[error("{SUPERSEDED} (schema {0})")]
    Superseded(i64),
    /// Anything else, for example a record that the store refuses. Trying the same again fails again.
    #[error("the store refused the commit: {0}")]
    Other(String),
}

const FULL: &str =
    "the store has no room to write; free disk space, raise store.max_size_mib or shorten store.retention";
const BUSY: &str = "the store is locked by another process";
const READ_ONLY: &str = "the store cannot be written; check the rights of the file and its folder";
const DAMAGED: &str = "the store is damaged; run `fenghuo store check`, then restore a backup";
const SUPERSEDED: &str = "another version of fenghuo has upgraded the store; stop this process";

impl CommitError {
    /// A stable name for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::Full(_) => "full",
            Self::Busy(_) => "busy",
            Self::ReadOnly(_) => "read_only",
            Self::Damaged(_) => "damaged",
            Self::Superseded(_) => "superseded",
            Self::Other(_) => "other",
        }
    }

    /// Whether the same commit may succeed later without anything of ours being rebuilt: wait,
    /// raise an alarm, try again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Busy(_))
    }
}

impl StoreError {
    /// Whether the same may succeed later: wait, raise an alarm, try again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Busy(_))
    }
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(detail) => Self::Full(detail),
            StoreError::Busy(detail) => Self::Busy(detail),
            StoreError::ReadOnly(detail) => Self::ReadOnly(detail),
            StoreError::Damaged(detail) => Self::Damaged(detail),
            StoreError::Superseded(found) => Self::Superseded(found),
            StoreError::Other(detail) => Self::Other(detail),
        }
    }
}
