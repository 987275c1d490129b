use crate::payload::FrameSize;
use crate::payload::bits::Bits;

/// What a sequence header OBU says (AV1 specification §5.5) of the pictures behind it.
///
/// ```
/// use duologue_rtp::payload::av1::SequenceHeader;
///
/// // libaom's.
/// let payload = [0, 0, 0, 0x24, 0xc4, 0xff, 0xdf, 0x36, 0xbe, 0x40, 0x10];
/// let sequence = SequenceHeader::parse(&payload).unwrap();
/// assert_eq!((sequence.profile, sequence.size.width, sequence.size.height), (0, 640, 480));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SequenceHeader {
    /// `seq_profile`
    pub profile: u8,
    /// `seq_level_idx[0]`
    pub level: u8,
    /// `max_frame_width_minus_1`, `max_frame_height_minus_1`: of the largest picture.
    pub size: FrameSize,
    /// What a frame header must be read with; `None` with a decoder model, which puts more in front
    /// of a frame's size than is read here.
    frames: Option<Frames>,
    reduced_still_picture: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Frames {
    width_bits: u32,
    height_bits: u32,
    /// Of frame ids, 0 without them.
    id_bits: u32,
    /// `seq_force_screen_content_tools`, `seq_force_integer_mv`: `None` is chosen by each frame.
    screen_content_tools: Option<bool>,
    integer_mv: Option<bool>,
    order_hint_bits: u32,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU, without the OBU's header and size.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(payload);
        let profile = bits.read(3)?;
        // still_picture
        bits.skip(1)?;
        let reduced = bits.bit()?;
        let (level, decoder_model) = match reduced {
            true => (bits.read(5)?, false),
            false => operating_points(&mut bits)?,
        };

        let (width_bits, height_bits) = (bits.read(4)? + 1, bits.read(4)? + 1);
        let size = FrameSize {
            width: bits.read(width_bits)? + 1,
            height: bits.read(height_bits)? + 1,
        };
        let frames = Frames::read(&mut bits, reduced, width_bits, height_bits)?;
        Some(SequenceHeader {
            profile: profile as u8,
            level: level as u8,
            size,
            frames: (!decoder_model).then_some(frames),
            reduced_still_picture: reduced,
        })
    }
}

/// Timing and operating points: the first one's level, and whether there is a decoder model.
fn operating_points(bits: &mut Bits<'_>) -> Option<(u32, bool)> {
    let mut delay_bits = None;
    if bits.bit()? {
        // timing_info()
        bits.skip(32 + 32)?;
        if bits.bit()? {
            bits.unsigned()?;
        }
        if bits.bit()? {
            // decoder_model_info()
            delay_bits = Some(bits.read(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }

    let display_delay = bits.bit()?;
    let mut first = None;
    for _ in 0..=bits.read(5)? {
        // operating_point_idc
        bits.skip(12)?;
        let level = bits.read(5)?;
        first.get_or_insert(level);
        if level > 7 {
            bits.skip(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.bit()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if display_delay && bits.bit()? {
            bits.skip(4)?;
        }
    }
    Some((first?, delay_bits.is_some()))
}

impl Frames {
    fn read(bits: &mut Bits<'_>, reduced: bool, width_bits: u32, height_bits: u32) -> Option<Self> {
        let mut frames = Frames {
            width_bits,
            height_bits,
            id_bits: 0,
            screen_content_tools: None,
            integer_mv: None,
            order_hint_bits: 0,
        };
        if !reduced && bits.bit()? {
            let delta = bits.read(4)? + 2;
            frames.id_bits = delta + bits.read(3)? + 1;
        }
        // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
        bits.skip(3)?;
        if reduced {
            return Some(frames);
        }

        // enable_interintra_compound, _masked_compound, _warped_motion, _dual_filter
        bits.skip(4)?;
        let order_hint = bits.bit()?;
        if order_hint {
            bits.skip(2)?;
        }
        if !bits.bit()? {
            frames.screen_content_tools = Some(bits.bit()?);
        }
        if frames.screen_content_tools != Some(false) && !bits.bit()? {
            frames.integer_mv = Some(bits.bit()?);
        }
        if order_hint {
            frames.order_hint_bits = bits.read(3)? + 1;
        }
        Some(frames)
    }
}

/// Of the payload of a frame OBU or frame header OBU (AV1 specification §5.9.2), `None` if it is not
/// of a key frame; its size, `None` if that is not known without a sequence header.
pub(super) fn key_frame_size(
    payload: &[u8],
    sequence: Option<&SequenceHeader>,
) -> Option<Option<FrameSize>> {
    let mut bits = Bits::new(payload);
    if sequence.is_some_and(|sequence| sequence.reduced_still_picture) {
        return Some(sequence.map(|sequence| sequence.size));
    }
    let (show_existing_frame, frame_type) = (bits.bit()?, bits.read(2)?);
    if show_existing_frame || frame_type != 0 {
        return None;
    }
    let Some(sequence) = sequence else {
        return Some(None);
    };
    let own = sequence
        .frames
        .and_then(|frames| own_size(&mut bits, frames));
    Some(Some(own.unwrap_or(sequence.size)))
}

/// Of the payload of a frame that is predicted from the one below it in the same picture: that of the
/// sequence, or `None` if it has one of its own, which stands too far behind.
pub(super) fn upper_layer_size(payload: &[u8], sequence: &SequenceHeader) -> Option<FrameSize> {
    const SWITCH_FRAME: u32 = 3;
    let frames = sequence.frames?;
    let mut bits = Bits::new(payload);
    let (show_existing_frame, frame_type) = (bits.bit()?, bits.read(2)?);
    if show_existing_frame || frame_type == SWITCH_FRAME {
        return None;
    }
    let show_frame = bits.bit()?;
    if !show_frame {
        // showable_frame
        bits.skip(1)?;
    }
    // error_resilient_mode
    bits.skip(1)?;
    let frame_size_override = frame_size_override(&mut bits, frames)?;
    (!frame_size_override).then_some(sequence.size)
}

/// What is between `error_resilient_mode` and `frame_size_override_flag`, and that.
fn frame_size_override(bits: &mut Bits<'_>, frames: Frames) -> Option<bool> {
    // disable_cdf_update
    bits.skip(1)?;
    let tools = match frames.screen_content_tools {
        Some(tools) => tools,
        None => bits.bit()?,
    };
    if tools && frames.integer_mv.is_none() {
        bits.skip(1)?;
    }
    bits.skip(frames.id_bits)?;
    bits.bit()
}

/// The size that a key frame has against that of its sequence, as each spatial layer does.
fn own_size(bits: &mut Bits<'_>, frames: Frames) -> Option<FrameSize> {
    let show_frame = bits.bit()?;
    if !show_frame {
        // showable_frame, error_resilient_mode
        bits.skip(2)?;
    }
    let frame_size_override = frame_size_override(bits, frames)?;
    bits.skip(frames.order_hint_bits)?;

    if !show_frame {
        let refresh_frame_flags = bits.read(8)?;
        // With error_resilient_mode order hints would follow: such a frame is taken to have the
        // size of its sequence.
        if refresh_frame_flags != 0xff {
            return None;
        }
    }
    if !frame_size_override {
        return None;
    }
    Some(FrameSize {
        width: bits.read(frames.width_bits)? + 1,
        height: bits.read(frames.height_bits)? + 1,
    })
}
