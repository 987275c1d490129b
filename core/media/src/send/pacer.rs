//! Spreads what is sent over time: which stream may send now, and when the next may.

mod budget;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::Instant;

use self::budget::Budget;
use self::queue::Stream;
use crate::cc::{Bitrate, Cluster, ClusterId, Plan};
use crate::limits::{DROPPED_FRAMES, PACED_STREAMS, PROBES};

/// Names a stream of a pacer: the host's choice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct StreamKey(pub u32);

/// What waits in a stream: a packet, or the little that is needed to build it.
pub trait Queued {
    /// The item's bytes on the path.
    fn size(&self) -> usize;

    /// The frame that the item is of; packets of one frame stand behind one another.
    fn frame(&self) -> u64;
}

/// How urgent a stream is, the most urgent first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Class {
    /// Audio and RTCP: they leave at once, and count.
    Audio,
    /// Packets that the peer asked for again.
    Retransmission,
    /// Video, and SCTP beside it: either waits for a train on fast paths. Frames of video that wait too
    /// long are dropped.
    Video,
    /// Packets that repair others.
    Repair,
}

/// The stream that may send now.
#[derive(Debug, Eq, PartialEq)]
pub enum Turn<T> {
    /// The first packet of a stream.
    Packet {
        /// The stream of the packet.
        stream: StreamKey,
        /// The packet.
        item: T,
        /// The probe that the packet is of.
        probe: Option<ClusterId>,
    },
    /// A stream with a queue of its own may send so many bytes. It tells by
    /// [`handle_sent`](Pacer::handle_sent) how many it sent; none ends its demand.
    Demand {
        /// The stream that may send.
        stream: StreamKey,
        /// Bytes that the stream may send, at most.
        bytes: usize,
        /// The probe that its packets are of.
        probe: Option<ClusterId>,
    },
    /// A packet of padding is wanted, about so long: best an old packet again, as RTX. How long it came
    /// to be is told by [`handle_padded`](Pacer::handle_padded).
    Padding {
        /// The bytes of the padding, about.
        bytes: usize,
        /// The probe that the padding is of.
        probe: Option<ClusterId>,
    },
}

/// The stream whose turn it is, before it is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// A packet of this stream and size.
    Packet(StreamKey, usize),
    /// A stream with a queue of its own.
    Demand(StreamKey),
    /// Padding.
    Padding,
}

/// A frame that waited too long and was dropped, with all its packets that had not left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// The stream of the frame.
    pub stream: StreamKey,
    /// The number of the frame: the next ones need it, unless they are of a higher layer or a key frame.
    pub frame: u64,
    /// The number of packets dropped.
    pub packets: usize,
    /// The bytes of the packets dropped.
    pub bytes: usize,
}

impl Queued for std::convert::Infallible {
    fn size(&self) -> usize {
        match *self {}
    }

    fn frame(&self) -> u64 {
        match *self {}
    }
}

