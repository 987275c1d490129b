//! One sent stream: an encoding with its SSRC, and the stream that repeats its packets.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Instant, Rng, Seq16};
use duologue_rtp::ext::{AbsSendTime, CaptureTime, ExtensionMap, ExtensionsToSend};
use duologue_rtp::rtcp::ReportBlock;
use duologue_rtp::{
    HeaderToSend, NtpShort, PayloadType, Rid, SendStream, Ssrc, rtx, write_padding,
};

use super::formats::Formats;
use super::history::{History, Sent};
use super::packetize::Packetizer;
use super::protection::Protection;
use super::redundancy::Redundancy;
use super::sealed::SealedHistory;
use super::tracking::Tracking;
use crate::ReportedPackets;
use crate::capture::CaptureClock;
use crate::frame::Contributor;
use crate::limits::{KEY_FRAME_INTERVAL, RESENDS};
use crate::round_trips::RoundTrips;

/// The stream of one encoding.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) rid: Option<Rid>,
    pub(crate) ssrc: Ssrc,
    rtx: Option<Ssrc>,
    pub(crate) fec: Option<Ssrc>,
    next_sequence: u64,
    next_rtx_sequence: u64,
    next_fec_sequence: u64,
    pub(crate) history: History,
    /// In its place where nothing repeats packets but they themselves.
    pub(crate) sealed: SealedHistory,
    pub(crate) redundancy: Redundancy,
    pub(crate) protection: Protection,
    pub(crate) packetizer: Packetizer,
    /// Packets that are to be sent again, oldest first.
    resends: VecDeque<Resend>,
    /// The other end has reported of the stream, of its repetitions: it knows whose they are, and
    /// their names can be left out (BUNDLE, RFC 9143 §9.2).
    reported: Names,
    reported_rtx: Names,
    reported_fec: Names,
    pub(crate) counters: SendCounters,
    pub(crate) rtx_counters: SendCounters,
    /// What was sent to find out how fast the path is: old packets again, padding.
    pub(crate) padding: SendCounters,
    /// `packetsSentWithEct1`, those that repeat or protect with them.
    pub(crate) sent_with_ect1: u64,
    pub(crate) remote: RemoteReports,
    /// What reports of RFC 8888 told of its packets, if any came.
    pub(crate) told: Option<ReportedPackets>,
    /// The lowest number that was sent.
    first: Option<u64>,
    /// Of video.
    pub(crate) frames: SentFrames,
    /// `totalPacketSendDelay`: how long packets waited here, all together.
    pub(crate) send_delay: Duration,
    /// What the last packet was of.
    pub(crate) payload_type: Option<PayloadType>,
    /// What sender reports go on from: the first packet that had the last packet's time stamp.
    pub(crate) last: Option<Sampled>,
    /// When what was sent was captured, as packets said.
    captured: CaptureClock,
}

/// Which moment a time stamp is of (RFC 3550 §6.4.1: the two of a sender report are "the same time").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sampled {
    pub(crate) timestamp: u32,
    /// Of the time stamps of what was sent last, which may be another format than the preferred one.
    pub(crate) clock_rate: u32,
    /// When it was captured or, if nobody said that, handed over. Not when it left: a large frame leaves
    /// later than the sound of its moment.
    pub(crate) at: Instant,
}

impl Sampled {
    /// What the time stamp of this moment is, which may be long after.
    pub(crate) fn timestamp_at(&self, now: Instant) -> u32 {
        let micros = u128::from(now.as_nanos().saturating_sub(self.at.as_nanos())) / 1_000;
        let ticks = micros * u128::from(self.clock_rate) / 1_000_000;
        self.timestamp.wrapping_add(ticks as u32)
    }
}

/// Frames that were sent, told apart by the packets that end them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SentFrames {
    /// `framesSent`
    pub(crate) sent: u64,
    /// `hugeFramesSent`
    pub(crate) huge: u64,
    /// Bytes of their payloads.
    bytes: u64,
    /// The same of the one that has not ended.
    unfinished: u64,
}

