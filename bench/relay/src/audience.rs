//! All viewers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use duologue::Endpoint;
use tokio::sync::Semaphore;
use tokio::time::interval;

use crate::Outcome;
use crate::counted::Counted;
use crate::viewer::Viewer;

/// Shared with the task that takes from all what they got.
#[derive(Clone, Default)]
pub(crate) struct Audience(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// In the order in which they came.
    viewers: VecDeque<Viewer>,
    /// Of those that have gone.
    gone: Counted,
    /// The longest that one took to join.
    joined: Duration,
    came: usize,
}

/// Every so many viewers one assembles frames.
const ASSEMBLING: usize = 50;
/// Viewers that join at once.
const JOINING: usize = 16;
/// How often is looked at what they got. Beyond 64 packets, which is a quarter of a second, they would be copied.
const SWEEP: Duration = Duration::from_millis(40);

/// What all of them got since the last time.
pub(crate) struct Taken {
    pub(crate) viewers: usize,
    pub(crate) assembling: usize,
    pub(crate) counted: Counted,
    /// The slowest of those that came, from its offer to its first packet.
    pub(crate) joined: Duration,
}

impl Audience {
    pub(crate) fn new() -> Self {
        let audience = Audience::default();
        let sweeping = audience.clone();
        tokio::spawn(async move {
            let mut clock = interval(SWEEP);
            loop {
                clock.tick().await;
                sweeping.lock().viewers.iter_mut().for_each(Viewer::take);
            }
        });
        audience
    }

    /// So many more.
    pub(crate) async fn join(&self, endpoint: &Endpoint, url: &str, count: usize) -> Outcome {
        let places = Arc::new(Semaphore::new(JOINING));
        let mut joining = Vec::new();
        for _ in 0..count {
            let (audience, endpoint) = (self.clone(), endpoint.clone());
            let (url, places) = (url.to_owned(), places.clone());
            joining.push(tokio::spawn(async move {
                let _place = places.acquire().await?;
                let number = audience.number();
                let assembles = number.is_multiple_of(ASSEMBLING);
                let viewer = Viewer::join(&endpoint, &url, assembles).await?;
                let mut inner = audience.lock();
                inner.joined = inner.joined.max(viewer.joined);
                inner.viewers.push_back(viewer);
                Outcome::Ok(())
            }));
        }
        for viewer in joining {
            viewer.await??;
        }
        Ok(())
    }

    /// The oldest ones go.
    pub(crate) fn leave(&self, count: usize) {
        let mut inner = self.lock();
        for _ in 0..count {
            if let Some(mut viewer) = inner.viewers.pop_front() {
                viewer.take();
                inner.gone.add(viewer.counted.take());
                viewer.leave();
            }
        }
    }

    /// What came so far does not count; how long viewers took to join does.
    pub(crate) fn forget(&self) {
        for viewer in &mut self.lock().viewers {
            viewer.take();
            viewer.counted.take();
        }
    }

    pub(crate) fn take(&self) -> Taken {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let mut counted = std::mem::take(&mut inner.gone);
        for viewer in &mut inner.viewers {
            viewer.take();
            counted.add(viewer.counted.take());
        }
        let assembling = inner.viewers.iter().filter(|viewer| viewer.assembles());
        Taken {
            viewers: inner.viewers.len(),
            assembling: assembling.count(),
            counted,
            joined: std::mem::take(&mut inner.joined),
        }
    }

    fn number(&self) -> usize {
        let mut inner = self.lock();
        inner.came += 1;
        inner.came - 1
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What it guards is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
