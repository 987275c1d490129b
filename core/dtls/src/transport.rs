use std::collections::VecDeque;
use std::net::IpAddr;
use std::{fmt, mem};

use duologue_base::{DtlsRole, Instant, Redacted};
use duologue_identity::{Certificate, Certificates, Fingerprint};

use crate::cipher::CipherSuite;
use crate::connecting::{Connecting, Early};
use crate::engine::{Engine, Fault};
use crate::message::Protocol;
use crate::peek::{LEVEL_FATAL, LEVEL_WARNING, is_for_established};
use crate::trust::{Judge, Trust};
use crate::{Alert, Confidentiality, Context, DtlsError, SrtpKeying, State, Version};

/// One DTLS association, from before its handshake to its end.
pub struct Transport {
    stage: Stage,
    /// What an association that ended has to say.
    last_words: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    discarded: u64,
    suite: Option<CipherSuite>,
    version: Option<Version>,
    /// There is no path yet: nothing is said again.
    waits_for_path: bool,
}

enum Stage {
    /// The role and the peer's fingerprints are not known yet.
    Waiting {
        context: Context,
        certificates: Certificates,
        early: Early,
    },
    Connecting(Box<Connecting>),
    Connected(Box<Engine>),
    Ended(State),
}

/// What a transport tells its owner. Application data is not among it: it goes to the closure given
/// to [`Transport::handle_datagram`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The handshake is done and the peer is who its description said.
    Connected {
        /// The peer's certificate in DER form.
        remote_certificate: Vec<u8>,
        /// The certificate of ours that was shown; none if the peer did not ask, or verifies none of them.
        local_certificate: Option<Certificate>,
        /// The version agreed on.
        version: Version,
        /// SRTP keys, if a protection profile was agreed on.
        srtp: Option<SrtpKeying>,
        /// Both ends promised to keep the media from applications (RFC 8833).
        confidential: bool,
    },
    /// A server waits for a client of which nothing has come for ten seconds, and goes on waiting: both
    /// ends are servers, or what is as long as a hello does not arrive. Told once.
    Silent,
    /// The peer closed.
    Closed,
    /// The handshake or the association failed, for good.
    Failed(DtlsError),
}

impl Transport {
    /// A transport that keeps what comes until [`Transport::start`]. Of several certificates it shows
    /// the first that the peer can verify, by what it says of itself (RFC 8446 §4.2.3,
    /// RFC 5246 §7.4.1.4.1, §7.4.4), or the first that fits its cipher suites.
    pub fn new(context: Context, certificates: impl Into<Certificates>) -> Self {
        Transport {
            stage: Stage::Waiting {
                context,
                certificates: certificates.into(),
                early: Early::new(),
            },
            last_words: VecDeque::new(),
            events: VecDeque::new(),
            discarded: 0,
            suite: None,
            version: None,
            waits_for_path: false,
        }
    }

    /// Begins the handshake. `fingerprints` are those of the peer's description; without one that
    /// fits, the transport fails. Only the first call counts.
    pub fn start(&mut self, now: Instant, role: DtlsRole, fingerprints: Vec<Fingerprint>) {
        self.begin(now, role, Trust::Fingerprints(fingerprints), None);
    }

    /// Says, before it starts, whether the peer has to promise to keep the media from applications.
    pub fn set_confidentiality(&mut self, confidentiality: Confidentiality) {
        if let Stage::Waiting { context, .. } = &mut self.stage {
            context.set_confidentiality(confidentiality);
        }
    }

    /// Begins the handshake as [`Transport::start`] does, before there is a path: the datagrams are short enough to travel inside
    /// of connectivity checks (draft-hancke-webrtc-sped), which are sent again by themselves. Nothing is
    /// due until [`Transport::resume`].
    pub fn start_ahead(&mut self, now: Instant, role: DtlsRole, fingerprints: Vec<Fingerprint>) {
        if let Stage::Waiting { context, .. } = &mut self.stage {
            context.embed();
            self.waits_for_path = true;
        }
        self.begin(now, role, Trust::Fingerprints(fingerprints), None);
    }

