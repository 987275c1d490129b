//! dav1d 1.0 to 1.5: AV1, decoding.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use duologue_codec::{
    CodecError, CodecSet, PixelFormat, Plane, VideoCodec, VideoDecode, VideoDecoderConfig,
    VideoFrame,
};

use crate::image::{append_row, bytes_of};
use crate::load::{Missing, Once, functions, open};
use crate::record::Record;

const NAMES: &[&str] = if cfg!(target_os = "macos") {
    &[
        "libdav1d.7.dylib",
        "/opt/homebrew/lib/libdav1d.7.dylib",
        "libdav1d.6.dylib",
    ]
} else if cfg!(windows) {
    &["dav1d.dll", "libdav1d.dll"]
} else {
    &["libdav1d.so.7", "libdav1d.so.6"]
};

const LIBRARY: &str = "dav1d";

/// `DAV1D_ERR(EAGAIN)`: it has no more pictures, or takes no more data before they are fetched.
const AGAIN: c_int = if cfg!(target_os = "macos") { -35 } else { -11 };

/// `Dav1dSettings`
mod settings {
    pub(super) const SIZE: usize = 96;
    pub(super) const THREADS: usize = 0;
    pub(super) const FRAME_DELAY: usize = 4;
    pub(super) const APPLY_GRAIN: usize = 8;
    pub(super) const OPERATING_POINT: usize = 12;
    pub(super) const ALL_LAYERS: usize = 16;
    pub(super) const MAX_PIXELS: usize = 20;
    pub(super) const LOGGER: usize = 56;
    pub(super) const LOOP_FILTERS: usize = 72;
}

/// `Dav1dPicture`: those fields that are at the same places in all known versions. It has 264 bytes
/// up to 1.2, 272 from 1.3 on.
mod picture {
    pub(super) const SIZE: usize = 272;
    pub(super) const PLANES: usize = 16;
    pub(super) const STRIDES: usize = 40;
    pub(super) const WIDTH: usize = 56;
    pub(super) const HEIGHT: usize = 60;
    pub(super) const LAYOUT: usize = 64;
    pub(super) const BITS: usize = 68;
    pub(super) const GREY: u32 = 0;
    pub(super) const I420: u32 = 1;
}

/// `Dav1dData`
const DATA: usize = 72;

functions!(Functions {
    dav1d_version: unsafe extern "C" fn() -> *const c_char,
    dav1d_default_settings: unsafe extern "C" fn(*mut c_void),
    dav1d_open: unsafe extern "C" fn(*mut *mut c_void, *const c_void) -> c_int,
    dav1d_close: unsafe extern "C" fn(*mut *mut c_void),
    dav1d_data_create: unsafe extern "C" fn(*mut c_void, usize) -> *mut u8,
    dav1d_data_unref: unsafe extern "C" fn(*mut c_void),
    dav1d_send_data: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    dav1d_get_picture: unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int,
    dav1d_picture_unref: unsafe extern "C" fn(*mut c_void),
});

struct Found {
    functions: Functions,
    version: String,
}

fn library() -> Result<&'static Found, Missing> {
    static DAV1D: Once<Found> = Once::new();
    DAV1D.get(|| {
        let functions = Functions::of(open(NAMES)?)?;
        // SAFETY: it returns a string of the library's that is never freed.
        let version = unsafe { CStr::from_ptr((functions.dav1d_version)()) };
        let version = version.to_string_lossy().into_owned();
        let known = ["1.0.", "1.1.", "1.2.", "1.3.", "1.4.", "1.5."];
        let known = known.iter().any(|of| version.starts_with(of));
        if !known || cfg!(not(target_pointer_width = "64")) {
            return Err(Missing::Unknown(version));
        }

        let config = VideoDecoderConfig::new(VideoCodec::Av1);
        let test = default_settings(functions)
            .and_then(|settings| Decoder::with(functions, settings, &config));
        let mut decoder = test?;
        let mut pictures = Vec::new();
        let decoded = decoder.decode(&SQUARE, Duration::ZERO, &mut pictures);
        decoded.map_err(Missing::Test)?;
        let grey = pictures.iter().all(|picture| {
            let middle = picture.row(0, 32)[32];
            (picture.width(), picture.height()) == (64, 64) && (126..=130).contains(&middle)
        });
        if pictures.len() != 1 || !grey {
            let other = CodecError::Invalid("another picture comes out");
            return Err(Missing::Test(other));
        }
        Ok(Found { functions, version })
    })
}

