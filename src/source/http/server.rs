//! The loop that takes connections.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::HttpConfig;
use crate::telemetry::source::HttpAcceptFailed;

/// How long a request's head may take; also how long an idle connection stays open.
const HEAD_TIME: Duration = Duration::from_secs(30);

/// After the grace, how long answers that are ready may still take to be written.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves until `shutdown` is cancelled; then takes no more connections, gives requests the grace,
/// cancels `give_up` so that those still waiting answer "come again", and ends.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    config: &HttpConfig,
    shutdown: CancellationToken,
    give_up: CancellationToken,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener).context("cannot watch the HTTP port")?;
    let places = Arc::new(Semaphore::new(config.max_connections));
    let graceful = GracefulShutdown::new();
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    loop {
        // A place first: while there is none, the system's queue holds the callers.
        let accepting = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            next = accepting => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                HttpAcceptFailed { error: &error }.emit();
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Answers are small and whole: waiting to fill a packet only makes them late. A connection
        // that refuses this is already gone.
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // How a connection ends is the client's affair; its requests were answered or counted.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    let done = graceful.shutdown();
    tokio::pin!(done);
    if tokio::time::timeout(config.shutdown_grace(), &mut done).await.is_err() {
        give_up.cancel();
        let _ = tokio::time::timeout(LAST_WORDS, done).await;
    }
    Ok(())
}
