//! A handshake, and the attempts that it takes while nobody has proved anything.
//!
//! Until there are keys, whoever can put a peer's address on a datagram can speak for the peer. What
//! makes no sense is forgotten, and counts only if nothing else comes after it, as does an alert;
//! what stands still beside another hello goes over to that one. What is left to an attacker is to go
//! on and on.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use duologue_base::{DtlsRole, Instant};
use duologue_identity::Certificates;

use crate::engine::{Engine, Fault};
use crate::flight::Flight;
use crate::limits::{
    ATTEMPTS, EARLY_DATAGRAM_BYTES, EARLY_DATAGRAMS, HANDSHAKE_DEADLINE, SILENCE, STANDSTILL,
    UNAUTHENTICATED_ERROR,
};
use crate::link::Link;
use crate::peek::{
    Hello, Random, client_hello, is_answer_to_hello, is_client_hello, plaintext_alert, server_hello,
};
use crate::reassembly::Reassembly;
use crate::record::Records;
use crate::trust::Trust;
use crate::{Context, DtlsError};

/// The handshake and what it has shown so far.
pub(crate) struct Connecting {
    pub(crate) engine: Engine,
    context: Context,
    attempts: usize,
    /// When all attempts together have taken too long. A server's time begins with a hello.
    deadline: Option<Instant>,
    /// When a server that has heard no hello says so, once.
    silent_at: Option<Instant>,
    /// The peer's hello that was taken.
    hello: Option<Random>,
    /// When the peer's first message of this attempt was taken.
    heard: Option<Instant>,
    /// The message in which the server asked for a second ClientHello.
    question: Option<Vec<u8>>,
    /// As a server: the hello was answered.
    has_answered: bool,
    /// The newest hello that is another one.
    rival: Option<Rival>,
    /// ServerHellos that answer earlier attempts. They may be sent again.
    stale: Vec<Random>,
    unauthenticated: Option<Unauthenticated>,
    /// The most messages of the peer's that were taken at a time.
    farthest: u16,
}

/// Another hello than the one that was taken.
struct Rival {
    random: Option<Random>,
    /// A ClientHello, for the next attempt.
    datagrams: Vec<Vec<u8>>,
}

/// An error that anybody may have sent: in plaintext, before the peer has proved who it is.
struct Unauthenticated {
    error: DtlsError,
    until: Instant,
}

impl Connecting {
    pub(crate) fn new(
        context: Context,
        certificates: Certificates,
        role: DtlsRole,
        trust: Trust,
        server_name: Option<String>,
        now: Instant,
    ) -> Result<Self, DtlsError> {
        let engine = Engine::new(Link {
            settings: context.settings(),
            role,
            certificates,
            shown: None,
            server_name,
            trust,
            random: context.random(0),
            records: Records::new(0),
            reassembly: Reassembly::new(),
            flight: Flight::new(
                context.settings().first_retransmission,
                context.settings().mtu,
            ),
            outgoing: VecDeque::new(),
            now,
            ack_due: None,
            key_log: Link::key_log_of(&context.settings()),
        })?;
        Ok(Connecting {
            engine,
            context,
            attempts: 1,
            deadline: (role == DtlsRole::Client).then(|| now + HANDSHAKE_DEADLINE),
            silent_at: (role == DtlsRole::Server).then(|| now + SILENCE),
            hello: None,
            heard: None,
            question: None,
            has_answered: false,
            rival: None,
            stale: Vec::new(),
            unauthenticated: None,
            farthest: 0,
        })
    }

    fn role(&self) -> DtlsRole {
        self.engine.link.role
    }

