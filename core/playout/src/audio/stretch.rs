use super::line::Line;
use super::search::{Search, power};

/// What is made shorter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shorten {
    /// Sound, by one piece where it does not show.
    Sound,
    /// Sound that is much too late: less exactly, and by several pieces where they fit.
    LateSound,
    /// What was made up for something lost, likewise: `behind` so many samples a channel, by at most so many.
    MadeUp { behind: usize, most: usize },
}

/// What waits is made shorter by a piece that is like the next one, so that it does not show.
///
/// It takes thirty milliseconds that wait; of what was made up, twenty behind what stays whole. How many samples a channel
/// went; `None` where no piece is like its neighbour.
pub(crate) fn accelerate(search: &mut Search, line: &mut Line, what: Shorten) -> Option<usize> {
    let (least, longest, window) = lags(line);
    let channels = line.channels();
    let (behind, most, enough) = match what {
        Shorten::Sound => (0, longest, ALIKE),
        Shorten::LateSound => (0, longest, ALIKE_IN_A_HURRY),
        Shorten::MadeUp { behind, most } => (behind, most.min(longest), ALIKE_MADE_UP),
    };
    if most < least {
        return None;
    }
    let waits = line.ahead().get(behind * channels..)?;
    let wanted = match what {
        Shorten::MadeUp { .. } => most + window.max(most),
        _ => LOOK_AHEAD * line.frames_of_ms(1),
    };
    if waits.len() < wanted * channels {
        return None;
    }
    let reference = &waits[..window * channels];
    let region = &waits[..(most + window) * channels];
    let found = search.best(reference, region, least..=most, (line.rate(), channels));

    if found.correlation < enough && power(region) > QUIET {
        return None;
    }
    let pieces = match what {
        Shorten::Sound => 1,
        Shorten::LateSound | Shorten::MadeUp { .. } => most / found.at.max(1),
    };
    let gone = found.at * pieces.max(1);
    line.shorten(behind, gone);
    Some(gone)
}

/// What was played last is played again before what waits, where both are alike.
///
/// It takes ten milliseconds that wait. How many samples a channel that is.
pub(crate) fn expand(search: &mut Search, line: &mut Line) -> Option<usize> {
    let (least, most, window) = lags(line);
    let channels = line.channels();
    let played = line.history().len();
    if line.waiting() < window || played < most * channels {
        return None;
    }
    let reference = &line.ahead()[..window * channels];
    let region = &line.all()[played - most * channels..];
    let region = &region[..region.len().min((most - least + window) * channels)];
    let found = search.best(reference, region, 0..=most - least, (line.rate(), channels));

    if found.correlation < ALIKE && power(region) > QUIET {
        return None;
    }
    let more = most - found.at;
    line.lengthen(more);
    Some(more)
}

/// The shortest and the longest piece, and what is compared, in samples a channel: periods of 66 to
/// 400 Hz, and ten milliseconds.
pub(crate) fn lags(line: &Line) -> (usize, usize, usize) {
    let rate = line.rate() as usize;
    (rate / 400, rate * 3 / 200, rate / 100)
}

/// What [`accelerate`] wants to see, in milliseconds: twice the longest piece.
pub(crate) const LOOK_AHEAD: usize = 30;
/// From here on a splice is not heard.
const ALIKE: f32 = 0.9;
/// A splice is heard, but less than a delay that stays.
const ALIKE_IN_A_HURRY: f32 = 0.5;
/// A splice is heard no more than what it takes out: that is no sound that was said.
const ALIKE_MADE_UP: f32 = 0.9;
/// −55 dB of full scale: what is so quiet can be spliced anywhere.
const QUIET: f32 = 3e-6;

#[cfg(test)]
mod tests {
    use duologue_base::float;

    use super::*;

    fn noise(frames: usize, loudness: f32) -> Vec<f32> {
        let mut state = 1_u32;
        let draw = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as i32 as f32 / 2_f32.powi(31)) * loudness
        };
        (0..frames).map(draw).collect()
    }

    fn line_of(samples: &[f32]) -> Line {
        let mut line = Line::new(48_000, 1);
        line.append(samples);
        line.play(960);
        line
    }

    #[test]
    fn noise_is_not_spliced_unless_it_is_quiet() {
        let mut search = Search::default();
        let mut loud = line_of(&noise(4_000, 0.5));
        assert_eq!(accelerate(&mut search, &mut loud, Shorten::Sound), None);
        assert_eq!(accelerate(&mut search, &mut loud, Shorten::LateSound), None);
        assert_eq!(expand(&mut search, &mut loud), None);

        let mut quiet = line_of(&noise(4_000, 0.001));
        let gone = accelerate(&mut search, &mut quiet, Shorten::Sound).unwrap();
        assert_eq!(quiet.waiting(), 3_040 - gone);
        let more = expand(&mut search, &mut quiet).unwrap();
        assert_eq!(quiet.waiting(), 3_040 - gone + more);
    }

    #[test]
    fn in_a_hurry_as_much_goes_as_fits() {
        let tone: Vec<f32> = (0..4_000).map(|at| float::sin(at as f32 * 0.15)).collect();
        let mut search = Search::default();
        let gone = accelerate(&mut search, &mut line_of(&tone), Shorten::LateSound).unwrap();
        assert!((480..=720).contains(&gone), "{gone}");
    }

    #[test]
    fn of_what_is_made_up_no_more_goes_than_may() {
        // A period of 2.6 ms.
        let tone: Vec<f32> = (0..4_000).map(|at| float::sin(at as f32 * 0.05)).collect();
        let mut search = Search::default();
        let mut gone = |most| {
            let mut line = line_of(&tone);
            let said = line.ahead()[..200].to_vec();
            let gone = accelerate(
                &mut search,
                &mut line,
                Shorten::MadeUp { behind: 200, most },
            );
            assert_eq!(line.ahead()[..200], said);
            gone
        };
        assert_eq!(gone(119), None);
        assert_eq!(gone(130), Some(126));
        assert!(gone(300).is_some_and(|it| (250..=254).contains(&it)));
    }

    #[test]
    fn what_is_too_short_stays() {
        let mut search = Search::default();
        let mut line = line_of(&[0.0; 960]);
        assert_eq!(accelerate(&mut search, &mut line, Shorten::LateSound), None);
        assert_eq!(expand(&mut search, &mut line), None);
    }
}
