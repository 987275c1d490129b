//! A TURN server on the simulated network (RFC 8656), strict about what it is sent.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use duologue_base::Instant;
use duologue_stun::{
    AttributeType, ChannelData, ChannelNumber, Class, ErrorCode, Key, Message, Method,
    PasswordAlgorithm, Writer, userhash,
};

const REALM: &str = "example.org";
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";

/// From, to, bytes.
pub(crate) type Outgoing = Vec<(SocketAddr, SocketAddr, Vec<u8>)>;

#[derive(Debug)]
pub(crate) struct TurnServer {
    pub(crate) at: SocketAddr,
    pub(crate) realm: &'static str,
    /// Offers SHA-256 and hides user names.
    pub(crate) modern: bool,
    /// Wants this token and its key (RFC 7635) in the place of a password.
    pub(crate) token: Option<(&'static [u8], &'static [u8])>,
    /// Somebody on the way takes the offer of algorithms out of its challenges.
    pub(crate) bid_down: bool,
    /// The families that were asked for (RFC 8656 §18.8); 0 without a word about it.
    pub(crate) families: Vec<u8>,
    /// Answers Allocate with this.
    pub(crate) refuses: Option<ErrorCode>,
    /// So many clients look like earlier ones, whose allocations are still there.
    pub(crate) mismatches: HashSet<SocketAddr>,
    pub(crate) mismatches_left: usize,
    pub(crate) alternate: Option<SocketAddr>,
    pub(crate) lifetime: Duration,
    /// Nonces live so long.
    pub(crate) nonce_life: Duration,
    /// So many requests find their nonce too old, whatever it is.
    pub(crate) stale_left: u32,
    /// Each of them is told another one.
    pub(crate) stale_is_new: bool,
    pub(crate) allocations: HashMap<SocketAddr, Relay>,
    pub(crate) requests: HashMap<u16, usize>,
    /// Send and Data indications, ChannelData messages.
    pub(crate) indications: usize,
    pub(crate) channel_messages: usize,
    /// Adds an attribute to its answers that nobody knows and everybody has to.
    pub(crate) cryptic: bool,
    /// Accepts connections.
    pub(crate) tcp: bool,
    /// Does not answer requests of this method.
    pub(crate) silent_to: Option<Method>,
    /// Refuses to bind or refresh channels.
    pub(crate) refuses_channels: Option<ErrorCode>,
    /// Refuses to refresh allocations.
    pub(crate) refuses_refreshes: Option<ErrorCode>,
    /// Relays at this IPv4 address, and at no IPv6 one.
    pub(crate) ipv4_only: Option<IpAddr>,
    next_port: u16,
}

#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) relayed: SocketAddr,
    expires: Instant,
    permissions: HashMap<IpAddr, Instant>,
    channels: HashMap<u16, (SocketAddr, Instant)>,
    seen: HashSet<[u8; 12]>,
}

impl TurnServer {
    pub(crate) fn new(at: &str) -> Self {
        TurnServer {
            at: at.parse().expect("an address"),
            realm: REALM,
            modern: false,
            token: None,
            bid_down: false,
            families: Vec::new(),
            refuses: None,
            mismatches: HashSet::new(),
            mismatches_left: 0,
            alternate: None,
            lifetime: Duration::from_secs(600),
            nonce_life: Duration::from_secs(3600),
            stale_left: 0,
            stale_is_new: true,
            allocations: HashMap::new(),
            requests: HashMap::new(),
            indications: 0,
            channel_messages: 0,
            cryptic: false,
            tcp: false,
            silent_to: None,
            refuses_channels: None,
            refuses_refreshes: None,
            ipv4_only: None,
            next_port: 50_000,
        }
    }

    pub(crate) fn count(&self, method: Method) -> usize {
        self.requests.get(&method.0).copied().unwrap_or(0)
    }

    pub(crate) fn owns(&self, addr: SocketAddr) -> bool {
        let relays = addr.ip() == self.at.ip() || Some(addr.ip()) == self.ipv4_only;
        addr == self.at || (relays && addr.port() >= 50_000)
    }

