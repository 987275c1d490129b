//! What a command tells the driver, too: that interfaces are to be known, and our user names.

use std::net::IpAddr;

use duologue_base::{Generation, Instant, TransportKey};
use duologue_session::{Command, Interface, TransportCommand};

use super::SessionTask;
use crate::Host;
use crate::socket::bind_error;

/// One of our user names, by which a shared socket finds this session.
pub(super) struct Ufrag {
    pub(super) transport: TransportKey,
    generation: Generation,
    pub(super) text: String,
    given_up: bool,
}

impl<H: Host> SessionTask<H> {
    pub(super) fn handle_command(&mut self, now: Instant, command: Command) {
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
    pub(super) fn learn_interfaces(&mut self, now: Instant) {
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

    pub(super) fn handle_interfaces(&mut self, now: Instant, ips: &[IpAddr]) {
        self.knows_interfaces = true;
        let interfaces: Vec<Interface> = ips.iter().map(|&ip| Interface { ip }).collect();
        self.session.handle_interfaces(now, &interfaces);
    }

    pub(super) fn add_ufrag(
        &mut self,
        transport: TransportKey,
        generation: Generation,
        text: &str,
    ) {
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
    pub(super) fn drop_ufrag(&mut self, transport: TransportKey, generation: Generation) {
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

    pub(super) fn drop_ufrags(&mut self, which: impl Fn(&Ufrag) -> bool) {
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
}
