//! A path that stalls for a while is filled again soon after, wherever the controller was when that
//! happened. Run with `--nocapture` for the figures.

#![allow(
    clippy::print_stdout,
    reason = "the figures are what one runs this for"
)]

mod common;

use std::time::Duration;

use common::{Outage, Pair, Path, ms};
use duologue_base::Instant;
use duologue_sctp::{Config, CongestionAlgorithm};

const MESSAGE: usize = 16_384;
/// What is to come back of what the path carries.
const SHARE: f64 = 0.7;

/// Which directions stall.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Directions {
    Data,
    Acknowledgements,
    Both,
}

/// When the stall begins.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many tenths of a round trip after the first message: in the middle of a round, so that
    /// part of it is hit.
    Startup(u32),
    Steady,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    algorithm: CongestionAlgorithm,
    rate: u64,
    rtt: Duration,
    loss: f64,
    moment: Moment,
    stall: Duration,
    directions: Directions,
    loses: bool,
}

impl Case {
    fn path(&self) -> Path {
        let product = (self.rate as f64 * self.rtt.as_secs_f64()) as usize;
        Path {
            delay: self.rtt / 2,
            loss: self.loss,
            rate: Some(self.rate),
            queue: product.clamp(64 << 10, 4 << 20),
            ..Path::default()
        }
    }

    fn config(&self) -> Config {
        Config {
            congestion: self.algorithm,
            // So that the window is not the bound of a path of 1 Gbit/s.
            receive_window: 64 << 20,
            ..Config::default()
        }
    }

    /// What the path and the receiver's window let through, in bytes of messages a second.
    fn most(&self) -> f64 {
        // What comes behind a lost packet waits in the window until that came again.
        let round_trips = if self.loss > 0.0 { 3 } else { 1 };
        let window = self.config().receive_window as f64 / (self.rtt * round_trips).as_secs_f64();
        payload(self.rate).min(window)
    }

    /// How long it may take: a timeout that doubled while the path stalled, and a search for the
    /// bandwidth from its beginning.
    fn patience(&self) -> Duration {
        ms(3_500) + self.rtt * 8
    }

    /// How long after the stall a second begins that brings enough, or the share in the last one.
    fn recovery(&self, seed: u64) -> Result<Duration, f64> {
        let mut pair = connected(&self.config(), self.path(), seed);
        let wait = match self.moment {
            Moment::Startup(tenths) => self.rtt * tenths / 10,
            Moment::Steady => ms(3_000),
        };
        let from = pair.now + wait;
        let until = from + self.stall;
        let outage = Outage {
            from,
            until,
            loses: self.loses,
        };
        for (n, other) in [(0, Directions::Acknowledgements), (1, Directions::Data)] {
            pair.links[n].outage = (self.directions != other).then_some(outage);
        }
        send_until(&mut pair, until);
        time_to_fill(&mut pair, self.most(), self.patience())
    }
}

/// What `rate` carries of messages, beside the headers.
fn payload(rate: u64) -> f64 {
    rate as f64 * 1_148.0 / 1_228.0
}

fn connected(config: &Config, path: Path, seed: u64) -> Pair {
    let mut pair = Pair::with(config.clone(), config.clone(), path, seed);
    pair.connect();
    for peer in &mut pair.peers {
        peer.keeps = false;
    }
    pair
}

fn send_until(pair: &mut Pair, end: Instant) {
    let data = bytes::Bytes::from_static(&[7; MESSAGE]);
    while pair.now < end {
        while pair.peers[0].sctp.stats().buffered_bytes < 1 << 20 {
            pair.send(0, 1, data.clone());
        }
        pair.step(end);
    }
}

fn time_to_fill(pair: &mut Pair, most: f64, patience: Duration) -> Result<Duration, f64> {
    let end = pair.now + patience + ms(1_000);
    // Bytes received at the end of each tenth of a second.
    let mut counts = vec![pair.peers[1].received_bytes];
    let mut last = 0.0;
    while pair.now < end {
        let tenth = pair.now + ms(100);
        send_until(pair, tenth);
        counts.push(pair.peers[1].received_bytes);
        if let Some(start) = counts.len().checked_sub(11) {
            last = (counts[start + 10] - counts[start]) as f64 / most;
            if last >= SHARE {
                return Ok(ms(100) * start as u32);
            }
        }
    }
    Err(last)
}

