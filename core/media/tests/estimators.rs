//! The parts of the congestion controller, each alone and in virtual time.

use std::time::Duration;

use duologue_base::{Ecn, Instant, float};
use duologue_media::cc::{
    Aimd, Alr, Bitrate, Cluster, Delta, Groups, Holds, LossBased, LossState, Overuse, PacketResult,
    ProbeResults, Prober, Reason, ReportedLoss, Shown, Standing, Throughput, Trendline, Usage,
};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn at(n: u64) -> Instant {
    Instant::ZERO + ms(10_000 + n)
}

fn kbps(n: u64) -> Bitrate {
    Bitrate::from_kbps(n)
}

fn packet(sequence: u64, sent: Instant, arrival: Option<Instant>) -> PacketResult {
    PacketResult {
        sequence,
        sent,
        size: 1_000,
        arrival,
        ecn: Ecn::NotEct,
        probe: None,
    }
}

mod throughput {
    use super::*;

    #[test]
    fn a_stall_of_the_path_and_the_burst_after_it_change_nothing() {
        let mut throughput = Throughput::default();
        for n in 0..200 {
            let due = at(10 * n + 50);
            let arrival = if (100..130).contains(&n) {
                at(1_350) + Duration::from_micros(10 * n)
            } else {
                due
            };
            throughput.push(&packet(n, at(10 * n), Some(arrival)));
            if n > 30 {
                let rate = throughput.rate().expect("enough packets").kbps();
                assert!((740.0..=800.0).contains(&rate), "{rate} at {n}");
            }
        }
    }

    #[test]
    fn it_never_says_more_than_was_sent() {
        let mut throughput = Throughput::default();
        for n in 0..60 {
            // Sent at 800 kbit/s, and all held back to arrive at 8 Mbit/s.
            throughput.push(&packet(n, at(10 * n), Some(at(700 + n))));
        }
        assert!(throughput.rate().expect("enough packets") <= kbps(810));
    }

    #[test]
    fn a_path_that_became_slower_shows_lately_first() {
        let mut throughput = Throughput::default();
        let mut arrival = at(0);
        for n in 0..110 {
            arrival += if n < 100 { ms(8) } else { ms(40) };
            throughput.push(&packet(n, at(8 * n), Some(arrival)));
        }
        let slow = throughput.recent_rate(ms(200)).expect("enough packets");
        assert!(slow <= kbps(250), "{slow:?}");
        assert!(throughput.rate().expect("enough packets") > kbps(400));
    }

    #[test]
    fn too_few_packets_have_no_rate() {
        let mut throughput = Throughput::default();
        for n in 0..9 {
            throughput.push(&packet(n, at(10 * n), Some(at(10 * n))));
        }
        assert_eq!(throughput.rate(), None);
    }
}

mod delay {
    use super::*;

    #[test]
    fn packets_of_five_milliseconds_are_one_group() {
        let mut groups = Groups::default();
        let mut deltas = Vec::new();
        for n in 0..40_u64 {
            // Four packets each 20 ms.
            let sent = at(20 * (n / 4)) + Duration::from_micros(500 * (n % 4));
            deltas.extend(groups.push(sent + ms(60), &packet(n, sent, Some(sent + ms(30)))));
        }
        assert_eq!(deltas.len(), 8);
        assert!(deltas.iter().all(|delta| delta.sent == delta.arrived));
    }

    #[test]
    fn what_arrives_in_one_burst_is_one_group_though_it_was_sent_apart() {
        let mut groups = Groups::default();
        let mut deltas = Vec::new();
        for n in 0..60_u64 {
            // Sent each 10 ms; the path lets six go together each 60 ms.
            let arrival = at(60 * (n / 6) + 100) + Duration::from_micros(300 * (n % 6));
            deltas.extend(groups.push(arrival + ms(30), &packet(n, at(10 * n), Some(arrival))));
        }
        assert_eq!(deltas.len(), 8);
        assert!(
            deltas
                .iter()
                .all(|delta| (delta.arrived - 60.0).abs() < 2.0)
        );
    }

