//! What the raw media of one connection have in common.

use std::sync::{Mutex, MutexGuard, PoisonError};

use duologue_session::{PlayerStats, Stats};

use super::together::Groups;
use crate::limits::TOLD_STREAMS;

/// Of one connection.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    groups: Mutex<Groups>,
    told: Mutex<Told>,
}

/// What players and encoders told last, for the statistics.
#[derive(Debug, Default)]
struct Told {
    players: Vec<PlayerStats>,
}

impl Shared {
    pub(super) fn groups(&self) -> MutexGuard<'_, Groups> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A player tells of its stream.
    pub(super) fn tell_player(&self, stats: PlayerStats) {
        let same = |it: &PlayerStats| (it.receiver, it.ssrc) == (stats.receiver, stats.ssrc);
        put(&mut self.told().players, same, &stats);
    }

    /// What the session cannot know is added to what it told.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        let told = self.told();
        stats.players.clone_from(&told.players);
    }
}

/// The newest in the place of the one before; of too many, the oldest goes.
fn put<T: Clone>(all: &mut Vec<T>, same: impl Fn(&T) -> bool, new: &T) {
    if let Some(known) = all.iter_mut().find(|it| same(it)) {
        known.clone_from(new);
        return;
    }
    if all.len() >= TOLD_STREAMS {
        all.remove(0);
    }
    all.push(new.clone());
}
