use std::collections::BTreeMap;
use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::Ssrc;
use duologue_rtp::payload::{Descriptor, PayloadFormat, PictureId};

use crate::packet::{RtpPacket, RtpPacketInit};

use super::{Choice, Forwarder, ReceiverKey};

/// Packets of a frame.
const PACKETS: u64 = 3;

/// A publisher of three layers of VP8, 30 frames a second, each with its own numbers and time stamps,
/// in two temporal layers as Chromium sends them.
struct Publisher {
    frames: u64,
    layers: [Layer; 3],
}

struct Layer {
    on: bool,
    number: u64,
    timestamp: u32,
    picture: u16,
    tl0: u8,
    key_wanted: bool,
    bytes: usize,
}

impl Publisher {
    fn new() -> Self {
        let layer = |number, timestamp, picture, tl0, bytes| Layer {
            on: true,
            number,
            timestamp,
            picture,
            tl0,
            key_wanted: true,
            bytes,
        };
        Publisher {
            frames: 0,
            layers: [
                layer(65_500, 4_294_900_000, 32_760, 250, 200),
                layer(1_000_000, 17, 0, 3, 600),
                layer(77, 2_000_000_000, 9_999, 128, 1_100),
            ],
        }
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(5_000_000_000 + self.frames * 1_000_000_000 / 30)
    }

    /// The packets of a frame of every layer that is on.
    fn frame(&mut self) -> Vec<RtpPacket> {
        let (now, frames) = (self.now(), self.frames);
        self.frames += 1;
        let layers = self.layers.iter_mut().enumerate();
        layers
            .flat_map(|(encoding, layer)| layer.frame(encoding, now, frames))
            .collect()
    }
}

impl Layer {
    fn frame(&mut self, encoding: usize, now: Instant, frames: u64) -> Vec<RtpPacket> {
        self.timestamp = self.timestamp.wrapping_add(3_000);
        if !self.on {
            return Vec::new();
        }
        let key = std::mem::take(&mut self.key_wanted);
        let temporal = u8::from(!key && frames % 2 == 1);
        self.picture = (self.picture + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(1 - temporal);
        (0..PACKETS)
            .map(|at| self.packet(encoding, now, key, temporal, at))
            .collect()
    }

    fn packet(
        &mut self,
        encoding: usize,
        now: Instant,
        key: bool,
        temporal: u8,
        at: u64,
    ) -> RtpPacket {
        self.number += 1;
        let [high, low] = self.picture.to_be_bytes();
        let start = if at == 0 { 0x10 } else { 0 };
        // RFC 7741 §4.2; every frame of the higher layer needs the lowest alone.
        let layer = temporal << 6 | (temporal << 5);
        let mut payload = vec![0x80 | start, 0xe0, 0x80 | high, low, self.tl0, layer];
        if at == 0 {
            let frame = if key { 0x10 } else { 0x11 };
            payload.extend([frame, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0]);
        }
        payload.resize(self.bytes, 7);
        RtpPacket {
            ssrc: Ssrc(encoding as u32),
            encoding,
            sequence_number: self.number,
            timestamp: self.timestamp,
            marker: at + 1 == PACKETS,
            payload: payload.into(),
            received: now,
            ..RtpPacket::for_tests()
        }
    }
}

/// A publisher that gives key frames when it is asked, and what receivers got of it.
struct Stage {
    publisher: Publisher,
    forwarder: Forwarder,
    got: BTreeMap<ReceiverKey, Vec<RtpPacketInit>>,
    requests: Vec<usize>,
    answers: bool,
}

impl Stage {
    fn new() -> Self {
        Stage {
            publisher: Publisher::new(),
            forwarder: Forwarder::new(PayloadFormat::Vp8, 90_000),
            got: BTreeMap::new(),
            requests: Vec::new(),
            answers: true,
        }
    }

    fn receiver(&mut self, choice: Choice) -> ReceiverKey {
        let key = self.forwarder.add_receiver();
        self.choose(key, choice);
        key
    }

    fn choose(&mut self, key: ReceiverKey, choice: Choice) {
        self.forwarder.choose(self.publisher.now(), key, choice);
    }

    fn run(&mut self, frames: usize) {
        for _ in 0..frames {
            let now = self.publisher.now();
            for packet in self.publisher.frame() {
                self.give(now, &packet);
            }
        }
    }

    fn give(&mut self, now: Instant, packet: &RtpPacket) {
        self.forwarder.handle_packet(now, packet);
        while let Some((key, sent)) = self.forwarder.poll_packet() {
            self.got.entry(key).or_default().push(sent);
        }
        while let Some(layer) = self.forwarder.poll_key_frame_request() {
            self.requests.push(layer);
            self.publisher.layers[layer].key_wanted |= self.answers;
        }
    }