impl SentFrames {
    fn count(&mut self, payload: usize, ends: bool) {
        self.unfinished += payload as u64;
        if ends {
            let frame = std::mem::take(&mut self.unfinished);
            // webrtc-stats: "at least 2.5 times the average size of the frames", here of those before.
            self.huge += u64::from(self.sent > 0 && 2 * frame * self.sent >= 5 * self.bytes);
            self.bytes += frame;
            self.sent += 1;
        }
    }
}

/// A packet that is to be sent again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Resend {
    /// Unless it was lately.
    Once(u16),
    /// At once another time: should the repetition be lost as well, the next request would come a
    /// round trip later.
    Copy(u16),
}

/// Repetitions are sent twice while less than so many of 256 packets are lost: a path that loses a
/// tenth is full, and more would not help.
const FULL: u8 = 26;

/// Whether packets name their m-section and layer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Names {
    Needed,
    Known,
}

/// Counters of one sent stream, in the names of webrtc-stats §8.6.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SendCounters {
    /// `packetsSent`
    pub packets_sent: u64,
    /// `bytesSent`: payloads alone.
    pub bytes_sent: u64,
    /// `headerBytesSent`: headers, extensions and padding.
    pub header_bytes_sent: u64,
}

/// What the other end tells of a sent stream, in the names of webrtc-stats §8.5 and §8.6.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RemoteReports {
    /// The last report block about the stream.
    pub block: Option<ReportBlock>,
    /// When the last report block came.
    pub received: Option<Instant>,
    /// `packetsReceived`, as far as blocks tell it.
    pub packets_received: u64,
    /// The round trips, as the report blocks of the other end tell them.
    pub round_trips: RoundTrips,
    /// `nackCount`
    pub nacks: u32,
    /// `pliCount`
    pub plis: u32,
    /// `firCount`
    pub firs: u32,
    pub(crate) last_fir: Option<u8>,
    /// When a key frame was wanted that the owner was told of.
    key_frame_wanted: Option<Instant>,
}

impl RemoteReports {
    /// A key frame is asked for. Whether the owner is to be told: it is making one if it was told just
    /// now.
    pub(crate) fn wants_key_frame(&mut self, now: Instant) -> bool {
        let told = self.key_frame_wanted;
        let again = told.is_none_or(|told| now - told >= KEY_FRAME_INTERVAL);
        if again {
            self.key_frame_wanted = Some(now);
        }
        again
    }

    fn count(&mut self, arrival: Instant, block: ReportBlock, round_trip: Option<Duration>) {
        self.block = Some(block);
        self.received = Some(arrival);
        // webrtc-stats §8.7: only "a DLSR value other than 0" makes a round trip.
        if let Some(trip) = round_trip
            && block.delay_since_last_sr != NtpShort(0)
        {
            self.round_trips.count(trip);
        }
    }
}

/// What a header says of the moment when it is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) tracking: Tracking,
    pub(crate) send_time: AbsSendTime,
}

impl Stamp {
    fn extensions<'a>(self) -> ExtensionsToSend<'a> {
        let transport_sequence = match self.tracking {
            Tracking::Numbered(number) => Some(number),
            Tracking::None | Tracking::ByStream => None,
        };
        ExtensionsToSend {
            transport_sequence,
            send_time: Some(self.send_time),
            ..Default::default()
        }
    }
}

/// What a packet of a sender needs beside its own stream.
pub(crate) struct Setting<'a> {
    pub(crate) mid: &'a str,
    pub(crate) extensions: &'a ExtensionMap,
    pub(crate) formats: &'a Formats,
}

