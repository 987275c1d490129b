//! Two associations and a network between them, in virtual time and from a seed.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses the part of this that it needs"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{
    Association, AssociationState, Config, Departed, Event, Inbound, Message, Ppid, Reliability,
    SendOptions,
};

pub const BINARY: Ppid = Ppid(53);

/// RFC 9260 §3.3.5
const HEARTBEAT: u8 = 4;

pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// One direction of a path.
#[derive(Clone, Debug)]
pub struct Path {
    pub delay: Duration,
    /// Uniform extra delay, which reorders packets.
    pub jitter: Duration,
    /// Share of packets lost at random.
    pub loss: f64,
    /// Share of packets after which losses begin, and their number.
    pub burst_loss: (f64, u32),
    pub duplicate: f64,
    /// Bytes per second of a bottleneck, and what its queue holds.
    pub rate: Option<u64>,
    pub queue: usize,
    /// The host that carries it is busy.
    pub stalls: Option<Stalls>,
    /// Bytes of the largest packet that it carries.
    pub mtu: usize,
}

/// Now and then nothing is taken from the wire for a while.
#[derive(Clone, Copy, Debug)]
pub struct Stalls {
    /// Between two of them, on average.
    pub every: Duration,
    pub longest: Duration,
    /// Packets that wait meanwhile; more are lost.
    pub holds: usize,
}

/// Nothing gets through for a while.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    pub from: Instant,
    pub until: Instant,
    /// What comes meanwhile is lost; otherwise it goes on afterwards.
    pub loses: bool,
}

impl Default for Path {
    fn default() -> Self {
        Path {
            delay: ms(10),
            jitter: Duration::ZERO,
            loss: 0.0,
            burst_loss: (0.0, 0),
            duplicate: 0.0,
            rate: None,
            queue: usize::MAX,
            stalls: None,
            mtu: usize::MAX,
        }
    }
}

/// A bottleneck with a drop-tail queue, then a delay; several flows may share it.
#[derive(Debug)]
pub struct Link {
    path: Path,
    rng: Rng,
    free_at: Instant,
    burst_left: u32,
    /// The current stall, or the next one, and what waits for its end.
    stall: (Instant, Instant),
    held: usize,
    pub outage: Option<Outage>,
    pub dropped: u64,
    /// Waiting time of each packet in the queue, with when it came.
    pub waits: Vec<(Instant, Duration)>,
}

impl Link {
    pub fn new(path: Path, seed: u64) -> Self {
        Link {
            path,
            rng: Rng::from_u64(seed),
            free_at: Instant::ZERO,
            burst_left: 0,
            stall: (Instant::ZERO, Instant::ZERO),
            held: 0,
            outage: None,
            dropped: 0,
            waits: Vec::new(),
        }
    }

    pub fn set_rate(&mut self, rate: u64) {
        self.path.rate = Some(rate);
    }

    pub fn set_mtu(&mut self, mtu: usize) {
        self.path.mtu = mtu;
    }

    /// When a packet of `len` bytes sent at `now` arrives: never, once, or twice.
    pub fn carry(&mut self, now: Instant, len: usize) -> Vec<Instant> {
        if len > self.path.mtu {
            self.dropped += 1;
            return Vec::new();
        }
        let Some(now) = self.wait_for_host(now) else {
            self.dropped += 1;
            return Vec::new();
        };
        let now = match self.outage {
            Some(outage) if (outage.from..outage.until).contains(&now) => {
                if outage.loses {
                    self.dropped += 1;
                    return Vec::new();
                }
                outage.until
            }
            _ => now,
        };
        let mut at = now;
        if let Some(rate) = self.path.rate {
            // Like the relay of the benchmarks: 40 bytes of UDP, IP and DTLS more.
            let time = Duration::from_nanos((len as u64 + 40) * 1_000_000_000 / rate);
            let wait = self.free_at - now;
            let queued = (wait.as_nanos() * u128::from(rate) / 1_000_000_000) as usize;
            if queued + len > self.path.queue {
                self.dropped += 1;
                return Vec::new();
            }
            self.waits.push((now, wait));
            self.free_at = self.free_at.max(now) + time;
            at = self.free_at;
        }
        if self.burst_left > 0 {
            self.burst_left -= 1;
            return Vec::new();
        }
        if self.rng.unit() < self.path.burst_loss.0 {
            self.burst_left = self.path.burst_loss.1;
        }
        if self.rng.unit() < self.path.loss {
            self.dropped += 1;
            return Vec::new();
        }
        let copies = if self.rng.unit() < self.path.duplicate {
            2
        } else {
            1
        };
        (0..copies)
            .map(|_| at + self.path.delay + self.path.jitter.mul_f64(self.rng.unit()))
            .collect()
    }
}