    /// Whether it [started ahead](Transport::start_ahead), and was not told of a path yet.
    #[inline]
    pub fn is_ahead(&self) -> bool {
        self.waits_for_path
    }

    /// Says that there is a path: time counts from now on. What checks have not brought to the peer,
    /// `not_arrived`, leaves again, before what else there is.
    pub fn resume(&mut self, now: Instant, not_arrived: impl IntoIterator<Item = Vec<u8>>) {
        if !mem::take(&mut self.waits_for_path) {
            return;
        }
        let outgoing = self.outgoing_mut();
        let later = mem::take(outgoing);
        outgoing.extend(not_arrived.into_iter().chain(later));
        match &mut self.stage {
            Stage::Connecting(connecting) => connecting.resume(now),
            Stage::Connected(engine) => engine.link.flight.resume(now),
            Stage::Waiting { .. } | Stage::Ended(_) => {}
        }
    }

    /// Begins the handshake with a server that is known by its name, which it is told
    /// (RFC 6066 §3) unless that is an address, and whose certificate `judge` has to trust. With a
    /// [`Context::for_servers`].
    pub fn start_to_server(&mut self, now: Instant, server_name: &str, judge: Judge) {
        let is_address = server_name.parse::<IpAddr>().is_ok();
        let name = (!is_address && !server_name.is_empty()).then(|| server_name.to_owned());
        self.begin(now, DtlsRole::Client, Trust::Judge(judge), name);
    }

    fn begin(&mut self, now: Instant, role: DtlsRole, trust: Trust, server_name: Option<String>) {
        if !matches!(self.stage, Stage::Waiting { .. }) {
            return;
        }
        let stage = mem::replace(&mut self.stage, Stage::Ended(State::Failed));
        let Stage::Waiting {
            context,
            certificates,
            mut early,
        } = stage
        else {
            return;
        };
        log_change(State::New, State::Connecting, format_args!("as {role:?}"));
        match Connecting::new(context, certificates, role, trust, server_name, now) {
            Ok(connecting) => self.stage = Stage::Connecting(Box::new(connecting)),
            Err(error) => return self.fail(error),
        }
        for mut datagram in early.take() {
            self.handle_datagram(now, &mut datagram, |_| {});
        }
    }

