use std::ops::Range;

use super::parts::Parts;

/// Why packets do not make a frame. The caller counts it and drops the frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JoinError {
    /// A payload is shorter than what it says, or says what it may not.
    #[error("a payload is malformed")]
    Malformed,
    /// A payload of a kind that no negotiation allows here: interleaved NAL units, for one.
    #[error("a payload is of a kind that was not negotiated")]
    Unsupported,
    /// The packets are not all of the frame: something is missing between them or at an end.
    #[error("a packet of the frame is missing")]
    Torn,
    /// The frame is larger than the caller allows, or has more parts than any encoder makes.
    #[error("the frame is too large")]
    TooLarge,
    /// There is no packet, or none with anything that is kept.
    #[error("the frame is empty")]
    Empty,
}

/// A piece of a unit that one packet carries: a NAL unit, an OBU, a layer's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment<'a> {
    /// The header of a NAL unit that was cut, which no packet carries as it is.
    pub(crate) head: Head,
    pub(crate) data: &'a [u8],
    pub(crate) begins: bool,
    pub(crate) ends: bool,
}

impl<'a> Fragment<'a> {
    /// A whole unit.
    pub(crate) fn whole(data: &'a [u8]) -> Self {
        Fragment {
            head: Head::default(),
            data,
            begins: true,
            ends: true,
        }
    }
}

/// Up to two bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head {
    bytes: [u8; 2],
    len: u8,
}

impl Head {
    pub(crate) fn one(byte: u8) -> Self {
        Head {
            bytes: [byte, 0],
            len: 1,
        }
    }

    pub(crate) fn two(bytes: [u8; 2]) -> Self {
        Head { bytes, len: 2 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What units look like in a frame.
pub(crate) trait Form {
    /// Bytes that a unit takes in the frame before those it has in packets; `None` if it is left out.
    fn before(&self, unit: Unit) -> Result<Option<usize>, JoinError>;

    /// Whether those bytes belong to the part.
    const BEFORE_IS_PART: bool;

    /// Fills the bytes before a unit that lies behind them, all of it in `place`.
    fn finish(&self, place: &mut [u8], before: usize) -> Result<(), JoinError>;
}

/// A unit as it is in packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unit {
    /// Its first byte.
    pub(crate) first: u8,
    pub(crate) len: usize,
}

impl Unit {
    fn begin(fragment: &Fragment<'_>) -> Result<Self, JoinError> {
        let first = fragment.head.as_slice().first().or(fragment.data.first());
        let first = *first.ok_or(JoinError::Malformed)?;
        Ok(Unit { first, len: 0 })
    }

    fn and(self, fragment: &Fragment<'_>) -> Self {
        let more = fragment.head.as_slice().len() + fragment.data.len();
        Unit {
            len: self.len + more,
            ..self
        }
    }
}

/// Appends the units to the frame, each copied once; or leaves frame and parts as they are.
///
/// The first pass looks at the units' sizes, which stand before them and are known behind them.
pub(crate) fn join_units<'a, F: Form>(
    form: &F,
    fragments: impl Iterator<Item = Result<Fragment<'a>, JoinError>> + Clone,
    limit: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let (frame_len, parts_len) = (frame.len(), parts.len());
    let joined = measure(form, fragments.clone(), frame_len, limit, parts)
        .and_then(|len| write(form, fragments, len, frame));

    if joined.is_err() {
        frame.truncate(frame_len);
        parts.truncate(parts_len);
    }
    joined
}

/// Notes where the parts will lie, and says how many bytes are to come.
fn measure<'a, F: Form>(
    form: &F,
    fragments: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
    base: usize,
    limit: usize,
    parts: &mut Parts,
) -> Result<usize, JoinError> {
    let mut at = base;
    let mut open: Option<Unit> = None;
    for fragment in fragments {
        let fragment = fragment?;
        let unit = match (fragment.begins, open.take()) {
            (true, None) => Unit::begin(&fragment)?,
            (false, Some(unit)) => unit,
            _ => return Err(JoinError::Torn),
        };
        let unit = unit.and(&fragment);
        if !fragment.ends {
            open = Some(unit);
            continue;
        }

        let Some(before) = form.before(unit)? else {
            continue;
        };
        let end = at + before + unit.len;
        if end - base > limit {
            return Err(JoinError::TooLarge);
        }
        let start = if F::BEFORE_IS_PART { at } else { at + before };
        if !parts.push(part(start..end)?) {
            return Err(JoinError::TooLarge);
        }
        at = end;
    }
    match (open, at - base) {
        (Some(_), _) => Err(JoinError::Torn),
        (None, 0) => Err(JoinError::Empty),
        (None, len) => Ok(len),
    }
}

fn part(range: Range<usize>) -> Result<Range<u32>, JoinError> {
    match (u32::try_from(range.start), u32::try_from(range.end)) {
        (Ok(start), Ok(end)) => Ok(start..end),
        _ => Err(JoinError::TooLarge),
    }
}

/// The second pass over what the first one found to be whole.
fn write<'a, F: Form>(
    form: &F,
    fragments: impl Iterator<Item = Result<Fragment<'a>, JoinError>> + Clone,
    len: usize,
    frame: &mut Vec<u8>,
) -> Result<(), JoinError> {
    frame.reserve(len);
    let mut fragments = fragments;
    while let Some(fragment) = fragments.next() {
        let mut fragment = fragment?;
        let unit = unit_from(fragment, fragments.clone())?;
        let before = form.before(unit)?;
        let start = frame.len();
        frame.resize(start + before.unwrap_or_default(), 0);

        loop {
            if before.is_some() {
                frame.extend_from_slice(fragment.head.as_slice());
                frame.extend_from_slice(fragment.data);
            }
            if fragment.ends {
                break;
            }
            fragment = fragments.next().unwrap_or(Err(JoinError::Torn))?;
        }
        if let Some(before) = before {
            form.finish(&mut frame[start..], before)?;
        }
    }
    Ok(())
}

/// The unit that a fragment begins. Each packet is looked at once for a unit that began before it.
fn unit_from<'a>(
    first: Fragment<'a>,
    rest: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
) -> Result<Unit, JoinError> {
    let mut unit = Unit::begin(&first)?.and(&first);
    if first.ends {
        return Ok(unit);
    }
    for fragment in rest {
        let fragment = fragment?;
        unit = unit.and(&fragment);
        if fragment.ends {
            break;
        }
    }
    Ok(unit)
}

/// Units one behind another, as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Form for Plain {
    const BEFORE_IS_PART: bool = false;

    fn before(&self, _: Unit) -> Result<Option<usize>, JoinError> {
        Ok(Some(0))
    }

    fn finish(&self, _: &mut [u8], _: usize) -> Result<(), JoinError> {
        Ok(())
    }
}

/// NAL units behind start codes of four bytes (H.264 and H.265, annex B).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnnexB;

impl Form for AnnexB {
    const BEFORE_IS_PART: bool = false;

    fn before(&self, _: Unit) -> Result<Option<usize>, JoinError> {
        Ok(Some(START_CODE.len()))
    }

    fn finish(&self, place: &mut [u8], before: usize) -> Result<(), JoinError> {
        place[..before].copy_from_slice(&START_CODE);
        Ok(())
    }
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];
