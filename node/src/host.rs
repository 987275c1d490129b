//! The bridge from sessions' tasks to a JavaScript thread: an inbox for each connection, and one
//! wake-up for all of them.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_session::{ChannelReport, Command, MediaItem, MediaReport, Report};
use duologue_tokio::{Host, Pushed, ReportQueue, Reported, SessionHandle};
use napi::Status;
use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

use crate::flow::{MediaBatches, MediaRoutes};

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

/// The session's side of the bridge.
pub(crate) struct NodeHost {
    pub(crate) connection: u32,
    pub(crate) inbox: Arc<ReportQueue>,
    pub(crate) ready: Arc<ReadyList>,
    pub(crate) session: SessionHandle,
    pub(crate) media: Arc<MediaRoutes>,
    pub(crate) batches: MediaBatches,
}

impl NodeHost {
    fn push(&self, report: Reported) {
        match self.inbox.push(report) {
            Pushed::Waits => self.ready.push(self.connection),
            Pushed::Absorbed => {}
            Pushed::Overrun => {
                self.session.command(Command::Close);
                self.ready.push(self.connection);
            }
        }
    }
}

impl Host for NodeHost {
    fn handle_report(&mut self, report: Report) {
        match report {
            Report::Media(sender, MediaReport::Sent { items, bytes }) => {
                self.media.sent(sender, items, bytes);
            }
            Report::Stats { request, mut stats } => {
                if self.media.take_loss(request, &stats) {
                    return;
                }
                self.media.add_to(&mut stats);
                self.push(Reported::Connection(Report::Stats { request, stats }));
            }
            Report::Media(receiver, MediaReport::Sources(sources)) => {
                self.media.set_sources(receiver, sources);
            }
            report => self.push(Reported::Connection(report)),
        }
    }

    fn wants_channel_reports(&self) -> bool {
        self.inbox.has_room()
    }

    fn handle_channel_report(&mut self, report: ChannelReport) {
        self.push(Reported::Channel(report));
    }

    fn handle_media(&mut self, item: MediaItem) {
        self.batches.add(item);
    }

    fn end_of_batch(&mut self) {
        self.batches.deliver(&self.media);
        self.ready.wake();
    }
}
