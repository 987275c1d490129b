use std::time::Duration;

use bytes::Bytes;

use crate::{CodecError, limits};

/// How the pixels of a [`VideoFrame`] lie in its planes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[doc(alias = "VideoPixelFormat")]
#[non_exhaustive]
pub enum PixelFormat {
    /// Three planes: brightness, and at a quarter of the size blue and red differences (`"I420"`).
    I420,
    /// Two planes: brightness, and at a quarter of the size both differences in turn (`"NV12"`).
    Nv12,
    /// One plane of red, green, blue and opacity, a byte each (`"RGBA"`).
    Rgba,
}

impl PixelFormat {
    /// How many planes the format has.
    pub const fn planes(self) -> usize {
        match self {
            PixelFormat::I420 => 3,
            PixelFormat::Nv12 => 2,
            PixelFormat::Rgba => 1,
        }
    }

    /// Bytes of a row, and rows, of one plane of a picture of this size.
    pub const fn plane_size(self, plane: usize, width: u32, height: u32) -> (usize, usize) {
        let (width, height) = (width as usize, height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        match (self, plane) {
            (PixelFormat::Rgba, _) => (4 * width, height),
            (_, 0) => (width, height),
            (PixelFormat::I420, _) => (half_width, half_height),
            (PixelFormat::Nv12, _) => (2 * half_width, half_height),
        }
    }
}

/// How far a picture is to be turned clockwise before it is shown.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Rotation {
    /// The picture is not to be turned.
    #[default]
    None,
    /// The picture is to be turned by 90 degrees clockwise.
    Quarter,
    /// The picture is to be turned by 180 degrees.
    Half,
    /// The picture is to be turned by 270 degrees clockwise.
    ThreeQuarters,
}

/// Bytes of one plane. They are shared, not copied, with whoever made them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// The rows, one after the other.
    pub data: Bytes,
    /// The distance from the beginning of one row to that of the next, in bytes.
    pub stride: usize,
}

/// A raw picture. Clones share its pixels.
///
/// ```
/// use duologue_codec::{PixelFormat, VideoFrame};
///
/// // A red picture as a program with a canvas has it.
/// let pixels = [255, 0, 0, 255].repeat(320 * 240);
/// let frame = VideoFrame::packed(PixelFormat::Rgba, 320, 240, pixels.into())?;
/// // What encoders take; its first plane is the brightness.
/// let frame = frame.to_i420()?;
/// assert_eq!((frame.width(), frame.height()), (320, 240));
/// assert!((80..=83).contains(&frame.row(0, 0)[0]));
/// # Ok::<(), duologue_codec::CodecError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VideoFrame {
    format: PixelFormat,
    width: u32,
    height: u32,
    planes: Vec<Plane>,
    /// How far the picture is to be turned.
    pub rotation: Rotation,
    /// The time of the picture, on the clock of its source.
    pub timestamp: Duration,
}

impl VideoFrame {
    /// A picture of these planes.
    ///
    /// # Errors
    /// `Invalid` when the number of planes or the length of one does not fit the format and the
    /// size, or that is zero; `TooLarge` beyond [`limits::MAX_SIDE`] and [`limits::MAX_PIXELS`].
    pub fn new(
        format: PixelFormat,
        width: u32,
        height: u32,
        planes: Vec<Plane>,
    ) -> Result<Self, CodecError> {
        check_size(width, height, limits::MAX_PIXELS)?;
        if planes.len() != format.planes() {
            return Err(CodecError::Invalid(
                "the format has another number of planes",
            ));
        }
        for (index, plane) in planes.iter().enumerate() {
            let (row, rows) = format.plane_size(index, width, height);
            let needed = (rows - 1).checked_mul(plane.stride);
            let needed = needed.and_then(|whole| whole.checked_add(row));
            if plane.stride < row || needed.is_none_or(|needed| plane.data.len() < needed) {
                return Err(CodecError::Invalid("a plane is too short"));
            }
        }
        Ok(VideoFrame {
            format,
            width,
            height,
            planes,
            rotation: Rotation::None,
            timestamp: Duration::ZERO,
        })
    }

