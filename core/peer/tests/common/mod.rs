//! A host for tests: it drives a connection in virtual time, writes down what happens in order
//! and stands in for the session by hand-written reports.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod log;
pub(crate) mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use duologue_base::{
    ChannelKey, Generation, Instant, Protocol, Rng, TransceiverId, TransportKey, WallClock,
};
use duologue_ice as ice;
use duologue_peer::{
    Capabilities, Configuration, Effect, Env, Event, Exception, IceCandidateInit, MediaKind,
    OperationId, PeerConnection, Question, QuestionId, SessionDescription, Track, TrackId, Value,
};
use duologue_session::{
    ChannelReport, Command, DtlsReport, Report, TransportCommand, TransportReport,
};

/// The time since 1970 at the beginning of the virtual time.
pub(crate) const EPOCH: Duration = Duration::from_secs(1_000);
pub(crate) const NOW: WallClock = WallClock::from_unix_millis(1_700_000_000_000);

pub(crate) struct Host {
    pub(crate) pc: PeerConnection,
    pub(crate) now: Instant,
    /// Events in order, as `name detail`, and settled promises as `resolve n` or `reject n`.
    pub(crate) log: Vec<String>,
    pub(crate) events: Vec<Event>,
    pub(crate) settled: BTreeMap<OperationId, Result<Value, Exception>>,
    /// What only a host could answer.
    pub(crate) questions: Vec<(QuestionId, Question)>,
    /// What the session was told.
    pub(crate) commands: Vec<Command>,
}

impl Host {
    pub(crate) fn new(seed: u64) -> Self {
        Host::with(seed, Configuration::default())
    }

