use crate::Version;
use crate::limits::{EXTENSIONS, RECORD_BYTES};
use crate::wire::{Reader, put_u16, put_vec};

/// IANA's registry "TLS ExtensionType Values".
pub(crate) const SERVER_NAME: u16 = 0;
pub(crate) const SUPPORTED_GROUPS: u16 = 10;
pub(crate) const EC_POINT_FORMATS: u16 = 11;
pub(crate) const SIGNATURE_ALGORITHMS: u16 = 13;
pub(crate) const USE_SRTP: u16 = 14;
pub(crate) const ALPN: u16 = 16;
pub(crate) const EXTENDED_MASTER_SECRET: u16 = 23;
pub(crate) const RECORD_SIZE_LIMIT: u16 = 28;
pub(crate) const SUPPORTED_VERSIONS: u16 = 43;
pub(crate) const COOKIE: u16 = 44;
pub(crate) const KEY_SHARE: u16 = 51;
pub(crate) const RENEGOTIATION_INFO: u16 = 0xff01;

/// The extensions of a message, none of them twice (RFC 8446 §4.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Extensions<'a>(Vec<(u16, &'a [u8])>);

impl<'a> Extensions<'a> {
    /// From the vector's content.
    pub(crate) fn read(content: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(content);
        let mut all: Vec<(u16, &[u8])> = Vec::new();
        while !reader.is_empty() {
            let (number, body) = (reader.u16()?, reader.vec16()?);
            let repeated = all.iter().any(|(known, _)| *known == number);
            if repeated || all.len() >= EXTENSIONS {
                return None;
            }
            all.push((number, body));
        }
        Some(Extensions(all))
    }

    pub(crate) fn get(&self, number: u16) -> Option<&'a [u8]> {
        let mut all = self.0.iter();
        all.find(|(known, _)| *known == number)
            .map(|(_, body)| *body)
    }

    pub(crate) fn has(&self, number: u16) -> bool {
        self.get(number).is_some()
    }

    /// Their numbers.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().map(|(number, _)| *number)
    }
}

/// RFC 8449 §4: what the other end takes in a protected record, `Some(None)` if it does not say, `None`
/// if it makes no sense. DTLS 1.3 counts the content's type too.
pub(crate) fn record_size_limit(
    extensions: &Extensions<'_>,
    version: Version,
) -> Option<Option<usize>> {
    const LEAST: u16 = 64;
    let Some(body) = extensions.get(RECORD_SIZE_LIMIT) else {
        return Some(None);
    };
    let limit = u16::from_be_bytes(body.try_into().ok()?);
    let type_len = usize::from(version == Version::V13);
    (limit >= LEAST).then(|| Some(usize::from(limit) - type_len))
}

/// RFC 8449 §4: we take all that a record may have.
pub(crate) fn put_record_size_limit(out: &mut Vec<u8>, version: Version) {
    let limit = RECORD_BYTES as u16 + u16::from(version == Version::V13);
    put(out, RECORD_SIZE_LIMIT, |out| put_u16(out, limit));
}

/// Writes one extension.
pub(crate) fn put(out: &mut Vec<u8>, number: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    put_u16(out, number);
    put_vec(out, 2, fill);
}

/// Writes one extension that is a vector of numbers after its length in two bytes.
pub(crate) fn put_numbers(
    out: &mut Vec<u8>,
    extension: u16,
    numbers: impl IntoIterator<Item = u16>,
) {
    put(out, extension, |out| {
        put_vec(out, 2, |out| {
            for number in numbers {
                put_u16(out, number);
            }
        });
    });
}
