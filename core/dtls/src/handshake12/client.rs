use duologue_base::{DtlsRole, SrtpProfile};
use duologue_identity::Certificate;

use super::{DATA_EPOCH, Next, Shown, check_finished, expect, fits, read_shown, srtp_keying};
use crate::crypto::group::{self, Exchange, Group, Shared};
use crate::crypto::prf::{Master, Randoms};
use crate::crypto::signature::SigningKey;
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, Link};
use crate::message::extension::{self, record_size_limit};
use crate::message::{
    CertificateRequest12, Protocol, ServerHello, ServerKeyExchange, kind, write_certificate_12,
    write_signed,
};
use crate::reassembly::Message;
use crate::suite::Suite;
use crate::wire::put_vec;
use crate::{Alert, DtlsError, Version};

/// A client from the ServerHello on.
#[derive(Debug)]
pub(crate) struct Client {
    suite: Suite,
    randoms: Randoms,
    srtp: Option<SrtpProfile>,
    protocol: Option<Protocol>,
    /// What the hello offered to DTLS 1.3, and is as good here.
    shares: Vec<Exchange>,
    transcript: Transcript,
    step: Step,
    /// Where the server's flight goes on after its hello: the message, and the transcript.
    begin: (u16, usize),
}

/// Which message is next.
#[derive(Debug)]
enum Step {
    Certificate,
    KeyExchange(Shown),
    RequestOrDone(Answer),
    Done(Answer, Vec<u16>),
    Finished(Box<Master>, Vec<Vec<u8>>),
}

/// Our half of the key exchange, with a server that has proved who it is.
#[derive(Debug)]
struct Answer {
    chain: Vec<Vec<u8>>,
    public: Vec<u8>,
    premaster: Shared,
}

impl Client {
    /// The server chose this version: `transcript` has all up to its hello, the message `number`. The hello's shares are
    /// taken if all is well.
    pub(crate) fn begin(
        link: &mut Link,
        client_random: [u8; 32],
        hello: &ServerHello<'_>,
        transcript: Transcript,
        number: u16,
        shares: &mut Vec<Exchange>,
    ) -> Result<Self, DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let suite = Suite::find(hello.suite, Version::V12).ok_or_else(illegal)?;
        let extensions = &hello.extensions;
        let was_offered = |number| match number {
            extension::EXTENDED_MASTER_SECRET
            | extension::RENEGOTIATION_INFO
            // RFC 8422 §5.2 has no such answer; rtc-dtls gives one, and it was offered.
            | extension::SUPPORTED_GROUPS
            | extension::EC_POINT_FORMATS
            | extension::RECORD_SIZE_LIMIT
            | extension::SERVER_NAME => true,
            extension::USE_SRTP => link.settings.srtp,
            extension::ALPN => link.settings.confidentiality.is_some(),
            _ => false,
        };
        if !extensions.numbers().all(was_offered) {
            return Err(DtlsError::misbehaved(Alert::UNSUPPORTED_EXTENSION));
        }
        // RFC 7627 §5.3; RFC 5746 §3.4.
        if !extensions.has(extension::EXTENDED_MASTER_SECRET) {
            return Err(DtlsError::incompatible(Alert::HANDSHAKE_FAILURE));
        }
        let info = extensions.get(extension::RENEGOTIATION_INFO);
        if info.is_some_and(|info| info != [0]) {
            return Err(DtlsError::misbehaved(Alert::HANDSHAKE_FAILURE));
        }

        let limit = record_size_limit(extensions, Version::V12).ok_or_else(illegal)?;
        if let Some(limit) = limit {
            link.records.set_limit(limit);
        }
        let srtp = extensions.chosen_profile().ok_or_else(illegal)?;
        let protocol = Protocol::chosen(extensions, link.settings.confidentiality);
        let protocol = protocol.ok_or_else(illegal)?;
        Ok(Client {
            suite,
            randoms: Randoms {
                client: client_random,
                server: hello.random,
            },
            srtp,
            protocol,
            shares: std::mem::take(shares),
            begin: (number + 1, transcript.bytes().len()),
            transcript,
            step: Step::Certificate,
        })
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// The epoch of the next message.
    pub(crate) fn epoch(&self) -> u64 {
        u64::from(matches!(self.step, Step::Finished(..)))
    }

    /// Forgets the server's flight after its hello.
    pub(crate) fn rewind(&mut self, link: &mut Link) {
        let (number, len) = self.begin;
        self.transcript.truncate(len);
        self.step = Step::Certificate;
        link.reassembly.rewind(number);
    }

