/// What a session received and did not act on, and what it was told in vain. Nothing of this ends
/// a connection.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams received, those below included.
    pub datagrams_received: u64,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Bytes of datagrams received.
    pub bytes_received: u64,
    /// Bytes of datagrams sent.
    pub bytes_sent: u64,
    /// Datagrams at a socket that no transport has.
    pub unknown_socket: u64,
    /// STUN messages and TURN frames that no ICE agent took.
    pub stray_stun: u64,
    /// DTLS and SRTP from addresses that ICE has not heard of, or before the handshake from such that
    /// it has not heard the peer from.
    pub unknown_source: u64,
    /// SRTP packets, those below included.
    pub srtp_packets: u64,
    /// SRTCP packets, those below included.
    pub srtcp_packets: u64,
    /// SRTP and SRTCP packets that came while there were no keys, or no media was agreed on.
    pub unexpected_srtp: u64,
    /// SRTP and SRTCP packets that the keys do not open, or that came before.
    pub refused_srtp: u64,
    /// Datagrams of another protocol (RFC 7983 §7), empty ones among them.
    pub unknown_protocol: u64,
    /// SCTP packets that came before SCTP was started, beyond those that are kept.
    pub early_sctp_dropped: u64,
    /// Commands about what does not exist, or exists already.
    pub ignored_commands: u64,
    /// Remote candidates beyond those that one session checks.
    pub excess_candidates: u64,
    /// Streams that brought something else than messages.
    pub broken_streams: u64,
    /// Sockets that the host could not bind.
    pub failed_binds: u64,
}
