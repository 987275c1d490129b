//! Which sockets a session has: one for every transport and address of the host, and listening
//! ones where they are wanted.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};
use duologue_ice as ice;

use crate::limits::INTERFACES;
use crate::transport::{BoundSocket, SocketKind, Transport, Wanted};
use crate::{Action, BindError, BindId, Interface, Session};

impl Session {
    /// The addresses of this host, at first and after every change. New ones are bound, lost ones
    /// are given up with their candidate pairs.
    pub fn handle_interfaces(&mut self, now: Instant, interfaces: &[Interface]) {
        self.now = self.now.max(now);
        let mut known: Vec<Interface> = Vec::new();
        for interface in interfaces.iter().take(INTERFACES) {
            if !known.contains(interface) {
                known.push(*interface);
            }
        }
        self.withdraw_names(|ip| known.iter().any(|interface| interface.ip == ip));
        let before = self.interfaces.replace(known).unwrap_or_default();
        for at in 0..self.transports.len() {
            self.give_up_lost(at, &before);
            self.bind_new(at);
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
        let asked = transport.binds.iter().position(|(id, _)| *id == bind_id);
        let wanted = asked.map(|index| transport.binds.swap_remove(index).1);
        match (result, wanted) {
            (Ok((socket, addr)), Some(wanted)) => {
                transport.sockets.push(BoundSocket {
                    socket,
                    kind: SocketKind::Bound(wanted),
                });
                let agent = &mut transport.agent;
                match wanted.listens {
                    None => agent.add_local_address(self.now, socket, addr),
                    Some(kind) => agent.add_listener(self.now, socket, addr, kind),
                }
            }
            (Err(error), _) => {
                tracing::debug!(%error, "a socket could not be bound");
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
        for transport in &mut self.transports {
            transport.agent.handle_resolved(self.now, host, addresses);
        }
        self.advance_all();
    }

    pub(crate) fn bind_new(&mut self, at: usize) {
        for Interface { ip } in self.interfaces.clone().unwrap_or_default() {
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

    fn give_up_lost(&mut self, at: usize, before: &[Interface]) {
        let transport = &mut self.transports[at];
        let interfaces = self.interfaces.as_deref().unwrap_or_default();
        let is_lost = |ip: IpAddr| !interfaces.iter().any(|known| known.ip == ip);
        let lost = transport.sockets.extract_if(.., |bound| match &bound.kind {
            SocketKind::Bound(wanted) => is_lost(wanted.ip),
            // ICE knows where it began.
            SocketKind::Stream(_) => false,
        });
        for BoundSocket { socket, .. } in lost {
            transport.agent.remove_local_address(self.now, socket);
            self.actions.push_back(Action::Unbind { socket });
        }
        for interface in before.iter().filter(|known| is_lost(known.ip)) {
            transport
                .agent
                .remove_stream_address(self.now, interface.ip);
        }
    }

    pub(crate) fn finish_gathering(&mut self, at: usize) {
        let transport = &mut self.transports[at];
        let Some(interfaces) = &self.interfaces else {
            return;
        };
        if transport.binds.is_empty() {
            for interface in interfaces {
                transport.agent.add_stream_address(self.now, interface.ip);
            }
            transport.agent.end_of_local_addresses(self.now);
        }
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
