use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue_base::{Ecn, Instant, Rng};

use duologue_stun::{Class, Message, Method, Writer};

use crate::nat::{Nat, NatKind};

/// How one direction between two addresses treats datagrams. The default is perfect and takes 1 ms.
#[derive(Clone, Debug)]
pub struct Link {
    delay: Duration,
    jitter: Duration,
    loss: f64,
    burst: Option<Burst>,
    duplicate: f64,
    corrupt: f64,
    bytes_per_second: Option<u64>,
    queue_bytes: usize,
    marks: Option<Duration>,
    bleaches: bool,
    mtu: usize,
}

/// Loss in bursts (Gilbert and Elliott): a bad state is entered and left with these probabilities
/// per datagram; everything is lost in it.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Probability that a datagram is the first of a bad stretch.
    pub enter: f64,
    /// Probability that a datagram is the last of it.
    pub leave: f64,
}

impl Default for Link {
    fn default() -> Self {
        Link {
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: None,
            duplicate: 0.0,
            corrupt: 0.0,
            bytes_per_second: None,
            queue_bytes: 256 << 10,
            marks: None,
            bleaches: false,
            mtu: 1500,
        }
    }
}

impl Link {
    /// One-way delay.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Up to this much more delay, drawn for each datagram: datagrams overtake one another.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Probability that a datagram is lost.
    #[must_use]
    pub fn loss(mut self, loss: f64) -> Self {
        self.loss = loss;
        self
    }

    /// Loss in bursts, besides.
    #[must_use]
    pub fn burst(mut self, burst: Burst) -> Self {
        self.burst = Some(burst);
        self
    }

    /// Probability that a datagram arrives twice.
    #[must_use]
    pub fn duplicate(mut self, duplicate: f64) -> Self {
        self.duplicate = duplicate;
        self
    }

    /// Probability that some bits of a datagram are others. Those of a handshake in plaintext stay as they
    /// are: whoever could change them could as well answer.
    #[must_use]
    pub fn corrupt(mut self, corrupt: f64) -> Self {
        self.corrupt = corrupt;
        self
    }

    /// Bytes per second, and bytes that may wait for their turn; more are dropped.
    #[must_use]
    pub fn rate(mut self, bytes_per_second: u64, queue_bytes: usize) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self.queue_bytes = queue_bytes;
        self
    }

    /// Datagrams that are capable of L4S come marked if they waited longer than this (a step, RFC 9332
    /// Appendix A).
    #[must_use]
    pub fn marks(mut self, wait: Duration) -> Self {
        self.marks = Some(wait);
        self
    }

    /// Bytes of the longest datagram that it carries; longer ones vanish.
    #[must_use]
    pub fn mtu(mut self, mtu: usize) -> Self {
        self.mtu = mtu;
        self
    }

    /// Marks do not survive.
    #[must_use]
    pub fn bleaches(mut self) -> Self {
        self.bleaches = true;
        self
    }
}

/// What a network did.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkStats {
    /// Datagrams handed to it.
    pub sent: u64,
    /// Datagrams it delivered, duplicates included.
    pub delivered: u64,
    /// Datagrams that were lost, by any cause.
    pub lost: u64,
    /// Datagrams handed to it as capable of L4S.
    pub capable: u64,
    /// Of these, datagrams that it marked.
    pub marked: u64,
}

/// Moves datagrams between addresses.
#[derive(Debug)]
pub struct Network {
    rng: Rng,
    default: Link,
    links: BTreeMap<(IpAddr, IpAddr), Link>,
    states: BTreeMap<(IpAddr, IpAddr), LinkState>,
    cut: BTreeSet<(IpAddr, IpAddr)>,
    nats: Vec<Nat>,
    stun_server: Option<SocketAddr>,
    /// Nothing arrives before.
    held_until: Instant,
    flying: BinaryHeap<Flying>,
    sequence: u64,
    stats: NetworkStats,
    /// The last datagrams seen, for those who would send them again.
    overheard: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct LinkState {
    bad: bool,
    /// When the last datagram in the queue will have left.
    busy_until: Instant,
}

#[derive(Debug, Eq, PartialEq)]
struct Flying {
    at: Instant,
    sequence: u64,
    datagram: Arrived,
}

/// A datagram at its destination.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Arrived {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) ecn: Ecn,
    pub(crate) bytes: Vec<u8>,
}

