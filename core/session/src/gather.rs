//! Which sockets a session has: one for every transport and address of the host, and listening
//! ones where they are wanted.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};
use duologue_ice as ice;

use crate::limits::{AWAY, INTERFACES};
use crate::transport::{BoundSocket, SocketKind, Transport, Wanted};
use crate::{Action, BindError, BindId, Interface, Report, Session, TransportReport};

/// What is known of this host's addresses.
#[derive(Clone, Debug)]
pub(crate) enum HostInterfaces {
    /// Nobody needed them yet.
    Unknown,
    /// The host was asked.
    Asked,
    /// It cannot list them, for want of a file descriptor mostly.
    Unlisted(BindError),
    Known(Vec<Interface>),
}

impl HostInterfaces {
    fn known(&self) -> &[Interface] {
        match self {
            HostInterfaces::Known(interfaces) => interfaces,
            _ => &[],
        }
    }

    fn has(&self, ip: IpAddr) -> bool {
        self.known().iter().any(|known| known.ip == ip)
    }
}

impl Session {
    /// The host has one socket for several sessions: it is told by [`Action::SetUserNames`] what
    /// the checks for this one begin with, and by [`Action::SetPath`] whose peer is where. To be called before the first command.
    pub fn share_sockets(&mut self) {
        self.tells_user_names = true;
    }

    /// A transport begins to gather, or begins again: where from is asked for, unless it is known.
    pub(crate) fn need_interfaces(&mut self) {
        match self.interfaces {
            HostInterfaces::Unknown | HostInterfaces::Unlisted(_) => {
                self.interfaces = HostInterfaces::Asked;
                self.actions.push_back(Action::ListInterfaces);
            }
            HostInterfaces::Asked | HostInterfaces::Known(_) => {}
        }
    }