pub(crate) fn version() -> Result<String, Missing> {
    library().map(|found| found.version.clone())
}

pub(crate) fn add_to(set: &mut CodecSet) {
    let Ok(found) = library() else { return };
    let functions = found.functions;
    let name = format!("{LIBRARY} {}", found.version);
    set.add_video_decoder(VideoCodec::Av1, name, move |config: &VideoDecoderConfig| {
        Ok(Box::new(Decoder::new(functions, config)?))
    });
}

/// What the library fills in, held against what all known versions do.
fn default_settings(functions: Functions) -> Result<Record, Missing> {
    let mut record = Record::zeroed(settings::SIZE);
    // SAFETY: it fills one structure; the record has several times the room of the known one.
    unsafe { (functions.dav1d_default_settings)(record.as_mut_ptr()) };
    let known = [
        (settings::THREADS, 0),
        (settings::FRAME_DELAY, 0),
        (settings::APPLY_GRAIN, 1),
        (settings::OPERATING_POINT, 0),
        (settings::ALL_LAYERS, 1),
        (settings::MAX_PIXELS, 0),
        (settings::LOOP_FILTERS, 7),
    ];
    let same = known.iter().all(|(at, value)| record.u32(*at) == *value);
    if same && record.is_intact() {
        Ok(record)
    } else {
        Err(Missing::Layout)
    }
}

struct Decoder {
    functions: Functions,
    context: NonNull<c_void>,
    max_pixels: u64,
}

// SAFETY: a context has no tie to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Decoder {}

impl Decoder {
    fn new(functions: Functions, config: &VideoDecoderConfig) -> Result<Self, CodecError> {
        let settings = default_settings(functions);
        let settings = settings.map_err(|_| CodecError::Failed(LIBRARY, 0))?;
        let made = Decoder::with(functions, settings, config);
        made.map_err(|_| CodecError::Failed(LIBRARY, 0))
    }

    fn with(
        functions: Functions,
        mut settings: Record,
        config: &VideoDecoderConfig,
    ) -> Result<Self, Missing> {
        let pixels = u32::try_from(config.max_pixels).unwrap_or(u32::MAX);
        settings.set_u32(settings::THREADS, u32::from(config.threads) + 1);
        // A picture comes out with its own frame, not one behind.
        settings.set_u32(settings::FRAME_DELAY, 1);
        settings.set_u32(settings::ALL_LAYERS, 0);
        settings.set_u32(settings::MAX_PIXELS, pixels);
        // What it says of damaged streams on the standard error is the peer's choice.
        settings.set_u64(settings::LOGGER, 0);
        let mut context = ptr::null_mut();
        // SAFETY: the settings are those that the library filled in, changed; it copies them.
        let code = unsafe { (functions.dav1d_open)(&mut context, settings.as_ptr()) };
        let context = NonNull::new(context).filter(|_| code == 0);
        let failed = CodecError::Failed(LIBRARY, i64::from(code));
        Ok(Decoder {
            functions,
            context: context.ok_or(Missing::Test(failed))?,
            max_pixels: config.max_pixels,
        })
    }

    /// Fetches the pictures that are ready.
    fn pictures(
        &mut self,
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        loop {
            let mut record = Record::zeroed(picture::SIZE);
            let get = self.functions.dav1d_get_picture;
            // SAFETY: the context is open; the record is zero, as it has to be, and has room for the
            // picture of every known version.
            let code = unsafe { get(self.context.as_ptr(), record.as_mut_ptr()) };
            if code == AGAIN {
                return Ok(());
            }
            if code != 0 {
                return Err(CodecError::Damaged(LIBRARY, i64::from(code)));
            }
            let picture = Arc::new(Picture {
                functions: self.functions,
                record,
            });
            out.push(frame(&picture, self.max_pixels)?.at(timestamp));
        }
    }

    fn send(&mut self, data: &mut Record) -> c_int {
        let send = self.functions.dav1d_send_data;
        // SAFETY: the context is open; the data was made by `dav1d_data_create`.
        unsafe { send(self.context.as_ptr(), data.as_mut_ptr()) }
    }
}

impl VideoDecode for Decoder {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        if data.is_empty() {
            return Err(CodecError::Damaged(LIBRARY, 0));
        }
        let mut record = Record::zeroed(DATA);
        // SAFETY: it fills the structure and returns room for so many bytes, or nothing.
        let room = unsafe { (self.functions.dav1d_data_create)(record.as_mut_ptr(), data.len()) };
        if room.is_null() {
            return Err(CodecError::Failed(LIBRARY, 0));
        }
        // SAFETY: the room was made for it.
        unsafe { ptr::copy_nonoverlapping(data.as_ptr(), room, data.len()) };

