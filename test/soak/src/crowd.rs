//! So many pairs at a time: where one ends another begins.

use std::sync::Arc;
use std::time::Duration;

use duologue::{Endpoint, MediaKind};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::life::{Plan, live};
use crate::limits::{LIFE, LIFE_SPREAD};
use crate::tally::Tally;

/// Pairs that live until they are told to be the last.
pub(crate) struct Crowd {
    wanted: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl Crowd {
    /// The first of each pair is on one endpoint, the second on the other.
    pub(crate) fn gather(ends: [Endpoint; 2], pairs: usize, tally: Arc<Tally>) -> Self {
        let (wanted, want) = watch::channel(pairs);
        let task = tokio::spawn(keep(ends, want, tally));
        Crowd { wanted, task }
    }

    /// No pair begins any more; returns once the last has ended by itself.
    pub(crate) async fn disperse(self) -> crate::Outcome {
        self.wanted.send_replace(0);
        self.task.await.map_err(|error| error.to_string())
    }
}

async fn keep(ends: [Endpoint; 2], mut wanted: watch::Receiver<usize>, tally: Arc<Tally>) {
    let (mut lives, mut number) = (JoinSet::new(), 0);
    loop {
        let pairs = *wanted.borrow_and_update();
        while lives.len() < pairs {
            let (ends, tally, plan) = (ends.clone(), tally.clone(), plan(number));
            number += 1;
            lives.spawn(async move {
                if let Err(why) = live([&ends[0], &ends[1]], &plan, &tally).await {
                    tally.failed(why);
                }
            });
        }
        if lives.is_empty() {
            return;
        }
        tokio::select! {
            ended = lives.join_next() => {
                if let Some(Err(error)) = ended {
                    tally.failed(error.to_string());
                }
            }
            changed = wanted.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// The same in each run: every kind of media, lives of all lengths, every way to end.
fn plan(number: u32) -> Plan {
    let kinds: &[MediaKind] = match number % 4 {
        0 | 1 => &[],
        2 => &[MediaKind::Audio],
        _ => &[MediaKind::Audio, MediaKind::Video],
    };
    // Multiples of the golden ratio are spread evenly, however many there are.
    let share = (f64::from(number) * 0.618_034).fract();
    Plan {
        kinds,
        lasts: LIFE + LIFE_SPREAD.mul_f64(share),
        closes: !number.is_multiple_of(3),
    }
}

/// How long until the last of a crowd has ended at the latest, if nothing is wrong.
pub(crate) fn longest_life() -> Duration {
    LIFE + LIFE_SPREAD + crate::limits::SETUP_MAX + 3 * crate::limits::ECHO_MAX
}
