//! What is written into files by explicit option: packets in the clear, and what happened. Writing has
//! threads of its own: a slow disk loses entries and stops no session.

mod event;
mod event_log;
mod key_log;
mod packet_capture;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::{fmt, io};

use duologue_base::WallClock;

pub(crate) use event::{channel_event, report_event};
pub(crate) use event_log::EventLog;
pub(crate) use key_log::KeyLog;
pub(crate) use packet_capture::PacketCapture;

/// The files of an endpoint, as far as it was asked for them.
#[derive(Default)]
pub(crate) struct Records {
    pub(crate) events: Option<Arc<EventLog>>,
    pub(crate) packets: Option<Arc<PacketCapture>>,
    pub(crate) keys: Option<Arc<KeyLog>>,
}

impl Records {
    /// `origin` is the time of day at the beginning of the sessions' clock.
    pub(crate) fn open(
        events: Option<&Path>,
        packets: Option<&Path>,
        keys: Option<&Path>,
        origin: WallClock,
    ) -> io::Result<Self> {
        let events = events.map(EventLog::create).transpose()?;
        let packets = packets.map(|path| PacketCapture::create(path, origin));
        Ok(Records {
            events: events.map(Arc::new),
            packets: packets.transpose()?.map(Arc::new),
            keys: keys.map(KeyLog::open).transpose()?.map(Arc::new),
        })
    }
}

impl Records {
    /// Entries that were not written.
    pub(crate) fn lost(&self) -> u64 {
        let events = self.events.as_ref().map_or(0, |log| log.lost());
        let packets = self.packets.as_ref().map_or(0, |capture| capture.lost());
        let keys = self.keys.as_ref().map_or(0, |log| log.lost());
        events + packets + keys
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}
