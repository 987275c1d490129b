//! Calling whoever is in the same room: descriptions and candidates by way of `duologue rooms`.

use std::str::FromStr;

use duologue::{IceCandidateInit, PeerConnection, SessionDescription};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::story::Story;
use super::web::{Server, ServerEvents, Url};
use crate::Failure;
use crate::rooms::{NAME_BYTES, is_name};
use crate::tls::CertHash;

/// The name of a room.
#[derive(Clone, Debug)]
pub(super) struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match is_name(text) {
            true => Ok(Name(text.to_owned())),
            false => Err(format!("it has up to {NAME_BYTES} letters, digits, - _ .")),
        }
    }
}

/// A seat in a room.
pub(super) struct Seat {
    server: Server,
    path: String,
    /// The other seat was empty: who comes later calls.
    pub(super) first: bool,
    heard: Option<ServerEvents>,
    tasks: JoinSet<()>,
}

#[derive(Deserialize)]
struct Entered {
    seat: String,
    first: bool,
}

/// What the two say to each other, and the server to both.
#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Word {
    Description { description: SessionDescription },
    Candidate { candidate: IceCandidateInit },
    Left,
}

impl Seat {
    pub(super) async fn take(
        url: Url,
        certificate: Option<CertHash>,
        Name(name): &Name,
        story: &Story,
    ) -> Result<Self, Failure> {
        let server = Server::new(url, certificate, "signalling server (duologue rooms)")?;
        let entered = server
            .post(&format!("api/rooms/{name}"), "{}".into())
            .await?;
        let entered: Entered = serde_json::from_slice(&entered).map_err(|_| server.stranger())?;
        let path = format!("api/seats/{}", entered.seat);
        let heard = server.events(&path).await?;
        if entered.first {
            story.tell(
                "room",
                &format!("waits for somebody in the room {name}"),
                || serde_json::json!({ "event": "waiting", "room": name }),
            );
        }
        Ok(Seat {
            server,
            path,
            first: entered.first,
            heard: Some(heard),
            tasks: JoinSet::new(),
        })
    }

    /// Offers, or answers if it was the first; then both ends' candidates trickle.
    pub(super) async fn negotiate(
        &mut self,
        pc: &PeerConnection,
        story: &Story,
        mut candidates: mpsc::Receiver<IceCandidateInit>,
    ) -> Result<(), Failure> {
        let mut heard = self.heard.take().ok_or("it was negotiated already")?;
        if self.first {
            let offer = described(&mut heard, story, true).await?;
            pc.set_remote_description(offer).await?;
        }
        pc.set_local_description(None).await?;
        let description = pc.local_description().ok_or("there is no description")?;
        say(&self.server, &self.path, &Word::Description { description }).await?;
        if !self.first {
            let answer = described(&mut heard, story, false).await?;
            pc.set_remote_description(answer).await?;
        }
        story.note("offer and answer went through the room; candidates trickle");

        let (server, path) = (self.server.clone(), self.path.clone());
        self.tasks.spawn(async move {
            while let Some(candidate) = candidates.recv().await {
                // A late one has nowhere to go when the other one has found a pair and left.
                let _ = say(&server, &path, &Word::Candidate { candidate }).await;
            }
        });
        let (pc, story) = (pc.clone(), story.clone());
        self.tasks.spawn(async move {
            while let Some(word) = heard.next().await {
                if let Word::Candidate { candidate } = word {
                    story.remote_candidate(&candidate.candidate);
                    // One that does not fit is the other end's mistake and costs only itself.
                    let _ = pc.add_ice_candidate(candidate).await;
                }
            }
        });
        Ok(())
    }

    /// Once the two are connected: the next call finds the room empty.
    pub(super) async fn leave(mut self) {
        self.tasks.shutdown().await;
        self.server.delete(&self.path).await;
    }
}

/// The other end's description. Who waits for the first one does not mind who looks in and goes.
async fn described(
    heard: &mut ServerEvents,
    story: &Story,
    waits: bool,
) -> Result<SessionDescription, Failure> {
    loop {
        match heard.next().await {
            Some(Word::Description { description }) => {
                story.remote(&description);
                return Ok(description);
            }
            Some(Word::Left) if !waits => return Err("the other side left the room".into()),
            Some(Word::Candidate { .. } | Word::Left) => {}
            None => return Err("the signalling server is gone".into()),
        }
    }
}

async fn say(server: &Server, path: &str, word: &Word) -> Result<(), Failure> {
    server.post(path, serde_json::to_string(word)?).await?;
    Ok(())
}