    pub(crate) fn with(seed: u64, configuration: Configuration) -> Self {
        Host {
            pc: PeerConnection::new(configuration, env(seed))
                .expect("the test is about something else"),
            now: Instant::ZERO,
            log: Vec::new(),
            events: Vec::new(),
            settled: BTreeMap::new(),
            questions: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// Performs the effects that wait: what a JavaScript host does in microtasks.
    pub(crate) fn microtasks(&mut self) {
        while let Some(effect) = self.pc.poll_effect() {
            self.log.push(describe(&effect));
            match effect {
                Effect::Event(event) => self.events.push(event),
                Effect::Resolve { operation, value } => {
                    self.settled.insert(operation, Ok(value));
                }
                Effect::Reject {
                    operation,
                    exception,
                } => {
                    self.settled.insert(operation, Err(exception));
                }
                Effect::Ask { question, what } => self.questions.push((question, what)),
            }
        }
        while let Some(command) = self.pc.poll_command() {
            self.commands.push(command);
        }
    }

    /// One turn of the event loop. Returns whether there was a task.
    pub(crate) fn turn(&mut self) -> bool {
        self.microtasks();
        let ran = self.pc.run_task(self.now);
        self.microtasks();
        ran
    }

    /// Until nothing is left to do.
    pub(crate) fn run(&mut self) {
        while self.turn() {}
    }

    /// Runs until an operation settles.
    pub(crate) fn settle(&mut self, operation: OperationId) -> Result<Value, Exception> {
        loop {
            self.microtasks();
            if let Some(result) = self.settled.get(&operation) {
                return result.clone();
            }
            assert!(self.turn(), "the operation never settles");
        }
    }

    pub(crate) fn report(&mut self, report: Report) {
        self.pc.handle_report(report);
        self.run();
    }

    pub(crate) fn channel_report(&mut self, report: ChannelReport) {
        self.pc.handle_channel_report(report);
        self.run();
    }

    pub(crate) fn create_offer(&mut self) -> SessionDescription {
        let operation = self.pc.create_offer(Default::default());
        description(self.settle(operation))
    }

    pub(crate) fn create_answer(&mut self) -> SessionDescription {
        let operation = self.pc.create_answer();
        description(self.settle(operation))
    }

    /// `setLocalDescription()` without an argument; returns `localDescription`.
    pub(crate) fn set_local(&mut self) -> SessionDescription {
        let operation = self.pc.set_local_description(None);
        self.settle(operation)
            .expect("the test is about something else");
        self.pc
            .local_description()
            .expect("the test is about something else")
    }

    pub(crate) fn set_local_to(
        &mut self,
        description: SessionDescription,
    ) -> Result<Value, Exception> {
        let operation = self.pc.set_local_description(description);
        self.settle(operation)
    }

    pub(crate) fn set_remote(
        &mut self,
        description: SessionDescription,
    ) -> Result<Value, Exception> {
        let operation = self.pc.set_remote_description(description);
        self.settle(operation)
    }

    pub(crate) fn add_candidate(
        &mut self,
        candidate: IceCandidateInit,
    ) -> Result<Value, Exception> {
        let operation = self.pc.add_ice_candidate(candidate);
        self.settle(operation)
    }

    pub(crate) fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    pub(crate) fn take_commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// Names of the events since the last look.
    pub(crate) fn take_events(&mut self) -> Vec<String> {
        self.take_log()
            .into_iter()
            .filter(|line| !line.starts_with("resolve") && !line.starts_with("reject"))
            .collect()
    }

    pub(crate) fn mid(&self, id: TransceiverId) -> Option<String> {
        let view = self
            .pc
            .transceiver(id)
            .expect("the test is about something else");
        view.mid().map(ToString::to_string)
    }

    /// The transports that the session was told to make.
    pub(crate) fn transports(&self) -> Vec<(TransportKey, Generation)> {
        self.commands
            .iter()
            .filter_map(|command| match command {
                Command::Transport(key, TransportCommand::Add { generation, .. }) => {
                    Some((*key, *generation))
                }
                _ => None,
            })
            .collect()
    }

    /// Stands in for the session: one transport connects, and SCTP on top of it.
    pub(crate) fn connect(&mut self, key: TransportKey) {
        self.connect_with(key, false);
    }

    /// The same, with a peer that promises to keep the media from its application, or none.
    pub(crate) fn connect_with(&mut self, key: TransportKey, confidential: bool) {
        for state in [
            ice::TransportState::Checking,
            ice::TransportState::Connected,
        ] {
            self.report(Report::Transport(
                key,
                TransportReport::IceState {
                    state,
                    failure: None,
                },
            ));
        }
        for state in [DtlsReport::Connecting, connected(confidential)] {
            self.report(Report::Transport(key, TransportReport::DtlsState { state }));
        }
    }

    pub(crate) fn open(&mut self, channel: ChannelKey) {
        self.channel_report(ChannelReport::Opened { channel });
    }
}

pub(crate) fn env(seed: u64) -> Env {
    Env {
        now: NOW,
        epoch: EPOCH,
        rng: Rng::from_u64(seed),
        capabilities: Capabilities::shared_default(),
        sctp_init: None,
    }
}

pub(crate) fn pair() -> (Host, Host) {
    (Host::new(1), Host::new(2))
}

/// A whole exchange from `a`'s offer to `b`'s answer.
pub(crate) fn negotiate(a: &mut Host, b: &mut Host) {
    let offer = a.set_local();
    b.set_remote(offer)
        .expect("the test is about something else");
    let answer = b.set_local();
    a.set_remote(answer)
        .expect("the test is about something else");
    a.run();
    b.run();
}

pub(crate) fn connected(confidential: bool) -> DtlsReport {
    DtlsReport::Connected {
        remote_certificates: vec![vec![0x30, 0x82]],
        local_certificate: None,
        version: duologue_dtls::Version::V12,
        confidential,
    }
}

pub(crate) fn host_candidate(port: u16) -> ice::Candidate {
    let addr: SocketAddr = ([192, 0, 2, 1], port).into();
    ice::Candidate::host(addr, Protocol::Udp)
}

pub(crate) fn audio(id: &str) -> Track {
    Track {
        id: TrackId::from(id),
        kind: MediaKind::Audio,
    }
}

pub(crate) fn video(id: &str) -> Track {
    Track {
        id: TrackId::from(id),
        kind: MediaKind::Video,
    }
}

pub(crate) fn description(result: Result<Value, Exception>) -> SessionDescription {
    match result {
        Ok(Value::Description(description)) => description,
        other => panic!("no description: {other:?}"),
    }
}

fn describe(effect: &Effect) -> String {
    let detail = match effect {
        Effect::Resolve { operation, .. } => return format!("resolve {}", operation.as_u64()),
        Effect::Reject {
            operation,
            exception,
        } => return format!("reject {} {}", operation.as_u64(), exception.name()),
        Effect::Ask { question, .. } => return format!("ask {}", question.as_u64()),
        Effect::Event(event) => match event {
            Event::SignalingStateChange(state) => state.to_string(),
            Event::IceGatheringStateChange(state) => state.to_string(),
            Event::IceConnectionStateChange(state) => state.to_string(),
            Event::ConnectionStateChange(state) => state.to_string(),
            Event::DtlsStateChange(key, state) => format!("dtls{} {state}", key.0),
            Event::IceTransportStateChange(key, state) => format!("ice{} {state}", key.0),
            Event::IceTransportGatheringStateChange(key, state) => format!("ice{} {state}", key.0),
            Event::SctpStateChange(state) => format!("sctp {state}"),
            Event::IceCandidate(None) => "null".to_owned(),
            Event::IceCandidate(Some(candidate)) => match candidate.init.candidate.as_str() {
                "" => "end".to_owned(),
                _ => format!("mid={}", candidate.init.sdp_mid.as_deref().unwrap_or("-")),
            },
            Event::Track { streams, .. } => {
                let streams: Vec<&str> = streams.iter().map(|s| s.as_str()).collect();
                format!("[{}]", streams.join(" "))
            }
            Event::StreamAddTrack { stream, .. } | Event::StreamRemoveTrack { stream, .. } => {
                stream.to_string()
            }
            Event::ChannelMessage(_, message) => {
                String::from_utf8_lossy(&message.data).into_owned()
            }
            Event::ChannelError(_, error) => error
                .rtc_error()
                .map(|e| e.error_detail.to_string())
                .unwrap_or_default(),
            Event::ToneChange(_, tone) => format!("{tone:?}"),
            _ => String::new(),
        },
    };
    let Effect::Event(event) = effect else {
        unreachable!("settled promises returned above");
    };
    format!("{} {detail}", event.name()).trim_end().to_owned()
}
