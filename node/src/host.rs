//! The bridge from the session's task to JavaScript: an inbox and one wake-up for what is in it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use duologue_session::{ChannelReport, Report};
use duologue_tokio::Host;
use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};

use crate::limits::{MAX_WAITING_BYTES, MAX_WAITING_REPORTS};

/// Calls the connection's `wake` on its JavaScript thread. It does not keep that thread alive.
pub(crate) type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 1>;

/// What the session reported and JavaScript has not taken.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) reports: Vec<Report>,
    pub(crate) channel_reports: Vec<ChannelReport>,
    bytes: usize,
    /// A wake-up is on its way.
    woken: bool,
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
        // What this lock guards is whole after every statement.
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The session's side of the bridge.
pub(crate) struct NodeHost {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) wake: Arc<Wake>,
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
        let wake = self.inbox.with(|waiting| {
            let waits = !waiting.reports.is_empty() || !waiting.channel_reports.is_empty();
            waits && !mem::replace(&mut waiting.woken, true)
        });
        if wake {
            // It fails only while the JavaScript thread ends, and then nobody waits.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
