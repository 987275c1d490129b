//! RTCP (RFC 3550 §6): reports, and feedback from receivers.
//!
//! [`packets`] reads a datagram, compound or of reduced size (RFC 5506); [`Writer`] appends packets
//! to one.

mod application;
mod congestion_control;
mod extended_report;
mod goodbye;
mod key_frame;
mod nack;
mod remb;
mod report;
mod source_description;
pub mod timing;
mod transport_feedback;
mod writer;

use crate::Ssrc;

pub use application::ApplicationDefined;
pub use congestion_control::{CongestionControlFeedback, PacketMetric, StreamMetrics};
pub use extended_report::{Dlrr, DlrrEntries, ExtendedReport, ExtendedReportBlock};
pub use goodbye::Goodbye;
pub use key_frame::{FullIntraRequest, PictureLossIndication};
pub use nack::Nack;
pub use remb::ReceiverEstimatedMaxBitrate;
pub use report::{ReceiverReport, ReportBlock, ReportBlocks, SenderInfo, SenderReport};
pub use source_description::{SourceDescription, SourceDescriptionChunk, SourceDescriptionItem};
pub use transport_feedback::{Received, TransportFeedback, TransportFeedbackToSend};
pub use writer::Writer;

/// One RTCP packet of a datagram.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// What a stream's sender has sent, and when (RFC 3550 §6.4.1).
    SenderReport(SenderReport<'a>),
    /// What a receiver has received (RFC 3550 §6.4.2).
    ReceiverReport(ReceiverReport<'a>),
    /// Who is behind an SSRC (RFC 3550 §6.5).
    SourceDescription(SourceDescription<'a>),
    /// Who leaves (RFC 3550 §6.6).
    Goodbye(Goodbye<'a>),
    /// An application's own (RFC 3550 §6.7).
    ApplicationDefined(ApplicationDefined<'a>),
    /// Packets are missing (RFC 4585 §6.2.1).
    Nack(Nack<'a>),
    /// A decoder needs a key frame (RFC 4585 §6.3.1).
    PictureLossIndication(PictureLossIndication),
    /// A key frame is asked for by command (RFC 5104 §4.3.1).
    FullIntraRequest(FullIntraRequest<'a>),
    /// How much a receiver thinks it can receive (draft-alvestrand-rmcat-remb-03).
    ReceiverEstimatedMaxBitrate(ReceiverEstimatedMaxBitrate<'a>),
    /// When packets of all streams arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
    TransportFeedback(TransportFeedback<'a>),
    /// When packets arrived, and how they were marked (RFC 8888).
    CongestionControlFeedback(CongestionControlFeedback<'a>),
    /// Round trips of those who do not send, among others (RFC 3611).
    ExtendedReport(ExtendedReport<'a>),
    /// A packet of another type.
    Unknown(Unknown<'a>),
}

/// A packet that is not known here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unknown<'a> {
    /// The type of the packet (PT, RFC 3550 §6.4).
    pub packet_type: u8,
    /// The five bits beside the version: a count, or the format of feedback.
    pub count: u8,
    /// What is behind the first four bytes.
    pub body: &'a [u8],
}

/// A piece of a datagram is no RTCP packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// The bytes are no head of a packet, or announce more than there are: nothing behind them can
    /// be read.
    #[error("no RTCP packet begins here")]
    Framing,
    /// The packet of this type contradicts itself; those behind it are read on.
    #[error("a malformed RTCP packet of type {0}")]
    Packet(u8),
}

/// The packets of a datagram in their order, whichever they are: senders leave parts of what
/// RFC 3550 §6.1 demands out, and RFC 5506 lets them.
///
/// ```
/// use duologue_rtp::Ssrc;
/// use duologue_rtp::rtcp::{Packet, Writer, packets};
///
/// let mut datagram = Vec::new();
/// let mut writer = Writer::new(&mut datagram);
/// writer.receiver_report(Ssrc(1), &[]);
/// writer.nack(Ssrc(1), Ssrc(2), [17, 18, 40]);
///
/// let mut read = packets(&datagram);
/// assert!(matches!(read.next(), Some(Ok(Packet::ReceiverReport(report))) if report.sender == Ssrc(1)));
/// let Some(Ok(Packet::Nack(nack))) = read.next() else { panic!() };
/// assert!(nack.lost().eq([17, 18, 40]));
/// assert!(read.next().is_none());
/// ```
pub fn packets(datagram: &[u8]) -> Packets<'_> {
    Packets { rest: datagram }
}

/// See [`packets`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(framed) = Framed::split(&mut self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed::Framing));
        };
        let packet = framed.read();
        Some(packet.ok_or(Malformed::Packet(framed.packet_type)))
    }
}

/// A packet as its head has it.
struct Framed<'a> {
    packet_type: u8,
    count: u8,
    padded: bool,
    body: &'a [u8],
}

impl<'a> Framed<'a> {
    fn split(datagram: &mut &'a [u8]) -> Option<Framed<'a>> {
        let (&[first, packet_type, l0, l1], rest) = datagram.split_first_chunk()?;
        let len = 4 * usize::from(u16::from_be_bytes([l0, l1]));
        if first >> 6 != VERSION {
            return None;
        }

        let (body, rest) = rest.split_at_checked(len)?;
        *datagram = rest;
        Some(Framed {
            packet_type,
            count: first & 0x1f,
            padded: first & PADDED != 0,
            body,
        })
    }

    fn read(&self) -> Option<Packet<'a>> {
        let mut body = self.body;
        if self.padded {
            // RFC 3550 §6.4.1: the last byte counts the padding with itself.
            let count = usize::from(*body.last()?);
            if count == 0 {
                return None;
            }
            body = &body[..body.len().checked_sub(count)?];
        }

        let count = self.count;
        Some(match (self.packet_type, count) {
            (kind::SR, _) => Packet::SenderReport(SenderReport::parse(count, body)?),
            (kind::RR, _) => Packet::ReceiverReport(ReceiverReport::parse(count, body)?),
            (kind::SDES, _) => Packet::SourceDescription(SourceDescription::parse(count, body)?),
            (kind::BYE, _) => Packet::Goodbye(Goodbye::parse(count, body)?),
            (kind::APP, _) => Packet::ApplicationDefined(ApplicationDefined::parse(count, body)?),
            (kind::RTPFB, format::NACK) => Packet::Nack(Nack::parse(body)?),
            (kind::RTPFB, format::TRANSPORT_CC) => {
                Packet::TransportFeedback(TransportFeedback::parse(body)?)
            }
            (kind::RTPFB, format::CCFB) => {
                Packet::CongestionControlFeedback(CongestionControlFeedback::parse(body)?)
            }
            (kind::PSFB, format::PLI) => {
                Packet::PictureLossIndication(PictureLossIndication::parse(body)?)
            }
            (kind::PSFB, format::FIR) => Packet::FullIntraRequest(FullIntraRequest::parse(body)?),
            (kind::PSFB, format::AFB) if ReceiverEstimatedMaxBitrate::is_one(body) => {
                let remb = ReceiverEstimatedMaxBitrate::parse(body)?;
                Packet::ReceiverEstimatedMaxBitrate(remb)
            }
            (kind::XR, _) => Packet::ExtendedReport(ExtendedReport::parse(body)?),
            (packet_type, count) => Packet::Unknown(Unknown {
                packet_type,
                count,
                body,
            }),
        })
    }
}

fn split_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*word))
}

fn split_ssrc(bytes: &mut &[u8]) -> Option<Ssrc> {
    split_u32(bytes).map(Ssrc)
}

fn split_u16(bytes: &mut &[u8]) -> Option<u16> {
    let (word, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*word))
}