/// Runs all cases, prints how many took how long, and says which were not filled again.
fn check(name: &str, cases: &[Case]) {
    let mut by_second = std::collections::BTreeMap::<u128, u32>::new();
    let mut unfilled = Vec::new();
    for (seed, case) in cases.iter().enumerate() {
        match case.recovery(seed as u64 + 2) {
            Ok(time) => {
                let second = time.as_millis().div_ceil(1_000);
                *by_second.entry(second).or_default() += 1;
            }
            Err(share) => unfilled.push(format!("{share:.2} with seed {}: {case:?}", seed + 2)),
        }
    }
    println!("{name}: cases by seconds at most {by_second:?}");
    assert!(unfilled.is_empty(), "{name}: {unfilled:#?}");
}

/// All combinations of round-trip times and stalls in milliseconds, moments, losses and kinds.
fn combine(
    (algorithm, rate): (CongestionAlgorithm, u64),
    rtts: &[u64],
    stalls: &[u64],
    moments: &[Moment],
    losses: &[f64],
    kinds: &[(Directions, bool)],
) -> Vec<Case> {
    let mut cases = Vec::new();
    for &rtt in rtts {
        for &stall in stalls {
            for &moment in moments {
                for &loss in losses {
                    cases.extend(kinds.iter().map(|&(directions, loses)| Case {
                        algorithm,
                        rate,
                        rtt: ms(rtt),
                        loss,
                        moment,
                        stall: ms(stall),
                        directions,
                        loses,
                    }));
                }
            }
        }
    }
    cases
}

const RTTS: [u64; 4] = [1, 20, 100, 300];
const STALLS: [u64; 4] = [20, 60, 200, 1_000];
/// While the first packets, a dozen and hundreds of them are under way; at the turn to Drain; later.
const MOMENTS: [Moment; 5] = [
    Moment::Startup(12),
    Moment::Startup(32),
    Moment::Startup(62),
    Moment::Startup(95),
    Moment::Steady,
];
const HELD: [(Directions, bool); 3] = [
    (Directions::Data, false),
    (Directions::Acknowledgements, false),
    (Directions::Both, false),
];
const LOST: [(Directions, bool); 3] = [
    (Directions::Data, true),
    (Directions::Acknowledgements, true),
    (Directions::Both, true),
];

#[test]
fn links_of_1_and_10_mbit_are_filled_again_after_a_stall() {
    for rate in [125_000, 1_250_000] {
        let path = (CongestionAlgorithm::Bbr, rate);
        let kinds = [HELD, LOST].concat();
        let cases = combine(path, &RTTS, &STALLS, &MOMENTS, &[0.0, 0.01], &kinds);
        check(&format!("{rate} B/s"), &cases);
    }
}

#[test]
fn a_link_of_100_mbit_is_filled_again_after_a_stall() {
    let path = (CongestionAlgorithm::Bbr, 12_500_000);
    let moments = [MOMENTS[0], MOMENTS[2], MOMENTS[4]];
    let kinds = [(Directions::Both, false), (Directions::Both, true)];
    let cases = combine(path, &RTTS, &STALLS, &moments, &[0.0, 0.01], &kinds);
    check("100 Mbit/s", &cases);
}

#[test]
fn a_link_of_1_gbit_is_filled_again_after_a_stall() {
    let path = (CongestionAlgorithm::Bbr, 125_000_000);
    let moments = [MOMENTS[2], MOMENTS[4]];
    let kinds = [(Directions::Both, false), (Directions::Both, true)];
    let cases = combine(path, &[1, 20, 100], &[200], &moments, &[0.0, 0.01], &kinds);
    check("1 Gbit/s", &cases);
}

/// CUBIC takes each loss for congestion, and comes back from that by the cube root of what it lost
/// (RFC 9438 §4.2), which takes long on long paths: so there is none here.
#[test]
fn cubic_fills_a_link_again_after_a_stall_that_lost_nothing() {
    for rate in [125_000, 1_250_000] {
        let path = (CongestionAlgorithm::Cubic, rate);
        let cases = combine(path, &RTTS, &STALLS, &MOMENTS, &[0.0], &HELD);
        check(&format!("CUBIC, {rate} B/s"), &cases);
    }
}

#[test]
fn a_path_that_became_twenty_times_as_fast_is_filled_within_seconds() {
    for seed in 1..=3 {
        let path = Path {
            delay: ms(30),
            rate: Some(125_000),
            queue: 64 << 10,
            ..Path::default()
        };
        let mut pair = connected(&Config::default(), path, seed);
        let end = pair.now + ms(5_000);
        send_until(&mut pair, end);
        pair.links[0].set_rate(2_500_000);
        let time = time_to_fill(&mut pair, payload(2_500_000), ms(5_000));
        println!("1 to 20 Mbit/s, 60 ms: {time:?}");
        assert!(time.is_ok(), "{time:?} of the rate");
    }
}
