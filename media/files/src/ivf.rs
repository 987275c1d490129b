//! IVF: pictures of VP8, VP9 or AV1, each behind its length and its time. There is no standard but
//! the tools of the codecs' makers (`ivfdec.c` of libvpx): a header of 32 bytes, and before each frame
//! one of 12, all little-endian.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use duologue_rtp::payload::FrameSize;

use crate::error::{FileError, Result, truncated};
use crate::limits::FRAME_BYTES;
use crate::source::{frame_bytes, read_or_end};
use crate::track::{Format, Frame, Track, ticks, time_of};

pub(crate) const MAGIC: &[u8] = b"DKIF";

const FORMATS: [(Format, &[u8; 4]); 3] = [
    (Format::Vp8, b"VP80"),
    (Format::Vp9, b"VP90"),
    (Format::Av1, b"AV01"),
];

/// An empty temporal delimiter OBU: each temporal unit of a file begins with one (AV1 §7.5), and none
/// of RTP does (AV1 RTP §5).
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0x00];

#[derive(Debug)]
pub(crate) struct Reader {
    /// A tick is so many seconds: numerator and denominator.
    tick: [u64; 2],
    format: Format,
    /// As the header says; 0 if it was not known.
    frames: u32,
}

impl Reader {
    pub(crate) fn begin(source: &mut impl Read) -> Result<(Self, Track)> {
        let mut header = [0; 32];
        source.read_exact(&mut header).map_err(truncated)?;
        if !header.starts_with(MAGIC) {
            return Err(FileError::Malformed("no header of IVF"));
        }
        let mut formats = FORMATS.iter();
        let format = formats.find(|(_, code)| header[8..12] == code[..]);
        let &(format, _) = format.ok_or(FileError::Unsupported("this codec in IVF"))?;

        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
        let half = |at: usize| u32::from(u16::from_le_bytes([header[at], header[at + 1]]));
        let (rate, scale) = (u64::from(word(16)), u64::from(word(20)));
        if rate == 0 {
            return Err(FileError::Malformed("no time base"));
        }
        // The header says its own length.
        let more = half(6).saturating_sub(32);
        frame_bytes(source, more as usize)?;

        let (width, height) = (half(12), half(14));
        let size = (width > 0 && height > 0).then_some(FrameSize { width, height });
        let reader = Reader {
            tick: [scale, rate],
            format,
            frames: word(24),
        };
        Ok((
            reader,
            Track {
                size,
                ..Track::new(format)
            },
        ))
    }

    pub(crate) fn is_live(&self) -> bool {
        self.frames == 0
    }

    pub(crate) fn next(&mut self, source: &mut impl Read) -> Result<Option<Frame>> {
        let mut header = [0; 12];
        if !read_or_end(source, &mut header)? {
            return Ok(None);
        }
        let len = u32::from_le_bytes([0, 1, 2, 3].map(|i| header[i])) as usize;
        let at = u64::from_le_bytes([4, 5, 6, 7, 8, 9, 10, 11].map(|i| header[i]));
        let mut data = frame_bytes(source, len)?;
        if self.format == Format::Av1 {
            data = without_delimiter(data);
        }

        let [scale, rate] = self.tick;
        let time = time_of(at, scale, rate).ok_or(FileError::Malformed("a time beyond all"))?;
        let key = self.format.info(&data).key;
        Ok(Some(Frame {
            track: 0,
            time,
            key,
            data,
        }))
    }
}

pub(crate) fn without_delimiter(data: Bytes) -> Bytes {
    match data.strip_prefix(&TEMPORAL_DELIMITER[..]) {
        Some(rest) => data.slice_ref(rest),
        None => data,
    }
}

#[derive(Debug)]
pub(crate) struct Writer {
    format: Format,
    begun: bool,
}

impl Writer {
    pub(crate) fn new(format: Format) -> Result<Self> {
        match FORMATS.iter().any(|(known, _)| *known == format) {
            true => Ok(Writer {
                format,
                begun: false,
            }),
            false => Err(FileError::Unsupported("this codec in IVF")),
        }
    }

    /// `size` is of the first picture, if it says so.
    pub(crate) fn write(
        &mut self,
        to: &mut impl Write,
        time: Duration,
        size: Option<FrameSize>,
        data: &[u8],
    ) -> Result<()> {
        if !self.begun {
            to.write_all(&self.header(size))?;
            self.begun = true;
        }
        let delimiter: &[u8] = match self.format {
            Format::Av1 if !data.starts_with(&TEMPORAL_DELIMITER) => &TEMPORAL_DELIMITER,
            _ => &[],
        };
        let len = delimiter.len() + data.len();
        if len > FRAME_BYTES {
            return Err(FileError::TooLarge);
        }

        to.write_all(&(len as u32).to_le_bytes())?;
        to.write_all(&ticks(time, self.format.clock_rate()).to_le_bytes())?;
        to.write_all(delimiter)?;
        Ok(to.write_all(data)?)
    }

    fn header(&self, size: Option<FrameSize>) -> Vec<u8> {
        let half = |n: u32| u16::try_from(n).unwrap_or(0).to_le_bytes();
        let (width, height) = size.map_or((0, 0), |size| (size.width, size.height));
        let mut formats = FORMATS.iter();
        let code = formats.find(|(format, _)| *format == self.format);
        let mut header = Vec::with_capacity(32);
        header.extend(MAGIC);
        header.extend([0, 0, 32, 0]);
        header.extend(code.map_or(b"\0\0\0\0", |(_, code)| code));
        header.extend(half(width));
        header.extend(half(height));
        header.extend(self.format.clock_rate().to_le_bytes());
        header.extend(1_u32.to_le_bytes());
        // The number of frames is not known yet, and nobody needs it.
        header.extend([0; 8]);
        header
    }
}
