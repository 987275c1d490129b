//! What JavaScript reads and writes raw pictures and sound by.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use duologue_base::TransceiverId;
use duologue_codec::{AudioData, ContentHint, VideoFrame};
use duologue_raw::{
    AudioTrackGenerator, AudioTrackProcessor, VideoTrackGenerator, VideoTrackProcessor,
};
use futures_core::Stream;
use napi::bindgen_prelude::{Float32Array, Float32ArraySlice, Result};
use napi::{Env, Error};
use napi_derive::napi;
use tokio::sync::mpsc;

use super::super::hub::{End, MediaHub};
use super::picture::NativePicture;
use super::port::Port;
use crate::connection::NativePeerConnection;
use crate::environment;

/// What is read, and who is told when there is more.
pub(crate) struct Reading<T> {
    /// None once it is at its end.
    items: Option<Box<dyn Items<T>>>,
    waker: Waker,
}

/// Where items come from.
pub(crate) trait Items<T>: Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>>;
}

impl Items<VideoFrame> for VideoTrackProcessor {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<VideoFrame>> {
        Pin::new(self).poll_next(cx)
    }
}

impl Items<AudioData> for AudioTrackProcessor {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<AudioData>> {
        Pin::new(self).poll_next(cx)
    }
}

impl<T: Send> Items<T> for mpsc::Receiver<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> Reading<T> {
    pub(crate) fn new(items: impl Items<T> + 'static, hub: &MediaHub, number: u32) -> Self {
        Reading {
            items: Some(Box::new(items)),
            waker: End::waker(hub, number),
        }
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        let items = self.items.as_mut()?;
        match items.poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(Some(item)) => Some(item),
            Poll::Ready(None) => {
                self.items = None;
                None
            }
            Poll::Pending => None,
        }
    }

    fn ended(&self) -> bool {
        self.items.is_none()
    }

    pub(crate) fn close(&mut self) {
        self.items = None;
    }
}

/// Reads the pictures of a receiver, or of a device.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeVideoReader(Reading<VideoFrame>);

/// Reads the sound of a receiver, or of a device.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeAudioReader(Reading<AudioData>);

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
        Ok(NativeVideoReader::of(processor, hub, number))
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
        Ok(NativeAudioReader::of(processor, hub, number))
    }

    /// Sends pictures; isolated ones are given to no transform that shows them.
    #[napi]
    pub fn write_video(&mut self, id: u32, is_isolated: bool) -> Result<NativeVideoWriter> {
        let generator = VideoTrackGenerator::new(self.sender_port(id, is_isolated)?);
        Ok(NativeVideoWriter(Some(generator)))
    }

    /// Sends sound, as pictures are sent.
    #[napi]
    pub fn write_audio(&mut self, id: u32, is_isolated: bool) -> Result<NativeAudioWriter> {
        let generator = AudioTrackGenerator::new(self.sender_port(id, is_isolated)?);
        Ok(NativeAudioWriter(Some(generator)))
    }

    /// The other end wants a key frame of what is encoded here.
    #[napi]
    pub fn want_key_frame(&mut self, id: u32, encoding: u32) -> Result<()> {
        self.routes(TransceiverId(id))?
            .want_key_frame(encoding as usize);
        Ok(())
    }

    fn sender_port(&mut self, id: u32, isolated: bool) -> Result<Box<Port>> {
        let routes = self.routes(TransceiverId(id))?;
        Ok(Port::of_sender(routes, &self.pc, rng()?, isolated))
    }

    fn receiver_port(&mut self, id: u32) -> Result<Box<Port>> {
        let routes = self.routes(TransceiverId(id))?;
        Ok(Port::of_receiver(routes, &self.pc, rng()?))
    }
}

impl NativeVideoReader {
    pub(crate) fn of(items: impl Items<VideoFrame> + 'static, hub: &MediaHub, number: u32) -> Self {
        NativeVideoReader(Reading::new(items, hub, number))
    }
}

impl NativeAudioReader {
    pub(crate) fn of(items: impl Items<AudioData> + 'static, hub: &MediaHub, number: u32) -> Self {
        NativeAudioReader(Reading::new(items, hub, number))
    }
}

fn rng() -> Result<duologue_base::Rng> {
    environment::rng().map_err(|error| Error::from_reason(error.to_string()))
}

#[napi]
impl NativeVideoReader {
    /// The next picture; null when none is there, or none comes any more.
    #[napi(ts_return_type = "NativePicture | null")]
    pub fn take(&mut self, env: Env) -> Result<Option<NativePicture>> {
        let picture = self.0.take().map(NativePicture::from);
        picture.map(|it| it.told(env)).transpose()
    }

    /// None comes any more.
    #[napi(getter)]
    pub fn ended(&self) -> bool {
        self.0.ended()
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
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
        self.0.ended()
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
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

    /// `contentHint` of the track; what is no hint about pictures is none.
    #[napi]
    pub fn set_content_hint(&self, hint: String) {
        let about = [ContentHint::Motion, ContentHint::Detail, ContentHint::Text];
        let hint = about.into_iter().find(|it| it.as_str() == hint);
        if let Some(generator) = &self.0 {
            generator.set_content_hint(hint.unwrap_or_default());
        }
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
