//! The bridge from sessions' tasks to a JavaScript thread: an inbox for each connection, and one
//! wake-up for all of them.

use std::collections::VecDeque;
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

/// For which connections of one JavaScript thread there are reports, in the order in which they
/// came: what happened first is told first, whichever connection it happened to.
#[napi]
#[expect(
    missing_debug_implementations,
    reason = "functions of JavaScript have none"
)]
pub struct Hub {
    pub(crate) ready: Arc<ReadyList>,
}

pub(crate) struct ReadyList {
    runs: Mutex<Runs>,
    wake: Wake,
}

/// Connections, and how many reports came for each before one came for another.
#[derive(Debug, Default)]
struct Runs {
    connections: Vec<u32>,
    counts: Vec<u32>,
    /// A wake-up is on its way.
    woken: bool,
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
        let runs = Mutex::default();
        Ok(Hub {
            ready: Arc::new(ReadyList { runs, wake }),
        })
    }

    /// The numbers of connections, and how many reports there are for each.
    #[napi(ts_return_type = "[number[], number[]]")]
    pub fn take_ready(&self) -> (Vec<u32>, Vec<u32>) {
        let runs = mem::take(&mut *lock(&self.ready.runs));
        (runs.connections, runs.counts)
    }
}

impl ReadyList {
    fn push(&self, connection: u32) {
        let mut runs = lock(&self.runs);
        if runs.connections.last() == Some(&connection)
            && let Some(count) = runs.counts.last_mut()
        {
            *count += 1;
        } else {
            runs.connections.push(connection);
            runs.counts.push(1);
        }
    }

    fn wake(&self) {
        let mut runs = lock(&self.runs);
        if !runs.connections.is_empty() && !mem::replace(&mut runs.woken, true) {
            // It fails only while the JavaScript thread ends, and then nobody waits.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What these locks guard is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thing that the session reported.
#[derive(Debug)]
pub(crate) enum Reported {
    Connection(Report),
    Channel(ChannelReport),
}

impl Reported {
    fn message_bytes(&self) -> usize {
        match self {
            Reported::Channel(ChannelReport::Message { data, .. }) => data.len(),
            Reported::Connection(_) | Reported::Channel(_) => 0,
        }
    }

    fn is_of_channel(&self) -> bool {
        matches!(self, Reported::Channel(_))
    }
}

/// What the session of one connection reported and JavaScript has not taken.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    reports: VecDeque<Reported>,
    of_channels: usize,
    message_bytes: usize,
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.message_bytes >= MAX_WAITING_BYTES || self.of_channels >= MAX_WAITING_REPORTS
    }
}

impl Inbox {
    /// The oldest reports, and whether the session may have stopped because of them.
    pub(crate) fn take(&self, count: usize) -> (Vec<Reported>, bool) {
        let mut waiting = lock(&self.0);
        let was_full = waiting.is_full();
        let count = count.min(waiting.reports.len());
        let taken: Vec<Reported> = waiting.reports.drain(..count).collect();
        waiting.of_channels -= taken.iter().filter(|r| r.is_of_channel()).count();
        waiting.message_bytes -= taken.iter().map(Reported::message_bytes).sum::<usize>();
        (taken, was_full && !waiting.is_full())
    }

    fn push(&self, report: Reported) {
        let mut waiting = lock(&self.0);
        waiting.of_channels += usize::from(report.is_of_channel());
        waiting.message_bytes += report.message_bytes();
        waiting.reports.push_back(report);
    }
}

/// The session's side of the bridge.
pub(crate) struct NodeHost {
    pub(crate) connection: u32,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) ready: Arc<ReadyList>,
}

impl NodeHost {
    fn push(&self, report: Reported) {
        self.inbox.push(report);
        self.ready.push(self.connection);
    }
}

impl Host for NodeHost {
    fn handle_report(&mut self, report: Report) {
        self.push(Reported::Connection(report));
    }

    fn wants_channel_reports(&self) -> bool {
        !lock(&self.inbox.0).is_full()
    }

    fn handle_channel_report(&mut self, report: ChannelReport) {
        self.push(Reported::Channel(report));
    }

    fn end_of_batch(&mut self) {
        self.ready.wake();
    }
}
