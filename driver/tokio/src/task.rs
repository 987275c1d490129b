//! The task of one session.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use duologue_base::{Generation, Instant, MdnsName, Protocol, SocketId, TransportKey};
use duologue_session::{
    Action, BindError, BindId, CheckLeave, Command, ConnectError, Interface, Security, Session,
    TransportCommand,
};

use crate::Host;
use crate::checks::CHECKS;
use crate::endpoint::{Counters, Shared};
use crate::error_log::ErrorLog;
use crate::limits::{
    CHECKS_PAUSE, IDLE_QUEUE_CAPACITY, RECEIVES_PER_TURN, SOCKETS_PER_SESSION, TRANSMITS_PER_TURN,
    TURNS_PER_POLL,
};
use crate::mailbox::{Input, Mailbox, OwnedTrain};
use crate::mdns::Wish;
use crate::scratch::{self, Scratch};
use crate::socket::{SessionSocket, bind_error};
use crate::stream::{AcceptedStream, Listener, Opened, Streams, connect};
use crate::timer::Timer;

/// Owns a session and everything it runs on; ends with [`Command::Close`] or with the runtime.
pub(crate) struct SessionTask<H> {
    session: Session,
    host: H,
    endpoint: Arc<Shared>,
    mailbox: Arc<Mailbox>,
    /// Lent to the mailbox in exchange for what it holds; empty between turns.
    inputs: Vec<Input>,
    sockets: Vec<BoundSocket>,
    streams: Streams,
    next_socket: u32,
    first_to_receive: usize,
    /// Our user names, by which a shared socket finds this session.
    ufrags: Vec<Ufrag>,
    /// Names that multicast DNS answers for.
    names: Vec<MdnsName>,
    knows_interfaces: bool,
    timer: Timer,
    errors: ErrorLog,
    closed: bool,
}

struct BoundSocket {
    transport: TransportKey,
    socket: SessionSocket,
}

struct Ufrag {
    transport: TransportKey,
    generation: Generation,
    text: String,
    given_up: bool,
}

impl<H: Host> SessionTask<H> {
    pub(crate) fn new(
        mut session: Session,
        host: H,
        endpoint: Arc<Shared>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        session.meter_checks();
        SessionTask {
            session,
            host,
            endpoint,
            mailbox,
            inputs: Vec::new(),
            sockets: Vec::new(),
            streams: Streams::default(),
            next_socket: 0,
            first_to_receive: 0,
            ufrags: Vec::new(),
            names: Vec::new(),
            knows_interfaces: false,
            timer: Timer::default(),
            errors: ErrorLog::default(),
            closed: false,
        }
    }

