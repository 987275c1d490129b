//! How fast it is on simulated paths, with floors. Run with `--nocapture` for the figures.

#![allow(
    clippy::print_stdout,
    reason = "the figures are what one runs this for"
)]

mod common;

use std::time::Duration;

use common::{Link, Pair, Path, Stalls, ms};
use duologue_sctp::{Config, CongestionAlgorithm};

const MESSAGE: usize = 16_384;

fn config(congestion: CongestionAlgorithm) -> Config {
    Config {
        congestion,
        ..Config::default()
    }
}

/// What came of one transfer.
#[derive(Debug)]
struct Outcome {
    mb_s: f64,
    /// Share of the buffer that the queue took on average.
    standing: f64,
    #[expect(dead_code, reason = "printed")]
    retransmitted: f64,
}

/// Sends for `time` after `warm` and counts what the receiver's application gets in it.
fn measure(
    algorithm: CongestionAlgorithm,
    path: Path,
    warm: Duration,
    time: Duration,
    seed: u64,
) -> Outcome {
    let config = config(algorithm);
    let (rate, queue) = (path.rate.unwrap_or(u64::MAX), path.queue);
    let mut pair = Pair::with(config.clone(), config, path, seed);
    pair.connect();
    for peer in &mut pair.peers {
        peer.keeps = false;
    }
    let data = bytes::Bytes::from(vec![7; MESSAGE]);
    let run = |pair: &mut Pair, time: Duration| {
        let end = pair.now + time;
        while pair.now < end {
            while pair.peers[0].sctp.stats().buffered_bytes < 1 << 20 {
                pair.send(0, 1, data.clone());
            }
            pair.step(end);
        }
    };
    run(&mut pair, warm);
    let before = pair.peers[1].received_bytes;
    let sent_before = pair.peers[0].sctp.stats();
    let start = pair.now;
    run(&mut pair, time);
    let stats = pair.peers[0].sctp.stats();
    let waits: Vec<f64> = pair.links[0]
        .waits
        .iter()
        .filter(|wait| wait.0 >= start)
        .map(|wait| wait.1.as_secs_f64())
        .collect();
    let mean = waits.iter().sum::<f64>() / waits.len().max(1) as f64;
    Outcome {
        mb_s: (pair.peers[1].received_bytes - before) as f64 / time.as_secs_f64() / 1e6,
        standing: mean * rate as f64 / queue as f64,
        retransmitted: (stats.chunks_retransmitted - sent_before.chunks_retransmitted) as f64
            / (stats.packets_sent - sent_before.packets_sent) as f64,
    }
}

fn link_100m(delay: Duration, queue: usize) -> Path {
    Path {
        delay,
        rate: Some(12_500_000),
        queue,
        ..Path::default()
    }
}

#[test]
fn random_loss_leaves_most_of_the_rate() {
    // A path without a bottleneck of its own; the cap keeps the simulation short.
    for (loss, floor) in [(0.0, 20.0), (0.01, 18.0), (0.05, 15.0)] {
        let path = Path {
            delay: ms(20),
            loss,
            rate: Some(25_000_000),
            queue: 4 << 20,
            ..Path::default()
        };
        for seed in 1..=2 {
            let outcome = measure(
                CongestionAlgorithm::Bbr,
                path.clone(),
                ms(2_000),
                ms(2_000),
                seed,
            );
            println!("20 ms, {loss} loss: {outcome:.3?}");
            assert!(outcome.mb_s > floor, "{loss}: {outcome:?}");
        }
    }
}

#[test]
fn a_link_of_100_mbit_with_250_packets_of_queue_is_filled() {
    for seed in 1..=3 {
        let path = link_100m(ms(20), 250 * 1_200);
        let outcome = measure(CongestionAlgorithm::Bbr, path, ms(2_000), ms(5_000), seed);
        println!("100 Mbit/s, 40 ms, 250 packets: {outcome:.3?}");
        assert!(outcome.mb_s >= 11.0, "{outcome:?}");
        assert!(outcome.standing < 0.5, "{outcome:?}");
    }
}

#[test]
fn a_busy_host_on_the_way_costs_a_link_of_100_mbit_little() {
    for seed in 1..=4 {
        let mut path = link_100m(ms(20), 250 * 1_200);
        path.stalls = Some(Stalls {
            every: ms(20),
            longest: ms(10),
            holds: 92,
        });
        let outcome = measure(CongestionAlgorithm::Bbr, path, ms(3_000), ms(4_000), seed);
        println!("100 Mbit/s, stalls of up to 10 ms: {outcome:.3?}");
        assert!(outcome.mb_s >= 11.0, "{outcome:?}");
    }
}

#[test]
fn a_link_of_100_mbit_and_100_ms_is_filled_from_the_start() {
    for algorithm in [CongestionAlgorithm::Bbr, CongestionAlgorithm::Cubic] {
        let path = link_100m(ms(50), 1_250_000);
        let outcome = measure(algorithm, path, ms(2_000), ms(10_000), 1);
        println!("{algorithm:?}, 100 Mbit/s, 100 ms, one BDP: {outcome:.3?}");
        // What 12.5 MB/s carry beside the headers. CUBIC's slow start overruns the queue first.
        let most = 12.5 * 1_148.0 / 1_228.0;
        let floor = if algorithm == CongestionAlgorithm::Bbr {
            0.95
        } else {
            0.7
        };
        assert!(outcome.mb_s >= floor * most, "{algorithm:?}: {outcome:?}");
        if algorithm == CongestionAlgorithm::Bbr {
            assert!(outcome.standing < 0.5, "{outcome:?}");
        }
    }
}