    fn taken(&mut self, key: ReceiverKey) -> Vec<RtpPacketInit> {
        self.got.remove(&key).unwrap_or_default()
    }
}

/// What a packet says of its picture: its number, that of the lowest temporal layer, the layer.
fn numbers(packet: &RtpPacketInit) -> (u16, u8, u8) {
    let info = PayloadFormat::Vp8.packet_info(&packet.payload).unwrap();
    let Descriptor::Vp8(descriptor) = info.descriptor else {
        panic!()
    };
    let picture = descriptor.picture_id.unwrap();
    assert!(matches!(picture, PictureId::Long(_)));
    (
        picture.number(),
        descriptor.tl0_picture.unwrap(),
        descriptor.temporal.unwrap(),
    )
}

fn is_key(packet: &RtpPacketInit) -> bool {
    let info = PayloadFormat::Vp8.packet_info(&packet.payload).unwrap();
    info.key == Some(true)
}

/// It begins with a key frame, and nothing is missing in any of its numbers.
#[track_caller]
fn assert_one_stream(packets: &[RtpPacketInit]) {
    assert!(is_key(&packets[0]), "it begins with a key frame");
    for pair in packets.windows(2) {
        let step = |of: fn(&RtpPacketInit) -> u16| of(&pair[1]).wrapping_sub(of(&pair[0]));
        assert_eq!(step(|packet| packet.sequence_number.unwrap()), 1);
        let frame = u16::from(pair[0].marker);
        assert_eq!(step(|packet| numbers(packet).0) & 0x7fff, frame);
        let (before, after) = (numbers(&pair[0]), numbers(&pair[1]));
        let lowest = if pair[0].marker && after.2 == 0 { 1 } else { 0 };
        assert_eq!(after.1.wrapping_sub(before.1), lowest);
        let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert_eq!(ticks > 0, pair[0].marker);
    }
}

#[test]
fn a_receiver_gets_the_chosen_layer_from_its_key_frame_on() {
    let mut stage = Stage::new();
    stage.run(10);
    let key = stage.receiver(Choice::Layer(1));
    stage.run(10);
    let got = stage.taken(key);
    assert_one_stream(&got);
    assert!(got.iter().all(|packet| packet.payload.len() == 600));
    assert_eq!(stage.requests, [1]);
    assert_eq!(stage.forwarder.current(key), Some(1));
    // The publisher was asked with the first packet, and answered with the next frame.
    assert_eq!(got.len() as u64, 9 * PACKETS);
}

#[test]
fn numbers_and_time_stamps_go_on_through_every_change_of_the_layer() {
    let mut stage = Stage::new();
    stage.run(3);
    let key = stage.receiver(Choice::Layer(0));
    for layer in [1, 2, 0, 2, 1, 0] {
        stage.run(17);
        stage.choose(key, Choice::Layer(layer));
    }
    stage.run(17);
    let got = stage.taken(key);
    assert_one_stream(&got);
    let frames: Vec<&RtpPacketInit> = got.iter().filter(|packet| packet.marker).collect();
    let mut all = 0;
    for pair in frames.windows(2) {
        let ticks = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        // A picture may come in the old layer and again in the new one.
        let again = ticks == 1 && is_first_of_key(&got, pair[1]);
        assert!(
            again || (2_900..3_100).contains(&ticks),
            "{ticks} ticks from a frame to the next"
        );
        all += ticks;
    }
    // It got something of every frame, but for the first one.
    assert!(all.abs_diff(3_000 * (7 * 17 - 2)) < 100, "{all}");
}

fn is_first_of_key(all: &[RtpPacketInit], of: &RtpPacketInit) -> bool {
    all.iter()
        .any(|packet| packet.timestamp == of.timestamp && is_key(packet))
}

#[test]
fn the_old_layer_goes_on_until_the_new_ones_key_frame_comes() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(0));
    stage.run(10);
    stage.answers = false;
    stage.choose(key, Choice::Layer(2));
    stage.run(30);
    assert_eq!(stage.forwarder.current(key), Some(0));
    // Asked again every half second.
    assert_eq!(stage.requests, [0, 2, 2]);
    stage.publisher.layers[2].key_wanted = true;
    stage.run(5);
    let got = stage.taken(key);
    assert_one_stream(&got);
    assert_eq!(got.last().unwrap().payload.len(), 1_100);
}

#[test]
fn a_choice_that_is_taken_back_asks_for_nothing_more() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(0));
    stage.run(5);
    stage.answers = false;
    stage.choose(key, Choice::Layer(2));
    stage.choose(key, Choice::Layer(0));
    stage.run(60);
    assert_eq!(stage.requests, [0, 2]);
    assert_one_stream(&stage.taken(key));
}

#[test]
fn receivers_have_layers_and_numbers_of_their_own() {
    let mut stage = Stage::new();
    stage.run(2);
    let keys = [0, 1, 2].map(|layer| stage.receiver(Choice::Layer(layer)));
    stage.run(20);
    let nothing = stage.receiver(Choice::Nothing);
    stage.forwarder.remove_receiver(keys[1]);
    stage.run(20);
    for (key, size) in keys.into_iter().zip([200, 600, 1_100]) {
        let got = stage.taken(key);
        assert_one_stream(&got);
        assert!(got.iter().all(|packet| packet.payload.len() == size));
    }
    assert_eq!(stage.taken(nothing), []);
    assert_ne!(stage.forwarder.add_receiver(), keys[1]);
}

#[test]
fn a_higher_temporal_layer_is_left_out_and_nothing_is_missing() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(1));
    stage.run(10);
    stage.taken(key);
    stage.forwarder.limit_temporal(key, Some(0));
    stage.run(200);
    let got = stage.taken(key);
    assert_eq!(got.len() as u64, 100 * PACKETS);
    assert!(got.iter().all(|packet| numbers(packet).2 == 0));
    stage.forwarder.limit_temporal(key, None);
    stage.run(10);
    let mut all = got;
    all.extend(stage.taken(key));
    // As one stream, from its first key frame on.
    let steps = all.windows(2).map(|pair| {
        let numbers = [&pair[0], &pair[1]].map(|packet| packet.sequence_number.unwrap());
        (
            numbers[1].wrapping_sub(numbers[0]),
            self::numbers(&pair[1])
                .0
                .wrapping_sub(self::numbers(&pair[0]).0)
                & 0x7fff,
        )
    });
    assert!(steps.clone().all(|(number, _)| number == 1));
    assert!(steps.clone().all(|(_, picture)| picture <= 1));
    assert_eq!(all.last().map(|packet| numbers(packet).2), Some(0));
    assert!(
        all[all.len() - 10..]
            .iter()
            .any(|packet| numbers(packet).2 == 1)
    );
}

