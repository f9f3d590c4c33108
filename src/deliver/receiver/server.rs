//! The receiver's HTTP side.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ledger::{Ledger, LedgerError};
use super::switch::{Switch, Switched};
use super::{Event, Fail, ReceiverConfig, Refused};
use crate::deliver::{Payload, webhook_id};

/// Far more than an alert with all its evidence has.
const MOST_BYTES: usize = 4 << 20;

type Answer = (StatusCode, String);
type OnEvent = Box<dyn FnMut(Event) + Send>;

struct Receiver {
    config: ReceiverConfig,
    inner: Mutex<Inner>,
    shutdown: CancellationToken,
}

/// Behind one lock, so that alerts are accepted and told of in one order.
struct Inner {
    ledger: Ledger,
    on_event: OnEvent,
    requests: u32,
    accepted: u32,
}

/// Receives until `shutdown` is cancelled; requests under way are answered. `on_event` is told
/// everything in order, before the answer goes out.
///
/// # Errors
/// When the file of accepted alerts cannot be used.
pub async fn serve(
    listener: TcpListener,
    config: ReceiverConfig,
    on_event: impl FnMut(Event) + Send + 'static,
    shutdown: CancellationToken,
) -> Result<(), LedgerError> {
    let path = config.out.clone();
    let ledger = tokio::task::spawn_blocking(move || Ledger::open(path.as_deref()))
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let inner = Inner { ledger, on_event: Box::new(on_event), requests: 0, accepted: 0 };
    let receiver = Arc::new(Receiver { config, inner: Mutex::new(inner), shutdown: shutdown.clone() });
    let router = Router::new()
        .fallback(routing::post(receive))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(receiver)
        .into_make_service_with_connect_info::<Switch>();
    // Its error type is for make-services that fail; ours does not, and accepting waits faults out.
    let served =
        axum::serve(Switched(listener), router).with_graceful_shutdown(shutdown.cancelled_owned()).await;
    debug_assert!(served.is_ok(), "{served:?}");
    Ok(())
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    if let Fail::Slow(wait) = receiver.config.fail {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = receiver.shutdown.cancelled() => return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into()),
        }
    }
    let work = tokio::task::spawn_blocking(move || receiver.take(&headers, &body, &switch));
    work.await.unwrap_or_else(|_| (StatusCode::INTERNAL_SERVER_ERROR, "the receiver has a defect\n".into()))
}

impl Receiver {
    fn take(&self, headers: &HeaderMap, body: &[u8], switch: &Switch) -> Answer {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *inner;
        match self.try_take(inner, headers, body, switch) {
            Ok(()) => (StatusCode::OK, "ok\n".into()),
            Err(refused) => {
                let status = match &refused {
                    Refused::NotOurs(_) => StatusCode::UNAUTHORIZED,
                    Refused::NotAnAlert(_) => StatusCode::UNPROCESSABLE_ENTITY,
                    Refused::AsAsked(status) => {
                        StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
                    }
                    Refused::CannotKeep(_) => StatusCode::SERVICE_UNAVAILABLE,
                };
                let answer = (status, format!("{refused}\n"));
                (inner.on_event)(Event::Refused(refused));
                answer
            }
        }
    }

    fn try_take(
        &self,
        inner: &mut Inner,
        headers: &HeaderMap,
        body: &[u8],
        switch: &Switch,
    ) -> Result<(), Refused> {
        inner.requests = inner.requests.wrapping_add(1);
        match self.config.fail {
            Fail::Unauthorized => return Err(Refused::AsAsked(401)),
            Fail::ServerError(every) if is_turn(inner.requests, every) => return Err(Refused::AsAsked(500)),
            _ => {}
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let now = (self.config.clock)();
        let id = self.config.secret.verify(header, body, now, self.config.tolerance)?;
        let payload: Payload =
            serde_json::from_slice(body).map_err(|error| Refused::NotAnAlert(error.to_string()))?;
        let expected = webhook_id(&payload.alert);
        if id != expected {
            return Err(Refused::NotAnAlert(format!("webhook-id is {id}, the alert says {expected}")));
        }
        if matches!(&self.config.fail, Fail::Refuse(alert) if alert == payload.alert.id.as_str()) {
            return Err(Refused::AsAsked(422));
        }
        let webhook_id = expected;
        if inner.ledger.has(&webhook_id) {
            (inner.on_event)(Event::Repeated { webhook_id });
            return Ok(());
        }
        let order = inner
            .ledger
            .accept(&payload, body)
            .map_err(|error| Refused::CannotKeep(format!("cannot write down accepted alerts: {error}")))?;
        inner.accepted = inner.accepted.wrapping_add(1);
        if matches!(self.config.fail, Fail::DropAfterAccept(every) if is_turn(inner.accepted, every)) {
            switch.cut();
        }
        (inner.on_event)(Event::Accepted { webhook_id, payload: Box::new(payload), order });
        Ok(())
    }
}

fn is_turn(count: u32, every: NonZeroU32) -> bool {
    count.is_multiple_of(every.get())
}
