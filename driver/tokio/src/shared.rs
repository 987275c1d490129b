//! One UDP port for all sessions of an endpoint.
//!
//! On each address the port has a socket for each thread of the runtime; the system gives all that
//! comes from one source to the same one. Its [`receiver`] takes what arrives there and hands every
//! train, with one copy, to the session it is for. Sending needs no task: sessions use the sockets
//! directly.

mod port;
mod receiver;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::task::{Context, Poll};

use duologue_base::{Instant, SocketId, Transmit};
use duologue_stun::{Class, Message, Method, TransactionId};
use duologue_udp::{ReceiveBuffers, Socket, SocketOptions};
use tokio::net::UdpSocket;

pub(crate) use self::port::SharedPort;
use crate::endpoint::{Clock, Counters};
use crate::limits::REMOTES_PER_SESSION;
use crate::mailbox::Mailbox;
use crate::route::{Claim, LeaseId, Occupied, Route, Routes};
use crate::shared::receiver::Receiver;
use crate::socket::{Refused, try_send};

/// The sockets on one address, which several sessions use.
pub(crate) struct SharedSocket {
    /// One or more, all bound alike.
    members: Vec<Member>,
    clock: Clock,
    /// Receivers look here for what they do not know yet.
    routes: RwLock<Routes>,
    /// STUN servers may answer.
    has_questions: AtomicBool,
    leases: AtomicU64,
    /// The claims that were lost: receivers look for them once there are many.
    lost_claims: AtomicU64,
    /// Each lease has a part of it.
    leased: Arc<()>,
    counters: Arc<Counters>,
}

/// A socket and what its receiver knows.
struct Member {
    socket: Socket<UdpSocket>,
    /// Held by the one who receives: datagrams of one source stay in order.
    receiver: Mutex<Receiver>,
    /// When it received last, in nanoseconds of the endpoint's clock.
    received_at: AtomicU64,
}

impl SharedSocket {
    fn bind(
        address: SocketAddr,
        options: &SocketOptions,
        count: usize,
        (clock, counters): (Clock, &Arc<Counters>),
    ) -> io::Result<Self> {
        let sockets = Socket::bind_group(address, options, count)?;
        let member = |socket: Socket| socket.map_io(UdpSocket::from_std).map(Member::new);
        let members: io::Result<Vec<_>> = sockets.into_iter().map(member).collect();
        Ok(SharedSocket {
            members: members?,
            clock,
            routes: RwLock::default(),
            has_questions: AtomicBool::new(false),
            leases: AtomicU64::new(0),
            lost_claims: AtomicU64::new(0),
            leased: Arc::default(),
            counters: counters.clone(),
        })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.members[0].socket.local_addr()
    }

    /// Lends the socket to one transport of the session of `mailbox`, which calls it `id`.
    pub(crate) fn lease(self: &Arc<Self>, id: SocketId, mailbox: Arc<Mailbox>) -> Lease {
        let number = self.leases.fetch_add(1, Ordering::Relaxed);
        Lease {
            route: Route::new(LeaseId(number), id, mailbox),
            sending: number as usize % self.members.len(),
            socket: self.clone(),
            _leased: self.leased.clone(),
            claimed: HashMap::new(),
            selected: None,
            writable: None,
        }
    }

    /// Some session uses it.
    fn is_leased(&self) -> bool {
        Arc::strong_count(&self.leased) > 1
    }