    /// One turn. Returns whether work was left for another one.
    fn turn(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        let now = self.endpoint.clock.now();
        let known_sockets = self.next_socket;
        let took_trains = self.take_inputs(now);
        let mut received_all = self.receive(cx, scratch);
        received_all &= self.streams.receive(
            cx,
            &mut self.session,
            now,
            &mut scratch.stream,
            &mut self.next_socket,
        );
        let answered = self.session.take_answered_checks();
        if answered > 0 {
            CHECKS.give_back(answered);
        }
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.meter_checks(now);
        }
        self.perform_actions(now);
        // Before sending: what readers take opens the receive window that acknowledgements tell.
        let mut reported = self.report();
        reported |= self.report_channels();
        reported |= self.report_media();
        let sent_all = self.transmit(cx, scratch, now);
        // Sockets that have sent their last datagram are closed; bytes have left the send queues.
        self.perform_actions(now);
        reported |= self.report();
        if reported {
            self.host.end_of_batch();
        }
        if took_trains {
            for lease in self.sockets.iter().filter_map(|b| b.socket.lease_ref()) {
                lease.help_receiver(now, &mut scratch.receive);
            }
        }
        // A socket that was bound in this turn wakes nobody until it is asked for datagrams.
        let listens_to_all = self.next_socket == known_sockets;
        !(received_all && sent_all && listens_to_all)
    }

    /// A check that is due may want leave.
    fn meter_checks(&mut self, now: Instant) {
        while self.session.wants_check_leave(now) {
            let leave = match CHECKS.take() {
                true => CheckLeave::Once,
                false => CheckLeave::Held {
                    until: now + CHECKS_PAUSE,
                },
            };
            self.session.handle_check_leave(now, leave);
        }
    }

    /// Returns whether datagrams of shared sockets were among them.
    fn take_inputs(&mut self, now: Instant) -> bool {
        let mut took_trains = false;
        let mut inputs = std::mem::take(&mut self.inputs);
        self.mailbox.queue().take(&mut inputs);
        let taken = inputs.len();
        for input in inputs.drain(..) {
            match input {
                Input::Channel(channel, command) => {
                    let command = Command::Channel(channel, command);
                    self.session.handle_command(now, command);
                }
                Input::Media(transceiver, command) => {
                    let command = Command::Media(transceiver, command);
                    self.session.handle_command(now, command);
                }
                Input::Command(command) => self.handle_command(now, *command),
                Input::Interfaces(ips) => self.handle_interfaces(now, &ips),
                Input::Resolved { host, ips } => self.session.handle_resolved(now, &host, &ips),
                Input::NameResolved { name, ips } => {
                    self.session.handle_name_resolved(now, name, &ips);
                }
                Input::Connected { bind_id, result } => self.connected(now, bind_id, result),
                Input::Accepted(accepted) => self.accepted(now, *accepted),
                Input::Train(train) => {
                    took_trains = true;
                    self.handle_train(now, *train);
                }
            }
        }
        // The memory of a burst goes when bursts have ended.
        if inputs.capacity() <= IDLE_QUEUE_CAPACITY || taken > inputs.capacity() / 8 {
            self.inputs = inputs;
        }
        took_trains
    }

    fn handle_command(&mut self, now: Instant, command: Command) {
        match &command {
            Command::Transport(key, command) => self.learn_from_command(now, *key, command),
            Command::Close => self.closed = true,
            _ => {}
        }
        self.session.handle_command(now, command);
    }

    /// A transport needs to know the interfaces, and a shared port its user names.
    fn learn_from_command(&mut self, now: Instant, key: TransportKey, command: &TransportCommand) {
        match command {
            TransportCommand::Add {
                generation, local, ..
            } => {
                self.learn_interfaces(now);
                self.add_ufrag(key, *generation, &local.ufrag);
            }
            TransportCommand::Prepare { .. } => self.learn_interfaces(now),
            TransportCommand::RestartIce { generation, local } => {
                self.learn_interfaces(now);
                self.add_ufrag(key, *generation, &local.ufrag);
            }
            TransportCommand::DropGeneration { generation } => self.drop_ufrag(key, *generation),
            TransportCommand::Remove => self.drop_ufrags(|u| u.transport == key),
            _ => {}
        }
    }

    /// The first transport needs to know them; a restart, if they could not be listed then.
    fn learn_interfaces(&mut self, now: Instant) {
        if !self.knows_interfaces {
            match self.endpoint.addresses() {
                Ok(ips) => self.handle_interfaces(now, &ips),
                Err(error) => {
                    let error = bind_error(&error);
                    self.session.handle_interfaces_unknown(now, error);
                }
            }
        }
    }

    fn handle_interfaces(&mut self, now: Instant, ips: &[IpAddr]) {
        self.knows_interfaces = true;
        let interfaces: Vec<Interface> = ips.iter().map(|&ip| Interface { ip }).collect();
        self.session.handle_interfaces(now, &interfaces);
    }

    fn handle_train(&mut self, now: Instant, mut train: OwnedTrain) {
        self.mailbox.train_taken(&train);
        for datagram in train.bytes.chunks_mut(train.segment_size.max(1)) {
            self.session.handle_datagram(now, &train.meta, datagram);
        }
    }

    /// Takes what the session's own sockets have. Returns whether it was everything.
    fn receive(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch) -> bool {
        let mut receives = 0;
        // Not always the same one first: one busy socket must not silence the others.
        let (before, after) = self
            .sockets
            .split_at(self.first_to_receive.min(self.sockets.len()));
        self.first_to_receive = match after.len() {
            0 | 1 => 0,
            _ => self.first_to_receive + 1,
        };
        for bound in after.iter().chain(before) {
            loop {
                match bound.socket.poll_receive(cx, &mut scratch.receive) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(())) => {
                        let taken = self.endpoint.clock.taken();
                        let id = bound.socket.id();
                        for (meta, bytes) in scratch.receive.datagrams(id, taken) {
                            self.session.handle_datagram(taken.now(), &meta, bytes);
                        }
                    }
                    Poll::Ready(Err(error)) => {
                        Counters::count(&self.endpoint.counters.receive_errors);
                        let now = self.endpoint.clock.now();
                        self.errors.note(now, "receive", &error);
                    }
                }
                receives += 1;
                if receives >= RECEIVES_PER_TURN {
                    return false;
                }
            }
        }
        true
    }

    fn perform_actions(&mut self, now: Instant) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Bind {
                    bind_id,
                    transport,
                    ip,
                    protocol,
                } => self.bind(now, bind_id, transport, ip, protocol),
                Action::Connect {
                    bind_id,
                    transport,
                    local,
                    security: Security::Datagrams,
                    ..
                } => self.open_datagrams(now, bind_id, transport, local.ip()),
                Action::Connect {
                    bind_id,
                    local,
                    remote,
                    security,
                    ..
                } => self.connect(bind_id, local, remote, security),
                Action::Resolve { host } => self.resolve(host),
                Action::ResolveName { name } => self.wish(Wish::Resolve {
                    name,
                    by: Arc::downgrade(&self.mailbox),
                }),
                Action::AnnounceName { name, ip } => {
                    if !self.names.contains(&name) {
                        self.names.push(name);
                    }
                    self.wish(Wish::Announce { name, ip });
                }
                Action::WithdrawName { name } => {
                    self.names.retain(|known| *known != name);
                    self.wish(Wish::Withdraw { name });
                }
                Action::Unbind { socket } => {
                    self.sockets.retain(|bound| bound.socket.id() != socket);
                    self.streams.close(socket);
                }
                // A kind that this driver does not know is not done.
                _ => {}
            }
        }
    }

    fn wish(&self, wish: Wish) {
        self.endpoint.mdns.wish(&self.endpoint, wish);
    }

    /// Asks the system's resolver, which may take its time. The session has its own patience.
    fn resolve(&self, host: String) {
        let mailbox = Arc::downgrade(&self.mailbox);
        tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let ips = found.map(|found| found.map(|addr| addr.ip()).collect());
            if let Some(mailbox) = mailbox.upgrade() {
                let ips = ips.unwrap_or_default();
                mailbox.push(Input::Resolved { host, ips });
            }
        });
    }

    fn bind(
        &mut self,
        now: Instant,
        bind_id: BindId,
        transport: TransportKey,
        ip: IpAddr,
        protocol: Protocol,
    ) {
        if protocol == Protocol::Tcp {
            let result = self.listen(transport, ip);
            return self.session.handle_bound(now, bind_id, result);
        }
        let result = self.bind_udp(transport, ip).map(|socket| {
            let bound = (socket.id(), socket.local_addr());
            // A few are the rule, and a vector would make room for four at once.
            self.sockets.reserve_exact(1);
            self.sockets.push(BoundSocket { transport, socket });
            bound
        });
        self.session.handle_bound(now, bind_id, result);
    }

    fn bind_udp(
        &mut self,
        transport: TransportKey,
        ip: IpAddr,
    ) -> Result<SessionSocket, BindError> {
        if self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION {
            return Err(BindError::Exhausted);
        }
        let id = self.new_socket_id();
        let Some(port) = &self.endpoint.port else {
            return self.bind_own(id, ip);
        };
        let lease = port.lease(ip, id, &self.mailbox);
        let lease = lease.ok_or(BindError::AddressNotAvailable)?;
        for ufrag in self.ufrags.iter().filter(|u| u.transport == transport) {
            lease.add_ufrag(&ufrag.text);
        }
        Ok(SessionSocket::lease(id, lease))
    }

    fn bind_own(&self, id: SocketId, ip: IpAddr) -> Result<SessionSocket, BindError> {
        let mut result = Err(BindError::Exhausted);
        for port in self.endpoint.ports() {
            let addr = SocketAddr::new(ip, port);
            result = SessionSocket::bind(id, addr, &self.endpoint.options.sockets);
            // A port that is taken leaves others to try.
            if !matches!(result, Err(BindError::Exhausted)) {
                break;
            }
        }
        result
    }

    fn listen(
        &mut self,
        transport: TransportKey,
        ip: IpAddr,
    ) -> Result<(SocketId, SocketAddr), BindError> {
        if self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION {
            return Err(BindError::Exhausted);
        }
        let id = self.new_socket_id();
        let Some(port) = &self.endpoint.port else {
            let mut result = Err(BindError::Exhausted);
            for port in self.endpoint.ports() {
                let addr = SocketAddr::new(ip, port);
                result = self.streams.listen(transport, id, addr);
                // A port that is taken leaves others to try.
                if !matches!(result, Err(BindError::Exhausted)) {
                    break;
                }
            }
            return Ok((id, result?));
        };
        let lease = port.lease_listener(ip, id, &self.mailbox);
        let lease = lease.ok_or(BindError::AddressNotAvailable)?;
        for ufrag in self.ufrags.iter().filter(|u| u.transport == transport) {
            lease.add_ufrag(&ufrag.text);
        }
        let addr = lease.local_addr();
        let listener = Listener::shared(transport, id, lease);
        self.streams.add_listener(listener);
        Ok((id, addr))
    }

    /// Opens a stream beside the session's task, which it may outlive by its timeout.
    fn connect(&self, bind_id: BindId, local: SocketAddr, remote: SocketAddr, security: Security) {
        let mailbox = Arc::downgrade(&self.mailbox);
        let Shared { tls, clock, .. } = &*self.endpoint;
        let opening = connect(local, remote, security, tls.clone(), *clock);
        tokio::spawn(async move {
            let result = opening.await.map(Box::new);
            if let Some(mailbox) = mailbox.upgrade() {
                mailbox.push(Input::Connected { bind_id, result });
            }
        });
    }

    /// A socket of the session's own, also where all share a port: to be another address is what
    /// it is for.
    fn open_datagrams(
        &mut self,
        now: Instant,
        bind_id: BindId,
        transport: TransportKey,
        ip: IpAddr,
    ) {
        let full = self.sockets.len() + self.streams.len() >= SOCKETS_PER_SESSION;
        let id = self.new_socket_id();
        let opened = match full {
            true => Err(BindError::Exhausted),
            false => self.bind_own(id, ip),
        };
        let result = opened.map_err(|_| ConnectError::NotPossible);
        let result = result.map(|socket| {
            let bound = (id, socket.local_addr());
            self.sockets.push(BoundSocket { transport, socket });
            bound
        });
        self.session.handle_connected(now, bind_id, result);
    }

    fn connected(
        &mut self,
        now: Instant,
        bind_id: BindId,
        result: Result<Box<Opened>, ConnectError>,
    ) {
        let result = result.and_then(|opened| {
            let local = opened.local_addr().map_err(|_| ConnectError::Closed)?;
            let id = self.new_socket_id();
            self.streams.add(id, *opened);
            Ok((id, local))
        });
        self.session.handle_connected(now, bind_id, result);
    }

    fn accepted(&mut self, now: Instant, accepted: AcceptedStream) {
        let id = self.new_socket_id();
        let AcceptedStream {
            listener,
            connection,
            remote,
            mut begin,
        } = accepted;
        self.streams.add(id, Opened::Bytes(connection));
        self.session.handle_accepted(now, listener, id, remote);
        self.session.handle_stream(now, id, &mut begin);
    }

    fn new_socket_id(&mut self) -> SocketId {
        let id = SocketId(self.next_socket);
        self.next_socket += 1;
        id
    }

    fn add_ufrag(&mut self, transport: TransportKey, generation: Generation, text: &str) {
        if self.endpoint.port.is_none() {
            return;
        }
        self.drop_ufrags(|u| u.transport == transport && u.given_up);
        for lease in self.sockets.iter().filter_map(|b| b.lease_of(transport)) {
            lease.add_ufrag(text);
        }
        for lease in self.streams.leases(transport) {
            lease.add_ufrag(text);
        }
        self.ufrags.push(Ufrag {
            transport,
            generation,
            text: text.to_owned(),
            given_up: false,
        });
    }

    /// Of a generation that is over. The newest one was given up, and the peer may use its user name
    /// all the same until there is another.
    fn drop_ufrag(&mut self, transport: TransportKey, generation: Generation) {
        let of_it = |u: &Ufrag| u.transport == transport;
        let later = |u: &Ufrag| of_it(u) && u.generation > generation;
        match self.ufrags.iter().any(later) {
            true => self.drop_ufrags(|u| of_it(u) && u.generation == generation),
            false => {
                let given_up = self.ufrags.iter_mut();
                for ufrag in given_up.filter(|u| of_it(u) && u.generation == generation) {
                    ufrag.given_up = true;
                }
            }
        }
    }

    fn drop_ufrags(&mut self, which: impl Fn(&Ufrag) -> bool) {
        for ufrag in self.ufrags.extract_if(.., |ufrag| which(ufrag)) {
            for lease in self
                .sockets
                .iter()
                .filter_map(|b| b.lease_of(ufrag.transport))
            {
                lease.remove_ufrag(&ufrag.text);
            }
            for lease in self.streams.leases(ufrag.transport) {
                lease.remove_ufrag(&ufrag.text);
            }
        }
    }

    /// Sends what is ready. Returns whether nothing is left, or nothing can be sent for now.
    fn transmit(&mut self, cx: &mut Context<'_>, scratch: &mut Scratch, now: Instant) -> bool {
        for bound in &mut self.sockets {
            if bound.socket.is_blocked() && bound.socket.poll_unblock(cx).is_ready() {
                let id = bound.socket.id();
                self.session.handle_socket_blocked(now, id, false);
            }
        }
        self.streams.drain(cx, &mut self.session, now);
        let buffer = &mut scratch.transmit;
        for _ in 0..TRANSMITS_PER_TURN {
            buffer.clear();
            let Some(transmit) = self.session.poll_transmit(now, buffer) else {
                return true;
            };
            // Before the packet is on its way: no answer to it can overtake what is reported.
            if self.report() {
                self.host.end_of_batch();
            }
            let bytes = buffer.get(..transmit.len).unwrap_or(buffer);
            let mut sockets = self.sockets.iter_mut();
            let Some(bound) = sockets.find(|b| b.socket.id() == transmit.socket) else {
                let (train, counters) = ((&transmit, bytes), &self.endpoint.counters);
                self.streams
                    .send(cx, &mut self.session, now, train, counters);
                continue;
            };
            if bound.socket.is_blocked() {
                // What cannot wait, such as a check, is lost like in a full buffer on the way.
                Counters::count(&self.endpoint.counters.send_overflows);
            } else if let Err(error) = bound.socket.send(&transmit, bytes) {
                Counters::count(&self.endpoint.counters.send_errors);
                self.errors.note(now, "send", &error);
            } else if bound.socket.is_blocked() && bound.socket.poll_unblock(cx).is_pending() {
                self.session
                    .handle_socket_blocked(now, transmit.socket, true);
            }
        }
        false
    }

    fn report(&mut self) -> bool {
        let mut any = false;
        while let Some(report) = self.session.poll_report() {
            self.host.handle_report(report);
            any = true;
        }
        any
    }

    fn report_media(&mut self) -> bool {
        let mut any = false;
        while let Some(item) = self.session.poll_media() {
            self.host.handle_media(item);
            any = true;
        }
        any
    }

    fn report_channels(&mut self) -> bool {
        let mut any = false;
        while self.host.wants_channel_reports() {
            let Some(report) = self.session.poll_channel() else {
                break;
            };
            self.host.handle_channel_report(report);
            any = true;
        }
        any
    }
}

impl BoundSocket {
    fn lease_of(&self, transport: TransportKey) -> Option<&crate::shared::Lease> {
        self.socket
            .lease_ref()
            .filter(|_| self.transport == transport)
    }
}

impl<H: Host> Future for SessionTask<H> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.get_mut();
        scratch::with(|scratch| {
            for _ in 0..TURNS_PER_POLL {
                let more = task.turn(cx, scratch);
                if task.closed {
                    return Poll::Ready(());
                }
                if more || !task.mailbox.queue().wait(cx.waker()) {
                    continue;
                }
                let deadline = task.session.poll_timeout();
                if task
                    .timer
                    .poll(cx, task.endpoint.clock, deadline)
                    .is_pending()
                {
                    return Poll::Pending;
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    }
}

impl<H> Drop for SessionTask<H> {
    fn drop(&mut self) {
        self.mailbox.queue().close();
        // Those of a session that was not closed.
        for name in std::mem::take(&mut self.names) {
            let wish = Wish::Withdraw { name };
            self.endpoint.mdns.wish(&self.endpoint, wish);
        }
    }
}