impl Link {
    /// When the host takes a packet that comes now, if it does not lose it.
    fn wait_for_host(&mut self, now: Instant) -> Option<Instant> {
        let Some(stalls) = self.path.stalls else {
            return Some(now);
        };
        while now >= self.stall.1 {
            let begin = self.stall.1 + stalls.every.mul_f64(2.0 * self.rng.unit());
            self.stall = (begin, begin + stalls.longest.mul_f64(self.rng.unit()));
            self.held = 0;
        }
        if now < self.stall.0 {
            return Some(now);
        }
        self.held += 1;
        (self.held <= stalls.holds).then_some(self.stall.1)
    }
}

/// One end of the simulation.
#[derive(Debug)]
pub struct Peer {
    pub sctp: Association,
    pub events: Vec<Event>,
    pub received: Vec<Message>,
    pub received_bytes: usize,
    /// Streams that the other end has reset, in order.
    pub ended: Vec<StreamId>,
    pub departed: BTreeMap<u16, usize>,
    /// Messages are pulled as they come.
    pub reads: bool,
    /// Messages are kept, not only counted.
    pub keeps: bool,
}

impl Peer {
    fn drain(&mut self) {
        while let Some(event) = self.sctp.poll_event() {
            self.events.push(event);
        }
        while let Some(Departed { stream, bytes, .. }) = self.sctp.poll_departed() {
            *self.departed.entry(stream.0).or_default() += bytes;
        }
        if self.reads {
            self.read_all();
        }
    }

    pub fn read_all(&mut self) {
        while let Some(inbound) = self.sctp.poll_inbound() {
            match inbound {
                Inbound::Message(message) => {
                    self.received_bytes += message.data.len();
                    if self.keeps {
                        self.received.push(message);
                    }
                }
                Inbound::StreamReset(stream) => self.ended.push(stream),
            }
        }
    }

    pub fn is_connected(&self) -> bool {
        self.sctp.state() == AssociationState::Connected
    }
}

pub type Tamper = Box<dyn FnMut(usize, &mut [u8])>;
pub type Censor = Box<dyn FnMut(usize, &[u8]) -> bool>;

/// A pair of associations; index 0 and 1.
pub struct Pair {
    pub now: Instant,
    pub peers: [Peer; 2],
    /// `links[n]` carries what peer `n` sends.
    pub links: [Link; 2],
    wires: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    order: u64,
    /// Every packet sent, when wanted.
    pub log: Option<Vec<(Instant, usize, Vec<u8>)>>,
    /// Called for each packet: true means drop it.
    pub censor: Option<Censor>,
    /// Changes packets on their way.
    pub tamper: Option<Tamper>,
    /// A bottleneck shared with other pairs, on the way from peer 0.
    pub bottleneck: Option<Rc<RefCell<Link>>>,
}

impl Pair {
    pub fn new(path: Path, seed: u64) -> Self {
        Pair::with(Config::default(), Config::default(), path, seed)
    }

    pub fn with(a: Config, b: Config, path: Path, seed: u64) -> Self {
        let peer = |config, n| Peer {
            sctp: Association::new(config, Rng::from_u64(seed * 2 + n)),
            events: Vec::new(),
            received: Vec::new(),
            received_bytes: 0,
            ended: Vec::new(),
            departed: BTreeMap::new(),
            reads: true,
            keeps: true,
        };
        Pair {
            now: Instant::ZERO + ms(1),
            peers: [peer(a, 0), peer(b, 1)],
            links: [
                Link::new(path.clone(), seed ^ 0xa5a5),
                Link::new(path, seed ^ 0x5a5a),
            ],
            wires: BTreeMap::new(),
            order: 0,
            log: None,
            censor: None,
            tamper: None,
            bottleneck: None,
        }
    }

    /// Connected, both having called.
    pub fn connected(path: Path, seed: u64) -> Self {
        let mut pair = Pair::new(path, seed);
        pair.connect();
        pair
    }

    pub fn connect(&mut self) {
        for peer in &mut self.peers {
            peer.sctp.connect(self.now);
        }
        self.run_until(Duration::from_secs(60), |pair| {
            pair.peers.iter().all(Peer::is_connected)
        });
        assert!(self.peers.iter().all(Peer::is_connected), "not connected");
    }

    pub fn send(&mut self, from: usize, stream: u16, data: impl Into<Bytes>) {
        self.send_with(from, stream, data, SendOptions::default());
    }

    pub fn send_with(
        &mut self,
        from: usize,
        stream: u16,
        data: impl Into<Bytes>,
        options: SendOptions,
    ) {
        let (now, data) = (self.now, data.into());
        self.peers[from]
            .sctp
            .send(now, StreamId(stream), BINARY, data, options)
            .expect("accepted");
    }

    /// Polls everything that the peers have to say, then goes to the next thing that happens, at
    /// most to `end`. False when nothing does before.
    pub fn step(&mut self, end: Instant) -> bool {
        for n in 0..2 {
            self.flush(n);
        }
        let timers = self
            .peers
            .iter()
            .filter_map(|peer| peer.sctp.poll_timeout());
        let arrival = self.wires.keys().next().map(|key| key.0);
        let next = timers.chain(arrival).min();
        let Some(next) = next.filter(|&next| next <= end) else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        // A batch: everything that has arrived is handled before anything is polled.
        while let Some(entry) = self.wires.first_entry()
            && entry.key().0 <= self.now
        {
            let (to, packet) = entry.remove();
            self.peers[to].sctp.handle_packet(self.now, &packet);
        }
        for peer in &mut self.peers {
            peer.sctp.handle_timeout(self.now);
            peer.drain();
        }
        true
    }

