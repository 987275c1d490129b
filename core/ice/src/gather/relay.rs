//! Relayed candidates (RFC 8445 §5.1.1.2): addresses of TURN servers.

use std::net::SocketAddr;
use std::ops::Range;

use duologue_base::{Datagram, Dscp, Ecn, Instant, Transmit};
use duologue_stun::{ChannelData, ChannelNumber, ErrorCode, Message};

use crate::agent::{Agent, normalized};
use crate::candidate::{self, Candidate, CandidateKind, RelayProtocol};
use crate::checks::{Checks, Selected};
use crate::gather::Gathering;
use crate::gather::srflx::to_server;
use crate::generation::{Base, LocalCandidate};
use crate::limits;
use crate::local::Local;
use crate::state::GatheringState;
use crate::turn::{Allocation, AllocationId, Outcome, State};

/// How data reaches the other agent through a TURN server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RelayRoute {
    /// The server: where datagrams are sent to.
    pub server: SocketAddr,
    channel: ChannelNumber,
}

impl RelayRoute {
    /// Bytes that [`header`](Self::header) adds to each datagram.
    pub const OVERHEAD: usize = ChannelData::HEADER_LEN;

    /// What precedes a datagram of `len` bytes on the way to the server.
    pub fn header(&self, len: u16) -> [u8; Self::OVERHEAD] {
        ChannelData::header(self.channel, len)
    }
}

impl Agent {
    /// Asks each TURN server for an allocation from each socket that reaches it.
    pub(crate) fn begin_allocations(&mut self, now: Instant) {
        for server in 0..self.local.gathering.servers.len() {
            let state = &self.local.gathering.servers[server];
            let Some(login) = state.server.kind.login() else {
                continue;
            };
            if state.server.transport != RelayProtocol::Udp {
                continue;
            }
            for base in self.local.datagram_bases() {
                let allocations = &self.local.gathering.allocations;
                let known = allocations.iter().any(|allocation| {
                    allocation.is_of(server) && allocation.base.socket == base.socket
                });
                let addr =
                    self.local.gathering.servers[server].address_for(base.addr.ip(), &self.config);
                let known = known || self.local.is_asked_elsewhere(server, base);
                let (false, Some(addr)) = (known, addr) else {
                    continue;
                };
                // RFC 8656 §5: there is one allocation for a 5-tuple.
                let allocations = &mut self.local.gathering.allocations;
                let same = |known: &&mut Allocation| known.is_same(base, addr, &login);
                if let Some(allocation) = allocations.iter_mut().find(same) {
                    allocation.twins.push(server);
                    continue;
                }
                let full = allocations.len() >= limits::ALLOCATIONS;
                if full || candidate::is_link_local(base.addr.ip()) {
                    continue;
                }
                let id = AllocationId(self.local.gathering.next_allocation);
                self.local.gathering.next_allocation += 1;
                self.local.gathering.allocations.push(Allocation::new(
                    id,
                    base,
                    RelayProtocol::Udp,
                    (server, addr),
                    login.clone(),
                    &mut self.rng,
                    now,
                ));
            }
        }
    }

    /// A restart asks again where there is no allocation, and announces those that there are.
    pub(crate) fn repeat_allocations(&mut self, now: Instant) {
        let failed = |allocation: &Allocation| matches!(allocation.state, State::Failed);
        self.local
            .gathering
            .allocations
            .retain(|allocation| !failed(allocation));
        for at in 0..self.local.gathering.allocations.len() {
            self.announce_relay(at);
        }
        if self.local.addresses_complete {
            self.begin_allocations(now);
        }
    }

    /// Writes one request to a TURN server.
    pub(crate) fn send_to_turn(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let may_begin = now >= self.local.gathering.next_request;
        for allocation in &mut self.local.gathering.allocations {
            if let Some(is_new) = allocation.write_request(now, may_begin, out) {
                if is_new {
                    self.local.gathering.next_request = now + self.config.pacing;
                }
                let (socket, addr) = (allocation.base.socket?, allocation.addr);
                return Some(to_server(socket, addr, out.len()));
            }
        }
        None
    }

