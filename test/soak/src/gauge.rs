//! What the process holds, once a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::ALLOCATOR;
use crate::tally::{Tally, lock};

/// What was seen in one second.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Bytes that are allocated, as Rust's allocator counts them.
    pub(crate) counted: f64,
    /// Bytes that the system says are resident.
    pub(crate) resident: f64,
    pub(crate) descriptors: f64,
    pub(crate) tasks: f64,
    /// Milliseconds: half of the messages were back earlier, and 99 of 100.
    pub(crate) median: f64,
    pub(crate) late: f64,
}

/// Takes samples in the background while it is calm.
pub(crate) struct Gauge {
    calm: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
    task: JoinHandle<()>,
}

impl Gauge {
    pub(crate) fn start(tally: Arc<Tally>) -> Self {
        let (calm, samples) = (Arc::default(), Arc::default());
        let task = tokio::spawn(watch(Arc::clone(&calm), Arc::clone(&samples), tally));
        Gauge {
            calm,
            samples,
            task,
        }
    }

    /// Whether samples count from now on.
    pub(crate) fn set_calm(&self, calm: bool) {
        self.calm.store(calm, Ordering::Relaxed);
    }

    pub(crate) fn last(&self) -> Option<Sample> {
        lock(&self.samples).last().copied()
    }

    pub(crate) fn samples(&self) -> Vec<Sample> {
        lock(&self.samples).clone()
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(calm: Arc<AtomicBool>, samples: Arc<Mutex<Vec<Sample>>>, tally: Arc<Tally>) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        seconds.tick().await;
        let trips = tally.take_round_trips();
        if calm.load(Ordering::Relaxed) && !trips.is_empty() {
            lock(&samples).push(Sample::now(trips));
        }
    }
}

impl Sample {
    fn now(mut trips: Vec<Duration>) -> Self {
        trips.sort_unstable();
        let quantile = |share: f64| {
            let at = ((trips.len() - 1) as f64 * share).round() as usize;
            trips.get(at).map_or(0.0, |it| it.as_secs_f64() * 1e3)
        };
        Sample {
            counted: ALLOCATOR.live_bytes() as f64,
            resident: resident(),
            descriptors: descriptors() as f64,
            tasks: tasks() as f64,
            median: quantile(0.5),
            late: quantile(0.99),
        }
    }
}

pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

pub(crate) fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Where the system tells it.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() * 1_024.0
}
