//! Whose media a receiver receives, and when that was captured.

mod common;

use std::time::Duration;

use common::{ID, MEDIA, World, at, video};
use duologue_base::{Instant, WallClock};
use duologue_media::{Contributor, EncodedFrameInit, Outlet, RtpSource};
use duologue_rtp::ext::{AudioLevel, CaptureTime, uri};
use duologue_rtp::{ExtensionId, HeaderExtensionParameters, NtpTime, Ssrc};

/// A sender and a receiver with the extensions that tell it.
fn world(outlet: Outlet) -> World {
    let mut parameters = video();
    for (id, uri) in [(5, uri::ABS_CAPTURE_TIME), (6, uri::CSRC_AUDIO_LEVEL)] {
        let id = ExtensionId::new(id).expect("not 0");
        let extension = HeaderExtensionParameters::new(id, uri);
        parameters.header_extensions.push(extension);
    }
    let mut world = World::new();
    world.agree(parameters, outlet);
    world
}

fn contributor(ssrc: u32, level: Option<u8>) -> Contributor {
    Contributor {
        ssrc: Ssrc(ssrc),
        audio_level: level.map(|level| AudioLevel::new(false, level)),
    }
}

/// By the clock of the sender's reports.
fn ntp(moment: Instant) -> NtpTime {
    let origin = NtpTime::from(WallClock::from_unix_millis(1_795_000_000_000));
    origin.plus(moment.since_origin())
}

/// A key frame of VP8, as far as RTP looks, of two packets.
fn frame(world: &World, contributing_sources: &[Contributor]) -> EncodedFrameInit {
    let mut data = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];
    data.resize(2_000, 7);
    EncodedFrameInit {
        timestamp: (world.now * 90) as u32,
        contributing_sources: contributing_sources.to_vec(),
        data: data.into(),
        ..Default::default()
    }
}

fn send(world: &mut World, frame: EncodedFrameInit) {
    world.sender.send_frames(at(world.now), ID, vec![frame]);
}

fn of(sources: &[RtpSource], ssrc: u32) -> RtpSource {
    let found = sources.iter().find(|it| it.source == Ssrc(ssrc));
    *found.expect("it is told of")
}

#[test]
fn a_receiver_is_told_of_its_stream_and_of_who_contributes_to_it() {
    let mut world = world(Outlet::None);
    let both = [contributor(7, Some(20)), contributor(8, Some(127))];
    let first = frame(&world, &both);
    send(&mut world, first.clone());
    world.run(60, |_| false);
    let (told_at, sources) = world.sources.pop().expect("at once");
    assert!(world.sources.is_empty(), "and once");
    assert_eq!(told_at, 50);
    assert_eq!(sources.len(), 3);
    let stream = of(&sources, MEDIA.0);
    assert!(!stream.contributing && stream.received == at(50));
    assert_eq!(stream.timestamp, first.timestamp);
    for contributor in both {
        let told = of(&sources, contributor.ssrc.0);
        assert!(told.contributing);
        assert_eq!(told.audio_level, contributor.audio_level);
        assert_eq!((told.received, told.timestamp), (at(50), first.timestamp));
    }

    // One of them is silent from now on. It is known for ten seconds.
    let one = [contributor(7, Some(30))];
    for _ in 0..600 {
        let next = frame(&world, &one);
        send(&mut world, next);
        world.run(20, |_| false);
    }
    let knowing = |known: &&(u64, Vec<RtpSource>)| known.1.iter().any(|it| it.source == Ssrc(8));
    let last = world.sources.iter().rfind(knowing).expect("for a while").0;
    assert!((9_900..=10_050).contains(&last), "{last}");
    let (_, sources) = world.sources.last().expect("of the others");
    assert_eq!(sources.len(), 2);
    let level = of(sources, 7).audio_level.map(AudioLevel::level);
    assert_eq!(level, Some(30));
    let often = world.sources.len();
    assert!((100..=121).contains(&often), "{often} times in 12 s");
}

#[test]
fn levels_are_told_of_all_contributors_or_of_none_and_fifteen_have_room() {
    let mut world = world(Outlet::Frames);
    let some = [contributor(7, Some(20)), contributor(8, None)];
    let first = frame(&world, &some);
    send(&mut world, first);
    world.run(200, |_| false);
    let many: Vec<Contributor> = (100..120).map(|n| contributor(n, Some(1))).collect();
    let second = frame(&world, &many);
    send(&mut world, second);
    world.run(200, |_| false);
    let [(_, few), (_, most)] = &world.frames[..] else {
        panic!("two frames");
    };
    let without = some.map(|it| contributor(it.ssrc.0, None));
    assert_eq!(few.contributing_sources, without);
    assert_eq!(most.contributing_sources, many[..15]);
    let (_, sources) = world.sources.last().expect("of them");
    let contributing = sources.iter().filter(|it| it.contributing).count();
    assert_eq!(contributing, 16, "of all that came no more are kept");
}

#[test]
fn frames_tell_when_they_were_captured_by_both_clocks() {
    let mut world = world(Outlet::PacketsAndFrames);
    let captured = |world: &World| at(world.now) - Duration::from_millis(5);
    world.run(10, |_| false);
    let mut sent = Vec::new();
    for _ in 0..60 {
        let moment = captured(&world);
        sent.push(moment);
        let frame = EncodedFrameInit {
            captured: Some(moment),
            ..frame(&world, &[])
        };
        send(&mut world, frame);
        world.run(50, |_| false);
    }
    world.run(200, |_| false);
    assert_eq!(world.frames.len(), 60);
    let near =
        |one: Instant, other: Instant| one - other + (other - one) < Duration::from_millis(2);
    for ((_, frame), moment) in world.frames.iter().zip(&sent) {
        let told = frame.capture_time.expect("it is told");
        assert_eq!(told.clock_offset, Some(0));
        let off = told.at.to_bits().abs_diff(ntp(*moment).to_bits());
        assert!(off < 1 << 23, "2 ms: {off}");
    }
    // Once the reports told how the clocks are to each other.
    let (_, last) = world.frames.last().expect("there are");
    let ours = last.captured.expect("a sender report came");
    assert!(near(ours, *sent.last().expect("there are")), "{ours:?}");

    // It is said again once a second, in the first packet of a frame.
    let saying = world.received.iter().filter(|it| it.capture_time.is_some());
    assert_eq!(saying.count(), 3);
    let (_, sources) = world.sources.last().expect("of the stream");
    assert!(of(sources, MEDIA.0).capture_time.is_some());
}

#[test]
fn a_capture_time_is_about_the_first_contributor() {
    let mut world = world(Outlet::None);
    let time = CaptureTime {
        at: ntp(at(1_000)),
        clock_offset: Some(-(1 << 31)),
    };
    let frame = EncodedFrameInit {
        capture_time: Some(time),
        ..frame(&world, &[contributor(7, None), contributor(8, None)])
    };
    send(&mut world, frame);
    world.run(100, |_| false);
    let (_, sources) = &world.sources[0];
    assert_eq!(of(sources, 7).capture_time, Some(time));
    assert_eq!(of(sources, 8).capture_time, None);
    assert_eq!(of(sources, MEDIA.0).capture_time, None);
}
