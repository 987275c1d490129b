//! Our peer and a counterpart, with the signalling between them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use duologue::{
    Configuration, DataChannel, DataChannelState, Endpoint, Event, Events, Exception, Message,
    PeerConnection, PeerConnectionState, SdpType, SessionDescription, SignalingState,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::counterpart::{Codecs, Counterpart};
use crate::janus;
use crate::media;
use crate::outcome::Offerer;
use crate::pattern::Tally;
use crate::process::Process;

/// How long anything may take; what works takes a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(15);
/// Messages and frames that wait to be counted.
const MAX_CAME: usize = 64;

pub(crate) struct Pair {
    pub(crate) pc: PeerConnection,
    events: Events,
    process: Process,
    channels: HashMap<String, DataChannel>,
    came: mpsc::Receiver<Came>,
    pub(crate) counter: mpsc::Sender<Came>,
    pub(crate) far: Far,
    pub(crate) seen: Seen,
    codecs: Codecs,
    /// Media of the next offer is sent back.
    pub(crate) echoes: bool,
    /// Media of the next offer is counted.
    pub(crate) counts: bool,
}

/// What came from the counterpart.
#[derive(Debug)]
pub(crate) enum Came {
    /// A message, by its channel
    Message(String, Message),
    /// A frame: its kind, simulcast layer and length
    Frame(&'static str, Option<String>, usize),
}

/// What the far end does with what it receives.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Far {
    /// It counts it and reports.
    Reports,
    /// A plugin of Janus does with it what it does.
    Janus,
}

/// What happened at either end.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Name and version, as the counterpart says them.
    pub(crate) hello: Option<String>,
    /// Where a server is to be asked by another counterpart.
    pub(crate) base: Option<String>,
    pub(crate) open_there: HashSet<String>,
    pub(crate) closed_there: HashSet<String>,
    /// The states of their connection, one after another: it may close because it failed.
    states_there: Vec<String>,
    /// What they counted since they were asked, by channel.
    pub(crate) reports: HashMap<String, Report>,
    /// What we counted since we were asked, by channel.
    pub(crate) tallies: HashMap<String, Tally>,
    /// Their descriptions that we applied.
    pub(crate) descriptions: usize,
    /// Their API has no such thing, as they say it.
    pub(crate) cannot: Option<String>,
    /// A room of Janus took us in.
    pub(crate) joined: bool,
    /// They did not take our description, for this reason.
    pub(crate) refused: Option<String>,
    /// What reached them of media, by kind, and layer where there are some.
    pub(crate) there: BTreeMap<String, u64>,
    /// What it is that they count, by kind.
    units: BTreeMap<String, String>,
    /// Frames that reached us, by kind, and layer where there are some.
    pub(crate) here: BTreeMap<String, u64>,
    /// The same by their length
    pub(crate) lengths: BTreeMap<usize, u64>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Report {
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
}

impl Pair {
    pub(crate) async fn start(counterpart: &Counterpart, far: Far) -> Result<Self, String> {
        Self::start_with(counterpart, far, &[]).await
    }

    /// With further arguments of the counterpart's program.
    pub(crate) async fn start_with(
        counterpart: &Counterpart,
        far: Far,
        arguments: &[String],
    ) -> Result<Self, String> {
        let process = Process::start(counterpart.command()?.args(arguments));
        let process = process.map_err(|e| format!("{} does not start: {e}", counterpart.name))?;
        let endpoint = Endpoint::builder().sctp_snap(counterpart.snap).build();
        let endpoint = endpoint.map_err(|e| format!("our endpoint: {e}"))?;
        let (pc, events) = (endpoint.connection(Configuration::default())).map_err(said)?;
        let (counter, came) = mpsc::channel(MAX_CAME);
        let mut pair = Pair {
            pc,
            events,
            process,
            channels: HashMap::new(),
            came,
            counter,
            far,
            seen: Seen::default(),
            codecs: counterpart.codecs,
            echoes: false,
            counts: false,
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

    /// The codec of video.
    pub(crate) fn codec(&self, offerer: Offerer) -> &'static str {
        match offerer {
            Offerer::We => self.codecs.ours,
            Offerer::They => self.codecs.theirs,
        }
    }

    /// What it is that they count of this kind.
    pub(crate) fn unit(&self, kind: &str) -> &str {
        self.seen.units.get(kind).map_or("frames", String::as_str)
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
            "we are {:?}, ICE {:?}, on {:?}; {:?}",
            self.pc.connection_state(),
            self.pc.ice_connection_state(),
            self.selected(),
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
            Some(came) = self.came.recv() => {
                self.on_came(came);
                Ok(())
            }
        }
    }

    fn on_came(&mut self, came: Came) {
        match came {
            Came::Message(label, message) => {
                if let Some(bytes) = self.content(message) {
                    self.seen.tallies.entry(label).or_default().take(&bytes);
                }
            }
            Came::Frame(kind, rid, length) => {
                let name = stream(kind, rid.as_deref());
                *self.seen.here.entry(name).or_default() += 1;
                *self.seen.lengths.entry(length).or_default() += 1;
            }
        }
    }

    fn content(&mut self, message: Message) -> Option<Bytes> {
        match (self.far, message) {
            (Far::Janus, Message::Text(text)) => {
                self.seen.joined |= janus::is_success(&text);
                Some(janus::said_in_room(&text).unwrap_or_else(|| text.into()))
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
                self.seen.base = value["base"].as_str().map(str::to_owned);
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
            "state" => self.seen.states_there.push(text(value)),
            "open" => drop(self.seen.open_there.insert(text(value))),
            "closed" => drop(self.seen.closed_there.insert(text(value))),
            "received" => {
                let report = Report {
                    bytes: value["bytes"].as_u64().unwrap_or(0) as usize,
                    sha256: text(&value["sha256"]),
                };
                self.seen.reports.insert(text(&value["label"]), report);
            }
            "counted" => {
                let kind = text(&value["kind"]);
                let name = stream(&kind, value["rid"].as_str().filter(|rid| !rid.is_empty()));
                let count = value["count"].as_u64().unwrap_or(0);
                self.seen.there.insert(name, count);
                self.seen.units.insert(kind, text(&value["unit"]));
            }
            "cannot" => self.seen.cannot = Some(text(value)),
            "refused" => self.seen.refused = Some(text(value)),
            _ => return Err(format!("the counterpart: {value}: {}", self.story())),
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
            let codec = self.codec(Offerer::They);
            if std::mem::take(&mut self.echoes) {
                for transceiver in self.pc.transceivers() {
                    media::prefer(&transceiver, codec)?;
                    media::echo(&transceiver, self.counter.clone())?;
                }
            }
            if std::mem::take(&mut self.counts) {
                for transceiver in self.pc.transceivers() {
                    media::receive(&transceiver, self.counter.clone(), None);
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
            Event::KeyFrameRequest { sender, .. } => {
                let transceivers = self.pc.transceivers();
                // What is sent back is made by who sends it here; it may have stopped meanwhile.
                if let Some(its) = transceivers.iter().find(|t| t.sender() == sender) {
                    let _ = its.receiver().send_key_frame_request(0);
                }
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
                let came = Came::Message(label.clone(), message);
                if counter.send(came).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The name of one stream of media.
fn stream(kind: &str, rid: Option<&str>) -> String {
    match rid {
        Some(rid) => format!("{kind} {rid}"),
        None => kind.to_owned(),
    }
}

pub(crate) fn said(exception: Exception) -> String {
    exception.to_string()
}
