//! DTLS to TURN servers: the handshake, and then datagrams through a socket of their own.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use duologue_base::{Instant, SocketId, Transmit};
use duologue_dtls::{self as dtls, DtlsError};
use duologue_session::{ConnectError, Session};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::endpoint::Clock;
use crate::limits::{DTLS_DATAGRAMS_PER_TURN, DTLS_QUEUE};
use crate::stream::Tls;
use crate::stream::connect::refusal;
use crate::timer::Timer;

/// A connection whose server is the one that was asked for.
pub(crate) struct DtlsConnection {
    socket: UdpSocket,
    transport: dtls::Transport,
    clock: Clock,
}

/// A connection of one session's.
#[derive(Debug)]
pub(crate) struct DtlsStream {
    id: SocketId,
    connection: DtlsConnection,
    /// One datagram, plain or protected.
    buffer: Vec<u8>,
    /// Protected datagrams that the system had no room for. While there are any, the session knows
    /// that the stream is full.
    queue: VecDeque<Vec<u8>>,
    /// Of what the transport says again: the end of the handshake, or new keys.
    timer: Timer,
    broken: bool,
}

impl DtlsConnection {
    /// The handshake. It may read files first.
    pub(crate) async fn open(
        local: SocketAddr,
        remote: SocketAddr,
        server_name: &str,
        tls: &Tls,
        clock: Clock,
    ) -> Result<Self, ConnectError> {
        let (mut transport, judge) = tls.dtls(server_name)?;
        let socket = bind(local, remote).await;
        let socket = socket.map_err(|error| refusal(&error))?;
        transport.start_to_server(clock.now(), server_name, judge);
        let mut connection = DtlsConnection {
            socket,
            transport,
            clock,
        };
        let mut buffer = vec![0; DATAGRAM_BYTES];
        loop {
            connection.send_flights().map_err(|error| refusal(&error))?;
            match connection.transport.poll_event() {
                Some(dtls::Event::Connected { .. }) => return Ok(connection),
                // Of servers alone.
                Some(dtls::Event::Silent) => {}
                Some(dtls::Event::Closed) => return Err(ConnectError::Closed),
                Some(dtls::Event::Failed(error)) => return Err(dtls_error(&error)),
                None => connection.wait(&mut buffer).await?,
            }
        }
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Until a datagram comes, or time passes.
    async fn wait(&mut self, buffer: &mut [u8]) -> Result<(), ConnectError> {
        let clock = self.clock;
        let received = self.socket.recv(buffer);
        let received = match self.transport.poll_timeout() {
            Some(at) => {
                let received = tokio::time::timeout_at(clock.to_system(at), received);
                received.await.ok()
            }
            None => Some(received.await),
        };
        match received {
            Some(Ok(len)) => {
                let datagram = &mut buffer[..len];
                // A TURN server says nothing before it is asked.
                self.transport
                    .handle_datagram(clock.now(), datagram, |_| {});
            }
            Some(Err(error)) => return Err(refusal(&error)),
            None => self.transport.handle_timeout(clock.now()),
        }
        Ok(())
    }

    /// Sends what the handshake, or an end, has to say. What the system has no room for is lost, as
    /// on the way: it is sent again. An error is what came back of something sent before: the
    /// system wakes readers for datagrams only.
    fn send_flights(&mut self) -> io::Result<()> {
        let mut datagram = Vec::new();
        while self.transport.poll_datagram(&mut datagram) {
            match self.socket.try_send(&datagram) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => datagram.clear(),
            }
        }
        self.socket.take_error()?.map_or(Ok(()), Err)
    }
}

impl fmt::Debug for DtlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DtlsConnection").finish_non_exhaustive()
    }
}

impl DtlsStream {
    pub(crate) fn new(id: SocketId, connection: DtlsConnection) -> Self {
        DtlsStream {
            id,
            connection,
            buffer: Vec::new(),
            queue: VecDeque::new(),
            timer: Timer::default(),
            broken: false,
        }
    }

