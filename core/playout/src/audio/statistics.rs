use std::time::Duration;

use super::search::power;

/// What became of the sound of one stream, by the names of webrtc-stats' `RTCInboundRtpStreamStats`.
/// Samples are counted once, however many channels they have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct AudioStatistics {
    /// `totalSamplesReceived`: what was played since the first packet, concealed samples too.
    pub total_samples_received: u64,
    /// `concealedSamples`: what was made because nothing came in time.
    pub concealed_samples: u64,
    /// `silentConcealedSamples`: those that were silence.
    pub silent_concealed_samples: u64,
    /// `concealmentEvents`: how often concealing began.
    pub concealment_events: u64,
    /// `insertedSamplesForDeceleration`
    pub inserted_samples_for_deceleration: u64,
    /// `removedSamplesForAcceleration`
    pub removed_samples_for_acceleration: u64,
    /// `jitterBufferDelay`: the sum of what each sample waited, from the arrival of its packet.
    pub jitter_buffer_delay: Duration,
    /// `jitterBufferTargetDelay`: the sum of what was aimed at with each.
    pub jitter_buffer_target_delay: Duration,
    /// `jitterBufferMinimumDelay`: the sum of what the network alone would have made aim at.
    pub jitter_buffer_minimum_delay: Duration,
    /// `jitterBufferEmittedCount`
    pub jitter_buffer_emitted_count: u64,
    /// `totalAudioEnergy`
    pub total_audio_energy: f64,
    /// `totalSamplesDuration`
    pub total_samples_duration: Duration,
    /// `audioLevel`: linear, of about the last tenth of a second.
    pub audio_level: f64,
    /// What of `packetsDiscarded` came too late, twice, or did not fit.
    pub packets_discarded: u64,
    /// Packets that no decoder took.
    pub packets_damaged: u64,
    /// Samples that were lost and that a later packet brought: error correction of the codec.
    pub recovered_samples: u64,
    /// Samples of comfort noise and of tones.
    pub generated_samples: u64,
}

impl AudioStatistics {
    /// The counters of a stream that two players had, this one after `before`.
    #[must_use]
    pub fn after(&self, before: &Self) -> Self {
        AudioStatistics {
            total_samples_received: self.total_samples_received + before.total_samples_received,
            concealed_samples: self.concealed_samples + before.concealed_samples,
            silent_concealed_samples: self.silent_concealed_samples
                + before.silent_concealed_samples,
            concealment_events: self.concealment_events + before.concealment_events,
            inserted_samples_for_deceleration: self.inserted_samples_for_deceleration
                + before.inserted_samples_for_deceleration,
            removed_samples_for_acceleration: self.removed_samples_for_acceleration
                + before.removed_samples_for_acceleration,
            jitter_buffer_delay: self.jitter_buffer_delay + before.jitter_buffer_delay,
            jitter_buffer_target_delay: self.jitter_buffer_target_delay
                + before.jitter_buffer_target_delay,
            jitter_buffer_minimum_delay: self.jitter_buffer_minimum_delay
                + before.jitter_buffer_minimum_delay,
            jitter_buffer_emitted_count: self.jitter_buffer_emitted_count
                + before.jitter_buffer_emitted_count,
            total_audio_energy: self.total_audio_energy + before.total_audio_energy,
            total_samples_duration: self.total_samples_duration + before.total_samples_duration,
            audio_level: self.audio_level,
            packets_discarded: self.packets_discarded + before.packets_discarded,
            packets_damaged: self.packets_damaged + before.packets_damaged,
            recovered_samples: self.recovered_samples + before.recovered_samples,
            generated_samples: self.generated_samples + before.generated_samples,
        }
    }

    /// Samples left the buffer of packets.
    pub(crate) fn emitted(
        &mut self,
        samples: usize,
        waited: Duration,
        [target, minimum]: [Duration; 2],
    ) {
        let count = u32::try_from(samples).unwrap_or(u32::MAX);
        let add = |sum: &mut Duration, each: Duration| *sum = sum.saturating_add(each * count);
        add(&mut self.jitter_buffer_delay, waited);
        add(&mut self.jitter_buffer_target_delay, target);
        add(&mut self.jitter_buffer_minimum_delay, minimum);
        self.jitter_buffer_emitted_count += u64::from(count);
    }

    /// Ten milliseconds are played.
    pub(crate) fn played(&mut self, samples: &[f32], channels: usize) {
        let duration = Duration::from_millis(10);
        let power = f64::from(power(samples));
        self.total_samples_received += (samples.len() / channels) as u64;
        self.total_samples_duration += duration;
        self.total_audio_energy += power * duration.as_secs_f64();
        let before = self.audio_level * self.audio_level;
        self.audio_level = (before + (power - before) * LEVEL_FOLLOWS).sqrt();
    }

    /// What was [`concealed`](Self::concealed) for the next ten milliseconds is left out again.
    pub(crate) fn not_concealed(&mut self, samples: usize, silent: bool) {
        self.concealed_samples -= samples as u64;
        if silent {
            self.silent_concealed_samples -= samples as u64;
        }
    }

    pub(crate) fn concealed(&mut self, samples: usize, silent: bool) {
        self.concealed_samples += samples as u64;
        if silent {
            self.silent_concealed_samples += samples as u64;
        }
    }
}

/// Of the difference, each ten milliseconds.
const LEVEL_FOLLOWS: f64 = 0.1;
