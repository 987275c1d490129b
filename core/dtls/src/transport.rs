use std::collections::VecDeque;
use std::{fmt, mem};

use dimpl::{Dtls, Output, ProtocolVersion, UnexpectedMessageError};
use duologue_base::{Instant, Redacted};
use duologue_identity::{Certificate, Fingerprint};

use crate::cipher::CipherSuite;
use crate::limits::{CERTIFICATE_BYTES, EARLY_DATAGRAM_BYTES, EARLY_DATAGRAMS, NO_TIMER};
use crate::trust::{Judge, Trust};
use crate::{
    Alert, Context, DtlsError, RECORD_OVERHEAD_MAX, Role, SrtpKeying, SrtpProfile, State, Version,
};

/// One DTLS association, from before its handshake to its end.
pub struct Transport {
    stage: Stage,
    /// Datagrams of flights and alerts that wait to be sent. Sealed packets do not pass here.
    outgoing: VecDeque<Vec<u8>>,
    events: VecDeque<Event>,
    discarded: u64,
    suite: Option<CipherSuite>,
    version: Option<Version>,
}

enum Stage {
    /// The role and the peer's fingerprints are not known yet.
    Waiting {
        context: Context,
        certificate: Certificate,
        early: Vec<Vec<u8>>,
    },
    Connecting(Box<Connecting>),
    Connected(Box<Engine>),
    Ended(State),
}

/// The handshake and what it has shown so far.
struct Connecting {
    engine: Engine,
    trust: Trust,
    /// Bytes that the library was given: its certificate cannot be longer.
    received: usize,
    /// Set once the certificate is trusted.
    remote_certificate: Option<Vec<u8>>,
    srtp: Option<SrtpKeying>,
    /// The library has said that it is done; the SRTP keys follow that.
    finished: bool,
    /// Datagrams that overtook the ServerHello, which tells the version.
    overtaking: Vec<Vec<u8>>,
}

/// The library's state machine with its clock.
struct Engine {
    dtls: Dtls,
    context: Context,
    now: Instant,
    timer: Option<Instant>,
}

/// What a transport tells its owner. Application data is not among it: it goes to the closure given
/// to [`Transport::handle_datagram`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// The handshake is done and the peer is who its description said.
    Connected {
        /// The peer's certificate in DER form.
        remote_certificate: Vec<u8>,
        /// The version agreed on.
        version: Version,
        /// SRTP keys, if a protection profile was agreed on.
        srtp: Option<SrtpKeying>,
    },
    /// The peer closed.
    Closed,
    /// It failed, for good.
    Failed(DtlsError),
}

/// What the library's output asks for next.
enum Step {
    Continue,
    Done,
    Closed,
    Failed(DtlsError),
}

impl Transport {
    /// A transport that keeps what comes until [`Transport::start`].
    pub fn new(context: Context, certificate: Certificate) -> Self {
        Transport {
            stage: Stage::Waiting {
                context,
                certificate,
                early: Vec::new(),
            },
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
            discarded: 0,
            suite: None,
            version: None,
        }
    }

    /// Begins the handshake. `fingerprints` are those of the peer's description; without one that
    /// fits, the transport fails. Only the first call counts.
    pub fn start(&mut self, now: Instant, role: Role, fingerprints: Vec<Fingerprint>) {
        self.begin(now, role, Trust::Fingerprints(fingerprints));
    }

    /// Begins the handshake with a server that is known by its name, and whose certificate `judge`
    /// has to trust. With a [`Context::for_servers`]: only DTLS 1.2 shows the whole chain.
    pub fn start_to_server(&mut self, now: Instant, judge: Judge) {
        self.begin(now, Role::Client, Trust::judged(judge));
    }

    fn begin(&mut self, now: Instant, role: Role, trust: Trust) {
        if !matches!(self.stage, Stage::Waiting { .. }) {
            return;
        }
        let stage = mem::replace(&mut self.stage, Stage::Ended(State::Failed));
        let Stage::Waiting {
            context,
            certificate,
            early,
        } = stage
        else {
            return;
        };
        tracing::trace!(?role, "new -> connecting");
        match context.handshake(&certificate, role, now) {
            Ok(dtls) => {
                let engine = Engine::new(dtls, context, now);
                self.stage = Stage::Connecting(Box::new(Connecting {
                    engine,
                    trust,
                    received: 0,
                    remote_certificate: None,
                    srtp: None,
                    finished: false,
                    overtaking: Vec::new(),
                }));
            }
            Err(error) => return self.fail(error),
        }
        self.handle_timeout(now);
        for mut datagram in early {
            self.handle_datagram(now, &mut datagram, |_| {});
        }
    }

