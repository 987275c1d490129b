//! Pictures of C libraries as frames, and frames as theirs.

use std::ffi::{c_int, c_uint, c_void};

use bytes::Bytes;
use duologue_codec::{CodecError, PixelFormat, Plane, VideoFrame};

use crate::record::Record;

/// `vpx_img_wrap` and `aom_img_wrap`: fills an image, and remembers the memory without reading it.
pub(crate) type Wrap =
    unsafe extern "C" fn(*mut c_void, c_int, c_uint, c_uint, c_uint, *const u8) -> *mut c_void;

/// Where the fields of `vpx_image_t` and `aom_image_t` are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) size: usize,
    pub(crate) bits: usize,
    pub(crate) shown_width: usize,
    pub(crate) shown_height: usize,
    pub(crate) planes: usize,
    pub(crate) strides: usize,
}

/// The format is the first field of both.
const FORMAT: usize = 0;
const I420: u32 = 0x102;
/// `VPX_IMG_FMT_HIGHBITDEPTH`: each sample has two bytes.
const DEEP: u32 = 0x800;

impl Layout {
    /// Whether the library fills an image as this says and writes nothing beyond.
    pub(crate) fn is_that_of(&self, wrap: Wrap) -> bool {
        let mut image = Record::untouched(self.size);
        let memory = [0; 1];
        // SAFETY: it fills one structure, for which there is room, and reads no memory.
        let wrapped = unsafe {
            wrap(
                image.as_mut_ptr(),
                I420 as c_int,
                30,
                20,
                1,
                memory.as_ptr(),
            )
        };
        let size = (image.u32(self.shown_width), image.u32(self.shown_height));
        !wrapped.is_null()
            && image.is_intact()
            && image.u32(FORMAT) == I420
            && size == (30, 20)
            && image.pointer(self.planes) == memory.as_ptr()
            && image.usize(self.planes + 8) - image.usize(self.planes) == 30 * 20
            && [0, 4, 8].map(|at| image.u32(self.strides + at)) == [30, 15, 15]
    }

    /// An image of a picture, which is I420 and outlives it.
    pub(crate) fn wrap(&self, wrap: Wrap, frame: &VideoFrame) -> Result<Record, CodecError> {
        let mut image = Record::zeroed(self.size);
        let planes = frame.planes();
        let first = planes[0].data.as_ptr();
        let (width, height) = (frame.width(), frame.height());
        // SAFETY: as above.
        let wrapped = unsafe { wrap(image.as_mut_ptr(), I420 as c_int, width, height, 1, first) };
        if wrapped.is_null() {
            return Err(CodecError::Failed("an image", 0));
        }
        for (index, plane) in planes.iter().enumerate() {
            let stride = u32::try_from(plane.stride);
            let stride = stride.map_err(|_| CodecError::Invalid("a stride"))?;
            image.set_pointer(self.planes + 8 * index, plane.data.as_ptr());
            image.set_u32(self.strides + 4 * index, stride);
        }
        Ok(image)
    }

    /// Copies a picture out of an image.
    ///
    /// # Safety
    /// The library has filled the image, with planes as long as its fields say.
    pub(crate) unsafe fn read(
        &self,
        image: *const u8,
        max_pixels: u64,
    ) -> Result<VideoFrame, CodecError> {
        // SAFETY: the caller says that the fields are there.
        let word = |at: usize| unsafe { image.add(at).cast::<u32>().read() };
        let bits = match word(FORMAT) {
            I420 => 8,
            // Of VP9's profile 2, which is offered.
            format if format == I420 | DEEP => word(self.bits),
            format => return Err(CodecError::Damaged("an image", i64::from(format))),
        };
        let (width, height) = (word(self.shown_width), word(self.shown_height));
        let pixels = u64::from(width) * u64::from(height);
        if pixels > max_pixels {
            return Err(CodecError::TooLarge("a picture", pixels));
        }
        let source = |index: usize| Source {
            // SAFETY: as above.
            data: unsafe {
                image
                    .add(self.planes + 8 * index)
                    .cast::<*const u8>()
                    .read()
            },
            stride: word(self.strides + 4 * index).cast_signed() as isize,
        };
        // SAFETY: planes of an I420 image have the rows of its size, each sample in so many bytes.
        unsafe { copy_i420(width, height, [0, 1, 2].map(source), bits) }
    }
}

/// A plane that a library has decoded: where it begins, and from one row to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) data: *const u8,
    pub(crate) stride: isize,
}

/// Copies an I420 picture out of a library that uses its memory for the next one. Of samples of more
/// than eight bits, the first eight are kept.
///
/// # Safety
/// Each of the planes has as many rows of so many samples as one of an I420 picture of this size; a
/// sample has two bytes if it has more than eight bits.
pub(crate) unsafe fn copy_i420(
    width: u32,
    height: u32,
    sources: [Source; 3],
    bits: u32,
) -> Result<VideoFrame, CodecError> {
    let mut planes = Vec::with_capacity(3);
    for (index, source) in sources.into_iter().enumerate() {
        let (row, rows) = PixelFormat::I420.plane_size(index, width, height);
        let mut data = Vec::with_capacity(row * rows);
        for number in 0..rows {
            let offset = source.stride * number as isize;
            let len = bytes_of(row, bits);
            // SAFETY: the caller says that the row is there.
            let bytes = unsafe { std::slice::from_raw_parts(source.data.offset(offset), len) };
            append_row(&mut data, bytes, bits);
        }
        let data = Bytes::from(data);
        planes.push(Plane { data, stride: row });
    }
    VideoFrame::new(PixelFormat::I420, width, height, planes)
}

/// How many bytes a row of samples of so many bits has.
pub(crate) fn bytes_of(row: usize, bits: u32) -> usize {
    row * usize::from(bits > 8) + row
}

/// Appends a row of samples of so many bits as one of eight.
pub(crate) fn append_row(data: &mut Vec<u8>, row: &[u8], bits: u32) {
    if bits <= 8 {
        return data.extend_from_slice(row);
    }
    let samples = row.as_chunks::<2>().0.iter();
    data.extend(samples.map(|&sample| (u16::from_ne_bytes(sample) >> (bits - 8).min(8)) as u8));
}
