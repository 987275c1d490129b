//! The DTLS association of a transport: when its handshake begins, and what becomes of it.

use std::collections::VecDeque;

use duologue_base::{DtlsRole, Generation, Instant};
use duologue_dtls as dtls;
use duologue_identity::{Certificates, Fingerprint};

use super::Transport;
use crate::{DtlsReport, Report, SessionConfig, TransportReport};

/// How far the beginning of the handshake is. It needs a path, so that its timers do not run
/// before anything can be sent.
#[derive(Debug)]
pub(super) enum Handshake {
    /// The roles are not agreed on.
    Unknown,
    /// Waits for a path.
    Agreed {
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        /// Another handshake went before this one, over generations older than this: their path
        /// may still lead to another peer.
        restart: Option<Generation>,
    },
    Begun(DtlsRole),
}

/// What happened to the DTLS association of a transport.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Progress {
    None,
    Connected,
    /// The peer ended it.
    Closed,
    Failed,
}

impl Transport {
    /// The roles and the peer's fingerprints are agreed on; `false` if they were before.
    pub(crate) fn agree_on_dtls(&mut self, role: DtlsRole, fingerprints: Vec<Fingerprint>) -> bool {
        let first = matches!(self.handshake, Handshake::Unknown);
        if first {
            self.handshake = Handshake::Agreed {
                role,
                fingerprints,
                restart: None,
            };
        }
        first
    }

    /// The handshake is made again, with another peer or certificate.
    pub(crate) fn restart_dtls(
        &mut self,
        config: &SessionConfig,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        certificates: Certificates,
        reports: &mut VecDeque<Report>,
    ) {
        self.dtls = dtls::Transport::new(config.dtls.clone(), certificates);
        self.srtp = None;
        // It may be another peer, which is not to hear of the handshake before.
        drop(self.agent.take_embedded());
        if let Some(media) = &mut self.media {
            media.forget_keys();
        }
        let begun = matches!(
            self.handshake,
            Handshake::Begun(_)
                | Handshake::Agreed {
                    restart: Some(_),
                    ..
                }
        );
        if matches!(self.handshake, Handshake::Begun(_)) {
            reports.push_back(self.connecting());
        }
        self.handshake = Handshake::Agreed {
            role,
            fingerprints,
            restart: self.agent.generations().last().filter(|_| begun),
        };
    }

    /// Our role in the handshake, once it has begun.
    pub(crate) fn dtls_role(&self) -> Option<DtlsRole> {
        match self.handshake {
            Handshake::Begun(role) => Some(role),
            _ => None,
        }
    }

    /// Our role in the handshake that was agreed on, whether or not it has begun.
    pub(crate) fn agreed_dtls_role(&self) -> Option<DtlsRole> {
        match self.handshake {
            Handshake::Agreed { role, .. } | Handshake::Begun(role) => Some(role),
            Handshake::Unknown => None,
        }
    }

    /// Media gets the keys, once there are both.
    pub(crate) fn key_media(&mut self) {
        let role = self.dtls_role();
        if let (Some(media), Some(keying), Some(role)) = (&mut self.media, &self.srtp, role) {
            media.set_keys(keying, role);
        }
    }

    /// The keys for SRTP, once the handshake made them.
    pub(crate) fn srtp(&self) -> Option<&dtls::SrtpKeying> {
        self.srtp.as_ref()
    }

    /// Begins the handshake when it can, and turns events into reports. Returns what the owner of
    /// the association must know.
    pub(super) fn advance_dtls(
        &mut self,
        now: Instant,
        reports: &mut VecDeque<Report>,
    ) -> Progress {
        let key = self.key;
        if let Handshake::Agreed { restart, .. } = self.handshake {
            if self.agent.selected_generation() >= Some(restart.unwrap_or_default()) {
                self.begin_handshake(now, dtls::Transport::start, reports);
            } else if restart.is_none() && self.agent.embeds() {
                self.begin_handshake(now, dtls::Transport::start_ahead, reports);
            }
        }
        let mut progress = Progress::None;
        while let Some(event) = self.dtls.poll_event() {
            let state = match event {
                dtls::Event::Connected {
                    remote_certificate,
                    local_certificate,
                    version,
                    srtp,
                    confidential,
                } => {
                    self.srtp = srtp;
                    self.confidential = confidential;
                    self.key_media();
                    if !self.dtls.is_ahead() {
                        self.agent.finish_embedding();
                    }
                    progress = Progress::Connected;
                    DtlsReport::Connected {
                        remote_certificates: vec![remote_certificate],
                        local_certificate,
                        version,
                        confidential,
                    }
                }
                dtls::Event::Silent => {
                    reports.push_back(Report::Transport(key, TransportReport::DtlsSilent));
                    continue;
                }
                dtls::Event::Closed => {
                    progress = Progress::Closed;
                    DtlsReport::Closed
                }
                dtls::Event::Failed(error) => {
                    progress = Progress::Failed;
                    DtlsReport::Failed { error }
                }
            };
            reports.push_back(Report::Transport(key, TransportReport::DtlsState { state }));
        }
        progress
    }

    fn begin_handshake(
        &mut self,
        now: Instant,
        start: fn(&mut dtls::Transport, Instant, DtlsRole, Vec<Fingerprint>),
        reports: &mut VecDeque<Report>,
    ) {
        let handshake = std::mem::replace(&mut self.handshake, Handshake::Unknown);
        match handshake {
            Handshake::Agreed {
                role,
                fingerprints,
                restart,
            } => {
                self.handshake = Handshake::Begun(role);
                if restart.is_none() {
                    reports.push_back(self.connecting());
                }
                self.dtls.set_confidentiality(self.confidentiality);
                start(&mut self.dtls, now, role, fingerprints);
            }
            handshake => self.handshake = handshake,
        }
    }

    /// Flights go inside of checks until there is a path (draft-hancke-webrtc-sped), and what these have
    /// not brought to the peer goes there at once.
    pub(super) fn advance_embedded(&mut self, now: Instant) {
        if self.agent.may_send(now) {
            self.dtls.resume(now, self.agent.take_embedded());
            if self.dtls.state() == dtls::State::Connected {
                self.agent.finish_embedding();
            }
            return;
        }
        let mut datagram = Vec::new();
        while self.dtls.poll_datagram(&mut datagram) {
            self.agent.embed(std::mem::take(&mut datagram));
        }
    }

    fn connecting(&self) -> Report {
        let state = DtlsReport::Connecting;
        Report::Transport(self.key, TransportReport::DtlsState { state })
    }
}
