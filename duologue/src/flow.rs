//! What readers and writers of a transceiver's packets and of its frames have in common.

mod queues;
mod stage;

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use duologue_base::TransceiverId;
use duologue_peer::Exception;

use crate::connection::ConnectionHandle;
use queues::Queues;
pub(crate) use queues::{Incoming, MediaQueues, Outgoing};

pub(crate) fn open(connection: &ConnectionHandle, id: TransceiverId) -> Arc<Queues> {
    // Under the lock of the connection: the queues of one that is closed, or of a transceiver that
    // is stopped, end right after it.
    let queues = connection.media_queues();
    connection.with(|_| queues.open(id, connection.session()))
}

/// Counts as a reader of what a receiver gets, and keeps its connection open.
pub(crate) struct Reader<T: Incoming> {
    queues: Arc<Queues>,
    connection: Arc<ConnectionHandle>,
    of: PhantomData<fn() -> T>,
}

impl<T: Incoming> Reader<T> {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        let queues = open(&connection, id);
        queues.add_reader::<T>();
        Reader {
            queues,
            connection,
            of: PhantomData,
        }
    }

    pub(crate) async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(crate) fn try_recv(&mut self) -> Option<T> {
        self.queues.try_receive(&self.connection)
    }

    pub(crate) async fn recv_many(&mut self, items: &mut Vec<T>, limit: usize) -> usize {
        let of = &self.connection;
        poll_fn(|cx| self.queues.poll_receive(cx, of, items, limit)).await
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.queues.poll_next(cx, &self.connection)
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.queues.dropped::<T>()
    }
}

impl<T: Incoming> Drop for Reader<T> {
    fn drop(&mut self) {
        self.queues.remove_reader::<T>();
    }
}

/// Hands over what a sender sends, and keeps its connection open unless that is of a device.
pub(crate) struct Writer<T> {
    queues: Arc<Queues>,
    connection: Weak<ConnectionHandle>,
    open: Option<Arc<ConnectionHandle>>,
    isolated: bool,
    of: PhantomData<fn(T)>,
}

impl<T: Outgoing> Writer<T> {
    pub(crate) fn new(connection: Arc<ConnectionHandle>, id: TransceiverId) -> Self {
        Writer {
            queues: open(&connection, id),
            connection: Arc::downgrade(&connection),
            open: Some(connection),
            isolated: false,
            of: PhantomData,
        }
    }

    /// What a device gives does not keep the connection open. `isolated`: it is for one peer alone, and passes no
    /// transform that shows it.
    #[cfg(feature = "codecs")]
    pub(crate) fn of_device(self, isolated: bool) -> Self {
        Writer {
            open: None,
            isolated,
            ..self
        }
    }

    /// The connection, unless its last handle is gone.
    pub(crate) fn connection(&self) -> Option<Arc<ConnectionHandle>> {
        self.connection.upgrade()
    }

    pub(crate) fn send(&self, items: &mut Vec<T>) -> Result<usize, Exception> {
        let connection = self.connection().ok_or_else(ended)?;
        self.queues
            .send(items, &connection, self.isolated)
            .map_err(|_| ended())
    }

    pub(crate) async fn ready(&self) -> Result<(), Exception> {
        poll_fn(|cx| self.poll_ready(cx)).await
    }

    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Exception>> {
        self.queues.poll_ready(cx).map_err(|_| ended())
    }

    pub(crate) async fn send_all(&self, items: &mut Vec<T>) -> Result<(), Exception> {
        while !items.is_empty() {
            self.ready().await?;
            self.send(items)?;
        }
        Ok(())
    }

    pub(crate) fn queued(&self) -> usize {
        self.queues.queued()
    }

    /// What is handed over from now on is refused.
    #[cfg(feature = "codecs")]
    pub(crate) fn ended(&self) -> bool {
        self.queues.ended()
    }

    /// Whether the peer wanted a key frame of an encoding since this was asked last.
    #[cfg(feature = "codecs")]
    pub(crate) fn take_key_frame_request(&self, encoding: usize) -> bool {
        self.queues.take_key_frame_request(encoding)
    }

    /// The one that was taken was not made.
    #[cfg(feature = "codecs")]
    pub(crate) fn want_key_frame(&self, encoding: usize) {
        self.queues.want_key_frame(encoding);
    }
}

impl<T> Clone for Writer<T> {
    fn clone(&self) -> Self {
        Writer {
            queues: self.queues.clone(),
            connection: self.connection.clone(),
            open: self.open.clone(),
            isolated: self.isolated,
            of: PhantomData,
        }
    }
}

impl<T: Incoming> fmt::Debug for Reader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

impl<T: Outgoing> fmt::Debug for Writer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

/// Who hands over something is too late.
fn ended() -> Exception {
    Exception::invalid_state("the transceiver is stopped or the connection closed")
}