    /// A picture whose planes and rows follow one another without gaps.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn packed(
        format: PixelFormat,
        width: u32,
        height: u32,
        data: Bytes,
    ) -> Result<Self, CodecError> {
        check_size(width, height, limits::MAX_PIXELS)?;
        let mut rest = data;
        let mut planes = Vec::with_capacity(format.planes());
        for index in 0..format.planes() {
            let (stride, rows) = format.plane_size(index, width, height);
            if rest.len() < stride * rows {
                return Err(CodecError::Invalid("a plane is too short"));
            }
            let data = rest.split_to(stride * rows);
            planes.push(Plane { data, stride });
        }
        VideoFrame::new(format, width, height, planes)
    }

    /// A black picture, as I420.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn black(width: u32, height: u32) -> Result<Self, CodecError> {
        check_size(width, height, limits::MAX_PIXELS)?;
        let (stride, rows) = PixelFormat::I420.plane_size(1, width, height);
        // BT.601: black is 16, without a colour 128.
        let mut data = vec![16; width as usize * height as usize];
        data.resize(data.len() + 2 * stride * rows, 128);
        VideoFrame::packed(PixelFormat::I420, width, height, data.into())
    }

    /// Says whether there can be a picture of this size.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn check_size(width: u32, height: u32) -> Result<(), CodecError> {
        check_size(width, height, limits::MAX_PIXELS)
    }

    /// How the pixels of the picture lie.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The planes of the picture, as many as the format has.
    pub fn planes(&self) -> &[Plane] {
        &self.planes
    }

    /// One row of one plane, without what is between rows.
    ///
    /// # Panics
    /// When there is no such plane or row.
    pub fn row(&self, plane: usize, row: usize) -> &[u8] {
        let (len, _) = self.format.plane_size(plane, self.width, self.height);
        let plane = &self.planes[plane];
        &plane.data[row * plane.stride..][..len]
    }

    /// A part of the picture, without a copy. The corner moves to even numbers where colours have
    /// half the size.
    ///
    /// # Errors
    /// `Invalid` for a part of nothing, or that is not in the picture.
    #[doc(alias = "visibleRect")]
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self, CodecError> {
        let ends = x.checked_add(width).zip(y.checked_add(height));
        let inside = ends.is_some_and(|(x, y)| x <= self.width && y <= self.height);
        if !inside || width == 0 || height == 0 {
            return Err(CodecError::Invalid("no part of the picture"));
        }
        let (x, y) = (x as usize & !1, y as usize & !1);
        let planes = self.planes.iter().enumerate().map(|(index, plane)| {
            let (left, top) = match (self.format, index) {
                (PixelFormat::Rgba, _) => (4 * x, y),
                (PixelFormat::I420, 1..) => (x / 2, y / 2),
                (PixelFormat::Nv12, 1..) => (x, y / 2),
                _ => (x, y),
            };
            Plane {
                data: plane.data.slice(top * plane.stride + left..),
                stride: plane.stride,
            }
        });
        let cropped = VideoFrame::new(self.format, width, height, planes.collect())?;
        Ok(VideoFrame {
            rotation: self.rotation,
            timestamp: self.timestamp,
            ..cropped
        })
    }

    /// The picture at another time of its source's clock.
    pub fn at(mut self, timestamp: Duration) -> Self {
        self.timestamp = timestamp;
        self
    }
}

pub(crate) fn check_size(width: u32, height: u32, max_pixels: u64) -> Result<(), CodecError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(CodecError::Invalid("a picture without pixels"));
    }
    if pixels > max_pixels || width.max(height) > limits::MAX_SIDE {
        return Err(CodecError::TooLarge("a picture", pixels));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_that_is_too_short_makes_no_picture() {
        let plane = |len: usize, stride| Plane {
            data: vec![0; len].into(),
            stride,
        };
        let of = |planes| VideoFrame::new(PixelFormat::I420, 5, 3, planes);
        let good = || vec![plane(5 + 2 * 8, 8), plane(3 + 4, 4), plane(6, 3)];
        assert!(of(good()).is_ok());
        for index in 0..3 {
            let mut short = good();
            let len = short[index].data.len() - 1;
            short[index].data.truncate(len);
            assert_eq!(of(short), Err(CodecError::Invalid("a plane is too short")));
        }
        let mut narrow = good();
        narrow[0].stride = 4;
        assert!(of(narrow).is_err() && of(good()[..2].to_vec()).is_err());
        let endless = Plane {
            data: vec![0; 100].into(),
            stride: usize::MAX,
        };
        assert!(VideoFrame::new(PixelFormat::Rgba, 1, 3, vec![endless]).is_err());
    }

    #[test]
    fn a_part_of_a_picture_shares_its_pixels() {
        let data: Vec<u8> = (0..8 * 6 * 3 / 2).collect();
        let whole = VideoFrame::packed(PixelFormat::I420, 8, 6, data.into()).unwrap();
        let part = whole.crop(3, 2, 4, 4).unwrap();
        assert_eq!((part.width(), part.height()), (4, 4));
        assert_eq!(part.row(0, 0), [18, 19, 20, 21]);
        assert_eq!(
            (part.row(1, 1), part.row(2, 0)),
            (&[57, 58][..], &[65, 66][..])
        );
        let whole_plane = whole.planes()[0].data.as_ptr_range();
        assert!(whole_plane.contains(&part.planes()[0].data.as_ptr()));
        assert!(whole.crop(5, 0, 4, 6).is_err() && whole.crop(0, 0, 0, 6).is_err());
        assert!(whole.crop(u32::MAX, 0, 2, 2).is_err());
        assert_eq!(whole.crop(0, 0, 8, 6), Ok(whole));

        let pixels: Vec<u8> = (0..4 * 4 * 2).collect();
        let pixels = VideoFrame::packed(PixelFormat::Rgba, 4, 2, pixels.into()).unwrap();
        assert_eq!(pixels.crop(2, 0, 1, 1).unwrap().row(0, 0), [8, 9, 10, 11]);
    }

    #[test]
    fn a_picture_without_pixels_or_with_too_many_is_refused_before_it_is_made() {
        assert!(VideoFrame::black(0, 10).is_err());
        let refused = VideoFrame::black(16_384, 16_384);
        assert_eq!(refused, Err(CodecError::TooLarge("a picture", 1 << 28)));
        assert!(VideoFrame::black(u32::MAX, u32::MAX).is_err());
        assert!(VideoFrame::black(4096, 2304).is_ok());
    }
}
