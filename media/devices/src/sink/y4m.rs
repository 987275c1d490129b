use std::io::{self, Write};
use std::time::Duration;

use ::y4m::{Colorspace, Error, Ratio};
use duologue_codec::{Scaler, VideoFrame};

use super::unlikely;
use crate::limits;

/// Records pictures to a Y4M file, at a rate of its own: pictures that come more slowly are repeated, of
/// more than that some are left out, so that the file lasts as long as what was recorded. Its size is that
/// of the first picture; others are scaled.
///
/// ```
/// use std::time::Duration;
/// use duologue_devices::{Y4mWriter, codec::pattern};
///
/// let mut file = Y4mWriter::new(Vec::new(), 30);
/// for number in 0..3 {
///     let picture = pattern::draw(number, 64, 48)?;
///     file.write(&picture.at(Duration::from_millis(100) * number.into()))?;
/// }
/// // Each of the first two for a tenth of a second.
/// assert_eq!(file.finish()?, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Y4mWriter<W: Write> {
    rate: u32,
    scaler: Scaler,
    state: State<W>,
}

enum State<W: Write> {
    /// No picture came yet.
    Empty(W),
    Begun(Box<Begun<W>>),
    /// After an error.
    Broken,
}

struct Begun<W: Write> {
    to: W,
    size: (u32, u32),
    /// When picture zero of the file is of.
    origin: Duration,
    /// Pictures in the file.
    written: u64,
    last: VideoFrame,
}

impl<W: Write> std::fmt::Debug for Y4mWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Y4mWriter");
        out.field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl<W: Write> Y4mWriter<W> {
    /// A writer of so many pictures a second, which writes to `to`.
    pub fn new(to: W, rate: u32) -> Self {
        Y4mWriter {
            rate: rate.max(1),
            scaler: Scaler::new(),
            state: State::Empty(to),
        }
    }

    /// Adds a picture. Times rise; after a gap longer than [`limits::GAP`] it goes on at once.
    ///
    /// # Errors
    /// What writing says; nothing is written after one.
    pub fn write(&mut self, frame: &VideoFrame) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Empty(mut to) => {
                let frame = frame.to_i420().map_err(unlikely)?;
                let (width, height) = (frame.width() as usize, frame.height() as usize);
                let builder = ::y4m::encode(width, height, Ratio::new(self.rate as usize, 1));
                let builder = builder.with_colorspace(Colorspace::C420jpeg);
                builder.write_header(&mut to).map_err(failed)?;
                self.state = State::Begun(Box::new(Begun {
                    to,
                    size: (frame.width(), frame.height()),
                    origin: frame.timestamp,
                    written: 0,
                    last: frame,
                }));
            }
            State::Begun(mut begun) => {
                let (width, height) = begun.size;
                let frame = self.scaler.scale(frame, width, height).map_err(unlikely)?;
                begun.write_until(frame.timestamp, self.rate)?;
                begun.last = frame;
                self.state = State::Begun(begun);
            }
            State::Broken => return Err(io::Error::other("the file was not written before")),
        }
        Ok(())
    }

    /// Writes the last picture. Gives how many there are.
    ///
    /// # Errors
    /// What writing says.
    pub fn finish(self) -> io::Result<u64> {
        match self.state {
            State::Empty(mut to) => to.flush().map(|()| 0),
            State::Begun(mut begun) => {
                begun.put()?;
                begun.to.flush()?;
                Ok(begun.written)
            }
            State::Broken => Err(io::Error::other("the file was not written before")),
        }
    }
}

impl<W: Write> Begun<W> {
    /// The last picture lasts until then.
    fn write_until(&mut self, at: Duration, rate: u32) -> io::Result<()> {
        let written = Duration::from_secs_f64(self.written as f64 / f64::from(rate));
        let end = self.origin + written;
        if at > end + limits::GAP {
            self.origin += at - end;
        }
        let elapsed = at.saturating_sub(self.origin).as_secs_f64();
        let due = (elapsed * f64::from(rate)).round() as u64;
        while self.written < due {
            self.put()?;
        }
        Ok(())
    }

    fn put(&mut self) -> io::Result<()> {
        self.to.write_all(b"FRAME\n")?;
        let (width, height) = self.size;
        for plane in 0..3 {
            let (_, rows) = self.last.format().plane_size(plane, width, height);
            for row in 0..rows {
                self.to.write_all(self.last.row(plane, row))?;
            }
        }
        self.written += 1;
        Ok(())
    }
}

fn failed(error: Error) -> io::Error {
    match error {
        Error::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use duologue_codec::pattern;

    use super::*;

    /// A disk that takes nothing more when all is to be on it.
    struct Full;

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_sink_that_fails_at_flush_fails_finish() {
        let mut file = Y4mWriter::new(Full, 30);
        file.write(&pattern::draw(7, 64, 48).unwrap()).unwrap();
        let error = file.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
