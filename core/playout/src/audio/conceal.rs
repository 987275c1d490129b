use super::line::{HISTORY_MS, Line, fading};
use super::search::{Search, correlation};
use super::stretch::lags;

/// Sound that goes on from what was played last where nothing came, by repeating its last periods more
/// and more quietly: first one period, then two, then three, so that it does not hum.
///
/// The way is that of ITU-T G.711 Appendix I.
#[derive(Debug)]
pub(crate) struct Repetition {
    /// The end of what was there, interleaved.
    last: Vec<f32>,
    /// In samples a channel.
    period: usize,
    /// How many periods are repeated.
    periods: usize,
    /// Where in them it is.
    at: usize,
    /// Samples a channel that were made.
    made: usize,
    /// What is missing of each channel from the first sample made to where the last one was.
    step: [f32; 8],
}

impl Repetition {
    pub(crate) fn new() -> Self {
        Repetition {
            last: Vec::new(),
            period: 1,
            periods: 1,
            at: 0,
            made: 0,
            step: [0.0; 8],
        }
    }

    /// Begins behind everything that is in the line.
    pub(crate) fn begin(&mut self, search: &mut Search, line: &Line) {
        let channels = line.channels();
        let (least, most, window) = lags(line);
        let most_kept = line.frames_of_ms(HISTORY_MS) * channels;
        let all = line.all();
        self.last.clear();
        self.last.resize(most_kept.saturating_sub(all.len()), 0.0);
        self.last
            .extend_from_slice(&all[all.len().saturating_sub(most_kept)..]);

        let end = self.last.len();
        let reference = &self.last[end - window * channels..];
        let region = &self.last[end - (most + window) * channels..];
        let found = search.best(reference, region, 0..=most - least, (line.rate(), channels));
        // What repeats nothing (hiss) is repeated as late as possible.
        self.period = if found.correlation > VOICED {
            most - found.at
        } else {
            most
        };
        (self.periods, self.at, self.made) = (1, 0, 0);

        let before = end - (self.period + 1) * channels;
        for channel in 0..channels {
            self.step[channel] = self.last[end - channels + channel] - self.last[before + channel];
        }
    }

    /// Goes on for as many samples as `out` holds. True if there is nothing to hear any more.
    pub(crate) fn fill(&mut self, out: &mut [f32], line: (u32, usize)) -> bool {
        let (rate, channels) = (line.0 as usize, line.1);
        let (hold, gone) = (rate / 100, rate * FADED_MS / 1_000);
        let soften = rate / 400;
        let was_silent = self.made >= gone;
        for frame in out.chunks_exact_mut(channels) {
            let left = gone.saturating_sub(self.made.max(hold)) as f32;
            let gain = left / (gone - hold) as f32;
            let bend = 1.0 - (self.made as f32 / soften as f32).min(1.0);
            for (channel, sample) in frame.iter_mut().enumerate() {
                let repeated = self.repeated(channel, line);
                let repeated = repeated + self.step[channel] * bend;
                *sample = repeated * gain;
            }
            self.made = self.made.saturating_add(1);
            self.at += 1;
            if self.at >= self.periods * self.period {
                self.at = 0;
                self.periods = self.next_periods(self.made, hold);
            }
        }
        was_silent
    }

    /// How many periods are repeated once so much was made.
    fn next_periods(&self, made: usize, hold: usize) -> usize {
        (1 + made / hold).clamp(self.periods, 3)
    }

    /// The end of the repeated part is cross-faded into what is before the part that is repeated next, so that it goes
    /// round without a step.
    fn repeated(&self, channel: usize, (rate, channels): (u32, usize)) -> f32 {
        let (end, len) = (self.last.len() / channels, self.periods * self.period);
        let sample = |frame: usize| self.last[frame * channels + channel];
        let here = sample(end - len + self.at);
        let overlap = (self.period / 4).max(1);
        let left = len - self.at;
        if left > overlap {
            return here;
        }
        let periods = self.next_periods(self.made.saturating_add(left), rate as usize / 100);
        let next = periods * self.period;
        if end < next + left {
            return here;
        }
        let weight = (overlap - left + 1) as f32 / (overlap + 1) as f32;
        here + (sample(end - next - left) - here) * weight
    }
}

/// How the first sound after a gap goes on from what filled the gap.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    bridge: Vec<f32>,
}

/// What a merge did, in samples a channel.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Merged {
    /// Made in addition, so that periods fit.
    pub(crate) added: usize,
    /// Left out of what came, for the same reason.
    pub(crate) left_out: usize,
}

