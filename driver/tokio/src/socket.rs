//! A socket as a session's task uses it: with tokio's readiness, and a place for what could not
//! be sent yet.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use duologue_base::{SocketId, Transmit};
use duologue_session::BindError;
use duologue_udp::{ReceiveBuffers, Socket, SocketOptions};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::shared::Lease;

/// One socket of one session.
#[derive(Debug)]
pub(crate) struct SessionSocket {
    id: SocketId,
    io: SocketIo,
    /// What the system had no room for; nothing is sent before it.
    blocked: Option<Blocked>,
}

#[derive(Debug)]
enum SocketIo {
    /// Its own: nobody else's datagrams arrive here.
    Own(Socket<UdpSocket>),
    /// The endpoint's: its datagrams come through the session's queue.
    Shared(Lease),
}

#[derive(Debug)]
struct Blocked {
    transmit: Transmit,
    rest: Vec<u8>,
}

impl SessionSocket {
    /// Binds a socket of its own; port 0 is any free one.
    pub(crate) fn bind(
        id: SocketId,
        addr: SocketAddr,
        options: &SocketOptions,
    ) -> Result<Self, BindError> {
        let socket = Socket::bind(addr, options)
            .and_then(|socket| socket.map_io(UdpSocket::from_std))
            .map_err(|error| bind_error(&error))?;
        Ok(SessionSocket::new(id, SocketIo::Own(socket)))
    }

    /// Uses a socket of the endpoint.
    pub(crate) fn lease(id: SocketId, lease: Lease) -> Self {
        SessionSocket::new(id, SocketIo::Shared(lease))
    }

    fn new(id: SocketId, io: SocketIo) -> Self {
        SessionSocket {
            id,
            io,
            blocked: None,
        }
    }

    pub(crate) fn id(&self) -> SocketId {
        self.id
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        match &self.io {
            SocketIo::Own(socket) => socket.local_addr(),
            SocketIo::Shared(lease) => lease.local_addr(),
        }
    }

    /// The use of an endpoint's socket, if it is not the session's own.
    pub(crate) fn lease_ref(&self) -> Option<&Lease> {
        match &self.io {
            SocketIo::Own(_) => None,
            SocketIo::Shared(lease) => Some(lease),
        }
    }

    /// The same, to change it.
    pub(crate) fn lease_mut(&mut self) -> Option<&mut Lease> {
        match &mut self.io {
            SocketIo::Own(_) => None,
            SocketIo::Shared(lease) => Some(lease),
        }
    }

    /// Takes what has arrived at a socket of its own.
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut ReceiveBuffers,
    ) -> Poll<io::Result<()>> {
        let SocketIo::Own(socket) = &self.io else {
            return Poll::Pending;
        };
        poll_receive(socket, cx, buffers)
    }

    /// Sends what an earlier call left. Pending when there still is no room. `lost` is told what the system
    /// refused.
    pub(crate) fn poll_unblock(
        &mut self,
        cx: &mut Context<'_>,
        mut lost: impl FnMut(&Transmit),
    ) -> Poll<()> {
        while let Some(blocked) = self.blocked.take() {
            let ready = match &mut self.io {
                SocketIo::Own(socket) => socket.io().poll_send_ready(cx).map(drop),
                SocketIo::Shared(lease) => lease.poll_writable(cx),
            };
            if ready.is_pending() {
                self.blocked = Some(blocked);
                return Poll::Pending;
            }
            if let Err(refused) = self.send(&blocked.transmit, &blocked.rest) {
                lost(&refused.rest_of(&blocked.transmit, blocked.rest.len()));
            }
        }
        Poll::Ready(())
    }

    /// Sends a train. What the system has no room for is kept and goes first with
    /// [`poll_unblock`](Self::poll_unblock).
    ///
    /// # Errors
    /// The system refused it, or its destination belongs to another session of a shared port: what was not
    /// taken is lost.
    pub(crate) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) -> Result<(), Refused> {
        let sent = match &mut self.io {
            SocketIo::Own(socket) => try_send(socket, transmit, bytes)?,
            SocketIo::Shared(lease) => lease.send(transmit, bytes)?,
        };
        if sent < bytes.len() {
            self.blocked = Some(Blocked {
                transmit: *transmit,
                rest: bytes[sent..].to_vec(),
            });
        }
        Ok(())
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }
}

/// Takes what has arrived, and forgets the readiness as soon as nothing more can be there.
pub(crate) fn poll_receive(
    socket: &Socket<UdpSocket>,
    cx: &mut Context<'_>,
    buffers: &mut ReceiveBuffers,
) -> Poll<io::Result<()>> {
    loop {
        match socket.io().poll_recv_ready(cx) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        let mut result = Ok(());
        let _ = socket.io().try_io(Interest::READABLE, || {
            result = socket.receive(buffers);
            // A call that left buffers empty has seen the end of the socket's queue: saying so
            // here spares the next call, which would find nothing. What arrives meanwhile is a
            // new event of the (edge-triggered) poller. After an error more may be there.
            match &result {
                Ok(()) if !buffers.is_full() => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    Err(io::ErrorKind::WouldBlock.into())
                }
                _ => Ok(()),
            }
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

/// The system refused a train, or the rest of one.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Bytes that it took before.
    pub(crate) taken: usize,
    pub(crate) error: io::Error,
}

impl Refused {
    /// What is lost of a train of so many bytes.
    pub(crate) fn rest_of(&self, transmit: &Transmit, bytes: usize) -> Transmit {
        Transmit {
            len: bytes.saturating_sub(self.taken),
            ..*transmit
        }
    }
}

/// Sends without asking the runtime whether there is room: there nearly always is.
pub(crate) fn try_send(
    socket: &Socket<UdpSocket>,
    transmit: &Transmit,
    bytes: &[u8],
) -> Result<usize, Refused> {
    let refused = |taken, error| Refused { taken, error };
    let mut sent = (socket.send(transmit, bytes)).map_err(|error| refused(0, error))?;
    if sent < bytes.len() {
        // Once more under the runtime's eyes: it then knows that the socket was full, and an event
        // that comes between the call and its knowing is not lost.
        let mut result = Ok(());
        let _ = socket.io().try_io(Interest::WRITABLE, || {
            while sent < bytes.len() {
                match socket.send(transmit, &bytes[sent..]) {
                    Ok(0) => return Err(io::ErrorKind::WouldBlock.into()),
                    Ok(more) => sent += more,
                    Err(error) => {
                        result = Err(error);
                        break;
                    }
                }
            }
            Ok(())
        });
        result.map_err(|error| refused(sent, error))?;
    }
    Ok(sent)
}

pub(crate) fn bind_error(error: &io::Error) -> BindError {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => BindError::AddressNotAvailable,
        io::ErrorKind::PermissionDenied => BindError::NotPermitted,
        _ => BindError::Exhausted,
    }
}
