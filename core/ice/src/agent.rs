use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue_base::{
    Foundation, Generation, IceCredentials, IceRole, Instant, Protocol, Rng, SocketId, Transmit,
};

use crate::candidate::{self, Candidate, CandidateKind, RelayProtocol, TcpType};
use crate::config::{Config, RemoteOptions};
use crate::event::{CandidatePair, Event};
use crate::gather::{Gathering, RelayRoute, Server};
use crate::generation::{Base, GenerationState, LocalCandidate, OverLimit, Remote};
use crate::leave::CheckLeave;
use crate::limits;
use crate::name::Names;
use crate::reply::{Refusals, Reply};
use crate::state::{GatheringState, TransportState};
use crate::stats::{Counters, PairId, PairStats};
use crate::tcp::{Framing, PeerStream};
use crate::transaction::Transaction;

/// One ICE transport: every generation of its credentials, one component.
///
/// * Inputs: [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout)
///   and the methods that say what the host and signalling know. They may come in any order.
/// * Outputs: [`poll_transmit`](Self::poll_transmit), [`poll_event`](Self::poll_event) until they
///   give nothing more, then [`poll_timeout`](Self::poll_timeout) for when to call
///   [`handle_timeout`](Self::handle_timeout).
/// * Where data goes: [`route`](Self::route), as long as [`may_send`](Self::may_send).
#[doc(alias = "RTCIceTransport")]
#[derive(Debug)]
pub struct Agent {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) role: IceRole,
    pub(crate) tie_breaker: u64,
    pub(crate) bases: Vec<Base>,
    /// Those whose address went away and may come back.
    pub(crate) away: Vec<Base>,
    /// Where streams may begin, with how many of its family came before each.
    pub(crate) stream_ips: Vec<(IpAddr, u16)>,
    /// Streams to and from the other agent.
    pub(crate) streams: Vec<PeerStream>,
    pub(crate) next_connect: u32,
    pub(crate) addresses_complete: bool,
    pub(crate) gathering: Gathering,
    pub(crate) names: Names,
    /// Oldest first, never empty.
    pub(crate) generations: Vec<GenerationState>,
    /// Goes up with each change of [`user_names`](Agent::user_names).
    pub(crate) user_names_revision: u32,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) replies: VecDeque<Reply>,
    pub(crate) refusals: Refusals,
    /// What ends allocations at TURN servers.
    pub(crate) releases: Vec<(Transmit, Vec<u8>)>,
    /// RFC 8445 §14.2: no new check leaves before.
    pub(crate) next_check: Instant,
    pub(crate) leave: CheckLeave,
    pub(crate) answered_checks: u32,
    /// Pairs that other agents of the same ICE session are checking or about to.
    pub(crate) pending_elsewhere: u32,
    /// Ta of the connectivity checks: the larger one of both ends'.
    pub(crate) pacing: Duration,
    pub(crate) next_pair_id: u32,
    /// Nominations of this agent's that had a number.
    pub(crate) nominations: u32,
    pub(crate) selected: Option<Selected>,
    pub(crate) selected_pair_changes: u32,
    pub(crate) state: TransportState,
    /// The time of the last [`update`](Self::update).
    pub(crate) updated: Instant,
    pub(crate) counters: Counters,
    events: VecDeque<Event>,
    /// What candidates of one foundation share; the index is the foundation.
    foundations: Vec<Shared>,
}

/// The pair that data is sent on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Selected {
    pub(crate) generation: Generation,
    pub(crate) pair: PairId,
    /// The local candidate that the other side sees.
    pub(crate) local: usize,
    pub(crate) route: Route,
}

/// RFC 8445 §5.1.1.3: equal for candidates of one kind, protocol, base address and server.
type Shared = (
    CandidateKind,
    Protocol,
    IpAddr,
    Option<(IpAddr, RelayProtocol)>,
);

/// How data gets to the other agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Route {
    /// The socket to send from.
    pub socket: SocketId,
    /// The local candidate's base: the address that the socket is bound to, or the relayed one.
    pub local: SocketAddr,
    /// The other agent.
    pub remote: SocketAddr,
    /// The TURN server that data has to go through.
    pub relay: Option<RelayRoute>,
    /// The socket is a stream, and datagrams follow one another in it like this.
    pub framing: Option<Framing>,
}

impl Route {
    /// Where datagrams are sent to, each between [`open`](Self::open) and [`close`](Self::close).
    pub fn destination(&self) -> SocketAddr {
        self.relay.map_or(self.remote, |relay| relay.server)
    }

