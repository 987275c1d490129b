//! The sessions of a server: made by an offer, changed by fragments, ended by their client, by the network or by
//! time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use duologue::{
    Configuration, Endpoint, Event, Events, IceServer, PeerConnection, SdpType, SessionDescription,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::cluster::{self, Cluster};
use super::refusal::Refusal;
use super::session::{Patched, Session, gone, random};
use super::stage::{self, Origin, Source, Stage, View};
use super::watching::{Ending, Watching};
use super::{Happening, Tell};
use crate::whip::limits::{GATHER_TIMEOUT, Limits, PULL_PATIENCE, RECORDS_TIMEOUT};
use crate::whip::link;
use crate::whip::offer::{self, Client, Way};
use crate::whip::recorder::{Recorder, Target};

/// All open sessions, and what they have to do with one another.
pub(super) struct Sessions {
    pub(super) endpoint: Endpoint,
    pub(super) configuration: Configuration,
    /// What clients are told to use.
    pub(super) ice_servers: Vec<IceServer>,
    pub(super) source: Source,
    pub(super) limits: Limits,
    pub(super) places: Places,
    pub(super) tell: Tell,
    pub(super) stage: Arc<Stage>,
    /// Other relays.
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) open: Mutex<HashMap<String, Arc<Session>>>,
    pub(super) recorded: AtomicU64,
}

/// Room for sessions.
pub(super) struct Places {
    publishers: Arc<Semaphore>,
    viewers: Arc<Semaphore>,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        Places {
            publishers: Arc::new(Semaphore::new(limits.publishers)),
            viewers: Arc::new(Semaphore::new(limits.viewers)),
        }
    }

    fn take(&self, way: Way) -> Result<OwnedSemaphorePermit, Refusal> {
        let (places, full) = match way {
            Way::Publish => (&self.publishers, "there is no room for another publisher"),
            Way::Play => (&self.viewers, "there is no room for another viewer"),
        };
        let taken = places.clone().try_acquire_owned();
        taken.map_err(|_| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, full).later(5))
    }

    /// Until all are free; none is from then on.
    async fn take_all(&self, limits: &Limits) {
        for (places, count) in [
            (&self.publishers, limits.publishers),
            (&self.viewers, limits.viewers),
        ] {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            if let Ok(all) = places.acquire_many(count).await {
                all.forget();
            }
        }
    }
}

/// A new session, for its client.
pub(super) struct Created {
    pub(super) id: String,
    pub(super) etag: String,
    pub(super) answer: String,
    pub(super) links: Vec<String>,
}

/// A connection that has answered.
struct Negotiated {
    pc: PeerConnection,
    events: Events,
    /// Of a viewer.
    view: Option<View>,
    answer: String,
}

impl Sessions {
    pub(super) fn takes_publishers(&self) -> bool {
        matches!(self.source, Source::Publishers { .. })
    }

    /// Answers an offer.
    pub(super) async fn create(
        self: &Arc<Self>,
        way: Way,
        stream: &str,
        offer: String,
        client: Client,
    ) -> Result<Created, Refusal> {
        let place = self.places.take(way)?;
        match way {
            Way::Publish => self.may_publish(stream).await?,
            Way::Play => self.look_for(stream, client).await?,
        }
        let Negotiated {
            pc,
            events,
            view,
            answer,
        } = self.negotiate(way, stream, offer, client).await?;
        let (id, etag) = (random()?, format!("\"{}\"", random()?));
        let mut recording = None;
        if way == Way::Publish {
            self.stage.publish(stream, &pc, Origin::Here)?;
            if let Some(cluster) = &self.cluster {
                cluster.announce();
            }
            recording = self.record(stream, &pc);
        }

        let (gathered, watched) = watch::channel(0);
        let session = Session::new(pc.clone(), etag.clone(), watched);
        self.lock().insert(id.clone(), Arc::new(session));
        let watching = Watching {
            connect: self.limits.connect,
            pc,
            gathered,
            view,
            recording,
            _place: place,
        };
        let attending = self
            .clone()
            .attend(watching, events, id.clone(), way, stream.to_owned());
        tokio::spawn(attending);
        let mut links = link::write(&self.ice_servers);
        if let Some(cluster) = &self.cluster {
            let urls = cluster.alternates(way.protocol(), stream);
            links.extend(link::write_alternates(urls.iter().map(String::as_str)));
        }
        Ok(Created {
            id,
            etag,
            answer: offer::with_mux_only(&answer),
            links,
        })
    }