#[test]
fn slow_and_short_links_are_filled_too() {
    for (rate, delay, queue) in [
        (125_000, 30, 30_000),
        (1_250_000, 5, 60_000),
        (1_250_000, 100, 125_000),
        (12_500_000, 1, 100_000),
    ] {
        let path = Path {
            delay: ms(delay),
            rate: Some(rate),
            queue,
            ..Path::default()
        };
        for algorithm in [CongestionAlgorithm::Bbr, CongestionAlgorithm::Cubic] {
            let outcome = measure(algorithm, path.clone(), ms(5_000), ms(10_000), 3);
            println!("{algorithm:?} {rate} B/s, {delay} ms, {queue}: {outcome:.3?}");
            assert!(
                outcome.mb_s * 1e6 > 0.8 * rate as f64,
                "{algorithm:?} {rate}: {outcome:?}"
            );
        }
    }
}

/// Two flows over one bottleneck; the second begins later. Returns MB/s of each in the last part,
/// and the standing queue.
fn share(
    algorithms: [CongestionAlgorithm; 2],
    delay: Duration,
    queue: usize,
    seed: u64,
) -> ([f64; 2], f64) {
    let path = Path {
        delay,
        ..Path::default()
    };
    let mut pairs = [0, 1].map(|n| {
        let config = config(algorithms[n as usize]);
        let mut pair = Pair::with(config.clone(), config, path.clone(), seed + n);
        pair.connect();
        for peer in &mut pair.peers {
            peer.keeps = false;
        }
        pair
    });
    let shared = std::rc::Rc::new(std::cell::RefCell::new(Link::new(
        link_100m(Duration::ZERO, queue),
        seed,
    )));
    for pair in &mut pairs {
        pair.bottleneck = Some(shared.clone());
    }
    let data = bytes::Bytes::from(vec![7; MESSAGE]);
    let (begin, from, end) = (ms(5_000), ms(20_000), ms(40_000));
    let origin = pairs[0].now.max(pairs[1].now);
    for pair in &mut pairs {
        pair.now = origin;
    }
    let mut counted = [0; 2];
    let mut is_counting = false;
    let mut now = origin;
    while now < origin + end {
        now += Duration::from_micros(200);
        for (n, pair) in pairs.iter_mut().enumerate() {
            if n == 0 || now > origin + begin {
                while pair.peers[0].sctp.stats().buffered_bytes < 1 << 20 {
                    pair.send(0, 1, data.clone());
                }
            }
            while pair.step(now) {}
        }
        if !is_counting && now > origin + from {
            is_counting = true;
            counted = [0, 1].map(|n: usize| pairs[n].peers[1].received_bytes);
        }
    }
    let seconds = (end - from).as_secs_f64();
    let rates = [0, 1]
        .map(|n: usize| (pairs[n].peers[1].received_bytes - counted[n]) as f64 / seconds / 1e6);
    let link = shared.borrow();
    let late: Vec<f64> = link
        .waits
        .iter()
        .filter(|wait| wait.0 > origin + from)
        .map(|wait| wait.1.as_secs_f64())
        .collect();
    let mean = late.iter().sum::<f64>() / late.len() as f64;
    (rates, mean * 12.5e6 / queue as f64)
}

#[test]
fn two_flows_share_a_bottleneck() {
    use CongestionAlgorithm::{Bbr, Reno};
    let mut unfair = Vec::new();
    for (delay, seed) in [(10, 1), (20, 2), (50, 3)] {
        let bdp = 12_500 * 2 * delay as usize;
        let (among_reno, _) = share([Reno, Reno], ms(delay), bdp, seed);
        for algorithms in [[Bbr, Bbr], [Bbr, Reno], [Reno, Bbr]] {
            let (rates, standing) = share(algorithms, ms(delay), bdp, seed);
            let line = format!(
                "{algorithms:?}, {} ms: {rates:.2?} MB/s, standing {standing:.2}",
                2 * delay
            );
            println!("{line}");
            let total: f64 = rates.iter().sum();
            // A fifth; or, where a latecomer has it hard, about what a Reno flow gets there.
            let fair = [0, 1].map(|n| rates[n] > (total / 5.0).min(among_reno[n] * 0.8));
            let short = algorithms != [Bbr, Bbr] || standing < 0.5;
            if total < 9.5 || fair != [true, true] || !short {
                unfair.push(line);
            }
        }
    }
    assert!(unfair.is_empty(), "{unfair:#?}");
}

#[test]
fn a_flow_comes_up_quickly() {
    let path = link_100m(ms(20), 300_000);
    let config = config(CongestionAlgorithm::Bbr);
    let mut pair = Pair::with(config.clone(), config, path, 5);
    pair.connect();
    let start = pair.now;
    for _ in 0..61 {
        pair.send(0, 1, vec![7; MESSAGE]);
    }
    pair.run_until(ms(5_000), |pair| pair.peers[1].received.len() == 61);
    let time = pair.now - start;
    println!("1 MB over 100 Mbit/s, 40 ms from the start: {time:?}");
    assert!(time < ms(400), "{time:?}");
}
