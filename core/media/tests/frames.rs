//! Frames of video over a network that loses packets: what arrives whole, when, and what it costs.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{DELAY, ID, World, at, payload_type, receive_plan, video};
use duologue_base::{Rng, WallClock};
use duologue_media::{EncodedFrameInit, MediaReport, Outlet, RtpPacketInit, SendEncoding};
use duologue_rtp::{
    Codec, CodecParameters, MediaKind, NtpTime, ReceivePlan, RtcpFeedback, RtpParameters,
    SentFormat,
};

/// A frame of VP8 of so many bytes, which says which one it is.
fn vp8(number: u32, key: bool, len: usize) -> Bytes {
    let mut frame = vec![0; len];
    // RFC 6386 §9.1: bit 0 is clear in key frames, which go on with a start code and their size.
    frame[0] = u8::from(!key);
    frame[3..10].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
    frame[10..14].copy_from_slice(&number.to_be_bytes());
    frame.into()
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes([frame[10], frame[11], frame[12], frame[13]])
}

/// What came of frames that were sent at 30 a second for so many seconds.
struct Outcome {
    sent: u32,
    in_time: u32,
    key_frames_asked: usize,
}

fn send(seconds: u32, mut lost: impl FnMut(usize) -> bool) -> Outcome {
    let mut world = World::paced(Outlet::Frames);
    let sent = seconds * 30;
    for n in 0..sent {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, n == 0, 5_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        // The first one comes through: what is measured is repair.
        world.run(33 + u64::from(n % 3 == 0), |at| n > 0 && lost(at));
    }
    world.run(1_000, |_| false);

    let mut in_time = 0;
    let mut last = None;
    for (at, frame) in &world.frames {
        let n = number(&frame.data);
        assert!(last < Some(n), "frames come in their order");
        assert_eq!(frame.data, vp8(n, n == 0, 5_000), "and whole");
        last = Some(n);
        let sent_at = u64::from(n) * 33 + u64::from(n.div_ceil(3));
        in_time += u32::from(at - sent_at <= 250);
    }
    Outcome {
        sent,
        in_time,
        key_frames_asked: world.sent_key_frame_requests(),
    }
}

#[test]
fn one_percent_of_loss_costs_less_than_one_frame_in_a_thousand() {
    let mut rng = Rng::from_u64(1);
    let outcome = send(200, |_| rng.u32().is_multiple_of(100));
    assert!(
        outcome.in_time * 1_000 >= outcome.sent * 999,
        "{}",
        outcome.in_time
    );
    assert_eq!(outcome.key_frames_asked, 0);
}

#[test]
fn five_percent_of_loss_costs_less_than_one_frame_in_a_hundred() {
    let mut rng = Rng::from_u64(2);
    let outcome = send(200, |_| rng.u32().is_multiple_of(20));
    assert!(
        outcome.in_time * 100 >= outcome.sent * 99,
        "{}",
        outcome.in_time
    );
    assert_eq!(outcome.key_frames_asked, 0);
}

#[test]
fn bursts_of_eight_are_repaired_as_well() {
    let mut rng = Rng::from_u64(3);
    let mut left = 0;
    let outcome = send(200, |_| {
        if left == 0 && rng.u32().is_multiple_of(800) {
            left = 8;
        }
        let lost = left > 0;
        left -= u32::from(lost);
        lost
    });
    assert!(
        outcome.in_time * 1_000 >= outcome.sent * 999,
        "{}",
        outcome.in_time
    );
    assert_eq!(outcome.key_frames_asked, 0);
}

#[test]
fn what_cannot_be_repaired_is_left_out_until_the_key_frame_that_is_asked_for() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    let mut key_at = None;
    for n in 0..150_u32 {
        let asked = world.sent_key_frame_requests() > 0;
        if asked && key_at.is_none() {
            key_at = Some(n);
        }
        let key = n == 0 || key_at == Some(n);
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, key, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| (30..45).contains(&n));
    }
    world.run(500, |_| false);
    let key_at = key_at.expect("a key frame was asked for");
    let numbers: Vec<u32> = world.frames.iter().map(|(_, f)| number(&f.data)).collect();
    assert!(numbers.contains(&29) && numbers.contains(&key_at) && numbers.contains(&149));
    let first_after = numbers.iter().find(|n| **n > 45).copied();
    assert!(
        first_after >= Some(key_at),
        "nothing that needs what is lost: {first_after:?}"
    );
    let since = Duration::from_millis(DELAY);
    assert!(world.receiver.round_trip() >= since);
}

