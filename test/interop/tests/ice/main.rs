//! Our ICE agent against `is` (str0m's) and `rice-proto` (librice's), with and without loss.

#![expect(
    clippy::print_stdout,
    reason = "the measured times are part of the result"
)]

mod is_agent;
mod ours;
mod rice_agent;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use duologue_base::{Instant, Rng};

use crate::is_agent::IsAgent;
use crate::ours::Ours;
use crate::rice_agent::RiceAgent;

/// An agent with one socket.
trait Agent {
    fn credentials(&self) -> (String, String);
    /// `candidate:…`
    fn candidate(&self) -> String;
    fn set_remote(&mut self, now: Instant, ufrag: &str, pwd: &str);
    fn add_remote(&mut self, now: Instant, candidate: &str);
    fn handle(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]);
    fn timeout(&mut self, now: Instant) -> Option<Instant>;
    fn handle_timeout(&mut self, now: Instant);
    fn transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)>;
    /// Where it sends data, once it has chosen.
    fn selected(&mut self) -> Option<SocketAddr>;
}

#[derive(Clone, Copy)]
struct Link {
    delay: Duration,
    jitter: Duration,
    loss: f64,
}

const CLEAN: Link = Link {
    delay: Duration::from_millis(25),
    jitter: Duration::ZERO,
    loss: 0.0,
};
const LOSSY: Link = Link {
    delay: Duration::from_millis(25),
    jitter: Duration::from_millis(20),
    loss: 0.2,
};

const ADDRESSES: [&str; 2] = ["192.0.2.1:1000", "198.51.100.1:2000"];

struct Call {
    agents: [Box<dyn Agent>; 2],
    addresses: [SocketAddr; 2],
    now: Instant,
    parcels: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sequence: u64,
    link: Link,
    rng: Rng,
}

impl Call {
    /// Credentials and candidates are exchanged; `dead` candidates before the good ones.
    fn new(seed: u64, link: Link, mut agents: [Box<dyn Agent>; 2], dead: usize) -> Self {
        let now = Instant::ZERO;
        for at in 0..2 {
            let (ufrag, pwd) = agents[1 - at].credentials();
            agents[at].set_remote(now, &ufrag, &pwd);
            for n in 0..dead {
                let text = format!("candidate:d{n} 1 udp 2147483391 203.0.113.{n} 9 typ host");
                agents[at].add_remote(now, &text);
            }
            let candidate = agents[1 - at].candidate();
            agents[at].add_remote(now, &candidate);
        }
        Call {
            agents,
            addresses: ADDRESSES.map(|text| text.parse().expect("an address")),
            now,
            parcels: BTreeMap::new(),
            sequence: 0,
            link,
            rng: Rng::from_u64(seed),
        }
    }

    fn drain(&mut self) {
        for at in 0..2 {
            while let Some((to, bytes)) = self.agents[at].transmit(self.now) {
                if to != self.addresses[1 - at] || self.rng.unit() < self.link.loss {
                    continue;
                }
                let delay = self.link.delay + self.link.jitter.mul_f64(self.rng.unit());
                self.sequence += 1;
                let key = (self.now + delay, self.sequence);
                self.parcels.insert(key, (1 - at, bytes));
            }
        }
    }

    /// When both had chosen each other.
    fn run(&mut self, limit: Duration) -> Option<Duration> {
        let end = Instant::ZERO + limit;
        while self.now <= end {
            self.drain();
            let chosen = [0, 1].map(|at| self.agents[at].selected());
            if chosen == [Some(self.addresses[1]), Some(self.addresses[0])] {
                return Some(self.now.since_origin());
            }
            let parcel = self.parcels.keys().next().map(|(at, _)| *at);
            let [a, b] = [0, 1].map(|at| self.agents[at].timeout(self.now));
            let next = [parcel, a, b].into_iter().flatten().min()?;
            // Agents that keep saying "now" must not stop time.
            self.now = next.max(self.now + Duration::from_micros(50));
            while let Some(entry) = self.parcels.first_entry() {
                if entry.key().0 > self.now {
                    break;
                }
                let (to, bytes) = entry.remove();
                let from = self.addresses[1 - to];
                self.agents[to].handle(self.now, from, &bytes);
                self.drain();
            }
            for at in 0..2 {
                self.agents[at].handle_timeout(self.now);
            }
        }
        None
    }
}

type Make = fn(u64, usize, bool) -> Box<dyn Agent>;

const OTHERS: [(&str, Make); 2] = [
    ("is", |_, at, controlling| {
        Box::new(IsAgent::new(ADDRESSES[at], controlling))
    }),
    ("rice-proto", |_, at, controlling| {
        Box::new(RiceAgent::new(ADDRESSES[at], controlling))
    }),
];

fn ours(seed: u64, at: usize, controlling: bool) -> Box<dyn Agent> {
    Box::new(Ours::new(seed, ADDRESSES[at], controlling))
}

#[test]
fn we_connect_to_the_others_in_both_roles() {
    for (name, other) in OTHERS {
        for we_control in [true, false] {
            let agents = [ours(1, 0, we_control), other(1, 1, !we_control)];
            let time = Call::new(1, CLEAN, agents, 0).run(Duration::from_secs(5));
            let time = time.unwrap_or_else(|| panic!("{name}: no connection"));
            println!("{name}, we control: {we_control}: {time:?}");
            assert!(time < Duration::from_millis(1000), "{name}: {time:?}");
        }
    }
}

#[test]
fn role_conflicts_with_the_others_are_settled() {
    for (name, other) in OTHERS {
        for seed in 0..10 {
            for role in [true, false] {
                let agents = [ours(seed, 0, role), other(seed, 1, role)];
                let time = Call::new(seed, CLEAN, agents, 0).run(Duration::from_secs(10));
                assert!(time.is_some(), "{name}, seed {seed}, controlling {role}");
            }
        }
    }
}

#[test]
fn loss_delays_but_does_not_prevent_a_connection() {
    for (name, other) in OTHERS {
        for seed in 0..50 {
            let we_control = seed % 2 == 0;
            let agents = [ours(seed, 0, we_control), other(seed, 1, !we_control)];
            let time = Call::new(seed, LOSSY, agents, 0).run(Duration::from_secs(40));
            assert!(time.is_some(), "{name}, seed {seed}");
        }
    }
}

#[test]
fn dead_candidates_cost_us_less_than_the_others() {
    let pairs: [(&str, Make); 3] = [("ours", ours), OTHERS[0], OTHERS[1]];
    let mut times = Vec::new();
    for dead in [0, 30] {
        for (name, make) in pairs {
            let agents = [make(1, 0, true), make(2, 1, false)];
            let time = Call::new(1, CLEAN, agents, dead).run(Duration::from_secs(20));
            println!("{name} to {name}, {dead} dead candidates, 50 ms round trip: {time:?}");
            times.push(time.unwrap_or(Duration::MAX));
        }
    }
    assert!(times[0] <= Duration::from_millis(50), "{times:?}");
    assert!(times[3] <= Duration::from_millis(400), "{times:?}");
    assert!(times[3] < times[4] && times[3] < times[5], "{times:?}");
}
