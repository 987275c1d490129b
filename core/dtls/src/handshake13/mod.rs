//! The handshake of DTLS 1.3 (RFC 9147 §5, RFC 8446 §4).
//!
//! Both ends' machines take one message at a time, from the epoch that it belongs to. What they
//! refuse is authentic, and ends the handshake; of plaintext there are the hellos alone.

mod client;
mod server;

pub(crate) use client::{Client, check_extensions};
pub(crate) use server::{Answer, Retry, Server};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use duologue_base::{DtlsRole, SrtpProfile};
use duologue_identity::Certificate;

use crate::crypto::certificate::PublicKey;
use crate::crypto::schedule::{self, Application, Secret};
use crate::crypto::signature::{BadSignature, SigningKey};
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, Link, SRTP_LABEL, srtp_material_len};
use crate::message::{Signed, kind, read_certificates_13, write_certificate_13, write_signed};
use crate::reassembly::Message;
use crate::suite::Suite;
use crate::{Alert, DtlsError, SrtpKeying, Version};

/// Plaintext, handshake, and the first of the data (RFC 9147 §6.1).
pub(crate) const HANDSHAKE_EPOCH: u64 = 2;
pub(crate) const DATA_EPOCH: u64 = 3;

/// Where a machine goes from a message.
pub(crate) enum Next {
    Waits,
    Done(Box<Finished>),
}

/// What is left of a handshake.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) agreed: Agreed,
    pub(crate) traffic: Traffic,
}

/// The secrets of the newest keys of both directions, for those after them (RFC 8446 §7.2).
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) suite: Suite,
    pub(crate) sealing: Secret,
    pub(crate) opening: Secret,
}

/// A certificate that a peer showed and has not proved yet.
#[derive(Debug)]
struct Shown {
    chain: Vec<Vec<u8>>,
    key: PublicKey,
}

/// The messages that both ends send: Certificate, CertificateVerify and Finished.
struct Proof<'a> {
    suite: Suite,
    role: DtlsRole,
    /// The key of this end's Finished.
    finished: &'a [u8],
}

impl Proof<'_> {
    /// RFC 8446 §4.4.2, §4.4.3. `signer` is none for an end that cannot prove what the other end
    /// would believe; it says so by an empty list.
    fn say_certificate(
        &self,
        link: &mut Link,
        transcript: &mut Transcript,
        context: &[u8],
        signer: Option<(SigningKey, crate::crypto::signature::Scheme)>,
    ) -> Result<(), DtlsError> {
        link.shown = signer.as_ref().map(|(key, _)| key.certificate().clone());
        let body = write_certificate_13(context, link.shown.as_ref().map(Certificate::der));
        link.say(transcript, kind::CERTIFICATE, body);
        if let Some((key, scheme)) = signer {
            let content = signed_content(self.role, &transcript.hash(self.suite.hash));
            let signature = key.sign(scheme, &content)?;
            let mut body = Vec::new();
            write_signed(&mut body, scheme, &signature);
            link.say(transcript, kind::CERTIFICATE_VERIFY, body);
        }
        Ok(())
    }

    fn say_finished(&self, link: &mut Link, transcript: &mut Transcript) -> Result<(), DtlsError> {
        let hash = self.suite.hash;
        let data = schedule::verify_data(hash, self.finished, transcript.hash(hash).as_ref());
        link.say(transcript, kind::FINISHED, data.as_ref().to_vec());
        Ok(())
    }
}

/// RFC 8446 §4.4.3.
fn signed_content(role: DtlsRole, transcript: &aws_lc_rs::digest::Digest) -> Vec<u8> {
    let label: &[u8] = match role {
        DtlsRole::Client => b"TLS 1.3, client CertificateVerify",
        DtlsRole::Server => b"TLS 1.3, server CertificateVerify",
    };
    [&[0x20; 64], label, &[0], transcript.as_ref()].concat()
}

/// Reads a Certificate that answers a request with an empty context, or none. `none` is what is wrong with one
/// that shows no certificate.
fn read_shown(message: &Message, none: DtlsError) -> Result<Shown, DtlsError> {
    let (context, chain) = read_certificates_13(&message.body)
        .ok_or_else(|| DtlsError::misbehaved(Alert::DECODE_ERROR))?;
    if !context.is_empty() {
        return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER));
    }
    let own = chain.first().ok_or(none)?;
    let key = PublicKey::of_certificate(own);
    let key = key.ok_or(DtlsError::unsupported_certificate(
        Alert::UNSUPPORTED_CERTIFICATE,
    ))?;
    let chain = chain.into_iter().map(<[u8]>::to_vec).collect();
    Ok(Shown { chain, key })
}

impl Shown {
    /// The peer, of this role, proves that it has the key, and is the one that is wanted.
    fn prove(
        &self,
        link: &mut Link,
        role: DtlsRole,
        message: &Message,
        transcript: &aws_lc_rs::digest::Digest,
    ) -> Result<(), DtlsError> {
        let signed = Signed::read(&message.body)
            .ok_or_else(|| DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let content = signed_content(role, transcript);
        let verified = (self.key).verify(Version::V13, signed.scheme, &content, signed.signature);
        verified.map_err(|bad| {
            DtlsError::misbehaved(match bad {
                BadSignature::Scheme => Alert::ILLEGAL_PARAMETER,
                BadSignature::Wrong => Alert::DECRYPT_ERROR,
            })
        })?;
        link.trust.check(&self.chain)
    }
}

/// RFC 8446 §4.4.4: the peer's Finished, by its key, over what was before it.
fn check_finished(
    suite: Suite,
    key: &[u8],
    message: &Message,
    transcript: &Transcript,
) -> Result<(), DtlsError> {
    let hash = suite.hash;
    let data = schedule::verify_data(hash, key, transcript.hash(hash).as_ref());
    verify_slices_are_equal(data.as_ref(), &message.body)
        .map_err(|_| DtlsError::misbehaved(Alert::DECRYPT_ERROR))
}

/// RFC 5764 §4.2 with RFC 8446 §7.5.
fn srtp_keying(
    suite: Suite,
    application: &Application,
    profile: Option<SrtpProfile>,
) -> Option<SrtpKeying> {
    let profile = profile?;
    let len = srtp_material_len(profile);
    let material = schedule::export(suite.hash, &application.exporter, SRTP_LABEL, len);
    Some(SrtpKeying { profile, material })
}

/// The message is of this kind, or may not come now.
fn expect(message: &Message, kind: u8) -> Result<(), DtlsError> {
    match message.kind == kind {
        true => Ok(()),
        false => Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE)),
    }
}
