use std::io::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use duologue_rtp::MediaKind;
use duologue_rtp::payload::opus;
use shiguredo_mp4::boxes::{FtypBox, MoovBox, SampleEntry};
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, MuxError, Sample};
use shiguredo_mp4::{Decode, Encode, TrackKind};

use super::entry::{entry, with_lengths};
use crate::error::{FileError, Result};
use crate::limits::{FRAGMENT_BYTES, FRAGMENT_TIME, FRAME_BYTES};
use crate::track::{Format, Track, ticks};

pub(crate) struct Writer {
    muxer: Fmp4SegmentMuxer,
    tracks: Vec<Mp4Track>,
    /// When the fragment that is not written begins.
    begins: Duration,
    bytes: usize,
}

struct Mp4Track {
    format: Format,
    /// For its first sample.
    entry: Option<SampleEntry>,
    /// From the beginning of the file to its first frame, in ticks.
    offset: u64,
    /// A sample's duration is known with the next one.
    held: Option<Held>,
    /// The durations and bytes of those before.
    samples: Vec<(u32, Held)>,
    last: u32,
}

struct Held {
    at: u64,
    key: bool,
    data: Vec<u8>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// One, and what a file begins with. `first` is the first picture, a key frame.
    pub(crate) fn begin(tracks: &[Track], first: &[u8]) -> Result<(Self, Vec<u8>)> {
        let entries: Result<Vec<_>> = tracks.iter().map(|track| entry(track, first)).collect();
        let tracks = tracks.iter().zip(entries?);
        let tracks: Vec<_> = tracks
            .map(|(track, entry)| Mp4Track {
                format: track.format,
                entry: Some(entry),
                offset: 0,
                held: None,
                samples: Vec::new(),
                last: 0,
            })
            .collect();
        let head = head(&tracks)?;
        let writer = Writer {
            muxer: Fmp4SegmentMuxer::new().map_err(wrong)?,
            tracks,
            begins: Duration::ZERO,
            bytes: 0,
        };
        Ok((writer, head))
    }

    /// Times of a track are not below those before.
    pub(crate) fn write(
        &mut self,
        to: &mut impl Write,
        track: usize,
        time: Duration,
        key: bool,
        data: &[u8],
    ) -> Result<()> {
        let format = self.tracks[track].format;
        let data = match format {
            Format::H264 | Format::H265 => with_lengths(format.payload(), data)?,
            _ => data.to_vec(),
        };
        if data.len() > FRAME_BYTES {
            return Err(FileError::TooLarge);
        }
        // Fragments begin with key frames where they can.
        let long = time.saturating_sub(self.begins) >= FRAGMENT_TIME;
        let picture = format.kind() == MediaKind::Video;
        let full = self.bytes + data.len() > FRAGMENT_BYTES;
        if full || long && (key && picture || self.tracks.len() == 1 || self.bytes > 0) {
            self.tracks[track].end_held(ticks(time, format.clock_rate()));
            self.flush(to)?;
            self.begins = time;
        }

        self.bytes += data.len();
        let at = ticks(time, format.clock_rate());
        self.tracks[track].push(Held { at, key, data });
        Ok(())
    }

    pub(crate) fn finish(&mut self, to: &mut impl Write) -> Result<()> {
        for track in &mut self.tracks {
            if let Some(held) = &track.held {
                let ends = held.at + u64::from(track.last_duration());
                track.end_held(ends);
            }
        }
        self.flush(to)
    }

    /// Writes all samples whose durations are known.
    fn flush(&mut self, to: &mut impl Write) -> Result<()> {
        let (mut samples, mut data) = (Vec::new(), Vec::new());
        for track in &mut self.tracks {
            let kind = track.kind();
            let rate = track.rate()?;
            for (duration, held) in track.samples.drain(..) {
                samples.push(Sample {
                    track_kind: kind,
                    sample_entry: track.entry.take(),
                    keyframe: held.key,
                    timescale: rate,
                    duration,
                    // A track that begins later than the file.
                    composition_time_offset: (track.offset > 0).then_some(track.offset as i64),
                    data_offset: data.len() as u64,
                    data_size: held.data.len(),
                });
                data.extend(held.data);
            }
        }
        let held = self.tracks.iter().filter_map(|track| track.held.as_ref());
        self.bytes = held.map(|held| held.data.len()).sum();
        if samples.is_empty() {
            return Ok(());
        }
        let head = self.muxer.create_media_segment_metadata(&samples);
        to.write_all(&head.map_err(wrong)?)?;
        Ok(to.write_all(&data)?)
    }
}

impl Mp4Track {
    fn kind(&self) -> TrackKind {
        match self.format.kind() {
            MediaKind::Audio => TrackKind::Audio,
            MediaKind::Video => TrackKind::Video,
        }
    }

    fn rate(&self) -> Result<NonZeroU32> {
        NonZeroU32::new(self.format.clock_rate()).ok_or(FileError::Unsupported("a clock of 0 Hz"))
    }

    fn push(&mut self, held: Held) {
        if self.held.is_none() && self.samples.is_empty() && self.last == 0 {
            self.offset = held.at;
        }
        self.end_held(held.at);
        self.held = Some(held);
    }

    fn end_held(&mut self, at: u64) {
        if let Some(held) = self.held.take() {
            let duration = u32::try_from(at.saturating_sub(held.at)).unwrap_or(u32::MAX);
            self.last = duration.max(1);
            self.samples.push((duration, held));
        }
    }

    /// Of the last frame of all.
    fn last_duration(&self) -> u32 {
        let packet = self.held.as_ref().map_or(&[][..], |held| &held.data);
        match self.format {
            Format::Opus => opus::duration(packet).unwrap_or(self.last),
            _ if self.last > 0 => self.last,
            // A thirtieth of a second, if there is one picture.
            _ => self.format.clock_rate() / 30,
        }
    }
}

/// The boxes before the first fragment, with all tracks: a muxer learns them from samples, and gets a
/// sample of each for that.
fn head(tracks: &[Mp4Track]) -> Result<Vec<u8>> {
    let mut muxer = Fmp4SegmentMuxer::new().map_err(wrong)?;
    let mut samples = Vec::new();
    for (offset, track) in tracks.iter().enumerate() {
        samples.push(Sample {
            track_kind: track.kind(),
            sample_entry: track.entry.clone(),
            keyframe: true,
            timescale: track.rate()?,
            duration: 1,
            composition_time_offset: None,
            data_offset: offset as u64,
            data_size: 1,
        });
    }
    muxer
        .create_media_segment_metadata(&samples)
        .map_err(wrong)?;
    let head = muxer.init_segment_bytes().map_err(wrong)?;

    // How long it will be is not known.
    let decoding = |_| FileError::Unsupported("such a track in MP4");
    let (kind, len) = FtypBox::decode(&head).map_err(decoding)?;
    let (mut index, _) = MoovBox::decode(&head[len..]).map_err(decoding)?;
    if let Some(fragments) = &mut index.mvex_box {
        fragments.mehd_box = None;
    }
    let mut out = kind.encode_to_vec().map_err(decoding)?;
    out.extend(index.encode_to_vec().map_err(decoding)?);
    Ok(out)
}

fn wrong(_: MuxError) -> FileError {
    FileError::Unsupported("such a track in MP4")
}
