//! What a signalling server and two applications do, reduced to commands.

use std::collections::VecDeque;
use std::time::Duration;

use duologue_base::{Generation, Instant};
use duologue_ice as ice;
use duologue_identity::{Fingerprint, HashFunction};
use duologue_session::{Command, Report};

use crate::HostId;
use crate::host::{Host, TRANSPORT};

/// Carries commands from one end to the other.
#[derive(Debug, Default)]
pub(crate) struct Signalling {
    pub(crate) delay: Duration,
    flying: VecDeque<(Instant, HostId, Message)>,
    /// The host whose description carries another's fingerprint.
    pub(crate) forged: Option<HostId>,
}

#[derive(Debug)]
pub(crate) enum Message {
    Offer(Description),
    Answer(Description),
    Candidate(Report),
}

/// What a description says about a transport.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) from: HostId,
    pub(crate) generation: Generation,
    credentials: ice::Credentials,
    fingerprint: Fingerprint,
}

impl Signalling {
    pub(crate) fn send(&mut self, now: Instant, to: HostId, message: Message) {
        self.flying.push_back((now + self.delay, to, message));
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.flying.front().map(|(at, ..)| *at)
    }

    pub(crate) fn arrive(&mut self, now: Instant) -> Option<(HostId, Message)> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flying
            .pop_front()
            .map(|(_, to, message)| (to, message))
    }

    pub(crate) fn describe(&self, from: HostId, host: &Host) -> Description {
        let der = host.certificate.der();
        let fingerprint = if self.forged == Some(from) {
            Fingerprint::of(HashFunction::Sha256, b"another certificate")
        } else {
            Fingerprint::of(HashFunction::Sha256, der)
        };
        Description {
            from,
            generation: host.next_generation,
            credentials: host.credentials.clone(),
            fingerprint,
        }
    }
}

impl Host {
    /// Adds the transport, or restarts it.
    pub(crate) fn begin_generation(
        &mut self,
        now: Instant,
        generation: Generation,
        credentials: ice::Credentials,
        offers: bool,
    ) {
        self.next_generation = generation;
        self.credentials = credentials.clone();
        let (key, local) = (TRANSPORT, credentials);
        let command = if generation == Generation(0) {
            Command::AddTransport {
                key,
                generation,
                local,
                role: if offers {
                    ice::Role::Controlling
                } else {
                    ice::Role::Controlled
                },
                certificate: self.certificate.clone(),
            }
        } else {
            Command::RestartIce {
                key,
                generation,
                local,
            }
        };
        self.command(now, command);
    }

    /// Applies what the other end said.
    pub(crate) fn apply(&mut self, now: Instant, description: Description, offered: bool) {
        let key = TRANSPORT;
        let generation = description.generation;
        self.command(
            now,
            Command::SetRemoteIce {
                key,
                generation,
                remote: description.credentials,
                lite: false,
            },
        );
        if let Some(old) = generation.0.checked_sub(1) {
            let generation = Generation(old);
            self.command(now, Command::DropGeneration { key, generation });
            return;
        }
        self.command(
            now,
            Command::StartDtls {
                key,
                role: Host::dtls_role(offered),
                fingerprints: vec![description.fingerprint],
            },
        );
        self.command(
            now,
            Command::StartSctp {
                key,
                local_port: 5000,
                remote_port: 5000,
                max_message_size: usize::MAX,
            },
        );
    }

    /// A candidate of the other end, or the end of them.
    pub(crate) fn apply_candidate(&mut self, now: Instant, report: Report) {
        match report {
            Report::LocalCandidate {
                key,
                generation,
                candidate,
            } => self.command(
                now,
                Command::AddRemoteCandidate {
                    key,
                    generation,
                    candidate,
                },
            ),
            Report::GatheringState {
                key,
                generation,
                state: ice::GatheringState::Complete,
            } => self.command(now, Command::EndOfRemoteCandidates { key, generation }),
            _ => {}
        }
    }
}
