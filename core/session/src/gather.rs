//! Which sockets a session has: one for every transport and address of the host.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::limits::INTERFACES;
use crate::transport::{BoundSocket, Transport};
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
        self.interfaces = Some(known);
        for at in 0..self.transports.len() {
            self.give_up_lost(at);
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
        let ip = asked.map(|index| transport.binds.swap_remove(index).1);
        match (result, ip) {
            (Ok((socket, addr)), Some(ip)) => {
                transport.sockets.push(BoundSocket { socket, ip });
                transport.agent.add_local_address(self.now, socket, addr);
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
            let name = self.name_of(ip);
            let transport = &mut self.transports[at];
            if let Some(name) = name {
                transport.agent.hide_address(ip, name);
            }
            let bound = transport.sockets.iter().any(|bound| bound.ip == ip);
            let asked = transport.binds.iter().any(|(_, asked)| *asked == ip);
            if bound || asked {
                continue;
            }
            let bind_id = BindId(self.next_bind);
            self.next_bind = self.next_bind.wrapping_add(1);
            transport.binds.push((bind_id, ip));
            self.actions.push_back(Action::Bind {
                bind_id,
                transport: transport.key,
                ip,
                protocol: Protocol::Udp,
            });
        }
    }

    fn give_up_lost(&mut self, at: usize) {
        let transport = &mut self.transports[at];
        let interfaces = self.interfaces.as_deref().unwrap_or_default();
        let (kept, lost) = std::mem::take(&mut transport.sockets)
            .into_iter()
            .partition(|bound| interfaces.iter().any(|known| known.ip == bound.ip));
        transport.sockets = kept;
        for BoundSocket { socket, .. } in lost {
            transport.agent.remove_local_address(self.now, socket);
            self.actions.push_back(Action::Unbind { socket });
        }
    }

    pub(crate) fn finish_gathering(&mut self, at: usize) {
        let transport = &mut self.transports[at];
        if self.interfaces.is_some() && transport.binds.is_empty() {
            transport.agent.end_of_local_addresses(self.now);
        }
    }
}