/// The earliest is the greatest, as `BinaryHeap` wants it.
impl Ord for Flying {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Flying {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

const OVERHEARD: usize = 64;

impl Network {
    pub(crate) fn new(rng: Rng, default: Link) -> Self {
        Network {
            rng,
            default,
            links: BTreeMap::new(),
            states: BTreeMap::new(),
            cut: BTreeSet::new(),
            nats: Vec::new(),
            stun_server: None,
            held_until: Instant::ZERO,
            flying: BinaryHeap::new(),
            sequence: 0,
            stats: NetworkStats::default(),
            overheard: VecDeque::new(),
        }
    }

    /// How all links are that have no own description.
    pub fn set_default(&mut self, link: Link) {
        self.default = link;
    }

    /// How datagrams fare from one address to another.
    pub fn set_link(&mut self, from: IpAddr, to: IpAddr, link: Link) {
        self.links.insert((from, to), link);
    }

    /// Nothing passes between two addresses.
    pub fn cut(&mut self, a: IpAddr, b: IpAddr) {
        self.cut.extend([(a, b), (b, a)]);
    }

    /// Everything passes again.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Puts the private addresses behind a translator with a public one.
    pub fn add_nat(&mut self, kind: NatKind, public: IpAddr, private: &[IpAddr]) {
        self.nats.push(Nat::new(kind, public, private));
    }

    /// The translator with this address forgets its mappings.
    pub fn rebind(&mut self, public: IpAddr) {
        let mut nats = self.nats.iter_mut();
        if let Some(nat) = nats.find(|nat| nat.public() == public) {
            nat.forget();
        }
    }

    pub(crate) fn has_symmetric_nat(&self) -> bool {
        self.nats.iter().any(Nat::is_symmetric)
    }

    /// At this address somebody tells others theirs (RFC 8489).
    pub(crate) fn set_stun_server(&mut self, addr: SocketAddr) {
        self.stun_server = Some(addr);
    }

    /// What is on its way and what is sent meanwhile arrives no earlier than this.
    pub(crate) fn hold_until(&mut self, time: Instant) {
        self.held_until = self.held_until.max(time);
    }

    /// What it did.
    pub fn stats(&self) -> NetworkStats {
        self.stats
    }

    /// A datagram that passed lately: who sent it, to whom, and its bytes.
    pub fn overheard(&mut self) -> Option<(SocketAddr, SocketAddr, Vec<u8>)> {
        let index = self.rng.below(self.overheard.len() as u32) as usize;
        self.overheard.get(index).cloned()
    }

    /// Takes a datagram of a host.
    pub fn send(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.send_marked(now, (from, to), Ecn::NotEct, bytes);
    }

    /// The same, with this mark.
    pub(crate) fn send_marked(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, SocketAddr),
        ecn: Ecn,
        bytes: Vec<u8>,
    ) {
        self.stats.sent += 1;
        self.stats.capable += u64::from(ecn == Ecn::Ect1);
        let Some((from, to)) = self.translate(from, to) else {
            self.stats.lost += 1;
            return;
        };
        if self.stun_server == Some(to) {
            self.answer(now, from, &bytes);
            return;
        }
        self.overheard.push_back((from, to, bytes.clone()));
        if self.overheard.len() > OVERHEARD {
            self.overheard.pop_front();
        }
        let datagram = Arrived {
            from,
            to,
            ecn,
            bytes,
        };
        self.forward(now, datagram);
    }

    /// As the STUN server.
    fn answer(&mut self, now: Instant, asked_by: SocketAddr, request: &[u8]) {
        let (Ok(request), Some(server)) = (Message::parse(request), self.stun_server) else {
            return;
        };
        let mut bytes = Vec::new();
        let id = request.transaction_id();
        Writer::new(&mut bytes, Class::SuccessResponse, Method::BINDING, id)
            .xor_mapped_address(asked_by);
        if let Some((from, to)) = self.translate(server, asked_by) {
            let ecn = Ecn::NotEct;
            let datagram = Arrived {
                from,
                to,
                ecn,
                bytes,
            };
            self.forward(now, datagram);
        }
    }

