//! mDNS candidates (draft-ietf-mmusic-mdns-ice-candidates): names in place of the addresses of
//! this host, and of the other agent's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use duologue_base::{Generation, Instant, MdnsName};

use crate::agent::Agent;
use crate::candidate::Candidate;
use crate::event::Event;
use crate::limits;

/// The names that an agent knows.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Of this host's addresses.
    own: Vec<(IpAddr, MdnsName)>,
    /// Of remote candidates whose addresses are not known yet.
    unresolved: Vec<(Generation, Candidate)>,
}

impl Names {
    pub(crate) fn of(&self, ip: IpAddr) -> Option<MdnsName> {
        let mut own = self.own.iter();
        own.find(|(known, _)| *known == ip).map(|(_, name)| *name)
    }

    /// §3.1.2.2: "To avoid accidental IP address disclosure, this server-reflexive candidate MUST
    /// have its raddr field set to "0.0.0.0"/"::" and its rport field set to "9"".
    pub(crate) fn shown(&self, addr: SocketAddr) -> SocketAddr {
        match (self.of(addr.ip()), addr) {
            (None, _) => addr,
            (Some(_), SocketAddr::V4(_)) => (Ipv4Addr::UNSPECIFIED, DISCARD).into(),
            (Some(_), SocketAddr::V6(_)) => (Ipv6Addr::UNSPECIFIED, DISCARD).into(),
        }
    }

    /// A generation is no more.
    pub(crate) fn forget(&mut self, generation: Generation) {
        self.unresolved.retain(|(of, _)| *of != generation);
    }

    /// The address, unless it is hidden.
    pub(crate) fn exposed(&self, addr: SocketAddr) -> Option<SocketAddr> {
        self.of(addr.ip()).is_none().then_some(addr)
    }
}

impl Agent {
    /// Shows this name in candidates from now on, in place of an address of this host, and nothing
    /// shows the address. To be said before
    /// [`add_local_address`](Self::add_local_address).
    pub fn hide_address(&mut self, ip: IpAddr, name: MdnsName) {
        let ip = ip.to_canonical();
        let own = &mut self.local.names.own;
        // It may have been gone and come back with another name.
        own.retain(|(known, _)| *known != ip);
        match own.len() < limits::LOCAL_CANDIDATES {
            true => own.push((ip, name)),
            false => self.outbox.counters.over_limit += 1,
        }
    }

    /// The addresses of a candidate's name, as asked for by [`Event::ResolveName`]. §3.2.2: "An
    /// ICE agent SHOULD ignore candidates where the hostname resolution returns more than one IP
    /// address."
    pub fn handle_name_resolved(&mut self, now: Instant, name: MdnsName, addresses: &[IpAddr]) {
        let named = |(_, candidate): &mut (Generation, Candidate)| candidate.name == Some(name);
        let waiting: Vec<_> = self.local.names.unresolved.extract_if(.., named).collect();
        let &[ip] = addresses else {
            return;
        };
        for (generation, mut candidate) in waiting {
            candidate.addr.set_ip(ip.to_canonical());
            self.add_remote_candidate(now, generation, candidate);
        }
    }

    /// A remote candidate came with a name only. True when it has to wait for its address.
    pub(crate) fn wait_for_address(
        &mut self,
        generation: Generation,
        candidate: &Candidate,
    ) -> bool {
        let Some(name) = candidate
            .name
            .filter(|_| candidate.addr.ip().is_unspecified())
        else {
            return false;
        };
        // §3.2.1 step 2: "If the ICE candidate policy is "relay" […], ignore the candidate."
        let relay_only = self
            .checks
            .index(generation)
            .is_some_and(|at| self.checks.generations[at].relay_only);
        let waiting = (generation, candidate.clone());
        let unresolved = &mut self.local.names.unresolved;
        if relay_only || unresolved.contains(&waiting) {
            return true;
        }
        if unresolved.len() >= limits::UNRESOLVED {
            self.outbox.counters.over_limit += 1;
            return true;
        }
        let asked = unresolved.iter().any(|(_, known)| known.name == Some(name));
        unresolved.push(waiting);
        if !asked {
            self.outbox.push_event(Event::ResolveName { name });
        }
        true
    }
}

/// RFC 8839 §9.1: the port that says nothing.
const DISCARD: u16 = 9;
