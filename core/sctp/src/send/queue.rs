use std::collections::VecDeque;

use duologue_base::{Instant, StreamId};

use super::messages::{Expiry, MessageId, Messages, OutMessage};
use super::scheduler::Scheduler;
use crate::limits::{IDLE_CAPACITY, MIN_FRAGMENT, SEND_OVERHEAD};
use crate::packet::{Fragment, padded};
use crate::stream_map::StreamMap;
use crate::{Departed, Scheduler as Discipline, SendError};

/// Weight of a stream that has none: "normal" of RFC 8831 §6.4.
const DEFAULT_PRIORITY: u16 = 256;

/// Messages by stream, from `send` until the peer has them or they are given up.
#[derive(Debug)]
pub(crate) struct SendQueue {
    streams: StreamMap<OutStream>,
    messages: Messages,
    scheduler: Scheduler,
    /// Streams with a departure to report.
    departed: VecDeque<StreamId>,
    /// Streams to be reset whose messages have all left.
    drained: Vec<StreamId>,
    /// Bytes not sent yet.
    bytes: usize,
    /// Messages not wholly sent yet.
    waiting: usize,
    /// Bytes of messages that are sent in part.
    open_bytes: usize,
    /// Bytes sent in the current turn.
    turn_bytes: usize,
    abandoned: u64,
}

#[derive(Debug)]
struct OutStream {
    queue: VecDeque<MessageId>,
    /// It has a turn, now or later.
    active: bool,
    priority: u16,
    paid_until: u64,
    /// Sequence of the next ordered message, and with interleaving of the next unordered one.
    next_ordered: u32,
    next_unordered: u32,
    buffered: usize,
    departed: usize,
    departed_messages: usize,
    reset: ResetPhase,
}

/// How far the reset of a stream is (RFC 6525 §5.1.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ResetPhase {
    Open,
    /// What was accepted is still to be sent.
    Draining,
    /// The peer is asked, or about to be.
    Requested,
}

/// A piece of a message, chosen to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Produced {
    pub(crate) message: MessageId,
    pub(crate) offset: u32,
    pub(crate) len: u32,
    pub(crate) fsn: u32,
    pub(crate) fragment: Fragment,
    /// Its stream is to be reset behind it.
    pub(crate) ends_stream: bool,
}

/// How messages may be cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Bytes that the piece may have.
    pub(crate) room: usize,
    /// What a chunk's header takes besides.
    pub(crate) header: usize,
    /// Bytes in a packet of one chunk. Messages of at most so many are not split…
    pub(crate) whole: usize,
    /// …unless packets would not be equal else, and the message is reliable: in two packets it is
    /// lost more easily.
    pub(crate) fill: bool,
    /// Pieces of several messages may alternate (RFC 8260 §2.1)…
    pub(crate) interleaved: bool,
    /// …while those begun have no more bytes than this in all.
    pub(crate) open_limit: usize,
    /// A message of which something was sent can be given up.
    pub(crate) partial_reliability: bool,
}

/// What there is to send next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Piece(Produced),
    /// The message whose turn it is has expired, and part of it was sent.
    Expired(MessageId),
    DoesNotFit,
    Nothing,
}

impl SendQueue {
    pub(crate) fn new(discipline: Discipline) -> Self {
        SendQueue {
            streams: StreamMap::default(),
            messages: Messages::default(),
            scheduler: Scheduler::new(discipline),
            departed: VecDeque::new(),
            drained: Vec::new(),
            bytes: 0,
            waiting: 0,
            open_bytes: 0,
            turn_bytes: 0,
            abandoned: 0,
        }
    }