    /// Takes a datagram. The packets in it go to `on_packet`, whose argument lies in `datagram`:
    /// decryption happens in the caller's memory.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        datagram: &mut [u8],
        mut on_packet: impl FnMut(&[u8]),
    ) {
        let result = match &mut self.stage {
            Stage::Waiting { early, .. } => {
                // A handshake begins with a ClientHello. Anything else is of an association that
                // ended before this one.
                if !is_client_hello(datagram) || !keep(early, datagram) {
                    self.discarded += 1;
                }
                return;
            }
            Stage::Ended(_) => {
                self.discarded += 1;
                return;
            }
            Stage::Connecting(connecting) => {
                self.suite = CipherSuite::of_server_hello(datagram).or(self.suite);
                connecting.handle_datagram(now, datagram)
            }
            Stage::Connected(engine) => {
                if !is_for_established(datagram) {
                    self.discarded += 1;
                    return;
                }
                engine.handle_datagram(now, datagram)
            }
        };
        match result {
            Ok(()) => self.drain(datagram, &mut on_packet),
            Err(error) => self.end_with(&error),
        }
        self.replay_overtaking(now, &mut on_packet);
    }

    /// Sends what is due again, or gives up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(engine) = self.engine_mut() else {
            return;
        };
        match engine.advance(now) {
            Ok(()) => self.drain(&mut [], &mut |_| {}),
            Err(error) => self.end_with(&error),
        }
    }

    /// When [`Transport::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Connecting(connecting) => connecting.engine.timer,
            Stage::Connected(engine) => engine.timer,
            Stage::Waiting { .. } | Stage::Ended(_) => None,
        }
    }

    /// Appends the next datagram of a flight or alert; `false` when there is none.
    pub fn poll_datagram(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(datagram) = self.outgoing.pop_front() else {
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
        match engine.seal(now, packet, out) {
            Ok(sealed) => {
                // A key update (RFC 9147 §8) may have been made beside it.
                self.drain(&mut [], &mut |_| {});
                sealed
            }
            Err(error) => {
                self.end_with(&error);
                false
            }
        }
    }

    /// Closes with a `close_notify`, which [`Transport::poll_datagram`] gives out. No event follows.
    pub fn close(&mut self) {
        self.say_goodbye();
        self.end(State::Closed);
    }

    /// Its state.
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
        self.suite.filter(|_| self.version.is_some())
    }

    /// Whether a datagram waits in [`Transport::poll_datagram`].
    pub fn has_datagram(&self) -> bool {
        !self.outgoing.is_empty()
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

    /// Takes all the library's output. `buffer` receives what fits, packets of data above all.
    fn drain(&mut self, buffer: &mut [u8], on_packet: &mut dyn FnMut(&[u8])) {
        let mut larger = vec![0; self.certificate_room(buffer.len())];
        loop {
            let Some(engine) = self.engine_mut() else {
                return;
            };
            let buffer = if larger.is_empty() {
                &mut *buffer
            } else {
                &mut larger[..]
            };
            let step = match engine.dtls.poll_output(buffer) {
                Output::BufferTooSmall { needed } => {
                    larger.resize(needed, 0);
                    Step::Continue
                }
                Output::Packet(datagram) => {
                    if matches!(self.stage, Stage::Connecting(_)) {
                        self.suite = CipherSuite::of_server_hello(datagram).or(self.suite);
                    }
                    self.outgoing.push_back(datagram.to_vec());
                    Step::Continue
                }
                Output::Timeout(at) => {
                    engine.set_timer(at);
                    self.settle();
                    Step::Done
                }
                Output::ApplicationData(packet) => {
                    self.settle();
                    if matches!(self.stage, Stage::Connected(_)) {
                        on_packet(packet);
                    }
                    Step::Continue
                }
                Output::CloseNotify => Step::Closed,
                output => self.learn(output),
            };
            match step {
                Step::Continue => {}
                Step::Done => return,
                Step::Closed => return self.close_by_peer(),
                Step::Failed(error) => return self.reject(error),
            }
        }
    }

    /// Room for the peer's certificate, when it may come and `room` is not enough: the library
    /// panics without, and its flight may end with a datagram that is shorter.
    fn certificate_room(&self, room: usize) -> usize {
        match &self.stage {
            Stage::Connecting(connecting)
                if connecting.remote_certificate.is_none() && connecting.received > room =>
            {
                connecting.received
            }
            _ => 0,
        }
    }

    /// What the handshake shows.
    fn learn(&mut self, output: Output<'_>) -> Step {
        let Stage::Connecting(connecting) = &mut self.stage else {
            return Step::Continue;
        };
        match output {
            Output::PeerCert(der) => {
                if let Err(error) = connecting.trust.check(der) {
                    return Step::Failed(error);
                }
                connecting.remote_certificate = Some(der.to_vec());
            }
            Output::KeyingMaterial(material, profile) => {
                connecting.srtp = srtp_profile(profile).map(|profile| SrtpKeying {
                    profile,
                    material: Redacted(material.to_vec()),
                });
            }
            Output::Connected => connecting.finished = true,
            _ => {}
        }
        Step::Continue
    }

    /// Moves on once the handshake is finished and all it shows is known.
    fn settle(&mut self) {
        // Asked with every record: most find nothing to move.
        if !matches!(&self.stage, Stage::Connecting(connecting) if connecting.finished) {
            return;
        }
        let stage = mem::replace(&mut self.stage, Stage::Ended(State::Failed));
        if let Stage::Connecting(connecting) = stage {
            self.become_connected(*connecting);
        }
    }

    fn become_connected(&mut self, connecting: Connecting) {
        let Connecting {
            engine,
            remote_certificate,
            srtp,
            ..
        } = connecting;
        // Both ends must show a certificate, so that this cannot be; nothing may rest on it.
        let Some(remote_certificate) = remote_certificate else {
            return self.fail(DtlsError::UnsupportedPeerCertificate);
        };
        let version = match engine.dtls.protocol_version() {
            Some(ProtocolVersion::DTLS1_2) => Version::V12,
            _ => Version::V13,
        };
        tracing::trace!(?version, "connecting -> connected");
        self.version = Some(version);
        self.stage = Stage::Connected(Box::new(engine));
        self.events.push_back(Event::Connected {
            remote_certificate,
            version,
            srtp,
        });
    }

    /// Feeds what overtook the ServerHello once that has come.
    fn replay_overtaking(&mut self, now: Instant, on_packet: &mut dyn FnMut(&[u8])) {
        let Stage::Connecting(connecting) = &mut self.stage else {
            return;
        };
        if connecting.overtaking.is_empty() || connecting.engine.dtls.protocol_version().is_none() {
            return;
        }
        for mut datagram in mem::take(&mut connecting.overtaking) {
            self.handle_datagram(now, &mut datagram, &mut *on_packet);
        }
    }

    fn close_by_peer(&mut self) {
        self.say_goodbye();
        self.end(State::Closed);
        self.events.push_back(Event::Closed);
    }

    /// The certificate does not match: say so if the protocol lets us, and let nothing pass.
    fn reject(&mut self, error: DtlsError) {
        let version = self
            .engine_mut()
            .and_then(|engine| engine.dtls.protocol_version());
        let untrusted = matches!(
            error,
            DtlsError::FingerprintMismatch { .. } | DtlsError::UntrustedCertificate
        );
        let error = if untrusted && version == Some(ProtocolVersion::DTLS1_2) {
            let alert = Alert::BAD_CERTIFICATE;
            self.outgoing.clear();
            self.outgoing.push_back(plaintext_alert(alert));
            error.with_alert(alert)
        } else {
            self.say_goodbye();
            error
        };
        self.fail(error);
    }

    /// The library gave up.
    fn end_with(&mut self, error: &dimpl::Error) {
        if matches!(error, dimpl::Error::ConnectionClosed) {
            self.close_by_peer();
        } else {
            self.fail(DtlsError::from_library(error));
        }
    }

    fn fail(&mut self, error: DtlsError) {
        self.end(State::Failed);
        self.events.push_back(Event::Failed(error));
    }

    fn end(&mut self, state: State) {
        tracing::trace!(from = ?self.state(), to = ?state, "ended");
        self.stage = Stage::Ended(state);
    }

    /// Makes a `close_notify` if there are keys to protect it.
    fn say_goodbye(&mut self) {
        let Some(engine) = self.engine_mut() else {
            return;
        };
        if engine.dtls.close().is_err() {
            return;
        }
        let mut buffer = vec![0; EARLY_DATAGRAM_BYTES];
        loop {
            let Some(engine) = self.engine_mut() else {
                return;
            };
            match engine.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => self.outgoing.push_back(datagram.to_vec()),
                Output::Timeout(_) | Output::BufferTooSmall { .. } => return,
                _ => {}
            }
        }
    }
}

