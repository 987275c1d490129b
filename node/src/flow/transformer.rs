//! `RTCRtpScriptTransformer`: a transform's object in the worker's thread.

use std::collections::VecDeque;
use std::sync::Arc;

use duologue_rtp::{MediaKind, Rid};
use napi::Env;
use napi::bindgen_prelude::{Float64Array, Object, Result, Uint8ArraySlice, Unknown};
use napi_derive::napi;

use super::batch;
use super::hub::{Listener, MediaHub};
use super::item::Frame;
use super::transform::{Side, Transform, claim};
use crate::exception::Exception;
use crate::limits::{MAX_TAKEN, MAX_TAKEN_BYTES};

/// The object in the worker's thread.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeTransformer {
    transform: Arc<Transform>,
    listener: Listener,
}

/// The object for a token.
#[napi]
pub fn open_transformer(token: u32, hub: &MediaHub, number: u32) -> NativeTransformer {
    let transform = claim(token);
    let listener = Listener::new(hub, number);
    transform.set_worker(listener.clone());
    NativeTransformer {
        transform,
        listener,
    }
}

#[napi]
impl NativeTransformer {
    /// `NativeBatch`: what is there, at most `limit`.
    #[napi(ts_return_type = "object | null")]
    pub fn take<'env>(&self, env: &'env Env, limit: u32) -> Result<Option<Object<'env>>> {
        let limit = MAX_TAKEN.min(limit as usize);
        let taken = self.transform.incoming.take(limit, MAX_TAKEN_BYTES);
        let now = self.transform.routes().map(|routes| routes.now());
        batch::to_js(env, taken, now)
    }

    /// Passes on what the worker has written; tells how many. Without a transceiver, or at its end,
    /// they go nowhere.
    #[napi]
    pub fn send(
        &self,
        env: &Env,
        fields: Float64Array,
        data: Vec<Uint8ArraySlice<'_>>,
        details: Option<Unknown<'_>>,
    ) -> Result<i32> {
        let details = batch::details(env, details)?;
        let now = self.transform.routes().map(|routes| routes.now());
        let mut frames: VecDeque<Frame> = batch::from_js((&fields, &data), details, now);
        let count = frames.len();
        let (Some(place), Some(routes)) = (self.transform.place(), self.transform.routes()) else {
            return Ok(count as i32);
        };
        Ok(match place.side {
            Side::Receiver => {
                routes.deliver_transformed(frames);
                count as i32
            }
            Side::Sender => {
                let preferred = routes.preferred();
                for frame in &mut frames {
                    // What the writer left open is left open: redundant audio is of such frames.
                    if frame.info.payload_type == preferred {
                        frame.info.payload_type = None;
                    }
                }
                match routes.send(&mut frames, &self.listener) {
                    Ok(()) => (count - frames.len()) as i32,
                    Err(_) => count as i32,
                }
            }
        })
    }

    /// Nobody reads what comes: it goes nowhere, and whoever makes it is not held up.
    #[napi]
    pub fn cancel(&self) {
        self.transform.incoming.remove_reader();
    }

    /// A sender or receiver has it.
    #[napi(getter)]
    pub fn is_attached(&self) -> bool {
        self.transform.is_attached()
    }

    /// None has it, nor ever will.
    #[napi(getter)]
    pub fn is_over(&self) -> bool {
        self.transform.is_over()
    }

    /// Whether there is room: 1, or 0 and the hub tells when there is.
    #[napi]
    pub fn room(&self) -> i32 {
        let sends = self
            .transform
            .place()
            .is_some_and(|it| it.side == Side::Sender);
        let routes = self.transform.routes().filter(|_| sends);
        let room = routes.is_none_or(|it| it.has_room(&self.listener).unwrap_or(true));
        i32::from(room)
    }

    /// Encodings that the other end wants a key frame of.
    #[napi]
    pub fn take_key_frames_wanted(&self) -> Vec<u32> {
        let wanted = self.transform.take_key_frames_wanted();
        wanted.into_iter().map(|encoding| encoding as u32).collect()
    }

    /// The name of an encoding.
    #[napi(ts_return_type = "string | null")]
    pub fn rid(&self, encoding: u32) -> Option<String> {
        self.transform.routes()?.rid(encoding as usize)
    }

    /// Tells who makes the frames that a key frame is wanted.
    #[napi]
    pub fn ask_encoder(&self, encoding: u32) {
        if let Some(routes) = self.transform.routes() {
            routes.want_key_frame(encoding as usize);
        }
    }

    /// `generateKeyFrame(rid)`: of which encodings one is to be awaited, or an exception.
    #[napi(ts_return_type = "number[] | NativeException")]
    pub fn generate_key_frame<'env>(
        &self,
        env: &'env Env,
        rid: Option<String>,
    ) -> Result<Unknown<'env>> {
        let asked = self.ask_for_key_frames(rid);
        match asked {
            Ok(encodings) => env.to_js_value(&encodings),
            Err(exception) => env.to_js_value(&exception),
        }
    }

    fn ask_for_key_frames(
        &self,
        rid: Option<String>,
    ) -> std::result::Result<Vec<usize>, Exception> {
        let place = self.transform.place();
        if !place.is_some_and(|it| it.side == Side::Sender && it.kind == MediaKind::Video) {
            return Err(Exception::new(
                "InvalidStateError",
                "it does not process frames of video that are sent",
            ));
        }
        // RFC 8851 §10: what an rid may be.
        if let Some(rid) = &rid
            && (rid.parse::<Rid>().is_err() || rid.contains(['-', '_']))
        {
            return Err(Exception::new("NotAllowedError", "no rid"));
        }
        let Some(routes) = self.transform.routes() else {
            return Err(Exception::new(
                "InvalidStateError",
                "it is no sender's any more",
            ));
        };
        let encodings: Vec<usize> = match rid {
            None => (0..routes.encodings()).collect(),
            Some(rid) => {
                let unknown = || Exception::new("NotFoundError", "no encoding has this rid");
                vec![routes.encoding(&rid).ok_or_else(unknown)?]
            }
        };
        for &encoding in &encodings {
            routes.want_key_frame(encoding);
        }
        Ok(encodings)
    }

    /// `sendKeyFrameRequest()`: false where there is no video that is received.
    #[napi]
    pub fn send_key_frame_request(&self) -> bool {
        let place = self.transform.place();
        let receives =
            place.is_some_and(|it| it.side == Side::Receiver && it.kind == MediaKind::Video);
        if receives && let Some(routes) = self.transform.routes() {
            routes.request_key_frames();
        }
        receives
    }

    /// What a payload type means.
    #[napi(ts_return_type = "string | null")]
    pub fn mime_type(&self, payload_type: u8) -> Option<String> {
        let received = self.transform.place()?.side == Side::Receiver;
        self.transform.routes()?.mime_type(payload_type, received)
    }

    /// `audio` or `video`; none where it never was.
    #[napi(getter, ts_return_type = "string | null")]
    pub fn kind(&self) -> Option<&'static str> {
        Some(self.transform.place()?.kind.as_str())
    }
}

impl Drop for NativeTransformer {
    fn drop(&mut self) {
        self.transform.remove_worker();
    }
}
