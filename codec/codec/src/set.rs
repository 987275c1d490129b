use std::fmt;
use std::sync::Arc;

use duologue_rtp::ScalabilityMode;

use crate::bounded::Bounded;
use crate::frame::check_size;
use crate::{
    AudioCodec, AudioDecode, AudioDecoderConfig, AudioEncode, AudioEncoderConfig, CodecError,
    VideoCodec, VideoDecode, VideoDecoderConfig, VideoEncode, VideoEncoderConfig, limits,
};

/// One codec of a [`CodecSet`]: what it is of, and who has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Implementation<C> {
    /// The format.
    pub codec: C,
    /// The library or crate, with its version.
    pub library: String,
    /// Into which layers an encoder of pictures can divide its stream; none of others.
    pub scalability_modes: Vec<ScalabilityMode>,
}

/// Codecs: what the application brings, what is built in, what was found on the machine. Clones are
/// cheap.
///
/// Where several have the same format, the one that was added first is used.
#[derive(Clone, Debug, Default)]
pub struct CodecSet {
    video_encoders: Makers<VideoCodec, VideoEncoderConfig, dyn VideoEncode>,
    video_decoders: Makers<VideoCodec, VideoDecoderConfig, dyn VideoDecode>,
    audio_encoders: Makers<AudioCodec, AudioEncoderConfig, dyn AudioEncode>,
    audio_decoders: Makers<AudioCodec, AudioDecoderConfig, dyn AudioDecode>,
}

type Make<G, T> = dyn Fn(&G) -> Result<Box<T>, CodecError> + Send + Sync;

impl CodecSet {
    /// A set without any codec.
    pub fn new() -> Self {
        CodecSet::default()
    }

    /// Adds an encoder of pictures in one layer.
    pub fn add_video_encoder(
        &mut self,
        codec: VideoCodec,
        library: impl Into<String>,
        make: impl Fn(&VideoEncoderConfig) -> Result<Box<dyn VideoEncode>, CodecError>
        + Send
        + Sync
        + 'static,
    ) {
        self.add_scalable_video_encoder(codec, library, [ScalabilityMode::L1T1], make);
    }

    /// Adds an encoder of pictures that can divide its stream into layers in all of these modes, of which
    /// [`L1T1`](ScalabilityMode::L1T1) is one.
    pub fn add_scalable_video_encoder(
        &mut self,
        codec: VideoCodec,
        library: impl Into<String>,
        modes: impl IntoIterator<Item = ScalabilityMode>,
        make: impl Fn(&VideoEncoderConfig) -> Result<Box<dyn VideoEncode>, CodecError>
        + Send
        + Sync
        + 'static,
    ) {
        let who = Implementation {
            codec,
            library: library.into(),
            scalability_modes: modes.into_iter().collect(),
        };
        self.video_encoders.add(who, Arc::new(make));
    }

    /// Adds a decoder of pictures.
    pub fn add_video_decoder(
        &mut self,
        codec: VideoCodec,
        library: impl Into<String>,
        make: impl Fn(&VideoDecoderConfig) -> Result<Box<dyn VideoDecode>, CodecError>
        + Send
        + Sync
        + 'static,
    ) {
        self.video_decoders
            .add(Implementation::of(codec, library), Arc::new(make));
    }

    /// Adds an encoder of sound.
    pub fn add_audio_encoder(
        &mut self,
        codec: AudioCodec,
        library: impl Into<String>,
        make: impl Fn(&AudioEncoderConfig) -> Result<Box<dyn AudioEncode>, CodecError>
        + Send
        + Sync
        + 'static,
    ) {
        self.audio_encoders
            .add(Implementation::of(codec, library), Arc::new(make));
    }

    /// Adds a decoder of sound.
    pub fn add_audio_decoder(
        &mut self,
        codec: AudioCodec,
        library: impl Into<String>,
        make: impl Fn(&AudioDecoderConfig) -> Result<Box<dyn AudioDecode>, CodecError>
        + Send
        + Sync
        + 'static,
    ) {
        self.audio_decoders
            .add(Implementation::of(codec, library), Arc::new(make));
    }

    /// Adds what another set has, behind what is there.
    pub fn extend(&mut self, other: CodecSet) {
        self.video_encoders.extend(other.video_encoders);
        self.video_decoders.extend(other.video_decoders);
        self.audio_encoders.extend(other.audio_encoders);
        self.audio_decoders.extend(other.audio_decoders);
    }

    /// Makes an encoder of pictures.
    ///
    /// # Errors
    /// `Unsupported` if no one has the format, or who has it not the scalability mode; what
    /// [`VideoEncoderConfig::check`] and the codec say.
    pub fn video_encoder(
        &self,
        config: &VideoEncoderConfig,
    ) -> Result<Box<dyn VideoEncode>, CodecError> {
        config.check()?;
        let mode = config.scalability_mode;
        let has_codec = self.video_encoders().any(|it| it.codec == config.codec);
        if has_codec && !self.scalability_modes(config.codec).contains(&mode) {
            let what = format!("{} in {mode}", config.codec);
            return Err(CodecError::Unsupported(what));
        }
        self.video_encoders.make(config.codec, config)
    }

    /// Makes a decoder of pictures, which refuses what the configuration does not allow.
    ///
    /// # Errors
    /// `Unsupported` if no one has the format; what the codec says.
    pub fn video_decoder(
        &self,
        config: &VideoDecoderConfig,
    ) -> Result<Box<dyn VideoDecode>, CodecError> {
        check_size(1, 1, config.max_pixels)?;
        let inner = self.video_decoders.make(config.codec, config)?;
        Ok(Box::new(Bounded::new(inner, config)))
    }

