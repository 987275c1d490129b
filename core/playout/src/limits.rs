//! Bounds of everything that another party, or the network, could make grow.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Packets of audio that wait.
pub(crate) const PACKETS: usize = 200;
/// What lies between the first of them and the last.
pub(crate) const PACKETS_SPAN: Duration = Duration::from_secs(5);
/// How long one packet lasts. Opus has 120 ms at most, G.711 is sent in up to 200.
pub(crate) const PACKET_TIME: Duration = Duration::from_millis(240);
/// Bytes of one packet: more than any of Opus, and 240 ms of four channels at 16 bits and 8 kHz.
pub(crate) const PACKET_BYTES: usize = 16 << 10;
/// A jump of time stamps beyond this is another beginning and no loss.
pub(crate) const LARGEST_JUMP: Duration = Duration::from_secs(10);
/// A newer packet whose time stamp is further back than this is another beginning: a file that is played again, another
/// source under the same SSRC.
pub(crate) const LARGEST_STEP_BACK: Duration = Duration::from_secs(1);

/// Payload types that one player knows.
pub(crate) const CODECS: usize = 32;
/// Samples a second that a decoder may give.
pub(crate) const SAMPLE_RATES: RangeInclusive<u32> = 8_000..=192_000;
/// Channels that it may give.
pub(crate) const CHANNELS: RangeInclusive<u8> = 1..=8;
/// Ticks a second of a time stamp.
pub(crate) const CLOCK_RATES: RangeInclusive<u32> = 8_000..=192_000;

/// The least and the most that a delay is aimed at. With less, packets of a network that hardly varies are heard to be
/// late, since sound is asked for ten milliseconds at a time. The most leaves a fifth of what may wait as room.
pub(crate) const TARGET: RangeInclusive<Duration> =
    Duration::from_millis(18)..=Duration::from_secs(4);
/// Steps in which one call for ten milliseconds decodes, conceals and makes sound: packets may be as
/// short as 2.5 ms, and stretching looks 30 ms ahead.
pub(crate) const STEPS: usize = 16;

/// Tones that wait or sound.
pub(crate) const TONES: usize = 8;
/// How long one tone lasts; a report has no more at 8 kHz.
pub(crate) const TONE_TIME: Duration = Duration::from_secs(8);

/// Frames of video that wait.
pub(crate) const FRAMES: usize = 300;
/// Bytes of them.
pub(crate) const FRAMES_BYTES: usize = 32 << 20;
/// The most that a frame of video is held back.
pub(crate) const VIDEO_DELAY: Duration = Duration::from_secs(10);

/// Sender reports of one stream that its clock is read off.
pub(crate) const SENDER_REPORTS: usize = 20;
/// The most that lip sync holds a stream back.
pub(crate) const SYNC_DELAY: Duration = Duration::from_secs(3);
