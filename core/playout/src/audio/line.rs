use crate::limits::{PACKET_TIME, STEPS};

/// Sound that is about to be played, and some of what was, interleaved.
#[derive(Debug)]
pub(crate) struct Line {
    samples: Vec<f32>,
    /// Of `samples`: what was played.
    played: usize,
    rate: u32,
    channels: usize,
}

impl Line {
    pub(crate) fn new(rate: u32, channels: usize) -> Self {
        let mut line = Line {
            samples: Vec::new(),
            played: 0,
            rate,
            channels,
        };
        // Room for ever: nothing is allocated while it runs.
        let steps = STEPS * line.frames_of_ms(10);
        let packets = 2 * line.frames_of_ms(PACKET_TIME.as_millis() as usize);
        let history = 2 * line.frames_of_ms(HISTORY_MS);
        line.samples.reserve((steps + packets + history) * channels);
        line
    }

    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Samples a channel in so many milliseconds.
    pub(crate) fn frames_of_ms(&self, ms: usize) -> usize {
        self.rate as usize * ms / 1_000
    }

    /// What waits, in samples a channel.
    pub(crate) fn waiting(&self) -> usize {
        (self.samples.len() - self.played) / self.channels
    }

    /// What waits.
    pub(crate) fn ahead(&self) -> &[f32] {
        &self.samples[self.played..]
    }

    /// What was played, as far as it is kept.
    pub(crate) fn history(&self) -> &[f32] {
        &self.samples[..self.played]
    }

    /// All that is there, the newest last: what was played and what waits.
    pub(crate) fn all(&self) -> &[f32] {
        &self.samples
    }

    pub(crate) fn append(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
    }

    /// Appends silence, to be written over.
    pub(crate) fn append_silence(&mut self, frames: usize) -> &mut [f32] {
        let begin = self.samples.len();
        self.samples.resize(begin + frames * self.channels, 0.0);
        &mut self.samples[begin..]
    }

    /// Takes the last samples back.
    pub(crate) fn truncate(&mut self, frames: usize) {
        let keep = self.samples.len().saturating_sub(frames * self.channels);
        self.samples.truncate(keep.max(self.played));
    }

    /// Takes `remove` samples a channel out `behind` the first so many that wait, the way across them cross-faded.
    pub(crate) fn shorten(&mut self, behind: usize, remove: usize) {
        let begin = (self.played + behind * self.channels).min(self.samples.len());
        let len = (remove * self.channels).min((self.samples.len() - begin) / 2);
        let (kept, gone) = self.samples[begin..].split_at_mut(len);
        for (kept, next, weight) in fading(kept, &gone[..len], self.channels) {
            *kept += (next - *kept) * weight;
        }
        let end = begin + len;
        self.samples.drain(end..end + len);
    }

    /// Plays the last `again` samples a channel once more, cross-faded from what waits.
    pub(crate) fn lengthen(&mut self, again: usize) {
        let len = (again * self.channels).min(self.played);
        self.samples
            .extend_from_within(self.played - len..self.played);
        self.samples[self.played..].rotate_right(len);
        let (again, next) = self.samples[self.played..].split_at_mut(len);
        let fade = len.min(next.len());
        for (again, next, weight) in fading(&mut again[..fade], next, self.channels) {
            *again = next + (*again - next) * weight;
        }
    }

    /// The next `frames` samples a channel are played: where they are, until the next call.
    pub(crate) fn play(&mut self, frames: usize) -> std::ops::Range<usize> {
        let keep = self.frames_of_ms(HISTORY_MS) * self.channels;
        if self.played > 2 * keep {
            self.samples.drain(..self.played - keep);
            self.played = keep;
        }
        let begin = self.played;
        self.played = (begin + frames * self.channels).min(self.samples.len());
        begin..self.played
    }

    pub(crate) fn samples(&self, range: std::ops::Range<usize>) -> &[f32] {
        &self.samples[range]
    }
}

/// Pairs of samples with a weight that goes from zero to one over them, the same in all channels.
pub(crate) fn fading<'a>(
    a: &'a mut [f32],
    b: &'a [f32],
    channels: usize,
) -> impl Iterator<Item = (&'a mut f32, f32, f32)> {
    let step = channels as f32 / (a.len() + channels) as f32;
    let weights = (0..).map(move |at: usize| ((at / channels) + 1) as f32 * step);
    let pairs = a.iter_mut().zip(b).zip(weights);
    pairs.map(|((a, b), weight)| (a, *b, weight))
}

/// What is kept of what was played: three periods of the lowest voice and a quarter of another.
pub(crate) const HISTORY_MS: usize = 60;

#[cfg(test)]
mod tests {
    use duologue_base::float;

    use super::*;

    /// A sine whose period is 100 samples, in two channels of opposite signs.
    fn sine(frames: std::ops::Range<usize>) -> Vec<f32> {
        let sample = |at| float::sin(at as f32 * std::f32::consts::TAU / 100.0);
        frames.flat_map(|at| [sample(at), -sample(at)]).collect()
    }

    fn assert_near(line: &Line, expected: &[f32]) {
        assert_eq!(line.all().len(), expected.len());
        let pairs = line.all().iter().zip(expected);
        let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-4, "{off}");
    }

    #[test]
    fn a_period_less_or_more_does_not_show() {
        let mut line = Line::new(48_000, 2);
        line.append(&sine(0..1_440));
        line.play(480);
        line.shorten(0, 100);
        assert_near(&line, &sine(0..1_340));

        line.lengthen(300);
        assert_near(&line, &sine(0..1_640));
        assert_eq!(line.waiting(), 1_160);
    }

    #[test]
    fn too_much_is_never_taken() {
        let mut line = Line::new(8_000, 1);
        line.lengthen(80);
        line.shorten(0, 80);
        assert_eq!(line.play(80), 0..0);
        line.append(&[1.0; 100]);
        line.truncate(1_000);
        assert_eq!(line.waiting(), 0);
    }

    #[test]
    fn what_was_played_is_kept_for_a_while() {
        let mut line = Line::new(8_000, 1);
        for n in 0..100 {
            line.append(&[n as f32; 80]);
            line.play(80);
            assert!(line.history().len() <= 2 * 480 + 80);
        }
        assert!(line.history().len() >= 480);
        assert_eq!(line.history().last(), Some(&99.0));
    }
}
