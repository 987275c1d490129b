//! NAL units of H.264 and H.265 as MP4 and Matroska have them: behind their lengths, with the parameter sets apart.

use bytes::Bytes;
use duologue_rtp::payload::{Parts, nal};

use crate::error::{FileError, Result};
use crate::limits::FRAME_BYTES;
use crate::track::Format;

/// How long the lengths of units are, and what each key frame needs first.
#[derive(Clone, Debug)]
pub(crate) struct Units {
    length_size: usize,
    /// The parameter sets, with start codes.
    parameters: Bytes,
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

impl Units {
    pub(crate) fn new<'s>(length_size: usize, sets: impl Iterator<Item = &'s [u8]>) -> Self {
        let parameters = sets.flat_map(|set| START_CODE.into_iter().chain(set.iter().copied()));
        Units {
            length_size,
            parameters: parameters.collect(),
        }
    }

    /// As a record of a decoder's configuration says it (ISO/IEC 14496-15 §5.3.3.1.2, §8.3.3.1.2); `None` if it is
    /// none.
    pub(crate) fn of_record(format: Format, record: &[u8]) -> Option<Self> {
        let (length, sets) = match format {
            Format::H264 => {
                let [1, _, _, _, length, count, rest @ ..] = record else {
                    return None;
                };
                let mut sets = Vec::new();
                let rest = take_sets(count & 0x1f, rest, &mut sets)?;
                let (count, rest) = rest.split_first()?;
                take_sets(*count, rest, &mut sets)?;
                (length, sets)
            }
            Format::H265 => {
                let (head, mut rest) = record.split_at_checked(23)?;
                let mut sets = Vec::new();
                for _ in 0..head[22] {
                    let [_, high, count, more @ ..] = rest else {
                        return None;
                    };
                    // No stream has more than a few of each.
                    let count = (*high == 0).then_some(*count)?;
                    rest = take_sets(count, more, &mut sets)?;
                }
                (&head[21], sets)
            }
            _ => return None,
        };
        Some(Units::new(usize::from(length & 3) + 1, sets.into_iter()))
    }

    /// A frame of a file with start codes; a key frame with parameter sets, unless it has its own.
    pub(crate) fn with_start_codes(
        &self,
        format: Format,
        sample: &[u8],
        key: bool,
    ) -> Result<Vec<u8>> {
        let mut parts = Parts::new();
        nal::find_by_lengths(sample, self.length_size, &mut parts)
            .map_err(|_| FileError::Malformed("the lengths of a frame's units"))?;
        let units = parts.iter();
        let units = units.map(|part| &sample[part.start as usize..part.end as usize]);
        let has_own = units
            .clone()
            .any(|unit| is_sequence_parameter_set(format, unit));
        let mut parameters = match key && !has_own {
            true => &self.parameters[..],
            false => &[],
        };
        let mut frame = Vec::with_capacity(parameters.len() + sample.len() + START_CODE.len());
        for unit in units {
            // A delimiter is the first unit of its access unit (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4).
            if !is_delimiter(format, unit) {
                frame.extend(std::mem::take(&mut parameters));
            }
            frame.extend(START_CODE);
            frame.extend(unit);
        }
        match frame.len() > FRAME_BYTES {
            true => Err(FileError::TooLarge),
            false => Ok(frame),
        }
    }
}

/// So many, each behind its length; what comes after them.
fn take_sets<'r>(count: u8, mut rest: &'r [u8], sets: &mut Vec<&'r [u8]>) -> Option<&'r [u8]> {
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (set, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
        sets.push(set);
        rest = behind;
    }
    Some(rest)
}

fn is_sequence_parameter_set(format: Format, unit: &[u8]) -> bool {
    kind_of(format, unit) == Some(if format == Format::H264 { 7 } else { 33 })
}

fn is_delimiter(format: Format, unit: &[u8]) -> bool {
    kind_of(format, unit) == Some(if format == Format::H264 { 9 } else { 35 })
}

/// H.264 table 7-1, H.265 table 7-1.
fn kind_of(format: Format, unit: &[u8]) -> Option<u8> {
    let first = unit.first()?;
    Some(match format {
        Format::H264 => first & 0x1f,
        _ => first >> 1 & 0x3f,
    })
}
