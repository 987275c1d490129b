//! libopus 1.x: its interface has not changed since 1.0 but for additions.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use duologue_codec::{
    AudioCodec, AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig, CodecError,
    CodecSet,
};
use duologue_rtp::payload::opus;

use crate::check;
use crate::load::{Missing, Once, functions, open};

const NAMES: &[&str] = if cfg!(target_os = "macos") {
    &["libopus.0.dylib", "/opt/homebrew/lib/libopus.0.dylib"]
} else if cfg!(windows) {
    &["opus.dll", "libopus-0.dll"]
} else {
    &["libopus.so.0"]
};

const LIBRARY: &str = "libopus";
const RATE: i32 = 48_000;
/// RFC 6716 §3.2.5: no packet is longer than 120 ms; §3.2.1: none of its frames than 1,275 bytes.
const MAX_PACKET: usize = 1_275 * 6 + 20;

// opus_defines.h
const APPLICATION_VOIP: c_int = 2048;
const APPLICATION_AUDIO: c_int = 2049;
const SET_BITRATE: c_int = 4002;
const SET_COMPLEXITY: c_int = 4010;
const SET_INBAND_FEC: c_int = 4012;
const SET_PACKET_LOSS_PERC: c_int = 4014;
const SET_DTX: c_int = 4016;
const COMPLEXITY: c_int = 9;

functions!(Functions {
    opus_get_version_string: unsafe extern "C" fn() -> *const c_char,
    opus_encoder_create: unsafe extern "C" fn(i32, c_int, c_int, *mut c_int) -> *mut c_void,
    opus_encoder_ctl: unsafe extern "C" fn(*mut c_void, c_int, ...) -> c_int,
    opus_encode_float: unsafe extern "C" fn(*mut c_void, *const f32, c_int, *mut u8, i32) -> i32,
    opus_encoder_destroy: unsafe extern "C" fn(*mut c_void),
    opus_decoder_create: unsafe extern "C" fn(i32, c_int, *mut c_int) -> *mut c_void,
    opus_decode_float:
        unsafe extern "C" fn(*mut c_void, *const u8, i32, *mut f32, c_int, c_int) -> c_int,
    opus_decoder_destroy: unsafe extern "C" fn(*mut c_void),
    opus_packet_get_nb_samples: unsafe extern "C" fn(*const u8, i32, i32) -> c_int,
});

struct Opus {
    functions: Functions,
    version: String,
}

fn library() -> Result<&'static Opus, Missing> {
    static OPUS: Once<Opus> = Once::new();
    OPUS.get(|| {
        let functions = Functions::of(open(NAMES)?)?;
        // SAFETY: it returns a string of the library's that is never freed.
        let version = unsafe { CStr::from_ptr((functions.opus_get_version_string)()) };
        let version = version.to_string_lossy();
        let number = version.strip_prefix("libopus ").unwrap_or(&version);
        if !number.starts_with("1.") {
            return Err(Missing::Unknown(version.into_owned()));
        }

        let config = AudioEncoderConfig::new(AudioCodec::Opus);
        let test = Encoder::new(functions, &config).and_then(|mut encoder| {
            let mut decoder = Decoder::new(functions, 1)?;
            check::tone(&mut encoder, &mut decoder)
        });
        test.map_err(Missing::Test)?;
        Ok(Opus {
            functions,
            version: number.to_owned(),
        })
    })
}

pub(crate) fn version() -> Result<String, Missing> {
    library().map(|opus| opus.version.clone())
}

pub(crate) fn add_to(set: &mut CodecSet) {
    let Ok(opus) = library() else { return };
    let (functions, name) = (opus.functions, format!("{LIBRARY} {}", opus.version));
    set.add_audio_encoder(
        AudioCodec::Opus,
        name.clone(),
        move |config: &AudioEncoderConfig| Ok(Box::new(Encoder::new(functions, config)?)),
    );
    set.add_audio_decoder(
        AudioCodec::Opus,
        name,
        move |config: &AudioDecoderConfig| Ok(Box::new(Decoder::new(functions, config.channels)?)),
    );
}

fn failed(code: c_int) -> CodecError {
    CodecError::Failed(LIBRARY, i64::from(code))
}

struct Encoder {
    functions: Functions,
    state: NonNull<c_void>,
    config: AudioEncoderConfig,
}

// SAFETY: the state has no tie to a thread; `&mut self` keeps it to one at a time.
unsafe impl Send for Encoder {}

impl Encoder {
    fn new(functions: Functions, config: &AudioEncoderConfig) -> Result<Self, CodecError> {
        // As browsers: speech of one channel, anything of two.
        let application = match config.channels {
            1 => APPLICATION_VOIP,
            _ => APPLICATION_AUDIO,
        };
        let channels = c_int::from(config.channels);
        let mut error = 0;
        // SAFETY: the error is written before it returns; the result is checked below.
        let state =
            unsafe { (functions.opus_encoder_create)(RATE, channels, application, &mut error) };
        let state = NonNull::new(state).ok_or_else(|| failed(error))?;
        let mut encoder = Encoder {
            functions,
            state,
            config: config.clone(),
        };
        encoder.set(SET_COMPLEXITY, COMPLEXITY)?;
        encoder.configure(config)?;
        Ok(encoder)
    }

