//! What each library has to do right before it is used: a picture and a tone that come out as they
//! went in.

use std::time::Duration;

use duologue_codec::{
    AudioDecode, AudioEncode, CodecError, PixelFormat, VideoDecode, VideoEncode,
    VideoEncoderConfig, VideoFrame,
};

const SIDE: u32 = 64;

/// What the encoder of the test is made for.
pub(crate) fn config(codec: duologue_codec::VideoCodec) -> VideoEncoderConfig {
    VideoEncoderConfig {
        bitrate: 500_000,
        ..VideoEncoderConfig::new(codec, SIDE, SIDE)
    }
}

/// A soft picture with a different corner for each `number`.
fn picture(number: u32) -> Result<VideoFrame, CodecError> {
    let at = |x: u32, y: u32| {
        let lit = (x / 32 + 2 * (y / 32)) == number % 4;
        (64 + x + y / 2 + if lit { 60 } else { 0 }) as u8
    };
    let luma = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| at(x, y)));
    let mut data: Vec<u8> = luma.collect();
    data.resize(data.len() + 32 * 32, 110);
    data.resize(data.len() + 32 * 32, 140);
    let frame = VideoFrame::packed(PixelFormat::I420, SIDE, SIDE, data.into())?;
    Ok(frame.at(Duration::from_millis(33) * number))
}

/// Pictures of 64 times 64 pixels go round: a key frame, one after it, and a key frame on request.
pub(crate) fn pictures(
    encoder: &mut dyn VideoEncode,
    decoder: &mut dyn VideoDecode,
) -> Result<(), CodecError> {
    for number in 0..3 {
        let source = picture(number)?;
        let key = number != 1;
        let mut chunks = Vec::new();
        encoder.encode(&source, key, &mut chunks)?;
        let [chunk] = &chunks[..] else {
            return Err(CodecError::Invalid(
                "a picture makes another number of frames",
            ));
        };
        if key && !chunk.key {
            return Err(CodecError::Invalid("no key frame where one was asked for"));
        }

        let mut pictures = Vec::new();
        decoder.decode(&chunk.data, source.timestamp, &mut pictures)?;
        let [decoded] = &pictures[..] else {
            return Err(CodecError::Invalid(
                "a frame makes another number of pictures",
            ));
        };
        if error(&source, decoded) > 8 {
            return Err(CodecError::Invalid("another picture comes out"));
        }
    }
    Ok(())
}

/// Pictures become frames, where the library has no decoder that would show more: keyed as asked, and
/// of the right size.
pub(crate) fn makes_frames(encoder: &mut dyn VideoEncode) -> Result<(), CodecError> {
    for number in 0..3 {
        let mut chunks = Vec::new();
        encoder.encode(&picture(number)?, number != 1, &mut chunks)?;
        let [chunk] = &chunks[..] else {
            return Err(CodecError::Invalid(
                "a picture makes another number of frames",
            ));
        };
        let format = duologue_codec::VideoCodec::Av1.payload_format();
        let mut parts = duologue_rtp::payload::Parts::new();
        let found = format.find_parts(&chunk.data, &mut parts);
        found.map_err(|_| CodecError::Invalid("what comes out is no frame"))?;
        let info = format.frame_info(&chunk.data, &parts);
        let size = info.size.map(|size| (size.width, size.height));
        let key = number != 1;
        if (chunk.key, info.key) != (key, key) || (key && size != Some((SIDE, SIDE))) {
            return Err(CodecError::Invalid("another frame comes out"));
        }
    }
    Ok(())
}

/// The mean error of a sample over all planes; as large as can be when the size differs.
fn error(source: &VideoFrame, decoded: &VideoFrame) -> u64 {
    let size = |frame: &VideoFrame| (frame.width(), frame.height(), frame.format());
    if size(source) != size(decoded) || source.timestamp != decoded.timestamp {
        return u64::MAX;
    }
    let (mut sum, mut count) = (0, 0);
    for plane in 0..3 {
        let (_, rows) = source.format().plane_size(plane, SIDE, SIDE);
        for row in 0..rows {
            let pairs = source.row(plane, row).iter().zip(decoded.row(plane, row));
            sum += pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
            count += source.row(plane, row).len() as u64;
        }
    }
    sum / count
}

/// A tone of 1 kHz goes round, ten packets of 20 ms.
pub(crate) fn tone(
    encoder: &mut dyn AudioEncode,
    decoder: &mut dyn AudioDecode,
) -> Result<(), CodecError> {
    let mut decoded = vec![0.0; 960];
    for packet in 0..10 {
        let at = |n: usize| (n as f32 * std::f32::consts::TAU / 48.0).sin() / 2.0;
        let samples: Vec<f32> = (packet * 960..(packet + 1) * 960).map(at).collect();
        let mut bytes = Vec::new();
        encoder.encode(&samples, &mut bytes)?;
        if decoder.frames(&bytes) != Some(960) || decoder.decode(&bytes, &mut decoded)? != 960 {
            return Err(CodecError::Invalid("a packet of another length"));
        }
    }
    let crossings = decoded
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0);
    let crossings = crossings.count();
    let energy: f32 = decoded.iter().map(|sample| sample * sample).sum();
    // 20 periods at half of the amplitude: 120, or a little less.
    if !(19..=21).contains(&crossings) || !(60.0..180.0).contains(&energy) {
        return Err(CodecError::Invalid("another tone comes out"));
    }
    Ok(())
}
