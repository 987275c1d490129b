//! The media of one transport: what [`MediaTransport`] does with packets in the clear.

use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Ecn, Instant, Rng, TransceiverId};
use duologue_rtp::{NtpTime, ReceivePlan, SendPlan};

use crate::cc::Bounds;
use crate::counters::Counters;
use crate::frame::EncodedFrameInit;
use crate::outlets::Outlets;
use crate::packet::{MediaItem, Outlet, RtpPacketInit, SendEncoding};
use crate::recv::Inbound;
use crate::report::MediaReport;
use crate::rtcp::{Reporter, StreamReports};
use crate::send::{Outbound, RtpToSend, Tone};
use crate::stats::{MediaStats, OutboundStats};
use crate::totals::MediaTotals;

/// RTP and RTCP of one transport: all streams that are received and sent on it.
///
/// * `set_*` and `stop_*` say what was agreed on; `handle_*` takes packets in the clear and time.
/// * `poll_*` gives packets, reports and what was received until it returns `None`.
#[derive(Debug)]
pub struct MediaTransport {
    pub(crate) inbound: Inbound,
    pub(crate) outbound: Outbound,
    pub(crate) reporter: Reporter,
    pub(crate) told: Outlets,
}

impl MediaTransport {
    /// A transport without streams. `origin` is the time of day at [`Instant::ZERO`], by which the
    /// other end synchronizes streams: the same for all transports of a host.
    pub fn new(origin: NtpTime, mut rng: Rng) -> Self {
        MediaTransport {
            inbound: Inbound::new(),
            reporter: Reporter::new(origin, rng.fork()),
            outbound: Outbound::new(Bounds::default(), rng),
            told: Outlets::default(),
        }
    }

    /// What the estimate of the path stays between, and where it begins. Without this as browsers do.
    pub fn set_bitrate_bounds(&mut self, now: Instant, bounds: Bounds) {
        self.outbound.set_bounds(now, bounds);
    }

    /// How much video leaves at once: what its rate carries in this time. Before something is to be sent; 5 ms without
    /// this.
    pub fn set_pacing_slot(&mut self, slot: Duration) {
        self.outbound.set_pacing_slot(slot);
    }

    /// What a receiver takes from now on.
    pub fn set_receive(
        &mut self,
        now: Instant,
        id: TransceiverId,
        plan: Arc<ReceivePlan>,
        outlet: Outlet,
    ) {
        let mut told = self.told.receiving();
        self.inbound.set(now, id, plan, outlet, &mut told);
    }

    /// Says that another peer may be at the other end from now on, or the same one with other keys: what was
    /// received says nothing about what will be. What is sent goes on, and tells again whose it is.
    pub fn restart(&mut self) {
        self.inbound.restart();
        self.outbound.restart();
        self.reporter.restart();
        self.inbound.round_trip = self.reporter.round_trip();
    }

    /// A receiver takes nothing any more.
    pub fn stop_receive(&mut self, id: TransceiverId) {
        self.inbound.stop(id);
    }

    /// Sets the form in which the application takes what a receiver gets.
    pub fn set_outlet(&mut self, id: TransceiverId, outlet: Outlet) {
        self.inbound.set_outlet(id, outlet);
    }

    /// The track of this receiver is muted: its next packet is told of as its first one was.
    pub fn expect_packets(&mut self, id: TransceiverId) {
        if let Some(receiver) = self.inbound.receiver_mut(id) {
            receiver.unmuted = false;
        }
    }

    /// A picture of this receiver cannot be decoded: a key frame is asked for, as often as is useful.
    pub fn request_key_frame(&mut self, id: TransceiverId, encoding: usize) {
        self.inbound.request_key_frame(id, encoding);
    }

    /// What a sender may send from now on. Streams that it had go on.
    pub fn set_send(&mut self, now: Instant, id: TransceiverId, plan: Arc<SendPlan>) {
        self.outbound.set(id, plan);
        self.reporter.expect_sender_report(now);
    }

