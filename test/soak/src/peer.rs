//! One end of a connection.

use duologue::{Configuration, Endpoint, Event, Events, PeerConnection, SessionDescription};

use crate::Outcome;

/// A connection and its events.
pub(crate) struct Peer {
    pub(crate) connection: PeerConnection,
    pub(crate) events: Events,
    /// Why it has fewer candidates than it might.
    pub(crate) refused: Option<String>,
}

impl Peer {
    pub(crate) fn new(endpoint: &Endpoint) -> Outcome<Self> {
        let made = endpoint.connection(Configuration::default());
        let (connection, events) = made.map_err(text)?;
        Ok(Peer {
            connection,
            events,
            refused: None,
        })
    }

    pub(crate) async fn next(&mut self) -> Outcome<Event> {
        let event = self.events.recv().await;
        event.ok_or_else(|| "a connection closed".to_owned())
    }

    /// Makes a description that has all candidates.
    pub(crate) async fn describe(&mut self) -> Outcome<SessionDescription> {
        self.connection
            .set_local_description(None)
            .await
            .map_err(text)?;
        loop {
            match self.next().await? {
                Event::IceCandidate(None) => break,
                Event::IceCandidateError(error) => self.refused = Some(error.error_text),
                _ => {}
            }
        }
        self.described()
    }

    fn described(&self) -> Outcome<SessionDescription> {
        let description = self.connection.local_description();
        description.ok_or_else(|| "no description".to_owned())
    }

    pub(crate) async fn hear(&self, description: SessionDescription) -> Outcome {
        let heard = self.connection.set_remote_description(description);
        heard.await.map_err(text)
    }
}

/// An endpoint of connections on loopback.
pub(crate) fn endpoint(shared: bool) -> Outcome<Endpoint> {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    let builder = builder.only_interfaces(["lo"]);
    let builder = match shared {
        true => builder.shared_port(0),
        false => builder,
    };
    builder.build().map_err(text)
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
