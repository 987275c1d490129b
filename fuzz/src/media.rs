use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use duologue_base::{Instant, Rng, Seq16, TransceiverId, WallClock};
use duologue_media::forward::{Choice, Forwarder, ReceiverKey};
use duologue_media::{EncodedFrameInit, MediaItem, MediaTransport, Outlet, RtpPacket};
use duologue_rtp::ext::{CaptureTime, ExtensionKind, ExtensionMap};
use duologue_rtp::payload::PayloadFormat;
use duologue_rtp::rtcp::Writer;
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, HeaderExtensionParameters, HeaderToSend, MediaKind,
    PayloadType, ReceivePlan, RtcpFeedback, RtpParameters, SendPlan, SendStream, SourceParameters,
    Ssrc, write_padding,
};

use crate::memory;

/// What a hostile peer sends to a transport that receives audio, video and a simulcast, and sends.
#[derive(Arbitrary, Debug)]
pub struct MediaReceiveScenario {
    frames: bool,
    operations: Vec<Hostile>,
}

#[derive(Arbitrary, Debug)]
enum Hostile {
    Rtp(Forged),
    RawRtp(u32, Vec<u8>),
    Rtcp(Vec<u8>),
    /// It misses packets that were sent, by how long ago.
    Nack(Vec<u8>),
    KeyFrame(u8),
    Send(u16),
    Milliseconds(u16),
    Receive(u8),
    Restart,
}

#[derive(Arbitrary, Debug)]
struct Forged {
    ssrc: u8,
    payload_type: u8,
    /// So far from the stream's last number.
    step: i16,
    timestamp: u8,
    marker: bool,
    names: u8,
    padding: u8,
    payload: Vec<u8>,
}

/// Frames of video from one transport to another over a network that loses, repeats and reorders.
#[derive(Arbitrary, Debug)]
pub struct MediaLoopScenario {
    seed: u8,
    operations: Vec<Way>,
}

#[derive(Arbitrary, Debug)]
enum Way {
    Frame { key: bool, len: u16 },
    Delivered(u8),
    Overtaking,
    Duplicated,
    Lost,
    Milliseconds(u16),
}

/// Whatever comes: what is due is done, nothing spins, and what is kept has a bound.
pub fn media_receive(scenario: MediaReceiveScenario) {
    let _bound = memory::at_most_kib(8 << 10);
    let mut world = Attacked::new(&scenario);
    for operation in scenario.operations {
        world.perform(operation);
        world.settle();
    }
}

/// What is handed out was sent, whole, once, in its order, and can be decoded.
pub fn media_loop(scenario: MediaLoopScenario) {
    let _bound = memory::at_most_kib(16 << 10);
    let mut world = Loop::new(scenario.seed);
    for operation in scenario.operations {
        world.perform(operation);
        world.settle();
    }
}

const AUDIO: TransceiverId = TransceiverId(1);
const VIDEO: TransceiverId = TransceiverId(2);
const LAYERS: TransceiverId = TransceiverId(3);

/// Polls of one kind in a row: more than all queues hold together.
const POLLS: usize = 20_000;

struct Attacked {
    now: Instant,
    outlet: Outlet,
    transport: MediaTransport,
    numbers: HashMap<u8, u64>,
    sent: Vec<(Ssrc, u16)>,
    extensions: ExtensionMap,
    /// Of each format with numbers of pictures, and its receivers.
    forwarders: Vec<(Forwarder, [ReceiverKey; 2])>,
}

