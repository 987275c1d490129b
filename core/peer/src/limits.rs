//! Every bound of this crate.

/// ICE servers that are used; further ones are ignored. webrtc-pc §4.2.1: "at least 32".
pub const MAX_ICE_SERVERS: usize = 64;

/// Encodings of one sender (`maxN` of `addTransceiver`), video.
pub const MAX_VIDEO_ENCODINGS: usize = 3;

/// Encodings of one sender, audio.
pub const MAX_AUDIO_ENCODINGS: usize = 1;

/// Bytes that `send()` may queue on one data channel: `canSendSize` of webrtc-pc §6.1.1.2.
pub const SEND_BUFFER_BYTES: u64 = 16 << 20;

/// What a message counts against that besides its bytes.
pub const SEND_OVERHEAD: u64 = 128;

/// UTF-8 bytes of a data channel's label and of its protocol (RFC 8832 §5.1).
pub const MAX_LABEL_BYTES: usize = 65_535;

/// Streams that remote descriptions named; past this, those without a track that the latest one does not
/// name are forgotten.
pub const MAX_REMOTE_STREAMS: usize = 1_024;

/// Transceivers that left the connection and can still be read; older ones are forgotten.
pub const MAX_REMOVED_TRANSCEIVERS: usize = 256;

/// Transports that are closed and can still be read; older ones are forgotten.
pub const MAX_CLOSED_TRANSPORTS: usize = 256;

/// Data channels that are closed and can still be read; older ones are forgotten.
pub const MAX_CLOSED_CHANNELS: usize = 1_024;

/// UTF-8 bytes of a TURN user name: RFC 8489 §14.3, "MUST be shorter than 509 bytes", which the
/// conformance tests read as 509.
pub const MAX_USERNAME_BYTES: usize = 509;

/// Bytes of an access token (RFC 7635): with it a request still fits into a datagram that every path
/// carries.
pub const MAX_ACCESS_TOKEN_BYTES: usize = 700;

/// Longest `expires` of `generateCertificate`: 365 days (webrtc-pc §4.10.1).
pub const MAX_CERTIFICATE_LIFETIME_MS: u64 = 31_536_000_000;

/// `expires` of `generateCertificate` when it is not given: 30 days.
pub const DEFAULT_CERTIFICATE_LIFETIME_MS: u64 = 2_592_000_000;

/// Largest `jitterBufferTarget` (webrtc-pc §5.3).
pub const MAX_JITTER_BUFFER_TARGET_MS: f64 = 4_000.0;

/// `insertDTMF`'s shortest and longest tone (webrtc-pc §7.2).
pub const DTMF_DURATION_MS: std::ops::RangeInclusive<u32> = 40..=6_000;

/// `insertDTMF`'s shortest and longest gap.
pub const DTMF_GAP_MS: std::ops::RangeInclusive<u32> = 30..=6_000;

/// What a "," among the tones waits.
pub const DTMF_COMMA_MS: u64 = 2_000;

/// Isolated tracks that are remembered; past this, those that no sender has are forgotten.
pub const MAX_ISOLATED_TRACKS: usize = 1_024;

/// Bytes of an identity assertion in a description: its line stays below SDP's bound.
pub const MAX_ASSERTION_BYTES: usize = 60 << 10;

/// Identities of the other end that wait to be validated; of more, the oldest is forgotten.
pub const MAX_WAITING_VALIDATIONS: usize = 8;

/// How long a provider may take (webrtc-identity, "IdP Error Handling").
pub const IDENTITY_PROVIDER_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// Remote candidates of an [`StandaloneIceTransport`](crate::StandaloneIceTransport).
pub const MAX_REMOTE_CANDIDATES: usize = 128;

/// Transports that gather ahead, however large `iceCandidatePoolSize` is.
pub(crate) const MAX_POOL: usize = 8;
