//! `getStats` (webrtc-pc §8.2).

use duologue_session::Command;

use crate::task::Task;
use crate::{Exception, OperationId, PeerConnection, StatsSelector, TrackId};

impl PeerConnection {
    /// `getStats(selector)`.
    ///
    /// Rejects with `InvalidAccessError` for a track that not exactly one sender or receiver has.
    pub fn get_stats(&mut self, selector: StatsSelector) -> OperationId {
        let id = self.new_operation();
        let selector = match selector {
            StatsSelector::Track(track) => match self.selected_by(&track).as_slice() {
                [selector] => selector.clone(),
                _ => {
                    let message = "not exactly one sender or receiver has the track";
                    self.reject_now(id, Exception::invalid_access(message));
                    return id;
                }
            },
            selector => selector,
        };
        if !self.slots.is_closed() && self.slots.has_transports() {
            self.slots.add_pending_stats(id, selector);
            self.command(Command::GetStats { request: id.0 });
        } else {
            let task = Task::Stats {
                operation: id,
                selector,
                session: None,
            };
            self.queue(task);
        }
        id
    }

    /// The senders and receivers that a track is of (§8.2.1 step 2).
    fn selected_by(&self, track: &TrackId) -> Vec<StatsSelector> {
        let transceivers = self.slots.intent().transceivers.iter();
        let slots = transceivers.filter_map(|intent| {
            let slots = self.slots.transceiver(intent.id)?;
            Some((intent.id, slots))
        });
        let selectors = slots.flat_map(|(id, slots)| {
            let sends = slots.sender_track().is_some_and(|t| t.id == *track);
            let receives = *slots.receiver_track() == *track;
            let sender = sends.then_some(StatsSelector::Sender(id));
            sender
                .into_iter()
                .chain(receives.then_some(StatsSelector::Receiver(id)))
        });
        selectors.collect()
    }
}
