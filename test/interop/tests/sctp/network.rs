use std::collections::BTreeMap;
use std::time::Duration;

use duologue_base::Rng;

use crate::endpoint::Endpoint;

#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) delay: Duration,
    pub(crate) loss: f64,
}

/// Two endpoints and what is between them.
pub(crate) struct Network {
    now: Duration,
    ends: [Box<dyn Endpoint>; 2],
    path: Path,
    rng: Rng,
    wires: BTreeMap<(Duration, u64), (usize, Vec<u8>)>,
    order: u64,
    pub(crate) received: [Vec<(u16, Vec<u8>)>; 2],
    pub(crate) resets_seen: [Vec<u16>; 2],
}

impl Network {
    pub(crate) fn new(a: Box<dyn Endpoint>, b: Box<dyn Endpoint>, path: Path, seed: u64) -> Self {
        Network {
            now: Duration::from_millis(1),
            ends: [a, b],
            path,
            rng: Rng::from_u64(seed),
            wires: BTreeMap::new(),
            order: 0,
            received: [Vec::new(), Vec::new()],
            resets_seen: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn connect(&mut self, caller: usize) {
        self.ends[caller].connect(self.now);
        self.run(Duration::from_secs(60), Network::both_connected);
    }

    pub(crate) fn connect_both(&mut self) {
        for end in &mut self.ends {
            end.connect(self.now);
        }
        self.run(Duration::from_secs(60), Network::both_connected);
    }

    fn both_connected(&mut self) -> bool {
        self.ends.iter_mut().all(|end| end.is_connected())
    }

    pub(crate) fn is_connected(&mut self) -> bool {
        self.both_connected()
    }

    pub(crate) fn send(&mut self, from: usize, stream: u16, data: &[u8]) {
        self.ends[from].send(self.now, stream, data, true);
    }

    pub(crate) fn send_unreliable(&mut self, from: usize, stream: u16, data: &[u8]) {
        self.ends[from].send(self.now, stream, data, false);
    }

    pub(crate) fn reset(&mut self, from: usize, stream: u16) {
        self.ends[from].reset(stream);
    }

    /// Runs until `done`, at most for `time`. Returns whether it was done.
    pub(crate) fn run(
        &mut self,
        time: Duration,
        mut done: impl FnMut(&mut Network) -> bool,
    ) -> bool {
        let until = self.now + time;
        loop {
            self.flush();
            if done(self) {
                return true;
            }
            let timers = self.ends.iter_mut().filter_map(|end| end.poll_timeout());
            let arrival = self.wires.keys().next().map(|key| key.0);
            let next = timers.chain(arrival).min().unwrap_or(until);
            if next >= until {
                self.now = until;
                return false;
            }
            // Timers that are not moved when they expire must not stop the clock.
            self.now = next.max(self.now + Duration::from_micros(10));
            while let Some(entry) = self.wires.first_entry()
                && entry.key().0 <= self.now
            {
                let (to, packet) = entry.remove();
                self.ends[to].handle_packet(self.now, &packet);
            }
            for end in &mut self.ends {
                end.handle_timeout(self.now);
            }
        }
    }

    fn flush(&mut self) {
        for from in 0..2 {
            while let Some(message) = self.ends[from].poll_message() {
                self.received[from].push(message);
            }
            while let Some(stream) = self.ends[from].poll_reset() {
                self.resets_seen[from].push(stream);
            }
            while let Some(packet) = self.ends[from].poll_packet(self.now) {
                if self.rng.unit() >= self.path.loss {
                    self.order += 1;
                    let at = self.now + self.path.delay;
                    self.wires.insert((at, self.order), (1 - from, packet));
                }
            }
        }
    }
}
