use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use duologue_base::{
    ChannelKey, DtlsRole, Generation, IceCredentials, Instant, Rng, StreamId, TransportKey,
};
use duologue_datachannel::{ChannelError, ChannelInit, Reliability};
use duologue_ice as ice;
use duologue_identity::Certificate;
use duologue_session::{
    ChannelCommand, ChannelReport, Command, DtlsReport, MediaItem, Report, SctpError, SctpReport,
    Session, SessionConfig, TransportReport,
};

use crate::identity::certificate;
use crate::machine::Machine;
use crate::network::Network;
use crate::signalling::Message;
use crate::world::End;

/// Names a host of a world.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct HostId(pub usize);

/// One end that is a session alone, commanded as a media server would.
#[derive(Debug)]
pub struct Host {
    pub(crate) machine: Machine,
    pub(crate) rng: Rng,
    pub(crate) certificate: Certificate,
    /// Its description carries a wrong fingerprint.
    pub(crate) forged: bool,
    /// Whether the application reads its channels.
    pub(crate) reading: bool,
    pub(crate) signals: Vec<Message>,
    reports: Vec<Report>,
    media: Vec<MediaItem>,
    channels: BTreeMap<ChannelKey, Channel>,
    next_channel: u32,
    pub(crate) next_generation: Generation,
    pub(crate) credentials: IceCredentials,
    dtls_connected: bool,
}

/// What the application knows of a channel.
#[derive(Debug)]
struct Channel {
    init: ChannelInit,
    stream: StreamId,
    opened: bool,
    closing: bool,
    closed: Option<Option<ChannelError>>,
    sent: u32,
    sent_bytes: usize,
    departed_bytes: usize,
    received: Vec<Received>,
}

/// A message that arrived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// Its number, if the world made its bytes.
    pub number: Option<u32>,
    /// Its bytes.
    pub data: Bytes,
    /// Bytes, not text.
    pub binary: bool,
}

pub(crate) const TRANSPORT: TransportKey = TransportKey(0);

/// How often a host may be polled before it is said to spin.
const POLLS_MAX: usize = 100_000;

impl End for Host {
    type Signal = Message;

    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn flush(&mut self, now: Instant, network: &mut Network) {
        for _ in 0..POLLS_MAX {
            let mut busy = self.machine.work(now, network);
            while let Some(report) = self.machine.session.poll_report() {
                self.learn(report);
            }
            while let Some(item) = self.machine.session.poll_media() {
                self.media.push(item);
            }
            while self.reading
                && let Some(report) = self.machine.session.poll_channel()
            {
                busy = true;
                self.learn_of_channel(report);
            }
            if !busy {
                return;
            }
        }
        panic!("a session always has something to do");
    }

    fn take_signals(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.signals)
    }

    fn hear(&mut self, now: Instant, message: Message) {
        self.apply_message(now, message);
    }
}

impl Host {
    pub(crate) fn new(config: SessionConfig, addresses: &[IpAddr], mut rng: Rng) -> Self {
        Host {
            machine: Machine::new(config, addresses, rng.fork()),
            certificate: certificate(&mut rng),
            forged: false,
            reading: true,
            signals: Vec::new(),
            reports: Vec::new(),
            media: Vec::new(),
            channels: BTreeMap::new(),
            next_channel: 0,
            next_generation: Generation(0),
            credentials: IceCredentials::generate(&mut rng),
            dtls_connected: false,
            rng,
        }
    }

    /// The session, to read its counters.
    pub fn session(&self) -> &Session {
        &self.machine.session
    }

    /// All reports so far, but those of candidates and of buffered amounts.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// All that receivers got so far.
    pub fn media(&self) -> &[MediaItem] {
        &self.media
    }

    /// The latest state of ICE.
    pub fn ice_state(&self) -> ice::TransportState {
        let states = self.reports.iter().rev().find_map(|report| match report {
            Report::Transport(_, TransportReport::IceState { state, .. }) => Some(*state),
            _ => None,
        });
        states.unwrap_or_default()
    }

    /// The DTLS association is up.
    pub fn is_dtls_connected(&self) -> bool {
        matches!(self.dtls_report(), Some(DtlsReport::Connected { .. }))
    }

