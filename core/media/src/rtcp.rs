//! What the two ends tell each other of their streams: reports at intervals (RFC 3550 §6), feedback
//! as soon as it is of use (RFC 4585).

use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_rtp::ext::CaptureTime;
use duologue_rtp::rtcp::{
    self, Dlrr, ExtendedReportBlock, Packet, ReportBlock, SenderInfo, TransportFeedbackToSend,
    Writer,
};
use duologue_rtp::{MediaKind, NtpShort, NtpTime, Ssrc};

use crate::limits::{DLRR_ENTRIES, NACKS, REPORT_BLOCKS, RTCP_BYTES, SENDER_REPORTS};
use crate::outlets::Outlets;
use crate::recv::Inbound;
use crate::report::MediaReport;
use crate::send::Outbound;

/// The RTCP of one transport.
#[derive(Debug)]
pub(crate) struct Reporter {
    origin: NtpTime,
    rng: Rng,
    /// Who we are while we send no stream.
    ssrc: Ssrc,
    next_report: Option<Instant>,
    /// Smoothed, once a report told.
    round_trip: Option<Duration>,
    /// Those who asked for the time that their question took (RFC 3611 §4.5).
    questions: Vec<Question>,
    /// Whose turn it is to be reported of, where one datagram does not hold all.
    turn: usize,
    pub(crate) stream_reports: StreamReports,
}

/// Reports of RFC 8888.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StreamReports {
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    ssrc: Ssrc,
    ntp: NtpShort,
    received: Instant,
}

/// As browsers do: video is reported of each second, audio each five (RFC 3550 §6.2's least).
const VIDEO_INTERVAL: Duration = Duration::from_secs(1);
const AUDIO_INTERVAL: Duration = Duration::from_secs(5);

/// Room that feedback on arrivals is worth beginning with; else it has the next datagram.
const LEAST_FEEDBACK: usize = 100;

/// Bytes of a request for a key frame: FIR (RFC 5104 §4.3.1.1).
const KEY_FRAME_REQUEST: usize = 20;

/// What is assumed before a report told.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(100);

impl Reporter {
    /// What packets say of what was captured here: it is by the clock of sender reports.
    pub(crate) fn capture_time(&self, at: Instant) -> CaptureTime {
        CaptureTime {
            at: self.origin.plus(at.since_origin()),
            clock_offset: Some(0),
        }
    }

    pub(crate) fn new(origin: NtpTime, mut rng: Rng) -> Self {
        Reporter {
            origin,
            ssrc: Ssrc(rng.u32()),
            rng,
            next_report: None,
            round_trip: None,
            questions: Vec::new(),
            turn: 0,
            stream_reports: StreamReports::default(),
        }
    }

    /// Another peer may be at the other end: how far it is, and what it asks, is not known yet.
    pub(crate) fn restart(&mut self) {
        self.round_trip = None;
        self.questions.clear();
    }

    pub(crate) fn round_trip(&self) -> Duration {
        self.round_trip.unwrap_or(FIRST_ROUND_TRIP)
    }

    /// A stream is new: the other end hears at once that it was found. Browsers name their streams in
    /// each packet until then.
    pub(crate) fn expect_report(&mut self, now: Instant) {
        self.next_report = Some(now);
    }

    /// A sender begins: its first report comes soon, so that its streams can be synchronized.
    pub(crate) fn expect_sender_report(&mut self, now: Instant) {
        let soon = now + Duration::from_millis(500);
        let next = self.next_report.map_or(soon, |next| next.min(soon));
        self.next_report = Some(next);
    }

    /// When the next report is, if there is anything to report of.
    pub(crate) fn report_due(&self, inbound: &Inbound, outbound: &Outbound) -> Option<Instant> {
        let speaks = !inbound.receivers().is_empty() || outbound.senders().len() > 0;
        self.next_report.filter(|_| speaks)
    }

