//! The wake-up of one JavaScript thread for its readers, writers and transformers.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake as WakeTask, Waker};

use napi::Status;
use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// Calls `wake` on the JavaScript thread. It does not keep that thread alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// For which ends of one JavaScript thread something has changed. Apart from what tells of
/// connections: media has no order among events, and waits for none.
#[napi]
#[expect(
    missing_debug_implementations,
    reason = "functions of JavaScript have none"
)]
pub struct MediaHub {
    pub(super) ready: Arc<Ready>,
}

#[napi]
impl MediaHub {
    /// `wake` is called when [`MediaHub::take_ready`] has something.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build()?;
        Ok(MediaHub {
            ready: Arc::new(Ready {
                ends: Mutex::default(),
                wake,
            }),
        })
    }

    /// The numbers of ends.
    #[napi]
    pub fn take_ready(&self) -> Vec<u32> {
        mem::take(&mut *lock(&self.ready.ends))
    }
}

pub(super) struct Ready {
    ends: Mutex<Vec<u32>>,
    wake: Wake,
}

/// Whoever is told of a change.
#[derive(Clone)]
pub(super) enum Listener {
    End(End),
    /// A task of the runtime.
    Task(Waker),
}

/// An end that JavaScript knows by a number, and its thread.
#[derive(Clone)]
pub(super) struct End {
    ready: Arc<Ready>,
    number: u32,
}

impl Listener {
    pub(super) fn new(hub: &MediaHub, number: u32) -> Self {
        Listener::End(End::new(hub, number))
    }

    /// Something has changed.
    pub(super) fn notify(&self) {
        match self {
            Listener::End(end) => end.notify(),
            Listener::Task(waker) => waker.wake_by_ref(),
        }
    }

    fn is(&self, other: &Listener) -> bool {
        match (self, other) {
            (Listener::End(one), Listener::End(other)) => one.is(other),
            (Listener::Task(one), Listener::Task(other)) => one.will_wake(other),
            _ => false,
        }
    }
}

impl End {
    fn new(hub: &MediaHub, number: u32) -> Self {
        End {
            ready: hub.ready.clone(),
            number,
        }
    }

    /// Wakes the end from a task.
    pub(super) fn waker(hub: &MediaHub, number: u32) -> Waker {
        Arc::new(End::new(hub, number)).into()
    }

    fn notify(&self) {
        let mut ends = lock(&self.ready.ends);
        if !ends.contains(&self.number) {
            ends.push(self.number);
        }
        if ends.len() == 1 {
            // It fails only while the JavaScript thread ends, and then nobody waits.
            let mode = ThreadsafeFunctionCallMode::NonBlocking;
            self.ready.wake.call((), mode);
        }
    }

    fn is(&self, other: &End) -> bool {
        Arc::ptr_eq(&self.ready, &other.ready) && self.number == other.number
    }
}

impl WakeTask for End {
    fn wake(self: Arc<Self>) {
        self.notify();
    }
}

/// Ends that wait for one thing, each once.
#[derive(Default)]
pub(super) struct Waiters(Vec<Listener>);

impl Waiters {
    pub(super) fn add(&mut self, waiter: &Listener) {
        if !self.0.iter().any(|known| known.is(waiter)) {
            self.0.push(waiter.clone());
        }
    }

    /// Tells all of them and forgets them.
    pub(super) fn notify(&mut self) {
        for waiter in self.0.drain(..) {
            waiter.notify();
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
