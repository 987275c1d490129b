/// Why a frame was not decrypted. It says nothing of other frames.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum DecryptError {
    /// The frame is shorter than its header says, or than a tag: W3C `syntax`.
    #[error("the frame has no SFrame header and tag")]
    Malformed,
    /// No key of this id is known: W3C `keyID`.
    #[error("no key of the id {key} is known")]
    UnknownKey {
        /// The id.
        key: u64,
    },
    /// The tag does not match: made with another key, changed on its way, or forged: W3C `authentication`.
    #[error("the frame is not authentic")]
    NotAuthentic {
        /// The id of the key.
        key: u64,
    },
}

/// Why a frame was not encrypted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum EncryptError {
    /// The key has no counters left: a counter is never used twice (RFC 9605 §4.4.4).
    #[error("the counter of the key has run out")]
    CounterExhausted,
    /// The frame is longer than the cipher takes at once: 64 GiB.
    #[error("the frame is too long")]
    TooLong,
}

/// Why a key is none.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A derived key or salt has another length than the cipher suite's.
    #[error("the key or the salt is not of the cipher suite's length")]
    Length,
    /// The base key has more bytes than it may.
    #[error("the base key is too long")]
    TooLong,
    /// A decrypter has as many keys as it keeps.
    #[error("there are too many keys")]
    TooMany,
    /// The cryptographic library failed.
    #[error("the key could not be derived")]
    Failed,
}
