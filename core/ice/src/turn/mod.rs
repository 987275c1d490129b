//! One allocation at a TURN server (RFC 8656): its life, its channels, its framing.
//!
//! Every peer gets a channel: binding one also installs the permission, and data then costs four
//! bytes instead of 36 (RFC 8656 §12).

mod auth;
mod channel;

use std::net::SocketAddr;
use std::ops::Range;

use duologue_base::{Instant, Protocol, Rng};
use duologue_stun::{
    AddressFamily, AttributeType, ChannelData, ChannelNumber, Class, ErrorCode, Message, Method,
    Writer,
};

use crate::agent::normalized;
use crate::candidate::{self, RelayProtocol};
use crate::gather::{Attempt, Login};
use crate::generation::Base;
use crate::limits;
use crate::turn::auth::Auth;
use crate::turn::channel::{Channel, passes};

/// IANA's number of UDP.
const UDP: u8 = 17;

#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) id: AllocationId,
    /// The socket or stream that it is reached from.
    pub(crate) base: Base,
    /// How it is reached.
    pub(crate) protocol: RelayProtocol,
    /// Index of the server.
    pub(crate) server: usize,
    /// Indexes of servers that are this one by another URL.
    pub(crate) twins: Vec<usize>,
    /// The server's address. ALTERNATE-SERVER changes it.
    pub(crate) addr: SocketAddr,
    pub(crate) state: State,
    /// The family that is asked for; none leaves it to the server, which takes IPv4.
    family: Option<AddressFamily>,
    login: Login,
    auth: Option<Auth>,
    /// How many nonces the server gave so far.
    nonces: u32,
    pub(crate) redirects: u32,
    channels: Vec<Channel>,
}

/// Names an allocation within its agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AllocationId(pub(crate) u32);

#[derive(Debug)]
pub(crate) enum State {
    Allocating(Request),
    Allocated {
        relayed: SocketAddr,
        mapped: SocketAddr,
        expires: Instant,
        refresh: Refresh,
    },
    /// Refused, silent or lost.
    Failed,
}

#[derive(Debug)]
pub(crate) enum Refresh {
    At(Instant),
    Asking {
        request: Request,
        verification: Verification,
    },
}

/// Whether the server still has the allocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verification {
    /// Nothing says that it has not.
    None,
    /// It is being asked for this reason.
    Pending,
    /// It was asked in vain. When it, or the network, returns the allocation may still be there.
    Unanswered,
}

/// A request with how often the server wanted other credentials for it.
#[derive(Debug)]
pub(crate) struct Request {
    attempt: Attempt,
    rejections: u32,
    /// How often only its nonce was too old by then.
    stale: u32,
    /// The number of the nonce that it was last sent with.
    nonce: u32,
}

/// Which request of an allocation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Target {
    Allocate,
    Refresh,
    Channel(usize),
}

/// What a response, or its absence, meant.
#[derive(Debug)]
pub(crate) enum Outcome {
    Nothing,
    Allocated,
    /// The allocation is still there.
    Refreshed,
    /// Data can be exchanged with one more peer.
    Bound,
    /// There will be no allocation.
    Refused(ErrorCode),
    /// There is no allocation any more.
    Lost,
    /// Another server is to be asked, over another stream.
    Redirected(SocketAddr),
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            State::Allocating(_) => "allocating",
            State::Allocated { .. } => "allocated",
            State::Failed => "failed",
        }
    }
}

impl Request {
    fn new(rng: &mut Rng, now: Instant) -> Self {
        Request {
            attempt: Attempt::new(rng, now),
            rejections: 0,
            stale: 0,
            nonce: 0,
        }
    }
}

impl Allocation {
    pub(crate) fn new(
        id: AllocationId,
        base: Base,
        protocol: RelayProtocol,
        (server, addr): (usize, SocketAddr),
        login: Login,
        rng: &mut Rng,
        now: Instant,
    ) -> Self {
        Allocation {
            id,
            base,
            protocol,
            server,
            twins: Vec::new(),
            addr,
            state: State::Allocating(Request::new(rng, now)),
            family: base.addr.is_ipv6().then_some(AddressFamily::Ipv6),
            login,
            auth: None,
            nonces: 0,
            redirects: 0,
            channels: Vec::new(),
        }
    }

    fn set_state(&mut self, state: State) {
        let (before, after) = (self.state.name(), state.name());
        let (id, server) = (self.id.0, self.server);
        tracing::debug!("TURN allocation {id} at ICE server {server}: {before} -> {after}");
        self.state = state;
    }