    /// Writes one datagram, if something is due: a report first, since the rest may ride on it.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        inbound: &mut Inbound,
        outbound: &Outbound,
        out: &mut Vec<u8>,
    ) -> bool {
        let begin = out.len();
        let me = self.speaker(outbound);
        let report_due = self.report_due(inbound, outbound);
        let reports = report_due.is_some_and(|due| due <= now);
        if reports {
            self.write_report(now, me, (inbound, outbound), out);
        }
        let after_report = out.len();
        // RFC 5506 §3.4.1: by itself only where that is agreed on.
        let reduced = inbound.receivers().iter();
        let reduced = reduced.clone().len() > 0
            && reduced
                .into_iter()
                .all(|it| it.plan.parameters.reduced_size);
        if !reports && !reduced {
            Writer::new(out).receiver_report(me, &[]);
        }
        let before_feedback = out.len();
        self.write_feedback(now, me, begin, inbound, out);
        inbound.told_feedback();
        if out.len() == before_feedback {
            out.truncate(after_report);
        }
        out.len() > begin
    }

    /// The SSRC that speaks for this end: that of a stream, where there is one.
    fn speaker(&self, outbound: &Outbound) -> Ssrc {
        let mut streams = outbound.senders().flat_map(|it| &it.streams);
        streams.next().map_or(self.ssrc, |stream| stream.ssrc)
    }

    fn write_feedback(
        &mut self,
        now: Instant,
        me: Ssrc,
        begin: usize,
        inbound: &mut Inbound,
        out: &mut Vec<u8>,
    ) {
        while out.len() - begin <= RTCP_BYTES - KEY_FRAME_REQUEST
            && let Some((ssrc, source, by_fir)) = inbound.next_key_frame(now)
        {
            if by_fir {
                // RFC 5104 §4.3.1.2: each new request has the next number.
                source.firs += 1;
                Writer::new(out).full_intra_request(me, &[(ssrc, source.firs as u8)]);
            } else {
                source.plis += 1;
                Writer::new(out).picture_loss_indication(me, ssrc);
            }
        }
        let mut numbers = Vec::new();
        for (ssrc, source) in inbound.sources.iter_mut() {
            // RFC 4585 §6.2.1: an entry has four bytes, behind a head of twelve. What does not fit
            // stays due: another datagram follows.
            let most = RTCP_BYTES.saturating_sub(out.len() - begin + 12) / 4;
            if most == 0 {
                break;
            }
            numbers.clear();
            let missing = &mut source.missing;
            missing.take_due(now, self.round_trip(), most.min(NACKS), &mut numbers);
            let written = Writer::new(out).nack(me, ssrc, numbers.iter().copied());
            if written > 0 {
                source.nacks += 1;
            }
        }
        self.write_arrivals(now, me, begin, inbound, out);
    }

    /// What the other end's congestion control is told, by the numbers of the transport or by stream.
    fn write_arrivals(
        &mut self,
        now: Instant,
        me: Ssrc,
        begin: usize,
        inbound: &mut Inbound,
        out: &mut Vec<u8>,
    ) {
        let media = inbound.sources.iter().next().map_or(me, |(ssrc, _)| ssrc);
        let room = |out: &Vec<u8>| RTCP_BYTES.saturating_sub(out.len() - begin);
        let max_size = room(out);
        if max_size >= LEAST_FEEDBACK {
            inbound.arrivals.tell(now, |feedback| {
                let head = TransportFeedbackToSend {
                    sender: me,
                    media,
                    base_sequence: feedback.base,
                    feedback_count: feedback.count,
                    max_size,
                };
                Writer::new(out).transport_feedback(&head, feedback.arrivals())
            });
        }
        let room = room(out);
        if room < LEAST_FEEDBACK {
            return;
        }
        let reports = inbound.stream_arrivals.tell(now, room);
        if !reports.is_empty() {
            let time = self.origin.plus(now.since_origin()).middle();
            let streams = reports.iter();
            let streams = streams.map(|it| (it.ssrc, it.begin, &it.metrics[..]));
            let streams: Vec<_> = streams.collect();
            Writer::new(out).congestion_control_feedback(me, time, &streams);
            self.stream_reports.sent += 1;
        }
    }

    fn write_report(
        &mut self,
        now: Instant,
        me: Ssrc,
        (inbound, outbound): (&mut Inbound, &Outbound),
        out: &mut Vec<u8>,
    ) {
        // RFC 3550 §6.1: those that one datagram has no room for take turns, which are the sooner.
        let heard = inbound.begun().count().div_ceil(REPORT_BLOCKS);
        let spoken = outbound.begun().count().div_ceil(SENDER_REPORTS);
        let turns = heard.max(spoken).max(1);
        self.next_report = Some(now + self.interval(inbound, outbound) / turns as u32);
        self.turn = (self.turn + 1) % turns;
        let first = report_blocks(now, self.turn * REPORT_BLOCKS, inbound);
        let mut writer = Writer::new(out);

        let mut speakers = Vec::new();
        let streams = outbound.begun().skip(self.turn * SENDER_REPORTS);
        for stream in streams.take(SENDER_REPORTS) {
            let Some(info) = self.sender_info(now, stream) else {
                continue;
            };
            let blocks = if speakers.is_empty() { &first[..] } else { &[] };
            writer.sender_report(stream.ssrc, &info, blocks);
            speakers.push(stream.ssrc);
        }
        if speakers.is_empty() {
            writer.receiver_report(me, &first);
            speakers.push(me);
        }
        let mut senders = outbound.senders();
        let cname = senders.find_map(|sender| sender.plan.parameters.cname.as_deref());
        // RFC 3550 §6.1: with its name in each report.
        if let Some(cname) = cname {
            writer.source_description(&speakers, cname);
        }
        let answers: Vec<Dlrr> = self.questions.drain(..).map(|it| it.answer(now)).collect();
        if !answers.is_empty() {
            writer.extended_report(me, None, &answers);
        }
    }

    /// RFC 3550 §6.2: half to one and a half times the interval, so that ends do not keep step.
    fn interval(&mut self, inbound: &Inbound, outbound: &Outbound) -> Duration {
        let receives = inbound.receivers().iter().map(|it| it.plan.kind);
        let mut kinds = receives.chain(outbound.senders().map(|it| it.plan.kind));
        let interval = match kinds.any(|kind| kind == MediaKind::Video) {
            true => VIDEO_INTERVAL,
            false => AUDIO_INTERVAL,
        };
        let part = 512 + (self.rng.u32() & 0x3ff);
        interval * part / 1_024
    }

    /// What a sender report says of a stream that has begun.
    fn sender_info(&self, now: Instant, stream: &crate::send::Stream) -> Option<SenderInfo> {
        Some(SenderInfo {
            ntp_time: self.origin.plus(now.since_origin()),
            rtp_time: stream.last?.timestamp_at(now),
            packet_count: stream.counters.packets_sent as u32,
            octet_count: stream.counters.bytes_sent as u32,
        })
    }

    pub(crate) fn handle(
        &mut self,
        arrival: Instant,
        datagram: &[u8],
        (inbound, outbound): (&mut Inbound, &mut Outbound),
        told: &mut Outlets,
    ) {
        for packet in rtcp::packets(datagram) {
            let Ok(packet) = packet else {
                told.counters.malformed += 1;
                continue;
            };
            match packet {
                Packet::SenderReport(report) => {
                    if let Some(source) = inbound.sources.by_ssrc(report.sender) {
                        source.handle_sender_report(arrival, &report.info);
                    }
                    self.handle_blocks(arrival, report.blocks, outbound);
                }
                Packet::ReceiverReport(report) => {
                    self.handle_blocks(arrival, report.blocks, outbound);
                }
                Packet::Goodbye(goodbye) => {
                    for ssrc in goodbye.ssrcs() {
                        if let Some(source) = inbound.sources.by_ssrc(ssrc) {
                            told.report(source.route.receiver, MediaReport::Bye { ssrc });
                        }
                    }
                }
                Packet::Nack(nack) => outbound.missed(nack.media, nack.lost()),
                Packet::PictureLossIndication(pli) => {
                    handle_picture_loss(arrival, pli.media, outbound, told);
                }
                Packet::FullIntraRequest(request) => {
                    for (ssrc, number) in request.entries() {
                        let found = outbound.by_ssrc(ssrc);
                        // RFC 5104 §4.3.1.2: the same number is the same command.
                        if let Some((id, encoding, stream)) = found
                            && stream.remote.last_fir.replace(number) != Some(number)
                        {
                            stream.remote.firs += 1;
                            if stream.remote.wants_key_frame(arrival) {
                                told.report(id, MediaReport::KeyFrameWanted { encoding });
                            }
                        }
                    }
                }
                Packet::TransportFeedback(feedback) => {
                    if let Some(estimator) = outbound.bandwidth.estimator_mut() {
                        estimator.handle_transport_feedback(arrival, &feedback);
                    }
                }
                Packet::CongestionControlFeedback(feedback) => {
                    self.stream_reports.received += 1;
                    outbound.handle_stream_feedback(arrival, &feedback);
                }
                Packet::ReceiverEstimatedMaxBitrate(estimate) => {
                    outbound.handle_remb(arrival, &estimate);
                }
                Packet::ExtendedReport(report) => {
                    for block in report.blocks() {
                        let both = (&mut *inbound, &mut *outbound);
                        self.handle_extended(arrival, report.sender, block, both);
                    }
                }
                _ => {}
            }
        }
    }

    fn handle_extended(
        &mut self,
        arrival: Instant,
        sender: Ssrc,
        block: ExtendedReportBlock<'_>,
        (inbound, outbound): (&mut Inbound, &mut Outbound),
    ) {
        match block {
            ExtendedReportBlock::ReceiverReferenceTime(ntp) => {
                self.questions.retain(|known| known.ssrc != sender);
                if self.questions.len() < DLRR_ENTRIES {
                    self.questions.push(Question {
                        ssrc: sender,
                        ntp: ntp.middle(),
                        received: arrival,
                    });
                }
            }
            ExtendedReportBlock::Dlrr(entries) => {
                let us = [self.ssrc, self.speaker(outbound)];
                for entry in entries.filter(|entry| us.contains(&entry.ssrc)) {
                    let trip = self.measure(arrival, entry.last_rr, entry.delay);
                    if let Some(source) = inbound.sources.by_ssrc(sender)
                        && let Some(trip) = trip
                    {
                        source.round_trips.count(trip);
                    }
                }
            }
            _ => {}
        }
    }

    fn handle_blocks(
        &mut self,
        arrival: Instant,
        blocks: impl Iterator<Item = ReportBlock>,
        outbound: &mut Outbound,
    ) {
        for block in blocks {
            let Some((_, _, stream)) = outbound.by_ssrc(block.ssrc) else {
                continue;
            };
            stream.heard_of(block.ssrc);
            let trip = self.measure(arrival, block.last_sr, block.delay_since_last_sr);
            // Repetitions are another stream, with losses of their own.
            if block.ssrc == stream.ssrc {
                stream.protection.reported(&block);
                let loss = stream.losses_since_last(&block);
                stream.handle_block(arrival, block, trip);
                if let Some(estimator) = outbound.bandwidth.estimator_mut() {
                    estimator.handle_loss_report(arrival, loss, trip);
                }
            }
        }
    }

    /// RFC 3550 §6.4.1: the time between two of our own stamps, less what the other end held it.
    fn measure(&mut self, arrival: Instant, stamp: NtpShort, delay: NtpShort) -> Option<Duration> {
        let now = self.origin.plus(arrival.since_origin()).middle();
        let trip = now.round_trip(stamp, delay)?;
        self.round_trip = Some(match self.round_trip {
            None => trip,
            Some(smooth) => (smooth * 7 + trip) / 8,
        });
        Some(trip)
    }
}

