use std::collections::BTreeMap;
use std::fmt;

use duologue_base::{Ecn, Instant, Rng};

use super::bottleneck::{Bottleneck, Running};
use super::cross::{Cross, Pattern};
use super::media::{Feedback, MediaConfig, MediaFlow};

/// Names a flow of an [`Arena`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowId(pub(super) usize);

/// Which way a packet goes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Way {
    Forward,
    Back,
}

/// A packet on its way.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) flow: usize,
    pub(super) size: usize,
    pub(super) ecn: Ecn,
    pub(super) sent: Instant,
    pub(super) content: Content,
}

/// What is in it.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// The transport-wide number, and the stream with its own.
    Media(u16, (u32, u16)),
    Feedback(Feedback),
    Sctp(Vec<u8>),
}

/// A packet at its destination.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) packet: Packet,
    pub(super) waited: std::time::Duration,
}

/// Both ends of something that sends through the bottleneck.
pub(super) trait Flow: fmt::Debug {
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;
    fn handle_timeout(&mut self, now: Instant);
    fn handle_arrival(&mut self, now: Instant, way: Way, arrived: Arrived);
    /// The next packet to be sent.
    fn poll_packet(&mut self, now: Instant) -> Option<(Way, Packet)>;
    /// The propagation delay each way.
    fn delay(&self, now: Instant) -> std::time::Duration;
    /// It sends its media the other way.
    fn is_reversed(&self) -> bool {
        false
    }
}

/// A bottleneck each way and the flows that share them.
#[derive(Debug)]
pub struct Arena {
    now: Instant,
    rng: Rng,
    forward: Running,
    back: Option<Running>,
    media: BTreeMap<usize, MediaFlow>,
    cross: BTreeMap<usize, Cross>,
    flying: BTreeMap<(Instant, u64), (Way, Arrived)>,
    order: u64,
    flows: usize,
}

impl Arena {
    /// With this bottleneck on the way forward, and none back.
    pub fn new(seed: u64, link: Bottleneck) -> Self {
        let mut rng = Rng::from_u64(seed);
        Arena {
            now: Instant::ZERO,
            forward: Running::new(link, rng.fork()),
            back: None,
            rng,
            media: BTreeMap::new(),
            cross: BTreeMap::new(),
            flying: BTreeMap::new(),
            order: 0,
            flows: 0,
        }
    }

    /// And this one on the way back.
    pub fn set_back(&mut self, link: Bottleneck) {
        self.back = Some(Running::new(link, self.rng.fork()));
    }

    /// A flow of video.
    pub fn add_media(&mut self, config: MediaConfig) -> FlowId {
        let id = self.next_id();
        self.media
            .insert(id, MediaFlow::new(id, config, self.rng.fork()));
        FlowId(id)
    }

    /// A flow of SCTP with CUBIC, as other traffic.
    pub fn add_cross(&mut self, pattern: Pattern, delay: std::time::Duration) -> FlowId {
        let id = self.next_id();
        self.cross
            .insert(id, Cross::new(id, pattern, delay, self.rng.fork()));
        FlowId(id)
    }

    /// A flow of video.
    pub fn media(&self, id: FlowId) -> &MediaFlow {
        &self.media[&id.0]
    }

    /// The same, to be changed.
    pub fn media_mut(&mut self, id: FlowId) -> &mut MediaFlow {
        self.media.get_mut(&id.0).expect("a flow of video")
    }

    /// Other traffic.
    pub fn cross(&self, id: FlowId) -> &Cross {
        &self.cross[&id.0]
    }

    /// The bottleneck forward.
    pub fn link(&self) -> &Bottleneck {
        self.forward.link()
    }

    /// Packets that the bottlenecks dropped or lost.
    pub fn dropped(&self) -> u64 {
        self.forward.dropped + self.back.as_ref().map_or(0, |back| back.dropped)
    }

    /// Lets time pass.
    pub fn run_until(&mut self, end: Instant) {
        loop {
            self.flush();
            let Some(next) = self.next_event().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
            let now = self.now;
            let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
            for flow in self.media.values_mut() {
                if due(flow.poll_timeout(now)) {
                    flow.handle_timeout(now);
                }
            }
            for flow in self.cross.values_mut() {
                if due(flow.poll_timeout(now)) {
                    flow.handle_timeout(now);
                }
            }
        }
    }

    fn next_id(&mut self) -> usize {
        self.flows += 1;
        self.flows - 1
    }

    fn next_event(&self) -> Option<Instant> {
        let now = self.now;
        let media = self
            .media
            .values()
            .filter_map(|flow| flow.poll_timeout(now));
        let cross = self
            .cross
            .values()
            .filter_map(|flow| flow.poll_timeout(now));
        let back = self.back.as_ref().and_then(Running::poll_timeout);
        let links = [self.forward.poll_timeout(), back];
        let arrival = self.flying.keys().next().map(|key| key.0);
        media
            .chain(cross)
            .chain(links.into_iter().flatten())
            .chain(arrival)
            .min()
    }

    fn flush(&mut self) {
        let now = self.now;
        let mut sent = Vec::new();
        for flow in self.media.values_mut() {
            let reversed = flow.is_reversed();
            while let Some((way, packet)) = flow.poll_packet(now) {
                sent.push((turned(way, reversed), packet));
            }
        }
        for flow in self.cross.values_mut() {
            while let Some((way, packet)) = flow.poll_packet(now) {
                sent.push((way, packet));
            }
        }
        for (way, packet) in sent {
            match (way, &mut self.back) {
                (Way::Forward, _) => self.forward.push(now, packet),
                (Way::Back, Some(back)) => back.push(now, packet),
                (Way::Back, None) => self.fly(now, way, std::time::Duration::ZERO, packet),
            }
        }
    }

    fn fly(&mut self, from: Instant, way: Way, waited: std::time::Duration, packet: Packet) {
        let delay = match self.media.get(&packet.flow) {
            Some(flow) => flow.delay(from),
            None => self.cross[&packet.flow].delay(from),
        };
        self.order += 1;
        self.flying.insert(
            (from + delay, self.order),
            (way, Arrived { packet, waited }),
        );
    }

    fn deliver(&mut self) {
        while let Some(left) = self.forward.poll(self.now) {
            self.fly(left.at, Way::Forward, left.waited, left.packet);
        }
        while let Some(left) = self.back.as_mut().and_then(|back| back.poll(self.now)) {
            self.fly(left.at, Way::Back, left.waited, left.packet);
        }
        while let Some(entry) = self.flying.first_entry()
            && entry.key().0 <= self.now
        {
            let (way, arrived) = entry.remove();
            let id = arrived.packet.flow;
            if let Some(flow) = self.media.get_mut(&id) {
                let way = turned(way, flow.is_reversed());
                flow.handle_arrival(self.now, way, arrived);
            } else if let Some(flow) = self.cross.get_mut(&id) {
                flow.handle_arrival(self.now, way, arrived);
            }
        }
    }
}

fn turned(way: Way, reversed: bool) -> Way {
    match (way, reversed) {
        (way, false) => way,
        (Way::Forward, true) => Way::Back,
        (Way::Back, true) => Way::Forward,
    }
}
