use std::net::SocketAddr;

use duologue_base::{Generation, IceCredentials, IceRole, Instant, Rng, SocketId};

use crate::candidate::{Candidate, CandidateKind, TcpType};
use crate::checks::Checks;
use crate::config::{Config, RemoteOptions};
use crate::embed::Embedding;
use crate::event::{CandidatePair, Event};
use crate::gather::{Gathering, RelayRoute, Server};
use crate::generation::{GenerationState, LocalCandidate, OverLimit, Remote};
use crate::limits;
use crate::local::Local;
use crate::outbox::Outbox;
use crate::state::{GatheringState, TransportState};
use crate::stats::{Counters, PairStats};
use crate::tcp::Framing;

/// One ICE transport: every generation of its credentials, one component.
///
/// * Inputs: [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout)
///   and the methods that say what the host and signalling know. They may come in any order.
/// * Outputs: [`poll_transmit`](Self::poll_transmit), [`poll_event`](Self::poll_event) until they
///   give nothing more, then [`poll_timeout`](Self::poll_timeout) for when to call
///   [`handle_timeout`](Self::handle_timeout).
/// * Where data goes: [`route`](Self::route), as long as [`may_send`](Self::may_send).
///
/// It has three parts, and what takes only one of them is a method of that: `Local` is where this
/// end is and can be reached, `Checks` what is known of the ways to the other one, `Outbox` what is
/// to be told to both the network and the owner. A method of the agent takes more than one.
#[doc(alias = "RTCIceTransport")]
#[derive(Debug)]
pub struct Agent {
    pub(crate) config: Config,
    pub(crate) rng: Rng,
    pub(crate) local: Local,
    pub(crate) checks: Checks,
    pub(crate) outbox: Outbox,
    pub(crate) embedding: Embedding,
}

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
            local: Local::default(),
            checks: Checks::new(&config, role, rng.u64(), generation, local),
            outbox: Outbox::default(),
            embedding: Embedding::new(config.sped),
            config,
            rng,
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
        let Some(at) = self.checks.index(generation) else {
            return;
        };
        let known = self.checks.generations[at].remote_secret();
        let known = known.map(|secret| &secret.credentials);
        if self.checks.is_closed() || known == Some(&remote) {
            return;
        }

        if known.is_some() {
            self.checks.generations[at].forget_remote();
            self.checks.forget_requests();
            self.ask_again_for_embedding();
        }

        // RFC 8445 §6.1.1: of a full and a lite agent the full one controls.
        let role = match (self.config.lite, options.lite) {
            (false, true) => IceRole::Controlling,
            (true, false) => IceRole::Controlled,
            _ => self.checks.role,
        };

        if role != self.checks.role {
            self.checks.change_role(role, "one agent is lite");
            self.outbox.push_event(Event::Role(role));
        }
        if options.sped {
            self.agree_on_embedding();
        }

        let asked = options.pacing.unwrap_or_default();
        self.checks.pacing = self.config.pacing.max(asked.min(limits::MAX_PACING));
        let patience = now + self.config.patience;
        let (candidates, checks) =
            self.checks.generations[at].set_remote(remote, options, patience);
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
        if self.checks.is_closed() || self.wait_for_address(generation, &candidate) {
            return;
        }
        candidate.addr = normalized(candidate.addr);
        let ip = candidate.addr.ip();
        if ip.is_unspecified() || ip.is_multicast() {
            return;
        }
        let Some(at) = self.checks.generation_of(generation, &candidate) else {
            return;
        };

        let generation = &mut self.checks.generations[at];
        if let Remote::Unknown { candidates, .. } = &mut generation.remote {
            if candidates.len() >= limits::REMOTE_CANDIDATES {
                self.outbox.counters.over_limit += 1;
            } else if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
            return;
        }
        if let Some(known) = generation.find_remote(candidate.addr, candidate.protocol) {
            // RFC 8838 §11.4: signalling names what a check had already shown, at one of our addresses.
            if generation.remotes[known].kind == CandidateKind::PeerReflexive {
                generation.remotes[known] = candidate;
                generation.update_priorities(self.checks.role);
                self.pair_remote(at, known);
                self.update(now);
            }
            return;
        }
        if let Some(remote) = self.push_remote(at, candidate) {
            self.pair_remote(at, remote);
            self.update(now);
        }
    }

    /// Says that no more candidates of this generation come from signalling (RFC 8838 §13).
    pub fn end_of_remote_candidates(&mut self, now: Instant, generation: Generation) {
        if let Some(at) = self.checks.index(generation) {
            self.checks.generations[at].end_of_remote = true;
            self.update(now);
        }
    }

    /// Ends the agent: nothing is answered any more, and nothing sent but what ends allocations at
    /// TURN servers.
    pub fn close(&mut self, now: Instant) {
        if self.checks.is_closed() {
            return;
        }
        self.release_allocations(now);
        self.checks.transactions.clear();
        self.outbox.replies.clear();
        self.local.bases.clear();
        self.local.away.clear();
        self.local.stream_ips.clear();
        self.local.streams.clear();
        self.local.gathering = Gathering::default();
        self.checks.selected = None;
        for generation in &mut self.checks.generations {
            generation.checklist.retain(|_| false);
        }
        self.set_state(now, TransportState::Closed);
    }

    /// The next event, in the order they happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.outbox.events.pop_front();
        if self.outbox.events.is_empty() {
            // An idle agent keeps no room for them.
            self.outbox.events.shrink_to_fit();
        }
        event
    }

    /// Whether [`poll_event`](Self::poll_event) has one: [`poll_transmit`](Self::poll_transmit), too,
    /// may make some.
    pub fn has_event(&self) -> bool {
        !self.outbox.events.is_empty()
    }

    /// The path of the pair in use.
    pub fn route(&self) -> Option<Route> {
        self.checks.selected.map(|selected| selected.route)
    }

    /// The user name fragments that requests to this agent may begin with: those of its generations,
    /// and of one that was offered and given up.
    pub fn user_names(&self) -> impl Iterator<Item = &str> {
        self.checks
            .generations
            .iter()
            .flat_map(|state| [Some(&state.local), state.offered.as_ref()])
            .flatten()
            .map(|secret| secret.credentials.ufrag.as_str())
    }

    /// Changes with [`user_names`](Self::user_names).
    pub fn user_names_revision(&self) -> u32 {
        self.checks.user_names_revision
    }

    /// The generation of the pair in use.
    pub fn selected_generation(&self) -> Option<Generation> {
        self.checks.selected.map(|selected| selected.generation)
    }

    /// Whether there is a path and the other side consents to being sent to (RFC 7675 §5.1).
    pub fn may_send(&self, now: Instant) -> bool {
        self.checks.selected.is_some_and(|selected| {
            self.checks
                .pair(selected.generation, selected.pair)
                .and_then(|pair| pair.valid())
                .is_some_and(|valid| now - valid.last_response < limits::CONSENT_EXPIRY)
        })
    }

    /// The candidates of the pair in use.
    pub fn selected_pair(&self) -> Option<CandidatePair> {
        let selected = self.checks.selected?;
        let generation = &self.checks.generations[self.checks.index(selected.generation)?];
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
        self.checks.selected_pair_changes
    }

    /// The transport's state.
    pub fn state(&self) -> TransportState {
        self.checks.state
    }

    /// Whether the other side does not answer any more, or could not be found again since: unlike the
    /// [`state`](Self::state), which a restart may make a new beginning of.
    pub fn has_lost_peer(&self) -> bool {
        match self.checks.selected {
            Some(_) => self.is_silent(self.checks.updated),
            None => {
                let ended = matches!(
                    self.checks.state,
                    TransportState::Disconnected | TransportState::Failed
                );
                ended || self.checks.newest().restarted
            }
        }
    }

    /// The role, which a conflict may have changed.
    pub fn role(&self) -> IceRole {
        self.checks.role
    }

    /// The newest generation's gathering state.
    pub fn gathering_state(&self) -> GatheringState {
        self.checks.newest().gathering
    }

    /// The generations that live, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = Generation> {
        self.checks
            .generations
            .iter()
            .map(|generation| generation.id)
    }

    /// The credentials of this end in a generation.
    pub fn local_credentials(&self, generation: Generation) -> Option<&IceCredentials> {
        let at = self.checks.index(generation)?;
        Some(&self.checks.generations[at].local.credentials)
    }

    /// The other side's credentials of a generation, once they are known.
    pub fn remote_credentials(&self, generation: Generation) -> Option<&IceCredentials> {
        let at = self.checks.index(generation)?;
        let secret = self.checks.generations[at].remote_secret()?;
        Some(&secret.credentials)
    }

    /// The candidates of this end in a generation, peer-reflexive ones included.
    pub fn local_candidates(&self, generation: Generation) -> impl Iterator<Item = &Candidate> {
        self.checks
            .generations
            .iter()
            .filter(move |state| state.id == generation)
            .flat_map(|state| state.locals.iter().map(|local| &local.candidate))
    }

    /// The other side's candidates of a generation, peer-reflexive ones included.
    pub fn remote_candidates(&self, generation: Generation) -> impl Iterator<Item = &Candidate> {
        self.checks
            .generations
            .iter()
            .filter(move |state| state.id == generation)
            .flat_map(|state| state.remotes.iter())
    }

    /// Whether the other side has proved that it is at this address: a check came from there, or the
    /// answer to one of ours. Checks that came before its credentials count, since they know our
    /// password.
    pub fn has_heard(&self, remote: SocketAddr) -> bool {
        (self.checks.generations.iter()).any(|generation| match &generation.remote {
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
        self.checks.generations.iter().flat_map(|state| {
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
        self.checks.generations.iter().flat_map(|generation| {
            generation.checklist.pairs().iter().map(|pair| PairStats {
                id: pair.id,
                generation: generation.id,
                local: pair.valid().map_or(pair.local, |valid| valid.local),
                remote: pair.remote,
                state: pair.state(),
                nominated: pair.is_nominated(),
                selected: self
                    .checks
                    .selected
                    .is_some_and(|selected| selected.pair == pair.id),
                counters: pair.counters,
            })
        })
    }

    /// What was received and not acted on.
    pub fn counters(&self) -> Counters {
        self.outbox.counters
    }

    pub(crate) fn remove_generation(&mut self, at: usize) -> GenerationState {
        let gone = self.checks.generations.remove(at);
        self.checks.user_names_revision += 1;
        self.local.names.forget(gone.id);
        self.checks.transactions.retain(|t| t.generation != gone.id);
        gone
    }

    pub(crate) fn push_local(&mut self, at: usize, local: LocalCandidate) -> Option<usize> {
        let index = self.checks.generations[at].push_local(local);
        self.outbox.counters.over_limit += u64::from(index.is_none());
        index
    }

    pub(crate) fn push_remote(&mut self, at: usize, candidate: Candidate) -> Option<usize> {
        let index = self.checks.generations[at].push_remote(candidate);
        self.outbox.counters.over_limit += u64::from(index.is_none());
        self.checks.forget_requests();
        index
    }

    pub(crate) fn pair_local(&mut self, at: usize, local: usize) {
        for remote in 0..self.checks.generations[at].remotes.len() {
            self.pair_up(at, local, remote);
        }
    }

    pub(crate) fn pair_remote(&mut self, at: usize, remote: usize) {
        for local in 0..self.checks.generations[at].locals.len() {
            self.pair_up(at, local, remote);
        }
    }

    /// A lite agent checks nothing, a concluded checklist takes no more pairs (RFC 8838 §11) while
    /// its nominated pair answers, but for a renomination: [`update`](Self::update) keeps those
    /// that are worth one.
    fn pair_up(&mut self, at: usize, local: usize, remote: usize) {
        let concluded = self.bar(self.checks.updated, at) == Some(u64::MAX);
        let generation = &self.checks.generations[at];
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
        let generation = &mut self.checks.generations[at];
        let next_id = &mut self.checks.next_pair_id;
        if let Err(OverLimit) = generation.pair_up(pair, &self.config, self.checks.role, next_id) {
            self.outbox.counters.over_limit += 1;
        }
    }
}

/// One form for one address: IPv4-mapped IPv6 as IPv4, no flow label, no scope. The scope of a
/// link-local address is that of the socket, which is bound to it.
pub(crate) fn normalized(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
