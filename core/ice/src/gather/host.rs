//! Host candidates (RFC 8445 §5.1.1.1): one for every address that a socket is bound to. The
//! addresses belong to the agent; each generation announces them anew.

use std::net::{IpAddr, SocketAddr};

use duologue_base::{Instant, Protocol, SocketId};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, Candidate, CandidateKind};
use crate::checklist::Pair;
use crate::config::ExternalAddress;
use crate::generation::{Base, LocalCandidate};
use crate::limits;
use crate::local::Local;
use crate::stats::PairId;
use crate::turn::AllocationId;

/// Datagrams of this base leave from the address, or from one of the relays that are reached from it.
fn is_from(base: &Base, ip: IpAddr, relays: &[AllocationId]) -> bool {
    match base.relay {
        Some(relay) => relays.contains(&relay),
        None => base.addr.ip() == ip,
    }
}

impl Agent {
    /// A UDP socket is bound to this address of this machine. Nothing happens for an address that
    /// ICE does not use: loopback (unless configured), unspecified, multicast and the obsolete
    /// kinds of IPv6.
    pub fn add_local_address(&mut self, now: Instant, socket: SocketId, addr: SocketAddr) {
        let addr = normalized(addr);
        let known = self
            .local
            .bases
            .iter()
            .any(|base| base.socket == Some(socket));
        if self.checks.is_closed() || known || !self.usable(addr.ip()) {
            return;
        }
        let same_family =
            |base: &&Base| base.protocol == Protocol::Udp && base.addr.is_ipv4() == addr.is_ipv4();
        let index = self.local.bases.iter().filter(same_family).count() as u16;
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
        if self.local.bases.len() >= limits::LOCAL_CANDIDATES {
            self.outbox.counters.over_limit += 1;
            return;
        }
        self.local.bases.reserve_exact(1);
        self.local.bases.push(base);
        for at in 0..self.checks.generations.len() {
            self.announce_host(at, base);
        }
    }

    /// What sends from these bases is gone.
    pub(crate) fn lose_bases(&mut self, now: Instant, lost: impl Fn(&Base) -> bool) {
        let bases = self.local.bases.extract_if(.., |base| lost(base));
        let away = self.local.away.extract_if(.., |base| lost(base));
        for base in bases.chain(away).collect::<Vec<_>>() {
            self.forget_base(base);
        }
        self.drop_streams(&lost);
        for generation in &mut self.checks.generations {
            for local in &mut generation.locals {
                local.gone |= lost(&local.base);
            }
            let locals = &generation.locals;
            let checklist = &mut generation.checklist;
            let had_path = checklist.has_valid();
            checklist.retain(|pair| !lost(&locals[pair.local].base));
            if had_path && !checklist.has_valid() {
                generation.homeless_until = Some(now + limits::CONSENT_EXPIRY);
            }
        }
        self.checks.forget_requests();
        self.update_gathering(now);
        for at in 0..self.checks.generations.len() {
            self.reopen(at);
        }
        self.update(now);
    }

    /// The address went away and its sockets are kept: it may be back soon, as after a cable was
    /// plugged in again, and the other side knows their ports. Until
    /// [`resume_address`](Self::resume_address) nothing is sent from it and nothing taken.
    pub fn suspend_address(&mut self, now: Instant, ip: IpAddr) {
        let ip = ip.to_canonical();
        let gone = self.local.bases.extract_if(.., |base| base.addr.ip() == ip);
        self.local.away.extend(gone);
        let relays = self.local.relays_from(ip);
        for generation in &mut self.checks.generations {
            for local in &mut generation.locals {
                local.gone |= is_from(&local.base, ip, &relays);
            }
            let (locals, checklist) = (&generation.locals, &mut generation.checklist);
            let had_path = checklist.has_valid();
            let from = |pair: &Pair| is_from(&locals[pair.local].base, ip, &relays);
            checklist.suspend(self.checks.role, from);
            if had_path && !checklist.has_valid() {
                generation.homeless_until = Some(now + limits::CONSENT_EXPIRY);
            }
            let pairs = checklist.pairs().iter();
            let away: Vec<PairId> = pairs.filter(|p| from(p)).map(|p| p.id).collect();
            let id = generation.id;
            self.checks
                .transactions
                .retain(|t| t.generation != id || !away.contains(&t.pair));
        }
        for at in 0..self.checks.generations.len() {
            self.reopen(at);
        }
        self.update(now);
    }

