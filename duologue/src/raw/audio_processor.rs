//! Received sound.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_base::Instant;
use duologue_codec::AudioData;
use duologue_peer::{Exception, MediaKind, RtpCodecParameters};
use duologue_rtp::{Fmtp, NtpTime, PayloadType};
use duologue_session::{EncodedFrame, Played, PlayerStats};
use futures_core::Stream;
use tokio::time::{Interval, interval};
use tracing::debug;

use super::queue::Queue;
use super::sound::{Heard, Meaning, Sound, Told};
use super::together::Member;
use super::{choice, workers};
use crate::connection::system_rng;
use crate::flow::Reader;
use crate::limits::RAW_SOUNDS;
use crate::media::RtpReceiver;

impl RtpReceiver {
    /// What the peer sends, as raw sound: `MediaStreamTrackProcessor` of mediacapture-transform is
    /// what comes nearest. It has one channel, or two where that was agreed on.
    ///
    /// # Errors
    /// `InvalidAccessError` of a receiver of pictures; `OperationError` if the system has no random
    /// numbers.
    pub fn audio(&self) -> Result<AudioTrackProcessor, Exception> {
        if self.kind() != Some(MediaKind::Audio) {
            return Err(Exception::invalid_access("the receiver is not of sound"));
        }
        let queue = Arc::new(Queue::new(RAW_SOUNDS));
        let connection = self.connection();
        let pump = Pump {
            queue: queue.clone(),
            receiver: self.clone(),
            reader: Reader::new(connection.clone(), self.id()),
            arrived: Vec::new(),
            sound: None,
            member: Member::new(MediaKind::Audio, self.id()),
            player: connection.raw().new_player(),
            ticks: 0,
        };
        let rng = system_rng()?;
        drop(connection.runtime().spawn(pump.run(rng)));
        Ok(AudioTrackProcessor(queue))
    }
}

/// The sound of a receiver as it is to be heard: ten milliseconds each ten milliseconds, from the first
/// that came on, without a gap. It ends when the transceiver is stopped or the connection closed. It is
/// also a [`Stream`].
///
/// ```
/// use duologue::{Exception, RtpReceiver};
///
/// /// How loud it is what comes.
/// async fn level(receiver: &RtpReceiver) -> Result<Option<f32>, Exception> {
///     let mut audio = receiver.audio()?;
///     let sound = audio.recv().await;
///     Ok(sound.map(|it| it.samples().iter().fold(0.0, |loudest: f32, it| loudest.max(it.abs()))))
/// }
/// ```
///
/// Packets are held back for as long as the network needs, at least for
/// [`jitterBufferTarget`](RtpReceiver::set_jitter_buffer_target) and until pictures of the same
/// [`MediaStream`](crate::MediaStream) that are read as raw ones are there; to get there the sound is
/// played a little faster or slower, at its pitch. What was lost is taken from the packet after it
/// where that has a copy, and made up otherwise. The first
/// [`timestamp`](AudioData::timestamp) is that of the stream; each piece begins where the one before
/// ended. [`RAW_SOUNDS`](crate::limits::RAW_SOUNDS) pieces wait to be read; older ones are dropped and
/// counted.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct AudioTrackProcessor(Arc<Queue<AudioData>>);

impl AudioTrackProcessor {
    /// The next piece; `None` at the end.
    pub async fn recv(&mut self) -> Option<AudioData> {
        poll_fn(|cx| self.0.poll_pop(cx)).await
    }

    /// The next piece, if there is one already.
    pub fn try_recv(&mut self) -> Option<AudioData> {
        self.0.try_pop()
    }

    /// How many pieces were dropped because nobody read them in time, and how many packets no decoder
    /// was there for.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl Stream for AudioTrackProcessor {
    type Item = AudioData;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AudioData>> {
        self.0.poll_pop(cx)
    }
}

impl Drop for AudioTrackProcessor {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// The task of a processor.
struct Pump {
    queue: Arc<Queue<AudioData>>,
    receiver: RtpReceiver,
    reader: Reader<EncodedFrame>,
    /// Since the last ten milliseconds.
    arrived: Vec<EncodedFrame>,
    /// Here while no worker has it.
    sound: Option<Box<Sound>>,
    member: Member,
    /// Its name among all players of the connection.
    player: u64,
    ticks: u64,
}

/// Both ends are there no more, or one.
struct Ended;

impl Pump {
    async fn run(mut self, rng: duologue_base::Rng) {
        let codecs = workers::codecs(self.receiver.connection()).await;
        self.sound = Some(Box::new(Sound::new(codecs, rng)));
        if self.wait_for_first().await.is_ok() {
            self.play().await;
        }
        self.queue.end();
    }

    async fn wait_for_first(&mut self) -> Result<(), Ended> {
        let first = poll_fn(|cx| match self.queue.poll_ended(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => self.reader.poll_next(cx),
        });
        self.arrived.push(first.await.ok_or(Ended)?);
        Ok(())
    }