impl Connecting {
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<(), dimpl::Error> {
        self.received = (self.received + datagram.len()).min(CERTIFICATE_BYTES);
        self.trust.observe(datagram);
        let version_known = self.engine.dtls.protocol_version().is_some();
        if !version_known && let Some(alert) = fatal_plaintext_alert(datagram) {
            // The server liked nothing of our ClientHello; the library does not look for that.
            let description = alert.0;
            return Err(dimpl::SecurityError::FatalAlert { description }.into());
        }
        if !version_known && !self.engine.dtls.is_active() && !is_client_hello(datagram) {
            // The library keeps whatever comes before a whole ClientHello, and fails on too much.
            keep(&mut self.overtaking, datagram);
            return Ok(());
        }
        match self.engine.handle_datagram(now, datagram) {
            Err(dimpl::Error::UnexpectedMessage(
                UnexpectedMessageError::UnrecognizedAutoServerResponse,
            )) => {
                // Something overtook the ServerHello, or is noise. The library is as it was.
                keep(&mut self.overtaking, datagram);
                Ok(())
            }
            result => result,
        }
    }
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

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> Result<(), dimpl::Error> {
        if now > self.now {
            self.advance(now)?;
        }
        self.dtls.handle_packet(datagram)
    }

    fn advance(&mut self, now: Instant) -> Result<(), dimpl::Error> {
        self.now = self.now.max(now);
        self.dtls
            .handle_timeout(self.context.clock().to_std(self.now))
    }

