//! A test picture with a number in it that survives encoding, and what compares two pictures: by them
//! a test knows which picture came, and how well.
//!
//! The number stands in two rows of sixteen squares at the top, each a sixteenth of the width: its
//! bits, the highest first, white for one, and below them the opposite of each. Under it a soft
//! picture moves.
//!
//! ```
//! use duologue_codec::pattern;
//!
//! let sent = pattern::draw(4_711, 640, 360)?;
//! assert_eq!(pattern::number(&sent), Some(4_711));
//! assert!(pattern::psnr(&sent, &pattern::draw(4_712, 640, 360)?) < Some(60.0));
//! # Ok::<(), duologue_codec::CodecError>(())
//! ```

use crate::frame::check_size;
use crate::{CodecError, PixelFormat, VideoFrame, limits};

mod segments;

/// Bits of the number.
const BITS: u32 = 16;

/// The picture of a number, as I420.
///
/// # Errors
/// As [`VideoFrame::new`]: for a size that cannot be.
pub fn draw(number: u16, width: u32, height: u32) -> Result<VideoFrame, CodecError> {
    draw_with(number, width, height, "")
}

/// [`draw`] with the noise of a camera, which is most of what an encoder has to do.
///
/// # Errors
/// As [`draw`].
pub fn draw_noisy(number: u16, width: u32, height: u32) -> Result<VideoFrame, CodecError> {
    let clean = draw(number, width, height)?;
    let mut noise = u32::from(number).wrapping_mul(2_654_435_761) | 1;
    let mut data = Vec::new();
    for plane in 0..3 {
        let (_, rows) = clean.format().plane_size(plane, width, height);
        for row in 0..rows {
            data.extend(clean.row(plane, row).iter().map(|sample| {
                // Marsaglia's xorshift.
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                sample.saturating_add((noise >> 29) as u8).saturating_sub(4)
            }));
        }
    }
    VideoFrame::packed(PixelFormat::I420, width, height, data.into())
}

/// The picture of a number with digits for people below the squares: of a text its digits, colons,
/// dots and spaces.
///
/// # Errors
/// As [`draw`].
pub fn draw_with(
    number: u16,
    width: u32,
    height: u32,
    text: &str,
) -> Result<VideoFrame, CodecError> {
    check_size(width, height, limits::MAX_PIXELS)?;
    let side = (width / BITS).max(1);
    let time = u32::from(number);
    let mut data = Vec::new();
    for y in 0..height {
        let row = (0..width).map(|x| match (y / side, x / side) {
            (row @ 0..2, column) => {
                let bit = number >> (BITS - 1 - column.min(BITS - 1)) & 1;
                if u32::from(bit) == row { 16 } else { 235 }
            }
            _ => luma(x, y, time),
        });
        data.extend(row);
    }
    segments::write(&mut data, width as usize, 2 * side as usize, text);

    for plane in 1..3 {
        let (row, rows) = PixelFormat::I420.plane_size(plane, width, height);
        for y in 0..rows as u32 {
            let grey = 2 * y < 2 * side;
            let wave = |x: u32| wave(2 * x * plane as u32 + 3 * y + 2 * time) / 4;
            let row = (0..row as u32).map(|x| if grey { 128 } else { 96 + wave(x) });
            data.extend(row);
        }
    }
    VideoFrame::packed(PixelFormat::I420, width, height, data.into())
}

/// The number in a picture, if there is one: each square, where it is not white, has to be black where
/// its opposite is white.
pub fn number(frame: &VideoFrame) -> Option<u16> {
    let frame = frame.to_i420().ok()?;
    let side = frame.width() / BITS;
    if side == 0 || frame.height() < 2 * side {
        return None;
    }
    // The middle half of a square, which encoders blur least.
    let mean = |column: u32, row: u32| {
        let (from, to) = (side / 4, side.div_ceil(2) + side / 4);
        let span = |at: u32| (at * side + from) as usize..(at * side + to) as usize;
        let rows = span(row).map(|y| &frame.row(0, y)[span(column)]);
        let sums = rows.map(|row| row.iter().map(|it| u64::from(*it)).sum::<u64>());
        sums.sum::<u64>() / u64::from((to - from) * (to - from))
    };
    (0..BITS).try_fold(0, |number, column| {
        let bit = match (mean(column, 0), mean(column, 1)) {
            (180.., ..=80) => 1,
            (..=80, 180..) => 0,
            _ => return None,
        };
        Some(number << 1 | bit)
    })
}

/// How near the brightness of one picture is to that of another, in decibels: the peak
/// signal-to-noise ratio. 100 for the same; `None` if they have not the same size.
pub fn psnr(one: &VideoFrame, other: &VideoFrame) -> Option<f64> {
    let (one, other) = (one.to_i420().ok()?, other.to_i420().ok()?);
    if (one.width(), one.height()) != (other.width(), other.height()) {
        return None;
    }
    let rows = 0..one.height() as usize;
    let squares = rows.map(|row| {
        let pairs = one.row(0, row).iter().zip(other.row(0, row));
        let squares = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
        squares.sum::<u64>()
    });
    let squares = squares.sum::<u64>() as f64;
    let samples = f64::from(one.width()) * f64::from(one.height());
    let ratio = 255.0_f64.powi(2) * samples / squares;
    Some((10.0 * ratio.log10()).min(100.0))
}

/// Waves that move, and a soft texture that moves with them.
fn luma(x: u32, y: u32, time: u32) -> u8 {
    let wide = u32::from(wave(x / 2 + y / 3 + 3 * time));
    let fine = u32::from(wave(9 * x + 5 * y + 27 * time));
    (48 + wide / 2 + fine / 8) as u8
}

/// A triangle from 0 to 254 and back, every 256 steps.
fn wave(at: u32) -> u8 {
    let at = at % 256;
    (2 * at.min(255 - at)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_as_it_was_drawn() {
        for (width, height) in [(64, 48), (320, 180), (1_280, 720), (161, 91)] {
            for number in [0, 1, 0x5555, 0xaaaa, 40_000, u16::MAX] {
                let frame = draw(number, width, height).unwrap();
                assert_eq!(super::number(&frame), Some(number), "{width}x{height}");
            }
        }
    }

    #[test]
    fn digits_for_people_do_not_hide_the_number_and_are_cut_where_there_is_no_room() {
        for (width, height) in [(640, 480), (64, 48), (48, 7)] {
            let plain = draw(9_876, width, height).unwrap();
            let told = draw_with(9_876, width, height, "00:12.345 9876").unwrap();
            assert_ne!(plain, told, "{width}x{height}");
            assert_eq!(super::number(&told), Some(9_876));
        }
    }

    #[test]
    fn a_picture_without_a_number_has_none() {
        assert_eq!(number(&VideoFrame::black(320, 180).unwrap()), None);
        assert_eq!(number(&VideoFrame::black(8, 8).unwrap()), None);
    }

    #[test]
    fn the_nearer_a_picture_is_the_higher_is_the_ratio() {
        let black = VideoFrame::black(16, 16).unwrap();
        let grey = |luma: u8| {
            let data = [vec![luma; 256], vec![128; 128]].concat();
            VideoFrame::packed(PixelFormat::I420, 16, 16, data.into()).unwrap()
        };
        assert_eq!(psnr(&black, &black), Some(100.0));
        // An error of one everywhere: 20 log 255.
        let near = psnr(&black, &grey(17)).unwrap();
        assert!((near - 48.13).abs() < 0.01, "{near}");
        assert!(psnr(&black, &grey(60)).unwrap() < near);
        assert_eq!(psnr(&black, &draw(1, 32, 16).unwrap()), None);
    }
}
