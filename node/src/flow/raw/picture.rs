//! `NativePicture`: a raw picture that a `VideoFrame` of JavaScript holds. What passes is this, not
//! its pixels.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use duologue_codec::{PixelFormat, Plane, VideoFrame, pattern};
use napi::bindgen_prelude::{ObjectFinalize, Result, Uint8Array, Uint8ArraySlice};
use napi::{Env, Error};
use napi_derive::napi;

/// A picture; its pixels are shared with all that were made of it.
#[napi(custom_finalize)]
#[derive(Debug)]
pub struct NativePicture {
    /// None once it is closed.
    frame: Option<VideoFrame>,
    layout: Layout,
    /// Bytes that JavaScript's collector was told of.
    told: i64,
}

impl ObjectFinalize for NativePicture {
    fn finalize(self, env: Env) -> Result<()> {
        env.adjust_external_memory(-self.told).map(drop)
    }
}

/// What the four bytes of a pixel are, where they are four.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Layout {
    /// As the format of the codecs has them.
    Own,
    /// Red first; the fourth means nothing.
    Opaque,
    /// Blue first.
    Swapped,
    SwappedOpaque,
}

/// Copies of whole pictures that were made: into them, out of them, and of one order of bytes into another.
static COPIES: AtomicU64 = AtomicU64::new(0);

/// How many whole pictures were copied in this process.
#[napi]
pub fn copied_pictures() -> f64 {
    COPIES.load(Ordering::Relaxed) as f64
}

fn copied() {
    COPIES.fetch_add(1, Ordering::Relaxed);
}

/// `VideoPixelFormat`
fn format(name: &str) -> Result<(PixelFormat, Layout)> {
    Ok(match name {
        "I420" => (PixelFormat::I420, Layout::Own),
        "NV12" => (PixelFormat::Nv12, Layout::Own),
        "RGBA" => (PixelFormat::Rgba, Layout::Own),
        "RGBX" => (PixelFormat::Rgba, Layout::Opaque),
        "BGRA" => (PixelFormat::Rgba, Layout::Swapped),
        "BGRX" => (PixelFormat::Rgba, Layout::SwappedOpaque),
        other => return Err(Error::from_reason(format!("no pictures are of {other}"))),
    })
}

/// Part of a picture.
#[napi(object)]
#[derive(Clone, Copy, Debug)]
pub struct NativeRect {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A picture of a copy of bytes; `layout` has the offset and the stride of each plane, one after the other.
#[napi]
pub fn create_picture(
    env: Env,
    name: String,
    width: u32,
    height: u32,
    data: Uint8ArraySlice<'_>,
    layout: Vec<u32>,
) -> Result<NativePicture> {
    let (format, order) = format(&name)?;
    let short = || Error::from_reason("a plane is too short");
    let mut planes = Vec::with_capacity(format.planes());
    for index in 0..format.planes() {
        let (offset, stride) = (layout.get(2 * index), layout.get(2 * index + 1));
        let (Some(offset), Some(stride)) = (offset, stride) else {
            return Err(short());
        };
        let (row, rows) = format.plane_size(index, width, height);
        let stride = *stride as usize;
        let len = rows.saturating_sub(1).checked_mul(stride);
        let len = len.and_then(|len| len.checked_add(row)).ok_or_else(short)?;
        let bytes = data.get(*offset as usize..).and_then(|it| it.get(..len));
        let data = Bytes::copy_from_slice(bytes.ok_or_else(short)?);
        planes.push(Plane { data, stride });
    }
    copied();
    let frame = VideoFrame::new(format, width, height, planes);
    let frame = frame.map_err(|error| Error::from_reason(error.to_string()))?;
    NativePicture::new(frame, order).told(env)
}

/// A black picture.
#[napi]
pub fn black_picture(env: Env, width: u32, height: u32) -> Result<NativePicture> {
    let frame = VideoFrame::black(width, height);
    let frame = frame.map_err(|error| Error::from_reason(error.to_string()))?;
    NativePicture::from(frame).told(env)
}

/// A test picture with a number in it.
#[napi]
pub fn test_picture(env: Env, number: u32, width: u32, height: u32) -> Result<NativePicture> {
    let frame = pattern::draw(number as u16, width, height);
    let frame = frame.map_err(|error| Error::from_reason(error.to_string()))?;
    NativePicture::from(frame).told(env)
}

impl From<VideoFrame> for NativePicture {
    fn from(frame: VideoFrame) -> Self {
        NativePicture::new(frame, Layout::Own)
    }
}

impl NativePicture {
    fn new(frame: VideoFrame, layout: Layout) -> Self {
        NativePicture {
            frame: Some(frame),
            layout,
            told: 0,
        }
    }

