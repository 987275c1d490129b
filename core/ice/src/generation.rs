use std::net::{IpAddr, SocketAddr};

use duologue_base::{Generation, IceCredentials, IceRole, Instant, Protocol, SocketId};
use duologue_stun::Key;

use crate::candidate::{self, Candidate, CandidateKind, TcpType};
use crate::checklist::{Check, Checklist, Pair};
use crate::config::{Config, RemoteOptions};
use crate::control::Removal;
use crate::limits;
use crate::nomination::Nomination;
use crate::state::GatheringState;
use crate::stats::{PairCounters, PairId};
use crate::turn::AllocationId;

/// What a local candidate sends from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Base {
    /// None for an active TCP candidate: each of its pairs has a stream of its own.
    pub(crate) socket: Option<SocketId>,
    pub(crate) addr: SocketAddr,
    pub(crate) protocol: Protocol,
    /// Only for TCP candidates.
    pub(crate) tcp_type: Option<TcpType>,
    /// The TURN server that forwards for it.
    pub(crate) relay: Option<AllocationId>,
    /// Its preference among the bases, the middle part of priorities (RFC 8445 §5.1.2.1).
    pub(crate) preference: u16,
}

impl Base {
    /// Datagrams of both take the same way.
    pub(crate) fn is_same(self, other: Base) -> bool {
        (self.socket, self.relay, self.addr) == (other.socket, other.relay, other.addr)
    }

    /// The transport below repeats what is lost (RFC 8489 §6.2.2).
    pub(crate) fn is_reliable(self) -> bool {
        self.protocol == Protocol::Tcp
    }

    /// The priority of a candidate of this base.
    pub(crate) fn priority(self, kind: CandidateKind) -> u32 {
        candidate::priority(kind, self.protocol, self.preference)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct LocalCandidate {
    pub(crate) candidate: Candidate,
    pub(crate) base: Base,
    /// Its address went away: it is kept because pairs and statistics name it by its index, until its place is needed.
    pub(crate) gone: bool,
}

/// Credentials with their integrity key.
#[derive(Debug)]
pub(crate) struct Secret {
    pub(crate) credentials: IceCredentials,
    pub(crate) key: Key,
}

impl Secret {
    fn new(credentials: IceCredentials) -> Self {
        let key = Key::short_term(&credentials.pwd);
        Secret { credentials, key }
    }
}

/// Which of this end's credentials.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KnownAs {
    Agreed,
    /// By [`GenerationState::offered`].
    Offered,
}

/// What signalling said about the other agent.
#[derive(Debug)]
pub(crate) enum Remote {
    /// Nothing yet. Candidates and checks that came too early wait here.
    Unknown {
        candidates: Vec<Candidate>,
        checks: Vec<EarlyCheck>,
    },
    Known {
        secret: Secret,
        options: RemoteOptions,
        /// RFC 8863: until when to be patient.
        patience: Instant,
    },
}

/// A check that came before the remote credentials (RFC 8445 §7.3: it was answered already).
#[derive(Clone, Copy, Debug)]
pub(crate) struct EarlyCheck {
    pub(crate) base: Base,
    pub(crate) remote: SocketAddr,
    pub(crate) priority: u32,
    pub(crate) use_candidate: bool,
    pub(crate) nomination: u32,
}

/// Everything between two ICE restarts.
#[derive(Debug)]
pub(crate) struct GenerationState {
    pub(crate) id: Generation,
    pub(crate) local: Secret,
    /// Those of a restart that was offered and came to nothing: the other side may have taken them.
    pub(crate) offered: Option<Secret>,
    /// Which of the two it used last.
    pub(crate) known_as: KnownAs,
    pub(crate) remote: Remote,
    pub(crate) locals: Vec<LocalCandidate>,
    pub(crate) remotes: Vec<Candidate>,
    pub(crate) gathering: GatheringState,
    pub(crate) end_of_remote: bool,
    pub(crate) checklist: Checklist,
    /// The ways of pairs that the owner removed.
    shut: Vec<(Base, SocketAddr)>,
    /// When the first pair became valid.
    pub(crate) first_valid: Option<Instant>,
    /// `failed` was reached: it is final.
    pub(crate) failed: bool,
    /// Only relayed candidates (RFC 9429 §3.5.3): set when gathering for it began.
    pub(crate) relay_only: bool,
    /// Checks had begun before it did, or with another agent.
    pub(crate) restarted: bool,
    /// A newer generation was agreed on. It goes when that one has a nominated pair and the other
    /// side asks nothing here any more.
    pub(crate) retired: bool,
    /// When the other side's last check came.
    pub(crate) last_request: Instant,
    /// The addresses that its valid pairs sent from went away: until when it may get others.
    pub(crate) homeless_until: Option<Instant>,
    /// A check from where none was expected. It counts as soon as the pair in use is silent.
    pub(crate) moved: Option<EarlyCheck>,
}

impl GenerationState {
    pub(crate) fn new(id: Generation, local: IceCredentials, restarted: bool) -> Self {
        GenerationState {
            id,
            local: Secret::new(local),
            offered: None,
            known_as: KnownAs::Agreed,
            remote: Remote::Unknown {
                candidates: Vec::new(),
                checks: Vec::new(),
            },
            locals: Vec::new(),
            remotes: Vec::new(),
            gathering: GatheringState::Gathering,
            end_of_remote: false,
            checklist: Checklist::default(),
            shut: Vec::new(),
            first_valid: None,
            failed: false,
            relay_only: false,
            restarted,
            retired: false,
            last_request: Instant::ZERO,
            homeless_until: None,
            moved: None,
        }
    }

