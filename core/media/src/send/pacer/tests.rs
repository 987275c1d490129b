use super::*;
use crate::cc::{Bitrate, Reason};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Packet(usize, u64);

impl Queued for Packet {
    fn size(&self) -> usize {
        self.0
    }

    fn frame(&self) -> u64 {
        self.1
    }
}

const VOICE: StreamKey = StreamKey(1);
const AGAIN: StreamKey = StreamKey(2);
const CAMERA: StreamKey = StreamKey(3);
const SCREEN: StreamKey = StreamKey(4);
const REPAIR: StreamKey = StreamKey(5);

fn plan(kbps: u64) -> Plan {
    Plan {
        target: Bitrate::from_kbps(kbps),
        pacing: Bitrate::from_kbps(kbps),
        burst: Duration::ZERO,
        padding: Bitrate::ZERO,
        probe: None,
        window: None,
        ect1: false,
        reason: Reason::Start,
    }
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// With all streams, at a rate.
fn pacer(kbps: u64) -> Pacer<Packet> {
    let mut pacer = Pacer::new(Instant::ZERO, ms(5));
    pacer.set_plan(Instant::ZERO, &plan(kbps));
    pacer.add_stream(REPAIR, Class::Repair, 1);
    pacer.add_stream(CAMERA, Class::Video, 1);
    pacer.add_stream(SCREEN, Class::Video, 4);
    pacer.add_stream(AGAIN, Class::Retransmission, 1);
    pacer.add_stream(VOICE, Class::Audio, 1);
    pacer
}

/// Everything that leaves until then, and when.
fn run(pacer: &mut Pacer<Packet>, from: Instant, to: Instant) -> Vec<(u64, StreamKey, usize)> {
    let mut now = from;
    let mut sent = Vec::new();
    loop {
        while let Some(turn) = pacer.poll(now, 0, None) {
            let (stream, size) = match turn {
                Turn::Packet { stream, item, .. } => (stream, item.0),
                Turn::Demand { stream, .. } => {
                    pacer.handle_sent(now, stream, 1_191);
                    (stream, 1_191)
                }
                Turn::Padding { bytes, .. } => {
                    pacer.handle_padded(now, bytes);
                    (StreamKey(0), bytes)
                }
            };
            sent.push((now.since_origin().as_millis() as u64, stream, size));
        }
        match pacer.poll_timeout(now) {
            Some(next) if next.max(now) < to => now = next.max(now),
            _ => return sent,
        }
    }
}

#[test]
fn the_most_urgent_leaves_first() {
    let mut pacer = pacer(100_000);
    for key in [REPAIR, CAMERA, AGAIN, VOICE] {
        pacer.push(Instant::ZERO, key, Packet(1_000, 1));
    }
    let sent = run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(50));
    let order: Vec<_> = sent.iter().map(|(_, key, _)| *key).collect();
    assert_eq!(order, [VOICE, AGAIN, CAMERA, REPAIR]);
}

#[test]
fn audio_waits_for_no_slot_and_video_pays_for_it() {
    let mut pacer = pacer(960);
    for n in 0..20 {
        pacer.push(Instant::ZERO, CAMERA, Packet(1_200, n));
    }
    run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(1));
    pacer.push(Instant::ZERO + ms(1), VOICE, Packet(120, 0));
    let sent = run(&mut pacer, Instant::ZERO + ms(1), Instant::ZERO + ms(100));
    assert_eq!(sent[0], (1, VOICE, 120));
    let bytes: usize = sent.iter().map(|(.., size)| size).sum();
    assert!((10_800..12_300).contains(&bytes), "{bytes}");
}

#[test]
fn the_rate_is_kept_and_a_slot_leaves_at_once() {
    let mut pacer = pacer(19_200);
    for n in 0..800 {
        pacer.push(Instant::ZERO, SCREEN, Packet(1_200, n));
    }
    let sent = run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(200));
    let bytes: usize = sent.iter().map(|(.., size)| size).sum();
    assert!((468_000..495_000).contains(&bytes), "{bytes}");
    let slots = sent.chunk_by(|one, next| one.0 == next.0);
    let lengths: Vec<_> = slots.map(<[_]>::len).collect();
    assert!(
        lengths.iter().all(|len| (9..=11).contains(len)),
        "{lengths:?}"
    );
}

#[test]
fn a_host_that_comes_late_makes_up_for_two_slots_and_no_more() {
    let mut pacer = pacer(19_200);
    for n in 0..200 {
        pacer.push(Instant::ZERO, SCREEN, Packet(1_200, n));
    }
    run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(1));
    let late = Instant::ZERO + ms(60);
    let burst = run(&mut pacer, late, late + ms(1));
    assert_eq!(burst.len(), 20);
}

