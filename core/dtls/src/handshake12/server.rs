use duologue_base::{DtlsRole, SrtpProfile};

use super::{DATA_EPOCH, Next, Shown, check_finished, expect, read_shown, srtp_keying};
use crate::crypto::group::{Exchange, GROUPS, Group};
use crate::crypto::prf::{Master, Pair, Randoms};
use crate::crypto::signature::{Scheme, SigningKey};
use crate::crypto::transcript::Transcript;
use crate::link::{Agreed, Link};
use crate::message::extension::{self, record_size_limit};
use crate::message::{
    CertificateRequest12, ClientHello, Protocol, ServerHelloFields, Signed, kind, put_srtp,
    write_certificate_12, write_curve, write_server_hello, write_signed,
};
use crate::reassembly::Message;
use crate::record::Keys;
use crate::suite::{SUITES, ServerKey, Suite};
use crate::wire::Reader;
use crate::{Alert, DtlsError, Version};

/// RFC 8446 §4.1.3: the end of the random of a server that has a newer version too.
pub(crate) const DOWNGRADE: [u8; 8] = *b"DOWNGRD\x01";

/// RFC 5746 §3.3: stands for an empty `renegotiation_info`.
const SCSV: u16 = 0x00ff;

/// A server from its flight on.
#[derive(Debug)]
pub(crate) struct Server {
    suite: Suite,
    randoms: Randoms,
    exchange: Exchange,
    srtp: Option<SrtpProfile>,
    protocol: Option<Protocol>,
    transcript: Transcript,
    step: Step,
    /// Where the client's flight begins: the message, and the transcript.
    begin: (u16, usize),
}

/// Which message is next.
#[derive(Debug)]
enum Step {
    Certificate,
    KeyExchange(Shown),
    CertificateVerify(Shown, Box<Keyed>),
    Finished(Vec<Vec<u8>>, Box<Keyed>),
}

/// The keys that were agreed on, and ours, which are not used yet.
#[derive(Debug)]
struct Keyed {
    master: Master,
    sealing: Keys,
}

impl Server {
    /// Answers a ClientHello. It is plaintext: what it gets wrong is to change nothing here.
    pub(crate) fn answer(
        link: &mut Link,
        message: &Message,
        hello: &ClientHello<'_>,
    ) -> Result<Self, DtlsError> {
        let failure = || DtlsError::incompatible(Alert::HANDSHAKE_FAILURE);
        // RFC 7627 §5.3.
        if !hello.extensions.has(extension::EXTENDED_MASTER_SECRET) {
            return Err(failure());
        }
        let (suite, key, scheme) = choose(link, hello).ok_or_else(failure)?;
        let group = choose_group(hello).ok_or_else(failure)?;
        let limit = record_size_limit(&hello.extensions, Version::V12)
            .ok_or_else(|| DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER))?;

        let protocol = Protocol::choose(&hello.extensions, link.settings.confidentiality)?;

