//! What is sent on one transport: the streams of its senders, and what is sent again.

mod bandwidth;
mod data;
mod dependencies;
mod dtmf;
mod formats;
mod history;
mod layers;
mod offered;
mod overhead;
pub mod pacer;
mod packetize;
mod protection;
mod redundancy;
mod repeats;
mod sealed;
mod sender;
mod share;
mod stream;
mod tones;
mod tracking;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use duologue_base::{Dscp, Instant, Rng, TransceiverId};
use duologue_rtp::ext::{AbsSendTime, ExtensionMap};
use duologue_rtp::rtcp::{CongestionControlFeedback, ReceiverEstimatedMaxBitrate};
use duologue_rtp::{MediaKind, RtcpFeedback, SendPlan, Ssrc};

use crate::cc::{Bitrate, Bounds};
use crate::frame::EncodedFrameInit;
use crate::packet::{RtpPacketInit, SendEncoding};
use crate::report::MediaReport;

pub(crate) use bandwidth::Bandwidth;
pub use bandwidth::BandwidthFeedback;
use bandwidth::{Lane, SLOT, Turn, Waits};
use dtmf::Player;
pub use dtmf::Tone;
use formats::Formats;
use sender::{Moment, Polled, TURN};
pub(crate) use sender::{Sender, SentTold};
use stream::Stamp;
pub(crate) use stream::Stream;
pub use stream::{RemoteReports, SendCounters};

/// A packet that was written to be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RtpToSend {
    /// The length of the packet, in bytes.
    pub len: usize,
    /// Whether the packet was sent before, is as it was protected then, and is not to be protected again.
    pub sealed: bool,
    /// How the packet is to be marked.
    pub dscp: Dscp,
}

/// The sending half of one transport.
#[derive(Debug)]
pub(crate) struct Outbound {
    senders: BTreeMap<TransceiverId, Sender>,
    /// Of each lane those that have packets, or had when they were last polled, next first; none is
    /// there twice.
    waiting: [VecDeque<TransceiverId>; Lane::ALL.len()],
    /// More waits than when the estimator was told how much does.
    grown: bool,
    pub(crate) bandwidth: Bandwidth,
    bounds: Bounds,
    /// In which video is paced.
    slot: Duration,
    rng: Rng,
    /// The packet that was written last is to be kept as it will be protected.
    to_keep: Option<Kept>,
}

/// Which packet is to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Kept {
    pub(crate) sender: TransceiverId,
    pub(crate) stream: usize,
    pub(crate) number: u16,
    pub(crate) payload: usize,
}

impl Outbound {
    pub(crate) fn new(bounds: Bounds, rng: Rng) -> Self {
        Outbound {
            senders: BTreeMap::new(),
            waiting: Default::default(),
            grown: false,
            bandwidth: Bandwidth::default(),
            bounds,
            slot: SLOT,
            rng,
            to_keep: None,
        }
    }

    /// The packet that was written last was protected. It is kept where it may have to go again as it is.
    pub(crate) fn handle_sealed(&mut self, datagram: &[u8]) {
        let Some(kept) = self.to_keep.take() else {
            return;
        };
        let sender = self.senders.get_mut(&kept.sender);
        if let Some(stream) = sender.and_then(|it| it.streams.get_mut(kept.stream)) {
            stream.sealed.keep(kept.number, kept.payload, datagram);
        }
    }

    /// Other keys protect what is sent from now on.
    pub(crate) fn forget_sealed(&mut self) {
        let senders = self.senders.values_mut();
        let streams = senders.flat_map(|sender| &mut sender.streams);
        streams.for_each(|stream| stream.sealed.clear());
    }

    /// Another peer may receive from now on: what the one before knew and asked for says nothing of it.
    pub(crate) fn restart(&mut self) {
        let senders = self.senders.values_mut();
        let streams = senders.flat_map(|sender| &mut sender.streams);
        streams.for_each(|stream| stream.restart());
    }