/// When the ten packets of a picture leave that comes after 100 ms of nothing, at 960 kbit/s.
fn picture_after_a_pause(burst: Duration) -> Vec<u64> {
    let mut pacer = pacer(960);
    let plan = Plan { burst, ..plan(960) };
    pacer.set_plan(Instant::ZERO, &plan);
    let begin = Instant::ZERO + ms(100);
    run(&mut pacer, Instant::ZERO, begin);
    for _ in 0..10 {
        pacer.push(begin, CAMERA, Packet(480, 0));
    }
    let sent = run(&mut pacer, begin, begin + ms(100));
    sent.iter().map(|(at, ..)| *at - 100).collect()
}

#[test]
fn a_picture_within_the_burst_of_the_plan_leaves_at_once_and_else_slot_by_slot() {
    assert_eq!(picture_after_a_pause(ms(40)), [0; 10]);
    assert_eq!(
        picture_after_a_pause(Duration::ZERO),
        [0, 0, 5, 10, 15, 20, 20, 25, 30, 35]
    );
}

#[test]
fn streams_of_a_class_share_by_weight() {
    let mut pacer = pacer(9_600);
    for n in 0..400 {
        pacer.push(Instant::ZERO, CAMERA, Packet(1_200, n));
        pacer.push(Instant::ZERO, SCREEN, Packet(1_000, n));
    }
    let sent = run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(240));
    let of = |key| -> usize {
        let own = sent.iter().filter(|(_, one, _)| *one == key);
        own.map(|(.., size)| size).sum()
    };
    let ratio = of(SCREEN) as f64 / of(CAMERA) as f64;
    assert!((3.4..4.6).contains(&ratio), "{ratio}");
}

#[test]
fn sctp_has_its_turns_beside_video() {
    let mut pacer = pacer(9_600);
    let sctp = StreamKey(9);
    pacer.add_stream(sctp, Class::Video, 1);
    pacer.set_demand(Instant::ZERO, sctp, 1 << 20);
    for n in 0..400 {
        pacer.push(Instant::ZERO, CAMERA, Packet(1_200, n));
    }
    let sent = run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(200));
    let of_sctp = sent.iter().filter(|(_, key, _)| *key == sctp).count();
    let share = of_sctp as f64 / sent.len() as f64;
    assert!((0.4..0.6).contains(&share), "{share}");
}

#[test]
fn sctp_that_has_nothing_after_all_is_not_asked_again() {
    let mut pacer = pacer(9_600);
    pacer.set_demand(Instant::ZERO, SCREEN, 5_000);
    let turn = pacer.poll(Instant::ZERO, 0, None);
    assert!(
        matches!(turn, Some(Turn::Demand { bytes: 5_000, .. })),
        "{turn:?}"
    );
    pacer.handle_sent(Instant::ZERO, SCREEN, 0);
    assert_eq!(pacer.poll_timeout(Instant::ZERO), None);
}

#[test]
fn a_frame_that_waited_too_long_is_dropped_whole_and_told() {
    let mut pacer = pacer(96);
    for frame in 0..3 {
        for _ in 0..4 {
            let at = Instant::ZERO + ms(frame * 33);
            pacer.push(at, CAMERA, Packet(1_200, frame));
        }
    }
    run(&mut pacer, Instant::ZERO + ms(66), Instant::ZERO + ms(600));
    let dropped: Vec<_> = std::iter::from_fn(|| pacer.poll_dropped()).collect();
    assert!(!dropped.is_empty());
    assert_eq!(dropped[0].stream, CAMERA);
    assert!(
        dropped
            .iter()
            .all(|frame| frame.bytes == frame.packets * 1_200)
    );
    let frames: Vec<_> = dropped.iter().map(|frame| frame.frame).collect();
    assert!(frames.is_sorted_by(|one, next| one < next), "{frames:?}");
    assert_eq!(pacer.queued(), 0);
}

fn cluster(id: u32, kbps: u64) -> Cluster {
    Cluster {
        id: ClusterId(id),
        rate: Bitrate::from_kbps(kbps),
        packets: 5,
        bytes: 6_000,
        packet: 1_200,
        quiet: false,
    }
}

#[test]
fn a_probe_is_media_first_and_padding_for_the_rest_at_its_own_rate() {
    let mut pacer = pacer(300);
    let probe = Some(cluster(7, 960));
    pacer.set_plan(Instant::ZERO, &Plan { probe, ..plan(300) });
    pacer.push(Instant::ZERO, CAMERA, Packet(1_200, 0));
    pacer.push(Instant::ZERO, CAMERA, Packet(1_200, 0));
    let sent = run(&mut pacer, Instant::ZERO, Instant::ZERO + ms(300));
    let padding = StreamKey(0);
    assert_eq!(
        sent,
        [
            (0, CAMERA, 1_200),
            (10, CAMERA, 1_200),
            (20, padding, 1_200),
            (30, padding, 1_200),
            (40, padding, 1_200)
        ]
    );
}

