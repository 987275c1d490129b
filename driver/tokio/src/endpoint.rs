use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use duologue_base::{ChannelKey, Instant, TransceiverId, WallClock};
use duologue_session::{ChannelCommand, Command, MediaCommand, Session};
use duologue_udp::{Anchor, Interface, InterfaceFilter, SocketOptions, Taken, interfaces};
use tokio::runtime::Handle;
use tracing::Instrument;

use crate::Host;
use crate::exposition::{Metrics, StateCount, States};
use crate::limits::{INTERFACES_FRESH, INTERFACES_INTERVAL, INTERFACES_INTERVAL_TOLD, PORT_TRIES};
use crate::mailbox::{Input, Mailbox};
use crate::mdns::{NameRequest, Responder};
use crate::metrics::{Gauges, Meters};
use crate::notice::{Notice, wait_for_notice};
use crate::record::{EventLog, Records};
use crate::shared::SharedPort;
use crate::stream::{Tls, TlsRoots};
use crate::task::SessionTask;

/// How the sessions of an [`Endpoint`] reach the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointOptions {
    /// Which addresses of the host are used.
    pub interfaces: InterfaceFilter,
    /// How sockets are opened.
    pub sockets: SocketOptions,
    /// The ports that sockets are bound to.
    pub ports: Ports,
    /// Whether TCP connections are listened for, too, at the port of [`Ports::Shared`]. Sessions with ports
    /// of their own listen when they are configured to have passive candidates.
    pub listen: bool,
    /// Whose certificates servers reached over TLS have to show.
    pub tls_roots: TlsRoots,
    /// A file that is made anew and gets a line of JSON for each event of each session:
    /// `docs/event-log.md` has its schema. It has addresses in it.
    pub event_log: Option<PathBuf>,
    /// A file that is made anew and gets each packet of SCTP, RTP and RTCP of each session **in the
    /// clear**, as pcapng, which Wireshark opens.
    pub packet_capture: Option<PathBuf>,
    /// A file that the secrets of each session's DTLS are added to (SSLKEYLOGFILE), of those whose
    /// [`dtls::Context`](duologue_dtls::Context) tells them. Connections to TURN servers are not among them.
    pub key_log: Option<PathBuf>,
}

/// Which UDP ports the sessions of an endpoint use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Ports {
    /// Each transport of each session has a free port of its own on each address, as browsers do.
    #[default]
    Own,
    /// All sessions share this port (0: any free one) on each address of the host, those that it
    /// gets later included, with a socket for each thread of the runtime (on Linux; one elsewhere).
    /// Datagrams are told apart by their source and, before that is known, by the ICE user name of
    /// STUN messages.
    ///
    /// Two sessions cannot use the same remote address at one socket: the second one's checks of
    /// such a pair are not sent, and ICE uses another pair or fails. That includes TURN servers
    /// over UDP, which know one allocation of an address (RFC 8656 §5), but neither STUN servers
    /// nor TURN over TCP and TLS.
    Shared(u16),
    /// Each transport of each session has a port of its own from this range, for firewalls that
    /// let it through. When none is found free an address is left out.
    Range {
        /// The first port.
        first: u16,
        /// The last port.
        last: u16,
    },
}

/// What the sessions of one application share: the runtime, the interfaces, the clock and, by
/// option, one port. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Endpoint(Arc<Shared>);

