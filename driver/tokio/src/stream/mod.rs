//! Byte streams of a session: to TURN servers, and to and from peers that UDP does not reach.
//!
//! This moves bytes only; what they mean is cut out of them in the session. Reading and writing
//! happen in the turns of the session's task. A stream that takes nothing holds nothing else up:
//! the session is told not to make data for it, what else it sends waits in a short queue, and
//! what does not fit there is dropped, as a full socket buffer would. A DTLS connection is in the
//! place of a stream, and sends and receives datagrams.

mod bind;
mod connect;
mod dtls;
mod listen;
mod shared;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use duologue_base::{Instant, SocketId, Transmit, TransportKey};
use duologue_session::{BindError, Session};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(crate) use connect::connect;
pub(crate) use dtls::DtlsConnection;
pub(crate) use listen::Listener;
pub(crate) use shared::{AcceptedStream, Lease, SharedListener};
pub(crate) use tls::Tls;
pub use tls::TlsRoots;

use crate::endpoint::Counters;
use crate::limits::{ACCEPTS_PER_TURN, RECEIVES_PER_TURN, STREAM_LINGER, STREAM_QUEUE_BYTES};
use crate::stream::dtls::DtlsStream;

/// What a session asked to connect.
#[derive(Debug)]
pub(crate) enum Opened {
    Bytes(Connection),
    /// It keeps the place of a stream, but has a datagram for each message.
    Datagrams(Box<DtlsConnection>),
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The streams and listening sockets of one session.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Vec<Stream>,
    datagrams: Vec<DtlsStream>,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
struct Stream {
    id: SocketId,
    connection: Connection,
    /// What the connection had no room for. Only whole trains are left out of it.
    queue: Vec<u8>,
    /// Bytes of it that have left.
    sent: usize,
    /// TLS holds records that have not left.
    unflushed: bool,
    /// The session was told that there is no room.
    full: bool,
    broken: bool,
}

impl Opened {
    /// Where it begins.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Opened::Bytes(Connection::Plain(stream)) => stream.local_addr(),
            Opened::Bytes(Connection::Tls(stream)) => stream.get_ref().0.local_addr(),
            Opened::Datagrams(connection) => connection.local_addr(),
        }
    }
}

impl Connection {
    fn io(&mut self) -> Pin<&mut dyn Io> {
        let io: &mut dyn Io = match self {
            Connection::Plain(stream) => stream,
            Connection::Tls(stream) => stream.as_mut(),
        };
        Pin::new(io)
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Streams {
    /// How many sockets these are.
    pub(crate) fn len(&self) -> usize {
        self.open.len() + self.datagrams.len() + self.listeners.len()
    }

    pub(crate) fn add(&mut self, id: SocketId, opened: Opened) {
        match opened {
            Opened::Bytes(connection) => self.open.push(Stream::new(id, connection)),
            Opened::Datagrams(connection) => {
                self.datagrams.push(DtlsStream::new(id, *connection));
            }
        }
    }

    /// Listens, at port 0 on any free one.
    pub(crate) fn listen(
        &mut self,
        transport: TransportKey,
        id: SocketId,
        addr: SocketAddr,
    ) -> Result<SocketAddr, BindError> {
        let listener = Listener::bind(transport, id, addr)?;
        let addr = listener.local_addr();
        self.listeners.push(listener);
        Ok(addr)
    }

    pub(crate) fn add_listener(&mut self, listener: Listener) {
        self.listeners.push(listener);
    }

    /// The listening sockets that are shared with other sessions.
    pub(crate) fn leases(&self, transport: TransportKey) -> impl Iterator<Item = &shared::Lease> {
        let listeners = self.listeners.iter();
        listeners
            .filter(move |listener| listener.transport == transport)
            .filter_map(Listener::lease)
    }

    /// Closes a socket if it is one of these; a stream when what was written to it has left.
    pub(crate) fn close(&mut self, id: SocketId) {
        self.listeners.retain(|listener| listener.id != id);
        for stream in self.open.extract_if(.., |stream| stream.id == id) {
            stream.finish();
        }
        for stream in self.datagrams.extract_if(.., |stream| stream.id() == id) {
            stream.finish();
        }
    }

    /// Takes what arrived, connections included. Returns whether it was everything.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
        buffer: &mut Vec<u8>,
        next_socket: &mut u32,
    ) -> bool {
        let mut accepted = Vec::new();
        for listener in &mut self.listeners {
            while accepted.len() < ACCEPTS_PER_TURN
                && let Poll::Ready((connection, remote)) = listener.poll_accept(cx)
            {
                accepted.push((listener.id, connection, remote));
            }
        }

        let accepted_all = accepted.len() < ACCEPTS_PER_TURN;
        for (listener, connection, remote) in accepted {
            let id = SocketId(*next_socket);
            *next_socket += 1;
            self.add(id, Opened::Bytes(connection));
            session.handle_accepted(now, listener, id, remote);
        }

        if self.open.is_empty() && self.datagrams.is_empty() {
            return accepted_all;
        }
        buffer.resize(READ_BYTES, 0);
        let mut received_all = true;
        for stream in &mut self.open {
            received_all &= stream.receive(cx, session, now, buffer);
        }

        for stream in &mut self.datagrams {
            received_all &= stream.receive(cx, session, now, buffer);
        }
        let ended = self.open.extract_if(.., |stream| stream.broken);
        for stream in ended {
            session.handle_stream_closed(now, stream.id);
        }

        let ended = (self.datagrams).extract_if(.., |stream| stream.is_broken());
        for stream in ended {
            session.handle_stream_closed(now, stream.id());
        }
        accepted_all && received_all
    }

    /// Sends what waits.
    pub(crate) fn drain(&mut self, cx: &mut Context<'_>, session: &mut Session, now: Instant) {
        for stream in &mut self.open {
            stream.drain(cx);
            stream.tell(session, now);
        }
        for stream in &mut self.datagrams {
            stream.drain(cx, session, now);
        }
    }

    /// Sends a train on a stream, or queues it, or drops it. False: the socket is none of these.
    pub(crate) fn send(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
        (transmit, bytes): (&Transmit, &[u8]),
        counters: &Counters,
    ) -> bool {
        let mut datagrams = self.datagrams.iter_mut();
        if let Some(stream) = datagrams.find(|stream| stream.id() == transmit.socket) {
            if !stream.send(cx, session, now, (transmit, bytes)) {
                Counters::count(&counters.stream_overflows);
            }
            return true;
        }
        let mut open = self.open.iter_mut();
        let Some(stream) = open.find(|stream| stream.id == transmit.socket) else {
            return false;
        };
        if !stream.send(cx, bytes) {
            Counters::count(&counters.stream_overflows);
        }
        stream.tell(session, now);
        true
    }
}

impl Stream {
    fn new(id: SocketId, connection: Connection) -> Self {
        Stream {
            id,
            connection,
            queue: Vec::new(),
            sent: 0,
            unflushed: false,
            full: false,
            broken: false,
        }
    }