    pub(crate) fn id(&self) -> SocketId {
        self.id
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes what arrived. Returns whether it was everything.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
        room: &mut [u8],
    ) -> bool {
        for _ in 0..DTLS_DATAGRAMS_PER_TURN {
            let mut read = ReadBuf::new(room);
            match self.connection.socket.poll_recv(cx, &mut read) {
                Poll::Pending => {
                    self.pass_time(cx);
                    return true;
                }
                Poll::Ready(Ok(())) => self.take(session, now, read.filled_mut()),
                Poll::Ready(Err(error)) => self.note(&error),
            }
            if self.broken {
                return true;
            }
        }
        false
    }

    fn take(&mut self, session: &mut Session, now: Instant, datagram: &mut [u8]) {
        let (id, message) = (self.id, &mut self.buffer);
        let transport = &mut self.connection.transport;
        transport.handle_datagram(now, datagram, |packet| {
            // The session decrypts in place.
            message.clear();
            message.extend_from_slice(packet);
            session.handle_stream(now, id, message);
        });
        self.broken |= transport.poll_event().is_some();
        self.send_flights();
    }

    /// Says again what is due, until the server shows that it has it.
    fn pass_time(&mut self, cx: &mut Context<'_>) {
        let DtlsConnection {
            transport, clock, ..
        } = &mut self.connection;
        while (self.timer)
            .poll(cx, *clock, transport.poll_timeout())
            .is_ready()
        {
            transport.handle_timeout(clock.now());
        }
        self.broken |= transport.poll_event().is_some();
        self.send_flights();
    }

    fn send_flights(&mut self) {
        if let Err(error) = self.connection.send_flights() {
            self.note(&error);
        }
    }

    /// Sends the datagrams of a train, or queues them. False: there was no room for all of them.
    pub(crate) fn send(
        &mut self,
        cx: &mut Context<'_>,
        session: &mut Session,
        now: Instant,
        (transmit, bytes): (&Transmit, &[u8]),
    ) -> bool {
        let mut room = true;
        let size = transmit.segment_size.unwrap_or(bytes.len()).max(1);
        for datagram in bytes.chunks(size) {
            self.buffer.clear();
            let DtlsConnection {
                socket, transport, ..
            } = &mut self.connection;
            if !transport.seal(now, datagram, &mut self.buffer) {
                self.broken = true;
            } else if !self.queue.is_empty() {
                room &= self.keep();
            } else {
                match socket.poll_send(cx, &self.buffer) {
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(error)) => self.note(&error),
                    Poll::Pending => {
                        session.handle_socket_blocked(now, self.id, true);
                        room &= self.keep();
                    }
                }
            }
        }
        if self.connection.transport.has_datagram() {
            // So much was sent that new keys are due.
            self.pass_time(cx);
        }
        if let Ok(Some(error)) = self.connection.socket.take_error() {
            self.note(&error);
        }
        if self.broken {
            // The next turn gives it up.
            cx.waker().wake_by_ref();
        }
        room
    }

    /// Sends what waits.
    pub(crate) fn drain(&mut self, cx: &mut Context<'_>, session: &mut Session, now: Instant) {
        let waits = !self.queue.is_empty();
        while let Some(datagram) = self.queue.front() {
            match self.connection.socket.poll_send(cx, datagram) {
                Poll::Pending => return,
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => self.note(&error),
            }
            self.queue.pop_front();
        }
        if waits {
            self.queue = VecDeque::new();
            session.handle_socket_blocked(now, self.id, false);
        }
    }

    /// False: the queue is full.
    fn keep(&mut self) -> bool {
        let room = self.queue.len() < DTLS_QUEUE;
        if room {
            self.queue.push_back(self.buffer.clone());
        }
        room
    }

    /// Nobody listens there any more? What else routers say may pass.
    fn note(&mut self, error: &io::Error) {
        self.broken |= error.kind() == io::ErrorKind::ConnectionRefused;
    }

    /// Tells the server.
    pub(crate) fn finish(mut self) {
        self.connection.transport.close();
        // Who does not hear it goes without.
        let _ = self.connection.send_flights();
    }
}

