//! The association of the data channels: from what is agreed on to what runs.

use std::collections::VecDeque;
use std::net::SocketAddr;

use duologue_base::{ChannelKey, Dscp, DtlsRole, Instant, Rng, SocketId, TransportKey};
use duologue_datachannel::{ChannelError, ChannelReport, Channels, Priority};
use duologue_ice as ice;
use duologue_sctp as sctp;

use crate::limits::{EARLY_SCTP_PACKETS, LEFT_BYTES, MOVE_PATIENCE};
use crate::report::{Report, SctpError, SctpReport};
use crate::{ChannelCommand, SctpCommand, SctpInits, SessionConfig};

/// The SCTP part of a session.
#[derive(Debug)]
pub(crate) struct Sctp {
    stage: Stage,
    /// What is still to be told of associations that were stopped.
    left: VecDeque<ChannelReport>,
    left_bytes: usize,
    /// The key of the next channel of the peer's, whatever the association.
    next_announced: ChannelKey,
}

#[derive(Debug)]
enum Stage {
    /// SCTP is not agreed on, or its transport is not connected.
    Waiting(Box<Waiting>),
    Running(Box<Running>),
}

/// What comes too early.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    agreed: Option<Agreed>,
    /// Of the association that the descriptions set up; another one on the same transport calls.
    inits: Option<Box<SctpInits>>,
    packets: Vec<Vec<u8>>,
    /// Commands about channels. The owner bounds them: they are what its application sent.
    commands: Vec<(ChannelKey, ChannelCommand)>,
}

/// What the descriptions say about the association.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) key: TransportKey,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) max_message_size: usize,
    /// See [`SctpCommand::Start`].
    pub(crate) may_move: bool,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) agreed: Agreed,
    pub(crate) association: sctp::Association,
    pub(crate) channels: Channels,
    /// The peer may close the transport below, for another one, until then.
    expected_until: Option<Instant>,
    /// The peer closed the transport below. It ends then unless it is moved to another one.
    ends: Option<Instant>,
    /// The transport below is another one than before: a peer that starts over there goes on with
    /// its channels.
    moved: bool,
    ended: bool,
    /// The way of its packets: a socket, its other end, and whether a relay is between.
    way: Option<(SocketId, SocketAddr, bool)>,
    /// Of which transport that is, and after how many changes of its selected pair.
    way_seen: Option<(TransportKey, u32)>,
    /// How its packets are marked.
    pub(crate) dscp: Dscp,
}

impl Sctp {
    pub(crate) fn new() -> Self {
        Sctp {
            stage: Stage::Waiting(Box::default()),
            left: VecDeque::new(),
            left_bytes: 0,
            next_announced: ChannelKey(1),
        }
    }

    pub(crate) fn running(&mut self) -> Option<&mut Running> {
        match &mut self.stage {
            Stage::Running(running) => Some(running),
            Stage::Waiting(_) => None,
        }
    }

    /// Counters and gauges of the association that runs.
    pub(crate) fn stats(&self) -> Option<sctp::Stats> {
        match &self.stage {
            Stage::Running(running) => Some(running.association.stats()),
            Stage::Waiting(_) => None,
        }
    }

    /// Something may have happened on channels.
    pub(crate) fn has_channels(&self) -> bool {
        !self.left.is_empty() || matches!(self.stage, Stage::Running(_))
    }

    /// What happened on the channels, those of ended associations first.
    pub(crate) fn poll_channel(&mut self, now: Instant) -> Option<ChannelReport> {
        if let Some(report) = self.left.pop_front() {
            self.left_bytes -= weight(&report);
            return Some(report);
        }
        let running = self.running()?;
        running.channels.poll_report(now, &mut running.association)
    }

    /// The association that runs on a transport, until it has ended.
    pub(crate) fn on(&mut self, key: TransportKey) -> Option<&mut Running> {
        self.running()
            .filter(|running| running.agreed.key == key && !running.ended)
    }

