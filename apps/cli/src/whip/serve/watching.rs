//! What happens to one session.

use std::time::Duration;

use duologue::{
    DtlsTransportState, Event, Events, Exception, MediaKind, PeerConnection, PeerConnectionState,
    RtpSender,
};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::stage::View;
use crate::Failure;
use crate::whip::playback;

/// Reads the events of a session.
pub(super) struct Watching {
    /// How long it may take to connect.
    pub(super) connect: Duration,
    pub(super) pc: PeerConnection,
    pub(super) gathered: watch::Sender<u64>,
    /// Of a viewer.
    pub(super) view: Option<View>,
    /// Of a publisher.
    pub(super) recording: Option<JoinHandle<()>>,
    pub(super) _place: OwnedSemaphorePermit,
}

impl Watching {
    /// Until the session is over, or was not connected in time. Gives why, for people.
    pub(super) async fn watch(&mut self, mut events: Events) -> String {
        let late = sleep(self.connect);
        tokio::pin!(late);
        let mut connected = false;
        let mut playing: Option<JoinHandle<Failure>> = None;
        let mut alive = match &self.view {
            Some(View::Forwarded { alive, .. }) => Some(alive.clone()),
            _ => None,
        };
        let reason = loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = ended(&mut alive) => break PUBLISHER_GONE.to_owned(),
                reason = played(&mut playing) => break reason,
                () = &mut late, if !connected => break NOT_CONNECTED.to_owned(),
            };
            match event {
                None => break CLOSED_HERE.to_owned(),
                Some(Event::IceCandidate(None)) => self.gathered.send_modify(|count| *count += 1),
                Some(Event::DtlsStateChange(_, DtlsTransportState::Connected)) if !connected => {
                    connected = true;
                    playing = self.play();
                }
                Some(Event::DtlsStateChange(_, DtlsTransportState::Closed)) => {
                    break CLOSED_THERE.to_owned();
                }
                Some(Event::DtlsStateChange(_, DtlsTransportState::Failed)) => {
                    break "DTLS failed".to_owned();
                }
                Some(Event::ConnectionStateChange(PeerConnectionState::Failed)) => {
                    break "no packet came from it any more".to_owned();
                }
                Some(Event::KeyFrameRequest { sender, .. }) => self.key_frame_wanted(&sender),
                Some(_) => {}
            }
        };
        // A file that is played ends with its connection, too; this is sooner.
        if let Some(playing) = playing {
            playing.abort();
        }
        reason
    }

    /// Its place is free once its record is complete.
    pub(super) async fn close(self) {
        self.pc.close();
        if let Some(recording) = self.recording {
            let _ = recording.await;
        }
    }

    fn play(&mut self) -> Option<JoinHandle<Failure>> {
        let Some(View::File(path, writers)) = &mut self.view else {
            return None;
        };
        let (path, writers) = (path.clone(), std::mem::take(writers));
        Some(tokio::spawn(async move {
            match playback::send(&path, &writers, true).await {
                Err(failure) => failure,
                Ok(_) => "the file is over".into(),
            }
        }))
    }

    fn key_frame_wanted(&self, wanted: &RtpSender) {
        let Some(View::Forwarded { viewer, .. }) = &self.view else {
            return;
        };
        for (sender, kind, forwarding) in &viewer.tracks {
            if sender == wanted && *kind == MediaKind::Video {
                forwarding.key_frame_wanted();
            }
        }
    }
}

/// Until the publisher of what a viewer sees is gone.
async fn ended(alive: &mut Option<watch::Receiver<()>>) {
    match alive {
        // An error: it was dropped.
        Some(alive) => while alive.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

/// Until a file cannot be played on: it is gone or broken, or its viewer is.
async fn played(playing: &mut Option<JoinHandle<Failure>>) -> String {
    let Some(task) = playing else {
        return std::future::pending().await;
    };
    let failure = task.await;
    *playing = None;
    match failure {
        // By the writers of a connection that was closed.
        Ok(failure) if failure.is::<Exception>() => CLOSED_HERE.to_owned(),
        Ok(failure) => failure.to_string(),
        Err(error) => error.to_string(),
    }
}

const PUBLISHER_GONE: &str = "its publisher is gone";
const NOT_CONNECTED: &str = "it did not connect in time";
const CLOSED_HERE: &str = "its client ended it, or the server ends";
const CLOSED_THERE: &str = "its client closed the connection";
