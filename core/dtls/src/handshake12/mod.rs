//! The handshake of DTLS 1.2 (RFC 6347 §4.2, RFC 5246 §7.4, RFC 8422, RFC 7627).
//!
//! Nearly all of it is plaintext, which anybody may have sent. What is refused before the peer has
//! proved anything is forgotten with all of its flight, and waited for again: see `rewind`.

mod client;
mod server;

pub(crate) use client::Client;
pub(crate) use server::{DOWNGRADE, Server};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use duologue_base::{DtlsRole, SrtpProfile};

use crate::crypto::certificate::{KeyKind, PublicKey};
use crate::crypto::prf::Master;
use crate::crypto::signature::BadSignature;
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, SRTP_LABEL, srtp_material_len};
use crate::message::{Signed, read_certificates_12};
use crate::reassembly::Message;
use crate::suite::{ServerKey, Suite};
use crate::{Alert, DtlsError, SrtpKeying, Version};

/// The only epoch with keys.
pub(crate) const DATA_EPOCH: u64 = 1;

/// Where a machine goes from a message.
pub(crate) enum Next {
    Waits,
    Done(Box<Agreed>),
}

/// A certificate that a peer showed.
#[derive(Debug)]
struct Shown {
    chain: Vec<Vec<u8>>,
    key: PublicKey,
}

fn read_shown(message: &Message) -> Result<Shown, DtlsError> {
    let chain = read_certificates_12(&message.body)
        .ok_or_else(|| DtlsError::misbehaved(Alert::DECODE_ERROR))?;
    let Some(own) = chain.first() else {
        // RFC 5246 §7.4.6.
        let alert = Alert::HANDSHAKE_FAILURE;
        return Err(DtlsError::unsupported_certificate(alert));
    };
    let key = PublicKey::of_certificate(own);
    let key = key.ok_or(DtlsError::unsupported_certificate(
        Alert::UNSUPPORTED_CERTIFICATE,
    ))?;
    let chain = chain.into_iter().map(<[u8]>::to_vec).collect();
    Ok(Shown { chain, key })
}

impl Shown {
    fn verify(&self, signed: &Signed<'_>, content: &[u8]) -> Result<(), DtlsError> {
        let verified = (self.key).verify(Version::V12, signed.scheme, content, signed.signature);
        verified.map_err(|bad| {
            DtlsError::misbehaved(match bad {
                BadSignature::Scheme => Alert::ILLEGAL_PARAMETER,
                BadSignature::Wrong => Alert::DECRYPT_ERROR,
            })
        })
    }
}

/// RFC 5246 §7.4.2, RFC 8422 §5.10: whether a server with this key may have this suite.
fn fits(suite: Suite, kind: KeyKind) -> bool {
    match suite.server_key {
        ServerKey::Any => true,
        ServerKey::Rsa => kind == KeyKind::Rsa,
        ServerKey::Ec => kind != KeyKind::Rsa,
    }
}

/// RFC 5246 §7.4.9: the Finished of the other end, over what was before it.
fn check_finished(
    master: &Master,
    of: DtlsRole,
    message: &Message,
    suite: Suite,
    transcript: &Transcript,
) -> Result<(), DtlsError> {
    let data = master.verify_data(of, transcript.hash(suite.hash).as_ref())?;
    verify_slices_are_equal(&data, &message.body)
        .map_err(|_| DtlsError::misbehaved(Alert::DECRYPT_ERROR))
}

/// RFC 5764 §4.2.
fn srtp_keying(
    master: &Master,
    profile: Option<SrtpProfile>,
) -> Result<Option<SrtpKeying>, DtlsError> {
    let Some(profile) = profile else {
        return Ok(None);
    };
    let material = master.export(SRTP_LABEL, srtp_material_len(profile))?;
    Ok(Some(SrtpKeying { profile, material }))
}

/// The message is of this kind, or may not come now.
fn expect(message: &Message, kind: u8) -> Result<(), DtlsError> {
    match message.kind == kind {
        true => Ok(()),
        false => Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE)),
    }
}
