//! A handshake, and the attempts that it takes while nobody has proved anything.
//!
//! Until there are keys, whoever can put a peer's address on a datagram can speak for the peer. Such
//! a datagram costs at most one attempt: what fails at the peer's first flight begins again, what
//! stands still beside another hello goes over to that one, and an alert counts when nothing else
//! comes after it. What is left to an attacker is to go on and on.

use std::mem;
use std::time::Duration;

use dimpl::{Dtls, Output, UnexpectedMessageError};
use duologue_base::{DtlsRole, Instant};
use duologue_identity::Certificate;

use crate::cipher::CipherSuite;
use crate::limits::{
    ATTEMPTS, CERTIFICATE_BYTES, DOUBT, EARLY_DATAGRAM_BYTES, EARLY_DATAGRAMS, HANDSHAKE_DEADLINE,
    NO_TIMER, STANDSTILL,
};
use crate::record::{
    Hello, Random, client_hello, is_answer_to_hello, is_client_hello, server_hello, split_alerts,
};
use crate::trust::Trust;
use crate::{Context, DtlsError, RECORD_OVERHEAD_MAX, SrtpKeying};

/// The handshake and what it has shown so far.
pub(crate) struct Connecting {
    pub(crate) engine: Engine,
    pub(crate) trust: Trust,
    /// Bytes that the library was given: its certificate cannot be longer.
    pub(crate) received: usize,
    /// Set once the peer showed it.
    pub(crate) remote_certificate: Option<Vec<u8>>,
    /// The certificate is a wrong one. DTLS 1.3 can tell the peer when it has its keys.
    pub(crate) rejected: Option<DtlsError>,
    pub(crate) srtp: Option<SrtpKeying>,
    pub(crate) suite: Option<CipherSuite>,
    /// The library has said that it is done; the SRTP keys follow that.
    pub(crate) finished: bool,
    /// Datagrams that overtook the ServerHello, which tells the version.
    pub(crate) overtaking: Vec<Vec<u8>>,
    role: DtlsRole,
    certificate: Certificate,
    attempts: usize,
    /// When all attempts together have taken too long. A server's time begins with a hello.
    deadline: Option<Instant>,
    /// The peer's hello that the library was given.
    hello: Option<Random>,
    /// When the peer's first message of this attempt was taken.
    heard: Option<Instant>,
    /// The server asked for a second ClientHello.
    was_asked_again: bool,
    /// The library said something: as a server, in answer to the hello.
    has_answered: bool,
    /// The newest hello that is another one.
    rival: Option<Rival>,
    /// ServerHellos that answer earlier attempts. They may be sent again.
    stale: Vec<Random>,
    doubt: Option<Doubt>,
}

/// Another hello than the one that was taken.
struct Rival {
    random: Option<Random>,
    /// A ClientHello, for the next attempt.
    datagrams: Vec<Vec<u8>>,
}

/// Something speaks against the handshake that anybody may have sent.
struct Doubt {
    error: DtlsError,
    until: Instant,
}

impl Connecting {
    pub(crate) fn new(
        context: Context,
        certificate: Certificate,
        role: DtlsRole,
        trust: Trust,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        let dtls = context.handshake(&certificate, role, now)?;
        Ok(Connecting {
            engine: Engine::new(dtls, context, now),
            trust,
            received: 0,
            remote_certificate: None,
            rejected: None,
            srtp: None,
            suite: None,
            finished: false,
            overtaking: Vec::new(),
            role,
            certificate,
            attempts: 1,
            deadline: (role == DtlsRole::Client).then(|| now + HANDSHAKE_DEADLINE),
            hello: None,
            heard: None,
            was_asked_again: false,
            has_answered: false,
            rival: None,
            stale: Vec::new(),
            doubt: None,
        })
    }