impl Attacked {
    fn new(scenario: &MediaReceiveScenario) -> Self {
        let outlet = match scenario.frames {
            true => Outlet::Frames,
            false => Outlet::Packets,
        };
        let mut world = Attacked {
            now: Instant::ZERO,
            outlet,
            transport: transport(1),
            numbers: HashMap::new(),
            sent: Vec::new(),
            extensions: ExtensionMap::default(),
            forwarders: [PayloadFormat::Vp8, PayloadFormat::Vp9]
                .map(forwarder)
                .into(),
        };
        for (id, kind) in EXTENSIONS {
            let id = ExtensionId::new(id).expect("not 0");
            world.extensions.insert(id, kind);
        }
        (0..3).for_each(|which| world.receive(which));
        let plan = send_plan("s");
        world
            .transport
            .set_send(world.now, TransceiverId(4), plan.into());
        world
    }

    fn receive(&mut self, which: u8) {
        let (id, kind, rids): (_, _, &[&str]) = match which % 3 {
            0 => (AUDIO, MediaKind::Audio, &[]),
            1 => (VIDEO, MediaKind::Video, &[]),
            _ => (LAYERS, MediaKind::Video, &["q", "h", "f"]),
        };
        let plan = ReceivePlan {
            mid: which.to_string().parse().expect("a mid"),
            kind,
            parameters: parameters(kind),
            rids: rids.iter().map(|rid| rid.parse().expect("a rid")).collect(),
            sources: Vec::new(),
            sent_formats: Vec::new(),
        };
        self.transport
            .set_receive(self.now, id, plan.into(), self.outlet);
    }

    fn perform(&mut self, operation: Hostile) {
        let now = self.now;
        match operation {
            Hostile::Rtp(forged) => self.forge(forged),
            Hostile::RawRtp(number, bytes) => {
                self.transport.handle_rtp(now, now, number.into(), &bytes);
            }
            Hostile::Rtcp(bytes) => self.transport.handle_rtcp(now, &bytes),
            Hostile::Nack(which) => self.miss(&which),
            Hostile::KeyFrame(which) => {
                let id = TransceiverId(u32::from(which % 4));
                self.transport.request_key_frame(id, usize::from(which % 5));
            }
            Hostile::Send(len) => {
                let frame = vp8(0, true, 20 + usize::from(len % 8_000));
                self.transport
                    .send_frames(now, TransceiverId(4), vec![frame]);
            }
            Hostile::Milliseconds(ms) => self.now = now + Duration::from_millis(ms.into()),
            Hostile::Receive(which) if which & 0x80 != 0 => {
                self.transport
                    .stop_receive(TransceiverId(u32::from(which % 4)));
            }
            Hostile::Receive(which) => self.receive(which % 3),
            Hostile::Restart => self.transport.restart(),
        }
    }

