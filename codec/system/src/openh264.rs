//! OpenH264 2.1 to 2.6: H.264, baseline when it encodes. Its objects are C++ ones with tables of
//! functions, which its header gives to C as well.

use std::ffi::{c_int, c_long, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

use bytes::BytesMut;
use duologue_codec::{
    CodecError, CodecSet, EncodedVideoChunk, ScalabilityMode, VideoCodec, VideoDecode,
    VideoDecoderConfig, VideoEncode, VideoEncoderConfig, VideoFrame,
};

use crate::check;
use crate::image::{Source, copy_i420};
use crate::load::{Missing, Once, functions, open};
use crate::record::Record;

const NAMES: &[&str] = if cfg!(target_os = "macos") {
    &[
        "libopenh264.8.dylib",
        "/opt/homebrew/lib/libopenh264.8.dylib",
    ]
} else if cfg!(windows) {
    &[
        "openh264-2.6.0-win64.dll",
        "openh264-2.5.0-win64.dll",
        "openh264.dll",
    ]
} else {
    &["libopenh264.so.8", "libopenh264.so.7", "libopenh264.so.6"]
};

const LIBRARY: &str = "OpenH264";

/// What differs between versions: the sizes of structures. Fields are at the same places.
#[derive(Clone, Copy)]
struct Layout {
    /// `SEncParamExt`
    parameters: usize,
    /// `SSourcePicture`
    picture: usize,
    /// `SFrameBSInfo`
    info: usize,
    /// `SLayerBSInfo`, of which that has 128
    layer: usize,
}

/// By minor version.
const LAYOUTS: [(u32, Layout); 6] = {
    const OLD: Layout = Layout {
        parameters: 916,
        picture: 72,
        info: 5_144,
        layer: 40,
    };
    const MIDDLE: Layout = Layout {
        parameters: 920,
        ..OLD
    };
    const NEW: Layout = Layout {
        parameters: 924,
        picture: 80,
        info: 7_192,
        layer: 56,
    };
    [
        (1, OLD),
        (2, OLD),
        (3, MIDDLE),
        (4, MIDDLE),
        (5, MIDDLE),
        (6, NEW),
    ]
};

/// `SEncParamExt`
mod parameters {
    pub(super) const USAGE: usize = 0;
    pub(super) const WIDTH: usize = 4;
    pub(super) const HEIGHT: usize = 8;
    pub(super) const BITRATE: usize = 12;
    pub(super) const RATE_CONTROL: usize = 16;
    pub(super) const FRAMERATE: usize = 20;
    pub(super) const TEMPORAL_LAYERS: usize = 24;
    pub(super) const SPATIAL_LAYERS: usize = 28;
    /// `SSpatialLayerConfig`, the first of four
    pub(super) const LAYER: usize = 32;
    pub(super) const LAYER_WIDTH: usize = LAYER;
    pub(super) const LAYER_HEIGHT: usize = LAYER + 4;
    pub(super) const LAYER_FRAMERATE: usize = LAYER + 8;
    pub(super) const LAYER_BITRATE: usize = LAYER + 12;
    pub(super) const LAYER_MAX_BITRATE: usize = LAYER + 16;
    pub(super) const LAYER_PROFILE: usize = LAYER + 20;
    pub(super) const LAYER_SLICE_MODE: usize = LAYER + 32;
    pub(super) const COMPLEXITY: usize = 832;
    pub(super) const INTRA_PERIOD: usize = 836;
    pub(super) const PARAMETER_SET_IDS: usize = 844;
    pub(super) const PADDING: usize = 852;
    pub(super) const FRAME_SKIP: usize = 860;
    pub(super) const MAX_QP: usize = 868;
    pub(super) const MIN_QP: usize = 872;
    pub(super) const THREADS: usize = 892;
    pub(super) const SCENE_CHANGES: usize = 912;
}

/// `SSourcePicture`
mod picture {
    pub(super) const FORMAT: usize = 0;
    pub(super) const STRIDES: usize = 4;
    pub(super) const PLANES: usize = 24;
    pub(super) const WIDTH: usize = 56;
    pub(super) const HEIGHT: usize = 60;
    pub(super) const TIME: usize = 64;
    pub(super) const I420: u32 = 23;
}

/// `SLayerBSInfo`, and where `SFrameBSInfo` has the first one.
mod layer {
    pub(super) const FIRST: usize = 8;
    pub(super) const UNITS: usize = 16;
    pub(super) const LENGTHS: usize = 24;
    pub(super) const DATA: usize = 32;
    pub(super) const MAX: usize = 128;
}

/// `SDecodingParam`
mod decoding {
    pub(super) const SIZE: usize = 32;
    pub(super) const TARGET_LAYER: usize = 12;
    pub(super) const CONCEALMENT: usize = 16;
    pub(super) const PROPERTY_SIZE: usize = 24;
    pub(super) const STREAM_TYPE: usize = 28;
}

/// `SBufferInfo`
mod buffer {
    pub(super) const SIZE: usize = 72;
    pub(super) const STATUS: usize = 0;
    pub(super) const WIDTH: usize = 24;
    pub(super) const HEIGHT: usize = 28;
    pub(super) const FORMAT: usize = 32;
    pub(super) const STRIDES: usize = 36;
}

// codec_app_def.h
const OPTION_ENCODER_FRAMERATE: c_int = 4;
const OPTION_ENCODER_BITRATE: c_int = 5;
const OPTION_ENCODER_TRACE: c_int = 25;
const OPTION_DECODER_TRACE: c_int = 9;
const ALL_LAYERS: c_int = 4;
const FRAME_IS_IDR: u32 = 1;
const BITRATE_MODE: u32 = 1;
const BASELINE: u32 = 66;

/// Where functions stand in `ISVCEncoderVtbl` and `ISVCDecoderVtbl`.
mod at {
    pub(super) const ENCODER_INITIALIZE: usize = 1;
    pub(super) const ENCODER_DEFAULTS: usize = 2;
    pub(super) const ENCODER_UNINITIALIZE: usize = 3;
    pub(super) const ENCODE: usize = 4;
    pub(super) const FORCE_INTRA: usize = 6;
    pub(super) const ENCODER_SET: usize = 7;
    pub(super) const DECODER_INITIALIZE: usize = 0;
    pub(super) const DECODER_UNINITIALIZE: usize = 1;
    pub(super) const DECODE: usize = 3;
    pub(super) const DECODER_SET: usize = 8;
}

functions!(Functions {
    WelsGetCodecVersionEx: unsafe extern "C" fn(*mut [u32; 4]),
    WelsCreateSVCEncoder: unsafe extern "C" fn(*mut *mut c_void) -> c_int,
    WelsDestroySVCEncoder: unsafe extern "C" fn(*mut c_void),
    WelsCreateDecoder: unsafe extern "C" fn(*mut *mut c_void) -> c_long,
    WelsDestroyDecoder: unsafe extern "C" fn(*mut c_void),
});

#[derive(Clone, Copy)]
struct OpenH264 {
    functions: Functions,
    layout: Layout,
}

struct Found {
    library: OpenH264,
    version: String,
}

fn library() -> Result<&'static Found, Missing> {
    static OPENH264: Once<Found> = Once::new();
    OPENH264.get(|| {
        let functions = Functions::of(open(NAMES)?)?;
        let mut numbers = [0; 4];
        // SAFETY: it writes four numbers.
        unsafe { (functions.WelsGetCodecVersionEx)(&mut numbers) };
        let [major, minor, revision, _] = numbers;
        let version = format!("{major}.{minor}.{revision}");
        let known = LAYOUTS.iter().find(|(of, _)| major == 2 && minor == *of);
        let known = known.filter(|_| cfg!(target_pointer_width = "64"));
        let (_, layout) = known.ok_or_else(|| Missing::Unknown(version.clone()))?;
        let library = OpenH264 {
            functions,
            layout: *layout,
        };
        let test = Encoder::new(library, &check::config(VideoCodec::H264));
        let test = test.and_then(|mut encoder| {
            let config = VideoDecoderConfig::new(VideoCodec::H264);
            let mut decoder = Decoder::new(library, &config)?;
            check::pictures(&mut encoder, &mut decoder)
        });
        test.map_err(Missing::Test)?;
        Ok(Found { library, version })
    })
}

