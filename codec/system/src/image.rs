//! Pictures of C libraries as frames.

use bytes::Bytes;
use duologue_codec::{CodecError, PixelFormat, Plane, VideoFrame};

/// A plane that a library has decoded: where it begins, and from one row to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) data: *const u8,
    pub(crate) stride: isize,
}

/// Copies an I420 picture out of a library that uses its memory for the next one.
///
/// # Safety
/// Each of the planes has as many rows of so many bytes as one of an I420 picture of this size.
pub(crate) unsafe fn copy_i420(
    width: u32,
    height: u32,
    sources: [Source; 3],
) -> Result<VideoFrame, CodecError> {
    let mut planes = Vec::with_capacity(3);
    for (index, source) in sources.into_iter().enumerate() {
        let (row, rows) = PixelFormat::I420.plane_size(index, width, height);
        let mut data = Vec::with_capacity(row * rows);
        for number in 0..rows {
            let offset = source.stride * number as isize;
            // SAFETY: the caller says that the row is there.
            let bytes = unsafe { std::slice::from_raw_parts(source.data.offset(offset), row) };
            data.extend_from_slice(bytes);
        }
        let data = Bytes::from(data);
        planes.push(Plane { data, stride: row });
    }
    VideoFrame::new(PixelFormat::I420, width, height, planes)
}