    fn forge(&mut self, forged: Forged) {
        let number = self.numbers.entry(forged.ssrc).or_insert(0x7000);
        *number = number.saturating_add_signed(forged.step.into());
        let mids = ["0", "1", "2", "x"];
        let rids = ["q", "h", "f", "x"];
        let pick = |from: [&'static str; 4], bits: u8| from[usize::from(bits & 3)];
        let names = forged.names;
        let mut header = HeaderToSend {
            marker: forged.marker,
            payload_type: PayloadType::from_low_bits(forged.payload_type),
            sequence_number: Seq16(*number as u16),
            timestamp: u32::from(forged.timestamp) * 960,
            ssrc: Ssrc(forged.ssrc.into()),
            padded: forged.padding > 200,
            ..Default::default()
        };
        header.extensions.mid = (names & 1 == 0).then(|| pick(mids, names >> 1));
        header.extensions.rid = (names & 8 != 0).then(|| pick(rids, names >> 4));
        header.extensions.repaired_rid = (names & 64 != 0).then(|| pick(rids, names >> 4));
        header.extensions.transport_sequence = (names & 128 != 0).then_some(*number as u16);

        // The payload is as good as any other bytes for what says more.
        let descriptor = forged.payload.get(..usize::from(forged.padding % 16));
        header.extensions.dependency_descriptor = descriptor.filter(|_| forged.padding & 64 != 0);
        header.extensions.layers_allocation = descriptor.filter(|_| forged.padding & 16 != 0);
        let csrcs = [Ssrc(forged.padding.into()); 3];
        header.csrcs = &csrcs[..usize::from(forged.padding % 4)];
        header.extensions.csrc_audio_levels = descriptor;
        let captured = forged.payload.get(..16).and_then(CaptureTime::parse);
        header.extensions.capture_time = captured.filter(|_| forged.padding & 32 != 0);

        let mut packet = Vec::new();
        header.write(&self.extensions, &mut packet);
        packet.extend_from_slice(&forged.payload);
        if forged.padding > 200 {
            write_padding(forged.padding, &mut packet);
        }
        let now = self.now;
        self.transport.handle_rtp(now, now, *number, &packet);
    }

    fn miss(&mut self, which: &[u8]) {
        let missed = which
            .iter()
            .filter_map(|ago| self.sent.iter().rev().nth(usize::from(*ago)));
        let missed: Vec<(Ssrc, u16)> = missed.copied().collect();
        for (ssrc, number) in missed {
            let mut datagram = Vec::new();
            Writer::new(&mut datagram).nack(Ssrc(1), ssrc, [number]);
            self.transport.handle_rtcp(self.now, &datagram);
        }
    }

    fn settle(&mut self) {
        let sent = drain(&mut self.transport, self.now, |packet| {
            let number = u16::from_be_bytes([packet[2], packet[3]]);
            let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
            self.sent.push((Ssrc(ssrc), number));
        });
        assert!(sent < POLLS, "packets without end");
        report(&mut self.transport, self.now, |_| {});
        let mut items = 0;
        while let Some(item) = self.transport.poll_item() {
            items += 1;
            if let MediaItem::Packet(_, packet) = item {
                self.forward(&packet);
            }
        }
        assert!(items <= 4_096);
        while self.transport.poll_report().is_some() {}
        assert!(self.transport.stats().inbound.len() <= 256);
    }

    /// A receiver gets a packet once at most, and not another payload.
    fn forward(&mut self, packet: &RtpPacket) {
        for (forwarder, receivers) in &mut self.forwarders {
            let choice = match packet.timestamp % 4 {
                layer @ 0..3 => Choice::Layer(layer as usize),
                _ => Choice::Bitrate(packet.sequence_number % 1_000_000),
            };
            if packet.sequence_number.is_multiple_of(5) {
                forwarder.choose(self.now, receivers[0], choice);
                forwarder.limit_temporal(receivers[1], Some((packet.timestamp % 3) as u8));
                forwarder.limit_spatial(receivers[1], Some((packet.timestamp % 5) as u8));
            }
            forwarder.handle_packet(self.now, packet);
            let sent: Vec<_> = std::iter::from_fn(|| forwarder.poll_packet()).collect();
            assert!(sent.len() <= receivers.len());
            assert!(
                sent.iter()
                    .all(|(_, sent)| sent.payload.len() == packet.payload.len())
            );
            assert!(std::iter::from_fn(|| forwarder.poll_key_frame_request()).count() <= 4);
        }
    }
}

fn forwarder(format: PayloadFormat) -> (Forwarder, [ReceiverKey; 2]) {
    let mut forwarder = Forwarder::new(format, 90_000);
    let receivers = [(); 2].map(|()| forwarder.add_receiver());
    forwarder.choose(Instant::ZERO, receivers[1], Choice::Layer(0));
    (forwarder, receivers)
}

struct Loop {
    now: Instant,
    sender: MediaTransport,
    receiver: MediaTransport,
    numbers: HashMap<[u8; 4], u64>,
    wire: VecDeque<(u64, Vec<u8>)>,
    frames: Vec<EncodedFrameInit>,
    keys: Vec<bool>,
    last: Option<usize>,
}

impl Loop {
    fn new(seed: u8) -> Self {
        let mut world = Loop {
            now: Instant::ZERO,
            sender: transport(seed.into()),
            receiver: transport(u64::from(seed) + 1_000),
            numbers: HashMap::new(),
            wire: VecDeque::new(),
            frames: Vec::new(),
            keys: Vec::new(),
            last: None,
        };
        let receive = ReceivePlan {
            mid: "1".parse().expect("a mid"),
            kind: MediaKind::Video,
            parameters: parameters(MediaKind::Video),
            rids: Vec::new(),
            sources: Vec::new(),
            sent_formats: Vec::new(),
        };
        let now = world.now;
        world.sender.set_send(now, VIDEO, send_plan("1").into());
        world
            .receiver
            .set_receive(now, VIDEO, receive.into(), Outlet::Frames);
        world
    }

