//! Pictures in a terminal: two pixels in each character, the upper half in one colour, the lower in another.

use std::fmt::Write;

use duologue::codec::{CodecError, Scaler, VideoFrame};

/// The picture in so many columns, with a line for every two rows of pixels.
pub(super) fn half_blocks(
    frame: &VideoFrame,
    columns: u32,
    scaler: &mut Scaler,
) -> Result<String, CodecError> {
    let high = u64::from(columns) * u64::from(frame.height()) / u64::from(frame.width());
    // Two rows a line.
    let high = (high as u32).clamp(2, 2 * columns) & !1;
    let small = scaler.scale(frame, columns, high)?.to_rgba()?;
    let mut text = String::new();
    for line in 0..high as usize / 2 {
        let [upper, lower] = [2 * line, 2 * line + 1].map(|row| small.row(0, row));
        for (upper, lower) in upper.chunks_exact(4).zip(lower.chunks_exact(4)) {
            let ([r, g, b], [x, y, z]) = (
                [upper[0], upper[1], upper[2]],
                [lower[0], lower[1], lower[2]],
            );
            // Writing to a string does not fail.
            let _ = write!(text, "\x1b[38;2;{r};{g};{b};48;2;{x};{y};{z}m▀");
        }
        text += "\x1b[0m\n";
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use duologue::codec::PixelFormat;

    use super::*;

    #[test]
    fn a_picture_is_shown_in_its_colours_and_its_shape() {
        let (red, blue) = ([255, 0, 0, 255], [0, 0, 255, 255]);
        let pixels = [red.repeat(64 * 24), blue.repeat(64 * 24)].concat();
        let frame = VideoFrame::packed(PixelFormat::Rgba, 64, 48, pixels.into()).unwrap();
        let text = half_blocks(&frame, 8, &mut Scaler::new()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches('▀').count() == 8));
        let colours = |line: &str| {
            let numbers = line.split(['[', ';', 'm']);
            numbers
                .filter_map(|it| it.parse::<u16>().ok())
                .take(10)
                .collect::<Vec<_>>()
        };
        // Foreground and background, each as 2;r;g;b.
        let first = colours(lines[0]);
        assert!(first[2] > 200 && first[4] < 60, "{first:?}");
        let last = colours(lines[2]);
        assert!(last[2] < 60 && last[4] > 200, "{last:?}");
    }
}
