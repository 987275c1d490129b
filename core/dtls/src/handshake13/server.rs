use aws_lc_rs::constant_time::verify_slices_are_equal;
use duologue_base::{DtlsRole, SrtpProfile};

use super::{
    DATA_EPOCH, Finished, HANDSHAKE_EPOCH, Next, Proof, Shown, Traffic, check_finished, expect,
    read_shown, srtp_keying,
};
use crate::crypto::group::{self, GROUPS, Group, Shared};
use crate::crypto::schedule::{Application, Schedule, Secret, handshake_keys, traffic_keys};
use crate::crypto::signature::{Scheme, SigningKey};
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, Link};
use crate::message::extension::{self, record_size_limit};
use crate::message::{
    CertificateRequest13, ClientHello, HELLO_RETRY_REQUEST, Protocol, ServerHelloFields, V13, kind,
    write_encrypted_extensions, write_server_hello,
};
use crate::reassembly::Message;
use crate::suite::{SUITES, Suite};
use crate::wire::{only_vec16, put_u16, put_vec};
use crate::{Alert, DtlsError, Version};

/// A second ClientHello was asked for.
#[derive(Debug)]
pub(crate) struct Retry {
    suite: Suite,
    group: Group,
    cookie: Option<[u8; 16]>,
    random: [u8; 32],
    transcript: Transcript,
}

/// A server from its flight on.
#[derive(Debug)]
pub(crate) struct Server {
    suite: Suite,
    transcript: Transcript,
    /// The key of the client's Finished.
    client: Secret,
    application: Application,
    srtp: Option<SrtpProfile>,
    protocol: Option<Protocol>,
    step: Step,
}

/// Which message is next.
#[derive(Debug)]
enum Step {
    Certificate,
    CertificateVerify(Shown),
    Finished(Vec<Vec<u8>>),
}

/// What becomes of a ClientHello that was understood.
pub(crate) enum Answer {
    Retry(Retry),
    Server(Box<Server>),
}

/// What was chosen of a client's offer.
struct Choice {
    suite: Suite,
    group: Group,
    signer: (SigningKey, Scheme),
}

impl Server {
    /// Answers a ClientHello, the second one after a `retry`. It is plaintext: what it gets wrong is
    /// to change nothing here.
    pub(crate) fn answer(
        link: &mut Link,
        message: &Message,
        hello: &ClientHello<'_>,
        retry: Option<&Retry>,
    ) -> Result<Answer, DtlsError> {
        let choice = choose(link, hello, retry)?;
        let Some(key) = hello.key_share(choice.group) else {
            return ask_again(link, message, hello, &choice).map(Answer::Retry);
        };
        if retry.is_none() && link.settings.cookies {
            return ask_again(link, message, hello, &choice).map(Answer::Retry);
        }
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let (public, shared) = group::respond(choice.group, key)?.ok_or_else(illegal)?;

        let mut transcript = match retry {
            Some(retry) => retry.transcript.clone(),
            None => Transcript::new(Version::V13),
        };
        transcript.add(message.kind, message.number, &message.body);
        let server = Server::begin(link, hello, choice, &public, &shared, transcript)?;
        Ok(Answer::Server(Box::new(server)))
    }

    fn begin(
        link: &mut Link,
        hello: &ClientHello<'_>,
        choice: Choice,
        public: &[u8],
        shared: &Shared,
        mut transcript: Transcript,
    ) -> Result<Self, DtlsError> {
        let Choice {
            suite,
            group,
            signer,
        } = choice;
        let limit = record_size_limit(&hello.extensions, Version::V13)
            .ok_or_else(|| DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER))?;
        let srtp = hello.srtp_profile().filter(|_| link.settings.srtp);
        let protocol = Protocol::choose(&hello.extensions, link.settings.confidentiality)?;
        let fields = ServerHelloFields {
            random: link.random.bytes()?,
            // RFC 9147 §5: whatever the client sent.
            session_id: &[],
            suite: suite.number.0,
        };
        let body = write_server_hello(&fields, |out| {
            extension::put(out, extension::SUPPORTED_VERSIONS, |out| put_u16(out, V13));
            extension::put(out, extension::KEY_SHARE, |out| {
                put_u16(out, group.number());
                put_vec(out, 2, |out| out.extend_from_slice(public));
            });
        });
        link.begin_flight();
        link.say(&mut transcript, kind::SERVER_HELLO, body);

