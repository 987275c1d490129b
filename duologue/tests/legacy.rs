//! The obsolete names, with the feature `legacy`.
#![cfg(feature = "legacy")]
#![allow(deprecated, reason = "all of this is obsolete")]
#![allow(
    clippy::duplicate_mod,
    reason = "what the examples share belongs to each of them"
)]

mod common;
#[path = "../examples/legacy.rs"]
mod example;

use std::sync::Arc;

use common::{Peer, describe_at_once, endpoint};
use duologue::legacy::{CallbackError, IdentityError, LocalMediaStream, Stream};
use duologue::{
    Configuration, Endpoint, Event, Events, ExceptionName, IceCandidateInit,
    IdentityAssertionResult, IdentityProvider, IdentityProviderDetails, IdentityProviderError,
    IdentityProviderOptions, IdentityValidationResult, MediaKind, PeerConnection, ProviderFuture,
    SdpType, SessionDescription, Track,
};
use tokio::sync::oneshot;

fn track(id: &str, kind: MediaKind) -> Track {
    Track {
        id: id.into(),
        kind,
    }
}

fn stream(id: &str) -> LocalMediaStream {
    LocalMediaStream {
        id: id.into(),
        tracks: vec![
            track(&format!("{id} sound"), MediaKind::Audio),
            track(&format!("{id} picture"), MediaKind::Video),
        ],
    }
}

/// Offer and answer, and what the answerer is told of streams.
async fn exchange(offerer: &Peer, answerer: &mut Peer) -> Vec<&'static str> {
    describe_at_once(offerer, answerer).await;
    let told = story(&mut answerer.events);
    describe_at_once(answerer, offerer).await;
    told
}

/// What is told of streams, up to now.
fn story(events: &mut Events) -> Vec<&'static str> {
    let events = std::iter::from_fn(|| events.try_recv());
    let name = |event| match event {
        Event::AddStream(stream) => {
            assert_eq!(stream.id().as_str(), "camera");
            Some("addstream")
        }
        Event::RemoveStream(_) => Some("removestream"),
        Event::Track { .. } => Some("track"),
        _ => None,
    };
    events.filter_map(name).collect()
}

#[tokio::test]
async fn a_stream_that_is_added_is_sent_and_told_of_once_and_told_of_when_it_is_removed() {
    let endpoint = endpoint();
    let (alice, mut bob) = (Peer::new(&endpoint), Peer::new(&endpoint));
    let camera = stream("camera");
    for _ in 0..2 {
        alice.connection.add_stream(&camera).unwrap();
    }
    let sent: Vec<_> = alice.connection.senders();
    assert_eq!(sent.len(), 2);
    assert_eq!(
        alice.connection.local_streams(),
        std::slice::from_ref(&camera)
    );
    let found = alice.connection.get_stream_by_id("camera");
    assert!(matches!(found, Some(Stream::Local(it)) if it == camera));
    let told = exchange(&alice, &mut bob).await;
    assert_eq!(told, ["addstream", "track", "track"]);
    let received = bob.connection.remote_streams();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].tracks().len(), 2);
    let found = bob.connection.get_stream_by_id("camera");
    assert!(matches!(found, Some(Stream::Remote(it)) if it == received[0]));
    assert!(bob.connection.local_streams().is_empty());

    alice.connection.remove_stream(&camera.id).unwrap();
    assert!(alice.connection.local_streams().is_empty());
    assert!(alice.connection.get_stream_by_id("camera").is_none());
    assert_eq!(exchange(&alice, &mut bob).await, ["removestream"]);
    assert!(bob.connection.remote_streams().is_empty());

    // It comes again.
    alice.connection.add_stream(&camera).unwrap();
    let told = exchange(&alice, &mut bob).await;
    assert_eq!(told, ["addstream", "track", "track"]);
}

#[tokio::test]
async fn of_another_stream_only_its_own_tracks_go() {
    let alice = Peer::new(&endpoint()).connection;
    alice.add_stream(&stream("one")).unwrap();
    alice.add_stream(&stream("two")).unwrap();
    alice.remove_stream(&"two".into()).unwrap();
    alice.remove_stream(&"three".into()).unwrap();
    assert_eq!(alice.local_streams(), [stream("one")]);
}

