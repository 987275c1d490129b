//! Whether a decoded picture is the one that was encoded, by a few samples of the latter (`corruption-detection`).
//!
//! Where they lie follows from a number: a Halton sequence spreads them over the picture, whose planes of colour are
//! thought of as beside that of luma.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_codec::{EncodedVideoChunk, PixelFormat, VideoCodec, VideoFrame};
use duologue_rtp::ext::{CorruptionDetection, SampleFilter, SampleIndex};

use crate::limits::AWAITED_SAMPLES;

/// What takes samples of the pictures of one encoding.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    /// The number of the next sample.
    next: u16,
    /// The picture that was sampled last.
    last: Option<Duration>,
}

/// What compares the pictures of one stream with samples of what was encoded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Checker {
    /// The number behind the last sample.
    next: u16,
}

/// What a picture is to be compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Samples {
    message: CorruptionDetection,
    first: u16,
}

impl Sampler {
    /// What is said of a picture that became this chunk: of each key frame, and of another one each second. What may be
    /// dropped on the way says nothing.
    pub(super) fn sample(
        &mut self,
        picture: &VideoFrame,
        codec: VideoCodec,
        chunk: &EncodedVideoChunk,
    ) -> Option<CorruptionDetection> {
        let since = self.last.map(|last| chunk.timestamp.saturating_sub(last));
        let due = chunk.key || since.is_none_or(|it| it >= PERIOD);
        if chunk.discardable || !due || chunk.timestamp != picture.timestamp {
            return None;
        }
        let picture = picture.to_i420().ok()?;
        let filter = filter(codec, chunk.qp);

        let index = if chunk.key {
            self.next = self.next.next_multiple_of(LOWER) % NUMBERS;
            SampleIndex::Upper((self.next / LOWER) as u8)
        } else {
            SampleIndex::Lower((self.next % LOWER) as u8)
        };
        let samples: Vec<u8> = numbers(self.next, CorruptionDetection::MAX_SAMPLES)
            .map(|number| Place::of(number, &picture).sample(&picture, std_dev(filter)) as u8)
            .collect();
        self.next = after(self.next, samples.len());
        self.last = Some(chunk.timestamp);
        Some(CorruptionDetection::new(index, filter, &samples))
    }
}

impl Checker {
    /// Reads which samples these are; they are read in the order in which pictures are decoded. `None` where there are none.
    pub(super) fn read(&mut self, message: CorruptionDetection) -> Option<Samples> {
        let first = match message.index {
            SampleIndex::Upper(bits) => u16::from(bits) * LOWER,
            // What lies between was lost.
            SampleIndex::Lower(bits) => {
                let ahead = (u16::from(bits) + LOWER - self.next % LOWER) % LOWER;
                (self.next + ahead) % NUMBERS
            }
        };
        let count = message.samples().len();
        self.next = after(first, count);
        (count > 0).then_some(Samples { message, first })
    }
}

impl Samples {
    /// How likely the picture is not the one that was encoded, from 0 to 1.
    pub(super) fn compare(&self, picture: &VideoFrame) -> Option<f64> {
        let picture = picture.to_i420().ok()?;
        let filter = self.message.filter;
        let samples = self.message.samples();
        let squares = numbers(self.first, samples.len())
            .zip(samples)
            .map(|(number, &sent)| {
                let place = Place::of(number, &picture);
                let allowed = match place.plane {
                    0 => filter.luma_error,
                    _ => filter.chroma_error,
                };
                let here = place.sample(&picture, std_dev(filter));
                let off = (here - f64::from(sent)).abs() - f64::from(allowed);
                off.max(0.0).powi(2)
            });
        Some((squares.sum::<f64>() / CORRUPT).min(1.0))
    }
}

/// Samples of frames whose pictures have not come from the decoder, by the times of these: a decoder may hold pictures
/// back, or return those of earlier frames.
#[derive(Debug, Default)]
pub(super) struct Awaited(VecDeque<(Duration, Samples)>);

impl Awaited {
    pub(super) fn expect(&mut self, picture: Duration, samples: Samples) {
        if self.0.len() >= AWAITED_SAMPLES {
            self.0.pop_front();
        }
        self.0.push_back((picture, samples));
    }

    /// How likely each of those pictures of which there are samples is not the one that was encoded.
    pub(super) fn compare(&mut self, pictures: &[VideoFrame]) -> Vec<f64> {
        let compared = pictures.iter().filter_map(|picture| {
            let known = self.0.iter().position(|(at, _)| *at == picture.timestamp)?;
            let (at, samples) = self.0.remove(known)?;
            // Of several layers nobody knows which one was sampled.
            let alone = pictures.iter().filter(|it| it.timestamp == at).count() == 1;
            samples.compare(picture).filter(|_| alone)
        });
        compared.collect()
    }
}

