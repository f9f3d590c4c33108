//! A value of a rule file together with where it was typed: once files are laid over one another, the
//! file that a list stands in no longer tells where each of its terms comes from.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// Where something was typed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub value: T,
    pub place: Place,
}

thread_local! {
    // Serde hands nothing down from the reader of a file to the values in it.
    static READING: RefCell<Arc<str>> = RefCell::new(Arc::from(""));
}

/// Reads with `read` what stands in `file`.
pub(super) fn reading<T>(file: &str, read: impl FnOnce() -> T) -> T {
    READING.set(Arc::from(file));
    read()
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let (line, column) = (spanned.referenced.line(), spanned.referenced.column());
        let file = READING.with_borrow(Arc::clone);
        Ok(Self { value: spanned.value, place: Place { file, line, column } })
    }
}
