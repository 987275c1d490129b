//! Two peers over loopback.
#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod media;

use duologue::{
    Configuration, DataChannel, DataChannelInit, Endpoint, Event, Events, PeerConnection,
};

#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) connection: PeerConnection,
    pub(crate) events: Events,
}

impl Peer {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let made = endpoint.connection(Configuration::default());
        let (connection, events) = made.expect("the default configuration is valid");
        Peer { connection, events }
    }

    /// Reads events until `wanted` finds what it looks for.
    pub(crate) async fn wait<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let event = self.events.recv().await.expect("the connection is open");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    pub(crate) async fn incoming_channel(&mut self) -> DataChannel {
        self.wait(|event| match event {
            Event::DataChannel(channel) => Some(channel),
            _ => None,
        })
        .await
    }

    pub(crate) async fn gathered(&mut self) {
        self.wait(|event| matches!(event, Event::IceCandidate(None)).then_some(()))
            .await;
    }
}

pub(crate) fn endpoint() -> Endpoint {
    let builder = Endpoint::builder().loopback(true).ipv6(false);
    builder.build().expect("loopback is there")
}

/// Offer and answer, with all candidates in the descriptions.
pub(crate) async fn negotiate(offerer: &mut Peer, answerer: &mut Peer) {
    describe(offerer, answerer).await;
    describe(answerer, offerer).await;
}

/// The half of it: an offer, or the answer to one.
pub(crate) async fn describe(from: &mut Peer, to: &mut Peer) {
    let made = from.connection.set_local_description(None).await;
    made.expect("a description");
    from.gathered().await;
    let description = from.connection.local_description();
    let description = description.expect("it was made");
    let taken = to.connection.set_remote_description(description).await;
    taken.expect("it is good");
}

/// The same without waiting for candidates: when none come any more, or none are needed.
pub(crate) async fn describe_at_once(from: &Peer, to: &Peer) {
    let made = from.connection.set_local_description(None).await;
    made.expect("a description");
    let description = from.connection.local_description();
    let description = description.expect("it was made");
    let taken = to.connection.set_remote_description(description).await;
    taken.expect("it is good");
}

/// Two connected peers and both ends of an open channel.
pub(crate) async fn connected(
    endpoint: &Endpoint,
    init: DataChannelInit,
) -> (Peer, Peer, DataChannel, DataChannel) {
    connected_on([endpoint; 2], init).await
}

/// The same, each peer on its endpoint.
pub(crate) async fn connected_on(
    endpoints: [&Endpoint; 2],
    init: DataChannelInit,
) -> (Peer, Peer, DataChannel, DataChannel) {
    let [mut alice, mut bob] = endpoints.map(Peer::new);
    let created = alice.connection.create_data_channel("test", init);
    let channel = created.expect("the options are valid");
    negotiate(&mut alice, &mut bob).await;
    let incoming = bob.incoming_channel().await;
    channel.opened().await.expect("it opens");
    (alice, bob, channel, incoming)
}
