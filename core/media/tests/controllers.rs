//! The controllers as wholes: bounds, reasons, replay, and who gets what.

use std::time::Duration;

use duologue_base::{Ecn, Instant, Rng};
use duologue_media::cc::{
    Allocator, Bitrate, Bounds, Controller, Demand, Event, Gcc, Input, L4s, Layer, PacketResult,
    Plan, Reason, Selector, ShareKey,
};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn at(n: u64) -> Instant {
    Instant::ZERO + ms(1_000 + n)
}

fn kbps(n: u64) -> Bitrate {
    Bitrate::from_kbps(n)
}

fn last(controller: &mut dyn Controller) -> Option<Plan> {
    std::iter::from_fn(|| controller.poll()).last()
}

/// Sends at a rate for a while over a path of another, with feedback each 50 ms. What the controller
/// says in the end.
struct Path {
    now: Instant,
    sequence: u64,
    /// When the path is free again.
    free: Instant,
    /// Bytes that the plan allows and that make no packet yet.
    owed: usize,
    plan: Option<Plan>,
}

impl Path {
    fn new() -> Self {
        Path {
            now: at(0),
            sequence: 0,
            free: at(0),
            owed: 0,
            plan: None,
        }
    }

    fn run(&mut self, controller: &mut dyn Controller, seconds: u64, capacity: Bitrate, ecn: Ecn) {
        for _ in 0..seconds * 20 {
            self.plan = last(controller).or(self.plan);
            let rate = self.plan.map_or(kbps(300), |plan| plan.target);
            self.owed += rate.bytes_in(ms(50));
            let count = (self.owed / 1_000) as u32;
            self.owed %= 1_000;
            let mut results = Vec::new();
            for n in 0..count {
                let sent = self.now + ms(50) * n / count.max(1);
                self.free = self.free.max(sent) + capacity.time_for(1_000);
                self.sequence += 1;
                controller.handle_sent(sent, 1_000, 10_000);
                results.push(PacketResult {
                    sequence: self.sequence,
                    sent,
                    size: 1_000,
                    arrival: Some(self.free + ms(25)),
                    ecn,
                    probe: None,
                });
            }
            self.now += ms(50);
            let heard = self.now.max(self.free + ms(50));
            controller.handle_feedback(heard, &results, 10_000);
            controller.handle_tick(heard);
        }
        self.plan = last(controller).or(self.plan);
    }
}

#[test]
fn gcc_finds_the_rate_of_a_path() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    let mut path = Path::new();
    path.run(&mut gcc, 60, kbps(1_000), Ecn::NotEct);
    let target = path.plan.expect("a plan").target;
    assert!((kbps(800)..kbps(1_050)).contains(&target), "{target:?}");
}

#[test]
fn nothing_is_planned_before_there_is_a_path() {
    let mut gcc = Gcc::default();
    gcc.handle_tick(at(0));
    gcc.handle_wanted(at(0), kbps(500));
    assert_eq!(gcc.poll(), None);
}

#[test]
fn the_peers_remb_is_taken_at_once_where_nothing_else_is_known() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    gcc.handle_remb(at(100), kbps(5_000));
    let plan = last(&mut gcc).expect("a plan");
    assert_eq!((plan.target, plan.reason), (kbps(5_000), Reason::Remote));
    gcc.handle_remb(at(200), kbps(400));
    assert_eq!(last(&mut gcc).expect("a plan").target, kbps(400));
}

#[test]
fn receiver_reports_alone_raise_the_rate_slowly() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    for second in 1..=10 {
        gcc.handle_loss_report(at(1_000 * second), 0, 60, Some(ms(50)));
    }
    // Chromium: 0.3 to 0.61 Mbit/s in ten seconds.
    let target = last(&mut gcc).expect("a plan").target;
    assert!((kbps(580)..kbps(700)).contains(&target), "{target:?}");
}

