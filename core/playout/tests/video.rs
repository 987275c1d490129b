//! When pictures are shown, in virtual time.

mod common;

use std::time::Duration;

use common::ms;
use duologue_base::Rng;
use duologue_playout::{FrameInfo, VideoPlayout};
use proptest::prelude::*;

/// Thirty frames a second over a network.
struct Show {
    playout: VideoPlayout<u64>,
    jitter_ms: f64,
    decode_ms: f64,
    /// Between the end of a frame's way and its capture, at least.
    base_ms: f64,
    playout_delay: Option<(Duration, Duration)>,
    rng: Rng,
}

/// What was seen: frame numbers, and when.
type Seen = Vec<(u64, f64)>;

impl Show {
    fn new(jitter_ms: f64) -> Self {
        Show {
            playout: VideoPlayout::new(90_000),
            jitter_ms,
            decode_ms: 5.0,
            base_ms: 1_000.0,
            playout_delay: None,
            rng: Rng::from_u64(1),
        }
    }

    fn info(&self, frame: u64, received: f64) -> FrameInfo {
        FrameInfo {
            timestamp: FIRST.wrapping_add((frame as u32).wrapping_mul(3_000)),
            key: frame.is_multiple_of(300),
            bytes: 4_000,
            first_received: ms(received),
            received: ms(received),
            repaired: false,
            playout_delay: self.playout_delay,
        }
    }

    /// Shows frames of these numbers; those that `lost` says never come.
    fn run(&mut self, frames: std::ops::Range<u64>, lost: impl Fn(u64) -> bool) -> Seen {
        let mut last = 0.0;
        let mut seen = Vec::new();
        for frame in frames {
            let jitter = self.rng.unit() * self.jitter_ms;
            let received = f64::max(last, sent(frame) + self.base_ms + jitter);
            self.until(last, received, &mut seen);
            last = received;
            if !lost(frame) {
                let info = self.info(frame, received);
                self.playout.handle_frame(frame, info);
            }
        }
        self.until(last, last + 500.0, &mut seen);
        seen
    }

    fn until(&mut self, mut from: f64, to: f64, seen: &mut Seen) {
        while from < to {
            while let Some(due) = self.playout.poll_frame(ms(from)) {
                let took = Duration::from_secs_f64(self.decode_ms / 1e3);
                let decoded = ms(from) + took;
                self.playout
                    .handle_decoded(Some(due.timestamp), took, decoded);
                let shown = due.render_at.max(decoded);
                self.playout.handle_rendered(shown);
                seen.push((due.frame, shown.as_nanos() as f64 / 1e6));
            }
            from += 1.0;
        }
    }
}

fn sent(frame: u64) -> f64 {
    frame as f64 * 1_000.0 / 30.0
}

/// How long after its capture each frame was seen.
fn delays(seen: &Seen) -> Vec<f64> {
    seen.iter().map(|(frame, at)| at - sent(*frame)).collect()
}

/// The mean, and the widest difference of neighbours.
fn mean_and_roughest(delays: &[f64]) -> (f64, f64) {
    let mean = delays.iter().sum::<f64>() / delays.len() as f64;
    let steps = delays.windows(2).map(|it| (it[1] - it[0]).abs());
    (mean, steps.fold(0.0, f64::max))
}

const FIRST: u32 = u32::MAX - 90_000;

#[test]
fn frames_of_a_quiet_network_are_seen_soon_and_evenly() {
    let mut show = Show::new(0.0);
    let seen = show.run(0..600, |_| false);
    assert_eq!(seen.len(), 600);
    let (mean, rough) = mean_and_roughest(&delays(&seen)[100..]);
    // What it takes to decode one, and next to nothing else.
    assert!(mean < 1_012.0, "{mean}");
    assert!(rough < 1.0, "{rough}");
    let statistics = show.playout.statistics();
    assert_eq!((statistics.freeze_count, statistics.frames_dropped), (0, 0));
    assert_eq!(
        (statistics.frames_decoded, statistics.key_frames_decoded),
        (600, 2)
    );
    assert_eq!(statistics.total_decode_time, Duration::from_secs(3));
}

#[test]
fn jitter_is_evened_out_by_waiting() {
    let mut show = Show::new(40.0);
    let seen = show.run(0..1_800, |_| false);
    let delays = &delays(&seen)[300..];
    let (mean, _) = mean_and_roughest(delays);
    // The mean of the network alone is 1,020.
    assert!((1_025.0..1_045.0).contains(&mean), "{mean}");
    // As they came, a third differ by more.
    let late = delays.windows(2).filter(|it| (it[1] - it[0]).abs() > 10.0);
    let late = late.count() as f64 / delays.len() as f64;
    assert!(late < 0.03, "{late}");
    assert_eq!(show.playout.statistics().freeze_count, 0);
}

