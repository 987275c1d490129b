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
    /// The frame is empty: there is no packet, or none with anything that is kept.
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

    pub(crate) fn len(&self) -> usize {
        self.head.as_slice().len() + self.data.len()
    }

    /// Whether the first bit behind a unit's header of so many bytes is set.
    pub(crate) fn begins_with_one(&self, header: usize) -> bool {
        // That of a unit that was cut is in the head.
        let behind = header.saturating_sub(self.head.as_slice().len());
        self.data.get(behind).is_some_and(|byte| byte & 0x80 != 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
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
    /// Whether the bytes that a unit gets before it belong to its part.
    const BEFORE_IS_PART: bool;

    /// How many bytes a unit gets before those it has in packets; `None` if it is left out. `first`
    /// is the fragment that begins it, `rest` what follows.
    fn before<'a>(
        &self,
        first: &Fragment<'a>,
        rest: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
    ) -> Result<Option<usize>, JoinError>;

    /// Fills the bytes before a unit that lies behind them, all of it in `place`.
    fn finish(&self, place: &mut [u8], before: usize) -> Result<(), JoinError>;
}

/// Where in the frame a unit is put together.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    /// `None` if it is left out.
    before: Option<usize>,
}

/// Appends the units to the frame, each byte copied once; or leaves frame and parts as they are.
pub(crate) fn join_units<'a, F: Form>(
    form: &F,
    fragments: impl Iterator<Item = Result<Fragment<'a>, JoinError>> + Clone,
    limit: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let (frame_len, parts_len) = (frame.len(), parts.len());
    let max = frame_len.saturating_add(limit).min(u32::MAX as usize);
    let mut joined = append(form, fragments, max, frame, parts);
    if joined.is_ok() && parts.len() == parts_len {
        joined = Err(JoinError::Empty);
    }

    if joined.is_err() {
        frame.truncate(frame_len);
        parts.truncate(parts_len);
    }
    joined
}

fn append<'a, F: Form>(
    form: &F,
    mut fragments: impl Iterator<Item = Result<Fragment<'a>, JoinError>> + Clone,
    max: usize,
    frame: &mut Vec<u8>,
    parts: &mut Parts,
) -> Result<(), JoinError> {
    let mut open: Option<Place> = None;
    while let Some(fragment) = fragments.next() {
        let fragment = fragment?;
        let place = match (fragment.begins, open.take()) {
            (false, Some(place)) => place,
            (true, None) => {
                let before = form.before(&fragment, fragments.clone())?;
                let start = frame.len();
                frame.resize(start + before.unwrap_or_default(), 0);
                Place { start, before }
            }
            _ => return Err(JoinError::Torn),
        };

        if place.before.is_some() {
            if frame.len() + fragment.len() > max {
                return Err(JoinError::TooLarge);
            }
            frame.extend_from_slice(fragment.head.as_slice());
            frame.extend_from_slice(fragment.data);
        }
        if !fragment.ends {
            open = Some(place);
            continue;
        }

        let Some(before) = place.before else {
            continue;
        };
        form.finish(&mut frame[place.start..], before)?;
        let start = place.start + if F::BEFORE_IS_PART { 0 } else { before };
        if !parts.push(start as u32..frame.len() as u32) {
            return Err(JoinError::TooLarge);
        }
    }
    match open {
        Some(_) => Err(JoinError::Torn),
        None => Ok(()),
    }
}

/// Units one behind another, as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Form for Plain {
    const BEFORE_IS_PART: bool = false;

    fn before<'a>(
        &self,
        first: &Fragment<'a>,
        _: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
    ) -> Result<Option<usize>, JoinError> {
        match first.is_empty() {
            true => Err(JoinError::Malformed),
            false => Ok(Some(0)),
        }
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

    fn before<'a>(
        &self,
        _: &Fragment<'a>,
        _: impl Iterator<Item = Result<Fragment<'a>, JoinError>>,
    ) -> Result<Option<usize>, JoinError> {
        Ok(Some(START_CODE.len()))
    }

    fn finish(&self, place: &mut [u8], before: usize) -> Result<(), JoinError> {
        place[..before].copy_from_slice(&START_CODE);
        Ok(())
    }
}

pub(crate) const START_CODE: [u8; 4] = [0, 0, 0, 1];
