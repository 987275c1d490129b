//! Encoded media in files, without a codec: what a connection receives is recorded, and what it sends
//! is played.
//!
//! | kind of file | read | written | frames of |
//! |---|---|---|---|
//! | IVF | yes | yes | VP8, VP9, AV1 |
//! | Ogg (RFC 7845) | yes | yes | Opus |
//! | byte stream (annex B) | yes | yes | H.264, H.265 |
//! | WebM | yes | yes | Opus, VP8, VP9, AV1 |
//! | MP4 | ordinary, and in fragments as of CMAF | in fragments | Opus, VP8, VP9, AV1, H.264, H.265 |
//!
//! [`FileReader`] finds out by itself what a file is; [`FileWriter`] goes by the file's name, or by a
//! [`Container`]. Frames are in the form of [`EncodedFrame`](duologue_media::EncodedFrame) on both
//! sides, whatever form the file has: H.264 and H.265 with start codes and parameter sets before each
//! key frame, AV1 without temporal delimiters.
//!
//! Times begin with the file: of MP4 with its edit lists, of Ogg with its first packet. Frames that a player decodes and
//! does not show, before the beginning, are there; those after them are so much later.
//!
//! Files are read with bounds ([`limits`]): a hostile one takes no more memory than these, and never
//! panics.
#![forbid(unsafe_code)]

mod annexb;
mod av1;
mod error;
mod ivf;
pub mod limits;
mod mp4;
mod ogg;
mod reader;
mod source;
mod timeline;
mod track;
mod units;
mod webm;
mod writer;

pub use error::FileError;
pub use reader::FileReader;
pub use track::{Format, Frame, Track};
pub use writer::{Container, FileWriter};