    /// A response from a TURN server; false when it is not one.
    pub(crate) fn handle_turn_response(
        &mut self,
        now: Instant,
        datagram: &Datagram,
        message: &Message<'_>,
    ) -> bool {
        let allocations = self.local.gathering.allocations.iter_mut().enumerate();
        let answered = allocations
            .filter(|(_, allocation)| allocation.is_behind(datagram))
            .find_map(|(at, allocation)| {
                let outcome = allocation.handle_response(now, &mut self.rng, message)?;
                Some((at, outcome))
            });
        let Some((at, outcome)) = answered else {
            return false;
        };

        let allocation = &self.local.gathering.allocations[at];
        let (id, base) = (allocation.id, allocation.base);
        let servers: Vec<usize> = allocation.servers().collect();
        self.outbox.counters.unknown_attributes += u64::from(!message.is_understood());
        match outcome {
            Outcome::Nothing => {}
            Outcome::Refreshed => self.local.gathering.note_answers(&servers),
            Outcome::Allocated => {
                self.local.gathering.note_answers(&servers);
                self.announce_relay(at);
            }
            Outcome::Bound => self.pair_relay(id),
            Outcome::Refused(ErrorCode::ALLOCATION_MISMATCH)
                if self.change_client_address(now, at) => {}
            Outcome::Refused(code) => {
                for server in servers {
                    self.report_error(server, Some(base), Some(code), message);
                }
            }
            Outcome::Lost => {
                self.checks.lose_relay(id);
                self.ask_anew(at);
            }
            Outcome::Redirected(to) => self.redirect_connection(now, datagram.socket, to),
        }

        self.update_gathering(now);
        self.update(now);
        true
    }

    /// A dead server may be why there is a restart.
    pub(crate) fn verify_allocations(&mut self, now: Instant) {
        for allocation in &mut self.local.gathering.allocations {
            allocation.verify(&mut self.rng, now);
        }
    }

    /// The server answers but knows the allocation no more: while candidates are gathered, it is
    /// asked for another one.
    fn ask_anew(&mut self, at: usize) {
        let gathering = self.checks.newest().gathering != GatheringState::Complete;
        // Others are asked for when their connection is there.
        if gathering && self.local.is_on_own_base(at) {
            self.local.gathering.allocations.remove(at);
        }
    }

    /// What is sent through the relay of the selected pair is not answered: the server is asked
    /// whether the relay is there.
    pub(crate) fn verify_selected_relay(&mut self, now: Instant) {
        let pair = self.checks.selected.and_then(|selected| {
            let at = self.checks.index(selected.generation)?;
            let generation = &self.checks.generations[at];
            let pair = generation.checklist.get(selected.pair)?;
            generation.base_of(pair).relay
        });
        let mut allocations = self.local.gathering.allocations.iter_mut();
        if let Some(allocation) = allocations.find(|allocation| Some(allocation.id) == pair) {
            allocation.verify(&mut self.rng, now);
        }
    }

    pub(crate) fn handle_turn_timeouts(&mut self, now: Instant) {
        let mut lost = Vec::new();
        for allocation in &mut self.local.gathering.allocations {
            let id = allocation.id;
            let generations = &self.checks.generations;
            let in_use = |peer: SocketAddr| {
                generations.iter().any(|generation| {
                    let pairs = generation.checklist.pairs();
                    pairs.iter().any(|pair| {
                        generation.base_of(pair).relay == Some(id)
                            && generation.remote_addr_of(pair) == peer
                    })
                })
            };
            if let Outcome::Lost = allocation.handle_timeout(now, &mut self.rng, in_use) {
                lost.push(id);
            }
        }
        lost.into_iter().for_each(|id| self.checks.lose_relay(id));
        // What a connection in use carries may come back with the network.
        let newest = self.checks.newest();
        let gathering = newest.gathering != GatheringState::Complete;
        let in_use = |selected: &Selected| selected.generation == newest.id;
        if gathering && !self.checks.selected.as_ref().is_some_and(in_use) {
            self.drop_silent_connections();
        }
    }

