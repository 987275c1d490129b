//! A stream of H.264 or H.265 as bytes (annex B of both recommendations): NAL units behind start
//! codes, without times. Access units are found by what begins one (H.264 §7.4.1.2.3, H.265
//! §7.4.2.4.4).

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;

use crate::error::{FileError, Result};
use crate::limits::FRAME_BYTES;
use crate::track::{Format, Frame};

const CHUNK: usize = 64 << 10;

#[derive(Debug)]
pub(crate) struct Reader {
    format: Format,
    /// From one picture to the next.
    interval: Duration,
    frames: u32,
    /// What was read of the access unit that is not complete.
    buffer: Vec<u8>,
    /// Start codes before this were looked at.
    scanned: usize,
    /// The unit has a slice: the next unit that can begin another one does.
    has_slice: bool,
    /// Where a prefix begins, which is of the access unit of the slice that follows it.
    prefix: Option<usize>,
    ended: bool,
}

impl Reader {
    pub(crate) fn new(format: Format, interval: Duration) -> Result<Self> {
        if !matches!(format, Format::H264 | Format::H265) {
            return Err(FileError::Unsupported("this codec as a byte stream"));
        }
        Ok(Reader {
            format,
            interval,
            frames: 0,
            buffer: Vec::new(),
            scanned: 0,
            has_slice: false,
            prefix: None,
            ended: false,
        })
    }

    pub(crate) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    pub(crate) fn next(&mut self, source: &mut impl Read) -> Result<Option<Frame>> {
        loop {
            if let Some(end) = self.find_end() {
                return Ok(Some(self.cut(end)));
            }
            if self.ended {
                let rest = self.buffer.len();
                return Ok((self.has_slice && rest > 0).then(|| self.cut(rest)));
            }
            if self.buffer.len() > FRAME_BYTES {
                return Err(FileError::TooLarge);
            }
            let before = self.buffer.len();
            source.take(CHUNK as u64).read_to_end(&mut self.buffer)?;
            self.ended = self.buffer.len() == before;
        }
    }

    /// Where the first access unit ends, as soon as the next one's beginning is there.
    fn find_end(&mut self) -> Option<usize> {
        loop {
            let rest = self.buffer.get(self.scanned..)?;
            let Some(code) = rest.windows(3).position(|bytes| bytes == [0, 0, 1]) else {
                // A start code may have begun.
                self.scanned = self.buffer.len().saturating_sub(2).max(self.scanned);
                return None;
            };
            let unit = self.scanned + code + 3;
            // Three bytes of it say what it is; at the end there may be less.
            if self.buffer.len() < unit + 3 && !self.ended {
                self.scanned += code;
                return None;
            }

            let begins = kind(self.format, &self.buffer[unit..]);
            self.scanned = unit;
            let start = self.start_of(unit);
            match begins {
                Kind::Prefix => {
                    self.prefix.get_or_insert(start);
                }
                Kind::Picture | Kind::Before if self.has_slice => {
                    self.has_slice = begins == Kind::Picture;
                    return Some(self.prefix.take().unwrap_or(start));
                }
                Kind::Picture | Kind::MoreOfPicture => {
                    self.has_slice = true;
                    self.prefix = None;
                }
                Kind::Before | Kind::Other => {}
            }
        }
    }

    /// Where the start code of a unit begins: zero_byte of annex B belongs to it.
    fn start_of(&self, unit: usize) -> usize {
        let code = unit - 3;
        match code.checked_sub(1) {
            Some(before) if self.buffer[before] == 0 => before,
            _ => code,
        }
    }

    fn cut(&mut self, end: usize) -> Frame {
        let rest = self.buffer.split_off(end);
        let data = Bytes::from(std::mem::replace(&mut self.buffer, rest));
        self.scanned = self.scanned.saturating_sub(end);
        if self.buffer.is_empty() {
            self.has_slice = false;
        }
        let frame = Frame {
            track: 0,
            time: self.interval.saturating_mul(self.frames),
            key: self.format.info(&data).key,
            data,
        };
        self.frames = self.frames.saturating_add(1);
        frame
    }
}

/// What a NAL unit means for where access units begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// The first slice of a picture.
    Picture,
    /// Another slice of it.
    MoreOfPicture,
    /// Stands before a slice, the first one or another one (H.264 §7.4.2.12.1).
    Prefix,
    /// Stands before the slices of its access unit.
    Before,
    Other,
}

fn kind(format: Format, unit: &[u8]) -> Kind {
    let byte = |at: usize| unit.get(at).copied().unwrap_or(0);
    if format == Format::H264 {
        return match byte(0) & 0x1f {
            // first_mb_in_slice is 0, a single bit in Exp-Golomb code.
            1 | 2 | 5 if byte(1) & 0x80 != 0 => Kind::Picture,
            1..=5 => Kind::MoreOfPicture,
            14 => Kind::Prefix,
            6..=9 | 15..=18 => Kind::Before,
            _ => Kind::Other,
        };
    }
    match byte(0) >> 1 & 0x3f {
        // first_slice_segment_in_pic_flag
        0..=31 if byte(2) & 0x80 != 0 => Kind::Picture,
        0..=31 => Kind::MoreOfPicture,
        32..=35 | 39 | 41..=44 | 48..=55 => Kind::Before,
        _ => Kind::Other,
    }
}

/// Of which of the two codecs a byte stream is, by the unit it begins with: a parameter set or a
/// delimiter.
pub(crate) fn format_of(start: &[u8]) -> Option<Format> {
    let code = start.windows(3).position(|bytes| bytes == [0, 0, 1])?;
    if start[..code].iter().any(|&byte| byte != 0) {
        return None;
    }
    let unit = start.get(code + 3..)?;
    let (first, second) = (*unit.first()?, *unit.get(1)?);
    // VPS, SPS, PPS, AUD or prefix SEI of H.265, of layer 0 and temporal layer 0.
    if matches!(first, 0x40 | 0x42 | 0x44 | 0x46 | 0x4e) && second == 0x01 {
        return Some(Format::H265);
    }
    matches!(first & 0x9f, 6..=9 | 5 | 1).then_some(Format::H264)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(units: &[&[u8]]) -> Vec<u8> {
        let units = units.iter();
        units
            .flat_map(|unit| [&[0, 0, 0, 1], *unit].concat())
            .collect()
    }

    #[test]
    fn a_prefix_is_of_the_picture_whose_slice_follows_it() {
        let prefix: &[u8] = &[0x6e, 0xc0, 0x80, 0x0f];
        let (first, other): (&[u8], &[u8]) = (&[0x65, 0x88, 0x84], &[0x65, 0x44, 0x84]);
        let pictures = [
            stream(&[prefix, first, prefix, other]),
            stream(&[prefix, first, prefix, other, prefix, other]),
            stream(&[&[9, 0xf0], prefix, first]),
        ];
        let mut reader = Reader::new(Format::H264, Duration::from_millis(40)).unwrap();
        let all = pictures.concat();
        let mut source = &all[..];
        let frames = std::iter::from_fn(|| reader.next(&mut source).unwrap());
        let data: Vec<_> = frames.map(|frame| frame.data.to_vec()).collect();
        assert_eq!(data, pictures);
    }
}
