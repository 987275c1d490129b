//! The bridge from sessions' tasks to a JavaScript thread: an inbox for each connection, and one
//! wake-up for all inboxes in which something waits.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_session::{ChannelReport, Report};
use duologue_tokio::Host;
use napi::Status;
use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::limits::{MAX_WAITING_BYTES, MAX_WAITING_REPORTS};

/// Calls `wake` on the JavaScript thread. It does not keep that thread alive.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The connections of one JavaScript thread that want its attention, in the order in which they
/// began to: what happened first is told first, whichever connection it happened to.
#[napi]
#[expect(
    missing_debug_implementations,
    reason = "functions of JavaScript have none"
)]
pub struct Hub {
    pub(crate) ready: Arc<ReadyList>,
}

pub(crate) struct ReadyList {
    connections: Mutex<Vec<u32>>,
    wake: Wake,
}

#[napi]
impl Hub {
    /// `wake` is called when [`Hub::take_ready`] has something.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        let wake = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build()?;
        let connections = Mutex::default();
        Ok(Hub {
            ready: Arc::new(ReadyList { connections, wake }),
        })
    }

    /// The numbers of the connections whose `next` has something.
    #[napi]
    pub fn take_ready(&self) -> Vec<u32> {
        mem::take(&mut *lock(&self.ready.connections))
    }
}

impl ReadyList {
    fn push(&self, connection: u32) {
        let mut connections = lock(&self.connections);
        connections.push(connection);
        if connections.len() == 1 {
            // It fails only while the JavaScript thread ends, and then nobody waits.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the session reported and JavaScript has not taken.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) reports: Vec<Report>,
    pub(crate) channel_reports: Vec<ChannelReport>,
    bytes: usize,
    /// The connection is in the list of those that are ready.
    listed: bool,
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.bytes >= MAX_WAITING_BYTES || self.channel_reports.len() >= MAX_WAITING_REPORTS
    }

    /// Whether the session may have stopped because of what waits here.
    pub(crate) fn held_the_session(&self) -> bool {
        self.is_full()
    }
}

impl Inbox {
    /// Everything that waits.
    pub(crate) fn take(&self) -> Waiting {
        self.with(mem::take)
    }

    fn with<T>(&self, action: impl FnOnce(&mut Waiting) -> T) -> T {
        action(&mut lock(&self.0))
    }
}

/// The session's side of the bridge.
pub(crate) struct NodeHost {
    pub(crate) connection: u32,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) ready: Arc<ReadyList>,
}

impl Host for NodeHost {
    fn handle_report(&mut self, report: Report) {
        self.inbox.with(|waiting| waiting.reports.push(report));
    }

    fn wants_channel_reports(&self) -> bool {
        self.inbox.with(|waiting| !waiting.is_full())
    }

    fn handle_channel_report(&mut self, report: ChannelReport) {
        self.inbox.with(|waiting| {
            if let ChannelReport::Message { data, .. } = &report {
                waiting.bytes += data.len();
            }
            waiting.channel_reports.push(report);
        });
    }

    fn end_of_batch(&mut self) {
        let newly = self.inbox.with(|waiting| {
            let waits = !waiting.reports.is_empty() || !waiting.channel_reports.is_empty();
            waits && !mem::replace(&mut waiting.listed, true)
        });
        if newly {
            self.ready.push(self.connection);
        }
    }
}
