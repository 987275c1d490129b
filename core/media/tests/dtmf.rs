//! Telephone keys among audio: what arrives at the other end, when, and what it says.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{ID, at, payload_type};
use duologue_base::{Rng, WallClock};
use duologue_media::{
    EncodedFrameInit, MediaItem, MediaTransport, Outlet, RtpPacket, SendEncoding, Tone,
};
use duologue_rtp::{
    Codec, CodecParameters, MediaKind, ReceivePlan, RtpParameters, SendPlan, SendStream,
    SourceParameters, Ssrc, TelephoneEvent,
};

const OPUS: u8 = 111;
const EVENT: u8 = 110;
const SLOW_EVENT: u8 = 126;

/// What one end heard of another that plays 20 ms of Opus every 20 ms.
struct Line {
    now: u64,
    near: MediaTransport,
    far: MediaTransport,
    heard: Vec<(u64, RtpPacket)>,
}

impl Line {
    fn new(events: &[(u8, u32)]) -> Self {
        let codec = |number, name: &str, rate| {
            CodecParameters::new(
                payload_type(number),
                Codec::new(MediaKind::Audio, name, rate),
            )
        };
        let mut codecs = vec![codec(OPUS, "opus", 48_000)];
        let events = events.iter();
        codecs.extend(events.map(|&(number, rate)| codec(number, "telephone-event", rate)));
        let parameters = RtpParameters {
            codecs,
            ..Default::default()
        };
        let streams = vec![SendStream {
            rid: None,
            source: SourceParameters::new(Ssrc(1)),
        }];
        let (mid, kind) = ("a".parse().expect("a mid"), MediaKind::Audio);
        let send = SendPlan {
            mid,
            kind,
            parameters,
            streams,
        };
        let receive = ReceivePlan {
            mid: send.mid.clone(),
            kind,
            parameters: send.parameters.clone(),
            rids: Vec::new(),
            sources: Vec::new(),
            sent_formats: Vec::new(),
        };
        let origin = WallClock::from_unix_millis(1_795_000_000_000).into();
        let mut near = MediaTransport::new(origin, Rng::from_u64(1));
        let mut far = MediaTransport::new(origin, Rng::from_u64(2));
        near.set_send(at(0), ID, Arc::new(send));
        far.set_receive(at(0), ID, Arc::new(receive), Outlet::Packets);
        Line {
            now: 0,
            near,
            far,
            heard: Vec::new(),
        }
    }

    fn play(&mut self, event: u8, ms: u64) {
        let duration = Duration::from_millis(ms);
        self.near
            .play_tone(at(self.now), ID, Tone { event, duration });
    }

    /// Goes on, with sound or without.
    fn run(&mut self, ms: u64, sound: bool) {
        for _ in 0..ms {
            let now = at(self.now);
            if sound && self.now.is_multiple_of(20) {
                let frame = EncodedFrameInit {
                    timestamp: (self.now * 48) as u32,
                    data: Bytes::from_static(b"\xf8sound"),
                    ..Default::default()
                };
                self.near.send_frames(now, ID, vec![frame]);
            }
            if self.near.poll_timeout().is_some_and(|due| due <= now) {
                self.near.handle_timeout(now);
            }
            let mut out = Vec::new();
            while self.near.poll_rtp(now, 1_200, &mut out).is_some() {
                let packet = std::mem::take(&mut out);
                let number = u64::from(u16::from_be_bytes([packet[2], packet[3]]));
                self.far.handle_rtp(now, now, number, &packet);
            }
            while let Some(item) = self.far.poll_item() {
                if let MediaItem::Packet(_, packet) = item {
                    self.heard.push((self.now, packet));
                }
            }
            self.now += 1;
        }
    }

    /// When, and what.
    fn events(&self) -> Vec<(u64, &RtpPacket, TelephoneEvent)> {
        let heard = self.heard.iter();
        let events = heard.filter(|(_, packet)| packet.payload_type != payload_type(OPUS));
        events
            .map(|(at, packet)| {
                let event = TelephoneEvent::parse(&packet.payload).expect("a report");
                (*at, packet, event)
            })
            .collect()
    }
}

#[test]
fn a_tone_is_reported_of_every_20_ms_and_its_end_three_times() {
    let mut line = Line::new(&[(EVENT, 48_000), (SLOW_EVENT, 8_000)]);
    line.run(60, true);
    line.play(5, 100);
    line.run(200, true);

    let events = line.events();
    let told: Vec<(u64, bool, u16)> = events
        .iter()
        .map(|(at, _, event)| (at - 60, event.end, event.duration))
        .collect();
    let end = |at| (at, true, 4_800);
    assert_eq!(
        told,
        [
            (20, false, 960),
            (40, false, 1_920),
            (60, false, 2_880),
            (80, false, 3_840),
            end(100),
            end(120),
            end(140),
        ]
    );
    for (n, (_, packet, event)) in events.iter().enumerate() {
        assert_eq!(packet.payload_type, payload_type(EVENT), "of Opus' clock");
        assert_eq!(packet.timestamp, 60 * 48, "that of its start");
        assert_eq!(packet.marker, n == 0);
        assert_eq!((event.event, event.volume), (5, 10));
    }
}