    /// # Errors
    /// Somebody else publishes the stream, here or at another relay.
    async fn may_publish(&self, stream: &str) -> Result<(), Refusal> {
        if self.stage.is_published(stream) {
            return Err(stage::taken());
        }
        match &self.cluster {
            Some(cluster) if cluster.is_elsewhere(stream).await => Err(stage::taken()),
            _ => Ok(()),
        }
    }

    /// Has what another relay has of it on the stage, if it is not published here.
    ///
    /// # Errors
    /// Another relay asks: it is to ask where the publisher is.
    async fn look_for(&self, stream: &str, client: Client) -> Result<(), Refusal> {
        match (self.stage.origin(stream), client) {
            (Some(Origin::Here), _) | (Some(Origin::Relay), Client::Viewer) => {}
            (_, Client::Relay) => return Err(stage::nobody()),
            (_, Client::Viewer) => {
                if let (Source::Publishers { .. }, Some(cluster)) = (&self.source, &self.cluster) {
                    cluster::ensure(cluster, &self.stage, stream).await;
                }
            }
        }
        Ok(())
    }

    /// Whatever ends this early ends the connection: it is the last handle.
    async fn negotiate(
        &self,
        way: Way,
        stream: &str,
        offer: String,
        client: Client,
    ) -> Result<Negotiated, Refusal> {
        let unprocessable = |reason| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, reason);
        let connection = self.endpoint.connection(self.configuration.clone());
        let (pc, mut events) = connection.map_err(|error| internal(&error))?;
        let sections = offer::sections(&offer);
        let (sdp_type, sdp) = (SdpType::Offer, offer);
        let set = pc
            .set_remote_description(SessionDescription { sdp_type, sdp })
            .await;
        set.map_err(|error| Refusal::of_description(&error))?;
        let pictures = match way {
            Way::Publish => 1,
            Way::Play => client.pictures(),
        };
        offer::check(&sections, way, pictures).map_err(unprocessable)?;

