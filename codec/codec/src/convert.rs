use yuv::{
    BufferStoreMut, YuvBiPlanarImage, YuvChromaSubsampling, YuvConversionMode, YuvPlanarImage,
    YuvPlanarImageMut, YuvRange, YuvStandardMatrix, rgba_to_yuv420, yuv_nv12_to_rgba,
    yuv420_to_rgba,
};

use crate::{CodecError, PixelFormat, Plane, VideoFrame};

/// What browsers send and take where a stream does not say otherwise.
const RANGE: YuvRange = YuvRange::Limited;
const MATRIX: YuvStandardMatrix = YuvStandardMatrix::Bt601;

impl VideoFrame {
    /// The picture as I420: itself if it is that already, without a copy.
    ///
    /// # Errors
    /// `Failed` if the conversion does not take it.
    pub fn to_i420(&self) -> Result<VideoFrame, CodecError> {
        let planes = match self.format() {
            PixelFormat::I420 => return Ok(self.clone()),
            PixelFormat::Nv12 => self.split_differences(),
            PixelFormat::Rgba => self.rgba_to_i420()?,
        };
        self.with_planes(PixelFormat::I420, planes)
    }

    /// The picture as RGBA, fully opaque where the format has no opacity.
    ///
    /// # Errors
    /// `Failed` if the conversion does not take it.
    pub fn to_rgba(&self) -> Result<VideoFrame, CodecError> {
        let (width, height) = (self.width(), self.height());
        let stride = 4 * width;
        let mut data = vec![0; stride as usize * height as usize];
        let planes = self.planes();
        let converted = match self.format() {
            PixelFormat::Rgba => return Ok(self.clone()),
            PixelFormat::Nv12 => {
                let image = YuvBiPlanarImage {
                    y_plane: &planes[0].data,
                    y_stride: planes[0].stride as u32,
                    uv_plane: &planes[1].data,
                    uv_stride: planes[1].stride as u32,
                    width,
                    height,
                };
                let mode = YuvConversionMode::Balanced;
                yuv_nv12_to_rgba(&image, &mut data, stride, RANGE, MATRIX, mode)
            }
            PixelFormat::I420 => {
                let image = YuvPlanarImage {
                    y_plane: &planes[0].data,
                    y_stride: planes[0].stride as u32,
                    u_plane: &planes[1].data,
                    u_stride: planes[1].stride as u32,
                    v_plane: &planes[2].data,
                    v_stride: planes[2].stride as u32,
                    width,
                    height,
                };
                yuv420_to_rgba(&image, &mut data, stride, RANGE, MATRIX)
            }
        };

        converted.map_err(|_| CodecError::Failed("the conversion to RGBA", 0))?;
        let plane = Plane {
            data: data.into(),
            stride: stride as usize,
        };
        self.with_planes(PixelFormat::Rgba, vec![plane])
    }

    /// What cameras give as YUYV, two pixels in four bytes, with `stride` bytes from one row to the next; as I420.
    ///
    /// # Errors
    /// `Invalid` if the data is too short, and as [`new`](Self::new).
    pub fn from_yuyv(
        width: u32,
        height: u32,
        stride: usize,
        data: &[u8],
    ) -> Result<VideoFrame, CodecError> {
        VideoFrame::check_size(width, height)?;
        let row = 4 * (width as usize).div_ceil(2);
        let needed = (height as usize - 1).checked_mul(stride);
        let needed = needed.and_then(|it| it.checked_add(row));
        if stride < row || needed.is_none_or(|needed| data.len() < needed) {
            return Err(CodecError::Invalid("the picture is too short"));
        }

        // `yuv` leaves the colours of the last row out where the height is odd.
        let (columns, rows) = PixelFormat::I420.plane_size(1, width, height);
        let mut planes = [
            Vec::with_capacity(width as usize * height as usize),
            Vec::with_capacity(columns * rows),
            Vec::with_capacity(columns * rows),
        ];
        let row_at = |at: usize| &data[at * stride..][..row];
        for at in 0..height as usize {
            let brightness = row_at(at).chunks_exact(2).map(|pair| pair[0]);
            planes[0].extend(brightness.take(width as usize));
        }
        for upper in (0..height as usize).step_by(2) {
            let lower = (upper + 1).min(height as usize - 1);
            let pairs = row_at(upper)
                .chunks_exact(4)
                .zip(row_at(lower).chunks_exact(4));
            for (upper, lower) in pairs {
                planes[1].push(upper[1].midpoint(lower[1]));
                planes[2].push(upper[3].midpoint(lower[3]));
            }
        }
        let strides = [width as usize, columns, columns];
        let planes = planes.into_iter().zip(strides).map(|(data, stride)| Plane {
            data: data.into(),
            stride,
        });
        VideoFrame::new(PixelFormat::I420, width, height, planes.collect())
    }

