use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use bytes::Bytes;
use duologue_base::{Seq16, Seq32, StreamId};

use super::inbox::{Inbox, cost};
use super::runs::{Added, Piece, Place, Runs};
use super::spare::Spare;
use crate::packet::{DataChunk, Skipped};
use crate::stream_map::StreamMap;
use crate::tsn::Tsn;
use crate::{Inbound, Message, PeerMisbehaved};

/// Fragment sequence numbers have at most this many bits: no message is longer.
const FSN_BITS: u32 = 24;

/// The peer's streams: puts fragments together and ordered messages in order.
#[derive(Debug)]
pub(crate) struct InStreams {
    streams: StreamMap<InStream>,
    /// Fragments of messages that are not whole.
    runs: Runs,
    /// Ordered messages that came before their turn, by stream and sequence.
    waiting: BTreeMap<(StreamId, u64), Message>,
    /// What they count.
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
}

impl InStreams {
    pub(crate) fn new(max_message_size: usize, keep_message_memory: usize) -> Self {
        InStreams {
            streams: StreamMap::default(),
            runs: Runs::default(),
            waiting: BTreeMap::new(),
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
            self.runs
                .add(&piece_of(chunk, Place::of_tsn(tsn)), &mut self.spare)
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
        let place = Place::of_fragment(header.stream, header.unordered, message, header.fsn);
        self.runs.add(&piece_of(chunk, place), &mut self.spare)
    }

    fn complete(&mut self, message: Message, sequence: u32, interleaved: bool, inbox: &mut Inbox) {
        if message.unordered {
            inbox.push(Inbound::Message(message));
            return;
        }
        let id = message.stream;
        let stream = self.streams.entry(id, InStream::default);
        let Some(sequence) = nearest(stream.next, sequence, interleaved) else {
            return;
        };
        if sequence == stream.next {
            stream.next += 1;
            inbox.push(Inbound::Message(message));
            if !self.waiting.is_empty() {
                self.deliver_waiting(id, inbox);
            }
        } else if sequence > stream.next
            && let Entry::Vacant(place) = self.waiting.entry((id, sequence))
        {
            self.waiting_cost += cost(message.data.len());
            place.insert(message);
        }
    }

    /// Delivers the messages of a stream whose turn has come.
    #[inline(never)]
    fn deliver_waiting(&mut self, id: StreamId, inbox: &mut Inbox) {
        let stream = self.streams.entry(id, InStream::default);
        while let Some(message) = self.waiting.remove(&(id, stream.next)) {
            stream.next += 1;
            self.waiting_cost -= cost(message.data.len());
            inbox.push(Inbound::Message(message));
        }
    }

    /// The first message of a stream that waits, up to `through`.
    fn take_waiting(&mut self, id: StreamId, through: u64) -> Option<Message> {
        let (&place, _) = self.waiting.range((id, 0)..=(id, through)).next()?;
        let message = self.waiting.remove(&place)?;
        self.waiting_cost -= cost(message.data.len());
        Some(message)
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
        let first = Place::of_tsn(Tsn::FIRST);
        if !interleaved {
            self.runs.drop_range(first..=Place::of_tsn(through));
        }
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
            if interleaved {
                let place =
                    |message, fsn| Place::of_fragment(skip.stream, skip.unordered, message, fsn);
                let last = place(sequence, (1 << FSN_BITS) - 1);
                self.runs.drop_range(place(0, 0)..=last);
            }
            if !skip.unordered && sequence >= stream.next {
                stream.next = sequence + 1;
                // Whole messages are as good as ever.
                while let Some(message) = self.take_waiting(skip.stream, sequence) {
                    inbox.push(Inbound::Message(message));
                }
                self.deliver_waiting(skip.stream, inbox);
            }
        }
    }

    /// The peer begins streams anew.
    pub(crate) fn reset(&mut self, streams: &mut [StreamId], interleaved: bool) {
        streams.sort_unstable();
        if !interleaved {
            self.runs.drop_streams(streams);
        }
        for &mut stream in streams {
            if interleaved {
                let first = Place::of_fragment(stream, false, 0, 0);
                let last = Place {
                    number: u64::MAX,
                    ..Place::of_fragment(stream, true, 0, 0)
                };
                self.runs.drop_range(first..=last);
            }
            while self.take_waiting(stream, u64::MAX).is_some() {}
            self.streams.remove(stream);
        }
    }

    /// Streams that something came on, for a reset of all of them.
    pub(crate) fn ids(&mut self) -> Vec<StreamId> {
        self.streams.iter_mut().map(|(id, _)| id).collect()
    }
}

impl Place {
    /// Where a DATA chunk belongs.
    fn of_tsn(tsn: Tsn) -> Self {
        Place {
            lane: 0,
            number: tsn.number(),
        }
    }

    /// Where an I-DATA chunk belongs.
    fn of_fragment(stream: StreamId, unordered: bool, message: u64, fsn: u32) -> Self {
        Place {
            lane: (u32::from(stream.0) << 1) | u32::from(unordered),
            number: (message << FSN_BITS) | u64::from(fsn),
        }
    }
}

fn piece_of<'a>(chunk: &DataChunk<'a>, place: Place) -> Piece<'a> {
    let header = &chunk.header;
    Piece {
        place,
        fragment: header.fragment,
        stream: header.stream,
        sequence: header.sequence,
        unordered: header.unordered,
        ppid: header.ppid,
        payload: chunk.payload,
    }
}

/// The number nearest to `near` whose low bits are the wire's: 32 in I-DATA, 16 in DATA. `None` is
/// before the first.
fn nearest(near: u64, wire: u32, interleaved: bool) -> Option<u64> {
    let distance = if interleaved {
        i64::from(Seq32(wire).distance(Seq32(near as u32)))
    } else {
        i64::from(Seq16(wire as u16).distance(Seq16(near as u16)))
    };
    near.checked_add_signed(distance)
}
