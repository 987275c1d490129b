//! Counters of all streams of a transport at one moment, as webrtc-stats wants them.

use duologue_base::{Instant, TransceiverId};
use duologue_rtp::{NtpTime, Rid, Ssrc};

use crate::recv::Purpose;
use crate::send::{RemoteReports, SendCounters};
use crate::{FrameCounters, MediaTransport, Statistics};

/// Counters of all streams of a transport.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MediaStats {
    /// Streams of media that are received.
    pub inbound: Vec<InboundStats>,
    /// Streams of media that are sent.
    pub outbound: Vec<OutboundStats>,
}

/// Of a stream that is received (webrtc-stats §8.4).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InboundStats {
    /// Whose it is.
    pub receiver: TransceiverId,
    /// `ssrc`
    pub ssrc: Ssrc,
    /// Which of the layers.
    pub encoding: usize,
    /// What came.
    pub statistics: Statistics,
    /// What it came to, where the application takes frames of video.
    pub frames: FrameCounters,
    /// `rtxSsrc`
    pub rtx_ssrc: Option<Ssrc>,
    /// `retransmittedPacketsReceived`
    pub retransmitted_packets_received: u64,
    /// `retransmittedBytesReceived`
    pub retransmitted_bytes_received: u64,
    /// `nackCount`
    pub nack_count: u32,
    /// `pliCount`
    pub pli_count: u32,
    /// Lost packets that were not asked for any more.
    pub given_up: u64,
    /// What the other end reported (webrtc-stats §8.7).
    pub sender_report: Option<SenderReportStats>,
}

/// What sender reports told of a stream (webrtc-stats §8.7).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SenderReportStats {
    /// When the last one came.
    pub received: Instant,
    /// `remoteTimestamp`
    pub ntp: NtpTime,
    /// The same moment by the stream's clock.
    pub rtp: u32,
    /// `packetsSent`
    pub packets: u32,
    /// `bytesSent`
    pub octets: u32,
    /// `reportsSent`
    pub count: u64,
}

/// Of a stream that is sent (webrtc-stats §8.6).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutboundStats {
    /// Whose it is.
    pub sender: TransceiverId,
    /// `ssrc`
    pub ssrc: Ssrc,
    /// `rtxSsrc`
    pub rtx_ssrc: Option<Ssrc>,
    /// `rid`
    pub rid: Option<Rid>,
    /// Which of the encodings.
    pub encoding: usize,
    /// What was sent.
    pub counters: SendCounters,
    /// What was sent again.
    pub retransmitted: SendCounters,
    /// What the other end tells.
    pub remote: RemoteReports,
}

impl MediaStats {
    pub(crate) fn of(transport: &MediaTransport) -> Self {
        MediaStats {
            inbound: inbound(transport),
            outbound: outbound(transport),
        }
    }
}

fn inbound(transport: &MediaTransport) -> Vec<InboundStats> {
    let sources = &transport.inbound.sources;
    let media = sources
        .iter()
        .filter(|(_, source)| source.route.purpose == Purpose::Media && source.has_begun());
    let stats = media.map(|(ssrc, source)| {
        let rtx = sources.iter().find(|(_, other)| {
            other.route.purpose == Purpose::Retransmission
                && (other.route.receiver, other.route.encoding)
                    == (source.route.receiver, source.route.encoding)
        });
        let again = rtx.map(|(_, rtx)| &rtx.statistics);
        InboundStats {
            receiver: source.route.receiver,
            ssrc,
            encoding: source.route.encoding,
            statistics: source.statistics.clone(),
            frames: (source.assembly.as_ref()).map_or_else(Default::default, |it| it.counters),
            rtx_ssrc: rtx.map(|(ssrc, _)| ssrc),
            retransmitted_packets_received: again.map_or(0, |it| it.packets_received),
            retransmitted_bytes_received: again.map_or(0, |it| it.bytes_received),
            nack_count: source.nacks,
            pli_count: source.plis,
            given_up: source.missing.given_up(),
            sender_report: source.sender_report.map(|it| SenderReportStats {
                received: it.received,
                ntp: it.ntp,
                rtp: it.rtp,
                packets: it.packets,
                octets: it.octets,
                count: it.count,
            }),
        }
    });
    stats.collect()
}

fn outbound(transport: &MediaTransport) -> Vec<OutboundStats> {
    let senders = transport.outbound.senders().iter();
    let stats = senders.flat_map(|sender| {
        let streams = sender.streams.iter().enumerate();
        streams.map(|(encoding, stream)| OutboundStats {
            sender: sender.id,
            ssrc: stream.ssrc,
            rtx_ssrc: stream.rtx(),
            rid: stream.rid.clone(),
            encoding,
            counters: stream.counters,
            retransmitted: stream.rtx_counters,
            remote: stream.remote,
        })
    });
    stats.collect()
}