    pub(crate) fn push(&mut self, message: OutMessage) -> Result<(), SendError> {
        let id = message.stream;
        let stream = self.streams.entry(id, OutStream::new);
        if stream.reset != ResetPhase::Open {
            return Err(SendError::Resetting(id));
        }
        let len = message.data.len();
        stream.buffered += len;
        self.bytes += len;
        self.waiting += 1;
        stream.queue.push_back(self.messages.insert(message));
        if !std::mem::replace(&mut stream.active, true) {
            self.scheduler.activate(id, stream.paid_until);
        }
        Ok(())
    }

    /// The next piece to send.
    pub(crate) fn next(&mut self, now: Instant, cut: &Cut) -> Next {
        loop {
            let Some(stream_id) = self.scheduler.current() else {
                return Next::Nothing;
            };
            let Some(stream) = self.streams.get_mut(stream_id) else {
                self.scheduler.end_turn(0, 1, false);
                continue;
            };
            let Some((id, message)) = stream
                .queue
                .front()
                .and_then(|&id| Some((id, self.messages.get_mut(id)?)))
            else {
                stream.queue.pop_front();
                stream.active = !stream.queue.is_empty();
                self.scheduler.end_turn(0, 1, stream.active);
                continue;
            };
            if message.is_expired(now) && (message.sent == 0 || cut.partial_reliability) {
                if message.sent > 0 {
                    return Next::Expired(id);
                }
                self.discard_unsent(stream_id, id);
                continue;
            }
            return match cut.len(message) {
                Some(len) => Next::Piece(self.produce(stream_id, id, len, cut)),
                None => Next::DoesNotFit,
            };
        }
    }

    fn produce(&mut self, stream_id: StreamId, id: MessageId, len: usize, cut: &Cut) -> Produced {
        let (Some(stream), Some(message)) =
            (self.streams.get_mut(stream_id), self.messages.get_mut(id))
        else {
            unreachable!("next() found both");
        };
        if message.sent == 0 {
            let counter = if message.unordered {
                &mut stream.next_unordered
            } else {
                &mut stream.next_ordered
            };
            message.sequence = *counter;
            *counter = counter.wrapping_add(1);
        }

        let mut produced = Produced {
            message: id,
            offset: message.sent,
            len: len as u32,
            fsn: message.fragments,
            fragment: Fragment {
                begin: message.sent == 0,
                end: message.sent as usize + len == message.data.len(),
            },
            ends_stream: false,
        };

        message.sent += len as u32;
        message.fragments += 1;
        message.chunks += 1;
        self.bytes -= len;
        let messages = usize::from(produced.fragment.end);
        stream.depart(len, messages, stream_id, &mut self.departed);
        let size = message.data.len();
        if produced.fragment.begin {
            self.open_bytes += size;
        }
        if produced.fragment.end {
            self.open_bytes -= size;
            self.waiting -= 1;
            produced.ends_stream = stream.pop(stream_id, &mut self.drained);
        }
        self.turn_bytes += len;

        // RFC 8260 §2.1: only with I-DATA may another message come between two fragments.
        let may_alternate = cut.interleaved && self.open_bytes <= cut.open_limit;
        if produced.fragment.end || may_alternate {
            let bytes = std::mem::take(&mut self.turn_bytes);
            stream.end_turn(bytes, &mut self.scheduler);
        }
        produced
    }

    /// Drops a message of which nothing was sent.
    fn discard_unsent(&mut self, stream_id: StreamId, id: MessageId) {
        self.abandoned += 1;
        self.unqueue(stream_id, id);
        self.messages.remove(id);
    }

    /// Takes a message from the front of its queue, whatever was sent of it.
    fn unqueue(&mut self, stream_id: StreamId, id: MessageId) {
        let (Some(stream), Some(message)) =
            (self.streams.get_mut(stream_id), self.messages.get(id))
        else {
            return;
        };
        if stream.queue.front() != Some(&id) {
            return;
        }
        let rest = message.data.len() - message.sent as usize;
        stream.pop(stream_id, &mut self.drained);
        stream.depart(rest, 1, stream_id, &mut self.departed);
        self.bytes -= rest;
        self.waiting -= 1;
        if message.sent > 0 {
            self.open_bytes -= message.data.len();
        }
        // If the turn is another one's, this stream has its own all the same, with what is left.
        if self.scheduler.current() == Some(stream_id) {
            let bytes = std::mem::take(&mut self.turn_bytes);
            stream.end_turn(bytes, &mut self.scheduler);
        }
    }