        let mut random: [u8; 32] = link.random.bytes()?;
        if link.settings.allows(Version::V13) {
            random[24..].copy_from_slice(&DOWNGRADE);
        }
        let mut server = Server {
            suite,
            randoms: Randoms {
                client: hello.random,
                server: random,
            },
            exchange: Exchange::generate(group)?,
            srtp: hello.srtp_profile().filter(|_| link.settings.srtp),
            protocol,
            transcript: Transcript::new(Version::V12),
            step: Step::Certificate,
            begin: (message.number + 1, 0),
        };
        server.add(message);
        server.say_flight(link, hello, (&key, scheme))?;
        server.begin.1 = server.transcript.bytes().len();
        if let Some(limit) = limit {
            link.records.set_limit(limit);
        }
        Ok(server)
    }

    fn say_flight(
        &mut self,
        link: &mut Link,
        hello: &ClientHello<'_>,
        (key, scheme): (&SigningKey, Scheme),
    ) -> Result<(), DtlsError> {
        let fields = ServerHelloFields {
            random: self.randoms.server,
            session_id: &[],
            suite: self.suite.number.0,
        };
        let body = write_server_hello(&fields, |out| {
            put_extensions(out, hello, (self.srtp, self.protocol));
        });
        let transcript = &mut self.transcript;
        link.begin_flight();
        link.say(transcript, kind::SERVER_HELLO, body);
        link.shown = Some(key.certificate().clone());
        let body = write_certificate_12(Some(key.certificate().der()));
        link.say(transcript, kind::CERTIFICATE, body);

        let mut body = write_curve(self.exchange.group(), self.exchange.public());
        let randoms = [&self.randoms.client[..], &self.randoms.server].concat();
        let signature = key.sign(scheme, &[&randoms[..], &body].concat())?;
        write_signed(&mut body, scheme, &signature);
        link.say(transcript, kind::SERVER_KEY_EXCHANGE, body);
        // RFC 8827 §6.5: both ends present certificates.
        let body = CertificateRequest12::write();
        link.say(transcript, kind::CERTIFICATE_REQUEST, body);
        link.say(transcript, kind::SERVER_HELLO_DONE, Vec::new());
        link.send_flight(true)
    }

    pub(crate) fn suite(&self) -> Suite {
        self.suite
    }

    /// The epoch of the next message.
    pub(crate) fn epoch(&self) -> u64 {
        u64::from(matches!(self.step, Step::Finished(..)))
    }

    /// Forgets the client's flight.
    pub(crate) fn rewind(&mut self, link: &mut Link) {
        let (number, len) = self.begin;
        self.transcript.truncate(len);
        self.step = Step::Certificate;
        link.reassembly.rewind(number);
        link.records.retire_opening(u64::MAX);
    }

    pub(crate) fn handle(&mut self, link: &mut Link, message: &Message) -> Result<Next, DtlsError> {
        let step = std::mem::replace(&mut self.step, Step::Certificate);
        self.step = match step {
            Step::Certificate => {
                expect(message, kind::CERTIFICATE)?;
                Step::KeyExchange(read_shown(message)?)
            }
            Step::KeyExchange(shown) => {
                expect(message, kind::CLIENT_KEY_EXCHANGE)?;
                self.add(message);
                let keyed = self.agree(link, message)?;
                self.step = Step::CertificateVerify(shown, Box::new(keyed));
                return Ok(Next::Waits);
            }
            Step::CertificateVerify(shown, keyed) => {
                expect(message, kind::CERTIFICATE_VERIFY)?;
                let signed = Signed::read(&message.body);
                let signed = signed.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
                shown.verify(&signed, self.transcript.bytes())?;
                // The signature is over our random: this is the moment to ask who the client is.
                link.trust.check(&shown.chain)?;
                Step::Finished(shown.chain, keyed)
            }
            Step::Finished(chain, keyed) => {
                expect(message, kind::FINISHED)?;
                let of = DtlsRole::Client;
                check_finished(&keyed.master, of, message, self.suite, &self.transcript)?;
                self.add(message);
                return self.finish(link, chain, *keyed);
            }
        };
        self.add(message);
        Ok(Next::Waits)
    }

    fn add(&mut self, message: &Message) {
        (self.transcript).add(message.kind, message.number, &message.body);
    }

    /// RFC 8422 §5.7, RFC 7627 §3.
    fn agree(&self, link: &mut Link, message: &Message) -> Result<Keyed, DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        let mut reader = Reader::new(&message.body);
        let public = reader.vec8();
        let public = public.filter(|_| reader.is_empty());
        let public = public.ok_or_else(|| DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let premaster = self.exchange.agree(public).ok_or_else(illegal)?;
        let session_hash = self.transcript.hash(self.suite.hash);
        let master = Master::extended(self.suite, &premaster, session_hash.as_ref(), self.randoms)?;
        if let Some(log) = &mut link.key_log {
            log.begin(self.randoms.client);
            log.add_master(master.secret());
        }
        let keys: Pair = master.keys()?;
        let (sealing, opening) = keys.sealing_and_opening(DtlsRole::Server);
        link.records.install_opening(DATA_EPOCH, opening);
        Ok(Keyed { master, sealing })
    }

    /// The last flight, which the client's last one asks for again if it is lost.
    fn finish(
        &mut self,
        link: &mut Link,
        chain: Vec<Vec<u8>>,
        keyed: Keyed,
    ) -> Result<Next, DtlsError> {
        let hash = self.transcript.hash(self.suite.hash);
        let data = keyed.master.verify_data(DtlsRole::Server, hash.as_ref())?;
        link.begin_flight();
        link.records.install_sealing(DATA_EPOCH, keyed.sealing);
        link.flight.add_change_cipher_spec();
        link.say(&mut self.transcript, kind::FINISHED, data.to_vec());
        link.send_flight(false)?;
        let srtp = srtp_keying(&keyed.master, self.srtp)?;
        Ok(Next::Done(Box::new(Agreed {
            chain,
            srtp,
            protocol: self.protocol,
        })))
    }
}

/// Answers to what the client offered.
fn put_extensions(
    out: &mut Vec<u8>,
    hello: &ClientHello<'_>,
    (srtp, protocol): (Option<SrtpProfile>, Option<Protocol>),
) {
    extension::put(out, extension::EXTENDED_MASTER_SECRET, |_| {});
    let scsv = hello.suites().any(|number| number == SCSV);
    if scsv || hello.extensions.has(extension::RENEGOTIATION_INFO) {
        extension::put(out, extension::RENEGOTIATION_INFO, |out| out.push(0));
    }
    if hello.extensions.has(extension::EC_POINT_FORMATS) {
        extension::put(out, extension::EC_POINT_FORMATS, |out| {
            out.extend_from_slice(&[1, 0]);
        });
    }
    if hello.extensions.has(extension::RECORD_SIZE_LIMIT) {
        extension::put_record_size_limit(out, Version::V12);
    }
    put_srtp(out, srtp);
    Protocol::put(out, protocol);
}

/// The first of our certificates that the client has a suite for, and a scheme to verify it by.
fn choose(link: &Link, hello: &ClientHello<'_>) -> Option<(Suite, SigningKey, Scheme)> {
    SigningKey::all(&link.certificates).find_map(|key| {
        let suite = choose_suite(&key, hello)?;
        let schemes = hello.list(extension::SIGNATURE_ALGORITHMS);
        let scheme = key.choose(Version::V12, schemes)?;
        Some((suite, key, scheme))
    })
}

fn choose_suite(key: &SigningKey, hello: &ClientHello<'_>) -> Option<Suite> {
    let ours = match key.is_rsa() {
        true => ServerKey::Rsa,
        false => ServerKey::Ec,
    };
    let offers = |suite: &Suite| hello.suites().any(|number| number == suite.number.0);
    let mut suites = SUITES.into_iter();
    suites.find(|suite| suite.server_key == ours && offers(suite))
}

/// RFC 8422 §4: a client that lists no curves takes any.
fn choose_group(hello: &ClientHello<'_>) -> Option<Group> {
    if !hello.extensions.has(extension::SUPPORTED_GROUPS) {
        return Some(Group::P256);
    }
    let knows = |group: &Group| {
        let mut offered = hello.list(extension::SUPPORTED_GROUPS);
        group.is_curve() && offered.any(|number| number == group.number())
    };
    GROUPS.into_iter().find(knows)
}