impl Question {
    fn answer(self, now: Instant) -> Dlrr {
        Dlrr {
            ssrc: self.ssrc,
            last_rr: self.ntp,
            delay: NtpShort::from_duration(now - self.received),
        }
    }
}

fn handle_picture_loss(arrival: Instant, ssrc: Ssrc, outbound: &mut Outbound, told: &mut Outlets) {
    if let Some((id, encoding, stream)) = outbound.by_ssrc(ssrc) {
        stream.remote.plis += 1;
        if stream.remote.wants_key_frame(arrival) {
            told.report(id, MediaReport::KeyFrameWanted { encoding });
        }
    }
}

fn report_blocks(now: Instant, skip: usize, inbound: &mut Inbound) -> Vec<ReportBlock> {
    let begun = inbound.sources.iter_mut();
    let begun = begun.filter(|(_, source)| source.has_begun() && source.paused.is_none());
    let begun = begun.skip(skip).take(REPORT_BLOCKS);
    let blocks = begun.map(|(ssrc, source)| {
        let reception = source.statistics.report();
        let (last_sr, since) = source.since_sender_report(now).unwrap_or_default();
        ReportBlock {
            ssrc,
            fraction_lost: reception.fraction_lost,
            cumulative_lost: reception.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as i32,
            highest_sequence: reception.highest,
            jitter: reception.jitter,
            last_sr,
            delay_since_last_sr: NtpShort::from_duration(since),
        }
    });
    blocks.collect()
}
