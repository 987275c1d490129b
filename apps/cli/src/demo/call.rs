//! The calls of the demo: one Rust peer for each open page.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue::{
    Configuration, DataChannel, DtlsTransportState, Endpoint, Event, Events, Exception,
    IceCandidateInit, PeerConnection, PeerConnectionState, SdpType, SessionDescription,
    StatsReport,
};
use tokio::sync::mpsc;

use super::happening::{Happening, Tell};
use super::note::{Note, States};
use super::{chat, file};
use crate::meter;

/// Calls at once; a page more is refused.
const MAX_CALLS: usize = 64;
/// Notes that wait for a page to read them; more are dropped.
const MAX_NOTES: usize = 1024;

/// All calls of the server.
pub(super) struct Calls {
    endpoint: Endpoint,
    configuration: Configuration,
    tell: Tell,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    last_id: u64,
    calls: HashMap<u64, Call>,
}

#[derive(Debug)]
struct Call {
    pc: PeerConnection,
    /// For the page's event stream, until it asks for it.
    notes: Option<mpsc::Receiver<Note>>,
}

impl Calls {
    pub(super) fn new(endpoint: Endpoint, configuration: Configuration, tell: Tell) -> Self {
        Calls {
            endpoint,
            configuration,
            tell,
            open: Mutex::default(),
        }
    }

    /// Makes a Rust peer for a page and gives its id.
    pub(super) fn open(self: &Arc<Self>) -> Result<u64, Exception> {
        let mut open = self.lock();
        if open.calls.len() >= MAX_CALLS {
            return Err(Exception::operation("too many calls"));
        }
        let (pc, events) = self.endpoint.connection(self.configuration.clone())?;
        let (sender, notes) = mpsc::channel(MAX_NOTES);
        open.last_id += 1;
        let id = open.last_id;
        open.calls.insert(
            id,
            Call {
                pc: pc.clone(),
                notes: Some(notes),
            },
        );
        drop(open);
        tokio::spawn(self.clone().watch(id, pc, events, sender));
        Ok(id)
    }

    /// Applies the page's description; an offer gives an answer.
    pub(super) async fn describe(
        &self,
        id: u64,
        description: SessionDescription,
    ) -> Result<Option<SessionDescription>, Exception> {
        let pc = self.connection(id)?;
        let offer = description.sdp_type == SdpType::Offer;
        pc.set_remote_description(description).await?;
        if !offer {
            return Ok(None);
        }
        pc.set_local_description(None).await?;
        Ok(pc.local_description())
    }

    /// What the page makes its own end with.
    pub(super) fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The Rust end's statistics.
    pub(super) async fn stats(&self, id: u64) -> Result<StatsReport, Exception> {
        self.connection(id)?.get_stats().await
    }

    pub(super) async fn add_candidate(
        &self,
        id: u64,
        candidate: IceCandidateInit,
    ) -> Result<(), Exception> {
        self.connection(id)?.add_ice_candidate(candidate).await
    }

    /// The stream of notes of a call: once.
    pub(super) fn take_notes(&self, id: u64) -> Option<mpsc::Receiver<Note>> {
        self.lock().calls.get_mut(&id)?.notes.take()
    }

    pub(super) fn close(&self, id: u64) {
        if let Some(call) = self.lock().calls.remove(&id) {
            call.pc.close();
        }
    }

    pub(super) fn close_all(&self) {
        let calls = std::mem::take(&mut self.lock().calls);
        calls.into_values().for_each(|call| call.pc.close());
    }

    /// Reads a peer's events: serves its channels and tells its page.
    async fn watch(
        self: Arc<Self>,
        id: u64,
        pc: PeerConnection,
        mut events: Events,
        notes: mpsc::Sender<Note>,
    ) {
        let mut shown = None;
        while let Some(event) = events.recv().await {
            if let Event::DataChannel(channel) = &event {
                serve(id, channel.clone(), self.tell.clone());
            }
            if let Event::ConnectionStateChange(state) = event {
                let state = state.as_str();
                (self.tell)(Happening::ConnectionStateChange { call: id, state });
            }
            // A page that does not read loses notes, nothing else.
            if let Some(note) = Note::of(&event) {
                let _ = notes.try_send(note);
            }
            let states = States::of(&pc);
            if shown.as_ref() != Some(&states) {
                let _ = notes.try_send(Note::States {
                    states: States::of(&pc),
                });
                shown = Some(states);
            }
            if is_end(&event) {
                break;
            }
        }
        self.close(id);
        (self.tell)(Happening::Closed { call: id });
    }

    fn connection(&self, id: u64) -> Result<PeerConnection, Exception> {
        let open = self.lock();
        let call = open.calls.get(&id).map(|call| call.pc.clone());
        call.ok_or_else(|| Exception::invalid_state("no such call"))
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing that can panic runs under this lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The page, or who calls in its place, is lost or went away: its close_notify says so at once.
fn is_end(event: &Event) -> bool {
    matches!(
        event,
        Event::ConnectionStateChange(PeerConnectionState::Failed)
            | Event::DtlsStateChange(_, DtlsTransportState::Closed)
    )
}

/// Gives a channel to what its label asks for; the page of this demo makes no others.
fn serve(call: u64, channel: DataChannel, tell: Tell) {
    tokio::spawn(async move {
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
                file::serve(&channel, &stored).await
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
