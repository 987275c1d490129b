use std::io::Write;
use std::time::Duration;

use super::ebml::{UNKNOWN_SIZE, put, put_id, put_unsigned};
use super::{CODECS, id};
use crate::error::{FileError, Result};
use crate::limits::{CLUSTER_TIME, FRAME_BYTES};
use crate::track::{Format, Track};
use crate::{av1, ogg};

/// Types of tracks (RFC 9559 §5.1.4.1.3).
const VIDEO: u64 = 1;
const AUDIO: u64 = 2;

/// Writes as recorders of browsers do: without sizes that would be known only later, so that what is
/// there is a whole file at each moment.
#[derive(Debug)]
pub(crate) struct Writer {
    /// The time of the cluster in milliseconds.
    cluster: Option<u64>,
}

impl Writer {
    pub(crate) fn check(tracks: &[Track]) -> Result<()> {
        let known = |track: &Track| CODECS.iter().any(|(format, _)| *format == track.format);
        match tracks.iter().all(known) {
            true => Ok(()),
            false => Err(FileError::Unsupported("this codec in WebM")),
        }
    }

    /// One, and what a file begins with. `first` is the first picture, a key frame.
    pub(crate) fn begin(tracks: &[Track], first: &[u8]) -> Result<(Self, Vec<u8>)> {
        let mut out = Vec::new();
        put_ebml(&mut out);
        put_id(&mut out, id::SEGMENT);
        out.extend(UNKNOWN_SIZE);

        let mut info = Vec::new();
        put_unsigned(&mut info, id::TIMESTAMP_SCALE, 1_000_000);
        put(&mut info, id::MUXING_APP, b"duologue");
        put(&mut info, id::WRITING_APP, b"duologue");
        put(&mut out, id::INFO, &info);

        let mut entries = Vec::new();
        for (number, track) in (1..).zip(tracks) {
            put(&mut entries, id::TRACK_ENTRY, &entry(number, track, first)?);
        }
        put(&mut out, id::TRACKS, &entries);
        Ok((Writer { cluster: None }, out))
    }

    pub(crate) fn write(
        &mut self,
        to: &mut impl Write,
        track: usize,
        time: Duration,
        key: bool,
        starts_cluster: bool,
        data: &[u8],
    ) -> Result<()> {
        if data.len() > FRAME_BYTES {
            return Err(FileError::TooLarge);
        }
        let ms = time.as_millis() as u64;
        let offset = self
            .cluster
            .map(|begun| ms.wrapping_sub(begun).cast_signed());
        let most = CLUSTER_TIME.as_millis() as i64;
        let offset = offset.filter(|o| (i64::from(i16::MIN)..most).contains(o));
        let mut out = Vec::new();
        let offset = match offset {
            Some(offset) if !starts_cluster => offset as i16,
            _ => {
                put_id(&mut out, id::CLUSTER);
                out.extend(UNKNOWN_SIZE);
                put_unsigned(&mut out, id::TIMESTAMP, ms);
                self.cluster = Some(ms);
                0
            }
        };

        put_id(&mut out, id::SIMPLE_BLOCK);
        out.extend(((data.len() as u64 + 4) | 1 << 56).to_be_bytes());
        out.push(0x80 | (track as u8 + 1));
        out.extend(offset.to_be_bytes());
        out.push(if key { 0x80 } else { 0 });
        to.write_all(&out)?;
        Ok(to.write_all(data)?)
    }
}

fn put_ebml(out: &mut Vec<u8>) {
    let mut ebml = Vec::new();
    for (id, number) in [
        (id::EBML_VERSION, 1),
        (id::EBML_READ_VERSION, 1),
        (id::EBML_MAX_ID_LENGTH, 4),
        (id::EBML_MAX_SIZE_LENGTH, 8),
        (id::DOC_TYPE_VERSION, 4),
        (id::DOC_TYPE_READ_VERSION, 2),
    ] {
        put_unsigned(&mut ebml, id, number);
    }
    put(&mut ebml, id::DOC_TYPE, b"webm");
    put(out, id::EBML, &ebml);
}

fn entry(number: u64, track: &Track, first: &[u8]) -> Result<Vec<u8>> {
    let mut entry = Vec::new();
    let mut codecs = CODECS.iter();
    let codec = codecs.find(|(format, _)| *format == track.format);
    put_unsigned(&mut entry, id::TRACK_NUMBER, number);
    put_unsigned(&mut entry, id::TRACK_UID, number);
    put_unsigned(&mut entry, id::FLAG_LACING, 0);
    put(
        &mut entry,
        id::CODEC_ID,
        codec.map_or(b"", |(_, name)| name),
    );

    if track.format == Format::Opus {
        put_unsigned(&mut entry, id::TRACK_TYPE, AUDIO);
        put(&mut entry, id::CODEC_PRIVATE, &ogg::head(track.channels));
        // RFC 9559 §5.1.4.1.26 for Opus: 80 ms until a decoder is right after a seek.
        put_unsigned(&mut entry, id::SEEK_PRE_ROLL, 80_000_000);
        let mut audio = Vec::new();
        put(
            &mut audio,
            id::SAMPLING_FREQUENCY,
            &48_000_f64.to_be_bytes(),
        );
        put_unsigned(&mut audio, id::CHANNELS, track.channels.into());
        put(&mut entry, id::AUDIO, &audio);
        return Ok(entry);
    }

    put_unsigned(&mut entry, id::TRACK_TYPE, VIDEO);
    if track.format == Format::Av1 {
        put(&mut entry, id::CODEC_PRIVATE, &av1::configuration(first)?);
    }
    let mut video = Vec::new();
    let (width, height) = track.size.map_or((0, 0), |size| (size.width, size.height));
    put_unsigned(&mut video, id::PIXEL_WIDTH, width.into());
    put_unsigned(&mut video, id::PIXEL_HEIGHT, height.into());
    put(&mut entry, id::VIDEO, &video);
    Ok(entry)
}