    /// What the application says of a sender's streams, in their order. It holds for those that come
    /// by another plan, too.
    pub fn set_encodings(&mut self, id: TransceiverId, encodings: Vec<SendEncoding>) {
        self.outbound.set_encodings(id, encodings);
    }

    /// A sender sends nothing any more; [`resume_send`](Self::resume_send) takes what it gives, so that
    /// the streams go on.
    pub fn stop_send(&mut self, id: TransceiverId) -> Option<PausedSender> {
        self.outbound
            .stop(id, &mut self.told.sending())
            .map(PausedSender)
    }

    /// A sender is about to send again, here or on another transport than before:
    /// [`set_send`](Self::set_send) follows.
    pub fn resume_send(&mut self, paused: PausedSender) {
        self.outbound.resume(paused.0);
    }

    /// Packets of the application. They are sent as soon as there is room.
    pub fn send(&mut self, now: Instant, id: TransceiverId, packets: Vec<RtpPacketInit>) {
        self.outbound
            .queue(now, id, packets, &mut self.told.sending());
    }

    /// Frames of the application: they are split into packets, which are sent as soon as there is room.
    pub fn send_frames(
        &mut self,
        now: Instant,
        id: TransceiverId,
        mut frames: Vec<EncodedFrameInit>,
    ) {
        for frame in &mut frames {
            let here = frame.captured.map(|at| self.reporter.capture_time(at));
            frame.capture_time = frame.capture_time.or(here);
        }
        self.outbound
            .queue_frames(now, id, frames, &mut self.told.sending());
    }

    /// A telephone key, in the place of audio (RFC 4733). It is not played while the sender may not send,
    /// and where no format for it is agreed on.
    pub fn play_tone(&mut self, now: Instant, id: TransceiverId, tone: Tone) {
        self.outbound.play(now, id, tone);
    }

    /// An RTP packet in the clear, as [`handle_marked_rtp`](Self::handle_marked_rtp) where the network's
    /// mark is not known.
    pub fn handle_rtp(
        &mut self,
        now: Instant,
        arrival: Instant,
        sequence_number: u64,
        packet: &[u8],
    ) {
        let arrival = (arrival, Ecn::NotEct);
        self.handle_marked_rtp(now, arrival, sequence_number, packet);
    }

    /// An RTP packet in the clear, when it arrived and how the network marked it; its sequence number is
    /// as SRTP has extended it (RFC 3711 §3.3.1).
    pub fn handle_marked_rtp(
        &mut self,
        now: Instant,
        arrival: (Instant, Ecn),
        sequence_number: u64,
        packet: &[u8],
    ) {
        let mut told = self.told.receiving();
        let new = self
            .inbound
            .handle(now, arrival, sequence_number, packet, &mut told);
        if new {
            self.reporter.expect_report(now);
        }
    }

    /// A datagram of RTCP in the clear.
    pub fn handle_rtcp(&mut self, arrival: Instant, datagram: &[u8]) {
        let MediaTransport {
            inbound,
            outbound,
            reporter,
            told,
        } = self;
        reporter.handle(arrival, datagram, (inbound, outbound), told);
        inbound.round_trip = reporter.round_trip();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut told = self.told.receiving();
        self.inbound.handle_timeout(now, &mut told);
        self.outbound.handle_tones(now);
    }

    /// Something may be sent now, or something is to be done that [`poll_rtp`](Self::poll_rtp) does.
    pub fn wants_to_send(&self, now: Instant) -> bool {
        let due = self.outbound.poll_timeout(now);
        due.is_some_and(|due| due <= now)
    }

    /// Packets of RTP leave as capable of the marks of L4S (ECT(1), RFC 9331 §4.1): their marks are told
    /// of by the other end, and arrive there as far as is known.
    pub fn marks(&self) -> Ecn {
        match self.outbound.bandwidth.is_marking() {
            true => Ecn::Ect1,
            false => Ecn::NotEct,
        }
    }

