//! libvpx 1.11 to 1.16: VP8 and VP9. Its structures are the same in all of these versions, and only
//! the number differs by which it tells them apart.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::ptr;
use std::time::Duration;

use bytes::Bytes;
use duologue_codec::{
    CodecError, CodecSet, EncodedVideoChunk, ScalabilityMode, VideoCodec, VideoDecode,
    VideoDecoderConfig, VideoEncode, VideoEncoderConfig, VideoFrame,
};

use crate::check;
use crate::image::{Layout, Wrap};
use crate::layers::Pattern;
use crate::load::{Missing, Once, functions, open};
use crate::record::Record;

mod layers;

const NAMES: &[&str] = &[
    "libvpx.so.12",
    "libvpx.so.11",
    "libvpx.so.9",
    "libvpx.so.8",
    "libvpx.so.7",
];

const LIBRARY: &str = "libvpx";

/// `VPX_ENCODER_ABI_VERSION` of each version whose structures are those below. It is not enough by
/// itself: Debian's 1.12 takes 22 to 24 as well.
const ENCODER_ABI: [((u32, u32), c_int); 6] = [
    ((1, 11), 25),
    ((1, 12), 25),
    ((1, 13), 30),
    ((1, 14), 34),
    ((1, 15), 36),
    ((1, 16), 39),
];
const DECODER_ABI: c_int = 12;

/// `vpx_codec_ctx_t`, of which nothing has to be known.
const CONTEXT: usize = 56;

/// `vpx_codec_enc_cfg_t`: where its fields are.
mod config {
    pub(super) const SIZE: usize = 504;
    pub(super) const THREADS: usize = 4;
    pub(super) const WIDTH: usize = 12;
    pub(super) const HEIGHT: usize = 16;
    pub(super) const BIT_DEPTH: usize = 20;
    pub(super) const TIME_BASE: usize = 28;
    pub(super) const ERROR_RESILIENT: usize = 36;
    pub(super) const LAG: usize = 44;
    pub(super) const DROP_FRAMES: usize = 48;
    pub(super) const RESIZE: usize = 52;
    pub(super) const END_USAGE: usize = 72;
    pub(super) const BITRATE: usize = 112;
    pub(super) const MIN_QUANTIZER: usize = 116;
    pub(super) const MAX_QUANTIZER: usize = 120;
    pub(super) const UNDERSHOOT: usize = 124;
    pub(super) const OVERSHOOT: usize = 128;
    pub(super) const BUFFER: usize = 132;
    pub(super) const BUFFER_INITIAL: usize = 136;
    pub(super) const BUFFER_OPTIMAL: usize = 140;
    pub(super) const KEY_FRAMES: usize = 160;
    pub(super) const SPATIAL_LAYERS: usize = 172;
    /// `ss_target_bitrate`, of which there are five
    pub(super) const SPATIAL_BITRATES: usize = 196;
    pub(super) const TEMPORAL_LAYERS: usize = 216;
    /// `ts_target_bitrate`, of which there are five
    pub(super) const TEMPORAL_BITRATES: usize = 220;
    /// `ts_rate_decimator`, of which there are five
    pub(super) const DECIMATORS: usize = 240;
    pub(super) const PERIOD: usize = 260;
    /// `ts_layer_id`, of which there are sixteen
    pub(super) const PERIOD_LAYERS: usize = 264;
    /// `layer_target_bitrate`, of which there are twelve
    pub(super) const LAYER_BITRATES: usize = 328;
    pub(super) const LAYERING: usize = 376;
    /// The application says which picture needs which.
    pub(super) const BYPASS: u32 = 1;
}

/// `vpx_image_t`
const IMAGE: Layout = Layout {
    size: 136,
    bits: 20,
    shown_width: 24,
    shown_height: 28,
    planes: 48,
    strides: 80,
};