    /// Gives the library a datagram, or what of it the library should see.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<(), dimpl::Error> {
        let (datagram, alert) = split_alerts(datagram);
        if let Some(alert) = alert {
            self.doubt(now, DtlsError::AlertReceived(alert));
        }
        if datagram.is_empty() || self.is_of_rival(now, &datagram) {
            return Ok(());
        }
        self.received = (self.received + datagram.len()).min(CERTIFICATE_BYTES);
        self.trust.observe(&datagram);
        self.suite = CipherSuite::of_server_hello(&datagram).or(self.suite);
        if self.hello.is_none() && !self.may_begin(&datagram) {
            // The library would keep it in the hello's place, or fail on too much. From an earlier
            // attempt it is of no use.
            if self.attempts == 1 {
                keep(&mut self.overtaking, &datagram);
            }
            return Ok(());
        }
        match self.engine.handle_datagram(now, &datagram) {
            Err(dimpl::Error::UnexpectedMessage(
                UnexpectedMessageError::UnrecognizedAutoServerResponse,
            )) => {
                // It only looked like a ServerHello. The library is as it was.
                self.hello = None;
                self.heard = None;
                keep(&mut self.overtaking, &datagram);
                Ok(())
            }
            result => result,
        }
    }

    /// The peer's hello was understood: what overtook it can be used.
    pub(crate) fn can_go_on(&self) -> bool {
        self.hello.is_some() && self.engine.dtls.protocol_version().is_some()
    }

    /// Whether a handshake may begin with a datagram.
    fn may_begin(&self, datagram: &[u8]) -> bool {
        match self.role {
            DtlsRole::Client => is_answer_to_hello(datagram),
            DtlsRole::Server => is_client_hello(datagram),
        }
    }

    /// Whether a datagram is of another handshake than the one that is under way. The library would
    /// mix the two.
    fn is_of_rival(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let hello = match self.role {
            DtlsRole::Client => server_hello(datagram),
            DtlsRole::Server => client_hello(datagram),
        };
        match hello {
            // A later piece of a ClientHello may be of either.
            None => {
                if let Some(rival) = &mut self.rival
                    && is_client_hello(datagram)
                {
                    keep(&mut rival.datagrams, datagram);
                }
                false
            }
            Some(hello) if self.stale.contains(&hello.random) => true,
            Some(hello) if self.fits(&hello) => {
                let comes_again = self.hello == Some(hello.random);
                if comes_again && self.role == DtlsRole::Server && !self.has_answered {
                    // The library passes over what offers nothing that it knows.
                    self.doubt(now, DtlsError::PeerIncompatible { sent: None });
                }
                self.heard.get_or_insert(now);
                self.deadline.get_or_insert(now + HANDSHAKE_DEADLINE);
                match hello.asks_again {
                    true => self.was_asked_again = true,
                    false => self.hello = Some(hello.random),
                }
                false
            }
            Some(hello) => {
                if self.remote_certificate.is_none() {
                    let mut datagrams = Vec::new();
                    if self.role == DtlsRole::Server {
                        keep(&mut datagrams, datagram);
                    }
                    let random = (!hello.asks_again).then_some(hello.random);
                    self.rival = Some(Rival { random, datagrams });
                }
                true
            }
        }
    }

    /// Whether a hello is the one that was taken, or can be taken.
    fn fits(&self, hello: &Hello) -> bool {
        match self.hello {
            Some(taken) => taken == hello.random,
            // Who asks for a second hello counts that message (RFC 6347 §4.2.2).
            None => hello.asks_again || !self.was_asked_again || hello.number > 0,
        }
    }

    /// The library gave a datagram to be sent.
    pub(crate) fn on_datagram_made(&mut self, datagram: &[u8]) {
        if self.role == DtlsRole::Server && !self.has_answered {
            self.doubt = None;
        }
        self.has_answered = true;
        self.suite = CipherSuite::of_server_hello(datagram).or(self.suite);
    }

    /// The peer showed its certificate: what was doubtful before that has not stopped it.
    pub(crate) fn on_certificate(&mut self, der: &[u8]) {
        self.remote_certificate = Some(der.to_vec());
        self.doubt = None;
        self.rival = None;
    }

    fn doubt(&mut self, now: Instant, error: DtlsError) {
        let until = now + DOUBT;
        self.doubt.get_or_insert(Doubt { error, until });
    }

    /// The library failed. Whether another attempt may follow, after which the error counts only if
    /// that one brings nothing.
    pub(crate) fn survives(&mut self, now: Instant, error: &DtlsError) -> bool {
        let of_first_flight = match self.role {
            DtlsRole::Client => self.remote_certificate.is_none(),
            DtlsRole::Server => !self.has_answered,
        };
        // The library hears only alerts that are protected.
        let is_final = matches!(
            error,
            DtlsError::AlertReceived(_) | DtlsError::HandshakeTimeout
        );
        if is_final || !(of_first_flight || self.rival.is_some()) {
            return false;
        }
        self.doubt(now, error.clone());
        true
    }

    /// The handshake is over without success.
    pub(crate) fn gave_up(&self, now: Instant) -> Option<DtlsError> {
        if let Some(doubt) = self.doubt.as_ref().filter(|doubt| doubt.until <= now) {
            return Some(doubt.error.clone());
        }
        let late = self.deadline.is_some_and(|deadline| deadline <= now);
        late.then(|| self.reason_for_timeout())
    }

    /// Why nothing came of it in time.
    pub(crate) fn reason_for_timeout(&self) -> DtlsError {
        let doubted = self.doubt.as_ref().map(|doubt| &doubt.error);
        let reason = self.rejected.as_ref().or(doubted);
        reason.cloned().unwrap_or(DtlsError::HandshakeTimeout)
    }

    /// Another hello is there, and nothing came of the one that was taken.
    pub(crate) fn stands_still(&self, now: Instant) -> bool {
        self.next_attempt().is_some_and(|at| at <= now)
    }

    fn next_attempt(&self) -> Option<Instant> {
        self.rival.as_ref()?;
        let heard = self.heard?;
        // What was not answered was not a ClientHello.
        let patience = match self.role == DtlsRole::Server && !self.has_answered {
            true => Duration::ZERO,
            false => STANDSTILL,
        };
        Some(heard + patience)
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let doubt = self.doubt.as_ref().map(|doubt| doubt.until);
        Instant::earliest([self.engine.timer, doubt, self.deadline, self.next_attempt()])
    }

    /// Forgets this attempt. The datagrams to begin the next one with; `None` when there were too
    /// many.
    pub(crate) fn begin_again(&mut self, now: Instant) -> Option<Vec<Vec<u8>>> {
        let rival = self.rival.take();
        if self.attempts >= ATTEMPTS {
            return None;
        }
        let context = self.engine.context.clone();
        let dtls = context
            .another(self.attempts as u64)
            .handshake(&self.certificate, self.role, now)
            .ok()?;
        self.engine = Engine::new(dtls, context, now);
        self.attempts += 1;
        if self.role == DtlsRole::Client {
            let other = rival.as_ref().and_then(|rival| rival.random);
            self.stale.extend(self.hello.into_iter().chain(other));
        }
        self.hello = None;
        self.heard = None;
        self.was_asked_again = false;
        self.has_answered = false;
        self.suite = None;
        self.overtaking.clear();
        Some(rival.map_or_else(Vec::new, |rival| rival.datagrams))
    }
}