#[test]
fn after_frames_that_were_not_to_be_sent_the_next_one_is_a_key_frame() {
    let mut world = World::with(Outlet::Frames);
    let mut key_next = true;
    for n in 0..60_u32 {
        if n == 20 || n == 30 {
            let encoding = SendEncoding::new(n == 30);
            world.sender.set_encodings(ID, vec![encoding]);
        }
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, std::mem::take(&mut key_next), 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| false);
        let asked = |report: &MediaReport| matches!(report, MediaReport::KeyFrameWanted { .. });
        key_next = world.sent_reports.drain(..).any(|report| asked(&report));
    }
    world.run(500, |_| false);
    let numbers: Vec<u32> = world.frames.iter().map(|(_, f)| number(&f.data)).collect();
    let expected: Vec<u32> = (0..20).chain(31..60).collect();
    assert_eq!(numbers, expected, "30 needs 29, which nobody got");
}

#[test]
fn who_wants_frames_of_a_stream_that_runs_gets_a_key_frame_asked_for() {
    let mut world = World::with(Outlet::None);
    let send = |world: &mut World, n: u32, key: bool| {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, key, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| false);
    };
    (0..10).for_each(|n| send(&mut world, n, n == 0));
    assert_eq!(world.sent_key_frame_requests(), 0);

    world.receiver.set_outlet(ID, Outlet::Frames);
    let mut asked = 0;
    for n in 10..40 {
        let before = std::mem::replace(&mut asked, world.sent_key_frame_requests());
        send(&mut world, n, asked > before);
    }
    world.run(100, |_| false);
    let first = &world.frames.first().expect("a key frame came").1;
    assert!(first.key && number(&first.data) < 20);
    let numbers = world.frames.iter().map(|(_, f)| number(&f.data));
    assert!(numbers.eq(number(&first.data)..40), "and all after it");
}

#[test]
fn frames_begin_anew_when_they_are_wanted_again() {
    let mut world = World::with(Outlet::Frames);
    let send = |world: &mut World, n: u32, key: bool| {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, key, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(100, |_| false);
    };
    send(&mut world, 0, true);
    world.receiver.set_outlet(ID, Outlet::None);
    (1..5).for_each(|n| send(&mut world, n, false));
    world.receiver.set_outlet(ID, Outlet::Frames);
    // Nothing of what was sent meanwhile is waited for.
    send(&mut world, 5, true);
    let numbers = world.frames.iter().map(|(_, f)| number(&f.data));
    assert!(numbers.eq([0, 5]));
}

#[test]
fn packets_and_frames_of_one_receiver_come_side_by_side() {
    let mut world = World::with(Outlet::PacketsAndFrames);
    for n in 0..10 {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, n == 0, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| false);
    }
    world.run(100, |_| false);
    assert_eq!(world.frames.len(), 10);
    let sent = world.sender.stats().outbound[0].counters.packets_sent;
    assert_eq!(world.received.len() as u64, sent);
    assert!(sent >= 30);
}

#[test]
fn a_frame_is_told_of_once_with_all_its_bytes_when_its_last_packet_has_left() {
    let mut world = World::with(Outlet::Frames);
    let frame = |n: u32, payload_type: Option<u8>| EncodedFrameInit {
        timestamp: n * 3_000,
        payload_type: payload_type.and_then(duologue_rtp::PayloadType::new),
        data: vp8(n, true, 5_000),
        ..Default::default()
    };
    // The second is of no codec that is agreed on: it cannot be sent, and does not wait either.
    let frames = vec![frame(0, None), frame(1, Some(3)), frame(2, None)];
    world.sender.send_frames(at(world.now), ID, frames);
    world.run(10, |_| false);
    let mut left = (0, 0);
    for report in &world.sent_reports {
        if let MediaReport::Sent { items, bytes } = report {
            left = (left.0 + items, left.1 + bytes);
        }
    }
    assert_eq!(left, (3, 15_000));
}