/// The SSRCs of a list of whole words.
fn ssrcs(list: &[u8]) -> impl Iterator<Item = Ssrc> + '_ {
    let words = list.as_chunks().0.iter();
    words.map(|word| Ssrc(u32::from_be_bytes(*word)))
}

const VERSION: u8 = 2;
const PADDED: u8 = 0x20;

/// Types of packets.
mod kind {
    /// RFC 3550 §12.1
    pub(super) const SR: u8 = 200;
    pub(super) const RR: u8 = 201;
    pub(super) const SDES: u8 = 202;
    pub(super) const BYE: u8 = 203;
    pub(super) const APP: u8 = 204;
    /// RFC 4585 §6.1
    pub(super) const RTPFB: u8 = 205;
    pub(super) const PSFB: u8 = 206;
    /// RFC 3611 §2
    pub(super) const XR: u8 = 207;
}

/// Formats of feedback.
mod format {
    /// RFC 4585 §6.2
    pub(super) const NACK: u8 = 1;
    /// RFC 8888 §3.1
    pub(super) const CCFB: u8 = 11;
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1
    pub(super) const TRANSPORT_CC: u8 = 15;
    /// RFC 4585 §6.3
    pub(super) const PLI: u8 = 1;
    /// RFC 5104 §4.3.1
    pub(super) const FIR: u8 = 4;
    /// RFC 4585 §6.4: of an application's layer, REMB among them.
    pub(super) const AFB: u8 = 15;
}

#[cfg(test)]
mod tests;
