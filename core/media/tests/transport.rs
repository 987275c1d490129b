//! Two ends of one transport, with a network between them that loses what the test says.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, Seq16, TransceiverId, WallClock};
use duologue_media::{MediaItem, MediaReport, MediaTransport, Outlet, RtpPacket, RtpPacketInit};
use duologue_rtp::ext::{ExtensionMap, uri};
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, HeaderExtensionParameters, HeaderToSend, MediaKind,
    PayloadType, ReceivePlan, RtcpFeedback, RtpParameters, SendPlan, SendStream, SourceParameters,
    Ssrc, write_padding,
};

const ID: TransceiverId = TransceiverId(1);
const MEDIA: Ssrc = Ssrc(1_000);
const RTX: Ssrc = Ssrc(2_000);

fn at(ms: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(ms))
}

fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).expect("below 128")
}

fn video() -> RtpParameters {
    let vp8 = Codec {
        kind: MediaKind::Video,
        name: "VP8".to_owned(),
        clock_rate: 90_000,
        channels: None,
        sdp_fmtp_line: None,
    };
    let rtx = Codec::rtx(MediaKind::Video, 90_000, Some(payload_type(96)));
    let extension = |id, uri: &str| HeaderExtensionParameters {
        uri: uri.to_owned(),
        id: ExtensionId::new(id).expect("not 0"),
        encrypted: false,
    };
    RtpParameters {
        codecs: vec![
            CodecParameters {
                payload_type: payload_type(96),
                codec: vp8,
                feedback: vec![
                    RtcpFeedback::Nack,
                    RtcpFeedback::Pli,
                    RtcpFeedback::TransportCc,
                ],
            },
            CodecParameters {
                payload_type: payload_type(97),
                codec: rtx,
                feedback: Vec::new(),
            },
        ],
        header_extensions: vec![
            extension(1, uri::MID),
            extension(3, uri::TRANSPORT_SEQUENCE),
        ],
        cname: Some("somebody".to_owned()),
        reduced_size: true,
    }
}

fn source() -> SourceParameters {
    SourceParameters {
        ssrc: MEDIA,
        rtx: Some(RTX),
        fec: None,
    }
}

fn receive_plan() -> Arc<ReceivePlan> {
    Arc::new(ReceivePlan {
        mid: "v".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: video(),
        rids: Vec::new(),
        sources: Vec::new(),
    })
}

fn send_plan() -> Arc<SendPlan> {
    Arc::new(SendPlan {
        mid: "v".parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: video(),
        streams: vec![SendStream {
            rid: None,
            source: source(),
        }],
    })
}

/// A sender, a receiver, and 50 ms between them each way.
struct World {
    now: u64,
    sender: MediaTransport,
    receiver: MediaTransport,
    /// When it arrives, whether it is RTCP, and the packet.
    to_receiver: VecDeque<(u64, bool, Vec<u8>)>,
    to_sender: VecDeque<(u64, Vec<u8>)>,
    received: Vec<RtpPacket>,
    reports: Vec<MediaReport>,
    sent_reports: Vec<MediaReport>,
    /// RTP packets that went over the wire, lost ones too.
    sent: usize,
}

const DELAY: u64 = 50;

impl World {
    fn new() -> Self {
        let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
        let mut rng = Rng::from_u64(7);
        let mut sender = MediaTransport::new(origin, rng.fork());
        let mut receiver = MediaTransport::new(origin, rng.fork());
        sender.set_send(at(0), ID, send_plan());
        receiver.set_receive(at(0), ID, receive_plan(), Outlet::Packets);
        World {
            now: 0,
            sender,
            receiver,
            to_receiver: VecDeque::new(),
            to_sender: VecDeque::new(),
            received: Vec::new(),
            reports: Vec::new(),
            sent_reports: Vec::new(),
            sent: 0,
        }
    }

