//! Opening a file, and refusing to when it is not a sound store of ours.
//!
//! A file is looked at before anything could change it: first in SQLite's immutable mode, which
//! neither locks nor makes side files (is it ours at all?), then on a read-only connection that
//! sees the write-ahead log (which version, is it sound?). Only then is it opened to write. A new
//! store is made whole under another name and then put in place, so a crash never leaves half one.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rusqlite_migration::Migrations;

use super::super::{OpenError, StoreConfig, StoreError, Synchronous};
use super::schema;

/// Larger pages than SQLite's 4 KiB: a complaint with its decision takes 2 to 4 KiB, and this way
/// seldom needs an overflow page.
const PAGE_BYTES: i64 = 8192;

/// Up to this size the whole structure is checked on opening (well below a second); above it only
/// the header and the schema are, and `fenghuo store check` does the rest.
const QUICK_CHECK_BYTES: u64 = 256 << 20;

const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How many stores this process has begun to make.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// The schema a program can work with.
pub(super) struct Schema<'m> {
    pub(super) version: i64,
    pub(super) migrations: &'m Migrations<'static>,
}

impl Schema<'static> {
    pub(super) fn current() -> Self {
        Self { version: schema::VERSION, migrations: &schema::MIGRATIONS }
    }
}

/// Opens to write, making the store or upgrading it when needed.
pub(super) fn writer(config: &StoreConfig, schema: &Schema<'_>) -> Result<Connection, OpenError> {
    config.validate().map_err(OpenError::Config)?;
    let file = config.file();
    // An error here is one of the way to the file, not of the file.
    if file.try_exists().map_err(|error| folder(&file, &error))? {
        inspect(&file, config, schema)?;
    } else {
        create(&file, schema)?;
    }
    let mut connection =
        connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX, config)?;
    prepare_writer(&mut connection, config, schema).map_err(|error| refusal(&file, error))?;
    Ok(connection)
}

/// Opens to read next to whoever writes.
pub(super) fn reader(config: &StoreConfig) -> Result<Connection, OpenError> {
    connect(&config.file(), READ_ONLY, config)
}

/// Checks a store that is only to be read.
pub(super) fn inspect_to_read(config: &StoreConfig) -> Result<(), OpenError> {
    let file = config.file();
    if !file.try_exists().map_err(|error| folder(&file, &error))? {
        return Err(OpenError::Missing { path: file });
    }
    let schema = Schema::current();
    let found = inspect(&file, config, &schema)?;
    if found < schema.version {
        return Err(OpenError::Older { path: file, found, known: schema.version });
    }
    Ok(())
}

fn connect(file: &Path, flags: OpenFlags, config: &StoreConfig) -> Result<Connection, OpenError> {
    let open = || -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(Duration::from_secs(config.busy_timeout_seconds.into()))?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;
             PRAGMA cache_size = -16000;",
        )?;
        Ok(connection)
    };
    open().map_err(|error| refusal(file, error))
}

fn prepare_writer(
    connection: &mut Connection,
    config: &StoreConfig,
    schema: &Schema<'_>,
) -> Result<(), StoreError> {
    if connection.is_readonly("main")? {
        return Err(StoreError::ReadOnly("the file is read-only".into()));
    }
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Other(format!(
            "the file system allows journal mode {mode} only, not a write-ahead log; use a local disk"
        )));
    }
    let synchronous = match config.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // Deleted complaints are overwritten where that costs no extra writing.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    if let Some(mib) = config.max_size_mib {
        let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = (i64::from(mib) << 20) / page_bytes;
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    migrate(connection, schema)?;
    // Taking the write lock now shows a folder that cannot be written before the first event comes.
    connection.transaction_with_behavior(TransactionBehavior::Immediate)?.rollback()?;
    Ok(())
}

fn migrate(connection: &mut Connection, schema: &Schema<'_>) -> Result<(), StoreError> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let migrated = schema.migrations.to_latest(connection);
    let now: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match migrated {
        Ok(()) => Ok(()),
        // Another process has just done the same.
        Err(_) if now == schema.version => Ok(()),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(err.into()),
        Err(error) => Err(StoreError::Other(format!("the schema cannot be upgraded: {error}"))),
    }
}

/// Looks at a file without changing anything; returns its schema version.
fn inspect(file: &Path, config: &StoreConfig, schema: &Schema<'_>) -> Result<i64, OpenError> {
    let not_ours = |detail: &str| OpenError::NotAStore { path: file.to_path_buf(), detail: detail.into() };
    let metadata = file.metadata().map_err(|error| other(file, &error))?;
    if !metadata.is_file() {
        return Err(not_ours("it is not a regular file"));
    }
    if metadata.len() == 0 {
        return Err(not_ours("it is empty"));
    }
    match look(file).and_then(|connection| header(&connection)) {
        Ok(found) => is_known(file, found, schema)?,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Err(not_ours("its content is not a database"));
        }
        // Without its write-ahead log the file may well be shorter than it says: a crash came while
        // the log was being folded in. The next look is with the log.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {}
        Err(error) => return Err(refusal(file, error.into())),
    }

    // A file without a log is all there is, and again nothing has to be made beside it.
    if !has_log(file) {
        let verdict = look(file)
            .map_err(|error| refusal(file, error.into()))
            .and_then(|connection| is_sound(file, &connection, metadata.len(), schema));
        // Unless another process has opened it in this moment.
        if verdict.is_ok() || !has_log(file) {
            return verdict;
        }
    }
    is_sound(file, &reader(config)?, metadata.len(), schema)
}

