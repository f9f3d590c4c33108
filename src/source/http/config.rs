//! The settings of the HTTP side, and what can be wrong with them.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The HTTP side: where it listens, who may send complaints, and how much at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port, for example `127.0.0.1:8787`; port 0 takes any free one.
    pub listen: String,
    /// Whether complaints may be sent here (`POST /v1/complaints`). Off leaves the console, the
    /// metrics and the health pages.
    pub accept_complaints: bool,
    /// A file with the bearer tokens that may send complaints, one a line, each of 16 to 256
    /// characters; empty lines and lines that begin with # do not count.
    pub tokens_file: Option<PathBuf>,
    /// Whether anybody who reaches an address other than this machine's own may send complaints
    /// without a token.
    pub allow_unauthenticated: bool,
    /// Largest body of a request, in bytes. 1024 to 1073741824.
    pub max_body_bytes: usize,
    /// Bodies in memory at one time, in bytes; a request beyond it is told to come again. At least
    /// `max_body_bytes`.
    pub max_buffered_bytes: usize,
    /// Most lines in a batch. 1 to 1000000.
    pub max_lines: usize,
    /// Requests with complaints at one time; one more is told to come again. 1 to 100000.
    pub max_concurrent_requests: usize,
    /// Open connections; one more waits. 1 to 100000.
    pub max_connections: usize,
    /// How long a request waits for its events to be durable, in seconds. 1 to 600.
    pub ack_timeout_seconds: u64,
    /// How long a request's body may take to arrive, in seconds. 1 to 600.
    pub body_timeout_seconds: u64,
    /// How long requests may still take when the daemon stops, in seconds. 0 to 60, and less than
    /// `shutdown_seconds`.
    pub shutdown_grace_seconds: u64,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8787".into(),
            accept_complaints: true,
            tokens_file: None,
            allow_unauthenticated: false,
            max_body_bytes: 16 << 20,
            max_buffered_bytes: 64 << 20,
            max_lines: 10_000,
            max_concurrent_requests: 256,
            max_connections: 1024,
            ack_timeout_seconds: 30,
            body_timeout_seconds: 30,
            shutdown_grace_seconds: 3,
        }
    }
}

/// Why the HTTP side cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not an address.
    #[error("http.listen is \"{listen}\", which is no address ({source}); give one like 127.0.0.1:8787")]
    BadAddress {
        /// The setting.
        listen: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "http.listen: another program already listens on {0}; stop it (is a fenghuo running?) or set another port"
    )]
    Busy(SocketAddr),
    /// A port below 1024, and no right to it.
    #[error(
        "http.listen: no right to listen on {0}; ports below 1024 need CAP_NET_BIND_SERVICE, so set a higher port"
    )]
    Privileged(SocketAddr),
    /// Not an address of this machine.
    #[error("http.listen: this machine has no address {0}; set one of its own, or 0.0.0.0 for all")]
    NotOurs(SocketAddr),
    /// Any other fault of the system.
    #[error("http.listen: cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Open to other machines without tokens.
    #[error(
        "http.listen is {0}, which other machines reach, and no tokens are configured; set http.tokens_file, \
         or http.allow_unauthenticated = true if a proxy in front checks who sends"
    )]
    Unauthenticated(SocketAddr),
    /// The file of tokens cannot be read.
    #[error("http.tokens_file {}: {source}; give a file that fenghuo may read", path.display())]
    UnreadableTokens {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A token that cannot be one.
    #[error("http.tokens_file {} line {line}: {fault}", path.display())]
    BadToken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and the remedy.
        fault: &'static str,
    },
    /// No token in the file.
    #[error("http.tokens_file {} has no token; write one a line, for example of `openssl rand -hex 32`", .0.display())]
    NoToken(PathBuf),
    /// A number is out of its range.
    #[error("http.{field} is {found}; it must be from {least} to {most}")]
    OutOfRange {
        /// The setting.
        field: &'static str,
        /// What it is set to.
        found: u64,
        /// The least allowed.
        least: u64,
        /// The most allowed.
        most: u64,
    },
}

impl HttpConfig {
    /// Checks the ranges of all numbers.
    ///
    /// # Errors
    /// Names the setting, its value and the range.
    pub fn check(&self) -> Result<(), HttpError> {
        let body = self.max_body_bytes as u64;
        for (field, found, least, most) in [
            ("max_body_bytes", body, 1 << 10, 1 << 30),
            ("max_buffered_bytes", self.max_buffered_bytes as u64, body, 1 << 40),
            ("max_lines", self.max_lines as u64, 1, 1_000_000),
            ("max_concurrent_requests", self.max_concurrent_requests as u64, 1, 100_000),
            ("max_connections", self.max_connections as u64, 1, 100_000),
            ("ack_timeout_seconds", self.ack_timeout_seconds, 1, 600),
            ("body_timeout_seconds", self.body_timeout_seconds, 1, 600),
            ("shutdown_grace_seconds", self.shutdown_grace_seconds, 0, 60),
        ] {
            if !(least..=most).contains(&found) {
                return Err(HttpError::OutOfRange { field, found, least, most });
            }
        }
        Ok(())
    }

    /// The address to listen on.
    pub fn address(&self) -> Result<SocketAddr, HttpError> {
        let bad = |source| HttpError::BadAddress { listen: self.listen.clone(), source };
        let mut found = self.listen.to_socket_addrs().map_err(bad)?;
        found.next().ok_or_else(|| bad(io::Error::new(io::ErrorKind::NotFound, "no such host")))
    }

    pub(super) fn ack_timeout(&self) -> Duration {
        Duration::from_secs(self.ack_timeout_seconds)
    }

    pub(super) fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds)
    }

    pub(super) fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }
}

/// Opens the port.
pub(super) fn open(address: SocketAddr) -> Result<TcpListener, HttpError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => HttpError::Busy(address),
        io::ErrorKind::PermissionDenied => HttpError::Privileged(address),
        io::ErrorKind::AddrNotAvailable => HttpError::NotOurs(address),
        _ => HttpError::Listen { address, source },
    })
}
