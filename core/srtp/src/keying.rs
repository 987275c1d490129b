//! From what a handshake exports to the keys of packets (RFC 5764 §4.2, RFC 3711 §4.3).

use std::fmt;

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use duologue_base::{DtlsRole, Redacted, SrtpKeying, SrtpProfile};

use crate::KeyingError;

/// The master key and salt of one direction (RFC 3711 §3.2.1), for one profile.
#[derive(Clone)]
pub struct MasterKey {
    pub(crate) profile: SrtpProfile,
    key: Redacted<Vec<u8>>,
    salt: Redacted<Vec<u8>>,
}

impl MasterKey {
    /// A key and salt that came otherwise than by DTLS.
    ///
    /// # Errors
    /// [`KeyingError::Length`]: not the lengths that the profile has.
    pub fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, KeyingError> {
        if (key.len(), salt.len()) != lengths(profile) {
            return Err(KeyingError::Length);
        }
        Ok(MasterKey {
            profile,
            key: Redacted(key.to_vec()),
            salt: Redacted(salt.to_vec()),
        })
    }

    /// The keys of both directions that a DTLS handshake exported (RFC 5764 §4.2): ours, then the
    /// peer's. `role` is ours: each end protects with the "write key" of its role.
    ///
    /// # Errors
    /// [`KeyingError::Length`]: not as many bytes as the profile wants.
    pub fn of_handshake(keying: &SrtpKeying, role: DtlsRole) -> Result<[Self; 2], KeyingError> {
        let (key, salt) = lengths(keying.profile);
        if keying.material.len() != 2 * (key + salt) {
            return Err(KeyingError::Length);
        }
        let (keys, salts) = keying.material.split_at(2 * key);
        let client = MasterKey::new(keying.profile, &keys[..key], &salts[..salt])?;
        let server = MasterKey::new(keying.profile, &keys[key..], &salts[salt..])?;
        Ok(match role {
            DtlsRole::Client => [client, server],
            DtlsRole::Server => [server, client],
        })
    }

    /// Session keys for RTP.
    pub(crate) fn rtp(&self) -> Result<SessionKeys, KeyingError> {
        self.derive([0, 1, 2])
    }

    /// Session keys for RTCP.
    pub(crate) fn rtcp(&self) -> Result<SessionKeys, KeyingError> {
        self.derive([3, 4, 5])
    }

    /// RFC 3711 §4.3.1, with the labels of encryption, authentication and salt. The key derivation
    /// rate is zero, as DTLS-SRTP has it (RFC 5764 §4.1.2): the keys stay.
    fn derive(&self, labels: [u8; 3]) -> Result<SessionKeys, KeyingError> {
        let algorithm = if self.key.len() == AES_256_BYTES {
            &AES_256
        } else {
            &AES_128
        };
        let master =
            UnboundCipherKey::new(algorithm, &self.key).map_err(|_| KeyingError::Library)?;
        let generator = EncryptingKey::ctr(master).map_err(|_| KeyingError::Library)?;
        // RFC 7714's salt has 96 bits: the first of the 112 that there are for one here.
        let salt = number(&self.salt) << (8 * (SALT_BYTES - self.salt.len()));
        let key = |label: u8, length: usize| {
            // x = label ‖ index / 0, XOR salt; the generator counts in the 16 bits behind it.
            let start = (salt ^ u128::from(label) << 48) << 16;
            let context = EncryptionContext::Iv128(start.to_be_bytes().into());
            let mut key = Redacted(vec![0; length]);
            generator
                .less_safe_encrypt(&mut key.0, context)
                .map_err(|_| KeyingError::Library)?;
            Ok(key)
        };
        Ok(SessionKeys {
            encryption: key(labels[0], self.key.len())?,
            authentication: key(labels[1], AUTHENTICATION_BYTES)?,
            salt: Redacted(number(&key(labels[2], self.salt.len())?)),
        })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// What the packets of one kind in one direction are protected with.
pub(crate) struct SessionKeys {
    pub(crate) encryption: Redacted<Vec<u8>>,
    /// Only the profiles with HMAC use it.
    pub(crate) authentication: Redacted<Vec<u8>>,
    pub(crate) salt: Redacted<u128>,
}

/// Bytes of a profile's keys and salts (RFC 5764 §4.1.2, RFC 7714 §12).
const fn lengths(profile: SrtpProfile) -> (usize, usize) {
    match profile {
        SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => (16, SALT_BYTES),
        SrtpProfile::AeadAes128Gcm => (16, 12),
        SrtpProfile::AeadAes256Gcm => (AES_256_BYTES, 12),
    }
}

fn number(bytes: &[u8]) -> u128 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

const AES_256_BYTES: usize = 32;

/// Of HMAC-SHA1 (RFC 3711 §5.2).
const AUTHENTICATION_BYTES: usize = 20;

/// Of RFC 3711's own profiles, and of key derivation.
const SALT_BYTES: usize = 14;
