//! Sound: packets go in as they come, ten milliseconds come out whenever they are asked for.

mod arrivals;
mod codecs;
mod comfort;
mod conceal;
mod histogram;
mod line;
mod packets;
mod pull;
mod search;
mod statistics;
mod stretch;
mod target;
mod tone;

use std::time::Duration;

use bytes::Bytes;
use duologue_base::{Instant, Rng, Seq32};
use duologue_rtp::PayloadType;

pub use codecs::{AudioCodec, CodecError};
pub(crate) use histogram::Histogram;
pub(crate) use packets::{nanos, ticks};
pub use pull::{AudioBlock, Operation};
pub use statistics::AudioStatistics;

use crate::limits::{LARGEST_JUMP, LARGEST_STEP_BACK, PACKET_BYTES, PACKET_TIME, PACKETS_SPAN};
use arrivals::Arrivals;
use codecs::Codecs;
use comfort::Comfort;
use conceal::{Merge, Repetition};
use line::Line;
use packets::{Inserted, Packets, Waiting};
use search::Search;
use target::{Order, Target};
use tone::Tones;

/// A packet of sound, once RED is taken off: each payload that it had is one.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioPacket {
    /// What the payload is.
    pub payload_type: PayloadType,
    /// The sequence number, extended: it grows beyond 16 bits.
    pub sequence_number: u64,
    /// The time stamp, in ticks of the codec's clock.
    pub timestamp: u32,
    /// The payload: one packet of the codec.
    pub payload: Bytes,
    /// When the packet arrived.
    pub received: Instant,
    /// Whether the packet was lost and came by a repair: sent again, or as RED with a later one.
    pub repaired: bool,
}

/// The jitter buffer of one stream of sound.
///
/// [`handle_packet`](Self::handle_packet) takes packets in any order. [`pull`](Self::pull) is called each
/// ten milliseconds and always gives ten: what came, or what stands in for it. How long packets are
/// held back follows from how regularly they come; more or less of it is made by playing a little
/// slower or faster, at the same pitch.
///
/// ```
/// use duologue_base::{Instant, Rng};
/// use duologue_playout::{AudioCodec, AudioPacket, AudioPlayout, Operation};
/// use duologue_rtp::PayloadType;
/// use std::time::Duration;
/// # use duologue_playout::{AudioDecoder, Damaged};
/// # struct Silence;
/// # impl AudioDecoder for Silence {
/// #     fn sample_rate(&self) -> u32 { 48_000 }
/// #     fn channels(&self) -> u8 { 1 }
/// #     fn duration(&self, _: &[u8]) -> Option<u32> { Some(960) }
/// #     fn decode(&mut self, _: &[u8], _: &mut [f32]) -> Result<usize, Damaged> { Ok(960) }
/// # }
///
/// let opus = PayloadType::new(111).unwrap();
/// let mut playout = AudioPlayout::new(Rng::from_u64(1));
/// let decoder = Box::new(Silence);
/// playout.set_codec(opus, AudioCodec::Sound { clock_rate: 48_000, decoder })?;
///
/// let start = Instant::ZERO;
/// for n in 0..10 {
///     let at = start + Duration::from_millis(20) * n;
///     playout.handle_packet(AudioPacket {
///         payload_type: opus,
///         sequence_number: n.into(),
///         timestamp: n * 960,
///         payload: vec![0; 80].into(),
///         received: at,
///         repaired: false,
///     });
///     let block = playout.pull(at);
///     assert_eq!(block.samples.len(), 480);
///     // Eighty milliseconds are held back until it is known how regularly they come.
///     assert_eq!(block.operation == Operation::Silence, n < 4);
///     playout.pull(at + Duration::from_millis(10));
/// }
/// assert_eq!(playout.statistics().concealed_samples, 0);
/// # Ok::<(), duologue_playout::CodecError>(())
/// ```
#[derive(Debug)]
pub struct AudioPlayout {
    codecs: Codecs,
    packets: Packets,
    /// Once a packet came.
    clock: Option<Clock>,
    arrivals: Arrivals,
    target: Target,
    state: State,
    /// The codec of the last sound.
    current: usize,
    line: Line,
    search: Search,
    repetition: Repetition,
    merge: Merge,
    comfort: Comfort,
    tones: Tones,
    scratch: Vec<f32>,
    /// Calls since time was last stretched.
    unstretched: u32,
    statistics: AudioStatistics,
}

