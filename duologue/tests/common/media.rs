//! Calls over loopback.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::time::Duration;

use duologue::{Endpoint, MediaKind, RtpTransceiver, TransceiverDirection};
use tokio::time::timeout;

use super::{Peer, describe, endpoint};

/// Two peers that send audio and video to each other, and their transceivers.
pub(crate) struct Call {
    pub(crate) alice: Peer,
    pub(crate) bob: Peer,
    pub(crate) of_alice: [RtpTransceiver; 2],
    pub(crate) of_bob: [RtpTransceiver; 2],
}

pub(crate) async fn call() -> Call {
    call_on(&endpoint()).await
}

pub(crate) async fn call_on(endpoint: &Endpoint) -> Call {
    let [mut alice, mut bob] = [Peer::new(endpoint), Peer::new(endpoint)];
    let of_alice = [MediaKind::Audio, MediaKind::Video].map(|kind| {
        let made = alice.connection.add_transceiver(kind, Default::default());
        made.expect("the connection is open")
    });
    describe(&mut alice, &mut bob).await;
    let made = bob.connection.transceivers();
    for transceiver in &made {
        transceiver
            .set_direction(TransceiverDirection::Sendrecv)
            .unwrap();
    }
    describe(&mut bob, &mut alice).await;
    Call {
        alice,
        bob,
        of_alice,
        of_bob: made.try_into().expect("audio and video"),
    }
}

/// Another exchange of a connection that has its candidates.
pub(crate) async fn negotiate_again(call: &Call) {
    let (a, b) = (&call.alice.connection, &call.bob.connection);
    a.set_local_description(None).await.unwrap();
    let offer = a.local_description().unwrap();
    b.set_remote_description(offer).await.unwrap();
    b.set_local_description(None).await.unwrap();
    let answer = b.local_description().unwrap();
    a.set_remote_description(answer).await.unwrap();
}

/// What has to happen soon: nothing here waits for a time. A machine that builds meanwhile leaves a dozen of encoders
/// little of itself.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    timeout(patience, what).await.expect("it happens")
}
