//! What answers a ClientHello: ServerHello, HelloRetryRequest, HelloVerifyRequest, and what DTLS 1.3
//! encrypts of it.

use duologue_base::SrtpProfile;

use super::alpn::Protocol;
use super::client_hello::{SRTP_PROFILES, srtp_number};
use super::extension::{self, Extensions};
use super::{V12, V13};
use crate::Version;
use crate::wire::{Reader, numbers, put_u16, put_vec};

/// RFC 8446 §4.1.3: the random of a ServerHello that asks for another ClientHello.
pub(crate) const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ServerHello that came.
#[derive(Debug)]
pub(crate) struct ServerHello<'a> {
    pub(crate) random: [u8; 32],
    pub(crate) session_id: &'a [u8],
    pub(crate) suite: u16,
    pub(crate) extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let random = reader.array()?;
        let session_id = reader.vec8().filter(|id| id.len() <= 32)?;
        let suite = reader.u16()?;
        let compression = reader.u8()?;
        let extensions = match reader.is_empty() {
            true => Extensions::default(),
            false => Extensions::read(reader.vec16()?)?,
        };
        reader.end()?;
        (version == V12 && compression == 0).then_some(ServerHello {
            random,
            session_id,
            suite,
            extensions,
        })
    }

    pub(crate) fn asks_again(&self) -> bool {
        self.random == HELLO_RETRY_REQUEST
    }

    /// The version that it chooses; `None` if it is neither.
    pub(crate) fn version(&self) -> Option<Version> {
        match self.extensions.get(extension::SUPPORTED_VERSIONS) {
            None => Some(Version::V12),
            Some(body) if body == V13.to_be_bytes() => Some(Version::V13),
            Some(_) => None,
        }
    }

    /// RFC 8446 §4.2.8: the server's share, and its group.
    pub(crate) fn key_share(&self) -> Option<(u16, &'a [u8])> {
        let mut reader = Reader::new(self.extensions.get(extension::KEY_SHARE)?);
        let share = (reader.u16()?, reader.vec16()?);
        reader.end().map(|()| share)
    }
}

/// RFC 5764 §4.1.1: the profile that a server chose. `None` if it is not one that was offered, or
/// not one alone.
pub(super) fn chosen_profile(body: &[u8]) -> Option<SrtpProfile> {
    let mut reader = Reader::new(body);
    let list = reader.vec16().filter(|list| list.len() == 2)?;
    let identifier = reader.vec8()?;
    reader.end()?;
    let number = numbers(list).next()?;
    let mut known = SRTP_PROFILES.into_iter();
    // No master key identifier was offered.
    known.find(|profile| srtp_number(*profile) == number && identifier.is_empty())
}

impl Extensions<'_> {
    /// The profile that a server chose: `Some(None)` if it chose none, `None` if it makes no sense.
    pub(crate) fn chosen_profile(&self) -> Option<Option<SrtpProfile>> {
        match self.get(extension::USE_SRTP) {
            None => Some(None),
            Some(body) => chosen_profile(body).map(Some),
        }
    }
}

/// What a ServerHello says beside its extensions.
#[derive(Debug)]
pub(crate) struct ServerHelloFields<'a> {
    pub(crate) random: [u8; 32],
    /// In DTLS 1.3 the client's (RFC 8446 §4.1.3).
    pub(crate) session_id: &'a [u8],
    pub(crate) suite: u16,
}

pub(crate) fn write_server_hello(
    fields: &ServerHelloFields<'_>,
    extensions: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    put_u16(&mut out, V12);
    out.extend_from_slice(&fields.random);
    put_vec(&mut out, 1, |out| out.extend_from_slice(fields.session_id));
    put_u16(&mut out, fields.suite);
    out.push(0);
    put_vec(&mut out, 2, extensions);
    out
}

/// RFC 8446 §4.3.1, with what answers our peer's `use_srtp`, ALPN and `record_size_limit`.
pub(crate) fn write_encrypted_extensions(
    srtp: Option<SrtpProfile>,
    protocol: Option<Protocol>,
    limited: bool,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    put_vec(&mut out, 2, |out| {
        put_srtp(out, srtp);
        Protocol::put(out, protocol);
        if limited {
            extension::put_record_size_limit(out, Version::V13);
        }
    });
    out
}

/// RFC 5764 §4.1.1: the profile that we chose.
pub(crate) fn put_srtp(out: &mut Vec<u8>, srtp: Option<SrtpProfile>) {
    if let Some(profile) = srtp {
        extension::put(out, extension::USE_SRTP, |out| {
            put_vec(out, 2, |out| put_u16(out, srtp_number(profile)));
            out.push(0);
        });
    }
}

/// RFC 6347 §4.2.1: the cookie of a HelloVerifyRequest.
pub(crate) fn read_hello_verify(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    reader.u16()?;
    let cookie = reader.vec8()?;
    reader.end().map(|()| cookie)
}

pub(crate) fn write_hello_verify(cookie: &[u8]) -> Vec<u8> {
    // RFC 6347 §4.2.1: DTLS 1.0's number, whatever is negotiated.
    let mut out = vec![0xfe, 0xff];
    put_vec(&mut out, 1, |out| out.extend_from_slice(cookie));
    out
}
