use std::collections::VecDeque;

use duologue_base::TransceiverId;

use crate::counters::Counters;
use crate::limits::{OUTLET_ITEMS, REPORTS};
use crate::packet::MediaItem;
use crate::recv::Told;
use crate::report::MediaReport;
use crate::send::SentTold;

/// What waits for the owner.
#[derive(Debug, Default)]
pub(crate) struct Outlets {
    pub(crate) items: VecDeque<MediaItem>,
    pub(crate) reports: VecDeque<(TransceiverId, MediaReport)>,
    pub(crate) counters: Counters,
}

impl Outlets {
    pub(crate) fn receiving(&mut self) -> Told<'_> {
        Told {
            items: &mut self.items,
            reports: &mut self.reports,
            counters: &mut self.counters,
        }
    }

    pub(crate) fn sending(&mut self) -> SentTold<'_> {
        SentTold {
            reports: &mut self.reports,
            counters: &mut self.counters,
        }
    }

    /// A report of a transceiver, unless very many wait.
    pub(crate) fn report(&mut self, id: TransceiverId, report: MediaReport) {
        if self.reports.len() < REPORTS {
            self.reports.push_back((id, report));
        }
    }
}

impl Told<'_> {
    /// What nobody takes in time makes room for what is newer.
    pub(crate) fn give(&mut self, item: MediaItem) {
        if self.items.len() >= OUTLET_ITEMS {
            self.items.pop_front();
            self.counters.outlet_overflows += 1;
        }
        self.items.push_back(item);
    }
}
