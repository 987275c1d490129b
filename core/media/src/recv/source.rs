//! One received stream: an SSRC and what is known of it.

use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::{NtpShort, NtpTime};

use super::assembly::Assembly;
use super::missing::Missing;
use super::sources::Route;
use super::statistics::Statistics;

#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) route: Route,
    pub(crate) statistics: Statistics,
    /// Where lost packets are asked for again.
    pub(crate) missing: Missing,
    /// Where the application takes frames of video.
    pub(crate) assembly: Option<Box<Assembly>>,
    /// Requests for packets and for key frames that were sent.
    pub(crate) nacks: u32,
    pub(crate) plis: u32,
    /// The last sender report.
    pub(crate) sender_report: Option<SenderReport>,
    clock_known: bool,
}

/// What the last sender report of a stream said (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderReport {
    pub(crate) received: Instant,
    /// By its sender's clock.
    pub(crate) ntp: NtpTime,
    pub(crate) rtp: u32,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
    pub(crate) count: u64,
}

impl Source {
    pub(crate) fn new(route: Route) -> Self {
        Source {
            route,
            statistics: Statistics::new(0),
            missing: Missing::default(),
            sender_report: None,
            assembly: None,
            nacks: 0,
            plis: 0,
            clock_known: false,
        }
    }

    /// Where its packets become frames.
    pub(crate) fn assembly(&mut self, format: PayloadFormat) -> &mut Assembly {
        let new = || Box::new(Assembly::new(format));
        let assembly = self.assembly.get_or_insert_with(new);
        assembly.set_format(format);
        assembly
    }

    /// A number was taken by padding.
    pub(crate) fn assembly_padding(&mut self, sequence_number: u64) {
        if let Some(assembly) = &mut self.assembly {
            assembly.insert_padding(sequence_number);
        }
    }

    /// A packet of it came.
    pub(crate) fn has_begun(&self) -> bool {
        self.statistics.packets_received > 0
    }

    /// The clock of what it carries. Another codec may bring another one.
    pub(crate) fn set_clock_rate(&mut self, clock_rate: u32) {
        if !self.clock_known {
            self.clock_known = true;
            self.statistics = Statistics::new(clock_rate);
        }
    }

    /// Time since the last sender report, as a report block has it.
    pub(crate) fn since_sender_report(&self, now: Instant) -> Option<(NtpShort, Duration)> {
        let report = self.sender_report?;
        Some((report.ntp.middle(), now - report.received))
    }
}
