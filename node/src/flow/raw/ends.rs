//! What JavaScript reads and writes raw pictures and sound by.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use duologue_base::TransceiverId;
use duologue_codec::{AudioData, VideoFrame};
use duologue_raw::{
    AudioTrackGenerator, AudioTrackProcessor, VideoTrackGenerator, VideoTrackProcessor,
};
use futures_core::Stream;
use napi::Error;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice, Result};
use napi_derive::napi;

use super::super::hub::{End, MediaHub};
use super::picture::NativePicture;
use super::port::Port;
use crate::connection::NativePeerConnection;
use crate::environment;

/// What is read, and who is told when there is more.
struct Reading<P> {
    /// None once it is at its end.
    processor: Option<P>,
    waker: Waker,
}

impl<P: Stream + Unpin> Reading<P> {
    fn new(processor: P, hub: &MediaHub, number: u32) -> Self {
        Reading {
            processor: Some(processor),
            waker: End::waker(hub, number),
        }
    }

    fn take(&mut self) -> Option<P::Item> {
        let processor = self.processor.as_mut()?;
        let mut cx = Context::from_waker(&self.waker);
        match Pin::new(processor).poll_next(&mut cx) {
            Poll::Ready(Some(item)) => Some(item),
            Poll::Ready(None) => {
                self.processor = None;
                None
            }
            Poll::Pending => None,
        }
    }
}

/// Reads the pictures of a receiver.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeVideoReader(Reading<VideoTrackProcessor>);

/// Reads the sound of a receiver.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeAudioReader(Reading<AudioTrackProcessor>);

/// Sends pictures.
#[napi]
#[derive(Debug)]
pub struct NativeVideoWriter(Option<VideoTrackGenerator>);

/// Sends sound.
#[napi]
#[derive(Debug)]
pub struct NativeAudioWriter(Option<AudioTrackGenerator>);

/// A piece of sound.
#[napi(object)]
#[expect(
    missing_debug_implementations,
    reason = "arrays of JavaScript have none"
)]
pub struct NativeSound {
    /// Those of all channels in turn.
    pub samples: Float32Array,
    /// Samples of a channel in a second.
    pub sample_rate: u32,
    /// How many there are.
    pub channels: u32,
    /// When it begins, in microseconds.
    pub timestamp: f64,
}

#[napi]
impl NativePeerConnection {
    /// Pictures of a receiver; `number` is what the hub names the end by.
    #[napi]
    pub fn read_video(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativeVideoReader> {
        let processor = VideoTrackProcessor::new(self.receiver_port(id)?);
        Ok(NativeVideoReader(Reading::new(processor, hub, number)))
    }

    /// Sound of a receiver.
    #[napi]
    pub fn read_audio(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativeAudioReader> {
        let processor = AudioTrackProcessor::new(self.receiver_port(id)?);
        Ok(NativeAudioReader(Reading::new(processor, hub, number)))
    }

    /// Sends pictures.
    #[napi]
    pub fn write_video(&mut self, id: u32) -> Result<NativeVideoWriter> {
        let generator = VideoTrackGenerator::new(self.sender_port(id)?);
        Ok(NativeVideoWriter(Some(generator)))
    }

    /// Sends sound.
    #[napi]
    pub fn write_audio(&mut self, id: u32) -> Result<NativeAudioWriter> {
        let generator = AudioTrackGenerator::new(self.sender_port(id)?);
        Ok(NativeAudioWriter(Some(generator)))
    }

    /// The other end wants a key frame of what is encoded here.
    #[napi]
    pub fn want_key_frame(&mut self, id: u32, encoding: u32) -> Result<()> {
        self.routes(TransceiverId(id))?
            .want_key_frame(encoding as usize);
        Ok(())
    }

    fn sender_port(&mut self, id: u32) -> Result<Box<Port>> {
        let routes = self.routes(TransceiverId(id))?;
        Ok(Port::of_sender(routes, &self.pc, rng()?))
    }

    fn receiver_port(&mut self, id: u32) -> Result<Box<Port>> {
        let routes = self.routes(TransceiverId(id))?;
        Ok(Port::of_receiver(routes, &self.pc, rng()?))
    }
}

fn rng() -> Result<duologue_base::Rng> {
    environment::rng().map_err(|error| Error::from_reason(error.to_string()))
}

#[napi]
impl NativeVideoReader {
    /// The next picture; null when none is there, or none comes any more.
    #[napi(ts_return_type = "NativePicture | null")]
    pub fn take(&mut self) -> Option<NativePicture> {
        self.0.take().map(|frame: VideoFrame| frame.into())
    }

    /// None comes any more.
    #[napi(getter)]
    pub fn ended(&self) -> bool {
        self.0.processor.is_none()
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        self.0.processor = None;
    }
}

#[napi]
impl NativeAudioReader {
    /// The next piece; null when none is there, or none comes any more.
    #[napi(ts_return_type = "NativeSound | null")]
    pub fn take(&mut self) -> Option<NativeSound> {
        self.0.take().map(|data: AudioData| NativeSound {
            samples: data.samples().to_vec().into(),
            sample_rate: data.sample_rate(),
            channels: data.channels().into(),
            timestamp: data.timestamp.as_micros() as f64,
        })
    }

    /// None comes any more.
    #[napi(getter)]
    pub fn ended(&self) -> bool {
        self.0.processor.is_none()
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        self.0.processor = None;
    }
}

#[napi]
impl NativeVideoWriter {
    /// Hands over a picture that is of this time, in microseconds; false at the end.
    #[napi]
    pub fn write(&self, picture: &NativePicture, timestamp: f64) -> Result<bool> {
        let Some(generator) = &self.0 else {
            return Ok(false);
        };
        let frame = picture.to_frame(micros(timestamp))?;
        Ok(generator.write(frame).is_ok())
    }

    /// How many were not sent.
    #[napi(getter)]
    pub fn dropped(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |it| it.dropped() as f64)
    }

    /// Nothing is sent any more.
    #[napi]
    pub fn close(&mut self) {
        self.0 = None;
    }
}

#[napi]
impl NativeAudioWriter {
    /// Hands over sound that begins at this time, in microseconds; false at the end, and of what is no sound.
    #[napi]
    pub fn write(
        &self,
        samples: Float32ArraySlice<'_>,
        sample_rate: u32,
        channels: u32,
        timestamp: f64,
    ) -> bool {
        let (Some(generator), Ok(channels)) = (&self.0, u8::try_from(channels)) else {
            return false;
        };
        let samples: Arc<[f32]> = Arc::from(&*samples);
        let data = AudioData::new(samples, sample_rate, channels);
        data.is_ok_and(|it| generator.write(it.at(micros(timestamp))).is_ok())
    }

    /// How many were not sent.
    #[napi(getter)]
    pub fn dropped(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |it| it.dropped() as f64)
    }

    /// Nothing is sent any more.
    #[napi]
    pub fn close(&mut self) {
        self.0 = None;
    }
}

/// A time stamp; what is before the beginning is the beginning.
fn micros(timestamp: f64) -> Duration {
    Duration::from_micros(timestamp.max(0.0) as u64)
}
