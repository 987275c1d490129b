//! Bounds of everything that another party, or the network, could make grow.

use std::time::Duration;

/// Packets that were sent and whose fate is remembered: three seconds of 50 Mbit/s. A power of two
/// below half the space of transport-wide sequence numbers.
pub(crate) const HISTORY_PACKETS: usize = 16_384;
/// How long a packet without a word of it is remembered.
pub(crate) const HISTORY_TIME: Duration = Duration::from_secs(10);
/// Streams whose packets are remembered by their own sequence numbers.
pub(crate) const HISTORY_STREAMS: usize = 256;
/// Packets of one feedback message that are read.
pub(crate) const FEEDBACK_PACKETS: usize = 16_384;

/// Packets from which the acknowledged rate is computed.
pub(crate) const THROUGHPUT_PACKETS: usize = 500;
/// Probes that wait to be sent or answered.
pub(crate) const PROBES: usize = 8;
/// Plans that wait to be taken.
pub(crate) const PLANS: usize = 16;

/// The least that a controller ever allows, in bits per second.
pub(crate) const RATE_MIN: u64 = 5_000;
/// The most, in bits per second.
pub(crate) const RATE_MAX: u64 = 10_000_000_000;

/// Streams (SSRCs) that are received on one transport. A peer makes none beyond: its packets are
/// counted and dropped.
pub(crate) const SOURCES: usize = 256;

/// Of these, streams of receivers that take nothing at the moment, whose counters are kept.
pub(crate) const PAUSED_SOURCES: usize = 64;

/// The longest tone that is played (webrtc-pc §7.2): 300 reports.
pub(crate) const LONGEST_TONE: Duration = Duration::from_millis(6_000);

/// Packets that came before the description that says what they are.
pub(crate) const EARLY_PACKETS: usize = 64;

/// How long they are kept.
pub(crate) const EARLY_PATIENCE: Duration = Duration::from_millis(500);

/// Sequence numbers of one stream that are missed at a time; older ones are given up.
pub(crate) const MISSING: usize = 1_000;

/// Packets of one stream that one message asks for.
pub(crate) const NACKS: usize = 250;

/// How often one packet is asked for again.
pub(crate) const NACK_TRIES: u8 = 10;

/// A jump of sequence numbers beyond this is another beginning and no loss.
pub(crate) const LARGEST_GAP: u64 = 3_000;

/// Arrivals that wait to be told to the other end's congestion control.
pub(crate) const ARRIVALS: usize = 4_096;

/// Of those, arrivals that were told of as lost before.
pub(crate) const LATE_ARRIVALS: usize = 64;

/// Packets of one stream whose arrival waits to be told of, or was and may be again.
pub(crate) const STREAM_ARRIVALS: usize = 1_024;

/// Items for the application that wait in the session until its host takes them, each turn.
pub(crate) const OUTLET_ITEMS: usize = 4_096;

/// Reports that wait.
pub(crate) const REPORTS: usize = 1_024;

/// Packets that wait to be sent, of one sender. The owner bounds what it hands over; beyond this
/// the oldest are dropped.
pub(crate) const SEND_QUEUE: usize = 4_096;

/// Packets of one stream that can be sent again.
pub(crate) const RESEND_PACKETS: usize = 1_024;

/// Bytes of one stream that can be sent again.
pub(crate) const RESEND_BYTES: usize = 4 << 20;

/// Packets of one stream that can be sent again as they went: where no stream of repetitions is agreed
/// on.
pub(crate) const SEALED_PACKETS: usize = 512;

/// Bytes of them.
pub(crate) const SEALED_BYTES: usize = 1 << 20;

/// Payloads of received packets share pieces of memory of this size.
pub(crate) const SLAB_BYTES: usize = 64 << 10;

/// Packets of one stream that wait to be sent again.
pub(crate) const RESENDS: usize = 256;

/// Bytes of a payload: what fits a datagram on every path with headers, extensions and SRTP's tag.
pub(crate) const LARGEST_PAYLOAD: usize = 1_400;

/// The least time between two key frames of one stream that the other end can have. Chromium and
/// Firefox make one in this time, too, however often they are asked.
pub(crate) const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(300);

/// Report blocks in one report: what its five bits count (RFC 3550 §6.4.1).
pub(crate) const REPORT_BLOCKS: usize = 31;

