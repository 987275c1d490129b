//! One session, and what fragments change of it.

use aws_lc_rs::rand;
use axum::http::StatusCode;
use duologue::{IceCandidateInit, PeerConnection, SdpType, SessionDescription};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::whip::fragment::{Credentials, Fragment};
use crate::whip::limits::GATHER_TIMEOUT;

/// One publisher's or viewer's.
pub(super) struct Session {
    pub(super) pc: PeerConnection,
    /// Changes come one after another.
    pub(super) etag: AsyncMutex<String>,
    /// How often candidates were gathered to the end.
    pub(super) gathered: watch::Receiver<u64>,
}

/// What a fragment did.
pub(super) enum Patched {
    Trickled,
    Restarted { etag: String, fragment: String },
}

impl Session {
    /// What a fragment asks for: more candidates, or another set of ICE.
    pub(super) async fn patch(
        &self,
        if_match: Option<&str>,
        text: &str,
    ) -> Result<Patched, Refusal> {
        let fragment = Fragment::parse(text)
            .map_err(|reason| Refusal::new(StatusCode::BAD_REQUEST, reason))?;
        let mut etag = self.etag.lock().await;
        // RFC 6585 §3, RFC 9110 §13.1.1.
        let required = || {
            Refusal::new(
                StatusCode::PRECONDITION_REQUIRED,
                "If-Match has to name the ETag",
            )
        };
        if !matches(if_match.ok_or_else(required)?, &etag) {
            let failed = Refusal::new(
                StatusCode::PRECONDITION_FAILED,
                "another set of ICE counts by now",
            );
            return Err(failed);
        }
        let remote = self.pc.remote_description().ok_or_else(gone)?;
        let current = Fragment::of(&remote.sdp).credentials;
        if fragment
            .credentials
            .as_ref()
            .is_none_or(|new| current.as_ref() == Some(new))
        {
            self.trickle(fragment, current).await;
            return Ok(Patched::Trickled);
        }
        let fragment = self.restart(&fragment, &remote).await?;
        *etag = format!("\"{}\"", random()?);
        Ok(Patched::Restarted {
            etag: etag.clone(),
            fragment,
        })
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
        self.pc
            .set_local_description(None)
            .await
            .map_err(unprocessable)?;
        // What is there by then is what there is.
        let _ = timeout(GATHER_TIMEOUT, gathered.wait_for(|count| *count > before)).await;
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
    if_match.trim() == "*" || names.any(|name| name == etag)
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
    use super::matches;

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
