//! MP4: the ISO base media file format with Opus, VP8, VP9, AV1, H.264 and H.265, by the
//! `shiguredo_mp4` crate. Ordinary and fragmented files are read; fragmented ones are written, of which
//! what is there is a whole file after each fragment. Of an edit list, what says when a track begins is
//! followed; parts that later edits leave out are read all the same.

mod base;
mod claim;
mod edit;
mod entry;
mod quicktime;
mod read;
mod whole;
mod write;

pub(crate) use read::Reader;
pub(crate) use write::Writer;

/// Of the first box, behind its length.
pub(crate) const MAGIC: &[u8] = b"ftyp";

#[cfg(test)]
mod tests;