#[test]
fn without_any_report_the_first_rate_stays() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    for n in 0..400 {
        gcc.handle_sent(at(25 * n), 1_000, 1_000);
        gcc.handle_tick(at(25 * n));
    }
    assert_eq!(last(&mut gcc).expect("a plan").target, kbps(300));
}

#[test]
fn silence_after_feedback_takes_the_rate_down() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    let mut path = Path::new();
    path.run(&mut gcc, 10, kbps(5_000), Ecn::NotEct);
    let before = path.plan.expect("a plan").target;
    let mut now = path.now;
    for _ in 0..400 {
        now += ms(25);
        gcc.handle_sent(now, 1_000, 1_000_000);
        gcc.handle_tick(now);
    }
    let plan = last(&mut gcc).expect("a plan");
    assert_eq!(plan.reason, Reason::Silence);
    assert!(plan.target < before * 0.4, "{before:?} {plan:?}");
}

/// A shared screen that changes every five seconds: who says nothing hears nothing.
#[test]
fn a_pause_of_this_end_is_no_silence_of_the_other() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    let mut path = Path::new();
    path.run(&mut gcc, 10, kbps(5_000), Ecn::NotEct);
    for _ in 0..5 {
        let before = path.plan.expect("a plan").target;
        path.now += ms(5_000);
        for n in 1..=10 {
            gcc.handle_sent(path.now, 1_000, 1_000 * n);
        }
        gcc.handle_tick(path.now + ms(25));
        let plan = last(&mut gcc).or(path.plan).expect("a plan");
        assert_ne!(plan.reason, Reason::Silence);
        assert!(plan.target >= before, "{before:?} {plan:?}");
        path.run(&mut gcc, 1, kbps(5_000), Ecn::NotEct);
    }
}

#[test]
fn the_applications_bounds_hold_at_once() {
    let mut gcc = Gcc::default();
    gcc.handle_route(at(0), Bounds::default());
    let bounds = Bounds {
        max: kbps(200),
        ..Bounds::default()
    };
    gcc.handle_bounds(at(10), bounds);
    let plan = last(&mut gcc).expect("a plan");
    assert_eq!((plan.target, plan.reason), (kbps(200), Reason::Bounds));
}

#[test]
fn bounds_out_of_order_are_put_in_order() {
    let mut gcc = Gcc::default();
    let bounds = Bounds {
        min: kbps(500),
        start: kbps(10),
        max: kbps(100),
    };
    gcc.handle_route(at(0), bounds);
    assert_eq!(gcc.poll().expect("a plan").target, kbps(500));
}

#[test]
fn marks_bring_the_other_controller_and_bleaching_takes_it_away() {
    let mut selector = Selector::new(true);
    selector.handle_route(at(0), Bounds::default());
    let mut path = Path::new();
    path.run(&mut selector, 2, kbps(5_000), Ecn::Ect1);
    assert!(!selector.is_l4s(), "nobody marks yet");
    path.run(&mut selector, 1, kbps(5_000), Ecn::Ce);
    assert!(selector.is_l4s());
    assert!(path.plan.expect("a plan").window.is_some());
    path.run(&mut selector, 4, kbps(5_000), Ecn::NotEct);
    assert!(!selector.is_l4s());
    assert!(!path.plan.expect("a plan").ect1);
}

#[test]
fn a_path_that_bleaches_from_the_beginning_is_sent_no_marks() {
    let mut selector = Selector::new(true);
    selector.handle_route(at(0), Bounds::default());
    let mut path = Path::new();
    path.run(&mut selector, 3, kbps(5_000), Ecn::NotEct);
    assert!(!path.plan.expect("a plan").ect1);
}

#[test]
fn the_window_of_l4s_grows_without_marks_and_shrinks_with_them() {
    let mut l4s = L4s::default();
    l4s.handle_route(at(0), Bounds::default());
    l4s.take_over(kbps(1_000), ms(50));
    let mut path = Path::new();
    path.run(&mut l4s, 5, kbps(50_000), Ecn::Ect1);
    let grown = path.plan.expect("a plan");
    path.run(&mut l4s, 5, kbps(50_000), Ecn::Ce);
    let shrunk = path.plan.expect("a plan");
    assert_eq!(shrunk.reason, Reason::Marks);
    assert!(shrunk.window < grown.window, "{grown:?} {shrunk:?}");
    assert!(l4s.marked() > 0.9);
}