        let view = match way {
            Way::Publish => None,
            Way::Play => Some(self.view(stream, &pc, client)?),
        };
        let answer = gathered_answer(&pc, &mut events).await?;
        // RFC 9725 §4.4.3: all or nothing.
        if offer::sections(&answer)
            .iter()
            .any(|section| section.refused)
        {
            return Err(unprocessable(
                "no codec of the offer is known here, or none that the stream has",
            ));
        }
        Ok(Negotiated {
            pc,
            events,
            view,
            answer,
        })
    }

    /// One session from its answer to its end.
    async fn attend(
        self: Arc<Self>,
        mut watching: Watching,
        events: Events,
        id: String,
        way: Way,
        stream: String,
    ) {
        let role = match way {
            Way::Publish => "publisher",
            Way::Play => "viewer",
        };
        let came = stream.clone();
        (self.tell)(Happening::Began { stream: came, role });
        let ending = watching.watch(events).await;
        let reason = ending.to_string();
        if way == Way::Publish {
            self.end_stream(&stream, &watching.pc, &ending);
        }
        // Its client may have ended it.
        let _ = self.delete(&id);
        watching.close().await;
        (self.tell)(Happening::Ended {
            stream,
            role,
            reason,
        });
    }

    /// A publisher is gone. One that was lost may be back soon where there are other relays: viewers wait for it.
    fn end_stream(self: &Arc<Self>, stream: &str, pc: &PeerConnection, ending: &Ending) {
        let Some(cluster) = &self.cluster else {
            self.stage.unpublish(stream, pc);
            return;
        };
        match ending {
            Ending::Lost(_) => {
                self.stage.lose(stream, pc);
                let (stage, stream, pc) = (self.stage.clone(), stream.to_owned(), pc.clone());
                let cluster = cluster.clone();
                tokio::spawn(async move {
                    // It may come by another relay.
                    cluster::ensure(&cluster, &stage, &stream).await;
                    sleep(PULL_PATIENCE).await;
                    stage.unpublish(&stream, &pc);
                });
            }
            _ => self.stage.unpublish(stream, pc),
        }
        cluster.announce();
    }

    fn view(&self, stream: &str, pc: &PeerConnection, client: Client) -> Result<View, Refusal> {
        match &self.source {
            Source::Publishers { .. } => self.stage.forward(stream, pc, client),
            Source::File(path) => stage::play(path, pc),
        }
    }

    /// Writes what a publisher sends into a file of its own.
    fn record(&self, stream: &str, pc: &PeerConnection) -> Option<JoinHandle<()>> {
        let Source::Publishers {
            record: Some(folder),
        } = &self.source
        else {
            return None;
        };
        let receivers: Vec<_> = pc.transceivers().iter().map(|it| it.receiver()).collect();
        let mut recorder = Recorder::new(&receivers);
        let tell = self.tell.clone();
        let folder = folder.clone();
        let target = Target::Folder {
            folder: folder.clone(),
            stream: stream.to_owned(),
            number: self.recorded.fetch_add(1, Ordering::Relaxed),
        };
        Some(tokio::spawn(async move {
            let outcome = recorder.run(target).await;
            // A publisher of whom nothing came has no file.
            let path = match (recorder.path(), &outcome) {
                (Some(path), _) => path.to_owned(),
                (None, Err(_)) => folder,
                (None, Ok(())) => return,
            };
            tell(Happening::Recorded {
                path,
                tracks: recorder.tally().tracks(),
                error: outcome.err().map(|error| error.to_string()),
            });
        }))
    }

    /// What a fragment asks for: more candidates, or another set of ICE.
    pub(super) async fn patch(
        &self,
        id: &str,
        if_match: Option<&str>,
        text: &str,
    ) -> Result<Patched, Refusal> {
        let session = self.find(id)?;
        session.patch(if_match, text).await
    }

    /// Ends a session.
    pub(super) fn delete(&self, id: &str) -> Result<(), Refusal> {
        let session = self.lock().remove(id).ok_or_else(gone)?;
        session.pc.close();
        Ok(())
    }

    pub(super) fn find(&self, id: &str) -> Result<Arc<Session>, Refusal> {
        self.lock().get(id).cloned().ok_or_else(gone)
    }

    /// Ends all, and lets them complete what they record. There is no room for others from then on.
    pub(super) async fn end_all(&self) {
        let sessions = std::mem::take(&mut *self.lock());
        sessions
            .into_values()
            .for_each(|session| session.pc.close());
        let _ = timeout(RECORDS_TIMEOUT, self.places.take_all(&self.limits)).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        // Nothing that can panic runs under this lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer with all candidates of this end: later ones could not be told (RFC 9725 §4.3.2).
async fn gathered_answer(pc: &PeerConnection, events: &mut Events) -> Result<String, Refusal> {
    let set = pc.set_local_description(None).await;
    set.map_err(|error| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
    let gathering = async {
        while let Some(event) = events.recv().await {
            if matches!(event, Event::IceCandidate(None)) {
                return;
            }
        }
    };
    let _ = timeout(GATHER_TIMEOUT, gathering).await;
    let answer = pc.local_description().ok_or_else(gone)?;
    Ok(answer.sdp)
}

fn internal(error: &duologue::Exception) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
