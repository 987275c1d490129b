//! The streams of one context by their SSRC, and the packet numbers of each.

use std::collections::BTreeMap;

use crate::index::{History, Stale};
use crate::limits::{ACTIVE_STREAMS, QUIET_STREAMS};

/// Streams are only made by [`Streams::commit`], after their packet proved authentic: what is forged
/// leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// In their order; `streams` has the same.
    ssrcs: Vec<u32>,
    streams: Vec<Stream>,
    /// Where the last packet's was: mostly the next one's, too.
    last: usize,
    /// The newest number of each stream that was quiet for too long to keep more.
    quiet: BTreeMap<u32, u64>,
    uses: u64,
}

#[derive(Debug)]
struct Stream {
    history: History,
    /// The number of its last use among those of all streams.
    used: u64,
}

/// Where a stream is kept; true until the next [`Streams::commit`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Active(usize),
    /// With its newest number.
    Quiet(u64),
    New,
}

/// There are too many streams for another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Full;

impl Streams {
    pub(crate) fn find(&self, ssrc: u32) -> Place {
        if self.ssrcs.get(self.last) == Some(&ssrc) {
            return Place::Active(self.last);
        }
        match self.ssrcs.binary_search(&ssrc) {
            Ok(at) => Place::Active(at),
            Err(_) => match self.quiet.get(&ssrc) {
                Some(newest) => Place::Quiet(*newest),
                None => Place::New,
            },
        }
    }

    /// The newest number of the stream there.
    pub(crate) fn newest(&self, place: Place) -> Option<u64> {
        match place {
            Place::Active(at) => Some(self.streams[at].history.newest()),
            Place::Quiet(newest) => Some(newest),
            Place::New => None,
        }
    }

    /// Whether the stream there may still have a packet of this number.
    pub(crate) fn check(&self, place: Place, index: u64) -> Result<(), Stale> {
        match place {
            Place::Active(at) => self.streams[at].history.check(index),
            Place::Quiet(newest) => History::closed_at(newest).check(index),
            Place::New => Ok(()),
        }
    }

    /// A packet of this number came; `check` has let it pass.
    pub(crate) fn commit(&mut self, ssrc: u32, place: Place, index: u64) -> Result<(), Full> {
        let at = match place {
            Place::Active(at) => at,
            Place::Quiet(newest) => self.activate(ssrc, History::closed_at(newest)),
            Place::New if self.is_full() => return Err(Full),
            Place::New => self.activate(ssrc, History::beginning_at(index)),
        };
        let stream = &mut self.streams[at];
        self.uses += 1;
        stream.used = self.uses;
        stream.history.commit(index);
        self.last = at;
        Ok(())
    }

    /// The stream goes on after this number, if it is not that far yet.
    pub(crate) fn resume(&mut self, ssrc: u32, newest: u64) -> Result<(), Full> {
        let place = self.find(ssrc);
        if self.newest(place).is_some_and(|known| known >= newest) {
            return Ok(());
        }
        let at = match place {
            Place::Active(at) => at,
            Place::Quiet(newest) => self.activate(ssrc, History::closed_at(newest)),
            Place::New if self.is_full() => return Err(Full),
            Place::New => self.activate(ssrc, History::closed_at(newest)),
        };
        self.streams[at].history = History::closed_at(newest);
        Ok(())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ssrcs.len() + self.quiet.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= ACTIVE_STREAMS + QUIET_STREAMS
    }

    fn activate(&mut self, ssrc: u32, history: History) -> usize {
        self.quiet.remove(&ssrc);
        if self.ssrcs.len() >= ACTIVE_STREAMS {
            self.silence_one();
        }
        let at = self.ssrcs.binary_search(&ssrc).unwrap_or_else(|at| at);
        let used = self.uses;
        self.ssrcs.insert(at, ssrc);
        self.streams.insert(at, Stream { history, used });
        at
    }

    /// Keeps only the newest number of the stream that was not used for the longest time.
    fn silence_one(&mut self) {
        let used = self.streams.iter().map(|stream| stream.used).enumerate();
        if let Some((at, _)) = used.min_by_key(|(_, used)| *used) {
            let stream = self.streams.remove(at);
            self.quiet
                .insert(self.ssrcs.remove(at), stream.history.newest());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(streams: &mut Streams, ssrc: u32, index: u64) -> Result<(), Option<Stale>> {
        let place = streams.find(ssrc);
        streams.check(place, index).map_err(Some)?;
        streams.commit(ssrc, place, index).map_err(|Full| None)
    }

    #[test]
    fn a_stream_that_was_quiet_goes_on_where_it_was() {
        let mut streams = Streams::default();
        for ssrc in 0..=ACTIVE_STREAMS as u32 {
            assert_eq!(take(&mut streams, ssrc, 7), Ok(()));
        }
        assert!(matches!(streams.find(0), Place::Quiet(7)));
        assert!(matches!(streams.find(1), Place::Active(_)));
        assert_eq!(take(&mut streams, 0, 7), Err(Some(Stale::Repeated)));
        // What was not seen of it counts as seen, too.
        assert_eq!(take(&mut streams, 0, 6), Err(Some(Stale::Repeated)));
        assert_eq!(take(&mut streams, 0, 8), Ok(()));
        assert!(matches!(streams.find(0), Place::Active(_)));
        assert!(matches!(streams.find(1), Place::Quiet(7)));
    }

    #[test]
    fn when_all_places_are_taken_the_streams_there_are_go_on() {
        let mut streams = Streams::default();
        let most = (ACTIVE_STREAMS + QUIET_STREAMS) as u32;
        for ssrc in 0..most {
            assert_eq!(take(&mut streams, ssrc, 0), Ok(()));
        }
        assert_eq!(take(&mut streams, most, 0), Err(None));
        assert_eq!(streams.resume(most, 9), Err(Full));
        for ssrc in (0..most).step_by(999) {
            assert_eq!(take(&mut streams, ssrc, 1), Ok(()));
        }
        assert_eq!(streams.len(), most as usize);
    }

    #[test]
    fn a_stream_that_is_moved_goes_on_and_never_back() {
        let mut streams = Streams::default();
        let newest = |streams: &Streams| streams.newest(streams.find(1));
        assert_eq!(streams.resume(1, 0x3_0005), Ok(()));
        assert_eq!(newest(&streams), Some(0x3_0005));
        assert_eq!(streams.resume(1, 4), Ok(()));
        assert_eq!(newest(&streams), Some(0x3_0005));
        assert_eq!(take(&mut streams, 1, 0x3_0005), Err(Some(Stale::Repeated)));
        assert_eq!(take(&mut streams, 1, 0x3_0006), Ok(()));
    }
}
