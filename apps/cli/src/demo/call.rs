//! The calls of the demo: one Rust peer for each open page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use duologue::{
    Configuration, DataChannel, DtlsTransportState, Endpoint, Event, Events, Exception,
    IceCandidateInit, PeerConnection, PeerConnectionState, SdpType, SessionDescription,
    StatsReport,
};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::budget::Budget;
use super::happening::{Happening, Tell};
use super::limits::{CALLS, CHANNELS, KEPT_BYTES, NOTES};
use super::mirror::{Layer, Mirror};
use super::note::{Note, States};
use super::recording::Recording;
use super::seen::Seen;
use super::{chat, file};
use crate::meter;

/// All calls of the server.
pub(super) struct Calls {
    endpoint: Endpoint,
    configuration: Configuration,
    tell: Tell,
    /// How long a call may take to connect.
    patience: Duration,
    /// For the files of all calls.
    kept: Arc<Budget>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// Of the last call, for people.
    last_number: u64,
    calls: HashMap<CallId, Call>,
}

/// Nobody guesses it: whoever has it may do with the call what its page may.
pub(super) type CallId = String;

#[derive(Debug)]
struct Call {
    pc: PeerConnection,
    mirror: Arc<Mirror>,
    /// For the page's event stream, until it asks for it.
    notes: Option<mpsc::Receiver<Note>>,
    /// Over when the page was told that the call is.
    watching: JoinHandle<()>,
}

impl Calls {
    pub(super) fn new(
        endpoint: Endpoint,
        configuration: Configuration,
        patience: Duration,
        tell: Tell,
    ) -> Self {
        Calls {
            endpoint,
            configuration,
            tell,
            patience,
            kept: Arc::new(Budget::new(KEPT_BYTES)),
            open: Mutex::default(),
        }
    }

    /// Makes a Rust peer for a page and gives its id.
    pub(super) fn open(self: &Arc<Self>) -> Result<CallId, Exception> {
        let id = random_id()?;
        let mut open = self.lock();
        if open.calls.len() >= CALLS {
            return Err(Exception::operation("too many calls"));
        }
        let (pc, events) = self.endpoint.connection(self.configuration.clone())?;
        let (sender, notes) = mpsc::channel(NOTES);
        open.last_number += 1;
        let number = open.last_number;
        let mirror = Arc::<Mirror>::default();
        let watching = Watching {
            calls: self.clone(),
            number,
            pc: pc.clone(),
            mirror: mirror.clone(),
            notes: sender,
            channels: Arc::new(Semaphore::new(CHANNELS)),
            store: Arc::new(Semaphore::new(1)),
        };
        open.calls.insert(
            id.clone(),
            Call {
                pc,
                mirror,
                notes: Some(notes),
                watching: tokio::spawn(watching.run(id.clone(), events)),
            },
        );
        Ok(id)
    }

    /// Applies the page's description; an offer gives an answer, which sends back what it brings.
    pub(super) async fn describe(
        &self,
        id: &str,
        description: SessionDescription,
    ) -> Result<Option<SessionDescription>, Exception> {
        let (pc, mirror) = self.call(id, |call| (call.pc.clone(), call.mirror.clone()))?;
        let offer = description.sdp_type == SdpType::Offer;
        pc.set_remote_description(description).await?;
        if !offer {
            return Ok(None);
        }
        mirror.reflect(&pc)?;
        pc.set_local_description(None).await?;
        Ok(pc.local_description())
    }

    /// What the page makes its own end with.
    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The Rust end's statistics.
    pub(super) async fn stats(&self, id: &str) -> Result<StatsReport, Exception> {
        self.connection(id)?.get_stats().await
    }

    pub(super) async fn add_candidate(
        &self,
        id: &str,
        candidate: IceCandidateInit,
    ) -> Result<(), Exception> {
        self.connection(id)?.add_ice_candidate(candidate).await
    }

    /// Another simulcast layer of the page's goes back to it.
    pub(super) fn select(&self, id: &str, layer: &Layer) -> Result<(), Exception> {
        let mirror = self.call(id, |call| call.mirror.clone())?;
        mirror.select(layer);
        Ok(())
    }

    /// What was decoded of what the page sends.
    pub(super) fn seen(&self, id: &str) -> Result<Seen, Exception> {
        self.call(id, |call| call.mirror.seen().clone())
    }

    /// Whether what the page sends is kept, from now on.
    pub(super) fn record(&self, id: &str, on: bool) -> Result<Recording, Exception> {
        let mirror = self.call(id, |call| call.mirror.clone())?;
        let recording = mirror.recording().clone();
        if !on {
            recording.end();
        } else if !mirror.record(self.kept.clone()) {
            return Err(Exception::invalid_state(
                "nothing comes that a file can have",
            ));
        }
        Ok(recording)
    }

    /// What was kept of what the page sent.
    pub(super) fn recording(&self, id: &str) -> Result<Recording, Exception> {
        self.call(id, |call| call.mirror.recording().clone())
    }

    /// Plays telephone keys to the page.
    pub(super) async fn dial(&self, id: &str, tones: &str) -> Result<(), Exception> {
        let mirror = self.call(id, |call| call.mirror.clone())?;
        mirror.dial(tones).await
    }