pub(crate) fn version() -> Result<String, Missing> {
    library().map(|found| found.version.clone())
}

pub(crate) fn add_to(set: &mut CodecSet) {
    let Ok(found) = library() else { return };
    let library = found.library;
    let name = format!("{LIBRARY} {}", found.version);
    set.add_scalable_video_encoder(
        VideoCodec::H264,
        name.clone(),
        ScalabilityMode::temporal(),
        move |config: &VideoEncoderConfig| Ok(Box::new(Encoder::new(library, config)?)),
    );
    set.add_video_decoder(
        VideoCodec::H264,
        name,
        move |config: &VideoDecoderConfig| Ok(Box::new(Decoder::new(library, config)?)),
    );
}

fn done(code: impl Into<i64>) -> Result<(), CodecError> {
    match code.into() {
        0 => Ok(()),
        code => Err(CodecError::Failed(LIBRARY, code)),
    }
}

/// The function at one place of an object's table.
///
/// # Safety
/// `object` is one of the library's, and the function there is of the type `F`, a pointer to a
/// function.
unsafe fn method<F: Copy>(object: NonNull<c_void>, at: usize) -> F {
    const { assert!(size_of::<F>() == size_of::<*const c_void>()) };
    // SAFETY: an object of C++ begins with a pointer to its table; the caller says what is there.
    unsafe { object.cast::<*const F>().read().add(at).read() }
}