impl Stream {
    pub(crate) fn new(plan: &SendStream, rng: &mut Rng) -> Self {
        // RFC 3550 §5.1: "The initial value of the sequence number SHOULD be random". The first
        // packets may come late: below 2^15 none of them can be taken for one of another roll-over.
        let first = |rng: &mut Rng| u64::from(rng.u32() & 0x7fff);
        Stream {
            rid: plan.rid.clone(),
            ssrc: plan.source.ssrc,
            rtx: plan.source.rtx,
            fec: plan.source.fec,
            next_sequence: first(rng),
            next_rtx_sequence: first(rng),
            next_fec_sequence: first(rng),
            history: History::default(),
            sealed: SealedHistory::default(),
            redundancy: Redundancy::default(),
            protection: Protection::default(),
            packetizer: Packetizer::new(rng),
            resends: VecDeque::new(),
            reported: Names::Needed,
            reported_rtx: Names::Needed,
            reported_fec: Names::Needed,
            counters: SendCounters::default(),
            rtx_counters: SendCounters::default(),
            padding: SendCounters::default(),
            sent_with_ect1: 0,
            remote: RemoteReports::default(),
            told: None,
            first: None,
            frames: SentFrames::default(),
            send_delay: Duration::ZERO,
            payload_type: None,
            last: None,
            captured: CaptureClock::default(),
        }
    }

    /// It is the stream of this plan, which may name it otherwise.
    pub(crate) fn is(&self, plan: &SendStream) -> bool {
        self.ssrc == plan.source.ssrc
    }

    pub(crate) fn rename(&mut self, plan: &SendStream) {
        self.rtx = plan.source.rtx;
        self.fec = plan.source.fec;
        if self.rid != plan.rid {
            self.rid = plan.rid.clone();
            self.name_again();
        }
    }

    /// Another peer may receive it: nothing is known of that one.
    pub(crate) fn restart(&mut self) {
        self.resume();
        self.remote.block = None;
    }

    /// It goes on, perhaps on another transport, where the other end does not know it yet.
    pub(crate) fn resume(&mut self) {
        self.name_again();
        self.remote.last_fir = None;
        self.remote.key_frame_wanted = None;
    }

    /// Its m-section has another name now.
    pub(crate) fn name_again(&mut self) {
        self.reported = Names::Needed;
        self.reported_rtx = Names::Needed;
        self.reported_fec = Names::Needed;
    }

    pub(crate) fn rtx(&self) -> Option<Ssrc> {
        self.rtx
    }

    /// One of its SSRCs.
    pub(crate) fn has(&self, ssrc: Ssrc) -> bool {
        self.ssrc == ssrc || [self.rtx, self.fec].contains(&Some(ssrc))
    }

    /// The other end has reported of one of its SSRCs.
    pub(crate) fn heard_of(&mut self, ssrc: Ssrc) {
        if ssrc == self.ssrc {
            self.reported = Names::Known;
        } else if Some(ssrc) == self.rtx {
            self.reported_rtx = Names::Known;
        } else {
            self.reported_fec = Names::Known;
        }
    }

    /// The next sequence number; one that the application gives is the nearest with these low bits.
    pub(crate) fn sequence_number(&self, given: Option<u16>) -> u64 {
        match given {
            None => self.next_sequence,
            Some(number) => Seq16(number).extend(self.next_sequence.max(0x8000)),
        }
    }

    /// Writes a packet of media behind `out`.
    pub(crate) fn write(
        &self,
        packet: &Sent,
        stamp: Stamp,
        setting: &Setting<'_>,
        out: &mut Vec<u8>,
    ) {
        let named = self.reported == Names::Needed;
        let contributors = Contributors::of(packet);
        let header = HeaderToSend {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence_number: Seq16(packet.sequence_number as u16),
            timestamp: packet.timestamp,
            ssrc: self.ssrc,
            csrcs: contributors.ssrcs(),
            extensions: ExtensionsToSend {
                mid: named.then_some(setting.mid),
                rid: self.rid.as_ref().filter(|_| named).map(Rid::as_str),
                audio_level: packet.audio_level,
                csrc_audio_levels: contributors.levels(),
                capture_time: packet.capture_time,
                dependency_descriptor: packet.descriptor(),
                layers_allocation: packet.layers_allocation.as_deref(),
                corruption_detection: packet.corruption_detection,
                ..stamp.extensions()
            },
            ..Default::default()
        };
        header.write(setting.extensions, out);
        out.extend_from_slice(&packet.payload);
    }

