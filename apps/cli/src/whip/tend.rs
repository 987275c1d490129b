//! A connection to a WHIP or WHEP server from its offer to its end: candidates that trickle, ICE that is restarted.

use std::time::Duration;

use duologue::{
    Configuration, DtlsTransportState, Event, Events, IceCandidate, IceConnectionState, IceServer,
    OfferOptions, PeerConnection, SdpType, SessionDescription,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::client::{Changed, EndpointUrl, Opened, Probe, Server, Session};
use super::fragment::{Candidate, Fragment};
use super::limits::{CANDIDATES, CONNECT_TIMEOUT, RESTARTS, TRICKLE_PAUSE};
use crate::Failure;

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Progress {
    #[default]
    Connecting,
    Connected,
    /// The server is gone, or cannot be reached any more.
    Gone,
}

/// Who waits for the progress of a connection.
pub(super) struct Watch(watch::Receiver<Progress>);

impl Watch {
    /// Until it is connected.
    ///
    /// # Errors
    /// It takes too long; the server ends the session before.
    pub(super) async fn connected(&mut self) -> Result<(), Failure> {
        let connecting = self.0.wait_for(|it| *it != Progress::Connecting);
        // What is waited for is behind a lock: it is not to be kept.
        let progress = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map(|it| it.map(|it| *it));
        match progress {
            Ok(Ok(Progress::Connected)) => Ok(()),
            Ok(_) => Err("the server ended the session before it was connected".into()),
            Err(_) => {
                Err("no connection to the server's addresses: is UDP blocked on the way?".into())
            }
        }
    }

    /// Until the server is gone.
    pub(super) async fn gone(&mut self) {
        let _ = self.0.wait_for(|it| *it == Progress::Gone).await;
    }
}

/// An open session and its connection.
pub(super) struct Tended {
    pc: PeerConnection,
    events: Events,
    session: Session,
    offer: String,
    progress: watch::Sender<Progress>,
    /// Candidates that the server does not know yet.
    found: Vec<Candidate>,
    complete: bool,
    send_at: Option<Instant>,
    /// The server takes no candidates after the offer.
    untold: bool,
    restarts: u32,
    alternates: Vec<EndpointUrl>,
}

impl Tended {
    /// Offers what the connection's transceivers are, and takes the answer.
    ///
    /// # Errors
    /// The server refuses, or its answer does not fit.
    pub(super) async fn open(
        server: &Server,
        pc: PeerConnection,
        events: Events,
        own_servers: Vec<IceServer>,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let offer = pc.create_offer(OfferOptions::default()).await?;
        let Opened {
            session,
            answer,
            ice_servers,
            alternates,
        } = server.open(&offer.sdp, patience).await?;

        // RFC 9725 §4.6: before candidates are gathered, and own ones come first.
        if own_servers.is_empty() && !ice_servers.is_empty() {
            let before = pc.configuration();
            pc.set_configuration(Configuration {
                ice_servers,
                ..before
            })?;
        }

        let text = offer.sdp.clone();
        pc.set_local_description(offer).await?;
        let sdp_type = SdpType::Answer;
        let set = pc
            .set_remote_description(SessionDescription {
                sdp_type,
                sdp: answer,
            })
            .await;
        if let Err(error) = set {
            session.delete().await;
            return Err(error.into());
        }

        Ok(Tended {
            pc,
            events,
            session,
            offer: text,
            progress: watch::Sender::default(),
            found: Vec::new(),
            complete: false,
            send_at: None,
            untold: false,
            restarts: 0,
            alternates,
        })
    }

    pub(super) fn connection(&self) -> PeerConnection {
        self.pc.clone()
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Watch {
        Watch(self.progress.subscribe())
    }

    /// Where the same is to be had, as the server tells it.
    pub(super) fn take_alternates(&mut self) -> Vec<EndpointUrl> {
        std::mem::take(&mut self.alternates)
    }

    /// How to ask whether the session is there.
    pub(super) fn probe(&self) -> Probe {
        self.session.probe()
    }

    /// Where the session is, for people.
    pub(super) fn shown(&self) -> String {
        self.session.shown()
    }

    /// Does what the connection needs until it is gone or `end` is there; then ends the session.
    pub(super) async fn run(mut self, end: impl Future<Output = ()>) {
        let mut end = std::pin::pin!(end);
        loop {
            let send_at = self.send_at;
            let pause = async { sleep_until(send_at.unwrap_or_else(Instant::now)).await };
            tokio::select! {
                () = &mut end => break,
                () = pause, if send_at.is_some() => self.tell_candidates().await,
                event = self.events.recv() => match event {
                    Some(event) => if !self.handle(event).await { break },
                    None => break,
                },
            }
        }
        self.progress.send_replace(Progress::Gone);
        self.session.delete().await;
        self.pc.close();
    }

    /// Whether it goes on.
    async fn handle(&mut self, event: Event) -> bool {
        match event {
            Event::IceCandidate(Some(candidate)) => self.found(candidate),
            Event::IceCandidate(None) => {
                self.complete = true;
                self.send_at = Some(Instant::now());
            }
            Event::IceConnectionStateChange(
                IceConnectionState::Connected | IceConnectionState::Completed,
            ) => {
                self.restarts = 0;
            }
            Event::IceConnectionStateChange(
                IceConnectionState::Disconnected | IceConnectionState::Failed,
            ) => {
                return self.restart_while_it_helps().await;
            }
            Event::DtlsStateChange(_, DtlsTransportState::Connected) => {
                self.progress.send_replace(Progress::Connected);
            }
            Event::DtlsStateChange(_, DtlsTransportState::Closed | DtlsTransportState::Failed) => {
                return false;
            }
            _ => {}
        }
        true
    }

    fn found(&mut self, candidate: IceCandidate) {
        let current = Fragment::of(&self.offer).credentials.map(|it| it.ufrag);
        let attribute = candidate.init.candidate;
        // One of the set of ICE before a restart comes late.
        if candidate
            .init
            .username_fragment
            .is_some_and(|ufrag| current.is_some_and(|it| it != ufrag))
        {
            return;
        }
        if self.found.len() < CANDIDATES && !attribute.is_empty() {
            let mid = candidate.init.sdp_mid;
            self.found.push(Candidate { mid, attribute });
        }
        self.send_at
            .get_or_insert_with(|| Instant::now() + TRICKLE_PAUSE);
    }

    /// RFC 9725 §4.3.2: all that are there in one request.
    async fn tell_candidates(&mut self) {
        self.send_at = None;
        let fragment = Fragment {
            credentials: Fragment::of(&self.offer).credentials,
            candidates: std::mem::take(&mut self.found),
            complete: self.complete,
        };
        if self.untold {
            return;
        }
        let told = self.session.trickle(fragment.write(&self.offer)).await;
        // A server without trickle finds out by our checks where we are. One that cannot be asked right now is asked
        // again with the next candidates, or by a restart.
        self.untold = matches!(told, Ok(Changed::Refused(_)));
    }

    /// A failed request says nothing of the connection, which may come back by itself (RFC 9725 §4.3.3).
    async fn restart_while_it_helps(&mut self) -> bool {
        while self.restarts < RESTARTS {
            self.restarts += 1;
            if self.restart().await.is_ok() {
                return true;
            }
            sleep(Duration::from_millis(200) * self.restarts).await;
        }
        false
    }

    async fn restart(&mut self) -> Result<(), Failure> {
        let answer = self.pc.remote_description().ok_or("there was no answer")?;
        // One that failed has left its offer behind, which is as good.
        if self.pc.pending_local_description().is_none() {
            self.pc.restart_ice();
            self.pc.set_local_description(None).await?;
        }
        let offer = self.pc.local_description().ok_or("there is no offer")?;
        self.offer = offer.sdp;
        self.found.clear();
        self.complete = false;
        let own = Fragment::of(&self.offer);
        let theirs = self.session.restart(own.write(&self.offer)).await?;
        let answer = theirs.replace_in(&answer, SdpType::Answer);
        self.pc.set_remote_description(answer).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