#[test]
fn silence_halves_the_window_of_l4s_each_second() {
    let mut l4s = L4s::default();
    l4s.handle_route(at(0), Bounds::default());
    l4s.take_over(kbps(5_000), ms(50));
    let mut path = Path::new();
    path.run(&mut l4s, 1, kbps(50_000), Ecn::Ect1);
    let before = path.plan.expect("a plan").target;
    let mut now = path.now;
    for _ in 0..100 {
        now += ms(25);
        l4s.handle_sent(now, 1_000, 1_000_000);
        l4s.handle_tick(now);
    }
    let plan = last(&mut l4s).expect("a plan");
    assert_eq!(plan.reason, Reason::Silence);
    assert!(plan.target < before * 0.3, "{before:?} {plan:?}");
}

/// Inputs as a call has them, from a seed.
fn story(seed: u64) -> Vec<Input> {
    let mut rng = Rng::from_u64(seed);
    let mut now = at(0);
    let mut story = vec![Input {
        at: now,
        event: Event::Route(Bounds::default()),
    }];
    let mut sequence = 0;
    for _ in 0..2_000 {
        now += Duration::from_micros(u64::from(rng.below(30_000)));
        let event = match rng.below(20) {
            0 => Event::Remb(kbps(u64::from(rng.below(5_000)))),
            1 => Event::Wanted(kbps(u64::from(rng.below(9_000)))),
            2 => Event::Tick,
            3..=10 => Event::Sent {
                size: 1_200,
                in_flight: rng.below(100_000) as usize,
            },
            _ => {
                let results = (0..rng.below(30)).map(|n| {
                    sequence += 1;
                    let sent = now - ms(100) + ms(u64::from(n));
                    let arrives = rng.below(20) > 0;
                    PacketResult {
                        sequence,
                        sent,
                        size: 1_200,
                        arrival: arrives.then(|| sent + ms(50 + u64::from(rng.below(10)))),
                        ecn: if rng.below(30) == 0 {
                            Ecn::Ce
                        } else {
                            Ecn::Ect1
                        },
                        probe: None,
                    }
                });
                let results = results.collect();
                Event::Feedback {
                    results,
                    in_flight: 20_000,
                }
            }
        };
        story.push(Input { at: now, event });
    }
    story
}

fn play(controller: &mut dyn Controller, story: &[Input]) -> Vec<Plan> {
    let mut plans = Vec::new();
    for input in story {
        controller.handle(input);
        plans.extend(std::iter::from_fn(|| controller.poll()));
    }
    plans
}

#[test]
fn a_log_of_inputs_replays_to_the_same_plans() {
    for seed in 0..5 {
        let story = story(seed);
        let plans = play(&mut Selector::new(true), &story);
        assert!(plans.len() > 100, "{}", plans.len());
        assert_eq!(plans, play(&mut Selector::new(true), &story));
        assert_eq!(
            play(&mut Gcc::default(), &story),
            play(&mut Gcc::default(), &story)
        );
    }
}

mod allocation {
    use super::*;

    fn demand(key: u32, min: u64, max: u64, weight: u16) -> Demand {
        Demand {
            key: ShareKey(key),
            min: kbps(min),
            max: kbps(max),
            weight,
            first: false,
            layers: Vec::new(),
        }
    }

    fn audio(key: u32) -> Demand {
        Demand {
            first: true,
            ..demand(key, 16, 48, 4)
        }
    }

    fn simulcast() -> Demand {
        let layer = |min, max| Layer {
            min: kbps(min),
            max: kbps(max),
        };
        Demand {
            layers: vec![layer(30, 150), layer(150, 500), layer(600, 1_500)],
            ..demand(1, 30, 2_150, 2)
        }
    }