    /// A packet that was written has left. `sampled` is about its time stamp; none of parity, which is of no
    /// moment.
    pub(crate) fn sent(
        &mut self,
        now: Instant,
        packet: Sent,
        sampled: Option<Sampled>,
        len: usize,
        keep: bool,
    ) {
        let payload = packet.payload.len();
        self.counters.count(len, payload);
        self.next_sequence = self.next_sequence.max(packet.sequence_number + 1);
        let number = packet.sequence_number;
        self.first = Some(self.first.map_or(number, |first| first.min(number)));
        self.frames.count(payload, packet.marker);
        self.payload_type = Some(packet.payload_type);
        let known = self.last.map(|last| last.timestamp);
        if sampled.is_some() && known != Some(packet.timestamp) {
            self.last = sampled;
        }
        if let Some(time) = packet.capture_time {
            let of = self.first_source(&packet.contributing_sources);
            self.captured.say(of, packet.timestamp, time, now);
        }
        if keep {
            self.history.keep(packet);
        }
    }

    /// Whether a packet is to say when what is in it was captured. `stamp` is its time stamp and the rate
    /// of that.
    pub(crate) fn has_news(
        &self,
        contributors: &[Contributor],
        stamp: (u32, u32),
        time: CaptureTime,
        now: Instant,
    ) -> bool {
        let of = self.first_source(contributors);
        self.captured.is_news(of, stamp, time, now)
    }

    /// `abs-capture-time`: whom a packet's capture time is about.
    fn first_source(&self, contributors: &[Contributor]) -> Ssrc {
        contributors.first().map_or(self.ssrc, |first| first.ssrc)
    }

    /// A report of a tone has left. Its time stamp stands still: time goes on from the audio, or from where
    /// a tone without audio before it began.
    pub(crate) fn event_sent(
        &mut self,
        now: Instant,
        packet: Sent,
        len: usize,
        began: Option<Sampled>,
    ) {
        let payload_type = self.payload_type;
        self.last = self.last.or(began);
        self.sent(now, packet, None, len, false);
        self.payload_type = payload_type.or(self.payload_type);
    }

    /// The other end reports of the media.
    pub(crate) fn handle_block(
        &mut self,
        arrival: Instant,
        block: ReportBlock,
        round_trip: Option<Duration>,
    ) {
        self.remote.count(arrival, block, round_trip);
        // webrtc-stats §8.3: the highest number, less the first one, less what was lost.
        let first = self.first.unwrap_or_default() as u32;
        let expected = block.highest_sequence.wrapping_sub(first).wrapping_add(1);
        let received = i64::from(expected) - i64::from(block.cumulative_lost);
        let received = u64::try_from(received).unwrap_or(0);
        let received = received.min(self.counters.packets_sent);
        self.remote.packets_received = self.remote.packets_received.max(received);
    }

    /// What headers leave of a rate for its payloads.
    pub(crate) fn payload_share(&self) -> f64 {
        let sent = &self.counters;
        super::overhead::payload_share(sent.packets_sent, sent.bytes_sent, sent.header_bytes_sent)
    }

    /// Packets that were lost, of how many, between the last report and this one; none where they
    /// contradict each other.
    pub(crate) fn losses_since_last(&self, block: &ReportBlock) -> (u32, u32) {
        let Some(last) = self.remote.block else {
            return (0, 0);
        };
        let expected = block.highest_sequence.wrapping_sub(last.highest_sequence);
        let lost = block.cumulative_lost.saturating_sub(last.cumulative_lost);
        // No more was expected than was sent.
        let sent = u32::try_from(self.counters.packets_sent).unwrap_or(u32::MAX);
        match expected <= sent {
            true => (u32::try_from(lost).unwrap_or(0).min(expected), expected),
            false => (0, 0),
        }
    }