    #[test]
    fn a_packet_that_comes_late_is_no_news() {
        let mut groups = Groups::default();
        for n in 1..5 {
            groups.push(at(100), &packet(n, at(20 * n), Some(at(20 * n + 50))));
        }
        assert_eq!(groups.push(at(200), &packet(0, at(0), Some(at(190)))), None);
    }

    fn usage_after(arrives_every: Duration) -> Usage {
        let (mut line, mut overuse) = (Trendline::default(), Overuse::default());
        let arrived = arrives_every.as_secs_f64() * 1e3;
        let mut now = at(0);
        for _ in 0..80 {
            now += arrives_every;
            let delta = Delta {
                sent: 10.0,
                arrived,
                at: now,
            };
            let slope = line.push(&delta);
            overuse.push(now, slope, line.groups(), delta.sent);
        }
        overuse.usage()
    }

    #[test]
    fn a_growing_delay_is_overuse_and_a_shrinking_one_underuse() {
        assert_eq!(usage_after(Duration::from_micros(10_600)), Usage::Over);
        assert_eq!(usage_after(Duration::from_micros(10_000)), Usage::Normal);
        assert_eq!(usage_after(Duration::from_micros(9_000)), Usage::Under);
    }

    #[test]
    fn the_threshold_gets_used_to_a_flow_that_fills_the_queue() {
        let mut overuse = Overuse::default();
        let mut now = at(0);
        let begin = overuse.threshold();
        for n in 0..3_000_u32 {
            now += ms(10);
            // Up and down, as another flow's window makes it.
            let slope = 0.1 * f64::from(float::sin(n as f32 / 30.0));
            overuse.push(now, slope, 100, 10.0);
        }
        assert!(overuse.threshold() > begin, "{}", overuse.threshold());
        for _ in 0..200 {
            now += ms(10);
            overuse.push(now, 0.0, 100, 10.0);
        }
        assert!((6.0..6.5).contains(&overuse.threshold()));
    }

    #[test]
    fn a_sudden_spike_does_not_move_the_threshold() {
        let mut overuse = Overuse::default();
        overuse.push(at(0), 0.0, 60, 10.0);
        let before = overuse.threshold();
        overuse.push(at(10), 1.0, 60, 10.0);
        assert_eq!(overuse.threshold(), before);
    }
}

mod aimd {
    use super::*;

    #[test]
    fn far_from_the_capacity_it_grows_by_eight_percent_a_second() {
        let mut aimd = Aimd::new(kbps(1_000));
        for n in 0..=40 {
            aimd.update(
                at(25 * n),
                Usage::Normal,
                Some(kbps(1_000)),
                Standing::Bearable,
            );
        }
        let rate = aimd.rate().kbps();
        assert!((1_075.0..1_085.0).contains(&rate), "{rate}");
        assert_eq!(aimd.reason(), Reason::Increase);
    }

    #[test]
    fn near_the_capacity_it_grows_by_a_packet_in_twice_the_response_time() {
        let mut aimd = Aimd::new(kbps(1_000));
        aimd.set_rtt(ms(100));
        aimd.update(at(0), Usage::Over, Some(kbps(1_000)), Standing::Long);
        let before = aimd.rate();
        for n in 1..=41 {
            aimd.update(
                at(25 * n),
                Usage::Normal,
                Some(kbps(980)),
                Standing::Bearable,
            );
        }
        // A frame of three packets of 1,172 bytes, one of them in 400 ms.
        let grown = (aimd.rate() - before).kbps();
        assert!((18.0..26.0).contains(&grown), "{grown}");
        assert_eq!(aimd.reason(), Reason::NearCapacity);
    }

    #[test]
    fn it_stays_within_half_more_than_what_arrives() {
        let mut aimd = Aimd::new(kbps(1_000));
        for n in 0..2_000 {
            aimd.update(
                at(25 * n),
                Usage::Normal,
                Some(kbps(400)),
                Standing::Bearable,
            );
        }
        assert_eq!(aimd.rate(), kbps(1_000), "what it was is not taken away");
        let mut aimd = Aimd::new(kbps(300));
        for n in 0..2_000 {
            aimd.update(
                at(25 * n),
                Usage::Normal,
                Some(kbps(400)),
                Standing::Bearable,
            );
        }
        assert_eq!(aimd.rate(), kbps(610));
    }