    fn rgba_to_i420(&self) -> Result<Vec<Plane>, CodecError> {
        let (width, height) = (self.width(), self.height());
        let mut image = YuvPlanarImageMut::<u8>::alloc(width, height, YuvChromaSubsampling::Yuv420);
        let source = &self.planes()[0];
        let mode = YuvConversionMode::Balanced;
        let stride = source.stride as u32;
        rgba_to_yuv420(&mut image, &source.data, stride, RANGE, MATRIX, mode)
            .map_err(|_| CodecError::Failed("the conversion from RGBA", 0))?;

        Ok(planes_of(image))
    }

    fn split_differences(&self) -> Vec<Plane> {
        let (stride, rows) = PixelFormat::I420.plane_size(1, self.width(), self.height());
        let mut halves = [0, 1].map(|_| Vec::with_capacity(stride * rows));
        for row in 0..rows {
            for pair in self.row(1, row).chunks_exact(2) {
                halves[0].push(pair[0]);
                halves[1].push(pair[1]);
            }
        }
        let halves = halves.map(|data| Plane {
            data: data.into(),
            stride,
        });
        [vec![self.planes()[0].clone()], halves.into()].concat()
    }

    fn with_planes(
        &self,
        format: PixelFormat,
        planes: Vec<Plane>,
    ) -> Result<VideoFrame, CodecError> {
        let mut frame = VideoFrame::new(format, self.width(), self.height(), planes)?;
        frame.rotation = self.rotation;
        frame.timestamp = self.timestamp;
        Ok(frame)
    }
}

/// Its planes, without a copy.
fn planes_of(image: YuvPlanarImageMut<'_, u8>) -> Vec<Plane> {
    let planes = [
        (image.y_plane, image.y_stride),
        (image.u_plane, image.u_stride),
        (image.v_plane, image.v_stride),
    ];
    let plane = |(data, stride): (BufferStoreMut<'_, u8>, u32)| Plane {
        data: match data {
            BufferStoreMut::Owned(data) => data.into(),
            BufferStoreMut::Borrowed(data) => data.to_vec().into(),
        },
        stride: stride as usize,
    };
    planes.map(plane).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Bars of four colours, of an odd size.
    fn bars(width: usize, height: usize) -> VideoFrame {
        let colours = [[200, 30, 40], [20, 180, 60], [30, 40, 190], [128, 128, 128]];
        let row = (0..width).flat_map(|x| {
            let [r, g, b] = colours[4 * x / width];
            [r, g, b, 255]
        });
        let row: Vec<u8> = row.collect();
        let data = row.repeat(height).into();
        let frame = VideoFrame::packed(PixelFormat::Rgba, width as u32, height as u32, data);
        frame.unwrap().at(Duration::from_millis(7))
    }

    #[test]
    fn a_picture_looks_the_same_after_a_conversion_there_and_back() {
        let source = bars(66, 35);
        let i420 = source.to_i420().unwrap();
        assert_eq!(i420.timestamp, source.timestamp);
        let back = i420.to_rgba().unwrap();
        for row in 0..35 {
            // Not where two bars share a sample of colour.
            for x in (0..66).filter(|x| ![16, 17, 32, 33, 49, 50].contains(x)) {
                let at = |frame: &VideoFrame| frame.row(0, row)[4 * x..][..4].to_vec();
                let (was, is) = (at(&source), at(&back));
                let apart = was.iter().zip(&is).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(apart <= Some(4), "{x}: {was:?} {is:?}");
            }
        }
    }

    #[test]
    fn nv12_is_taken_apart_and_what_is_i420_already_is_shared() {
        let data = [vec![50; 6 * 4], [90, 200].repeat(3 * 2)].concat();
        let nv12 = VideoFrame::packed(PixelFormat::Nv12, 6, 4, data.into()).unwrap();
        let i420 = nv12.to_i420().unwrap();
        assert_eq!(i420.row(1, 1), [90; 3]);
        assert_eq!(i420.row(2, 0), [200; 3]);
        let place = |frame: &VideoFrame| frame.planes()[0].data.as_ptr();
        assert_eq!(place(&i420), place(&nv12));
        assert_eq!(place(&i420.to_i420().unwrap()), place(&nv12));
        let rgba = [&nv12, &i420].map(|frame| frame.to_rgba().unwrap());
        assert_eq!(rgba[0].row(0, 2), rgba[1].row(0, 2));
    }

    #[test]
    fn pairs_of_pixels_with_gaps_between_rows_are_i420() {
        let row = |y: u8| [[y, 90, y + 1, 200].repeat(3), vec![7; 5]].concat();
        let data = [row(40), row(60), row(80)].concat();
        // Five of the six pixels of a row.
        let frame = VideoFrame::from_yuyv(5, 3, 17, &data).unwrap();
        assert_eq!(frame.row(0, 1), [60, 61, 60, 61, 60]);
        assert_eq!(
            (frame.row(1, 1), frame.row(2, 0)),
            (&[90; 3][..], &[200; 3][..])
        );
        assert!(VideoFrame::from_yuyv(5, 3, 17, &data[..45]).is_err());
        assert!(VideoFrame::from_yuyv(5, 3, 11, &data).is_err());
    }
}
