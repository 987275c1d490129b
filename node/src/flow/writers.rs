//! `sender.frames()` and `sender.packets()`.

use std::sync::Arc;

use duologue_base::TransceiverId;
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Result, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use super::batch;
use super::hub::{Listener, MediaHub};
use super::item::{Frame, Packet};
use super::routes::Routes;
use crate::connection::NativePeerConnection;

/// Writes the frames of a sender, before its transform if it has one.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeFrameWriter {
    routes: Arc<Routes>,
    listener: Listener,
}

/// Writes the packets of a sender.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativePacketWriter {
    routes: Arc<Routes>,
    listener: Listener,
}

/// What a writer tells instead of a count: the transceiver is stopped or the connection closed.
const ENDED: i32 = -1;

#[napi]
impl NativePeerConnection {
    /// `sender.frames()`; `number` is what the hub names it by.
    #[napi]
    pub fn write_frames(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativeFrameWriter> {
        let routes = self.routes(TransceiverId(id))?;
        let listener = Listener::new(hub, number);
        routes.set_encoder(Some(listener.clone()));
        Ok(NativeFrameWriter { routes, listener })
    }

    /// `sender.packets()`.
    #[napi]
    pub fn write_packets(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativePacketWriter> {
        Ok(NativePacketWriter {
            routes: self.routes(TransceiverId(id))?,
            listener: Listener::new(hub, number),
        })
    }
}

#[napi]
impl NativeFrameWriter {
    /// Hands over as many as there is room for, from the front; tells how many, or -1 at the end.
    #[napi]
    pub fn send(
        &self,
        env: &Env,
        fields: Float64Array,
        data: Vec<Uint8ArraySlice<'_>>,
        details: Option<Unknown<'_>>,
    ) -> Result<i32> {
        let details = batch::details(env, details)?;
        let now = Some(self.routes.now());
        let mut frames = batch::from_js::<Frame>((&fields, &data), details, now);
        let count = frames.len();
        Ok(
            match self.routes.send_frames(&mut frames, false, &self.listener) {
                Ok(()) => (count - frames.len()) as i32,
                Err(_) => ENDED,
            },
        )
    }

    /// Whether there is room: 1, or 0 and the hub tells when there is, or -1 at the end.
    #[napi]
    pub fn room(&self) -> i32 {
        let room = self.routes.has_room_for_frames(&self.listener);
        room.map_or(ENDED, i32::from)
    }

    /// How many frames and packets have not left.
    #[napi(getter)]
    pub fn queued(&self) -> u32 {
        self.routes.queued() as u32
    }

    /// The encodings that a transform wants a key frame of.
    #[napi]
    pub fn take_key_frames_wanted(&self) -> Vec<u32> {
        let wanted = self.routes.take_key_frames_wanted();
        wanted.into_iter().map(|encoding| encoding as u32).collect()
    }

    /// The payload type of frames of this codec, by its MIME type.
    #[napi(ts_return_type = "number | null")]
    pub fn payload_type(&self, mime_type: String) -> Option<u8> {
        self.routes.payload_type(&mime_type)
    }

    /// The name of an encoding.
    #[napi(ts_return_type = "string | null")]
    pub fn rid(&self, encoding: u32) -> Option<String> {
        self.routes.rid(encoding as usize)
    }
}

#[napi]
impl NativePacketWriter {
    /// Hands over as many as there is room for, from the front; tells how many, or -1 at the end.
    #[napi]
    pub fn send(
        &self,
        env: &Env,
        fields: Float64Array,
        data: Vec<Uint8ArraySlice<'_>>,
        details: Option<Unknown<'_>>,
    ) -> Result<i32> {
        let details = batch::details(env, details)?;
        let now = Some(self.routes.now());
        let mut packets = batch::from_js::<Packet>((&fields, &data), details, now);
        let count = packets.len();
        Ok(match self.routes.send(&mut packets, &self.listener) {
            Ok(()) => (count - packets.len()) as i32,
            Err(_) => ENDED,
        })
    }

    /// Whether there is room: 1, or 0 and the hub tells when there is, or -1 at the end.
    #[napi]
    pub fn room(&self) -> i32 {
        self.routes
            .has_room(&self.listener)
            .map_or(ENDED, i32::from)
    }

    /// How many frames and packets have not left.
    #[napi(getter)]
    pub fn queued(&self) -> u32 {
        self.routes.queued() as u32
    }
}
