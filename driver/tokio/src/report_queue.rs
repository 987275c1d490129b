use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use duologue_base::ChannelKey;
use duologue_session::{ChannelReport, Report};

use crate::limits::WAITING_REPORTS;

/// A report of a session.
#[derive(Debug)]
pub enum Reported {
    /// States, candidates and what left the send queues.
    Connection(Report),
    /// What happened on the channels.
    Channel(ChannelReport),
}

impl Reported {
    fn message_bytes(&self) -> usize {
        match self {
            Reported::Channel(ChannelReport::Message { data, .. }) => data.len(),
            Reported::Connection(_) | Reported::Channel(_) => 0,
        }
    }

    fn is_of_channel(&self) -> bool {
        matches!(self, Reported::Channel(_))
    }
}

/// What a session reported and another thread has not taken, in order: for a [`Host`](crate::Host)
/// whose peer lives on a thread of its own.
///
/// Reports of channels are bounded by [`has_room`](Self::has_room), which the host passes on. Those of
/// the connection cannot be held back: while nobody takes them, 65,536 may wait, which no network
/// brings about in the time of a pause. Then the queue ends with all that is in it, and the connection
/// has to be closed.
#[derive(Debug)]
pub struct ReportQueue {
    waiting: Mutex<Waiting>,
    max_channel_reports: usize,
    max_message_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    reports: VecDeque<Reported>,
    of_channels: usize,
    message_bytes: usize,
    /// How many were taken so far, and of each channel whose amount waits, the how manieth that is.
    taken: u64,
    amounts: HashMap<ChannelKey, u64>,
    overrun: bool,
}

impl Waiting {
    /// Bytes of one channel left in many steps: one report says it.
    fn absorb(&mut self, report: &Reported) -> bool {
        let Reported::Connection(Report::BufferedAmount {
            channel,
            sent: more_sent,
            messages: more_messages,
        }) = report
        else {
            return false;
        };
        let next = self.taken + self.reports.len() as u64;
        let known = *self.amounts.entry(*channel).or_insert(next);
        let at = (known - self.taken) as usize;
        let Some(Reported::Connection(Report::BufferedAmount { sent, messages, .. })) =
            self.reports.get_mut(at)
        else {
            return false;
        };
        *sent += more_sent;
        *messages += more_messages;
        true
    }

    fn pop(&mut self) -> Option<Reported> {
        let report = self.reports.pop_front()?;
        self.taken += 1;
        self.of_channels -= usize::from(report.is_of_channel());
        self.message_bytes -= report.message_bytes();
        if let Reported::Connection(Report::BufferedAmount { channel, .. }) = &report {
            self.amounts.remove(channel);
        }
        Some(report)
    }
}

/// What became of a report that was pushed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pushed {
    /// The report waits.
    Waits,
    /// The report needs no place: one that waits says it, too.
    Absorbed,
    /// More waited than there is room for; what waited is dropped, and whatever comes.
    Overrun,
}

/// What [`ReportQueue::take`] took.
#[derive(Debug)]
pub struct TakenReports {
    /// The oldest reports.
    pub reports: Vec<Reported>,
    /// Whether there was no room before and is now: the session is to be woken.
    pub has_room_again: bool,
    /// Whether other reports were lost: the connection has to be closed.
    pub overrun: bool,
}

impl ReportQueue {
    /// A queue that has room for so many reports of channels, and bytes of messages in them.
    pub fn new(max_channel_reports: usize, max_message_bytes: usize) -> Self {
        ReportQueue {
            waiting: Mutex::default(),
            max_channel_reports,
            max_message_bytes,
        }
    }

    /// Whether more of what happens on channels should come.
    pub fn has_room(&self) -> bool {
        !self.is_full(&self.lock())
    }

    /// Adds a report.
    pub fn push(&self, report: Reported) -> Pushed {
        let mut waiting = self.lock();
        if waiting.overrun {
            return Pushed::Overrun;
        }
        if waiting.absorb(&report) {
            return Pushed::Absorbed;
        }
        let of_connection = waiting.reports.len() - waiting.of_channels;
        if !report.is_of_channel() && of_connection >= WAITING_REPORTS {
            *waiting = Waiting {
                overrun: true,
                ..Waiting::default()
            };
            return Pushed::Overrun;
        }
        waiting.of_channels += usize::from(report.is_of_channel());
        waiting.message_bytes += report.message_bytes();
        waiting.reports.push_back(report);
        Pushed::Waits
    }

    /// Takes up to so many of the oldest.
    pub fn take(&self, count: usize) -> TakenReports {
        let mut waiting = self.lock();
        let was_full = self.is_full(&waiting);
        let reports = std::iter::from_fn(|| waiting.pop()).take(count).collect();
        TakenReports {
            reports,
            has_room_again: was_full && !self.is_full(&waiting),
            overrun: waiting.overrun,
        }
    }

    fn is_full(&self, waiting: &Waiting) -> bool {
        waiting.message_bytes >= self.max_message_bytes
            || waiting.of_channels >= self.max_channel_reports
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What is guarded is whole after every statement.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use duologue_session::SctpReport;

    use super::*;

    fn sent(channel: u32, sent: usize) -> Reported {
        Reported::Connection(Report::BufferedAmount {
            channel: ChannelKey(channel),
            sent,
            messages: 1,
        })
    }

    fn state() -> Reported {
        Reported::Connection(Report::Sctp(SctpReport::Connecting))
    }

    fn message(len: usize) -> Reported {
        Reported::Channel(ChannelReport::Message {
            channel: ChannelKey(0),
            data: Bytes::from(vec![0; len]),
            binary: true,
        })
    }

    #[test]
    fn there_is_no_room_for_more_of_the_channels_until_some_was_taken() {
        let queue = ReportQueue::new(2, 100);
        queue.push(message(1));
        assert!(queue.has_room());
        queue.push(message(1));
        assert!(!queue.has_room());
        assert!(queue.take(1).has_room_again);
        queue.push(message(100));
        assert!(!queue.has_room(), "by bytes");
        assert!(!queue.take(1).has_room_again);
        assert!(queue.take(1).has_room_again);
    }

    #[test]
    fn what_left_a_channel_in_many_steps_waits_as_one_report() {
        let queue = ReportQueue::new(2, 100);
        assert_eq!(queue.push(sent(1, 10)), Pushed::Waits);
        assert_eq!(queue.push(sent(2, 10)), Pushed::Waits);
        for _ in 0..1000 {
            assert_eq!(queue.push(sent(1, 10)), Pushed::Absorbed);
            assert_eq!(queue.push(sent(2, 10)), Pushed::Absorbed);
        }
        let taken = queue.take(10).reports;
        assert_eq!(taken.len(), 2);
        let Reported::Connection(Report::BufferedAmount {
            sent: bytes,
            messages,
            ..
        }) = &taken[0]
        else {
            panic!("{taken:?}");
        };
        assert_eq!((*bytes, *messages), (10_010, 1001));
        assert_eq!(queue.push(sent(1, 10)), Pushed::Waits, "it was taken");
    }

    #[test]
    fn a_queue_that_nobody_takes_from_ends_with_what_waits() {
        let queue = ReportQueue::new(2, 100);
        for _ in 0..WAITING_REPORTS {
            assert_eq!(queue.push(state()), Pushed::Waits);
        }
        assert_eq!(queue.push(state()), Pushed::Overrun);
        assert_eq!(queue.push(message(1)), Pushed::Overrun);
        let taken = queue.take(usize::MAX);
        assert!(taken.overrun);
        assert_eq!(taken.reports.len(), 0);
    }
}