    fn routes(&self) -> RwLockReadGuard<'_, Routes> {
        // No method of `Routes` leaves it half-changed.
        self.routes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn routes_mut(&self) -> RwLockWriteGuard<'_, Routes> {
        self.routes.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn new(socket: Socket<UdpSocket>) -> Self {
        Member {
            socket,
            receiver: Mutex::default(),
            received_at: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").finish_non_exhaustive()
    }
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

/// The right of one transport of one session to use the sockets of an address. Dropping it gives back every
/// address and user name.
pub(crate) struct Lease {
    socket: Arc<SharedSocket>,
    _leased: Arc<()>,
    /// Which of the sockets it sends from.
    sending: usize,
    route: Route,
    /// Remote addresses known to be this session's, while that holds.
    claimed: HashMap<SocketAddr, Arc<Claim>>,
    /// Where the transport's data goes: its peer answered a check there.
    selected: Option<SocketAddr>,
    writable: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Lease {
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr()
    }

    /// STUN requests with this local user name fragment are for the lease's transport.
    pub(crate) fn add_ufrag(&self, ufrag: &str) {
        let route = self.route.clone();
        self.socket.routes_mut().add_ufrag(ufrag, route);
    }

    pub(crate) fn remove_ufrag(&self, ufrag: &str) {
        let lease = self.route.lease;
        self.socket.routes_mut().remove_ufrag(ufrag, lease);
    }

    /// Where the transport's data goes from here, and whether it does not hear its peer any more.
    pub(crate) fn set_path(&mut self, selected: Option<SocketAddr>, silent: bool) {
        self.selected = selected;
        self.route.set_silent(silent);
    }

    /// Sends a train, if its destination belongs to no other session, or is a message of ICE. Returns
    /// the bytes taken.
    pub(crate) fn send(&mut self, transmit: &Transmit, bytes: &[u8]) -> Result<usize, Refused> {
        let remote = transmit.remote;
        let known = self.claimed.get(&remote);
        if known.is_none_or(|claim| !claim.holds()) {
            match question_to_server(bytes) {
                Some(question) => self.ask(question),
                None => self.enter(remote, bytes)?,
            }
        }
        let socket = &self.socket.members[self.sending].socket;
        try_send(socket, transmit, bytes)
    }

    /// Makes an address this session's, unless this only answers a check from there and would cost
    /// another one, or refuses it: a request may come from anywhere. Where another session hears its peer
    /// no more, checks leave without: they find out whether the peer has begun anew, with this session.
    fn enter(&mut self, remote: SocketAddr, bytes: &[u8]) -> Result<(), Refused> {
        let message = binding(bytes);
        let class = message.as_ref().map(Message::class);
        let claims = match class {
            Some(Class::SuccessResponse) => self.claimed.len() < REMOTES_PER_SESSION,
            Some(Class::ErrorResponse) => false,
            _ => true,
        };
        let entered = match claims {
            true => self.claim(remote),
            false => self.socket.routes().occupied(self.route.lease, remote),
        };
        let Err(occupied) = entered else {
            return Ok(());
        };
        let Some(check) = message.filter(|_| occupied.silent) else {
            Counters::count(&self.socket.counters.send_conflicts);
            let error = io::ErrorKind::AddrInUse.into();
            return Err(Refused { taken: 0, error });
        };
        if check.class() == Class::Request {
            self.ask(check.transaction_id());
        }
        Ok(())
    }

    fn claim(&mut self, remote: SocketAddr) -> Result<(), Occupied> {
        let mut routes = self.socket.routes_mut();
        let claim = routes.claim(remote, &self.route, self.selected)?;
        let lost = &self.socket.lost_claims;
        lost.store(routes.losses(), Ordering::Release);
        drop(routes);
        if self.claimed.len() >= REMOTES_PER_SESSION {
            self.claimed.retain(|_, claim| claim.holds());
        }
        self.claimed.insert(remote, claim);
        Ok(())
    }

    /// The answer is for this session, wherever from.
    fn ask(&self, question: TransactionId) {
        self.socket.routes_mut().ask(question, &self.route);
        self.socket.has_questions.store(true, Ordering::Relaxed);
    }

    /// A turn ends in which datagrams came from here: what has come since is handed over, if the
    /// socket's own task was not there for long. While all threads are busy with sessions, the
    /// runtime asks the system rarely what has come, and then lets all others go first.
    pub(crate) fn help_receiver(&self, now: Instant, buffers: &mut ReceiveBuffers) {
        self.socket.help_receiver(self.sending, now, buffers);
    }

    /// Waits for room. Unlike a socket of its own, this one may have many that wait.
    pub(crate) fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (socket, sending) = (&self.socket, self.sending);
        let writable = self.writable.get_or_insert_with(|| {
            let socket = socket.clone();
            Box::pin(async move {
                // An error shows again when something is sent.
                let _ = socket.members[sending].socket.io().writable().await;
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
        let mut routes = self.socket.routes_mut();
        routes.release(self.route.lease);
        let has_questions = &self.socket.has_questions;
        has_questions.store(routes.has_questions(), Ordering::Relaxed);
        let lost = &self.socket.lost_claims;
        lost.store(routes.losses(), Ordering::Release);
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