/// One sample's place in a picture.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Place {
    plane: usize,
    x: usize,
    y: usize,
}

impl Place {
    fn of(number: u16, picture: &VideoFrame) -> Self {
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let row = halton(number, 2) * height;
        let column = halton(number, 3) * width * 1.5;
        let (plane, x, y) = if column < width {
            (0, column, row)
        } else if row < height / 2.0 {
            (1, column - width, row)
        } else {
            (2, column - width, row - height / 2.0)
        };
        let (x, y) = (x as usize, y as usize);
        Place { plane, x, y }
    }

    /// The picture there, blurred.
    fn sample(self, picture: &VideoFrame, std_dev: f64) -> f64 {
        let (width, rows) =
            PixelFormat::I420.plane_size(self.plane, picture.width(), picture.height());
        // Halves of what is odd.
        let (x, y) = (self.x.min(width - 1), self.y.min(rows - 1));
        if std_dev == 0.0 {
            return f64::from(picture.row(self.plane, y)[x]);
        }
        let double_variance = 2.0 * std_dev * std_dev;
        let reach = (-LEAST_WEIGHT.ln() * double_variance).sqrt().ceil() - 1.0;
        let reach = reach.max(0.0) as usize;
        // The weight of a pixel is the product of those of its row and its column: a peer says how many there are.
        let weight = |distance: usize| (-((distance * distance) as f64) / double_variance).exp();
        let weight: Vec<f64> = (0..=reach).map(weight).collect();
        let (mut sum, mut weights) = (0.0, 0.0);
        for at_y in y.saturating_sub(reach)..=(y + reach).min(rows - 1) {
            let row = picture.row(self.plane, at_y);
            let of_row = weight[at_y.abs_diff(y)];
            for at_x in x.saturating_sub(reach)..=(x + reach).min(width - 1) {
                let weight = of_row * weight[at_x.abs_diff(x)];
                sum += weight * f64::from(row[at_x]);
                weights += weight;
            }
        }
        sum / weights
    }
}

/// A number of the Halton sequence of this base: its digits behind the point, in the other order.
fn halton(number: u16, base: u16) -> f64 {
    let (mut left, mut digit, mut value) = (number, 1.0, 0.0);
    while left > 0 {
        digit /= f64::from(base);
        value += digit * f64::from(left % base);
        left /= base;
    }
    value
}

fn numbers(first: u16, count: usize) -> impl Iterator<Item = u16> {
    (0..count).map(move |ahead| after(first, ahead))
}

fn after(number: u16, count: usize) -> u16 {
    (number + count as u16) % NUMBERS
}

fn std_dev(filter: SampleFilter) -> f64 {
    f64::from(filter.std_dev) * LARGEST_STD_DEV / 255.0
}

/// How samples of a picture that is so coarse are to be taken and compared, so that nearly all of what the codec alone did
/// to it is within what is allowed.
fn filter(codec: VideoCodec, qp: Option<u8>) -> SampleFilter {
    let most = match codec {
        VideoCodec::Vp8 => Some(127.0),
        VideoCodec::Vp9 | VideoCodec::Av1 => Some(255.0),
        VideoCodec::H264 | VideoCodec::H265 => Some(51.0),
        _ => None,
    };
    // Of an encoder that does not tell it, anything is to be expected.
    let coarse = most.zip(qp).map_or(1.0, |(most, qp)| f64::from(qp) / most);
    let coarse = coarse.min(1.0);
    let std_dev = 1.0 + 5.0 * coarse;
    SampleFilter {
        std_dev: (std_dev * 255.0 / LARGEST_STD_DEV).round() as u8,
        luma_error: (3.0 + 12.0 * coarse).round() as u8,
        chroma_error: (3.0 + 9.0 * coarse).round() as u8,
    }
}

/// Of the numbers, and of those that their lower half tells apart.
const NUMBERS: u16 = 1 << 14;
const LOWER: u16 = 1 << 7;

/// Pictures that are no key frames are sampled so often.
const PERIOD: Duration = Duration::from_secs(1);

/// What is so far off that it weighs less is not looked at.
const LEAST_WEIGHT: f64 = 0.2;

/// What 255 means, in pixels.
const LARGEST_STD_DEV: f64 = 40.0;

/// The sum of the squares of what is beyond the allowed at which a picture is another one for certain: one sample that is
/// 60 off, or all of them by 17.
const CORRUPT: f64 = 3_600.0;

#[cfg(test)]
mod tests;