    /// The candidates and checks that waited for the credentials.
    pub(crate) fn set_remote(
        &mut self,
        credentials: IceCredentials,
        options: RemoteOptions,
        patience: Instant,
    ) -> (Vec<Candidate>, Vec<EarlyCheck>) {
        let known = Remote::Known {
            secret: Secret::new(credentials),
            options,
            patience,
        };
        match std::mem::replace(&mut self.remote, known) {
            Remote::Unknown { candidates, checks } => (candidates, checks),
            Remote::Known { .. } => (Vec::new(), Vec::new()),
        }
    }

    /// Another agent takes the other one's place; this end's credentials and candidates stay.
    pub(crate) fn forget_remote(&mut self) {
        self.remotes.clear();
        self.end_of_remote = false;
        self.checklist = Checklist::default();
        self.shut.clear();
        self.first_valid = None;
        self.failed = false;
        self.restarted = true;
    }

    /// What the other side may call this one, and proves it with.
    pub(crate) fn secret(&self, name: KnownAs) -> Option<&Secret> {
        match name {
            KnownAs::Agreed => Some(&self.local),
            KnownAs::Offered => self.offered.as_ref(),
        }
    }

    /// The user name fragment that the other side knows.
    pub(crate) fn known_ufrag(&self) -> &str {
        let secret = self.secret(self.known_as).unwrap_or(&self.local);
        &secret.credentials.ufrag
    }

    /// A newer generation was given up. An end that knows no restarts answers the offer of one with
    /// the credentials that it has, and checks with the new ones of the offer from then on, or with
    /// the old ones.
    pub(crate) fn answer_to(&mut self, offered: Secret) {
        self.offered = Some(offered);
        self.known_as = KnownAs::Agreed;
    }

    pub(crate) fn remote_secret(&self) -> Option<&Secret> {
        match &self.remote {
            Remote::Known { secret, .. } => Some(secret),
            Remote::Unknown { .. } => None,
        }
    }

    /// The other agent takes the pair that was nominated last.
    pub(crate) fn follows_renomination(&self) -> bool {
        matches!(&self.remote, Remote::Known { options, .. } if options.renomination)
    }

    pub(crate) fn patience(&self) -> Option<Instant> {
        match self.remote {
            Remote::Known { patience, .. } => Some(patience),
            Remote::Unknown { .. } => None,
        }
    }

    /// Nothing can be added to the candidates of either side.
    pub(crate) fn candidates_complete(&self) -> bool {
        self.gathering == GatheringState::Complete && self.end_of_remote
    }

