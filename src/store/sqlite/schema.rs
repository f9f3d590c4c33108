//! The schema and how it came to be, one migration after another.

use std::sync::LazyLock;

use rusqlite_migration::{M, Migrations};

/// Marks an SQLite file as ours (`FHst` in ASCII).
pub(super) const APPLICATION_ID: i32 = 0x4648_7374;

/// The schema version this program reads and writes: the number of migrations.
pub(super) const VERSION: i64 = 7;

/// A released migration is never changed; what must change goes into a new one.
pub(super) const STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_first.sql")),
    M::up(include_str!("migrations/0002_letters_that_are_no_event.sql")),
    M::up(include_str!("migrations/0003_fence.sql")),
    M::up(include_str!("migrations/0004_earlier_versions.sql")),
    M::up(include_str!("migrations/0005_readings.sql")),
    M::up(include_str!("migrations/0006_verdicts.sql")),
    M::up(include_str!("migrations/0007_outbox_levels.sql")),
];

/// All migrations.
pub(super) static MIGRATIONS: LazyLock<Migrations<'static>> = LazyLock::new(|| Migrations::from_slice(STEPS));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_apply() {
        assert_eq!(VERSION, i64::try_from(STEPS.len()).unwrap());
        MIGRATIONS.validate().expect("all migrations apply to an empty file");
    }
}