    /// Returns whether it was everything.
    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
        buffer: &mut [u8],
    ) -> bool {
        for _ in 0..RECEIVES_PER_TURN {
            let mut read = ReadBuf::new(buffer);
            match self.connection.io().poll_read(cx, &mut read) {
                Poll::Pending => return true,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    session.handle_stream(now, self.id, read.filled_mut());
                }
                Poll::Ready(Ok(()) | Err(_)) => {
                    self.broken = true;
                    return true;
                }
            }
        }
        false
    }

    /// False: there is no room, and the bytes are lost as a whole.
    fn send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> bool {
        if self.queue.len() - self.sent + bytes.len() > STREAM_QUEUE_BYTES {
            return false;
        }
        let mut rest = bytes;
        while self.queue.is_empty() && !rest.is_empty() {
            match self.connection.io().poll_write(cx, rest) {
                Poll::Ready(Ok(written)) if written > 0 => {
                    self.unflushed = true;
                    rest = &rest[written..];
                }
                // Reading finds out that it is broken.
                Poll::Ready(_) => return false,
                Poll::Pending => break,
            }
        }
        self.queue.extend_from_slice(rest);
        self.flush(cx);
        true
    }

    fn drain(&mut self, cx: &mut Context<'_>) {
        while self.sent < self.queue.len() {
            match self
                .connection
                .io()
                .poll_write(cx, &self.queue[self.sent..])
            {
                Poll::Ready(Ok(written)) if written > 0 => {
                    self.unflushed = true;
                    self.sent += written;
                }
                Poll::Ready(_) => self.sent = self.queue.len(),
                Poll::Pending => return,
            }
        }
        if self.sent > 0 {
            self.queue = Vec::new();
            self.sent = 0;
        }
        self.flush(cx);
    }

    /// TCP needs none: it is sent at once.
    fn flush(&mut self, cx: &mut Context<'_>) {
        if self.unflushed {
            self.unflushed = self.connection.io().poll_flush(cx).is_pending();
        }
    }

    fn tell(&mut self, session: &mut Session, now: Instant) {
        let full = self.sent < self.queue.len() || self.unflushed;
        if full != self.full {
            self.full = full;
            session.handle_socket_blocked(now, self.id, full);
        }
    }

    /// Writes what is left and closes, for a while.
    fn finish(self) {
        let Stream {
            mut connection,
            queue,
            sent,
            unflushed,
            ..
        } = self;
        if let (true, false, Connection::Plain(_)) = (queue.is_empty(), unflushed, &connection) {
            // Dropping it closes it.
            return;
        }
        tokio::spawn(async move {
            let last_words = async {
                let mut io = connection.io();
                io.write_all(&queue[sent..]).await?;
                io.shutdown().await
            };
            // Who does not take them goes without.
            let _ = tokio::time::timeout(STREAM_LINGER, last_words).await;
        });
    }
}

/// Bytes taken from a stream at once.
const READ_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests;
