//! What the raw media of one connection have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use duologue_base::TransceiverId;
use duologue_session::{EncoderStats, Played, PlayerStats, PlayoutStats, SourceStats, Stats};

use super::together::Groups;
use crate::limits::TOLD_STREAMS;

/// What the raw media of one connection have in common: lip sync, and what is told for the statistics.
#[derive(Debug, Default)]
pub struct Shared {
    groups: Mutex<Groups>,
    told: Mutex<Told>,
    players: AtomicU64,
}

/// What players and encoders told last, for the statistics.
#[derive(Debug, Default)]
struct Told {
    players: Vec<Player>,
    playouts: Vec<PlayoutStats>,
    encoders: Vec<EncoderStats>,
    sources: Vec<SourceStats>,
}

/// What is told of one stream.
#[derive(Debug)]
struct Player {
    /// Who plays it.
    by: u64,
    /// What others had played of it before.
    before: Option<Played>,
    stats: PlayerStats,
}

impl Player {
    fn total(&self) -> Played {
        let own = &self.stats.played;
        let before = self.before.as_ref();
        before.map_or_else(|| own.clone(), |before| own.after(before))
    }
}

impl Shared {
    /// Another player than all before.
    pub(super) fn new_player(&self) -> u64 {
        self.players.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn groups(&self) -> MutexGuard<'_, Groups> {
        // Nothing that can panic runs under this lock, nor under the next.
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A player tells of its stream. One that another had before goes on from there: counters never
    /// fall.
    pub(super) fn tell_player(&self, by: u64, stats: PlayerStats) {
        let key = (stats.receiver, stats.ssrc);
        let same = |it: &Player| (it.stats.receiver, it.stats.ssrc) == key;
        let mut told = self.told();
        let known = told.players.iter().find(|it| same(it));
        let before = known.and_then(|known| match known.by == by {
            true => known.before.clone(),
            false => Some(known.total()),
        });
        put(&mut told.players, same, Player { by, before, stats });
    }

    /// A player tells of what reached its reader since it told last.
    pub(super) fn add_playout(&self, new: &PlayoutStats) {
        let mut told = self.told();
        let same = |it: &PlayoutStats| it.receiver == new.receiver;
        let known = told.playouts.iter().find(|it| same(it)).cloned();
        let before = known.unwrap_or_default();
        let total = PlayoutStats {
            receiver: new.receiver,
            synthesized_duration: before.synthesized_duration + new.synthesized_duration,
            synthesized_events: before.synthesized_events + new.synthesized_events,
            total_duration: before.total_duration + new.total_duration,
            total_delay: before.total_delay + new.total_delay,
            total_samples: before.total_samples + new.total_samples,
        };
        put(&mut told.playouts, same, total);
    }

    /// An encoder tells of an encoding.
    pub(super) fn tell_encoder(&self, stats: EncoderStats) {
        let key = (stats.sender, stats.encoding);
        let same = |it: &EncoderStats| (it.sender, it.encoding) == key;
        put(&mut self.told().encoders, same, stats);
    }

    /// What was told last of an encoding: by another encoder, perhaps, whose counters the next one's go on from.
    pub(super) fn encoder(&self, sender: TransceiverId, encoding: usize) -> EncoderStats {
        let told = self.told();
        let same = |it: &&EncoderStats| (it.sender, it.encoding) == (sender, encoding);
        let known = told.encoders.iter().find(same).cloned();
        known.unwrap_or_else(|| EncoderStats {
            sender,
            encoding,
            ..EncoderStats::default()
        })
    }

    /// A sender tells of what it was given.
    pub(super) fn tell_source(&self, stats: SourceStats) {
        let sender = stats.sender;
        put(&mut self.told().sources, |it| it.sender == sender, stats);
    }

    /// Nothing is given to a sender any more.
    pub(super) fn forget_source(&self, sender: TransceiverId) {
        self.told().sources.retain(|it| it.sender != sender);
    }

    /// Adds what players, encoders and sources told to what the session told.
    pub fn add_to(&self, stats: &mut Stats) {
        let told = self.told();
        let players = told.players.iter().map(|player| {
            let mut stats = player.stats.clone();
            stats.played = player.total();
            stats
        });
        stats.players = players.collect();
        stats.playouts.clone_from(&told.playouts);
        stats.encoders.clone_from(&told.encoders);
        stats.sources.clone_from(&told.sources);
    }
}

/// The newest in the place of the one before; of too many, the oldest goes.
fn put<T>(all: &mut Vec<T>, same: impl Fn(&T) -> bool, new: T) {
    if let Some(known) = all.iter_mut().find(|it| same(it)) {
        *known = new;
        return;
    }
    if all.len() >= TOLD_STREAMS {
        all.remove(0);
    }
    all.push(new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use duologue_rtp::Ssrc;
    use duologue_session::AudioStatistics;

    #[test]
    fn the_counters_of_a_stream_go_on_when_another_plays_it() {
        let shared = Shared::default();
        let tell = |by, concealed_samples| {
            let mut played = AudioStatistics::default();
            played.concealed_samples = concealed_samples;
            let stats = PlayerStats::new(TransceiverId(1), Ssrc(2), Played::Audio(played));
            shared.tell_player(by, stats);
            let mut stats = Stats::default();
            shared.add_to(&mut stats);
            match &stats.players[..] {
                [player] => match &player.played {
                    Played::Audio(played) => played.concealed_samples,
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        };
        let [first, second] = [shared.new_player(), shared.new_player()];
        assert_eq!([tell(first, 5), tell(first, 9)], [5, 9]);
        assert_eq!([tell(second, 0), tell(second, 3)], [9, 12]);
    }
}