#[test]
fn a_receiver_gets_as_many_temporal_layers_as_its_path_carries() {
    // The lowest layer takes 144 kbit/s, and half of that without every second frame.
    let mut stage = Stage::new();
    stage.publisher.layers[1].on = false;
    stage.publisher.layers[2].on = false;
    let key = stage.receiver(Choice::Bitrate(1_000_000));
    stage.run(60);
    let mut all = stage.taken(key);
    for (bitrate, temporal, expected) in [
        (200_000, 1, 60),
        (120_000, 0, 30),
        // Nothing to spare.
        (145_000, 0, 30),
        (170_000, 1, 60),
        (10_000, 0, 30),
    ] {
        stage.choose(key, Choice::Bitrate(bitrate));
        stage.run(2);
        all.extend(stage.taken(key));
        stage.run(60);
        let got = stage.taken(key);
        assert_eq!(got.len() as u64 / PACKETS, expected, "{bitrate}");
        assert_eq!(stage.forwarder.current_temporal(key), Some(temporal));
        all.extend(got);
    }
    assert_one_stream(&all);
    assert!(stage.requests.is_empty(), "{:?}", stage.requests);
}

#[test]
fn what_is_lost_before_is_lost_behind_and_what_comes_late_finds_its_place() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(0));
    stage.run(2);
    let now = stage.publisher.now();
    let frame: Vec<RtpPacket> = stage
        .publisher
        .frame()
        .into_iter()
        .filter(|p| p.encoding == 0)
        .collect();
    for at in [0, 2] {
        stage.give(now, &frame[at]);
    }
    stage.run(1);
    stage.give(now, &frame[1]);
    let got = stage.taken(key);
    let numbers: Vec<u16> = got
        .iter()
        .map(|packet| packet.sequence_number.unwrap())
        .collect();
    let first = numbers[0];
    let places: Vec<u16> = numbers
        .iter()
        .map(|number| number.wrapping_sub(first))
        .collect();
    assert_eq!(places, [0, 1, 2, 3, 5, 6, 7, 8, 4]);
}

#[test]
fn what_comes_late_of_another_layer_is_not_forwarded() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(0));
    stage.run(5);
    let now = stage.publisher.now();
    let late: Vec<RtpPacket> = stage
        .publisher
        .frame()
        .into_iter()
        .filter(|p| p.encoding == 0)
        .collect();
    stage.choose(key, Choice::Layer(1));
    stage.run(5);
    stage.taken(key);
    for packet in &late {
        stage.give(now, packet);
    }
    assert_eq!(stage.taken(key), []);
}

#[test]
fn a_receiver_gets_the_best_layer_for_its_bitrate() {
    // 200, 600 and 1,100 bytes, 90 packets a second: 144, 432 and 792 kbit/s.
    let mut stage = Stage::new();
    stage.run(60);
    let key = stage.receiver(Choice::Bitrate(2_000_000));
    for (bitrate, layer) in [
        (2_000_000, 2),
        (500_000, 1),
        (460_000, 1),
        (100_000, 0),
        (200_000, 0),
        (900_000, 2),
    ] {
        stage.choose(key, Choice::Bitrate(bitrate));
        stage.run(5);
        assert_eq!(stage.forwarder.current(key), Some(layer), "{bitrate}");
    }
    assert_one_stream(&stage.taken(key));
}

#[test]
fn a_receiver_gets_another_layer_when_its_own_is_not_sent_any_more() {
    let mut stage = Stage::new();
    let key = stage.receiver(Choice::Bitrate(2_000_000));
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(2));
    stage.publisher.layers[2].on = false;
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(1));
    stage.publisher.layers[2].on = true;
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(2));
    assert_one_stream(&stage.taken(key));
}

#[test]
fn time_goes_on_through_a_pause_of_a_receiver() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(0));
    stage.run(5);
    stage.choose(key, Choice::Nothing);
    stage.run(30);
    stage.choose(key, Choice::Layer(1));
    stage.run(5);
    assert_one_stream(&stage.taken(key));
}

#[test]
fn a_receiver_that_lost_a_key_frame_has_the_publisher_asked_for_its_layer() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(1));
    stage.run(5);
    stage.requests.clear();
    stage.forwarder.key_frame_wanted(stage.publisher.now(), key);
    stage.run(1);
    assert_eq!(stage.requests, [1]);
}

#[test]
fn payloads_that_say_no_numbers_are_not_copied() {
    let mut forwarder = Forwarder::new(PayloadFormat::Opus, 48_000);
    let key = forwarder.add_receiver();
    forwarder.choose(Instant::ZERO, key, Choice::Layer(0));
    let mut packet = Publisher::new().layers[0].packet(0, Instant::ZERO, true, 0, 0);
    packet.sequence_number += 65_536;
    forwarder.handle_packet(Instant::ZERO, &packet);
    let (_, sent) = forwarder.poll_packet().unwrap();
    assert_eq!(sent.payload.as_ptr(), packet.payload.as_ptr());
}

#[test]
fn layers_beyond_all_bounds_and_payloads_of_no_sense_are_left_out() {
    let mut forwarder = Forwarder::new(PayloadFormat::Vp8, 90_000);
    let key = forwarder.add_receiver();
    let now = Instant::from_nanos(1);
    forwarder.choose(now, key, Choice::Layer(1_000_000));
    let mut packet = Publisher::new().layers[0].packet(1_000_000, now, true, 0, 0);
    forwarder.handle_packet(now, &packet);
    forwarder.choose(now, key, Choice::Layer(0));
    packet.encoding = 0;
    packet.payload = vec![0x80].into();
    forwarder.handle_packet(now + Duration::from_secs(1), &packet);
    assert!(forwarder.poll_packet().is_none());
}