    fn send(&mut self, count: usize) {
        let packet = |n: usize| RtpPacketInit {
            timestamp: (self.now * 90) as u32,
            marker: n + 1 == count,
            payload: Bytes::from(vec![n as u8; 1_000]),
            ..Default::default()
        };
        self.sender.send(ID, (0..count).map(packet).collect());
    }

    /// One millisecond; `lost` says which RTP packets do not arrive.
    fn step(&mut self, lost: &mut impl FnMut(usize) -> bool) {
        let now = at(self.now);
        let mut out = Vec::new();
        while self.sender.poll_rtp(now, 1_200, &mut out).is_some() {
            let packet = std::mem::take(&mut out);
            if !lost(self.sent) {
                self.to_receiver
                    .push_back((self.now + DELAY, false, packet));
            }
            self.sent += 1;
        }
        while self.sender.poll_rtcp(now, &mut out) {
            let packet = std::mem::take(&mut out);
            self.to_receiver.push_back((self.now + DELAY, true, packet));
        }
        while self.receiver.poll_rtcp(now, &mut out) {
            self.to_sender
                .push_back((self.now + DELAY, std::mem::take(&mut out)));
        }
        while self.to_receiver.front().is_some_and(|p| p.0 <= self.now) {
            let (_, rtcp, packet) = self.to_receiver.pop_front().expect("one is there");
            match rtcp {
                true => self.receiver.handle_rtcp(now, &packet),
                false => {
                    let number = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
                    self.receiver.handle_rtp(now, now, number, &packet);
                }
            }
        }
        while self.to_sender.front().is_some_and(|p| p.0 <= self.now) {
            let (_, packet) = self.to_sender.pop_front().expect("one is there");
            self.sender.handle_rtcp(now, &packet);
        }
        while let Some(MediaItem::Packet(_, packet)) = self.receiver.poll_item() {
            self.received.push(packet);
        }
        let reports = std::iter::from_fn(|| self.receiver.poll_report());
        self.reports.extend(reports.map(|(_, report)| report));
        let reports = std::iter::from_fn(|| self.sender.poll_report());
        self.sent_reports.extend(reports.map(|(_, report)| report));
        self.now += 1;
    }

    fn run(&mut self, ms: u64, mut lost: impl FnMut(usize) -> bool) {
        (0..ms).for_each(|_| self.step(&mut lost));
    }

    fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.received.iter().map(|p| p.sequence_number).collect();
        numbers.sort_unstable();
        numbers
    }
}

#[test]
fn every_lost_packet_comes_again_after_a_round_trip() {
    let mut world = World::new();
    for _ in 0..100 {
        world.send(10);
        world.run(33, |n| n % 20 == 7);
    }
    world.run(1_000, |_| false);
    let numbers = world.numbers();
    assert_eq!(numbers.len(), 1_000);
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));

    let repaired = world.received.iter().filter(|packet| packet.repaired);
    assert!(repaired.clone().count() > 45, "{}", repaired.count());
    let stats = world.sender.stats();
    assert_eq!(stats.outbound[0].counters.packets_sent, 1_000);
    assert!(stats.outbound[0].retransmitted.packets_sent >= 50);
    let inbound = &world.receiver.stats().inbound[0];
    assert!(inbound.retransmitted_packets_received >= 45);
    assert_eq!(world.reports, [MediaReport::Unmuted]);
}

#[test]
fn names_end_with_the_first_report_of_the_stream() {
    let mut world = World::new();
    world.send(1);
    world.run(1, |_| false);
    let named = world.to_receiver[0].2.len();
    // A report is written as soon as the packet is there, and takes its way back.
    world.run(2 * DELAY + 2, |_| false);
    world.send(1);
    world.run(1, |_| false);
    let later = &world.to_receiver.back().expect("it is on its way").2;
    assert_eq!(named - later.len(), 4);
}

