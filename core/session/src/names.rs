//! Names in place of this host's addresses (draft-ietf-mmusic-mdns-ice-candidates): one for each
//! address, shared by all transports of the connection, and by no other connection.

use std::net::IpAddr;

use duologue_base::{Instant, MdnsName};

use crate::{Action, Session};

impl Session {
    /// The host's answer to [`Action::ResolveName`]: no addresses when nobody answers.
    pub fn handle_name_resolved(&mut self, now: Instant, name: MdnsName, addresses: &[IpAddr]) {
        self.now = self.now.max(now);
        let count = addresses.len();
        tracing::debug!("mDNS, the name of a remote candidate: {count} addresses");
        for transport in &mut self.transports {
            let _in = transport.enter();
            let agent = &mut transport.agent;
            agent.handle_name_resolved(self.now, name, addresses);
        }
        self.advance_all();
    }

    /// The name of an address, if addresses are hidden.
    pub(crate) fn name_of(&mut self, ip: IpAddr) -> Option<MdnsName> {
        if !self.config.ice.hide_host_addresses {
            return None;
        }
        if let Some((_, name)) = self.names.iter().find(|(known, _)| *known == ip) {
            return Some(*name);
        }
        let name = MdnsName::random(&mut self.rng);
        self.names.push((ip, name));
        Some(name)
    }

    /// Takes the names back whose addresses are not kept.
    pub(crate) fn withdraw_names(&mut self, keep: impl Fn(IpAddr) -> bool) {
        let gone = self.names.extract_if(.., |(ip, _)| !keep(*ip));
        self.actions
            .extend(gone.map(|(_, name)| Action::WithdrawName { name }));
    }
}