#[test]
fn another_codec_begins_with_its_key_frame_and_numbers_and_time_go_on() {
    let mut stage = Stage::new();
    stage.run(1);
    let key = stage.receiver(Choice::Layer(1));
    stage.run(30);
    let before = stage.taken(key);
    let last = before.last().expect("VP8 is forwarded");

    stage
        .forwarder
        .set_format(PayloadFormat::H264 { fragments: true }, 90_000);
    assert_eq!(stage.forwarder.current(key), None);
    let now = stage.publisher.now();
    for mut packet in stage.publisher.frame() {
        // A slice of an IDR picture (H.264 §7.4.1).
        packet.payload = vec![0x65; 100].into();
        stage.give(now, &packet);
    }
    let after = stage.taken(key);

    assert_eq!(stage.forwarder.current(key), Some(1));
    let first = after.first().expect("the other codec is");
    let number = last.sequence_number.map(|number| number.wrapping_add(1));
    assert_eq!(first.sequence_number, number);
    assert_eq!(first.timestamp.wrapping_sub(last.timestamp), 3_000);
}

/// A packet of VP9 that is all of a spatial layer of a picture (RFC 9628 §4.2, flexible mode).
fn vp9(number: u64, picture: u16, layer: u8, key: bool) -> RtpPacket {
    let flags = if key { 0xbc } else { 0xfc };
    let [high, low] = picture.to_be_bytes();
    // T, U, S, D: a higher layer needs the one below it.
    let mut payload = vec![flags, 0x80 | high, low, layer << 1 | u8::from(layer > 0)];
    if !key {
        payload.push(1 << 1);
    }
    payload.extend([7; 50]);
    RtpPacket {
        sequence_number: number,
        timestamp: u32::from(picture) * 3_000,
        marker: layer == 2,
        payload: payload.into(),
        ..RtpPacket::for_tests()
    }
}

/// A publisher of one stream of VP9 in spatial layers, 30 pictures a second, and what one receiver got of
/// it.
struct SpatialStage {
    forwarder: Forwarder,
    receiver: ReceiverKey,
    pictures: u16,
    number: u64,
    /// Bytes of each layer of a picture.
    sizes: Vec<usize>,
    /// The next picture needs no other.
    key: bool,
    requests: usize,
    got: Vec<(u16, RtpPacketInit)>,
}

impl SpatialStage {
    /// 48, 144 and 432 kbit/s: 48, 192 and 624 with those below.
    fn new() -> Self {
        let mut forwarder = Forwarder::new(PayloadFormat::Vp9, 90_000);
        SpatialStage {
            receiver: forwarder.add_receiver(),
            forwarder,
            pictures: 0,
            number: 1_000,
            sizes: vec![200, 600, 1_800],
            key: true,
            requests: 0,
            got: Vec::new(),
        }
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(5_000_000_000 + u64::from(self.pictures) * 1_000_000_000 / 30)
    }

    fn choose(&mut self, bitrate: u64) {
        let choice = Choice::Bitrate(bitrate);
        self.forwarder.choose(self.now(), self.receiver, choice);
    }

    /// The packets of the next picture.
    fn picture(&mut self) -> Vec<RtpPacket> {
        let (now, key) = (self.now(), std::mem::take(&mut self.key));
        self.pictures += 1;
        let layers = self.sizes.iter().zip(0..);
        let packets = layers.map(|(size, layer)| {
            self.number += 1;
            let mut packet = vp9(self.number, self.pictures, layer, key);
            let mut payload = packet.payload.to_vec();
            payload.resize(*size, 7);
            packet.payload = payload.into();
            packet.marker = usize::from(layer) + 1 == self.sizes.len();
            packet.received = now;
            packet
        });
        packets.collect()
    }

    fn give(&mut self, packet: &RtpPacket) {
        self.forwarder.handle_packet(packet.received, packet);
        while let Some((_, sent)) = self.forwarder.poll_packet() {
            self.got.push((self.pictures, sent));
        }
        while self.forwarder.poll_key_frame_request().is_some() {
            self.requests += 1;
            self.key = true;
        }
    }

    fn run(&mut self, pictures: usize) {
        for _ in 0..pictures {
            for packet in self.picture() {
                self.give(&packet);
            }
        }
    }

    /// How many layers of the latest picture the receiver got.
    fn latest(&self) -> usize {
        let latest = self.got.iter().rev();
        latest.take_while(|(of, _)| *of == self.pictures).count()
    }

    /// Nothing is missing in what the receiver got, and each picture ends with its only marker.
    fn assert_one_stream(&self) {
        for pair in self.got.windows(2) {
            let numbers = [&pair[0], &pair[1]].map(|(_, sent)| sent.sequence_number.unwrap());
            assert_eq!(numbers[1].wrapping_sub(numbers[0]), 1);
            let ends = pair[0].0 != pair[1].0;
            assert_eq!(pair[0].1.marker, ends, "in picture {}", pair[0].0);
        }
    }
}

#[test]
fn a_receiver_gets_as_many_spatial_layers_as_its_path_carries() {
    let mut stage = SpatialStage::new();
    stage.choose(10_000_000);
    stage.run(60);
    assert_eq!((stage.latest(), stage.requests), (3, 0));

    // Lower ones at once.
    for (bitrate, layers) in [(630_000, 3), (600_000, 2), (100_000, 1), (10_000, 1)] {
        stage.choose(bitrate);
        stage.run(1);
        assert_eq!(stage.latest(), layers, "{bitrate}");
    }
    // None that has nothing to spare, and a higher one with the picture that it needs.
    stage.choose(200_000);
    stage.run(1);
    assert_eq!((stage.latest(), stage.requests), (1, 0));
    stage.choose(220_000);
    stage.run(1);
    assert_eq!((stage.latest(), stage.requests), (1, 1));
    stage.run(1);
    assert_eq!((stage.latest(), stage.requests), (2, 1));
    let current = stage.forwarder.current_spatial(stage.receiver);
    assert_eq!(current, Some(1));
    stage.choose(10_000_000);
    stage.run(30);
    assert_eq!((stage.latest(), stage.requests), (3, 2));
    stage.assert_one_stream();
}