#[test]
fn reports_tell_the_round_trip_and_the_loss() {
    let mut world = World::new();
    for _ in 0..200 {
        world.send(5);
        world.run(20, |_| false);
    }
    let remote = world.sender.stats().outbound[0].remote;
    let trip = remote.round_trip_time.expect("it was measured");
    assert!(
        trip.abs_diff(Duration::from_millis(2 * DELAY)) < Duration::from_millis(2),
        "{trip:?}"
    );
    assert_eq!(remote.block.expect("a report came").cumulative_lost, 0);
    let reported = world.receiver.stats().inbound[0].sender_report;
    let reported = reported.expect("a sender report came");
    assert!(
        reported.packets > 800 && reported.count >= 3,
        "{reported:?}"
    );
}

#[test]
fn a_key_frame_is_asked_for_and_told_of() {
    let mut world = World::new();
    world.send(1);
    world.run(DELAY + 1, |_| false);
    for _ in 0..10 {
        world.receiver.request_key_frame(ID, 0);
        world.run(10, |_| false);
    }
    world.run(DELAY, |_| false);
    let wanted = MediaReport::KeyFrameWanted { encoding: 0 };
    let reports = world.sent_reports.iter();
    assert_eq!(reports.filter(|report| **report == wanted).count(), 1);
}

/// Browsers probe with packets of padding alone, on the RTX stream before any media and on the stream
/// of media where there is none (Chromium 156 and Firefox 153, measured).
#[test]
fn padding_is_no_packet_of_the_application_and_no_loss() {
    let mut world = World::new();
    let header = |number, ssrc, payload_type| HeaderToSend {
        payload_type,
        sequence_number: Seq16(number),
        ssrc,
        padded: true,
        ..Default::default()
    };
    let mut map = ExtensionMap::default();
    map.insert(
        ExtensionId::new(1).expect("not 0"),
        duologue_rtp::ext::ExtensionKind::Mid,
    );
    for (number, ssrc, payload_type) in [
        (1, RTX, payload_type(97)),
        (500, MEDIA, payload_type(96)),
        (501, MEDIA, payload_type(96)),
    ] {
        let mut packet = Vec::new();
        let mut header = header(number, ssrc, payload_type);
        header.extensions.mid = Some("v");
        header.write(&map, &mut packet);
        write_padding(255, &mut packet);
        world
            .receiver
            .handle_rtp(at(0), at(0), u64::from(number), &packet);
    }
    world.run(300, |_| false);
    assert!(world.received.is_empty() && world.reports.is_empty());
    let stats = world.receiver.stats();
    assert_eq!(stats.inbound.len(), 1);
    assert_eq!(stats.inbound[0].nack_count, 0);
    assert_eq!(stats.inbound[0].statistics.packets_received, 2);
    assert_eq!(stats.inbound[0].statistics.bytes_received, 0);
}

#[test]
fn what_comes_before_its_description_waits_for_it() {
    let mut world = World::new();
    world.receiver.stop_receive(ID);
    world.send(3);
    world.run(DELAY + 5, |_| false);
    assert_eq!(world.receiver.counters().unclaimed, 3);
    let now = at(world.now);
    world
        .receiver
        .set_receive(now, ID, receive_plan(), Outlet::Packets);
    world.run(1, |_| false);
    assert_eq!(world.received.len(), 3);
    assert_eq!(world.receiver.counters().unclaimed, 0);
}

#[test]
fn ten_thousand_streams_take_no_more_than_the_bound() {
    let mut world = World::new();
    let mut map = ExtensionMap::default();
    map.insert(
        ExtensionId::new(1).expect("not 0"),
        duologue_rtp::ext::ExtensionKind::Mid,
    );
    for ssrc in 0..10_000 {
        let mut header = HeaderToSend {
            payload_type: payload_type(96),
            ssrc: Ssrc(ssrc),
            ..Default::default()
        };
        header.extensions.mid = Some("v");
        let mut packet = Vec::new();
        header.write(&map, &mut packet);
        packet.push(1);
        world.receiver.handle_rtp(at(0), at(0), 0, &packet);
    }
    assert!(world.receiver.stats().inbound.len() <= 256);
}