    /// The address is back, and its sockets work as before.
    pub fn resume_address(&mut self, now: Instant, ip: IpAddr) {
        let ip = ip.to_canonical();
        let back = self.local.away.extract_if(.., |base| base.addr.ip() == ip);
        let back: Vec<Base> = back.collect();
        if back.is_empty() {
            return;
        }
        self.local.bases.extend(&back);
        let relays = self.local.relays_from(ip);
        for at in 0..self.checks.generations.len() {
            let generation = &mut self.checks.generations[at];
            for local in &mut generation.locals {
                let relay = local.base.relay;
                let returns = back.iter().any(|base| base.is_same(local.base))
                    || relay.is_some_and(|relay| relays.contains(&relay));
                local.gone &= !returns;
            }
            let locals = &generation.locals;
            let checklist = &mut generation.checklist;
            checklist.resume(|pair| !locals[pair.local].gone);
            let known = |base: &&Base| !locals.iter().any(|local| local.base.is_same(**base));
            // A restart may have come between.
            let unknown: Vec<Base> = back.iter().filter(known).copied().collect();
            unknown
                .into_iter()
                .for_each(|base| self.announce_host(at, base));
            self.reopen(at);
        }
        self.announce_known(&back);
        self.verify_allocations(now);
        self.update_gathering(now);
        self.update(now);
    }

    /// What servers say of these bases, to a generation that began meanwhile.
    fn announce_known(&mut self, bases: &[Base]) {
        let of = |base: Base| bases.iter().any(|known| known.is_same(base));
        let known: Vec<_> = (self.local.gathering.probes.iter())
            .filter(|probe| of(probe.base))
            .filter_map(|probe| Some((probe.base, probe.server, probe.addr, probe.mapped?)))
            .collect();
        for (base, server, addr, mapped) in known {
            self.learn_mapped(base, server, addr, mapped);
        }
        for at in 0..self.local.gathering.allocations.len() {
            if of(self.local.gathering.allocations[at].base) {
                self.announce_relay(at);
            }
        }
    }

    /// More addresses are being opened: gathering does not end before
    /// [`end_of_local_addresses`](Self::end_of_local_addresses).
    pub fn expect_local_addresses(&mut self) {
        self.local.addresses_complete = false;
    }

    /// Every address was given. Further ones may still come when the network changes.
    pub fn end_of_local_addresses(&mut self, now: Instant) {
        if self.local.addresses_complete {
            return;
        }
        self.local.addresses_complete = true;
        self.update_gathering(now);
        self.update(now);
    }

    pub(super) fn announce_host(&mut self, at: usize, base: Base) {
        if self.checks.generations[at].relay_only {
            return;
        }
        let external = self.external_address(base);
        let kind = CandidateKind::Host;
        let mut candidate = Candidate {
            foundation: self.local.foundation(kind, base, None),
            priority: base.priority(kind),
            kind,
            tcp_type: base.tcp_type,
            name: self.local.names.of(base.addr.ip()),
            ufrag: Some(self.checks.generations[at].local.credentials.ufrag.clone()),
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
                    foundation: self.local.foundation(kind, base, None),
                    priority: base.priority(kind),
                    kind,
                    addr: SocketAddr::new(external, base.addr.port()),
                    name: None,
                    related: Some(self.local.names.shown(base.addr)),
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

impl Local {
    fn relays_from(&self, ip: IpAddr) -> Vec<AllocationId> {
        let allocations = self.gathering.allocations.iter();
        let from = allocations.filter(|allocation| allocation.base.addr.ip() == ip);
        from.map(|allocation| allocation.id).collect()
    }
}
