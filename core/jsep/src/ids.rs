use std::collections::{BTreeMap, BTreeSet};

use duologue_base::{Generation, IceCredentials, Mid, Rng, TransceiverId, TransportKey};
use duologue_rtp::ExtensionId;

use crate::limits::MAX_SECTIONS;

/// Everything that must never be used twice in one connection, whatever is rolled back: mids,
/// transport keys, generations, transceiver ids, header-extension ids, the session version. Also
/// the connection's randomness for credentials. What the other end describes does not make it grow.
#[derive(Clone, Debug)]
pub struct Ids {
    rng: Rng,
    next_transport: u32,
    next_transceiver: u32,
    generations: BTreeMap<TransportKey, u32>,
    /// Smaller numbers are not drawn as mids any more.
    next_mid: u32,
    default_stream: Option<String>,
    /// Header extensions that this end offered, or that an answer took, and their ids.
    pub(crate) extensions: BTreeMap<String, ExtensionId>,
    pub(crate) origin: OriginNumbers,
}

/// The numbers of the `o=` line.
#[derive(Clone, Debug)]
pub(crate) struct OriginNumbers {
    /// RFC 9429 §5.2.1: a random number of 63 bits.
    pub(crate) session_id: u64,
    pub(crate) version: u64,
    /// What the version stands for: a hash of the last created description.
    pub(crate) last: Option<u64>,
}

impl Ids {
    /// The transport that is made next, if no application of a description fails before.
    pub fn next_transport(&self) -> TransportKey {
        TransportKey(self.next_transport)
    }

    /// The ids of a new connection.
    pub fn new(mut rng: Rng) -> Self {
        let session_id = rng.u64() >> 1;
        Ids {
            rng,
            next_transport: 0,
            next_transceiver: 0,
            generations: BTreeMap::new(),
            next_mid: 0,
            default_stream: None,
            extensions: BTreeMap::new(),
            origin: OriginNumbers {
                session_id,
                version: 1,
                last: None,
            },
        }
    }

    /// A new transceiver's id.
    pub fn transceiver(&mut self) -> TransceiverId {
        let id = TransceiverId(self.next_transceiver);
        self.next_transceiver += 1;
        id
    }

    pub(crate) fn transport(&mut self) -> TransportKey {
        let key = TransportKey(self.next_transport);
        self.next_transport += 1;
        key
    }

    /// The next generation of a transport; the first is 0.
    pub(crate) fn generation(&mut self, key: TransportKey) -> Generation {
        let next = self.generations.entry(key).or_default();
        let generation = Generation(*next);
        *next += 1;
        generation
    }

    /// Forgets the generations of transports that are not there any more: their keys do not come
    /// back.
    pub(crate) fn retain_transports(&mut self, used: &BTreeSet<TransportKey>) {
        self.generations.retain(|key, _| used.contains(key));
    }

    /// Remembers that a description used a mid, if it is one that might be drawn here: numbers that
    /// are far from those that were are not, as long as no description shows them.
    pub(crate) fn use_mid(&mut self, mid: &Mid) {
        let number = mid.as_str().parse::<u32>().ok();
        let near = |number: &u32| {
            let reach = self.next_mid.saturating_add(MAX_SECTIONS as u32);
            (self.next_mid..reach).contains(number)
        };
        if let Some(number) = number.filter(near) {
            self.next_mid = number + 1;
        }
    }

    /// Mids that no description of this connection has used, nor any of `others`.
    pub(crate) fn fresh_mids(&self, others: impl IntoIterator<Item = Mid>) -> FreshMids {
        FreshMids {
            used: others.into_iter().collect(),
            number: self.next_mid,
        }
    }

    /// RFC 8839 §5.4 asks for 24 bits of randomness in the name and 128 in the password.
    pub(crate) fn credentials(&mut self) -> IceCredentials {
        IceCredentials {
            ufrag: self.rng.ice_chars(8),
            pwd: self.rng.ice_chars(24).into(),
        }
    }

    /// The stream of remote tracks whose description names none (RFC 9429 §5.8.2): one for the
    /// session.
    pub(crate) fn default_stream(&mut self) -> String {
        let rng = &mut self.rng;
        let stream = self.default_stream.get_or_insert_with(|| rng.uuid());
        stream.clone()
    }
}

/// New mids: small numbers, for they should have at most three bytes (RFC 9429 §5.2.1).
pub(crate) struct FreshMids {
    used: BTreeSet<Mid>,
    number: u32,
}

impl FreshMids {
    pub(crate) fn draw(&mut self) -> Mid {
        loop {
            let mid = self.number.to_string().parse().expect("digits are a token");
            self.number += 1;
            if !self.used.contains(&mid) {
                return mid;
            }
        }
    }
}
