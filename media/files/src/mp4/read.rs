use std::collections::VecDeque;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::Bytes;
use shiguredo_mp4::boxes::MoovBox;
use shiguredo_mp4::demux::{
    DemuxError, Fmp4FileDemuxer, Mp4FileKindDetector, RequiredInput, Sample, TrackInfo,
};
use shiguredo_mp4::{Decode, TrackKind};

use super::base::rebase;
use super::claim;
use super::edit::{self, Edits};
use super::entry::{Described, describe};
use super::quicktime;
use super::whole::Whole;
use crate::error::{FileError, Result};
use crate::ivf::without_delimiter;
use crate::limits::{FRAME_BYTES, INDEX_BYTES, TRACKS};
use crate::source::exactly;
use crate::track::{Format, Frame, Track};
use crate::units::Units;

/// A frame's time, and where the file has its bytes.
struct Place {
    id: u32,
    nanos: i128,
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

/// The samples of the index, and then those of fragments: a file may have either or both.
struct Demuxer {
    whole: Whole,
    fragments: Option<Fmp4FileDemuxer>,
}

impl Demuxer {
    /// With what is said of it, where it is of another sample entry than the one before.
    fn next_sample(
        &mut self,
    ) -> std::result::Result<Option<(Sample<'_>, Option<Described>)>, DemuxError> {
        let Some(fragments) = self.fragments.as_mut().filter(|_| self.whole.is_over()) else {
            return Ok(self.whole.next_sample());
        };
        let sample = fragments.next_sample()?;
        Ok(sample.map(|sample| {
            let described = sample.sample_entry.and_then(describe);
            (sample, described)
        }))
    }
}

pub(crate) struct Reader {
    demuxer: Demuxer,
    edits: Edits,
    /// When the earliest frame is, if that is before the file's zero: such frames, which a player decodes and does not
    /// show, are kept, and all others move with them.
    origin: i128,
    /// By the file's number of each track; `None` for those that are not ours.
    known: Vec<(u32, Option<Known>)>,
    /// Frames that were met while the tracks were looked for, with their times.
    first: VecDeque<(i128, Frame)>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// Frames that are looked at for what tracks there are in fragments: a track's first one says it.
const LOOK_AHEAD: usize = 256;
const LOOK_AHEAD_BYTES: usize = 2 * FRAME_BYTES;

impl Reader {
    pub(crate) fn begin<R: Read + Seek>(source: &mut R) -> Result<(Self, Vec<Track>)> {
        let index = read_index(source)?;
        let edits = Edits::of(&index);
        let (mut known, mut tracks) = (Vec::new(), Vec::new());
        let mut origin = 0;
        let fragments = index.mvex_box.is_some().then(Fmp4FileDemuxer::new);
        let whole = Whole::new(index, &edits)?;
        for sample in whole.first() {
            let first = place(&sample, &edits);
            let described = sample.sample_entry.and_then(describe);
            known.push((first.id, learn(&mut tracks, described)));
            origin = first.nanos.min(origin);
        }
        let mut reader = Reader {
            demuxer: Demuxer { whole, fragments },
            edits,
            origin,
            known,
            first: VecDeque::new(),
        };
        if reader.demuxer.fragments.is_some() {
            reader.look_ahead(source, &mut tracks)?;
        }
        match tracks.is_empty() {
            true => Err(FileError::Unsupported("MP4 without a track of ours")),
            false => Ok((reader, tracks)),
        }
    }

