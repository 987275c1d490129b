use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use duologue_base::{Instant, Rng, StreamId};
use duologue_sctp::{
    Association, AssociationState, Config, CongestionAlgorithm, Event, LARGEST_PACKET, Ppid,
    Reliability, Scheduler, SendOptions,
};

use crate::End;
use crate::memory;

/// Two associations, and what happens to them and to the packets between them.
#[derive(Arbitrary, Debug)]
pub struct SctpScenario {
    setup: Setup,
    operations: Vec<Operation>,
}

#[derive(Arbitrary, Debug)]
struct Setup {
    seed: u64,
    interleaving: [bool; 2],
    zero_checksum: [bool; 2],
    cubic: [bool; 2],
    round_robin: bool,
    small_window: bool,
    small_mtu: bool,
    only_one_connects: bool,
}

#[derive(Arbitrary, Debug)]
enum Operation {
    Send {
        from: End,
        stream: u8,
        len: u16,
        unordered: bool,
        reliability: GiveUp,
    },
    Read {
        at: End,
    },
    Deliver {
        from: End,
    },
    DeliverNewest {
        from: End,
    },
    Duplicate {
        from: End,
    },
    Lose {
        from: End,
    },
    Wait {
        ms: u16,
    },
    Reset {
        from: End,
        stream: u8,
    },
    Prioritize {
        from: End,
        stream: u8,
        priority: u16,
    },
    Shutdown {
        from: End,
    },
    Abort {
        from: End,
    },
    Damage {
        from: End,
        at: u16,
        xor: u8,
    },
    Forge {
        to: End,
        chunks: Vec<u8>,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum GiveUp {
    Never,
    AfterTransmissions(u8),
    AfterMs(u8),
}

/// Whatever happens to packets, nothing panics, loops or grows; and as long as nobody ends the
/// association or forges packets, every reliable message arrives once, whole and in its order.
pub fn sctp_association(scenario: SctpScenario) {
    let _bound = memory::at_most_kib(4 << 10);
    let mut pair = Pair::new(&scenario.setup);
    for operation in scenario.operations {
        pair.perform(operation);
        pair.settle();
    }
    pair.finish();
}

/// A packet of arbitrary chunks, with the right ports and tag, reaches an association in use.
pub fn sctp_packet(chunks: &[u8]) {
    let _bound = memory::at_most_kib(1 << 10);
    let mut pair = Pair::new(&Setup {
        seed: 1,
        interleaving: [chunks.len().is_multiple_of(2); 2],
        zero_checksum: [true; 2],
        cubic: [false; 2],
        round_robin: false,
        small_window: false,
        small_mtu: false,
        only_one_connects: false,
    });
    let reliability = GiveUp::AfterTransmissions(1);
    for len in [1, 3000] {
        let unordered = len == 1;
        pair.perform(Operation::Send {
            from: End::A,
            stream: 1,
            len,
            unordered,
            reliability,
        });
    }
    pair.exchange(Duration::from_secs(1));
    pair.perform(Operation::Send {
        from: End::A,
        stream: 0,
        len: 9000,
        unordered: false,
        reliability,
    });
    pair.perform(Operation::Lose { from: End::A });
    pair.perform(Operation::Forge {
        to: End::A,
        chunks: chunks.to_vec(),
    });
    pair.perform(Operation::Forge {
        to: End::B,
        chunks: chunks.to_vec(),
    });
    pair.finish();
}

/// Streams in use; few, so that operations meet on them.
const STREAMS: u16 = 4;
/// More packets than a window of one association can be in flight with.
const PACKETS_MAX: usize = 20_000;
/// The wire holds this many packets in each direction; the oldest fall off.
const WIRE_MAX: usize = 512;

struct Pair {
    now: Instant,
    ends: [Side; 2],
    /// Packets on their way from A and from B.
    wire: [VecDeque<Vec<u8>>; 2],
    /// A packet was damaged or forged: contents prove nothing any more.
    forged: bool,
    /// An end was shut down, aborted or had a stream reset: not everything has to arrive.
    ended: bool,
}

struct Side {
    association: Association,
    mtu: usize,
    /// Ports and tag of the packets it sent last.
    header: Option<[u8; 8]>,
    /// Numbers of the messages sent on each stream, and whether each has to arrive in order.
    sent: BTreeMap<u16, Vec<Sent>>,
    /// Which of the other end's messages arrived on each stream.
    received: BTreeMap<u16, Vec<u32>>,
    closed: bool,
    restarted: bool,
}

#[derive(Clone, Copy)]
struct Sent {
    number: u32,
    reliable: bool,
}

impl Pair {
    fn new(setup: &Setup) -> Self {
        let side = |i: usize| {
            let config = Config {
                interleaving: setup.interleaving[i],
                zero_checksum: setup.zero_checksum[i],
                congestion: match setup.cubic[i] {
                    true => CongestionAlgorithm::Cubic,
                    false => CongestionAlgorithm::Bbr,
                },
                scheduler: match setup.round_robin {
                    true => Scheduler::RoundRobin,
                    false => Scheduler::WeightedFair,
                },
                receive_window: if setup.small_window {
                    16 << 10
                } else {
                    1 << 20
                },
                send_buffer: 1 << 20,
                mtu: if setup.small_mtu { 512 } else { 1191 },
                largest_packet: LARGEST_PACKET,
                streams: STREAMS,
                ..Config::default()
            };
            Side {
                mtu: LARGEST_PACKET,
                association: Association::new(config, Rng::from_u64(setup.seed ^ i as u64)),
                header: None,
                sent: BTreeMap::new(),
                received: BTreeMap::new(),
                closed: false,
                restarted: false,
            }
        };
        let mut pair = Pair {
            now: Instant::ZERO + Duration::from_secs(1),
            ends: [side(0), side(1)],
            wire: Default::default(),
            forged: false,
            ended: false,
        };
        pair.ends[0].association.connect(pair.now);
        if !setup.only_one_connects {
            pair.ends[1].association.connect(pair.now);
        }
        pair.settle();
        pair
    }

    fn perform(&mut self, operation: Operation) {
        match operation {
            Operation::Send {
                from,
                stream,
                len,
                unordered,
                reliability,
            } => {
                self.ends[from.index()].send(self.now, stream, len, unordered, reliability);
            }
            Operation::Read { at } => self.read(at.index()),
            Operation::Deliver { from } => {
                let packet = self.wire[from.index()].pop_front();
                self.deliver(1 - from.index(), packet);
            }
            Operation::DeliverNewest { from } => {
                let packet = self.wire[from.index()].pop_back();
                self.deliver(1 - from.index(), packet);
            }
            Operation::Duplicate { from } => {
                let packet = self.wire[from.index()].front().cloned();
                self.deliver(1 - from.index(), packet);
            }
            Operation::Lose { from } => {
                self.wire[from.index()].pop_front();
            }
            Operation::Wait { ms } => self.now += Duration::from_millis(ms.into()),
            Operation::Reset { from, stream } => {
                self.ended = true;
                let stream = StreamId(u16::from(stream) % STREAMS);
                self.ends[from.index()].association.reset_streams(&[stream]);
            }
            Operation::Prioritize {
                from,
                stream,
                priority,
            } => {
                let stream = StreamId(u16::from(stream) % STREAMS);
                self.ends[from.index()]
                    .association
                    .set_priority(stream, priority);
            }
            Operation::Shutdown { from } => {
                self.ended = true;
                self.ends[from.index()].association.shutdown(self.now);
            }
            Operation::Abort { from } => {
                self.ended = true;
                self.ends[from.index()].association.abort();
            }
            Operation::Damage { from, at, xor } => {
                self.forged = true;
                if let Some(packet) = self.wire[from.index()].front_mut() {
                    let at = usize::from(at) % packet.len();
                    packet[at] ^= xor;
                }
            }
            Operation::Forge { to, chunks } => self.forge(to.index(), &chunks),
        }
    }

    /// A packet that passes for the other end's: its ports and tag, and no checksum.
    fn forge(&mut self, to: usize, chunks: &[u8]) {
        self.forged = true;
        let mut packet = self.ends[1 - to].header.unwrap_or_default().to_vec();
        packet.extend([0; 4]);
        packet.extend(chunks);
        self.deliver(to, Some(packet));
    }

    fn deliver(&mut self, to: usize, packet: Option<Vec<u8>>) {
        if let Some(packet) = packet {
            self.ends[to].association.handle_packet(self.now, &packet);
        }
    }

    /// Timers that are due, packets to the wire, events; until there is nothing more to do now.
    fn settle(&mut self) {
        for (side, wire) in self.ends.iter_mut().zip(&mut self.wire) {
            side.settle(self.now, wire);
        }
    }

    fn read(&mut self, at: usize) {
        // Old packets can make one end believe that the other started over; what was under way is
        // lost or sent again then (RFC 9260 §5.2.4).
        self.ended |= self.ends.iter().any(|side| side.restarted);
        let check = !self.forged && !self.ends.iter().any(|side| side.restarted);
        let restarted = self.ended;
        let mut budget = PACKETS_MAX;
        while let Some(message) = self.ends[at].association.poll_message() {
            budget -= 1;
            assert!(!message.data.is_empty());
            if check {
                self.ends[at].accept(message.stream, message.ppid, &message.data, restarted);
            }
        }
        assert!(budget > 0, "messages without end");
    }

    /// Carries every packet at once, for as long as this.
    fn exchange(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..PACKETS_MAX {
            self.settle();
            self.read(0);
            self.read(1);
            let mut moved = false;
            for from in 0..2 {
                for packet in std::mem::take(&mut self.wire[from]) {
                    moved = true;
                    self.deliver(1 - from, Some(packet));
                }
            }
            if moved {
                self.now += Duration::from_millis(1);
                continue;
            }
            let timeouts = self
                .ends
                .iter()
                .filter_map(|side| side.association.poll_timeout());
            match timeouts.min() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
        }
        self.now = self.now.max(end);
    }

    /// A good network from here on: everything has to come to its end.
    fn finish(&mut self) {
        self.exchange(Duration::from_secs(120));
        if self.forged || self.ended {
            return;
        }
        for (a, b) in [(0, 1), (1, 0)] {
            let (from, to) = (&self.ends[a], &self.ends[b]);
            assert_eq!(from.association.state(), AssociationState::Connected);
            for (stream, sent) in &from.sent {
                assert_eq!(from.association.buffered_amount(StreamId(*stream)), 0);
                let received = to.received.get(stream).map_or(&[][..], |numbers| numbers);
                for message in sent.iter().filter(|message| message.reliable) {
                    assert!(
                        received.contains(&message.number),
                        "message {} lost",
                        message.number
                    );
                }
            }
        }
    }
}

const UNORDERED: u32 = 1 << 31;

impl Side {
    fn send(&mut self, now: Instant, stream: u8, len: u16, unordered: bool, give_up: GiveUp) {
        let stream = u16::from(stream) % STREAMS;
        let sent = self.sent.entry(stream).or_default();
        let flag = if unordered { UNORDERED } else { 0 };
        let number = sent.len() as u32 | flag;
        let reliability = match give_up {
            GiveUp::Never => Reliability::Reliable,
            GiveUp::AfterTransmissions(n) => Reliability::MaxRetransmits(n.into()),
            GiveUp::AfterMs(ms) => Reliability::MaxLifetime(Duration::from_millis(ms.into())),
        };
        let reliable = matches!(give_up, GiveUp::Never);
        let options = SendOptions {
            unordered,
            reliability,
        };
        let data = content(number, len.max(1).into());
        let before = self.association.buffered_amount(StreamId(stream));
        let result = self
            .association
            .send(now, StreamId(stream), Ppid(number), data, options);
        match result {
            Ok(()) => sent.push(Sent { number, reliable }),
            Err(_) => assert_eq!(self.association.buffered_amount(StreamId(stream)), before),
        }
    }

    fn settle(&mut self, now: Instant, wire: &mut VecDeque<Vec<u8>>) {
        let mut packets = 0;
        let mut out = Vec::new();
        for round in 0.. {
            assert!(round < 1000, "a timer that is always due");
            if self.association.poll_timeout().is_some_and(|at| at <= now) {
                self.association.handle_timeout(now);
            }
            let before = packets;
            while self.association.poll_packet(now, &mut out) {
                packets += 1;
                assert!(packets < PACKETS_MAX, "packets without end");
                assert!((12..=self.mtu).contains(&out.len()), "{} bytes", out.len());
                if let Some((header, _)) = out.split_first_chunk() {
                    self.header = Some(*header);
                }
                wire.push_back(std::mem::take(&mut out));
                if wire.len() > WIRE_MAX {
                    wire.pop_front();
                }
            }
            assert!(out.is_empty());
            let due = self.association.poll_timeout().is_some_and(|at| at <= now);
            if packets == before && !due {
                break;
            }
        }
        for count in 0.. {
            assert!(count < PACKETS_MAX, "events without end");
            let Some(event) = self.association.poll_event() else {
                break;
            };
            assert!(!self.closed, "an event after the end: {event:?}");
            self.closed = matches!(event, Event::Closed(_));
            self.restarted |= event == Event::Restarted;
        }
        assert_eq!(
            self.closed,
            self.association.state() == AssociationState::Closed
        );
        while self.association.poll_departed().is_some() {}
        let _ = self.association.stats();
    }

    /// A message from the other end: whole, not seen before, and not behind a later one.
    fn accept(&mut self, stream: StreamId, ppid: Ppid, data: &Bytes, restarted: bool) {
        let number = ppid.0;
        assert_eq!(
            *data,
            content(number, data.len()),
            "message {number} is not what was sent"
        );
        let received = self.received.entry(stream.0).or_default();
        assert!(
            !received.contains(&number),
            "message {number} arrived twice"
        );
        let ordered = |number: u32| number & UNORDERED == 0;
        let last = received.iter().rfind(|number| ordered(**number));
        if ordered(number) && !restarted {
            assert!(
                last.is_none_or(|last| *last < number),
                "{number} came after {last:?}"
            );
        }
        received.push(number);
    }
}

/// Bytes that depend on the number of the message.
fn content(number: u32, len: usize) -> Bytes {
    let seed = number.wrapping_mul(0x9e37_79b9);
    let byte = |i: usize| (seed.rotate_left(i as u32 % 32) as u8).wrapping_add(i as u8);
    (0..len).map(byte).collect()
}