    /// Keeps what the descriptions say; `false` if they said so before.
    fn agree(&mut self, agreed: Agreed) -> bool {
        match &mut self.stage {
            Stage::Waiting(waiting) if waiting.agreed.is_none() => {
                waiting.agreed = Some(agreed);
                true
            }
            _ => false,
        }
    }

    /// Goes on over another transport; `false` if there is nothing to go on.
    fn move_to(&mut self, key: TransportKey, may_move: bool) -> bool {
        let Some(agreed) = self.agreed() else {
            return false;
        };
        agreed.key = key;
        agreed.may_move = may_move;
        if let Some(running) = self.running() {
            running.ends = None;
        }
        true
    }

    /// The transport that it runs on, or is to run on.
    pub(crate) fn transport(&self) -> Option<TransportKey> {
        match &self.stage {
            Stage::Waiting(waiting) => waiting.agreed.map(|agreed| agreed.key),
            Stage::Running(running) => Some(running.agreed.key),
        }
    }

    /// The transport to run on, if that is agreed on and nothing runs yet.
    pub(crate) fn awaited(&self) -> Option<TransportKey> {
        match &self.stage {
            Stage::Waiting(_) => self.transport(),
            Stage::Running(_) => None,
        }
    }

    /// The association ends on purpose, or is not wanted any more; `false` if there was none.
    fn stop(&mut self, now: Instant) -> bool {
        match std::mem::replace(&mut self.stage, Stage::Waiting(Box::default())) {
            Stage::Running(running) => {
                self.retire(now, *running);
                true
            }
            Stage::Waiting(waiting) => {
                for (channel, command) in waiting.commands {
                    if !matches!(command, ChannelCommand::Open { .. }) {
                        continue;
                    }
                    let error = None;
                    self.leave(ChannelReport::Closed { channel, error });
                }
                waiting.agreed.is_some()
            }
        }
    }

    /// The DTLS association below it ended, and another one follows; `true` if an association ran
    /// on it, which ends too. What waited for the first goes on to wait.
    pub(crate) fn restart(&mut self, now: Instant, key: TransportKey) -> bool {
        let agreed = match &mut self.stage {
            Stage::Running(running) if running.agreed.key == key => running.agreed,
            Stage::Waiting(waiting) if waiting.agreed.is_some_and(|agreed| agreed.key == key) => {
                waiting.packets.clear();
                waiting.inits = None;
                return false;
            }
            _ => return false,
        };
        self.stop(now);
        self.agree(agreed)
    }

    /// Keeps what an association has to tell. Its channels close without an error, behind the
    /// messages that came for them.
    fn retire(&mut self, now: Instant, mut running: Running) {
        let Running {
            association,
            channels,
            ..
        } = &mut running;
        channels.end(association, None);
        while let Some(report) = channels.poll_report(now, association) {
            self.leave(report);
        }
        self.next_announced = channels.next_announced();
    }

    /// Keeps a report; a message only if there is room.
    fn leave(&mut self, report: ChannelReport) {
        let message = matches!(report, ChannelReport::Message { .. });
        if !message || self.left_bytes + weight(&report) <= LEFT_BYTES {
            self.left_bytes += weight(&report);
            self.left.push_back(report);
        }
    }

