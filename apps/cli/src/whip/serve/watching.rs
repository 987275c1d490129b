//! What happens to one session.

use std::fmt;
use std::time::Duration;

use duologue::{
    DtlsTransportState, Event, Events, Exception, MediaKind, PeerConnection, PeerConnectionState,
    RtpSender,
};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::stage::{Origin, View};
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

/// Why a session is over, for people.
pub(super) enum Ending {
    /// Somebody ended it.
    Ended(String),
    /// It was cut off.
    Lost(&'static str),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Ended(reason) => f.write_str(reason),
            Ending::Lost(reason) => f.write_str(reason),
        }
    }
}

impl Watching {
    /// Until the session is over, or was not connected in time. Gives why.
    pub(super) async fn watch(&mut self, mut events: Events) -> Ending {
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
                () = ended(&mut alive) => break Ending::Ended("its publisher is gone".to_owned()),
                reason = played(&mut playing) => break reason,
                () = &mut late, if !connected => break Ending::Lost("it did not connect in time"),
            };
            match event {
                None => break closed_here(),
                Some(Event::IceCandidate(None)) => self.gathered.send_modify(|count| *count += 1),
                Some(Event::DtlsStateChange(_, DtlsTransportState::Connected)) if !connected => {
                    connected = true;
                    playing = self.play();
                }
                Some(Event::DtlsStateChange(_, DtlsTransportState::Closed)) => {
                    break Ending::Ended("its client closed the connection".to_owned());
                }
                Some(Event::DtlsStateChange(_, DtlsTransportState::Failed)) => {
                    break Ending::Lost("DTLS failed");
                }
                Some(Event::ConnectionStateChange(PeerConnectionState::Failed)) => {
                    break Ending::Lost("no packet came from it any more");
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
async fn ended(alive: &mut Option<watch::Receiver<Origin>>) {
    match alive {
        // An error: it was dropped.
        Some(alive) => while alive.changed().await.is_ok() {},
        None => std::future::pending().await,
    }
}

/// Until a file cannot be played on: it is gone or broken, or its viewer is.
async fn played(playing: &mut Option<JoinHandle<Failure>>) -> Ending {
    let Some(task) = playing else {
        return std::future::pending().await;
    };
    let failure = task.await;
    *playing = None;
    match failure {
        // By the writers of a connection that was closed.
        Ok(failure) if failure.is::<Exception>() => closed_here(),
        Ok(failure) => Ending::Ended(failure.to_string()),
        Err(error) => Ending::Ended(error.to_string()),
    }
}

fn closed_here() -> Ending {
    Ending::Ended("its client ended it, or the server ends".to_owned())
}
