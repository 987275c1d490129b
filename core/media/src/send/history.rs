//! What a stream sent lately, to be sent again (RFC 4585 §6.2.1).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Seq16};
use duologue_rtp::PayloadType;
use duologue_rtp::ext::{AudioLevel, CaptureTime, CorruptionDetection};

use crate::frame::Contributor;
use crate::limits::{RESEND_BYTES, RESEND_PACKETS};

/// The last packets of a stream, by sequence number. It holds what they were made from: a packet is
/// built anew each time it is sent.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// In the order of their numbers.
    packets: VecDeque<Sent>,
    bytes: usize,
}

/// A packet that was sent: what it is made from.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// Extended.
    pub(crate) sequence_number: u64,
    pub(crate) payload_type: PayloadType,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) audio_level: Option<AudioLevel>,
    pub(crate) contributing_sources: Vec<Contributor>,
    pub(crate) capture_time: Option<CaptureTime>,
    pub(crate) dependency_descriptor: Bytes,
    pub(crate) layers_allocation: Option<Arc<[u8]>>,
    pub(crate) corruption_detection: Option<CorruptionDetection>,
    pub(crate) payload: Bytes,
    /// When it was sent again last.
    pub(crate) resent: Option<Instant>,
}

impl Sent {
    /// What its frame depends on, if it says so.
    pub(crate) fn descriptor(&self) -> Option<&[u8]> {
        let bytes = &self.dependency_descriptor[..];
        (!bytes.is_empty()).then_some(bytes)
    }
}

impl History {
    pub(crate) fn keep(&mut self, sent: Sent) {
        let place = match self.packets.back() {
            Some(last) if last.sequence_number >= sent.sequence_number => self
                .packets
                .binary_search_by_key(&sent.sequence_number, |it| it.sequence_number),
            _ => Err(self.packets.len()),
        };
        self.bytes += sent.payload.len();
        match place {
            Ok(at) => {
                let replaced = std::mem::replace(&mut self.packets[at], sent);
                self.bytes -= replaced.payload.len();
            }
            // Room is made before: one packet more, and the memory of a full history would double.
            Err(at) if self.packets.len() == RESEND_PACKETS => {
                self.drop_oldest();
                self.packets.insert(at.saturating_sub(1), sent);
            }
            Err(at) => self.packets.insert(at, sent),
        }
        while self.bytes > RESEND_BYTES {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.packets.pop_front() {
            self.bytes -= oldest.payload.len();
        }
    }

    /// The packet to send again, unless that was less than a round trip ago.
    pub(crate) fn again(&self, now: Instant, round_trip: Duration, number: u16) -> Option<&Sent> {
        let sent = self.get(number)?;
        let lately = sent.resent.is_some_and(|at| is_lately(now, at, round_trip));
        (!lately).then_some(sent)
    }

    /// The packet with the number that ends with these bits.
    pub(crate) fn get(&self, number: u16) -> Option<&Sent> {
        let newest = self.packets.back()?.sequence_number;
        Some(&self.packets[self.find(Seq16(number).extend(newest))?])
    }

    /// One of the last packets, another one for each `turn`: what is sent again before anybody misses it
    /// is of most use if it is young.
    pub(crate) fn lately(&self, turn: u64) -> Option<&Sent> {
        let packets = self.packets.len();
        let back = turn as usize % packets.clamp(1, YOUNG);
        self.packets.get(packets.checked_sub(back + 1)?)
    }

    pub(crate) fn note_resent(&mut self, now: Instant, sequence_number: u64) {
        if let Some(at) = self.find(sequence_number) {
            self.packets[at].resent = Some(now);
        }
    }

    fn find(&self, sequence_number: u64) -> Option<usize> {
        let packets = &self.packets;
        let found = packets.binary_search_by_key(&sequence_number, |it| it.sequence_number);
        found.ok()
    }
}

/// What asks for a packet is older than one that was sent less than a round trip ago. A quarter less,
/// since no two round trips are equal.
pub(super) fn is_lately(now: Instant, resent: Instant, round_trip: Duration) -> bool {
    now - resent < (round_trip * 3 / 4).max(SHORTEST_TRIP)
}

/// Browsers do not send a packet twice within 5 ms (Chromium 156 and Firefox 153, measured).
const SHORTEST_TRIP: Duration = Duration::from_millis(5);

/// Packets that padding repeats.
const YOUNG: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sequence_number: u64) -> Sent {
        Sent {
            sequence_number,
            payload_type: PayloadType::new(96).expect("below 128"),
            timestamp: 0,
            marker: false,
            audio_level: None,
            contributing_sources: Vec::new(),
            capture_time: None,
            dependency_descriptor: Bytes::new(),
            layers_allocation: None,
            corruption_detection: None,
            payload: Bytes::from_static(&[7; 100]),
            resent: None,
        }
    }

    #[test]
    fn a_full_history_holds_the_last_packets_in_the_memory_that_they_need() {
        let mut history = History::default();
        let newest = 3 * RESEND_PACKETS as u64;
        // One comes late.
        let late = newest - 10;
        let numbers = (0..newest).filter(|number| *number != late);
        numbers
            .chain([late])
            .for_each(|number| history.keep(sent(number)));
        assert_eq!(history.packets.len(), RESEND_PACKETS);
        assert!(history.packets.capacity() <= RESEND_PACKETS);
        assert_eq!(history.bytes, 100 * RESEND_PACKETS);
        let kept = history.packets.iter().map(|it| it.sequence_number);
        assert!(kept.eq(newest - RESEND_PACKETS as u64..newest));
    }
}