#[test]
fn a_spatial_layer_that_is_not_sent_any_more_is_not_asked_for() {
    let mut stage = SpatialStage::new();
    stage.choose(10_000_000);
    stage.run(60);
    stage.sizes.truncate(1);
    stage.run(120);
    assert_eq!((stage.latest(), stage.requests), (1, 0));
    stage.assert_one_stream();
    // When it is back it is known after a while how much it takes.
    stage.sizes.extend([600, 1_800]);
    stage.key = true;
    stage.run(1);
    assert_eq!((stage.latest(), stage.requests), (1, 0));
    stage.run(60);
    assert_eq!((stage.latest(), stage.requests), (3, 1));
    stage.assert_one_stream();
}

#[test]
fn the_application_bounds_the_spatial_layers_that_the_estimate_may_choose() {
    let mut stage = SpatialStage::new();
    stage.choose(10_000_000);
    stage.run(60);
    stage.forwarder.limit_spatial(stage.receiver, Some(1));
    stage.run(60);
    assert_eq!((stage.latest(), stage.requests), (2, 0));
    stage.forwarder.limit_spatial(stage.receiver, None);
    stage.run(60);
    assert_eq!((stage.latest(), stage.requests), (3, 1));
}

/// The same without need of another picture: of the one below it alone, of a higher layer.
fn without_prediction(mut packet: RtpPacket) -> RtpPacket {
    let mut payload = packet.payload.to_vec();
    payload[0] &= !0x40;
    payload.remove(4);
    packet.payload = payload.into();
    packet
}

#[test]
fn a_higher_layer_alone_that_needs_no_other_picture_is_no_key_frame() {
    let mut stage = SpatialStage::new();
    stage.key = false;
    stage.choose(10_000_000);
    let mut packets = stage.picture();
    packets[2] = without_prediction(packets[2].clone());
    for packet in &packets {
        stage.give(packet);
    }
    assert_eq!((stage.latest(), stage.requests), (0, 1));
}

#[test]
fn a_layer_whose_beginning_comes_late_waits_for_the_next_one() {
    let mut stage = SpatialStage::new();
    stage.choose(10_000_000);
    stage.run(60);
    stage.choose(200_000);
    stage.run(1);
    stage.choose(10_000_000);
    stage.key = true;
    let packets = stage.picture();
    for at in [0, 1] {
        stage.give(&packets[at]);
    }
    // The publisher was asked, too, and answers later.
    stage.key = false;
    let next = stage.picture();
    for packet in [&next[0], &packets[2], &next[1], &next[2]] {
        stage.give(packet);
    }
    assert_eq!(stage.latest(), 2);
    assert_eq!(stage.forwarder.current_spatial(stage.receiver), Some(1));
    stage.key = true;
    stage.run(1);
    assert_eq!(stage.latest(), 3);
}

#[test]
fn what_the_publisher_says_of_its_layers_counts_before_anything_is_measured() {
    use duologue_rtp::ext::{AllocatedLayer, LayersAllocation};

    let mut stage = Stage::new();
    let mut told = Vec::new();
    let layers = [150, 500, 2_000].into_iter().zip(0..);
    let layers = layers.map(|(kbps, at)| AllocatedLayer::new(at, 0, &[kbps], None).unwrap());
    let allocation = LayersAllocation {
        stream: 0,
        streams: 3,
        layers: layers.collect(),
    };
    assert!(allocation.write(&mut told));
    let key = stage.receiver(Choice::Bitrate(1_000_000));
    let now = stage.publisher.now();
    for mut packet in stage.publisher.frame() {
        if packet.encoding == 0 {
            packet.layers_allocation = told.clone().into();
        }
        stage.give(now, &packet);
    }
    stage.run(5);
    assert_eq!(stage.forwarder.current(key), Some(1));
    // What is measured, 792 kbit/s, is less than the 2,000 that it may have.
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(2));
}

#[test]
fn spatial_layers_are_left_out_at_once_and_come_back_with_a_key_picture() {
    let mut forwarder = Forwarder::new(PayloadFormat::Vp9, 90_000);
    let receiver = forwarder.add_receiver();
    forwarder.choose(Instant::ZERO, receiver, Choice::Layer(0));
    let mut number = 100;
    // Which layers of each picture come, and where the marker is.
    let mut came = Vec::new();
    for picture in 0..5 {
        match picture {
            1 => forwarder.limit_spatial(receiver, Some(1)),
            3 => forwarder.limit_spatial(receiver, None),
            _ => {}
        }
        let mut of_picture = Vec::new();
        for layer in 0..3 {
            let packet = vp9(number, picture, layer, picture % 4 == 0);
            number += 1;
            forwarder.handle_packet(Instant::ZERO, &packet);
            while let Some((_, sent)) = forwarder.poll_packet() {
                of_picture.push((sent.sequence_number.unwrap(), sent.marker));
            }
        }
        came.push(of_picture);
    }
    let mut numbers = came.iter().flatten().map(|(number, _)| *number);
    let first = numbers.next().unwrap();
    assert!(numbers.eq(first + 1..first + 12), "nothing is missing");
    let markers: Vec<Vec<bool>> = came
        .iter()
        .map(|packets| packets.iter().map(|(_, marker)| *marker).collect())
        .collect();
    let all = vec![false, false, true];
    let two = vec![false, true];
    assert_eq!(markers, [all.clone(), two.clone(), two.clone(), two, all]);
}

/// H.264 without layers in its payload, and what its descriptor says.
fn described(number: u64, frame: u16, descriptor: &[u8], key: bool) -> RtpPacket {
    let nal: &[u8] = if key { &[0x65, 1, 2] } else { &[0x41, 1, 2] };
    let mut packet = vp9(number, 0, 2, key);
    packet.timestamp = u32::from(frame) * 3_000;
    packet.payload = nal.to_vec().into();
    packet.dependency_descriptor = descriptor.to_vec().into();
    packet
}

