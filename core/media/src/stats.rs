//! Counters of all streams of a transport at one moment, as webrtc-stats wants them.

use std::time::Duration;

use duologue_base::{Instant, TransceiverId};
use duologue_rtp::ext::AudioLevel;
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{
    CodecParameters, CodecRole, MediaKind, NtpTime, PayloadType, ReceivePlan, Rid, Ssrc,
};

use crate::cc::Bitrate;
use crate::recv::{Purpose, Repairs, Source};
use crate::round_trips::RoundTrips;
use crate::send::{RemoteReports, SendCounters, Sender};
use crate::{BandwidthFeedback, FrameCounters, MediaTransport, ReportedPackets, Statistics};

/// Counters of all streams of a transport. Those of receivers and senders that are told to stop stay
/// for when they go on.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MediaStats {
    /// Streams of media that are received.
    pub inbound: Vec<InboundStats>,
    /// Streams of media that are sent.
    pub outbound: Vec<OutboundStats>,
    /// What tells how fast the path is.
    pub feedback: BandwidthFeedback,
    /// `availableOutgoingBitrate`: bits per second that may be sent altogether, what SRTP, UDP and IP
    /// put around packets with them. None while nothing was sent, or where no feedback was agreed on.
    pub available_outgoing_bitrate: Option<u64>,
    /// `ccfbMessagesSent`: reports of RFC 8888.
    pub stream_reports_sent: u64,
    /// `ccfbMessagesReceived`
    pub stream_reports_received: u64,
}

/// Counters of a stream that is received (webrtc-stats, "RTCInboundRtpStreamStats").
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct InboundStats {
    /// The stream's key, which no other stream of the transport ever has; an SSRC may come again.
    pub key: u64,
    /// The receiver of the stream.
    pub receiver: TransceiverId,
    /// `ssrc`
    pub ssrc: Ssrc,
    /// The index of the stream's simulcast layer.
    pub encoding: usize,
    /// `kind`
    pub kind: MediaKind,
    /// The codec of the last packet.
    pub codec: Option<CodecParameters>,
    /// What came of the stream itself, without what repairs it.
    pub statistics: Statistics,
    /// What it came to, where the application took frames of video.
    pub frames: Option<FrameCounters>,
    /// `packetsDiscarded`
    pub packets_discarded: u64,
    /// How loud the last packet that told it was.
    pub audio_level: Option<AudioLevel>,
    /// `rtxSsrc`, `retransmittedPacketsReceived`, …: where retransmission is agreed on.
    pub retransmissions: Option<RepairStats>,
    /// `fecSsrc`, `fecPacketsReceived`, …: where error correction in a stream of its own is.
    pub corrections: Option<RepairStats>,
    /// `nackCount`
    pub nack_count: u32,
    /// `pliCount`
    pub pli_count: u32,
    /// `firCount`
    pub fir_count: u32,
    /// Lost packets that were not asked for any more.
    pub given_up: u64,
    /// `fecPacketsDiscarded`, of whatever kind of parity.
    pub fec_discarded: u64,
    /// What the other end was told of it, where it is told of each stream (RFC 8888).
    pub reported: Option<ReportedPackets>,
    /// What the other end reported (webrtc-stats, "RTCRemoteOutboundRtpStreamStats").
    pub sender_report: Option<SenderReportStats>,
}

/// What came for a stream on another one.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RepairStats {
    /// The other stream, once something came.
    pub ssrc: Option<Ssrc>,
    /// `retransmittedPacketsReceived`, `fecPacketsReceived`
    pub packets_received: u64,
    /// `retransmittedBytesReceived`, `fecBytesReceived`: payloads alone.
    pub bytes_received: u64,
    /// Bytes of headers, extensions and padding of those packets.
    pub header_bytes_received: u64,
}

/// What sender reports told of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SenderReportStats {
    /// When the last sender report came.
    pub received: Instant,
    /// `remoteTimestamp`
    pub ntp: NtpTime,
    /// The moment by the stream's clock.
    pub rtp: u32,
    /// `packetsSent`
    pub packets: u64,
    /// `bytesSent`
    pub octets: u64,
    /// `reportsSent`
    pub count: u64,
    /// Round trips as answers to our questions tell them (RFC 3611 §4.5); the last one, if the last sender report
    /// came with it.
    pub round_trips: RoundTrips,
}

/// Counters of a stream that is sent (webrtc-stats, "RTCOutboundRtpStreamStats").
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutboundStats {
    /// The sender of the stream.
    pub sender: TransceiverId,
    /// `ssrc`
    pub ssrc: Ssrc,
    /// `rtxSsrc`, where retransmission is agreed on.
    pub rtx_ssrc: Option<Ssrc>,
    /// `rid`
    pub rid: Option<Rid>,
    /// `encodingIndex`
    pub encoding: usize,
    /// `kind`
    pub kind: MediaKind,
    /// The codec of the last packet.
    pub codec: Option<CodecParameters>,
    /// What was sent, without what was sent again.
    pub counters: SendCounters,
    /// What was sent again because it was asked for.
    pub retransmitted: SendCounters,
    /// What was sent to find out how fast the path is: packets again that nobody asked for, padding.
    pub padding: SendCounters,
    /// `packetsSentWithEct1`
    pub sent_with_ect1: u64,
    /// `framesSent`, of video.
    pub frames_sent: u64,
    /// `hugeFramesSent`, of video.
    pub huge_frames_sent: u64,
    /// `totalPacketSendDelay`
    pub send_delay: Duration,
    /// `frameWidth`, `frameHeight`: of the last frame that told it.
    pub size: Option<FrameSize>,
    /// What the other end tells.
    pub remote: RemoteReports,
    /// What it tells of single packets, where it tells of each stream (RFC 8888).
    pub reported: Option<ReportedPackets>,
    /// `targetBitrate`: bits per second of payloads that its encoder may make, once that was told.
    pub target_bitrate: Option<u64>,
}

