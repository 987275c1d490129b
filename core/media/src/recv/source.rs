//! One received stream: an SSRC and what is known of it.

use std::sync::Arc;
use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::ext::{AudioLevel, CaptureTime};
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::rtcp::SenderInfo;
use duologue_rtp::{NtpShort, NtpTime, PayloadType, ReceivePlan, Ssrc};

use super::assembly::Assembly;
use super::nack::{Arrival, Missing};
use super::recovery::Recovery;
use super::route::{Purpose, Route};
use super::seen::Seen;
use super::statistics::Statistics;
use crate::capture::CaptureClock;
use crate::frame::{EncodedFrame, SenderTime};
use crate::limits::CAPTURE_TIME_KEPT;
use crate::round_trips::RoundTrips;

#[derive(Debug)]
pub(crate) struct Source {
    /// No other stream of the transport ever has it, as an SSRC may come again.
    pub(crate) key: u64,
    pub(crate) route: Route,
    pub(crate) statistics: Statistics,
    /// Lost packets are asked for again.
    pub(crate) asks: bool,
    /// Where they are.
    pub(crate) missing: Missing,
    /// Where they are not.
    seen: Seen,
    /// Where parity came.
    pub(crate) recovery: Option<Box<Recovery>>,
    /// Where the application takes frames of video.
    pub(crate) assembly: Option<Box<Assembly>>,
    /// Requests for packets and for key frames that were sent.
    pub(crate) nacks: u32,
    pub(crate) plis: u32,
    pub(crate) firs: u32,
    /// What came for it on other streams, sent again or as error correction.
    pub(crate) retransmissions: Repairs,
    pub(crate) corrections: Repairs,
    /// Packets that came too late.
    pub(crate) discarded: u64,
    /// What its last packet of media was of, and how loud.
    pub(crate) payload_type: Option<PayloadType>,
    pub(crate) audio_level: Option<AudioLevel>,
    /// The time stamp of its last packet of media, and when what is in it was captured.
    pub(crate) timestamp: u32,
    pub(crate) captured: Option<CaptureTime>,
    pub(crate) capture_clock: CaptureClock,
    /// As the other end's answers to our questions tell them (RFC 3611 §4.5); the last one, if the
    /// last sender report came with it.
    pub(crate) round_trips: RoundTrips,
    /// Its receiver takes nothing at the moment; what it took last.
    pub(crate) paused: Option<Arc<ReceivePlan>>,
    /// The last sender report.
    pub(crate) sender_report: Option<SenderReport>,
}

/// What came for a stream on another one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Repairs {
    pub(crate) ssrc: Option<Ssrc>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) header_bytes: u64,
}

/// What the last sender report of a stream said (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderReport {
    pub(crate) received: Instant,
    /// By its sender's clock.
    pub(crate) ntp: NtpTime,
    pub(crate) rtp: u32,
    /// Extended beyond the 32 bits of the report.
    pub(crate) packets: u64,
    pub(crate) octets: u64,
    pub(crate) count: u64,
}

impl Source {
    pub(crate) fn new(key: u64, route: Route) -> Self {
        Source {
            key,
            route,
            statistics: Statistics::new(0),
            asks: false,
            missing: Missing::default(),
            seen: Seen::default(),
            recovery: None,
            sender_report: None,
            assembly: None,
            nacks: 0,
            plis: 0,
            firs: 0,
            retransmissions: Repairs::default(),
            corrections: Repairs::default(),
            discarded: 0,
            payload_type: None,
            audio_level: None,
            timestamp: 0,
            captured: None,
            capture_clock: CaptureClock::default(),
            round_trips: RoundTrips::default(),
            paused: None,
        }
    }

    /// Its receiver takes nothing for a while. What was counted stays.
    pub(crate) fn pause(&mut self, plan: &Arc<ReceivePlan>) {
        self.paused = Some(Arc::clone(plan));
        self.statistics.pause();
        self.missing.pause();
        if let Some(assembly) = &mut self.assembly {
            assembly.pause();
        }
    }

    /// Where its packets become frames.
    pub(crate) fn assembly(&mut self, format: PayloadFormat) -> &mut Assembly {
        let new = || Box::new(Assembly::new(format));
        let assembly = self.assembly.get_or_insert_with(new);
        assembly.set_format(format);
        assembly
    }

