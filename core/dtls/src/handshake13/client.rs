use duologue_base::{DtlsRole, Redacted, SrtpProfile};

use super::{
    DATA_EPOCH, Finished, HANDSHAKE_EPOCH, Next, Proof, Shown, Traffic, check_finished, expect,
    read_shown, srtp_keying,
};
use crate::crypto::group::Exchange;
use crate::crypto::schedule::{Schedule, Secret, handshake_keys, traffic_keys};
use crate::crypto::signature::SigningKey;
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, Link};
use crate::message::extension::{self, record_size_limit};
use crate::message::{CertificateRequest13, Extensions, Protocol, ServerHello, kind};
use crate::reassembly::Message;
use crate::suite::Suite;
use crate::wire::only_vec16;
use crate::{Alert, DtlsError, Version};

/// A client from the ServerHello on.
#[derive(Debug)]
pub(crate) struct Client {
    suite: Suite,
    transcript: Transcript,
    schedule: Schedule,
    /// The keys of both ends' Finished.
    client: Secret,
    server: Secret,
    srtp: Option<SrtpProfile>,
    protocol: Option<Protocol>,
    /// What we are asked to prove: the request's context, and the schemes to sign by.
    request: Option<(Vec<u8>, Vec<u16>)>,
    step: Step,
}

/// Which message is next.
#[derive(Debug)]
enum Step {
    EncryptedExtensions,
    RequestOrCertificate,
    Certificate,
    CertificateVerify(Shown),
    Finished(Vec<Vec<u8>>),
}

impl Client {
    /// The server chose this version: `transcript` has all up to its hello, which is plaintext.
    pub(crate) fn begin(
        link: &mut Link,
        hello: &ServerHello<'_>,
        shares: &[Exchange],
        mut transcript: Transcript,
    ) -> Result<Self, DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let suite = Suite::find(hello.suite, Version::V13).ok_or_else(illegal)?;
        check_extensions(hello, false)?;
        let (group, key) = hello
            .key_share()
            .ok_or_else(|| DtlsError::misbehaved(Alert::MISSING_EXTENSION))?;
        let mut shares = shares.iter();
        let share = shares.find(|share| share.group().number() == group);
        let shared = share
            .and_then(|share| share.agree(key))
            .ok_or_else(illegal)?;

        transcript.run(suite.hash);
        let hellos = transcript.hash(suite.hash);
        let (schedule, [client, server]) = Schedule::new(suite.hash, &shared, hellos.as_ref());
        if let Some(log) = &mut link.key_log {
            log.add_handshake([&client, &server]);
        }
        let (opening, of_server) = handshake_keys(suite, &server)?;
        let (sealing, of_client) = handshake_keys(suite, &client)?;
        link.records.install_opening(HANDSHAKE_EPOCH, opening);
        link.records.install_sealing(HANDSHAKE_EPOCH, sealing);
        Ok(Client {
            suite,
            transcript,
            schedule,
            client: of_client,
            server: of_server,
            srtp: None,
            protocol: None,
            request: None,
            step: Step::EncryptedExtensions,
        })
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    pub(crate) fn handle(&mut self, link: &mut Link, message: &Message) -> Result<Next, DtlsError> {
        // RFC 9147 §7.1: the server's flight acknowledges ours. Its hello did not: it was plaintext.
        link.flight.done();
        let step = std::mem::replace(&mut self.step, Step::EncryptedExtensions);
        self.step = match step {
            Step::EncryptedExtensions => {
                expect(message, kind::ENCRYPTED_EXTENSIONS)?;
                (self.srtp, self.protocol) = self.read_extensions(link, message)?;
                Step::RequestOrCertificate
            }
            Step::RequestOrCertificate if message.kind == kind::CERTIFICATE_REQUEST => {
                let request = CertificateRequest13::read(&message.body);
                let request = request.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
                let schemes = request.schemes();
                let schemes = schemes.ok_or(DtlsError::misbehaved(Alert::MISSING_EXTENSION))?;
                self.request = Some((request.context.to_vec(), schemes));
                Step::Certificate
            }
            Step::RequestOrCertificate | Step::Certificate => {
                expect(message, kind::CERTIFICATE)?;
                // RFC 8446 §4.4.2.4: a server always has one.
                let none = DtlsError::misbehaved(Alert::DECODE_ERROR);
                Step::CertificateVerify(read_shown(message, none)?)
            }
            Step::CertificateVerify(shown) => {
                expect(message, kind::CERTIFICATE_VERIFY)?;
                let transcript = self.transcript.hash(self.suite.hash);
                shown.prove(link, DtlsRole::Server, message, &transcript)?;
                Step::Finished(shown.chain)
            }
            Step::Finished(chain) => {
                expect(message, kind::FINISHED)?;
                check_finished(self.suite, &self.server, message, &self.transcript)?;
                self.add(message);
                return self.finish(link, chain).map(Next::Done);
            }
        };
        self.add(message);
        Ok(Next::Waits)
    }