/// `vpx_codec_cx_pkt_t`
mod packet {
    pub(super) const KIND: usize = 0;
    pub(super) const DATA: usize = 8;
    pub(super) const LEN: usize = 16;
    pub(super) const FLAGS: usize = 40;
    pub(super) const FRAME: u32 = 0;
    pub(super) const IS_KEY: u32 = 1;
    pub(super) const IS_DISCARDABLE: u32 = 2;
}

// vp8cx.h
const SET_CPU_USED: c_int = 13;
const SET_STATIC_THRESHOLD: c_int = 17;
const GET_LAST_QUANTIZER: c_int = 19;
// vp8dx.h
const GET_LAST_DECODED_QUANTIZER: c_int = 267;
// vp8cx.h
const SET_MAX_INTRA_BITRATE: c_int = 26;
const VP8_SET_SCREEN_CONTENT: c_int = 31;
const VP9_SET_TILE_COLUMNS: c_int = 33;
const VP9_SET_AQ_MODE: c_int = 36;
const VP9_SET_TUNE_CONTENT: c_int = 43;
const VP9_SET_ROW_THREADS: c_int = 55;

const FORCE_KEY_FRAME: c_long = 1;
const REALTIME: c_ulong = 1;
const CONSTANT_RATE: u32 = 1;
/// Of the time stamps that the encoder gets, a second.
const TIME_BASE: u32 = 90_000;

type Interface = unsafe extern "C" fn() -> *const c_void;

functions!(Functions {
    vpx_codec_version: unsafe extern "C" fn() -> c_int,
    vpx_codec_version_str: unsafe extern "C" fn() -> *const c_char,
    vpx_codec_vp8_cx: Interface,
    vpx_codec_vp9_cx: Interface,
    vpx_codec_vp8_dx: Interface,
    vpx_codec_vp9_dx: Interface,
    vpx_codec_enc_config_default:
        unsafe extern "C" fn(*const c_void, *mut c_void, c_uint) -> c_int,
    vpx_codec_enc_init_ver:
        unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void, c_long, c_int) -> c_int,
    vpx_codec_enc_config_set: unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int,
    vpx_codec_control_: unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int,
    vpx_codec_encode:
        unsafe extern "C" fn(*mut c_void, *const c_void, i64, c_ulong, c_long, c_ulong) -> c_int,
    vpx_codec_get_cx_data:
        unsafe extern "C" fn(*mut c_void, *mut *const c_void) -> *const c_void,
    vpx_codec_dec_init_ver:
        unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void, c_long, c_int) -> c_int,
    vpx_codec_decode:
        unsafe extern "C" fn(*mut c_void, *const u8, c_uint, *mut c_void, c_long) -> c_int,
    vpx_codec_get_frame:
        unsafe extern "C" fn(*mut c_void, *mut *const c_void) -> *const c_void,
    vpx_codec_destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
    vpx_img_wrap: Wrap,
});

#[derive(Clone, Copy)]
struct Vpx {
    functions: Functions,
    encoder_abi: c_int,
}

struct Found {
    vpx: Vpx,
    version: String,
}

fn library() -> Result<&'static Found, Missing> {
    static VPX: Once<Found> = Once::new();
    VPX.get(|| {
        let functions = Functions::of(open(NAMES)?)?;
        // SAFETY: they return a number, and a string of the library's that is never freed.
        let (number, text) = unsafe {
            let text = CStr::from_ptr((functions.vpx_codec_version_str)());
            ((functions.vpx_codec_version)(), text)
        };
        let version = text.to_string_lossy();
        let version = version.trim_start_matches('v').to_owned();
        let (major, minor) = ((number >> 16) as u32 & 0xff, (number >> 8) as u32 & 0xff);
        let known = ENCODER_ABI.iter().find(|(of, _)| *of == (major, minor));
        // `long` has 32 bits there, which moves fields.
        let elsewhere = cfg!(any(windows, not(target_pointer_width = "64")));
        let (_, encoder_abi) = known
            .filter(|_| !elsewhere)
            .ok_or_else(|| Missing::Unknown(version.clone()))?;
        let vpx = Vpx {
            functions,
            encoder_abi: *encoder_abi,
        };

        for codec in [VideoCodec::Vp8, VideoCodec::Vp9] {
            vpx.check_layout(codec)?;
            let test = Encoder::new(vpx, &check::config(codec)).and_then(|mut encoder| {
                let mut decoder = Decoder::new(vpx, &VideoDecoderConfig::new(codec))?;
                check::pictures(&mut encoder, &mut decoder)
            });
            test.map_err(Missing::Test)?;
        }
        Ok(Found { vpx, version })
    })
}