#[test]
fn dependency_descriptors_say_the_layers_of_codecs_that_do_not() {
    use duologue_rtp::ext::{
        DependencyReader, DependencyStructure, DescriptorToSend, FrameDependencies, Indication,
    };

    let both = [Indication::Switch; 2];
    let upper = [Indication::NotPresent, Indication::Discardable];
    let template = |temporal, indications: &[Indication], diffs: &[u16]| {
        FrameDependencies::new(0, temporal, indications, diffs, &[]).unwrap()
    };
    let structure = DependencyStructure {
        template_id_offset: 0,
        decode_targets: 2,
        templates: vec![
            template(0, &both, &[]),
            template(0, &both, &[2]),
            template(1, &upper, &[1]),
        ],
        chains: 0,
        protected_by: Vec::new(),
        resolutions: Vec::new(),
    };
    let mut forwarder = Forwarder::new(PayloadFormat::H264 { fragments: true }, 90_000);
    let receiver = forwarder.add_receiver();
    forwarder.choose(Instant::ZERO, receiver, Choice::Layer(0));
    forwarder.limit_temporal(receiver, Some(0));
    let mut reader = DependencyReader::default();
    let mut came = Vec::new();
    for frame in 0..6_u16 {
        let key = frame == 0;
        let dependencies = match (key, frame % 2) {
            (true, _) => &structure.templates[0],
            (_, 0) => &structure.templates[1],
            _ => &structure.templates[2],
        };
        let mut descriptor = Vec::new();
        let written = structure.write(
            &DescriptorToSend {
                start_of_frame: true,
                end_of_frame: true,
                frame_number: 0xfffe_u16.wrapping_add(frame),
                dependencies,
                active_decode_targets: None,
                attach_structure: key,
            },
            &mut descriptor,
        );
        assert!(written);
        let packet = described(100 + u64::from(frame), frame, &descriptor, key);
        forwarder.handle_packet(Instant::ZERO, &packet);
        while let Some((_, sent)) = forwarder.poll_packet() {
            let said = reader.read(&sent.dependency_descriptor).unwrap();
            came.push((sent.sequence_number.unwrap(), said.frame));
        }
    }
    // Every second frame, whose numbers keep their distance.
    let [first, second, third] = came[..] else {
        panic!("{came:?}");
    };
    assert_eq!([second.0 - first.0, third.0 - second.0], [1, 1]);
    assert_eq!([second.1 - first.1, third.1 - second.1], [2, 2]);
}

/// A packet of AV1 that is all of a layer's frame (its payload format, §4.4: W is 1, and N with a key frame),
/// without a layer but in its descriptor.
fn av1(picture: u16, layer: u8, key: bool, descriptor: Vec<u8>) -> RtpPacket {
    // OBU_FRAME, show_existing_frame, frame_type, show_frame (AV1 specification §5.9.2).
    let mut payload = match key && layer == 0 {
        true => vec![0x18, 0x30, 0x10],
        false => vec![0x10, 0x30, 0x30],
    };
    payload.resize([200, 600][usize::from(layer)], 7);
    RtpPacket {
        sequence_number: 100 + 2 * u64::from(picture) + u64::from(layer),
        timestamp: u32::from(picture) * 3_000,
        marker: layer == 1,
        received: Instant::from_nanos(u64::from(picture) * 1_000_000_000 / 30),
        dependency_descriptor: descriptor.into(),
        payload: payload.into(),
        ..RtpPacket::for_tests()
    }
}

#[test]
fn spatial_layers_that_descriptors_tell_of_are_chosen_by_the_estimate() {
    use duologue_rtp::ext::{DependencyStructure, DescriptorToSend, FrameDependencies, Indication};

    let template = |spatial, indications: [Indication; 2], diffs: &[u16]| {
        FrameDependencies::new(spatial, 0, &indications, diffs, &[]).unwrap()
    };
    let both = [Indication::Switch, Indication::Required];
    let upper = [Indication::NotPresent, Indication::Switch];
    // L2T1: a key frame's picture, and those after it.
    let templates = vec![
        template(0, [Indication::Switch; 2], &[]),
        template(0, both, &[2]),
        template(1, upper, &[1]),
        template(1, upper, &[2, 1]),
    ];
    let structure = DependencyStructure {
        template_id_offset: 0,
        decode_targets: 2,
        templates,
        chains: 0,
        protected_by: Vec::new(),
        resolutions: Vec::new(),
    };
    let mut forwarder = Forwarder::new(PayloadFormat::Av1, 90_000);
    let receiver = forwarder.add_receiver();
    forwarder.choose(Instant::ZERO, receiver, Choice::Bitrate(150_000));

    let (mut came, mut key, mut requests) = (Vec::new(), true, 0);
    for picture in 0..120_u16 {
        let of_key = std::mem::take(&mut key);
        for layer in 0..2_u8 {
            let mut descriptor = Vec::new();
            let template = 2 * usize::from(layer) + usize::from(!of_key);
            let written = structure.write(
                &DescriptorToSend {
                    start_of_frame: true,
                    end_of_frame: true,
                    frame_number: 2 * picture + u16::from(layer),
                    dependencies: &structure.templates[template],
                    active_decode_targets: None,
                    attach_structure: of_key && layer == 0,
                },
                &mut descriptor,
            );
            assert!(written);
            let packet = av1(picture, layer, of_key, descriptor);
            if picture == 60 && layer == 0 {
                // 48 kbit/s, and 144 more.
                let choice = Choice::Bitrate(250_000);
                forwarder.choose(packet.received, receiver, choice);
            }
            forwarder.handle_packet(packet.received, &packet);
            while let Some((_, sent)) = forwarder.poll_packet() {
                came.push((picture, sent.marker));
            }
            while forwarder.poll_key_frame_request().is_some() {
                requests += 1;
                key = true;
            }
        }
    }
    let layers = |of: u16| came.iter().filter(|(picture, _)| *picture == of).count();
    // Nothing is known of rates at first.
    assert_eq!([0, 30, 59, 60, 61, 119].map(layers), [2, 1, 1, 1, 2, 2]);
    assert_eq!(requests, 1);
    let markers = came.iter().filter(|(_, marker)| *marker).count();
    assert_eq!(markers, 120, "each picture has one");
}

