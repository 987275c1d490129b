//! Two connected peers.

use duologue::{
    Configuration, DataChannel, Endpoint, EndpointBuilder, Event, Events, PeerConnection,
    SessionDescription,
};

use crate::Outcome;
use crate::args::Args;

/// Two peers with an open data channel between them.
pub(crate) struct Pair {
    pub(crate) a: DataChannel,
    pub(crate) b: DataChannel,
    _peers: (PeerConnection, PeerConnection),
}

/// Makes pairs as the command line asks for.
#[derive(Clone)]
pub(crate) struct Pairs {
    endpoint: Endpoint,
    /// The answerers' endpoint; the same one, if they need no other.
    server: Endpoint,
    relay: Option<(u16, u16)>,
    buffer: u64,
}

impl Pairs {
    pub(crate) fn new(args: &Args) -> Outcome<Self> {
        let endpoint = on_loopback().build()?;
        Ok(Pairs {
            server: endpoint.clone(),
            endpoint,
            relay: args.relay(),
            buffer: args.get("buffer", 1 << 20),
        })
    }

    /// Pairs whose answerers share one port; with `--own 1`, each has its own after all.
    pub(crate) fn with_server(args: &Args) -> Outcome<Self> {
        let mut server = on_loopback();
        if args.get("own", 0) == 0 {
            server = server.shared_port(0);
        }
        Ok(Pairs {
            server: server.build()?,
            ..Pairs::new(args)?
        })
    }

    /// Negotiates by descriptions that carry all candidates, as the other peers of the comparison
    /// do, and waits until the channel is open at both ends.
    pub(crate) async fn connect(&self) -> Outcome<Pair> {
        let (alice, mut alice_events) = self.endpoint.connection(Configuration::default())?;
        let (bob, mut bob_events) = self.server.connection(Configuration::default())?;
        let a = alice.create_data_channel("data", Default::default())?;
        alice.set_local_description(None).await?;
        let offer = gathered(&alice, &mut alice_events).await?;
        bob.set_remote_description(via(offer, self.relay.map(|(_, b)| b)))
            .await?;
        bob.set_local_description(None).await?;
        let answer = gathered(&bob, &mut bob_events).await?;
        alice
            .set_remote_description(via(answer, self.relay.map(|(a, _)| a)))
            .await?;
        let b = loop {
            if let Event::DataChannel(channel) = next(&mut bob_events).await? {
                break channel;
            }
        };
        a.opened().await?;
        b.opened().await?;
        a.set_send_high_water_mark(self.buffer);
        b.set_send_high_water_mark(self.buffer);
        Ok(Pair {
            a,
            b,
            _peers: (alice, bob),
        })
    }
}

fn on_loopback() -> EndpointBuilder {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    builder.only_interfaces(["lo"])
}

async fn next(events: &mut Events) -> Outcome<Event> {
    events
        .recv()
        .await
        .ok_or_else(|| "the connection closed".into())
}

async fn gathered(peer: &PeerConnection, events: &mut Events) -> Outcome<SessionDescription> {
    while !matches!(next(events).await?, Event::IceCandidate(None)) {}
    peer.local_description()
        .ok_or_else(|| "no description".into())
}

/// The description with the network emulator's port in place of its candidates'.
fn via(mut description: SessionDescription, port: Option<u16>) -> SessionDescription {
    let Some(port) = port.map(|port| port.to_string()) else {
        return description;
    };
    let line = |line: &str| {
        let mut words: Vec<&str> = line.split(' ').collect();
        if line.starts_with("a=candidate:") && words.len() > 5 {
            words[5] = &port;
        }
        words.join(" ")
    };
    let lines: Vec<String> = description.sdp.split("\r\n").map(line).collect();
    description.sdp = lines.join("\r\n");
    description
}
