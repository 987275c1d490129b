//! Identity providers asked over the network (webrtc-identity), by the service and the provider of the
//! example.

#[path = "../examples/provider/mod.rs"]
mod provider;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use duologue::{
    Configuration, Endpoint, ExceptionName, IdentityAssertionResult, IdentityProvider,
    IdentityProviderDetails, IdentityProviderOptions, IdentityValidationResult, PeerConnection,
    ProviderFuture, RtcErrorDetail, SessionDescription, SignalingState,
};
use provider::{PROTOCOL, Provider, Service};

const MINUTE: Duration = Duration::from_secs(60);

async fn service(lifetime: Duration) -> Arc<Service> {
    let service = Service::start(&[("token", "alice")], lifetime).await;
    service.expect("loopback is there")
}

/// An end that trusts a provider, with a session there or without.
fn end(
    idp: &IdentityProviderDetails,
    provider: Arc<dyn IdentityProvider>,
    peer_identity: Option<String>,
) -> PeerConnection {
    let builder = Endpoint::builder()
        .loopback(true)
        .origin("https://app.example");
    let endpoint = builder.identity_provider(idp.clone(), provider).build();
    let configuration = Configuration {
        peer_identity,
        ..Default::default()
    };
    let connection = endpoint
        .expect("loopback is there")
        .connection(configuration);
    connection.expect("it is valid").0
}

fn asks(pc: &PeerConnection, idp: &IdentityProviderDetails) {
    let options = IdentityProviderOptions {
        protocol: idp.protocol.clone(),
        ..Default::default()
    };
    pc.set_identity_provider(&idp.domain, options)
        .expect("it is open");
}

async fn offer(service: &Service) -> SessionDescription {
    let idp = service.details();
    let alice = end(&idp, Provider::new(idp.clone(), Some("token")), None);
    asks(&alice, &idp);
    alice
        .create_data_channel("a", Default::default())
        .expect("it is open");
    alice
        .create_offer(Default::default())
        .await
        .expect("she has a session")
}

/// Who has no account, and wants to talk to Alice only.
fn relying(service: &Service) -> PeerConnection {
    let idp = service.details();
    let alice = Some(service.identity("alice"));
    end(&idp, Provider::new(idp.clone(), None), alice)
}

fn detail(error: &duologue::Exception) -> RtcErrorDetail {
    error.rtc_error().expect("an RTCError").error_detail
}

#[tokio::test]
async fn who_is_not_logged_in_learns_where_to() {
    let service = service(MINUTE).await;
    let pc = relying(&service);
    asks(&pc, &service.details());
    let error = pc.get_identity_assertion().await.unwrap_err();
    assert_eq!(detail(&error), RtcErrorDetail::IdpNeedLogin);
    let login = format!("http://{}/login", service.address);
    assert_eq!(pc.idp_login_url(), Some(login));
}

#[tokio::test]
async fn a_token_that_is_old_or_forged_is_refused_by_its_name() {
    let expired = service(Duration::ZERO).await;
    let old = offer(&expired).await;
    let error = relying(&expired).set_remote_description(old).await;
    assert_eq!(detail(&error.unwrap_err()), RtcErrorDetail::IdpTokenExpired);

    // Signed by a key that the provider does not publish.
    let (known, other) = (service(MINUTE).await, service(MINUTE).await);
    let forged = offer(&other).await;
    let idp = other.details();
    let speaks_for_other = Provider::new(known.details(), None);
    let pc = end(&idp, speaks_for_other, Some(other.identity("alice")));
    let error = pc.set_remote_description(forged).await.unwrap_err();
    assert_eq!(detail(&error), RtcErrorDetail::IdpTokenInvalid);
}

#[tokio::test]
async fn a_provider_that_is_not_trusted_is_not_asked() {
    let service = service(MINUTE).await;
    let other = IdentityProviderDetails::new("other.example");
    let pc = end(&other, Provider::new(other.clone(), None), None);
    pc.set_remote_description(offer(&service).await)
        .await
        .expect("there is no target");
    let error = pc.peer_identity().await.unwrap_err();
    assert_eq!(detail(&error), RtcErrorDetail::IdpLoadFailure);
    assert_eq!(pc.signaling_state(), SignalingState::HaveRemoteOffer);
}

/// Says nothing, ever; but who has it learns when it is not waited for any more.
struct Silent(tokio::sync::mpsc::UnboundedSender<()>);

impl IdentityProvider for Silent {
    fn generate_assertion<'a>(
        &'a self,
        _contents: &'a str,
        origin: &'a str,
        _options: &'a IdentityProviderOptions,
    ) -> ProviderFuture<'a, IdentityAssertionResult> {
        assert_eq!(origin, "https://app.example");
        Box::pin(async {
            let _asked = Dropped(&self.0);
            pending().await
        })
    }

    fn validate_assertion<'a>(
        &'a self,
        _assertion: &'a str,
        _origin: &'a str,
    ) -> ProviderFuture<'a, IdentityValidationResult> {
        Box::pin(pending())
    }
}

struct Dropped<'a>(&'a tokio::sync::mpsc::UnboundedSender<()>);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_question_ends_with_the_connection() {
    let (sender, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let idp = IdentityProviderDetails {
        domain: "idp.example".to_owned(),
        protocol: PROTOCOL.to_owned(),
    };
    let pc = end(&idp, Arc::new(Silent(sender)), None);
    asks(&pc, &idp);
    let (asking, waiting) = (pc.clone(), pc.clone());
    let asking = tokio::spawn(async move { asking.get_identity_assertion().await });
    let waiting = tokio::spawn(async move { waiting.peer_identity().await });
    tokio::task::yield_now().await;
    pc.close();
    dropped.recv().await.expect("the question is dropped");
    for error in [
        asking.await.expect("no panic").unwrap_err(),
        waiting.await.expect("no panic").unwrap_err(),
        pc.peer_identity().await.unwrap_err(),
    ] {
        assert_eq!(error.name(), ExceptionName::InvalidStateError);
    }
}
