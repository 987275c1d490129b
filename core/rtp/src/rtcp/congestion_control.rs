use std::time::Duration;

use duologue_base::Ecn;

use super::{Writer, format, kind, split_ssrc, split_u16};
use crate::limits::MAX_METRICS;
use crate::{NtpShort, Ssrc};

/// When packets arrived and how the network marked them (RFC 8888 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct CongestionControlFeedback<'a> {
    /// The SSRC of who received the packets.
    pub sender: Ssrc,
    /// When the feedback was made, on the receiver's clock.
    pub report_time: NtpShort,
    /// Whole reports of streams only: it was walked once.
    streams: &'a [u8],
}

/// What was received of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamMetrics<'a> {
    /// The stream.
    pub ssrc: Ssrc,
    /// The sequence number that the first metric is for.
    pub begin_sequence: u16,
    metrics: &'a [[u8; 2]],
}

/// What became of one packet, in 16 bits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct PacketMetric(u16);

impl<'a> CongestionControlFeedback<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Option<Self> {
        let sender = split_ssrc(&mut body)?;
        let (streams, report_time) = body.split_last_chunk()?;
        let mut rest = streams;
        while !rest.is_empty() {
            StreamMetrics::split(&mut rest)?;
        }

        Some(CongestionControlFeedback {
            sender,
            report_time: NtpShort(u32::from_be_bytes(*report_time)),
            streams,
        })
    }

    /// What was received, by stream.
    pub fn streams(&self) -> impl Iterator<Item = StreamMetrics<'a>> + use<'a> {
        let mut rest = self.streams;
        std::iter::from_fn(move || StreamMetrics::split(&mut rest))
    }
}

impl<'a> StreamMetrics<'a> {
    fn split(rest: &mut &'a [u8]) -> Option<Self> {
        let ssrc = split_ssrc(rest)?;
        let begin_sequence = split_u16(rest)?;
        let count = usize::from(split_u16(rest)?);
        // RFC 8888 §3.1: not more than 16,384; an odd count is followed by two bytes of padding.
        if count > MAX_METRICS {
            return None;
        }
        let (metrics, behind) = rest.split_at_checked(2 * count.next_multiple_of(2))?;
        *rest = behind;

        Some(StreamMetrics {
            ssrc,
            begin_sequence,
            metrics: &metrics.as_chunks().0[..count],
        })
    }

    /// What became of the packets, each with its sequence number.
    pub fn metrics(&self) -> impl Iterator<Item = (u16, PacketMetric)> + use<'a> {
        let begin = self.begin_sequence;
        let bytes = self.metrics.iter();
        let metrics = bytes.map(|&bytes| PacketMetric(u16::from_be_bytes(bytes)));
        // There are at most 16,384.
        metrics
            .enumerate()
            .map(move |(n, metric)| (begin.wrapping_add(n as u16), metric))
    }
}

impl PacketMetric {
    /// The report of a packet that did not arrive.
    pub const LOST: PacketMetric = PacketMetric(0);

    /// The longest time that is told exactly, 8,189/1,024 s; longer ones are told as longer.
    pub const MAX_AGO: Duration = Duration::from_nanos(8_189 * 1_000_000_000 / 1_024);

    /// The report of a packet that arrived with this mark, so long before the report's time; `None`
    /// if that is not known.
    pub fn received(ecn: Ecn, ago: Option<Duration>) -> Self {
        let mark = match ecn {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        };
        let offset = match ago {
            None => UNKNOWN,
            Some(ago) => {
                // Whole units; a time that was told before is a nanosecond short of them.
                let units = (ago.as_nanos() + 1) * 1_024 / 1_000_000_000;
                u16::try_from(units).unwrap_or(u16::MAX).min(LONG_AGO)
            }
        };
        PacketMetric(RECEIVED | mark << 13 | offset)
    }

    /// Whether the packet arrived.
    pub const fn is_received(self) -> bool {
        self.0 & RECEIVED != 0
    }

    /// How the network marked it; [`Ecn::NotEct`] if it did not arrive.
    pub const fn ecn(self) -> Ecn {
        if !self.is_received() {
            return Ecn::NotEct;
        }
        match (self.0 >> 13) & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// How long before the report's time it arrived, in steps of 1/1,024 s; longer than
    /// [`MAX_AGO`](Self::MAX_AGO) may be any longer time. `None` if it is not known, or if it did
    /// not arrive.
    pub const fn ago(self) -> Option<Duration> {
        let offset = self.0 & UNKNOWN;
        if !self.is_received() || offset == UNKNOWN {
            return None;
        }
        Some(Duration::from_nanos(offset as u64 * 1_000_000_000 / 1_024))
    }
}

impl Writer<'_> {
    /// Says what became of packets: of each stream the sequence number of the first and the metrics
    /// from it on. Metrics after the 16,384th are left out.
    pub fn congestion_control_feedback(
        &mut self,
        sender: Ssrc,
        report_time: NtpShort,
        streams: &[(Ssrc, u16, &[PacketMetric])],
    ) {
        self.packet(kind::RTPFB, format::CCFB, |out| {
            out.extend_from_slice(&sender.0.to_be_bytes());
            let mut room = MAX_METRICS;
            for (ssrc, begin, metrics) in streams.iter().take(MAX_STREAMS) {
                let metrics = &metrics[..metrics.len().min(room)];
                room -= metrics.len();
                out.extend_from_slice(&ssrc.0.to_be_bytes());
                out.extend_from_slice(&begin.to_be_bytes());
                out.extend_from_slice(&(metrics.len() as u16).to_be_bytes());
                for metric in metrics {
                    out.extend_from_slice(&metric.0.to_be_bytes());
                }
                if metrics.len() % 2 == 1 {
                    out.extend_from_slice(&[0; 2]);
                }
            }
            out.extend_from_slice(&report_time.0.to_be_bytes());
        });
    }
}

const RECEIVED: u16 = 0x8000;
/// RFC 8888 §3.1: longer ago than can be said.
const LONG_AGO: u16 = 0x1ffe;
/// RFC 8888 §3.1: not known, or after the report's time.
const UNKNOWN: u16 = 0x1fff;
/// Streams that one feedback tells of, at most as many as an endpoint receives.
const MAX_STREAMS: usize = 256;