struct Encoder {
    library: OpenH264,
    object: NonNull<c_void>,
    config: VideoEncoderConfig,
}

// SAFETY: the object has no tie to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    fn new(library: OpenH264, config: &VideoEncoderConfig) -> Result<Self, CodecError> {
        let mut object = ptr::null_mut();
        // SAFETY: it writes the object, which is checked.
        let code = unsafe { (library.functions.WelsCreateSVCEncoder)(&mut object) };
        done(code)?;
        let object = NonNull::new(object).ok_or(CodecError::Failed(LIBRARY, 0))?;
        let mut encoder = Encoder {
            library,
            object,
            config: config.clone(),
        };
        let quiet: c_int = 0;
        encoder.set(OPTION_ENCODER_TRACE, (&raw const quiet).cast())?;

        let mut parameters = encoder.defaults()?;
        apply(&mut parameters, config);
        // SAFETY: the object is an encoder, the structure is the one that it filled in, changed; it
        // copies it.
        let code = unsafe {
            type Initialize = unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int;
            let initialize: Initialize = method(object, at::ENCODER_INITIALIZE);
            initialize(object.as_ptr(), parameters.as_ptr())
        };
        done(code)?;
        Ok(encoder)
    }

    /// What the library fills in, held against what all known versions do.
    fn defaults(&mut self) -> Result<Record, CodecError> {
        let mut record = Record::untouched(self.library.layout.parameters);
        // SAFETY: the object is an encoder; it fills one structure, and the record has three times
        // the room of the known one.
        let code = unsafe {
            type Defaults = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
            let defaults: Defaults = method(self.object, at::ENCODER_DEFAULTS);
            defaults(self.object.as_ptr(), record.as_mut_ptr())
        };
        done(code)?;
        let known = [
            (parameters::USAGE, 0),
            (parameters::WIDTH, 0),
            (parameters::RATE_CONTROL, 0),
            (parameters::TEMPORAL_LAYERS, 1),
            (parameters::SPATIAL_LAYERS, 1),
            (parameters::INTRA_PERIOD, 0),
            (parameters::MAX_QP, 51),
            (parameters::MIN_QP, 0),
        ];
        let same = known.iter().all(|(at, value)| record.u32(*at) == *value);
        if same && record.is_filled() {
            Ok(record)
        } else {
            Err(CodecError::Invalid(
                "its structures are not those of its version",
            ))
        }
    }

    fn set(&mut self, option: c_int, value: *const c_void) -> Result<(), CodecError> {
        // SAFETY: the object is an encoder; callers give what the option reads.
        let code = unsafe {
            type Set = unsafe extern "C" fn(*mut c_void, c_int, *const c_void) -> c_int;
            let set: Set = method(self.object, at::ENCODER_SET);
            set(self.object.as_ptr(), option, value)
        };
        done(code)
    }

    /// What it made of a picture: none when the rate has nothing left for it.
    fn collect(&self, info: &Record, frame: &VideoFrame) -> Option<EncodedVideoChunk> {
        let mut data = BytesMut::new();
        let layers = (info.u32(0) as usize).min(layer::MAX);
        let mut temporal = 0;
        for index in 0..layers {
            let at = layer::FIRST + index * self.library.layout.layer;
            let units = info.u32(at + layer::UNITS) as usize;
            let lengths = info.pointer(at + layer::LENGTHS).cast::<u32>();
            let bytes = info.pointer(at + layer::DATA);
            if lengths.is_null() || bytes.is_null() {
                continue;
            }
            // The first byte; parameter sets before a picture are of the lowest layer.
            temporal = info.u32(at).to_ne_bytes()[0];
            // SAFETY: the library says that so many lengths are there until the next call, and that
            // the units lie one after the other.
            unsafe {
                let lengths = std::slice::from_raw_parts(lengths, units);
                let len = lengths.iter().map(|len| *len as usize).sum();
                data.extend_from_slice(std::slice::from_raw_parts(bytes, len));
            }
        }
        let kind = info.u32(self.library.layout.info - 16);
        let layered = self.config.scalability_mode != ScalabilityMode::L1T1;
        (!data.is_empty()).then(|| EncodedVideoChunk {
            data: data.freeze(),
            key: kind == FRAME_IS_IDR,
            timestamp: frame.timestamp,
            temporal: layered.then_some(temporal),
            ..EncodedVideoChunk::default()
        })
    }
}

