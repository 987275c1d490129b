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
    /// The application sees what passes it.
    shows: bool,
    /// What its worker is to read.
    pub(super) incoming: Queue<Frame>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    place: Option<Place>,
    /// It is where `place` says; else it was and is no more, or never was.
    attached: bool,
    /// That place has come to its end.
    ended: bool,
    /// The object in the thread of the connection is gone, by which it could be attached.
    unowned: bool,
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

impl State {
    /// No frame passes it any more, nor will: it belongs to whom it was given first.
    fn is_over(&self) -> bool {
        self.ended || self.unowned && !self.attached
    }

    fn notify_worker(&self) {
        if let Some(worker) = &self.worker {
            worker.notify();
        }
    }
}

impl Transform {
    fn new(token: u32, shows: bool) -> Self {
        Transform {
            token,
            shows,
            incoming: Queue::new(),
            state: Mutex::default(),
        }
    }

    /// One that is nowhere, and can never be anywhere.
    fn lost(token: u32) -> Self {
        let transform = Transform::new(token, true);
        transform.lock().unowned = true;
        transform
    }

    pub(super) fn set_worker(&self, worker: Listener) {
        self.incoming.set_reader(worker.clone());
        let mut state = self.lock();
        if !state.key_frames_wanted.is_empty() || state.is_over() {
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

    /// A transceiver has it.
    pub(super) fn is_attached(&self) -> bool {
        self.lock().attached
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over()
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
            state.notify_worker();
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

    fn shows(&self) -> bool {
        self.shows
    }

    fn detach(&self) {
        let mut state = self.lock();
        state.attached = false;
        state.notify_worker();
    }

    fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.attached = false;
        state.notify_worker();
        drop(state);
        self.incoming.notify_writers();
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
        .unwrap_or_else(|| Arc::new(Transform::lost(token)))
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

impl Drop for NativeTransform {
    fn drop(&mut self) {
        let mut state = self.transform.lock();
        state.unowned = true;
        if state.is_over() {
            state.notify_worker();
        }
    }
}

/// A transform that is nowhere yet; `shows`: the application sees what passes it.
#[napi]
pub fn create_transform(shows: bool) -> NativeTransform {
    let token = TOKENS.fetch_add(1, Ordering::Relaxed);
    let transform = Arc::new(Transform::new(token, shows));
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

    /// The application sees what passes it.
    #[napi(getter)]
    pub fn shows(&self) -> bool {
        self.transform.shows
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
        let transform = transform.map(|it| it.transform.clone());
        if let Some(before) = before {
            let same = transform.clone().map(|it| it as Arc<dyn FrameTransform>);
            // What it waits for goes on being awaited.
            if same.is_some_and(|it| Arc::ptr_eq(&it, &before)) {
                return Ok(());
            }
            before.detach();
        }

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
