//! libaom 3.4 to 3.13: AV1, encoding. Its structures are the same in all of these versions.

use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_ulong, c_void};
use std::ptr;

use bytes::Bytes;
use duologue_codec::{
    CodecError, CodecSet, EncodedVideoChunk, ScalabilityMode, VideoCodec, VideoEncode,
    VideoEncoderConfig, VideoFrame,
};

use crate::check;
use crate::image::{Layout, Wrap};
use crate::layers::{self, Pattern, Picture};
use crate::load::{Missing, Once, functions, open};
use crate::record::Record;

const NAMES: &[&str] = if cfg!(target_os = "macos") {
    &["libaom.3.dylib", "/opt/homebrew/lib/libaom.3.dylib"]
} else {
    &["libaom.so.3"]
};

const LIBRARY: &str = "libaom";

/// `AOM_ENCODER_ABI_VERSION` of the versions that are known.
const ENCODER_ABI: c_int = 29;
const MINORS: std::ops::RangeInclusive<u32> = 4..=13;

/// `aom_codec_ctx_t`, of which nothing has to be known.
const CONTEXT: usize = 56;

/// `aom_codec_enc_cfg_t`: where its fields are.
mod config {
    pub(super) const SIZE: usize = 904;
    pub(super) const USAGE: usize = 0;
    pub(super) const THREADS: usize = 4;
    pub(super) const WIDTH: usize = 12;
    pub(super) const HEIGHT: usize = 16;
    pub(super) const BIT_DEPTH: usize = 32;
    pub(super) const TIME_BASE: usize = 40;
    pub(super) const LAG: usize = 56;
    pub(super) const DROP_FRAMES: usize = 60;
    pub(super) const END_USAGE: usize = 96;
    pub(super) const BITRATE: usize = 136;
    pub(super) const MIN_QUANTIZER: usize = 140;
    pub(super) const MAX_QUANTIZER: usize = 144;
    pub(super) const UNDERSHOOT: usize = 148;
    pub(super) const OVERSHOOT: usize = 152;
    pub(super) const BUFFER: usize = 156;
    pub(super) const BUFFER_INITIAL: usize = 160;
    pub(super) const BUFFER_OPTIMAL: usize = 164;
    pub(super) const KEY_FRAMES: usize = 184;
    pub(super) const ANNEX_B: usize = 216;
}

/// What the controls of layers read.
mod svc {
    /// `aom_svc_params_t`: room for 32 layers, four spatial and eight temporal ones.
    pub(super) const PARAMETERS: usize = 456;
    pub(super) const SPATIAL_LAYERS: usize = 0;
    pub(super) const TEMPORAL_LAYERS: usize = 4;
    pub(super) const MAX_QUANTIZERS: usize = 8;
    pub(super) const MIN_QUANTIZERS: usize = 136;
    pub(super) const MULTIPLIERS: usize = 264;
    pub(super) const DIVISORS: usize = 280;
    pub(super) const BITRATES: usize = 296;
    pub(super) const DECIMATORS: usize = 424;
    /// `aom_svc_layer_id_t`
    pub(super) const LAYER_ID: usize = 8;
    pub(super) const SPATIAL: usize = 0;
    pub(super) const TEMPORAL: usize = 4;
    /// `aom_svc_ref_frame_config_t`: seven names for eight buffers.
    pub(super) const REFERENCES: usize = 88;
    pub(super) const USES: usize = 0;
    pub(super) const BUFFERS: usize = 28;
    pub(super) const FILLS: usize = 56;
    pub(super) const NAMES: usize = 7;
    /// Of a name.
    pub(super) const LAST: usize = 0;
    pub(super) const GOLDEN: usize = 3;
    pub(super) const ALTERNATE: usize = 6;
}

/// `aom_image_t`
const IMAGE: Layout = Layout {
    size: 168,
    bits: 36,
    shown_width: 40,
    shown_height: 44,
    planes: 64,
    strides: 88,
};

/// `aom_codec_cx_pkt_t`
mod packet {
    pub(super) const KIND: usize = 0;
    pub(super) const DATA: usize = 8;
    pub(super) const LEN: usize = 16;
    pub(super) const FLAGS: usize = 40;
    pub(super) const FRAME: u32 = 0;
    pub(super) const IS_KEY: u32 = 1;
    pub(super) const IS_DISCARDABLE: u32 = 2;
}