    /// The collector learns how much memory it holds: the object itself is small.
    pub(super) fn told(mut self, env: Env) -> Result<Self> {
        let planes = self.frame.iter().flat_map(VideoFrame::planes);
        self.told = planes.map(|plane| plane.data.len() as i64).sum();
        env.adjust_external_memory(self.told)?;
        Ok(self)
    }

    fn frame(&self) -> Result<&VideoFrame> {
        let frame = self.frame.as_ref();
        frame.ok_or_else(|| Error::from_reason("the picture is closed"))
    }
}

#[napi]
impl NativePicture {
    /// `VideoPixelFormat`
    #[napi(getter)]
    pub fn format(&self) -> Result<&'static str> {
        Ok(match (self.frame()?.format(), self.layout) {
            (PixelFormat::I420, _) => "I420",
            (PixelFormat::Nv12, _) => "NV12",
            (_, Layout::Own) => "RGBA",
            (_, Layout::Opaque) => "RGBX",
            (_, Layout::Swapped) => "BGRA",
            (_, Layout::SwappedOpaque) => "BGRX",
        })
    }

    /// Pixels of a row.
    #[napi(getter)]
    pub fn width(&self) -> Result<u32> {
        Ok(self.frame()?.width())
    }

    /// Rows.
    #[napi(getter)]
    pub fn height(&self) -> Result<u32> {
        Ok(self.frame()?.height())
    }

    /// When it is of, in microseconds.
    #[napi(getter)]
    pub fn timestamp(&self) -> Result<f64> {
        Ok(self.frame()?.timestamp.as_micros() as f64)
    }

    /// In degrees, clockwise.
    #[napi(getter)]
    pub fn rotation(&self) -> Result<u32> {
        Ok(self.frame()?.rotation as u32 * 90)
    }

    /// The number in a test picture.
    #[napi(getter, ts_return_type = "number | null")]
    pub fn number(&self) -> Option<u32> {
        let frame = self.frame.as_ref()?.to_i420().ok()?;
        pattern::number(&frame).map(u32::from)
    }

    /// The same one, which is closed by itself.
    #[napi]
    pub fn share(&self) -> Result<NativePicture> {
        Ok(NativePicture::new(self.frame()?.clone(), self.layout))
    }

    /// Its pixels are freed, unless somebody shares them.
    #[napi]
    pub fn close(&mut self, env: Env) -> Result<()> {
        self.frame = None;
        env.adjust_external_memory(-std::mem::take(&mut self.told))
            .map(drop)
    }

    /// A part of it, which shares its pixels; of sides that are even where colours are halved.
    #[napi]
    pub fn crop(&self, rect: NativeRect) -> Result<NativePicture> {
        let outside = || Error::from_reason("the part is outside of the picture");
        let whole = self.frame()?;
        let format = whole.format();
        let mut planes = Vec::with_capacity(format.planes());
        for (index, plane) in whole.planes().iter().enumerate() {
            let (x, y) = place(format, index, rect);
            let offset = y * plane.stride + x;
            if offset > plane.data.len() {
                return Err(outside());
            }
            planes.push(Plane {
                data: plane.data.slice(offset..),
                stride: plane.stride,
            });
        }
        let frame = VideoFrame::new(format, rect.width, rect.height, planes);
        let mut frame = frame.map_err(|_| outside())?;
        frame.timestamp = whole.timestamp;
        frame.rotation = whole.rotation;
        Ok(NativePicture::new(frame, self.layout))
    }

