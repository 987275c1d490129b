//! Certificate, CertificateRequest and CertificateVerify of both versions.

use super::extension::{self, Extensions};
use crate::crypto::signature::{SCHEMES, Scheme};
use crate::limits::CHAIN_CERTIFICATES;
use crate::wire::{Reader, numbers, only_vec16, put_u16, put_vec};

/// RFC 5246 §7.4.2: the peer's certificate first. Empty if it has none.
pub(crate) fn read_certificates_12(body: &[u8]) -> Option<Vec<&[u8]>> {
    let mut reader = Reader::new(body);
    let mut list = Reader::new(reader.vec24()?);
    reader.end()?;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        certificates.push(list.vec24()?);
    }
    (certificates.len() <= CHAIN_CERTIFICATES).then_some(certificates)
}

/// RFC 8446 §4.4.2: the context of the request that it answers, and the certificates.
pub(crate) fn read_certificates_13(body: &[u8]) -> Option<(&[u8], Vec<&[u8]>)> {
    let mut reader = Reader::new(body);
    let context = reader.vec8()?;
    let mut list = Reader::new(reader.vec24()?);
    reader.end()?;
    let mut certificates = Vec::new();
    while !list.is_empty() {
        certificates.push(list.vec24()?);
        Extensions::read(list.vec16()?)?;
    }
    (certificates.len() <= CHAIN_CERTIFICATES).then_some((context, certificates))
}

pub(crate) fn write_certificate_12(certificate: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    put_vec(&mut out, 3, |out| {
        if let Some(der) = certificate {
            put_vec(out, 3, |out| out.extend_from_slice(der));
        }
    });
    out
}

pub(crate) fn write_certificate_13(context: &[u8], certificate: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    put_vec(&mut out, 1, |out| out.extend_from_slice(context));
    put_vec(&mut out, 3, |out| {
        if let Some(der) = certificate {
            put_vec(out, 3, |out| out.extend_from_slice(der));
            put_vec(out, 2, |_| {});
        }
    });
    out
}

/// RFC 5246 §7.4.4.
#[derive(Debug)]
pub(crate) struct CertificateRequest12<'a> {
    schemes: &'a [u8],
}

impl<'a> CertificateRequest12<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        reader.vec8()?;
        let schemes = reader.vec16().filter(|list| list.len() % 2 == 0)?;
        reader.vec16()?;
        reader.end()?;
        Some(CertificateRequest12 { schemes })
    }

    pub(crate) fn schemes(&self) -> impl Iterator<Item = u16> + Clone + 'a {
        let schemes = self.schemes;
        schemes
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
    }

    pub(crate) fn write() -> Vec<u8> {
        // RFC 8422 §5.5, RFC 5246 §7.4.4.
        const ECDSA_SIGN: u8 = 64;
        const RSA_SIGN: u8 = 1;
        let mut out = Vec::with_capacity(32);
        put_vec(&mut out, 1, |out| {
            out.extend_from_slice(&[ECDSA_SIGN, RSA_SIGN]);
        });
        put_vec(&mut out, 2, |out| {
            SCHEMES.iter().for_each(|scheme| put_u16(out, scheme.0));
        });
        // Any authority: who the peer is, signalling has said.
        put_vec(&mut out, 2, |_| {});
        out
    }
}

/// RFC 8446 §4.3.2.
#[derive(Debug)]
pub(crate) struct CertificateRequest13<'a> {
    pub(crate) context: &'a [u8],
    schemes: Option<&'a [u8]>,
}

impl<'a> CertificateRequest13<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let context = reader.vec8()?;
        let extensions = Extensions::read(reader.vec16()?)?;
        reader.end()?;
        let schemes = match extensions.get(extension::SIGNATURE_ALGORITHMS) {
            None => None,
            Some(body) => Some(only_vec16(body)?),
        };
        Some(CertificateRequest13 { context, schemes })
    }

    /// What it lists, if it does: it has to.
    pub(crate) fn schemes(&self) -> Option<Vec<u16>> {
        self.schemes.map(|list| numbers(list).collect())
    }

    pub(crate) fn write() -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        put_vec(&mut out, 1, |_| {});
        put_vec(&mut out, 2, |out| {
            let schemes = SCHEMES.map(|scheme| scheme.0);
            extension::put_numbers(out, extension::SIGNATURE_ALGORITHMS, schemes);
        });
        out
    }
}

/// A signature with its scheme: a CertificateVerify of either version (RFC 8446 §4.4.3, RFC 5246
/// §7.4.8).
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let scheme = Scheme(reader.u16()?);
        let signature = reader.vec16()?;
        reader.end()?;
        Some(Signed { scheme, signature })
    }
}

pub(crate) fn write_signed(out: &mut Vec<u8>, scheme: Scheme, signature: &[u8]) {
    put_u16(out, scheme.0);
    put_vec(out, 2, |out| out.extend_from_slice(signature));
}
