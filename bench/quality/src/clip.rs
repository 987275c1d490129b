//! What is encoded: a moving picture with a number, and the noise of a camera in it.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use duologue_codec::{CodecError, VideoFrame, pattern};

pub(crate) const WIDTH: u32 = 1280;
pub(crate) const HEIGHT: u32 = 720;
/// Pictures a second.
pub(crate) const RATE: u32 = 30;

/// The picture of a number.
pub(crate) fn picture(number: u16) -> Result<VideoFrame, CodecError> {
    let frame = pattern::draw_noisy(number, WIDTH, HEIGHT)?;
    Ok(frame.at(Duration::from_secs(1) * u32::from(number) / RATE))
}

/// So many pictures as a file of YUV4MPEG2, which encoder programs read.
pub(crate) fn write(path: &Path, count: u16) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(
        file,
        "YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg"
    )?;
    for number in 0..count {
        let picture = picture(number).map_err(io::Error::other)?;
        writeln!(file, "FRAME")?;
        for plane in 0..3 {
            let (_, rows) = picture.format().plane_size(plane, WIDTH, HEIGHT);
            for row in 0..rows {
                file.write_all(picture.row(plane, row))?;
            }
        }
    }
    file.flush()
}
