use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use duologue_base::Instant;
use tokio::time::Sleep;

use crate::endpoint::Clock;

/// A deadline in the runtime: each session has one, and each stream of DTLS.
///
/// Deadlines of a busy session move with every packet, mostly later. Arming the runtime's timer
/// takes a lock, so it is done only for an earlier deadline; one that fires too early is looked at
/// again.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<Armed>);

#[derive(Debug)]
struct Armed {
    sleep: Pin<Box<Sleep>>,
    at: Instant,
    /// `sleep` has completed and must not be polled again before a reset.
    fired: bool,
}

impl Timer {
    /// Whether `deadline` has come; else the task is woken when it does, or earlier.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        deadline: Option<Instant>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else {
            return Poll::Pending;
        };
        if deadline <= clock.now() {
            return Poll::Ready(());
        }
        let armed = self.0.get_or_insert_with(|| Armed {
            sleep: Box::pin(tokio::time::sleep_until(clock.to_system(deadline))),
            at: deadline,
            fired: false,
        });
        loop {
            if armed.fired || deadline < armed.at {
                armed.sleep.as_mut().reset(clock.to_system(deadline));
                armed.at = deadline;
                armed.fired = false;
            }
            if armed.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            armed.fired = true;
            if deadline <= clock.now() {
                return Poll::Ready(());
            }
        }
    }
}