/// The queue of what one transport is to send, of all its streams and SCTP.
///
/// Packets leave by class, within a class in turns by weight, at the plan's pacing rate. It works in
/// slots of 5 ms: what a slot may carry leaves at once, as one train if the packets are equal. What nobody
/// used is kept for the plan's burst, so that a picture leaves at once where the path carries more than is sent. On fast
/// paths slots are of 2 ms, and video that comes within one whose packets have left waits for the next: an
/// application that hands over packet by packet makes trains, too. A host that comes late makes up for two slots,
/// or the plan's burst, and no more, so that nothing fills the path's queue.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_media::cc::{Bitrate, Bounds, Controller, Gcc};
/// use duologue_media::pacer::{Class, Pacer, Queued, StreamKey, Turn};
/// use std::time::Duration;
///
/// #[derive(Debug)]
/// struct Packet { size: usize, frame: u64 }
///
/// impl Queued for Packet {
///     fn size(&self) -> usize { self.size }
///     fn frame(&self) -> u64 { self.frame }
/// }
///
/// let mut now = Instant::ZERO;
/// let mut gcc = Gcc::default();
/// let bounds = Bounds { start: Bitrate::from_kbps(4_000), ..Bounds::default() };
/// gcc.handle_route(now, bounds);
/// let mut pacer = Pacer::new(now, Duration::from_millis(5));
/// pacer.set_plan(now, &gcc.poll().unwrap());
///
/// let camera = StreamKey(1);
/// pacer.add_stream(camera, Class::Video, 2);
/// for _ in 0..10 {
///     pacer.push(now, camera, Packet { size: 1_200, frame: 1 });
/// }
/// let mut sent = 0;
/// while let Some(next) = pacer.poll_timeout(now) {
///     now = now.max(next);
///     while let Some(turn) = pacer.poll(now, 0, None) {
///         sent += usize::from(matches!(turn, Turn::Packet { .. }));
///     }
///     if sent == 10 { break; }
/// }
/// // The first packets are a probe with three times the rate.
/// assert_eq!(now.since_origin().as_millis(), 7);
/// ```
#[derive(Debug)]
pub struct Pacer<T> {
    /// As the host wants it.
    slot: Duration,
    budget: Budget,
    /// By class, then in the order of their turns.
    streams: Vec<Stream<T>>,
    /// The plan's rates, and the least of the first.
    pacing: Bitrate,
    padding: Bitrate,
    least: Bitrate,
    window: Option<usize>,
    /// Since when the window has been full.
    window_full: Option<Instant>,
    clusters: VecDeque<Running>,
    may_pad: bool,
    dropped: VecDeque<Dropped>,
}

/// A cluster that is being sent, or will be.
#[derive(Clone, Copy, Debug)]
struct Running {
    cluster: Cluster,
    wanted: Instant,
    begun: Option<Instant>,
    packets: u32,
    bytes: usize,
}

impl<T: Queued> Pacer<T> {
    /// A pacer that works in slots of this length.
    pub fn new(now: Instant, slot: Duration) -> Self {
        Pacer {
            slot,
            budget: Budget::new(now, slot),
            streams: Vec::new(),
            pacing: Bitrate::ZERO,
            padding: Bitrate::ZERO,
            least: Bitrate::ZERO,
            window: None,
            window_full: None,
            clusters: VecDeque::new(),
            may_pad: true,
            dropped: VecDeque::new(),
        }
    }

    /// Rates, window and probe are these from now on.
    pub fn set_plan(&mut self, now: Instant, plan: &Plan) {
        let fine = plan.ect1 || plan.target > FAST;
        let slot = if plan.ect1 && plan.window.is_some() {
            SLOT_MARKED
        } else if fine {
            self.slot.min(SLOT_FINE)
        } else {
            self.slot
        };
        // On fast paths trains are worth more than the millisecond that a piece of a frame waits for others.
        self.budget.set_slot(slot, plan.burst, fine && !plan.ect1);
        (self.pacing, self.padding) = (plan.pacing, plan.padding);
        self.set_rates(now);
        self.window = plan.window;
        if let Some(cluster) = plan.probe {
            if self.clusters.len() == PROBES {
                self.clusters.pop_front();
            }
            self.clusters.push_back(Running {
                cluster,
                wanted: now,
                begun: None,
                packets: 0,
                bytes: 0,
            });
        }
    }

    /// What waits is sent no slower than this, whatever the plan says: so that it does not wait for
    /// long.
    pub fn set_least(&mut self, now: Instant, least: Bitrate) {
        self.least = least;
        self.set_rates(now);
    }

    /// Whether there is something that may be sent as padding: a stream with RTX.
    pub fn set_may_pad(&mut self, may_pad: bool) {
        self.may_pad = may_pad;
    }

    /// A stream of this class and weight (1, 2, 4 and 8 for the W3C's `very-low` to `high`). False
    /// when there are too many.
    pub fn add_stream(&mut self, key: StreamKey, class: Class, weight: u16) -> bool {
        self.remove_stream(key);
        if self.streams.len() >= PACED_STREAMS {
            return false;
        }
        let place = self.streams.partition_point(|one| one.class <= class);
        self.streams.insert(place, Stream::new(key, class, weight));
        true
    }

    /// Forgets a stream and what waits in it.
    pub fn remove_stream(&mut self, key: StreamKey) {
        self.streams.retain(|one| one.key != key);
    }