#[test]
fn without_padding_a_probe_waits_for_media_and_is_given_up() {
    let mut pacer = pacer(300);
    pacer.set_may_pad(false);
    let probe = Some(cluster(7, 960));
    pacer.set_plan(Instant::ZERO, &Plan { probe, ..plan(300) });
    assert_eq!(pacer.poll_timeout(Instant::ZERO), None);
    let later = Instant::ZERO + ms(2_000);
    pacer.push(later, CAMERA, Packet(1_200, 0));
    let turn = pacer.poll(later, 0, None);
    assert!(
        matches!(turn, Some(Turn::Packet { probe: None, .. })),
        "{turn:?}"
    );
}

#[test]
fn padding_fills_up_to_its_rate_what_media_leave() {
    let mut pacer = pacer(1_200);
    let padding = Bitrate::from_kbps(800);
    pacer.set_plan(
        Instant::ZERO,
        &Plan {
            padding,
            ..plan(1_200)
        },
    );
    let mut bytes = 0;
    for n in 0..20 {
        let now = Instant::ZERO + ms(50 * n);
        pacer.push(now, CAMERA, Packet(1_000, n));
        let sent = run(&mut pacer, now, now + ms(50));
        bytes += sent.iter().map(|(.., size)| size).sum::<usize>();
    }
    assert!((90_000..106_000).contains(&bytes), "{bytes}");
}

#[test]
fn a_full_window_holds_everything_but_audio_and_not_for_ever() {
    let mut pacer = pacer(9_600);
    let window = Some(10_000);
    pacer.set_plan(
        Instant::ZERO,
        &Plan {
            window,
            ..plan(9_600)
        },
    );
    pacer.push(Instant::ZERO, CAMERA, Packet(1_200, 0));
    assert_eq!(pacer.poll(Instant::ZERO, 10_000, None), None);
    pacer.push(Instant::ZERO, VOICE, Packet(120, 0));
    assert!(pacer.poll(Instant::ZERO, 10_000, None).is_some());
    let due = pacer
        .poll_timeout(Instant::ZERO)
        .expect("it is tried again");
    assert_eq!(due, Instant::ZERO + ms(200));
    assert!(pacer.poll(due, 10_000, None).is_some());
    pacer.push(due, CAMERA, Packet(1_200, 0));
    assert_eq!(
        pacer.poll(due, 10_000, None),
        None,
        "one, and then it waits again"
    );
    assert!(pacer.poll(due + ms(5), 9_999, None).is_some());
}

#[test]
fn what_does_not_fit_into_a_train_stays() {
    let mut pacer = pacer(100_000);
    pacer.push(Instant::ZERO, CAMERA, Packet(1_100, 0));
    pacer.push(Instant::ZERO, CAMERA, Packet(1_200, 1));
    assert!(pacer.poll(Instant::ZERO, 0, None).is_some());
    assert_eq!(pacer.poll(Instant::ZERO, 0, Some(1_100)), None);
    assert_eq!(
        pacer.peek(Instant::ZERO, 0),
        Some(Next::Packet(CAMERA, 1_200))
    );
}

#[test]
fn a_stream_that_is_full_gives_the_packet_back() {
    let mut pacer = pacer(1);
    let mut refused = 0;
    for n in 0..10_000 {
        refused += usize::from(pacer.push(Instant::ZERO, CAMERA, Packet(100, n)).is_some());
    }
    assert_eq!(refused, 10_000 - crate::limits::PACED_PACKETS);
    assert!(
        pacer
            .push(Instant::ZERO, StreamKey(99), Packet(1, 1))
            .is_some()
    );
}

/// When packets of 1,200 bytes leave that are handed over one by one, each half millisecond.
fn leaving(pacer: &mut Pacer<Packet>, key: StreamKey) -> Vec<u64> {
    let step = Duration::from_micros(500);
    let mut at = Instant::ZERO;
    let mut sent = Vec::new();
    for n in 0..40 {
        pacer.push(at, key, Packet(1_200, n));
        sent.extend(run(pacer, at, at + step));
        at += step;
    }
    sent.into_iter().map(|(at, ..)| at).collect()
}

#[test]
fn on_a_fast_path_what_comes_in_small_pieces_leaves_in_trains_of_two_milliseconds() {
    let sent = leaving(&mut pacer(100_000), CAMERA);
    // The first one at once, and each time what came since.
    let trains: Vec<_> = sent.chunk_by(|one, next| one == next).collect();
    assert_eq!(sent[..6], [0, 2, 2, 2, 2, 4]);
    assert!(
        trains[1..trains.len() - 1]
            .iter()
            .all(|train| train.len() == 4)
    );

    // What was asked for again does not wait, nor does anything on a slow path.
    for (kbps, key) in [(100_000, AGAIN), (19_000, CAMERA)] {
        let sent = leaving(&mut pacer(kbps), key);
        let expected: Vec<_> = (0..40).map(|n| n / 2).collect();
        assert_eq!(sent, expected, "{kbps}");
    }
}
