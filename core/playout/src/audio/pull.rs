//! Ten milliseconds: what is played, and what is done so that there is something to play.

use std::time::Duration;

use duologue_base::Instant;

use super::line::Line;
use super::packets::{nanos, ticks};
use super::search::power;
use super::stretch::{self, Shorten};
use super::{AudioPlayout, Filler, State};
use crate::limits::{PACKET_TIME, STEPS};

/// Ten milliseconds of sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AudioBlock<'a> {
    /// Interleaved, mostly between −1 and 1.
    pub samples: &'a [f32],
    /// Samples a second and channel. It changes with the codec.
    pub sample_rate: u32,
    /// Channels. They change with the codec.
    pub channels: u8,
    /// The time stamp of the first sample, once there was a packet.
    pub timestamp: Option<u32>,
    /// What was done for it.
    pub operation: Operation,
}

/// What was done for ten milliseconds of sound.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// Silence, since nothing has to be played yet.
    Silence,
    /// What came is played.
    Normal,
    /// Sound is played faster.
    Accelerate,
    /// Sound is played much faster.
    FastAccelerate,
    /// Sound is played slower, before there is nothing left.
    PreemptiveExpand,
    /// What was lost came with a later packet.
    Recover,
    /// What came is joined to what stood in for what did not.
    Merge,
    /// Something stands in for what did not come.
    Conceal,
    /// The noise of somebody who says nothing.
    ComfortNoise,
    /// A tone of a telephone.
    Tone,
}

/// What the line goes on with.
enum Next {
    Packet,
    /// So many samples a channel before the first packet, by what it says of them.
    Recover(usize),
    Fill,
    Wait,
}

impl AudioPlayout {
    /// The next ten milliseconds.
    pub fn pull(&mut self, now: Instant) -> AudioBlock<'_> {
        let silent = self.statistics.silent_concealed_samples;
        let mut operation = self.advance(now);
        let frames = self.line.frames_of_ms(10);
        let missing = frames.saturating_sub(self.line.waiting());
        if missing > 0 {
            self.line.append_silence(missing);
        }
        let lost = operation == Operation::Conceal;
        let outage = self.line.frames_of_ms(OUTAGE_MS);
        if !matches!(self.state, State::Playing { filled, .. } if filled > outage) {
            self.target.handle_played(lost);
        }
        if lost {
            let silent = self.statistics.silent_concealed_samples > silent;
            operation = self.shorten_made_up(now, silent);
        }
        if let Some(stretched) = self.stretch(now) {
            operation = stretched;
        }
        self.unstretched = self.unstretched.saturating_add(1);