    /// The latest state of DTLS.
    pub fn dtls_report(&self) -> Option<&DtlsReport> {
        self.reports.iter().rev().find_map(|report| match report {
            Report::Transport(_, TransportReport::DtlsState { state, .. }) => Some(state),
            _ => None,
        })
    }

    /// The association is up.
    pub fn is_sctp_connected(&self) -> bool {
        let up = |report: &Report| matches!(report, Report::Sctp(SctpReport::Connected { .. }));
        self.reports.iter().any(up) && self.sctp_end().is_none()
    }

    /// How the association ended, if it did.
    pub fn sctp_end(&self) -> Option<Option<SctpError>> {
        self.reports.iter().find_map(|report| match report {
            Report::Sctp(SctpReport::Closed { error }) => Some(*error),
            _ => None,
        })
    }

    /// How often the selected pair changed.
    pub fn selected_pairs(&self) -> usize {
        let selected = |report: &&Report| {
            matches!(
                report,
                Report::Transport(_, TransportReport::SelectedPair { .. })
            )
        };
        self.reports.iter().filter(selected).count()
    }

    /// The channel on a stream: the newest, if several had it.
    pub fn channel_on(&self, stream: StreamId) -> Option<ChannelKey> {
        let mut channels = self.channels.iter().rev();
        let found = channels.find(|(_, channel)| channel.stream == stream);
        found.map(|(key, _)| *key)
    }

    /// What the channel was made with.
    pub fn init(&self, key: ChannelKey) -> &ChannelInit {
        &self.channels[&key].init
    }

    /// It was reported open, and not closed since.
    pub fn is_open(&self, key: ChannelKey) -> bool {
        let channel = self.channels.get(&key);
        channel.is_some_and(|c| c.opened && !c.closing && c.closed.is_none())
    }

    /// How it closed, if it did.
    pub fn closed(&self, key: ChannelKey) -> Option<Option<ChannelError>> {
        self.channels.get(&key)?.closed
    }

    /// The peer began to close it.
    pub fn saw_closing(&self, key: ChannelKey) -> bool {
        self.channels[&key].closing
    }

    /// The messages that arrived on it.
    pub fn received(&self, key: ChannelKey) -> &[Received] {
        &self.channels[&key].received
    }

    /// W3C `bufferedAmount`.
    pub fn buffered_amount(&self, key: ChannelKey) -> usize {
        let channel = &self.channels[&key];
        channel.sent_bytes - channel.departed_bytes
    }

    /// Sockets that are bound.
    pub fn socket_count(&self) -> usize {
        self.machine.socket_count()
    }

    pub(crate) fn command(&mut self, now: Instant, command: Command) {
        self.machine.session.handle_command(now, command);
    }

    pub(crate) fn open(&mut self, now: Instant, stream: StreamId, init: ChannelInit) -> ChannelKey {
        let key = ChannelKey(self.next_channel);
        self.next_channel += 2;
        self.channels
            .insert(key, Channel::new(stream, init.clone()));
        let channel = key;
        self.command(
            now,
            Command::Channel(
                channel,
                ChannelCommand::Open {
                    stream,
                    init: Box::new(init),
                },
            ),
        );
        key
    }

    pub(crate) fn send(&mut self, now: Instant, key: ChannelKey, data: Bytes, binary: bool) {
        if let Some(channel) = self.channels.get_mut(&key) {
            channel.sent_bytes += data.len();
        }
        let channel = key;
        self.command(
            now,
            Command::Channel(channel, ChannelCommand::Send { data, binary }),
        );
    }

    pub(crate) fn send_numbered(&mut self, now: Instant, key: ChannelKey, len: usize) -> u32 {
        let number = self.channels.get_mut(&key).map_or(0, |channel| {
            channel.sent += 1;
            channel.sent
        });
        self.send(now, key, numbered(number, len), true);
        number
    }

