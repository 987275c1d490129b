//! The receiving side of a shared port.
//!
//! What a receiver has to know for a packet of an established connection is its own; only the
//! first from an unknown source makes it look into what all of them share.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, TryLockError};
use std::task::{Context, Poll};

use duologue_base::{Instant, SocketId};
use duologue_udp::{ReceiveBuffers, Train};

use crate::endpoint::{Counters, lock};
use crate::limits::{FORGET_AFTER, RECEIVER_LATE, SHARED_RECEIVES_PER_TURN};
use crate::mailbox::{Held, OwnedTrain};
use crate::route::{Claim, Route};
use crate::scratch;
use crate::shared::{SharedSocket, answered_question, local_ufrag};
use crate::socket::poll_receive;

/// What one socket's receiver knows.
#[derive(Default)]
pub(crate) struct Receiver {
    /// Whose the sources are that were heard here: those of now, and as many lost ones at most, or
    /// [`FORGET_AFTER`].
    known: HashMap<SocketAddr, Arc<Claim>>,
    /// The claims that were lost when `known` was last looked through.
    swept: u64,
    /// Bytes that wait for sessions.
    backlog: Arc<AtomicUsize>,
}

impl SharedSocket {
    /// Takes what arrives at one of the sockets, until it is aborted.
    pub(super) async fn receive(self: Arc<Self>, at: usize) {
        poll_fn(|cx| scratch::with(|scratch| self.poll_receiver(at, cx, &mut scratch.receive)))
            .await;
    }

    fn poll_receiver(
        &self,
        at: usize,
        cx: &mut Context<'_>,
        buffers: &mut ReceiveBuffers,
    ) -> Poll<()> {
        let member = &self.members[at];
        let mut receiver = lock(&member.receiver);
        receiver.forget_lost(self);
        let mut turn = || {
            for _ in 0..SHARED_RECEIVES_PER_TURN {
                match poll_receive(&member.socket, cx, buffers) {
                    Poll::Pending => return false,
                    Poll::Ready(Ok(())) => receiver.deliver_all(self, buffers),
                    Poll::Ready(Err(_)) => Counters::count(&self.counters.receive_errors),
                }
            }
            true
        };
        let more = turn();
        self.received(at);
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Does the same on a session's thread, if nobody did for long.
    pub(super) fn help_receiver(&self, at: usize, now: Instant, buffers: &mut ReceiveBuffers) {
        let member = &self.members[at];
        let received_at = member.received_at.load(Ordering::Relaxed);
        if now.as_nanos().saturating_sub(received_at) < RECEIVER_LATE.as_nanos() as u64 {
            return;
        }
        let mut receiver = match member.receiver.try_lock() {
            Ok(receiver) => receiver,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody is there.
            Err(TryLockError::WouldBlock) => return,
        };
        for _ in 0..SHARED_RECEIVES_PER_TURN {
            // Not what the runtime knows counts, but what has come. An error, mostly that nothing
            // has, is the task's to find.
            if member.socket.receive(buffers).is_err() {
                break;
            }
            receiver.deliver_all(self, buffers);
            if !buffers.is_full() {
                break;
            }
        }
        self.received(at);
    }

    fn received(&self, at: usize) {
        let now = self.clock.now().as_nanos();
        self.members[at].received_at.store(now, Ordering::Relaxed);
    }
}

impl Receiver {
    fn deliver_all(&mut self, shared: &SharedSocket, buffers: &mut ReceiveBuffers) {
        let taken = shared.clock.taken();
        for train in buffers.trains(SocketId::default(), taken) {
            self.deliver(shared, &train);
        }
    }

    fn deliver(&mut self, shared: &SharedSocket, train: &Train<'_>) {
        let first = train.bytes.get(..train.segment_size).unwrap_or(train.bytes);
        let may_answer = shared.has_questions.load(Ordering::Relaxed);
        let question = may_answer.then(|| answered_question(first)).flatten();
        let ufrag = local_ufrag(first);
        let remote = train.meta.remote;
        if question.is_none()
            && ufrag.is_none()
            && let Some(claim) = self.known.get(&remote)
            && claim.holds()
        {
            return self.hand_over(&shared.counters, &claim.route, train);
        }
        let routes = shared.routes();
        // Several sessions ask one server: its address says nothing.
        let asker = question.and_then(|question| routes.find_asker(question));
        let found = asker.or_else(|| routes.find(remote, ufrag));
        let Some(route) = found.cloned() else {
            return Counters::count(&shared.counters.unroutable);
        };
        let claim = routes.claim_of(route.lease, remote).cloned();
        drop(routes);
        self.hand_over(&shared.counters, &route, train);
        if let Some(claim) = claim {
            self.known.insert(remote, claim);
        }
    }

    fn hand_over(&self, counters: &Counters, route: &Route, train: &Train<'_>) {
        let mut meta = train.meta;
        meta.socket = route.socket;
        let delivered = Held::take(&self.backlog, train.bytes.len()).is_some_and(|held| {
            route.mailbox.deliver(OwnedTrain {
                meta,
                bytes: train.bytes.to_vec(),
                segment_size: train.segment_size,
                _held: held,
            })
        });
        if !delivered {
            Counters::count(&counters.queue_overflows);
        }
    }

    /// Drops the claims that were lost once they may be as many as half of all: constant cost for
    /// each of them.
    pub(super) fn forget_lost(&mut self, shared: &SharedSocket) {
        let lost = shared.lost_claims.load(Ordering::Acquire);
        let limit = FORGET_AFTER.max(self.known.len() as u64 / 2);
        if lost - self.swept >= limit {
            self.swept = lost;
            self.known.retain(|_, claim| claim.holds());
            self.known.shrink_to(2 * self.known.len());
        }
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.known.len()
    }
}