    fn add(&mut self, message: &Message) {
        (self.transcript).add(message.kind, message.number, &message.body);
    }

    /// RFC 8446 §4.3.1: answers to what we offered, and nothing else.
    fn read_extensions(
        &self,
        link: &mut Link,
        message: &Message,
    ) -> Result<(Option<SrtpProfile>, Option<Protocol>), DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let extensions = only_vec16(&message.body).and_then(Extensions::read);
        let extensions = extensions.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let was_offered = |number| match number {
            extension::SUPPORTED_GROUPS | extension::SERVER_NAME | extension::RECORD_SIZE_LIMIT => {
                true
            }
            extension::USE_SRTP => link.settings.srtp,
            extension::ALPN => link.settings.confidentiality.is_some(),
            _ => false,
        };
        if !extensions.numbers().all(was_offered) {
            return Err(DtlsError::misbehaved(Alert::UNSUPPORTED_EXTENSION));
        }
        let limit = record_size_limit(&extensions, Version::V13).ok_or_else(illegal)?;
        if let Some(limit) = limit {
            link.records.set_limit(limit);
        }
        let protocol = Protocol::chosen(&extensions, link.settings.confidentiality);
        let srtp = extensions.chosen_profile();
        srtp.zip(protocol).ok_or_else(illegal)
    }

    /// The server is who it should be and has the same keys: our flight, and data from now on.
    fn finish(&mut self, link: &mut Link, chain: Vec<Vec<u8>>) -> Result<Box<Finished>, DtlsError> {
        let hash = self.suite.hash;
        let application = self
            .schedule
            .application(self.transcript.hash(hash).as_ref());
        if let Some(log) = &mut link.key_log {
            log.add_application(&application);
        }
        link.begin_flight();
        let proof = Proof {
            suite: self.suite,
            role: DtlsRole::Client,
            finished: &self.client,
        };
        if let Some((context, schemes)) = self.request.take() {
            let schemes = schemes.iter().copied();
            let signer = SigningKey::of(&link.certificates, Version::V13, schemes);
            proof.say_certificate(link, &mut self.transcript, &context, signer)?;
        }
        proof.say_finished(link, &mut self.transcript)?;

        let records = &mut link.records;
        records.install_opening(DATA_EPOCH, traffic_keys(self.suite, &application.server)?);
        link.send_flight(true)?;
        let records = &mut link.records;
        records.install_sealing(DATA_EPOCH, traffic_keys(self.suite, &application.client)?);
        let srtp = srtp_keying(self.suite, &application, self.srtp);
        self.client = Redacted(Vec::new());
        Ok(Box::new(Finished {
            agreed: Agreed {
                chain,
                srtp,
                protocol: self.protocol,
            },
            traffic: Traffic {
                suite: self.suite,
                sealing: application.client,
                opening: application.server,
            },
        }))
    }
}

/// RFC 8446 §4.2: a ServerHello of this version, or a HelloRetryRequest, has these extensions alone.
pub(crate) fn check_extensions(hello: &ServerHello<'_>, is_retry: bool) -> Result<(), DtlsError> {
    let is_known = |number| match number {
        extension::SUPPORTED_VERSIONS | extension::KEY_SHARE => true,
        extension::COOKIE => is_retry,
        _ => false,
    };
    match hello.extensions.numbers().all(is_known) {
        true => Ok(()),
        false => Err(DtlsError::misbehaved(Alert::UNSUPPORTED_EXTENSION)),
    }
}