    fn rates(allocator: &mut Allocator, now: Instant, total: u64, demands: &[Demand]) -> Vec<f64> {
        let allocation = allocator.allocate(now, kbps(total), demands);
        let shares = allocation.shares.iter();
        shares.map(|share| share.rate.kbps().round()).collect()
    }

    #[test]
    fn audio_has_its_most_before_others_have_more_than_their_least() {
        let demands = [demand(1, 100, 1_000, 8), audio(2)];
        let mut allocator = Allocator::default();
        assert_eq!(rates(&mut allocator, at(0), 130, &demands), [100.0, 30.0]);
        assert_eq!(rates(&mut allocator, at(0), 500, &demands), [452.0, 48.0]);
        assert_eq!(
            rates(&mut allocator, at(0), 20, &demands),
            [0.0, 20.0],
            "audio is never paused"
        );
    }

    #[test]
    fn weights_divide_and_what_one_does_not_need_is_for_the_others() {
        let demands = [
            demand(1, 0, 100, 4),
            demand(2, 0, 9_000, 2),
            demand(3, 0, 9_000, 1),
        ];
        let got = rates(&mut Allocator::default(), at(0), 1_000, &demands);
        assert_eq!(got, [100.0, 600.0, 300.0]);
    }

    #[test]
    fn sctp_has_its_share_and_starves_nobody() {
        let sctp = demand(9, 0, 1_000_000, 1);
        let demands = [audio(1), demand(2, 50, 2_000, 2), sctp];
        let got = rates(&mut Allocator::default(), at(0), 1_000, &demands);
        assert_eq!(got[0], 48.0);
        assert!(got[1] > 600.0 && got[2] > 250.0, "{got:?}");
    }

    #[test]
    fn a_layer_comes_after_a_second_of_enough_and_goes_at_once() {
        let demands = [simulcast()];
        let mut allocator = Allocator::default();
        let mut on = |now, total| {
            let allocation = allocator.allocate(now, kbps(total), &demands);
            let layers = allocation.shares[0].layers.iter();
            layers.filter(|rate| **rate > Bitrate::ZERO).count()
        };
        assert_eq!(on(at(0), 200), 1);
        assert_eq!(on(at(100), 310), 1, "150 and less than 1.15 times 150");
        assert_eq!(on(at(200), 330), 1);
        assert_eq!(on(at(1_100), 330), 1);
        assert_eq!(on(at(1_200), 330), 2);
        assert_eq!(
            on(at(1_300), 310),
            2,
            "what is on stays while its least is there"
        );
        assert_eq!(on(at(1_400), 290), 1);
        assert_eq!(on(at(1_500), 2_000), 1);
        assert_eq!(on(at(2_500), 2_000), 3);
    }

    #[test]
    fn lower_layers_have_their_most_first() {
        let allocation = Allocator::default().allocate(at(0), kbps(1_400), &[simulcast()]);
        assert_eq!(
            allocation.shares[0].layers,
            [kbps(150), kbps(500), kbps(750)]
        );
    }

    #[test]
    fn a_paused_stream_comes_back_when_there_is_enough_for_a_second() {
        let demands = [demand(1, 300, 1_000, 2)];
        let mut allocator = Allocator::default();
        assert_eq!(rates(&mut allocator, at(0), 200, &demands), [0.0]);
        assert_eq!(rates(&mut allocator, at(100), 320, &demands), [0.0]);
        assert_eq!(rates(&mut allocator, at(200), 350, &demands), [0.0]);
        assert_eq!(rates(&mut allocator, at(1_200), 350, &demands), [350.0]);
    }

    #[test]
    fn what_nobody_wants_is_left() {
        let demands = [demand(1, 10, 100, 1)];
        let allocation = Allocator::default().allocate(at(0), kbps(1_000), &demands);
        assert_eq!(allocation.spare, kbps(900));
        assert_eq!(allocation.wanted, kbps(100));
    }
}
