//! One UDP port for all sessions of an endpoint.
//!
//! Each shared socket has one task that takes what arrives and hands every train, with one copy,
//! to the session it is for. Sending needs no task: sessions use the socket directly.

use std::collections::HashSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use duologue_base::{SocketId, Transmit};
use duologue_stun::{Class, Message, Method, TransactionId};
use duologue_udp::{Interface, Socket, SocketOptions, Train};
use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::endpoint::Counters;
use crate::limits::RECEIVES_PER_TURN;
use crate::mailbox::{Mailbox, OwnedTrain};
use crate::route::{LeaseId, Route, Routes};
use crate::scratch;
use crate::socket::{poll_receive, try_send};
use crate::stream::SharedListener;

/// The sockets of one port, one for each address of the host.
#[derive(Debug)]
pub(crate) struct SharedPort {
    number: u16,
    sockets: Vec<Arc<SharedSocket>>,
    tasks: Vec<AbortHandle>,
    listeners: Vec<SharedListener>,
}

/// A socket that several sessions use.
pub(crate) struct SharedSocket {
    socket: Socket<UdpSocket>,
    routes: Mutex<Routes>,
    leases: AtomicU64,
    counters: Arc<Counters>,
}

impl SharedPort {
    /// Binds `port` on every address; those where it is taken or impossible are left out.
    pub(crate) fn bind(
        runtime: &Handle,
        interfaces: &[Interface],
        port: u16,
        options: &SocketOptions,
        counters: &Arc<Counters>,
    ) -> io::Result<Self> {
        let mut shared = SharedPort {
            number: port,
            sockets: Vec::new(),
            tasks: Vec::new(),
            listeners: Vec::new(),
        };
        let mut failure = io::ErrorKind::AddrNotAvailable.into();
        for interface in interfaces {
            let address = SocketAddr::new(interface.ip, shared.number);
            let bound = Socket::bind(address, options)
                .and_then(|socket| socket.map_io(UdpSocket::from_std));
            match bound {
                Ok(socket) => {
                    shared.number = socket.local_addr().port();
                    shared.serve(runtime, socket, counters);
                }
                Err(error) => failure = error,
            }
        }
        match shared.sockets.is_empty() {
            true => Err(failure),
            false => Ok(shared),
        }
    }

    fn serve(&mut self, runtime: &Handle, socket: Socket<UdpSocket>, counters: &Arc<Counters>) {
        let socket = Arc::new(SharedSocket {
            socket,
            routes: Mutex::default(),
            leases: AtomicU64::new(0),
            counters: counters.clone(),
        });
        let task = runtime.spawn(distribute(socket.clone()));
        self.tasks.push(task.abort_handle());
        self.sockets.push(socket);
    }

    /// Listens at the same port of every address, too.
    pub(crate) fn listen(&mut self, runtime: &Handle, counters: &Arc<Counters>) -> io::Result<()> {
        for socket in &self.sockets {
            let listener = SharedListener::bind(runtime, socket.local_addr(), counters)?;
            self.listeners.push(listener);
        }
        Ok(())
    }

