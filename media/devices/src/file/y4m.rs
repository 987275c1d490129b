//! YUV4MPEG2, as `mjpegtools`, ffmpeg and the encoders of codecs have it.

use std::borrow::Cow;
use std::io::{self, BufRead, Cursor, Read};
use std::time::Duration;

use ::y4m::{Colorspace, Decoder, Error};
use duologue_codec::{PixelFormat, VideoFrame};

use super::{Frames, Pieces, Reader, lasting, time_of};
use crate::{DeviceError, VideoMode, limits};

pub(super) fn open(mut reader: Reader) -> Result<Frames, String> {
    let header = header(&mut reader)?;
    let decoder = Decoder::new(Cursor::new(header).chain(reader)).map_err(|it| it.to_string())?;
    let colours = Colours::of(decoder.get_colorspace()).ok_or("its colours are not known")?;
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
        colours,
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

/// How the planes of a file are: they become those of I420, 8 bits and colours at a quarter of the size.
#[derive(Clone, Copy, Debug)]
struct Colours {
    /// Pixels that share a sample of colour, beside and above each other; none where there is no colour.
    shared: Option<(usize, usize)>,
    /// More than 8 bits are in two bytes, the lower ones first.
    bits: usize,
}

impl Colours {
    fn of(space: Colorspace) -> Option<Self> {
        let shared = match space {
            Colorspace::Cmono | Colorspace::Cmono12 => None,
            Colorspace::C444 | Colorspace::C444p10 | Colorspace::C444p12 => Some((1, 1)),
            Colorspace::C422 | Colorspace::C422p10 | Colorspace::C422p12 => Some((2, 1)),
            Colorspace::C420
            | Colorspace::C420p10
            | Colorspace::C420p12
            | Colorspace::C420jpeg
            | Colorspace::C420paldv
            | Colorspace::C420mpeg2 => Some((2, 2)),
            _ => return None,
        };
        Some(Colours {
            shared,
            bits: space.get_bit_depth(),
        })
    }

    /// The samples of a plane in 8 bits.
    fn eight_bits<'p>(&self, plane: &'p [u8]) -> Cow<'p, [u8]> {
        if self.bits <= 8 {
            return plane.into();
        }
        let shift = self.bits - 8;
        let samples = plane.chunks_exact(2);
        let sample = |it: &[u8]| (u16::from_le_bytes([it[0], it[1]]) >> shift).min(255) as u8;
        samples.map(sample).collect()
    }

    /// Adds a plane of colours at half the width and height of the picture.
    fn add(&self, plane: &[u8], (width, height): (usize, usize), to: &mut Vec<u8>) {
        let (columns, rows) = (width.div_ceil(2), height.div_ceil(2));
        let (across, down) = match self.shared {
            None => return to.resize(to.len() + columns * rows, 128),
            Some((2, 2)) => return to.extend_from_slice(&self.eight_bits(plane)),
            Some((across, down)) => (2 / across, 2 / down),
        };
        let plane = self.eight_bits(plane);
        let stride = width.div_ceil(2 / across);
        let lines: Vec<&[u8]> = plane.chunks_exact(stride).collect();
        for lines in lines.chunks(down) {
            for column in 0..columns {
                // What is beyond the edge is not there.
                let beside = column * across..(column * across + across).min(stride);
                let samples = lines.iter().flat_map(|line| &line[beside.clone()]);
                let (sum, count) = samples.fold((0, 0), |(sum, count), sample| {
                    (sum + u32::from(*sample), count + 1)
                });
                to.push(((sum + count / 2) / count) as u8);
            }
        }
    }
}

struct Pictures {
    decoder: Decoder<io::Chain<Cursor<Vec<u8>>, Reader>>,
    colours: Colours,
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
        let size = (width as usize, height as usize);
        let mut data = self.colours.eight_bits(frame.get_y_plane()).into_owned();
        for plane in [frame.get_u_plane(), frame.get_v_plane()] {
            self.colours.add(plane, size, &mut data);
        }
        let frame = VideoFrame::packed(PixelFormat::I420, width, height, data.into());
        let frame = frame.map_err(|it| DeviceError::NotReadable("it".into(), it.to_string()))?;
        let at = time_of(self.number, self.mode.frame_rate);
        self.number += 1;
        Ok(Some((frame.at(at), self.lasts)))
    }
}
