use std::borrow::Cow;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::frame::check_size;
use crate::{CodecError, PixelFormat, Plane, VideoFrame, limits};

/// Makes pictures larger or smaller.
///
/// ```
/// use duologue_codec::{Scaler, pattern};
///
/// let large = pattern::draw(7, 640, 360)?;
/// let small = Scaler::new().scale(&large, 320, 180)?;
/// assert_eq!((small.width(), small.height()), (320, 180));
/// assert_eq!(pattern::number(&small), Some(7));
/// # Ok::<(), duologue_codec::CodecError>(())
/// ```
#[derive(Debug, Default)]
pub struct Scaler(Resizer);

impl Scaler {
    /// A scaler that keeps the memory it needs.
    pub fn new() -> Self {
        Scaler::default()
    }

    /// The picture in another size, as I420. One that has it already is not copied.
    ///
    /// # Errors
    /// `Invalid` for a size of nothing, `TooLarge` for one of too much, `Failed` if the conversion
    /// does not take it.
    pub fn scale(
        &mut self,
        frame: &VideoFrame,
        width: u32,
        height: u32,
    ) -> Result<VideoFrame, CodecError> {
        check_size(width, height, limits::MAX_PIXELS)?;
        let frame = frame.to_i420()?;
        if (frame.width(), frame.height()) == (width, height) {
            return Ok(frame);
        }
        let format = PixelFormat::I420;
        let planes = (0..format.planes()).map(|index| {
            let from = format.plane_size(index, frame.width(), frame.height());
            let to = format.plane_size(index, width, height);
            self.scale_plane(&frame.planes()[index], from, to)
        });
        let planes = planes.collect::<Result<_, _>>()?;
        let mut scaled = VideoFrame::new(format, width, height, planes)?;
        scaled.rotation = frame.rotation;
        Ok(scaled.at(frame.timestamp))
    }

    fn scale_plane(
        &mut self,
        plane: &Plane,
        (row, rows): (usize, usize),
        (to_row, to_rows): (usize, usize),
    ) -> Result<Plane, CodecError> {
        // The last row may end before the next would begin.
        let whole = plane.stride * rows;
        let (data, stride) = match plane.data.get(..whole) {
            Some(data) => (Cow::Borrowed(data), plane.stride),
            None => (Cow::Owned(packed(plane, row, rows)), row),
        };
        let failed = CodecError::Failed("the scaling", 0);
        let source = TypedImageRef::<U8>::from_buffer(stride as u32, rows as u32, &data);
        let source = source.map_err(|_| failed.clone())?;
        let mut scaled = vec![0; to_row * to_rows];
        let target = TypedImage::<U8>::from_buffer(to_row as u32, to_rows as u32, &mut scaled);
        let mut target = target.map_err(|_| failed.clone())?;
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .crop(0.0, 0.0, row as f64, rows as f64);
        let done = self.0.resize_typed(&source, &mut target, &options);
        done.map_err(|_| failed)?;
        Ok(Plane {
            data: scaled.into(),
            stride: to_row,
        })
    }
}

fn packed(plane: &Plane, row: usize, rows: usize) -> Vec<u8> {
    let rows = (0..rows).map(|at| &plane.data[at * plane.stride..][..row]);
    rows.collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern;

    #[test]
    fn a_picture_keeps_its_number_and_its_time_in_every_size() {
        let mut scaler = Scaler::new();
        let large = pattern::draw(1_234, 1_280, 720).unwrap();
        let large = large.at(std::time::Duration::from_millis(5));
        for (width, height) in [(960, 540), (640, 360), (320, 180), (1_920, 1_080)] {
            let scaled = scaler.scale(&large, width, height).unwrap();
            assert_eq!((scaled.width(), scaled.height()), (width, height));
            assert_eq!(pattern::number(&scaled), Some(1_234), "{width}");
            assert_eq!(scaled.timestamp, large.timestamp);
        }
        let odd = scaler.scale(&large, 427, 241).unwrap();
        assert_eq!((odd.width(), odd.height()), (427, 241));
        assert!(scaler.scale(&large, 0, 10).is_err());
        assert!(scaler.scale(&large, 16_384, 16_384).is_err());
    }

    #[test]
    fn what_lies_between_rows_is_no_part_of_the_picture() {
        let grey = |stride: usize, rows: usize, row: usize| {
            let mut data = vec![255; stride * (rows - 1) + row];
            for at in 0..rows {
                data[at * stride..][..row].fill(100);
            }
            Plane {
                data: data.into(),
                stride,
            }
        };
        let planes = vec![grey(80, 48, 64), grey(40, 24, 32), grey(32, 24, 32)];
        let frame = VideoFrame::new(PixelFormat::I420, 64, 48, planes).unwrap();
        let small = Scaler::new().scale(&frame, 32, 24).unwrap();
        assert!((0..24).all(|row| small.row(0, row).iter().all(|it| *it == 100)));
    }
}
