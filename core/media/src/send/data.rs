//! Data channels on the path of media: their share, and what they show of the path.

use std::time::Duration;

use duologue_base::Instant;

use crate::cc::{Allocation, Bitrate, Demand, Plan, ShareKey};
use crate::limits::RATE_MAX;

/// The data that SCTP sends beside the media. Feedback tells nothing of it, and its own congestion
/// control knows nothing of the media: it has a share of what media and data may send together
/// (RFC 8699 couples controllers to the same end).
#[derive(Debug, Default)]
pub(crate) struct Data {
    /// Since when there has been more than left at once, and when it was so last.
    busy: Option<(Instant, Instant)>,
    /// Bytes that left since a packet with feedback, and when the last did.
    untracked: usize,
    left: Option<Instant>,
    /// Bytes of data, and all, of a stretch of time.
    stretch: Stretch,
    /// The last stretch had much data in it.
    fills: bool,
    share: Bitrate,
}

#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    begun: Option<Instant>,
    data: usize,
    all: usize,
}

impl Data {
    /// Whether something waits. True: whoever shares the path is to be asked again.
    pub(crate) fn set_backlog(&mut self, now: Instant, backlog: bool) -> bool {
        let before = self.is_busy(now);
        match &mut self.busy {
            Some((_, last)) if backlog => *last = now,
            Some((_, last)) if now - *last > PAUSE => self.busy = None,
            Some(_) => {}
            None if backlog => self.busy = Some((now, now)),
            None => {}
        }
        self.is_busy(now) != before
    }

    /// It sends more than a moment's worth.
    pub(crate) fn is_busy(&self, now: Instant) -> bool {
        self.busy.is_some_and(|(since, _)| now - since >= MOMENT)
    }

    /// Bytes left that no feedback tells of.
    pub(crate) fn sent(&mut self, now: Instant, bytes: usize) {
        if self.left.is_some_and(|left| now - left > FORGOTTEN) {
            self.untracked = 0;
        }
        self.left = Some(now);
        self.untracked += bytes;
        self.stretch.data += bytes;
        self.count(now, bytes);
    }

    /// A packet with feedback leaves. What left before it arrives with it, if it does.
    pub(crate) fn take_untracked(&mut self, now: Instant, size: usize) -> usize {
        self.count(now, size);
        let young = self.left.is_some_and(|left| now - left <= FORGOTTEN);
        match std::mem::take(&mut self.untracked) {
            bytes if young => bytes,
            _ => 0,
        }
    }

    fn count(&mut self, now: Instant, bytes: usize) {
        let begun = *self.stretch.begun.get_or_insert(now);
        self.stretch.all += bytes;
        if now - begun >= STRETCH {
            self.fills = self.stretch.data * 4 >= self.stretch.all;
            self.stretch = Stretch::default();
        }
    }

    /// What arrives is in good part data, so that it shows what the path carries.
    pub(crate) fn fills_path(&self, now: Instant) -> bool {
        self.fills && self.is_busy(now)
    }

    /// What it wants beside the media: all that they leave, and at least its part by weight.
    pub(crate) fn demand(&self, now: Instant) -> Option<Demand> {
        self.is_busy(now).then(|| Demand {
            key: KEY,
            min: Bitrate::ZERO,
            max: Bitrate::from_bps(RATE_MAX),
            weight: WEIGHT,
            first: false,
            layers: Vec::new(),
        })
    }

    pub(crate) fn take_share(&mut self, allocation: &Allocation) {
        let share = allocation.shares.iter().find(|share| share.key == KEY);
        self.share = share.map_or(Bitrate::ZERO, |share| share.rate);
    }

    /// Bytes per second that may leave, under this plan; none where it need not be limited.
    pub(crate) fn cap(&self, now: Instant, plan: &Plan) -> Option<u64> {
        if !self.is_busy(now) {
            return None;
        }
        // As for media: a little more than the share, so that it shows when there is more.
        let ahead = plan.pacing / plan.target;
        Some((self.share.max(LEAST) * ahead).bps() / 8)
    }
}

/// No sender has it: transceivers are counted from zero.
const KEY: ShareKey = ShareKey(u32::MAX);
/// Of a data channel by default, as of an encoding (webrtc-priority §3.1: `low`).
const WEIGHT: u16 = 2;
const LEAST: Bitrate = Bitrate::from_kbps(20);
/// Less than this is a message and no stream of data.
const MOMENT: Duration = Duration::from_millis(50);
/// So long a stream of data may have nothing.
const PAUSE: Duration = Duration::from_millis(500);
const FORGOTTEN: Duration = Duration::from_millis(200);
const STRETCH: Duration = Duration::from_millis(250);
