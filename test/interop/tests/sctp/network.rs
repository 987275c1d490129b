use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use duologue_base::Rng;

use crate::endpoint::Endpoint;

#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub(crate) delay: Duration,
    pub(crate) loss: f64,
}

/// A bottleneck with a drop-tail queue that several networks share, on the way from end 0.
pub(crate) struct Shared {
    rate: u64,
    queue: usize,
    free_at: Duration,
}

impl Shared {
    pub(crate) fn new(rate: u64, queue: usize) -> Self {
        Shared {
            rate,
            queue,
            free_at: Duration::ZERO,
        }
    }

    /// When a packet leaves it.
    fn carry(&mut self, now: Duration, len: usize) -> Option<Duration> {
        let wait = self.free_at.saturating_sub(now);
        let queued = (wait.as_secs_f64() * self.rate as f64) as usize;
        if queued + len > self.queue {
            return None;
        }
        // 40 bytes of DTLS, UDP and IP.
        let time = Duration::from_secs_f64((len + 40) as f64 / self.rate as f64);
        self.free_at = self.free_at.max(now) + time;
        Some(self.free_at)
    }
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
    pub(crate) received_bytes: [usize; 2],
    /// Bytes of the longest packet that each end sent.
    pub(crate) longest: [usize; 2],
    /// Messages are kept, not only counted.
    pub(crate) keeps: bool,
    pub(crate) bottleneck: Option<Rc<RefCell<Shared>>>,
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
            received_bytes: [0; 2],
            longest: [0; 2],
            keeps: true,
            bottleneck: None,
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

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    pub(crate) fn run_to(&mut self, time: Duration) {
        self.run(time.saturating_sub(self.now), |_| false);
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
                self.received_bytes[from] += message.1.len();
                if self.keeps {
                    self.received[from].push(message);
                }
            }
            while let Some(stream) = self.ends[from].poll_reset() {
                self.resets_seen[from].push(stream);
            }
            while let Some(packet) = self.ends[from].poll_packet(self.now) {
                self.longest[from] = self.longest[from].max(packet.len());
                let entry = match &self.bottleneck {
                    Some(shared) if from == 0 => shared.borrow_mut().carry(self.now, packet.len()),
                    _ => Some(self.now),
                };
                if let Some(entry) = entry
                    && self.rng.unit() >= self.path.loss
                {
                    self.order += 1;
                    let at = entry + self.path.delay;
                    self.wires.insert((at, self.order), (1 - from, packet));
                }
            }
        }
    }
}