    /// Takes a datagram. The packets in it go to `on_packet`, whose argument lies in `datagram`:
    /// decryption happens in the caller's memory.
    #[inline]
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        mut on_packet: impl FnMut(&[u8]),
    ) {
        let result = match &mut self.stage {
            Stage::Waiting { early, .. } => {
                self.discarded += u64::from(!early.keep(datagram));
                return;
            }
            Stage::Ended(_) => {
                self.discarded += 1;
                return;
            }
            Stage::Connecting(connecting) => {
                connecting.handle_datagram(now, datagram, &mut on_packet)
            }
            Stage::Connected(engine) => {
                if !is_for_established(datagram) {
                    self.discarded += 1;
                    return;
                }
                engine.handle_datagram(now, datagram, &mut on_packet)
            }
        };
        self.settle();
        if let Err(fault) = result {
            return self.end_with(fault);
        }
        self.go_over_to_rival(now);
    }

    /// Sends what is due again, or gives up.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.waits_for_path {
            return;
        }
        if let Stage::Connecting(connecting) = &mut self.stage {
            if let Some(error) = connecting.gave_up(now) {
                return self.reject(error);
            }
            if connecting.falls_silent(now) {
                tracing::debug!("DTLS: Connecting: nothing comes of the client's hello");
                self.events.push_back(Event::Silent);
            }
        }
        if self.go_over_to_rival(now) {
            return;
        }
        let Some(engine) = self.engine_mut() else {
            return;
        };
        if let Err(fault) = engine.handle_timeout(now) {
            self.end_with(fault);
        }
    }

    /// When [`Transport::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            _ if self.waits_for_path => None,
            Stage::Connecting(connecting) => connecting.poll_timeout(),
            Stage::Connected(engine) => engine.poll_timeout(),
            Stage::Waiting { .. } | Stage::Ended(_) => None,
        }
    }

    /// Appends the next datagram of a flight or alert; `false` when there is none.
    pub fn poll_datagram(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(datagram) = self.outgoing_mut().pop_front() else {
            return false;
        };
        out.extend_from_slice(&datagram);
        true
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Appends one datagram with `packet` protected in it; `false`, and nothing appended, when the
    /// transport is not connected.
    pub fn seal(&mut self, now: Instant, packet: &[u8], out: &mut Vec<u8>) -> bool {
        let Stage::Connected(engine) = &mut self.stage else {
            return false;
        };
        let start = out.len();
        match engine.seal(now, packet, out) {
            Ok(sealed) => sealed,
            Err(error) => {
                out.truncate(start);
                self.reject(error);
                false
            }
        }
    }

    /// Closes with a `close_notify`, which [`Transport::poll_datagram`] gives out. No event follows.
    pub fn close(&mut self) {
        self.say_goodbye();
        self.end(State::Closed, format_args!("by this end"));
    }

    /// The state of the association.
    pub fn state(&self) -> State {
        match &self.stage {
            Stage::Waiting { .. } => State::New,
            Stage::Connecting(_) => State::Connecting,
            Stage::Connected(_) => State::Connected,
            Stage::Ended(state) => *state,
        }
    }

    /// The version that the handshake agreed on.
    pub fn version(&self) -> Option<Version> {
        self.version
    }

    /// The cipher suite that the handshake agreed on.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        self.suite
    }

    /// The longest packet that the peer said it takes (RFC 8449), once the transport is connected. `None`:
    /// it did not say, and there are peers that read no more than 1500 bytes of a record at a time.
    pub fn record_size_limit(&self) -> Option<usize> {
        match &self.stage {
            Stage::Connected(engine) => engine.link.records.told_limit(),
            Stage::Waiting { .. } | Stage::Connecting(_) | Stage::Ended(_) => None,
        }
    }

    /// The next line of SSLKEYLOGFILE, without its end, with a
    /// [`Context::with_key_log`](crate::Context::with_key_log). It is taken when time or a datagram was
    /// handled: what an attempt has told goes with the attempt.
    pub fn poll_key_log(&mut self) -> Option<Redacted<String>> {
        self.engine_mut()?.link.key_log.as_mut()?.take()
    }

    /// Whether a datagram waits in [`Transport::poll_datagram`].
    pub fn has_datagram(&self) -> bool {
        match &self.stage {
            Stage::Connecting(connecting) => !connecting.engine.link.outgoing.is_empty(),
            Stage::Connected(engine) => !engine.link.outgoing.is_empty(),
            Stage::Waiting { .. } | Stage::Ended(_) => !self.last_words.is_empty(),
        }
    }

    /// Datagrams that were of no use: those after the end, and too many early ones.
    pub fn discarded(&self) -> u64 {
        self.discarded
    }

    fn engine_mut(&mut self) -> Option<&mut Engine> {
        match &mut self.stage {
            Stage::Connecting(connecting) => Some(&mut connecting.engine),
            Stage::Connected(engine) => Some(engine),
            Stage::Waiting { .. } | Stage::Ended(_) => None,
        }
    }

    fn outgoing_mut(&mut self) -> &mut VecDeque<Vec<u8>> {
        match &mut self.stage {
            Stage::Connecting(connecting) => &mut connecting.engine.link.outgoing,
            Stage::Connected(engine) => &mut engine.link.outgoing,
            Stage::Waiting { .. } | Stage::Ended(_) => &mut self.last_words,
        }
    }

    /// Goes on to data once the handshake is done.
    fn settle(&mut self) {
        let Stage::Connecting(connecting) = &mut self.stage else {
            return;
        };
        let Some((agreed, version)) = connecting.engine.take_agreed() else {
            return;
        };
        let stage = mem::replace(&mut self.stage, Stage::Ended(State::Failed));
        let mut local_certificate = None;
        if let Stage::Connecting(mut connecting) = stage {
            local_certificate = connecting.engine.link.shown.take();
            self.suite = connecting.engine.suite();
            self.stage = Stage::Connected(Box::new(connecting.engine));
        }
        self.version = Some(version);
        log_change(
            State::Connecting,
            State::Connected,
            format_args!("{version:?}"),
        );
        self.events.push_back(Event::Connected {
            remote_certificate: agreed.chain.into_iter().next().unwrap_or_default(),
            local_certificate,
            version,
            srtp: agreed.srtp,
            confidential: agreed.protocol == Some(Protocol::Confidential),
        });
    }

    /// Begins again with another hello that came, if nothing comes of the first; whether it did.
    fn go_over_to_rival(&mut self, now: Instant) -> bool {
        let Stage::Connecting(connecting) = &mut self.stage else {
            return false;
        };
        if !connecting.stands_still(now) {
            return false;
        }
        let Some(hello) = connecting.begin_again(now) else {
            return false;
        };
        tracing::debug!("DTLS: the handshake begins again");
        for mut datagram in hello {
            self.handle_datagram(now, &mut datagram, |_| {});
        }
        true
    }

    fn end_with(&mut self, fault: Fault) {
        match fault {
            Fault::Closed => {
                self.say_goodbye();
                self.end(State::Closed, format_args!("by the peer"));
                self.events.push_back(Event::Closed);
            }
            Fault::Final(error) => {
                let error = match &self.stage {
                    Stage::Connecting(connecting) if error == DtlsError::HandshakeTimeout => {
                        connecting.reason_for_timeout()
                    }
                    _ => error,
                };
                self.reject(error);
            }
            // Nothing happened, as far as anybody can know.
            Fault::Unauthenticated(_) => {}
        }
    }

    /// Fails after telling the peer why.
    fn reject(&mut self, mut error: DtlsError) {
        let alert = match error {
            // The peer said it first.
            DtlsError::AlertReceived(_) | DtlsError::HandshakeTimeout => None,
            _ => error.alert(),
        };
        if let Some(alert) = alert {
            self.say(LEVEL_FATAL, alert);
            error = error.with_alert(alert);
        }
        self.fail(error);
    }

    fn fail(&mut self, error: DtlsError) {
        self.end(State::Failed, format_args!("{error}"));
        self.events.push_back(Event::Failed(error));
    }

    fn end(&mut self, state: State, why: fmt::Arguments<'_>) {
        log_change(self.state(), state, why);
        if let Some(engine) = self.engine_mut() {
            self.last_words = mem::take(&mut engine.link.outgoing);
        }
        self.stage = Stage::Ended(state);
    }

    /// Says a `close_notify` if there are keys to protect it.
    fn say_goodbye(&mut self) {
        let has_keys = |engine: &mut Engine| engine.link.records.sealing_epoch() > 0;
        if self.engine_mut().is_some_and(has_keys) {
            self.say(LEVEL_WARNING, Alert::CLOSE_NOTIFY);
        }
    }

    fn say(&mut self, level: u8, alert: Alert) {
        if let Some(engine) = self.engine_mut()
            && engine.say_alert(level, alert).is_err()
        {
            tracing::debug!("DTLS: an alert could not be sealed");
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Every change of the state.
fn log_change(before: State, after: State, detail: fmt::Arguments<'_>) {
    tracing::debug!("DTLS: {before:?} -> {after:?}: {detail}");
}

#[cfg(test)]
mod tests;