    /// Adds a candidate of this end, and gives its index. In a full list it takes the place of one that no pair names and
    /// that is gone, or was only what a NAT made of another: an end may roam for as long as the generation lives.
    pub(crate) fn push_local(&mut self, local: LocalCandidate) -> Option<usize> {
        if self.locals.len() < limits::LOCAL_CANDIDATES {
            self.locals.reserve_exact(1);
            self.locals.push(local);
            return Some(self.locals.len() - 1);
        }
        let mut known = self.locals.iter().enumerate();
        let index = known.position(|(index, known)| {
            let reflexive = known.candidate.kind == CandidateKind::PeerReflexive;
            (known.gone || reflexive) && !self.checklist.names_local(index)
        })?;
        self.locals[index] = local;
        Some(index)
    }

    /// Adds a candidate of the other end, and gives its index. In a full list it takes the place of the peer-reflexive one
    /// that was paired longest ago, of those that do not answer any more, and the pairs of that one go: the other end
    /// may roam, too.
    pub(crate) fn push_remote(&mut self, candidate: Candidate) -> Option<usize> {
        if self.remotes.len() < limits::REMOTE_CANDIDATES {
            self.remotes.reserve_exact(1);
            self.remotes.push(candidate);
            return Some(self.remotes.len() - 1);
        }
        let checklist = &self.checklist;
        let is_over = |&index: &usize| {
            let reflexive = self.remotes[index].kind == CandidateKind::PeerReflexive;
            reflexive && !checklist.needs_remote(index)
        };
        let index = (0..self.remotes.len())
            .filter(is_over)
            .min_by_key(|index| checklist.newest_to(*index))?;
        self.checklist.retain(|pair| pair.remote != index);
        self.remotes[index] = candidate;
        Some(index)
    }

    pub(crate) fn base_of(&self, pair: &Pair) -> Base {
        self.locals[pair.local].base
    }

    pub(crate) fn remote_addr_of(&self, pair: &Pair) -> SocketAddr {
        self.remotes[pair.remote].addr
    }

    /// A TURN server forwards what is sent on the pair.
    pub(crate) fn is_relayed(&self, pair: &Pair) -> bool {
        self.base_of(pair).relay.is_some()
            || self.remotes[pair.remote].kind == CandidateKind::Relayed
    }

    pub(crate) fn find_pair(&self, base: Base, remote: SocketAddr) -> Option<PairId> {
        self.checklist
            .pairs()
            .iter()
            .find(|pair| self.base_of(pair).is_same(base) && self.remote_addr_of(pair) == remote)
            .map(|pair| pair.id)
    }

    /// The owner wants no pair here any more.
    pub(crate) fn is_shut(&self, base: Base, remote: SocketAddr) -> bool {
        let mut ways = self.shut.iter();
        ways.any(|(shut, to)| shut.is_same(base) && *to == remote)
    }

    pub(crate) fn shut(&mut self, way: (Base, SocketAddr)) {
        if self.shut.len() >= limits::PAIRS {
            self.shut.remove(0);
        }
        self.shut.push(way);
    }

    /// The candidate of a base that checks from it belong to.
    pub(crate) fn local_of(&self, base: Base) -> Option<usize> {
        self.locals.iter().position(|local| {
            local.base.is_same(base)
                && !local.gone
                && local.candidate.kind != CandidateKind::PeerReflexive
        })
    }

    pub(crate) fn find_remote(&self, addr: SocketAddr, protocol: Protocol) -> Option<usize> {
        self.remotes
            .iter()
            .position(|known| known.addr == addr && known.protocol == protocol)
    }

    /// RFC 8445 §6.1.2.2: the pair of two candidates, when they can be one and are not yet.
    pub(crate) fn pair_up(
        &mut self,
        (local, remote): (usize, usize),
        config: &Config,
        role: IceRole,
        next_id: &mut u32,
    ) -> Result<Option<PairId>, OverLimit> {
        match can_pair(&self.locals[local], &self.remotes[remote], config) {
            true => self.add_pair(local, remote, role, next_id),
            false => Ok(None),
        }
    }

