//! Several frames in one block (RFC 9559 §10.3).

use super::ebml::{signed_vint, vint};

/// The frames of a block, of which this is what is behind its flags; `None` if they do not fit in. There are 256 at the
/// most.
pub(super) fn frames(flags: u8, data: &[u8]) -> Option<Vec<&[u8]>> {
    if flags & LACING == 0 {
        return Some(vec![data]);
    }
    let (&more, rest) = data.split_first()?;
    let more = usize::from(more);
    let (lens, mut rest) = match flags & LACING {
        XIPH => xiph(more, rest)?,
        EBML => ebml(more, rest)?,
        _ => {
            let each = rest.len() / (more + 1);
            let even = rest.len().is_multiple_of(more + 1);
            even.then_some((vec![each; more], rest))?
        }
    };

    let mut frames = Vec::with_capacity(more + 1);
    for len in lens {
        let (frame, behind) = rest.split_at_checked(len)?;
        frames.push(frame);
        rest = behind;
    }
    frames.push(rest);
    Some(frames)
}

/// How long each is, but for the last one: a sum of bytes of which the last one is not 255.
fn xiph(count: usize, mut data: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let mut lens = Vec::with_capacity(count);
    for _ in 0..count {
        let mut len = 0;
        loop {
            let (&byte, rest) = data.split_first()?;
            data = rest;
            len += usize::from(byte);
            if byte < 255 {
                break;
            }
        }
        lens.push(len);
    }
    Some((lens, data))
}

/// The length of the first one, and how much longer than the one before each other is.
fn ebml(count: usize, mut data: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let mut lens = Vec::with_capacity(count);
    let mut len = 0_i64;
    for n in 0..count {
        if n == 0 {
            let (first, rest) = vint(data)?;
            (len, data) = (first.cast_signed(), rest);
        } else {
            let (more, rest) = signed_vint(data)?;
            (len, data) = (len.checked_add(more)?, rest);
        }
        lens.push(usize::try_from(len).ok()?);
    }
    Some((lens, data))
}

const LACING: u8 = 0x06;
const XIPH: u8 = 0x02;
const EBML: u8 = 0x06;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_each_lacing_are_found() {
        let all = [[1; 800].to_vec(), [2; 500].to_vec(), [3; 1_000].to_vec()];
        let (one, two, three) = (&all[0][..], &all[1][..], &all[2][..]);
        // The examples of RFC 9559 §10.3.2 and §10.3.3.
        let sizes: &[u8] = &[2, 255, 255, 255, 35, 255, 245];
        let xiph = [sizes, one, two, three].concat();
        let sizes: &[u8] = &[2, 0x43, 0x20, 0x5e, 0xd3];
        let ebml = [sizes, one, two, three].concat();
        assert_eq!(frames(0x82, &xiph).unwrap(), all);
        assert_eq!(frames(0x06, &ebml).unwrap(), all);
        assert_eq!(frames(0x04, &[1, 7, 7, 8, 8]).unwrap(), [[7, 7], [8, 8]]);
        assert_eq!(frames(0x80, &[1, 7]).unwrap(), [[1, 7]]);
    }

    #[test]
    fn frames_that_do_not_fit_are_refused() {
        for data in [&[][..], &[1], &[1, 255], &[1, 3, 0, 0], &[255, 0]] {
            assert!(frames(0x02, data).is_none(), "{data:?}");
        }
        for data in [&[1][..], &[1, 0x83, 0, 0], &[2, 0x81, 0x80, 9], &[1, 0x01]] {
            assert!(frames(0x06, data).is_none(), "{data:?}");
        }
        assert!(frames(0x04, &[1, 1, 2, 3]).is_none());
    }
}