impl MediaStats {
    pub(crate) fn of(transport: &MediaTransport) -> Self {
        let senders = transport.outbound.senders();
        let bandwidth = &transport.outbound.bandwidth;
        let by_stream = bandwidth.feedback() == BandwidthFeedback::Marks;
        let nothing = by_stream.then(ReportedPackets::default);
        let outbound = senders.flat_map(outbound).map(|it| OutboundStats {
            reported: it.reported.or(nothing),
            ..it
        });
        let stream_reports = transport.stream_reports();
        MediaStats {
            inbound: inbound(transport),
            outbound: outbound.collect(),
            feedback: bandwidth.feedback(),
            available_outgoing_bitrate: bandwidth.target().map(Bitrate::bps),
            stream_reports_sent: stream_reports.sent,
            stream_reports_received: stream_reports.received,
        }
    }
}

fn inbound(transport: &MediaTransport) -> Vec<InboundStats> {
    let sources = transport.inbound.sources.iter();
    let media = sources.filter(|(_, source)| source.route.purpose == Purpose::Media);
    let begun = media.filter(|(_, source)| source.has_begun());
    let stats = begun.filter_map(|(ssrc, source)| {
        let mut receivers = transport.inbound.receivers().iter();
        let receiver = receivers.find(|it| it.id == source.route.receiver);
        let plan = receiver.map(|it| &it.plan).or(source.paused.as_ref());
        Some(InboundStats {
            reported: transport.inbound.stream_arrivals.reported(ssrc),
            ..inbound_of(ssrc, source, plan?)
        })
    });
    stats.collect()
}

fn inbound_of(ssrc: Ssrc, source: &Source, plan: &ReceivePlan) -> InboundStats {
    let codecs = &plan.parameters.codecs;
    let repairs = |role: CodecRole, repairs: &Repairs| {
        let agreed = codecs.iter().any(|codec| codec.codec.role() == role);
        (agreed || repairs.packets > 0).then_some(RepairStats {
            ssrc: repairs.ssrc,
            packets_received: repairs.packets,
            bytes_received: repairs.bytes,
            header_bytes_received: repairs.header_bytes,
        })
    };
    let assembly = source.assembly.as_ref();
    let corrections = &source.corrections;
    InboundStats {
        key: source.key,
        receiver: source.route.receiver,
        ssrc,
        encoding: source.route.encoding,
        kind: plan.kind,
        codec: codec(codecs, source.payload_type),
        statistics: source.statistics.clone(),
        frames: assembly.map(|it| it.counters),
        packets_discarded: source.discarded + assembly.map_or(0, |it| it.discarded),
        audio_level: source.audio_level,
        retransmissions: repairs(CodecRole::Rtx, &source.retransmissions),
        corrections: repairs(CodecRole::Fec, corrections).filter(|it| it.ssrc.is_some()),
        nack_count: source.nacks,
        pli_count: source.plis,
        fir_count: source.firs,
        given_up: source.missing.given_up(),
        fec_discarded: source.recovery.as_ref().map_or(0, |it| it.discarded()),
        reported: None,
        sender_report: source.sender_report.map(|it| SenderReportStats {
            received: it.received,
            ntp: it.ntp,
            rtp: it.rtp,
            packets: it.packets,
            octets: it.octets,
            count: it.count,
            round_trips: source.round_trips,
        }),
    }
}

pub(crate) fn outbound(sender: &Sender) -> impl Iterator<Item = OutboundStats> {
    let codecs = &sender.plan.parameters.codecs;
    let repairs = codecs.iter().any(|it| it.codec.role() == CodecRole::Rtx);
    let streams = sender.streams.iter().enumerate();
    streams.map(move |(encoding, stream)| OutboundStats {
        sender: sender.id,
        ssrc: stream.ssrc,
        rtx_ssrc: stream.rtx().filter(|_| repairs),
        rid: stream.rid.clone(),
        encoding,
        kind: sender.plan.kind,
        codec: codec(codecs, stream.payload_type),
        counters: stream.counters,
        retransmitted: stream.rtx_counters,
        padding: stream.padding,
        sent_with_ect1: stream.sent_with_ect1,
        frames_sent: stream.frames.sent,
        huge_frames_sent: stream.frames.huge,
        send_delay: stream.send_delay,
        size: stream.packetizer.size,
        remote: stream.remote,
        reported: stream.told,
        target_bitrate: sender.targets.get(encoding).copied(),
    })
}

fn codec(codecs: &[CodecParameters], of: Option<PayloadType>) -> Option<CodecParameters> {
    let mut codecs = codecs.iter();
    codecs.find(|it| Some(it.payload_type) == of).cloned()
}