fn has_log(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log).metadata().is_ok_and(|log| log.len() > 0)
}

fn is_known(file: &Path, found: (i32, i64), schema: &Schema<'_>) -> Result<(), OpenError> {
    let path = file.to_path_buf();
    let (application, version) = found;
    if application != schema::APPLICATION_ID {
        return Err(OpenError::NotAStore { path, detail: "it is an SQLite file of another program".into() });
    }
    if version > schema.version {
        return Err(OpenError::Newer { path, found: version, known: schema.version });
    }
    Ok(())
}

fn is_sound(file: &Path, connection: &Connection, bytes: u64, schema: &Schema<'_>) -> Result<i64, OpenError> {
    let failed = |error: rusqlite::Error| refusal(file, error.into());
    let found = header(connection).map_err(failed)?;
    is_known(file, found, schema)?;
    if bytes <= QUICK_CHECK_BYTES {
        let detail: String =
            connection.query_row("PRAGMA quick_check (1)", [], |row| row.get(0)).map_err(failed)?;
        if detail != "ok" {
            return Err(OpenError::Damaged { path: file.to_path_buf(), detail });
        }
    }
    Ok(found.1)
}

fn header(connection: &Connection) -> Result<(i32, i64), rusqlite::Error> {
    let application = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok((application, version))
}

/// Opens a file so that nothing at all is locked, made or changed.
pub(super) fn look(file: &Path) -> Result<Connection, rusqlite::Error> {
    let mut uri = String::from(if file.is_absolute() { "file://" } else { "file:" });
    for &byte in file.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            write!(uri, "%{byte:02x}").expect("a string takes everything");
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(uri, READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

fn create(file: &Path, schema: &Schema<'_>) -> Result<(), OpenError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let unusable = |error: &dyn std::fmt::Display| self::folder(file, error);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| unusable(&error))?;
    let mut name = file.as_os_str().to_owned();
    // Told apart from what other processes, and other threads of this one, are making.
    let number = CREATED.fetch_add(1, Ordering::Relaxed);
    name.push(format!(".new-{}-{number}", std::process::id()));
    let unfinished = Unfinished(PathBuf::from(name));
    unfinished.remove();
    new_private_file(&unfinished.0).map_err(|error| unusable(&error))?;
    let set_up = || -> Result<(), StoreError> {
        let mut connection = Connection::open(&unfinished.0)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
        migrate(&mut connection, schema)?;
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        tracing::debug!(file = %file.display(), mode, "made a new store");
        connection.close().map_err(|(_, error)| error.into())
    };
    set_up().map_err(|error| refusal(file, error))?;
    match publish(&unfinished.0, file) {
        // Another process was faster; its file is as good.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|error| unusable(&error)),
    }
}

/// Removes what a failed creation leaves behind.
struct Unfinished(PathBuf);

impl Unfinished {
    fn remove(&self) {
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(suffix);
            // Mostly there is none; what cannot be removed is found when it is made.
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Makes an empty file that only its owner may read; SQLite gives its side files the same rights.
pub(super) fn new_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Gives a finished file its name, never replacing another, and makes that durable.
pub(super) fn publish(finished: &Path, name: &Path) -> io::Result<()> {
    File::open(finished)?.sync_all()?;
    match std::fs::hard_link(finished, name) {
        Ok(()) => std::fs::remove_file(finished)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // A file system without hard links.
        Err(_) if !name.try_exists()? => std::fs::rename(finished, name)?,
        Err(_) => return Err(io::ErrorKind::AlreadyExists.into()),
    }
    match name.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn refusal(file: &Path, error: StoreError) -> OpenError {
    let path = file.to_path_buf();
    match error {
        StoreError::Damaged(detail) => OpenError::Damaged { path, detail },
        StoreError::ReadOnly(detail) => OpenError::ReadOnly { path, detail },
        StoreError::Busy(_) => OpenError::Busy { path },
        StoreError::Full(detail) | StoreError::Other(detail) => OpenError::Other { path, detail },
        StoreError::Superseded(found) => OpenError::Newer { path, found, known: schema::VERSION },
    }
}

fn folder(file: &Path, error: &dyn std::fmt::Display) -> OpenError {
    let path = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    OpenError::Folder { path: path.to_path_buf(), detail: error.to_string() }
}

fn other(file: &Path, error: &dyn std::fmt::Display) -> OpenError {
    OpenError::Other { path: file.to_path_buf(), detail: error.to_string() }
}
