//! Host candidates (RFC 8445 §5.1.1.1): one for every address that a socket is bound to. The
//! addresses belong to the agent; each generation announces them anew.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, Candidate, CandidateKind};
use crate::config::ExternalAddress;
use crate::generation::{Base, LocalCandidate};
use crate::limits;

impl Agent {
    /// A UDP socket is bound to this address of this machine. Nothing happens for an address that
    /// ICE does not use: loopback (unless configured), unspecified, multicast and the obsolete
    /// kinds of IPv6.
    pub fn add_local_address(&mut self, now: Instant, socket: SocketId, addr: SocketAddr) {
        let addr = normalized(addr);
        let known = self.bases.iter().any(|base| base.socket == Some(socket));
        if self.is_closed() || known || !self.usable(addr.ip()) {
            return;
        }
        let same_family =
            |base: &&Base| base.protocol == Protocol::Udp && base.addr.is_ipv4() == addr.is_ipv4();
        let index = self.bases.iter().filter(same_family).count() as u16;
        self.add_base(Base {
            socket: Some(socket),
            addr,
            protocol: Protocol::Udp,
            tcp_type: None,
            relay: None,
            preference: candidate::local_preference(addr.ip(), index),
        });
        self.update_gathering(now);
        self.update(now);
    }

    /// The address or its socket is gone: pairs that send from it are, too.
    pub fn remove_local_address(&mut self, now: Instant, socket: SocketId) {
        self.lose_bases(now, |base| base.socket == Some(socket));
    }

    pub(crate) fn add_base(&mut self, base: Base) {
        if self.bases.len() >= limits::LOCAL_CANDIDATES {
            self.counters.over_limit += 1;
            return;
        }
        self.bases.reserve_exact(1);
        self.bases.push(base);
        for at in 0..self.generations.len() {
            self.announce_host(at, base);
        }
    }

    /// What sends from these bases is gone.
    pub(crate) fn lose_bases(&mut self, now: Instant, lost: impl Fn(&Base) -> bool) {
        while let Some(at) = self.bases.iter().position(&lost) {
            let base = self.bases.remove(at);
            self.forget_base(base);
        }
        self.drop_streams(&lost);
        for generation in &mut self.generations {
            for local in &mut generation.locals {
                local.gone |= lost(&local.base);
            }
            let locals = &generation.locals;
            let checklist = &mut generation.checklist;
            let had_path = checklist.has_valid();
            checklist.retain(|pair| !locals[pair.local].gone);
            if had_path && !checklist.has_valid() {
                generation.homeless_until = Some(now + limits::CONSENT_EXPIRY);
            }
        }
        self.forget_requests();
        self.update_gathering(now);
        for at in 0..self.generations.len() {
            self.reopen(at);
        }
        self.update(now);
    }

    /// Every address was given. Further ones may still come when the network changes.
    pub fn end_of_local_addresses(&mut self, now: Instant) {
        if self.addresses_complete {
            return;
        }
        self.addresses_complete = true;
        self.update_gathering(now);
        self.update(now);
    }

    pub(super) fn announce_host(&mut self, at: usize, base: Base) {
        if self.generations[at].relay_only {
            return;
        }
        let external = self.external_address(base);
        let kind = CandidateKind::Host;
        let mut candidate = Candidate {
            foundation: self.foundation(kind, base, None),
            priority: base.priority(kind),
            kind,
            tcp_type: base.tcp_type,
            name: self.names.of(base.addr.ip()),
            ufrag: Some(self.generations[at].local.credentials.ufrag.clone()),
            ..Candidate::host(base.addr, base.protocol)
        };
        let mut reflexive = None;
        match external {
            Some(ExternalAddress {
                external,
                replaces: true,
                ..
            }) => {
                candidate.addr.set_ip(external);
                candidate.name = None;
            }
            Some(ExternalAddress { external, .. }) => {
                let kind = CandidateKind::ServerReflexive;
                reflexive = Some(Candidate {
                    foundation: self.foundation(kind, base, None),
                    priority: base.priority(kind),
                    kind,
                    addr: SocketAddr::new(external, base.addr.port()),
                    name: None,
                    related: Some(self.names.shown(base.addr)),
                    ..candidate.clone()
                });
            }
            None => {}
        }
        for candidate in [Some(candidate), reflexive].into_iter().flatten() {
            let local = LocalCandidate {
                candidate,
                base,
                gone: false,
            };
            self.add_local(at, local);
        }
    }

    /// What others see of a base behind a NAT that translates one to one.
    fn external_address(&self, base: Base) -> Option<ExternalAddress> {
        let ip = base.addr.ip();
        let fits = |known: &&ExternalAddress| {
            known.external.is_ipv4() == ip.is_ipv4()
                && known.local.map_or(!ip.is_loopback(), |local| local == ip)
        };
        self.config.external_addresses.iter().find(fits).copied()
    }

    pub(crate) fn usable(&self, ip: IpAddr) -> bool {
        if ip.is_unspecified() || ip.is_multicast() {
            return false;
        }
        if ip.is_loopback() {
            return self.config.loopback;
        }
        match ip {
            IpAddr::V4(ip) => !ip.is_broadcast(),
            // RFC 8445 §5.1.1.1: neither IPv4-compatible (::/96) nor site-local (fec0::/10).
            IpAddr::V6(ip) => {
                let first = ip.segments()[0];
                ip.to_bits() >> 32 != 0 && first & 0xffc0 != 0xfec0
            }
        }
    }
}
