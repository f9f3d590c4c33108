//! Reading in a thread of its own, so that the store and whoever works on what it gives go side by side.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use anyhow::Context as _;

/// So much is handed over at once.
pub(super) const CHUNK: usize = 2048;
/// So many chunks are read ahead.
const AHEAD: usize = 2;

/// Calls `read` in a thread of this name with a place to put things in, and hands them to `take` in chunks, in
/// their order. Returns what `read` returned.
///
/// # Errors
/// Those of `take`, which end the reading, and when no thread can be started.
///
/// # Panics
/// When `read` does.
pub(super) fn read_ahead<T: Send, R: Send>(
    name: &str,
    read: impl FnOnce(&mut dyn FnMut(T) -> ControlFlow<()>) -> R + Send,
    mut take: impl FnMut(Vec<T>) -> anyhow::Result<()>,
) -> anyhow::Result<R> {
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<Vec<T>>(AHEAD);
        let reading = move || {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = read(&mut |item| {
                chunk.push(item);
                if chunk.len() < CHUNK {
                    return ControlFlow::Continue(());
                }
                let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                // Nobody takes it when `take` has failed, which is told there.
                if send.send(full).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            let _ = send.send(chunk);
            read
        };
        let reader = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, reading);
        let reader = reader.context("starting the thread that reads the store")?;
        for chunk in receive {
            take(chunk)?;
        }
        Ok(reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_in_order_and_a_failure_ends_the_reading() {
        let count = 3 * CHUNK + 7;
        let numbers = |each: &mut dyn FnMut(usize) -> ControlFlow<()>| {
            (0..count).take_while(|n| each(*n).is_continue()).count()
        };
        let mut taken = Vec::new();
        let read = read_ahead("numbers", numbers, |chunk| {
            taken.extend(chunk);
            Ok(())
        });
        assert_eq!((read.unwrap(), taken), (count, (0..count).collect::<Vec<_>>()));
        let failed = read_ahead("numbers", numbers, |_| anyhow::bail!("no more"));
        assert_eq!(failed.unwrap_err().to_string(), "no more");
    }
}
