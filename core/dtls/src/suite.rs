//! The cipher suites that handshakes agree on.

use aws_lc_rs::{aead, digest, hmac, tls_prf};

use crate::Version;
use crate::cipher::CipherSuite;

/// How records are protected. All have 16 bytes of tag and 12 of nonce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
}

impl Aead {
    pub(crate) fn algorithm(self) -> &'static aead::Algorithm {
        match self {
            Aead::Aes128Gcm => &aead::AES_128_GCM,
            Aead::Aes256Gcm => &aead::AES_256_GCM,
            Aead::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
        }
    }

    /// RFC 9147 §4.2.3 masks record numbers as QUIC masks packet numbers (RFC 9001 §5.4).
    pub(crate) fn mask(self) -> &'static aead::quic::Algorithm {
        match self {
            Aead::Aes128Gcm => &aead::quic::AES_128,
            Aead::Aes256Gcm => &aead::quic::AES_256,
            Aead::ChaCha20Poly1305 => &aead::quic::CHACHA20,
        }
    }

    pub(crate) fn key_len(self) -> usize {
        self.algorithm().key_len()
    }

    /// What DTLS 1.2 derives of a nonce; GCM's other eight bytes are in each record (RFC 5288 §3,
    /// RFC 7905 §2).
    pub(crate) fn fixed_iv_len(self) -> usize {
        match self {
            Aead::Aes128Gcm | Aead::Aes256Gcm => 4,
            Aead::ChaCha20Poly1305 => 12,
        }
    }
}

/// The hash of a suite: of transcripts and key derivation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    pub(crate) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha256 => &digest::SHA256,
            Hash::Sha384 => &digest::SHA384,
        }
    }

    pub(crate) fn hmac(self) -> hmac::Algorithm {
        match self {
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        }
    }

    pub(crate) fn prf(self) -> &'static tls_prf::Algorithm {
        match self {
            Hash::Sha256 => &tls_prf::P_SHA256,
            Hash::Sha384 => &tls_prf::P_SHA384,
        }
    }

    pub(crate) fn len(self) -> usize {
        self.digest().output_len()
    }
}

/// What the key of the server's certificate must be. DTLS 1.3 does not tie it to the suite.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ServerKey {
    Any,
    /// ECDSA, or EdDSA (RFC 8422 §5.10).
    Ec,
    Rsa,
}

/// A cipher suite (RFC 8446 §B.4; RFC 5289; RFC 7905).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Suite {
    pub(crate) number: CipherSuite,
    pub(crate) version: Version,
    pub(crate) aead: Aead,
    pub(crate) hash: Hash,
    pub(crate) server_key: ServerKey,
}

const fn suite(number: u16, aead: Aead, hash: Hash, server_key: ServerKey) -> Suite {
    let version = match server_key {
        ServerKey::Any => Version::V13,
        ServerKey::Ec | ServerKey::Rsa => Version::V12,
    };
    Suite {
        number: CipherSuite(number),
        version,
        aead,
        hash,
        server_key,
    }
}

/// Those that are offered and accepted, the most wanted first: AES is in hardware where this runs,
/// and 128 bits are what browsers prefer. RFC 8827 §6.5 requires 0xC02B.
pub(crate) const SUITES: [Suite; 9] = [
    suite(0x1301, Aead::Aes128Gcm, Hash::Sha256, ServerKey::Any),
    suite(0x1302, Aead::Aes256Gcm, Hash::Sha384, ServerKey::Any),
    suite(0x1303, Aead::ChaCha20Poly1305, Hash::Sha256, ServerKey::Any),
    suite(0xc02b, Aead::Aes128Gcm, Hash::Sha256, ServerKey::Ec),
    suite(0xc02f, Aead::Aes128Gcm, Hash::Sha256, ServerKey::Rsa),
    suite(0xc02c, Aead::Aes256Gcm, Hash::Sha384, ServerKey::Ec),
    suite(0xc030, Aead::Aes256Gcm, Hash::Sha384, ServerKey::Rsa),
    suite(0xcca9, Aead::ChaCha20Poly1305, Hash::Sha256, ServerKey::Ec),
    suite(0xcca8, Aead::ChaCha20Poly1305, Hash::Sha256, ServerKey::Rsa),
];

impl Suite {
    /// The one of this number, if it is for this version.
    pub(crate) fn find(number: u16, version: Version) -> Option<Suite> {
        let mut suites = SUITES.into_iter();
        suites.find(|suite| suite.number.0 == number && suite.version == version)
    }
}