impl Endpoint {
    /// An endpoint on the current tokio runtime, which must have its I/O and time drivers enabled.
    ///
    /// # Errors
    /// Outside of a tokio runtime. With [`Ports::Shared`]: the port cannot be bound on any address.
    /// The TLS roots are not certificates.
    pub fn new(options: EndpointOptions) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let (clock, counters) = (Clock::start(), Arc::new(Counters::default()));
        let records = Records::open(
            options.event_log.as_deref(),
            options.packet_capture.as_deref(),
            options.key_log.as_deref(),
            system_time(),
        )?;
        let port = match options.ports {
            Ports::Own | Ports::Range { .. } => None,
            Ports::Shared(port) => {
                let listed = filtered(&options.interfaces)?;
                let port = SharedPort::bind(&runtime, &listed, port, &options, (clock, &counters))?;
                Some(port)
            }
        };
        Ok(Endpoint(Arc::new(Shared {
            clock,
            interfaces: Mutex::new(InterfaceList::default()),
            sessions: Mutex::new(Vec::new()),
            runtime,
            tls: Arc::new(Tls::new(&options.tls_roots)?),
            options,
            port,
            counters,
            meters: Meters::default(),
            gauges: Gauges::default(),
            states: States::default(),
            mdns: Responder::default(),
            records,
            next_session: AtomicU64::new(1),
            next_port: AtomicU32::new(0),
            anchor: OnceLock::new(),
        })))
    }

    /// Runs a session on a task of its own. `host` makes who learns what it reports; it is given
    /// the handle that is also returned. What the session logs is in the span that is the current
    /// one now: [`connection_span`] makes one.
    pub fn spawn<H: Host>(
        &self,
        session: Session,
        host: impl FnOnce(&SessionHandle) -> H,
    ) -> SessionHandle {
        let mailbox = Arc::new(Mailbox::new());
        let number = self.0.next_session.fetch_add(1, Ordering::Relaxed);
        let log = self.0.records.events.clone();
        let handle = SessionHandle {
            mailbox: mailbox.clone(),
            log: log.map(|log| (log, self.0.clock, number)),
        };
        let host = host(&handle);
        self.0.register(&mailbox);
        let task = SessionTask::new(session, number, host, self.0.clone(), mailbox);
        drop(self.0.runtime.spawn(task.in_current_span()));
        handle
    }

    /// The time that sessions of this endpoint are told.
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The time since 1970 at [`Instant::ZERO`] of the sessions' clock, as it was when the endpoint began: by it a moment
    /// of theirs is always the same time, also when the system's clock is set (hr-time §3, `timeOrigin`).
    pub fn epoch(&self) -> Duration {
        self.0.clock.epoch
    }

    /// The time of day at [`Instant::ZERO`] of the sessions' clock, as of now: what
    /// [`SessionConfig::wall_clock`](duologue_session::SessionConfig::wall_clock) wants.
    pub fn origin(&self) -> WallClock {
        let since = self.now().since_origin().as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        WallClock::from_unix_millis(system_time().unix_millis().saturating_sub(since))
    }

    /// What [`SessionConfig::may_fragment`](duologue_session::SessionConfig::may_fragment) wants.
    pub fn may_fragment(&self) -> bool {
        duologue_udp::may_fragment()
    }

    /// The runtime that the sessions run on.
    pub fn runtime(&self) -> &Handle {
        &self.0.runtime
    }

    /// Counts of what was lost in this host, over all sessions so far.
    pub fn stats(&self) -> EndpointStats {
        EndpointStats {
            records_lost: self.0.records.lost(),
            ..self.0.counters.read()
        }
    }

    /// What all sessions did so far, and are at the moment.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.0, self.stats())
    }

    /// Counts a connection among those of the endpoint, in the `RTCPeerConnectionState` that whoever runs its control
    /// plane says.
    pub fn count_state(&self, state: &str) -> StateCount {
        let mut count = StateCount::new(self.0.clone());
        count.set(state);
        count
    }

    /// The port that all sessions share, with [`Ports::Shared`].
    pub fn shared_port(&self) -> Option<u16> {
        self.0.port.as_ref().map(SharedPort::number)
    }
}

/// Feeds one session. Cheap to clone; the session ends with [`Command::Close`] or its runtime, not
/// with its handles.
#[derive(Clone)]
pub struct SessionHandle {
    mailbox: Arc<Mailbox>,
    log: Option<(Arc<EventLog>, Clock, u64)>,
}

impl SessionHandle {
    /// Gives the session a command. Returns false when the session has ended. It ends when 512 MiB of
    /// commands wait for it.
    pub fn command(&self, command: Command) -> bool {
        self.mailbox.push(Input::of(command))
    }

    /// Gives the session several commands at once.
    pub fn commands(&self, commands: impl IntoIterator<Item = Command>) -> bool {
        self.mailbox.extend(commands.into_iter().map(Input::of))
    }

    /// [`ChannelCommand::Send`].
    pub fn send(&self, channel: ChannelKey, data: Bytes, binary: bool) -> bool {
        let command = ChannelCommand::Send { data, binary };
        self.mailbox.push(Input::Channel(channel, command))
    }

    /// Tells the media of one transceiver something, such as packets to send.
    pub fn media(&self, transceiver: TransceiverId, command: MediaCommand) -> bool {
        self.mailbox.push(Input::Media(transceiver, command))
    }

