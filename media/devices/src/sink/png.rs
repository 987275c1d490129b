use std::io::{self, Write};

use duologue_codec::VideoFrame;
use png::{BitDepth, ColorType, Compression, Encoder};

use super::unlikely;

/// Writes a picture as PNG: what a person or another program looks at.
///
/// ```
/// use duologue_devices::{codec::pattern, write_png};
///
/// let mut file = Vec::new();
/// write_png(&pattern::draw(7, 320, 240)?, &mut file)?;
/// assert!(file.starts_with(b"\x89PNG"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What writing says.
pub fn write_png(frame: &VideoFrame, to: impl Write) -> io::Result<()> {
    let rgba = frame.to_rgba().map_err(unlikely)?;
    let rows = (0..rgba.height() as usize).flat_map(|row| rgba.row(0, row).chunks_exact(4));
    let pixels: Vec<u8> = rows.flat_map(|pixel| &pixel[..3]).copied().collect();
    let mut encoder = Encoder::new(to, rgba.width(), rgba.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(())
}