    /// Takes a datagram, unless it is of another handshake.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        on_packet: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        if let Some(alert) = plaintext_alert(datagram) {
            self.note_unauthenticated(now, DtlsError::AlertReceived(alert));
        }
        if self.is_of_rival(now, datagram) {
            return Ok(());
        }
        if self.hello.is_none() && self.attempts > 1 && !self.may_begin(datagram) {
            // Of an earlier attempt.
            return Ok(());
        }

        let result = self.engine.handle_datagram(now, datagram, on_packet);
        self.has_answered |= !self.engine.link.outgoing.is_empty();
        if self.engine.taken() > self.farthest {
            // What spoke against it before has not stopped it.
            self.farthest = self.engine.taken();
            self.unauthenticated = None;
        }
        if self.engine.is_proved() {
            self.rival = None;
        }
        match result {
            Err(Fault::Unauthenticated(error)) => {
                self.note_unauthenticated(now, error);
                Ok(())
            }
            result => result,
        }
    }

    /// Whether a handshake may begin with a datagram.
    fn may_begin(&self, datagram: &[u8]) -> bool {
        match self.role() {
            DtlsRole::Client => is_answer_to_hello(datagram),
            DtlsRole::Server => is_client_hello(datagram),
        }
    }

    /// Whether a datagram is of another handshake than the one that is under way. Reassembly would
    /// mix the two.
    fn is_of_rival(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let hello = match self.role() {
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
            // The question came by two ways, or was repeated. Its answer is under way.
            Some(hello) if self.is_answered(&hello) && !self.fits(&hello) => true,
            Some(hello) if self.fits(&hello) => {
                self.heard.get_or_insert(now);
                self.silent_at = None;
                self.deadline.get_or_insert(now + HANDSHAKE_DEADLINE);
                if !hello.asks_again {
                    self.hello = Some(hello.random);
                } else if self.question.is_none() {
                    self.question = Some(hello.message.to_vec());
                }
                false
            }
            Some(hello) => {
                if !self.engine.is_proved() {
                    let mut datagrams = Vec::new();
                    if self.role() == DtlsRole::Server {
                        keep(&mut datagrams, datagram);
                    }
                    let random = (!hello.asks_again).then_some(hello.random);
                    self.rival = Some(Rival { random, datagrams });
                }
                true
            }
        }
    }

    /// Whether it is the question that was taken. Another one is another server's.
    fn is_answered(&self, hello: &Hello<'_>) -> bool {
        hello.asks_again && self.question.as_deref() == Some(hello.message)
    }

    /// Whether a hello is the one that was taken, or can be taken.
    fn fits(&self, hello: &Hello<'_>) -> bool {
        match self.hello {
            Some(taken) => taken == hello.random,
            // Who asks for a second hello counts that message (RFC 6347 §4.2.2).
            None => hello.asks_again || self.question.is_none() || hello.number > 0,
        }
    }

    fn note_unauthenticated(&mut self, now: Instant, error: DtlsError) {
        let until = now + UNAUTHENTICATED_ERROR;
        self.unauthenticated
            .get_or_insert(Unauthenticated { error, until });
    }

    /// The handshake is over without success.
    pub(crate) fn gave_up(&self, now: Instant) -> Option<DtlsError> {
        if let Some(unauthenticated) = self.unauthenticated.as_ref().filter(|it| it.until <= now) {
            return Some(unauthenticated.error.clone());
        }
        let late = self.deadline.is_some_and(|deadline| deadline <= now);
        late.then(|| self.reason_for_timeout())
    }

    /// Why nothing came of it in time.
    pub(crate) fn reason_for_timeout(&self) -> DtlsError {
        let known = self.unauthenticated.as_ref().map(|it| it.error.clone());
        known.unwrap_or(DtlsError::HandshakeTimeout)
    }

    /// Whether it is time to say that no hello comes.
    pub(crate) fn falls_silent(&mut self, now: Instant) -> bool {
        self.silent_at.take_if(|at| *at <= now).is_some()
    }

    /// Another hello is there, and nothing came of the one that was taken.
    pub(crate) fn stands_still(&self, now: Instant) -> bool {
        self.next_attempt().is_some_and(|at| at <= now)
    }

    fn next_attempt(&self) -> Option<Instant> {
        self.rival.as_ref()?;
        let heard = self.heard?;
        // What was not answered was not a ClientHello.
        let patience = match self.role() == DtlsRole::Server && !self.has_answered {
            true => Duration::ZERO,
            false => STANDSTILL,
        };
        Some(heard + patience)
    }

    /// There is a path from now on: what was said before may not have left.
    pub(crate) fn resume(&mut self, now: Instant) {
        if let Some(deadline) = &mut self.deadline {
            *deadline = now + HANDSHAKE_DEADLINE;
        }
        if let Some(silent_at) = &mut self.silent_at {
            *silent_at = now + SILENCE;
        }
        self.engine.link.flight.resume(now);
    }

    /// When something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let unauthenticated = self.unauthenticated.as_ref().map(|it| it.until);
        let engine = self.engine.poll_timeout();
        let next_attempt = self.next_attempt();
        Instant::earliest([
            engine,
            unauthenticated,
            self.deadline,
            self.silent_at,
            next_attempt,
        ])
    }

    /// Forgets this attempt. The datagrams to begin the next one with; `None` when there were too
    /// many.
    pub(crate) fn begin_again(&mut self, now: Instant) -> Option<Vec<Vec<u8>>> {
        let rival = self.rival.take();
        if self.attempts >= ATTEMPTS {
            return None;
        }
        let link = &mut self.engine.link;
        let trust = mem::replace(&mut link.trust, Trust::Refused);
        self.engine = Engine::new(Link {
            settings: link.settings,
            role: link.role,
            certificates: link.certificates.clone(),
            shown: None,
            server_name: link.server_name.clone(),
            trust,
            random: self.context.random(self.attempts as u64),
            // The peer's replay window may know the others.
            records: Records::new(link.records.plain_number()),
            reassembly: Reassembly::new(),
            flight: link.flight.anew(),
            outgoing: VecDeque::new(),
            now,
            ack_due: None,
            key_log: Link::key_log_of(&link.settings),
        })
        .ok()?;

        self.attempts += 1;
        if self.role() == DtlsRole::Client {
            let other = rival.as_ref().and_then(|rival| rival.random);
            self.stale.extend(self.hello.into_iter().chain(other));
        }
        self.hello = None;
        self.heard = None;
        self.question = None;
        self.has_answered = false;
        self.farthest = 0;
        Some(rival.map_or_else(Vec::new, |rival| rival.datagrams))
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
        let useful = is_client_hello(datagram) || plaintext_alert(datagram).is_some();
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
