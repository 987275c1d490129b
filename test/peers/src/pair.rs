//! Our peer and a counterpart, with the signalling between them.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use duologue::{
    Configuration, DataChannel, DataChannelState, Event, Events, Exception, Message,
    PeerConnection, PeerConnectionState, SdpType, SessionDescription, SignalingState,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::counterpart::Counterpart;
use crate::janus::{self, Plugin};
use crate::media;
use crate::pattern::Tally;
use crate::process::Process;

/// How long anything may take; what works takes a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(15);
/// Messages that wait to be counted.
const MAX_MESSAGES: usize = 64;

pub(crate) struct Pair {
    pub(crate) pc: PeerConnection,
    events: Events,
    process: Process,
    channels: HashMap<String, DataChannel>,
    messages: mpsc::Receiver<(String, Message)>,
    counter: mpsc::Sender<(String, Message)>,
    pub(crate) far: Far,
    pub(crate) seen: Seen,
    /// Media of an offer is sent back, video in this codec.
    echoes: Option<String>,
}

/// What the far end does with what it receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Far {
    /// It counts it and reports.
    Reports,
    /// A plugin of Janus
    Janus(Plugin),
}

/// What happened at either end.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Name and version, as the counterpart says them.
    pub(crate) hello: Option<String>,
    pub(crate) open_there: HashSet<String>,
    pub(crate) closed_there: HashSet<String>,
    /// The state of their connection.
    state_there: String,
    /// What they counted since they were asked, by channel.
    pub(crate) reports: HashMap<String, Report>,
    /// What we counted since we were asked, by channel.
    pub(crate) tallies: HashMap<String, Tally>,
    /// Their descriptions that we applied.
    pub(crate) descriptions: usize,
    /// Their API has no such thing.
    pub(crate) cannot: bool,
    /// A room of Janus took us in.
    pub(crate) joined: bool,
    /// They did not take our description.
    pub(crate) refused: bool,
    /// Frames that came out of their decoders, by kind.
    pub(crate) decoded: HashMap<String, u64>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Report {
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
}

impl Pair {
    pub(crate) async fn start(counterpart: &Counterpart, far: Far) -> Result<Self, String> {
        let process = Process::start(&mut counterpart.command().await?);
        let process = process.map_err(|e| format!("{} does not start: {e}", counterpart.name))?;
        let (pc, events) = PeerConnection::new(Configuration::default()).map_err(said)?;
        let (counter, messages) = mpsc::channel(MAX_MESSAGES);
        let mut pair = Pair {
            pc,
            events,
            process,
            channels: HashMap::new(),
            messages,
            counter,
            far,
            seen: Seen::default(),
            echoes: None,
        };
        pair.until("hello", |pair| pair.seen.hello.is_some())
            .await?;
        Ok(pair)
    }

    pub(crate) fn tell(&mut self, line: Value) -> Result<(), String> {
        self.process.tell(&line)
    }

