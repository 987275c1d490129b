//! One session, and what fragments change of it.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::http::StatusCode;
use duologue::{IceCandidateInit, PeerConnection, SdpType, SessionDescription};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::whip::fragment::{Credentials, Fragment};
use crate::whip::limits::GATHER_TIMEOUT;

/// One publisher's or viewer's.
pub(super) struct Session {
    pub(super) pc: PeerConnection,
    /// Changes come one after another.
    set: Arc<AsyncMutex<Set>>,
    /// How often candidates were gathered to the end.
    gathered: watch::Receiver<u64>,
}

/// The set of ICE that counts.
struct Set {
    etag: String,
    /// It came with a restart.
    restarted: bool,
}

/// What a fragment did.
pub(super) enum Patched {
    Trickled,
    Restarted { etag: String, fragment: String },
}

impl Session {
    /// One whose first set of ICE has this tag.
    pub(super) fn new(pc: PeerConnection, etag: String, gathered: watch::Receiver<u64>) -> Self {
        let restarted = false;
        Session {
            pc,
            set: Arc::new(AsyncMutex::new(Set { etag, restarted })),
            gathered,
        }
    }

    /// What a fragment asks for: more candidates, or another set of ICE.
    pub(super) async fn patch(
        self: &Arc<Self>,
        if_match: Option<&str>,
        text: &str,
    ) -> Result<Patched, Refusal> {
        let fragment = Fragment::parse(text)
            .map_err(|reason| Refusal::new(StatusCode::BAD_REQUEST, reason))?;
        // RFC 6585 §3, RFC 9110 §13.1.1.
        let required = || {
            Refusal::new(
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match has to name the ETag",
            )
        };
        let if_match = if_match.ok_or_else(required)?.to_owned();
        // Who leaves while others come first has asked for nothing.
        let set = self.set.clone().lock_owned().await;
        // A client that does not wait for the answer does not cut a restart in two.
        let session = self.clone();
        let changing = tokio::spawn(async move { session.change(set, &if_match, fragment).await });
        changing.await.map_err(|_| gone())?
    }

    async fn change(
        &self,
        mut set: OwnedMutexGuard<Set>,
        if_match: &str,
        fragment: Fragment,
    ) -> Result<Patched, Refusal> {
        if !matches(if_match, &set.etag) {
            let failed = Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "another set of ICE counts by now",
            );
            return Err(failed);
        }
        let remote = self.pc.remote_description().ok_or_else(gone)?;
        let current = Fragment::of(&remote.sdp).credentials;
        let new = fragment.credentials.clone();
        if new.is_some() && new != current {
            let fragment = self.restart(&fragment, &remote).await?;
            *set = Set {
                etag: format!("\"{}\"", random()?),
                restarted: true,
            };
            let etag = set.etag.clone();
            return Ok(Patched::Restarted { etag, fragment });
        }

        self.trickle(fragment, current).await;
        // RFC 9725 §4.3.3: who does not know which set counts restarts. The answer to that was lost on its way.
        if new.is_some() && set.restarted && is_any(if_match) {
            return Ok(Patched::Restarted {
                etag: set.etag.clone(),
                fragment: self.own_fragment()?,
            });
        }
        Ok(Patched::Trickled)
    }

    /// RFC 9725 §4.3.2: a candidate that cannot be used is discarded without a word.
    async fn trickle(&self, fragment: Fragment, current: Option<Credentials>) {
        let fragment = Fragment {
            credentials: current,
            ..fragment
        };
        for candidate in fragment.inits() {
            let _ = self.pc.add_ice_candidate(candidate).await;
        }
        if fragment.complete {
            let _ = self.pc.add_ice_candidate(IceCandidateInit::default()).await;
        }
    }

    /// RFC 9725 §4.3.3: as if the offer came again with this ICE. One that does not fit leaves all as it was.
    async fn restart(
        &self,
        theirs: &Fragment,
        remote: &SessionDescription,
    ) -> Result<String, Refusal> {
        let mut gathered = self.gathered.clone();
        let before = *gathered.borrow_and_update();
        let unprocessable = |error: duologue::Exception| {
            Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        };
        let offer = theirs.replace_in(remote, SdpType::Offer);
        self.pc
            .set_remote_description(offer)
            .await
            .map_err(unprocessable)?;
        if let Err(error) = self.pc.set_local_description(None).await {
            // It fails for a connection that is closed.
            let back = SessionDescription::rollback();
            let _ = self.pc.set_remote_description(back).await;
            return Err(unprocessable(error));
        }
        // What is there by then is what there is.
        let _ = timeout(GATHER_TIMEOUT, gathered.wait_for(|count| *count > before)).await;
        self.own_fragment()
    }

    /// What this end says of the set that counts.
    fn own_fragment(&self) -> Result<String, Refusal> {
        let answer = self.pc.local_description().ok_or_else(gone)?;
        let own = Fragment {
            complete: true,
            ..Fragment::of(&answer.sdp)
        };
        Ok(own.write(&answer.sdp))
    }
}