    /// Connections on which TURN servers were asked in vain for their allocations may lead nowhere any
    /// more: others will be opened.
    pub(super) fn drop_silent_connections(&mut self) {
        let allocations = self.local.gathering.allocations.iter();
        let silent = allocations
            .filter(|allocation| allocation.protocol.has_connection() && allocation.is_silent());
        let silent: Vec<_> = silent.map(|allocation| allocation.base.socket).collect();
        if !silent.is_empty() {
            self.drop_connections(|connection| {
                connection.socket().is_some() && silent.contains(&connection.socket())
            });
        }
    }

    /// The relayed candidate of an allocation, and the server-reflexive one that came with it.
    pub(super) fn announce_relay(&mut self, at: usize) {
        let allocation = &self.local.gathering.allocations[at];
        let State::Allocated {
            relayed, mapped, ..
        } = allocation.state
        else {
            return;
        };
        let (base, relayed_base) = (allocation.base, allocation.relayed_base(relayed));
        let (server, addr, protocol) = (allocation.server, allocation.addr, allocation.protocol);
        if self.local.is_on_own_base(at) {
            self.learn_mapped(base, server, addr, mapped);
        }
        let kind = CandidateKind::Relayed;
        // The mapped address is for diagnosis only; a peer that sees relays only sees none.
        let related = match self.checks.newest().relay_only {
            true => SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 0),
            false => self.local.names.shown(mapped),
        };
        let candidate = Candidate {
            foundation: self
                .local
                .foundation(kind, base, Some((addr.ip(), protocol))),
            priority: relayed_base.priority(kind),
            kind,
            related: Some(related),
            url: Some(self.local.gathering.servers[server].server.url.clone()),
            relay_protocol: Some(protocol),
            ..Candidate::host(relayed, relayed_base.protocol)
        };
        self.announce(LocalCandidate {
            candidate,
            base: relayed_base,
            gone: false,
        });
    }

    /// A channel was bound: what waited for it is paired.
    fn pair_relay(&mut self, id: AllocationId) {
        for at in 0..self.checks.generations.len() {
            for local in 0..self.checks.generations[at].locals.len() {
                if self.checks.generations[at].locals[local].base.relay == Some(id) {
                    self.pair_local(at, local);
                }
            }
        }
    }

    /// Pairs of a relayed candidate begin with a channel to the peer. True when it is there.
    pub(crate) fn has_channel(&mut self, base: Base, peer: SocketAddr) -> bool {
        let Some(id) = base.relay else {
            return true;
        };
        let now = self.checks.updated;
        let mut allocations = self.local.gathering.allocations.iter_mut();
        let Some(allocation) = allocations.find(|allocation| allocation.id == id) else {
            return false;
        };
        allocation.open_channel(peer, &mut self.rng, now);
        allocation.channel(peer).is_some()
    }

    /// Addresses what is in `out` to a peer, through the base's relay if it is one.
    /// None: it has no way there (any more).
    pub(crate) fn address(
        &mut self,
        base: Base,
        peer: SocketAddr,
        out: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let mut remote = peer;
        if let Some(id) = base.relay {
            // In the clear it would show what relays are there to hide.
            let mut allocations = self.local.gathering.allocations.iter();
            let allocation = allocations.find(|allocation| allocation.id == id)?;
            allocation.wrap(peer, &mut self.rng, out);
            remote = allocation.addr;
        }
        Some(Transmit {
            socket: self.local.socket_for(base, peer)?,
            remote,
            local_ip: None,
            ecn: Ecn::NotEct,
            dscp: Dscp::DEFAULT,
            len: out.len(),
            segment_size: None,
        })
    }

    /// Ends every allocation: the datagrams for that.
    pub(crate) fn release_allocations(&mut self, now: Instant) {
        for allocation in &self.local.gathering.allocations {
            let mut out = Vec::new();
            if let Some(socket) = allocation.base.socket
                && allocation.write_release(&mut self.rng, now, &mut out)
            {
                let transmit = to_server(socket, allocation.addr, out.len());
                self.outbox.releases.push((transmit, out));
            }
        }
    }

    /// Other servers take the place of these.
    pub(crate) fn forget_allocations(&mut self) {
        self.release_allocations(self.checks.updated);
        for allocation in std::mem::take(&mut self.local.gathering.allocations) {
            self.checks.lose_relay(allocation.id);
        }
    }
}