#[test]
fn audio_waits_for_nothing() {
    let mut world = World::with(Outlet::Frames);
    world.use_audio();
    for n in 0..50_u32 {
        let frame = EncodedFrameInit {
            timestamp: n * 960,
            data: vec![0x78, n as u8, 2, 3].into(),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(20, |at| at % 10 == 3);
    }
    world.run(200, |_| false);
    assert_eq!(world.frames.len(), 45);
    let late = world.frames.iter().zip(0_u64..).all(|((at, _), _)| *at > 0);
    assert!(late && world.frames.iter().all(|(_, frame)| frame.key));
}

/// Chromium's recorder makes such of 60 ms at 128 kbit/s.
#[test]
fn a_frame_of_sound_that_is_larger_than_a_piece_of_a_picture_leaves_in_one_packet() {
    let mut world = World::with(Outlet::Frames);
    world.use_audio();
    let frame = EncodedFrameInit {
        data: vec![0x78; 1_281].into(),
        ..Default::default()
    };
    world.sender.send_frames(at(world.now), ID, vec![frame]);
    world.run(200, |_| false);
    let sizes: Vec<usize> = world.frames.iter().map(|(_, it)| it.data.len()).collect();
    assert_eq!(sizes, [1_281]);
}

#[test]
fn a_lost_frame_of_a_higher_layer_costs_a_pause_and_no_key_frame() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    for n in 0..60_u32 {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            // Every other frame is of the upper layer, which nothing needs.
            temporal: Some((n % 2) as u8),
            discardable: n % 2 == 1,
            data: vp8(n, n == 0, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| n == 31);
    }
    world.run(500, |_| false);
    assert_eq!(world.sent_key_frame_requests(), 0);
    let numbers: Vec<u32> = world.frames.iter().map(|(_, f)| number(&f.data)).collect();
    // Nothing says whether the upper layer's later frames need the lost one.
    let whole = (0..31).chain((32..60).step_by(2));
    assert_eq!(numbers, whole.collect::<Vec<_>>());
    let late = world.frames.iter().find(|(_, f)| number(&f.data) == 32);
    let (at, _) = late.expect("it came");
    assert!(*at <= 33 * 32 + DELAY + 50 + 4 * DELAY + 1, "{at}");
}

#[test]
fn a_lost_frame_of_the_lowest_layer_costs_a_key_frame() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    for n in 0..60_u32 {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            temporal: Some((n % 2) as u8),
            data: vp8(n, n == 0, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| n == 30);
    }
    assert_eq!(world.frames.len(), 30);
    assert!(world.sent_key_frame_requests() > 0);
}

#[test]
fn who_waits_for_the_first_key_frame_is_called_when_something_is_due() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    let frame = EncodedFrameInit {
        data: vp8(0, true, 3_000),
        ..Default::default()
    };
    world.sender.send_frames(at(0), ID, vec![frame]);
    // The world looks in each step whether what was due is done.
    world.run(1_000, |sent| sent == 1);
    assert_eq!(world.frames.len(), 0);
    assert!(world.sent_key_frame_requests() > 0);
}

#[test]
fn a_key_frame_is_asked_for_until_one_is_there() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    let (mut asked, mut keys) = (0, 0);
    for n in 0..150_u32 {
        let before = std::mem::replace(&mut asked, world.sent_key_frame_requests());
        let key = n == 0 || asked > before;
        keys += u32::from(key);
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, key, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        // A packet, the first request for a key frame, and a packet of the key frame are lost.
        world.lose_feedback = (30..60).contains(&n);
        let first = world.sent;
        world.run(33, |sent| sent == first && (n == 30 || key && keys == 2));
    }
    world.run(100, |_| false);
    assert_eq!(keys, 3);
    let last = &world.frames.last().expect("there are some").1;
    assert_eq!(number(&last.data), 149);
}

