use crate::DecryptError;

/// What is in front of a frame in the clear (RFC 9605 §4.3), and authenticated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// `KID`: which key.
    pub key: u64,
    /// `CTR`: which frame of that key.
    pub counter: u64,
}

impl Header {
    /// Writes it in as few bytes as it takes.
    pub fn write(self, out: &mut Vec<u8>) {
        let (key, key_bytes) = field(self.key);
        let (counter, counter_bytes) = field(self.counter);
        out.push(key << 4 | counter);
        out.extend(key_bytes.iter().skip_while(|byte| **byte == 0));
        out.extend(counter_bytes.iter().skip_while(|byte| **byte == 0));
    }

    /// Reads it; beside it, how many bytes it takes.
    ///
    /// # Errors
    /// Fewer bytes than it says.
    pub fn read(frame: &[u8]) -> Result<(Self, usize), DecryptError> {
        let (config, rest) = frame.split_first().ok_or(DecryptError::Malformed)?;
        let (key, rest) = read_field(config >> 4, rest)?;
        let (counter, rest) = read_field(config & 0xf, rest)?;
        Ok((Header { key, counter }, frame.len() - rest.len()))
    }
}

/// A small number is in the four bits themselves; of others they have the length less one, and the number follows.
fn field(number: u64) -> (u8, [u8; 8]) {
    match u8::try_from(number) {
        Ok(small @ 0..EXTENDED) => (small, [0; 8]),
        _ => {
            let bytes = number.to_be_bytes();
            let length = 8 - number.leading_zeros() / 8;
            let length = u8::try_from(length).unwrap_or(8);
            (EXTENDED | (length - 1), bytes)
        }
    }
}

fn read_field(bits: u8, rest: &[u8]) -> Result<(u64, &[u8]), DecryptError> {
    if bits < EXTENDED {
        return Ok((u64::from(bits), rest));
    }
    let length = usize::from(bits & !EXTENDED) + 1;
    let (bytes, rest) = rest
        .split_at_checked(length)
        .ok_or(DecryptError::Malformed)?;
    let number = bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    Ok((number, rest))
}

/// The X and Y flags, above the three bits of a number or a length.
const EXTENDED: u8 = 8;