pub(crate) fn version() -> Result<String, Missing> {
    library().map(|found| found.version.clone())
}

pub(crate) fn add_to(set: &mut CodecSet) {
    let Ok(found) = library() else { return };
    let vpx = found.vpx;
    for codec in [VideoCodec::Vp8, VideoCodec::Vp9] {
        let name = format!("{LIBRARY} {}", found.version);
        let modes: Vec<_> = match codec {
            VideoCodec::Vp8 => ScalabilityMode::temporal().collect(),
            _ => ScalabilityMode::all().collect(),
        };
        let make = move |config: &VideoEncoderConfig| {
            Ok(Box::new(Encoder::new(vpx, config)?) as Box<dyn VideoEncode>)
        };
        set.add_scalable_video_encoder(codec, name.clone(), modes, make);
        set.add_video_decoder(codec, name, move |config: &VideoDecoderConfig| {
            Ok(Box::new(Decoder::new(vpx, config)?))
        });
    }
}

fn failed(code: c_int) -> CodecError {
    CodecError::Failed(LIBRARY, i64::from(code))
}

fn done(code: c_int) -> Result<(), CodecError> {
    if code == 0 { Ok(()) } else { Err(failed(code)) }
}

impl Vpx {
    fn encoder(&self, codec: VideoCodec) -> *const c_void {
        // SAFETY: it returns the address of a table of the library's.
        unsafe {
            match codec {
                VideoCodec::Vp8 => (self.functions.vpx_codec_vp8_cx)(),
                _ => (self.functions.vpx_codec_vp9_cx)(),
            }
        }
    }

    fn default_config(&self, codec: VideoCodec) -> Result<Record, CodecError> {
        let mut record = Record::untouched(config::SIZE);
        let interface = self.encoder(codec);
        // SAFETY: it fills one structure; the record has four times the room of the known one.
        done(unsafe {
            (self.functions.vpx_codec_enc_config_default)(interface, record.as_mut_ptr(), 0)
        })?;
        Ok(record)
    }

    /// Holds what the library fills in against what all known versions do.
    fn check_layout(&self, codec: VideoCodec) -> Result<(), Missing> {
        let filled = self.default_config(codec).map_err(Missing::Test)?;
        let known = [
            (config::WIDTH, 320),
            (config::HEIGHT, 240),
            (config::BIT_DEPTH, 8),
            (config::TIME_BASE, 1),
            (config::TIME_BASE + 4, 30),
            (config::BITRATE, 256),
            (config::BUFFER, 6_000),
            (config::BUFFER_INITIAL, 4_000),
            (config::BUFFER_OPTIMAL, 5_000),
            (config::SPATIAL_LAYERS, 1),
            (config::TEMPORAL_LAYERS, 1),
        ];
        let fields = known.iter().all(|(at, value)| filled.u32(*at) == *value);

        let image = IMAGE.is_that_of(self.functions.vpx_img_wrap);
        if fields && filled.is_filled() && image {
            Ok(())
        } else {
            Err(Missing::Layout)
        }
    }
}

/// `vpx_codec_ctx_t`, and that it is destroyed.
struct Context {
    vpx: Vpx,
    record: Record,
}

// SAFETY: a context has no tie to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Context {}

impl Context {
    /// Sets what takes an `int` or `unsigned int`.
    fn set(&mut self, what: c_int, value: c_int) -> Result<(), CodecError> {
        let control = self.vpx.functions.vpx_codec_control_;
        // SAFETY: the context is initialised, and all settings that this is called with take one
        // number of this size.
        done(unsafe { control(self.record.as_mut_ptr(), what, value) })
    }