#[test]
fn who_fell_silent_is_not_asked_for_a_key_frame_for_ever_and_is_asked_again_when_heard() {
    let mut world = World::with(Outlet::Frames);
    world.lose_repetitions = true;
    let send = |world: &mut World, n: u32| {
        let frame = EncodedFrameInit {
            timestamp: n * 3_000,
            data: vp8(n, n == 0, 3_000),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
    };
    send(&mut world, 0);
    world.run(60_000, |sent| sent == 1);
    let asked = world.sent_key_frame_requests();
    assert!((5..=15).contains(&asked), "{asked}");
    send(&mut world, 1);
    world.run(2 * DELAY + 2, |_| false);
    assert_eq!(world.sent_key_frame_requests(), asked + 1);
}

/// By how much time a sender report is off, in ticks: its time stamp less that of the moment which it names.
fn off(world: &World, ticks_a_ms: u64) -> Option<i64> {
    let origin = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
    let report = world.receiver.stats().inbound.first()?.sender_report?;
    let moment = report.ntp.since(origin).as_micros() as u64 * ticks_a_ms / 1_000;
    Some(i64::from(report.rtp) - moment as i64)
}

#[test]
fn a_sender_report_is_about_when_a_frame_was_made_and_not_about_when_it_left() {
    for captured in [None, Some(40)] {
        let mut world = World::paced(Outlet::Frames);
        world.run(100, |_| false);
        let mut waited = 0;
        for n in 0..40 {
            let frame = EncodedFrameInit {
                timestamp: (world.now * 90) as u32,
                data: vp8(n, n == 0, 30_000),
                captured: captured.map(|ms| at(world.now - ms)),
                ..Default::default()
            };
            world.sender.send_frames(at(world.now), ID, vec![frame]);
            world.run(100, |_| false);
            let expected = 90 * captured.unwrap_or(0) as i64;
            let off = off(&world, 90);
            assert!(
                off.is_none_or(|off| off.abs_diff(expected) <= 90),
                "{n}: {off:?}"
            );
            waited += u32::from(world.frames.len() <= n as usize);
        }
        assert!(
            off(&world, 90).is_some() && waited > 3,
            "the pacer had to wait: {waited}"
        );
    }
}

/// H.264 without repetitions, of an end whose description has the parameter sets.
fn described_h264() -> World {
    let codec = |fmtp: &str| Codec {
        sdp_fmtp_line: Some(fmtp.to_owned()),
        ..Codec::new(MediaKind::Video, "H264", 90_000)
    };
    let mut entry = CodecParameters::new(payload_type(96), codec("packetization-mode=1"));
    entry.feedback = vec![RtcpFeedback::Pli];
    let parameters = RtpParameters {
        codecs: vec![entry],
        ..video()
    };
    let mut world = World::new();
    world.agree(parameters.clone(), Outlet::Frames);
    // RFC 6184 §8.1's own example.
    let theirs = codec("packetization-mode=1;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==");
    let sent = SentFormat::of(&parameters.codecs[0], &theirs).expect("a pair of sets");
    let plan = ReceivePlan {
        parameters,
        sent_formats: vec![sent],
        ..ReceivePlan::clone(&receive_plan())
    };
    world
        .receiver
        .set_receive(at(0), ID, Arc::new(plan), Outlet::Frames);
    world
}

/// Those of the description, with start codes.
const SETS: [u8; 21] = [
    0, 0, 0, 1, 0x67, 0x42, 0, 0x0a, 0x96, 0x53, 0x05, 0x89, 0x88, 0, 0, 0, 1, 0x68, 0xc9, 0x63,
    0x88,
];

/// A slice of an IDR picture, or of another one: its first.
fn h264(key: bool) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, if key { 0x65 } else { 0x41 }, 0xb8];
    frame.resize(3_000, 0x77);
    frame
}

/// Sends frames, of which one may be lost; gives those that came, by their place.
fn of_h264(world: &mut World, frames: &[Vec<u8>], lost: Option<usize>) -> Vec<(usize, Vec<u8>)> {
    for (n, data) in frames.iter().enumerate() {
        let frame = EncodedFrameInit {
            timestamp: n as u32 * 3_000,
            data: data.clone().into(),
            ..Default::default()
        };
        world.sender.send_frames(at(world.now), ID, vec![frame]);
        world.run(33, |_| lost == Some(n));
    }
    world.run(2 * DELAY, |_| false);
    let came = world.frames.iter();
    came.map(|(_, it)| ((it.timestamp / 3_000) as usize, it.data.to_vec()))
        .collect()
}

