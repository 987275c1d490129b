//! Ordinary files: one index says where the samples of all tracks are.

use std::num::NonZeroU32;

use shiguredo_mp4::TrackKind;
use shiguredo_mp4::aux::{SampleAccessor, SampleTableAccessor};
use shiguredo_mp4::boxes::{HdlrBox, MoovBox, SampleEntry, StblBox, TrakBox};
use shiguredo_mp4::demux::{Sample, TrackInfo};

use super::edit::{self, Edits};
use super::entry::describe;
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
    /// From its own time to that of the file, in its ticks.
    shift: i64,
    next: NonZeroU32,
}

impl Whole {
    pub(super) fn new(index: MoovBox, edits: &Edits) -> Result<Self> {
        let mut tracks = Vec::new();
        for track in index.trak_boxes {
            let samples = match tracks.len() < TRACKS {
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

    pub(super) fn next_sample(&mut self) -> Option<Sample<'_>> {
        let tracks = self.tracks.iter().enumerate();
        let times = tracks.filter_map(|(n, track)| Some((track.next_time()?, n)));
        let (_, earliest) = times.min()?;
        let track = &mut self.tracks[earliest];
        let number = track.next;
        track.next = number.saturating_add(1);
        track.sample(number)
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
        let entries = &table.stsd_box.entries;
        if !entries.iter().any(|entry| describe(entry).is_some()) {
            return Ok(None);
        }
        let track_id = track.tkhd_box.track_id;
        let bad = |_| FileError::Malformed("MP4, or a kind of it that is not read");
        let table = SampleTableAccessor::new(table).map_err(bad)?;
        let begins = table.get_sample(NonZeroU32::MIN).map(|it| entry_of(&it));
        if begins.and_then(describe).is_none() {
            return Ok(None);
        }
        Ok(Some(Samples {
            info: TrackInfo {
                track_id,
                kind,
                duration: track.mdia_box.mdhd_box.duration,
                timescale: track.mdia_box.mdhd_box.timescale,
            },
            table,
            shift: edits.shift(track_id),
            next: NonZeroU32::MIN,
        }))
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
            sample_entry: changed.then(|| entry_of(&sample)),
            keyframe: sample.is_sync_sample(),
            timestamp: sample.timestamp(),
            duration: sample.duration(),
            data_offset: sample.data_offset(),
            data_size: sample.data_size() as usize,
            composition_time_offset: sample.composition_time_offset(),
        })
    }
}

fn entry_of<'a>(sample: &SampleAccessor<'a, StblBox>) -> &'a SampleEntry {
    sample.chunk().sample_entry()
}