    /// Sets what takes a pointer to a structure.
    fn set_record(&mut self, what: c_int, value: &mut Record) -> Result<(), CodecError> {
        let control = self.vpx.functions.vpx_codec_control_;
        // SAFETY: the context is initialised, and all that this is called with read or write one
        // structure, which the record has room for several times.
        done(unsafe { control(self.record.as_mut_ptr(), what, value.as_mut_ptr()) })
    }

    /// By a control that writes one `int`: that of the encoder or of the decoder.
    fn last_quantizer(&mut self, get: c_int) -> Option<u8> {
        let mut quantizer: c_int = -1;
        let control = self.vpx.functions.vpx_codec_control_;
        // SAFETY: the context is initialised; this one writes an `int` where it is told.
        let code = unsafe { control(self.record.as_mut_ptr(), get, &raw mut quantizer) };
        (code == 0).then(|| u8::try_from(quantizer).ok()).flatten()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and nobody has it any more.
        unsafe { (self.vpx.functions.vpx_codec_destroy)(self.record.as_mut_ptr()) };
    }
}

struct Encoder {
    context: Context,
    /// The library may keep a pointer to it.
    settings: Record,
    config: VideoEncoderConfig,
    /// In ticks of the time base, of the next picture.
    time: i64,
    pattern: Pattern,
}

impl Encoder {
    fn new(vpx: Vpx, config: &VideoEncoderConfig) -> Result<Self, CodecError> {
        let mut settings = vpx.default_config(config.codec)?;
        apply(&mut settings, config);
        let interface = vpx.encoder(config.codec);
        let mut record = Record::zeroed(CONTEXT);
        let init = vpx.functions.vpx_codec_enc_init_ver;
        // SAFETY: context and settings are structures of the version that the library said it is,
        // which was checked when it was loaded; both live as long as the encoder, at one place.
        let code = unsafe {
            init(
                record.as_mut_ptr(),
                interface,
                settings.as_ptr(),
                0,
                vpx.encoder_abi,
            )
        };
        // One that failed has freed what it had.
        done(code)?;
        let mut encoder = Encoder {
            context: Context { vpx, record },
            settings,
            config: config.clone(),
            time: 0,
            pattern: Pattern::new(config.scalability_mode),
        };
        encoder.tune()?;
        if encoder.has_layers() && config.codec == VideoCodec::Vp9 {
            encoder.divide()?;
        }
        Ok(encoder)
    }

    /// What is set once it runs: for the speed of a conversation.
    fn tune(&mut self) -> Result<(), CodecError> {
        let screen = self.config.screen;
        let context = &mut self.context;
        // A key frame gets at most what half of the buffer has.
        context.set(SET_MAX_INTRA_BITRATE, intra_limit(&self.config))?;
        context.set(SET_STATIC_THRESHOLD, if screen { 100 } else { 1 })?;
        if self.config.codec == VideoCodec::Vp8 {
            context.set(SET_CPU_USED, -6)?;
            return context.set(VP8_SET_SCREEN_CONTENT, c_int::from(screen));
        }
        context.set(SET_CPU_USED, VP9_SPEED as c_int)?;
        // Cyclic refresh: parts of the picture get better in turn, without peaks of the rate.
        context.set(VP9_SET_AQ_MODE, 3)?;
        context.set(VP9_SET_ROW_THREADS, 1)?;
        let columns = c_int::from(self.config.threads + 1).ilog2() as c_int;
        context.set(VP9_SET_TILE_COLUMNS, columns)?;
        context.set(VP9_SET_TUNE_CONTENT, c_int::from(screen))
    }

    fn has_layers(&self) -> bool {
        self.config.scalability_mode != ScalabilityMode::L1T1
    }