    #[test]
    fn a_draining_queue_holds_the_rate() {
        let mut aimd = Aimd::new(kbps(1_000));
        for n in 0..100 {
            aimd.update(
                at(25 * n),
                Usage::Under,
                Some(kbps(1_000)),
                Standing::Bearable,
            );
        }
        assert_eq!(aimd.rate(), kbps(1_000));
    }

    #[test]
    fn a_second_decrease_waits_until_the_first_can_have_shown() {
        let mut aimd = Aimd::new(kbps(1_000));
        aimd.set_rtt(ms(150));
        aimd.update(at(0), Usage::Over, Some(kbps(1_000)), Standing::Long);
        assert!(!aimd.may_decrease(at(100), Some(kbps(900))));
        assert!(aimd.may_decrease(at(150), Some(kbps(900))));
        assert!(
            aimd.may_decrease(at(10), Some(kbps(300))),
            "the first was far too small"
        );
    }

    #[test]
    fn overuse_of_less_than_the_rate_does_not_raise_it() {
        let mut aimd = Aimd::new(kbps(500));
        aimd.update(at(0), Usage::Over, Some(kbps(2_000)), Standing::Long);
        assert_eq!(aimd.rate(), kbps(500));
    }
}

mod loss {
    use super::*;

    /// Feeds seconds of a path that carries `capacity` and loses `share` of what it carries, at the
    /// rate that the estimator says, up to what delay allows.
    fn run(loss: &mut LossBased, seconds: u64, capacity: f64, share: f64, delay: Bitrate) {
        let mut sequence = 0;
        let mut owed = 0.0;
        for step in 0..seconds * 20 {
            let now = at(step * 50);
            let rate = loss.estimate().map_or(delay, |estimate| estimate.rate);
            let count = (rate.bytes_in(ms(50)) / 1_000).max(1);
            let carried = (capacity / rate.bps() as f64).min(1.0) * (1.0 - share);
            let results: Vec<_> = (0..count as u64)
                .map(|n| {
                    owed += carried;
                    let arrives = owed >= 1.0;
                    owed -= if arrives { 1.0 } else { 0.0 };
                    sequence += 1;
                    let sent = now + Duration::from_micros(50_000 * n / count as u64);
                    packet(sequence, sent, arrives.then_some(sent + ms(50)))
                })
                .collect();
            let arrives = Bitrate::from_bps((rate.bps() as f64 * carried) as u64);
            loss.push(&results, delay, Some(arrives), false);
        }
    }

    fn estimator() -> LossBased {
        LossBased::new(kbps(10), kbps(10_000))
    }

    #[test]
    fn without_losses_delay_alone_limits() {
        let mut loss = estimator();
        run(&mut loss, 10, f64::INFINITY, 0.0, kbps(2_000));
        let estimate = loss.estimate().expect("ready");
        assert_eq!(estimate.rate, kbps(2_000));
        assert_eq!(estimate.state, LossState::Free);
    }

    #[test]
    fn a_path_that_loses_two_percent_at_any_rate_costs_no_rate() {
        let mut loss = estimator();
        run(&mut loss, 30, f64::INFINITY, 0.02, kbps(2_000));
        let rate = loss.estimate().expect("ready").rate;
        assert!(rate >= kbps(1_900), "{rate:?}");
    }

    #[test]
    fn what_exceeds_the_bandwidth_and_is_lost_brings_the_rate_down_to_it() {
        let mut loss = estimator();
        run(&mut loss, 20, 1_000_000.0, 0.0, kbps(2_000));
        let estimate = loss.estimate().expect("ready");
        assert!(
            (kbps(800)..kbps(1_200)).contains(&estimate.rate),
            "{estimate:?}"
        );
        assert_ne!(estimate.state, LossState::Free);
    }

    #[test]
    fn half_of_everything_lost_leaves_little() {
        let mut loss = estimator();
        run(&mut loss, 20, f64::INFINITY, 0.5, kbps(2_000));
        assert!(loss.estimate().expect("ready").rate < kbps(400));
        assert!((0.45..0.55).contains(&loss.loss()));
    }

