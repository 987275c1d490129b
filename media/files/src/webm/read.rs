use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use duologue_rtp::payload::{FrameSize, opus};

use super::ebml::{Children, Header, string, unsigned, vint};
use super::{CODECS, MATROSKA_CODECS, id, lacing};
use crate::error::{FileError, Result};
use crate::ivf::without_delimiter;
use crate::limits::{FRAME_BYTES, TRACK_BYTES, TRACKS};
use crate::source::{exactly, skip};
use crate::track::{Format, Frame, Track, time_of};
use crate::units::Units;

/// Reads elements one after another. Those that have others in them are not left out, their beginning
/// is: what a size says of where they end is not needed, and live recordings do not say it.
#[derive(Debug)]
pub(crate) struct Reader {
    known: Vec<Known>,
    /// Nanoseconds of a unit of time.
    scale: u64,
    /// Of the cluster, in these units.
    cluster: u64,
    /// How long the file is was not known when it was begun.
    live: bool,
    /// Frames of a block that were not taken.
    ready: VecDeque<Frame>,
}

#[derive(Debug)]
struct Known {
    /// What the file calls the track.
    number: u64,
    format: Format,
    /// Of a frame, in nanoseconds, where the file says it.
    duration: u64,
    /// Of H.264 and H.265, unless they have start codes already.
    units: Option<Units>,
}

