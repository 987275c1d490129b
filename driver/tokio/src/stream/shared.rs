//! One TCP port for all sessions of an endpoint: whom a connection is for is told by the user name
//! of the STUN request that it begins with, which is a check of the peer's (RFC 6544 §7.1).

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_base::SocketId;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::endpoint::Counters;
use crate::limits::{ACCEPT_PAUSE, FIRST_MESSAGE_BYTES, FIRST_MESSAGE_TIMEOUT, UNKNOWN_STREAMS};
use crate::mailbox::{Input, Mailbox};
use crate::route::{LeaseId, Route, Routes};
use crate::shared::local_ufrag;
use crate::stream::Connection;
use crate::stream::bind::listen;

/// A listening socket that several sessions use.
pub(crate) struct SharedListener {
    addr: SocketAddr,
    routes: Arc<Mutex<Routes>>,
    leases: AtomicU64,
    /// Each lease has a part of it.
    leased: Arc<()>,
    task: AbortHandle,
}

/// A connection whose session is known.
#[derive(Debug)]
pub(crate) struct AcceptedStream {
    /// What the session calls the listening socket.
    pub(crate) listener: SocketId,
    pub(crate) connection: Connection,
    pub(crate) remote: SocketAddr,
    /// What it has brought so far.
    pub(crate) begin: Vec<u8>,
}

impl SharedListener {
    pub(crate) fn bind(
        runtime: &Handle,
        addr: SocketAddr,
        counters: &Arc<Counters>,
    ) -> io::Result<Self> {
        let listener = listen(addr)?;
        let routes = Arc::new(Mutex::new(Routes::default()));
        let addr = listener.local_addr()?;
        let task = runtime.spawn(accept_all(listener, routes.clone(), counters.clone()));
        Ok(SharedListener {
            addr,
            routes,
            leases: AtomicU64::new(0),
            leased: Arc::default(),
            task: task.abort_handle(),
        })
    }

    /// Some session uses it.
    pub(crate) fn is_leased(&self) -> bool {
        Arc::strong_count(&self.leased) > 1
    }

    /// Lends the socket to one transport of the session of `mailbox`, which calls it `id`.
    pub(crate) fn lease(&self, id: SocketId, mailbox: Arc<Mailbox>) -> Lease {
        let number = self.leases.fetch_add(1, Ordering::Relaxed);
        Lease {
            addr: self.addr,
            routes: self.routes.clone(),
            route: Route::new(LeaseId(number), id, mailbox),
            _leased: self.leased.clone(),
        }
    }
}

impl fmt::Debug for SharedListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedListener").finish_non_exhaustive()
    }
}

impl Drop for SharedListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The right of one transport of one session to be connected to at a shared socket.
pub(crate) struct Lease {
    addr: SocketAddr,
    routes: Arc<Mutex<Routes>>,
    route: Route,
    _leased: Arc<()>,
}

impl Lease {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Connections that begin with this local user name fragment are for the lease's transport.
    pub(crate) fn add_ufrag(&self, ufrag: &str) {
        lock(&self.routes).add_ufrag(ufrag, self.route.clone());
    }

    pub(crate) fn remove_ufrag(&self, ufrag: &str) {
        lock(&self.routes).remove_ufrag(ufrag, self.route.lease);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("lease", &self.route.lease)
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.routes).release(self.route.lease);
    }
}

/// Takes connections until it is aborted. Those that have not said whom they are for are few and
/// have little time.
async fn accept_all(listener: TcpListener, routes: Arc<Mutex<Routes>>, counters: Arc<Counters>) {
    // Each has a part of it.
    let unknown = Arc::new(());
    loop {
        let (stream, remote) = match listener.accept().await {
            Ok((stream, remote)) if stream.set_nodelay(true).is_ok() => (stream, remote),
            Ok(_) => continue,
            Err(_) => {
                // Mostly: no file descriptor is free. Asking again at once would find none either.
                Counters::count(&counters.receive_errors);
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if Arc::strong_count(&unknown) > UNKNOWN_STREAMS {
            Counters::count(&counters.unroutable);
            continue;
        }
        let (routes, counters, part) = (routes.clone(), counters.clone(), unknown.clone());
        tokio::spawn(async move {
            let first = tokio::time::timeout(FIRST_MESSAGE_TIMEOUT, first_message(&stream)).await;
            drop(part);
            let known = first.ok().flatten();
            let delivered = known.is_some_and(|begin| deliver(&routes, stream, remote, begin));
            if !delivered {
                Counters::count(&counters.unroutable);
            }
        });
    }
}

/// What a connection brings until its first message is whole; none when that cannot be a check.
async fn first_message(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut begin = Vec::new();
    loop {
        stream.readable().await.ok()?;
        match stream.try_read_buf(&mut begin) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return None,
        }
        let Some((len, rest)) = begin.split_first_chunk() else {
            continue;
        };
        // RFC 4571 §2
        let len = usize::from(u16::from_be_bytes(*len));
        if len > FIRST_MESSAGE_BYTES {
            return None;
        }
        if rest.len() >= len {
            return Some(begin);
        }
    }
}

/// False: it is for nobody here.
fn deliver(routes: &Mutex<Routes>, stream: TcpStream, remote: SocketAddr, begin: Vec<u8>) -> bool {
    let Some((len, rest)) = begin.split_first_chunk() else {
        return false;
    };
    let first = rest.get(..usize::from(u16::from_be_bytes(*len)));
    let ufrag = first.and_then(local_ufrag);
    let route = lock(routes).find(remote, ufrag).cloned();
    let Some(route) = route else {
        return false;
    };
    route.mailbox.push(Input::Accepted(Box::new(AcceptedStream {
        listener: route.socket,
        connection: Connection::Plain(stream),
        remote,
        begin,
    })))
}

fn lock(routes: &Mutex<Routes>) -> MutexGuard<'_, Routes> {
    // No method of `Routes` leaves it half-changed.
    routes.lock().unwrap_or_else(PoisonError::into_inner)
}