    fn learn(&mut self, report: Report) {
        match report {
            Report::Transport(_, TransportReport::LocalCandidate { .. })
            | Report::Transport(_, TransportReport::GatheringState { .. }) => {
                self.signals.push(Message::Candidate(report));
            }
            Report::BufferedAmount {
                channel,
                sent,
                messages,
            } => {
                assert!(sent > 0 || messages > 0, "an empty change is reported");
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.departed_bytes += sent;
                    assert!(
                        channel.departed_bytes <= channel.sent_bytes,
                        "more left than was sent"
                    );
                }
            }
            Report::Transport(_, TransportReport::DtlsState { ref state, .. }) => {
                let over = matches!(
                    self.dtls_report(),
                    Some(DtlsReport::Closed | DtlsReport::Failed { .. })
                );
                assert!(!over, "DTLS lives on after its end");
                self.dtls_connected |= matches!(state, DtlsReport::Connected { .. });
                self.reports.push(report);
            }
            report => self.reports.push(report),
        }
    }

    fn learn_of_channel(&mut self, report: ChannelReport) {
        assert!(
            self.dtls_connected,
            "channels live before DTLS is connected"
        );
        match report {
            ChannelReport::Announced {
                channel,
                stream,
                init,
            } => {
                assert_eq!(channel.0 % 2, 1);
                let mut announced = Channel::new(stream, init);
                announced.opened = true;
                let before = self.channels.insert(channel, announced);
                assert!(before.is_none(), "a key was used twice");
            }
            ChannelReport::Opened { channel } => {
                let channel = self.live(channel);
                assert!(!channel.opened, "opened twice");
                channel.opened = true;
            }
            ChannelReport::Message {
                channel,
                data,
                binary,
            } => self.live(channel).receive(data, binary),
            ChannelReport::Closing { channel } => self.live(channel).closing = true,
            ChannelReport::Closed { channel, error } => self.live(channel).closed = Some(error),
            other => panic!("unknown report {other:?}"),
        }
    }

    fn live(&mut self, key: ChannelKey) -> &mut Channel {
        let channel = self.channels.get_mut(&key);
        let channel = channel.expect("reports are about known channels");
        assert!(channel.closed.is_none(), "a channel lives on after its end");
        channel
    }

    /// The role of the one that answers: RFC 8842 §5.3 recommends `active`.
    pub(crate) fn dtls_role(offers: bool) -> DtlsRole {
        if offers {
            DtlsRole::Server
        } else {
            DtlsRole::Client
        }
    }
}

impl Channel {
    fn new(stream: StreamId, init: ChannelInit) -> Self {
        Channel {
            init,
            stream,
            opened: false,
            closing: false,
            closed: None,
            sent: 0,
            sent_bytes: 0,
            departed_bytes: 0,
            received: Vec::new(),
        }
    }

    /// Checks that the message is what was sent, and comes when it may.
    fn receive(&mut self, data: Bytes, binary: bool) {
        assert!(!self.closing, "a message after the peer began to close");
        let number = number_of(&data);
        if let Some(number) = number {
            let before = self.received.iter().filter_map(|received| received.number);
            if self.init.unordered {
                assert!(!before.into_iter().any(|n| n == number), "delivered twice");
            } else {
                let expected = before.max().unwrap_or(0) + 1;
                let reliable = self.init.reliability == Reliability::Reliable;
                assert!(
                    number == expected || (number > expected && !reliable),
                    "message {number} instead of {expected}"
                );
            }
        }
        self.received.push(Received {
            number,
            data,
            binary,
        });
    }
}

const MAGIC: [u8; 4] = *b"#msg";

/// A message whose content follows from its number and length.
pub(crate) fn numbered(number: u32, len: usize) -> Bytes {
    let len = len.max(MAGIC.len() + 4);
    let mut data = Vec::with_capacity(len);
    data.extend_from_slice(&MAGIC);
    data.extend_from_slice(&number.to_be_bytes());
    data.extend((data.len()..len).map(|at| pattern(number, at)));
    data.into()
}

/// The number of a message, after checking its content.
pub(crate) fn number_of(data: &[u8]) -> Option<u32> {
    let rest = data.strip_prefix(&MAGIC)?;
    let number = u32::from_be_bytes(*rest.first_chunk()?);
    let content = data.iter().enumerate().skip(MAGIC.len() + 4);
    for (at, &byte) in content {
        assert_eq!(byte, pattern(number, at), "message {number} is changed");
    }
    Some(number)
}

fn pattern(number: u32, at: usize) -> u8 {
    (number as usize)
        .wrapping_mul(31)
        .wrapping_add(at.wrapping_mul(7)) as u8
}