    /// Copies a part of it into `out`; `layout` has the offset and the stride of each plane, one after the
    /// other. Where it is to be of another format, it is converted.
    #[napi]
    pub fn copy(
        &self,
        mut out: Uint8Array,
        name: String,
        rect: NativeRect,
        layout: Vec<u32>,
    ) -> Result<()> {
        let source = match name == self.format()? {
            true => self.crop(rect)?,
            false => self.crop(rect)?.converted(&name)?,
        };
        // SAFETY: JavaScript waits for this call, and nothing else of this thread runs.
        let out = unsafe { out.as_mut() };
        let frame = source.frame()?;
        for index in 0..frame.planes().len() {
            let (row, rows) = frame.format().plane_size(index, rect.width, rect.height);
            let (offset, stride) = (layout.get(2 * index), layout.get(2 * index + 1));
            let (Some(offset), Some(stride)) = (offset, stride) else {
                return Err(Error::from_reason("a plane has no place"));
            };
            for y in 0..rows {
                let at = *offset as usize + y * *stride as usize;
                let target = out.get_mut(at..at + row);
                let target = target.ok_or_else(|| Error::from_reason("there is no room"))?;
                target.copy_from_slice(frame.row(index, y));
            }
        }
        copied();
        Ok(())
    }
}

impl NativePicture {
    /// As codecs take it, and of this time.
    pub(super) fn to_frame(&self, timestamp: Duration) -> Result<VideoFrame> {
        let own = match self.layout {
            Layout::Own | Layout::Opaque => self.frame()?.clone(),
            Layout::Swapped | Layout::SwappedOpaque => self.with_order(true, false)?,
        };
        Ok(own.at(timestamp))
    }

    fn converted(&self, name: &str) -> Result<NativePicture> {
        let (to, layout) = format(name)?;
        let failed = |_| Error::from_reason("the picture cannot be converted");
        let own = self.to_frame(self.frame()?.timestamp)?;
        let own = match to {
            PixelFormat::I420 => own.to_i420().map_err(failed)?,
            PixelFormat::Rgba => own.to_rgba().map_err(failed)?,
            _ => return Err(Error::from_reason(format!("nothing makes {name}"))),
        };
        let swapped = matches!(layout, Layout::Swapped | Layout::SwappedOpaque);
        let opaque = matches!(self.layout, Layout::Opaque | Layout::SwappedOpaque);
        let own = NativePicture::from(own);
        let frame = match to == PixelFormat::Rgba && (swapped || opaque) {
            true => own.with_order(swapped, opaque)?,
            false => own.frame()?.clone(),
        };
        Ok(NativePicture::new(frame, layout))
    }

    /// A copy with red and blue in each other's place, and with or without its opacity.
    fn with_order(&self, swap: bool, opaque: bool) -> Result<VideoFrame> {
        let own = self.frame()?;
        let (width, height) = (own.width(), own.height());
        let mut data = BytesMut::with_capacity(4 * width as usize * height as usize);
        for y in 0..height as usize {
            let begin = data.len();
            data.extend_from_slice(own.row(0, y));
            for pixel in data[begin..].chunks_exact_mut(4) {
                if swap {
                    pixel.swap(0, 2);
                }
                if opaque {
                    pixel[3] = 255;
                }
            }
        }
        copied();
        let frame = VideoFrame::packed(PixelFormat::Rgba, width, height, data.freeze());
        let frame = frame.map_err(|error| Error::from_reason(error.to_string()))?;
        Ok(frame.at(own.timestamp))
    }
}

/// Bytes and rows into a plane where a part of the picture begins.
fn place(format: PixelFormat, plane: usize, rect: NativeRect) -> (usize, usize) {
    let (x, y) = (rect.x as usize, rect.y as usize);
    match (format, plane) {
        (PixelFormat::Rgba, _) => (4 * x, y),
        (_, 0) => (x, y),
        (PixelFormat::I420, _) => (x / 2, y / 2),
        _ => (x / 2 * 2, y / 2),
    }
}