/// The library's state machine with its clock.
pub(crate) struct Engine {
    pub(crate) dtls: Dtls,
    context: Context,
    now: Instant,
    pub(crate) timer: Option<Instant>,
}

impl Engine {
    fn new(dtls: Dtls, context: Context, now: Instant) -> Self {
        Engine {
            dtls,
            context,
            now,
            timer: Some(now),
        }
    }

    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<(), dimpl::Error> {
        if now > self.now {
            self.advance(now)?;
        }
        self.dtls.handle_packet(datagram)
    }

    pub(crate) fn advance(&mut self, now: Instant) -> Result<(), dimpl::Error> {
        self.now = self.now.max(now);
        self.dtls
            .handle_timeout(self.context.clock().to_std(self.now))
    }

    pub(crate) fn set_timer(&mut self, at: std::time::Instant) {
        let at = self.context.clock().read_std(at);
        self.timer = (at - self.now < NO_TIMER).then_some(at);
    }

    pub(crate) fn seal(
        &mut self,
        now: Instant,
        packet: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, dimpl::Error> {
        if now > self.now {
            self.advance(now)?;
        }
        self.dtls.send_application_data(packet)?;
        let start = out.len();
        out.resize(start + packet.len() + RECORD_OVERHEAD_MAX, 0);
        let written = match self.dtls.poll_output(&mut out[start..]) {
            Output::Packet(datagram) => datagram.len(),
            _ => 0,
        };
        out.truncate(start + written);
        Ok(written > 0)
    }
}

/// What came before a handshake: the newest datagrams.
pub(crate) struct Early(Vec<Vec<u8>>);

impl Early {
    pub(crate) fn new() -> Self {
        Early(Vec::new())
    }

    /// Keeps a datagram if a handshake may begin with it; `false` if none may. The peer says again
    /// what is not answered, so that the oldest one goes when there are too many.
    pub(crate) fn keep(&mut self, datagram: &[u8]) -> bool {
        // Anything else is of an association that ended before this one. An alert is a peer's that
        // cannot begin.
        let useful = is_client_hello(datagram) || split_alerts(datagram).1.is_some();
        if !useful || datagram.len() > EARLY_DATAGRAM_BYTES {
            return false;
        }
        if self.0.len() >= EARLY_DATAGRAMS {
            self.0.remove(0);
        }
        self.0.push(datagram.to_vec());
        true
    }

    /// What to begin with: of several ClientHellos the newest, since the real one comes again.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let mut early = mem::take(&mut self.0);
        let random = |datagram: &[u8]| client_hello(datagram).map(|hello| hello.random);
        let newest = early.iter().rev().find_map(|datagram| random(datagram));
        early.retain(|datagram| random(datagram).is_none_or(|it| Some(it) == newest));
        early
    }
}

fn keep(store: &mut Vec<Vec<u8>>, datagram: &[u8]) {
    if store.len() < EARLY_DATAGRAMS && datagram.len() <= EARLY_DATAGRAM_BYTES {
        store.push(datagram.to_vec());
    }
}
