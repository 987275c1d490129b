//! What happens to one session.

use std::time::Duration;

use duologue::{
    Choice, DtlsTransportState, Event, Events, MediaKind, PeerConnection, PeerConnectionState,
    RtpSender,
};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::stage::View;
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
    /// Until the session is over, or was not connected in time.
    pub(super) async fn watch(&mut self, mut events: Events) {
        let late = sleep(self.connect);
        tokio::pin!(late);
        let mut connected = false;
        let mut playing: Option<JoinHandle<()>> = None;
        let mut alive = match &self.view {
            Some(View::Forwarded { alive, .. }) => Some(alive.clone()),
            _ => None,
        };
        loop {
            let ended = async {
                match &mut alive {
                    // An error: the publisher is gone.
                    Some(alive) => while alive.changed().await.is_ok() {},
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                event = events.recv() => event,
                () = ended => None,
                () = &mut late, if !connected => None,
            };
            let Some(event) = event else { break };
            match event {
                Event::IceCandidate(None) => self.gathered.send_modify(|count| *count += 1),
                Event::DtlsStateChange(_, DtlsTransportState::Connected) if !connected => {
                    connected = true;
                    playing = self.play();
                }
                Event::DtlsStateChange(
                    _,
                    DtlsTransportState::Closed | DtlsTransportState::Failed,
                )
                | Event::ConnectionStateChange(PeerConnectionState::Failed) => break,
                Event::KeyFrameRequest { sender, .. } => self.key_frame_wanted(&sender),
                Event::TargetBitrateChange(sender) => self.follow(&sender),
                _ => {}
            }
        }
        // A file that is played ends with its connection, too; this is sooner.
        if let Some(playing) = playing {
            playing.abort();
        }
    }

    /// Its place is free once its record is complete.
    pub(super) async fn close(self) {
        self.pc.close();
        if let Some(recording) = self.recording {
            let _ = recording.await;
        }
    }

    fn play(&mut self) -> Option<JoinHandle<()>> {
        let Some(View::File(path, writers)) = &mut self.view else {
            return None;
        };
        let (path, writers) = (path.clone(), std::mem::take(writers));
        let pc = self.pc.clone();
        Some(tokio::spawn(async move {
            // The file is gone or broken, or the viewer is: the session ends either way.
            let _ = playback::send(&path, &writers, true).await;
            pc.close();
        }))
    }

    fn key_frame_wanted(&self, wanted: &RtpSender) {
        for (sender, kind, forwarding) in self.forwarded() {
            if sender == wanted && *kind == MediaKind::Video {
                forwarding.key_frame_wanted();
            }
        }
    }

    /// The layer that fits the viewer's path.
    fn follow(&self, changed: &RtpSender) {
        let room: u64 = changed.target_bitrates().iter().sum();
        for (sender, kind, forwarding) in self.forwarded() {
            if sender == changed && *kind == MediaKind::Video && room > 0 {
                forwarding.choose(Choice::Bitrate(room));
            }
        }
    }

    fn forwarded(&self) -> &[(RtpSender, MediaKind, duologue::Forwarding)] {
        match &self.view {
            Some(View::Forwarded { tracks, .. }) => tracks,
            _ => &[],
        }
    }
}