    /// Writes an event of the application's side into the log of events, if there is one.
    pub fn log_event(&self, event: &str, more: &[(&str, &str)]) {
        if let Some((log, clock, number)) = &self.log {
            let more = more.iter().map(|&(name, value)| (name, value));
            log.write(clock.now(), *number, event, more.collect());
        }
    }

    /// Makes the session look again whether its host wants channel reports.
    pub fn wake(&self) {
        self.mailbox.notify();
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle").finish_non_exhaustive()
    }
}

/// Datagrams that were lost in this host rather than on the way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct EndpointStats {
    /// Trains that the system refused to send: no route, forbidden.
    pub send_errors: u64,
    /// Trains that were not sent because their socket had no room.
    pub send_overflows: u64,
    /// Trains that were not sent because their destination belongs to another session of the
    /// shared port.
    pub send_conflicts: u64,
    /// Calls that failed to receive.
    pub receive_errors: u64,
    /// Trains and connections that arrived at the shared port for no session.
    pub unroutable: u64,
    /// Trains that arrived at the shared port for a session that was too slow.
    pub queue_overflows: u64,
    /// Trains that were not sent because a stream had no room.
    pub stream_overflows: u64,
    /// Entries of the log of events and of the capture of packets that were not written, because
    /// their file was too slow.
    pub records_lost: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) send_errors: AtomicU64,
    pub(crate) send_overflows: AtomicU64,
    pub(crate) send_conflicts: AtomicU64,
    pub(crate) receive_errors: AtomicU64,
    pub(crate) unroutable: AtomicU64,
    pub(crate) queue_overflows: AtomicU64,
    pub(crate) stream_overflows: AtomicU64,
}

impl Counters {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> EndpointStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EndpointStats {
            send_errors: read(&self.send_errors),
            send_overflows: read(&self.send_overflows),
            send_conflicts: read(&self.send_conflicts),
            receive_errors: read(&self.receive_errors),
            unroutable: read(&self.unroutable),
            queue_overflows: read(&self.queue_overflows),
            stream_overflows: read(&self.stream_overflows),
            records_lost: 0,
        }
    }
}

/// What an endpoint and its sessions' tasks share.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) options: EndpointOptions,
    pub(crate) port: Option<SharedPort>,
    pub(crate) tls: Arc<Tls>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) meters: Meters,
    pub(crate) gauges: Gauges,
    pub(crate) states: States,
    pub(crate) mdns: Responder,
    pub(crate) records: Records,
    /// How records name the next session.
    next_session: AtomicU64,
    /// Where the search for a port of a range begins.
    next_port: AtomicU32,
    anchor: OnceLock<Anchor>,
    runtime: Handle,
    interfaces: Mutex<InterfaceList>,
    /// Sessions that learn of changes of the interfaces.
    sessions: Mutex<Vec<Weak<Mailbox>>>,
}

impl Shared {
    /// The usable addresses of the host, at most a moment old.
    ///
    /// # Errors
    /// The system cannot list them and never could.
    pub(crate) fn addresses(&self) -> io::Result<Arc<[IpAddr]>> {
        let mut list = lock(&self.interfaces);
        let now = self.clock.now();
        let fresh = |at: Instant| now - at < INTERFACES_FRESH;
        if !list.listed_at.is_some_and(fresh) {
            let listed = self.list(&mut list);
            if list.listed_at.is_none() {
                listed?;
            }
        }
        Ok(list.ips.clone())
    }

    /// The same, as of now.
    pub(crate) fn addresses_now(&self) -> Arc<[IpAddr]> {
        let mut list = lock(&self.interfaces);
        // A system that cannot list its interfaces now keeps those it had.
        let _ = self.list(&mut list);
        list.ips.clone()
    }

    fn list(&self, list: &mut InterfaceList) -> io::Result<()> {
        let listed = filtered(&self.options.interfaces)?;
        list.listed_at = Some(self.clock.now());
        let ips: Vec<IpAddr> = listed.iter().map(|interface| interface.ip).collect();
        if *list.ips != *ips {
            list.ips = ips.into();
        }
        Ok(())
    }

