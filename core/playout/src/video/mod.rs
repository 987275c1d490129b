//! Pictures: frames go in as they are complete, and come out when they are to be decoded, with the time
//! at which they are to be shown.

mod extrapolate;
mod freezes;
mod jitter;

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Instant, Seq32};

use crate::audio::{Histogram, ticks};
use crate::limits::{FRAMES, FRAMES_BYTES, LARGEST_JUMP, SYNC_DELAY, TARGET, VIDEO_DELAY};
use extrapolate::Extrapolator;
use freezes::Freezes;
use jitter::Jitter;

/// A frame that is complete and can be decoded after those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameInfo {
    /// The time stamp, in ticks of the clock, 90,000 a second.
    pub timestamp: u32,
    /// Whether the frame is a key frame: it needs no other one.
    pub key: bool,
    /// The size of the frame's data, in bytes.
    pub bytes: usize,
    /// When the frame's first packet arrived, as far as that is known.
    pub first_received: Instant,
    /// When the frame's last packet arrived.
    pub received: Instant,
    /// Whether some of the frame was lost and sent again: it says nothing then of the network's jitter.
    pub repaired: bool,
    /// The least and the most that the frame may be held back, if the sender says it (the header
    /// extension playout-delay). Zero and zero is at once.
    pub playout_delay: Option<(Duration, Duration)>,
}

/// A frame to be decoded now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DueFrame<F> {
    /// The frame.
    pub frame: F,
    /// The time stamp of the frame.
    pub timestamp: u32,
    /// When the frame should be shown.
    pub render_at: Instant,
}

/// The frame buffer of one stream of video.
///
/// Frames come in the order in which they are decoded. They are held back so that most of them are there
/// when they are due: as long as the jitter is, plus what decoding takes.
///
/// ```
/// use duologue_base::Instant;
/// use duologue_playout::{FrameInfo, VideoPlayout};
/// use std::time::Duration;
///
/// let mut playout = VideoPlayout::new(90_000);
/// let received = Instant::from_origin(Duration::from_secs(1));
/// playout.handle_frame("key frame", FrameInfo {
///     timestamp: 3_000,
///     key: true,
///     bytes: 20_000,
///     first_received: received,
///     received,
///     repaired: false,
///     playout_delay: None,
/// });
///
/// let due = playout.poll_timeout().expect("a frame waits");
/// let frame = playout.poll_frame(due).expect("it is due");
/// assert!(frame.render_at > due);
/// // The host decodes it, and shows it.
/// playout.handle_decoded(Some(frame.timestamp), Duration::from_millis(3), due);
/// playout.handle_rendered(frame.render_at);
/// assert_eq!(playout.statistics().frames_rendered, 1);
/// ```
#[derive(Debug)]
pub struct VideoPlayout<F> {
    clock_rate: u32,
    waiting: VecDeque<Waiting<F>>,
    bytes: usize,
    /// The extended time stamp of the newest frame.
    newest: Option<i64>,
    extrapolator: Extrapolator,
    jitter: Jitter,
    decode_times: Histogram,
    /// What is waited now. It moves towards what is aimed at.
    delay: Option<(Instant, Duration)>,
    user: Duration,
    sync: Duration,
    freezes: Freezes,
    /// Frames between the host and its decoder: the time stamp and when the first packet came.
    decoding: VecDeque<(u32, Instant)>,
    needs_key_frame: bool,
    statistics: VideoStatistics,
}

#[derive(Debug)]
struct Waiting<F> {
    frame: F,
    info: FrameInfo,
    timestamp: i64,
}

/// What became of the frames of one stream, by the names of webrtc-stats' `RTCInboundRtpStreamStats`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VideoStatistics {
    /// `framesDecoded`
    pub frames_decoded: u64,
    /// `keyFramesDecoded`: those that were handed out to be decoded.
    pub key_frames_decoded: u64,
    /// `framesRendered`
    pub frames_rendered: u64,
    /// `framesDropped`: before decoding, for want of room, and those that could not be decoded.
    pub frames_dropped: u64,
    /// `totalDecodeTime`
    pub total_decode_time: Duration,
    /// `totalProcessingDelay`: from the first packet until it is decoded.
    pub total_processing_delay: Duration,
    /// `totalInterFrameDelay`
    pub total_inter_frame_delay: Duration,
    /// `totalSquaredInterFrameDelay`, in seconds squared.
    pub total_squared_inter_frame_delay: f64,
    /// `freezeCount`
    pub freeze_count: u64,
    /// `totalFreezesDuration`
    pub total_freezes_duration: Duration,
    /// `pauseCount`
    pub pause_count: u64,
    /// `totalPausesDuration`
    pub total_pauses_duration: Duration,
    /// `jitterBufferDelay`: from the first packet until the frame is handed out.
    pub jitter_buffer_delay: Duration,
    /// `jitterBufferTargetDelay`
    pub jitter_buffer_target_delay: Duration,
    /// `jitterBufferMinimumDelay`
    pub jitter_buffer_minimum_delay: Duration,
    /// `jitterBufferEmittedCount`
    pub jitter_buffer_emitted_count: u64,
}