    /// A packet waits. Given back when the stream is unknown or too much waits in it.
    pub fn push(&mut self, now: Instant, key: StreamKey, item: T) -> Option<T> {
        let waiting = self.is_waiting();
        self.budget.fill(now, waiting);
        match self.streams.iter_mut().find(|one| one.key == key) {
            Some(stream) => stream.push(now, item),
            None => Some(item),
        }
    }

    /// A stream with a queue of its own has so many bytes to send.
    pub fn set_demand(&mut self, now: Instant, key: StreamKey, bytes: usize) {
        let waiting = self.is_waiting();
        self.budget.fill(now, waiting);
        if let Some(stream) = self.streams.iter_mut().find(|one| one.key == key) {
            stream.demand = bytes;
        }
    }

    /// Bytes that wait, SCTP's left out.
    pub fn queued(&self) -> usize {
        self.streams.iter().map(|stream| stream.bytes).sum()
    }

    /// Whose turn it is, with so many bytes under way.
    pub fn peek(&mut self, now: Instant, in_flight: usize) -> Option<Next> {
        self.drop_late(now);
        let waiting = self.is_waiting();
        self.budget.fill(now, waiting);

        let first = self.streams.iter().find(|stream| stream.has_something());
        let first = first.map(|stream| (stream.class, stream.next()));
        if first.is_none() {
            self.budget.close_slot();
        }
        if let Some((Class::Audio, next)) = first {
            return Some(next);
        }
        if self.is_window_full(now, in_flight) {
            return None;
        }
        if let Some(due) = self.next_of_probe() {
            let next = first.map_or(Next::Padding, |(_, next)| next);
            return (due <= now).then_some(next);
        }
        if let Some((class, next)) = first {
            let waits = class == Class::Video && self.budget.rests(now);
            if waits || !self.budget.may_send(now) {
                return None;
            }
            if class == Class::Video {
                self.budget.open_slot(now);
            }
            return Some(next);
        }
        let pads = self.may_pad && self.budget.may_pad(now);
        pads.then_some(Next::Padding)
    }

    /// Takes the turn, if what it sends is no longer than `room`. Bytes under way count against the
    /// plan's window.
    pub fn poll(&mut self, now: Instant, in_flight: usize, room: Option<usize>) -> Option<Turn<T>> {
        let next = self.peek(now, in_flight)?;
        let mut probe = None;
        if !self.is_audio(&next) {
            self.window_full = None;
            probe = self.clusters.front().map(|running| running.cluster);
        }
        let id = probe.map(|cluster| cluster.id);
        match next {
            Next::Packet(_, size) if room.is_some_and(|room| size > room) => None,
            Next::Packet(stream, _) => {
                let index = self.index(stream)?;
                let item = self.streams[index].pop()?;
                self.count(now, item.size());
                self.pass_turn(index);
                Some(Turn::Packet {
                    stream,
                    item,
                    probe: id,
                })
            }
            Next::Demand(stream) => {
                let index = self.index(stream)?;
                let bytes = match probe {
                    Some(cluster) => cluster.packet,
                    None => self.budget.allowance(),
                };
                Some(Turn::Demand {
                    stream,
                    bytes: bytes.min(self.streams[index].demand),
                    probe: id,
                })
            }
            Next::Padding => {
                let bytes = probe.map_or(PADDING, |cluster| cluster.packet);
                if room.is_some_and(|room| bytes > room) {
                    return None;
                }
                Some(Turn::Padding { bytes, probe: id })
            }
        }
    }

    /// A stream with a queue of its own has sent a packet in its turn; zero bytes when it had none.
    pub fn handle_sent(&mut self, now: Instant, stream: StreamKey, bytes: usize) {
        let Some(index) = self.index(stream) else {
            return;
        };
        if bytes == 0 {
            self.streams[index].demand = 0;
        } else {
            self.streams[index].take_demand(bytes);
            self.count(now, bytes);
        }
        self.pass_turn(index);
    }

    /// Padding of so many bytes was sent in its turn.
    pub fn handle_padded(&mut self, now: Instant, bytes: usize) {
        self.count(now, bytes);
    }