    /// The listening socket on this address.
    pub(crate) fn listener(&self, ip: IpAddr) -> Option<&SharedListener> {
        let mut listeners = self.listeners.iter();
        listeners.find(|listener| listener.local_addr().ip() == ip)
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// The socket on this address.
    pub(crate) fn socket(&self, ip: IpAddr) -> Option<&Arc<SharedSocket>> {
        let mut sockets = self.sockets.iter();
        sockets.find(|socket| socket.local_addr().ip() == ip)
    }
}

impl Drop for SharedPort {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl SharedSocket {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    /// Lends the socket to one transport of the session of `mailbox`, which calls it `id`.
    pub(crate) fn lease(self: &Arc<Self>, id: SocketId, mailbox: Arc<Mailbox>) -> Lease {
        Lease {
            route: Route {
                lease: LeaseId(self.leases.fetch_add(1, Ordering::Relaxed)),
                socket: id,
                mailbox,
            },
            socket: self.clone(),
            claimed: HashSet::new(),
            writable: None,
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        // No method of `Routes` leaves it half-changed.
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, routes: &Routes, train: &Train<'_>) {
        let first = train.bytes.get(..train.segment_size).unwrap_or(train.bytes);
        let asker = || routes.find_asker(answered_question(first)?);
        let asker = routes.has_questions().then(asker).flatten();
        let found = asker.or_else(|| routes.find(train.meta.remote, || local_ufrag(first)));
        let Some(route) = found else {
            return Counters::count(&self.counters.unroutable);
        };
        let mut meta = train.meta;
        meta.socket = route.socket;
        let delivered = route.mailbox.deliver(OwnedTrain {
            meta,
            bytes: train.bytes.to_vec(),
            segment_size: train.segment_size,
        });
        if !delivered {
            Counters::count(&self.counters.queue_overflows);
        }
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").finish_non_exhaustive()
    }
}

/// Takes what arrives at a shared socket, until it is aborted.
async fn distribute(shared: Arc<SharedSocket>) {
    let poll = |cx: &mut Context<'_>| {
        scratch::with(|scratch| poll_distribute(&shared, cx, &mut scratch.receive))
    };
    poll_fn(poll).await;
}

fn poll_distribute(
    shared: &SharedSocket,
    cx: &mut Context<'_>,
    buffers: &mut duologue_udp::ReceiveBuffers,
) -> Poll<()> {
    for _ in 0..RECEIVES_PER_TURN {
        match poll_receive(&shared.socket, cx, buffers) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) => {
                let routes = shared.routes();
                for train in buffers.trains(SocketId::default()) {
                    shared.deliver(&routes, &train);
                }
            }
            Poll::Ready(Err(_)) => Counters::count(&shared.counters.receive_errors),
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

/// Whose ICE agent a STUN request is for: RFC 8445 §7.2.2, "the USERNAME attribute" of a check is
/// the username fragment of its receiver, a colon, and that of its sender.
pub(crate) fn local_ufrag(datagram: &[u8]) -> Option<&str> {
    if !duologue_stun::is_stun(datagram) {
        return None;
    }
    let message = duologue_stun::Message::parse(datagram).ok()?;
    Some(message.username()?.split_once(':')?.0)
}

/// The Binding request that a response answers.
fn answered_question(datagram: &[u8]) -> Option<TransactionId> {
    let message = binding(datagram)?;
    let answers = matches!(
        message.class(),
        Class::SuccessResponse | Class::ErrorResponse
    );
    answers.then(|| message.transaction_id())
}

/// A Binding request to a STUN server: unlike those to a peer it has no user name.
fn question_to_server(datagram: &[u8]) -> Option<TransactionId> {
    let message = binding(datagram)?;
    let asks = message.class() == Class::Request && message.username().is_none();
    asks.then(|| message.transaction_id())
}

fn binding(datagram: &[u8]) -> Option<Message<'_>> {
    if !duologue_stun::is_stun(datagram) {
        return None;
    }
    let message = Message::parse(datagram).ok()?;
    (message.method() == Method::BINDING).then_some(message)
}

/// The right of one transport of one session to use a shared socket. Dropping it gives back every
/// address and user name.
pub(crate) struct Lease {
    socket: Arc<SharedSocket>,
    route: Route,
    /// Remote addresses known to be this session's.
    claimed: HashSet<SocketAddr>,
    writable: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Lease {
    pub(crate) fn socket(&self) -> &Arc<SharedSocket> {
        &self.socket
    }

    /// STUN requests with this local user name fragment are for the lease's transport.
    pub(crate) fn add_ufrag(&self, ufrag: &str) {
        self.socket.routes().add_ufrag(ufrag, self.route.clone());
    }

    pub(crate) fn remove_ufrag(&self, ufrag: &str) {
        self.socket.routes().remove_ufrag(ufrag, self.route.lease);
    }

    /// Sends a train, if its destination belongs to no other session. Returns the bytes taken.
    pub(crate) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) -> io::Result<usize> {
        if !self.claimed.contains(&transmit.remote) {
            if let Some(question) = question_to_server(bytes) {
                self.socket.routes().ask(question, &self.route);
                return try_send(&self.socket.socket, transmit, bytes);
            }
            let claim = self.socket.routes().claim(transmit.remote, &self.route);
            if claim.is_err() {
                Counters::count(&self.socket.counters.send_conflicts);
                return Err(io::ErrorKind::AddrInUse.into());
            }
            self.claimed.insert(transmit.remote);
        }
        try_send(&self.socket.socket, transmit, bytes)
    }

    /// Waits for room. Unlike a socket of its own, this one may have many that wait.
    pub(crate) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let socket = &self.socket;
        let writable = self.writable.get_or_insert_with(|| {
            let socket = socket.clone();
            Box::pin(async move {
                // An error shows again when something is sent.
                let _ = socket.socket.io().writable().await;
            })
        });
        let ready = writable.as_mut().poll(cx);
        if ready.is_ready() {
            self.writable = None;
        }
        ready
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.socket.routes().release(self.route.lease);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("lease", &self.route.lease)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