#[test]
fn key_frames_without_parameter_sets_get_those_of_the_description() {
    let frames: Vec<Vec<u8>> = (0..10).map(|n| h264(n % 5 == 0)).collect();
    let mut world = described_h264();
    let came = of_h264(&mut world, &frames, None);
    let expected = frames.iter().enumerate().map(|(n, sent)| match n % 5 {
        0 => (n, [&SETS[..], sent].concat()),
        _ => (n, sent.clone()),
    });
    assert_eq!(came, expected.collect::<Vec<_>>());
    let sized = world.frames.iter().filter(|(_, it)| it.size.is_some());
    assert_eq!(sized.count(), 2);
}

#[test]
fn parameter_sets_of_the_stream_count_more_than_those_of_the_description() {
    let own = [0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 0, 0, 0, 1, 0x68, 0xce];
    let frames = [
        h264(true),
        [&own[..], &h264(true)].concat(),
        h264(false),
        h264(true),
    ];
    let came = of_h264(&mut described_h264(), &frames, None);
    let expected = [
        [&SETS[..], &frames[0]].concat(),
        frames[1].clone(),
        frames[2].clone(),
        frames[3].clone(),
    ];
    assert_eq!(came, expected.into_iter().enumerate().collect::<Vec<_>>());
}

/// Nothing of it can be missing before its slice.
#[test]
fn a_key_frame_behind_a_loss_needs_no_parameter_sets_of_its_own_where_the_description_has_them() {
    let frames: Vec<Vec<u8>> = (0..10).map(|n| h264(n % 5 == 0)).collect();
    let mut world = described_h264();
    let came = of_h264(&mut world, &frames, Some(4));
    let numbers: Vec<usize> = came.iter().map(|(n, _)| *n).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(came[4].1, [&SETS[..], &frames[5]].concat());
    assert_eq!(world.sent_key_frame_requests(), 0);
}

/// RFC 7798 §7.1: they are in the stream of who says so of what it sends.
#[test]
fn payloads_have_decoding_order_numbers_where_the_description_of_who_sends_says_so() {
    let codec = |fmtp: Option<&str>| Codec {
        sdp_fmtp_line: fmtp.map(str::to_owned),
        ..Codec::new(MediaKind::Video, "H265", 90_000)
    };
    let parameters = RtpParameters {
        codecs: vec![CodecParameters::new(payload_type(96), codec(None))],
        ..video()
    };
    let theirs = codec(Some("sprop-max-don-diff=2"));
    let sent = SentFormat::of(&parameters.codecs[0], &theirs).expect("it has numbers");
    // An IDR picture's slice behind its number.
    let payload = [0x26, 1, 0, 7, 0xaf, 0x12, 0x34];
    for (sent_formats, data) in [
        (vec![sent], &[0, 0, 0, 1, 0x26, 1, 0xaf, 0x12, 0x34][..]),
        (Vec::new(), &[0, 0, 0, 1, 0x26, 1, 0, 7, 0xaf, 0x12, 0x34]),
    ] {
        let mut world = World::new();
        world.agree(parameters.clone(), Outlet::Frames);
        let plan = ReceivePlan {
            parameters: parameters.clone(),
            sent_formats,
            ..ReceivePlan::clone(&receive_plan())
        };
        world
            .receiver
            .set_receive(at(0), ID, Arc::new(plan), Outlet::Frames);
        let packet = RtpPacketInit {
            marker: true,
            payload: Bytes::from(payload.to_vec()),
            ..Default::default()
        };
        world.sender.send(at(0), ID, vec![packet]);
        world.run(2 * DELAY, |_| false);
        let came = world.frames.iter().map(|(_, frame)| &frame.data[..]);
        assert_eq!(came.collect::<Vec<_>>(), [data]);
    }
}