    /// A description says, or says anew, what a sender may send. Streams that go on keep their
    /// numbers.
    pub(crate) fn set(&mut self, id: TransceiverId, plan: Arc<SendPlan>) {
        let mut before = self.senders.remove(&id);
        let renamed = before.as_ref().is_some_and(|it| it.plan.mid != plan.mid);
        let mut known = before
            .as_mut()
            .map_or(Vec::new(), |it| std::mem::take(&mut it.streams));
        let streams = plan.streams.iter().map(|wanted| {
            let Some(at) = known.iter().position(|stream| stream.is(wanted)) else {
                return Stream::new(wanted, &mut self.rng);
            };
            let mut stream = known.swap_remove(at);
            stream.rename(wanted);
            if renamed {
                stream.name_again();
            }
            stream
        });
        let streams = streams.collect();
        let agreed = plan.parameters.header_extensions.iter();
        let plain = agreed.filter(|extension| !extension.encrypted);
        let extensions = plain.map(|extension| (extension.id, extension.uri.as_str()));
        let mixed = plan.parameters.extmap_allow_mixed;
        let before = before.unwrap_or_else(|| Sender::new(id, plan.clone()));
        let mut sender = Sender {
            formats: Formats::new(&plan.parameters.codecs),
            extensions: Box::new(ExtensionMap::of(extensions, mixed)),
            streams,
            plan,
            ..before
        };
        sender.by_stream = sender.agrees_on(&RtcpFeedback::Ccfb);
        self.senders.insert(id, sender);
        self.update_bandwidth();
    }

    /// Other bounds of what may be sent altogether, on this path and those that follow.
    pub(crate) fn set_bounds(&mut self, now: Instant, bounds: Bounds) {
        self.bounds = bounds;
        if let Some(estimator) = self.bandwidth.estimator_mut() {
            estimator.set_bounds(now, bounds);
        }
    }

    /// Video is paced in slots of this length on paths that are found from now on.
    pub(crate) fn set_pacing_slot(&mut self, slot: Duration) {
        self.slot = slot;
    }

    /// What tells how fast the path is may be something else than before. While nobody sends it is
    /// still known what was found out.
    fn update_bandwidth(&mut self) {
        let best = self.senders().map(Sender::feedback).max();
        if let Some(best) = best {
            self.bandwidth.set_feedback(best, self.bounds, self.slot);
        }
        let may_pad = self.senders().any(|sender| sender.to_pad().is_some());
        if let Some(estimator) = self.bandwidth.estimator_mut() {
            estimator.set_may_pad(may_pad);
        }
    }

    /// The application says which of the streams are sent.
    pub(crate) fn set_encodings(&mut self, id: TransceiverId, encodings: Vec<SendEncoding>) {
        if let Some(sender) = self.senders.get_mut(&id) {
            sender.encodings = encodings;
        }
        self.update_bandwidth();
    }

    /// The sender sends nothing any more. Gives what it was, for when it goes on; what waits is old
    /// then, and is dropped.
    pub(crate) fn stop(&mut self, id: TransceiverId, told: &mut SentTold<'_>) -> Option<Sender> {
        let mut stopped = self.senders.remove(&id)?;
        stopped.waits = Waits::default();
        for lane in &mut self.waiting {
            lane.retain(|waiting| *waiting != id);
        }
        stopped.queued_bytes = 0;
        stopped.targets.clear();
        stopped.player = Player::default();
        for queued in std::mem::take(&mut stopped.queue) {
            told.counters.unsendable += 1;
            told.left(id, queued.completes);
        }
        self.update_bandwidth();
        Some(stopped)
    }

    /// A sender goes on, on this transport or another.
    pub(crate) fn resume(&mut self, mut sender: Sender) {
        sender.resume();
        self.senders.insert(sender.id, sender);
    }

    /// In the order of their ids.
    pub(crate) fn senders(&self) -> impl ExactSizeIterator<Item = &Sender> + Clone {
        self.senders.values()
    }

    /// Streams that something was sent of.
    pub(crate) fn begun(&self) -> impl Iterator<Item = &Stream> {
        let streams = self.senders().flat_map(|it| &it.streams);
        streams.filter(|stream| stream.last.is_some())
    }

    /// Packets of a stream were lost.
    pub(crate) fn missed(&mut self, ssrc: Ssrc, lost: impl Iterator<Item = u16>) {
        // The numbers are those of the stream that is named: a repetition or parity that is lost has no other.
        if let Some((id, _, stream)) = self.by_ssrc(ssrc)
            && stream.ssrc == ssrc
        {
            stream.remote.nacks += 1;
            lost.for_each(|number| stream.missed(number));
            self.wait(id, Lane::Again);
        }
    }