    /// When somebody may send next; `None` while nobody has anything to send.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let first = self.streams.iter().find(|stream| stream.has_something());
        if first.is_some_and(|stream| stream.class == Class::Audio) {
            return Some(now);
        }
        let due = match (self.next_of_probe(), first) {
            (Some(due), _) => due,
            (None, Some(first)) if first.class == Class::Video => self.budget.next_gathered(now),
            (None, Some(_)) => self.budget.next_slot(now),
            (None, None) if self.may_pad => self.budget.next_padding(now)?,
            (None, None) => return None,
        };
        Some(match self.window_full {
            Some(since) => due.max(since + WINDOW_PATIENCE),
            None => due,
        })
    }

    /// The next frame that was dropped.
    pub fn poll_dropped(&mut self) -> Option<Dropped> {
        self.dropped.pop_front()
    }

    fn set_rates(&mut self, now: Instant) {
        let waiting = self.is_waiting();
        let rate = self.pacing.max(self.least);
        self.budget.set_rates(now, rate, self.padding, waiting);
    }

    fn is_waiting(&self) -> bool {
        self.streams.iter().any(Stream::has_something)
    }

    fn index(&self, key: StreamKey) -> Option<usize> {
        self.streams.iter().position(|one| one.key == key)
    }

    fn is_audio(&self, next: &Next) -> bool {
        let (Next::Packet(key, _) | Next::Demand(key)) = next else {
            return false;
        };
        let stream = self.streams.iter().find(|one| one.key == *key);
        stream.is_some_and(|stream| stream.class == Class::Audio)
    }

    /// When the next packet of the cluster at hand is due, if something can be sent as one.
    fn next_of_probe(&self) -> Option<Instant> {
        let running = self.clusters.front()?;
        if !self.may_pad && !self.is_waiting() {
            return None;
        }
        let begun = running.begun.unwrap_or(running.wanted);
        Some(begun + running.cluster.rate.time_for(running.bytes))
    }

    fn count(&mut self, now: Instant, bytes: usize) {
        self.budget.spend(bytes);
        let Some(running) = self.clusters.front_mut() else {
            return;
        };
        running.begun.get_or_insert(now);
        running.packets += 1;
        running.bytes += bytes;
        let cluster = &running.cluster;
        if running.packets >= cluster.packets && running.bytes >= cluster.bytes {
            self.clusters.pop_front();
            if let Some(next) = self.clusters.front_mut() {
                next.wanted = now;
            }
        }
    }

    /// The stream goes behind the others of its class when it has had its share.
    fn pass_turn(&mut self, index: usize) {
        if !self.streams[index].is_turn_over() {
            return;
        }
        let class = self.streams[index].class;
        let end = self.streams.partition_point(|one| one.class <= class);
        self.streams[index].begin_turn();
        self.streams[index..end].rotate_left(1);
    }

    /// RFC 8298 §4.1.2.1 has the same way out: a window that stays full for long lets one packet go,
    /// since feedback may be lost.
    fn is_window_full(&mut self, now: Instant, in_flight: usize) -> bool {
        if self.window.is_none_or(|window| in_flight < window) {
            self.window_full = None;
            return false;
        }
        let since = *self.window_full.get_or_insert(now);
        now - since < WINDOW_PATIENCE
    }

    fn drop_late(&mut self, now: Instant) {
        self.clusters
            .retain(|running| now - running.wanted < CLUSTER_PATIENCE);
        let dropped = &mut self.dropped;
        for stream in &mut self.streams {
            while let Some(frame) = stream.drop_late(now) {
                if dropped.len() == DROPPED_FRAMES {
                    dropped.pop_front();
                }
                dropped.push_back(frame);
            }
        }
    }
}

/// Slots of fast paths, and of those that are tried for L4S.
const SLOT_FINE: Duration = Duration::from_millis(2);
const FAST: Bitrate = Bitrate::from_kbps(20_000);
/// A queue for L4S marks what waits a millisecond (RFC 9332 Appendix A): a slot is no longer.
const SLOT_MARKED: Duration = Duration::from_millis(1);
/// A packet of padding outside of probes.
const PADDING: usize = 1_000;
/// So long a full window is believed.
const WINDOW_PATIENCE: Duration = Duration::from_millis(200);
/// A probe that could not be sent for so long is none any more.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(1);
