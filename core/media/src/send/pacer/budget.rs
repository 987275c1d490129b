use std::time::Duration;

use duologue_base::Instant;

use crate::cc::Bitrate;

/// What may be sent now: a bucket that fills at the pacing rate and lets go a slot at a time.
#[derive(Debug)]
pub(super) struct Budget {
    slot: Duration,
    /// So much of what nobody used is kept.
    burst: Duration,
    rate: Bitrate,
    padding: Bitrate,
    /// Bytes; below zero by what the last packet took too much.
    media: i64,
    /// Bytes that the padding rate is behind.
    behind: i64,
    filled: Instant,
    blocked_until: Option<Instant>,
    /// What comes in small pieces leaves a slot at a time.
    gathers: bool,
    /// Since when the slot at hand lets something go.
    opened: Option<Instant>,
    /// The last slot let go all that there was: what comes within it waits for the next one.
    rests_until: Option<Instant>,
}

impl Budget {
    pub(super) fn new(now: Instant, slot: Duration) -> Self {
        Budget {
            slot,
            burst: slot,
            rate: Bitrate::ZERO,
            padding: Bitrate::ZERO,
            media: 0,
            behind: 0,
            filled: now,
            blocked_until: None,
            gathers: false,
            opened: None,
            rests_until: None,
        }
    }

    pub(super) fn set_rates(
        &mut self,
        now: Instant,
        rate: Bitrate,
        padding: Bitrate,
        waiting: bool,
    ) {
        let first = self.rate == Bitrate::ZERO;
        self.fill(now, waiting);
        (self.rate, self.padding) = (rate, padding);
        if first {
            self.media = self.slots(1);
        } else if self.media <= 0 && self.blocked_until.is_some() {
            self.blocked_until = Some(now + self.wait());
        }
    }

    pub(super) fn set_slot(&mut self, slot: Duration, burst: Duration, gathers: bool) {
        (self.slot, self.burst, self.gathers) = (slot, burst.max(slot), gathers);
    }

    /// Something is let go that can wait for the next slot.
    pub(super) fn open_slot(&mut self, now: Instant) {
        self.opened.get_or_insert(now);
    }

    /// Nothing waits any more.
    pub(super) fn close_slot(&mut self) {
        if let Some(opened) = self.opened.take() {
            self.rests_until = self.gathers.then_some(opened + self.slot);
        }
    }

    /// What can wait for the next slot is to do so.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }

    /// Time has passed. What nobody used is kept for a burst; what a late host missed, for two slots at least.
    pub(super) fn fill(&mut self, now: Instant, waiting: bool) {
        let time = now - self.filled;
        if time.is_zero() {
            return;
        }
        self.filled = now;
        let missed = if waiting { self.slot * 2 } else { self.slot };
        let most = signed(self.rate.bytes_in(self.burst.max(missed))).max(1);
        let earned = signed(self.rate.bytes_in(time));
        self.media = self.media.saturating_add(earned).min(most);
        let owed = signed(self.padding.bytes_in(time));
        let most_owed = signed(self.padding.bytes_in(self.slot * 4));
        self.behind = self.behind.saturating_add(owed).min(most_owed);
    }

    /// Whether a slot is due or not used up.
    pub(super) fn may_send(&mut self, now: Instant) -> bool {
        if self.blocked_until.is_some_and(|until| now < until) {
            return false;
        }
        self.blocked_until = None;
        if self.media > 0 {
            return true;
        }
        self.blocked_until = Some(now + self.wait());
        false
    }

    pub(super) fn may_pad(&self, now: Instant) -> bool {
        self.behind > 0 && self.media > 0 && self.blocked_until.is_none_or(|until| now >= until)
    }

    /// Bytes that may leave now.
    pub(super) fn allowance(&self) -> usize {
        usize::try_from(self.media).unwrap_or(0)
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        let bytes = signed(bytes);
        let least = -self.slots(DEBT_SLOTS) - bytes;
        self.media = (self.media - bytes).max(least);
        let least = -signed(self.padding.bytes_in(PADDING_AHEAD));
        self.behind = (self.behind - bytes).max(least);
        if self.media <= 0 && self.blocked_until.is_none() {
            self.blocked_until = Some(self.filled + self.wait());
        }
    }

    pub(super) fn next_slot(&self, now: Instant) -> Instant {
        self.blocked_until.unwrap_or(now)
    }

    /// The same for what can wait.
    pub(super) fn next_gathered(&self, now: Instant) -> Instant {
        let rests_until = self.rests_until.unwrap_or(now);
        self.next_slot(now).max(rests_until)
    }

    /// When padding is due, if nobody sends anything before.
    pub(super) fn next_padding(&self, now: Instant) -> Option<Instant> {
        if self.padding == Bitrate::ZERO {
            return None;
        }
        let behind = usize::try_from(1 - self.behind).unwrap_or(0);
        let due = self.filled + self.padding.time_for(behind);
        Some(due.max(self.next_slot(now)).max(self.filled + self.slot))
    }

    /// To the next slot, or as long as what was sent too much takes.
    fn wait(&self) -> Duration {
        let missing = usize::try_from(1 - self.media).unwrap_or(0);
        self.rate.time_for(missing).max(self.slot)
    }

    fn slots(&self, count: u32) -> i64 {
        signed(self.rate.bytes_in(self.slot * count))
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes)
        .unwrap_or(i64::MAX / 4)
        .min(i64::MAX / 4)
}

/// What a probe or a large packet takes too much is paid back for so long.
const DEBT_SLOTS: u32 = 8;
/// Media ahead of the padding rate hold padding back for so long.
const PADDING_AHEAD: Duration = Duration::from_millis(500);