impl VideoEncode for Encoder {
    fn configure(&mut self, config: &VideoEncoderConfig) -> Result<(), CodecError> {
        config.check()?;
        if config.codec != self.config.codec {
            return Err(CodecError::Invalid("the codec stays the same"));
        }
        if config.shape() != self.config.shape() {
            *self = Encoder::new(self.library, config)?;
            return Ok(());
        }
        // `SBitrateInfo`
        let bitrate = [ALL_LAYERS, bits(config) as c_int];
        self.set(OPTION_ENCODER_BITRATE, bitrate.as_ptr().cast())?;
        let framerate = config.framerate as f32;
        self.set(OPTION_ENCODER_FRAMERATE, (&raw const framerate).cast())?;
        self.config = config.clone();
        Ok(())
    }

    fn encode(
        &mut self,
        frame: &VideoFrame,
        key: bool,
        out: &mut Vec<EncodedVideoChunk>,
    ) -> Result<(), CodecError> {
        let size = (self.config.width, self.config.height);
        if (frame.width(), frame.height()) != size {
            return Err(CodecError::Invalid("a picture of another size"));
        }
        let frame = frame.to_i420()?;
        let mut picture = Record::zeroed(self.library.layout.picture);
        picture.set_u32(picture::FORMAT, picture::I420);
        picture.set_u32(picture::WIDTH, size.0);
        picture.set_u32(picture::HEIGHT, size.1);
        picture.set_u64(picture::TIME, frame.timestamp.as_millis() as u64);
        for (index, plane) in frame.planes().iter().enumerate() {
            let stride =
                u32::try_from(plane.stride).map_err(|_| CodecError::Invalid("a stride"))?;
            picture.set_u32(picture::STRIDES + 4 * index, stride);
            picture.set_pointer(picture::PLANES + 8 * index, plane.data.as_ptr());
        }

        let mut info = Record::zeroed(self.library.layout.info);
        // SAFETY: the object is an initialised encoder; the picture's planes are as long as its size
        // and strides say, which `VideoFrame` holds, and live until the call returns; it fills one
        // `SFrameBSInfo`.
        let code = unsafe {
            type Force = unsafe extern "C" fn(*mut c_void, bool, c_int) -> c_int;
            type Encode = unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void) -> c_int;
            if key {
                let force: Force = method(self.object, at::FORCE_INTRA);
                force(self.object.as_ptr(), true, -1);
            }
            let encode: Encode = method(self.object, at::ENCODE);
            encode(self.object.as_ptr(), picture.as_ptr(), info.as_mut_ptr())
        };
        done(code)?;
        out.extend(self.collect(&info, &frame));
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the object is an encoder, and nobody has it any more.
        unsafe {
            type Uninitialize = unsafe extern "C" fn(*mut c_void) -> c_int;
            let end: Uninitialize = method(self.object, at::ENCODER_UNINITIALIZE);
            end(self.object.as_ptr());
            (self.library.functions.WelsDestroySVCEncoder)(self.object.as_ptr());
        }
    }
}

fn bits(config: &VideoEncoderConfig) -> u32 {
    config.bitrate.clamp(1_000, 240_000_000) as u32
}

fn apply(parameters: &mut Record, config: &VideoEncoderConfig) {
    let bits = bits(config);
    let values = [
        (parameters::USAGE, u32::from(config.screen)),
        (parameters::WIDTH, config.width),
        (parameters::HEIGHT, config.height),
        (parameters::BITRATE, bits),
        (
            parameters::TEMPORAL_LAYERS,
            config.scalability_mode.temporal_layers().into(),
        ),
        (parameters::RATE_CONTROL, BITRATE_MODE),
        (parameters::LAYER_WIDTH, config.width),
        (parameters::LAYER_HEIGHT, config.height),
        (parameters::LAYER_BITRATE, bits),
        // Not limited beside the rate itself.
        (parameters::LAYER_MAX_BITRATE, 0),
        (parameters::LAYER_PROFILE, BASELINE),
        // One slice a picture.
        (parameters::LAYER_SLICE_MODE, 0),
        (parameters::COMPLEXITY, 0),
        // Key frames only where one is asked for.
        (parameters::INTRA_PERIOD, 0),
        // Parameter sets keep their numbers.
        (parameters::PARAMETER_SET_IDS, 0),
        (parameters::PADDING, 0),
    ];
    for (at, value) in values {
        parameters.set_u32(at, value);
    }
    parameters.set_f32(parameters::FRAMERATE, config.framerate as f32);
    parameters.set_f32(parameters::LAYER_FRAMERATE, config.framerate as f32);
    parameters.set_u8(parameters::FRAME_SKIP, 1);
    parameters.set_u8(parameters::SCENE_CHANGES, 0);
    parameters.set_u16(parameters::THREADS, u16::from(config.threads) + 1);
}

