use std::collections::VecDeque;

use duologue_base::Instant;

use super::messages::MessageId;
use crate::limits::IDLE_CAPACITY;
use crate::packet::Fragment;
use crate::tsn::Tsn;

/// A chunk that is not cumulatively acknowledged. Its TSN is its place in the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) message: MessageId,
    pub(super) offset: u32,
    pub(super) len: u32,
    pub(super) fsn: u32,
    /// The flight that it last left with.
    pub(super) flight: u64,
    /// Bytes in a packet, header and padding included.
    pub(super) size: u16,
    pub(super) transmissions: u16,
    pub(super) fragment: Fragment,
    pub(super) state: ChunkState,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ChunkState {
    InFlight,
    /// To be sent again.
    Lost,
    /// In a gap-ack block; the peer might still discard it.
    Acked,
    /// Given up; FORWARD-TSN passes over it.
    Abandoned,
}

/// Chunks with consecutive TSNs that left in one packet. Flights are in the order of sending, which
/// is what loss detection goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) first: Tsn,
    pub(super) count: u32,
    /// Chunks still under way.
    pub(super) outstanding: u32,
    pub(super) sent_at: Instant,
    /// Bytes under way with it.
    pub(super) in_flight: usize,
    /// See [`Delivery`](super::Delivery), when it was sent.
    pub(super) delivered: u64,
    pub(super) delivered_at: Instant,
    pub(super) first_sent_at: Instant,
    pub(super) app_limited: bool,
    /// Its packet was larger than the base size.
    pub(super) large: bool,
}

/// What is under way: a ring of chunks by TSN, and a ring of flights by time.
#[derive(Debug)]
pub(super) struct InFlight {
    base: Tsn,
    chunks: VecDeque<Chunk>,
    flights: VecDeque<Flight>,
    first_flight: u64,
    bytes: usize,
    lost_bytes: usize,
    /// TSNs to send again, in the order in which they were found lost. Those no longer lost when
    /// their turn comes are passed over.
    lost: VecDeque<Tsn>,
}

impl InFlight {
    pub(super) fn new(first: Tsn) -> Self {
        InFlight {
            base: first,
            chunks: VecDeque::new(),
            flights: VecDeque::new(),
            first_flight: 0,
            bytes: 0,
            lost_bytes: 0,
            lost: VecDeque::new(),
        }
    }

    /// The first TSN not cumulatively acknowledged.
    pub(super) fn base(&self) -> Tsn {
        self.base
    }

