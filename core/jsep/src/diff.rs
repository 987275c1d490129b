use duologue_base::TransportKey;
use duologue_identity::Fingerprint;

use crate::agreement::{DtlsRole, IceCredentials, IceKey, IceRole};

/// A change of what transports the data plane must run; the peer makes a session command of each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TransportChange {
    /// A transport is needed. Gathering starts.
    Add {
        /// The transport and its first generation.
        key: IceKey,
        /// This end's credentials.
        local: IceCredentials,
        /// This end's role.
        role: IceRole,
    },
    /// Another generation joins the one in use; the old one runs on until it is dropped.
    RestartIce {
        /// The transport and its new generation.
        key: IceKey,
        /// This end's new credentials.
        local: IceCredentials,
    },
    /// A generation is over: an ICE restart was committed, or one was rolled back.
    DropGeneration {
        /// The transport and the generation to forget.
        key: IceKey,
    },
    /// The other end's credentials are known: checks may start.
    SetRemoteIce {
        /// The transport and the generation they belong to.
        key: IceKey,
        /// The other end's credentials.
        remote: IceCredentials,
        /// The other end is a lite implementation.
        lite: bool,
    },
    /// The DTLS handshake may start.
    StartDtls {
        /// The transport.
        transport: TransportKey,
        /// This end's role.
        role: DtlsRole,
        /// What the other end's certificate must hash to.
        fingerprints: Vec<Fingerprint>,
    },
    /// The other end's certificate or role is another one: a new DTLS association takes the old
    /// one's place (RFC 8842 §5).
    RestartDtls {
        /// The transport.
        transport: TransportKey,
        /// This end's role.
        role: DtlsRole,
        /// What the other end's certificate must hash to.
        fingerprints: Vec<Fingerprint>,
    },
    /// No m-section uses the transport any more.
    Remove {
        /// The transport.
        transport: TransportKey,
    },
    /// The SCTP association may start on this transport.
    StartSctp {
        /// The transport.
        transport: TransportKey,
        /// This end's SCTP port.
        local_port: u16,
        /// The other end's SCTP port.
        remote_port: u16,
        /// The largest message that the other end takes: `None` for any size.
        max_message_size: Option<u64>,
    },
    /// The other end takes messages of another size now.
    SetMaxMessageSize {
        /// The largest message that the other end takes: `None` for any size.
        max_message_size: Option<u64>,
    },
    /// The data m-section was rejected: the association ends (RFC 8841 §10.4).
    StopSctp,
}
