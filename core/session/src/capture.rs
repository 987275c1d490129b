//! Packets in the clear, for whoever looks for a fault: what DTLS and SRTP hide from a capture of the
//! network.

use std::collections::VecDeque;

use duologue_base::{Instant, Redacted, TransportKey};

use crate::Session;
use crate::limits::{CAPTURED_BYTES, CAPTURED_PACKETS};

/// A packet as it was before it was protected, or after its protection was taken off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CapturedPacket {
    /// When the packet was sent or handled.
    pub at: Instant,
    /// The transport that the packet went over.
    pub transport: TransportKey,
    /// Whether the packet was sent or received.
    pub direction: PacketDirection,
    /// What the packet is.
    pub protocol: CapturedProtocol,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// Which way a packet went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PacketDirection {
    /// The packet was sent by this end.
    Sent,
    /// The packet was received by this end.
    Received,
}

/// What a captured packet is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CapturedProtocol {
    /// SCTP, from inside of DTLS (RFC 8261).
    Sctp,
    /// RTP, from inside of SRTP.
    Rtp,
    /// RTCP, from inside of SRTCP.
    Rtcp,
}

/// What was captured and not taken.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    packets: VecDeque<CapturedPacket>,
    bytes: usize,
    lost: u64,
}

/// Where packets go, if anywhere: nearly always nobody looks.
pub(crate) type Captured = Option<Box<Capture>>;

/// Asked of every packet: only the question is where it is asked.
#[inline]
pub(crate) fn capture(
    captured: &mut Captured,
    at: Instant,
    transport: TransportKey,
    what: (PacketDirection, CapturedProtocol),
    bytes: &[u8],
) {
    if let Some(capture) = captured {
        capture.add(at, transport, what, bytes);
    }
}

impl Capture {
    #[cold]
    fn add(
        &mut self,
        at: Instant,
        transport: TransportKey,
        (direction, protocol): (PacketDirection, CapturedProtocol),
        bytes: &[u8],
    ) {
        if self.packets.len() >= CAPTURED_PACKETS || self.bytes + bytes.len() > CAPTURED_BYTES {
            self.lost += 1;
            return;
        }

        self.bytes += bytes.len();
        self.packets.push_back(CapturedPacket {
            at,
            transport,
            direction,
            protocol,
            bytes: bytes.to_vec(),
        });
    }
}

impl Session {
    /// Keeps every packet of SCTP, RTP and RTCP from now on, in the clear, for
    /// [`poll_captured`](Self::poll_captured). A host does this only when it was asked to: they are
    /// what the connection protects.
    pub fn capture_packets(&mut self) {
        self.captured.get_or_insert_default();
    }

    /// The next captured packet. It is taken in every turn: what does not fit between two is lost and
    /// counted.
    pub fn poll_captured(&mut self) -> Option<CapturedPacket> {
        let capture = self.captured.as_deref_mut()?;
        let packet = capture.packets.pop_front()?;
        capture.bytes -= packet.bytes.len();
        Some(packet)
    }

    /// The next line of SSLKEYLOGFILE, if the [`dtls::Context`](duologue_dtls::Context) tells secrets. It is
    /// taken in every turn, and kept from everybody who may not read what the connection protects.
    pub fn poll_key_log(&mut self) -> Option<Redacted<String>> {
        let mut transports = self.transports.iter_mut();
        transports.find_map(|transport| transport.dtls.poll_key_log())
    }

    /// Packets that were not captured for want of room.
    pub fn captured_lost(&self) -> u64 {
        self.captured.as_ref().map_or(0, |capture| capture.lost)
    }
}
