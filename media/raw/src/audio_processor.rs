//! Received sound.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use duologue_base::Instant;
use duologue_codec::AudioData;
use duologue_peer::{MediaKind, RtpCodecParameters};
use duologue_rtp::{Fmtp, NtpTime, PayloadType};
use duologue_session::{EncodedFrame, Played, PlayerStats, PlayoutStats};
use futures_core::Stream;
use tokio::time::{Interval, interval};
use tracing::debug;

use super::queue::Queue;
use super::sound::{Heard, Meaning, Sound, Told};
use super::together::Member;
use super::{choice, workers};
use crate::Receiver;
use crate::limits::RAW_SOUNDS;

/// The sound of a receiver as it is to be heard: ten milliseconds each ten milliseconds, from the first
/// that came on, without a gap. It ends when the transceiver is stopped or the connection closed. It is
/// also a [`Stream`].
///
/// Packets are held back for as long as the network needs, at least for
/// `jitterBufferTarget` and until pictures of the same
/// `MediaStream` that are read as raw ones are there; to get there the sound is
/// played a little faster or slower, at its pitch. What was lost is taken from the packet after it
/// where that has a copy, and made up otherwise. The first
/// [`timestamp`](AudioData::timestamp) is that of the stream; each piece begins where the one before
/// ended. [`RAW_SOUNDS`](crate::limits::RAW_SOUNDS) pieces wait to be read; older ones are dropped and
/// counted.
#[derive(Debug)]
#[doc(alias = "MediaStreamTrackProcessor")]
pub struct AudioTrackProcessor(Arc<Queue<AudioData>>);

impl AudioTrackProcessor {
    /// Reads the sound of a receiver; it is decoded on the runtime of the receiver.
    pub fn new(receiver: Box<dyn Receiver>) -> Self {
        let queue = Arc::new(Queue::new(RAW_SOUNDS));
        let runtime = receiver.runtime().clone();
        let pump = Pump {
            queue: queue.clone(),
            arrived: Vec::new(),
            sound: None,
            member: Member::new(MediaKind::Audio, receiver.id()),
            player: receiver.shared().new_player(),
            heard: PlayoutStats {
                receiver: receiver.id(),
                ..PlayoutStats::default()
            },
            ticks: 0,
            receiver,
        };
        drop(runtime.spawn(pump.run()));
        AudioTrackProcessor(queue)
    }

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
    receiver: Box<dyn Receiver>,
    /// Since the last ten milliseconds.
    arrived: Vec<EncodedFrame>,
    /// Here while no worker has it.
    sound: Option<Box<Sound>>,
    member: Member,
    /// Its name among all players of the connection.
    player: u64,
    /// How what is heard reached its reader, since that was told.
    heard: PlayoutStats,
    ticks: u64,
}

/// Both ends are there no more, or one.
struct Ended;

impl Pump {
    async fn run(mut self) {
        let codecs = workers::codecs(&*self.receiver).await;
        let rng = self.receiver.rng();
        self.sound = Some(Box::new(Sound::new(codecs, rng)));
        if self.wait_for_first().await.is_ok() {
            self.play().await;
        }
        self.queue.end();
    }

    async fn wait_for_first(&mut self) -> Result<(), Ended> {
        let first = poll_fn(|cx| match self.queue.poll_ended(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => self.receiver.poll_frame(cx),
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
                self.count(&heard.data);
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
                match self.receiver.poll_frame(cx) {
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
            self.heard.synthesized_events += 1;
            self.heard.synthesized_duration += late;
            self.heard.total_duration += late;
        }
        Ok(self.receiver.now() - late.min(LATE))
    }

    /// A piece is about to be handed out, behind those that wait for the reader.
    fn count(&mut self, piece: &AudioData) {
        let samples = piece.frames() as u64;
        let waits = TICK * self.queue.len() as u32;
        self.heard.total_samples += samples;
        self.heard.total_duration += piece.duration();
        self.heard.total_delay += waits * samples as u32;
    }

    /// One turn of the worker.
    async fn turn(&mut self, mut sound: Box<Sound>, now: Instant) -> (Option<Heard>, Option<Told>) {
        if self.ticks.is_multiple_of(TICKS_A_LOOK) {
            sound.set_jitter_buffer_target(self.receiver.jitter_buffer_target());
            self.member.join(&*self.receiver);
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
        let runtime = self.receiver.runtime().clone();
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
        let shared = self.receiver.shared();
        shared.tell_player(self.player, stats);
        shared.add_playout(&self.heard);
        self.heard = PlayoutStats {
            receiver: self.heard.receiver,
            ..PlayoutStats::default()
        };
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
