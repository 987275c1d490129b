//! Whom a handshake may be with.

use std::fmt;

use duologue_identity::Fingerprint;

use crate::DtlsError;

/// Decides about a server: its certificate and the others that it sent, which lead to a root, all
/// in DER form. Only the first is proved to be the server's; the others are hints, as in TLS.
pub type Judge = Box<dyn FnOnce(&[u8], &[Vec<u8>]) -> bool + Send>;

/// What makes a peer's certificate the right one.
pub(crate) enum Trust {
    /// One of these is its fingerprint (RFC 8122 §6.2).
    Fingerprints(Vec<Fingerprint>),
    /// The owner says so, once.
    Judge(Judge),
    /// The owner has said so of this one.
    Judged(Vec<u8>),
    /// The owner has said no.
    Refused,
}

impl Trust {
    /// The peer has proved that it has the key of the first certificate.
    pub(crate) fn check(&mut self, chain: &[Vec<u8>]) -> Result<(), DtlsError> {
        let Some((own, others)) = chain.split_first() else {
            return Err(DtlsError::UnsupportedPeerCertificate { sent: None });
        };
        *self = match std::mem::replace(self, Trust::Refused) {
            Trust::Judge(judge) => match judge(own, others) {
                true => Trust::Judged(own.clone()),
                false => Trust::Refused,
            },
            known => known,
        };
        match self {
            Trust::Fingerprints(known) if Fingerprint::any_matches(known, own) => Ok(()),
            Trust::Fingerprints(_) => Err(DtlsError::FingerprintMismatch { sent: None }),
            Trust::Judged(known) if known == own => Ok(()),
            _ => Err(DtlsError::UntrustedCertificate),
        }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trust::Fingerprints(_) => "Fingerprints",
            Trust::Judge(_) | Trust::Judged(_) | Trust::Refused => "Judge",
        })
    }
}