        transcript.run(suite.hash);
        let hellos = transcript.hash(suite.hash);
        let (schedule, [client, server]) = Schedule::new(suite.hash, shared, hellos.as_ref());
        if let Some(log) = &mut link.key_log {
            log.begin(hello.random);
            log.add_handshake([&client, &server]);
        }
        let (opening, client) = handshake_keys(suite, &client)?;
        let (sealing, server) = handshake_keys(suite, &server)?;
        let records = &mut link.records;
        records.install_opening(HANDSHAKE_EPOCH, opening);
        records.install_sealing(HANDSHAKE_EPOCH, sealing);
        if let Some(limit) = limit {
            records.set_limit(limit);
        }
        let answers = write_encrypted_extensions(srtp, protocol, limit.is_some());
        say_encrypted(link, &mut transcript, suite, &server, answers, signer)?;

        let application = schedule.application(transcript.hash(suite.hash).as_ref());
        if let Some(log) = &mut link.key_log {
            log.add_application(&application);
        }
        link.send_flight(true)?;
        let keys = traffic_keys(suite, &application.server)?;
        link.records.install_sealing(DATA_EPOCH, keys);
        Ok(Server {
            suite,
            transcript,
            client,
            application,
            srtp,
            protocol,
            step: Step::Certificate,
        })
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    pub(crate) fn handle(&mut self, link: &mut Link, message: &Message) -> Result<Next, DtlsError> {
        // RFC 9147 §7.1: the client's flight acknowledges ours.
        link.flight.done();
        let step = std::mem::replace(&mut self.step, Step::Certificate);
        self.step = match step {
            Step::Certificate => {
                expect(message, kind::CERTIFICATE)?;
                let none = DtlsError::unsupported_certificate(Alert::CERTIFICATE_REQUIRED);
                Step::CertificateVerify(read_shown(message, none)?)
            }
            Step::CertificateVerify(shown) => {
                expect(message, kind::CERTIFICATE_VERIFY)?;
                let transcript = self.transcript.hash(self.suite.hash);
                shown.prove(link, DtlsRole::Client, message, &transcript)?;
                Step::Finished(shown.chain)
            }
            Step::Finished(chain) => {
                expect(message, kind::FINISHED)?;
                check_finished(self.suite, &self.client, message, &self.transcript)?;
                return self.finish(link, chain).map(Next::Done);
            }
        };
        (self.transcript).add(message.kind, message.number, &message.body);
        Ok(Next::Waits)
    }

    fn finish(&self, link: &mut Link, chain: Vec<Vec<u8>>) -> Result<Box<Finished>, DtlsError> {
        let keys = traffic_keys(self.suite, &self.application.client)?;
        link.records.install_opening(DATA_EPOCH, keys);
        let srtp = srtp_keying(self.suite, &self.application, self.srtp);
        Ok(Box::new(Finished {
            agreed: Agreed {
                chain,
                srtp,
                protocol: self.protocol,
            },
            traffic: Traffic {
                suite: self.suite,
                sealing: self.application.server.clone(),
                opening: self.application.client.clone(),
            },
        }))
    }
}

