//! Complaints over HTTP, and the server that carries the console, the metrics and the health pages
//! on the same port.
//!
//! **Does:** takes `POST /v1/complaints`, one event or a batch of lines, and hands the events to
//! the pipeline; serves the routes that others merged in, some of them only to those who may send
//! complaints. **Promises:** an answer that says
//! accepted, repeated, updated or put aside is sent only after that is durable; an answer that says
//! otherwise means that sending again is right, and harmless, since repeats are dropped; bodies,
//! lines, requests and connections are bounded; tokens are compared in constant time and never
//! logged. **Leaves to others:** decoding and everything after it (the pipeline), who may see the
//! merged routes (`daemon`).

mod body;
mod complaints;
mod config;
mod guard;
mod problem;
mod server;
mod tokens;

pub use config::{HttpConfig, HttpError};

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use tokio_util::sync::CancellationToken;

use self::guard::Guard;
use self::tokens::Tokens;
use crate::model::PartitionKey;
use crate::source::{Intake, Source};
use crate::telemetry::source::HttpListening;

/// Says whether events can be made durable now; the error is one sentence with the reason. Asked
/// before a request's body is read, so that a stalled store is answered with 503 at once.
pub type Availability = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The HTTP side, with its port already open.
pub struct HttpSource {
    config: HttpConfig,
    listener: TcpListener,
    address: SocketAddr,
    tokens: Option<Tokens>,
    availability: Availability,
    partition: PartitionKey,
    extra: Router,
    guarded: Router,
}

impl std::fmt::Debug for HttpSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpSource").field("address", &self.address).finish_non_exhaustive()
    }
}

impl HttpSource {
    /// Checks the settings, reads the tokens and opens the port. `extra` has the routes of the
    /// console, the metrics and the health pages. Its events go to the engine `partition`.
    ///
    /// # Errors
    /// When a setting is out of range, the tokens cannot be read, the port cannot be opened, or
    /// other machines could send complaints without a token and nobody said that they may.
    pub fn bind(
        config: HttpConfig,
        partition: PartitionKey,
        availability: Availability,
        extra: Router,
    ) -> Result<Self, HttpError> {
        config.check()?;
        let tokens = config.tokens_file.as_deref().map(Tokens::load).transpose()?;
        let wanted = config.address()?;
        let is_open = config.accept_complaints && tokens.is_none() && !config.allow_unauthenticated;
        if is_open && !is_loopback(wanted.ip()) {
            return Err(HttpError::Unauthenticated(wanted));
        }
        let listener = config::open(wanted)?;
        let address =
            listener.local_addr().map_err(|source| HttpError::Listen { address: wanted, source })?;
        let guarded = Router::new();
        Ok(Self { config, listener, address, tokens, availability, partition, extra, guarded })
    }

    /// Adds routes that only those may call who may send complaints: with a token, where tokens are set,
    /// else from this machine.
    #[must_use]
    pub fn guard(self, routes: Router) -> Self {
        Self { guarded: self.guarded.merge(routes), ..self }
    }

    /// Where it listens; with the port that the system chose, when port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Source for HttpSource {
    fn name(&self) -> &'static str {
        "http"
    }

    fn run(self: Box<Self>, intake: Intake, shutdown: CancellationToken) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("http")
            .enable_all()
            .build()
            .context("cannot start the threads of the HTTP side")?;
        HttpListening { address: self.address, authenticated: self.tokens.is_some() }.emit();
        let give_up = CancellationToken::new();
        let guard = match &self.tokens {
            Some(tokens) => Guard::Tokens(tokens.clone()),
            None if is_loopback(self.address.ip()) || self.config.allow_unauthenticated => Guard::Open,
            None => Guard::Closed,
        };
        let mut router = self.extra.merge(guard::guarded(self.guarded, guard));
        if self.config.accept_complaints {
            let intake = complaints::Complaints::new(
                self.config.clone(),
                self.tokens,
                self.availability,
                self.partition,
                intake,
                complaints::Stop { asked: shutdown.clone(), at_once: give_up.clone() },
            );
            router = router.merge(complaints::routes(intake));
        } else {
            // The pipeline ends when all intakes are gone.
            drop(intake);
        }
        let result = runtime.block_on(server::serve(self.listener, router, &self.config, shutdown, give_up));
        // Whoever still has a connection after the grace does not hold up the daemon's end.
        runtime.shutdown_background();
        result
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