    /// Ten milliseconds each ten milliseconds.
    async fn play(&mut self) {
        let mut clock = interval(TICK);
        while let Ok(now) = self.tick(&mut clock).await {
            let Some(sound) = self.sound.take() else {
                // A decoder panicked: nobody knows what it left.
                return;
            };
            let (heard, told) = self.turn(sound, now).await;
            if let Some(told) = told {
                self.tell(now, heard.as_ref().and_then(|it| it.captured), told);
            }
            if let Some(heard) = heard {
                self.queue.push(heard.data);
            }
        }
    }

    /// Waits for the next ten milliseconds and takes what came until then. Gives when they were due.
    async fn tick(&mut self, clock: &mut Interval) -> Result<Instant, Ended> {
        let due = poll_fn(|cx| match self.queue.poll_ended(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => clock.poll_tick(cx).map(Some),
        });
        let due = due.await.ok_or(Ended)?;
        let open = poll_fn(|cx| {
            loop {
                match self.reader.poll_next(cx) {
                    Poll::Ready(Some(frame)) => self.arrived.push(frame),
                    Poll::Ready(None) => return Poll::Ready(false),
                    Poll::Pending => return Poll::Ready(true),
                }
            }
        });
        if !open.await {
            return Err(Ended);
        }
        let late = due.elapsed();
        if late > LATE {
            // The machine slept: what would have been heard meanwhile is not made up for.
            clock.reset();
        }
        Ok(self.receiver.connection().endpoint().driver().now() - late.min(LATE))
    }

    /// One turn of the worker.
    async fn turn(&mut self, mut sound: Box<Sound>, now: Instant) -> (Option<Heard>, Option<Told>) {
        if self.ticks.is_multiple_of(TICKS_A_LOOK) {
            sound.set_jitter_buffer_target(self.receiver.jitter_buffer_target_time());
            self.member.join(&self.receiver);
        }
        self.ticks += 1;
        sound.set_sync_delay(self.member.delay());
        let arrived = self.arrived.drain(..).collect::<Vec<_>>();
        let arrived = self.with_meanings(arrived);
        let tells = self.ticks.is_multiple_of(TICKS_A_REPORT);
        let work = move || {
            let mut refused = 0;
            for (frame, meaning) in arrived {
                if let Err(error) = sound.handle(frame, meaning) {
                    debug!(%error, "a packet of sound is not played");
                    refused += 1;
                }
            }
            let heard = sound.pull(now);
            let told = sound.told().filter(|_| tells);
            (sound, heard, told, refused)
        };
        let runtime = self.receiver.connection().runtime().clone();
        let Some((sound, heard, told, refused)) = workers::with_sound(&runtime, work).await else {
            return (None, None);
        };
        self.sound = Some(sound);
        (0..refused).for_each(|_| self.queue.count_dropped());
        (heard, told)
    }

    fn with_meanings(&self, arrived: Vec<EncodedFrame>) -> Vec<(EncodedFrame, Meaning)> {
        if arrived.is_empty() {
            return Vec::new();
        }
        let parameters = self.receiver.parameters();
        let agreed = parameters.iter().flat_map(|it| &it.codecs);
        let meanings: Vec<(PayloadType, Meaning)> = agreed.filter_map(meaning).collect();
        let meant = arrived.into_iter().filter_map(|frame| {
            let mut meanings = meanings.iter();
            let (_, meaning) = meanings.find(|(pt, _)| *pt == frame.payload_type)?;
            Some((frame, *meaning))
        });
        meant.collect()
    }

    fn tell(&mut self, now: Instant, captured: Option<NtpTime>, told: Told) {
        self.member.played(captured, now, told.least_delay);
        let played = Played::Audio(told.statistics);
        let mut stats = PlayerStats::new(self.receiver.id(), told.ssrc, played);
        stats.decoder = told.decoder;
        stats.newest = captured.map(|captured| (captured, now));
        self.receiver
            .connection()
            .raw()
            .tell_player(self.player, stats);
    }
}

/// What payloads of a type are; none of what is no sound, as redundancy.
fn meaning(of: &RtpCodecParameters) -> Option<(PayloadType, Meaning)> {
    let clock_rate = of.codec.clock_rate;
    let payload_type = PayloadType::new(of.payload_type)?;
    if choice::has_name(&of.codec, "audio", "CN") {
        return Some((payload_type, Meaning::ComfortNoise { clock_rate }));
    }
    if choice::has_name(&of.codec, "audio", "telephone-event") {
        return Some((payload_type, Meaning::TelephoneEvent { clock_rate }));
    }
    let (payload_type, codec) = choice::audio(of)?;
    // RFC 7587 §7: two channels are always said of Opus, and meant with `stereo=1` alone.
    let stereo = Fmtp::of(of.codec.sdp_fmtp_line.as_deref()).get("stereo") == Some("1");
    let channels = if stereo { 2 } else { 1 };
    Some((payload_type, Meaning::Sound { codec, channels }))
}

/// What one piece lasts.
const TICK: Duration = Duration::from_millis(10);
/// Pieces that are late are made at once, up to so much of them.
const LATE: Duration = Duration::from_millis(500);
/// So often it is looked at what the application and the peer say of the receiver.
const TICKS_A_LOOK: u64 = 10;
/// So often the statistics and lip sync hear of what is played.
const TICKS_A_REPORT: u64 = 5;
