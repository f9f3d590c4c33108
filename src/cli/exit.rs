//! How the program ends: the only place that decides exit codes and writes the last line.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::daemon::config::ConfigErrors;
use crate::daemon::secrets::SecretError;
use crate::engine::EngineConfigError;
use crate::place::GazetteerError;
use crate::rules::RuleErrors;
use crate::source::file::FileError;
use crate::source::http::HttpError;
use crate::store::{CommitError, OpenError, StoreError};

/// How a command ended. The numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and all is well. Also when the reader of the output has gone away.
    Ok = 0,
    /// Done, and something was found: a check failed, some events were refused, no such alert.
    Problems = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The input cannot be read.
    Input = 3,
    /// The data folder or the database cannot be used.
    Store = 4,
    /// Something outside is not there or refuses: a port is taken, a server cannot be reached.
    Unavailable = 5,
    /// Anything else.
    Failure = 70,
    /// Told to stop a second time, and ended at once. 128 and the number of SIGINT, as shells say it.
    Interrupted = 130,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Problems,
        Self::Usage,
        Self::Input,
        Self::Store,
        Self::Unavailable,
        Self::Failure,
        Self::Interrupted,
    ];

    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// What it means, for help and documentation.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done, and all is well",
            Self::Problems => {
                "done, and something was found: a check failed, events were refused, no such alert"
            }
            Self::Usage => "the command line or the configuration is wrong",
            Self::Input => "the input cannot be read",
            Self::Store => "the data folder or the database cannot be used",
            Self::Unavailable => {
                "something outside is not there or refuses: a port is taken, a server cannot be reached"
            }
            Self::Failure => "anything else",
            Self::Interrupted => {
                "told to stop a second time (SIGINT, SIGTERM): ended at once; what was committed is safe"
            }
        }
    }
}

/// Says of an error how the program is to end for it, where its type does not.
pub trait OrExit<T> {
    /// Ends with `exit` if this is an error.
    ///
    /// # Errors
    /// The same error, marked.
    fn or_exit(self, exit: Exit) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::Error::new(Marked { exit, error: error.into() }))
    }
}

#[derive(Debug)]
struct Marked {
    exit: Exit,
    error: anyhow::Error,
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Marked {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Writes what is left to say and gives the number to end with.
pub fn end(result: anyhow::Result<Exit>) -> ExitCode {
    let exit = match result {
        Ok(exit) => exit,
        Err(error) => {
            let exit = of(&error);
            if exit != Exit::Ok {
                let mut stderr = io::stderr().lock();
                for line in lines(&error) {
                    // There is nowhere left to say that stderr is gone.
                    let _ = writeln!(stderr, "fenghuo: {line}");
                }
            }
            exit
        }
    };
    ExitCode::from(exit.code())
}

/// How the program ends for an error: what a command said of it, else what its type says.
pub fn of(error: &anyhow::Error) -> Exit {
    if is_broken_pipe(error) {
        return Exit::Ok;
    }
    for cause in error.chain() {
        if let Some(marked) = cause.downcast_ref::<Marked>() {
            return marked.exit;
        }
        if cause.is::<ConfigErrors>() || cause.is::<SecretError>() || cause.is::<clap::Error>() {
            return Exit::Usage;
        }
        // Rule packs and gazetteer are part of what the operator configures.
        if cause.is::<RuleErrors>() || cause.is::<GazetteerError>() || cause.is::<EngineConfigError>() {
            return Exit::Usage;
        }
        if cause.is::<OpenError>() || cause.is::<StoreError>() || cause.is::<CommitError>() {
            return Exit::Store;
        }
        if let Some(http) = cause.downcast_ref::<HttpError>() {
            return match http {
                HttpError::Busy(_)
                | HttpError::NotOurs(_)
                | HttpError::Privileged(_)
                | HttpError::Listen { .. } => Exit::Unavailable,
                _ => Exit::Usage,
            };
        }
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && matches!(io.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable)
        {
            return Exit::Unavailable;
        }
    }
    // Last, since reading a file may also fail for the store that keeps its position.
    if error.chain().any(<dyn Error>::is::<FileError>) { Exit::Input } else { Exit::Failure }
}

// `fenghuo ... | head` is no fault.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

// One line for an error, with its causes; of a configuration, one line for each thing wrong. Many
// errors already say their cause themselves, which need not be said twice.
fn lines(error: &anyhow::Error) -> Vec<String> {
    if let Some(errors) = error.chain().find_map(|cause| cause.downcast_ref::<ConfigErrors>()) {
        return errors.0.iter().map(ToString::to_string).collect();
    }
    if let Some(errors) = error.chain().find_map(|cause| cause.downcast_ref::<RuleErrors>()) {
        return errors.0.iter().map(ToString::to_string).collect();
    }
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().replace('\n', " ");
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    vec![line]
}

/// The table of exit codes for help and man page.
pub fn table() -> String {
    let rows: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("  {:<3} {}", exit.code(), exit.meaning())).collect();
    format!("Exit codes:\n{}", rows.join("\n"))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_mark_holds_through_further_context_and_the_chain_is_one_line() {
        let missing = io::Error::new(io::ErrorKind::NotFound, "no such file");
        let error = Err::<(), _>(missing).context("cannot read x").or_exit(Exit::Input).context("replay");
        let error = error.unwrap_err();
        assert_eq!(of(&error), Exit::Input);
        assert_eq!(lines(&error), ["replay: cannot read x: no such file"]);
    }

    #[test]
    fn types_say_how_to_end() {
        let of_io = |kind| of(&anyhow::Error::new(io::Error::from(kind)).context("x"));
        assert_eq!(of_io(io::ErrorKind::AddrInUse), Exit::Unavailable);
        assert_eq!(of_io(io::ErrorKind::BrokenPipe), Exit::Ok);
        assert_eq!(of_io(io::ErrorKind::Other), Exit::Failure);
        assert_eq!(of(&ConfigErrors(Vec::new()).into()), Exit::Usage);
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot open it: {0}")]
        struct Twice(#[source] io::Error);
        let error = anyhow::Error::new(Twice(io::Error::other("because")));
        assert_eq!(lines(&error), ["cannot open it: because"]);
    }
}