    /// Makes room for what a relay or a stream wants before a datagram. Where that begins.
    pub fn open(&self, out: &mut Vec<u8>) -> usize {
        if let Some(framing) = self.framing {
            framing.open(out);
        }
        if self.relay.is_some() {
            out.extend_from_slice(&[0; RelayRoute::OVERHEAD]);
        }
        out.len()
    }

    /// Completes the datagram that begins at `content` and ends with `out`.
    pub fn close(&self, content: usize, out: &mut Vec<u8>) {
        let mut begin = content;
        if let Some(relay) = self.relay {
            let len = (out.len() - content) as u16;
            begin -= RelayRoute::OVERHEAD;
            out[begin..content].copy_from_slice(&relay.header(len));
        }
        if let Some(framing) = self.framing {
            framing.close(begin, out);
        }
    }
}

impl Agent {
    /// An agent that has begun to gather for its first generation.
    pub fn new(
        config: Config,
        role: IceRole,
        generation: Generation,
        local: IceCredentials,
        mut rng: Rng,
    ) -> Self {
        let mut agent = Agent {
            pacing: config.pacing,
            config,
            role,
            tie_breaker: rng.u64(),
            rng,
            bases: Vec::new(),
            away: Vec::new(),
            stream_ips: Vec::new(),
            streams: Vec::new(),
            next_connect: 0,
            addresses_complete: false,
            gathering: Gathering::default(),
            names: Names::default(),
            generations: vec![GenerationState::new(generation, local, false)],
            user_names_revision: 0,
            transactions: Vec::new(),
            replies: VecDeque::new(),
            refusals: Refusals::default(),
            releases: Vec::new(),
            next_check: Instant::ZERO,
            leave: CheckLeave::Free,
            answered_checks: 0,
            pending_elsewhere: 0,
            next_pair_id: 0,
            nominations: 0,
            selected: None,
            selected_pair_changes: 0,
            state: TransportState::New,
            updated: Instant::ZERO,
            counters: Counters::default(),
            events: VecDeque::new(),
            foundations: Vec::new(),
        };
        agent.begin_gathering(Instant::ZERO, 0);
        agent
    }

    /// Changes what the next generation gathers from and of (W3C `setConfiguration`).
    pub fn set_servers(&mut self, servers: Vec<Server>, relay_only: bool) {
        self.config.servers = servers;
        self.config.relay_only = relay_only;
    }

    /// What the other agent's description says about a generation. Setting the same credentials
    /// again changes nothing. Others for a generation that has some are those of another agent that
    /// answered the same offer: what the first one said and its pairs are forgotten.
    pub fn set_remote_credentials(
        &mut self,
        now: Instant,
        generation: Generation,
        remote: IceCredentials,
        options: RemoteOptions,
    ) {
        let Some(at) = self.index(generation) else {
            return;
        };
        let known = self.generations[at].remote_secret();
        let known = known.map(|secret| &secret.credentials);
        if self.is_closed() || known == Some(&remote) {
            return;
        }
        if known.is_some() {
            self.generations[at].forget_remote();
            self.forget_requests();
        }
        // RFC 8445 §6.1.1: of a full and a lite agent the full one controls.
        let role = match (self.config.lite, options.lite) {
            (false, true) => IceRole::Controlling,
            (true, false) => IceRole::Controlled,
            _ => self.role,
        };
        if role != self.role {
            self.change_role(role, "one agent is lite");
            self.push_event(Event::Role(role));
        }
        let asked = options.pacing.unwrap_or_default();
        self.pacing = self.config.pacing.max(asked.min(limits::MAX_PACING));
        let patience = now + self.config.patience;
        let (candidates, checks) = self.generations[at].set_remote(remote, options, patience);
        for candidate in candidates {
            self.add_remote_candidate(now, generation, candidate);
        }
        for check in checks {
            self.learn_from_check(now, at, check);
        }
        self.update(now);
    }

