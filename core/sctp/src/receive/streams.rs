use std::collections::VecDeque;

use bytes::Bytes;
use duologue_base::StreamId;

use super::inbox::{Inbox, cost};
use super::runs::{Added, Piece, Runs};
use super::spare::Spare;
use crate::packet::{DataChunk, Skipped};
use crate::stream_map::StreamMap;
use crate::tsn::Tsn;
use crate::{Message, PeerMisbehaved};

/// Fragment sequence numbers have at most this many bits: no message is longer.
const FSN_BITS: u32 = 24;

/// The peer's streams: puts fragments together and ordered messages in order.
#[derive(Debug)]
pub(crate) struct InStreams {
    streams: StreamMap<InStream>,
    /// Fragments in DATA chunks, keyed by TSN, of all streams.
    runs: Runs,
    /// What messages waiting for an earlier one, and fragments in I-DATA, count.
    waiting_cost: usize,
    max_message_size: usize,
    spare: Spare,
}

/// The state of one stream.
#[derive(Debug, Default)]
struct InStream {
    /// Sequence of the next ordered message, unwrapped.
    next: u64,
    /// Highest MID of an unordered message so far, unwrapped.
    unordered: u64,
    /// Ordered messages that came before their turn, ascending.
    waiting: VecDeque<(u64, Message)>,
    /// Fragments in I-DATA chunks, keyed by MID and FSN: ordered and unordered ones.
    fragments: Option<Box<[Runs; 2]>>,
}

impl InStreams {
    pub(crate) fn new(max_message_size: usize, keep_message_memory: usize) -> Self {
        InStreams {
            streams: StreamMap::default(),
            runs: Runs::default(),
            waiting_cost: 0,
            max_message_size,
            spare: Spare::new(keep_message_memory),
        }
    }

    /// What everything kept counts against the receive window.
    pub(crate) fn cost(&self) -> usize {
        self.runs.cost() + self.waiting_cost
    }

    /// Memory is kept for messages that may not come.
    pub(crate) fn has_spare(&self) -> bool {
        !self.spare.is_empty()
    }

    pub(crate) fn release_memory(&mut self) {
        self.spare.release();
    }

    /// Takes a chunk that came for the first time; whole messages whose turn it is go to `inbox`.
    pub(crate) fn add(
        &mut self,
        chunk: &DataChunk<'_>,
        tsn: Tsn,
        inbox: &mut Inbox,
    ) -> Result<(), PeerMisbehaved> {
        let header = &chunk.header;
        if header.fragment.begin && header.fragment.end {
            if chunk.payload.len() > self.max_message_size {
                return Err(PeerMisbehaved::MessageTooLarge);
            }
            let message = Message {
                stream: header.stream,
                ppid: header.ppid,
                data: Bytes::copy_from_slice(chunk.payload),
                unordered: header.unordered,
            };
            self.complete(message, header.sequence, chunk.interleaved, inbox);
            return Ok(());
        }
        let added = if chunk.interleaved {
            self.add_interleaved(chunk)
        } else {
            self.runs.add(&piece_of(chunk, tsn.key()), &mut self.spare)
        };
        match added {
            Added::Pending(len) if len > self.max_message_size => {
                Err(PeerMisbehaved::MessageTooLarge)
            }
            Added::Pending(_) => Ok(()),
            Added::Whole(run) if run.len() > self.max_message_size => {
                Err(PeerMisbehaved::MessageTooLarge)
            }
            Added::Whole(run) => {
                let sequence = run.sequence;
                let message = run.into_message();
                self.spare.keep(&message.data);
                self.complete(message, sequence, chunk.interleaved, inbox);
                Ok(())
            }
        }
    }

    fn add_interleaved(&mut self, chunk: &DataChunk<'_>) -> Added {
        let header = &chunk.header;
        let stream = self.streams.entry(header.stream, InStream::default);
        let near = if header.unordered {
            stream.unordered
        } else {
            stream.next
        };
        let message = match nearest(near, header.sequence, true) {
            Some(message) if header.unordered => {
                stream.unordered = stream.unordered.max(message);
                message
            }
            Some(message) if message >= stream.next => message,
            // Given up by the peer before.
            _ => return Added::Pending(0),
        };
        if header.fsn >> FSN_BITS != 0 {
            return Added::Pending(0);
        }
        let lanes = stream.fragments.get_or_insert_default();
        let runs = &mut lanes[usize::from(header.unordered)];
        let before = runs.cost();
        let added = runs.add(
            &piece_of(chunk, fragment_key(message, header.fsn)),
            &mut self.spare,
        );
        self.waiting_cost = self.waiting_cost + runs.cost() - before;
        added
    }