async fn bind(local: SocketAddr, remote: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(local).await?;
    socket.connect(remote).await?;
    Ok(socket)
}

fn dtls_error(error: &DtlsError) -> ConnectError {
    match error {
        DtlsError::UntrustedCertificate => ConnectError::Certificate,
        DtlsError::HandshakeTimeout => ConnectError::TimedOut,
        DtlsError::Library { .. } => ConnectError::NotPossible,
        _ => ConnectError::Dtls,
    }
}

/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use duologue_base::{DtlsRole, Rng, WallClock};
    use duologue_dtls::{Version, Versions};
    use duologue_identity::{Certificate, KeygenAlgorithm};
    use duologue_session::SessionConfig;

    use super::*;

    fn certificate() -> Certificate {
        let now = WallClock::from_unix_millis(1_795_000_000_000);
        let day = Duration::from_secs(86_400);
        let kind = KeygenAlgorithm::EcdsaP256;
        Certificate::generate(kind, now, day, &mut Rng::from_u64(1)).expect("generated")
    }

    /// What one end has to say comes to the other one.
    fn carry(now: Instant, from: &mut dtls::Transport, to: &mut dtls::Transport) {
        let mut datagram = Vec::new();
        while from.poll_datagram(&mut datagram) {
            to.handle_datagram(now, &mut datagram, |_| {});
            datagram.clear();
        }
    }

    /// DTLS 1.3: the client is connected, and its last flight has not arrived.
    fn half_connected(clock: Clock) -> [dtls::Transport; 2] {
        let context = dtls::Context::new().expect("the library works");
        let context = context.with_versions(Versions::Only(Version::V13));
        let ours = certificate();
        let mut client = dtls::Transport::new(context.clone(), ours.clone());
        let mut server = dtls::Transport::new(context, certificate());
        client.start_to_server(clock.now(), "turn.example.org", Box::new(|_, _| true));
        server.start(clock.now(), DtlsRole::Server, ours.fingerprints().to_vec());
        carry(clock.now(), &mut client, &mut server);
        carry(clock.now(), &mut server, &mut client);
        assert_eq!(client.state(), dtls::State::Connected);
        while client.poll_event().is_some() {}
        let mut lost = Vec::new();
        while client.poll_datagram(&mut lost) {}
        [client, server]
    }

    #[tokio::test]
    async fn the_last_of_a_handshake_leaves_again_while_the_server_is_silent() {
        let clock = Clock::start();
        let [transport, mut server] = half_connected(clock);
        let there = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let addr = there.local_addr().expect("it is bound");
        let here = "127.0.0.1:0".parse().expect("an address");
        let socket = bind(here, addr).await.expect("a port");
        let connection = DtlsConnection {
            socket,
            transport,
            clock,
        };
        let mut stream = DtlsStream::new(SocketId(0), connection);
        let context = dtls::Context::new().expect("the library works");
        let mut session = Session::new(SessionConfig::new(context), Rng::from_u64(1));
        let (mut room, mut bytes) = (vec![0; DATAGRAM_BYTES], vec![0; DATAGRAM_BYTES]);
        while server.state() != dtls::State::Connected {
            let arrived = poll_fn(|cx| {
                stream.receive(cx, &mut session, clock.now(), &mut room);
                let mut read = ReadBuf::new(&mut bytes);
                let arrived = there.poll_recv(cx, &mut read);
                arrived.map_ok(|()| read.filled().len())
            });
            let length = arrived.await.expect("a datagram");
            server.handle_datagram(clock.now(), &mut bytes[..length], |_| {});
        }
        assert!(!stream.is_broken());
    }
}