    #[test]
    fn too_few_observations_say_nothing() {
        let mut loss = estimator();
        run(&mut loss, 0, f64::INFINITY, 0.5, kbps(2_000));
        assert_eq!(loss.estimate(), None);
    }

    #[test]
    fn a_packet_that_arrives_after_all_was_not_lost() {
        let mut loss = estimator();
        for n in 0..400 {
            let sent = at(10 * n);
            loss.push(&[packet(n, sent, None)], kbps(2_000), None, false);
            let arrived = packet(n, sent, Some(sent + ms(80)));
            loss.push(&[arrived], kbps(2_000), None, false);
        }
        assert_eq!(loss.estimate().expect("ready").rate, kbps(2_000));
        assert!(loss.loss() < 0.06, "{}", loss.loss());
    }
}

mod reported {
    use super::*;

    #[test]
    fn reports_without_loss_raise_the_rate_by_eight_percent_a_second() {
        let mut reported = ReportedLoss::default();
        let mut rate = kbps(300);
        for n in 0..10 {
            rate = reported
                .push(at(1_000 * n), 0, 50, rate, None)
                .unwrap_or(rate);
        }
        // As Chromium does without transport-cc and REMB: 0.3 to 0.61 Mbit/s in ten seconds.
        assert!((kbps(600)..kbps(680)).contains(&rate), "{rate:?}");
    }

    #[test]
    fn losses_between_two_and_ten_percent_change_nothing() {
        let mut reported = ReportedLoss::default();
        assert_eq!(reported.push(at(0), 5, 100, kbps(300), None), None);
    }

    #[test]
    fn one_decrease_waits_for_the_last() {
        let mut reported = ReportedLoss::default();
        let rtt = Some(ms(100));
        assert!(reported.push(at(0), 50, 100, kbps(300), rtt).is_some());
        assert_eq!(reported.push(at(350), 50, 100, kbps(300), rtt), None);
        assert!(reported.push(at(400), 50, 100, kbps(300), rtt).is_some());
    }
}

mod probing {
    use super::*;

    fn begun() -> Prober {
        let mut prober = Prober::default();
        prober.begin(at(0), kbps(300), kbps(5_000));
        drain(&mut prober);
        prober
    }

    fn drain(prober: &mut Prober) -> Vec<u64> {
        std::iter::from_fn(|| prober.poll())
            .map(|cluster| cluster.rate.bps() / 1_000)
            .collect()
    }

    #[test]
    fn probes_double_while_most_of_them_comes_through() {
        let mut prober = begun();
        prober.handle_estimate(at(100), kbps(1_700), Holds::Nothing);
        assert_eq!(drain(&mut prober), [3_400]);
        prober.handle_estimate(at(200), kbps(3_300), Holds::Nothing);
        assert_eq!(drain(&mut prober), [5_000], "no more than the bound");
        prober.handle_estimate(at(300), kbps(5_000), Holds::Nothing);
        assert_eq!(drain(&mut prober), []);
    }

    #[test]
    fn a_probe_that_found_the_end_is_the_last() {
        let mut prober = begun();
        prober.handle_estimate(at(100), kbps(900), Holds::Nothing);
        prober.handle_tick(at(1_200));
        assert_eq!(drain(&mut prober), []);
    }

    #[test]
    fn who_sends_less_than_it_may_is_probed_for_each_five_seconds() {
        let mut prober = begun();
        prober.set_alr(at(500), Some(at(500)));
        let mut probed = Vec::new();
        for n in 0..20 {
            prober.handle_tick(at(1_000 * n));
            probed.extend(drain(&mut prober).iter().map(|_| n));
        }
        assert_eq!(probed.len(), 3, "{probed:?}");
        assert!(probed.windows(2).all(|pair| pair[1] - pair[0] >= 5));
    }

    #[test]
    fn a_growing_queue_and_losses_stop_probes() {
        let mut prober = begun();
        prober.set_alr(at(0), Some(at(0)));
        prober.handle_estimate(at(1_500), kbps(300), Holds::Congestion);
        prober.handle_tick(at(9_000));
        assert_eq!(drain(&mut prober), []);
    }

