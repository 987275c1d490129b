use std::collections::{BTreeMap, BTreeSet};

use duologue_base::{Mid, Rng, TransceiverId, TransportKey};

/// Everything that must never be used twice in one connection, whatever is rolled back: mids,
/// transport keys, transceiver ids, header-extension ids, the session version. Also the
/// connection's randomness for credentials.
#[derive(Clone, Debug)]
pub struct Ids {
    pub(crate) rng: Rng,
    next_transport: u32,
    next_transceiver: u32,
    pub(crate) mids: BTreeSet<Mid>,
    pub(crate) extensions: BTreeMap<String, u8>,
    pub(crate) origin: Origin,
}

/// The numbers of the `o=` line.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// RFC 9429 §5.2.1: a 64-bit number whose highest bit is zero, random.
    pub(crate) session_id: u64,
    pub(crate) version: u64,
    /// What the version stands for: the rest of the last created description.
    pub(crate) last: String,
}

impl Ids {
    /// The ids of a new connection.
    pub fn new(mut rng: Rng) -> Self {
        let session_id = rng.u64() >> 1;
        Ids {
            rng,
            next_transport: 0,
            next_transceiver: 0,
            mids: BTreeSet::new(),
            extensions: BTreeMap::new(),
            origin: Origin {
                session_id,
                version: 1,
                last: String::new(),
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
}
