use std::collections::VecDeque;
use std::{fmt, mem};

use dimpl::{Output, ProtocolVersion};
use duologue_base::{DtlsRole, Instant, Redacted};
use duologue_identity::{Certificate, Fingerprint};

use crate::cipher::CipherSuite;
use crate::handshake::{Connecting, Early, Engine};
use crate::limits::EARLY_DATAGRAM_BYTES;
use crate::record::{is_for_established, plaintext_alert};
use crate::trust::{Judge, Trust};
use crate::{Context, DtlsError, SrtpKeying, SrtpProfile, State, Version};

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
                early: Early::new(),
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
    pub fn start(&mut self, now: Instant, role: DtlsRole, fingerprints: Vec<Fingerprint>) {
        self.begin(now, role, Trust::Fingerprints(fingerprints));
    }

    /// Begins the handshake with a server that is known by its name, and whose certificate `judge`
    /// has to trust. With a [`Context::for_servers`]: only DTLS 1.2 shows the whole chain.
    pub fn start_to_server(&mut self, now: Instant, judge: Judge) {
        self.begin(now, DtlsRole::Client, Trust::judged(judge));
    }

    fn begin(&mut self, now: Instant, role: DtlsRole, trust: Trust) {
        if !matches!(self.stage, Stage::Waiting { .. }) {
            return;
        }
        let stage = mem::replace(&mut self.stage, Stage::Ended(State::Failed));
        let Stage::Waiting {
            context,
            certificate,
            mut early,
        } = stage
        else {
            return;
        };
        log_change(State::New, State::Connecting, format_args!("as {role:?}"));
        match Connecting::new(context, certificate, role, trust, now) {
            Ok(connecting) => self.stage = Stage::Connecting(Box::new(connecting)),
            Err(error) => {
                if let Some(alert) = error.sent_alert() {
                    self.outgoing.push_back(plaintext_alert(alert));
                }
                return self.fail(error);
            }
        }
        self.handle_timeout(now);
        for mut datagram in early.take() {
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
                self.discarded += u64::from(!early.keep(datagram));
                return;
            }
            Stage::Ended(_) => {
                self.discarded += 1;
                return;
            }
            Stage::Connecting(connecting) => connecting.handle_datagram(now, datagram),
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
            Err(error) => self.end_with(now, &error),
        }
        self.replay_overtaking(now, &mut on_packet);
        self.go_over_to_rival(now);
    }

    /// Sends what is due again, or gives up.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Stage::Connecting(connecting) = &self.stage
            && let Some(error) = connecting.gave_up(now)
        {
            return self.reject(error);
        }
        if self.go_over_to_rival(now) {
            return;
        }
        let Some(engine) = self.engine_mut() else {
            return;
        };
        match engine.advance(now) {
            Ok(()) => self.drain(&mut [], &mut |_| {}),
            Err(error) => self.end_with(now, &error),
        }
    }

    /// When [`Transport::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Connecting(connecting) => connecting.poll_timeout(),
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
                self.end_with(now, &error);
                false
            }
        }
    }

    /// Closes with a `close_notify`, which [`Transport::poll_datagram`] gives out. No event follows.
    pub fn close(&mut self) {
        self.say_goodbye();
        self.end(State::Closed, format_args!("by this end"));
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
        self.suite
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
                    if let Stage::Connecting(connecting) = &mut self.stage {
                        connecting.on_datagram_made(datagram);
                    }
                    self.outgoing.push_back(datagram.to_vec());
                    Step::Continue
                }
                Output::Timeout(at) => {
                    engine.set_timer(at);
                    self.settle().map_or(Step::Done, Step::Failed)
                }
                Output::ApplicationData(packet) => {
                    let failure = self.settle();
                    if matches!(self.stage, Stage::Connected(_)) {
                        on_packet(packet);
                    }
                    failure.map_or(Step::Continue, Step::Failed)
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
                let trusted = connecting.trust.check(der);
                connecting.on_certificate(der);
                if let Err(error) = trusted {
                    // DTLS 1.3 cannot say so before the handshake is finished.
                    if connecting.engine.dtls.protocol_version() == Some(ProtocolVersion::DTLS1_2) {
                        return Step::Failed(error);
                    }
                    connecting.rejected = Some(error);
                }
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

    /// Moves on once the handshake is finished and all it shows is known; what it fails with, if the
    /// peer is another one.
    fn settle(&mut self) -> Option<DtlsError> {
        // Asked with every record: most find nothing to move.
        if !matches!(&self.stage, Stage::Connecting(connecting) if connecting.finished) {
            return None;
        }
        match mem::replace(&mut self.stage, Stage::Ended(State::Failed)) {
            Stage::Connecting(connecting) if connecting.rejected.is_some() => {
                let error = connecting.rejected.clone();
                self.stage = Stage::Connecting(connecting);
                return error;
            }
            Stage::Connecting(connecting) => self.become_connected(*connecting),
            stage => self.stage = stage,
        }
        None
    }

    fn become_connected(&mut self, connecting: Connecting) {
        let Connecting {
            engine,
            remote_certificate,
            srtp,
            suite,
            ..
        } = connecting;
        // Both ends must show a certificate, so that this cannot be; nothing may rest on it.
        let Some(remote_certificate) = remote_certificate else {
            return self.fail(DtlsError::UnsupportedPeerCertificate { sent: None });
        };
        let version = match engine.dtls.protocol_version() {
            Some(ProtocolVersion::DTLS1_2) => Version::V12,
            _ => Version::V13,
        };
        log_change(
            State::Connecting,
            State::Connected,
            format_args!("{version:?}"),
        );
        self.version = Some(version);
        self.suite = suite;
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
        if connecting.overtaking.is_empty() || !connecting.can_go_on() {
            return;
        }
        for mut datagram in mem::take(&mut connecting.overtaking) {
            self.handle_datagram(now, &mut datagram, &mut *on_packet);
        }
    }

    fn close_by_peer(&mut self) {
        self.say_goodbye();
        self.end(State::Closed, format_args!("by the peer"));
        self.events.push_back(Event::Closed);
    }

    /// Begins again with another hello that came, if nothing comes of the first; whether it did.
    fn go_over_to_rival(&mut self, now: Instant) -> bool {
        let stands_still =
            matches!(&self.stage, Stage::Connecting(connecting) if connecting.stands_still(now));
        stands_still && self.begin_again(now)
    }

    /// Makes another attempt; `false` if there were too many.
    fn begin_again(&mut self, now: Instant) -> bool {
        let Stage::Connecting(connecting) = &mut self.stage else {
            return false;
        };
        let Some(hello) = connecting.begin_again(now) else {
            return false;
        };
        tracing::debug!("DTLS: the handshake begins again");
        self.outgoing.clear();
        self.handle_timeout(now);
        for mut datagram in hello {
            self.handle_datagram(now, &mut datagram, |_| {});
        }
        true
    }

    /// The library gave up.
    fn end_with(&mut self, now: Instant, error: &dimpl::Error) {
        if matches!(error, dimpl::Error::ConnectionClosed) {
            return self.close_by_peer();
        }
        let mut error = DtlsError::from_library(error);
        if let Stage::Connecting(connecting) = &mut self.stage {
            if connecting.survives(now, &error) && self.begin_again(now) {
                return;
            }
            if let Stage::Connecting(connecting) = &self.stage
                && error == DtlsError::HandshakeTimeout
            {
                error = connecting.reason_for_timeout();
            }
        }
        self.reject(error);
    }

    /// Fails after telling the peer so, as far as the protocol and the library let us.
    fn reject(&mut self, error: DtlsError) {
        let error = match self.stage {
            Stage::Connecting(_) => self.tell(error),
            _ => error,
        };
        self.fail(error);
    }

    fn tell(&mut self, error: DtlsError) -> DtlsError {
        let Some(alert) = error.alert() else {
            return error;
        };
        let version = self
            .engine_mut()
            .and_then(|engine| engine.dtls.protocol_version());
        let is_old = version == Some(ProtocolVersion::DTLS1_2);
        let untrusted = matches!(
            error,
            DtlsError::FingerprintMismatch { .. } | DtlsError::UntrustedCertificate
        );
        if untrusted && is_old {
            // Our last flight may be among it, and is not for this peer.
            self.outgoing.clear();
        } else {
            // The library may have said it already, or can close at least.
            let before = self.outgoing.len();
            self.say_goodbye();
            if self.outgoing.len() > before {
                return error.with_alert_of_library(is_old);
            }
        }
        self.outgoing.push_back(plaintext_alert(alert));
        error.with_alert(alert)
    }

    fn fail(&mut self, error: DtlsError) {
        self.end(State::Failed, format_args!("{error}"));
        self.events.push_back(Event::Failed(error));
    }

    fn end(&mut self, state: State, why: fmt::Arguments<'_>) {
        log_change(self.state(), state, why);
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
