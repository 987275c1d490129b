use std::fmt;
use std::io::{self, IoSliceMut};

use duologue_base::{Datagram, SocketId};
use quinn_udp::RecvMeta;

use crate::limits::{RECEIVE_BUFFER_LEN, RECEIVE_BUFFERS};
use crate::socket::ecn_from_system;

/// Memory that [`Socket::receive`](crate::Socket::receive) fills.
///
/// It belongs to no socket: one per thread serves all sockets of that thread, since a batch is
/// handled before the next is taken. So an idle connection holds no receive memory at all, and
/// pages that no train has touched are not resident.
pub struct ReceiveBuffers {
    storage: Box<[u8]>,
    meta: [RecvMeta; RECEIVE_BUFFERS],
}

impl ReceiveBuffers {
    /// Room for [`RECEIVE_BUFFERS`] trains of [`RECEIVE_BUFFER_LEN`] bytes.
    pub fn new() -> Self {
        ReceiveBuffers {
            storage: vec![0; RECEIVE_BUFFERS * RECEIVE_BUFFER_LEN].into_boxed_slice(),
            meta: [RecvMeta::default(); RECEIVE_BUFFERS],
        }
    }

    /// Has `receive` fill the buffers; it returns how many.
    pub(crate) fn fill(
        &mut self,
        wildcard: bool,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> io::Result<Received<'_>> {
        let mut chunks = self.storage.chunks_exact_mut(RECEIVE_BUFFER_LEN);
        let mut slices: [IoSliceMut<'_>; RECEIVE_BUFFERS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        let count = receive(&mut slices, &mut self.meta)?;
        Ok(Received {
            storage: &mut self.storage,
            meta: &self.meta[..count],
            wildcard,
        })
    }
}

impl Default for ReceiveBuffers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ReceiveBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBuffers").finish_non_exhaustive()
    }
}

/// What one call of [`Socket::receive`](crate::Socket::receive) took.
pub struct Received<'b> {
    storage: &'b mut [u8],
    meta: &'b [RecvMeta],
    /// The socket is bound to a wildcard: datagrams say which address they were sent to.
    wildcard: bool,
}

impl<'b> Received<'b> {
    /// Whether every buffer was used, so that more may wait.
    pub fn is_full(&self) -> bool {
        self.meta.len() == RECEIVE_BUFFERS
    }

    /// Bytes received, over all datagrams.
    pub fn len(&self) -> usize {
        self.meta.iter().map(|meta| meta.len).sum()
    }

    /// Whether no byte was received.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The single datagrams in order of arrival, each with its source and its bytes, which may be
    /// changed (decrypted) in place.
    pub fn datagrams(self, socket: SocketId) -> Datagrams<'b> {
        Datagrams {
            train: Train::default(),
            trains: self.storage.chunks_exact_mut(RECEIVE_BUFFER_LEN),
            meta: self.meta.iter(),
            socket,
            wildcard: self.wildcard,
        }
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("trains", &self.meta.len())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Iterator over the datagrams of a [`Received`].
pub struct Datagrams<'b> {
    train: Train<'b>,
    trains: std::slice::ChunksExactMut<'b, u8>,
    meta: std::slice::Iter<'b, RecvMeta>,
    socket: SocketId,
    wildcard: bool,
}

/// Datagrams of one source that GRO put into one buffer; each has `stride` bytes but the last.
#[derive(Default)]
struct Train<'b> {
    rest: &'b mut [u8],
    stride: usize,
    meta: Option<Datagram>,
}

impl<'b> Iterator for Datagrams<'b> {
    type Item = (Datagram, &'b mut [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(meta) = self.train.meta.filter(|_| !self.train.rest.is_empty()) {
                let rest = std::mem::take(&mut self.train.rest);
                let (datagram, rest) = rest.split_at_mut(self.train.stride.min(rest.len()));
                self.train.rest = rest;
                return Some((meta, datagram));
            }
            let (meta, bytes) = (self.meta.next()?, self.trains.next()?);
            self.train = Train {
                rest: &mut bytes[..meta.len.min(RECEIVE_BUFFER_LEN)],
                stride: meta.stride.max(1),
                meta: Some(Datagram {
                    socket: self.socket,
                    remote: meta.addr,
                    local_ip: meta.dst_ip.filter(|_| self.wildcard),
                    ecn: ecn_from_system(meta.ecn),
                }),
            };
        }
    }
}

impl fmt::Debug for Datagrams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams").finish_non_exhaustive()
    }
}