    fn perform(&mut self, operation: Way) {
        let arriving = match operation {
            Way::Frame { key, len } => {
                let frame = vp8(self.frames.len() as u32, key, 20 + usize::from(len % 8_000));
                self.frames.push(frame.clone());
                self.keys.push(key);
                self.sender.send_frames(self.now, VIDEO, vec![frame]);
                return;
            }
            Way::Milliseconds(ms) => {
                self.now += Duration::from_millis(u64::from(ms) % 5_000);
                return;
            }
            Way::Delivered(more) => {
                let count = self.wire.len().min(usize::from(more % 32) + 1);
                self.wire.drain(..count).collect()
            }
            Way::Overtaking => Vec::from_iter(self.wire.pop_back()),
            Way::Duplicated => Vec::from_iter(self.wire.front().cloned()),
            Way::Lost => {
                self.wire.pop_front();
                return;
            }
        };
        for (number, packet) in arriving {
            self.receiver
                .handle_rtp(self.now, self.now, number, &packet);
        }
    }

    fn settle(&mut self) {
        let now = self.now;
        let (numbers, wire) = (&mut self.numbers, &mut self.wire);
        drain(&mut self.sender, now, |packet| {
            let low = u16::from_be_bytes([packet[2], packet[3]]);
            let ssrc = [packet[8], packet[9], packet[10], packet[11]];
            let last = numbers.entry(ssrc).or_insert(low.into());
            *last += u64::from(low.wrapping_sub(*last as u16));
            wire.push_back((*last, packet.to_vec()));
        });
        let mut reports = Vec::new();
        report(&mut self.receiver, now, |datagram| {
            reports.push(datagram.to_vec())
        });
        for datagram in &reports {
            self.sender.handle_rtcp(now, datagram);
        }
        let receiver = &mut self.receiver;
        report(&mut self.sender, now, |datagram| {
            receiver.handle_rtcp(now, datagram)
        });
        while let Some(item) = self.receiver.poll_item() {
            let MediaItem::Frame(_, frame) = item else {
                panic!("no frame: {item:?}");
            };
            self.check(&frame.data, frame.key);
        }
    }

