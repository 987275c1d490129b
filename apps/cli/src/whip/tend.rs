//! A connection to a WHIP or WHEP server from its offer to its end: candidates that trickle, ICE that is restarted.

use std::time::Duration;

use duologue::{
    Configuration, DtlsTransportState, Event, Events, IceCandidate, IceConnectionState, IceServer,
    OfferOptions, PeerConnection, SdpType, SessionDescription,
};
use reqwest::StatusCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::client::{Changed, EndpointUrl, Opened, Probe, Restarted, Server, Session};
use super::fragment::{Candidate, Fragment};
use super::limits::{
    CANDIDATES, CONNECT_TIMEOUT, CONSENT_TIME, RESTART_PAUSE, RESTARTS, ROAM_TIMEOUT,
    TRICKLE_PAUSE, TRICKLE_TRIES,
};
use crate::Failure;

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Progress {
    #[default]
    Connecting,
    Connected,
    Gone(Gone),
}

/// Why there is no session any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gone {
    /// This end did.
    Ended,
    /// The server closed the connection, or does not know the session any more.
    Server,
    /// The connection failed, and no ICE restart brought it back.
    Lost,
    /// Keys were not agreed on.
    Dtls,
}

impl Gone {
    /// For people.
    pub(super) fn told(self) -> &'static str {
        match self {
            Gone::Ended => "the session was ended here",
            Gone::Server => "the server ended the session",
            Gone::Lost => {
                "the connection to the server is lost, and no ICE restart brought it back"
            }
            Gone::Dtls => "DTLS with the server failed",
        }
    }
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
            Ok(Ok(Progress::Gone(why))) => Err(format!("not connected: {}", why.told()).into()),
            Ok(_) => Err("not connected".into()),
            Err(_) => {
                Err("no connection to the server's addresses: is UDP blocked on the way?".into())
            }
        }
    }

    /// Until there is no session any more: why.
    pub(super) async fn gone(&mut self) -> Gone {
        let gone = self.0.wait_for(|it| matches!(it, Progress::Gone(_)));
        match gone.await.map(|it| *it) {
            Ok(Progress::Gone(why)) => why,
            _ => Gone::Ended,
        }
    }
}

