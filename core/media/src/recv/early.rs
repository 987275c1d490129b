//! Early media: packets that came before the description that says what they are.

use std::collections::VecDeque;

use duologue_base::{Ecn, Instant};

use crate::limits::{EARLY_PACKETS, EARLY_PATIENCE};

/// Packets that nobody claims yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct EarlyPackets(VecDeque<EarlyPacket>);

#[derive(Debug)]
pub(super) struct EarlyPacket {
    /// When it came, and how it was marked.
    pub(super) arrival: (Instant, Ecn),
    /// Extended.
    pub(super) sequence_number: u64,
    pub(super) datagram: Vec<u8>,
}

impl EarlyPackets {
    /// The oldest makes room.
    pub(super) fn keep(&mut self, arrival: (Instant, Ecn), sequence_number: u64, datagram: &[u8]) {
        if self.0.len() >= EARLY_PACKETS {
            self.0.pop_front();
        }
        self.0.push_back(EarlyPacket {
            arrival,
            sequence_number,
            datagram: datagram.to_vec(),
        });
    }

    /// Those that are still of use.
    pub(super) fn take(&mut self, now: Instant) -> impl Iterator<Item = EarlyPacket> + use<> {
        let all = std::mem::take(&mut self.0).into_iter();
        all.filter(move |packet| now - packet.arrival.0 <= EARLY_PATIENCE)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