    fn check(&mut self, data: &[u8], key: bool) {
        let number = u32::from_be_bytes([data[10], data[11], data[12], data[13]]) as usize;
        assert_eq!(self.frames[number].data, data, "not what was sent");
        assert_eq!(self.keys[number], key);
        assert!(self.last < Some(number), "in another order");
        let next = self.last.map(|last| last + 1);
        assert!(key || next == Some(number), "needs one that is missing");
        self.last = Some(number);
    }
}

/// Gives all packets of RTP to `each`; says how many there were.
fn drain(transport: &mut MediaTransport, now: Instant, mut each: impl FnMut(&[u8])) -> usize {
    let mut out = Vec::new();
    for count in 0..POLLS {
        out.clear();
        let Some(polled) = transport.poll_rtp(now, 1_500, &mut out) else {
            return count;
        };
        assert_eq!(polled.len, out.len());
        if !polled.sealed {
            transport.handle_sealed(&out);
        }
        each(&out);
    }
    POLLS
}

/// Does what is due, and gives all datagrams of RTCP to `each`.
fn report(transport: &mut MediaTransport, now: Instant, mut each: impl FnMut(&[u8])) {
    transport.handle_timeout(now);
    let mut out = Vec::new();
    let mut count = 0;
    while transport.poll_rtcp(now, &mut out) {
        assert!(!out.is_empty() && out.len() <= 1_300, "{}", out.len());
        each(&out);
        out.clear();
        count += 1;
        assert!(count < POLLS, "reports without end");
    }
    let timeouts = [transport.poll_timeout(), transport.poll_rtcp_timeout()];
    assert!(timeouts.into_iter().flatten().all(|at| at > now), "spins");
}

fn transport(seed: u64) -> MediaTransport {
    let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
    MediaTransport::new(origin, Rng::from_u64(seed))
}

/// A frame of VP8 that says which one it is (RFC 6386 §9.1).
fn vp8(number: u32, key: bool, len: usize) -> EncodedFrameInit {
    let mut frame = vec![number as u8; len];
    frame[..10].copy_from_slice(&[0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    frame[0] = u8::from(!key);
    frame[10..14].copy_from_slice(&number.to_be_bytes());
    EncodedFrameInit {
        timestamp: number.wrapping_mul(3_000),
        data: Bytes::from(frame),
        ..Default::default()
    }
}

fn send_plan(mid: &str) -> SendPlan {
    let stream = SendStream {
        rid: None,
        source: SourceParameters {
            ssrc: Ssrc(1_000),
            rtx: Some(Ssrc(1_001)),
            fec: Some(Ssrc(1_002)),
        },
    };
    SendPlan {
        mid: mid.parse().expect("a mid"),
        kind: MediaKind::Video,
        parameters: parameters(MediaKind::Video),
        streams: vec![stream],
    }
}

const EXTENSIONS: [(u8, ExtensionKind); 7] = [
    (1, ExtensionKind::Mid),
    (2, ExtensionKind::Rid),
    (3, ExtensionKind::RepairedRid),
    (4, ExtensionKind::TransportSequence),
    (5, ExtensionKind::DependencyDescriptor),
    (6, ExtensionKind::AbsCaptureTime),
    (7, ExtensionKind::CsrcAudioLevel),
];

fn parameters(kind: MediaKind) -> RtpParameters {
    type Entry = (u8, &'static str, Option<&'static str>);
    let (clock_rate, entries): (_, &[Entry]) = match kind {
        MediaKind::Audio => (48_000, &[(111, "opus", None), (63, "red", Some("111/111"))]),
        MediaKind::Video => (
            90_000,
            &[
                (96, "VP8", None),
                (97, "rtx", Some("apt=96")),
                (98, "VP9", None),
                (100, "H264", Some("packetization-mode=1")),
                (118, "red", None),
                (119, "rtx", Some("apt=118")),
                (120, "ulpfec", None),
                (49, "flexfec-03", Some("repair-window=10000000")),
            ],
        ),
    };
    let codecs = entries.iter().map(|&(number, name, fmtp)| CodecParameters {
        payload_type: PayloadType::new(number).expect("below 128"),
        codec: Codec {
            sdp_fmtp_line: fmtp.map(str::to_owned),
            ..Codec::new(kind, name, clock_rate)
        },
        feedback: match kind {
            MediaKind::Audio => Vec::new(),
            MediaKind::Video => vec![RtcpFeedback::Nack, RtcpFeedback::Pli],
        },
    });
    RtpParameters {
        codecs: codecs.collect(),
        header_extensions: EXTENSIONS.map(extension).into(),
        cname: Some("somebody".to_owned()),
        reduced_size: true,
        extmap_allow_mixed: true,
        cryptex: duologue_rtp::Cryptex::Off,
    }
}

fn extension((id, kind): (u8, ExtensionKind)) -> HeaderExtensionParameters {
    HeaderExtensionParameters::new(ExtensionId::new(id).expect("not 0"), kind.uri())
}
