//! Who the other end is (webrtc-identity): asserted, validated, and what follows of it.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

mod common;

use std::mem::discriminant;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Host, audio, description, pair};
use duologue_identity::{Certificate, KeygenAlgorithm};
use duologue_peer::limits::MAX_WAITING_VALIDATIONS;
use duologue_peer::{
    Answer, Configuration, Exception, ExceptionName, IdentityAssertion, IdentityAssertionResult,
    IdentityProviderDetails, IdentityProviderError, IdentityProviderOptions,
    IdentityValidationResult, OperationId, Question, QuestionId, RtcErrorDetail,
    SessionDescription, SignalingState, Value,
};
use duologue_session::{Command, DtlsReport, Report, TransportCommand, TransportReport};

const IDP: &str = "idp.example";

/// An end for which the provider vouches, and one that would like to know who that is.
fn asserting() -> (Host, Host) {
    let (mut a, b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.set_identity_provider(IDP, Default::default()).unwrap();
    (a, b)
}

/// The same, and the other end wants it to be this one.
fn targeting(target: &str) -> (Host, Host) {
    let (a, _) = asserting();
    let configuration = Configuration {
        peer_identity: Some(target.to_owned()),
        ..Default::default()
    };
    (a, Host::with(2, configuration))
}

fn question(host: &mut Host) -> (QuestionId, Question) {
    host.run();
    host.questions.remove(0)
}

/// A provider for tests: its assertion is who it is, and what it covers.
fn vouch(host: &mut Host, identity: &str) -> String {
    let (id, Question::GenerateAssertion { contents, .. }) = question(host) else {
        panic!("another question");
    };
    let assertion = format!("{identity} {contents}");
    let idp = IdentityProviderDetails::new(IDP);
    let result = IdentityAssertionResult { idp, assertion };
    host.pc.answer(id, Answer::Assertion(result));
    host.run();
    contents
}

fn validate(host: &mut Host) {
    let (id, Question::ValidateAssertion { assertion, .. }) = question(host) else {
        panic!("another question");
    };
    let (identity, contents) = assertion.split_once(' ').unwrap();
    answer(host, id, identity, contents);
}

fn answer(host: &mut Host, id: QuestionId, identity: &str, contents: &str) {
    let result = IdentityValidationResult {
        identity: identity.to_owned(),
        contents: contents.to_owned(),
    };
    host.pc.answer(id, Answer::Validation(result));
    host.run();
}

fn fail(host: &mut Host, error: IdentityProviderError) {
    let (id, _) = question(host);
    host.pc.answer(id, Answer::Failed(error));
    host.run();
}

fn offer_of(host: &mut Host, identity: &str) -> SessionDescription {
    let operation = host.pc.create_offer(Default::default());
    vouch(host, identity);
    description(host.settle(operation))
}

/// The `a=identity` of a description.
fn identity_line(description: &SessionDescription) -> &str {
    let mut lines = description.sdp.lines();
    lines.find(|line| line.starts_with("a=identity:")).unwrap()
}

fn rejection(host: &Host, operation: OperationId) -> Exception {
    match host.settled.get(&operation) {
        Some(Err(exception)) => exception.clone(),
        other => panic!("not rejected: {other:?}"),
    }
}

fn alice() -> Value {
    Value::Identity(IdentityAssertion {
        idp: IDP.to_owned(),
        name: "alice@idp.example".to_owned(),
    })
}

#[test]
fn an_offer_waits_for_the_assertion_and_carries_it() {
    let (mut a, _) = asserting();
    let operation = a.pc.create_offer(Default::default());
    a.run();
    assert!(!a.settled.contains_key(&operation));
    let contents = vouch(&mut a, "alice@idp.example");
    let sdp = description(a.settle(operation)).sdp;
    let line = sdp
        .lines()
        .find_map(|line| line.strip_prefix("a=identity:"));
    let json = String::from_utf8(STANDARD.decode(line.unwrap()).unwrap()).unwrap();
    assert!(json.contains(r#""domain":"idp.example""#) && json.contains("alice@idp.example"));
    // RFC 8827 §7.4: the digests are those of a=fingerprint.
    let fingerprint = sdp.lines().find_map(|l| l.strip_prefix("a=fingerprint:"));
    let (algorithm, digest) = fingerprint.unwrap().split_once(' ').unwrap();
    assert_eq!(
        contents,
        format!(r#"{{"fingerprint":[{{"algorithm":"{algorithm}","digest":"{digest}"}}]}}"#)
    );
    // It is there for the next one, and for the answer to getIdentityAssertion.
    let operation = a.pc.get_identity_assertion();
    assert_eq!(
        a.settle(operation),
        Ok(Value::Assertion(line.unwrap().to_owned()))
    );
    let set = a.pc.set_local_description(None);
    a.settle(set).unwrap();
    assert!(
        a.pc.local_description()
            .unwrap()
            .sdp
            .contains(line.unwrap())
    );
    assert!(a.questions.is_empty());
}

#[test]
fn an_answer_without_a_description_to_set_waits_too() {
    let (mut a, mut b) = pair();
    a.pc.add_track(audio("t1"), &[]).unwrap();
    b.set_remote(a.create_offer()).unwrap();
    b.pc.set_identity_provider(IDP, Default::default()).unwrap();
    let set = b.pc.set_local_description(None);
    vouch(&mut b, "bob@idp.example");
    b.settle(set).unwrap();
    assert!(
        b.pc.local_description()
            .unwrap()
            .sdp
            .contains("\r\na=identity:")
    );
}

#[test]
fn all_certificates_of_a_connection_are_covered() {
    let certificate = |seed| {
        let mut rng = duologue_base::Rng::from_u64(seed);
        let month = Duration::from_secs(30 * 86_400);
        Certificate::generate(KeygenAlgorithm::EcdsaP256, common::NOW, month, &mut rng).unwrap()
    };
    let configuration = Configuration {
        certificates: vec![certificate(1), certificate(2)],
        ..Default::default()
    };
    let mut a = Host::with(1, configuration);
    a.pc.add_track(audio("t1"), &[]).unwrap();
    a.pc.set_identity_provider(IDP, Default::default()).unwrap();
    let operation = a.pc.create_offer(Default::default());
    let contents = vouch(&mut a, "alice@idp.example");
    let sdp = description(a.settle(operation)).sdp;
    let of_sdp = sdp.lines().filter_map(|l| l.strip_prefix("a=fingerprint:"));
    for fingerprint in of_sdp {
        let (_, digest) = fingerprint.split_once(' ').unwrap();
        assert!(contents.contains(digest));
    }
    assert_eq!(contents.matches("digest").count(), 2);
}

#[test]
fn the_provider_is_asked_once_for_all_who_wait_and_told_what_the_application_said() {
    let (mut a, _) = pair();
    let options = IdentityProviderOptions {
        protocol: "sso".to_owned(),
        username_hint: Some("alice".to_owned()),
        peer_identity: None,
    };
    a.pc.set_identity_provider("idp.example:8443", options.clone())
        .unwrap();
    let waiting = [a.pc.get_identity_assertion(), a.pc.get_identity_assertion()];
    a.run();
    assert_eq!(a.questions.len(), 1);
    let Question::GenerateAssertion {
        provider,
        options: asked,
        ..
    } = &a.questions[0].1
    else {
        panic!("another question");
    };
    assert_eq!(
        provider.uri(),
        "https://idp.example:8443/.well-known/idp-proxy/sso"
    );
    assert_eq!(*asked, options);
    vouch(&mut a, "alice@idp.example");
    for operation in waiting {
        assert!(matches!(a.settled[&operation], Ok(Value::Assertion(_))));
    }
}

#[test]
fn the_provider_learns_of_the_target_unless_it_is_told_of_another() {
    let asked = |options: IdentityProviderOptions| {
        let (_, mut b) = targeting("alice@idp.example");
        b.pc.set_identity_provider(IDP, options).unwrap();
        b.pc.get_identity_assertion();
        match question(&mut b).1 {
            Question::GenerateAssertion { options, .. } => options.peer_identity,
            _ => panic!("another question"),
        }
    };
    let other = IdentityProviderOptions {
        peer_identity: Some("carol@idp.example".to_owned()),
        ..Default::default()
    };
    assert_eq!(
        asked(Default::default()).as_deref(),
        Some("alice@idp.example")
    );
    assert_eq!(asked(other).as_deref(), Some("carol@idp.example"));
}

#[test]
fn another_provider_is_asked_anew_and_the_answer_of_the_first_is_dropped() {
    let (mut a, _) = asserting();
    let operation = a.pc.create_offer(Default::default());
    let (first, _) = question(&mut a);
    a.pc.set_identity_provider("other.example", Default::default())
        .unwrap();
    a.pc.answer(first, Answer::Failed(IdentityProviderError::timeout()));
    a.run();
    assert!(!a.settled.contains_key(&operation));
    vouch(&mut a, "alice@other.example");
    assert!(description(a.settle(operation)).sdp.contains("a=identity:"));
    // The same values change nothing.
    a.pc.set_identity_provider("other.example", Default::default())
        .unwrap();
    a.create_offer();
}

#[test]
fn each_failure_of_the_provider_rejects_who_waits_by_its_name() {
    use IdentityProviderError as Error;
    use RtcErrorDetail as Detail;
    let failures = [
        (
            Error::load_failure(Some(404), "gone"),
            Detail::IdpLoadFailure,
        ),
        (Error::tls_failure("self-signed"), Detail::IdpTlsFailure),
        (
            Error::bad_script("registers nothing"),
            Detail::IdpBadScriptFailure,
        ),
        (
            Error::execution_failure("threw"),
            Detail::IdpExecutionFailure,
        ),
        (
            Error::need_login("https://idp.example/login"),
            Detail::IdpNeedLogin,
        ),
        (Error::token_expired("old"), Detail::IdpTokenExpired),
        (Error::token_invalid("forged"), Detail::IdpTokenInvalid),
        (Error::timeout(), Detail::IdpTimeout),
    ];
    for (error, detail) in failures {
        let (mut a, _) = asserting();
        let waiting = [
            a.pc.get_identity_assertion(),
            a.pc.create_offer(Default::default()),
        ];
        fail(&mut a, error.with_info("info"));
        for operation in waiting {
            let exception = rejection(&a, operation);
            assert_eq!(exception.name(), ExceptionName::OperationError);
            let init = exception.rtc_error().unwrap();
            assert_eq!(init.error_detail, detail);
            let status = (detail == Detail::IdpLoadFailure).then_some(404);
            assert_eq!(init.http_request_status_code, status);
        }
        assert_eq!(a.pc.idp_error_info(), Some("info"));
        let login = (detail == Detail::IdpNeedLogin).then_some("https://idp.example/login");
        assert_eq!(a.pc.idp_login_url(), login);
        // The next one asks again.
        offer_of(&mut a, "alice@idp.example");
        assert_eq!((a.pc.idp_login_url(), a.pc.idp_error_info()), (None, None));
    }
}

#[test]
fn a_provider_has_fifteen_seconds() {
    let (mut a, _) = asserting();
    let operation = a.pc.get_identity_assertion();
    let (late, _) = question(&mut a);
    assert_eq!(a.pc.poll_timeout(), Some(a.now + Duration::from_secs(15)));
    a.now += Duration::from_secs(15);
    a.pc.handle_timeout(a.now);
    a.run();
    let init = *rejection(&a, operation).rtc_error().unwrap();
    assert_eq!(init.error_detail, RtcErrorDetail::IdpTimeout);
    assert_eq!(a.pc.poll_timeout(), None);
    a.pc.answer(late, Answer::Failed(IdentityProviderError::timeout()));
    a.run();
}

#[test]
fn misuse_throws_and_changes_nothing() {
    let (mut a, _) = pair();
    for protocol in ["a/b", "a\\b"] {
        let options = IdentityProviderOptions {
            protocol: protocol.to_owned(),
            ..Default::default()
        };
        let error = a.pc.set_identity_provider(IDP, options).unwrap_err();
        assert_eq!(error.name(), ExceptionName::SyntaxError);
    }
    let operation = a.pc.get_identity_assertion();
    let error = a.settle(operation).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    a.create_offer();

    a.pc.close();
    let error =
        a.pc.set_identity_provider(IDP, Default::default())
            .unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
    let operation = a.pc.get_identity_assertion();
    let error = a.settle(operation).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidStateError);
}

#[test]
fn questions_die_with_the_connection() {
    let (mut a, _) = asserting();
    let operation = a.pc.create_offer(Default::default());
    let (id, _) = question(&mut a);
    a.pc.close();
    a.pc.answer(id, Answer::Failed(IdentityProviderError::timeout()));
    a.run();
    assert!(!a.settled.contains_key(&operation));
    assert_eq!(a.pc.poll_timeout(), None);
}

#[test]
fn without_a_target_a_description_does_not_wait_for_its_validation() {
    let (mut a, mut b) = asserting();
    let peer_identity = b.pc.peer_identity();
    b.set_remote(offer_of(&mut a, "alice@idp.example")).unwrap();
    assert_eq!(b.pc.target_peer_identity(), None);
    validate(&mut b);
    assert_eq!(b.settled[&peer_identity], Ok(alice()));
    assert_eq!(b.pc.target_peer_identity(), Some("alice@idp.example"));
    assert_eq!(b.pc.peer_identity(), peer_identity);
}

#[test]
fn without_a_target_a_failed_validation_changes_nothing_but_the_promise() {
    let (mut a, mut b) = asserting();
    let peer_identity = b.pc.peer_identity();
    let offer = offer_of(&mut a, "alice@idp.example");
    b.set_remote(offer.clone()).unwrap();
    fail(
        &mut b,
        IdentityProviderError::token_expired("old").with_info("bar"),
    );
    let detail = rejection(&b, peer_identity)
        .rtc_error()
        .unwrap()
        .error_detail;
    assert_eq!(detail, RtcErrorDetail::IdpTokenExpired);
    assert_eq!(b.pc.signaling_state(), SignalingState::HaveRemoteOffer);
    assert_eq!(b.pc.idp_error_info(), Some("bar"));
    // Another promise, which the next description may resolve.
    assert_ne!(b.pc.peer_identity(), peer_identity);
    b.set_remote(offer).unwrap();
    validate(&mut b);
    assert_eq!(b.settled[&b.pc.peer_identity()], Ok(alice()));
}

#[test]
fn a_malformed_identity_fails_without_a_question() {
    let (mut a, mut b) = asserting();
    let mut offer = offer_of(&mut a, "alice@idp.example");
    let line = identity_line(&offer);
    offer.sdp = offer.sdp.replace(line, "a=identity:AAAA");
    let peer_identity = b.pc.peer_identity();
    b.set_remote(offer.clone()).unwrap();
    b.run();
    assert!(b.questions.is_empty());
    assert_eq!(
        rejection(&b, peer_identity).name(),
        ExceptionName::OperationError
    );

    let (_, mut b) = targeting("alice@idp.example");
    assert!(b.set_remote(offer).is_err());
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
}

#[test]
fn with_a_target_a_description_is_applied_after_its_validation() {
    let (mut a, mut b) = targeting("alice@idp.example");
    let set =
        b.pc.set_remote_description(offer_of(&mut a, "alice@idp.example"));
    b.run();
    assert!(!b.settled.contains_key(&set));
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
    validate(&mut b);
    b.settle(set).unwrap();
    assert_eq!(b.settled[&b.pc.peer_identity()], Ok(alice()));
}

#[test]
fn with_a_target_nobody_else_is_connected_to() {
    // Somebody else of the same domain, another domain's provider, no identity at all.
    for other in ["mallory@idp.example", "alice@other.example"] {
        let (mut a, mut b) = targeting("alice@idp.example");
        let set = b.pc.set_remote_description(offer_of(&mut a, other));
        validate(&mut b);
        let error = rejection(&b, set);
        assert_eq!(error.name(), ExceptionName::OperationError);
        assert_eq!(error, rejection(&b, b.pc.peer_identity()), "{other}");
        assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
        assert!(b.transports().is_empty());
    }
    let (mut a, mut b) = targeting("alice@idp.example");
    let mut offer = offer_of(&mut a, "alice@idp.example");
    let line = identity_line(&offer);
    offer.sdp = offer.sdp.replace(&format!("{line}\r\n"), "");
    assert!(b.set_remote(offer).is_err());
    assert_eq!(b.pc.signaling_state(), SignalingState::Stable);
}

#[test]
fn an_assertion_for_other_fingerprints_proves_nothing() {
    // Mallory sends Alice's assertion with a description of their own.
    let (mut a, mut b) = targeting("alice@idp.example");
    let offer = offer_of(&mut a, "alice@idp.example");
    let line = identity_line(&offer);
    let mut mallory = Host::new(3);
    mallory.pc.add_track(audio("t1"), &[]).unwrap();
    let mut forged = mallory.create_offer();
    let session_end = forged.sdp.find("t=0 0\r\n").unwrap() + 7;
    forged.sdp.insert_str(session_end, &format!("{line}\r\n"));
    let set = b.pc.set_remote_description(forged);
    validate(&mut b);
    assert_eq!(rejection(&b, set).name(), ExceptionName::OperationError);
    // The provider's word without a fingerprint, or for none that can be read, is as bad.
    for contents in ["", "{}", r#"{"fingerprint":[]}"#, r#"{"fingerprint":[{}]}"#] {
        let (mut a, mut b) = targeting("alice@idp.example");
        let set =
            b.pc.set_remote_description(offer_of(&mut a, "alice@idp.example"));
        let (id, _) = question(&mut b);
        answer(&mut b, id, "alice@idp.example", contents);
        assert_eq!(rejection(&b, set).name(), ExceptionName::OperationError);
    }
}

#[test]
fn an_identity_that_was_learnt_is_the_target_from_then_on() {
    let (mut a, mut b) = asserting();
    b.set_remote(offer_of(&mut a, "alice@idp.example")).unwrap();
    validate(&mut b);
    let answer = b.set_local();
    let mut again = Host::new(7);
    again.pc.add_track(audio("t1"), &[]).unwrap();
    again
        .pc
        .set_identity_provider(IDP, Default::default())
        .unwrap();
    let set =
        b.pc.set_remote_description(offer_of(&mut again, "mallory@idp.example"));
    validate(&mut b);
    assert_eq!(rejection(&b, set).name(), ExceptionName::OperationError);
    assert_eq!(b.settled[&b.pc.peer_identity()], Ok(alice()));
    assert_eq!(b.pc.local_description(), Some(answer));
    // And a configuration may repeat it, but not change it.
    let with = |identity: &str| Configuration {
        peer_identity: Some(identity.to_owned()),
        ..Default::default()
    };
    b.pc.set_configuration(with("alice@idp.example")).unwrap();
    let error = b.pc.set_configuration(with("bob@idp.example")).unwrap_err();
    assert_eq!(error.name(), ExceptionName::InvalidModificationError);
}

#[test]
fn the_same_assertion_is_validated_once() {
    let (mut a, mut b) = targeting("alice@idp.example");
    let offer = offer_of(&mut a, "alice@idp.example");
    a.set_local_to(offer.clone()).unwrap();
    let set = b.pc.set_remote_description(offer);
    validate(&mut b);
    b.settle(set).unwrap();
    let answer = b.set_local();
    a.set_remote(answer).unwrap();
    a.pc.add_track(audio("t2"), &[]).unwrap();
    let mut again = a.create_offer();
    b.set_remote(again.clone()).unwrap();
    // RFC 8827 §5.1.4: the fingerprints are unchanged, and the line may be left out.
    let line = identity_line(&again);
    again.sdp = again.sdp.replace(&format!("{line}\r\n"), "");
    b.set_remote(again).unwrap();
    assert!(b.questions.is_empty());
}

#[test]
fn an_identity_does_not_cover_a_description_that_was_applied_meanwhile() {
    let (mut a, mut b) = asserting();
    let peer_identity = b.pc.peer_identity();
    b.set_remote(offer_of(&mut a, "alice@idp.example")).unwrap();
    let mut mallory = Host::new(3);
    mallory.pc.add_track(audio("t1"), &[]).unwrap();
    b.set_remote(mallory.create_offer()).unwrap();
    validate(&mut b);
    assert_eq!(
        rejection(&b, peer_identity).name(),
        ExceptionName::OperationError
    );
    assert_eq!(b.pc.target_peer_identity(), None);
}

#[test]
fn validations_wait_for_one_another_and_the_oldest_are_forgotten() {
    let (mut a, mut b) = asserting();
    let offer = offer_of(&mut a, "alice@idp.example");
    for _ in 0..20 {
        b.set_remote(offer.clone()).unwrap();
    }
    assert_eq!(b.questions.len(), 1);
    let mut validations = 0;
    while !b.questions.is_empty() {
        fail(&mut b, IdentityProviderError::execution_failure("threw"));
        validations += 1;
    }
    // One that ran, and those that may wait.
    assert_eq!(validations, 1 + MAX_WAITING_VALIDATIONS);
}

#[test]
fn an_isolated_track_goes_to_whom_it_is_for_over_a_confidential_transport_alone() {
    // Whom it is for, who the other end is, what it promises, and whether it may go.
    for (wanted, promises, expected) in [
        ("alice@idp.example", true, true),
        ("alice@idp.example", false, false),
        ("carol@idp.example", true, false),
    ] {
        let (mut a, mut b) = asserting();
        let offer = offer_of(&mut a, "alice@idp.example");
        let set = b.pc.set_remote_description(offer);
        b.settle(set).unwrap();
        let sender = b.pc.add_track(audio("for one"), &[]).unwrap();
        assert!(b.pc.may_transmit(sender));
        b.pc.isolate_track("for one".into(), wanted);
        assert!(!b.pc.may_transmit(sender));
        b.set_local();
        let required = |command: &&Command| {
            let required = TransportCommand::RequireConfidentiality;
            matches!(command, Command::Transport(_, it) if discriminant(it) == discriminant(&required))
        };
        assert_eq!(b.commands.iter().filter(required).count(), 1);
        validate(&mut b);

        let (key, _) = b.transports()[0];
        b.connect_with(key, promises);
        assert_eq!(b.pc.may_transmit(sender), expected, "{wanted} {promises}");
        // What was promised in that handshake says nothing of the next one.
        for state in [DtlsReport::Connecting, DtlsReport::Closed] {
            b.report(Report::Transport(key, TransportReport::DtlsState { state }));
            assert!(!b.pc.may_transmit(sender), "{wanted} {promises}");
        }
    }
}