    fn set(&mut self, what: c_int, value: c_int) -> Result<(), CodecError> {
        let (control, state) = (self.functions.opus_encoder_ctl, self.state.as_ptr());
        // SAFETY: the state is a living encoder, and all settings that this is called with take one
        // `opus_int32`, which is `c_int` here.
        let code = unsafe { control(state, what, value) };
        if code == 0 { Ok(()) } else { Err(failed(code)) }
    }
}

impl AudioEncode for Encoder {
    fn configure(&mut self, config: &AudioEncoderConfig) -> Result<(), CodecError> {
        let shape = |it: &AudioEncoderConfig| (it.codec, it.channels, it.packet_ms);
        if shape(config) != shape(&self.config) {
            return Err(CodecError::Invalid("the shape of the sound stays the same"));
        }
        let usual = 32_000 * u32::from(config.channels);
        let bitrate = config.bitrate.unwrap_or(usual).clamp(6_000, 510_000);
        self.set(SET_BITRATE, bitrate as c_int)?;
        self.set(SET_INBAND_FEC, c_int::from(config.in_band_fec))?;
        self.set(SET_DTX, c_int::from(config.dtx))?;
        let loss = (config.packet_loss.clamp(0.0, 1.0) * 100.0).round();
        self.set(SET_PACKET_LOSS_PERC, loss as c_int)?;
        self.config = config.clone();
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let frames = self.config.packet_frames();
        if samples.len() != frames * usize::from(self.config.channels) {
            return Err(CodecError::Invalid(
                "another number of samples than a packet has",
            ));
        }
        let mut packet = [0; MAX_PACKET];
        let encode = self.functions.opus_encode_float;
        // SAFETY: the state is a living encoder; it reads as many samples of each of its channels as
        // were counted above, and writes at most the length it is told.
        let len = unsafe {
            encode(
                self.state.as_ptr(),
                samples.as_ptr(),
                frames as c_int,
                packet.as_mut_ptr(),
                MAX_PACKET as i32,
            )
        };
        let len = usize::try_from(len).map_err(|_| failed(len))?;
        out.extend_from_slice(&packet[..len]);
        Ok(())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, and nobody has it any more.
        unsafe { (self.functions.opus_encoder_destroy)(self.state.as_ptr()) };
    }
}

struct Decoder {
    functions: Functions,
    state: NonNull<c_void>,
    channels: usize,
}

// SAFETY: as of the encoder.
unsafe impl Send for Decoder {}

impl Decoder {
    fn new(functions: Functions, channels: u8) -> Result<Self, CodecError> {
        let mut error = 0;
        // SAFETY: the error is written before it returns; the result is checked below.
        let state =
            unsafe { (functions.opus_decoder_create)(RATE, c_int::from(channels), &mut error) };
        let state = NonNull::new(state).ok_or_else(|| failed(error))?;
        Ok(Decoder {
            functions,
            state,
            channels: usize::from(channels),
        })
    }

    /// What a packet, or none, makes of the beginning of `out`, in samples of a channel.
    fn run(&mut self, packet: Option<&[u8]>, out: &mut [f32], fec: bool) -> Result<usize, c_int> {
        let frames = (out.len() / self.channels).min(5_760);
        let (data, len) = packet.map_or((ptr::null(), 0), |it| (it.as_ptr(), it.len()));
        let len = i32::try_from(len).map_err(|_| -1)?;
        let decode = self.functions.opus_decode_float;
        // SAFETY: the state is a living decoder; it reads `len` bytes, or none where there is no
        // packet, and writes at most `frames` samples of each of its channels.
        let made = unsafe {
            decode(
                self.state.as_ptr(),
                data,
                len,
                out.as_mut_ptr(),
                frames as c_int,
                c_int::from(fec),
            )
        };
        let made = usize::try_from(made).map_err(|_| made)?;
        // What is loud goes over a little by the coding.
        for sample in &mut out[..made * self.channels] {
            *sample = sample.clamp(-1.0, 1.0);
        }
        Ok(made)
    }
}

impl AudioDecode for Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut [f32]) -> Result<usize, CodecError> {
        if packet.is_empty() {
            return Err(CodecError::Damaged(LIBRARY, 0));
        }
        let decoded = self.run(Some(packet), out, false);
        decoded.map_err(|code| CodecError::Damaged(LIBRARY, i64::from(code)))
    }

    fn conceal(&mut self, out: &mut [f32]) {
        // It makes multiples of 2.5 ms, 120 ms at most; a rest is silent.
        let step = RATE as usize / 400 * self.channels;
        let mut rest = out;
        while rest.len() >= step {
            let len = (rest.len() - rest.len() % step).min(48 * step);
            let (part, behind) = rest.split_at_mut(len);
            if self.run(None, part, false).is_err() {
                part.fill(0.0);
            }
            rest = behind;
        }
        rest.fill(0.0);
    }

    fn recover(&mut self, next: &[u8], out: &mut [f32]) -> bool {
        opus::has_copy(next) && self.run(Some(next), out, true).is_ok()
    }

    fn frames(&self, packet: &[u8]) -> Option<usize> {
        let len = i32::try_from(packet.len()).ok().filter(|len| *len > 0)?;
        let count = self.functions.opus_packet_get_nb_samples;
        // SAFETY: it reads no more than the length it is told.
        let frames = unsafe { count(packet.as_ptr(), len, RATE) };
        usize::try_from(frames).ok().filter(|frames| *frames > 0)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, and nobody has it any more.
        unsafe { (self.functions.opus_decoder_destroy)(self.state.as_ptr()) };
    }
}
