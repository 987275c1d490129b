//! `RTCRtpScriptTransform`: what is between a transceiver and a worker's thread.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use duologue_base::TransceiverId;
use duologue_rtp::MediaKind;
use napi::bindgen_prelude::Result;
use napi_derive::napi;

use super::hub::{Listener, lock};
use super::item::Frame;
use super::queue::Queue;
use super::routes::{FrameTransform, Routes};
use crate::connection::NativePeerConnection;
use crate::limits::MAX_KEY_FRAME_REQUESTS;

/// A transform. Its transceiver holds it; the two ends of it in JavaScript are in two threads.
pub(super) struct Transform {
    token: u32,
    /// What its worker is to read.
    pub(super) incoming: Queue<Frame>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    place: Option<Place>,
    /// It is where `place` says; else it was and is no more, or never was.
    attached: bool,
    worker: Option<Listener>,
    /// Encodings that the other end wants a key frame of and the worker has not heard of.
    key_frames_wanted: VecDeque<usize>,
}

/// Where a transform is, or was.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) side: Side,
    pub(super) kind: MediaKind,
    routes: Weak<Routes>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Side {
    Sender,
    Receiver,
}

impl Transform {
    fn new(token: u32) -> Self {
        Transform {
            token,
            incoming: Queue::new(),
            state: Mutex::default(),
        }
    }

    pub(super) fn set_worker(&self, worker: Listener) {
        self.incoming.set_reader(worker.clone());
        let mut state = self.lock();
        if !state.key_frames_wanted.is_empty() {
            worker.notify();
        }
        state.worker = Some(worker);
    }

    /// The worker's thread has ended. Nothing passes it from now on: frames that were to be changed
    /// do not go by as they are.
    pub(super) fn remove_worker(&self) {
        self.incoming.remove_reader();
        self.lock().worker = None;
    }

    /// Where it is, or was.
    pub(super) fn place(&self) -> Option<Place> {
        self.lock().place.clone()
    }

    /// Its transceiver, while it is attached.
    pub(super) fn routes(&self) -> Option<Arc<Routes>> {
        let state = self.lock();
        let place = state.place.as_ref().filter(|_| state.attached)?;
        place.routes.upgrade()
    }

    fn want_key_frame(&self, encoding: usize) {
        let mut state = self.lock();
        if !state.key_frames_wanted.contains(&encoding)
            && state.key_frames_wanted.len() < MAX_KEY_FRAME_REQUESTS
        {
            state.key_frames_wanted.push_back(encoding);
            if let Some(worker) = &state.worker {
                worker.notify();
            }
        }
    }

    pub(super) fn take_key_frames_wanted(&self) -> Vec<usize> {
        std::mem::take(&mut self.lock().key_frames_wanted).into()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl FrameTransform for Transform {
    fn incoming(&self) -> &Queue<Frame> {
        &self.incoming
    }

    fn detach(&self) {
        self.lock().attached = false;
    }
}

/// Transforms whose objects in the worker are still to be made, by what they are called on the way
/// to that thread.
static EXPECTED: Mutex<BTreeMap<u32, Weak<Transform>>> = Mutex::new(BTreeMap::new());
static TOKENS: AtomicU32 = AtomicU32::new(1);

/// The transform of this token, once. One that is gone was never attached, and is nowhere.
pub(super) fn claim(token: u32) -> Arc<Transform> {
    let known = lock(&EXPECTED).remove(&token);
    known
        .and_then(|transform| transform.upgrade())
        .unwrap_or_else(|| Arc::new(Transform::new(token)))
}

impl Drop for Transform {
    fn drop(&mut self) {
        lock(&EXPECTED).remove(&self.token);
    }
}

/// The object in the thread of the connection.
#[napi]
#[expect(missing_debug_implementations, reason = "it shows nothing")]
pub struct NativeTransform {
    transform: Arc<Transform>,
}

/// A transform that is nowhere yet.
#[napi]
pub fn create_transform() -> NativeTransform {
    let token = TOKENS.fetch_add(1, Ordering::Relaxed);
    let transform = Arc::new(Transform::new(token));
    lock(&EXPECTED).insert(token, Arc::downgrade(&transform));
    NativeTransform { transform }
}

#[napi]
impl NativeTransform {
    /// What the worker makes its object of.
    #[napi(getter)]
    pub fn token(&self) -> u32 {
        self.transform.token
    }

    /// Its worker has ended, or it has none: nothing passes.
    #[napi]
    pub fn abandon(&self) {
        self.transform.remove_worker();
    }

    /// The other end wants a key frame.
    #[napi]
    pub fn want_key_frame(&self, encoding: u32) {
        self.transform.want_key_frame(encoding as usize);
    }
}

#[napi]
impl NativePeerConnection {
    /// `sender.transform = …` and `receiver.transform = …`
    #[napi]
    pub fn set_transform(
        &mut self,
        id: u32,
        side: String,
        transform: Option<&NativeTransform>,
    ) -> Result<()> {
        let id = TransceiverId(id);
        let side = match side.as_str() {
            "sender" => Side::Sender,
            _ => Side::Receiver,
        };
        let kind = self.pc.transceiver(id).map(|view| view.kind());
        let routes = self.routes(id)?;
        let before = match side {
            Side::Sender => routes.sender_transform(),
            Side::Receiver => routes.receiver_transform(),
        };
        if let Some(before) = before {
            before.detach();
        }
        let transform = transform.map(|it| it.transform.clone());
        if let Some(transform) = transform.as_deref() {
            let mut state = transform.lock();
            state.attached = true;
            state.place = kind.map(|kind| Place {
                side,
                kind,
                routes: Arc::downgrade(&routes),
            });
        }
        let transform = transform.map(|it| it as Arc<dyn FrameTransform>);
        match side {
            Side::Sender => routes.set_sender_transform(transform),
            Side::Receiver => routes.set_receiver_transform(transform),
        }
        Ok(())
    }
}