    /// RFC 8445 §7.3.1.4: the pair that a check shows, whatever its addresses, unless it is known.
    pub(crate) fn add_pair(
        &mut self,
        local: usize,
        remote: usize,
        role: IceRole,
        next_id: &mut u32,
    ) -> Result<Option<PairId>, OverLimit> {
        let (ours, theirs) = (&self.locals[local], &self.remotes[remote]);
        if ours.gone || is_private(ours, theirs) || self.is_shut(ours.base, theirs.addr) {
            return Ok(None);
        }
        // RFC 8445 §6.1.2.4: pairs of one base and one remote address are redundant.
        if self.find_pair(ours.base, theirs.addr).is_some() {
            return Ok(None);
        }

        let pair = Pair {
            id: PairId(*next_id),
            local,
            remote,
            foundation: self.foundation(local, remote),
            priority: pair_priority(role, ours.candidate.priority, theirs.priority),
            check: Check::Waiting,
            nomination: Nomination::default(),
            refused: false,
            removal: Removal::default(),
            counters: PairCounters::default(),
        };
        let id = pair.id;
        tracing::debug!(
            "ICE pair {}: new, {} {:?} -> {} {:?}",
            id.0,
            ours.candidate.kind.as_str(),
            ours.candidate.protocol,
            theirs.kind.as_str(),
            theirs.protocol
        );

        *next_id += 1;
        match self.checklist.insert(pair) {
            true => Ok(Some(id)),
            false => Err(OverLimit),
        }
    }

    /// Numbers foundations by the first candidates that have them.
    fn foundation(&self, local: usize, remote: usize) -> u32 {
        let ours = &self.locals[local].candidate.foundation;
        let theirs = &self.remotes[remote].foundation;
        let first = |position: Option<usize>, own: usize| position.unwrap_or(own) as u32;
        let local = first(
            (self.locals.iter()).position(|known| known.candidate.foundation == *ours),
            local,
        );
        let remote = first(
            (self.remotes.iter()).position(|known| known.foundation == *theirs),
            remote,
        );
        local * limits::REMOTE_CANDIDATES as u32 + remote
    }

    /// The role changed, or a candidate learnt its real priority.
    pub(crate) fn update_priorities(&mut self, role: IceRole) {
        for pair in self.checklist.pairs_mut() {
            let ours = self.locals[pair.local].candidate.priority;
            pair.priority = pair_priority(role, ours, self.remotes[pair.remote].priority);
        }
    }
}

/// A limit keeps something out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverLimit;

pub(crate) fn pair_priority(role: IceRole, ours: u32, theirs: u32) -> u64 {
    match role {
        IceRole::Controlling => candidate::pair_priority(ours, theirs),
        IceRole::Controlled => candidate::pair_priority(theirs, ours),
    }
}

/// draft-ietf-mmusic-mdns-ice-candidates §3.3.2: "the ICE agent MUST NOT form candidate pairs
/// between its own relay candidates and remote mDNS candidates", whose address is not for the TURN
/// server to know.
fn is_private(ours: &LocalCandidate, theirs: &Candidate) -> bool {
    ours.base.relay.is_some() && theirs.name.is_some()
}

/// Reflexive candidates are not paired: checks leave from their base, whose own candidate is
/// (RFC 8445 §6.1.2.4).
pub(crate) fn can_pair(ours: &LocalCandidate, theirs: &Candidate, config: &Config) -> bool {
    let (a, b) = (ours.base.addr.ip(), theirs.addr.ip());
    let kinds = [CandidateKind::Host, CandidateKind::Relayed];
    kinds.contains(&ours.candidate.kind)
        && !is_private(ours, theirs)
        && ours.base.protocol == theirs.protocol
        && ours.base.tcp_type == theirs.tcp_type.map(TcpType::counterpart)
        && a.is_ipv4() == b.is_ipv4()
        && candidate::is_link_local(a) == candidate::is_link_local(b)
        && loopback_fits(ours.base, b, config)
}

/// Whether a base reaches an address as far as loopback goes.
fn loopback_fits(base: Base, to: IpAddr, config: &Config) -> bool {
    match (base.addr.ip().is_loopback(), to.is_loopback()) {
        // A TURN server on this machine is itself everywhere that this machine is.
        (true, false) => base.relay.is_some(),
        // Who is on loopback alone is on this machine, and its other addresses reach it, too
        // (Chromium 156 does the same). A stream is not opened there: to whom it goes only signalling
        // says, and services of the machine trust what comes from it.
        (false, true) => !config.loopback && base.relay.is_none() && base.protocol == Protocol::Udp,
        (true, true) | (false, false) => true,
    }
}