    /// The interfaces that may be used, now; none when the system cannot list them.
    pub(crate) fn interfaces(&self) -> Vec<Interface> {
        filtered(&self.options.interfaces).unwrap_or_default()
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// From the first socket on the system has one at least, as long as the endpoint lives.
    pub(crate) fn keep_anchor(&self) {
        // Without one sockets only cost more, until there are descriptors for it.
        if self.anchor.get().is_none()
            && let Ok(anchor) = Anchor::open()
        {
            self.anchor.get_or_init(|| anchor);
        }
    }

    /// The ports to try for a socket of its own, in this order; 0 is any.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        let (first, last) = match self.options.ports {
            Ports::Range { first, last } => (first, last.max(first)),
            Ports::Own | Ports::Shared(_) => (0, 0),
        };
        let count = u32::from(last - first) + 1;
        let tries = count.min(PORT_TRIES);
        // Not always from the beginning, where the busy ones are.
        let begin = match count {
            1 => 0,
            _ => self.next_port.fetch_add(1, Ordering::Relaxed),
        };
        (0..tries).map(move |n| first + (begin.wrapping_add(n) % count) as u16)
    }

    fn register(self: &Arc<Self>, mailbox: &Arc<Mailbox>) {
        let mut sessions = lock(&self.sessions);
        if sessions.is_empty() {
            let watch = watch_interfaces(Arc::downgrade(self));
            drop(self.runtime.spawn(watch));
        }
        // Ended sessions leave when as many have ended as live: constant cost per session.
        if sessions.len() == sessions.capacity() {
            sessions.retain(|mailbox| mailbox.strong_count() > 0);
            let live = sessions.len();
            sessions.reserve(live + 1);
        }
        sessions.push(Arc::downgrade(mailbox));
    }

    /// Tells all sessions; returns whether there are any.
    fn broadcast(self: &Arc<Self>, ips: &Arc<[IpAddr]>) {
        self.mdns.request(self, NameRequest::LookAgain);
        for mailbox in lock(&self.sessions).iter().filter_map(Weak::upgrade) {
            mailbox.push(Input::Interfaces(ips.clone()));
        }
    }

    /// Forgets ended sessions; returns whether any is left.
    fn has_sessions(&self) -> bool {
        let mut sessions = lock(&self.sessions);
        sessions.retain(|mailbox| mailbox.strong_count() > 0);
        if sessions.is_empty() {
            sessions.shrink_to_fit();
        }
        !sessions.is_empty()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct InterfaceList {
    ips: Arc<[IpAddr]>,
    listed_at: Option<Instant>,
}

/// Tells the sessions when an interface comes or goes, while there are sessions.
async fn watch_interfaces(endpoint: Weak<Shared>) {
    let notice = Notice::open();
    // What the first session begins with.
    let Some(first) = endpoint.upgrade().map(|endpoint| endpoint.addresses()) else {
        return;
    };
    let mut before = first.unwrap_or_default();
    let mut again = false;
    loop {
        let pause = match (again, &notice) {
            (false, Some(_)) => INTERFACES_INTERVAL_TOLD,
            _ => INTERFACES_INTERVAL,
        };
        wait_for_notice(notice.as_ref(), pause).await;
        let Some(endpoint) = endpoint.upgrade() else {
            return;
        };
        if !endpoint.has_sessions() {
            return;
        }
        let now = endpoint.addresses_now();
        if let Some(port) = &endpoint.port {
            port.close_lost(&now);
        }
        let changed = before != now;
        // Once more: an address that has just come may not be ready to be bound.
        if changed || again {
            endpoint.broadcast(&now);
        }
        again = changed;
        before = now;
    }
}

/// What a connection logs, of both planes, is in a span like this. Its number says nothing but
/// which connection of this process it is.
pub fn connection_span() -> tracing::Span {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    tracing::debug_span!("connection", id)
}

/// The system's UNIX time, as certificates count it.
pub fn system_time() -> WallClock {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    WallClock::from_unix_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

fn filtered(filter: &InterfaceFilter) -> io::Result<Vec<Interface>> {
    let mut listed = interfaces()?;
    listed.retain(|interface| filter.accepts(interface));
    Ok(listed)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The runtime's monotonic clock as the core counts it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: tokio::time::Instant,
    /// The time since 1970 at the origin.
    epoch: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Clock {
            origin: tokio::time::Instant::now(),
            epoch: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    pub(crate) fn now(self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    /// This moment, for datagrams that were just taken from a socket.
    pub(crate) fn taken(self) -> Taken {
        Taken::at(self.now(), SystemTime::now())
    }

    pub(crate) fn to_system(self, instant: Instant) -> tokio::time::Instant {
        self.origin + instant.since_origin()
    }
}
