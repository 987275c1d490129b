//! `getStats` (webrtc-pc §8.2).

use std::time::Duration;

use duologue_session::Command;

use crate::task::Task;
use crate::{Exception, OperationId, PeerConnection, StatsSelector, TrackId};

impl PeerConnection {
    /// `getStats(selector)`. `now` is the time since 1970, which the report's members count from.
    ///
    /// Rejects with `InvalidAccessError` for a track that not exactly one sender or receiver has.
    pub fn get_stats(&mut self, selector: StatsSelector, now: Duration) -> OperationId {
        let id = self.new_operation();
        if let StatsSelector::Track(track) = &selector
            && self.uses_of(track) != 1
        {
            let message = "not exactly one sender or receiver has the track";
            self.reject_now(id, Exception::invalid_access(message));
            return id;
        }
        let whole = selector == StatsSelector::Connection;
        if whole && !self.slots.closed && !self.slots.transports.is_empty() {
            self.slots.pending_stats.insert(id, now);
            self.command(Command::GetStats { request: id.0 });
        } else {
            let task = Task::Stats {
                operation: id,
                whole,
                now,
                session: None,
            };
            self.queue(task);
        }
        id
    }

    fn uses_of(&self, track: &TrackId) -> usize {
        let transceivers = self.slots.intent.transceivers.iter();
        transceivers
            .filter_map(|intent| self.slots.transceivers.get(&intent.id))
            .map(|slots| {
                let sends = slots.sender_track.as_ref().is_some_and(|t| t.id == *track);
                usize::from(sends) + usize::from(slots.receiver_track == *track)
            })
            .sum()
    }
}