// aomcx.h
const SET_CPU_USED: c_int = 13;
const GET_LAST_QUANTIZER: c_int = 19;
const SET_MAX_INTRA_BITRATE: c_int = 26;
const SET_ROW_THREADS: c_int = 32;
const SET_TILE_COLUMNS: c_int = 33;
const SET_TPL_MODEL: c_int = 35;
const SET_AQ_MODE: c_int = 40;
const SET_TUNE_CONTENT: c_int = 43;
const SET_OBMC: c_int = 61;
const SET_ORDER_HINT: c_int = 79;
const SET_GLOBAL_MOTION: c_int = 95;
const SET_WARPED_MOTION: c_int = 96;
const SET_PALETTE: c_int = 104;
const SET_DELTAQ_MODE: c_int = 107;
const SET_COEFFICIENT_COSTS: c_int = 126;
const SET_MODE_COSTS: c_int = 127;
const SET_MOTION_COSTS: c_int = 128;
const SET_SVC_LAYER_ID: c_int = 131;
const SET_SVC_PARAMETERS: c_int = 132;
const SET_SVC_REFERENCES: c_int = 133;

const REALTIME: u32 = 1;
const FORCE_KEY_FRAME: c_long = 1;
const CONSTANT_RATE: u32 = 1;
/// Of the time stamps that the encoder gets, a second.
const TIME_BASE: u32 = 90_000;

functions!(Functions {
    aom_codec_version: unsafe extern "C" fn() -> c_int,
    aom_codec_version_str: unsafe extern "C" fn() -> *const c_char,
    aom_codec_av1_cx: unsafe extern "C" fn() -> *const c_void,
    aom_codec_enc_config_default:
        unsafe extern "C" fn(*const c_void, *mut c_void, c_uint) -> c_int,
    aom_codec_enc_init_ver:
        unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void, c_long, c_int) -> c_int,
    aom_codec_enc_config_set: unsafe extern "C" fn(*mut c_void, *const c_void) -> c_int,
    aom_codec_control: unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int,
    aom_codec_encode:
        unsafe extern "C" fn(*mut c_void, *const c_void, i64, c_ulong, c_long) -> c_int,
    aom_codec_get_cx_data:
        unsafe extern "C" fn(*mut c_void, *mut *const c_void) -> *const c_void,
    aom_codec_destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
    aom_img_wrap: Wrap,
});

struct Found {
    functions: Functions,
    version: String,
}

