//! What a signalling server and two applications do, reduced to commands.

use duologue_base::{Generation, IceCredentials, IceRole, Instant};
use duologue_ice as ice;
use duologue_identity::{Fingerprint, HashFunction};
use duologue_session::{Command, Report, SctpCommand, TransportCommand, TransportReport};

use crate::host::{Host, TRANSPORT};

/// What two ends that are sessions alone tell one another.
#[derive(Clone, Debug)]
pub enum Message {
    /// Begins a generation.
    Offer(Description),
    /// Agrees.
    Answer(Description),
    /// A candidate, or the end of them.
    Candidate(Report),
}

/// What a description says about a transport.
#[derive(Clone, Debug)]
pub struct Description {
    generation: Generation,
    credentials: IceCredentials,
    fingerprint: Fingerprint,
}

impl Host {
    /// Sends an offer.
    pub(crate) fn offer(&mut self, now: Instant, generation: Generation) {
        self.begin_generation(now, generation, true);
        let offer = self.describe();
        self.signals.push(Message::Offer(offer));
    }

    pub(crate) fn apply_message(&mut self, now: Instant, message: Message) {
        match message {
            Message::Offer(offer) => {
                self.begin_generation(now, offer.generation, false);
                self.apply(now, offer, false);
                let answer = self.describe();
                self.signals.push(Message::Answer(answer));
            }
            Message::Answer(answer) => self.apply(now, answer, true),
            Message::Candidate(report) => self.apply_candidate(now, report),
        }
    }

    fn describe(&self) -> Description {
        let der = if self.forged {
            b"another certificate"
        } else {
            self.certificate.der()
        };
        Description {
            generation: self.next_generation,
            credentials: self.credentials.clone(),
            fingerprint: Fingerprint::of(HashFunction::Sha256, der),
        }
    }

    /// Adds the transport, or restarts it.
    fn begin_generation(&mut self, now: Instant, generation: Generation, offers: bool) {
        let credentials = IceCredentials::generate(&mut self.rng);
        self.next_generation = generation;
        self.credentials = credentials.clone();
        let (key, local) = (TRANSPORT, credentials);
        let command = if generation == Generation(0) {
            Command::Transport(
                key,
                TransportCommand::Add {
                    generation,
                    local,
                    role: if offers {
                        IceRole::Controlling
                    } else {
                        IceRole::Controlled
                    },
                    certificates: self.certificate.clone().into(),
                },
            )
        } else {
            Command::Transport(key, TransportCommand::RestartIce { generation, local })
        };
        self.command(now, command);
    }

    /// Applies what the other end said.
    fn apply(&mut self, now: Instant, description: Description, offered: bool) {
        let key = TRANSPORT;
        let generation = description.generation;
        self.command(
            now,
            Command::Transport(
                key,
                TransportCommand::SetRemoteIce {
                    generation,
                    remote: description.credentials,
                    options: ice::RemoteOptions::default(),
                },
            ),
        );
        if let Some(old) = generation.0.checked_sub(1) {
            let generation = Generation(old);
            self.command(
                now,
                Command::Transport(key, TransportCommand::DropGeneration { generation }),
            );
            return;
        }
        self.command(
            now,
            Command::Transport(
                key,
                TransportCommand::StartDtls {
                    role: Host::dtls_role(offered),
                    fingerprints: vec![description.fingerprint],
                },
            ),
        );
        self.command(
            now,
            Command::Sctp(SctpCommand::Start {
                key,
                local_port: 5000,
                remote_port: 5000,
                max_message_size: usize::MAX,
                may_move: false,
                inits: None,
            }),
        );
    }

    /// A candidate of the other end, or the end of them.
    fn apply_candidate(&mut self, now: Instant, report: Report) {
        match report {
            Report::Transport(
                key,
                TransportReport::LocalCandidate {
                    generation,
                    candidate,
                },
            ) => self.command(
                now,
                Command::Transport(
                    key,
                    TransportCommand::AddRemoteCandidate {
                        generation,
                        candidate,
                    },
                ),
            ),
            Report::Transport(
                key,
                TransportReport::GatheringState {
                    generation,
                    state: ice::GatheringState::Complete,
                },
            ) => self.command(
                now,
                Command::Transport(key, TransportCommand::EndOfRemoteCandidates { generation }),
            ),
            _ => {}
        }
    }
}