    /// A candidate of the other agent's. It may come before the generation's credentials. One that
    /// is tagged with the credentials of another generation goes there; one with a name and without
    /// an address is used once [`Event::ResolveName`] is answered.
    pub fn add_remote_candidate(
        &mut self,
        now: Instant,
        generation: Generation,
        mut candidate: Candidate,
    ) {
        if self.is_closed() || self.wait_for_address(generation, &candidate) {
            return;
        }
        candidate.addr = normalized(candidate.addr);
        let ip = candidate.addr.ip();
        if ip.is_unspecified() || ip.is_multicast() {
            return;
        }
        let Some(at) = self.generation_of(generation, &candidate) else {
            return;
        };
        let generation = &mut self.generations[at];
        if let Remote::Unknown { candidates, .. } = &mut generation.remote {
            if candidates.len() >= limits::REMOTE_CANDIDATES {
                self.counters.over_limit += 1;
            } else if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
            return;
        }
        if let Some(known) = generation.find_remote(candidate.addr, candidate.protocol) {
            // RFC 8838 §11.4: signalling names what a check had already shown.
            if generation.remotes[known].kind == CandidateKind::PeerReflexive {
                generation.remotes[known] = candidate;
                generation.update_priorities(self.role);
                self.update(now);
            }
            return;
        }
        if let Some(remote) = self.push_remote(at, candidate) {
            self.pair_remote(at, remote);
            self.update(now);
        }
    }

    /// No more candidates of this generation come from signalling (RFC 8838 §13).
    pub fn end_of_remote_candidates(&mut self, now: Instant, generation: Generation) {
        if let Some(at) = self.index(generation) {
            self.generations[at].end_of_remote = true;
            self.update(now);
        }
    }

    /// RFC 8445 §9: begins another generation. The pair in use stays in use until the new
    /// generation has a nominated one.
    pub fn restart(&mut self, now: Instant, generation: Generation, local: IceCredentials) {
        if self.is_closed() || self.index(generation).is_some() {
            return;
        }
        if self.generations.len() >= limits::GENERATIONS {
            let in_use = self.selected.map(|selected| selected.generation);
            let idle = |state: &GenerationState| Some(state.id) != in_use;
            self.remove_generation(self.generations.iter().position(idle).unwrap_or(0));
            self.counters.over_limit += 1;
        }
        let restarted = self.state != TransportState::New;
        self.generations
            .push(GenerationState::new(generation, local, restarted));
        self.user_names_revision += 1;
        self.begin_gathering(now, self.generations.len() - 1);
        self.update(now);
    }

    /// The newest generation was rolled back, or its offer was answered without a restart: it goes
    /// at once, and checks with its credentials are for the one before. Or an older one was
    /// replaced: it goes as soon as a newer one has a nominated pair.
    pub fn drop_generation(&mut self, now: Instant, generation: Generation) {
        let Some(at) = self.index(generation) else {
            return;
        };
        if at + 1 < self.generations.len() {
            self.generations[at].retired = true;
        } else if at > 0 {
            let gone = self.remove_generation(at);
            self.generations[at - 1].answer_to(gone.local);
        }
        self.update(now);
    }

    /// Ends the agent: nothing is answered any more, and nothing sent but what ends allocations at
    /// TURN servers.
    pub fn close(&mut self, now: Instant) {
        if self.is_closed() {
            return;
        }
        self.release_allocations(now);
        self.transactions.clear();
        self.replies.clear();
        self.bases.clear();
        self.away.clear();
        self.stream_ips.clear();
        self.streams.clear();
        self.gathering = Gathering::default();
        self.selected = None;
        for generation in &mut self.generations {
            generation.checklist.retain(|_| false);
        }
        self.set_state(now, TransportState::Closed);
    }

