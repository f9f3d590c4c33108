//! Reading bodies, bounded in size and time.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;

/// How much of the body of a refused request is read and thrown away, so that a client that does
/// not listen while it sends gets the answer instead of a reset connection.
const DISCARDED_BYTES: usize = 64 << 20;
const DISCARDED_TIME: Duration = Duration::from_secs(5);

/// Why a body was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    TooLarge,
    Slow,
    Broken,
}

/// Reads a body of at most `most` bytes within `time`; what a body that is too large has more is
/// thrown away.
pub(super) async fn read(mut body: Body, most: usize, time: Duration) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let reading = async {
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Fault::Broken)?.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(Fault::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(())
    };
    match tokio::time::timeout(time, reading).await {
        Ok(Ok(())) => Ok(bytes),
        Ok(Err(Fault::TooLarge)) => {
            drop(bytes);
            discard(body).await;
            Err(Fault::TooLarge)
        }
        Ok(Err(fault)) => Err(fault),
        Err(_) => Err(Fault::Slow),
    }
}

/// Reads on without keeping anything, for a while.
pub(super) async fn discard(mut body: Body) {
    let mut left = DISCARDED_BYTES;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, axum::body::Bytes::len);
            match left.checked_sub(size) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Whether it came to an end does not matter: the request is refused either way.
    let _ = tokio::time::timeout(DISCARDED_TIME, reading).await;
}
