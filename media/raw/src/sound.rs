//! The sound of one receiver: packets go in, ten milliseconds come out. Neither clock nor thread.

use std::fmt;
use std::time::Duration;

use duologue_base::{Instant, Rng};
use duologue_codec::{
    AudioCodec, AudioData, AudioDecoderConfig, CodecError, CodecSet, Played as PlayedBy,
};
use duologue_playout::{
    AudioCodec as Plays, AudioPacket, AudioPlayout, AudioStatistics, Operation, SenderClock,
};
use duologue_rtp::{NtpTime, PayloadType, Ssrc};
use duologue_session::{EncodedFrame, SenderTime};

use super::choice::{self, Clock};

/// What payloads of one type are, by the receiver's parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    Sound { codec: AudioCodec, channels: u8 },
    ComfortNoise { clock_rate: u32 },
    TelephoneEvent { clock_rate: u32 },
}

/// Sound that is played to a reader, of whatever stream the receiver has.
pub(super) struct Sound {
    codecs: CodecSet,
    rng: Rng,
    stream: Option<Stream>,
    jitter_buffer_target: Option<Duration>,
    /// When the next piece begins, once there was one.
    next: Option<Duration>,
}

/// Ten milliseconds, and what there is to tell of them.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) data: AudioData,
    /// When it was captured, by the sender's clock.
    pub(super) captured: Option<NtpTime>,
}

/// What is known of the stream that is played.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) ssrc: Ssrc,
    pub(super) statistics: AudioStatistics,
    /// What it is held back for without lip sync.
    pub(super) least_delay: Duration,
    /// The library that decodes it.
    pub(super) decoder: Option<String>,
}

/// Another SSRC is another stream: its numbers and its clock are its own.
struct Stream {
    ssrc: Ssrc,
    playout: AudioPlayout,
    meanings: Vec<(PayloadType, Meaning)>,
    clock_rate: u32,
    sender: SenderClock,
    sender_time: Option<SenderTime>,
    times: Clock,
    decoder: Option<String>,
}

impl Sound {
    pub(super) fn new(codecs: CodecSet, rng: Rng) -> Self {
        Sound {
            codecs,
            rng,
            stream: None,
            jitter_buffer_target: None,
            next: None,
        }
    }

    /// A packet came, in any order.
    ///
    /// # Errors
    /// There is no decoder for it.
    pub(super) fn handle(
        &mut self,
        frame: EncodedFrame,
        meaning: Meaning,
    ) -> Result<(), CodecError> {
        let known = self.stream.take().filter(|it| it.ssrc == frame.ssrc);
        let stream = known.unwrap_or_else(|| Stream::new(frame.ssrc, self.rng.fork()));
        let stream = self.stream.insert(stream);
        stream.learn(frame.payload_type, meaning, &self.codecs)?;
        stream
            .playout
            .set_jitter_buffer_target(self.jitter_buffer_target);
        if let Some(told) = frame.sender_time.filter(|_| stream.clock_rate > 0)
            && stream.sender_time.replace(told) != Some(told)
        {
            stream.sender.handle_report(told.ntp, told.rtp);
        }
        stream.playout.handle_packet(AudioPacket {
            payload_type: frame.payload_type,
            sequence_number: frame.sequence_number,
            timestamp: frame.timestamp,
            payload: frame.data,
            received: frame.received,
            repaired: frame.repaired,
        });
        Ok(())
    }

    /// `jitterBufferTarget`
    pub(super) fn set_jitter_buffer_target(&mut self, target: Option<Duration>) {
        if self.jitter_buffer_target != target {
            self.jitter_buffer_target = target;
            if let Some(stream) = &mut self.stream {
                stream.playout.set_jitter_buffer_target(target);
            }
        }
    }

    /// Pictures that belong to it are so much later.
    pub(super) fn set_sync_delay(&mut self, delay: Duration) {
        if let Some(stream) = &mut self.stream {
            stream.playout.set_sync_delay(delay);
        }
    }

    /// The next ten milliseconds; nothing before the first ones that came.
    pub(super) fn pull(&mut self, now: Instant) -> Option<Heard> {
        let stream = self.stream.as_mut()?;
        let block = stream.playout.pull(now);
        if block.operation == Operation::Silence && self.next.is_none() {
            return None;
        }
        let (rate, channels) = (block.sample_rate, block.channels);
        let captured = block
            .timestamp
            .and_then(|timestamp| stream.sender.captured(timestamp));
        let begin = match (self.next, block.timestamp) {
            (Some(next), _) => next,
            (None, timestamp) => stream.times.time(timestamp.unwrap_or_default()),
        };
        let data = AudioData::new(block.samples.into(), rate, channels).ok()?;
        self.next = Some(begin + data.duration());
        Some(Heard {
            data: data.at(begin),
            captured,
        })
    }

    pub(super) fn told(&self) -> Option<Told> {
        let stream = self.stream.as_ref()?;
        Some(Told {
            ssrc: stream.ssrc,
            statistics: *stream.playout.statistics(),
            least_delay: stream.playout.minimum_delay(),
            decoder: stream.decoder.clone(),
        })
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ssrc = self.stream.as_ref().map(|it| it.ssrc);
        f.debug_struct("Sound")
            .field("ssrc", &ssrc)
            .finish_non_exhaustive()
    }
}

impl Stream {
    fn new(ssrc: Ssrc, rng: Rng) -> Self {
        Stream {
            ssrc,
            playout: AudioPlayout::new(rng),
            meanings: Vec::new(),
            clock_rate: 0,
            sender: SenderClock::new(1),
            sender_time: None,
            times: Clock::new(1),
            decoder: None,
        }
    }

    /// What a payload type means, which another negotiation may have changed.
    fn learn(
        &mut self,
        payload_type: PayloadType,
        meaning: Meaning,
        codecs: &CodecSet,
    ) -> Result<(), CodecError> {
        let known = self.meanings.iter().position(|(pt, _)| *pt == payload_type);
        if known.is_some_and(|at| self.meanings[at].1 == meaning) {
            return Ok(());
        }
        let plays = match meaning {
            Meaning::ComfortNoise { clock_rate } => Plays::ComfortNoise { clock_rate },
            Meaning::TelephoneEvent { clock_rate } => Plays::TelephoneEvent { clock_rate },
            Meaning::Sound { codec, channels } => {
                let config = AudioDecoderConfig { codec, channels };
                let decoder = codecs.audio_decoder(&config)?;
                self.decoder = choice::library(codecs.audio_decoders(), codec);
                self.set_clock(codec.clock_rate());
                Plays::Sound {
                    clock_rate: codec.clock_rate(),
                    decoder: Box::new(PlayedBy::new(decoder, config)),
                }
            }
        };
        let set = self.playout.set_codec(payload_type, plays);
        set.map_err(|_| CodecError::Invalid("no sound that can be played"))?;
        match known {
            Some(at) => self.meanings[at].1 = meaning,
            None => self.meanings.push((payload_type, meaning)),
        }
        Ok(())
    }

    fn set_clock(&mut self, rate: u32) {
        if self.clock_rate != rate {
            self.clock_rate = rate;
            self.sender = SenderClock::new(rate);
            self.sender_time = None;
            self.times = Clock::new(rate);
        }
    }
}

#[cfg(test)]
mod tests;