    fn collect(
        &mut self,
        frame: &VideoFrame,
        temporal: Option<u8>,
        out: &mut Vec<EncodedVideoChunk>,
    ) {
        let mut iterator: *const c_void = ptr::null();
        loop {
            let next = self.context.vpx.functions.vpx_codec_get_cx_data;
            // SAFETY: the context is initialised; the iterator is its own.
            let packet = unsafe { next(self.context.record.as_mut_ptr(), &mut iterator) };
            if packet.is_null() {
                return;
            }
            let packet = packet.cast::<u8>();
            // SAFETY: it is a packet until the next call; its fields are where they are in all known
            // versions, and one that is a frame has so many bytes at the place that it says.
            let (data, flags) = unsafe {
                if packet.add(packet::KIND).cast::<u32>().read() != packet::FRAME {
                    continue;
                }
                let data = packet.add(packet::DATA).cast::<*const u8>().read();
                let len = packet.add(packet::LEN).cast::<usize>().read();
                let flags = packet.add(packet::FLAGS).cast::<u32>().read();
                (std::slice::from_raw_parts(data, len), flags)
            };
            let data = Bytes::copy_from_slice(data);
            out.push(EncodedVideoChunk {
                data,
                key: flags & packet::IS_KEY != 0,
                timestamp: frame.timestamp,
                qp: self.context.last_quantizer(GET_LAST_QUANTIZER),
                temporal,
                discardable: flags & packet::IS_DISCARDABLE != 0,
            });
        }
    }
}

impl VideoEncode for Encoder {
    fn configure(&mut self, config: &VideoEncoderConfig) -> Result<(), CodecError> {
        config.check()?;
        if config.codec != self.config.codec {
            return Err(CodecError::Invalid("the codec stays the same"));
        }
        if config.shape() != self.config.shape() {
            *self = Encoder::new(self.context.vpx, config)?;
            return Ok(());
        }
        apply(&mut self.settings, config);
        let set = self.context.vpx.functions.vpx_codec_enc_config_set;
        // SAFETY: the context is initialised, and the settings are those it was made with, changed.
        done(unsafe { set(self.context.record.as_mut_ptr(), self.settings.as_ptr()) })?;
        self.config = config.clone();
        self.context
            .set(SET_MAX_INTRA_BITRATE, intra_limit(&self.config))
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
        let image = IMAGE.wrap(self.context.vpx.functions.vpx_img_wrap, &frame)?;

        let duration = (f64::from(TIME_BASE) / self.config.framerate)
            .round()
            .max(1.0);
        let picture = self.pattern.next(key);
        let mut flags = self.place(&picture, duration as i64)?;
        if key {
            flags = FORCE_KEY_FRAME;
        }
        let encode = self.context.vpx.functions.vpx_codec_encode;
        // SAFETY: the context is initialised; the image's planes are as long as its size and strides
        // say, which `VideoFrame` holds, and live until the call returns.
        done(unsafe {
            encode(
                self.context.record.as_mut_ptr(),
                image.as_ptr(),
                self.time,
                duration as c_ulong,
                flags,
                REALTIME,
            )
        })?;
        self.time += duration as i64;
        let temporal = self.has_layers().then_some(picture.temporal);
        self.collect(&frame, temporal, out);
        Ok(())
    }
}

/// One pass, at a constant rate, no picture held back.
fn apply(settings: &mut Record, config: &VideoEncoderConfig) {
    let kilobits = (config.bitrate / 1_000).clamp(1, 1_000_000) as u32;
    let (undershoot, overshoot) = match config.codec {
        VideoCodec::Vp8 => (100, 15),
        _ => (50, 50),
    };
    let values = [
        (config::THREADS, u32::from(config.threads) + 1),
        (config::WIDTH, config.width),
        (config::HEIGHT, config.height),
        (config::TIME_BASE, 1),
        (config::TIME_BASE + 4, TIME_BASE),
        (config::LAG, 0),
        (config::DROP_FRAMES, DROP_BELOW),
        (config::RESIZE, 0),
        (config::END_USAGE, CONSTANT_RATE),
        (config::BITRATE, kilobits),
        (config::MIN_QUANTIZER, MIN_QUANTIZER),
        (config::MAX_QUANTIZER, MAX_QUANTIZER),
        (config::UNDERSHOOT, undershoot),
        (config::OVERSHOOT, overshoot),
        (config::BUFFER, 1_000),
        (config::BUFFER_INITIAL, 500),
        (config::BUFFER_OPTIMAL, 600),
        // Key frames only where one is asked for.
        (config::KEY_FRAMES, 0),
    ];
    for (at, value) in values {
        settings.set_u32(at, value);
    }
    if config.scalability_mode != ScalabilityMode::L1T1 {
        layers::apply(settings, config);
    }
}

