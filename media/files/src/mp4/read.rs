use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::Bytes;
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::demux::{
    DemuxError, Fmp4FileDemuxer, Mp4FileDemuxer, Mp4FileKind, Mp4FileKindDetector, RequiredInput,
    Sample, TrackInfo,
};

use super::claim;
use super::entry::{Described, Units, describe};
use crate::error::{FileError, Result};
use crate::ivf::without_delimiter;
use crate::limits::{FRAME_BYTES, INDEX_BYTES, TRACKS};
use crate::source::exactly;
use crate::track::{Format, Frame, Track, time_of};

/// A frame's time, and where the file has its bytes.
struct Place {
    id: u32,
    time: Option<Duration>,
    key: bool,
    offset: u64,
    size: usize,
}

/// A track of ours.
struct Known {
    index: usize,
    format: Format,
    units: Option<Units>,
}

enum Demuxer {
    Whole(Mp4FileDemuxer),
    Fragments(Fmp4FileDemuxer),
}

impl Demuxer {
    fn required_input(&self) -> Option<RequiredInput> {
        match self {
            Demuxer::Whole(demuxer) => demuxer.required_input(),
            Demuxer::Fragments(demuxer) => demuxer.required_input(),
        }
    }

    fn tracks(&mut self) -> std::result::Result<&[TrackInfo], DemuxError> {
        match self {
            Demuxer::Whole(demuxer) => demuxer.tracks(),
            Demuxer::Fragments(demuxer) => demuxer.tracks(),
        }
    }

    fn next_sample(&mut self) -> std::result::Result<Option<Sample<'_>>, DemuxError> {
        match self {
            Demuxer::Whole(demuxer) => demuxer.next_sample(),
            Demuxer::Fragments(demuxer) => demuxer.next_sample(),
        }
    }

    fn handle_input(&mut self, at: RequiredInput, data: &[u8]) {
        match self {
            Demuxer::Whole(demuxer) => demuxer.handle_input(at.to_input(data)),
            Demuxer::Fragments(demuxer) => demuxer.handle_input(at.to_input(data)),
        }
    }
}

pub(crate) struct Reader {
    demuxer: Demuxer,
    /// By the file's number of each track; `None` for those that are not ours.
    known: Vec<(u32, Option<Known>)>,
    /// Samples that were met while the tracks were looked for.
    first: std::collections::VecDeque<Frame>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Frames that are looked at for what tracks there are: a track's first one says it.
const LOOK_AHEAD: usize = 256;
const LOOK_AHEAD_BYTES: usize = 2 * FRAME_BYTES;

impl Reader {
    pub(crate) fn begin<R: Read + Seek>(source: &mut R) -> Result<(Self, Vec<Track>)> {
        let mut detector = Mp4FileKindDetector::new();
        while let Some(required) = detector.required_input() {
            let data = read_at(source, required)?;
            detector.handle_input(required.to_input(&data));
        }
        let demuxer = match detector.file_kind().map_err(bad)? {
            Some(Mp4FileKind::FragmentedMp4) => Demuxer::Fragments(Fmp4FileDemuxer::new()),
            _ => Demuxer::Whole(Mp4FileDemuxer::new()),
        };
        let mut reader = Reader {
            demuxer,
            known: Vec::new(),
            first: Default::default(),
        };
        let tracks = reader.look_ahead(source)?;
        match tracks.is_empty() {
            true => Err(FileError::Unsupported("MP4 without a track of ours")),
            false => Ok((reader, tracks)),
        }
    }