/// The encrypted part of the server's flight.
fn say_encrypted(
    link: &mut Link,
    transcript: &mut Transcript,
    suite: Suite,
    finished: &[u8],
    extensions: Vec<u8>,
    signer: (SigningKey, Scheme),
) -> Result<(), DtlsError> {
    link.say(transcript, kind::ENCRYPTED_EXTENSIONS, extensions);
    // RFC 8827 §6.5: both ends present certificates.
    let body = CertificateRequest13::write();
    link.say(transcript, kind::CERTIFICATE_REQUEST, body);
    let proof = Proof {
        suite,
        role: DtlsRole::Server,
        finished,
    };
    proof.say_certificate(link, transcript, &[], Some(signer))?;
    proof.say_finished(link, transcript)
}

/// What both ends have; after a retry, what was chosen then (RFC 8446 §4.1.2).
fn choose(
    link: &Link,
    hello: &ClientHello<'_>,
    retry: Option<&Retry>,
) -> Result<Choice, DtlsError> {
    let failure = || DtlsError::incompatible(Alert::HANDSHAKE_FAILURE);
    if !hello.cookie.is_empty() {
        // RFC 9147 §5.3.
        return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER));
    }
    let offers = |suite: &Suite| hello.suites().any(|number| number == suite.number.0);
    let mut suites = SUITES.into_iter();
    let suite = suites.find(|suite| suite.version == Version::V13 && offers(suite));
    let supported: Vec<u16> = hello.list(extension::SUPPORTED_GROUPS).collect();
    let knows = |group: &Group| supported.contains(&group.number());
    let has_share = |group: &Group| knows(group) && hello.key_share(*group).is_some();
    let with_share = GROUPS.into_iter().find(has_share);
    let group = with_share.or_else(|| GROUPS.into_iter().find(knows));
    let schemes = hello.list(extension::SIGNATURE_ALGORITHMS);
    let signer = SigningKey::of(&link.certificates, Version::V13, schemes);
    let choice = Choice {
        suite: suite.ok_or_else(failure)?,
        group: group.ok_or_else(failure)?,
        signer: signer.ok_or_else(failure)?,
    };

    if let Some(retry) = retry {
        let cookie = hello.extensions.get(extension::COOKIE).and_then(only_vec16);
        let shown = cookie.unwrap_or_default();
        let asked = retry.cookie.as_ref().map_or(&[][..], |cookie| &cookie[..]);
        let same = choice.suite == retry.suite
            && choice.group == retry.group
            && has_share(&choice.group)
            && hello.random == retry.random
            && verify_slices_are_equal(shown, asked).is_ok();
        if !same {
            return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER));
        }
    }
    Ok(choice)
}

/// RFC 8446 §4.1.4: a HelloRetryRequest, for a share of our group or for a cookie.
fn ask_again(
    link: &mut Link,
    message: &Message,
    hello: &ClientHello<'_>,
    choice: &Choice,
) -> Result<Retry, DtlsError> {
    let cookie = match link.settings.cookies {
        true => Some(link.random.bytes::<16>()?),
        false => None,
    };
    let fields = ServerHelloFields {
        random: HELLO_RETRY_REQUEST,
        session_id: &[],
        suite: choice.suite.number.0,
    };
    let body = write_server_hello(&fields, |out| {
        extension::put(out, extension::SUPPORTED_VERSIONS, |out| put_u16(out, V13));
        if hello.key_share(choice.group).is_none() {
            let number = choice.group.number();
            extension::put(out, extension::KEY_SHARE, |out| put_u16(out, number));
        }
        if let Some(cookie) = cookie {
            extension::put(out, extension::COOKIE, |out| {
                put_vec(out, 2, |out| out.extend_from_slice(&cookie));
            });
        }
    });

    let mut transcript = Transcript::new(Version::V13);
    transcript.add(message.kind, message.number, &message.body);
    transcript.begin_again(choice.suite.hash);
    link.begin_flight();
    link.say(&mut transcript, kind::SERVER_HELLO, body);

    // RFC 9147 §5.8.2: the client says its hello again if it missed this.
    link.send_flight(false)?;
    Ok(Retry {
        suite: choice.suite,
        group: choice.group,
        cookie,
        random: hello.random,
        transcript,
    })
}