const MIN_QUANTIZER: u32 = 2;
const MAX_QUANTIZER: u32 = 56;
const VP9_SPEED: u32 = 8;
/// In per cent of the buffer.
const DROP_BELOW: u32 = 30;

/// The share of a frame's bits that a key frame may have, in per cent.
fn intra_limit(config: &VideoEncoderConfig) -> c_int {
    let half_of_buffer = 0.5 * 600.0 / 1_000.0 * config.framerate * 100.0;
    half_of_buffer.clamp(300.0, 10_000.0) as c_int
}

struct Decoder {
    context: Context,
    max_pixels: u64,
    last_qp: Option<u8>,
}

impl Decoder {
    fn new(vpx: Vpx, config: &VideoDecoderConfig) -> Result<Self, CodecError> {
        // `vpx_codec_dec_cfg_t`: threads, width, height.
        let mut settings = Record::zeroed(12);
        settings.set_u32(0, u32::from(config.threads) + 1);
        let mut record = Record::zeroed(CONTEXT);
        let init = vpx.functions.vpx_codec_dec_init_ver;
        // SAFETY: the interface is a table of the library's; context and settings are of the layout
        // that its decoders have had since 2010.
        let code = unsafe {
            let interface = match config.codec {
                VideoCodec::Vp8 => (vpx.functions.vpx_codec_vp8_dx)(),
                _ => (vpx.functions.vpx_codec_vp9_dx)(),
            };
            init(
                record.as_mut_ptr(),
                interface,
                settings.as_ptr(),
                0,
                DECODER_ABI,
            )
        };
        done(code)?;
        Ok(Decoder {
            context: Context { vpx, record },
            max_pixels: config.max_pixels,
            last_qp: None,
        })
    }
}

impl VideoDecode for Decoder {
    fn decode(
        &mut self,
        data: &[u8],
        timestamp: Duration,
        out: &mut Vec<VideoFrame>,
    ) -> Result<(), CodecError> {
        // No data at all flushes, and no known version would write here.
        let len = c_uint::try_from(data.len()).ok().filter(|len| *len > 0);
        let len = len.ok_or(CodecError::Damaged(LIBRARY, 0))?;
        let decode = self.context.vpx.functions.vpx_codec_decode;
        // SAFETY: the context is initialised; it reads no more than `len` bytes.
        let code = unsafe {
            decode(
                self.context.record.as_mut_ptr(),
                data.as_ptr(),
                len,
                ptr::null_mut(),
                0,
            )
        };
        if code != 0 {
            return Err(CodecError::Damaged(LIBRARY, i64::from(code)));
        }

        let mut iterator: *const c_void = ptr::null();
        loop {
            let next = self.context.vpx.functions.vpx_codec_get_frame;
            // SAFETY: the context is initialised; the iterator is its own.
            let image = unsafe { next(self.context.record.as_mut_ptr(), &mut iterator) };
            if image.is_null() {
                return Ok(());
            }
            // SAFETY: it is an image until the next call, with fields where all known versions have
            // them, and planes as long as those say.
            let frame = unsafe { IMAGE.read(image.cast(), self.max_pixels) }?;
            out.push(frame.at(timestamp));
            self.last_qp = self.context.last_quantizer(GET_LAST_DECODED_QUANTIZER);
        }
    }

    fn last_qp(&self) -> Option<u8> {
        self.last_qp
    }
}