    pub(crate) fn handle(&mut self, link: &mut Link, message: &Message) -> Result<Next, DtlsError> {
        let step = std::mem::replace(&mut self.step, Step::Certificate);
        self.step = match step {
            Step::Certificate => {
                expect(message, kind::CERTIFICATE)?;
                let shown = read_shown(message)?;
                if !fits(self.suite, shown.key.kind) {
                    return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER));
                }
                Step::KeyExchange(shown)
            }
            Step::KeyExchange(shown) => {
                expect(message, kind::SERVER_KEY_EXCHANGE)?;
                Step::RequestOrDone(self.answer(link, shown, message)?)
            }
            Step::RequestOrDone(answer) if message.kind == kind::CERTIFICATE_REQUEST => {
                let request = CertificateRequest12::read(&message.body);
                let request = request.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
                Step::Done(answer, request.schemes().collect())
            }
            Step::RequestOrDone(answer) => return self.done(link, message, answer, None),
            Step::Done(answer, schemes) => {
                return self.done(link, message, answer, Some(schemes));
            }
            Step::Finished(master, chain) => {
                expect(message, kind::FINISHED)?;
                let of = DtlsRole::Server;
                check_finished(&master, of, message, self.suite, &self.transcript)?;
                let srtp = srtp_keying(&master, self.srtp)?;
                link.flight.done();
                return Ok(Next::Done(Box::new(Agreed {
                    chain,
                    srtp,
                    protocol: self.protocol,
                })));
            }
        };
        self.add(message);
        Ok(Next::Waits)
    }

    fn add(&mut self, message: &Message) {
        (self.transcript).add(message.kind, message.number, &message.body);
    }

    /// The signature is over our random: nobody else can have made it for us. So this is the moment
    /// to ask who the server is.
    fn answer(
        &self,
        link: &mut Link,
        shown: Shown,
        message: &Message,
    ) -> Result<Answer, DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let exchange = ServerKeyExchange::read(&message.body)
            .ok_or_else(|| DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let randoms = [&self.randoms.client[..], &self.randoms.server].concat();
        let content = [&randoms, exchange.parameters].concat();
        shown.verify(&exchange.signed, &content)?;
        link.trust.check(&shown.chain)?;

        let group = Group::find(exchange.group).filter(|group| group.is_curve());
        let group = group.ok_or_else(illegal)?;
        let answered = match self.shares.iter().find(|share| share.group() == group) {
            Some(share) => {
                let premaster = share.agree(exchange.public);
                premaster.map(|premaster| (share.public().to_vec(), premaster))
            }
            None => group::respond(group, exchange.public)?,
        };
        let (public, premaster) = answered.ok_or_else(illegal)?;
        Ok(Answer {
            chain: shown.chain,
            public,
            premaster,
        })
    }

    /// The server's flight is whole: ours (RFC 5246 §7.4.6 to §7.4.9).
    fn done(
        &mut self,
        link: &mut Link,
        message: &Message,
        answer: Answer,
        schemes: Option<Vec<u16>>,
    ) -> Result<Next, DtlsError> {
        expect(message, kind::SERVER_HELLO_DONE)?;
        if !message.body.is_empty() {
            return Err(DtlsError::misbehaved(Alert::DECODE_ERROR));
        }
        self.add(message);
        link.begin_flight();
        let mut signer = None;
        if let Some(schemes) = schemes {
            let schemes = schemes.into_iter();
            signer = SigningKey::of(&link.certificates, Version::V12, schemes);
            link.shown = signer.as_ref().map(|(key, _)| key.certificate().clone());
            let body = write_certificate_12(link.shown.as_ref().map(Certificate::der));
            link.say(&mut self.transcript, kind::CERTIFICATE, body);
        }
        let mut body = Vec::new();
        put_vec(&mut body, 1, |out| out.extend_from_slice(&answer.public));
        link.say(&mut self.transcript, kind::CLIENT_KEY_EXCHANGE, body);

        // RFC 7627 §3: of all up to here.
        let hash = self.suite.hash;
        let session_hash = self.transcript.hash(hash);
        let master = Master::extended(
            self.suite,
            &answer.premaster,
            session_hash.as_ref(),
            self.randoms,
        )?;
        if let Some(log) = &mut link.key_log {
            log.add_master(master.secret());
        }
        if let Some((key, scheme)) = signer {
            let signature = key.sign(scheme, self.transcript.bytes())?;
            let mut body = Vec::new();
            write_signed(&mut body, scheme, &signature);
            link.say(&mut self.transcript, kind::CERTIFICATE_VERIFY, body);
        }

        let (sealing, opening) = master.keys()?.sealing_and_opening(DtlsRole::Client);
        link.records.install_sealing(DATA_EPOCH, sealing);
        link.records.install_opening(DATA_EPOCH, opening);
        link.flight.add_change_cipher_spec();
        let data = master.verify_data(DtlsRole::Client, self.transcript.hash(hash).as_ref())?;
        link.say(&mut self.transcript, kind::FINISHED, data.to_vec());
        link.send_flight(true)?;
        self.step = Step::Finished(Box::new(master), answer.chain);
        Ok(Next::Waits)
    }
}