/// A publisher of one stream in temporal layers, 30 frames a second of 500 bytes each, and what one
/// receiver got of it.
struct TemporalStage {
    forwarder: Forwarder,
    receiver: ReceiverKey,
    /// The layers of its frames, again and again from each key frame on.
    pattern: &'static [u8],
    /// A frame's payload and descriptor by its number, its place since the last key frame and its layer.
    make: Box<dyn FnMut(u16, usize, u8) -> RtpPacket>,
    frames: u16,
    since_key: usize,
    key: bool,
    requests: usize,
    got: Vec<u16>,
}

const L1T3: &[u8] = &[0, 2, 1, 2];

impl TemporalStage {
    fn new(format: PayloadFormat, make: impl FnMut(u16, usize, u8) -> RtpPacket + 'static) -> Self {
        let mut forwarder = Forwarder::new(format, 90_000);
        TemporalStage {
            receiver: forwarder.add_receiver(),
            forwarder,
            pattern: L1T3,
            make: Box::new(make),
            frames: 0,
            since_key: 0,
            key: true,
            requests: 0,
            got: Vec::new(),
        }
    }

    /// H.265, which says in packets which layer a frame is of, and not what it needs.
    fn h265() -> Self {
        // TRAIL_R (H.265 table 7-1).
        Self::h265_of([1, 1, 1])
    }

    /// The same whose units are of this type in each layer.
    fn h265_of(kinds: [u8; 3]) -> Self {
        let format = PayloadFormat::H265 { numbered: false };
        Self::new(format, move |_, since_key, temporal| {
            // The key frame is IDR_W_RADL.
            let kind = match since_key {
                0 => 19,
                _ => kinds[usize::from(temporal)],
            };
            let mut payload = vec![kind << 1, temporal + 1];
            payload.resize(500, 7);
            RtpPacket {
                payload: payload.into(),
                ..RtpPacket::for_tests()
            }
        })
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(5_000_000_000 + u64::from(self.frames) * 1_000_000_000 / 30)
    }

    fn choose(&mut self, bitrate: u64) {
        let choice = Choice::Bitrate(bitrate);
        self.forwarder.choose(self.now(), self.receiver, choice);
    }

    fn frame(&mut self) -> RtpPacket {
        if std::mem::take(&mut self.key) {
            self.since_key = 0;
        }
        let received = self.now();
        let temporal = self.pattern[self.since_key % self.pattern.len()];
        let packet = (self.make)(self.frames, self.since_key, temporal);
        let number = self.frames;
        self.frames += 1;
        self.since_key += 1;
        RtpPacket {
            sequence_number: 100 + u64::from(number),
            timestamp: u32::from(number) * 3_000,
            marker: true,
            received,
            ..packet
        }
    }

    fn give(&mut self, packet: &RtpPacket) {
        self.forwarder.handle_packet(self.now(), packet);
        while self.forwarder.poll_packet().is_some() {
            self.got.push((packet.timestamp / 3_000) as u16);
        }
        while self.forwarder.poll_key_frame_request().is_some() {
            self.requests += 1;
            self.key = true;
        }
    }

    /// How many of the next frames the receiver gets.
    fn run(&mut self, frames: usize) -> usize {
        let before = self.got.len();
        for _ in 0..frames {
            let packet = self.frame();
            self.give(&packet);
        }
        self.got.len() - before
    }
}

#[test]
fn a_receiver_gets_temporal_layers_back_of_a_format_that_does_not_say_where_with_a_key_frame() {
    let mut stage = TemporalStage::h265();
    stage.choose(1_000_000);
    assert_eq!(stage.run(60), 60);
    // The lowest layer takes 30 kbit/s.
    stage.choose(40_000);
    assert_eq!((stage.run(60), stage.requests), (15, 0));

    // The first frame of a higher layer has the publisher asked, and the next one is a key frame.
    stage.choose(1_000_000);
    assert_eq!((stage.run(2), stage.requests), (1, 1));
    assert_eq!((stage.run(60), stage.requests), (60, 1));

    // So does one that somebody else asked for.
    stage.choose(40_000);
    stage.run(60);
    stage.choose(1_000_000);
    stage.key = true;
    assert_eq!((stage.run(60), stage.requests), (60, 1));
}

#[test]
fn a_receiver_gets_temporal_layers_of_h265_back_where_its_pictures_say_that_it_may() {
    // H.265 table 7-1.
    let [trail, tsa_n, tsa, stsa_n, stsa] = [1, 2, 3, 4, 5];
    for (kinds, later, requests) in [
        // Each picture of a higher layer, or the first one above the lowest: the next one lets go up.
        ([trail, tsa, tsa_n], 119, 0),
        ([trail, tsa, trail], 119, 0),
        ([trail, stsa, stsa_n], 119, 0),
        // The middle layer comes at once, the highest with the key frame that is asked for after three seconds.
        ([trail, stsa, trail], 119 - 45, 1),
    ] {
        let mut stage = TemporalStage::h265_of(kinds);
        stage.choose(1_000_000);
        assert_eq!(stage.run(60), 60);
        stage.choose(40_000);
        assert_eq!((stage.run(60), stage.requests), (15, 0));
        stage.choose(1_000_000);
        let got = stage.run(120);
        assert!(got.abs_diff(later) <= 2, "{kinds:?}: {got}");
        assert_eq!(stage.requests, requests, "{kinds:?}");
        assert_eq!(stage.run(60), 60, "{kinds:?}");
    }
}

#[test]
fn a_key_frame_that_comes_behind_what_was_left_out_gives_no_temporal_layers_back() {
    let mut stage = TemporalStage::h265();
    stage.choose(1_000_000);
    stage.run(60);
    stage.choose(40_000);
    stage.run(60);
    stage.key = true;
    let late = stage.frame();
    stage.run(3);
    stage.choose(1_000_000);
    stage.give(&late);
    // It is given on itself, and those of higher layers wait for the next one, of which it has asked.
    assert_eq!((stage.run(2), stage.requests), (1, 1));
    assert_eq!((stage.run(60), stage.requests), (60, 1));
}