impl VideoStatistics {
    /// The counters of a stream that two players had, this one after `before`.
    #[must_use]
    pub fn after(&self, before: &Self) -> Self {
        VideoStatistics {
            frames_decoded: self.frames_decoded + before.frames_decoded,
            key_frames_decoded: self.key_frames_decoded + before.key_frames_decoded,
            frames_rendered: self.frames_rendered + before.frames_rendered,
            frames_dropped: self.frames_dropped + before.frames_dropped,
            total_decode_time: self.total_decode_time + before.total_decode_time,
            total_processing_delay: self.total_processing_delay + before.total_processing_delay,
            total_inter_frame_delay: self.total_inter_frame_delay + before.total_inter_frame_delay,
            total_squared_inter_frame_delay: self.total_squared_inter_frame_delay
                + before.total_squared_inter_frame_delay,
            freeze_count: self.freeze_count + before.freeze_count,
            total_freezes_duration: self.total_freezes_duration + before.total_freezes_duration,
            pause_count: self.pause_count + before.pause_count,
            total_pauses_duration: self.total_pauses_duration + before.total_pauses_duration,
            jitter_buffer_delay: self.jitter_buffer_delay + before.jitter_buffer_delay,
            jitter_buffer_target_delay: self.jitter_buffer_target_delay
                + before.jitter_buffer_target_delay,
            jitter_buffer_minimum_delay: self.jitter_buffer_minimum_delay
                + before.jitter_buffer_minimum_delay,
            jitter_buffer_emitted_count: self.jitter_buffer_emitted_count
                + before.jitter_buffer_emitted_count,
        }
    }
}

impl<F> VideoPlayout<F> {
    /// A frame buffer for time stamps that count so many ticks a second: 90,000 for every video codec.
    pub fn new(clock_rate: u32) -> Self {
        let clock_rate = clock_rate.max(1);
        VideoPlayout {
            clock_rate,
            waiting: VecDeque::new(),
            bytes: 0,
            newest: None,
            extrapolator: Extrapolator::new(clock_rate),
            jitter: Jitter::new(clock_rate),
            decode_times: Histogram::new(250, Duration::from_millis(2), DECODE_TIME_KEEPS),
            delay: None,
            user: Duration::ZERO,
            sync: Duration::ZERO,
            freezes: Freezes::default(),
            decoding: VecDeque::new(),
            needs_key_frame: false,
            statistics: VideoStatistics::default(),
        }
    }

    /// `jitterBufferTarget` (webrtc-pc §5.3), up to four seconds.
    pub fn set_jitter_buffer_target(&mut self, target: Option<Duration>) {
        self.user = target.unwrap_or_default().min(*TARGET.end());
    }

    /// Frames are held back for at least so long because sound is later
    /// ([`LipSync`](crate::LipSync)).
    pub fn set_sync_delay(&mut self, delay: Duration) {
        self.sync = delay.min(SYNC_DELAY);
    }

    /// A frame is complete.
    pub fn handle_frame(&mut self, frame: F, info: FrameInfo) {
        let timestamp = self.extend(info.timestamp);
        self.newest = self.newest.max(Some(timestamp));
        if !info.repaired {
            self.extrapolator.handle(info.received, timestamp);
            let came = (info.first_received, info.received);
            self.jitter.handle(came, timestamp, info.bytes);
        }
        if self.needs_key_frame && !info.key {
            self.statistics.frames_dropped += 1;
            return;
        }
        self.needs_key_frame = false;
        self.bytes = self.bytes.saturating_add(info.bytes);
        self.waiting.push_back(Waiting {
            frame,
            info,
            timestamp,
        });
        if self.waiting.len() > FRAMES || self.bytes > FRAMES_BYTES {
            self.drop_to_key_frame();
        }
    }