impl Merge {
    /// Appends `new` to the line, cross-faded from what `filler` makes. Where the two do not fit, new
    /// sound begins a little further inside, by at most `spare` samples a channel, or a little later.
    pub(crate) fn append(
        &mut self,
        search: &mut Search,
        line: &mut Line,
        filler: &mut Repetition,
        new: &[f32],
        spare: usize,
    ) -> Merged {
        let form = (line.rate(), line.channels());
        let channels = form.1;
        let (_, most, _) = lags(line);
        let fade = line.frames_of_ms(FADE_MS).min(new.len() / channels);
        let (places, fade) = (most, fade * channels);
        self.bridge.clear();
        self.bridge.resize(places * channels + fade, 0.0);
        let silent = filler.fill(&mut self.bridge, form);

        let (begin, head) = (&self.bridge[..fade], &new[..fade]);
        let fits = silent || correlation(begin, head) > FITS;
        let mut merged = Merged::default();
        if !fits {
            let room = (new.len() - fade) / channels;
            let inside = search.best(begin, new, 0..=places.min(room).min(spare), form);
            let later = search.best(head, &self.bridge, 0..=places, form);
            match later.correlation > inside.correlation + WORTH_MAKING_UP {
                true => merged.added = later.at,
                false => merged.left_out = inside.at,
            }
        }

        let (bridge, new) = (
            &mut self.bridge[..merged.added * channels + fade],
            &new[merged.left_out * channels..],
        );
        let (added, over) = bridge.split_at_mut(merged.added * channels);
        for (bridge, new, weight) in fading(over, new, channels) {
            *bridge += (new - *bridge) * weight;
        }
        line.append(added);
        line.append(over);
        line.append(&new[over.len()..]);
        merged
    }
}

/// Where repetition is silent.
const FADED_MS: usize = 60;
/// What is that alike has a period.
const VOICED: f32 = 0.4;
const FADE_MS: usize = 5;
/// New sound that is that alike needs no shift.
const FITS: f32 = 0.7;
/// What fits better by so much is worth more made-up sound.
const WORTH_MAKING_UP: f32 = 0.05;

#[cfg(test)]
mod tests {
    use duologue_base::float;

    use super::*;

    const FORM: (u32, usize) = (48_000, 1);

    fn tone(frames: std::ops::Range<usize>) -> Vec<f32> {
        frames
            .map(|at| 0.5 * float::sin(at as f32 * 0.06))
            .collect()
    }

    fn begun(samples: &[f32]) -> (Line, Repetition) {
        let mut line = Line::new(FORM.0, FORM.1);
        line.append(samples);
        line.play(samples.len());
        let mut repetition = Repetition::new();
        repetition.begin(&mut Search::default(), &line);
        (line, repetition)
    }

    /// The largest step from one sample to the next.
    fn roughest(samples: &[f32]) -> f32 {
        let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        steps.fold(0.0, f32::max)
    }

    #[test]
    fn a_tone_goes_on_without_a_step_and_fades_away() {
        let (mut line, mut repetition) = begun(&tone(0..4_800));
        for at in 0..8 {
            let silent = repetition.fill(line.append_silence(480), FORM);
            assert_eq!(silent, at >= 6, "{at}");
        }
        // A tone of 0.5 · 0.06 a sample at most.
        assert!(roughest(line.all()) < 0.035, "{}", roughest(line.all()));
        assert_eq!(line.all().last(), Some(&0.0));
        let next: Vec<_> = tone(4_800..5_280);
        let like = correlation(&line.all()[4_800..5_280], &next);
        assert!(like > 0.95, "{like}");
    }

    #[test]
    fn what_comes_after_it_begins_where_it_fits() {
        for spare in [0, 720] {
            let (mut line, mut repetition) = begun(&tone(0..4_800));
            repetition.fill(line.append_silence(480), FORM);
            // Half a period off.
            let new = tone(5_280 + 52..6_240);
            let merged = Merge::default().append(
                &mut Search::default(),
                &mut line,
                &mut repetition,
                &new,
                spare,
            );
            let moved = if spare > 0 {
                merged.left_out
            } else {
                merged.added
            };
            assert!((1..720).contains(&moved), "{merged:?}");
            let len = 5_280 + new.len() + merged.added - merged.left_out;
            assert_eq!(line.all().len(), len);
            assert!(roughest(line.all()) < 0.04, "{}", roughest(line.all()));
        }
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        let (mut line, mut repetition) = begun(&[]);
        repetition.fill(line.append_silence(480), FORM);
        assert!(line.all().iter().all(|it| *it == 0.0));
        // New sound shorter than the fade.
        let merged = Merge::default().append(
            &mut Search::default(),
            &mut line,
            &mut repetition,
            &[0.5; 10],
            720,
        );
        assert_eq!(merged, Merged::default());
        assert_eq!(line.all().len(), 490);
    }
}
