//! The beginning of a handshake, before its version is known.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::crypto::group::{Exchange, Group};
use crate::crypto::transcript::Transcript;
use crate::handshake12::{self, DOWNGRADE};
use crate::handshake13::{self, Answer, Retry};
use crate::link::Link;
use crate::message::{
    ClientHello, Offer, ServerHello, extension, kind, read_hello_verify, write_client_hello,
    write_hello_verify,
};
use crate::reassembly::Message;
use crate::suite::Suite;
use crate::wire::only_vec16;
use crate::{Alert, DtlsError, Version};

/// The handshake that hellos have led to, of the version that they agree on.
pub(crate) enum Begun {
    Client12(Box<handshake12::Client>),
    Server12(Box<handshake12::Server>),
    Client13(Box<handshake13::Client>),
    Server13(Box<handshake13::Server>),
}

/// A client that has said hello.
#[derive(Debug)]
pub(crate) struct ClientStart {
    random: [u8; 32],
    shares: Vec<Exchange>,
    /// The newest hello, and its number.
    hello: (Vec<u8>, u16),
    /// Set by the one HelloVerifyRequest that is answered.
    cookie: Option<Vec<u8>>,
    /// Set by the one HelloRetryRequest that is answered: what was before the second hello.
    retry: Option<(Suite, Transcript)>,
}

impl ClientStart {
    pub(crate) fn begin(link: &mut Link) -> Result<Self, DtlsError> {
        let mut shares = Vec::new();
        if link.settings.allows(Version::V13) {
            if link.settings.post_quantum {
                shares.push(Exchange::generate(Group::X25519MlKem768)?);
            }
            shares.push(Exchange::generate(Group::X25519)?);
        }
        let mut start = ClientStart {
            random: link.random.bytes()?,
            shares,
            hello: (Vec::new(), 0),
            cookie: None,
            retry: None,
        };
        if let Some(log) = &mut link.key_log {
            log.begin(start.random);
        }
        start.say(link, None)?;
        Ok(start)
    }

    fn say(&mut self, link: &mut Link, cookie_13: Option<&[u8]>) -> Result<(), DtlsError> {
        let server_name = link.server_name.clone();
        let body = write_client_hello(&Offer {
            versions: link.settings.versions,
            random: self.random,
            cookie_12: self.cookie.as_deref().unwrap_or_default(),
            cookie_13,
            shares: &self.shares,
            post_quantum: link.settings.post_quantum,
            server_name: server_name.as_deref(),
            srtp: link.settings.srtp,
            confidentiality: link.settings.confidentiality,
        });
        link.begin_flight();
        let number = link.flight.add(0, kind::CLIENT_HELLO, body.clone());
        self.hello = (body, number);
        link.send_flight(true)
    }

    /// Takes what answers the hello. It is plaintext: what it gets wrong changes nothing here.
    pub(crate) fn handle(
        &mut self,
        link: &mut Link,
        message: &Message,
    ) -> Result<Option<Begun>, DtlsError> {
        match message.kind {
            kind::HELLO_VERIFY_REQUEST => self.take_cookie(link, message).map(|()| None),
            kind::SERVER_HELLO => self.take_hello(link, message),
            _ => Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE)),
        }
    }

    /// RFC 6347 §4.2.1.
    fn take_cookie(&mut self, link: &mut Link, message: &Message) -> Result<(), DtlsError> {
        let expected =
            link.settings.allows(Version::V12) && self.cookie.is_none() && self.retry.is_none();
        if !expected {
            return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE));
        }
        let cookie = read_hello_verify(&message.body);
        let cookie = cookie.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        self.cookie = Some(cookie.to_vec());
        self.say(link, None)
    }

    fn take_hello(
        &mut self,
        link: &mut Link,
        message: &Message,
    ) -> Result<Option<Begun>, DtlsError> {
        let hello = ServerHello::read(&message.body);
        let hello = hello.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let version = hello.version();
        let version = version.filter(|version| link.settings.allows(*version));
        let version = version.ok_or(DtlsError::incompatible(Alert::PROTOCOL_VERSION))?;
        if hello.asks_again() {
            self.ask_retry(link, message, &hello)?;
            return Ok(None);
        }
        self.check_choice(link, &hello, version)?;

        let mut transcript = match &self.retry {
            Some((_, transcript)) => transcript.clone(),
            None => Transcript::new(version),
        };
        let (body, number) = &self.hello;
        transcript.add(kind::CLIENT_HELLO, *number, body);
        transcript.add(message.kind, message.number, &message.body);
        Ok(Some(match version {
            Version::V13 => {
                let client = handshake13::Client::begin(link, &hello, &self.shares, transcript)?;
                Begun::Client13(Box::new(client))
            }
            Version::V12 => {
                let client = handshake12::Client::begin(
                    link,
                    self.random,
                    &hello,
                    transcript,
                    message.number,
                    &mut self.shares,
                )?;
                Begun::Client12(Box::new(client))
            }
        }))
    }

    /// What a ServerHello may not choose.
    fn check_choice(
        &self,
        link: &Link,
        hello: &ServerHello<'_>,
        version: Version,
    ) -> Result<(), DtlsError> {
        let downgraded = version == Version::V12
            && link.settings.allows(Version::V13)
            && hello.random[24..] == DOWNGRADE;
        let after_retry = match &self.retry {
            None => true,
            Some((suite, _)) => version == Version::V13 && suite.number.0 == hello.suite,
        };
        let echoes = version == Version::V12 || hello.session_id.is_empty();
        match downgraded || !after_retry || !echoes {
            // RFC 8446 §4.1.3, §4.1.4; RFC 9147 §5.3.
            true => Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER)),
            false => Ok(()),
        }
    }

    /// RFC 8446 §4.1.4: a HelloRetryRequest.
    fn ask_retry(
        &mut self,
        link: &mut Link,
        message: &Message,
        hello: &ServerHello<'_>,
    ) -> Result<(), DtlsError> {
        let illegal = || DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER);
        if self.retry.is_some() || self.cookie.is_some() {
            return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE));
        }
        if hello.version() != Some(Version::V13) {
            return Err(DtlsError::misbehaved(Alert::MISSING_EXTENSION));
        }
        let suite = Suite::find(hello.suite, Version::V13).ok_or_else(illegal)?;
        handshake13::check_extensions(hello, true)?;
        let group = match hello.extensions.get(extension::KEY_SHARE) {
            None => None,
            Some(&[high, low]) => {
                let group = Group::find(u16::from_be_bytes([high, low])).ok_or_else(illegal)?;
                let offered = group.is_curve() || link.settings.post_quantum;
                let shared = self.shares.iter().any(|share| share.group() == group);
                if shared || !offered {
                    return Err(illegal());
                }
                Some(group)
            }
            Some(_) => return Err(illegal()),
        };
        let cookie = match hello.extensions.get(extension::COOKIE) {
            None => None,
            Some(body) => Some(only_vec16(body).ok_or_else(illegal)?),
        };
        if group.is_none() && cookie.is_none() {
            // It would change nothing.
            return Err(illegal());
        }

        if let Some(group) = group {
            self.shares = vec![Exchange::generate(group)?];
        }
        let mut transcript = Transcript::new(Version::V13);
        let (body, number) = &self.hello;
        transcript.add(kind::CLIENT_HELLO, *number, body);
        transcript.begin_again(suite.hash);
        transcript.add(message.kind, message.number, &message.body);
        self.retry = Some((suite, transcript));
        self.say(link, cookie)
    }
}