    /// Makes an encoder of sound.
    ///
    /// # Errors
    /// `Unsupported` if no one has the format; what [`AudioEncoderConfig::check`] and the codec say.
    pub fn audio_encoder(
        &self,
        config: &AudioEncoderConfig,
    ) -> Result<Box<dyn AudioEncode>, CodecError> {
        config.check()?;
        self.audio_encoders.make(config.codec, config)
    }

    /// Makes a decoder of sound.
    ///
    /// # Errors
    /// `Unsupported` if no one has the format; `Invalid` for a number of channels that cannot be;
    /// what the codec says.
    pub fn audio_decoder(
        &self,
        config: &AudioDecoderConfig,
    ) -> Result<Box<dyn AudioDecode>, CodecError> {
        if !(1..=limits::MAX_CHANNELS).contains(&config.channels) {
            return Err(CodecError::Invalid("no such sound"));
        }
        self.audio_decoders.make(config.codec, config)
    }

    /// Into which layers the encoder of this format can divide its stream: that which is used.
    pub fn scalability_modes(&self, codec: VideoCodec) -> &[ScalabilityMode] {
        let mut encoders = self.video_encoders();
        let used = encoders.find(|it| it.codec == codec);
        used.map_or(&[][..], |it| &it.scalability_modes[..])
    }

    /// Who encodes pictures.
    pub fn video_encoders(&self) -> impl Iterator<Item = &Implementation<VideoCodec>> {
        self.video_encoders.all()
    }

    /// Who decodes pictures.
    pub fn video_decoders(&self) -> impl Iterator<Item = &Implementation<VideoCodec>> {
        self.video_decoders.all()
    }

    /// Who encodes sound.
    pub fn audio_encoders(&self) -> impl Iterator<Item = &Implementation<AudioCodec>> {
        self.audio_encoders.all()
    }

    /// Who decodes sound.
    pub fn audio_decoders(&self) -> impl Iterator<Item = &Implementation<AudioCodec>> {
        self.audio_decoders.all()
    }
}

impl<C> Implementation<C> {
    fn of(codec: C, library: impl Into<String>) -> Self {
        Implementation {
            codec,
            library: library.into(),
            scalability_modes: Vec::new(),
        }
    }
}

struct Makers<C, G, T: ?Sized>(Vec<Entry<C, G, T>>);

type Entry<C, G, T> = (Implementation<C>, Arc<Make<G, T>>);

impl<C: Copy + Eq + fmt::Display, G, T: ?Sized> Makers<C, G, T> {
    fn add(&mut self, who: Implementation<C>, make: Arc<Make<G, T>>) {
        if self.0.len() < limits::MAX_IMPLEMENTATIONS {
            self.0.push((who, make));
        }
    }

    fn extend(&mut self, other: Self) {
        let room = limits::MAX_IMPLEMENTATIONS - self.0.len();
        self.0.extend(other.0.into_iter().take(room));
    }

    fn make(&self, codec: C, config: &G) -> Result<Box<T>, CodecError> {
        let mut found = self.0.iter().filter(|(it, _)| it.codec == codec);
        let (_, make) = found
            .next()
            .ok_or_else(|| CodecError::Unsupported(codec.to_string()))?;
        make(config)
    }

    fn all(&self) -> impl Iterator<Item = &Implementation<C>> {
        self.0.iter().map(|(it, _)| it)
    }
}

impl<C: Clone, G, T: ?Sized> Clone for Makers<C, G, T> {
    fn clone(&self) -> Self {
        Makers(self.0.clone())
    }
}

impl<C, G, T: ?Sized> Default for Makers<C, G, T> {
    fn default() -> Self {
        Makers(Vec::new())
    }
}

impl<C: fmt::Debug, G, T: ?Sized> fmt::Debug for Makers<C, G, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(it, _)| it))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_first_is_used_and_what_nobody_has_is_refused() {
        let mut codecs = CodecSet::new();
        let refuse = |number| move |_: &AudioDecoderConfig| Err(CodecError::Failed("mine", number));
        codecs.add_audio_decoder(AudioCodec::Opus, "one", refuse(1));
        codecs.add_audio_decoder(AudioCodec::Opus, "two", refuse(2));
        let mut set = CodecSet::new();
        set.add_audio_decoder(AudioCodec::Pcmu, "zero", refuse(0));
        set.extend(codecs);
        let error = |codec| {
            let made = set.audio_decoder(&AudioDecoderConfig::new(codec));
            made.err().expect("none can be made")
        };
        assert_eq!(error(AudioCodec::Opus), CodecError::Failed("mine", 1));
        assert_eq!(
            error(AudioCodec::G722),
            CodecError::Unsupported("G722".to_owned())
        );
        let libraries: Vec<_> = set.audio_decoders().map(|it| &*it.library).collect();
        assert_eq!(libraries, ["zero", "one", "two"]);
    }

    #[test]
    fn an_encoder_that_cannot_be_is_not_made() {
        let mut codecs = CodecSet::new();
        codecs.add_video_encoder(VideoCodec::Vp8, "never", |_| panic!("it is asked"));
        let good = VideoEncoderConfig::new(VideoCodec::Vp8, 640, 360);
        let wrong = [
            VideoEncoderConfig {
                width: 0,
                ..good.clone()
            },
            VideoEncoderConfig {
                width: 16_384,
                height: 16_384,
                ..good.clone()
            },
            VideoEncoderConfig {
                bitrate: 0,
                ..good.clone()
            },
            VideoEncoderConfig {
                framerate: f64::NAN,
                ..good
            },
        ];
        for config in wrong {
            assert!(codecs.video_encoder(&config).is_err(), "{config:?}");
        }
    }
}