    pub(crate) fn handle(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Outgoing {
        self.allocations.retain(|_, relay| relay.expires > now);
        if to != self.at {
            return self.forward(now, from, to, bytes);
        }
        if let Some(framed) = ChannelData::parse(bytes) {
            self.channel_messages += 1;
            let relay = self.allocations.get(&from);
            let bound =
                relay.and_then(|relay| Some((relay, relay.channels.get(&framed.number.get())?)));
            return match bound {
                Some((relay, (peer, until))) if *until > now => {
                    vec![(relay.relayed, *peer, framed.data.to_vec())]
                }
                _ => Vec::new(),
            };
        }
        let message = Message::parse(bytes).expect("clients send STUN or ChannelData");
        if message.class() == Class::Indication {
            assert_eq!(message.method(), Method::SEND);
            self.indications += 1;
            return self.send_indication(now, from, &message);
        }
        if self.silent_to == Some(message.method()) {
            *self.requests.entry(message.method().0).or_default() += 1;
            return Vec::new();
        }
        let answer = self.answer(now, from, &message);
        vec![(self.at, from, answer)]
    }

    fn send_indication(&self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Outgoing {
        let peer = message.peer_address().expect("an address");
        let permitted = |relay: &&Relay| {
            relay
                .permissions
                .get(&peer.ip())
                .is_some_and(|until| *until > now)
        };
        let relay = self.allocations.get(&from).filter(permitted);
        let data = message.data().expect("data").to_vec();
        relay
            .map(|relay| (relay.relayed, peer, data))
            .into_iter()
            .collect()
    }

    fn forward(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Outgoing {
        let found = self
            .allocations
            .iter()
            .find(|(_, relay)| relay.relayed == to);
        let Some((client, relay)) = found else {
            return Vec::new();
        };
        if relay
            .permissions
            .get(&peer.ip())
            .is_none_or(|until| *until <= now)
        {
            return Vec::new();
        }
        let channel = relay
            .channels
            .iter()
            .find(|(_, (bound, until))| *bound == peer && *until > now);
        let mut out = Vec::new();
        match channel.and_then(|(number, _)| ChannelNumber::new(*number)) {
            Some(number) => {
                out.extend_from_slice(&ChannelData::header(number, bytes.len() as u16));
                out.extend_from_slice(bytes);
            }
            None => {
                self.indications += 1;
                let id = duologue_stun::TransactionId([0; 12]);
                Writer::new(&mut out, Class::Indication, Method::DATA, id)
                    .xor_peer_address(peer)
                    .data(bytes);
            }
        }
        vec![(self.at, *client, out)]
    }

    fn nonce(&self, now: Instant) -> String {
        let epoch = now.as_nanos() / self.nonce_life.as_nanos() as u64;
        let epoch = epoch + u64::from(self.stale_left) * u64::from(self.stale_is_new);
        match self.modern {
            true => format!("obMatJos2wAAA{epoch}"),
            false => format!("nonce{epoch}"),
        }
    }

    fn key(&self) -> Key {
        if let Some((_, mac_key)) = self.token {
            return Key::of_token(mac_key);
        }
        let algorithm = match self.modern {
            true => PasswordAlgorithm::Sha256,
            false => PasswordAlgorithm::Md5,
        };
        Key::long_term(USER, self.realm, PASSWORD, algorithm)
    }

    /// RFC 8489 §9.2.4
    fn check(&mut self, now: Instant, message: &Message<'_>) -> Result<(), ErrorCode> {
        let user = match self.modern {
            true => message.userhash() == Some(&userhash(USER, self.realm)),
            false => message.username() == Some(USER),
        };
        let token = self.token.map(|(token, _)| token);
        if message.access_token() != token {
            return Err(ErrorCode::UNAUTHENTICATED);
        }
        let integrity = match self.modern {
            true => AttributeType::MESSAGE_INTEGRITY_SHA256,
            false => AttributeType::MESSAGE_INTEGRITY,
        };
        if !user || message.attribute(integrity).is_none() || message.realm() != Some(self.realm) {
            return Err(ErrorCode::UNAUTHENTICATED);
        }
        if self.stale_left > 0 {
            self.stale_left -= 1;
            return Err(ErrorCode::STALE_NONCE);
        }
        if message.nonce() != Some(&self.nonce(now)) {
            return Err(ErrorCode::STALE_NONCE);
        }
        // RFC 8489 §9.2.4: what we offered comes back unchanged, with the better one chosen.
        let chosen = message.password_algorithm() == Some(PasswordAlgorithm::Sha256);
        if self.modern && (message.password_algorithms().count() != 2 || !chosen) {
            return Err(ErrorCode::BAD_REQUEST);
        }
        message
            .verify(&self.key())
            .map_err(|_| ErrorCode::UNAUTHENTICATED)
    }

    fn answer(&mut self, now: Instant, from: SocketAddr, message: &Message<'_>) -> Vec<u8> {
        assert!(message.has_fingerprint());
        if message.method() == Method::BINDING {
            let (mut out, id) = (Vec::new(), message.transaction_id());
            Writer::new(&mut out, Class::SuccessResponse, Method::BINDING, id)
                .xor_mapped_address(from);
            return out;
        }
        *self.requests.entry(message.method().0).or_default() += 1;
        let result = self
            .check(now, message)
            .and_then(|()| self.perform(now, from, message));
        let (mut out, key) = (Vec::new(), self.key());
        let (id, method) = (message.transaction_id(), message.method());
        match result {
            Ok(lifetime) => {
                let mut writer = Writer::new(&mut out, Class::SuccessResponse, method, id);
                if let (Method::ALLOCATE, Some(relay)) = (method, self.allocations.get(&from)) {
                    writer
                        .xor_relayed_address(relay.relayed)
                        .xor_mapped_address(from);
                }
                writer.lifetime_secs(lifetime.as_secs() as u32);
                if self.cryptic {
                    writer.attribute(AttributeType(0x7ffe), b"?");
                }
                match self.modern {
                    true => writer.integrity_sha256(&key),
                    false => writer.integrity(&key),
                };
            }
            Err(code) => {
                let mut writer = Writer::new(&mut out, Class::ErrorResponse, method, id);
                writer.error_code(code);
                if matches!(code, ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE) {
                    writer.realm(self.realm).nonce(&self.nonce(now));
                    if self.token.is_some() {
                        let name = AttributeType::THIRD_PARTY_AUTHORIZATION;
                        writer.attribute(name, b"auth.example");
                    }
                    if self.modern && !self.bid_down {
                        writer.password_algorithms(&[
                            PasswordAlgorithm::Md5,
                            PasswordAlgorithm::Sha256,
                        ]);
                    }
                }
                if let (ErrorCode::TRY_ALTERNATE, Some(alternate)) = (code, self.alternate) {
                    writer.alternate_server(alternate);
                }
            }
        }
        out
    }

    fn perform(
        &mut self,
        now: Instant,
        from: SocketAddr,
        message: &Message<'_>,
    ) -> Result<Duration, ErrorCode> {
        match message.method() {
            Method::ALLOCATE => {
                assert_eq!(message.requested_transport(), Some(17));
                let family = message.attribute(AttributeType::REQUESTED_ADDRESS_FAMILY);
                let family = family.map_or(0, |value| value[0]);
                self.families.push(family);
                if let Some(code) = self.refuses {
                    return Err(code);
                }
                if self.ipv4_only.is_some() && family == 2 {
                    return Err(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
                }
                if self.mismatches_left > 0 && self.mismatches.insert(from) {
                    self.mismatches_left -= 1;
                }
                if self.mismatches.contains(&from) {
                    return Err(ErrorCode::ALLOCATION_MISMATCH);
                }
                // RFC 8656 §7.2: a retransmission gets the same answer.
                let id = message.transaction_id().0;
                if let Some(relay) = self.allocations.get(&from) {
                    return match relay.seen.contains(&id) {
                        true => Ok(self.lifetime),
                        false => Err(ErrorCode::ALLOCATION_MISMATCH),
                    };
                }
                self.next_port += 1;
                let relay = Relay {
                    relayed: SocketAddr::new(
                        self.ipv4_only.unwrap_or(self.at.ip()),
                        self.next_port,
                    ),
                    expires: now + self.lifetime,
                    permissions: HashMap::new(),
                    channels: HashMap::new(),
                    seen: HashSet::from([id]),
                };
                self.allocations.insert(from, relay);
                Ok(self.lifetime)
            }
            Method::REFRESH => {
                if let Some(code) = self.refuses_refreshes {
                    return Err(code);
                }
                let relay = self.allocations.get_mut(&from);
                let relay = relay.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
                if message.lifetime_secs() == Some(0) {
                    self.allocations.remove(&from);
                    return Ok(Duration::ZERO);
                }
                relay.expires = now + self.lifetime;
                Ok(self.lifetime)
            }
            Method::CHANNEL_BIND => {
                if let Some(code) = self.refuses_channels {
                    return Err(code);
                }
                let relay = self.allocations.get_mut(&from);
                let relay = relay.ok_or(ErrorCode::ALLOCATION_MISMATCH)?;
                let peer = message.peer_address().ok_or(ErrorCode::BAD_REQUEST)?;
                let number = message
                    .channel_number()
                    .ok_or(ErrorCode::BAD_REQUEST)?
                    .get();
                let clash = relay
                    .channels
                    .iter()
                    .any(|(n, (bound, _))| (*n == number) != (*bound == peer));
                if clash {
                    return Err(ErrorCode::BAD_REQUEST);
                }
                let minutes = |n: u64| now + Duration::from_secs(60 * n);
                relay.permissions.insert(peer.ip(), minutes(5));
                relay.channels.insert(number, (peer, minutes(10)));
                Ok(self.lifetime)
            }
            other => panic!("{other:?} is not used"),
        }
    }
}
