use std::collections::VecDeque;

use bytes::Bytes;
use duologue_rtp::PayloadType;
use duologue_rtp::red::{self, Block};

use crate::limits::{LARGEST_PAYLOAD, REDUNDANT_PAYLOADS};

/// The last payloads of a stream of audio, which go again with the next ones (RFC 2198).
#[derive(Debug, Default)]
pub(crate) struct Redundancy {
    /// Oldest first, their numbers without a gap.
    last: VecDeque<Older>,
}

#[derive(Debug)]
struct Older {
    sequence_number: u64,
    timestamp: u32,
    payload: Bytes,
}

impl Redundancy {
    /// The payload with as many of the last ones as `distance` says, if they are those right before
    /// it: receivers count numbers back from it.
    pub(crate) fn wrap(
        &self,
        (sequence_number, timestamp): (u64, u32),
        payload_type: PayloadType,
        payload: &[u8],
        distance: usize,
    ) -> Bytes {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut room = LARGEST_PAYLOAD.saturating_sub(payload.len() + 1);
        for (older, back) in self.last.iter().rev().take(distance).zip(1..) {
            let offset = timestamp.wrapping_sub(older.timestamp);
            let len = older.payload.len();
            // RFC 2198 §3: an offset of 14 bits, a length of ten.
            let fits = offset < 1 << 14 && len < 1 << 10 && len + 4 <= room;
            if older.sequence_number + back != sequence_number || !fits {
                break;
            }
            room -= len + 4;
            blocks.push(Block {
                payload_type,
                timestamp_offset: offset as u16,
                data: &older.payload,
            });
        }
        blocks.reverse();

        let primary = Block {
            payload_type,
            timestamp_offset: 0,
            data: payload,
        };
        let mut out = Vec::new();
        red::write(&blocks, primary, &mut out);
        out.into()
    }

    /// The payload was sent.
    pub(crate) fn sent(&mut self, sequence_number: u64, timestamp: u32, payload: Bytes) {
        if self.last.len() >= REDUNDANT_PAYLOADS {
            self.last.pop_front();
        }
        self.last.push_back(Older {
            sequence_number,
            timestamp,
            payload,
        });
    }
}