    /// Whether a test picture and a tone go back to the page.
    pub(super) fn play_test(&self, id: &str, test: bool) -> Result<(), Exception> {
        let mirror = self.call(id, |call| call.mirror.clone())?;
        mirror.play_test(test);
        Ok(())
    }

    /// The stream of notes of a call: once.
    pub(super) fn take_notes(&self, id: &str) -> Option<mpsc::Receiver<Note>> {
        self.lock().calls.get_mut(id)?.notes.take()
    }

    pub(super) fn close(&self, id: &str) {
        if let Some(call) = self.lock().calls.remove(id) {
            call.pc.close();
        }
    }

    /// Closes every call; their pages have been told then.
    pub(super) async fn close_all(&self) {
        let calls = std::mem::take(&mut self.lock().calls);
        calls.values().for_each(|call| call.pc.close());
        for call in calls.into_values() {
            // One that failed has nothing to tell.
            let _ = call.watching.await;
        }
    }

    fn connection(&self, id: &str) -> Result<PeerConnection, Exception> {
        self.call(id, |call| call.pc.clone())
    }

    fn call<T>(&self, id: &str, part: impl FnOnce(&Call) -> T) -> Result<T, Exception> {
        let call = self.lock().calls.get(id).map(part);
        call.ok_or_else(|| Exception::invalid_state("no such call"))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under this lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 bits of the system's randomness, in hexadecimal.
fn random_id() -> Result<CallId, Exception> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| Exception::operation("the system has no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads the events of a call's Rust end: serves its channels and tells its page.
struct Watching {
    calls: Arc<Calls>,
    number: u64,
    pc: PeerConnection,
    mirror: Arc<Mirror>,
    notes: mpsc::Sender<Note>,
    /// Room for the channels that are served at once, and for the one that keeps a file.
    channels: Arc<Semaphore>,
    store: Arc<Semaphore>,
}

impl Watching {
    async fn run(self, id: CallId, events: Events) {
        self.watch(events).await;
        self.calls.close(&id);
        self.tell(Happening::Closed { call: self.number });
    }

    /// Until the call is over, or was not connected in time.
    async fn watch(&self, mut events: Events) {
        let late = tokio::time::sleep(self.calls.patience);
        tokio::pin!(late);
        let mut connected = false;
        let mut shown = None;
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = &mut late, if !connected => None,
            };
            let Some(event) = event else {
                return;
            };
            if let Event::DataChannel(channel) = &event {
                self.serve(channel.clone());
            }
            if let Event::KeyFrameRequest { sender, .. } = &event {
                self.mirror.key_frame_wanted(sender);
            }
            if let Event::ConnectionStateChange(state) = event {
                connected |= state == PeerConnectionState::Connected;
                self.tell(Happening::ConnectionStateChange {
                    call: self.number,
                    state: state.as_str(),
                });
            }
            // A page that does not read loses notes, nothing else.
            if let Some(note) = Note::of(&event) {
                let _ = self.notes.try_send(note);
            }
            let states = States::of(&self.pc);
            if shown.as_ref() != Some(&states) {
                let _ = self.notes.try_send(Note::States {
                    states: States::of(&self.pc),
                });
                shown = Some(states);
            }
            if is_end(&event) {
                return;
            }
        }
    }

    /// Gives a channel to what its label asks for; the page of this demo makes no others, and each
    /// once.
    fn serve(&self, channel: DataChannel) {
        let places = [Some(&self.channels), store_of(&channel, &self.store)];
        let places = places.into_iter().flatten();
        let taken = places.map(|places| places.clone().try_acquire_owned());
        let Ok(taken) = taken.collect::<Result<Vec<_>, _>>() else {
            channel.close();
            return;
        };
        let (call, tell) = (self.number, self.calls.tell.clone());
        let kept = self.calls.kept.clone();
        tokio::spawn(async move {
            let _taken = taken;
            let outcome = match channel.label() {
                "chat" => chat::serve(&channel).await,
                "file" => {
                    let stored = |bytes, sha256: &str| {
                        let sha256 = sha256.to_owned();
                        tell(Happening::File {
                            call,
                            bytes,
                            sha256,
                        });
                    };
                    file::serve(&channel, &kept, &stored).await
                }
                "meter" => meter::serve(&channel).await,
                "ping" => meter::echo(&channel).await,
                _ => Ok(()),
            };
            // The page went away in the middle: its channel closes by itself.
            if outcome.is_err() {
                channel.close();
            }
        });
    }

    fn tell(&self, happening: Happening) {
        (self.calls.tell)(happening);
    }
}

fn store_of<'s>(channel: &DataChannel, store: &'s Arc<Semaphore>) -> Option<&'s Arc<Semaphore>> {
    (channel.label() == "file").then_some(store)
}

/// The page, or who calls in its place, is lost or went away: its close_notify says so at once.
fn is_end(event: &Event) -> bool {
    matches!(
        event,
        Event::ConnectionStateChange(PeerConnectionState::Failed)
            | Event::DtlsStateChange(_, DtlsTransportState::Closed)
    )
}