    /// Gives a message up of which something was sent; the caller looks after its chunks.
    pub(crate) fn abandon(&mut self, id: MessageId) {
        let Some(message) = self.messages.get_mut(id) else {
            return;
        };
        message.abandoned = true;
        self.abandoned += 1;
        if !message.is_fully_sent() {
            let stream = message.stream;
            self.unqueue(stream, id);
        }
    }

    /// One chunk of a message needs no more looking after. Frees the message with the last one.
    pub(crate) fn finish_chunk(&mut self, id: MessageId) {
        let Some(message) = self.messages.get_mut(id) else {
            return;
        };
        message.chunks -= 1;
        if message.chunks == 0 && (message.is_fully_sent() || message.abandoned) {
            self.messages.remove(id);
        }
    }

    /// Nothing more is accepted on the stream; once everything has left it shows up in
    /// [`take_drained`](Self::take_drained).
    pub(crate) fn begin_reset(&mut self, id: StreamId) {
        let stream = self.streams.entry(id, OutStream::new);
        if stream.reset != ResetPhase::Open {
            return;
        }
        if stream.queue.is_empty() {
            stream.reset = ResetPhase::Requested;
            self.drained.push(id);
        } else {
            stream.reset = ResetPhase::Draining;
        }
    }

    /// The streams to be reset of which the last message has left since.
    pub(crate) fn take_drained(&mut self) -> impl Iterator<Item = StreamId> {
        std::mem::take(&mut self.drained).into_iter()
    }

    pub(crate) fn has_drained(&self) -> bool {
        !self.drained.is_empty()
    }