    /// Its transport is connected: starts the association with all that waited for it.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        config: &SessionConfig,
        role: DtlsRole,
        rng: &mut Rng,
    ) {
        let Stage::Waiting(waiting) = &mut self.stage else {
            return;
        };
        let Some(agreed) = waiting.agreed else {
            return;
        };

        let Waiting {
            packets,
            commands,
            inits,
            ..
        } = std::mem::take(waiting.as_mut());

        let settings = sctp::Config {
            local_port: agreed.local_port,
            remote_port: agreed.remote_port,
            ..config.sctp.clone()
        };
        let message_size_max = settings.max_receive_message_size;
        let mut running = Running {
            agreed,
            association: associate(now, settings, rng.fork(), inits.as_deref()),
            channels: Channels::new(role == DtlsRole::Client, message_size_max)
                .after(self.next_announced),
            expected_until: None,
            ends: None,
            moved: false,
            ended: false,
            way: None,
            way_seen: None,
            dscp: Dscp::DEFAULT,
        };

        for packet in packets {
            running.association.handle_packet(now, &packet);
        }
        for (channel, command) in commands {
            running.apply(now, channel, command);
        }
        self.stage = Stage::Running(Box::new(running));
    }

    /// Takes a packet out of DTLS; `false` if there is no room to keep it.
    pub(crate) fn handle_packet(&mut self, now: Instant, key: TransportKey, packet: &[u8]) -> bool {
        match &mut self.stage {
            Stage::Running(running) => {
                if running.agreed.key == key {
                    running.association.handle_packet(now, packet);
                }
                true
            }
            Stage::Waiting(waiting) => {
                let room = waiting.packets.len() < EARLY_SCTP_PACKETS;
                if room {
                    waiting.packets.push(packet.to_vec());
                }
                room
            }
        }
    }

    /// Applies a command about the association; `false` if it does not fit.
    pub(crate) fn apply(&mut self, now: Instant, command: SctpCommand) -> bool {
        match command {
            SctpCommand::Start {
                key,
                local_port,
                remote_port,
                max_message_size,
                may_move,
                inits,
            } => {
                let agreed = self.agree(Agreed {
                    key,
                    local_port,
                    remote_port,
                    max_message_size,
                    may_move,
                });
                if agreed && let Stage::Waiting(waiting) = &mut self.stage {
                    waiting.inits = inits;
                }
                agreed
            }
            SctpCommand::Stop => self.stop(now),
            SctpCommand::Move { key, may_move } => self.move_to(key, may_move),
            SctpCommand::SetMaxMessageSize { max_message_size } => {
                let agreed = self.agreed();
                let fits = agreed.is_some();
                if let Some(agreed) = agreed {
                    agreed.max_message_size = max_message_size;
                }
                fits
            }
        }
    }

    /// Applies a command about a channel, now or when the association starts.
    pub(crate) fn apply_to_channel(
        &mut self,
        now: Instant,
        channel: ChannelKey,
        command: ChannelCommand,
    ) {
        match &mut self.stage {
            Stage::Waiting(waiting) => waiting.commands.push((channel, command)),
            Stage::Running(running) => running.apply(now, channel, command),
        }
    }

    fn agreed(&mut self) -> Option<&mut Agreed> {
        match &mut self.stage {
            Stage::Waiting(waiting) => waiting.agreed.as_mut(),
            Stage::Running(running) => Some(&mut running.agreed),
        }
    }
}

/// RFC 8837 §5, table 1: of data.
fn dscp(priority: Priority) -> Dscp {
    match priority {
        Priority::VeryLow => Dscp::LOWER_EFFORT,
        Priority::Low => Dscp::DEFAULT,
        Priority::Medium => Dscp::assured(1, 1),
        Priority::High => Dscp::assured(2, 1),
    }
}

impl Running {
    fn apply(&mut self, now: Instant, channel: ChannelKey, command: ChannelCommand) {
        let Running {
            association,
            channels,
            agreed,
            ..
        } = self;
        match command {
            ChannelCommand::Open { stream, init } => {
                channels.open(now, association, channel, stream, &init);
            }
            // A larger one has been refused by the owner (webrtc-pc §6.2, `send`, step 5).
            ChannelCommand::Send { data, binary } => {
                if data.len() <= agreed.max_message_size {
                    channels.send(now, association, channel, data, binary);
                }
            }
            ChannelCommand::SetPriority { priority } => {
                channels.set_priority(association, channel, priority);
            }
            ChannelCommand::Close => channels.close(association, channel),
        }
    }

    /// Tells the channels and the owner what happened to the association.
    pub(crate) fn advance(&mut self, reports: &mut impl Extend<Report>) {
        while let Some(event) = self.association.poll_event() {
            if event == sctp::Event::Restarted && std::mem::take(&mut self.moved) {
                continue;
            }
            self.channels.handle_event(&mut self.association, &event);
            match event {
                sctp::Event::Connected {
                    outbound_streams,
                    inbound_streams,
                } => reports.extend([Report::Sctp(SctpReport::Connected {
                    max_channels: outbound_streams.min(inbound_streams),
                })]),
                sctp::Event::Closed(reason) if !self.ended => {
                    self.ended = true;
                    let error = sctp_error(&reason);
                    reports.extend([Report::Sctp(SctpReport::Closed { error })]);
                }
                _ => {}
            }
        }
    }

