use std::fmt;
use std::io::{self, IoSliceMut};
use std::iter;
use std::time::{Duration, SystemTime};

use duologue_base::{Datagram, Ecn, Instant, SocketId};
use quinn_udp::{EcnCodepoint, RecvMeta};

use crate::limits::{ARRIVAL_AGE_MAX, RECEIVE_BUFFER_LEN, RECEIVE_BUFFERS};

/// Memory that [`Socket::receive`](crate::Socket::receive) fills.
///
/// It belongs to no socket: one per thread serves all sockets of that thread, since a batch is
/// handled before the next is taken. So an idle connection holds no receive memory at all, and
/// pages that no train has touched are not resident.
pub struct ReceiveBuffers {
    storage: Box<[u8]>,
    meta: [RecvMeta; RECEIVE_BUFFERS],
    /// How many of them the last call filled.
    filled: usize,
    /// The socket of the last call is bound to a wildcard: where a datagram was sent matters.
    wildcard: bool,
}

impl ReceiveBuffers {
    /// Room for [`RECEIVE_BUFFERS`] trains of [`RECEIVE_BUFFER_LEN`] bytes.
    pub fn new() -> Self {
        ReceiveBuffers {
            storage: vec![0; RECEIVE_BUFFERS * RECEIVE_BUFFER_LEN].into_boxed_slice(),
            meta: [RecvMeta::default(); RECEIVE_BUFFERS],
            filled: 0,
            wildcard: false,
        }
    }

    /// Whether the last call of `receive` used every buffer, so that more may wait.
    pub fn is_full(&self) -> bool {
        self.filled == RECEIVE_BUFFERS
    }

    /// Whether the last call of `receive` took nothing.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// What the last call of `receive` took, in order of arrival: consecutive datagrams of one
    /// source that the system put together. Their bytes may be changed (decrypted) in place.
    pub fn trains(&mut self, socket: SocketId, taken: Taken) -> impl Iterator<Item = Train<'_>> {
        let wildcard = self.wildcard;
        let trains = self.storage.chunks_exact_mut(RECEIVE_BUFFER_LEN);
        iter::zip(trains, &self.meta[..self.filled]).map(move |(bytes, meta)| Train {
            meta: Datagram {
                socket,
                received: taken.arrival(meta.timestamp),
                remote: meta.addr,
                local_ip: meta.dst_ip.filter(|_| wildcard),
                ecn: ecn_from_system(meta.ecn),
            },
            bytes: &mut bytes[..meta.len.min(RECEIVE_BUFFER_LEN)],
            segment_size: meta.stride.max(1),
        })
    }

    /// The datagrams of all [`trains`](Self::trains), one by one.
    pub fn datagrams(
        &mut self,
        socket: SocketId,
        taken: Taken,
    ) -> impl Iterator<Item = (Datagram, &mut [u8])> {
        self.trains(socket, taken).flat_map(Train::datagrams)
    }

    /// Has `receive` fill the buffers; it returns how many.
    pub(crate) fn fill(
        &mut self,
        wildcard: bool,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let mut chunks = self.storage.chunks_exact_mut(RECEIVE_BUFFER_LEN);
        let mut slices: [IoSliceMut<'_>; RECEIVE_BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        self.filled = 0;
        self.wildcard = wildcard;
        self.filled = receive(&mut slices, &mut self.meta)?;
        Ok(())
    }
}

impl Default for ReceiveBuffers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReceiveBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBuffers")
            .field("filled", &self.filled)
            .finish_non_exhaustive()
    }
}

/// When datagrams were taken from a socket, by both clocks: the system stamps their arrival with
/// the one that can be set.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    now: Instant,
    wall: Option<Duration>,
}

impl Taken {
    /// A clock at `now`, which the system's clock shows as `wall`.
    pub fn at(now: Instant, wall: SystemTime) -> Self {
        let wall = wall.duration_since(SystemTime::UNIX_EPOCH).ok();
        Taken { now, wall }
    }

    /// The moment, by the clock of what handles the datagrams.
    pub fn now(self) -> Instant {
        self.now
    }

    /// When a datagram with the system's stamp arrived. A stamp that is younger than `now`, or
    /// older than a datagram is likely to wait, is from before the clock was set.
    fn arrival(self, stamp: Option<Duration>) -> Instant {
        let age = stamp.and_then(|stamp| self.wall?.checked_sub(stamp));
        let age = age
            .filter(|age| *age <= ARRIVAL_AGE_MAX)
            .unwrap_or_default();
        Instant::from_origin(self.now.since_origin().saturating_sub(age))
    }
}

/// Datagrams of one source, back to back in one buffer.
#[derive(Debug)]
pub struct Train<'b> {
    /// Where all of them came from and how.
    pub meta: Datagram,
    /// The bytes of the datagrams.
    pub bytes: &'b mut [u8],
    /// Bytes of each datagram but the last, which may be shorter.
    pub segment_size: usize,
}

impl<'b> Train<'b> {
    /// The single datagrams.
    pub fn datagrams(self) -> impl Iterator<Item = (Datagram, &'b mut [u8])> {
        let chunks = self.bytes.chunks_mut(self.segment_size);
        chunks.map(move |bytes| (self.meta, bytes))
    }
}

fn ecn_from_system(ecn: Option<EcnCodepoint>) -> Ecn {
    match ecn {
        None => Ecn::NotEct,
        Some(EcnCodepoint::Ect0) => Ecn::Ect0,
        Some(EcnCodepoint::Ect1) => Ecn::Ect1,
        Some(EcnCodepoint::Ce) => Ecn::Ce,
    }
}