#[tokio::test]
async fn a_dtmf_sender_is_that_of_the_sender_of_a_track() {
    let alice = Peer::new(&endpoint()).connection;
    let camera = stream("camera");
    alice.add_stream(&camera).unwrap();
    let [sound, picture] = [&camera.tracks[0].id, &camera.tracks[1].id];
    let dtmf = alice.create_dtmf_sender(sound).unwrap();
    assert_eq!(Some(dtmf), alice.senders()[0].dtmf());
    for wrong in [picture, &"of nobody".into()] {
        let error = alice.create_dtmf_sender(wrong).unwrap_err();
        assert_eq!(error.name(), ExceptionName::InvalidAccessError);
    }
}

#[tokio::test]
async fn a_closed_connection_refuses_what_would_change_it() {
    let alice = Peer::new(&endpoint()).connection;
    alice.close();
    let camera = stream("camera");
    for refused in [
        alice.add_stream(&camera),
        alice.remove_stream(&camera.id),
        alice.create_dtmf_sender(&camera.tracks[0].id).map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.name(), ExceptionName::InvalidStateError);
    }
    assert!(alice.local_streams().is_empty() && alice.remote_streams().is_empty());
}

/// What one of two callbacks is called with.
async fn called<T: Send + 'static>(
    call: impl FnOnce(Box<dyn FnOnce(T) + Send>, Box<dyn FnOnce(CallbackError) + Send>),
) -> Result<T, CallbackError> {
    let (sender, receiver) = oneshot::channel();
    let sender = Arc::new(std::sync::Mutex::new(Some(sender)));
    let settle = move |settled| {
        let sender = sender
            .lock()
            .expect("nothing panics under it")
            .take()
            .expect("one is called once");
        drop(sender.send(settled));
    };
    let failure = settle.clone();
    call(
        Box::new(move |value| settle(Ok(value))),
        Box::new(move |error| failure(Err(error))),
    );
    receiver.await.expect("one is called")
}

#[tokio::test]
async fn callbacks_learn_of_what_they_asked_for() {
    let endpoint = endpoint();
    let (alice, bob) = (
        Peer::new(&endpoint).connection,
        Peer::new(&endpoint).connection,
    );
    alice.add_stream(&stream("camera")).unwrap();
    let offer = called(|ok, no| alice.create_offer_with_callbacks(ok, no, Default::default()));
    let offer: SessionDescription = offer.await.unwrap();
    assert_eq!(offer.sdp_type, SdpType::Offer);

    let set = called(|ok: Box<dyn FnOnce(()) + Send>, no| {
        alice.set_local_description_with_callbacks(offer.clone(), || ok(()), no);
    });
    set.await.unwrap();
    let set = called(|ok: Box<dyn FnOnce(()) + Send>, no| {
        bob.set_remote_description_with_callbacks(offer.clone(), || ok(()), no);
    });
    set.await.unwrap();
    let answer = called(|ok, no| bob.create_answer_with_callbacks(ok, no));
    assert_eq!(answer.await.unwrap().sdp_type, SdpType::Answer);
    let added = called(|ok: Box<dyn FnOnce(()) + Send>, no| {
        bob.add_ice_candidate_with_callbacks(IceCandidateInit::default(), || ok(()), no);
    });
    added.await.unwrap();
    let report = called(|ok, no| bob.get_stats_with_callbacks(ok, no));
    assert!(report.await.unwrap().iter().next().is_some());
}

#[tokio::test]
async fn callbacks_learn_of_failures_by_their_old_names() {
    let endpoint = endpoint();
    let bob = Peer::new(&endpoint).connection;
    let failure = async |sdp_type, sdp: &str| {
        let description = SessionDescription {
            sdp_type,
            sdp: sdp.to_owned(),
        };
        let (far, near) = (description.clone(), description);
        let set = called(|ok: Box<dyn FnOnce(()) + Send>, no| {
            bob.set_remote_description_with_callbacks(far, || ok(()), no);
        });
        let remote = set.await.unwrap_err().name;
        let set = called(|ok: Box<dyn FnOnce(()) + Send>, no| {
            bob.set_local_description_with_callbacks(near, || ok(()), no);
        });
        (remote, set.await.unwrap_err().name)
    };
    let (remote, local) = failure(SdpType::Offer, "nonsense").await;
    assert_eq!(remote, "InvalidSessionDescriptionError");
    assert_eq!(local, "InvalidModificationError");
    let (remote, local) = failure(SdpType::Answer, "v=0").await;
    assert_eq!((remote, local), ("InvalidStateError", "InvalidStateError"));
    let answer = called(|ok, no| bob.create_answer_with_callbacks(ok, no));
    assert_eq!(answer.await.unwrap_err().name, "InvalidStateError");
}