    /// The other end misses a packet.
    pub(crate) fn missed(&mut self, number: u16) {
        let resend = Resend::Once(number);
        if self.resends.len() < RESENDS && !self.resends.contains(&resend) {
            self.resends.push_back(resend);
        }
    }

    /// The packet that is to be sent again, unless it was a round trip ago at most.
    pub(crate) fn to_resend(
        &self,
        now: Instant,
        round_trip: Duration,
        next: Resend,
    ) -> Option<Sent> {
        let packet = match next {
            Resend::Once(number) => self.history.again(now, round_trip, number),
            Resend::Copy(number) => self.history.get(number),
        };
        packet.cloned()
    }

    pub(crate) fn next_resend(&self) -> Option<Resend> {
        self.resends.front().copied()
    }

    /// It cannot be sent again, or need not.
    pub(crate) fn resend_given_up(&mut self) {
        self.resends.pop_front();
    }

    /// Writes a packet that was sent before behind `out`, in the stream of repetitions (RFC 4588 §4).
    /// False: there is none. SRTP's numbers and keys are used once (RFC 7714 §8.2), so a packet is not
    /// written again under its first number: see [`SealedHistory`].
    pub(crate) fn write_again(
        &self,
        packet: &Sent,
        stamp: Stamp,
        setting: &Setting<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        let payload_type = setting.formats.rtx_of(packet.payload_type);
        let Some((ssrc, payload_type)) = self.rtx.zip(payload_type) else {
            return false;
        };
        let named = self.reported_rtx == Names::Needed;
        let contributors = Contributors::of(packet);
        let header = HeaderToSend {
            marker: packet.marker,
            payload_type,
            sequence_number: Seq16(self.next_rtx_sequence as u16),
            timestamp: packet.timestamp,
            ssrc,
            csrcs: contributors.ssrcs(),
            extensions: ExtensionsToSend {
                mid: named.then_some(setting.mid),
                repaired_rid: self.rid.as_ref().filter(|_| named).map(Rid::as_str),
                audio_level: packet.audio_level,
                csrc_audio_levels: contributors.levels(),
                capture_time: packet.capture_time,
                dependency_descriptor: packet.descriptor(),
                layers_allocation: packet.layers_allocation.as_deref(),
                corruption_detection: packet.corruption_detection,
                ..stamp.extensions()
            },
            ..Default::default()
        };
        header.write(setting.extensions, out);
        rtx::write(Seq16(packet.sequence_number as u16), out);
        out.extend_from_slice(&packet.payload);
        true
    }

    /// Writes a packet of padding alone behind `out`, in the stream of repetitions, about `bytes` long:
    /// browsers send the same and swallow it (Chromium 156 and Firefox 153, measured). False: there is
    /// no such stream.
    pub(crate) fn write_padding(
        &self,
        bytes: usize,
        stamp: Stamp,
        setting: &Setting<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        // What left last may be RED, which nothing repeats.
        let of_last = self.payload_type.and_then(|it| setting.formats.rtx_of(it));
        let payload_type = of_last.or_else(|| setting.formats.choose(None)?.rtx);
        let Some((ssrc, payload_type)) = self.rtx.zip(payload_type) else {
            return false;
        };
        let named = self.reported_rtx == Names::Needed;
        let begin = out.len();
        let header = HeaderToSend {
            payload_type,
            sequence_number: Seq16(self.next_rtx_sequence as u16),
            timestamp: self.last.map_or(0, |last| last.timestamp),
            ssrc,
            extensions: ExtensionsToSend {
                mid: named.then_some(setting.mid),
                repaired_rid: self.rid.as_ref().filter(|_| named).map(Rid::as_str),
                ..stamp.extensions()
            },
            padded: true,
            ..Default::default()
        };
        header.write(setting.extensions, out);
        let count = bytes.saturating_sub(out.len() - begin);
        // RFC 3550 §5.1: the last byte counts, itself included.
        write_padding(u8::try_from(count).unwrap_or(u8::MAX).max(1), out);
        true
    }

