//! The addresses of this host that a session gathers from.

use std::net::IpAddr;

use duologue_base::Instant;
use duologue_session::Interface;

use super::SessionTask;
use crate::Host;
use crate::socket::bind_error;

impl<H: Host> SessionTask<H> {
    pub(super) fn list_interfaces(&mut self, now: Instant) {
        match self.endpoint.addresses() {
            Ok(ips) => self.handle_interfaces(now, &ips),
            Err(error) => {
                let error = bind_error(&error);
                self.session.handle_interfaces_unknown(now, error);
            }
        }
    }

    pub(super) fn handle_interfaces(&mut self, now: Instant, ips: &[IpAddr]) {
        let interfaces: Vec<Interface> = ips.iter().map(|&ip| Interface { ip }).collect();
        self.session.handle_interfaces(now, &interfaces);
    }
}