    fn flush(&mut self, from: usize) {
        self.peers[from].drain();
        let mut packet = Vec::new();
        while self.peers[from].sctp.poll_packet(self.now, &mut packet) {
            let shown = self.peers[from].sctp.stats().mtu;
            let probes = packet.get(12) == Some(&HEARTBEAT);
            assert!(packet.len() <= shown || probes, "{}", packet.len());
            if let Some(tamper) = &mut self.tamper {
                tamper(from, &mut packet);
            }
            if let Some(log) = &mut self.log {
                log.push((self.now, from, packet.clone()));
            }
            let censored = self
                .censor
                .as_mut()
                .is_some_and(|censor| censor(from, &packet));
            if !censored {
                let entry = match &self.bottleneck {
                    Some(shared) if from == 0 => shared.borrow_mut().carry(self.now, packet.len()),
                    _ => vec![self.now],
                };
                for at in entry {
                    for at in self.links[from].carry(at, packet.len()) {
                        self.order += 1;
                        self.wires
                            .insert((at, self.order), (1 - from, packet.clone()));
                    }
                }
            }
            packet.clear();
        }
        assert!(packet.is_empty(), "a failed poll left bytes behind");
        self.peers[from].drain();
    }

    pub fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Runs until `done`, at most for `time`. Returns whether it was done.
    pub fn run_until(&mut self, time: Duration, mut done: impl FnMut(&Pair) -> bool) -> bool {
        let end = self.now + time;
        let mut steps = 0_u64;
        loop {
            let more = self.step(end);
            if done(self) {
                return true;
            }
            if !more {
                return false;
            }
            steps += 1;
            assert!(steps < 50_000_000, "the simulation does not come to rest");
        }
    }

    /// Nothing is under way and no timer that would send anything is armed.
    pub fn is_quiet(&self) -> bool {
        self.wires.is_empty()
            && self.peers.iter().all(|peer| {
                let stats = peer.sctp.stats();
                stats.unacknowledged_chunks == 0 && stats.buffered_bytes == 0
            })
    }

    pub fn settle(&mut self, time: Duration) {
        let stats = |pair: &Pair| pair.peers.each_ref().map(|peer| peer.sctp.stats());
        assert!(
            self.run_until(time, Pair::is_quiet),
            "still busy: {:?}",
            stats(self)
        );
    }
}

/// The chunks of a packet: type, flags and value.
pub fn chunks(packet: &[u8]) -> Vec<(u8, u8, &[u8])> {
    let mut rest = packet.get(12..).unwrap_or_default();
    let mut chunks = Vec::new();
    while let [kind, flags, a, b, ..] = *rest {
        let len = usize::from(u16::from_be_bytes([a, b]));
        chunks.push((kind, flags, &rest[4..len]));
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    chunks
}

/// The packet with other chunks.
pub fn with_chunks(packet: &[u8], chunks: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut changed = packet[..12].to_vec();
    for (kind, flags, value) in chunks {
        changed.extend_from_slice(&[*kind, *flags]);
        changed.extend_from_slice(&(value.len() as u16 + 4).to_be_bytes());
        changed.extend_from_slice(value);
        changed.resize(changed.len().next_multiple_of(4), 0);
    }
    fix_checksum(&mut changed);
    changed
}

/// Makes the checksum of a changed packet right.
pub fn fix_checksum(packet: &mut [u8]) {
    if packet.len() >= 12 {
        packet[8..12].fill(0);
        let crc = crc32c::crc32c(packet);
        packet[8..12].copy_from_slice(&crc.to_le_bytes());
    }
}

/// `len` bytes that tell their message.
pub fn message(tag: u32, len: usize) -> Vec<u8> {
    let mut data: Vec<u8> = (0..len)
        .map(|n| (n as u32 ^ tag.wrapping_mul(31)) as u8)
        .collect();
    for (place, byte) in data.iter_mut().zip(tag.to_be_bytes()) {
        *place = byte;
    }
    data
}

/// The number that `message` was made with; checks the bytes.
pub fn tag_of(message: &Message) -> u32 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&message.data[..4]);
    let tag = u32::from_be_bytes(bytes);
    assert_eq!(
        message.data,
        self::message(tag, message.data.len()),
        "message {tag} is damaged"
    );
    tag
}

pub fn unordered() -> SendOptions {
    SendOptions {
        unordered: true,
        reliability: Reliability::Reliable,
    }
}

pub fn at_most(retransmissions: u16) -> SendOptions {
    SendOptions {
        unordered: false,
        reliability: Reliability::MaxRetransmits(retransmissions),
    }
}

pub fn within(lifetime: Duration) -> SendOptions {
    SendOptions {
        unordered: false,
        reliability: Reliability::MaxLifetime(lifetime),
    }
}
