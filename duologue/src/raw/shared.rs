//! What the raw media of one connection have in common.

use std::sync::{Mutex, MutexGuard, PoisonError};

use duologue_base::TransceiverId;
use duologue_session::{EncoderStats, PlayerStats, SourceStats, Stats};

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
    encoders: Vec<EncoderStats>,
    sources: Vec<SourceStats>,
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

    /// An encoder tells of an encoding.
    pub(super) fn tell_encoder(&self, stats: EncoderStats) {
        let same = |it: &EncoderStats| (it.sender, it.encoding) == (stats.sender, stats.encoding);
        put(&mut self.told().encoders, same, &stats);
    }

    /// A sender tells of what it was given.
    pub(super) fn tell_source(&self, stats: SourceStats) {
        let same = |it: &SourceStats| it.sender == stats.sender;
        put(&mut self.told().sources, same, &stats);
    }

    /// Nothing is given to a sender any more.
    pub(super) fn forget_source(&self, sender: TransceiverId) {
        self.told().sources.retain(|it| it.sender != sender);
    }

    /// What the session cannot know is added to what it told.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        let told = self.told();
        stats.players.clone_from(&told.players);
        stats.encoders.clone_from(&told.encoders);
        stats.sources.clone_from(&told.sources);
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
