/// The running number of a picture in the payload descriptors of VP8 and VP9, in seven bits or in
/// fifteen (RFC 7741 §4.2, RFC 9628 §4.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum PictureId {
    /// 0 to 127.
    Short(u8),
    /// 0 to 32,767.
    Long(u16),
}

impl PictureId {
    /// The number.
    pub const fn number(self) -> u16 {
        match self {
            PictureId::Short(number) => (number & 0x7f) as u16,
            PictureId::Long(number) => number & 0x7fff,
        }
    }

    /// The id of the picture after this one: the number wraps within its bits.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            PictureId::Short(number) => PictureId::Short(number.wrapping_add(1) & 0x7f),
            PictureId::Long(number) => PictureId::Long(number.wrapping_add(1) & 0x7fff),
        }
    }

    pub(crate) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let first = take(bytes)?;
        if first & 0x80 == 0 {
            return Some(PictureId::Short(first));
        }
        let second = take(bytes)?;
        Some(PictureId::Long(u16::from_be_bytes([first & 0x7f, second])))
    }

    /// How many bytes the number at the beginning of these has; 0 if it is not all there.
    pub(crate) fn len_in(bytes: &[u8]) -> usize {
        match bytes {
            [first, ..] if first & 0x80 == 0 => 1,
            [_, _, ..] => 2,
            _ => 0,
        }
    }

    /// Writes a number in place of the one at the beginning, in as many bits.
    pub(crate) fn overwrite(bytes: &mut [u8], number: u16) {
        let [high, low] = number.to_be_bytes();
        match bytes {
            [first, ..] if *first & 0x80 == 0 => *first = low & 0x7f,
            [first, second, ..] => (*first, *second) = (0x80 | high, low),
            _ => {}
        }
    }

    pub(crate) fn write(self, out: &mut Prefix) {
        match self {
            PictureId::Short(_) => out.push(self.number() as u8),
            PictureId::Long(_) => {
                let [high, low] = self.number().to_be_bytes();
                out.push(0x80 | high);
                out.push(low);
            }
        }
    }
}

/// Where in a payload descriptor running numbers stand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct NumberPlaces {
    pub(crate) picture: Option<usize>,
    pub(crate) tl0_picture: Option<usize>,
}

/// Takes the first byte off.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

/// A payload descriptor without its scalability structure: one of VP9 has up to eight bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prefix {
    bytes: [u8; 8],
    len: usize,
}

impl Prefix {
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.len) {
            *place = byte;
            self.len += 1;
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}