fn library() -> Result<&'static Found, Missing> {
    static AOM: Once<Found> = Once::new();
    AOM.get(|| {
        let functions = Functions::of(open(NAMES)?)?;
        // SAFETY: they return a number, and a string of the library's that is never freed.
        let (number, text) = unsafe {
            let text = CStr::from_ptr((functions.aom_codec_version_str)());
            ((functions.aom_codec_version)(), text)
        };
        let version = text.to_string_lossy();
        let version = version.trim_start_matches('v').to_owned();
        let (major, minor) = ((number >> 16) as u32 & 0xff, (number >> 8) as u32 & 0xff);
        // `long` has 32 bits there, which moves fields.
        let elsewhere = cfg!(any(windows, not(target_pointer_width = "64")));
        if elsewhere || major != 3 || !MINORS.contains(&minor) {
            return Err(Missing::Unknown(version));
        }
        check_layout(functions)?;
        let test = Encoder::new(functions, &check::config(VideoCodec::Av1))
            .and_then(|mut encoder| check::makes_frames(&mut encoder));
        test.map_err(Missing::Test)?;
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
    let make = move |config: &VideoEncoderConfig| {
        Ok(Box::new(Encoder::new(functions, config)?) as Box<dyn VideoEncode>)
    };
    set.add_scalable_video_encoder(VideoCodec::Av1, name, ScalabilityMode::all(), make);
}

fn done(code: c_int) -> Result<(), CodecError> {
    match code {
        0 => Ok(()),
        code => Err(CodecError::Failed(LIBRARY, i64::from(code))),
    }
}

fn default_config(functions: Functions) -> Result<Record, CodecError> {
    let mut record = Record::untouched(config::SIZE);
    // SAFETY: it fills one structure of the library's own interface; the record has three times the
    // room of the known one.
    done(unsafe {
        let interface = (functions.aom_codec_av1_cx)();
        (functions.aom_codec_enc_config_default)(interface, record.as_mut_ptr(), REALTIME)
    })?;
    Ok(record)
}

/// Holds what the library fills in against what all known versions do.
fn check_layout(functions: Functions) -> Result<(), Missing> {
    let filled = default_config(functions).map_err(Missing::Test)?;
    let known = [
        (config::USAGE, REALTIME),
        (config::WIDTH, 320),
        (config::HEIGHT, 240),
        (config::BIT_DEPTH, 8),
        (config::TIME_BASE, 1),
        (config::TIME_BASE + 4, 30),
        (config::BITRATE, 256),
        (config::BUFFER, 6_000),
        (config::BUFFER_INITIAL, 4_000),
        (config::BUFFER_OPTIMAL, 5_000),
        (config::ANNEX_B, 0),
    ];
    let fields = known.iter().all(|(at, value)| filled.u32(*at) == *value);

    let image = IMAGE.is_that_of(functions.aom_img_wrap);
    if fields && filled.is_filled() && image {
        Ok(())
    } else {
        Err(Missing::Layout)
    }
}

/// `aom_codec_ctx_t`, and that it is destroyed.
struct Context {
    functions: Functions,
    record: Record,
}

// SAFETY: a context has no tie to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Context {}

impl Context {
    /// Sets what takes an `int` or `unsigned int`.
    fn set(&mut self, what: c_int, value: c_int) -> Result<(), CodecError> {
        let control = self.functions.aom_codec_control;
        // SAFETY: the context is initialised, and all settings that this is called with take one
        // number of this size.
        done(unsafe { control(self.record.as_mut_ptr(), what, value) })
    }

    /// Sets what takes a pointer to a structure.
    fn set_record(&mut self, what: c_int, value: &mut Record) -> Result<(), CodecError> {
        let control = self.functions.aom_codec_control;
        // SAFETY: the context is initialised, and all that this is called with read one structure,
        // which the record has room for several times.
        done(unsafe { control(self.record.as_mut_ptr(), what, value.as_mut_ptr()) })
    }

    fn last_quantizer(&mut self) -> Option<u8> {
        let mut quantizer: c_int = -1;
        let (control, context) = (self.functions.aom_codec_control, self.record.as_mut_ptr());
        // SAFETY: the context is initialised; this one writes an `int` where it is told.
        let code = unsafe { control(context, GET_LAST_QUANTIZER, &raw mut quantizer) };
        (code == 0).then(|| u8::try_from(quantizer).ok()).flatten()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it is initialised, and nobody has it any more.
        unsafe { (self.functions.aom_codec_destroy)(self.record.as_mut_ptr()) };
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
    fn new(functions: Functions, config: &VideoEncoderConfig) -> Result<Self, CodecError> {
        let mut settings = default_config(functions)?;
        apply(&mut settings, config);
        let mut record = Record::zeroed(CONTEXT);
        let init = functions.aom_codec_enc_init_ver;
        // SAFETY: context and settings are structures of the version that the library said it is,
        // which was checked when it was loaded; both live as long as the encoder, at one place.
        let code = unsafe {
            let interface = (functions.aom_codec_av1_cx)();
            init(
                record.as_mut_ptr(),
                interface,
                settings.as_ptr(),
                0,
                ENCODER_ABI,
            )
        };
        done(code)?;
        let mut encoder = Encoder {
            context: Context { functions, record },
            settings,
            config: config.clone(),
            time: 0,
            pattern: Pattern::new(config.scalability_mode),
        };
        encoder.tune()?;
        encoder.divide()?;
        Ok(encoder)
    }

    /// What is set once it runs: for the speed of a conversation.
    fn tune(&mut self) -> Result<(), CodecError> {
        let screen = c_int::from(self.config.screen);
        let columns = c_int::from(self.config.threads + 1).ilog2() as c_int;
        let settings = [
            // With 10, 3.6 now and then leaves a block of a sharp edge undone for one picture.
            (SET_CPU_USED, 9),
            (SET_MAX_INTRA_BITRATE, 300),
            (SET_ROW_THREADS, 1),
            (SET_TILE_COLUMNS, columns),
            // Cyclic refresh: parts of the picture get better in turn, without peaks of the rate.
            (SET_AQ_MODE, 3),
            (SET_TUNE_CONTENT, screen),
            (SET_PALETTE, screen),
            // What costs more time than it is worth at this speed, or looks at pictures to come.
            (SET_TPL_MODEL, 0),
            (SET_DELTAQ_MODE, 0),
            (SET_ORDER_HINT, 0),
            (SET_OBMC, 0),
            (SET_GLOBAL_MOTION, 0),
            (SET_WARPED_MOTION, 0),
            (SET_COEFFICIENT_COSTS, 3),
            (SET_MODE_COSTS, 3),
            (SET_MOTION_COSTS, 3),
        ];
        let mut settings = settings.into_iter();
        settings.try_for_each(|(what, value)| self.context.set(what, value))
    }

    /// Tells it of its layers, and what each may have of the rate.
    fn divide(&mut self) -> Result<(), CodecError> {
        let mode = self.config.scalability_mode;
        if mode == ScalabilityMode::L1T1 {
            return Ok(());
        }
        let rates = layers::kilobits(mode, self.config.bitrate);
        let temporal = mode.temporal_layers();
        let mut parameters = Record::zeroed(svc::PARAMETERS);
        parameters.set_u32(svc::SPATIAL_LAYERS, mode.spatial_layers().into());
        parameters.set_u32(svc::TEMPORAL_LAYERS, temporal.into());
        for (spatial, rates) in (0..).zip(&rates) {
            let (multiply, divide) = mode.scale_of(spatial);
            let at = 4 * usize::from(spatial);
            parameters.set_u32(svc::MULTIPLIERS + at, multiply);
            parameters.set_u32(svc::DIVISORS + at, divide);
            for (layer, rate) in rates.iter().enumerate() {
                let at = 4 * (usize::from(spatial * temporal) + layer);
                parameters.set_u32(svc::MAX_QUANTIZERS + at, MAX_QUANTIZER);
                parameters.set_u32(svc::MIN_QUANTIZERS + at, MIN_QUANTIZER);
                parameters.set_u32(svc::BITRATES + at, *rate);
            }
        }
        for layer in 0..temporal {
            let at = svc::DECIMATORS + 4 * usize::from(layer);
            parameters.set_u32(at, layers::decimator(mode, layer));
        }
        self.context.set_record(SET_SVC_PARAMETERS, &mut parameters)
    }

    /// Says which layer the next frame is of, and which others it may need.
    fn place(&mut self, picture: &Picture, spatial: u8) -> Result<(), CodecError> {
        let mut layer = Record::zeroed(svc::LAYER_ID);
        layer.set_u32(svc::SPATIAL, spatial.into());
        layer.set_u32(svc::TEMPORAL, picture.temporal.into());
        self.context.set_record(SET_SVC_LAYER_ID, &mut layer)?;

        let buffers = picture.buffers(spatial);
        let mut needed = buffers.own.into_iter().chain(buffers.below);
        let (first, second) = (needed.next(), needed.next());
        let spare = first.or(buffers.fills).unwrap_or(0);
        let mut references = Record::zeroed(svc::REFERENCES);
        for name in 0..svc::NAMES {
            references.set_u32(svc::BUFFERS + 4 * name, spare.into());
        }
        for (name, buffer) in [(svc::LAST, first), (svc::GOLDEN, second)] {
            if let Some(buffer) = buffer {
                references.set_u32(svc::USES + 4 * name, 1);
                references.set_u32(svc::BUFFERS + 4 * name, buffer.into());
            }
        }
        // What is filled has to have a name.
        if let Some(buffer) = buffers.fills {
            references.set_u32(svc::BUFFERS + 4 * svc::ALTERNATE, buffer.into());
            references.set_u32(svc::FILLS + 4 * usize::from(buffer), 1);
        }
        self.context.set_record(SET_SVC_REFERENCES, &mut references)
    }

    /// Encodes one layer of a picture, or all of it, and appends its bytes. Whether it is a key frame,
    /// and whether no other needs it; nothing where the rate has none left.
    fn encode_layer(
        &mut self,
        image: &Record,
        (duration, flags): (i64, c_long),
        data: &mut Vec<u8>,
    ) -> Result<Option<Flags>, CodecError> {
        let encode = self.context.functions.aom_codec_encode;
        // SAFETY: the context is initialised; the image's planes are as long as its size and strides
        // say, which `VideoFrame` holds, and live until the call returns.
        done(unsafe {
            encode(
                self.context.record.as_mut_ptr(),
                image.as_ptr(),
                self.time,
                duration as c_ulong,
                flags,
            )
        })?;

        let mut found = None;
        let mut iterator: *const c_void = ptr::null();
        loop {
            let next = self.context.functions.aom_codec_get_cx_data;
            // SAFETY: the context is initialised; the iterator is its own.
            let packet = unsafe { next(self.context.record.as_mut_ptr(), &mut iterator) };
            if packet.is_null() {
                return Ok(found);
            }
            let packet = packet.cast::<u8>();
            // SAFETY: it is a packet until the next call; its fields are where they are in all known
            // versions, and one that is a frame has so many bytes at the place that it says.
            let (bytes, flags) = unsafe {
                if packet.add(packet::KIND).cast::<u32>().read() != packet::FRAME {
                    continue;
                }
                let data = packet.add(packet::DATA).cast::<*const u8>().read();
                let len = packet.add(packet::LEN).cast::<usize>().read();
                let flags = packet.add(packet::FLAGS).cast::<u32>().read();
                (std::slice::from_raw_parts(data, len), flags)
            };
            data.extend_from_slice(bytes.strip_prefix(&TEMPORAL_DELIMITER).unwrap_or(bytes));
            found = Some(Flags {
                key: flags & packet::IS_KEY != 0,
                discardable: flags & packet::IS_DISCARDABLE != 0,
            });
        }
    }
}

/// What the library says of a frame.
struct Flags {
    key: bool,
    discardable: bool,
}

/// An OBU of no length that begins each temporal unit, and that RTP leaves out (AV1 RTP payload
/// format §5).
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0];

impl VideoEncode for Encoder {
    fn configure(&mut self, config: &VideoEncoderConfig) -> Result<(), CodecError> {
        config.check()?;
        if config.codec != self.config.codec {
            return Err(CodecError::Invalid("the codec stays the same"));
        }
        if config.shape() != self.config.shape() {
            *self = Encoder::new(self.context.functions, config)?;
            return Ok(());
        }
        apply(&mut self.settings, config);
        let set = self.context.functions.aom_codec_enc_config_set;
        // SAFETY: the context is initialised, and the settings are those it was made with, changed.
        done(unsafe { set(self.context.record.as_mut_ptr(), self.settings.as_ptr()) })?;
        self.config = config.clone();
        self.divide()
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
        let image = IMAGE.wrap(self.context.functions.aom_img_wrap, &frame)?;

        let duration = (f64::from(TIME_BASE) / self.config.framerate)
            .round()
            .max(1.0);
        let duration = duration as i64;
        let mode = self.config.scalability_mode;
        let picture = self.pattern.next(key);
        let (mut data, mut first) = (Vec::new(), None);
        for spatial in 0..mode.spatial_layers() {
            if mode != ScalabilityMode::L1T1 {
                self.place(&picture, spatial)?;
            }
            // Frames above the lowest of a key picture need that, or nothing: they are no key frames,
            // which would empty all buffers.
            let flags = if key && spatial == 0 {
                FORCE_KEY_FRAME
            } else {
                0
            };
            let found = self.encode_layer(&image, (duration, flags), &mut data)?;
            first = first.or(found);
        }
        self.time += duration;

        out.extend(first.map(|flags| EncodedVideoChunk {
            data: Bytes::from(data),
            key: flags.key,
            timestamp: frame.timestamp,
            qp: self.context.last_quantizer(),
            temporal: (mode != ScalabilityMode::L1T1).then_some(picture.temporal),
            discardable: flags.discardable && mode.spatial_layers() == 1,
        }));
        Ok(())
    }
}

/// One pass, at a constant rate, no picture held back.
fn apply(settings: &mut Record, config: &VideoEncoderConfig) {
    let kilobits = (config.bitrate / 1_000).clamp(1, 1_000_000) as u32;
    // Of several spatial layers it would leave out some, which those above need.
    let whole = config.scalability_mode.spatial_layers() == 1;
    let drop_below = if whole { 30 } else { 0 };
    let values = [
        (config::THREADS, u32::from(config.threads) + 1),
        (config::WIDTH, config.width),
        (config::HEIGHT, config.height),
        (config::TIME_BASE, 1),
        (config::TIME_BASE + 4, TIME_BASE),
        (config::LAG, 0),
        (config::DROP_FRAMES, drop_below),
        (config::END_USAGE, CONSTANT_RATE),
        (config::BITRATE, kilobits),
        (config::MIN_QUANTIZER, MIN_QUANTIZER),
        (config::MAX_QUANTIZER, MAX_QUANTIZER),
        (config::UNDERSHOOT, 50),
        (config::OVERSHOOT, 50),
        (config::BUFFER, 1_000),
        (config::BUFFER_INITIAL, 600),
        (config::BUFFER_OPTIMAL, 600),
        // Key frames only where one is asked for.
        (config::KEY_FRAMES, 0),
    ];
    for (at, value) in values {
        settings.set_u32(at, value);
    }
}

const MIN_QUANTIZER: u32 = 2;
const MAX_QUANTIZER: u32 = 56;
