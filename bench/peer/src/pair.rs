//! Two connected peers.

use duologue::codec::CodecSet;
use duologue::{
    BitrateBounds, Configuration, DataChannel, Endpoint, EndpointBuilder, Event, Events,
    PeerConnection, SessionDescription,
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
        Pairs::on(on_loopback(), args)
    }

    /// Pairs whose estimate of the path stays within these bounds.
    pub(crate) fn within(bounds: BitrateBounds, args: &Args) -> Outcome<Self> {
        Pairs::on(on_loopback().bitrate_bounds(bounds), args)
    }

    /// Pairs with these codecs of pictures and no others.
    pub(crate) fn with_codecs(codecs: CodecSet, args: &Args) -> Outcome<Self> {
        let builder = on_loopback().codecs(codecs).only_these_codecs(true);
        Pairs::on(builder, args)
    }

    fn on(builder: EndpointBuilder, args: &Args) -> Outcome<Self> {
        let endpoint = builder
            .post_quantum(args.get("pq", 0) != 0)
            .sped(args.get("sped", 0) != 0)
            .sctp_snap(args.get("snap", 0) != 0)
            .build()?;
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

    /// Two peers with a data channel that is open at both ends.
    pub(crate) async fn connect(&self) -> Outcome<Pair> {
        let (mut alice, mut bob) = self.peers()?;
        let a = alice
            .connection
            .create_data_channel("data", Default::default())?;
        self.negotiate(&mut alice, &mut bob).await?;
        let b = loop {
            if let Event::DataChannel(channel) = bob.next().await? {
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
            _peers: (alice.connection, bob.connection),
        })
    }

    /// Two peers that know nothing of each other: one of the endpoint, one of the server's.
    pub(crate) fn peers(&self) -> Outcome<(Peer, Peer)> {
        Ok((Peer::new(&self.endpoint)?, Peer::new(&self.server)?))
    }

    /// Negotiates what the first offers by descriptions that carry all candidates, as the other
    /// peers of the comparison do.
    pub(crate) async fn negotiate(&self, alice: &mut Peer, bob: &mut Peer) -> Outcome<()> {
        let (to_alice, to_bob) = self.relay.unzip();
        alice.connection.set_local_description(None).await?;
        let offer = via(alice.gathered().await?, to_bob);
        bob.connection.set_remote_description(offer).await?;
        bob.connection.set_local_description(None).await?;
        let answer = via(bob.gathered().await?, to_alice);
        alice.connection.set_remote_description(answer).await?;
        Ok(())
    }
}

/// A connection and its events.
pub(crate) struct Peer {
    pub(crate) connection: PeerConnection,
    events: Events,
}

impl Peer {
    fn new(endpoint: &Endpoint) -> Outcome<Self> {
        let (connection, events) = endpoint.connection(Configuration::default())?;
        Ok(Peer { connection, events })
    }

    async fn next(&mut self) -> Outcome<Event> {
        let event = self.events.recv().await;
        event.ok_or_else(|| "the connection closed".into())
    }

    /// Its local description, with all candidates.
    async fn gathered(&mut self) -> Outcome<SessionDescription> {
        while !matches!(self.next().await?, Event::IceCandidate(None)) {}
        let description = self.connection.local_description();
        description.ok_or_else(|| "no description".into())
    }
}

fn on_loopback() -> EndpointBuilder {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    builder.only_interfaces(["lo"])
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
