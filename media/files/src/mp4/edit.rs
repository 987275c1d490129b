//! Edit lists: when in the file's time a track begins (ISO/IEC 14496-12 §8.6.6).

use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{MoovBox, TrakBox};

/// By the file's number of each track, what is added to its own times, in its ticks.
pub(super) struct Edits(Vec<(u32, i64)>);

impl Edits {
    pub(super) fn of(index: &MoovBox) -> Self {
        let movie = index.mvhd_box.timescale;
        let tracks = index.trak_boxes.iter();
        Edits(
            tracks
                .map(|track| (track.tkhd_box.track_id, shift(track, movie)))
                .collect(),
        )
    }

    pub(super) fn shift(&self, track: u32) -> i64 {
        let mut tracks = self.0.iter();
        let found = tracks.find(|(known, _)| *known == track);
        found.map_or(0, |(_, shift)| *shift)
    }
}

/// A track begins when its empty edits are over, with the part of it that the first other one says: frames whose order
/// is not that in which they are decoded begin in the middle of the track's own time.
fn shift(track: &TrakBox, movie: NonZeroU32) -> i64 {
    let list = track.edts_box.as_ref().and_then(|it| it.elst_box.as_ref());
    let (mut empty, mut begins) = (0_i128, 0);
    for edit in list.into_iter().flat_map(|list| &list.entries) {
        if edit.media_time >= 0 {
            begins = edit.media_time;
            break;
        }
        empty += i128::from(edit.edit_duration);
    }
    let rate = track.mdia_box.mdhd_box.timescale.get();
    let empty = empty * i128::from(rate) / i128::from(movie.get());
    (empty - i128::from(begins)).clamp(-MOST, MOST) as i64
}

/// No file has more ticks: what is computed of them fits.
const MOST: i128 = 1 << 62;

/// Ticks as nanoseconds.
pub(super) fn nanos(ticks: i128, rate: NonZeroU32) -> i128 {
    (ticks * 1_000_000_000).div_euclid(i128::from(rate.get()))
}