    /// The next event, in the order they happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // An idle agent keeps no room for them.
            self.events.shrink_to_fit();
        }
        event
    }

    /// Whether [`poll_event`](Self::poll_event) has one: [`poll_transmit`](Self::poll_transmit), too,
    /// may make some.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// The path of the pair in use.
    pub fn route(&self) -> Option<Route> {
        self.selected.map(|selected| selected.route)
    }

    /// The user name fragments that requests to this agent may begin with: those of its generations,
    /// and of one that was offered and given up.
    pub fn user_names(&self) -> impl Iterator<Item = &str> {
        self.generations
            .iter()
            .flat_map(|state| [Some(&state.local), state.offered.as_ref()])
            .flatten()
            .map(|secret| secret.credentials.ufrag.as_str())
    }

    /// Changes with [`user_names`](Self::user_names).
    pub fn user_names_revision(&self) -> u32 {
        self.user_names_revision
    }

    /// The generation of the pair in use.
    pub fn selected_generation(&self) -> Option<Generation> {
        self.selected.map(|selected| selected.generation)
    }

    /// There is a path and the other side consents to being sent to (RFC 7675 §5.1).
    pub fn may_send(&self, now: Instant) -> bool {
        self.selected.is_some_and(|selected| {
            self.pair(selected.generation, selected.pair)
                .and_then(|pair| pair.valid())
                .is_some_and(|valid| now - valid.last_response < limits::CONSENT_EXPIRY)
        })
    }

    /// The candidates of the pair in use.
    pub fn selected_pair(&self) -> Option<CandidatePair> {
        let selected = self.selected?;
        let generation = &self.generations[self.index(selected.generation)?];
        let pair = generation.checklist.get(selected.pair)?;
        Some(CandidatePair {
            id: selected.pair,
            generation: selected.generation,
            local: generation.locals[selected.local].candidate.clone(),
            remote: generation.remotes[pair.remote].clone(),
        })
    }

    /// How often another pair was selected (`selectedCandidatePairChanges`).
    pub fn selected_pair_changes(&self) -> u32 {
        self.selected_pair_changes
    }

    /// The transport's state.
    pub fn state(&self) -> TransportState {
        self.state
    }

    /// The role, which a conflict may have changed.
    pub fn role(&self) -> IceRole {
        self.role
    }

    /// The newest generation's gathering state.
    pub fn gathering_state(&self) -> GatheringState {
        self.newest().gathering
    }

    /// The generations that live, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = Generation> {
        self.generations.iter().map(|generation| generation.id)
    }

    /// This side's credentials of a generation.
    pub fn local_credentials(&self, generation: Generation) -> Option<&IceCredentials> {
        let at = self.index(generation)?;
        Some(&self.generations[at].local.credentials)
    }

    /// The other side's credentials of a generation, once they are known.
    pub fn remote_credentials(&self, generation: Generation) -> Option<&IceCredentials> {
        let at = self.index(generation)?;
        let secret = self.generations[at].remote_secret()?;
        Some(&secret.credentials)
    }

    /// This side's candidates of a generation, peer-reflexive ones included.
    pub fn local_candidates(&self, generation: Generation) -> impl Iterator<Item = &Candidate> {
        self.generations
            .iter()
            .filter(move |state| state.id == generation)
            .flat_map(|state| state.locals.iter().map(|local| &local.candidate))
    }

    /// The other side's candidates of a generation, peer-reflexive ones included.
    pub fn remote_candidates(&self, generation: Generation) -> impl Iterator<Item = &Candidate> {
        self.generations
            .iter()
            .filter(move |state| state.id == generation)
            .flat_map(|state| state.remotes.iter())
    }

    /// Whether the other side has proved that it is at this address: a check came from there, or the
    /// answer to one of ours. Checks that came before its credentials count, since they know our
    /// password.
    pub fn has_heard(&self, remote: SocketAddr) -> bool {
        (self.generations.iter()).any(|generation| match &generation.remote {
            Remote::Unknown { checks, .. } => checks.iter().any(|check| check.remote == remote),
            Remote::Known { .. } => generation.checklist.pairs().iter().any(|pair| {
                let proved = pair.counters.requests_received > 0 || pair.valid().is_some();
                proved && generation.remote_addr_of(pair) == remote
            }),
        })
    }

    /// Where the other side's candidates of all generations are, those included that wait for its
    /// credentials.
    pub fn remote_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.generations.iter().flat_map(|state| {
            let waiting: &[Candidate] = match &state.remote {
                Remote::Unknown { candidates, .. } => candidates,
                Remote::Known { .. } => &[],
            };
            state
                .remotes
                .iter()
                .chain(waiting)
                .map(|candidate| candidate.addr)
        })
    }

    /// The pairs of all generations.
    pub fn pairs(&self) -> impl Iterator<Item = PairStats> {
        self.generations.iter().flat_map(|generation| {
            generation.checklist.pairs().iter().map(|pair| PairStats {
                id: pair.id,
                generation: generation.id,
                local: pair.valid().map_or(pair.local, |valid| valid.local),
                remote: pair.remote,
                state: pair.state(),
                nominated: pair.is_nominated(),
                selected: self
                    .selected
                    .is_some_and(|selected| selected.pair == pair.id),
                counters: pair.counters,
            })
        })
    }

    /// What was received and not acted on.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == TransportState::Closed
    }

    pub(crate) fn newest(&self) -> &GenerationState {
        &self.generations[self.generations.len() - 1]
    }

    pub(crate) fn index(&self, generation: Generation) -> Option<usize> {
        self.generations
            .iter()
            .position(|state| state.id == generation)
    }

    pub(crate) fn pair(
        &self,
        generation: Generation,
        pair: PairId,
    ) -> Option<&crate::checklist::Pair> {
        self.generations[self.index(generation)?]
            .checklist
            .get(pair)
    }

    /// Nobody listened to the events until now. What the host was asked for stays asked.
    pub(crate) fn forget_told(&mut self) {
        self.events.retain(|event| {
            matches!(
                event,
                Event::Resolve { .. } | Event::Connect { .. } | Event::Disconnect { .. }
            )
        });
    }

    pub(crate) fn push_event(&mut self, event: Event) {
        if self.events.len() >= limits::EVENTS {
            self.events.pop_front();
            self.counters.over_limit += 1;
        }
        self.events.push_back(event);
    }

    pub(crate) fn foundation(
        &mut self,
        kind: CandidateKind,
        base: Base,
        server: Option<(IpAddr, RelayProtocol)>,
    ) -> Foundation {
        let shared = (kind, base.protocol, base.addr.ip(), server);
        let at = self.foundations.iter().position(|known| *known == shared);
        let at = at.unwrap_or_else(|| {
            self.foundations.push(shared);
            self.foundations.len() - 1
        });
        candidate::foundation("", at + 1)
    }

    /// Drops the requests of pairs that are no more.
    pub(crate) fn forget_requests(&mut self) {
        let generations = &self.generations;
        self.transactions.retain(|t| {
            let mut of = generations.iter().filter(|state| state.id == t.generation);
            of.any(|state| state.checklist.get(t.pair).is_some())
        });
    }

    pub(crate) fn remove_generation(&mut self, at: usize) -> GenerationState {
        let gone = self.generations.remove(at);
        self.user_names_revision += 1;
        self.names.forget(gone.id);
        self.transactions.retain(|t| t.generation != gone.id);
        gone
    }

    pub(crate) fn push_local(&mut self, at: usize, local: LocalCandidate) -> Option<usize> {
        let locals = &mut self.generations[at].locals;
        if locals.len() >= limits::LOCAL_CANDIDATES {
            self.counters.over_limit += 1;
            return None;
        }
        locals.reserve_exact(1);
        locals.push(local);
        Some(locals.len() - 1)
    }

    pub(crate) fn push_remote(&mut self, at: usize, candidate: Candidate) -> Option<usize> {
        let remotes = &mut self.generations[at].remotes;
        if remotes.len() >= limits::REMOTE_CANDIDATES {
            self.counters.over_limit += 1;
            return None;
        }
        remotes.reserve_exact(1);
        remotes.push(candidate);
        Some(remotes.len() - 1)
    }

    pub(crate) fn pair_local(&mut self, at: usize, local: usize) {
        for remote in 0..self.generations[at].remotes.len() {
            self.pair_up(at, local, remote);
        }
    }

    pub(crate) fn pair_remote(&mut self, at: usize, remote: usize) {
        for local in 0..self.generations[at].locals.len() {
            self.pair_up(at, local, remote);
        }
    }

    /// A lite agent checks nothing, a concluded checklist takes no more pairs (RFC 8838 §11) while
    /// its nominated pair answers, but for a renomination: [`update`](Self::update) keeps those
    /// that are worth one.
    fn pair_up(&mut self, at: usize, local: usize, remote: usize) {
        let concluded = self.bar(self.updated, at) == Some(u64::MAX);
        let generation = &self.generations[at];
        if self.config.lite || generation.failed || concluded {
            return;
        }
        let base = generation.locals[local].base;
        let peer = generation.remotes[remote].addr;
        // RFC 6544 §6.2: "the agent prunes pairs with a passive local candidate": it waits.
        if base.tcp_type == Some(TcpType::Passive) {
            return;
        }
        if generation.locals[local].candidate.kind == CandidateKind::Relayed
            && !self.has_channel(base, peer)
        {
            return;
        }
        let pair = (local, remote);
        let generation = &mut self.generations[at];
        let next_id = &mut self.next_pair_id;
        if let Err(OverLimit) = generation.pair_up(pair, &self.config, self.role, next_id) {
            self.counters.over_limit += 1;
        }
    }

    /// RFC 8838 §4: the username fragment tells generations apart; signalling may deliver a
    /// candidate late.
    fn generation_of(&self, stated: Generation, candidate: &Candidate) -> Option<usize> {
        let stated = self.index(stated)?;
        let Some(ufrag) = &candidate.ufrag else {
            return Some(stated);
        };
        let has = |generation: &GenerationState| {
            generation
                .remote_secret()
                .is_some_and(|secret| secret.credentials.ufrag == *ufrag)
        };
        match self.generations[stated].remote_secret() {
            Some(secret) if secret.credentials.ufrag != *ufrag => {
                self.generations.iter().position(has)
            }
            _ => Some(stated),
        }
    }
}

/// One form for one address: IPv4-mapped IPv6 as IPv4, no flow label, no scope. The scope of a
/// link-local address is that of the socket, which is bound to it.
pub(crate) fn normalized(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