/// A server that waits for a hello.
#[derive(Debug, Default)]
pub(crate) struct ServerStart {
    /// What a second hello has to show, of either version.
    asked: Option<Asked>,
}

#[derive(Debug)]
enum Asked {
    /// RFC 6347 §4.2.1.
    Cookie([u8; 16]),
    Retry(Box<Retry>),
}

impl ServerStart {
    /// Takes a hello. It is plaintext: what it gets wrong changes nothing here.
    pub(crate) fn handle(
        &mut self,
        link: &mut Link,
        message: &Message,
    ) -> Result<Option<Begun>, DtlsError> {
        if message.kind != kind::CLIENT_HELLO {
            return Err(DtlsError::misbehaved(Alert::UNEXPECTED_MESSAGE));
        }
        let hello = ClientHello::read(&message.body);
        let hello = hello.ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        if hello.renegotiates() {
            return Err(DtlsError::misbehaved(Alert::HANDSHAKE_FAILURE));
        }
        let is_common = |version| link.settings.allows(version) && hello.offers(version);
        if is_common(Version::V13) {
            self.answer_13(link, message, &hello)
        } else if is_common(Version::V12) {
            self.answer_12(link, message, &hello)
        } else {
            Err(DtlsError::incompatible(Alert::PROTOCOL_VERSION))
        }
    }

    fn answer_13(
        &mut self,
        link: &mut Link,
        message: &Message,
        hello: &ClientHello<'_>,
    ) -> Result<Option<Begun>, DtlsError> {
        let retry = match &self.asked {
            None => None,
            Some(Asked::Retry(retry)) => Some(&**retry),
            Some(Asked::Cookie(_)) => {
                return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER));
            }
        };
        match handshake13::Server::answer(link, message, hello, retry)? {
            Answer::Server(server) => Ok(Some(Begun::Server13(server))),
            Answer::Retry(retry) => {
                self.asked = Some(Asked::Retry(Box::new(retry)));
                Ok(None)
            }
        }
    }

    fn answer_12(
        &mut self,
        link: &mut Link,
        message: &Message,
        hello: &ClientHello<'_>,
    ) -> Result<Option<Begun>, DtlsError> {
        match &self.asked {
            None if link.settings.cookies => {
                let cookie = link.random.bytes()?;
                link.begin_flight();
                let body = write_hello_verify(&cookie);
                link.flight.add(0, kind::HELLO_VERIFY_REQUEST, body);
                link.send_flight(false)?;
                self.asked = Some(Asked::Cookie(cookie));
                return Ok(None);
            }
            None => {}
            Some(Asked::Cookie(cookie))
                if verify_slices_are_equal(hello.cookie, cookie).is_ok() => {}
            Some(_) => return Err(DtlsError::misbehaved(Alert::ILLEGAL_PARAMETER)),
        }
        let server = handshake12::Server::answer(link, message, hello)?;
        Ok(Some(Begun::Server12(Box::new(server))))
    }
}