    fn look_ahead<R: Read + Seek>(&mut self, source: &mut R) -> Result<Vec<Track>> {
        let mut found = Vec::new();
        let demuxer = &mut self.demuxer;
        let all = with_input(source, demuxer, |demuxer| {
            let tracks = demuxer.tracks()?.iter();
            Ok(tracks.filter(|t| t.kind != TrackKind::Subtitle).count())
        })?;
        let mut bytes = 0;
        while self.known.len() < all.min(TRACKS)
            && self.first.len() < LOOK_AHEAD
            && bytes < LOOK_AHEAD_BYTES
        {
            match self.read(source, Some(&mut found)) {
                Ok(Some(frame)) => {
                    bytes += frame.data.len();
                    self.first.push_back(frame);
                }
                Ok(None) => break,
                // What came before is good.
                Err(_) if !self.first.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    pub(crate) fn next<R: Read + Seek>(&mut self, source: &mut R) -> Result<Option<Frame>> {
        match self.first.pop_front() {
            Some(frame) => Ok(Some(frame)),
            None => self.read(source, None),
        }
    }

    /// The next frame of a known track. What tracks there are has been said when the first frame is
    /// handed out: one whose first frame comes later is none of them.
    fn read<R: Read + Seek>(
        &mut self,
        source: &mut R,
        mut found: Option<&mut Vec<Track>>,
    ) -> Result<Option<Frame>> {
        loop {
            let known = &mut self.known;
            let place = with_input(source, &mut self.demuxer, |demuxer| {
                let sample = demuxer.next_sample()?;
                Ok(sample.map(|sample| {
                    let id = sample.track.track_id;
                    if let Some(tracks) = &mut found
                        && !known.iter().any(|(known, _)| *known == id)
                        && known.len() < TRACKS
                    {
                        known.push((id, learn(tracks, sample.sample_entry)));
                    }
                    place(&sample)
                }))
            })?;
            let Some(place) = place else { return Ok(None) };
            let mut known = self.known.iter();
            let Some((_, Some(track))) = known.find(|(id, _)| *id == place.id) else {
                continue;
            };

            source.seek(SeekFrom::Start(place.offset))?;
            let mut data = Bytes::from(exactly(source, place.size, FRAME_BYTES)?);
            if let Some(units) = &track.units {
                data = units
                    .with_start_codes(track.format, &data, place.key)?
                    .into();
            } else if track.format == Format::Av1 {
                data = without_delimiter(data);
            }
            return Ok(Some(Frame {
                track: track.index,
                time: place
                    .time
                    .ok_or(FileError::Malformed("a time beyond all"))?,
                key: place.key,
                data,
            }));
        }
    }
}

fn learn(tracks: &mut Vec<Track>, entry: Option<&SampleEntry>) -> Option<Known> {
    let Described { track, units } = describe(entry?)?;
    let format = track.format;
    tracks.push(track);
    Some(Known {
        index: tracks.len() - 1,
        format,
        units,
    })
}

fn place(sample: &Sample<'_>) -> Place {
    let ticks = sample
        .timestamp
        .saturating_add_signed(sample.composition_time_offset.unwrap_or(0));
    Place {
        id: sample.track.track_id,
        time: time_of(ticks, 1, u64::from(sample.track.timescale.get())),
        key: sample.keyframe,
        offset: sample.data_offset,
        size: sample.data_size,
    }
}

/// Asks the demuxer, and gives it what it needs for an answer.
fn with_input<R: Read + Seek, T>(
    source: &mut R,
    demuxer: &mut Demuxer,
    mut ask: impl FnMut(&mut Demuxer) -> std::result::Result<T, DemuxError>,
) -> Result<T> {
    loop {
        match ask(demuxer) {
            Ok(answer) => return Ok(answer),
            Err(DemuxError::InputRequired(_)) => {}
            Err(error) => return Err(bad(error)),
        }
        let Some(required) = demuxer.required_input() else {
            return Err(FileError::Malformed("MP4"));
        };
        let data = read_at(source, required)?;
        if claim::is_excessive(&data) {
            return Err(FileError::Malformed("more samples than there are bytes"));
        }
        demuxer.handle_input(required, &data);
    }
}

/// What is there of it: at the end of a file there is less.
fn read_at<R: Read + Seek>(source: &mut R, required: RequiredInput) -> Result<Vec<u8>> {
    let most = required.size.unwrap_or(INDEX_BYTES);
    if most > INDEX_BYTES {
        return Err(FileError::TooLarge);
    }
    source.seek(SeekFrom::Start(required.position))?;
    let mut data = Vec::new();
    source.take(most as u64).read_to_end(&mut data)?;
    Ok(data)
}

fn bad(_: DemuxError) -> FileError {
    FileError::Malformed("MP4, or a kind of it that is not read")
}