/// Streams whose sender reports one datagram has: what room there is beside report blocks.
pub(crate) const SENDER_REPORTS: usize = 6;

/// Other ends that are told how long their question took, in one report.
pub(crate) const DLRR_ENTRIES: usize = 16;

/// Bytes of one datagram of RTCP.
pub(crate) const RTCP_BYTES: usize = 1_200;

/// Frames of one stream, since its last key frame, that later ones can be told to need.
pub(crate) const DESCRIBED_FRAMES: usize = 128;

/// Numbers of frames of one stream that were handed out, by which it is known what later ones may need.
pub(crate) const KNOWN_FRAMES: usize = 256;

/// Packets of one stream that wait to become frames.
pub(crate) const ASSEMBLY_PACKETS: usize = 1_024;

/// Bytes of them.
pub(crate) const ASSEMBLY_BYTES: usize = 4 << 20;

/// Bytes of one frame.
pub(crate) const FRAME_BYTES: usize = 4 << 20;

/// Streams that one pacer serves.
pub(crate) const PACED_STREAMS: usize = 512;
/// Packets that wait in one stream: two frames of the largest size.
pub(crate) const PACED_PACKETS: usize = 8_192;
/// Dropped frames that wait to be taken; the newest are kept.
pub(crate) const DROPPED_FRAMES: usize = 64;

/// Streams that a target is divided between.
pub(crate) const ALLOCATED_STREAMS: usize = 512;

/// Packets of one stream that are kept for parity to recover others with: more than the 109 numbers
/// that one packet of parity reaches.
pub(crate) const PROTECTED_PACKETS: usize = 128;

/// Packets of parity of one stream that wait for those that they protect.
pub(crate) const PARITIES: usize = 16;

/// Payloads of a stream of audio that go again with later ones.
pub(crate) const REDUNDANT_PAYLOADS: usize = 2;

/// Reports whose loss decides how well packets are protected.
pub(crate) const REPORTED_LOSSES: usize = 20;

/// Packets that are protected together: the numbers that ULPFEC's mask reaches.
pub(crate) const PROTECTION_GROUP: usize = 48;

/// Packets of parity of one stream that wait to be sent.
pub(crate) const WAITING_PARITIES: usize = 64;

/// Layers of a publisher that are forwarded; packets of further ones are left out.
pub(crate) const FORWARD_LAYERS: usize = 8;

/// Spatial layers of one stream that are told apart: as many as VP9 can have (RFC 9628 §4.2, N_S).
pub(crate) const FORWARD_SPATIAL_LAYERS: usize = 8;

/// Temporal layers of one stream that are told apart: as many as VP9 and dependency descriptors can have
/// (RFC 9628 §4.2, TID).
pub(crate) const FORWARD_TEMPORAL_LAYERS: usize = 8;

/// Numbers of packets that a receiver does not get and that are remembered, until which late ones find
/// their place.
pub(crate) const FORWARD_LEFT_OUT: usize = 256;

/// How long bytes of a layer are counted for its rate.
pub(crate) const FORWARD_RATE_TIME: Duration = Duration::from_millis(500);

/// A layer of which nothing came for so long is not sent.
pub(crate) const FORWARD_SILENCE: Duration = Duration::from_secs(1);

/// How often a publisher is asked for a key frame that does not come.
pub(crate) const FORWARD_KEY_FRAME_INTERVAL: Duration = Duration::from_millis(500);

/// How long a receiver waits for a frame with which it may get a higher temporal layer, where frames say
/// which do, before a key frame is asked for instead. Encoders have such frames every few pictures.
pub(crate) const FORWARD_UP_PATIENCE: Duration = Duration::from_secs(3);

/// The most that a receiver's time stamps go on by from one layer to another.
pub(crate) const FORWARD_STEP: Duration = Duration::from_secs(5);

/// Sources that are told of, of each kind: a packet has at most 15 contributing ones.
pub(crate) const TOLD_SOURCES: usize = 16;

/// How often sources are told of, so that who shows the speaker sees it.
pub(crate) const SOURCES_TOLD: Duration = Duration::from_millis(100);

/// webrtc-pc §5.3: sources "in the last 10 seconds".
pub(crate) const SOURCE_KEPT: Duration = Duration::from_secs(10);

/// For how long packets without a capture time are told from one that had it. Senders say it once a
/// second, and some of that is lost.
pub(crate) const CAPTURE_TIME_KEPT: Duration = Duration::from_secs(5);