#[test]
fn a_tone_is_in_the_place_of_audio_which_then_goes_on() {
    let mut line = Line::new(&[(EVENT, 48_000)]);
    line.run(60, true);
    line.play(5, 100);
    line.run(200, true);

    let numbers: Vec<u64> = line
        .heard
        .iter()
        .map(|(_, it)| it.sequence_number)
        .collect();
    assert!(
        numbers.windows(2).all(|two| two[1] == two[0] + 1),
        "one stream"
    );
    let audio = line.heard.iter();
    let audio = audio.filter(|(_, packet)| packet.payload_type == payload_type(OPUS));
    let audio: Vec<(u64, u32)> = audio.map(|(at, packet)| (*at, packet.timestamp)).collect();
    let times = [0, 20, 40, 160, 180, 200, 220, 240];
    assert_eq!(audio, times.map(|ms| (ms, ms as u32 * 48)));
    assert_eq!(line.near.counters().unsendable, 5);
    assert_eq!(line.near.poll_timeout(), None);
}

#[test]
fn beside_opus_an_event_of_8_khz_lasts_as_long_by_its_own_clock() {
    let mut line = Line::new(&[(SLOW_EVENT, 8_000)]);
    line.run(60, true);
    line.play(11, 500);
    line.run(600, true);

    let events = line.events();
    assert_eq!(events.len(), 24 + 3);
    let (at, packet, last) = events.last().expect("there are some");
    assert_eq!((at - 60, last.end, last.duration), (540, true, 4_000));
    assert_eq!((last.tone(), packet.timestamp), (Some('#'), 60 * 48));
}

#[test]
fn the_end_of_a_tone_is_told_three_times_though_the_next_one_begins() {
    let mut line = Line::new(&[(EVENT, 48_000)]);
    for event in [1, 2, 3] {
        line.play(event, 40);
        line.run(70, false);
    }
    line.run(100, false);

    let events = line.events();
    for event in [1, 2, 3] {
        let mut ends = events
            .iter()
            .filter(|(_, _, it)| it.event == event && it.end);
        assert_eq!(ends.clone().count(), 3, "{event}");
        let first = events.iter().find(|(_, _, it)| it.event == event);
        let (at, packet, _) = first.expect("it was played");
        assert!(packet.marker);
        assert_eq!(*at, (u64::from(event) - 1) * 70 + 20);
        assert_eq!(packet.timestamp, (at - 20) as u32 * 48);
        assert!(ends.next_back().expect("three").0 <= u64::from(event) * 70 + 10);
    }
}

#[test]
fn a_tone_of_six_seconds_is_told_in_segments_that_follow_each_other() {
    let mut line = Line::new(&[(EVENT, 48_000)]);
    line.play(9, 10_000);
    line.run(7_000, false);

    let events = line.events();
    // RFC 4733 §2.5.1.3
    let mut expected = 0;
    for segment in 0..5 {
        let of_it = events
            .iter()
            .filter(|(_, packet, _)| packet.timestamp == expected);
        let longest = of_it.clone().map(|(_, _, event)| event.duration).max();
        let longest = longest.expect("it is told of");
        let last: Vec<_> = of_it
            .filter(|(_, _, event)| event.duration == longest)
            .collect();
        assert_eq!(last.len(), 3, "{segment}");
        assert!(last.iter().all(|(_, _, event)| event.end == (segment == 4)));
        assert!(segment == 4 || longest == u16::MAX);
        expected += u32::from(longest);
    }
    assert_eq!(expected, 6 * 48_000, "as long as a tone may be");
    let marked = events.iter().filter(|(_, packet, _)| packet.marker);
    assert_eq!(marked.count(), 1);
    assert_eq!(events.len(), 299 + 4 * 3 + 3);
}

#[test]
fn nothing_is_played_where_nothing_is_agreed_on_or_sent() {
    let mut without = Line::new(&[]);
    without.play(1, 100);
    let mut inactive = Line::new(&[(EVENT, 48_000)]);
    inactive
        .near
        .set_encodings(ID, vec![SendEncoding::new(false)]);
    inactive.play(1, 100);
    let mut stopped = Line::new(&[(EVENT, 48_000)]);
    stopped.play(1, 100);
    stopped.near.stop_send(ID);
    for mut line in [without, inactive, stopped] {
        assert_eq!(line.near.poll_timeout(), None);
        line.run(300, false);
        assert!(line.heard.is_empty());
    }
}

#[test]
fn sender_reports_go_on_from_the_audio_while_a_tone_stands_still() {
    let mut line = Line::new(&[(EVENT, 48_000)]);
    line.run(1, true);
    line.play(1, 6_000);
    line.run(5_999, false);
    let mut out = Vec::new();
    while !line.near.poll_rtcp(at(line.now), &mut out) {
        line.run(1, false);
    }
    // RFC 3550 §6.4.1: the RTP time stamp of the moment of the report.
    let timestamp = u32::from_be_bytes([out[16], out[17], out[18], out[19]]);
    assert_eq!(timestamp, line.now as u32 * 48);
}

#[test]
fn an_event_of_8_khz_says_nothing_of_the_clock_of_opus() {
    let mut line = Line::new(&[(SLOW_EVENT, 8_000)]);
    line.run(60, false);
    line.play(5, 100);
    line.run(200, false);
    line.run(1_000, true);
    line.play(5, 100);
    line.run(1_000, true);
    let stats = line.far.stats();
    assert_eq!(stats.inbound[0].statistics.jitter(), Duration::ZERO);
}
