//! What the index says: where the samples of all tracks are, in ordinary files and before the first fragment.

use std::num::NonZeroU32;

use shiguredo_mp4::TrackKind;
use shiguredo_mp4::aux::{SampleAccessor, SampleTableAccessor};
use shiguredo_mp4::boxes::{HdlrBox, MoovBox, StblBox, TrakBox};
use shiguredo_mp4::demux::{Sample, TrackInfo};

use super::edit::{self, Edits};
use super::entry::{Described, describe};
use crate::error::{FileError, Result};
use crate::limits::TRACKS;

/// The samples of the tracks that are ours, in the order of the edited times at which they are decoded: a track may
/// begin long after another one though its own clock does not say so.
pub(super) struct Whole {
    tracks: Vec<Samples>,
}

struct Samples {
    info: TrackInfo,
    table: SampleTableAccessor<StblBox>,
    /// What each sample entry says, once: samples may take turns with them.
    entries: Vec<Option<Described>>,
    /// From its own time to that of the file, in its ticks.
    shift: i64,
    next: NonZeroU32,
}

impl Whole {
    pub(super) fn new(index: MoovBox, edits: &Edits) -> Result<Self> {
        let mut tracks: Vec<Samples> = Vec::new();
        for track in index.trak_boxes {
            // A second one of a number is none: nobody could tell whose frames are whose.
            let id = track.tkhd_box.track_id;
            let is_new = tracks.iter().all(|known| known.info.track_id != id);
            let samples = match is_new && tracks.len() < TRACKS {
                true => Samples::of(track, edits)?,
                false => None,
            };
            tracks.extend(samples);
        }
        Ok(Whole { tracks })
    }

    /// The first sample of each track.
    pub(super) fn first(&self) -> impl Iterator<Item = Sample<'_>> {
        let tracks = self.tracks.iter();
        tracks.filter_map(|track| track.sample(NonZeroU32::MIN))
    }

    pub(super) fn is_over(&self) -> bool {
        self.tracks.iter().all(|track| track.next_time().is_none())
    }

    /// With what is said of it, where it is of another sample entry than the one before.
    pub(super) fn next_sample(&mut self) -> Option<(Sample<'_>, Option<Described>)> {
        let tracks = self.tracks.iter().enumerate();
        let times = tracks.filter_map(|(n, track)| Some((track.next_time()?, n)));
        let (_, earliest) = times.min()?;
        let track = &mut self.tracks[earliest];
        let number = track.next;
        track.next = number.saturating_add(1);
        let sample = track.sample(number)?;
        let described = sample.sample_entry.and(track.described(number));
        Some((sample, described.cloned()))
    }
}

impl Samples {
    /// `None` for a track that is not ours, or is empty.
    fn of(track: TrakBox, edits: &Edits) -> Result<Option<Self>> {
        let kind = match track.mdia_box.hdlr_box.handler_type {
            HdlrBox::HANDLER_TYPE_VIDE => TrackKind::Video,
            HdlrBox::HANDLER_TYPE_SOUN => TrackKind::Audio,
            _ => return Ok(None),
        };
        let table = track.mdia_box.minf_box.stbl_box;
        let entries = table.stsd_box.entries.iter().map(describe);
        let entries: Vec<Option<Described>> = entries.collect();
        if entries.iter().all(Option::is_none) {
            return Ok(None);
        }
        let track_id = track.tkhd_box.track_id;
        let bad = |_| FileError::Malformed("MP4, or a kind of it that is not read");
        let table = SampleTableAccessor::new(table).map_err(bad)?;
        let samples = Samples {
            info: TrackInfo {
                track_id,
                kind,
                duration: track.mdia_box.mdhd_box.duration,
                timescale: track.mdia_box.mdhd_box.timescale,
            },
            table,
            entries,
            shift: edits.shift(track_id),
            next: NonZeroU32::MIN,
        };
        let is_ours = samples.described(NonZeroU32::MIN).is_some();
        Ok(is_ours.then_some(samples))
    }

    /// What the entry of a sample says.
    fn described(&self, number: NonZeroU32) -> Option<&Described> {
        let entry = self.table.get_sample(number)?.chunk().sample_entry_index();
        self.entries.get(entry)?.as_ref()
    }

    /// When the next sample is decoded, in the file's time.
    fn next_time(&self) -> Option<i128> {
        let sample = self.table.get_sample(self.next)?;
        let ticks = i128::from(sample.timestamp()) + i128::from(self.shift);
        Some(edit::nanos(ticks, self.info.timescale))
    }

    fn sample(&self, number: NonZeroU32) -> Option<Sample<'_>> {
        let sample = self.table.get_sample(number)?;
        let before = number.get().checked_sub(1).and_then(NonZeroU32::new);
        let before = before.and_then(|number| self.table.get_sample(number));
        let entry = |it: &SampleAccessor<'_, StblBox>| it.chunk().sample_entry_index();
        let changed = before.as_ref().map(entry) != Some(entry(&sample));
        Some(Sample {
            track: &self.info,
            sample_entry: changed.then(|| sample.chunk().sample_entry()),
            keyframe: sample.is_sync_sample(),
            timestamp: sample.timestamp(),
            duration: sample.duration(),
            data_offset: sample.data_offset(),
            data_size: sample.data_size() as usize,
            composition_time_offset: sample.composition_time_offset(),
        })
    }
}