/// Vouches for Alice, or for nobody.
struct Provider {
    idp: IdentityProviderDetails,
    vouches: bool,
}

impl IdentityProvider for Provider {
    fn generate_assertion<'a>(
        &'a self,
        contents: &'a str,
        _origin: &'a str,
        _options: &'a IdentityProviderOptions,
    ) -> ProviderFuture<'a, IdentityAssertionResult> {
        Box::pin(async move {
            let made = IdentityAssertionResult {
                idp: self.idp.clone(),
                assertion: contents.to_owned(),
            };
            let no = || {
                let error = IdentityProviderError::need_login("https://idp.example/login");
                error.with_info("nobody is logged in")
            };
            self.vouches.then_some(made).ok_or_else(no)
        })
    }

    fn validate_assertion<'a>(
        &'a self,
        assertion: &'a str,
        _origin: &'a str,
    ) -> ProviderFuture<'a, IdentityValidationResult> {
        Box::pin(async move {
            let known = IdentityValidationResult {
                identity: "alice@idp.example".to_owned(),
                contents: assertion.to_owned(),
            };
            let no = || IdentityProviderError::token_invalid("nobody is known");
            self.vouches.then_some(known).ok_or_else(no)
        })
    }
}

fn end(vouches: bool) -> (PeerConnection, Events) {
    let idp = IdentityProviderDetails::new("idp.example");
    let provider = Provider {
        idp: idp.clone(),
        vouches,
    };
    let endpoint = Endpoint::builder()
        .loopback(true)
        .identity_provider(idp, Arc::new(provider));
    let endpoint = endpoint.build().expect("loopback has an address");
    let made = endpoint.connection(Configuration::default());
    let (pc, events) = made.expect("the configuration is valid");
    pc.set_identity_provider("idp.example", Default::default())
        .expect("the connection is open");
    (pc, events)
}

async fn next<T>(events: &mut Events, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = events.recv().await.expect("the connection is open");
        if let Some(found) = wanted(event) {
            return found;
        }
    }
}

#[tokio::test]
async fn identities_are_told_of_by_the_events_that_they_had_before_they_were_promises() {
    let ((alice, mut of_alice), (bob, mut of_bob)) = (end(true), end(true));
    alice.create_data_channel("", Default::default()).unwrap();
    let assertion = alice.get_identity_assertion().await.unwrap();
    let told = next(&mut of_alice, |event| match event {
        Event::IdentityResult(assertion) => Some(assertion),
        _ => None,
    });
    assert_eq!(told.await, assertion);
    let offer = alice.create_offer(Default::default()).await.unwrap();
    bob.set_remote_description(offer.clone()).await.unwrap();
    let identity = next(&mut of_bob, |event| match event {
        Event::PeerIdentity(identity) => Some(identity.name),
        _ => None,
    });
    assert_eq!(identity.await, "alice@idp.example");

    let (carol, mut of_carol) = end(false);
    assert!(carol.get_identity_assertion().await.is_err());
    let info = carol.idp_error_info();
    assert_eq!(info.as_deref(), Some("nobody is logged in"));
    carol.set_remote_description(offer).await.unwrap();
    let mut errors = Vec::new();
    while errors.len() < 2 {
        let error = next(&mut of_carol, |event| match event {
            Event::IdpAssertionError(error) => Some(("assertion", error)),
            Event::IdpValidationError(error) => Some(("validation", error)),
            _ => None,
        });
        errors.push(error.await);
    }
    let told = |login_url: Option<&str>| IdentityError {
        idp: "idp.example".to_owned(),
        protocol: "default".to_owned(),
        login_url: login_url.map(str::to_owned),
    };
    let login = Some("https://idp.example/login");
    let wanted = [("assertion", told(login)), ("validation", told(None))];
    assert_eq!(errors, wanted);
}

#[test]
fn the_example_of_2014_runs() {
    example::main().unwrap();
}