    fn look_ahead<R: Read + Seek>(&mut self, source: &mut R, found: &mut Vec<Track>) -> Result<()> {
        let all = with_input(source, &mut self.demuxer, |demuxer| {
            let tracks: &[TrackInfo] = match &mut demuxer.fragments {
                Some(fragments) => fragments.tracks()?,
                None => &[],
            };
            let tracks = tracks.iter();
            Ok(tracks.filter(|t| t.kind != TrackKind::Subtitle).count())
        })?;
        let mut bytes = 0;
        while self.known.len() < all.min(TRACKS)
            && self.first.len() < LOOK_AHEAD
            && bytes < LOOK_AHEAD_BYTES
        {
            match self.read(source, Some(found)) {
                Ok(Some((nanos, frame))) => {
                    self.origin = self.origin.min(nanos);
                    bytes += frame.data.len();
                    self.first.push_back((nanos, frame));
                }
                Ok(None) => break,
                // What came before is good.
                Err(_) if !self.first.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is behind the index is as long as was written.
    pub(crate) fn is_live(&self) -> bool {
        self.demuxer.fragments.is_some() && self.demuxer.whole.is_over()
    }

    pub(crate) fn next<R: Read + Seek>(&mut self, source: &mut R) -> Result<Option<Frame>> {
        let next = match self.first.pop_front() {
            Some(next) => Some(next),
            None => self.read(source, None)?,
        };
        let Some((nanos, frame)) = next else {
            return Ok(None);
        };
        let nanos = u64::try_from((nanos - self.origin).max(0));
        let nanos = nanos.map_err(|_| FileError::Malformed("a time beyond all"))?;
        Ok(Some(Frame {
            time: Duration::from_nanos(nanos),
            ..frame
        }))
    }

    /// The next frame of a known track, with its time. What tracks there are has been said when the first frame is
    /// handed out: one whose first frame comes later is none of them.
    fn read<R: Read + Seek>(
        &mut self,
        source: &mut R,
        mut found: Option<&mut Vec<Track>>,
    ) -> Result<Option<(i128, Frame)>> {
        loop {
            let (known, edits) = (&mut self.known, &self.edits);
            let place = with_input(source, &mut self.demuxer, |demuxer| {
                let sample = demuxer.next_sample()?;
                Ok(sample.map(|(sample, described)| -> Result<Place> {
                    let id = sample.track.track_id;
                    match known.iter().position(|(known, _)| *known == id) {
                        Some(n) => {
                            if let (_, Some(track)) = &mut known[n]
                                && sample.sample_entry.is_some()
                            {
                                track.follow(described)?;
                            }
                        }
                        None if known.len() < TRACKS => {
                            if let Some(tracks) = &mut found {
                                known.push((id, learn(tracks, described)));
                            }
                        }
                        None => {}
                    }
                    Ok(place(&sample, edits))
                }))
            })?;
            let Some(place) = place.transpose()? else {
                return Ok(None);
            };
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
            let frame = Frame {
                track: track.index,
                time: Duration::ZERO,
                key: place.key,
                data,
            };
            return Ok(Some((place.nanos, frame)));
        }
    }
}

impl Known {
    /// From a sample on, another entry may say of what form the samples are.
    fn follow(&mut self, described: Option<Described>) -> Result<()> {
        match described {
            Some(Described { track, units }) if track.format == self.format => {
                self.units = units;
                Ok(())
            }
            _ => Err(FileError::Unsupported("a track that changes its codec")),
        }
    }
}

fn learn(tracks: &mut Vec<Track>, described: Option<Described>) -> Option<Known> {
    let Described { track, units } = described?;
    let format = track.format;
    tracks.push(track);
    Some(Known {
        index: tracks.len() - 1,
        format,
        units,
    })
}

fn place(sample: &Sample<'_>, edits: &Edits) -> Place {
    let id = sample.track.track_id;
    let ticks = i128::from(sample.timestamp)
        + i128::from(sample.composition_time_offset.unwrap_or(0))
        + i128::from(edits.shift(id));
    Place {
        id,
        nanos: edit::nanos(ticks, sample.track.timescale),
        key: sample.keyframe,
        offset: sample.data_offset,
        size: sample.data_size,
    }
}

/// `moov`, wherever it is.
fn read_index<R: Read + Seek>(source: &mut R) -> Result<MoovBox> {
    let mut detector = Mp4FileKindDetector::new();
    let mut data = Vec::new();
    while let Some(required) = detector.required_input() {
        data = read_at(source, required)?;
        quicktime::adapt(&mut data);
        detector.handle_input(required.to_input(&data));
    }
    detector.file_kind().map_err(bad)?;
    // What told the kind is the index.
    let (index, _) = MoovBox::decode(&data).map_err(|error| bad(error.into()))?;
    Ok(index)
}

/// Asks the demuxer, and gives it what it needs for an answer.
fn with_input<R: Read + Seek, T>(
    source: &mut R,
    demuxer: &mut Demuxer,
    mut ask: impl FnMut(&mut Demuxer) -> std::result::Result<T, DemuxError>,
) -> Result<T> {
    let mut short = false;
    loop {
        match ask(demuxer) {
            Ok(answer) => return Ok(answer),
            Err(DemuxError::InputRequired(_)) => {}
            Err(_) if short => return Err(FileError::cut()),
            Err(error) => return Err(bad(error)),
        }
        let Some(fragments) = &mut demuxer.fragments else {
            return Err(FileError::Malformed("MP4"));
        };
        let Some(required) = fragments.required_input() else {
            return Err(FileError::Malformed("MP4"));
        };
        let mut data = read_at(source, required)?;
        short = required.size.is_some_and(|size| data.len() < size);
        if claim::is_excessive(&data) {
            return Err(FileError::Malformed("more samples than there are bytes"));
        }
        quicktime::adapt(&mut data);
        rebase(&mut data, required.position);
        fragments.handle_input(required.to_input(&data));
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