    #[test]
    fn a_quiet_path_is_probed_though_the_application_uses_it_all() {
        let mut prober = begun();
        prober.set_wanted(at(0), kbps(5_000));
        prober.handle_tick(at(1_100));
        prober.handle_estimate(at(1_200), kbps(500), Holds::Nothing);
        prober.handle_tick(at(3_300));
        assert_eq!(drain(&mut prober), [1_000]);
    }

    #[test]
    fn who_wants_no_more_is_not_probed_for() {
        let mut prober = begun();
        prober.set_wanted(at(0), kbps(400));
        prober.handle_tick(at(1_100));
        prober.handle_estimate(at(1_200), kbps(500), Holds::Nothing);
        prober.handle_tick(at(9_300));
        assert_eq!(drain(&mut prober), []);
    }

    #[test]
    fn after_a_sudden_fall_the_old_rate_is_tried_once_the_queue_is_gone() {
        let mut prober = begun();
        prober.handle_tick(at(1_100));
        prober.handle_estimate(at(1_200), kbps(2_000), Holds::Nothing);
        prober.set_alr(at(1_200), Some(at(1_200)));
        prober.handle_estimate(at(1_300), kbps(500), Holds::Congestion);
        prober.handle_estimate(at(2_300), kbps(500), Holds::Nothing);
        prober.handle_recovery(at(2_300));
        assert_eq!(drain(&mut prober), [1_700]);
    }

    fn result_of(cluster: Cluster, arrives_every: Duration) -> Option<Shown> {
        let mut results = ProbeResults::default();
        results.expect(cluster);
        let mut last = None;
        for n in 0..6 {
            let sent = at(0) + cluster.rate.time_for(1_000) * n;
            let mut packet = packet(u64::from(n), sent, Some(at(50) + arrives_every * n));
            packet.probe = Some(cluster.id);
            last = results.push(&packet).or(last);
        }
        last
    }

    fn cluster() -> Cluster {
        let mut prober = Prober::default();
        prober.begin(at(0), kbps(300), kbps(5_000));
        prober.poll().expect("one")
    }

    #[test]
    fn a_probe_that_arrives_as_it_was_sent_shows_its_rate() {
        let cluster = cluster();
        let shown = result_of(cluster, cluster.rate.time_for(1_000)).expect("enough");
        assert!(!shown.saturated);
        assert!((kbps(890)..=kbps(905)).contains(&shown.rate), "{shown:?}");
    }

    #[test]
    fn a_probe_that_is_spread_shows_the_path_and_a_little_less_is_taken() {
        let cluster = cluster();
        let shown = result_of(cluster, kbps(500).time_for(1_000)).expect("enough");
        assert!(shown.saturated);
        assert!((kbps(470)..=kbps(480)).contains(&shown.rate), "{shown:?}");
    }

    #[test]
    fn a_probe_that_arrives_much_faster_than_it_was_sent_is_nonsense() {
        let cluster = cluster();
        assert_eq!(result_of(cluster, kbps(3_000).time_for(1_000)), None);
    }
}

mod application_limited {
    use super::*;

    fn send(alr: &mut Alr, from: u64, seconds: u64, rate: Bitrate) {
        for n in 0..seconds * 50 {
            alr.handle_sent(at(from + 20 * n), rate.bytes_in(ms(20)));
        }
    }

    #[test]
    fn half_of_the_estimate_is_little_and_three_quarters_are_not() {
        let mut alr = Alr::default();
        alr.set_estimate(kbps(1_000));
        send(&mut alr, 0, 10, kbps(750));
        assert_eq!(alr.since(), None);
        send(&mut alr, 10_000, 10, kbps(400));
        assert!(alr.since().is_some());
    }

    #[test]
    fn it_ends_soon_after_the_application_sends_again() {
        let mut alr = Alr::default();
        alr.set_estimate(kbps(1_000));
        send(&mut alr, 0, 10, kbps(100));
        assert!(alr.since().is_some());
        send(&mut alr, 10_000, 1, kbps(1_000));
        assert_eq!(alr.since(), None);
    }
}
