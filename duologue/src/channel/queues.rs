//! The two queues of a data channel, which the packet path uses without the connection's lock.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use duologue_base::ChannelKey;
use duologue_peer::{DataChannelState, Exception, PriorityType, SendQueue};
use duologue_tokio::SessionHandle;

use crate::Message;
use crate::limits::{DEFAULT_SEND_HIGH_WATER_MARK, MESSAGE_OVERHEAD, RECEIVE_BACKLOG};
use crate::wakers::Wakers;

/// What the handles of a channel, its connection and the session's task share.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(super) key: ChannelKey,
    pub(super) attributes: Attributes,
    outbox: Mutex<Outbox>,
    inbox: Mutex<Inbox>,
    backlog: Arc<Backlog>,
}

/// What never changes.
#[derive(Debug)]
pub(super) struct Attributes {
    pub(super) label: String,
    pub(super) protocol: String,
    pub(super) ordered: bool,
    pub(super) max_packet_life_time: Option<u16>,
    pub(super) max_retransmits: Option<u16>,
    pub(super) negotiated: bool,
    pub(super) priority: PriorityType,
}

/// The sending side, and the state that decides about it.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) state: DataChannelState,
    pub(super) error: Option<Exception>,
    /// What waits, and `bufferedAmountLowThreshold`.
    pub(super) queue: SendQueue,
    /// That was set: until then nobody waits for its event.
    pub(super) wants_low_event: bool,
    pub(super) high_water: u64,
    /// A `bufferedamountlow` is in the stream of events and was not read.
    pub(super) low_event_waits: bool,
    /// Who waits for room or for a state.
    pub(super) wakers: Wakers,
}

impl Outbox {
    /// Whether a patient sender may send now: below the high-water mark, and without exceeding
    /// what a channel may queue at all.
    pub(super) fn has_room(&self, len: u64) -> bool {
        let queue = &self.queue;
        queue.is_empty() || (queue.cost() < self.high_water && queue.fits(len))
    }
}

/// The receiving side.
#[derive(Debug, Default)]
struct Inbox {
    queue: VecDeque<Message>,
    readers: usize,
    ended: bool,
    wakers: Wakers,
}

impl Channel {
    pub(crate) fn new(
        key: ChannelKey,
        slots: &duologue_peer::DataChannel,
        backlog: Arc<Backlog>,
    ) -> Self {
        Channel {
            key,
            attributes: Attributes {
                label: slots.label().to_owned(),
                protocol: slots.protocol().to_owned(),
                ordered: slots.ordered(),
                max_packet_life_time: slots.max_packet_life_time(),
                max_retransmits: slots.max_retransmits(),
                negotiated: slots.negotiated(),
                priority: slots.priority(),
            },
            outbox: Mutex::new(Outbox {
                state: slots.ready_state(),
                error: None,
                queue: SendQueue::default(),
                wants_low_event: false,
                high_water: DEFAULT_SEND_HIGH_WATER_MARK,
                low_event_waits: false,
                wakers: Wakers::default(),
            }),
            inbox: Mutex::default(),
            backlog,
        }
    }

    /// Shows a new state, whose event `announce` puts into the stream. Both are done under the lock
    /// of the getters: none shows the state before the event is there, and who reads the event finds
    /// the state.
    pub(crate) fn set_state(&self, state: DataChannelState, announce: impl FnOnce()) {
        let mut outbox = self.outbox();
        announce();
        outbox.state = state;
        outbox.wakers.wake_all();
        drop(outbox);
        if state == DataChannelState::Closed {
            let mut inbox = self.inbox();
            inbox.ended = true;
            inbox.wakers.wake_all();
        }
    }

    /// Remembers why the channel is about to close.
    pub(crate) fn set_error(&self, error: Exception) {
        self.outbox().error = Some(error);
    }

    /// Bytes and messages left the send queue. `low` is called if that calls for `bufferedamountlow`, under
    /// the lock of the getter: none shows the new amount before the event is there.
    pub(crate) fn sent(&self, bytes: usize, messages: usize, low: impl FnOnce()) {
        let mut outbox = self.outbox();
        let is_low = outbox.queue.departed(bytes, messages);
        let wanted = outbox.wants_low_event && outbox.state != DataChannelState::Closed;
        if is_low && wanted && !outbox.low_event_waits {
            outbox.low_event_waits = true;
            low();
        }
        if outbox.queue.cost() <= outbox.high_water / 2 {
            outbox.wakers.wake_all();
        }
    }

    /// Hands messages to the readers, in one go; with none they are discarded.
    pub(crate) fn deliver(&self, messages: &mut Vec<Message>) {
        let mut inbox = self.inbox();
        if inbox.readers == 0 || inbox.ended {
            drop(inbox);
            self.backlog.remove(messages.iter().map(cost).sum());
            messages.clear();
            return;
        }
        inbox.queue.extend(messages.drain(..));
        inbox.wakers.wake_all();
    }

    pub(super) fn add_reader(&self) {
        self.inbox().readers += 1;
    }

    /// The last one takes what is unread with it.
    pub(super) fn remove_reader(&self) {
        let mut inbox = self.inbox();
        inbox.readers -= 1;
        if inbox.readers == 0 {
            let unread = std::mem::take(&mut inbox.queue);
            drop(inbox);
            self.backlog.remove(unread.iter().map(cost).sum());
        }
    }

    /// The next message, if there is one already.
    pub(super) fn try_receive(&self) -> Option<Message> {
        self.pop(self.inbox())
    }

    pub(super) fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let mut inbox = self.inbox();
        if inbox.queue.is_empty() && !inbox.ended {
            inbox.wakers.register(cx.waker());
            return Poll::Pending;
        }
        Poll::Ready(self.pop(inbox))
    }

    fn pop(&self, mut inbox: MutexGuard<'_, Inbox>) -> Option<Message> {
        let message = inbox.queue.pop_front();
        drop(inbox);
        self.backlog.remove(message.iter().map(cost).sum());
        message
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the unread messages of all channels of a connection amount to.
#[derive(Debug)]
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    /// The session waits for room.
    stalled: AtomicBool,
    session: SessionHandle,
}

impl Backlog {
    pub(crate) fn new(session: SessionHandle) -> Self {
        Backlog {
            bytes: AtomicUsize::new(0),
            stalled: AtomicBool::new(false),
            session,
        }
    }

    /// Whether more may come. If not, the session is woken once half of it was read.
    pub(crate) fn has_room(&self) -> bool {
        if self.bytes.load(Ordering::SeqCst) < RECEIVE_BACKLOG {
            return true;
        }
        self.stalled.store(true, Ordering::SeqCst);
        // A reader that emptied it just now has not seen that the session waits.
        self.bytes.load(Ordering::SeqCst) < RECEIVE_BACKLOG
    }

    pub(crate) fn add(&self, message: &Message) {
        self.bytes.fetch_add(cost(message), Ordering::SeqCst);
    }

    fn remove(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        let low = before - bytes <= RECEIVE_BACKLOG / 2;
        if low && self.stalled.load(Ordering::SeqCst) && self.stalled.swap(false, Ordering::SeqCst)
        {
            self.session.wake();
        }
    }
}

/// What a waiting message counts.
fn cost(message: &Message) -> usize {
    message.len() + MESSAGE_OVERHEAD
}
