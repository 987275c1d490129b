/// Why a packet was not opened. It says nothing of other packets: whoever receives counts it and goes
/// on.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum OpenError {
    /// The packet is shorter than its header says, or than a tag; or its version is not 2.
    #[error("the packet has no header and tag")]
    Malformed,
    /// The tag does not match: made with another key, changed on its way, or forged.
    #[error("the packet is not authentic")]
    NotAuthentic,
    /// A packet of this number came before (RFC 3711 §3.3.2).
    #[error("the packet came before")]
    Replayed,
    /// The packet is so far behind the newest one of its stream that nobody knows any more whether
    /// it came before.
    #[error("the packet is too old")]
    TooOld,
    /// The peer has more streams than a context keeps.
    #[error("the peer has too many streams")]
    TooManyStreams,
    /// The CSRCs or header extensions of the packet are in plain, and the context has
    /// [`Cryptex::Required`](crate::Cryptex::Required).
    #[error("the packet's header is not encrypted")]
    PlainHeader,
}

/// Why a packet was not protected. It is as it was.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum ProtectError {
    /// The packet is shorter than its header says or longer than a datagram; or its version is not 2.
    #[error("this is no packet")]
    Malformed,
    /// A packet of this number was protected before. A second one with other bytes would give the
    /// key away (RFC 3711 §9.1, RFC 7714 §5.2): send the same bytes again, or repair with RTX.
    #[error("a packet of this number was protected before")]
    Repeated,
    /// The packet may have been protected before: it is too far behind the newest one of its stream.
    #[error("the packet is too old")]
    TooOld,
    /// The sender has more streams than a context keeps.
    #[error("too many streams")]
    TooManyStreams,
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    #[error("the key is used up")]
    KeyUsedUp,
    /// The header is to be encrypted, and its extension is of a kind that RFC 9335 §5.1 excludes.
    #[error("the packet's header cannot be encrypted")]
    HeaderNotEncryptable,
}

/// Why no keys could be made.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum KeyingError {
    /// The keys and salts have not the lengths of the profile.
    #[error("the keying material has not the length that the profile wants")]
    Length,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Library,
}