    /// A packet with this number came, by itself or by a repair: what it was to the stream.
    pub(crate) fn arrived(&mut self, now: Instant, sequence_number: u64) -> Arrival {
        let unseen = self.seen.take(sequence_number);
        match (self.asks, unseen) {
            (true, _) => self.missing.arrived(now, sequence_number),
            (false, true) => Arrival::New,
            (false, false) => Arrival::Duplicate,
        }
    }

    /// No packet with this number came, and none later would be too late.
    pub(crate) fn lacks(&self, sequence_number: u64) -> bool {
        self.seen.lacks(sequence_number)
    }

    /// A number was taken by padding.
    pub(crate) fn assembly_padding(&mut self, sequence_number: u64) {
        if let Some(assembly) = &mut self.assembly {
            assembly.insert_padding(sequence_number);
        }
    }

    /// A packet came for it on another stream.
    pub(crate) fn count_repair(&mut self, ssrc: Ssrc, purpose: Purpose, bytes: (usize, usize)) {
        let repairs = match purpose {
            Purpose::Media => return,
            Purpose::Retransmission => &mut self.retransmissions,
            Purpose::ErrorCorrection => &mut self.corrections,
        };
        repairs.ssrc = Some(ssrc);
        repairs.packets += 1;
        repairs.header_bytes += bytes.0 as u64;
        repairs.bytes += bytes.1 as u64;
    }

    /// A packet of it came.
    pub(crate) fn has_begun(&self) -> bool {
        self.statistics.packets_received > 0
    }

    /// A sender report about it came.
    pub(crate) fn handle_sender_report(&mut self, arrival: Instant, info: &SenderInfo) {
        self.round_trips.last = None;
        let before = self.sender_report;
        self.sender_report = Some(SenderReport {
            received: arrival,
            ntp: info.ntp_time,
            rtp: info.rtp_time,
            packets: extend_count(before.map_or(0, |it| it.packets), info.packet_count),
            octets: extend_count(before.map_or(0, |it| it.octets), info.octet_count),
            count: before.map_or(0, |it| it.count) + 1,
        });
    }

    /// What the last one told of its clock.
    pub(crate) fn sender_time(&self) -> Option<SenderTime> {
        let report = self.sender_report?;
        Some(SenderTime {
            ntp: report.ntp,
            rtp: report.rtp,
        })
    }

    /// Adds to a frame what is known of when it was captured.
    pub(crate) fn date(&self, frame: &mut EncodedFrame, clock_rate: u32, round_trip: Duration) {
        frame.sender_time = self.sender_time();
        let first = frame.contributing_sources.first();
        let of = first.map_or(frame.ssrc, |first| first.ssrc);
        let stamp = (frame.timestamp, clock_rate);
        let clock = &self.capture_clock;
        let known = clock.interpolate(of, stamp, frame.received, CAPTURE_TIME_KEPT);
        frame.capture_time = frame.capture_time.or(known);
        let captured = frame.capture_time;
        frame.captured = captured.and_then(|time| self.by_our_clock(time, round_trip));
    }

    /// A moment of its sender's clock by ours, about: the last sender report took half a round trip.
    pub(crate) fn by_our_clock(&self, time: CaptureTime, round_trip: Duration) -> Option<Instant> {
        let report = self.sender_report?;
        let offset = time.clock_offset.unwrap_or(0);
        let at = NtpTime::from_bits(time.at.to_bits().wrapping_sub(offset.cast_unsigned()));
        let before = report.ntp.since(at);
        let after = at.since(report.ntp);
        let sent = report.received.since_origin().checked_sub(round_trip / 2)?;
        let ours = (sent + after).checked_sub(before)?;
        Some(Instant::ZERO + ours)
    }

    /// Time since the last sender report, as a report block has it.
    pub(crate) fn since_sender_report(&self, now: Instant) -> Option<(NtpShort, Duration)> {
        let report = self.sender_report?;
        Some((report.ntp.middle(), now - report.received))
    }
}

/// A counter that grows and of which reports have 32 bits. One that fell behind is an old report's.
fn extend_count(before: u64, reported: u32) -> u64 {
    let more = reported.wrapping_sub(before as u32);
    match before {
        0 => u64::from(reported),
        _ if more > 1 << 31 => before,
        _ => before + u64::from(more),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_reports_grow_beyond_32_bits_and_never_fall() {
        assert_eq!(extend_count(0, 3_000_000_000), 3_000_000_000);
        assert_eq!(extend_count(0xffff_fff0, 0x10), 0x1_0000_0010);
        assert_eq!(extend_count(100, 90), 100);
    }
}