#[test]
fn the_application_and_the_sender_decide_how_long_frames_wait() {
    let mut show = Show::new(0.0);
    show.playout
        .set_jitter_buffer_target(Some(Duration::from_millis(500)));
    let seen = show.run(0..300, |_| false);
    let (mean, _) = mean_and_roughest(&delays(&seen)[200..]);
    assert!((1_495.0..1_505.0).contains(&mean), "{mean}");

    let at_once = Some((Duration::ZERO, Duration::ZERO));
    show.playout_delay = at_once;
    let seen = show.run(320..620, |_| false);
    let (mean, _) = mean_and_roughest(&delays(&seen));
    assert!(mean < 1_007.0, "{mean}");

    show.playout_delay = Some((Duration::ZERO, Duration::from_millis(100)));
    let seen = show.run(640..900, |_| false);
    let (mean, _) = mean_and_roughest(&delays(&seen)[100..]);
    assert!((1_095.0..1_106.0).contains(&mean), "{mean}");
}

#[test]
fn what_takes_long_to_decode_is_handed_out_earlier() {
    let mut show = Show::new(0.0);
    show.decode_ms = 25.0;
    let seen = show.run(0..600, |_| false);
    let (_, rough) = mean_and_roughest(&delays(&seen)[300..]);
    assert!(rough < 1.0, "{rough}");
}

#[test]
fn frames_that_never_come_are_a_freeze() {
    let mut show = Show::new(5.0);
    show.run(0..600, |frame| (400..406).contains(&frame));
    let statistics = show.playout.statistics();
    assert_eq!((statistics.freeze_count, statistics.pause_count), (1, 0));
    let freeze = statistics.total_freezes_duration.as_millis();
    assert!((220..250).contains(&freeze), "{freeze}");
}

#[test]
fn a_decoder_that_stalls_costs_frames_up_to_the_next_key_frame() {
    let mut show = Show::new(0.0);
    for frame in 0..1_000 {
        let info = show.info(frame, 1_000.0);
        show.playout.handle_frame(frame, info);
        assert!(show.playout.buffered() <= 300);
    }
    // 0 to 299 went for 300, and so on; what is left begins with a key frame.
    assert_eq!(show.playout.statistics().frames_dropped, 900);
    let mut seen = Vec::new();
    show.until(100_000.0, 100_001.0, &mut seen);
    assert_eq!(seen.first().map(|it| it.0), Some(900));

    let mut endless = Show::new(0.0);
    for frame in 1..=301 {
        let info = FrameInfo {
            key: false,
            ..endless.info(frame, 1_000.0)
        };
        endless.playout.handle_frame(frame, info);
    }
    assert!(endless.playout.needs_key_frame());
    assert_eq!(endless.playout.buffered(), 0);
    let info = endless.info(600, 1_000.0);
    endless.playout.handle_frame(600, info);
    assert!(!endless.playout.needs_key_frame());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn anything_may_come(
        frames in proptest::collection::vec(
            (any::<u32>(), any::<usize>(), 0_u64..u64::MAX, any::<(bool, bool, bool)>(), any::<(u32, u32)>()),
            1..400,
        ),
        clock_rate in any::<u32>(),
    ) {
        let mut playout = VideoPlayout::new(clock_rate);
        let mut timestamp = 0_u32;
        for (jump, bytes, at, (key, repaired, wild), (least, most)) in frames {
            timestamp = if wild { jump } else { timestamp.wrapping_add(3_000) };
            let at = duologue_base::Instant::from_nanos(at);
            playout.handle_frame((), FrameInfo {
                timestamp,
                key,
                bytes: bytes % 1_000_000,
                first_received: at,
                received: at,
                repaired,
                playout_delay: wild.then(|| {
                    (Duration::from_millis(least.into()), Duration::from_millis(most.into()))
                }),
            });
            prop_assert!(playout.buffered() <= 300);
            if repaired {
                if let Some(due) = playout.poll_timeout()
                    && let Some(frame) = playout.poll_frame(due.max(at))
                {
                    prop_assert!(frame.render_at >= due.max(at));
                }
                playout.handle_rendered(at);
                playout.handle_decoded(Some(timestamp), Duration::from_nanos(jump.into()), at);
            }
        }
    }
}