    /// The stream was reset, or will not be. Forgets it if it has nothing to remember.
    pub(crate) fn end_reset(&mut self, id: StreamId, performed: bool) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        if performed {
            stream.next_ordered = 0;
            stream.next_unordered = 0;
        }
        stream.reset = ResetPhase::Open;
        if performed && stream.departed == 0 && !stream.active {
            self.streams.remove(id);
        }
    }

    /// The peer was busy with another request: the stream's reset is asked for anew.
    pub(crate) fn ask_again(&mut self, id: StreamId) -> bool {
        let requested = self
            .streams
            .get(id)
            .is_some_and(|s| s.reset == ResetPhase::Requested);
        if requested {
            self.drained.push(id);
        }
        requested
    }

    /// All streams that have state.
    pub(crate) fn stream_ids(&mut self) -> Vec<StreamId> {
        self.streams.iter_mut().map(|(id, _)| id).collect()
    }

    /// The peer lost its state: sequences begin anew, and what was partly sent is lost. The caller
    /// finishes the chunks.
    pub(crate) fn restart(&mut self) {
        let ids = self.stream_ids();
        for id in ids {
            let front = self.streams.get(id).and_then(|s| s.queue.front().copied());
            if let Some(front) = front
                && let Some(message) = self.messages.get(front)
                && message.sent > 0
            {
                let has_chunks = message.chunks > 0;
                self.abandon(front);
                if !has_chunks {
                    self.messages.remove(front);
                }
            }
            if let Some(stream) = self.streams.get_mut(id) {
                stream.next_ordered = 0;
                stream.next_unordered = 0;
                if stream.reset == ResetPhase::Requested {
                    self.drained.push(id);
                }
            }
        }
        self.drained.sort_unstable();
        self.drained.dedup();
    }

    /// Drops what nothing was sent of yet, which never departs then, and forgets the resets that the peer was not asked
    /// for.
    pub(crate) fn drop_unsent(&mut self) {
        for id in std::mem::take(&mut self.drained) {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.reset = ResetPhase::Open;
            }
        }
        self.departed.clear();
        for (_, stream) in self.streams.iter_mut() {
            stream.queue.retain(|&id| {
                let Some(message) = self.messages.get(id).filter(|it| it.sent == 0) else {
                    return true;
                };
                let len = message.data.len();
                stream.buffered -= len;
                self.bytes -= len;
                self.waiting -= 1;
                self.abandoned += 1;
                self.messages.remove(id);
                false
            });
            (stream.departed, stream.departed_messages) = (0, 0);
            if stream.reset == ResetPhase::Draining && stream.queue.is_empty() {
                stream.reset = ResetPhase::Open;
            }
        }
    }

    /// Whether nothing is accepted on the stream until it is reset.
    pub(crate) fn is_resetting(&self, id: StreamId) -> bool {
        let stream = self.streams.get(id);
        stream.is_some_and(|stream| stream.reset != ResetPhase::Open)
    }

    /// Drops everything, for an association that is over. `buffered` amounts stay readable.
    pub(crate) fn close(&mut self) {
        self.messages = Messages::default();
        self.scheduler.clear();
        self.drained = Vec::new();
        for (_, stream) in self.streams.iter_mut() {
            stream.queue = VecDeque::new();
            stream.active = false;
        }
    }

    /// Drops what was queued on streams that the peer does not allow.
    pub(crate) fn limit_streams(&mut self, count: u16) {
        for id in self.stream_ids().into_iter().filter(|id| id.0 >= count) {
            while let Some(front) = self.streams.get(id).and_then(|s| s.queue.front().copied()) {
                self.discard_unsent(id, front);
            }
        }
    }

    pub(crate) fn set_priority(&mut self, id: StreamId, priority: u16) {
        self.streams.entry(id, OutStream::new).priority = priority;
    }

    pub(crate) fn poll_departed(&mut self) -> Option<Departed> {
        while let Some(id) = self.departed.pop_front() {
            let Some(stream) = self.streams.get_mut(id) else {
                continue;
            };
            let bytes = std::mem::take(&mut stream.departed);
            let messages = std::mem::take(&mut stream.departed_messages);
            if bytes > 0 {
                return Some(Departed {
                    stream: id,
                    bytes,
                    messages,
                });
            }
        }
        None
    }

    pub(crate) fn buffered_amount(&self, id: StreamId) -> usize {
        self.streams.get(id).map_or(0, |stream| stream.buffered)
    }

    /// Bytes not sent yet, on all streams.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.bytes
    }

    /// What the queue counts against [`Config::send_buffer`](crate::Config::send_buffer).
    pub(crate) fn cost(&self) -> usize {
        self.bytes + self.waiting * SEND_OVERHEAD
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Messages given up so far.
    pub(crate) fn abandoned(&self) -> u64 {
        self.abandoned
    }

    pub(crate) fn message(&self, id: MessageId) -> Option<&OutMessage> {
        self.messages.get(id)
    }

    pub(crate) fn message_mut(&mut self, id: MessageId) -> Option<&mut OutMessage> {
        self.messages.get_mut(id)
    }

    pub(crate) fn release_memory(&mut self) {
        self.messages.release_memory();
        self.departed.shrink_to(IDLE_CAPACITY);
        for (_, stream) in self.streams.iter_mut() {
            stream.queue.shrink_to(IDLE_CAPACITY);
        }
    }
}