    pub(super) fn next_tsn(&self) -> Tsn {
        self.base.plus(self.chunks.len() as u64)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Bytes under way.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes under way or to be sent again.
    pub(super) fn outstanding_bytes(&self) -> usize {
        self.bytes + self.lost_bytes
    }

    pub(super) fn get(&self, tsn: Tsn) -> Option<&Chunk> {
        if tsn < self.base {
            return None;
        }
        self.chunks.get(tsn.since(self.base) as usize)
    }

    fn get_mut(&mut self, tsn: Tsn) -> Option<&mut Chunk> {
        if tsn < self.base {
            return None;
        }
        self.chunks.get_mut(tsn.since(self.base) as usize)
    }

    /// Adds a chunk that leaves with the newest flight, or, given up already, never leaves.
    pub(super) fn push(&mut self, chunk: Chunk) {
        if chunk.state == ChunkState::InFlight {
            self.bytes += usize::from(chunk.size);
        }
        self.chunks.push_back(chunk);
    }

    /// Number of the flight that is sent next.
    pub(super) fn next_flight(&self) -> u64 {
        self.first_flight + self.flights.len() as u64
    }

    pub(super) fn push_flight(&mut self, flight: Flight) {
        self.flights.push_back(flight);
    }

    pub(super) fn flight(&self, number: u64) -> Option<&Flight> {
        let index = number.checked_sub(self.first_flight)?;
        self.flights.get(usize::try_from(index).ok()?)
    }

    fn flight_mut(&mut self, number: u64) -> Option<&mut Flight> {
        let index = number.checked_sub(self.first_flight)?;
        self.flights.get_mut(usize::try_from(index).ok()?)
    }

    /// The oldest flight with chunks under way, and its number.
    pub(super) fn oldest_flight(&mut self) -> Option<(u64, Flight)> {
        while let Some(flight) = self.flights.front() {
            if flight.outstanding > 0 {
                return Some((self.first_flight, *flight));
            }
            self.flights.pop_front();
            self.first_flight += 1;
        }
        None
    }

    /// Changes a chunk's state and keeps the counts. Returns the chunk as it was.
    pub(super) fn set_state(&mut self, tsn: Tsn, state: ChunkState) -> Option<Chunk> {
        let chunk = self.get_mut(tsn)?;
        let before = *chunk;
        chunk.state = state;
        self.count_out(&before);
        match state {
            ChunkState::Lost => {
                self.lost_bytes += usize::from(before.size);
                self.lost.push_back(tsn);
            }
            ChunkState::InFlight => self.bytes += usize::from(before.size),
            ChunkState::Acked | ChunkState::Abandoned => {}
        }
        Some(before)
    }

    /// Takes a chunk out of the counts of its state.
    fn count_out(&mut self, chunk: &Chunk) {
        match chunk.state {
            ChunkState::InFlight => {
                self.bytes -= usize::from(chunk.size);
                if let Some(flight) = self.flight_mut(chunk.flight) {
                    flight.outstanding -= 1;
                }
            }
            ChunkState::Lost => self.lost_bytes -= usize::from(chunk.size),
            ChunkState::Acked | ChunkState::Abandoned => {}
        }
    }

    /// Removes the first chunk: it is cumulatively acknowledged.
    pub(super) fn pop(&mut self) -> Option<(Tsn, Chunk)> {
        let chunk = self.chunks.pop_front()?;
        let tsn = self.base;
        self.base = tsn.next();
        self.count_out(&chunk);
        Some((tsn, chunk))
    }

    /// The next chunk to send again, without taking it.
    pub(super) fn next_lost(&mut self) -> Option<(Tsn, Chunk)> {
        while let Some(&tsn) = self.lost.front() {
            match self.get(tsn) {
                Some(chunk) if chunk.state == ChunkState::Lost => return Some((tsn, *chunk)),
                _ => self.lost.pop_front(),
            };
        }
        None
    }

    /// A lost chunk leaves again, with flight `number`.
    pub(super) fn resend(&mut self, tsn: Tsn, number: u64) {
        self.set_state(tsn, ChunkState::InFlight);
        if let Some(chunk) = self.get_mut(tsn) {
            chunk.flight = number;
            chunk.transmissions = chunk.transmissions.saturating_add(1);
        }
    }

    /// The last chunk under way, for a probe.
    pub(super) fn last_in_flight(&self) -> Option<Tsn> {
        let newest = self.flights.iter().rev().find(|f| f.outstanding > 0)?;
        (0..u64::from(newest.count))
            .rev()
            .map(|n| newest.first.plus(n))
            .find(|&tsn| {
                self.get(tsn)
                    .is_some_and(|chunk| chunk.state == ChunkState::InFlight)
            })
    }

    /// Finds everything under way lost, in order of TSN; with `acked`, what the peer had
    /// acknowledged out of order as well.
    pub(super) fn lose_all(&mut self, acked: bool) {
        self.lost.clear();
        self.lost_bytes = 0;
        self.bytes = 0;
        let base = self.base;
        for (n, chunk) in self.chunks.iter_mut().enumerate() {
            match chunk.state {
                ChunkState::InFlight | ChunkState::Lost => {}
                ChunkState::Acked if acked => {}
                ChunkState::Acked | ChunkState::Abandoned => continue,
            }
            chunk.state = ChunkState::Lost;
            self.lost_bytes += usize::from(chunk.size);
            self.lost.push_back(base.plus(n as u64));
        }
        self.first_flight += self.flights.len() as u64;
        self.flights.clear();
    }

    /// The chunks that are lost now.
    pub(super) fn lost_chunks(&self) -> impl Iterator<Item = Chunk> {
        self.lost
            .iter()
            .filter_map(|&tsn| self.get(tsn).copied())
            .filter(|chunk| chunk.state == ChunkState::Lost)
    }

    /// At most one packet is under way: the peer may keep its SACK back.
    pub(super) fn is_single_flight(&self) -> bool {
        self.flights
            .iter()
            .rev()
            .take(2)
            .filter(|f| f.outstanding > 0)
            .count()
            < 2
            && self.flights.len() <= 2
    }

    pub(super) fn release_memory(&mut self) {
        if self.chunks.is_empty() {
            self.chunks.shrink_to(IDLE_CAPACITY);
            self.flights.shrink_to(IDLE_CAPACITY);
            self.lost.shrink_to(IDLE_CAPACITY);
        }
    }
}