    /// Goes on until `done`.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            match timeout_at(deadline, self.step()).await {
                Ok(outcome) => outcome?,
                Err(_) => return Err(format!("no {what}: {}", self.story())),
            }
        }
        Ok(())
    }

    /// What their offer brings is sent back, video in this codec.
    pub(crate) fn answers_with(&mut self, codec: &str) {
        self.echoes = Some(codec.to_owned());
    }

    /// Offers, from this end.
    pub(crate) async fn offer(&mut self) -> Result<(), String> {
        self.pc.set_local_description(None).await.map_err(said)?;
        self.tell_description()
    }

    pub(crate) fn open(&mut self, label: &str) -> Result<(), String> {
        let channel = self.pc.create_data_channel(label, Default::default());
        self.adopt(channel.map_err(said)?);
        Ok(())
    }

    pub(crate) fn channel(&self, label: &str) -> Result<&DataChannel, String> {
        self.channels
            .get(label)
            .ok_or_else(|| format!("no channel {label}"))
    }

    pub(crate) fn is_open(&self, label: &str) -> bool {
        self.state(label) == Some(DataChannelState::Open) && self.seen.open_there.contains(label)
    }

    pub(crate) fn state(&self, label: &str) -> Option<DataChannelState> {
        Some(self.channels.get(label)?.ready_state())
    }

    pub(crate) fn is_stable(&self) -> bool {
        self.pc.signaling_state() == SignalingState::Stable
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.pc.connection_state() == PeerConnectionState::Connected
    }

    /// The pair of candidates in use, ours first.
    pub(crate) fn selected(&self) -> Option<[String; 2]> {
        let ice = self.pc.sctp()?.transport()?.ice_transport();
        let pair = ice.selected_candidate_pair()?;
        Some([pair.local.init.candidate, pair.remote.init.candidate])
    }

    /// Takes our offer back.
    pub(crate) async fn roll_back(&mut self) -> Result<(), String> {
        let rollback = SessionDescription::rollback();
        let done = self.pc.set_local_description(Some(rollback)).await;
        done.map_err(said)
    }

    /// What is known when something did not happen.
    pub(crate) fn story(&self) -> String {
        let mut story = format!(
            "we are {:?}, ICE {:?}, on {:?}; they are {:?}; {:?}",
            self.pc.connection_state(),
            self.pc.ice_connection_state(),
            self.selected(),
            self.seen.state_there,
            self.seen,
        );
        for line in self.process.complaints() {
            story += &format!("\n    | {line}");
        }
        story
    }

    async fn step(&mut self) -> Result<(), String> {
        tokio::select! {
            line = self.process.next() => match line {
                Some(line) => self.on_line(&line).await,
                None => Err(format!("the counterpart ended: {}", self.story())),
            },
            Some(event) = self.events.recv() => self.on_event(event),
            Some((label, message)) = self.messages.recv() => {
                if let Some(bytes) = self.content(message) {
                    self.seen.tallies.entry(label).or_default().take(&bytes);
                }
                Ok(())
            }
        }
    }

    fn content(&mut self, message: Message) -> Option<Bytes> {
        match (self.far, message) {
            (Far::Janus(Plugin::TextRoom), Message::Text(text)) => {
                self.seen.joined |= janus::is_success(&text);
                janus::said_in_room(&text)
            }
            (_, Message::Text(text)) => Some(text.into()),
            (_, Message::Binary(bytes)) => Some(bytes),
        }
    }

    async fn on_line(&mut self, line: &Value) -> Result<(), String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some((kind, value)) = line.as_object().and_then(|line| line.iter().next()) else {
            return Err(format!("the counterpart says {line}"));
        };
        match kind.as_str() {
            "hello" => {
                self.seen.hello = Some(format!(
                    "{} {}",
                    text(&value["name"]),
                    text(&value["version"])
                ));
            }
            "description" => return self.on_description(value).await,
            "candidate" => {
                let candidate = serde_json::from_value(value.clone())
                    .map_err(|e| format!("their candidate {value}: {e}"))?;
                let added = self.pc.add_ice_candidate(candidate).await;
                return added.map_err(|e| format!("their candidate {value}: {e}"));
            }
            "state" => self.seen.state_there = text(value),
            "open" => drop(self.seen.open_there.insert(text(value))),
            "closed" => drop(self.seen.closed_there.insert(text(value))),
            "received" => {
                let report = Report {
                    bytes: value["bytes"].as_u64().unwrap_or(0) as usize,
                    sha256: text(&value["sha256"]),
                };
                self.seen.reports.insert(text(&value["label"]), report);
            }
            "decoded" => {
                let frames = value["frames"].as_u64().unwrap_or(0);
                self.seen.decoded.insert(text(&value["kind"]), frames);
            }
            "cannot" => self.seen.cannot = true,
            "refused" => self.seen.refused = true,
            _ => return Err(format!("the counterpart: {value}")),
        }
        Ok(())
    }

    async fn on_description(&mut self, value: &Value) -> Result<(), String> {
        let description: SessionDescription =
            serde_json::from_value(value.clone()).map_err(|e| e.to_string())?;
        let offer = description.sdp_type == SdpType::Offer;
        let applied = self.pc.set_remote_description(description).await;
        applied.map_err(|e| format!("their description: {e}\n{}", value["sdp"]))?;
        self.seen.descriptions += 1;
        if offer {
            if let Some(codec) = self.echoes.take() {
                for transceiver in self.pc.transceivers() {
                    media::echo(&transceiver, &codec)?;
                }
            }
            self.offer().await?;
        }
        Ok(())
    }

    fn tell_description(&mut self) -> Result<(), String> {
        let description = json!(self.pc.local_description());
        self.tell(json!({ "description": description }))
    }

    fn on_event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::IceCandidate(Some(candidate)) => {
                self.tell(json!({ "candidate": candidate.init }))
            }
            Event::DataChannel(channel) => {
                self.adopt(channel);
                Ok(())
            }
            Event::DtlsError(_, error) => Err(format!("an error event: {error}")),
            _ => Ok(()),
        }
    }

    fn adopt(&mut self, channel: DataChannel) {
        let label = channel.label().to_owned();
        self.channels.insert(label.clone(), channel.clone());
        let counter = self.counter.clone();
        tokio::spawn(async move {
            while let Some(message) = channel.recv().await {
                // The test may have given up.
                if counter.send((label.clone(), message)).await.is_err() {
                    return;
                }
            }
        });
    }
}

pub(crate) fn said(exception: Exception) -> String {
    exception.to_string()
}