impl Cut {
    /// How many bytes of a message leave now.
    fn len(&self, message: &OutMessage) -> Option<usize> {
        let rest = message.data.len() - message.sent as usize;
        if rest <= self.room {
            return Some(rest);
        }
        let may_split = message.data.len() > self.whole
            || (self.fill && matches!(message.expiry, Expiry::Never));
        if !may_split || self.room < MIN_FRAGMENT {
            return None;
        }
        if rest - self.room >= self.whole {
            return Some(self.room);
        }
        // What would be missing of a full packet behind the end of this message, in the next one. If
        // no chunk has room there, this packet takes one chunk more, whose header moves as many bytes
        // to the next.
        let missing = self.whole.saturating_sub(padded(rest - self.room));
        let unfillable = missing > 0 && missing < self.header + MIN_FRAGMENT;
        let half = (self.room.saturating_sub(self.header) / 2) & !3;
        if unfillable && half >= MIN_FRAGMENT {
            return Some(half);
        }
        Some(self.room)
    }
}

impl OutStream {
    fn new() -> Self {
        OutStream {
            queue: VecDeque::new(),
            active: false,
            priority: DEFAULT_PRIORITY,
            paid_until: 0,
            next_ordered: 0,
            next_unordered: 0,
            buffered: 0,
            departed: 0,
            departed_messages: 0,
            reset: ResetPhase::Open,
        }
    }

    /// The turn was this stream's, and is over.
    fn end_turn(&mut self, bytes: usize, scheduler: &mut Scheduler) {
        self.active = !self.queue.is_empty();
        self.paid_until = scheduler.end_turn(bytes, self.priority, self.active);
    }

    /// The first message has left, or is not to. Returns whether the stream can be reset now.
    fn pop(&mut self, id: StreamId, drained: &mut Vec<StreamId>) -> bool {
        self.queue.pop_front();
        let ends = self.reset == ResetPhase::Draining && self.queue.is_empty();
        if ends {
            self.reset = ResetPhase::Requested;
            drained.push(id);
        }
        ends
    }

    fn depart(
        &mut self,
        bytes: usize,
        messages: usize,
        id: StreamId,
        departed: &mut VecDeque<StreamId>,
    ) {
        self.buffered -= bytes;
        if self.departed == 0 {
            departed.push_back(id);
        }
        self.departed += bytes;
        self.departed_messages += messages;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::Ppid;

    fn push(queue: &mut SendQueue, stream: u16, len: usize) {
        let message = OutMessage {
            data: Bytes::from(vec![7; len]),
            stream: StreamId(stream),
            ppid: Ppid(53),
            unordered: false,
            sequence: 0,
            sent: 0,
            fragments: 0,
            chunks: 0,
            first_tsn: None,
            expiry: Expiry::Retransmissions(0),
            abandoned: false,
        };
        assert_eq!(queue.push(message), Ok(()));
    }

    /// The next thousand bytes, or what is left of a message: of which it is.
    fn next(queue: &mut SendQueue) -> (u16, MessageId) {
        let cut = Cut {
            room: 1_000,
            header: 20,
            whole: 1_000,
            fill: false,
            interleaved: true,
            open_limit: usize::MAX,
            partial_reliability: true,
        };
        match queue.next(Instant::ZERO, &cut) {
            Next::Piece(Produced { message, .. }) => {
                let stream = queue.message(message).expect("it is there").stream;
                (stream.0, message)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_whose_messages_are_given_up_while_it_waits_has_one_turn_and_no_more() {
        for discipline in [Discipline::WeightedFair, Discipline::RoundRobin] {
            let mut queue = SendQueue::new(discipline);
            push(&mut queue, 1, 1_000_000);
            for _ in 0..100 {
                push(&mut queue, 0, 3_000);
                let mut pieces = std::iter::repeat_with(|| next(&mut queue));
                let (_, begun) = pieces.find(|it| it.0 == 0).expect("its turn comes");
                while queue.scheduler.current() == Some(StreamId(0)) {
                    next(&mut queue);
                }
                queue.abandon(begun);
            }
            push(&mut queue, 0, 1_000_000);
            let turns = (0..200).filter(|_| next(&mut queue).0 == 0).count();
            assert!((98..=102).contains(&turns), "{turns}");
        }
    }
}