    /// The indexes of its servers.
    pub(crate) fn servers(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.server).chain(self.twins.iter().copied())
    }

    pub(crate) fn is_of(&self, server: usize) -> bool {
        self.servers().any(|own| own == server)
    }

    /// The server at `addr` is asked for it from this base's socket and with this login.
    pub(crate) fn is_same(&self, base: Base, addr: SocketAddr, login: &Login) -> bool {
        let way = (self.base.socket, self.protocol, self.addr);
        way == (base.socket, RelayProtocol::Udp, addr)
            && self.login == *login
            && !matches!(self.state, State::Failed)
    }

    pub(crate) fn relayed(&self) -> Option<SocketAddr> {
        match self.state {
            State::Allocated { relayed, .. } => Some(relayed),
            _ => None,
        }
    }

    /// Whether there will be, or still is, an allocation is not known yet.
    pub(crate) fn is_pending(&self) -> bool {
        matches!(
            self.state,
            State::Allocating(_)
                | State::Allocated {
                    refresh: Refresh::Asking {
                        verification: Verification::Pending,
                        ..
                    },
                    ..
                }
        )
    }

    /// The server was asked in vain.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Failed) || self.is_silent()
    }

    /// The server had allocated, and was asked in vain whether it still does.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(
            self.state,
            State::Allocated {
                refresh: Refresh::Asking {
                    verification: Verification::Unanswered,
                    ..
                },
                ..
            }
        )
    }

    /// Asks the server whether it still knows the allocation: one that was started again does not,
    /// and drops what is sent through it without a word.
    pub(crate) fn verify(&mut self, rng: &mut Rng, now: Instant) {
        let State::Allocated { refresh, .. } = &mut self.state else {
            return;
        };
        match refresh {
            Refresh::Asking { verification, .. } if *verification != Verification::Unanswered => {
                *verification = Verification::Pending;
            }
            Refresh::At(_) | Refresh::Asking { .. } => {
                *refresh = Refresh::Asking {
                    request: Request::new(rng, now),
                    verification: Verification::Pending,
                };
            }
        }
    }

    /// Its base as that of a relayed candidate: what lies behind the server is UDP.
    pub(crate) fn relayed_base(&self, relayed: SocketAddr) -> Base {
        Base {
            addr: relayed,
            relay: Some(self.id),
            protocol: Protocol::Udp,
            preference: candidate::relay_preference(self.base.preference, self.protocol),
            ..self.base
        }
    }

    /// The channel to a peer, once it is bound.
    pub(crate) fn channel(&self, peer: SocketAddr) -> Option<ChannelNumber> {
        let bound = |channel: &&Channel| channel.peer == peer && channel.is_bound();
        let channel = self.channels.iter().find(bound)?;
        Some(channel.number)
    }

    /// A channel to the peer is being bound, and was not.
    pub(crate) fn is_binding(&self, peer: SocketAddr) -> bool {
        let binding = |channel: &Channel| channel.peer == peer && channel.is_binding();
        self.relayed().is_some() && self.channels.iter().any(binding)
    }

    /// Begins to bind a channel to a peer, unless it has one.
    pub(crate) fn open_channel(&mut self, peer: SocketAddr, rng: &mut Rng, now: Instant) {
        // RFC 8656 §7.1: an allocation reaches its own family only.
        let family = |relayed: SocketAddr| relayed.is_ipv4() == peer.is_ipv4();
        if !self.relayed().is_some_and(family) {
            return;
        }
        let known = |channel: &&mut Channel| channel.peer == peer;
        if let Some(channel) = self.channels.iter_mut().find(known) {
            return channel.open(rng, now);
        }
        // RFC 8656 §12: a number stays with its peer, so numbers are never used again.
        let next = ChannelNumber::FIRST.get() + self.channels.len() as u16;
        if self.channels.len() >= limits::CHANNELS {
            return;
        }
        if let Some(number) = ChannelNumber::new(next) {
            let channel = Channel::new(peer, number, rng, now);
            self.channels.push(channel);
        }
    }

    /// Writes one request that is due; new ones only when `may_begin`. Says whether it is new.
    pub(crate) fn write_request(
        &mut self,
        now: Instant,
        may_begin: bool,
        out: &mut Vec<u8>,
    ) -> Option<bool> {
        let due = |request: &Request| {
            request.attempt.is_due(now) && (may_begin || !request.attempt.is_new())
        };
        let target = self
            .requests()
            .find(|(_, request)| due(request))
            .map(|(target, _)| target)?;
        let reliable = self.protocol.is_reliable();

        let nonce = self.nonces;
        let request = self.request(target)?;
        request.nonce = nonce;
        let (id, is_new) = (request.attempt.id, request.attempt.is_new());
        request.attempt.sent(now, reliable);
        out.clear();
        let method = match target {
            Target::Allocate => Method::ALLOCATE,
            Target::Refresh => Method::REFRESH,
            Target::Channel(_) => Method::CHANNEL_BIND,
        };

        let mut writer = Writer::new(out, Class::Request, method, id);
        match target {
            Target::Allocate => {
                writer.requested_transport(UDP);
                if let Some(family) = self.family {
                    writer.requested_address_family(family);
                }
            }
            Target::Refresh => {
                writer.lifetime_secs(limits::ALLOCATION_LIFETIME.as_secs() as u32);
            }
            Target::Channel(index) => {
                let channel = &self.channels[index];
                writer
                    .channel_number(channel.number)
                    .xor_peer_address(channel.peer);
            }
        }

        if let Some(auth) = &self.auth {
            auth.sign(&self.login, &mut writer);
        }
        writer.fingerprint();
        Some(is_new)
    }

    /// RFC 8656 §8: a lifetime of zero ends the allocation. Sent once: without it the allocation
    /// ends by itself a little later.
    pub(crate) fn write_release(&self, rng: &mut Rng, now: Instant, out: &mut Vec<u8>) -> bool {
        let (State::Allocated { .. }, Some(auth)) = (&self.state, &self.auth) else {
            return false;
        };
        out.clear();
        let id = Attempt::new(rng, now).id;
        let mut writer = Writer::new(out, Class::Request, Method::REFRESH, id);
        writer.lifetime_secs(0);
        auth.sign(&self.login, &mut writer);
        writer.fingerprint();
        true
    }

    /// Puts a datagram to a peer into what the server forwards.
    pub(crate) fn wrap(&self, peer: SocketAddr, rng: &mut Rng, out: &mut Vec<u8>) {
        if let Some(number) = self.channel(peer) {
            let header = ChannelData::header(number, out.len() as u16);
            out.splice(..0, header);
            return;
        }
        // RFC 8656 §11.1: a Send indication, for peers that checked us before they had a channel.
        let data = std::mem::take(out);
        let id = Attempt::new(rng, Instant::ZERO).id;
        Writer::new(out, Class::Indication, Method::SEND, id)
            .xor_peer_address(peer)
            .data(&data);
    }

    /// The peer, and where the data is in what the server forwarded.
    pub(crate) fn unwrap(&self, bytes: &[u8]) -> Option<(SocketAddr, Range<usize>)> {
        if let Some(framed) = ChannelData::parse(bytes) {
            let of_number = |channel: &&Channel| channel.number == framed.number;
            let channel = self.channels.iter().find(of_number)?;
            let start = ChannelData::HEADER_LEN;
            return Some((channel.peer, start..start + framed.data.len()));
        }
        let message = Message::parse(bytes).ok()?;
        let is_data = (message.class(), message.method()) == (Class::Indication, Method::DATA);
        if !is_data || !message.is_understood() {
            return None;
        }
        let data = message.attribute_range(AttributeType::DATA)?;
        Some((normalized(message.peer_address()?), data))
    }

    /// A response of the server's. None: it is to none of the requests.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        rng: &mut Rng,
        message: &Message<'_>,
    ) -> Option<Outcome> {
        let id = message.transaction_id();
        let target = self
            .requests()
            .find(|(_, request)| request.attempt.id == id)
            .map(|(target, _)| target)?;
        if message.class() == Class::SuccessResponse {
            // RFC 8489 §9.2.5: what does not prove that it knows the password is dropped.
            let authentic = |auth: &Auth| message.verify(&auth.key).is_ok();
            if !self.auth.as_ref().is_some_and(authentic) {
                return Some(Outcome::Nothing);
            }
            return Some(match message.is_understood() {
                true => self.succeeded(now, target, message),
                false => self.refused(now, target, ErrorCode::BAD_REQUEST),
            });
        }
        if !message.is_understood() {
            return Some(self.refused(now, target, ErrorCode::BAD_REQUEST));
        }
        let code = message.error_code().unwrap_or(ErrorCode::BAD_REQUEST);
        match code {
            ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE
                if self.take_challenge(target, code, message) =>
            {
                self.request(target)?.attempt = Attempt::new(rng, now);
                Some(Outcome::Nothing)
            }
            // There are servers that are reached over IPv6 and relay at IPv4.
            ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED
                if target == Target::Allocate && self.family.take().is_some() =>
            {
                self.set_state(State::Allocating(Request::new(rng, now)));
                Some(Outcome::Nothing)
            }
            ErrorCode::TRY_ALTERNATE if target == Target::Allocate => {
                Some(self.redirected(now, rng, message))
            }
            _ => Some(self.refused(now, target, code)),
        }
    }

    /// Time passes. `in_use` says which peers still matter.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        rng: &mut Rng,
        in_use: impl Fn(SocketAddr) -> bool,
    ) -> Outcome {
        for channel in &mut self.channels {
            channel.handle_timeout(now, rng, &in_use);
        }
        match &mut self.state {
            State::Allocating(request) if request.attempt.is_over(now) => {
                self.set_state(State::Failed);
            }
            State::Allocated { expires, .. } if *expires <= now => {
                self.set_state(State::Failed);
                return Outcome::Lost;
            }
            State::Allocated { refresh, .. } => match refresh {
                Refresh::At(at) if *at <= now => {
                    *refresh = Refresh::Asking {
                        request: Request::new(rng, now),
                        verification: Verification::None,
                    };
                }
                // It is asked until the allocation expires.
                Refresh::Asking {
                    request,
                    verification,
                } if request.attempt.is_over(now) => {
                    *request = Request::new(rng, now);
                    if *verification == Verification::Pending {
                        *verification = Verification::Unanswered;
                    }
                }
                _ => {}
            },
            _ => {}
        }
        Outcome::Nothing
    }

    /// When something is to be done; new requests not before `next`.
    pub(crate) fn timeout(&self, next: Instant) -> Option<Instant> {
        let requests = self.requests().map(|(_, request)| {
            let at = request.attempt.at;
            match request.attempt.is_new() {
                true => at.max(next),
                false => at,
            }
        });
        let channels = self.channels.iter().filter_map(Channel::timeout);
        let own = match &self.state {
            State::Allocated {
                refresh: Refresh::At(at),
                ..
            } => Some(*at),
            State::Allocated { expires, .. } => Some(*expires),
            _ => None,
        };
        requests.chain(channels).chain(own).min()
    }

    fn requests(&self) -> impl Iterator<Item = (Target, &Request)> {
        let own = match &self.state {
            State::Allocating(request) => Some((Target::Allocate, request)),
            State::Allocated {
                refresh: Refresh::Asking { request, .. },
                ..
            } => Some((Target::Refresh, request)),
            _ => None,
        };
        let channels = self.channels.iter().enumerate();
        let channels =
            channels.filter_map(|(at, channel)| Some((Target::Channel(at), channel.request()?)));
        // A failed allocation has no channels either.
        own.into_iter()
            .chain(channels)
            .filter(|_| !matches!(self.state, State::Failed))
    }

    fn request(&mut self, target: Target) -> Option<&mut Request> {
        match (target, &mut self.state) {
            (Target::Allocate, State::Allocating(request)) => Some(request),
            (
                Target::Refresh,
                State::Allocated {
                    refresh: Refresh::Asking { request, .. },
                    ..
                },
            ) => Some(request),
            (Target::Channel(at), _) => self.channels.get_mut(at)?.request_mut(),
            _ => None,
        }
    }

    fn succeeded(&mut self, now: Instant, target: Target, message: &Message<'_>) -> Outcome {
        let lifetime = message.lifetime_secs().unwrap_or(0);
        let lifetime = std::time::Duration::from_secs(u64::from(lifetime));
        // RFC 8656 §8: "about 1 minute prior to" the end; earlier when there is less time.
        let refresh_at = now
            + lifetime
                .saturating_sub(limits::REFRESH_AHEAD)
                .max(lifetime / 2);
        match target {
            Target::Allocate => {
                let relayed = message.relayed_address().map(normalized);
                let mapped = message.mapped_address().map(normalized);
                let (Some(relayed), Some(mapped)) = (relayed, mapped) else {
                    return self.refused(now, target, ErrorCode::BAD_REQUEST);
                };
                self.set_state(State::Allocated {
                    relayed,
                    mapped,
                    expires: now + lifetime,
                    refresh: Refresh::At(refresh_at),
                });
                Outcome::Allocated
            }
            Target::Refresh => {
                if let State::Allocated {
                    expires, refresh, ..
                } = &mut self.state
                {
                    *expires = now + lifetime;
                    *refresh = Refresh::At(refresh_at);
                }
                Outcome::Refreshed
            }
            Target::Channel(at) => {
                self.channels[at].bind(now);
                Outcome::Bound
            }
        }
    }

    /// RFC 8489 §9.2.5: new credentials for the request, unless that was tried in vain.
    fn take_challenge(&mut self, target: Target, code: ErrorCode, message: &Message<'_>) -> bool {
        let is_cut = self.auth.as_ref().is_some_and(|auth| auth.is_cut);
        let Some(mut auth) = Auth::challenged(&self.login, is_cut, message) else {
            return false;
        };
        // "If the response is an error response with an error code of 401 […] and the realm is
        // unchanged", the password is wrong.
        let wrong = code == ErrorCode::UNAUTHENTICATED
            && self.auth.as_ref().is_some_and(|old| old.is_like(&auth));
        if wrong
            && auth.may_cut(&self.login)
            && let Some(cut) = Auth::challenged(&self.login, true, message)
        {
            auth = cut;
        } else if wrong {
            let what = match self.login {
                Login::Password { .. } => "username or password",
                Login::Token(_) => "token",
            };
            tracing::debug!("TURN allocation {}: wrong {what}", self.id.0);
            return false;
        }

        let is_new = !self
            .auth
            .as_ref()
            .is_some_and(|old| old.has_nonce_of(&auth));
        let nonces = self.nonces + u32::from(is_new);
        let Some(request) = self.request(target) else {
            return false;
        };
        // A 438 that brings another nonce than the request had only says that time has passed. Two
        // requests under way at once may both have had the one before.
        let is_stale = code == ErrorCode::STALE_NONCE && request.nonce != nonces;
        let (count, most) = match is_stale {
            true => (&mut request.stale, limits::STALE_NONCES),
            false => (&mut request.rejections, limits::REJECTIONS),
        };
        if *count >= most {
            return false;
        }
        *count += 1;
        self.nonces = nonces;
        self.auth = Some(auth);
        true
    }

    /// RFC 8489 §10: another server takes over.
    fn redirected(&mut self, now: Instant, rng: &mut Rng, message: &Message<'_>) -> Outcome {
        let alternate = message.alternate_server().map(normalized);
        let usable = |addr: &SocketAddr| {
            addr.is_ipv4() == self.addr.is_ipv4() && *addr != self.addr && addr.port() != 0
        };
        match alternate.filter(usable) {
            Some(addr) if self.redirects < limits::REDIRECTS => {
                if self.protocol.has_connection() {
                    self.set_state(State::Failed);
                    return Outcome::Redirected(addr);
                }
                self.redirects += 1;
                self.addr = addr;
                self.auth = None;
                self.set_state(State::Allocating(Request::new(rng, now)));
                Outcome::Nothing
            }
            _ => self.refused(now, Target::Allocate, ErrorCode::TRY_ALTERNATE),
        }
    }

    fn refused(&mut self, now: Instant, target: Target, code: ErrorCode) -> Outcome {
        match target {
            Target::Allocate => {
                self.set_state(State::Failed);
                Outcome::Refused(code)
            }
            Target::Channel(at) if code != ErrorCode::ALLOCATION_MISMATCH => {
                self.channels[at].refuse(now, code);
                Outcome::Nothing
            }
            // The allocation lives until it expires.
            Target::Refresh if passes(code) => {
                if let State::Allocated { refresh, .. } = &mut self.state {
                    *refresh = Refresh::At(now + limits::TURN_RETRY);
                }
                Outcome::Nothing
            }
            // The server restarted, or does not know us any more.
            Target::Refresh | Target::Channel(_) => {
                self.set_state(State::Failed);
                Outcome::Lost
            }
        }
    }
}

/// The raw value of PASSWORD-ALGORITHMS.
fn raw_algorithms(message: &Message<'_>) -> Option<Vec<u8>> {
    let raw = message.attribute(AttributeType::PASSWORD_ALGORITHMS)?;
    (raw.len() <= limits::CHALLENGE_LEN).then(|| raw.to_vec())
}