    /// Padding has left, a payload that was sent before with it or none.
    pub(crate) fn padded(&mut self, len: usize, payload: usize) {
        self.next_rtx_sequence += 1;
        self.padding.count(len, payload);
    }

    /// Writes a packet of parity behind `out`, in its own stream.
    pub(crate) fn write_parity(
        &self,
        (ssrc, payload_type): (Ssrc, PayloadType),
        payload: &[u8],
        stamp: Stamp,
        setting: &Setting<'_>,
        out: &mut Vec<u8>,
    ) {
        let named = self.reported_fec == Names::Needed;
        let header = HeaderToSend {
            payload_type,
            sequence_number: Seq16(self.next_fec_sequence as u16),
            // The draft, §4.2.1, leaves it open; Chromium takes that of the last packet protected.
            timestamp: self.protection.timestamp,
            ssrc,
            extensions: ExtensionsToSend {
                mid: named.then_some(setting.mid),
                rid: self.rid.as_ref().filter(|_| named).map(Rid::as_str),
                ..stamp.extensions()
            },
            ..Default::default()
        };
        header.write(setting.extensions, out);
        out.extend_from_slice(payload);
    }

    /// A packet of parity has left.
    pub(crate) fn parity_sent(&mut self) {
        self.next_fec_sequence += 1;
        self.protection.take();
    }

    /// A packet has left once more, as it was.
    pub(crate) fn resent_as_it_was(&mut self, now: Instant, number: u16, bytes: (usize, usize)) {
        let (len, payload) = bytes;
        self.rtx_counters.count(len, payload);
        self.sealed.note_resent(now, number);
        self.resends.pop_front();
    }

    /// A repetition has left.
    pub(crate) fn resent(&mut self, now: Instant, packet: &Sent, len: usize) {
        self.next_rtx_sequence += 1;
        let payload = packet.payload.len() + rtx::OVERHEAD;
        self.rtx_counters.count(len, payload);
        self.history.note_resent(now, packet.sequence_number);

        let lost = self.remote.block.map_or(0, |block| block.fraction_lost);
        if let Some(Resend::Once(number)) = self.resends.pop_front()
            && lost < FULL
        {
            self.resends.push_front(Resend::Copy(number));
        }
    }
}

/// The contributing sources of a packet as its header has them.
struct Contributors {
    ssrcs: [Ssrc; MOST_CONTRIBUTORS],
    levels: [u8; MOST_CONTRIBUTORS],
    count: usize,
    /// RFC 6465 §3: the list has a level for each or is not there.
    leveled: bool,
}

/// RFC 3550 §5.1: what four bits count.
const MOST_CONTRIBUTORS: usize = 15;

impl Contributors {
    fn of(packet: &Sent) -> Self {
        let mut of = Contributors {
            ssrcs: Default::default(),
            levels: Default::default(),
            count: packet.contributing_sources.len().min(MOST_CONTRIBUTORS),
            leveled: true,
        };
        for (at, contributor) in packet
            .contributing_sources
            .iter()
            .take(of.count)
            .enumerate()
        {
            of.ssrcs[at] = contributor.ssrc;
            match contributor.audio_level {
                Some(level) => of.levels[at] = level.level(),
                None => of.leveled = false,
            }
        }
        of
    }

    fn ssrcs(&self) -> &[Ssrc] {
        &self.ssrcs[..self.count]
    }

    fn levels(&self) -> Option<&[u8]> {
        (self.leveled && self.count > 0).then_some(&self.levels[..self.count])
    }
}

impl SendCounters {
    fn count(&mut self, len: usize, payload: usize) {
        self.packets_sent += 1;
        self.bytes_sent += payload as u64;
        self.header_bytes_sent += len.saturating_sub(payload) as u64;
    }
}
