//! The pictures of one received stream: frames go in as they are whole, and what is to be decoded and
//! what is to be seen come out. Neither clock nor thread, and no decoder.

use std::time::Duration;

use duologue_base::Instant;
use duologue_codec::VideoFrame;
use duologue_playout::{DueFrame, FrameInfo, SenderClock, VideoPlayout, VideoStatistics};
use duologue_rtp::payload::FrameSize;
use duologue_rtp::{NtpTime, Ssrc};
use duologue_session::{Corruption, EncodedFrame, SenderTime};

use super::choice::{Clock, VIDEO_CLOCK};
use super::corruption::{Checker, Samples};
use super::pace::PerSecond;

/// Another SSRC is another one.
#[derive(Debug)]
pub(super) struct Pictures {
    ssrc: Ssrc,
    playout: VideoPlayout<EncodedFrame>,
    sender: SenderClock,
    sender_time: Option<SenderTime>,
    times: Clock,
    rate: PerSecond,
    size: Option<FrameSize>,
    qp_sum: Option<u64>,
    library: Option<String>,
    checker: Checker,
    corruption: Corruption,
}

impl Pictures {
    pub(super) fn new(ssrc: Ssrc) -> Self {
        Pictures {
            ssrc,
            playout: VideoPlayout::new(VIDEO_CLOCK),
            sender: SenderClock::new(VIDEO_CLOCK),
            sender_time: None,
            times: Clock::new(VIDEO_CLOCK),
            rate: PerSecond::default(),
            size: None,
            qp_sum: None,
            library: None,
            checker: Checker::default(),
            corruption: Corruption::default(),
        }
    }

    pub(super) fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// `jitterBufferTarget`, and how much later the sound is that belongs to it.
    pub(super) fn set_delays(&mut self, target: Option<Duration>, sync: Duration) {
        self.playout.set_jitter_buffer_target(target);
        self.playout.set_sync_delay(sync);
    }

    /// A frame is complete.
    pub(super) fn handle_frame(&mut self, frame: EncodedFrame) {
        if let Some(told) = frame.sender_time
            && self.sender_time.replace(told) != Some(told)
        {
            self.sender.handle_report(told.ntp, told.rtp);
        }
        let info = FrameInfo {
            timestamp: frame.timestamp,
            key: frame.key,
            bytes: frame.data.len(),
            first_received: frame.first_received,
            received: frame.received,
            repaired: frame.repaired,
            playout_delay: None,
        };
        self.playout.handle_frame(frame, info);
    }

    pub(super) fn needs_key_frame(&self) -> bool {
        self.playout.needs_key_frame()
    }

    /// When the next frame is to be decoded.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.playout.poll_timeout()
    }

    /// The next frame to decode, and its time on the stream's clock.
    pub(super) fn poll_frame(
        &mut self,
        now: Instant,
    ) -> Option<DueFrame<(EncodedFrame, Duration)>> {
        let due = self.playout.poll_frame(now)?;
        let at = self.times.time(due.timestamp);
        Some(DueFrame {
            frame: (due.frame, at),
            timestamp: due.timestamp,
            render_at: due.render_at,
        })
    }

    /// It was decoded.
    pub(super) fn handle_decoded(
        &mut self,
        timestamp: u32,
        took: Duration,
        now: Instant,
        qp: Option<u8>,
    ) {
        self.playout.handle_decoded(Some(timestamp), took, now);
        if let Some(qp) = qp {
            *self.qp_sum.get_or_insert(0) += u64::from(qp);
        }
        self.rate.count(now);
    }

    /// It could not be.
    pub(super) fn handle_failed(&mut self, now: Instant) {
        self.playout.handle_decoded(None, Duration::ZERO, now);
    }

    /// What the picture of the frame that is decoded next is to be compared with.
    pub(super) fn samples(&mut self, frame: &EncodedFrame) -> Option<Samples> {
        self.checker.read(frame.corruption_detection?)
    }

    /// What came of comparing it.
    pub(super) fn handle_compared(&mut self, probability: f64) {
        self.corruption.add(probability);
    }

    pub(super) fn corruption(&self) -> Corruption {
        self.corruption
    }

    /// A picture that came of a frame is handed on, as soon as it is there: who shows it has as long for that as the
    /// decoder was given and did not need. When it was captured, by the sender's clock.
    pub(super) fn shown(
        &mut self,
        timestamp: u32,
        picture: &VideoFrame,
        now: Instant,
    ) -> Option<NtpTime> {
        self.size = Some(FrameSize {
            width: picture.width(),
            height: picture.height(),
        });
        self.playout.handle_rendered(now);
        self.sender.captured(timestamp)
    }

    /// What frames are held back for without lip sync.
    pub(super) fn least_delay(&self) -> Duration {
        self.playout.minimum_delay()
    }

    pub(super) fn statistics(&self) -> &VideoStatistics {
        self.playout.statistics()
    }

    /// Of the last picture.
    pub(super) fn size(&self) -> Option<FrameSize> {
        self.size
    }

    pub(super) fn frames_per_second(&mut self, now: Instant) -> Option<f64> {
        self.rate.get(now)
    }

    pub(super) fn qp_sum(&self) -> Option<u64> {
        self.qp_sum
    }

    pub(super) fn library(&self) -> Option<&str> {
        self.library.as_deref()
    }

    pub(super) fn set_library(&mut self, library: Option<&str>) {
        if self.library.as_deref() != library {
            self.library = library.map(str::to_owned);
        }
    }
}

#[cfg(test)]
mod tests;
