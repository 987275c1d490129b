//! The association of the data channels: from what is agreed on to what runs.

use duologue_base::{Instant, Rng, TransportKey};
use duologue_datachannel::Channels;
use duologue_dtls as dtls;
use duologue_sctp as sctp;

use crate::limits::EARLY_SCTP_PACKETS;
use crate::report::{Report, SctpError};
use crate::{Command, SessionConfig};

/// The SCTP part of a session.
#[derive(Debug)]
pub(crate) enum Sctp {
    /// SCTP is not agreed on, or its transport is not connected.
    Waiting(Box<Waiting>),
    Running(Box<Running>),
}

/// What comes too early.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    agreed: Option<Agreed>,
    packets: Vec<Vec<u8>>,
    /// Commands about channels. The owner bounds them: they are what its application sent.
    commands: Vec<Command>,
}

/// What the descriptions say about the association.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) key: TransportKey,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) max_message_size: usize,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) agreed: Agreed,
    pub(crate) association: sctp::Association,
    pub(crate) channels: Channels,
    ended: bool,
}

impl Sctp {
    pub(crate) fn new() -> Self {
        Sctp::Waiting(Box::default())
    }

    pub(crate) fn running(&mut self) -> Option<&mut Running> {
        match self {
            Sctp::Running(running) => Some(running),
            Sctp::Waiting(_) => None,
        }
    }

    /// The association that runs on a transport, until it has ended.
    pub(crate) fn on(&mut self, key: TransportKey) -> Option<&mut Running> {
        self.running()
            .filter(|running| running.agreed.key == key && !running.ended)
    }

    /// Keeps what the descriptions say; `false` if they said so before.
    pub(crate) fn agree(&mut self, agreed: Agreed) -> bool {
        match self {
            Sctp::Waiting(waiting) if waiting.agreed.is_none() => {
                waiting.agreed = Some(agreed);
                true
            }
            _ => false,
        }
    }

    /// Goes on over another transport; `false` if there is nothing to go on.
    pub(crate) fn move_to(&mut self, key: TransportKey) -> bool {
        let agreed = match self {
            Sctp::Waiting(waiting) => waiting.agreed.as_mut(),
            Sctp::Running(running) => Some(&mut running.agreed),
        };
        match agreed {
            Some(agreed) => agreed.key = key,
            None => return false,
        }
        true
    }

    /// The transport to run on, if that is agreed on and nothing runs yet.
    pub(crate) fn awaited(&self) -> Option<TransportKey> {
        match self {
            Sctp::Waiting(waiting) => waiting.agreed.map(|agreed| agreed.key),
            Sctp::Running(_) => None,
        }
    }

    /// Its transport is connected: starts the association with all that waited for it.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        config: &SessionConfig,
        role: dtls::Role,
        rng: &mut Rng,
    ) {
        let Sctp::Waiting(waiting) = self else {
            return;
        };
        let Some(agreed) = waiting.agreed else {
            return;
        };
        let Waiting {
            packets, commands, ..
        } = std::mem::take(waiting.as_mut());
        let settings = sctp::Config {
            local_port: agreed.local_port,
            remote_port: agreed.remote_port,
            ..config.sctp.clone()
        };
        let message_size_max = settings.max_receive_message_size;
        let mut running = Running {
            agreed,
            association: sctp::Association::new(settings, rng.fork()),
            channels: Channels::new(role == dtls::Role::Client, message_size_max),
            ended: false,
        };
        running.association.connect(now);
        for packet in packets {
            running.association.handle_packet(now, &packet);
        }
        for command in commands {
            running.apply(now, command);
        }
        *self = Sctp::Running(Box::new(running));
    }

    /// Takes a packet out of DTLS; `false` if there is no room to keep it.
    pub(crate) fn handle_packet(&mut self, now: Instant, key: TransportKey, packet: &[u8]) -> bool {
        match self {
            Sctp::Running(running) => {
                if running.agreed.key == key {
                    running.association.handle_packet(now, packet);
                }
                true
            }
            Sctp::Waiting(waiting) => {
                let room = waiting.packets.len() < EARLY_SCTP_PACKETS;
                if room {
                    waiting.packets.push(packet.to_vec());
                }
                room
            }
        }
    }

    /// Applies a command about channels, now or when the association starts.
    pub(crate) fn apply(&mut self, now: Instant, command: Command) {
        match self {
            Sctp::Waiting(waiting) => waiting.commands.push(command),
            Sctp::Running(running) => running.apply(now, command),
        }
    }
}

impl Running {
    fn apply(&mut self, now: Instant, command: Command) {
        let Running {
            association,
            channels,
            agreed,
            ..
        } = self;
        match command {
            Command::OpenChannel {
                channel,
                stream,
                init,
            } => channels.open(now, association, channel, stream, &init),
            // A larger one has been refused by the owner (webrtc-pc §6.2, `send`, step 5).
            Command::Send {
                channel,
                data,
                binary,
            } if data.len() <= agreed.max_message_size => {
                channels.send(now, association, channel, data, binary);
            }
            Command::SetChannelPriority { channel, priority } => {
                channels.set_priority(association, channel, priority);
            }
            Command::CloseChannel { channel } => channels.close(association, channel),
            Command::SetMaxMessageSize { max_message_size } => {
                agreed.max_message_size = max_message_size;
            }
            _ => {}
        }
    }

    /// Tells the channels and the owner what happened to the association.
    pub(crate) fn advance(&mut self, reports: &mut impl Extend<Report>) {
        while let Some(event) = self.association.poll_event() {
            self.channels.handle_event(&mut self.association, &event);
            match event {
                sctp::Event::Connected {
                    outbound_streams,
                    inbound_streams,
                } => reports.extend([Report::SctpConnected {
                    max_channels: outbound_streams.min(inbound_streams),
                }]),
                sctp::Event::Closed(reason) if !self.ended => {
                    self.ended = true;
                    let error = sctp_error(&reason);
                    reports.extend([Report::SctpClosed { error }]);
                }
                _ => {}
            }
        }
    }

    /// The transport below ended.
    pub(crate) fn end(&mut self, reports: &mut impl Extend<Report>) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.channels.end(&mut self.association, None);
        let error = Some(SctpError::TransportEnded);
        reports.extend([Report::SctpClosed { error }]);
    }

    /// How much a channel's `bufferedAmount` fell.
    pub(crate) fn poll_buffered_amount(&mut self) -> Option<Report> {
        while let Some(departed) = self.association.poll_departed() {
            if let Some((channel, sent)) = self.channels.handle_departed(departed) {
                return Some(Report::BufferedAmount { channel, sent });
            }
        }
        None
    }
}

fn sctp_error(reason: &sctp::CloseReason) -> Option<SctpError> {
    use sctp::CloseReason;
    match reason {
        CloseReason::Aborted => None,
        CloseReason::Shutdown => Some(SctpError::Shutdown),
        CloseReason::AbortedByPeer { cause_code } => {
            Some(SctpError::Aborted { cause: *cause_code })
        }
        CloseReason::Unanswered => Some(SctpError::TimedOut),
        _ => Some(SctpError::PeerMisbehaved),
    }
}
