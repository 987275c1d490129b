//! Pictures as cameras give them.

use std::borrow::Cow;

use bytes::Bytes;
use duologue_codec::{CodecError, PixelFormat, Plane, VideoFrame};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How a camera lays out its pixels, the cheapest first: without a conversion, with one, compressed.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Layout {
    /// `YU12`
    I420,
    /// `NV12`
    Nv12,
    /// `YUYV`: two pixels in four bytes.
    Yuyv,
    /// `MJPG` and `JPEG`
    Jpeg,
}

impl Layout {
    pub(super) fn of_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        match &fourcc {
            b"YU12" => Some(Layout::I420),
            b"NV12" => Some(Layout::Nv12),
            b"YUYV" => Some(Layout::Yuyv),
            b"MJPG" | b"JPEG" => Some(Layout::Jpeg),
            _ => None,
        }
    }
}

/// The usual Huffman tables (ITU-T T.81, K.3), as the segment of a JPEG that has them.
const TABLES: &[u8] = include_bytes!("huffman.dht");

/// A picture of Motion JPEG leaves the usual tables out.
fn with_tables(data: &[u8]) -> Cow<'_, [u8]> {
    const BEGIN: usize = 2;
    let mut at = BEGIN;
    // Segments up to the scan, each with a marker and its length.
    while let Some([0xff, marker, high, low]) = data.get(at..at + 4) {
        match marker {
            0xc4 => return data.into(),
            0xda => return [&data[..BEGIN], TABLES, &data[BEGIN..]].concat().into(),
            _ => at += 2 + usize::from(u16::from_be_bytes([*high, *low])),
        }
    }
    data.into()
}

/// Pixels of the side of a block of JPEG (T.81, A.2.4) whose colours are at half the resolution.
const BLOCK: usize = 16;

/// What a camera was set to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) layout: Layout,
    pub(super) width: u32,
    pub(super) height: u32,
    /// From one row of the first plane to the next, in bytes.
    pub(super) stride: usize,
}

impl Shape {
    /// The picture of what is in a buffer of the camera.
    pub(super) fn picture(&self, data: &[u8]) -> Result<VideoFrame, CodecError> {
        let (width, height) = (self.width, self.height);
        match self.layout {
            Layout::I420 => self.planes(PixelFormat::I420, data),
            Layout::Nv12 => self.planes(PixelFormat::Nv12, data),
            Layout::Yuyv => VideoFrame::from_yuyv(width, height, self.stride, data),
            Layout::Jpeg => self.jpeg(data),
        }
    }

    /// The planes lie one after the other; V4L2 gives those of colours half the first one's stride (I420), or
    /// the same (NV12).
    fn planes(&self, format: PixelFormat, data: &[u8]) -> Result<VideoFrame, CodecError> {
        let mut rest = Bytes::copy_from_slice(data);
        let mut planes = Vec::new();
        for index in 0..format.planes() {
            let (row, rows) = format.plane_size(index, self.width, self.height);
            let stride = match (format, index) {
                (PixelFormat::I420, 1..) => self.stride / 2,
                _ => self.stride,
            };
            // The last row may lack what is between rows.
            let whole = stride.saturating_mul(rows).min(rest.len());
            planes.push(Plane {
                data: rest.split_to(whole),
                stride: stride.max(row),
            });
        }
        VideoFrame::new(format, self.width, self.height, planes)
    }

    /// Some cameras pad pictures to whole blocks, such as 1080 rows to 1,088, which is cut off. A picture of another
    /// size is refused: the camera said what it has.
    fn jpeg(&self, data: &[u8]) -> Result<VideoFrame, CodecError> {
        let wrong = |_| CodecError::Invalid("the camera's JPEG cannot be read");
        let [width, height] = [self.width, self.height].map(|it| it as usize);
        let options = DecoderOptions::new_safe()
            .set_max_width(width.next_multiple_of(BLOCK))
            .set_max_height(height.next_multiple_of(BLOCK))
            .jpeg_set_out_colorspace(ColorSpace::RGBA);
        let data = with_tables(data);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&data[..]), options);
        let pixels = decoder.decode().map_err(wrong)?;
        let size = decoder.dimensions();
        let Some((row, _)) = size.filter(|size| size.0 >= width && size.1 >= height) else {
            return Err(CodecError::Invalid("the camera's JPEG has another size"));
        };
        let plane = Plane {
            data: pixels.into(),
            stride: row * 4,
        };
        VideoFrame::new(PixelFormat::Rgba, self.width, self.height, vec![plane])?.to_i420()
    }
}
