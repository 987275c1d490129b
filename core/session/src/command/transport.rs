use duologue_base::{DtlsRole, Generation, IceCredentials, IceRole};
use duologue_ice as ice;
use duologue_identity::{Certificates, Fingerprint};

/// What a transport is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransportCommand {
    /// Makes it, with a key that was not used before in this connection, and starts to gather
    /// candidates for its first generation.
    Add {
        /// The first set of credentials.
        generation: Generation,
        /// Our ICE user name fragment and password.
        local: IceCredentials,
        /// Whether we nominate.
        role: IceRole,
        /// What the DTLS handshake shows to the peer.
        certificates: Certificates,
    },
    /// Gathers ahead for a transport that may be added later with this key (RFC 9429 §3.5.4);
    /// nothing is reported of it before.
    Prepare {
        /// What the DTLS handshake will show to the peer.
        certificates: Certificates,
    },
    /// Changes who nominates (RFC 8445 §6.1.1).
    SetIceRole {
        /// Our new role.
        role: IceRole,
    },
    /// Starts to gather for a new set of credentials; the selected pair keeps carrying data until
    /// a pair of the new generation is nominated (RFC 8445 §9).
    RestartIce {
        /// The new generation.
        generation: Generation,
        /// Our new credentials.
        local: IceCredentials,
    },
    /// Gives up a generation: the older ones after a restart was agreed, the newest one when it
    /// was rolled back.
    DropGeneration {
        /// What is given up.
        generation: Generation,
    },
    /// The peer's credentials of a generation: checks begin.
    SetRemoteIce {
        /// Which of ours these belong to.
        generation: Generation,
        /// The peer's user name fragment and password.
        remote: IceCredentials,
        /// What else the peer's description says about its agent.
        options: ice::RemoteOptions,
    },
    /// A candidate of the peer.
    AddRemoteCandidate {
        /// Which generation it belongs to.
        generation: Generation,
        /// The candidate.
        candidate: Box<ice::Candidate>,
    },
    /// No more candidates of the peer follow in this generation (RFC 8838 §13).
    EndOfRemoteCandidates {
        /// The generation.
        generation: Generation,
    },
    /// What the application says of candidate pairs.
    Pairs(ice::PairCommand),
    /// The peer has to promise to keep the media from applications (RFC 8833), in the handshakes that begin
    /// from now on.
    RequireConfidentiality,
    /// The DTLS roles and the peer's fingerprints are known: the handshake may begin. What the peer
    /// sent before is kept until this comes.
    StartDtls {
        /// Our role.
        role: DtlsRole,
        /// What the peer's certificate must match.
        fingerprints: Vec<Fingerprint>,
    },
    /// The peer is another one, or has another certificate or role: a new DTLS association takes the
    /// place of the one on this transport (RFC 8842 §5), on a path of the newest generation.
    /// An SCTP association over it ends and is made anew (RFC 8261 §6.1), with new channels.
    RestartDtls {
        /// Our role.
        role: DtlsRole,
        /// What the peer's certificate must match.
        fingerprints: Vec<Fingerprint>,
        /// What the handshake shows to the peer.
        certificates: Certificates,
    },
    /// Ends the transport and all that runs over it.
    Remove,
}