impl Reader {
    pub(crate) fn begin(source: &mut impl Read) -> Result<(Self, Vec<Track>)> {
        let mut reader = Reader {
            known: Vec::new(),
            // RFC 9559 §5.1.2.9: a millisecond.
            scale: 1_000_000,
            cluster: 0,
            live: false,
            ready: VecDeque::new(),
        };
        let mut tracks = Vec::new();
        reader.read(source, Some(&mut tracks))?;
        match tracks.is_empty() {
            true => Err(FileError::Unsupported("WebM without a track of ours")),
            false => Ok((reader, tracks)),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    pub(crate) fn next(&mut self, source: &mut impl Read) -> Result<Option<Frame>> {
        if self.ready.is_empty() {
            self.read(source, None)?;
        }
        Ok(self.ready.pop_front())
    }

    /// Up to the next block of a known track, or the end. Tracks are learnt before the first one: a file may say
    /// them again, and says nothing else (RFC 9559 §6.2).
    fn read(&mut self, source: &mut impl Read, mut tracks: Option<&mut Vec<Track>>) -> Result<()> {
        loop {
            let Some(header) = Header::read(source)? else {
                return Ok(());
            };
            let Header { id, size } = header;
            self.live |= id == id::SEGMENT && size.is_none();
            if matches!(id, id::SEGMENT | id::TRACKS | id::CLUSTER) {
                continue;
            }
            let size = size.ok_or(FileError::Malformed("an element without a size"))?;
            let most = match id {
                id::EBML | id::INFO | id::TIMESTAMP => TRACK_BYTES,
                id::TRACK_ENTRY if tracks.is_some() => TRACK_BYTES,
                id::SIMPLE_BLOCK | id::BLOCK_GROUP => FRAME_BYTES + TRACK_BYTES,
                _ => {
                    skip(source, size)?;
                    continue;
                }
            };
            let len = usize::try_from(size).map_err(|_| FileError::TooLarge)?;
            let body = Bytes::from(exactly(source, len, most)?);
            match id {
                id::EBML => check_kind(&body)?,
                id::INFO => self.read_info(&body)?,
                id::TRACK_ENTRY => {
                    if let Some(tracks) = &mut tracks {
                        self.read_track(&body, tracks)?;
                    }
                }
                id::TIMESTAMP => self.cluster = number(&body)?,
                _ => {
                    self.read_block(id, &body)?;
                    if !self.ready.is_empty() {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn read_info(&mut self, body: &[u8]) -> Result<()> {
        let mut children = Children(body);
        if let Some((_, scale)) = children.find(|(id, _)| *id == id::TIMESTAMP_SCALE) {
            self.scale = number(scale)?;
        }
        Ok(())
    }

    /// Tracks of other kinds and codecs are left out, and those whose record of the decoder's configuration is none:
    /// nobody knows how their frames are to be read.
    fn read_track(&mut self, body: &[u8], tracks: &mut Vec<Track>) -> Result<()> {
        let (mut number_, mut format, mut size, mut channels) = (0, None, None, 1);
        let (mut duration, mut private) = (0, None);
        for (id, body) in Children(body) {
            match id {
                id::TRACK_NUMBER => number_ = number(body)?,
                id::DEFAULT_DURATION => duration = number(body)?,
                id::CODEC_ID => format = format_of(string(body)),
                id::CODEC_PRIVATE if !body.is_empty() => private = Some(body),
                id::VIDEO => size = pixels(body),
                id::AUDIO => {
                    let mut children = Children(body);
                    let found = children.find(|(id, _)| *id == id::CHANNELS);
                    let count = found.and_then(|(_, body)| unsigned(body));
                    channels = count.and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
                }
                // Encrypted, or without what all frames begin with.
                id::CONTENT_ENCODINGS => return Ok(()),
                _ => {}
            }
        }
        if let Some(format) = format
            && tracks.len() < TRACKS
        {
            let units = private.and_then(|record| Units::of_record(format, record));
            let behind_lengths = matches!(format, Format::H264 | Format::H265);
            if behind_lengths && private.is_some() && units.is_none() {
                return Ok(());
            }
            self.known.push(Known {
                number: number_,
                format,
                duration,
                units,
            });
            let pictures = format != Format::Opus;
            tracks.push(Track {
                size: size.filter(|_| pictures),
                channels: if pictures { 0 } else { channels },
                ..Track::new(format)
            });
        }
        Ok(())
    }

    fn read_block(&mut self, id: u32, body: &Bytes) -> Result<()> {
        if id == id::SIMPLE_BLOCK {
            return self.block(body, body, None);
        }
        let mut children = Children(body);
        let refers = children.clone().any(|(id, _)| id == id::REFERENCE_BLOCK);
        match children.find(|(id, _)| *id == id::BLOCK) {
            Some((_, block)) => self.block(body, block, Some(!refers)),
            None => Ok(()),
        }
    }

    /// RFC 9559 §10.2: the track, the time from the cluster's, flags, the frames.
    fn block(&mut self, all: &Bytes, block: &[u8], key: Option<bool>) -> Result<()> {
        let short = || FileError::Malformed("a block");
        let (number, rest) = vint(block).ok_or_else(short)?;
        let [a, b, flags, data @ ..] = rest else {
            return Err(short());
        };
        let mut known = self.known.iter();
        let Some(track) = known.position(|known| known.number == number) else {
            return Ok(());
        };
        let frames = lacing::frames(*flags, data).ok_or_else(short)?;

        let known = &self.known[track];
        let (format, duration) = (known.format, known.duration);
        let offset = i16::from_be_bytes([*a, *b]);
        let ticks = self.cluster.saturating_add_signed(offset.into());
        let time = time_of(ticks, self.scale, 1_000_000_000);
        let mut time = time.unwrap_or(Duration::MAX);
        for data in frames {
            let mut frame = Frame {
                track,
                time,
                key: key.unwrap_or(flags & 0x80 != 0),
                data: all.slice_ref(data),
            };
            if let Some(units) = &known.units {
                let units = units.with_start_codes(format, &frame.data, frame.key)?;
                frame.data = units.into();
            } else if format == Format::Av1 {
                frame.data = without_delimiter(frame.data);
            }
            // The block says the time of its first one.
            let duration = match format {
                Format::Opus => u64::from(opus::duration(data).unwrap_or(0)) * 1_000_000 / 48,
                _ => duration,
            };
            time = time.saturating_add(Duration::from_nanos(duration));
            self.ready.push_back(frame);
        }
        Ok(())
    }
}

fn check_kind(ebml: &[u8]) -> Result<()> {
    let mut children = Children(ebml);
    let found = children.find(|(id, _)| *id == id::DOC_TYPE);
    match found.map(|(_, kind)| string(kind)) {
        Some(b"webm" | b"matroska") => Ok(()),
        _ => Err(FileError::Unsupported("EBML that is not WebM")),
    }
}

fn format_of(codec: &[u8]) -> Option<Format> {
    let mut codecs = CODECS.iter().chain(&MATROSKA_CODECS);
    let found = codecs.find(|(_, name)| *name == codec);
    found.map(|(format, _)| *format)
}

fn pixels(video: &[u8]) -> Option<FrameSize> {
    let of = |wanted| {
        let mut children = Children(video);
        let (_, body) = children.find(|(id, _)| *id == wanted)?;
        unsigned(body).and_then(|n| u32::try_from(n).ok())
    };
    Some(FrameSize {
        width: of(id::PIXEL_WIDTH)?,
        height: of(id::PIXEL_HEIGHT)?,
    })
}

fn number(body: &[u8]) -> Result<u64> {
    unsigned(body).ok_or(FileError::Malformed("a number"))
}