#[test]
fn where_no_frame_lets_a_receiver_go_up_for_long_a_key_frame_is_asked_for() {
    let mut stage = TemporalStage::new(PayloadFormat::Vp8, |number, since_key, temporal| {
        let mut publisher = Publisher::new();
        let layer = &mut publisher.layers[0];
        layer.picture = number;
        let mut packet = layer.packet(0, Instant::ZERO, since_key == 0, temporal, 0);
        let mut payload = packet.payload.to_vec();
        // RFC 7741 §4.2, Y.
        payload[5] &= !0x20;
        payload.resize(500, 7);
        packet.payload = payload.into();
        packet
    });
    stage.choose(1_000_000);
    stage.run(60);
    stage.choose(40_000);
    stage.run(60);
    stage.choose(1_000_000);
    assert_eq!((stage.run(88), stage.requests), (22, 0));
    assert_eq!((stage.run(12), stage.requests), (10, 1));
}

#[test]
fn temporal_layers_that_were_not_sent_for_a_while_are_not_left_out_when_they_are_again() {
    let mut stage = TemporalStage::h265();
    stage.choose(1_000_000);
    stage.run(60);
    for _ in 0..2 {
        // For longer than rates are measured, and at first in a stream that never had others.
        stage.pattern = &[0];
        stage.run(45);
        stage.pattern = L1T3;
        assert_eq!((stage.run(30), stage.requests), (30, 0));
    }
    let current = stage.forwarder.current_temporal(stage.receiver);
    assert_eq!(current, Some(2));
}

#[test]
fn what_is_chosen_of_a_layer_is_of_no_consequence_before_it_comes() {
    // 144 kbit/s and 432, and half of each without every second frame.
    let mut stage = Stage::new();
    stage.publisher.layers[2].on = false;
    let key = stage.receiver(Choice::Bitrate(150_000));
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(0));
    let mut all = stage.taken(key);

    stage.answers = false;
    stage.choose(key, Choice::Bitrate(300_000));
    stage.run(30);
    assert_eq!(stage.forwarder.current(key), Some(0));
    let got = stage.taken(key);
    assert_eq!(got.len() as u64, 30 * PACKETS, "nothing is left out");
    all.extend(got);

    stage.publisher.layers[1].key_wanted = true;
    stage.run(2);
    all.extend(stage.taken(key));
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(1));
    let got = stage.taken(key);
    assert_eq!(got.len() as u64, 30 * PACKETS, "half of the pictures");
    all.extend(got);

    // All of the lower one, until whose key frame comes no more of the higher one than there is room for.
    stage.choose(key, Choice::Bitrate(1_000_000));
    stage.run(10);
    all.extend(stage.taken(key));
    stage.choose(key, Choice::Bitrate(160_000));
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(1));
    let got = stage.taken(key);
    assert_eq!(got.len() as u64, 30 * PACKETS, "no more than fits");
    all.extend(got);
    stage.publisher.layers[0].key_wanted = true;
    stage.run(2);
    all.extend(stage.taken(key));
    stage.run(60);
    assert_eq!(stage.forwarder.current(key), Some(0));
    let got = stage.taken(key);
    assert_eq!(got.len() as u64, 60 * PACKETS);
    all.extend(got);
    assert_one_stream(&all);
}

#[test]
fn a_frame_that_can_be_decoded_takes_none_with_it_that_cannot() {
    use duologue_rtp::ext::{DependencyStructure, DescriptorToSend, FrameDependencies, Indication};

    let template = |temporal, diffs: &[u16]| {
        FrameDependencies::new(0, temporal, &[Indication::Required], diffs, &[]).unwrap()
    };
    // By their place since a key frame: the highest layer needs the lowest alone, the one between the
    // one before it, too.
    let templates = vec![
        template(0, &[]),
        template(0, &[4]),
        template(1, &[2]),
        template(1, &[2, 4]),
        template(2, &[1]),
        template(2, &[3]),
    ];
    let of_place = |place: usize| match (place, place % 4) {
        (0, _) => 0,
        (_, 0) => 1,
        (2, _) => 2,
        (_, 2) => 3,
        (_, 1) => 4,
        _ => 5,
    };
    let structure = DependencyStructure {
        template_id_offset: 0,
        decode_targets: 1,
        templates: templates.clone(),
        chains: 0,
        protected_by: Vec::new(),
        resolutions: Vec::new(),
    };
    let places = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let noted = places.clone();
    let format = PayloadFormat::H264 { fragments: true };
    let mut stage = TemporalStage::new(format, move |number, place, _| {
        noted.borrow_mut().push(place);
        let mut descriptor = Vec::new();
        let to_send = DescriptorToSend {
            start_of_frame: true,
            end_of_frame: true,
            frame_number: number,
            dependencies: &structure.templates[of_place(place)],
            active_decode_targets: None,
            attach_structure: place == 0,
        };
        assert!(structure.write(&to_send, &mut descriptor));
        described(0, number, &descriptor, place == 0)
    });
    let choice = Choice::Layer(0);
    stage
        .forwarder
        .choose(Instant::ZERO, stage.receiver, choice);
    stage.run(22);
    stage.requests = 0;
    stage.forwarder.limit_temporal(stage.receiver, Some(0));
    stage.run(33);
    stage.forwarder.limit_temporal(stage.receiver, None);
    stage.run(150);
    for frame in &stage.got {
        let place = places.borrow()[usize::from(*frame)];
        for diff in templates[of_place(place)].frame_diffs() {
            assert!(stage.got.contains(&(frame - diff)), "{frame} needs {diff}");
        }
    }
    // What lets the receiver go up is a key frame.
    assert_eq!((stage.run(40), stage.requests), (40, 1));
}