    /// Another transport below is connected.
    pub(crate) fn transport_connected(&mut self, now: Instant) {
        self.moved = true;
        self.channels.take_either_parity();
        self.association.change_path(now);
    }

    /// RFC 8837 §5: all packets of an association are marked alike, by the highest priority that this end gave
    /// to a channel, `low` before it gave one, and congestion control starts over when that is another one. Once raised it stays, since
    /// changes are to be rare.
    pub(crate) fn update_marks(&mut self, now: Instant) {
        let wanted = self.channels.highest_priority().map_or(Dscp::DEFAULT, dscp);
        if self.dscp != wanted {
            self.dscp = wanted;
            self.association.handle_new_marks(now);
        }
    }

    /// Packets are about to go this way, after so many changes of the selected pair, and may have so many
    /// bytes there.
    pub(crate) fn handle_route(
        &mut self,
        route: &ice::Route,
        changes: u32,
        largest_packet: impl FnOnce() -> usize,
    ) {
        // It is asked at every poll.
        let seen = Some((self.agreed.key, changes));
        if self.way_seen == seen {
            return;
        }
        self.way_seen = seen;
        let way = Some((route.socket, route.remote, route.relay.is_some()));
        if self.way != way {
            self.way = way;
            self.association.handle_new_path(largest_packet());
        }
    }

    /// A description brings another transport; the association may go on there.
    pub(crate) fn expect_move(&mut self, now: Instant) {
        if self.agreed.may_move {
            let until = now + MOVE_PATIENCE;
            self.expected_until = Some(until);
            self.association.expect_restart(until);
        }
    }

    /// The peer closed the transport below, maybe for another one.
    pub(crate) fn transport_closed(&mut self, now: Instant, reports: &mut impl Extend<Report>) {
        self.ends = self.expected_until.filter(|until| *until > now);
        if self.ends.is_none() {
            self.end(reports);
        }
    }

    /// When it ends for want of a transport.
    pub(crate) fn ends(&self) -> Option<Instant> {
        self.ends.filter(|_| !self.ended)
    }

    /// The transport below ended.
    pub(crate) fn end(&mut self, reports: &mut impl Extend<Report>) {
        if self.ended {
            return;
        }
        self.ended = true;
        let ended = ChannelError::AssociationEnded { cause: None };
        self.channels.end(&self.association, Some(ended));
        let error = Some(SctpError::TransportEnded);
        reports.extend([Report::Sctp(SctpReport::Closed { error })]);
    }

    /// How much a channel's `bufferedAmount` fell.
    pub(crate) fn poll_buffered_amount(&mut self) -> Option<Report> {
        while let Some(departed) = self.association.poll_departed() {
            if let Some((channel, sent, messages)) = self.channels.handle_departed(departed) {
                return Some(Report::BufferedAmount {
                    channel,
                    sent,
                    messages,
                });
            }
        }
        None
    }
}

/// Sets an association up by what signalling brought, or begins to.
fn associate(
    now: Instant,
    settings: sctp::Config,
    rng: Rng,
    inits: Option<&SctpInits>,
) -> sctp::Association {
    let both = inits.and_then(|inits| {
        let local = sctp::SignalledInit::parse(&inits.local)?;
        let remote = sctp::SignalledInit::parse(&inits.remote)?;
        Some((local, remote))
    });
    match both {
        Some((local, remote)) => sctp::Association::signalled(now, settings, rng, &local, &remote),
        None => {
            let mut association = sctp::Association::new(settings, rng);
            association.connect(now);
            association
        }
    }
}

/// What a report counts in [`LEFT_BYTES`].
fn weight(report: &ChannelReport) -> usize {
    let content = match report {
        ChannelReport::Message { data, .. } => data.len(),
        _ => 0,
    };
    content + size_of::<ChannelReport>()
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