        // It changes with the codec.
        let frames = self.line.frames_of_ms(10);
        let timestamp = self.timestamp().map(|it| it as u32);
        let played = self.line.play(frames);
        let samples = self.line.samples(played);
        if matches!(self.state, State::Playing { .. }) {
            self.statistics.played(samples, self.line.channels());
        }
        AudioBlock {
            samples,
            sample_rate: self.line.rate(),
            channels: self.line.channels() as u8,
            timestamp,
            operation,
        }
    }

    /// Leaves out of the end of what is made up for a gap what it can do without: the packet behind the gap is there, and
    /// waits for longer than it has to. What was said and is not played yet stays whole.
    fn shorten_made_up(&mut self, now: Instant, silent: bool) -> Operation {
        let State::Playing {
            next,
            filled,
            filler: Filler::Concealment { .. },
        } = self.state
        else {
            return Operation::Conceal;
        };
        let end = next + self.ticks_of_frames(filled);
        let first = self.packets.front();
        let ended = first.is_some_and(|it| it.timestamp <= end && it.codec == self.current);
        let delay = self.timestamp().map(|it| self.delay_of(now, it));
        let spare = self.spare(delay.unwrap_or_default());
        if !ended || spare == 0 {
            return Operation::Conceal;
        }
        let waiting = self.line.waiting();
        let what = Shorten::MadeUp {
            behind: waiting.saturating_sub(filled),
            // No more than what counts as made up for these ten milliseconds.
            most: spare
                .min(self.line.frames_of_ms(10))
                .min(waiting.min(filled)),
        };
        let played = self.play_packet(now);
        self.look_ahead(now);
        if let Some(left_out) = stretch::accelerate(&mut self.search, &mut self.line, what) {
            self.statistics.not_concealed(left_out, silent);
            // Sound that was said is what makes up for it.
            self.unstretched = 0;
        }
        match played {
            Operation::Merge => Operation::Merge,
            _ => Operation::Conceal,
        }
    }

    /// Makes ten milliseconds wait in the line, if there is something to make them of.
    fn advance(&mut self, now: Instant) -> Operation {
        let mut operation = match self.state {
            State::Waiting => Operation::Silence,
            State::Playing { .. } => Operation::Normal,
        };
        for _ in 0..STEPS {
            if self.line.waiting() >= self.line.frames_of_ms(10) {
                break;
            }
            operation = match self.next(now) {
                Next::Packet => self.play_packet(now),
                Next::Recover(back) => self.recover(now, back),
                Next::Fill => self.fill(),
                Next::Wait => break,
            };
        }
        operation
    }

    fn next(&mut self, now: Instant) -> Next {
        let State::Playing {
            next,
            filled,
            filler,
        } = self.state
        else {
            let first = self.packets.front().map(|it| it.timestamp);
            let due = first.is_some_and(|it| self.delay(now, it) >= self.target.get());
            return if due { Next::Packet } else { Next::Wait };
        };
        self.statistics.packets_discarded += self.packets.drop_before(next) as u64;
        let Some(first) = self.packets.front() else {
            return Next::Fill;
        };
        let (timestamp, codec) = (first.timestamp, first.codec);
        let leap = self.frames_of_ticks(timestamp - next);
        if leap == 0 && filled == 0 {
            return Next::Packet;
        }

        let delay = self.delay(now, timestamp);
        if matches!(filler, Filler::Noise | Filler::Silence) {
            // Nobody hears how long it is: what is said next is as late as it should be.
            return if delay >= self.target.get() {
                Next::Packet
            } else {
                Next::Fill
            };
        }
        let left = leap.saturating_sub(filled);
        if left == 0 {
            return Next::Packet;
        }
        // What is left of the gap, or all of it: then it is as if what is recovered had come late.
        let decoder = self.codecs.decoder(codec);
        let can = |back: &usize| {
            let back = u32::try_from(*back).unwrap_or(u32::MAX);
            decoder.is_some_and(|it| it.can_recover(&first.payload, back))
        };
        if let Some(back) = [left, leap].into_iter().find(can) {
            return Next::Recover(back);
        }
        let far = self.time_of(left) > FAR;
        let enough = if far {
            self.target.get()
        } else {
            self.limits().1
        };
        if delay >= enough {
            Next::Packet
        } else {
            Next::Fill
        }
    }

    fn play_packet(&mut self, now: Instant) -> Operation {
        let Some(packet) = self.packets.pop() else {
            return Operation::Normal;
        };
        if self.codecs.decoder(packet.codec).is_none() {
            self.comfort.handle(&packet.payload);
            self.state = State::Playing {
                next: packet.timestamp,
                filled: 0,
                filler: Filler::Noise,
            };
            return Operation::ComfortNoise;
        }
        let delay = self.delay(now, packet.timestamp);
        let follows = self.take_form(packet.codec) && self.follows(packet.timestamp);

        let mut scratch = std::mem::take(&mut self.scratch);
        let decoder = self.codecs.decoder_mut(packet.codec);
        let decoded = decoder.map(|it| {
            let silence = it.is_silence(&packet.payload);
            (it.decode(&packet.payload, &mut scratch), silence)
        });
        let frames = scratch.len() / self.line.channels();
        let operation = match decoded {
            Some((Ok(decoded), silence)) if (1..=frames).contains(&decoded) => {
                let waited = now - packet.received + self.time_of(self.line.waiting());
                let reserve = self.target.reserve();
                let aims = [self.target.get(), self.target.of_network()].map(|it| it + reserve);
                self.statistics.emitted(decoded, waited, aims);
                let new = &scratch[..decoded * self.line.channels()];
                let operation = self.append(new, follows, delay);
                self.state = State::Playing {
                    next: packet.timestamp + self.ticks_of_frames(decoded),
                    filled: 0,
                    filler: if silence {
                        Filler::Silence
                    } else {
                        Filler::LOST
                    },
                };
                operation
            }
            // As if it were lost.
            _ => {
                self.statistics.packets_damaged += 1;
                Operation::Normal
            }
        };
        self.scratch = scratch;
        operation
    }

    fn recover(&mut self, now: Instant, back: usize) -> Operation {
        let Some(packet) = self.packets.front() else {
            return self.fill();
        };
        let (codec, payload, timestamp) = (packet.codec, packet.payload.clone(), packet.timestamp);
        let begin = timestamp - self.ticks_of_frames(back);
        let follows = self.take_form(codec) && self.follows(begin);
        let len = back.min(self.line.frames_of_ms(LONGEST_RECOVERY_MS));
        let mut scratch = std::mem::take(&mut self.scratch);
        let out = &mut scratch[..len * self.line.channels()];
        let decoder = self.codecs.decoder_mut(codec);
        let recovered = decoder.is_some_and(|it| it.recover(&payload, back as u32, out));
        let operation = if recovered {
            let delay = self.delay(now, begin);
            self.append(out, follows, delay);
            self.statistics.recovered_samples += len as u64;
            self.state = State::Playing {
                next: begin + self.ticks_of_frames(len),
                filled: 0,
                filler: Filler::LOST,
            };
            Operation::Recover
        } else {
            self.fill()
        };
        self.scratch = scratch;
        operation
    }

    /// The line has the form of what a codec gives. False if it had another.
    fn take_form(&mut self, codec: usize) -> bool {
        self.current = codec;
        let Some(decoder) = self.codecs.decoder(codec) else {
            return true;
        };
        let form = (decoder.sample_rate(), usize::from(decoder.channels()));
        let same = form == (self.line.rate(), self.line.channels());
        if same && !self.scratch.is_empty() {
            return true;
        }
        if !same {
            self.line = Line::new(form.0, form.1);
            if let State::Playing { filler, .. } = &mut self.state {
                *filler = Filler::LOST;
            }
        }
        let frames = self.line.frames_of_ms(PACKET_TIME.as_millis() as usize);
        self.scratch.clear();
        self.scratch.resize(frames * form.1, 0.0);
        same
    }

    /// Sound that begins here goes on where the sound in the line ends. What a decoder made up is its
    /// own sound: it knows how to go on from there.
    fn follows(&self, begin: i64) -> bool {
        let State::Playing {
            next,
            filled,
            filler,
        } = self.state
        else {
            return false;
        };
        let end = next + self.ticks_of_frames(filled);
        end == begin && (filled == 0 || filler == Filler::LOST)
    }

    /// Appends sound. What does not follow what is there is joined to it.
    fn append(&mut self, new: &[f32], follows: bool, delay: Duration) -> Operation {
        if follows {
            self.line.append(new);
            return Operation::Normal;
        }
        let repeated = Filler::Concealment { repeated: true };
        if !matches!(self.state, State::Playing { filler, .. } if filler == repeated) {
            self.repetition.begin(&mut self.search, &self.line);
        }
        let spare = self.spare(delay);
        let merged = self.merge.append(
            &mut self.search,
            &mut self.line,
            &mut self.repetition,
            new,
            spare,
        );
        self.statistics.concealed(merged.added, false);
        self.statistics.removed_samples_for_acceleration += merged.left_out as u64;
        Operation::Merge
    }

    /// Ten milliseconds of what stands in for sound.
    fn fill(&mut self) -> Operation {
        let State::Playing {
            next,
            filled,
            filler,
        } = self.state
        else {
            return Operation::Silence;
        };
        let frames = self.line.frames_of_ms(10);
        let form = (self.line.rate(), self.line.channels());
        let rate = self.clock.map_or(form.0, |it| it.rate);
        let at = next + self.ticks_of_frames(filled);
        let len = self.ticks_of_frames(frames);
        let out = self.line.append_silence(frames);

        let (filler, operation) = if self.tones.fill(at, len, rate, out, form) {
            self.statistics.generated_samples += frames as u64;
            (Filler::Tone, Operation::Tone)
        } else {
            match filler {
                Filler::Noise => {
                    self.comfort.fill(out, form.1);
                    self.statistics.generated_samples += frames as u64;
                    (Filler::Noise, Operation::ComfortNoise)
                }
                Filler::Silence => {
                    let decoder = self.codecs.decoder_mut(self.current);
                    if !decoder.is_some_and(|it| it.conceal(out)) {
                        out.fill(0.0);
                    }
                    self.statistics.generated_samples += frames as u64;
                    (Filler::Silence, Operation::ComfortNoise)
                }
                Filler::Tone => {
                    self.statistics.concealed(frames, true);
                    (Filler::Tone, Operation::Conceal)
                }
                Filler::Concealment { repeated } => {
                    (self.conceal(repeated, filled == 0), Operation::Conceal)
                }
            }
        };
        self.state = State::Playing {
            next,
            filled: filled.saturating_add(frames),
            filler,
        };
        operation
    }

    /// Conceals the last ten milliseconds of the line, which are silence.
    fn conceal(&mut self, repeated: bool, begins: bool) -> Filler {
        self.statistics.concealment_events += u64::from(begins);
        let frames = self.line.frames_of_ms(10);
        let form = (self.line.rate(), self.line.channels());
        self.line.truncate(frames);
        if !repeated {
            let out = self.line.append_silence(frames);
            let decoder = self.codecs.decoder_mut(self.current);
            if decoder.is_some_and(|it| it.conceal(out)) {
                let silent = power(out) < INAUDIBLE;
                self.statistics.concealed(frames, silent);
                return Filler::LOST;
            }
            self.line.truncate(frames);
            self.repetition.begin(&mut self.search, &self.line);
        }
        let out = self.line.append_silence(frames);
        let silent = self.repetition.fill(out, form);
        self.statistics.concealed(frames, silent);
        Filler::Concealment { repeated: true }
    }

    /// Makes time go faster or slower, if the delay is not what it should be.
    fn stretch(&mut self, now: Instant) -> Option<Operation> {
        let State::Playing { filled: 0, .. } = self.state else {
            return None;
        };
        let (low, high) = self.limits();
        let delay = self.delay_of(now, self.timestamp()?);
        let hurry = delay > high + HURRY;
        if self.unstretched < STRETCH_EACH && !hurry {
            return None;
        }
        let operation = if delay > high {
            self.look_ahead(now);
            let what = if hurry {
                Shorten::LateSound
            } else {
                Shorten::Sound
            };
            let removed = stretch::accelerate(&mut self.search, &mut self.line, what)?;
            self.statistics.removed_samples_for_acceleration += removed as u64;
            if hurry {
                Operation::FastAccelerate
            } else {
                Operation::Accelerate
            }
        } else if delay < low {
            let inserted = stretch::expand(&mut self.search, &mut self.line)?;
            self.statistics.inserted_samples_for_deceleration += inserted as u64;
            Operation::PreemptiveExpand
        } else {
            return None;
        };
        self.unstretched = 0;
        Some(operation)
    }

    /// Decodes what is there, until there is enough to take something out.
    fn look_ahead(&mut self, now: Instant) {
        let enough = self.line.frames_of_ms(stretch::LOOK_AHEAD);
        for _ in 0..STEPS {
            let State::Playing {
                next, filled: 0, ..
            } = self.state
            else {
                return;
            };
            let first = self.packets.front();
            let follows = first.is_some_and(|it| it.timestamp == next && it.codec == self.current);
            if self.line.waiting() >= enough || !follows {
                return;
            }
            self.play_packet(now);
        }
    }

    /// Between which delays nothing is stretched.
    fn limits(&self) -> (Duration, Duration) {
        let target = self.target.get();
        let below = (target / 8).min(Duration::from_millis(10));
        let above = (target / 4).clamp(Duration::from_millis(15), Duration::from_millis(40));
        let least = target - below + self.target.reserve();
        (least, (target + above).max(least + LONGEST_SPLICE))
    }

    /// So many samples a channel more than what is aimed at is a delay.
    fn spare(&self, delay: Duration) -> usize {
        let spare = delay.saturating_sub(self.target.get());
        self.frames_of_ticks(ticks(spare, self.clock.map_or(1, |it| it.rate)))
    }

    /// How much later than the fastest packet's what has this time stamp is heard, if it is put behind
    /// what waits in the line.
    fn delay(&self, now: Instant, timestamp: i64) -> Duration {
        self.delay_of(now + self.time_of(self.line.waiting()), timestamp)
    }

    /// How much later than the fastest packet's it is heard.
    fn delay_of(&self, heard: Instant, timestamp: i64) -> Duration {
        let rate = self.clock.map_or(1, |it| it.rate);
        let later = self.arrivals.later(heard, nanos(timestamp, rate));
        later.unwrap_or_default()
    }

    /// The extended time stamp of what is played next.
    fn timestamp(&self) -> Option<i64> {
        let State::Playing { next, filled, .. } = self.state else {
            return None;
        };
        let ahead = self.ticks_of_frames(self.line.waiting());
        Some(next + self.ticks_of_frames(filled) - ahead)
    }

    fn frames_of_ticks(&self, ticks: i64) -> usize {
        let clock = self.clock.map_or(1, |it| it.rate);
        let frames = i128::from(ticks.max(0)) * i128::from(self.line.rate()) / i128::from(clock);
        usize::try_from(frames).unwrap_or(usize::MAX)
    }

    fn ticks_of_frames(&self, frames: usize) -> i64 {
        let clock = self.clock.map_or(1, |it| it.rate);
        let ticks = frames as i128 * i128::from(clock) / i128::from(self.line.rate());
        i64::try_from(ticks).unwrap_or(i64::MAX / 4)
    }
}

/// What is farther away than this was not lost on the way: the sender paused.
const FAR: Duration = Duration::from_millis(200);
/// A delay that is so much too long is got rid of as fast as possible.
const HURRY: Duration = Duration::from_millis(200);
/// What is made up for longer than this was not lost on the way, one packet here and one there.
const OUTAGE_MS: usize = 60;
/// What one splice adds to a delay or takes from it, at most.
const LONGEST_SPLICE: Duration = Duration::from_millis(15);
/// Calls between two splices.
const STRETCH_EACH: u32 = 5;
/// What one call of a decoder recovers at most, in milliseconds.
const LONGEST_RECOVERY_MS: usize = 120;
/// Of the mean of the squares.
const INAUDIBLE: f32 = 1e-9;