/// How far it is with restarting ICE.
#[derive(Debug, Default)]
struct Restart {
    /// When the server is asked for one, if ICE needs it.
    at: Option<Instant>,
    /// The offer of one waits for its answer.
    pending: bool,
    /// The server does none.
    refused: bool,
    /// ICE has given up.
    failed: bool,
    /// Since when nothing answers. While a restart waits for its answer ICE waits, too, and never gives up.
    silent: Option<Instant>,
    /// In a row, without a connection.
    done: u32,
    /// Requests in a row that came to nothing.
    tries: u32,
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
    /// Requests in a row that did not tell them.
    tries: u32,
    /// The server takes no candidates after the offer.
    untold: bool,
    restart: Restart,
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
            tries: 0,
            untold: false,
            restart: Restart::default(),
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
        let why = tokio::select! {
            () = end => Gone::Ended,
            why = self.tend() => why,
        };
        self.progress.send_replace(Progress::Gone(why));
        // A server that does not answer notices by itself.
        let _ = timeout(ROAM_TIMEOUT, self.session.delete()).await;
        self.pc.close();
    }

    async fn tend(&mut self) -> Gone {
        loop {
            tokio::select! {
                () = time(self.send_at) => self.tell_candidates().await,
                () = time(self.restart.at) => if let Some(why) = self.ask_to_restart().await {
                    return why;
                },
                event = self.events.recv() => match event.map(|event| self.handle(event)) {
                    Some(None) => {}
                    Some(Some(why)) => return why,
                    None => return Gone::Ended,
                },
            }
        }
    }

    /// Why it does not go on, if it does not.
    fn handle(&mut self, event: Event) -> Option<Gone> {
        match event {
            Event::IceCandidate(Some(candidate)) => self.found(candidate),
            Event::IceCandidate(None) => {
                self.complete = true;
                self.send_at = Some(Instant::now());
            }
            Event::IceConnectionStateChange(state) => return self.ice_changes(state),
            Event::DtlsStateChange(_, DtlsTransportState::Connected) => {
                self.progress.send_replace(Progress::Connected);
            }
            Event::DtlsStateChange(_, DtlsTransportState::Closed) => return Some(Gone::Server),
            Event::DtlsStateChange(_, DtlsTransportState::Failed) => return Some(Gone::Dtls),
            _ => {}
        }
        None
    }

    /// A connection that is cut may come back by itself for as long as ICE has not failed; a restart may find
    /// another way before.
    fn ice_changes(&mut self, state: IceConnectionState) -> Option<Gone> {
        let restart = &mut self.restart;
        match state {
            IceConnectionState::Connected | IceConnectionState::Completed => {
                // One whose answer was lost is completed: the server may have gone over already.
                *restart = Restart {
                    at: restart.at.filter(|_| restart.pending),
                    pending: restart.pending,
                    refused: restart.refused,
                    ..Restart::default()
                };
            }
            IceConnectionState::Disconnected | IceConnectionState::Failed => {
                restart.failed = state == IceConnectionState::Failed;
                restart.silent.get_or_insert_with(Instant::now);
                restart.tries = 0;
                let helps = !restart.refused && restart.done < RESTARTS;
                if !helps && restart.failed {
                    return Some(Gone::Lost);
                }
                if helps {
                    restart.at = Some(Instant::now());
                }
            }
            _ => {}
        }
        None
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
        // What belongs to a restart goes with it.
        if self.untold || self.restart.pending {
            return;
        }
        match self.session.trickle(fragment.write(&self.offer)).await {
            Changed::Done => self.tries = 0,
            // A server without trickle finds out by our checks where we are.
            Changed::Refused(status) => {
                self.untold = true;
                // RFC 9725 §4.3.1: neither candidates nor restarts.
                self.restart.refused |= status == StatusCode::METHOD_NOT_ALLOWED;
            }
            // They go again with the next ones, and for a while by themselves.
            Changed::Later(pause) => {
                self.found = fragment.candidates;
                self.tries += 1;
                let again = self.tries <= TRICKLE_TRIES;
                self.send_at = again.then(|| Instant::now() + pause);
            }
        }
    }

    /// A failed request says nothing of the connection, which may come back by itself (RFC 9725 §4.3.3): only one
    /// that ICE gave up, too, ends it.
    async fn ask_to_restart(&mut self) -> Option<Gone> {
        self.restart.at = None;
        let outcome = self.restart().await;
        let restart = &mut self.restart;
        match outcome {
            Ok(Restarted::Done(_)) => {
                restart.done += 1;
                (restart.failed, restart.silent, restart.tries) = (false, None, 0);
                return None;
            }
            Ok(Restarted::Gone) => return Some(Gone::Server),
            Ok(Restarted::Refused(_)) => restart.refused = true,
            Err(_) => restart.tries += 1,
        }
        let expired = restart.silent.is_some_and(|it| it.elapsed() > CONSENT_TIME);
        let given_up = restart.failed || (restart.pending && expired);
        if given_up && (restart.refused || restart.tries >= RESTARTS) {
            return Some(Gone::Lost);
        }
        if !restart.refused {
            let pause = RESTART_PAUSE * restart.tries.min(10);
            restart.at = Some(Instant::now() + pause);
        }
        None
    }

    async fn restart(&mut self) -> Result<Restarted, Failure> {
        let answer = self.pc.remote_description().ok_or("there was no answer")?;
        // One that failed has left its offer behind, which is as good.
        if self.pc.pending_local_description().is_none() {
            self.pc.restart_ice();
            self.pc.set_local_description(None).await?;
        }
        self.restart.pending = true;
        let offer = self.pc.local_description().ok_or("there is no offer")?;
        self.offer = offer.sdp;
        self.found.clear();
        (self.complete, self.tries) = (false, 0);
        let own = Fragment::of(&self.offer);
        let restarted = self.session.restart(own.write(&self.offer)).await?;
        match &restarted {
            Restarted::Done(theirs) => {
                let answer = theirs.replace_in(&answer, SdpType::Answer);
                self.pc.set_remote_description(answer).await?;
            }
            Restarted::Refused(_) | Restarted::Gone => self.take_offer_back().await?,
        }
        self.restart.pending = false;
        Ok(restarted)
    }

    /// The set of ICE before is the one that counts.
    async fn take_offer_back(&mut self) -> Result<(), Failure> {
        let back = SessionDescription::rollback();
        self.pc.set_local_description(Some(back)).await?;
        let offer = self.pc.local_description().ok_or("there is no offer")?;
        self.offer = offer.sdp;
        Ok(())
    }
}

/// Until then; never, if there is no such time.
pub(super) async fn time(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