        // It takes the data whole, or in parts while pictures are fetched in between.
        let mut result = Ok(());
        for _ in 0..MAX_TURNS {
            let code = self.send(&mut record);
            if code != 0 && code != AGAIN {
                result = Err(CodecError::Damaged(LIBRARY, i64::from(code)));
                break;
            }
            result = self.pictures(timestamp, out);
            if code == 0 || result.is_err() {
                break;
            }
        }
        // SAFETY: it is the structure that was filled above; what the decoder took is gone from it.
        unsafe { (self.functions.dav1d_data_unref)(record.as_mut_ptr()) };
        result
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let mut context = self.context.as_ptr();
        // SAFETY: it is open, and nobody has it any more. Pictures outlive it.
        unsafe { (self.functions.dav1d_close)(&mut context) };
    }
}

/// Pictures that one frame may make: a temporal unit has one for each layer.
const MAX_TURNS: usize = 32;

/// A picture of the library's, which is not copied: its memory is free when the last plane is gone.
struct Picture {
    functions: Functions,
    record: Record,
}

// SAFETY: a picture that was handed out is never written again, and its reference count is atomic.
unsafe impl Send for Picture {}
// SAFETY: as above.
unsafe impl Sync for Picture {}

impl Drop for Picture {
    fn drop(&mut self) {
        // SAFETY: the library filled it, and this is the last one who has it.
        unsafe { (self.functions.dav1d_picture_unref)(self.record.as_mut_ptr()) };
    }
}

struct Rows {
    picture: Arc<Picture>,
    index: usize,
    len: usize,
}

impl AsRef<[u8]> for Rows {
    fn as_ref(&self) -> &[u8] {
        let data = self
            .picture
            .record
            .pointer(picture::PLANES + 8 * self.index);
        // SAFETY: the plane has rows of its stride, up to the end of the last one, which is what
        // `len` was computed of; it lives as long as the picture, which is kept.
        unsafe { std::slice::from_raw_parts(data, self.len) }
    }
}

/// Of profile 0, which is what is offered: I420 or luma alone, of eight bits or ten.
fn frame(picture: &Arc<Picture>, max_pixels: u64) -> Result<VideoFrame, CodecError> {
    let record = &picture.record;
    let (layout, bits) = (record.u32(picture::LAYOUT), record.u32(picture::BITS));
    let known = matches!(layout, picture::GREY | picture::I420) && matches!(bits, 8 | 10 | 12);
    if !known {
        return Err(CodecError::Damaged(LIBRARY, i64::from(bits)));
    }
    let (width, height) = (record.u32(picture::WIDTH), record.u32(picture::HEIGHT));
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > max_pixels {
        return Err(CodecError::TooLarge("a picture", pixels));
    }

    let plane = |index: usize| {
        let stride = record.usize(picture::STRIDES + 8 * index.min(1));
        let (row, rows) = PixelFormat::I420.plane_size(index, width, height);
        if layout == picture::GREY && index > 0 {
            let data = Bytes::from(vec![NO_COLOUR; row * rows]);
            return Ok(Plane { data, stride: row });
        }
        let len = bytes_of(row, bits);
        let negative = stride.cast_signed() < len.cast_signed();
        if negative {
            return Err(CodecError::Failed(LIBRARY, 0));
        }
        let source = Rows {
            picture: picture.clone(),
            index,
            len: stride * (rows - 1) + len,
        };
        if bits == 8 {
            let data = Bytes::from_owner(source);
            return Ok(Plane { data, stride });
        }
        let mut data = Vec::with_capacity(row * rows);
        for line in source.as_ref().chunks(stride) {
            append_row(&mut data, &line[..len], bits);
        }
        let data = Bytes::from(data);
        Ok(Plane { data, stride: row })
    };
    let planes = vec![plane(0)?, plane(1)?, plane(2)?];
    VideoFrame::new(PixelFormat::I420, width, height, planes)
}

/// Of both planes of colour.
const NO_COLOUR: u8 = 128;

/// A grey square of 64 times 64 pixels: a sequence header and a key frame, made by libaom 3.6.
const SQUARE: [u8; 25] = [
    10, 9, 0, 0, 0, 2, 175, 255, 154, 52, 1, 50, 12, 16, 66, 0, 0, 1, 0, 0, 64, 181, 5, 14, 232,
];
