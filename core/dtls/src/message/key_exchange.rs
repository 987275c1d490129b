//! The key exchange of DTLS 1.2 (RFC 8422 §5.4, §5.7).

use super::certificate::Signed;
use crate::crypto::group::Group;
use crate::wire::{Reader, put_u16, put_vec};

/// RFC 8422 §5.4: a named curve, the only kind there is.
const NAMED_CURVE: u8 = 3;

/// A ServerKeyExchange that came.
#[derive(Debug)]
pub(crate) struct ServerKeyExchange<'a> {
    pub(crate) group: u16,
    pub(crate) public: &'a [u8],
    /// What is signed, after the randoms of both hellos.
    pub(crate) parameters: &'a [u8],
    pub(crate) signed: Signed<'a>,
}

impl<'a> ServerKeyExchange<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let kind = reader.u8()?;
        let group = reader.u16()?;
        let public = reader.vec8()?;
        let (parameters, rest) = body.split_at_checked(4 + public.len())?;
        let signed = Signed::read(rest)?;
        (kind == NAMED_CURVE).then_some(ServerKeyExchange {
            group,
            public,
            parameters,
            signed,
        })
    }
}

/// The parameters that are signed.
pub(crate) fn write_curve(group: Group, public: &[u8]) -> Vec<u8> {
    let mut out = vec![NAMED_CURVE];
    put_u16(&mut out, group.number());
    put_vec(&mut out, 1, |out| out.extend_from_slice(public));
    out
}