    /// Writes the next RTP packet behind `out`, if it may leave now and is not longer than `room`. The
    /// owner protects it, if that is not done, and [says so](Self::handle_sealed).
    pub fn poll_rtp(&mut self, now: Instant, room: usize, out: &mut Vec<u8>) -> Option<RtpToSend> {
        let round_trip = self.reporter.round_trip();
        let mut told = self.told.sending();
        self.outbound.poll(now, round_trip, room, out, &mut told)
    }

    /// What was polled last, as it was protected: it is kept where packets go again as they are, because
    /// the other end asks for lost ones and no stream of repetitions is agreed on.
    pub fn handle_sealed(&mut self, datagram: &[u8]) {
        self.outbound.handle_sealed(datagram);
    }

    /// Packets are protected with other keys from now on.
    pub fn handle_new_keys(&mut self) {
        self.outbound.forget_sealed();
    }

    /// When [`poll_rtp`](Self::poll_rtp) may have something.
    pub fn poll_rtp_timeout(&self, now: Instant) -> Option<Instant> {
        self.outbound.poll_timeout(now)
    }

    /// Data beside the media waits for room on the path, or none does.
    pub fn set_data_backlog(&mut self, now: Instant, backlog: bool) {
        if let Some(estimator) = self.outbound.bandwidth.estimator_mut() {
            estimator.set_data_backlog(now, backlog);
        }
    }

    /// Data beside the media was sent: so many bytes as the path counts them.
    pub fn handle_data_sent(&mut self, now: Instant, bytes: usize) {
        if let Some(estimator) = self.outbound.bandwidth.estimator_mut() {
            estimator.data_sent(now, bytes);
        }
    }

    /// Bytes per second that data beside the media may send, so that neither starves the other; none
    /// where its own congestion control suffices: no video is sent, or nothing tells how fast the path
    /// is.
    pub fn data_cap(&self, now: Instant) -> Option<u64> {
        self.outbound.bandwidth.estimator()?.data_cap(now)
    }

    /// The packets take another path from now on.
    pub fn handle_route(&mut self, now: Instant) {
        if let Some(estimator) = self.outbound.bandwidth.estimator_mut() {
            estimator.handle_route(now);
        }
    }

    /// Writes the next datagram of RTCP behind `out`, if one is due.
    pub fn poll_rtcp(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        let is_due = self.poll_rtcp_timeout().is_some_and(|due| due <= now);
        is_due
            && self
                .reporter
                .poll(now, &mut self.inbound, &self.outbound, out)
    }

    /// When [`poll_rtcp`](Self::poll_rtcp) may have something.
    pub fn poll_rtcp_timeout(&self) -> Option<Instant> {
        let report = self.reporter.report_due(&self.inbound, &self.outbound);
        Instant::earliest([report, self.inbound.feedback_due()])
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        Instant::earliest([self.inbound.poll_timeout(), self.outbound.tone_due()])
    }

    /// What was received.
    pub fn poll_item(&mut self) -> Option<MediaItem> {
        self.told.items.pop_front()
    }

    /// What happened.
    pub fn poll_report(&mut self) -> Option<(TransceiverId, MediaReport)> {
        self.told.reports.pop_front()
    }

    /// What was received and not acted on.
    pub fn counters(&self) -> Counters {
        self.told.counters
    }

    /// Counters of all streams.
    pub fn stats(&self) -> MediaStats {
        MediaStats::of(self)
    }

    /// The counters of all streams summed up, without an allocation.
    pub fn totals(&self) -> MediaTotals {
        MediaTotals::of(self)
    }

    /// Reports of RFC 8888 that were sent and that came.
    pub(crate) fn stream_reports(&self) -> StreamReports {
        self.reporter.stream_reports
    }

    /// The round trip as reports tell it; a guess before they do.
    pub fn round_trip(&self) -> Duration {
        self.reporter.round_trip()
    }
}

/// A sender that sends nothing: its streams with their numbers.
#[derive(Debug)]
pub struct PausedSender(pub(crate) crate::send::Sender);

impl PausedSender {
    /// Counters of its streams, which stay as they are.
    pub fn stats(&self) -> Vec<OutboundStats> {
        crate::stats::outbound(&self.0).collect()
    }
}
