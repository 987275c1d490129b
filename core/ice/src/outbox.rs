use std::collections::VecDeque;

use duologue_base::Transmit;

use crate::event::Event;
use crate::limits;
use crate::reply::{Refusals, Reply};
use crate::stats::Counters;

/// The third part of an [`Agent`](crate::Agent): what is to be sent that is no check of its own, what its
/// owner is to be told, and what is counted.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) replies: VecDeque<Reply>,
    pub(crate) refusals: Refusals,
    /// What ends allocations at TURN servers.
    pub(crate) releases: Vec<(Transmit, Vec<u8>)>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) counters: Counters,
}

impl Outbox {
    /// Nobody listened to the events until now. What the host was asked for stays asked.
    pub(crate) fn forget_told(&mut self) {
        self.events.retain(|event| {
            matches!(
                event,
                Event::Resolve { .. } | Event::Connect { .. } | Event::Disconnect { .. }
            )
        });
    }

    pub(crate) fn push_event(&mut self, event: Event) {
        if self.events.len() >= limits::EVENTS {
            self.events.pop_front();
            self.counters.over_limit += 1;
        }
        self.events.push_back(event);
    }
}