    /// The addresses of this host, at first and after every change. New ones are bound. The sockets
    /// of lost ones are kept for a while: when a cable was unplugged at both ends, only what the
    /// other end knows already finds a way back.
    pub fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.now = self.now.max(now);
        let mut known: Vec<Interface> = Vec::new();
        for interface in interfaces.iter().take(INTERFACES) {
            if !known.contains(interface) {
                known.push(*interface);
            }
        }
        let before = std::mem::replace(&mut self.interfaces, HostInterfaces::Known(known));
        self.part_with_lost(before.known());
        self.take_up_returned();
        for at in 0..self.transports.len() {
            self.bind_new(at);
            self.finish_gathering(at);
        }
        self.advance_all();
    }

    /// The host cannot list its addresses. Those that it listed before are kept. It is asked again when
    /// something else begins to gather.
    pub fn handle_interfaces_unknown(&mut self, now: Instant, error: BindError) {
        self.now = self.now.max(now);
        self.counters.failed_binds += 1;
        if !matches!(self.interfaces, HostInterfaces::Known(_)) {
            self.interfaces = HostInterfaces::Unlisted(error);
        }
        for at in 0..self.transports.len() {
            self.finish_gathering(at);
        }
        self.advance_all();
    }

    /// The host's answer to [`Action::Bind`]: the socket and the address it is bound to.
    pub fn handle_bound(
        &mut self,
        now: Instant,
        bind_id: BindId,
        result: Result<(SocketId, SocketAddr), BindError>,
    ) {
        self.now = self.now.max(now);
        let asked = |transport: &Transport| transport.binds.iter().any(|(id, _)| *id == bind_id);
        let Some(at) = self.transports.iter().position(asked) else {
            // The transport is gone.
            if let Ok((socket, _)) = result {
                self.actions.push_back(Action::Unbind { socket });
            }
            return;
        };

        let transport = &mut self.transports[at];
        let _in = transport.enter();
        let asked = transport.binds.iter().position(|(id, _)| *id == bind_id);
        let wanted = asked.map(|index| transport.binds.swap_remove(index).1);
        match (result, wanted) {
            // The address was lost meanwhile.
            (Ok((socket, _)), Some(wanted)) if !self.interfaces.has(wanted.ip) => {
                self.actions.push_back(Action::Unbind { socket });
            }
            (Ok((socket, addr)), Some(wanted)) => {
                transport.sockets.push(BoundSocket {
                    blocked: false,
                    socket,
                    kind: SocketKind::Bound(wanted),
                });
                transport.tell_path_anew();
                let agent = &mut transport.agent;
                match wanted.listens {
                    None => agent.add_local_address(self.now, socket, addr),
                    Some(kind) => agent.add_listener(self.now, socket, addr, kind),
                }
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a socket could not be bound");
                transport.bind_error = Some(error);
                self.counters.failed_binds += 1;
            }
            (Ok(_), None) => {}
        }
        self.finish_gathering(at);
        self.advance_all();
    }

    /// The host's answer to [`Action::Resolve`]: no addresses when the name has none.
    pub fn handle_resolved(&mut self, now: Instant, host: &str, addresses: &[IpAddr]) {
        self.now = self.now.max(now);
        let count = addresses.len();
        tracing::debug!("the name of an ICE server: {count} addresses");
        for transport in &mut self.transports {
            let _in = transport.enter();
            transport.agent.handle_resolved(self.now, host, addresses);
        }
        self.advance_all();
    }

    pub(crate) fn bind_new(&mut self, at: usize) {
        for Interface { ip } in self.interfaces.known().to_vec() {
            if let Some(name) = self.name_of(ip) {
                self.transports[at].agent.hide_address(ip, name);
            }
            self.bind_on(at, ip);
        }
    }

    fn bind_on(&mut self, at: usize, ip: IpAddr) {
        let transport = &mut self.transports[at];
        for listens in wanted_sockets(&self.config.ice) {
            let wanted = Wanted { ip, listens };
            let mut bound = transport.sockets.iter();
            let is_it = |kind: &SocketKind| matches!(kind, SocketKind::Bound(it) if *it == wanted);
            let asked = transport.binds.iter().any(|(_, asked)| *asked == wanted);
            if asked || bound.any(|bound| is_it(&bound.kind)) {
                continue;
            }
            let bind_id = BindId::next(&mut self.next_bind);
            transport.binds.push((bind_id, wanted));
            self.actions.push_back(Action::Bind {
                bind_id,
                transport: transport.key,
                ip: wanted.ip,
                protocol: match wanted.listens {
                    None => Protocol::Udp,
                    Some(_) => Protocol::Tcp,
                },
            });
        }
    }

    fn part_with_lost(&mut self, before: &[Interface]) {
        for Interface { ip } in before {
            if self.interfaces.has(*ip) {
                continue;
            }
            if self.transports.is_empty() {
                self.withdraw_names(|known| known != *ip);
                continue;
            }
            if self.away.len() >= INTERFACES {
                let oldest = self.away[0].1;
                self.give_up_away(|until| until <= oldest);
            }
            self.away.push((*ip, self.now + AWAY));
            for transport in &mut self.transports {
                transport.agent.suspend_address(self.now, *ip);
            }
        }
    }

    fn take_up_returned(&mut self) {
        let interfaces = &self.interfaces;
        let returned = self.away.extract_if(.., |(ip, _)| interfaces.has(*ip));
        for (ip, _) in returned {
            for transport in &mut self.transports {
                transport.agent.resume_address(self.now, ip);
            }
        }
    }

    /// Closes the sockets of addresses that stayed away.
    pub(crate) fn give_up_away(&mut self, over: impl Fn(Instant) -> bool) {
        let lost: Vec<(IpAddr, Instant)> = self
            .away
            .extract_if(.., |(_, until)| over(*until))
            .collect();
        for &(ip, _) in &lost {
            for transport in &mut self.transports {
                let sockets = transport.sockets.extract_if(.., |bound| match &bound.kind {
                    SocketKind::Bound(wanted) => wanted.ip == ip,
                    // ICE knows where it began.
                    SocketKind::Stream(_) => false,
                });
                for BoundSocket { socket, .. } in sockets {
                    transport.agent.remove_local_address(self.now, socket);
                    self.actions.push_back(Action::Unbind { socket });
                }
                transport.agent.remove_stream_address(self.now, ip);
            }
        }
        if !lost.is_empty() {
            self.withdraw_names(|ip| !lost.iter().any(|(lost, _)| *lost == ip));
        }
    }

    pub(crate) fn finish_gathering(&mut self, at: usize) {
        let transport = &mut self.transports[at];
        let unlisted = match self.interfaces {
            HostInterfaces::Unknown | HostInterfaces::Asked => return,
            HostInterfaces::Unlisted(error) => Some(error),
            HostInterfaces::Known(_) => None,
        };
        if transport.binds.is_empty() {
            let bound = |socket: &BoundSocket| matches!(socket.kind, SocketKind::Bound(_));
            if !transport.prepared
                && let Some(error) = transport.bind_error.take().or(unlisted)
                && !transport.sockets.iter().any(bound)
            {
                let (key, error) = (transport.key, nothing_bound(error));
                self.reports.push_back(Report::Transport(
                    key,
                    TransportReport::CandidateError { error },
                ));
            }
            for interface in self.interfaces.known() {
                transport.agent.add_stream_address(self.now, interface.ip);
            }
            transport.agent.end_of_local_addresses(self.now);
        }
    }
}

/// webrtc-pc §4.8.3: "If no host candidate can reach the server, errorCode will be set to the value
/// 701". Without any socket there is no host candidate, and no server is needed to say so.
fn nothing_bound(error: BindError) -> ice::CandidateError {
    ice::CandidateError {
        url: String::new(),
        local: None,
        code: 701,
        text: format!("no socket could be bound: {error}"),
    }
}

/// What is bound on each address.
fn wanted_sockets(config: &ice::Config) -> impl Iterator<Item = Option<ice::TcpType>> + use<> {
    let tcp = config.tcp;
    [
        config.udp.then_some(None),
        (tcp.passive && !config.relay_only).then_some(Some(ice::TcpType::Passive)),
        (tcp.simultaneous_open && !config.relay_only)
            .then_some(Some(ice::TcpType::SimultaneousOpen)),
    ]
    .into_iter()
    .flatten()
}