    fn forward(&mut self, now: Instant, mut datagram: Arrived) {
        let path = (datagram.from.ip(), datagram.to.ip());
        let link = self.links.get(&path).unwrap_or(&self.default).clone();
        let lost = self.cut.contains(&path)
            || datagram.bytes.len() > link.mtu
            || self.is_unlucky(path, &link);
        let Some(departure) = self.departure(now, path, &link, datagram.bytes.len()) else {
            self.stats.lost += 1;
            return;
        };
        if lost {
            self.stats.lost += 1;
            return;
        }
        let waited = departure - now;
        if datagram.ecn == Ecn::Ect1 && link.marks.is_some_and(|most| waited > most) {
            datagram.ecn = Ecn::Ce;
            self.stats.marked += 1;
        }
        if link.bleaches {
            datagram.ecn = Ecn::NotEct;
        }
        self.damage(&mut datagram.bytes, link.corrupt);
        let copies = 1 + u32::from(self.rng.unit() < link.duplicate);
        for _ in 0..copies {
            let at = departure + link.delay + link.jitter.mul_f64(self.rng.unit());
            let at = at.max(self.held_until);
            self.sequence += 1;
            self.flying.push(Flying {
                at,
                sequence: self.sequence,
                datagram: datagram.clone(),
            });
        }
    }

    fn damage(&mut self, bytes: &mut [u8], probability: f64) {
        // RFC 6347 §4.1: type, version, epoch. RFC 7983 §7: what DTLS begins with.
        let plain = matches!(bytes, [20..64, _, _, 0, 0, ..]);
        if probability == 0.0 || plain || bytes.is_empty() || self.rng.unit() >= probability {
            return;
        }
        for _ in 0..=self.rng.below(3) {
            let at = self.rng.below(bytes.len() as u32) as usize;
            bytes[at] ^= 1 << self.rng.below(8);
        }
    }

    fn is_unlucky(&mut self, path: (IpAddr, IpAddr), link: &Link) -> bool {
        let state = self.states.entry(path).or_default();
        state.bad &= link.burst.is_some();
        if let Some(burst) = link.burst {
            let turn = if state.bad { burst.leave } else { burst.enter };
            if self.rng.unit() < turn {
                state.bad = !state.bad;
            }
        }
        state.bad || self.rng.unit() < link.loss
    }

    /// When a datagram has left the queue of its link; `None` when the queue is full.
    fn departure(
        &mut self,
        now: Instant,
        path: (IpAddr, IpAddr),
        link: &Link,
        bytes: usize,
    ) -> Option<Instant> {
        let Some(rate) = link.bytes_per_second else {
            return Some(now);
        };
        let state = self.states.entry(path).or_default();
        let begin = state.busy_until.max(now);
        let waiting = (begin - now).as_secs_f64() * rate as f64;
        if waiting + bytes as f64 > link.queue_bytes as f64 {
            return None;
        }
        state.busy_until = begin + Duration::from_secs_f64(bytes as f64 / rate as f64);
        Some(state.busy_until)
    }

    fn translate(&mut self, from: SocketAddr, to: SocketAddr) -> Option<(SocketAddr, SocketAddr)> {
        let mut source = from;
        if let Some(nat) = self.nats.iter_mut().find(|nat| nat.hides(from.ip()))
            && !nat.hides(to.ip())
        {
            source = nat.outward(from, to);
        }
        let mut target = to;
        if let Some(nat) = self.nats.iter().find(|nat| nat.public() == to.ip()) {
            target = nat.inward(source, to)?;
        } else if self
            .nats
            .iter()
            .any(|nat| nat.hides(to.ip()) && !nat.hides(from.ip()))
        {
            // A private address means nothing outside.
            return None;
        }
        Some((source, target))
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.flying.peek().map(|flying| flying.at)
    }

    pub(crate) fn arrive(&mut self, now: Instant) -> Option<Arrived> {
        if self.next_arrival()? > now {
            return None;
        }
        self.stats.delivered += 1;
        self.flying.pop().map(|flying| flying.datagram)
    }
}