struct Decoder {
    library: OpenH264,
    object: NonNull<c_void>,
    max_pixels: u64,
}

// SAFETY: as of the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    fn new(library: OpenH264, config: &VideoDecoderConfig) -> Result<Self, CodecError> {
        let mut object = ptr::null_mut();
        // SAFETY: it writes the object, which is checked.
        done(unsafe { (library.functions.WelsCreateDecoder)(&mut object) })?;
        let object = NonNull::new(object).ok_or(CodecError::Failed(LIBRARY, 0))?;
        let decoder = Decoder {
            library,
            object,
            max_pixels: config.max_pixels,
        };

        let mut parameters = Record::zeroed(decoding::SIZE);
        parameters.set_u8(decoding::TARGET_LAYER, u8::MAX);
        // What is missing is an error, not a grey picture.
        parameters.set_u32(decoding::CONCEALMENT, 0);
        parameters.set_u32(decoding::PROPERTY_SIZE, 8);
        parameters.set_u32(decoding::STREAM_TYPE, 1);
        let quiet: c_int = 0;
        // SAFETY: the object is a decoder; the structure is the one that all known versions have, the
        // option reads an `int`.
        let code = unsafe {
            type Set = unsafe extern "C" fn(*mut c_void, c_int, *const c_void) -> c_long;
            type Initialize = unsafe extern "C" fn(*mut c_void, *const c_void) -> c_long;
            let set: Set = method(object, at::DECODER_SET);
            set(
                object.as_ptr(),
                OPTION_DECODER_TRACE,
                (&raw const quiet).cast(),
            );
            let initialize: Initialize = method(object, at::DECODER_INITIALIZE);
            initialize(object.as_ptr(), parameters.as_ptr())
        };
        done(code)?;
        Ok(decoder)
    }
}

impl VideoDecode for Decoder {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        let len = c_int::try_from(data.len()).ok().filter(|len| *len > 0);
        let len = len.ok_or(CodecError::Damaged(LIBRARY, 0))?;
        let mut planes: [*const u8; 3] = [ptr::null(); 3];
        let mut info = Record::zeroed(buffer::SIZE);
        // SAFETY: the object is an initialised decoder; it reads no more than `len` bytes and writes
        // three pointers and one `SBufferInfo`.
        let state = unsafe {
            type Decode = unsafe extern "C" fn(
                *mut c_void,
                *const u8,
                c_int,
                *mut *const u8,
                *mut c_void,
            ) -> c_int;
            let decode: Decode = method(self.object, at::DECODE);
            decode(
                self.object.as_ptr(),
                data.as_ptr(),
                len,
                planes.as_mut_ptr(),
                info.as_mut_ptr(),
            )
        };
        if state != 0 {
            return Err(CodecError::Damaged(LIBRARY, i64::from(state)));
        }
        if info.u32(buffer::STATUS) != 1 || planes.iter().any(|plane| plane.is_null()) {
            return Ok(());
        }

        let (width, height) = (info.u32(buffer::WIDTH), info.u32(buffer::HEIGHT));
        let pixels = u64::from(width) * u64::from(height);
        if info.u32(buffer::FORMAT) != picture::I420 || pixels > self.max_pixels {
            return Err(CodecError::TooLarge("a picture", pixels));
        }
        let source = |index: usize| Source {
            data: planes[index],
            stride: info.u32(buffer::STRIDES + 4 * index.min(1)).cast_signed() as isize,
        };
        // SAFETY: the planes have the rows of the size that stands beside them, until the next call.
        let frame = unsafe { copy_i420(width, height, [0, 1, 2].map(source), 8) }?;
        out.push(frame.at(timestamp));
        Ok(())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the object is a decoder, and nobody has it any more.
        unsafe {
            type Uninitialize = unsafe extern "C" fn(*mut c_void) -> c_long;
            let end: Uninitialize = method(self.object, at::DECODER_UNINITIALIZE);
            end(self.object.as_ptr());
            (self.library.functions.WelsDestroyDecoder)(self.object.as_ptr());
        }
    }
}
