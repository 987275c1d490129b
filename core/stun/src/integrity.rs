use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use duologue_base::Redacted;
use md5::{Digest, Md5};

/// Turns a password into the key of a long-term credential (RFC 8489 §18.5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PasswordAlgorithm {
    /// `MD5(username ":" realm ":" password)`
    Md5,
    /// `SHA-256(username ":" realm ":" password)`
    Sha256,
}

impl PasswordAlgorithm {
    /// The algorithm's number in PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS.
    pub const fn number(self) -> u16 {
        match self {
            PasswordAlgorithm::Md5 => 1,
            PasswordAlgorithm::Sha256 => 2,
        }
    }

    /// The algorithm of this number.
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(PasswordAlgorithm::Md5),
            2 => Some(PasswordAlgorithm::Sha256),
            _ => None,
        }
    }
}

/// The integrity attribute does not prove where a message comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IntegrityError {
    /// The message has no integrity attribute.
    Missing,
    /// The integrity attribute was made with another key, or the message was changed.
    Mismatch,
}

impl fmt::Display for IntegrityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IntegrityError::Missing => "the message has no integrity attribute",
            IntegrityError::Mismatch => "the integrity attribute does not match",
        })
    }
}

impl std::error::Error for IntegrityError {}

/// A key of integrity attributes. Its `Debug` shows nothing.
///
/// It keeps the secret, not the HMACs' expanded state: that is 2 KiB, and a check in a few seconds
/// can make it anew in half a microsecond.
#[derive(Clone)]
pub struct Key(Redacted<Box<[u8]>>);

impl Key {
    /// RFC 8489 §9.1.1: the password is the key. It must have been prepared (RFC 8265), which
    /// leaves ASCII as it is.
    pub fn short_term(password: &str) -> Self {
        Key::from_bytes(password.as_bytes())
    }

    /// RFC 8489 §9.2.2: a digest of user name, realm and password is the key.
    pub fn long_term(
        username: &str,
        realm: &str,
        password: &str,
        algorithm: PasswordAlgorithm,
    ) -> Self {
        let parts = [username, ":", realm, ":", password];
        match algorithm {
            PasswordAlgorithm::Md5 => {
                let mut hash = Md5::new();
                parts.iter().for_each(|part| hash.update(part.as_bytes()));
                Key::from_bytes(&hash.finalize())
            }
            PasswordAlgorithm::Sha256 => Key::from_bytes(sha256(&parts).as_ref()),
        }
    }

    /// RFC 7635 §4.1: the key that an authorization server gave with a token.
    pub fn of_token(mac_key: &[u8]) -> Self {
        Key::from_bytes(mac_key)
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        Key(Redacted(bytes.into()))
    }

    fn sha1(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0)
    }

    fn sha256(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }

    /// The HMAC of a MESSAGE-INTEGRITY that follows `message`, whose length field does not count
    /// that attribute yet.
    pub(crate) fn sign_sha1(&self, message: &[u8]) -> hmac::Tag {
        sign(&self.sha1(), message, 20)
    }

    pub(crate) fn sign_sha256(&self, message: &[u8]) -> hmac::Tag {
        sign(&self.sha256(), message, 32)
    }

    pub(crate) fn verify_sha1(&self, message: &[u8], at: usize) -> Result<(), IntegrityError> {
        compare(&self.sha1(), message, at)
    }

    pub(crate) fn verify_sha256(&self, message: &[u8], at: usize) -> Result<(), IntegrityError> {
        compare(&self.sha256(), message, at)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(<redacted>)")
    }
}

/// RFC 8489 §14.4: the value of USERHASH.
pub fn userhash(username: &str, realm: &str) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(sha256(&[username, ":", realm]).as_ref());
    out
}

fn sha256(parts: &[&str]) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    parts
        .iter()
        .for_each(|part| context.update(part.as_bytes()));
    context.finish()
}

/// RFC 8489 §14.5: the HMAC covers the message up to the attribute, with a length field that
/// counts the attribute and nothing after it.
fn sign(key: &hmac::Key, covered: &[u8], value_len: usize) -> hmac::Tag {
    let len = (covered.len() - 20 + 4 + value_len) as u16;
    let mut context = hmac::Context::with_key(key);
    context.update(&covered[..2]);
    context.update(&len.to_be_bytes());
    context.update(&covered[4..]);
    context.sign()
}

/// The attribute at `at` was checked to fit by `Message::parse`.
fn compare(key: &hmac::Key, message: &[u8], at: usize) -> Result<(), IntegrityError> {
    let len = usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
    let value = &message[at + 4..at + 4 + len];
    let tag = sign(key, &message[..at], len);
    // RFC 8489 §14.6: a truncated SHA-256 value is compared with as much of the HMAC.
    constant_time::verify_slices_are_equal(&tag.as_ref()[..len], value)
        .map_err(|_| IntegrityError::Mismatch)
}
