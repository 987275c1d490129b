//! How many samples a fragment claims that it has no bytes for.

use crate::limits::SAMPLES_WITHOUT_BYTES;

/// Whether the boxes of `data` claim more than a file may. A run of samples that all are as the track's defaults say is
/// a number alone (ISO/IEC 14496-12 §8.8.8), of which the demuxer makes as many entries of memory.
pub(super) fn is_excessive(data: &[u8]) -> bool {
    samples(data, DEPTH) > SAMPLES_WITHOUT_BYTES
}

/// `moof`, `traf`, `trun`.
const DEPTH: usize = 3;

fn samples(mut data: &[u8], depth: usize) -> u64 {
    let mut sum = 0_u64;
    while let Some((kind, payload, rest)) = split_box(data) {
        sum += match kind {
            b"moof" | b"traf" if depth > 1 => samples(payload, depth - 1),
            b"trun" => of_run(payload).unwrap_or(0),
            _ => 0,
        };
        data = rest;
    }
    sum
}

/// The first box: its type, what is in it, and what comes after it. One that is cut off has what is there.
pub(super) fn split_box(data: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (size, rest) = data.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (head, size, rest) = match u32::from_be_bytes(*size) {
        // To the end; or the size is behind the type (§4.2).
        0 => (8, u64::MAX, rest),
        1 => {
            let (size, rest) = rest.split_first_chunk::<8>()?;
            (16, u64::from_be_bytes(*size), rest)
        }
        size => (8, u64::from(size), rest),
    };
    let len = usize::try_from(size.checked_sub(head)?).unwrap_or(usize::MAX);
    let (payload, rest) = rest.split_at(len.min(rest.len()));
    Some((kind, payload, rest))
}

/// The number of samples, when none of them has anything of its own.
fn of_run(payload: &[u8]) -> Option<u64> {
    let (flags, rest) = payload.split_first_chunk::<4>()?;
    let (count, _) = rest.split_first_chunk::<4>()?;
    let own = u32::from_be_bytes(*flags) & OF_EACH_SAMPLE;
    (own == 0).then(|| u32::from_be_bytes(*count).into())
}

/// Duration, size, flags and time offset of each.
const OF_EACH_SAMPLE: u32 = 0x0f00;

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let size = (payload.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, payload].concat()
    }

    fn run(flags: u32, count: u32) -> Vec<u8> {
        let payload = [flags.to_be_bytes(), count.to_be_bytes()].concat();
        boxed(b"trun", &payload)
    }

    #[test]
    fn runs_without_bytes_are_added_up_over_a_fragment() {
        let most = SAMPLES_WITHOUT_BYTES as u32;
        let fragment = |runs: &[Vec<u8>]| {
            let track = boxed(b"traf", &runs.concat());
            boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), track].concat())
        };
        assert!(!is_excessive(&fragment(&[run(0, most)])));
        assert!(is_excessive(&fragment(&[run(0, most), run(5, 1)])));
        // These have bytes each, which a file has to have.
        assert!(!is_excessive(&fragment(&[run(0x0200, u32::MAX)])));
        assert!(!is_excessive(&boxed(b"mdat", &run(0, u32::MAX))));
    }

    #[test]
    fn boxes_of_any_size_come_to_an_end() {
        for size in [0_u32, 1, 7, 8, 9, u32::MAX] {
            let data = [&size.to_be_bytes()[..], b"moof", &[0; 12]].concat();
            assert!(!is_excessive(&data));
        }
    }
}
