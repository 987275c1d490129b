//! `receiver.frames()` and `receiver.packets()`.

use std::sync::Arc;
use std::time::Duration;

use duologue_base::TransceiverId;
use duologue_peer::RtpContributingSource;
use napi::Env;
use napi::bindgen_prelude::{Object, Result, Unknown};
use napi_derive::napi;

use super::batch;
use super::hub::{Listener, MediaHub};
use super::item::{Frame, Packet};
use super::queue::Queue;
use super::routes::Routes;
use crate::connection::NativePeerConnection;
use crate::limits::{MAX_TAKEN, MAX_TAKEN_BYTES};

/// Beyond how long any source is known.
const MOST_AGE: Duration = Duration::from_secs(60);

/// Reads the frames of a receiver, behind its transform if it has one.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeFrameReader {
    routes: Arc<Routes>,
    queue: Arc<Queue<Frame>>,
    open: bool,
}

/// Reads the packets of a receiver.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativePacketReader {
    routes: Arc<Routes>,
    queue: Arc<Queue<Packet>>,
    open: bool,
}

#[napi]
impl NativePeerConnection {
    /// `receiver.frames()`; `number` is what the hub names it by.
    #[napi]
    pub fn read_frames(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativeFrameReader> {
        let routes = self.routes(TransceiverId(id))?;
        let queue = Arc::new(Queue::new());
        queue.set_reader(Listener::new(hub, number));
        routes.set_frame_reader(Some(queue.clone()));
        Ok(NativeFrameReader {
            routes,
            queue,
            open: true,
        })
    }

    /// `receiver.packets()`.
    #[napi]
    pub fn read_packets(
        &mut self,
        id: u32,
        hub: &MediaHub,
        number: u32,
    ) -> Result<NativePacketReader> {
        let routes = self.routes(TransceiverId(id))?;
        let queue = Arc::new(Queue::new());
        queue.set_reader(Listener::new(hub, number));
        routes.set_packet_reader(Some(queue.clone()));
        Ok(NativePacketReader {
            routes,
            queue,
            open: true,
        })
    }

    /// `getContributingSources()`, or `getSynchronizationSources()`. The time of a source is how long ago
    /// it was heard, below zero.
    #[napi(ts_return_type = "object[]")]
    pub fn sources<'env>(
        &mut self,
        env: &'env Env,
        id: u32,
        kind: String,
        contributing: bool,
    ) -> Result<Unknown<'env>> {
        let routes = self.routes(TransceiverId(id))?;
        let now = (routes.now(), MOST_AGE);
        let kind = crate::media::media_kind(&kind);
        let mut sources = RtpContributingSource::list(&routes.sources(), contributing, kind, now);
        for source in &mut sources {
            source.timestamp -= MOST_AGE.as_secs_f64() * 1e3;
        }
        env.to_js_value(&sources)
    }
}

#[napi]
impl NativeFrameReader {
    /// `NativeBatch`: what is there, at most `limit`.
    #[napi(ts_return_type = "object | null")]
    pub fn take<'env>(&self, env: &'env Env, limit: u32) -> Result<Option<Object<'env>>> {
        let limit = MAX_TAKEN.min(limit as usize);
        let taken = self.queue.take(limit, MAX_TAKEN_BYTES);
        batch::to_js(env, taken, Some(self.routes.now()))
    }

    /// How many frames nobody took in time.
    #[napi(getter)]
    pub fn dropped(&self) -> f64 {
        (self.queue.dropped() + self.routes.dropped_by_transform()) as f64
    }

    /// What a payload type means.
    #[napi(ts_return_type = "string | null")]
    pub fn mime_type(&self, payload_type: u8) -> Option<String> {
        self.routes.mime_type(payload_type, true)
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.queue.remove_reader();
            self.routes.set_frame_reader(None);
        }
    }
}

impl Drop for NativeFrameReader {
    fn drop(&mut self) {
        self.close();
    }
}

#[napi]
impl NativePacketReader {
    /// `NativeBatch`: what is there, at most `limit`.
    #[napi(ts_return_type = "object | null")]
    pub fn take<'env>(&self, env: &'env Env, limit: u32) -> Result<Option<Object<'env>>> {
        let limit = MAX_TAKEN.min(limit as usize);
        let taken = self.queue.take(limit, MAX_TAKEN_BYTES);
        batch::to_js(env, taken, Some(self.routes.now()))
    }

    /// How many packets nobody took in time.
    #[napi(getter)]
    pub fn dropped(&self) -> f64 {
        self.queue.dropped() as f64
    }

    /// Nobody reads any more.
    #[napi]
    pub fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.queue.remove_reader();
            self.routes.set_packet_reader(None);
        }
    }
}

impl Drop for NativePacketReader {
    fn drop(&mut self) {
        self.close();
    }
}