/// The newest packet.
#[derive(Clone, Copy, Debug)]
struct Clock {
    rate: u32,
    /// Extended.
    timestamp: i64,
    sequence_number: u64,
}

/// Where it is in the stream.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing was played yet.
    Waiting,
    /// Sound up to the extended time stamp `next` is in the line, and behind it `filled` samples a
    /// channel of something else.
    Playing {
        next: i64,
        filled: usize,
        filler: Filler,
    },
}

/// What stands in for sound that is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Filler {
    /// What is lost or late, by the decoder or (`repeated`) by what was heard last.
    Concealment { repeated: bool },
    /// The sender said that it is silent: the decoder's noise.
    Silence,
    /// Noise that the sender described.
    Noise,
    /// A tone, and silence after it.
    Tone,
}

impl Filler {
    /// What is missing is lost.
    const LOST: Filler = Filler::Concealment { repeated: false };
}

impl AudioPlayout {
    /// A jitter buffer that knows no codec yet. It gives 48,000 samples of one channel a second
    /// until the first packet is decoded.
    pub fn new(mut rng: Rng) -> Self {
        AudioPlayout {
            codecs: Codecs::default(),
            packets: Packets::new(),
            clock: None,
            arrivals: Arrivals::new(),
            target: Target::new(),
            state: State::Waiting,
            current: usize::MAX,
            line: Line::new(48_000, 1),
            search: Search::default(),
            repetition: Repetition::new(),
            merge: Merge::default(),
            comfort: Comfort::new(&mut rng),
            tones: Tones::new(),
            scratch: Vec::new(),
            unstretched: 0,
            statistics: AudioStatistics::default(),
        }
    }

    /// Says what payloads of a type are, from now on.
    ///
    /// # Errors
    ///
    /// It cannot be played, and nothing changes.
    pub fn set_codec(
        &mut self,
        payload_type: PayloadType,
        codec: AudioCodec,
    ) -> Result<(), CodecError> {
        self.codecs.set(payload_type, codec)
    }

    /// `jitterBufferTarget` (webrtc-pc §5.3): sound is held back for at least so long, up to four
    /// seconds; as little as the network allows if it is `None`.
    pub fn set_jitter_buffer_target(&mut self, target: Option<Duration>) {
        self.target.set_user(target.unwrap_or_default());
    }

    /// Sound is held back for at least so long because pictures are later
    /// ([`LipSync`](crate::LipSync)).
    pub fn set_sync_delay(&mut self, delay: Duration) {
        self.target.set_sync(delay);
    }

    /// A packet arrived. One that is not wanted is counted and dropped.
    pub fn handle_packet(&mut self, packet: AudioPacket) {
        if self.take(packet).is_none() {
            self.statistics.packets_discarded += 1;
        }
    }

    /// The counters of what was played.
    pub fn statistics(&self) -> &AudioStatistics {
        &self.statistics
    }

    /// How long packets are held back, measured from the fastest, at the moment aimed at.
    pub fn target_delay(&self) -> Duration {
        self.target.get()
    }

    /// How long packets would be held back without lip sync, measured from the fastest.
    pub fn minimum_delay(&self) -> Duration {
        self.target.without_sync()
    }

    /// How much sound waits in packets, and decoded. At most five seconds.
    pub fn buffered(&self) -> Duration {
        let rate = self.clock.map_or(1, |it| it.rate);
        let packets = Duration::from_nanos(nanos(self.packets.span(), rate).max(0) as u64);
        packets + self.time_of(self.line.waiting())
    }

