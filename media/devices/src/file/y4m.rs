//! YUV4MPEG2, as `mjpegtools`, ffmpeg and the encoders of codecs have it.

use std::io::{self, BufRead, Cursor, Read};
use std::time::Duration;

use ::y4m::{Colorspace, Decoder, Error};
use duologue_codec::{PixelFormat, VideoFrame};

use super::{Frames, Pieces, Reader, lasting, time_of};
use crate::{DeviceError, VideoMode, limits};

pub(super) fn open(mut reader: Reader) -> Result<Frames, String> {
    let header = header(&mut reader)?;
    let decoder = Decoder::new(Cursor::new(header).chain(reader)).map_err(|it| it.to_string())?;
    let grey = match decoder.get_colorspace() {
        Colorspace::Cmono => true,
        Colorspace::C420 | Colorspace::C420jpeg | Colorspace::C420paldv | Colorspace::C420mpeg2 => {
            false
        }
        _ => {
            return Err(
                "its colour is not at a quarter of the size, or has more than 8 bits".into(),
            );
        }
    };
    let rate = decoder.get_framerate();
    let mode = VideoMode {
        // The header was looked at.
        width: decoder.get_width() as u32,
        height: decoder.get_height() as u32,
        frame_rate: rate.num as f64 / rate.den.max(1) as f64,
    };
    let lasts = lasting(mode.frame_rate).ok_or("no such rate")?;
    let pictures = Pictures {
        decoder,
        grey,
        mode,
        lasts,
        number: 0,
    };
    Ok(Frames::Video(Box::new(pictures), mode))
}

/// The first line, whose size is one that can be: the library multiplies whatever it says.
fn header(reader: &mut Reader) -> Result<Vec<u8>, String> {
    let mut header = Vec::new();
    let mut limited = reader.by_ref().take(limits::Y4M_HEADER as u64);
    let read = limited.read_until(b'\n', &mut header);
    read.map_err(|it| it.to_string())?;
    if !header.ends_with(b"\n") {
        return Err("it has no header".into());
    }
    let text = String::from_utf8_lossy(&header);
    let side = |name: char| {
        let mut fields = text.split_ascii_whitespace();
        let value = fields.find_map(|it| it.strip_prefix(name));
        value.and_then(|it| it.parse::<u32>().ok())
    };
    let size = side('W').zip(side('H'));
    let (width, height) = size.ok_or("it says no size")?;
    VideoFrame::check_size(width, height).map_err(|it| it.to_string())?;
    // Of several the library takes the last.
    let sides = text.split_ascii_whitespace();
    let sides = sides.filter(|it| it.starts_with(['W', 'H'])).count();
    match sides {
        2 => Ok(header),
        _ => Err("it says two sizes".into()),
    }
}

struct Pictures {
    decoder: Decoder<io::Chain<Cursor<Vec<u8>>, Reader>>,
    /// There is no colour.
    grey: bool,
    mode: VideoMode,
    lasts: Duration,
    number: u64,
}

impl Pieces<VideoFrame> for Pictures {
    fn next(&mut self) -> Result<Option<(VideoFrame, Duration)>, DeviceError> {
        let frame = match self.decoder.read_frame() {
            Ok(frame) => frame,
            Err(Error::EOF) => return Ok(None),
            Err(error) => return Err(DeviceError::NotReadable("it".into(), error.to_string())),
        };
        let VideoMode { width, height, .. } = self.mode;
        let mut data = frame.get_y_plane().to_vec();
        if self.grey {
            let (stride, rows) = PixelFormat::I420.plane_size(1, width, height);
            data.resize(data.len() + 2 * stride * rows, 128);
        } else {
            data.extend_from_slice(frame.get_u_plane());
            data.extend_from_slice(frame.get_v_plane());
        }
        let frame = VideoFrame::packed(PixelFormat::I420, width, height, data.into());
        let frame = frame.map_err(|it| DeviceError::NotReadable("it".into(), it.to_string()))?;
        let at = time_of(self.number, self.mode.frame_rate);
        self.number += 1;
        Ok(Some((frame.at(at), self.lasts)))
    }
}
