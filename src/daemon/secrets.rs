//! Secrets: read from a file or the environment, never from the configuration.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

/// The fewest bytes of a key by which callers are hashed. Phone numbers are few enough to try all
/// of them, so the key must not be guessable.
pub const LEAST_CALLER_KEY_BYTES: usize = 16;

/// The most a secret may have; more is some other file, named by mistake.
const MOST_BYTES: u64 = 64 << 10;

/// The file in the data folder that holds the caller key when none is configured.
const CALLER_KEY_FILE: &str = "caller.key";

/// Why a secret cannot be had, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {what} from {}: {cause}; {remedy}", path.display())]
    Unreadable {
        /// What the secret is for, for example "the caller key".
        what: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
        /// What to do.
        remedy: String,
    },
    /// Everybody on the machine can read the file.
    #[error(
        "{} holds {what} and can be read by everybody (mode {mode:04o}); run `chmod o-rwx {}`", path.display(), path.display()
    )]
    Open {
        /// What the secret is for.
        what: String,
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is nothing in it.
    #[error("{place} is empty; it should hold {what}")]
    Empty {
        /// What the secret is for.
        what: String,
        /// The file or variable.
        place: String,
    },
    /// The variable is not set.
    #[error("environment variable {name} is not set; it should hold {what}")]
    Unset {
        /// What the secret is for.
        what: String,
        /// The variable.
        name: String,
    },
    /// It is not text, or far too long for a secret.
    #[error("{place} does not hold {what}: {fault}")]
    Unlike {
        /// What the secret is for.
        what: String,
        /// The file or variable.
        place: String,
        /// What is wrong.
        fault: &'static str,
    },
    /// The key is too short.
    #[error(
        "the caller key from {place} has {found} bytes; it needs at least {LEAST_CALLER_KEY_BYTES}, for example from `openssl rand -hex 32`"
    )]
    Short {
        /// The file or variable.
        place: String,
        /// How many bytes it has.
        found: usize,
    },
}