/// Whether a precondition names this ETag; weak ones never do (RFC 9110 §8.8.3.2).
fn matches(if_match: &str, etag: &str) -> bool {
    let mut names = if_match.split(',').map(str::trim);
    is_any(if_match) || names.any(|name| name == etag)
}

fn is_any(if_match: &str) -> bool {
    if_match.trim() == "*"
}

pub(super) fn gone() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "there is no such session")
}

/// 128 bits of the system's randomness, in hexadecimal: who does not know it cannot guess it.
pub(super) fn random() -> Result<String, Refusal> {
    let mut bytes = [0; 16];
    let none = |_| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the system has no randomness",
        )
    };
    rand::fill(&mut bytes).map_err(none)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use duologue::{Configuration, Endpoint, MediaKind};

    use super::*;

    /// With the offer that its client made.
    async fn open() -> (Arc<Session>, PeerConnection) {
        let endpoint = Endpoint::builder().loopback(true).build().unwrap();
        let connection = || endpoint.connection(Configuration::default()).unwrap().0;
        let [client, pc] = [connection(), connection()];
        client
            .add_transceiver(MediaKind::Video, Default::default())
            .unwrap();
        client.set_local_description(None).await.unwrap();
        let offer = client.local_description().unwrap();
        pc.set_remote_description(offer).await.unwrap();
        pc.set_local_description(None).await.unwrap();
        let answer = pc.local_description().unwrap();
        client.set_remote_description(answer).await.unwrap();
        // All there is was gathered.
        let (_, gathered) = watch::channel(0);
        let session = Session::new(pc, "\"first\"".to_owned(), gathered);
        (Arc::new(session), client)
    }

    #[tokio::test]
    async fn a_restart_whose_client_goes_half_way_is_finished_for_when_it_comes_again() {
        let (session, client) = open().await;
        client.restart_ice();
        client.set_local_description(None).await.unwrap();
        let offer = client.local_description().unwrap().sdp;
        let fragment = Fragment::of(&offer).write(&offer);
        // It begins, and the connection that it came by breaks.
        tokio::select! {
            biased;
            _ = session.patch(Some("*"), &fragment) => panic!("it takes longer"),
            () = std::future::ready(()) => {}
        }
        let mut answers = Vec::new();
        for _ in 0..2 {
            let patched = session.patch(Some("*"), &fragment).await.ok().unwrap();
            let Patched::Restarted { etag, fragment } = patched else {
                panic!("it took that for candidates");
            };
            assert_ne!(etag, "\"first\"");
            let credentials = Fragment::parse(&fragment).unwrap().credentials;
            answers.push((etag, credentials));
        }
        assert_eq!(answers[0], answers[1]);
        // Its candidates may come by that name, too.
        let etag = answers[0].0.clone();
        let patched = session.patch(Some(&etag), &fragment).await.ok().unwrap();
        assert!(matches!(patched, Patched::Trickled));
    }

    #[tokio::test]
    async fn a_request_whose_client_leaves_while_another_one_is_served_leaves_nothing_behind() {
        let (session, client) = open().await;
        client.restart_ice();
        client.set_local_description(None).await.unwrap();
        let offer = client.local_description().unwrap().sdp;
        let fragment = Fragment::of(&offer).write(&offer);
        let served = session.set.clone().lock_owned().await;
        for _ in 0..3 {
            tokio::select! {
                biased;
                _ = session.patch(Some("*"), &fragment) => panic!("another one is served"),
                () = std::future::ready(()) => {}
            }
        }
        assert_eq!(Arc::strong_count(&session), 1, "a task waits");
        drop(served);
        let patched = session.patch(Some("\"first\""), &fragment).await.ok();
        assert!(matches!(patched, Some(Patched::Restarted { .. })));
    }

    #[test]
    fn a_precondition_is_a_star_or_a_list_of_strong_names() {
        for (if_match, is) in [
            ("\"a\"", true),
            ("*", true),
            ("\"b\", \"a\"", true),
            ("\"b\"", false),
            ("W/\"a\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(matches(if_match, "\"a\""), is, "{if_match}");
        }
    }
}