    /// When [`poll_frame`](Self::poll_frame) has the next frame.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let first = self.waiting.front()?;
        Some(self.render_at(first) - self.lead())
    }

    /// The next frame, if it is due.
    pub fn poll_frame(&mut self, now: Instant) -> Option<DueFrame<F>> {
        self.move_delay(now);
        self.poll_timeout().filter(|due| *due <= now)?;
        let first = self.waiting.pop_front()?;
        let render_at = self.render_at(&first).max(now);
        self.bytes -= first.info.bytes;

        let targets = [self.target(), self.least()];
        let statistics = &mut self.statistics;
        let waited = now - first.info.first_received;
        statistics.jitter_buffer_delay += waited;
        statistics.jitter_buffer_target_delay += targets[0];
        statistics.jitter_buffer_minimum_delay += targets[1];
        statistics.jitter_buffer_emitted_count += 1;
        statistics.key_frames_decoded += u64::from(first.info.key);
        if self.decoding.len() >= FRAMES {
            self.decoding.pop_front();
        }
        let (timestamp, received) = (first.info.timestamp, first.info.first_received);
        self.decoding.push_back((timestamp, received));
        Some(DueFrame {
            frame: first.frame,
            timestamp,
            render_at,
        })
    }

    /// A frame is decoded, which took so long; `None`: one could not be.
    pub fn handle_decoded(&mut self, timestamp: Option<u32>, took: Duration, now: Instant) {
        let Some(timestamp) = timestamp else {
            self.statistics.frames_dropped += 1;
            return;
        };
        self.decode_times.add(took);
        self.statistics.frames_decoded += 1;
        self.statistics.total_decode_time += took;
        let mut decoding = self.decoding.iter();
        if let Some(at) = decoding.position(|(it, _)| *it == timestamp) {
            let (_, received) = self.decoding[at];
            self.decoding.drain(..=at);
            self.statistics.total_processing_delay += now - received;
        }
    }

    /// A frame is shown.
    pub fn handle_rendered(&mut self, at: Instant) {
        self.freezes.handle(at, &mut self.statistics);
    }

    /// Frames had to be dropped for want of room, and only a key frame helps.
    pub fn needs_key_frame(&self) -> bool {
        self.needs_key_frame
    }

    /// The counters of what was played.
    pub fn statistics(&self) -> &VideoStatistics {
        &self.statistics
    }

    /// How long frames are held back beyond their mean arrival, at the moment aimed at.
    pub fn target_delay(&self) -> Duration {
        self.target()
    }

    /// How long frames would be held back without lip sync, beyond their mean arrival.
    pub fn minimum_delay(&self) -> Duration {
        self.least().max(self.user)
    }

    /// Frames that wait: at most 300.
    pub fn buffered(&self) -> usize {
        self.waiting.len()
    }

    fn extend(&mut self, timestamp: u32) -> i64 {
        if let Some(newest) = self.newest {
            let extended = Seq32(timestamp).extend(newest as u64) as i64;
            if extended.abs_diff(newest) <= ticks(LARGEST_JUMP, self.clock_rate) as u64 {
                return extended;
            }
        }
        // Another beginning: what waits is due by no clock any more.
        self.statistics.frames_dropped += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
        self.newest = None;
        self.extrapolator = Extrapolator::new(self.clock_rate);
        self.jitter = Jitter::new(self.clock_rate);
        i64::from(timestamp) + BASE
    }

    /// What waits until the next key frame goes: nothing behind a gap can be decoded.
    fn drop_to_key_frame(&mut self) {
        let mut dropped = 0;
        loop {
            if let Some(first) = self.waiting.pop_front() {
                self.bytes -= first.info.bytes;
                dropped += 1;
            }
            let key = self.waiting.front().map(|it| it.info.key);
            if key != Some(false) {
                break;
            }
        }
        self.needs_key_frame = self.waiting.is_empty();
        self.statistics.frames_dropped += dropped;
    }

    fn render_at(&self, frame: &Waiting<F>) -> Instant {
        let expected = self.extrapolator.arrival(frame.timestamp);
        let received = frame.info.received;
        let (least, most) = match frame.info.playout_delay {
            Some((_, Duration::ZERO)) => return received,
            Some((least, most)) => (least, most.max(least)),
            None => (Duration::ZERO, VIDEO_DELAY),
        };
        let delay = self.delay.map_or_else(|| self.target(), |(_, delay)| delay);
        let delay = delay.clamp(least, most.min(VIDEO_DELAY).max(least));
        let render_at = expected.unwrap_or(received) + delay;
        // What the line foretells beyond reason is no time to wait for.
        render_at.min(received + VIDEO_DELAY + delay)
    }

    /// How long before it is shown a frame has to be handed out.
    fn lead(&self) -> Duration {
        self.decode_time() + HOST
    }

    fn decode_time(&self) -> Duration {
        if self.decode_times.is_empty() {
            return FIRST_DECODE_TIME;
        }
        self.decode_times.quantile(0.95)
    }

    /// What the network and the decoder need.
    fn least(&self) -> Duration {
        self.jitter.get() + self.decode_time() + HOST
    }

    fn target(&self) -> Duration {
        self.least().max(self.user).max(self.sync)
    }

    /// The delay moves slowly, so that motion stays even.
    fn move_delay(&mut self, now: Instant) {
        let target = self.target();
        let Some((since, delay)) = self.delay else {
            if !self.waiting.is_empty() {
                self.delay = Some((now, target));
            }
            return;
        };
        let step = (now - since) / MOVES;
        let moved = if delay < target {
            (delay + step).min(target)
        } else {
            delay.saturating_sub(step).max(target)
        };
        self.delay = Some((now, moved));
    }
}

/// How late timers and threads are of a host that hands a frame to its decoder and shows it. What it takes to draw
/// what is shown is the application's own.
const HOST: Duration = Duration::from_millis(2);
const FIRST_DECODE_TIME: Duration = Duration::from_millis(5);
const DECODE_TIME_KEEPS: f32 = 0.995;
/// The delay moves by a quarter of the time that passes.
const MOVES: u32 = 4;
/// Where extended time stamps begin.
const BASE: i64 = 1 << 40;