    fn set_timer(&mut self, at: std::time::Instant) {
        let at = self.context.clock().read_std(at);
        self.timer = (at - self.now < NO_TIMER).then_some(at);
    }

    fn seal(
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

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

fn keep(store: &mut Vec<Vec<u8>>, datagram: &[u8]) -> bool {
    let room = store.len() < EARLY_DATAGRAMS && datagram.len() <= EARLY_DATAGRAM_BYTES;
    if room {
        store.push(datagram.to_vec());
    }
    room
}

const CONTENT_ALERT: u8 = 21;
pub(crate) const CONTENT_HANDSHAKE: u8 = 22;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
const LEVEL_FATAL: u8 = 2;
pub(crate) const RECORD_HEADER: usize = 13;

/// After the handshake only protected records mean anything, and plaintext handshake records: they
/// show that the peer missed our last flight. Other plaintext is noise (RFC 6347 §4.1.2.7), of
/// which the library might keep too much.
fn is_for_established(datagram: &[u8]) -> bool {
    match datagram.first() {
        // RFC 9147 §4: the unified header of DTLS 1.3.
        Some(32..=63) => true,
        Some(&CONTENT_HANDSHAKE) => true,
        Some(_) => datagram.get(3..5).is_some_and(|epoch| epoch != [0, 0]),
        None => false,
    }
}

/// Whether a datagram begins with a piece of a ClientHello.
fn is_client_hello(datagram: &[u8]) -> bool {
    datagram.first() == Some(&CONTENT_HANDSHAKE)
        && datagram.get(3..5) == Some(&[0, 0])
        && datagram.get(RECORD_HEADER) == Some(&HANDSHAKE_CLIENT_HELLO)
}

fn fatal_plaintext_alert(datagram: &[u8]) -> Option<Alert> {
    let epoch = datagram.get(3..5)?;
    let body = datagram.get(RECORD_HEADER..)?;
    let alert = datagram[0] == CONTENT_ALERT && epoch == [0, 0] && body.len() == 2;
    (alert && body[0] == LEVEL_FATAL).then(|| Alert(body[1]))
}

/// RFC 6347 §4.1: one plaintext record. Its number is far above those of the handshake, so that the
/// peer's replay window takes it.
fn plaintext_alert(alert: Alert) -> Vec<u8> {
    let mut record = vec![
        CONTENT_ALERT,
        0xfe,
        0xfd,
        0,
        0,
        0,
        0,
        0,
        0,
        0xff,
        0xff,
        0,
        2,
    ];
    record.extend_from_slice(&[LEVEL_FATAL, alert.0]);
    record
}

fn srtp_profile(profile: dimpl::SrtpProfile) -> Option<SrtpProfile> {
    match profile {
        dimpl::SrtpProfile::AES128_CM_SHA1_80 => Some(SrtpProfile::Aes128CmSha1_80),
        dimpl::SrtpProfile::AEAD_AES_128_GCM => Some(SrtpProfile::AeadAes128Gcm),
        dimpl::SrtpProfile::AEAD_AES_256_GCM => Some(SrtpProfile::AeadAes256Gcm),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