    /// `None`: it is not wanted.
    fn take(&mut self, packet: AudioPacket) -> Option<()> {
        let (codec, kind) = self.codecs.find(packet.payload_type)?;
        let own_rate = kind.clock_rate();
        let event = matches!(kind, AudioCodec::TelephoneEvent { .. });
        if let AudioCodec::Sound { decoder, .. } = kind {
            let duration = decoder.duration(&packet.payload)?;
            let longest = ticks(PACKET_TIME, decoder.sample_rate());
            if i64::from(duration) > longest {
                return None;
            }
        }
        if packet.payload.len() > PACKET_BYTES {
            return None;
        }

        // The clock of an event's time stamps is the sound's around it.
        let rate = self.clock.filter(|_| event).map_or(own_rate, |it| it.rate);
        let timestamp = self.extend(&packet, rate, event);
        if event {
            self.tones
                .handle(timestamp, &packet.payload, rate, own_rate);
            self.advance_clock(timestamp, packet.sequence_number);
            return Some(());
        }
        self.learn(&packet, codec, timestamp, rate);
        self.advance_clock(timestamp, packet.sequence_number);
        if matches!(self.state, State::Playing { next, .. } if timestamp < next) {
            return None;
        }

        let waiting = Waiting {
            timestamp,
            codec,
            payload: packet.payload,
            received: packet.received,
        };
        let span = ticks(PACKETS_SPAN, rate);
        match self.packets.insert(waiting, span) {
            Inserted::Duplicate => None,
            Inserted::Waits { dropped } => {
                self.statistics.packets_discarded += dropped as u64;
                Some(())
            }
        }
    }

    /// The time stamp without wraps. One that is on another clock, or far away, begins anew; so does a newer
    /// packet that goes back in time, but for events, which are as old as their beginning.
    fn extend(&mut self, packet: &AudioPacket, rate: u32, event: bool) -> i64 {
        let AudioPacket {
            timestamp,
            sequence_number,
            ..
        } = *packet;
        if let Some(clock) = self.clock.filter(|it| it.rate == rate) {
            let extended = Seq32(timestamp).extend(clock.timestamp as u64) as i64;
            let newer = sequence_number > clock.sequence_number && !packet.repaired && !event;
            let back = match newer {
                true => LARGEST_STEP_BACK,
                false => LARGEST_JUMP,
            };
            let (first, last) = (-ticks(back, rate), ticks(LARGEST_JUMP, rate));
            if (first..=last).contains(&(extended - clock.timestamp)) {
                return extended;
            }
        }
        self.packets.clear();
        self.arrivals = Arrivals::new();
        self.tones = Tones::new();
        let begin = i64::from(timestamp) + BASE;
        if let State::Playing { next, .. } = &mut self.state {
            // As if everything between were lost; what comes is played when it has waited enough.
            *next = begin - ticks(LARGEST_JUMP, rate);
        }
        self.clock = Some(Clock {
            rate,
            timestamp: begin,
            sequence_number,
        });
        begin
    }

    fn advance_clock(&mut self, timestamp: i64, sequence_number: u64) {
        if let Some(clock) = &mut self.clock {
            clock.timestamp = clock.timestamp.max(timestamp);
            clock.sequence_number = clock.sequence_number.max(sequence_number);
        }
    }

    /// What the arrival of a packet says about how long to wait.
    fn learn(&mut self, packet: &AudioPacket, codec: usize, timestamp: i64, rate: u32) {
        let Some(clock) = self.clock else { return };
        let (received, sent) = (packet.received, nanos(timestamp, rate));
        let later = if packet.repaired {
            self.arrivals.later(received, sent).unwrap_or_default()
        } else {
            self.arrivals.handle(received, sent)
        };
        if packet.repaired || packet.sequence_number < clock.sequence_number {
            return self.target.handle(received, later, Order::Overtaken);
        }
        self.target.handle(received, later, Order::InOrder);

        // What is lost can still be had out of this packet, if it is waited for.
        let missing = packet.sequence_number - clock.sequence_number;
        let Some(decoder) = self.codecs.decoder(codec).filter(|_| missing > 1) else {
            return;
        };
        let each = (timestamp - clock.timestamp) / missing.min(u32::MAX.into()) as i64;
        let back = each * i64::from(decoder.sample_rate()) / i64::from(rate);
        let recovers = u32::try_from(back).is_ok_and(|back| {
            let can = |times: u32| decoder.can_recover(&packet.payload, back.saturating_mul(times));
            back > 0 && can(1)
        });
        if recovers {
            let lost = nanos(timestamp - each, rate);
            let later = self.arrivals.later(received, lost).unwrap_or_default();
            self.target.handle(received, later, Order::Overtaken);
        }
    }

    fn time_of(&self, frames: usize) -> Duration {
        Duration::from_nanos(nanos(frames as i64, self.line.rate()) as u64)
    }
}

/// Where extended time stamps begin: what is before the first packet has one, too.
const BASE: i64 = 1 << 40;