    /// The other end estimates how much it can receive. Which streams it names tells nothing: there is one
    /// path, and some name none, or those that they receive from others too (libwebrtc reads no further than
    /// the rate either).
    pub(crate) fn handle_remb(&mut self, now: Instant, estimate: &ReceiverEstimatedMaxBitrate<'_>) {
        let agreed = self
            .senders()
            .any(|sender| sender.agrees_on(&RtcpFeedback::Remb));
        if let Some(estimator) = self.bandwidth.estimator_mut()
            && agreed
        {
            estimator.handle_remb(now, Bitrate::from_bps(estimate.bitrate));
        }
    }

    /// The other end tells what arrived of each stream.
    pub(crate) fn handle_stream_feedback(
        &mut self,
        now: Instant,
        feedback: &CongestionControlFeedback<'_>,
    ) {
        let Some(estimator) = self.bandwidth.estimator_mut() else {
            return;
        };
        estimator.handle_stream_feedback(now, feedback, |ssrc, told| {
            let senders = self.senders.values_mut();
            let mut streams = senders.flat_map(|sender| &mut sender.streams);
            if let Some(stream) = streams.find(|stream| stream.ssrc == ssrc) {
                stream.told.get_or_insert_default().add(told);
            }
        });
    }

    /// A sender has packets: those of audio are all in one lane.
    fn wait(&mut self, id: TransceiverId, lane: Lane) {
        let Some(sender) = self.senders.get_mut(&id) else {
            return;
        };
        let lane = match sender.plan.kind {
            MediaKind::Audio => Lane::Audio,
            MediaKind::Video => lane,
        };
        self.grown |= lane == Lane::Video;
        if !std::mem::replace(&mut sender.waits[lane as usize], true) {
            self.waiting[lane as usize].push_back(id);
        }
    }

    /// The sender and the stream that an SSRC belongs to.
    pub(crate) fn by_ssrc(&mut self, ssrc: Ssrc) -> Option<(TransceiverId, usize, &mut Stream)> {
        self.senders.iter_mut().find_map(|(id, sender)| {
            let mut streams = sender.streams.iter_mut().enumerate();
            let (at, stream) = streams.find(|(_, stream)| stream.has(ssrc))?;
            Some((*id, at, stream))
        })
    }

    /// Packets of the application.
    pub(crate) fn queue(
        &mut self,
        now: Instant,
        id: TransceiverId,
        packets: Vec<RtpPacketInit>,
        told: &mut SentTold<'_>,
    ) {
        let Some(sender) = self.senders.get_mut(&id) else {
            for packet in packets {
                told.counters.unsendable += 1;
                told.left(id, Some(packet.payload.len()));
            }
            return;
        };
        for packet in packets {
            sender.push(now, packet);
        }
        sender.drop_excess(told);
        self.wait(id, Lane::Video);
    }

    /// Frames of the application.
    pub(crate) fn queue_frames(
        &mut self,
        now: Instant,
        id: TransceiverId,
        frames: Vec<EncodedFrameInit>,
        told: &mut SentTold<'_>,
    ) {
        let mut sender = self.senders.get_mut(&id);
        for frame in &frames {
            let queued = sender
                .as_mut()
                .and_then(|sender| sender.packetize(now, frame, told));
            if queued.is_none() {
                told.counters.unsendable += 1;
                told.left(id, Some(frame.data.len()));
            }
        }
        if let Some(sender) = sender {
            sender.drop_excess(told);
        }
        self.wait(id, Lane::Video);
    }

    /// In which lanes packets wait, or did when the last one was polled.
    fn waits(&self) -> Waits {
        std::array::from_fn(|lane| !self.waiting[lane].is_empty())
    }

