//! Giving messages up (RFC 3758 §3.5, RFC 8260 §2.3.1).

use duologue_base::Instant;

use super::in_flight::{Chunk, ChunkState};
use super::messages::MessageId;
use super::{Forward, SendQueue, Sender};
use crate::limits::MAX_SKIPPED_STREAMS;
use crate::packet::{CHUNK_HEADER_LEN, ForwardTsn, Fragment, Skipped};
use crate::tsn::Tsn;

impl Sender {
    /// Gives up a message of which something was sent.
    pub(super) fn abandon(&mut self, id: MessageId, queue: &mut SendQueue) {
        let Some(message) = queue.message(id) else {
            return;
        };
        let Some(first) = message.first_tsn else {
            return;
        };
        if message.abandoned || !self.partial_reliability {
            return;
        }
        let (fully_sent, mut left) = (message.is_fully_sent(), message.chunks);
        let mut tsn = first.max(self.in_flight.base());
        while left > 0
            && let Some(chunk) = self.in_flight.get(tsn).copied()
        {
            if chunk.message == id {
                left -= 1;
                self.in_flight.set_state(tsn, ChunkState::Abandoned);
            }
            tsn = tsn.next();
        }
        if !fully_sent {
            self.push_placeholder(id, queue);
        }
        queue.abandon(id);
    }

    /// A TSN for what was not sent of an abandoned message: the peer may have everything that was
    /// sent, and must still learn that the rest does not come.
    fn push_placeholder(&mut self, id: MessageId, queue: &mut SendQueue) {
        self.in_flight.push(Chunk {
            message: id,
            offset: 0,
            len: 0,
            fsn: 0,
            flight: 0,
            size: 0,
            transmissions: 0,
            fragment: Fragment {
                begin: false,
                end: true,
            },
            state: ChunkState::Abandoned,
        });
        if let Some(message) = queue.message_mut(id) {
            message.chunks += 1;
        }
    }

    /// A FORWARD-TSN is to be sent.
    pub(crate) fn forward_due(&self) -> bool {
        self.forward == Forward::Due
    }

    /// Appends the FORWARD-TSN or I-FORWARD-TSN if `room` bytes take it.
    pub(crate) fn write_forward_tsn(
        &mut self,
        now: Instant,
        out: &mut Vec<u8>,
        room: usize,
        queue: &SendQueue,
    ) -> bool {
        let fixed = CHUNK_HEADER_LEN + 4;
        let Some(entries) = room.checked_sub(fixed) else {
            return false;
        };
        let max = (entries / ForwardTsn::entry_len(self.interleaved)).min(MAX_SKIPPED_STREAMS);
        let (through, skipped) = self.skipped_streams(max, queue);
        ForwardTsn::write(out, self.interleaved, through.wire(), &skipped);
        self.forward = Forward::Sent { at: now };
        self.arm_timers(now, false);
        true
    }

    /// The streams on which messages are skipped, with the last message of each; as far as `max`
    /// entries reach.
    fn skipped_streams(&self, max: usize, queue: &SendQueue) -> (Tsn, Vec<Skipped>) {
        let mut skipped: Vec<Skipped> = Vec::new();
        let mut last_message = None;
        let mut tsn = self.in_flight.base();
        while tsn <= self.advanced
            && let Some(chunk) = self.in_flight.get(tsn)
        {
            if last_message != Some(chunk.message)
                && let Some(message) = queue.message(chunk.message)
                && (self.interleaved || !message.unordered)
            {
                let (stream, unordered) = (message.stream, message.unordered);
                let index = skipped
                    .iter()
                    .rposition(|entry| entry.stream == stream && entry.unordered == unordered);
                match index {
                    Some(index) => {
                        let entry = &mut skipped[index];
                        entry.sequence = later(entry.sequence, message.sequence);
                    }
                    None if skipped.len() == max => break,
                    None => skipped.push(Skipped {
                        stream,
                        sequence: message.sequence,
                        unordered,
                    }),
                }
            }
            last_message = Some(chunk.message);
            tsn = tsn.next();
        }
        (tsn.previous(), skipped)
    }
}

/// Messages are numbered in the order of their first fragments, but with interleaving an older one
/// may have later chunks.
fn later(a: u32, b: u32) -> u32 {
    if (b.wrapping_sub(a) as i32) > 0 { b } else { a }
}
