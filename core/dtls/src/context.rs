use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use dimpl::{Config, ConfigBuilder, Dtls, DtlsCertificate};
use duologue_base::{DtlsRole, Instant};
use duologue_identity::{Certificate, KeygenAlgorithm};

use crate::clock::Clock;
use crate::limits::{
    FIRST_RETRANSMISSION, FIRST_RETRANSMISSION_TO_SERVER, HANDSHAKE_DEADLINE, HANDSHAKE_MTU,
    LIBRARY_RECEIVE_QUEUE, LIBRARY_SEND_QUEUE, RETRANSMISSIONS,
};
use crate::suite::provider;
use crate::{DtlsError, Version, Versions};

/// What all DTLS transports of a host share: the settings and the tested cryptographic library.
/// Make one and clone it.
#[derive(Clone)]
pub struct Context {
    config: Arc<Config>,
    clock: Clock,
    versions: Versions,
    /// Of a simulation.
    seed: Option<u64>,
}

impl Context {
    /// Tests the cryptographic library, which takes about a millisecond, and some 20 the first time
    /// in a process, when the library seeds itself.
    ///
    /// # Errors
    /// [`DtlsError::Library`] if the library fails its tests.
    pub fn new() -> Result<Self, DtlsError> {
        Self::build(Config::builder(), FIRST_RETRANSMISSION)
    }

    /// The same for [`Transport::start_to_server`](crate::Transport::start_to_server): no path to
    /// such a server is known to work, and only DTLS 1.2, whose certificates are not encrypted,
    /// shows more of them than the first.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn for_servers() -> Result<Self, DtlsError> {
        let context = Self::build(Config::builder(), FIRST_RETRANSMISSION_TO_SERVER)?;
        Ok(context.with_versions(Versions::Only(Version::V12)))
    }

    /// The same for simulations: retransmission timers are drawn from `seed`. **Not for
    /// connections between real peers**, since nonces and hello randoms become predictable too. Keys
    /// and signatures stay random, so that lengths may still differ by a byte or two.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn for_simulation(seed: u64) -> Result<Self, DtlsError> {
        let builder = Config::builder().dangerously_set_rng_seed(seed);
        let mut context = Self::build(builder, FIRST_RETRANSMISSION)?;
        context.seed = Some(seed);
        Ok(context)
    }

    /// Offers and accepts only these versions.
    #[must_use]
    pub fn with_versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// A server that asks every client for a second ClientHello.
    #[cfg(test)]
    pub(crate) fn with_cookies() -> Self {
        let mut context = Context::for_simulation(2).expect("the library works");
        let config = Config::builder()
            .with_crypto_provider(provider())
            .mtu(HANDSHAKE_MTU)
            .require_client_certificate(true)
            .use_server_cookie(true)
            .build();
        context.config = Arc::new(config.expect("a valid configuration"));
        context
    }

    fn build(builder: ConfigBuilder, first_retransmission: Duration) -> Result<Self, DtlsError> {
        let config = builder
            .with_crypto_provider(provider())
            .mtu(HANDSHAKE_MTU)
            .max_queue_rx(LIBRARY_RECEIVE_QUEUE)
            .max_queue_tx(LIBRARY_SEND_QUEUE)
            .flight_start_rto(first_retransmission)
            .flight_retries(RETRANSMISSIONS)
            .handshake_timeout(HANDSHAKE_DEADLINE)
            // RFC 8827 §6.5: both ends present certificates.
            .require_client_certificate(true)
            // A cookie proves the client's address, which ICE has done already.
            .use_server_cookie(false)
            .build()
            .map_err(|_| DtlsError::Library { sent: None })?;
        Ok(Context {
            config: Arc::new(config),
            clock: Clock::new(),
            versions: Versions::Both,
            seed: None,
        })
    }

    /// The same with other dice: in a simulation every handshake would say the same hello again.
    pub(crate) fn another(&self, number: u64) -> Self {
        let Some(seed) = self.seed else {
            return self.clone();
        };
        let seed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let other = Self::for_simulation(seed).map_or_else(
            |_| self.clone(),
            |context| Context {
                clock: self.clock,
                versions: self.versions,
                ..context
            },
        );
        Context {
            seed: self.seed,
            ..other
        }
    }

    /// Whether handshakes can show this certificate: not one with an RSA key.
    pub fn can_use(certificate: &Certificate) -> bool {
        certificate.algorithm() == KeygenAlgorithm::EcdsaP256
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    pub(crate) fn handshake(
        &self,
        certificate: &Certificate,
        role: DtlsRole,
        now: Instant,
    ) -> Result<Dtls, DtlsError> {
        // The library panics on a key of another kind.
        if !Context::can_use(certificate) {
            return Err(DtlsError::UnsupportedCertificate);
        }
        let identity = DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: certificate.private_key_pkcs8().to_vec(),
        };
        let (config, now) = (Arc::clone(&self.config), self.clock.to_std(now));
        let mut dtls = match self.versions {
            Versions::Both => Dtls::new_auto(config, identity, now),
            Versions::Only(Version::V12) => Dtls::new_12(config, identity, now),
            Versions::Only(Version::V13) => Dtls::new_13(config, identity, now),
        };
        if role == DtlsRole::Client {
            dtls.set_active(true);
        }
        Ok(dtls)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("versions", &self.versions)
            .finish_non_exhaustive()
    }
}
