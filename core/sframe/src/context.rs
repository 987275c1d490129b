use std::collections::HashMap;

use crate::limits::KEYS;
use crate::{DecryptError, EncryptError, Header, Key, KeyError};

/// Encrypts the frames of one sender, in turn.
#[derive(Debug)]
pub struct Encrypter {
    key: Key,
    /// Of the next frame; `None`: there is none left.
    counter: Option<u64>,
}

impl Encrypter {
    /// Counts from zero.
    pub fn new(key: Key) -> Self {
        Encrypter {
            key,
            counter: Some(0),
        }
    }

    /// Encrypts with another key from now on. The counter goes on: it may be the same key again.
    pub fn set_key(&mut self, key: Key) {
        self.key = key;
    }

    /// The frame encrypted, with its header in front (RFC 9605 §4.4.3). `metadata` is authenticated and not in it.
    ///
    /// # Errors
    /// A counter that has run out, a frame that is too long for the cipher.
    pub fn encrypt(&mut self, frame: &[u8], metadata: &[u8]) -> Result<Vec<u8>, EncryptError> {
        let counter = self.counter.ok_or(EncryptError::CounterExhausted)?;
        self.counter = counter.checked_add(1);

        let mut sealed = Vec::with_capacity(frame.len() + crate::OVERHEAD_MAX);
        let key = self.key.id();
        Header { key, counter }.write(&mut sealed);
        let from = sealed.len();
        let associated = [&sealed[..], metadata].concat();

        sealed.extend_from_slice(frame);
        let nonce = self.key.nonce(counter);
        match self.key.cipher.seal(nonce, &associated, &mut sealed, from) {
            true => Ok(sealed),
            false => Err(EncryptError::TooLong),
        }
    }
}

/// Decrypts frames of anybody whose key it has.
#[derive(Debug, Default)]
pub struct Decrypter {
    keys: HashMap<u64, Key>,
}

impl Decrypter {
    /// Takes a key, in the place of one of the same id.
    ///
    /// # Errors
    /// More keys than are kept.
    pub fn insert(&mut self, key: Key) -> Result<(), KeyError> {
        if self.keys.len() >= KEYS && !self.keys.contains_key(&key.id()) {
            return Err(KeyError::TooMany);
        }
        self.keys.insert(key.id(), key);
        Ok(())
    }

    /// Forgets a key.
    pub fn remove(&mut self, id: u64) {
        self.keys.remove(&id);
    }

    /// The frame that was encrypted with this metadata (RFC 9605 §4.4.4).
    ///
    /// # Errors
    /// What is no SFrame, of a key that is not known, or not authentic.
    pub fn decrypt(&self, frame: &[u8], metadata: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let (Header { key, counter }, length) = Header::read(frame)?;
        let (header, sealed) = frame.split_at(length);
        let with = self
            .keys
            .get(&key)
            .ok_or(DecryptError::UnknownKey { key })?;

        let associated = [header, metadata].concat();
        let mut opened = sealed.to_vec();
        match with
            .cipher
            .open(with.nonce(counter), &associated, &mut opened)
        {
            true => Ok(opened),
            false => Err(DecryptError::NotAuthentic { key }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CipherSuite;

    fn key(id: u64) -> Key {
        Key::derive(CipherSuite::Aes128CtrHmacSha256_80, id, b"secret").unwrap()
    }

    #[test]
    fn a_counter_is_never_used_twice_also_when_the_same_key_is_set_again() {
        let mut encrypter = Encrypter::new(key(1));
        let first = encrypter.encrypt(b"same", b"").unwrap();
        encrypter.set_key(key(1));
        let second = encrypter.encrypt(b"same", b"").unwrap();
        assert_ne!(first, second);
        assert_eq!(Header::read(&second).unwrap().0.counter, 1);

        encrypter.counter = Some(u64::MAX);
        assert!(encrypter.encrypt(b"last", b"").is_ok());
        let error = encrypter.encrypt(b"none", b"").unwrap_err();
        assert_eq!(error, EncryptError::CounterExhausted);
    }

    #[test]
    fn keys_are_replaced_and_forgotten_and_bounded() {
        let mut decrypter = Decrypter::default();
        for id in 0..KEYS as u64 {
            decrypter.insert(key(id)).unwrap();
        }
        assert_eq!(decrypter.insert(key(KEYS as u64)), Err(KeyError::TooMany));
        let other = Key::derive(CipherSuite::Aes128CtrHmacSha256_80, 3, b"other").unwrap();
        decrypter.insert(other).unwrap();
        let frame = Encrypter::new(key(3)).encrypt(b"x", b"").unwrap();
        assert_eq!(
            decrypter.decrypt(&frame, b""),
            Err(DecryptError::NotAuthentic { key: 3 })
        );
        decrypter.remove(3);
        assert_eq!(
            decrypter.decrypt(&frame, b""),
            Err(DecryptError::UnknownKey { key: 3 })
        );
    }

    #[test]
    fn a_key_does_not_reach_a_log() {
        assert_eq!(format!("{:?}", key(5)), "Key { id: 5, .. }");
    }
}
