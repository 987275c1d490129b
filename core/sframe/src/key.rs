use std::fmt;

use aws_lc_rs::hkdf;
use duologue_base::Redacted;

use crate::cipher::Cipher;
use crate::limits::BASE_KEY_BYTES;
use crate::suite::NONCE;
use crate::{CipherSuite, KeyError};

/// A key that encrypts and decrypts, with the id that frames name it by.
pub struct Key {
    id: u64,
    /// As a number.
    salt: Redacted<u128>,
    pub(crate) cipher: Cipher,
}

impl Key {
    /// Derives it of what both ends have been told (RFC 9605 §4.4.2).
    ///
    /// # Errors
    /// A base key that is too long; a cryptographic library that fails.
    pub fn derive(suite: CipherSuite, id: u64, base_key: &[u8]) -> Result<Self, KeyError> {
        if base_key.len() > BASE_KEY_BYTES {
            return Err(KeyError::TooLong);
        }
        let secret = hkdf::Salt::new(suite.hkdf(), b"").extract(base_key);
        let derive = |name: &str, length: usize| {
            let label = Self::label(suite, id, name);
            let mut derived = Redacted(vec![0; length]);
            let info = [&label[..]];
            let expanded = secret.expand(&info, Length(length));
            let filled = expanded.and_then(|key| key.fill(&mut derived.0));
            filled.map_err(|_| KeyError::Failed)?;
            Ok::<_, KeyError>(derived)
        };
        let key = derive("key", suite.key_bytes())?;
        let salt = derive("salt", suite.salt_bytes())?;
        Self::from_derived(suite, id, &key.0, &salt.0)
    }

    /// A key of `sframe_key` and `sframe_salt`, which were derived by [`label`](Self::label)
    /// elsewhere: WebCrypto's keys are not to be read.
    ///
    /// # Errors
    /// Another length than the cipher suite's.
    pub fn from_derived(
        suite: CipherSuite,
        id: u64,
        key: &[u8],
        salt: &[u8],
    ) -> Result<Self, KeyError> {
        if key.len() != suite.key_bytes() {
            return Err(KeyError::Length);
        }
        let salt: [u8; NONCE] = salt.try_into().map_err(|_| KeyError::Length)?;
        let number = salt
            .iter()
            .fold(0, |sum, byte| sum << 8 | u128::from(*byte));
        Ok(Key {
            id,
            salt: Redacted(number),
            cipher: Cipher::new(suite, key)?,
        })
    }

    /// What HKDF expands with, of `key` or `salt` (RFC 9605 §4.4.2).
    pub fn label(suite: CipherSuite, id: u64, name: &str) -> Vec<u8> {
        let text = format!("SFrame 1.0 Secret {name} ");
        [
            text.as_bytes(),
            &id.to_be_bytes(),
            &suite.number().to_be_bytes(),
        ]
        .concat()
    }

    /// The id that frames name the key by.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// RFC 9605 §4.4.3: the salt, and the counter over its end.
    pub(crate) fn nonce(&self, counter: u64) -> [u8; NONCE] {
        let bytes = (self.salt.0 ^ u128::from(counter)).to_be_bytes();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&bytes[bytes.len() - NONCE..]);
        nonce
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// How much HKDF is to give.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
