use std::time::Duration;

use duologue_base::Rng;

use crate::crypto::random::Random;
use crate::limits::{
    EMBEDDED_MTU, FIRST_RETRANSMISSION, FIRST_RETRANSMISSION_TO_SERVER, HANDSHAKE_MTU,
};
use crate::link::Settings;
use crate::{Confidentiality, DtlsError, Versions};

/// What all DTLS transports of a host share: the settings. Make one and clone it.
#[derive(Clone, Debug)]
pub struct Context {
    settings: Settings,
    /// Of a simulation.
    seed: Option<u64>,
}

impl Context {
    /// A context for peers whose path ICE has shown to work.
    ///
    /// # Errors
    /// [`DtlsError::Library`] if the cryptographic library has no randomness.
    pub fn new() -> Result<Self, DtlsError> {
        Self::build(FIRST_RETRANSMISSION, None)
    }

    /// A context for [`Transport::start_to_server`](crate::Transport::start_to_server): no path to
    /// such a server is known to work, and no media goes there.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn for_servers() -> Result<Self, DtlsError> {
        let mut context = Self::build(FIRST_RETRANSMISSION_TO_SERVER, None)?;
        context.settings.srtp = false;
        context.settings.confidentiality = None;
        Ok(context)
    }

    /// A context for simulations: the randoms of hellos are drawn from `seed`. **Not for connections
    /// between real peers**, since they become predictable. Keys and signatures stay random, so that
    /// lengths may still differ by a byte or two.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn for_simulation(seed: u64) -> Result<Self, DtlsError> {
        Self::build(FIRST_RETRANSMISSION, Some(seed))
    }

    /// Offers and accepts only these versions.
    #[must_use]
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.settings.versions = versions;
        self
    }

    /// Offers, as a client, also a key exchange that quantum computers do not break: X25519MLKEM768
    /// (draft-ietf-tls-ecdhe-mlkem), beside X25519, so that who does not have it answers at once.
    /// The ClientHello has two datagrams then. A server accepts it always.
    #[must_use]
    pub fn with_post_quantum(mut self, offered: bool) -> Self {
        self.settings.post_quantum = offered;
        self
    }

    /// Asks, as a server, every client for a second ClientHello with a cookie (RFC 9147 §5.1),
    /// which costs a round trip. ICE has shown the client's address already; without ICE this is
    /// how to answer a forged address with a few bytes only.
    #[must_use]
    pub fn with_cookies(mut self, asked: bool) -> Self {
        self.settings.cookies = asked;
        self
    }

    /// Tells the secrets of every handshake by [`Transport::poll_key_log`](crate::Transport::poll_key_log):
    /// whoever has them reads what the connection protects. For looking for faults, and for nothing else.
    #[must_use]
    pub fn with_key_log(mut self, told: bool) -> Self {
        self.settings.key_log = told;
        self
    }

    fn build(first_retransmission: Duration, seed: Option<u64>) -> Result<Self, DtlsError> {
        Random::System.bytes::<1>()?;
        Ok(Context {
            settings: Settings {
                versions: Versions::Both,
                first_retransmission,
                mtu: HANDSHAKE_MTU,
                post_quantum: false,
                cookies: false,
                srtp: true,
                confidentiality: Some(Confidentiality::Accepted),
                key_log: false,
            },
            seed,
        })
    }

    /// Its datagrams fit into STUN messages.
    pub(crate) fn embed(&mut self) {
        self.settings.mtu = EMBEDDED_MTU;
    }

    pub(crate) fn set_confidentiality(&mut self, confidentiality: Confidentiality) {
        self.settings.confidentiality = Some(confidentiality);
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    /// The dice of an attempt: in a simulation every handshake would say the same hello otherwise.
    pub(crate) fn random(&self, attempt: u64) -> Random {
        match self.seed {
            None => Random::System,
            Some(seed) => {
                let seed = seed.wrapping_add(attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                Random::Seeded(Rng::from_u64(seed))
            }
        }
    }
}
