use duologue_rtp::Ssrc;

use crate::packet::RtpSource;

/// What happened to the media of a transceiver.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MediaReport {
    /// The first packet came since the receiver was told what to take, or that its track is muted.
    Unmuted,
    /// The other end ended a stream (RFC 3550 §6.6).
    Bye {
        /// The stream.
        ssrc: Ssrc,
    },
    /// The other end needs a key frame (RFC 4585 §6.3.1, RFC 5104 §4.3.1). It is told of every 300 ms
    /// at most.
    KeyFrameWanted {
        /// Which encoding of the sender.
        encoding: usize,
    },
    /// What the encoder of each encoding may make now, of the path and of what the application allows
    /// (`targetBitrate` of webrtc-stats): bits per second of payloads, 0 for one that is not to be sent.
    /// It is told of when it changes by a twentieth.
    TargetBitrates(Vec<u64>),
    /// Whose media a receiver received in the last ten seconds, the latest first. It is told of while
    /// packets come, ten times a second at most.
    Sources(Vec<RtpSource>),
    /// Packets or frames of the application left the sender's queue: they were sent, or they could not
    /// be and were dropped and counted. Each one that was handed over is told of once, a frame with
    /// the last of its packets.
    Sent {
        /// How many.
        items: usize,
        /// Bytes of their payloads, or of the frames.
        bytes: usize,
    },
}
