/// Why a transport failed. The W3C's `RTCIceTransport` says that it did, and not why.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// No candidate of this end was gathered: no interface may be used, or no TURN server relays.
    #[error("there is no local candidate")]
    NoLocalCandidate,
    /// The other end's credentials never came.
    #[error("there is no description of the peer's")]
    NoRemoteDescription,
    /// The other end has no candidates, or signalling lost them.
    #[error("there is no remote candidate")]
    NoRemoteCandidate,
    /// No local candidate can send to any of the remote ones: other families of addresses, other
    /// protocols.
    #[error("no pair could be made of the candidates")]
    NoPair,
    /// Every pair was checked and none was ever answered: UDP is blocked, or a NAT is in the way.
    #[error("no pair works: nothing answers")]
    NoAnswer,
    /// A pair worked, and its checks are no longer answered (RFC 7675 §5.1).
    #[error("no pair works: consent was lost")]
    ConsentLost,
}
