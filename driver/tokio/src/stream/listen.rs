use std::net::SocketAddr;
use std::task::{Context, Poll};

use duologue_base::{SocketId, TransportKey};
use duologue_session::BindError;
use tokio::net::TcpListener;

use crate::socket::bind_error;
use crate::stream::Connection;
use crate::stream::bind::listen;
use crate::stream::shared::Lease;

/// A listening socket of one session's.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) transport: TransportKey,
    pub(crate) id: SocketId,
    io: ListenerIo,
}

#[derive(Debug)]
enum ListenerIo {
    Own {
        listener: TcpListener,
        addr: SocketAddr,
    },
    /// The endpoint's: what connects comes through the session's queue.
    Shared(Lease),
}

impl Listener {
    /// Listens, at port 0 on any free one.
    pub(crate) fn bind(
        transport: TransportKey,
        id: SocketId,
        addr: SocketAddr,
    ) -> Result<Self, BindError> {
        let bound = listen(addr);
        let bound = bound.and_then(|listener| {
            let addr = listener.local_addr()?;
            Ok(ListenerIo::Own { listener, addr })
        });
        Ok(Listener {
            transport,
            id,
            io: bound.map_err(|error| bind_error(&error))?,
        })
    }

    pub(crate) fn shared(transport: TransportKey, id: SocketId, lease: Lease) -> Self {
        Listener {
            transport,
            id,
            io: ListenerIo::Shared(lease),
        }
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        match &self.io {
            ListenerIo::Own { addr, .. } => *addr,
            ListenerIo::Shared(lease) => lease.local_addr(),
        }
    }

    pub(crate) fn lease(&self) -> Option<&Lease> {
        match &self.io {
            ListenerIo::Own { .. } => None,
            ListenerIo::Shared(lease) => Some(lease),
        }
    }

    /// The next connection at a socket of its own.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<(Connection, SocketAddr)> {
        let ListenerIo::Own { listener, .. } = &self.io else {
            return Poll::Pending;
        };
        loop {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((stream, remote))) if stream.set_nodelay(true).is_ok() => {
                    return Poll::Ready((Connection::Plain(stream), remote));
                }
                // The peer is gone already: there may be another one.
                Poll::Ready(Ok(_)) => {}
                // Mostly: no file descriptor is free. It is asked again with the next turn.
                Poll::Ready(Err(_)) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
