use duologue_base::Seq16;

use crate::red::Red;
use crate::{Header, Packet, PayloadType, Ssrc};

/// A packet as parity sees it: in the clear, and without RED.
#[derive(Clone, Copy, Debug)]
pub struct Protected<'a> {
    /// The sequence number of the packet.
    pub sequence_number: Seq16,
    /// What is before the payload, twelve bytes or more.
    header: &'a [u8],
    /// In place of what the header says.
    payload_type: PayloadType,
    /// With its padding.
    payload: &'a [u8],
}

impl<'a> Protected<'a> {
    /// A packet as it is; `None` if it is none.
    pub fn packet(datagram: &'a [u8]) -> Option<Self> {
        let header = Header::parse(datagram).ok()?;
        let (before, payload) = datagram.split_at(header.size());
        Some(Protected {
            sequence_number: header.sequence_number,
            header: before,
            payload_type: header.payload_type,
            payload,
        })
    }

    /// A packet with RED as it was without: the payload type is that of its only block. `None` if it
    /// is none, or has redundant blocks.
    pub fn without_red(datagram: &'a [u8]) -> Option<Self> {
        let packet = Protected::packet(datagram)?;
        let red = Red::parse(packet.payload)?;
        red.redundant().is_empty().then_some(Protected {
            payload_type: red.primary().payload_type,
            payload: red.primary().data,
            ..packet
        })
    }

    /// Bytes behind the first twelve.
    fn len(&self) -> usize {
        self.header.len() + self.payload.len() - FIXED
    }
}

/// The exclusive or of packets (RFC 5109 §8.1; the FlexFEC draft, §6.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Parity {
    /// Of the first two bytes: P, X, CC, M and PT; the version is of no use.
    pub(super) head: u16,
    pub(super) timestamp: u32,
    /// Of the lengths.
    pub(super) len: u16,
    /// Of what is behind the first twelve bytes, as long as the longest.
    pub(super) body: Vec<u8>,
}

impl Parity {
    pub(super) fn clear(&mut self) {
        (self.head, self.timestamp, self.len) = (0, 0, 0);
        self.body.clear();
    }

    /// Adds a packet, whatever its length: the body grows.
    pub(super) fn add(&mut self, packet: &Protected<'_>) {
        if self.body.len() < packet.len() {
            self.body.resize(packet.len(), 0);
        }
        self.xor(packet);
    }

    /// Adds a packet; what is longer than the body is not protected.
    pub(super) fn xor(&mut self, packet: &Protected<'_>) {
        let h = packet.header;
        let second = (h[1] & 0x80) | packet.payload_type.get();
        self.head ^= u16::from_be_bytes([h[0], second]);
        self.timestamp ^= u32::from_be_bytes([h[4], h[5], h[6], h[7]]);
        // A datagram has less than 65,536 bytes.
        self.len ^= packet.len() as u16;

        let before = &h[FIXED..];
        xor(&mut self.body, before);
        let behind = self.body.get_mut(before.len()..).unwrap_or_default();
        xor(behind, packet.payload);
    }

    /// Appends the packet that the rest is of, once all others were added; `false` if it is none.
    pub(super) fn write(&self, ssrc: Ssrc, sequence: u16, out: &mut Vec<u8>) -> bool {
        let Some(body) = self.body.get(..self.len.into()) else {
            return false;
        };
        let start = out.len();
        let [first, second] = self.head.to_be_bytes();
        out.extend_from_slice(&[0x80 | first & 0x3f, second]);
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&ssrc.0.to_be_bytes());
        out.extend_from_slice(body);

        // A liar's parity gives anything.
        if Packet::parse(&out[start..]).is_err() {
            out.truncate(start);
            return false;
        }
        true
    }
}

fn xor(into: &mut [u8], from: &[u8]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into ^= from;
    }
}

/// Bytes of a header without contributing sources and extension.
const FIXED: usize = 12;