/// Reads a secret from the file or the variable that the configuration names; `None` when it names
/// neither. `what` says what it is for, in messages. An end of line at its end is taken off.
///
/// # Errors
/// When it cannot be read, is empty, or stands in a file that everybody can read.
pub fn secret(
    what: &str,
    file: Option<&Path>,
    env: Option<&str>,
) -> Result<Option<SecretString>, SecretError> {
    match (file, env) {
        (Some(path), _) => from_file(what, path).map(Some),
        (None, Some(name)) => from_env(what, name).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads a secret from a file that not everybody can read.
///
/// # Errors
/// See [`secret`].
pub fn from_file(what: &str, path: &Path) -> Result<SecretString, SecretError> {
    let unreadable = |cause: io::Error| {
        let remedy = match cause.kind() {
            io::ErrorKind::NotFound => "make the file or correct its path in the configuration".into(),
            io::ErrorKind::PermissionDenied => {
                format!(
                    "let the user that runs fenghuo read it: `chown` it, or `chmod g+r {}`",
                    path.display()
                )
            }
            _ => "correct its path in the configuration".into(),
        };
        SecretError::Unreadable { what: what.into(), path: path.into(), cause, remedy }
    };
    let file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that what is checked is what is read.
    closed(what, path, &file.metadata().map_err(unreadable)?)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    trimmed(what, bytes, path.display().to_string())
}

/// Checks that not everybody can read a file with a secret that another room reads itself. One that
/// is not there or cannot be read is for that room to tell.
///
/// # Errors
/// When everybody can read it.
pub fn check_file(what: &str, path: &Path) -> Result<(), SecretError> {
    fs::metadata(path).map_or(Ok(()), |about| closed(what, path, &about))
}

fn closed(what: &str, path: &Path, about: &fs::Metadata) -> Result<(), SecretError> {
    let mode = about.mode() & 0o7777;
    if about.is_file() && mode & 0o007 != 0 && !is_credential(path) {
        return Err(SecretError::Open { what: what.into(), path: path.into(), mode });
    }
    Ok(())
}

// systemd keeps the credentials of a service in a folder that only the service sees.
fn is_credential(path: &Path) -> bool {
    std::env::var_os("CREDENTIALS_DIRECTORY").is_some_and(|folder| path.starts_with(folder))
}

fn from_env(what: &str, name: &str) -> Result<SecretString, SecretError> {
    let value =
        std::env::var_os(name).ok_or_else(|| SecretError::Unset { what: what.into(), name: name.into() })?;
    trimmed(what, value.into_encoded_bytes(), format!("environment variable {name}"))
}

fn trimmed(what: &str, bytes: Vec<u8>, place: String) -> Result<SecretString, SecretError> {
    let unlike = |fault| SecretError::Unlike { what: what.into(), place: place.clone(), fault };
    if bytes.len() as u64 > MOST_BYTES {
        return Err(unlike("it is longer than 64 KiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| unlike("it is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(SecretError::Empty { what: what.into(), place });
    }
    Ok(SecretString::from(text))
}

/// The key by which callers are hashed, and where it comes from.
#[derive(Debug)]
pub struct CallerKey {
    /// The key.
    pub key: SecretString,
    /// The file that was made for it just now, at a first start.
    pub made: Option<PathBuf>,
}

/// Reads the caller key from where the configuration says; without that, from `caller.key` in the
/// data folder, which is made with a random key (readable by its owner only) if it is missing.
///
/// # Errors
/// When the key cannot be read or made, or has fewer than 16 bytes.
pub fn caller_key(file: Option<&Path>, env: Option<&str>, data_dir: &Path) -> Result<CallerKey, SecretError> {
    let what = "the caller key";
    let own = data_dir.join(CALLER_KEY_FILE);
    let (key, place, made) = match (secret(what, file, env)?, file, env) {
        (Some(key), Some(path), _) => (key, path.display().to_string(), None),
        (Some(key), None, name) => (key, format!("environment variable {}", name.unwrap_or_default()), None),
        (None, ..) => {
            let is_new = make_caller_key(&own).map_err(|cause| SecretError::Unreadable {
                what: what.into(),
                path: own.clone(),
                cause,
                remedy: "let the user that runs fenghuo write there, or name another `store.path`".into(),
            })?;
            (from_file(what, &own)?, own.display().to_string(), is_new.then(|| own.clone()))
        }
    };
    let found = key.expose_secret().len();
    if found < LEAST_CALLER_KEY_BYTES {
        return Err(SecretError::Short { place, found });
    }
    Ok(CallerKey { key, made })
}

// Written aside and linked to its name, so that a crash leaves no half key and two starting
// processes end up with the same one.
fn make_caller_key(path: &Path) -> io::Result<bool> {
    if path.try_exists()? {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let bytes: [u8; 32] = rand::random();
    let mut hex = String::with_capacity(64);
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    let aside = folder.join(format!(".{CALLER_KEY_FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    let written = file.write_all(format!("{hex}\n").as_bytes()).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(&aside, path));
    let removed = fs::remove_file(&aside);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        other => other.and(removed).and_then(|()| File::open(folder)?.sync_all()).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder_with(content: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (dir, path)
    }

    fn refused(content: &[u8], mode: u32) -> String {
        let (dir, path) = folder_with(content, mode);
        let error = caller_key(Some(&path), None, dir.path()).unwrap_err().to_string();
        error.replace(&format!("{}/", dir.path().display()), "")
    }

    #[test]
    fn a_secret_is_read_without_its_line_end() {
        let (_dir, path) = folder_with(b"  0123456789abcdef \r\n", 0o640);
        let key = from_file("a key", &path).unwrap();
        assert_eq!(key.expose_secret(), "  0123456789abcdef ");
        assert!(!format!("{key:?}").contains("0123"));
    }

    #[test]
    fn a_secret_that_cannot_be_one_is_refused_with_the_remedy() {
        insta::assert_snapshot!(refused(b"0123456789abcdef\n", 0o644), @"key holds the caller key and can be read by everybody (mode 0644); run `chmod o-rwx key`");
        insta::assert_snapshot!(refused(b"\n", 0o600), @"key is empty; it should hold the caller key");
        insta::assert_snapshot!(refused(b"short\n", 0o600), @"the caller key from key has 5 bytes; it needs at least 16, for example from `openssl rand -hex 32`");
        insta::assert_snapshot!(refused(b"\xff\xfe0123456789abcdef", 0o600), @"key does not hold the caller key: it is not UTF-8 text");
        insta::assert_snapshot!(refused(&vec![b'x'; 70000], 0o600), @"key does not hold the caller key: it is longer than 64 KiB");
        let none = secret("the password", Some(Path::new("/none/pw")), None).unwrap_err();
        insta::assert_snapshot!(none, @"cannot read the password from /none/pw: No such file or directory (os error 2); make the file or correct its path in the configuration");
        let unset = secret("the password", None, Some("FENGHUO_NOT_SET")).unwrap_err();
        insta::assert_snapshot!(unset, @"environment variable FENGHUO_NOT_SET is not set; it should hold the password");
        assert!(secret("the password", None, None).unwrap().is_none());
    }

    #[test]
    fn a_first_start_makes_a_caller_key_and_the_next_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = caller_key(None, None, &data).unwrap();
        let path = first.made.expect("made");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let second = caller_key(None, None, &data).unwrap();
        assert!(second.made.is_none());
        assert_eq!(first.key.expose_secret(), second.key.expose_secret());
        assert_eq!(first.key.expose_secret().len(), 64);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_data_folder_that_cannot_be_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let blocked = dir.path().join("data");
        fs::write(&blocked, "a file").unwrap();
        let error = caller_key(None, None, &blocked).unwrap_err().to_string();
        assert!(error.contains("data/caller.key") && error.contains("name another `store.path`"), "{error}");
    }
}