impl Local {
    /// The allocation is reached from a socket that other agents reach, too.
    fn is_on_own_base(&self, at: usize) -> bool {
        let base = self.gathering.allocations[at].base;
        self.bases.iter().any(|known| known.is_same(base))
    }

    pub(crate) fn turn_timeout(&self) -> Option<Instant> {
        let next = self.gathering.next_request;
        let allocations = self.gathering.allocations.iter();
        allocations
            .filter_map(|allocation| allocation.timeout(next))
            .min()
    }

    /// The server was asked for a channel and has not answered yet.
    pub(crate) fn is_binding(&self, base: Base, peer: SocketAddr) -> bool {
        let allocation = base.relay.and_then(|id| self.allocation(id));
        allocation.is_some_and(|allocation| allocation.is_binding(peer))
    }

    /// How data for a pair of this base travels; none before a relay has a channel.
    pub(crate) fn relay_route(&self, base: Base, peer: SocketAddr) -> Option<Option<RelayRoute>> {
        let Some(id) = base.relay else {
            return Some(None);
        };
        let allocation = self.allocation(id)?;
        let channel = allocation.channel(peer)?;
        Some(Some(RelayRoute {
            server: allocation.addr,
            channel,
        }))
    }

    /// What a TURN server forwarded: the base that it is for, the peer, and where its data is.
    pub(crate) fn unwrap_relayed(
        &self,
        datagram: &Datagram,
        bytes: &[u8],
    ) -> Option<(Base, SocketAddr, Range<usize>)> {
        let mut allocations = self.gathering.allocations.iter();
        let (allocation, relayed) = allocations.find_map(|allocation| {
            let relayed = allocation.relayed()?;
            let is_behind = allocation.is_behind(datagram);
            is_behind.then_some((allocation, relayed))
        })?;
        let (peer, data) = allocation.unwrap(bytes)?;
        Some((allocation.relayed_base(relayed), peer, data))
    }

    fn allocation(&self, id: AllocationId) -> Option<&Allocation> {
        let mut allocations = self.gathering.allocations.iter();
        allocations.find(|allocation| allocation.id == id)
    }
}

impl Gathering {
    /// No 701 of these servers in this gathering.
    fn note_answers(&mut self, servers: &[usize]) {
        for server in servers {
            self.servers[*server].reported = true;
        }
    }
}

impl Allocation {
    /// The datagram is of its server's, to its socket.
    fn is_behind(&self, datagram: &Datagram) -> bool {
        self.addr == normalized(datagram.remote) && self.base.socket == Some(datagram.socket)
    }
}

impl Checks {
    /// The allocation is gone, and its candidates and pairs with it.
    pub(crate) fn lose_relay(&mut self, id: AllocationId) {
        for generation in &mut self.generations {
            for local in &mut generation.locals {
                local.gone |= local.base.relay == Some(id);
            }
            let locals = &generation.locals;
            let checklist = &mut generation.checklist;
            checklist.retain(|pair| locals[pair.local].base.relay != Some(id));
        }
        self.forget_requests();
    }
}