    fn complete(&mut self, message: Message, sequence: u32, interleaved: bool, inbox: &mut Inbox) {
        if message.unordered {
            inbox.push(message);
            return;
        }
        let stream = self.streams.entry(message.stream, InStream::default);
        let Some(sequence) = nearest(stream.next, sequence, interleaved) else {
            return;
        };
        if sequence == stream.next {
            stream.next += 1;
            inbox.push(message);
            if !stream.waiting.is_empty() {
                self.waiting_cost -= stream.deliver_waiting(inbox);
            }
        } else if sequence > stream.next {
            let index = match stream.waiting.back() {
                Some(back) if back.0 >= sequence => stream
                    .waiting
                    .partition_point(|waiting| waiting.0 < sequence),
                _ => stream.waiting.len(),
            };
            if stream
                .waiting
                .get(index)
                .is_none_or(|waiting| waiting.0 != sequence)
            {
                self.waiting_cost += cost(message.data.len());
                stream.waiting.insert(index, (sequence, message));
            }
        }
    }

    /// The peer gave messages up (RFC 3758 §3.6, RFC 8260 §2.3.1): everything up to `through` that
    /// is not whole is forgotten, and what waited for it is delivered.
    pub(crate) fn forward(
        &mut self,
        through: Tsn,
        interleaved: bool,
        skipped: impl Iterator<Item = Skipped>,
        inbox: &mut Inbox,
    ) {
        self.runs.drop_through(through.key());
        for skip in skipped {
            let stream = self.streams.entry(skip.stream, InStream::default);
            let near = if skip.unordered {
                stream.unordered
            } else {
                stream.next
            };
            let Some(sequence) = nearest(near, skip.sequence, interleaved) else {
                continue;
            };
            if let Some(lanes) = &mut stream.fragments {
                let runs = &mut lanes[usize::from(skip.unordered)];
                let before = runs.cost();
                runs.drop_through(fragment_key(sequence, (1 << FSN_BITS) - 1));
                self.waiting_cost = self.waiting_cost + runs.cost() - before;
            }
            if !skip.unordered && sequence >= stream.next {
                self.waiting_cost -= stream.skip_through(sequence, inbox);
            }
        }
    }

    /// The peer begins a stream anew.
    pub(crate) fn reset(&mut self, stream: StreamId) {
        self.runs.drop_stream(stream);
        if let Some(stream) = self.streams.remove(stream) {
            self.waiting_cost -= stream.cost();
        }
    }

    /// Streams that something came on, for a reset of all of them.
    pub(crate) fn ids(&mut self) -> Vec<StreamId> {
        self.streams.iter_mut().map(|(id, _)| id).collect()
    }
}

impl InStream {
    /// Delivers the messages whose turn has come, and returns what they counted.
    fn deliver_waiting(&mut self, inbox: &mut Inbox) -> usize {
        let mut freed = 0;
        while self.waiting.front().is_some_and(|w| w.0 == self.next)
            && let Some((_, message)) = self.waiting.pop_front()
        {
            freed += cost(message.data.len());
            self.next += 1;
            inbox.push(message);
        }
        freed
    }

    /// Delivers what is there up to `sequence`, whole messages being as good as ever.
    fn skip_through(&mut self, sequence: u64, inbox: &mut Inbox) -> usize {
        let mut freed = 0;
        while self.waiting.front().is_some_and(|w| w.0 <= sequence)
            && let Some((_, message)) = self.waiting.pop_front()
        {
            freed += cost(message.data.len());
            inbox.push(message);
        }
        self.next = sequence + 1;
        freed + self.deliver_waiting(inbox)
    }

    fn cost(&self) -> usize {
        let waiting: usize = self.waiting.iter().map(|w| cost(w.1.data.len())).sum();
        let fragments = self.fragments.iter().flat_map(|lanes| lanes.iter());
        waiting + fragments.map(Runs::cost).sum::<usize>()
    }
}

fn piece_of<'a>(chunk: &DataChunk<'a>, key: u64) -> Piece<'a> {
    let header = &chunk.header;
    Piece {
        key,
        fragment: header.fragment,
        stream: header.stream,
        sequence: header.sequence,
        unordered: header.unordered,
        ppid: header.ppid,
        payload: chunk.payload,
    }
}

fn fragment_key(message: u64, fsn: u32) -> u64 {
    (message << FSN_BITS) | u64::from(fsn)
}

/// The number nearest to `near` whose low bits are the wire's: 32 in I-DATA, 16 in DATA. `None` is
/// before the first.
fn nearest(near: u64, wire: u32, interleaved: bool) -> Option<u64> {
    let distance = if interleaved {
        i64::from(wire.wrapping_sub(near as u32) as i32)
    } else {
        i64::from((wire as u16).wrapping_sub(near as u16) as i16)
    };
    near.checked_add_signed(distance)
}
