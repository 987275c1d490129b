use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use duologue_base::{SocketId, TransportKey};
use duologue_session::BindError;
use tokio::net::TcpListener;
use tokio::time::Sleep;

use crate::limits::ACCEPT_PAUSE;
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
        pause: Pause,
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
            Ok(ListenerIo::Own {
                listener,
                addr,
                pause: None,
            })
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
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<(Connection, SocketAddr)> {
        let ListenerIo::Own {
            listener, pause, ..
        } = &mut self.io
        else {
            return Poll::Pending;
        };
        loop {
            match poll_next(pause, cx, |cx| listener.poll_accept(cx)) {
                Poll::Ready((stream, remote)) if stream.set_nodelay(true).is_ok() => {
                    return Poll::Ready((Connection::Plain(stream), remote));
                }
                // The peer is gone already: there may be another one.
                Poll::Ready(_) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// While it runs nothing is accepted.
type Pause = Option<Pin<Box<Sleep>>>;

/// What `accept` gives next. An error leaves what waits where it is, and nothing tells when to ask
/// again: it is after a pause.
fn poll_next<T>(
    pause: &mut Pause,
    cx: &mut Context<'_>,
    mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<T>>,
) -> Poll<T> {
    loop {
        if let Some(sleep) = pause {
            std::task::ready!(sleep.as_mut().poll(cx));
            *pause = None;
        }
        match std::task::ready!(accept(cx)) {
            Ok(connection) => return Poll::Ready(connection),
            // accept(2): the connection is gone, or a signal came.
            Err(error) if is_of_one(error.kind()) => {}
            // Mostly: no file descriptor is free.
            Err(_) => *pause = Some(Box::pin(tokio::time::sleep(ACCEPT_PAUSE))),
        }
    }
}

fn is_of_one(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(kind, ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn a_listener_goes_on_after_errors() {
        let errors = [
            io::ErrorKind::ConnectionAborted.into(),
            io::Error::other("no file descriptor is free"),
        ];
        let mut script = errors.into_iter().map(Err).chain([Ok(1), Ok(2)]);
        let mut pause = None;
        for expected in 1..=2 {
            let accepted = poll_fn(|cx| {
                poll_next(&mut pause, cx, |_| match script.next() {
                    Some(result) => Poll::Ready(result),
                    None => Poll::Pending,
                })
            });
            assert_eq!(accepted.await, expected);
        }
    }
}
