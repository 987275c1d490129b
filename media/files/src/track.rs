//! What is in files: tracks and their frames.

use std::time::Duration;

use bytes::Bytes;
use duologue_media::EncodedFrameInit;
use duologue_rtp::MediaKind;
use duologue_rtp::payload::{FrameInfo, FrameSize, Parts, PayloadFormat};

/// How the frames of a track are encoded.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// VP9, of every profile.
    Vp9,
    /// AV1, of every profile.
    Av1,
    /// Recommendation ITU-T H.264.
    H264,
    /// Recommendation ITU-T H.265.
    H265,
}

/// All of them, with their names in descriptions.
const NAMES: [(Format, &str); 6] = [
    (Format::Opus, "audio/opus"),
    (Format::Vp8, "video/VP8"),
    (Format::Vp9, "video/VP9"),
    (Format::Av1, "video/AV1"),
    (Format::H264, "video/H264"),
    (Format::H265, "video/H265"),
];

impl Format {
    /// The format of a `mimeType` of `RTCRtpCodec`; `None` for what files of this crate do not have.
    pub fn of_mime_type(mime_type: &str) -> Option<Self> {
        let mut names = NAMES.iter();
        let found = names.find(|(_, name)| name.eq_ignore_ascii_case(mime_type));
        found.map(|(format, _)| *format)
    }

    /// The format's `mimeType`.
    pub fn mime_type(self) -> &'static str {
        let mut names = NAMES.iter();
        let found = names.find(|(format, _)| *format == self);
        found.map_or("", |(_, name)| name)
    }

    /// Sound or pictures.
    pub fn kind(self) -> MediaKind {
        match self {
            Format::Opus => MediaKind::Audio,
            _ => MediaKind::Video,
        }
    }

    /// Ticks a second of its RTP time stamps.
    pub fn clock_rate(self) -> u32 {
        match self {
            Format::Opus => 48_000,
            _ => 90_000,
        }
    }

    pub(crate) fn payload(self) -> PayloadFormat {
        match self {
            Format::Opus => PayloadFormat::Opus,
            Format::Vp8 => PayloadFormat::Vp8,
            Format::Vp9 => PayloadFormat::Vp9,
            Format::Av1 => PayloadFormat::Av1,
            Format::H264 => PayloadFormat::H264 { fragments: true },
            Format::H265 => PayloadFormat::H265 { numbered: false },
        }
    }

    /// What a frame says of itself; nothing, if it is not of this format.
    pub(crate) fn info(self, data: &[u8]) -> FrameInfo {
        let mut parts = Parts::new();
        match self.payload().find_parts(data, &mut parts) {
            Ok(()) => self.payload().frame_info(data, &parts),
            Err(_) => FrameInfo::default(),
        }
    }
}

/// A stream of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Track {
    /// How the track's frames are encoded.
    pub format: Format,
    /// The size of the track's pictures, where the file says it.
    pub size: Option<FrameSize>,
    /// The number of channels of the track's sound; 0 of pictures.
    pub channels: u8,
}

impl Track {
    /// A track of this format; of two channels, if it is of sound.
    pub fn new(format: Format) -> Self {
        let channels = match format.kind() {
            MediaKind::Audio => 2,
            MediaKind::Video => 0,
        };
        Track {
            format,
            size: None,
            channels,
        }
    }
}

/// A frame of a file: in the form of [`EncodedFrame`](duologue_media::EncodedFrame).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// The index of the track that the frame belongs to.
    pub track: usize,
    /// When the frame is to be played, from the beginning of the file.
    pub time: Duration,
    /// Whether the frame is a key frame: it needs no other one.
    pub key: bool,
    /// The bytes of the frame.
    pub data: Bytes,
}

impl Frame {
    /// What a sender takes: the frame with the RTP time stamp of its time.
    pub fn to_init(&self, format: Format) -> EncodedFrameInit {
        EncodedFrameInit {
            timestamp: ticks(self.time, format.clock_rate()) as u32,
            data: self.data.clone(),
            ..EncodedFrameInit::default()
        }
    }
}

/// So many ticks of a clock are nearest to a time.
pub(crate) fn ticks(time: Duration, rate: u32) -> u64 {
    let ticks = (time.as_nanos() * u128::from(rate) + 500_000_000) / 1_000_000_000;
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

/// The time of so many ticks, each of `numerator / denominator` seconds; `None` if it is too long
/// to be said.
pub(crate) fn time_of(ticks: u64, numerator: u64, denominator: u64) -> Option<Duration> {
    let ticks = u128::from(ticks) * u128::from(numerator);
    let nanos = ticks
        .checked_mul(1_000_000_000)?
        .checked_div(u128::from(denominator))?;
    u64::try_from(nanos).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_times_are_each_others_inverse_on_the_clocks_of_rtp() {
        for rate in [48_000, 90_000] {
            for n in [0, 1, 2_999, 3_003, 7_777_777_777] {
                let time = time_of(n, 1, u64::from(rate)).unwrap();
                assert_eq!(ticks(time, rate), n);
            }
        }
        assert_eq!(time_of(u64::MAX, u64::MAX, 1), None);
        assert_eq!(time_of(1, 1, 0), None);
    }
}