    /// When something may be sent.
    pub(crate) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.bandwidth.poll_timeout(now, self.waits())
    }

    /// Writes the next packet behind `out`, if it is not longer than `room`.
    pub(crate) fn poll(
        &mut self,
        now: Instant,
        round_trip: Duration,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Option<RtpToSend> {
        self.tell_waiting_bytes(now);
        self.share(now, told);
        loop {
            let turn = self.bandwidth.turn(now, self.waits(), room)?;
            let stamp = Stamp {
                tracking: self.bandwidth.tracking(),
                send_time: AbsSendTime::from_instant(now),
            };
            let polled = match turn {
                Turn::Packet(lane, _) => {
                    let at = Moment {
                        now,
                        round_trip,
                        stamp,
                        repeatable: self.bandwidth.repeatable(now, lane),
                    };
                    self.poll_lane(lane, at, room, out, told)
                }
                Turn::Padding(bytes, _) => self.poll_padding(bytes, (stamp, room), out),
            };
            let estimator = self.bandwidth.estimator_mut();
            match (polled, estimator) {
                (Polled::TooLong, _) => return None,
                (Polled::Written(written), estimator) => {
                    if let Some(estimator) = estimator {
                        estimator.sent(now, turn, written);
                    }
                    self.to_keep = written.kept;
                    return Some(RtpToSend {
                        len: written.len,
                        sealed: written.sealed,
                        dscp: written.dscp,
                    });
                }
                (Polled::Nothing, Some(estimator)) => match turn {
                    Turn::Packet(lane, _) => estimator.nothing_sent(now, lane),
                    Turn::Padding(..) => estimator.set_may_pad(false),
                },
                (Polled::Nothing, None) => {}
            }
        }
    }

    /// The estimator is told how much waits when it is more than before, and from time to time.
    fn tell_waiting_bytes(&mut self, now: Instant) {
        let tick = self
            .bandwidth
            .estimator()
            .is_some_and(|it| it.is_tick_due(now));
        if !(std::mem::take(&mut self.grown) || tick) {
            return;
        }
        let waiting = self.waiting[Lane::Video as usize].iter();
        let senders = waiting.filter_map(|id| self.senders.get(id));
        let bytes = senders.map(|sender| sender.queued_bytes).sum();
        if let Some(estimator) = self.bandwidth.estimator_mut() {
            estimator.set_waiting_bytes(now, bytes);
        }
    }

    /// Divides what may be sent between the senders, if it is another rate or from time to time.
    fn share(&mut self, now: Instant, told: &mut SentTold<'_>) {
        let Some(estimator) = self.bandwidth.estimator_mut() else {
            return;
        };
        if !estimator.is_share_due(now) {
            return;
        }
        let senders = self.senders.values_mut();
        let demands = senders.map(|sender| {
            sender.offered.update(now);
            share::demand(sender)
        });
        let demands: Vec<_> = demands.collect();
        let Some(allocation) = estimator.share(now, demands) else {
            return;
        };
        for (sender, share) in self.senders.values_mut().zip(&allocation.shares) {
            if sender.set_share(share) {
                let targets = MediaReport::TargetBitrates(sender.targets.clone());
                told.reports.push_back((sender.id, targets));
            }
        }
    }

    /// The next packet of a lane: of the sender whose turn it is.
    fn poll_lane(
        &mut self,
        lane: Lane,
        at: Moment,
        room: usize,
        out: &mut Vec<u8>,
        told: &mut SentTold<'_>,
    ) -> Polled {
        let marks = self.bandwidth.is_marking();
        let waiting = &mut self.waiting[lane as usize];
        while let Some(&id) = waiting.front() {
            let Some(sender) = self.senders.get_mut(&id) else {
                waiting.pop_front();
                continue;
            };
            match sender.poll(lane, at, room, out, told) {
                Polled::Written(written) => {
                    if marks {
                        sender.count_marked(written.ssrc);
                    }
                    sender.turn -= written.len as i64;
                    if sender.turn <= 0 {
                        sender.turn += TURN;
                        waiting.rotate_left(1);
                    }
                    return Polled::Written(written);
                }
                Polled::TooLong => return Polled::TooLong,
                Polled::Nothing => {
                    // Who had nothing keeps nothing.
                    sender.turn = sender.turn.min(TURN);
                    sender.waits[lane as usize] = false;
                    waiting.pop_front();
                }
            }
        }
        Polled::Nothing
    }

    /// An old packet again or, where there is none yet, padding alone.
    fn poll_padding(
        &mut self,
        bytes: usize,
        (stamp, room): (Stamp, usize),
        out: &mut Vec<u8>,
    ) -> Polled {
        let mut senders = self.senders.values_mut();
        let found = senders.find_map(|sender| Some((sender.to_pad()?, sender)));
        let Some((at, sender)) = found else {
            return Polled::Nothing;
        };
        let polled = sender.pad(at, bytes, (stamp, room), out);
        if let Polled::Written(written) = polled
            && self.bandwidth.is_marking()
        {
            sender.count_marked(written.ssrc);
        }
        polled
    }
}
