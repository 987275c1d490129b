//! `application/trickle-ice-sdpfrag` (RFC 8840 §9): the credentials and candidates of one set of ICE, and how they
//! get out of a description and into one.

use std::fmt::Write;

use duologue::{IceCandidateInit, SdpType, SessionDescription};

use super::limits::{CANDIDATES, SECTIONS};

/// Its media type.
pub(super) const MEDIA_TYPE: &str = "application/trickle-ice-sdpfrag";

/// What a fragment says; the m-sections of WHIP share one transport.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Fragment {
    /// Of the whole fragment, or of its first m-section.
    pub(super) credentials: Option<Credentials>,
    pub(super) candidates: Vec<Candidate>,
    /// `a=end-of-candidates`: no more come.
    pub(super) complete: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Credentials {
    pub(super) ufrag: String,
    pub(super) pwd: String,
}

/// `candidate:…`, and the m-section that it stands in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Candidate {
    pub(super) mid: Option<String>,
    pub(super) attribute: String,
}

impl Fragment {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut reading = Reading::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if !line.starts_with("m=") && !line.starts_with("a=") {
                return Err("a fragment has only lines of m= and a=");
            }
            reading.take(line)?;
        }
        let fragment = reading.end()?;
        let says = fragment.credentials.is_some() || fragment.complete;
        match says || !fragment.candidates.is_empty() {
            true => Ok(fragment),
            false => Err("the fragment says nothing"),
        }
    }

    /// What a whole description says of ICE, which was accepted: what goes beyond the bounds of a fragment, such as
    /// all candidates that came one after another, is left out.
    pub(super) fn of(description: &str) -> Self {
        let mut reading = Reading::default();
        for line in description.lines() {
            let _ = reading.take(line);
        }
        reading.end().unwrap_or_default()
    }

    /// The body of a request or of an answer, with the lines of a description that say which transport it is about
    /// and what its ICE is like (RFC 9725 §4.3.3: those stay).
    pub(super) fn write(&self, description: &str) -> String {
        let mut text = String::new();
        let session = |line: &&str| {
            let group = line.starts_with("a=group:BUNDLE");
            group
                || line.starts_with("a=ice-options")
                || line.starts_with("a=ice-pacing")
                || *line == "a=ice-lite"
        };
        let mut said = Vec::new();
        for line in description.lines().filter(session) {
            if !said.contains(&line) {
                said.push(line);
            }
        }
        // The m-section that has the transport: all others are bundled with it.
        let own = |line: &&str| line.starts_with("m=") || line.starts_with("a=mid:");
        said.extend(description.lines().filter(own).take(2));
        for line in said {
            line_of(&mut text, format_args!("{line}"));
        }
        if let Some(Credentials { ufrag, pwd }) = &self.credentials {
            line_of(&mut text, format_args!("a=ice-ufrag:{ufrag}"));
            line_of(&mut text, format_args!("a=ice-pwd:{pwd}"));
        }
        for candidate in &self.candidates {
            line_of(&mut text, format_args!("a={}", candidate.attribute));
        }
        if self.complete {
            line_of(&mut text, format_args!("a=end-of-candidates"));
        }
        text
    }

    /// The description as it would be with this fragment's ICE in place of its own (RFC 9725 §4.3.3: all else that
    /// was agreed on still counts).
    pub(super) fn replace_in(
        &self,
        description: &SessionDescription,
        sdp_type: SdpType,
    ) -> SessionDescription {
        let mut sdp = String::with_capacity(description.sdp.len());
        let mut placed = false;
        for line in description.sdp.lines() {
            let name = line.split_once(':').map_or(line, |(name, _)| name);
            match (name, &self.credentials) {
                ("a=candidate" | "a=end-of-candidates", _) => continue,
                ("a=ice-ufrag", Some(new)) => {
                    line_of(&mut sdp, format_args!("{name}:{}", new.ufrag));
                }
                ("a=ice-pwd", Some(new)) => line_of(&mut sdp, format_args!("{name}:{}", new.pwd)),
                _ => line_of(&mut sdp, format_args!("{line}")),
            }
            if line.starts_with("a=mid:") && !placed {
                placed = true;
                for candidate in &self.candidates {
                    line_of(&mut sdp, format_args!("a={}", candidate.attribute));
                }
            }
        }
        SessionDescription { sdp_type, sdp }
    }

    /// Its candidates as `addIceCandidate()` takes them.
    pub(super) fn inits(&self) -> impl Iterator<Item = IceCandidateInit> {
        let ufrag = self.credentials.as_ref().map(|it| it.ufrag.clone());
        let candidates = self.candidates.iter();
        candidates.map(move |candidate| IceCandidateInit {
            candidate: candidate.attribute.clone(),
            sdp_mid: candidate.mid.clone(),
            sdp_m_line_index: candidate.mid.is_none().then_some(0),
            username_fragment: ufrag.clone(),
        })
    }
}

/// A fragment or a description, as far as it was read.
#[derive(Default)]
struct Reading {
    fragment: Fragment,
    ufrag: Option<String>,
    pwd: Option<String>,
    sections: usize,
    mid: Option<String>,
}

impl Reading {
    fn take(&mut self, line: &str) -> Result<(), &'static str> {
        let (kind, value) = line.split_once('=').ok_or("a line is no line of SDP")?;
        if kind == "m" {
            self.sections += 1;
            self.mid = None;
            return match self.sections > SECTIONS {
                true => Err("too many m-sections"),
                false => Ok(()),
            };
        }
        if kind != "a" {
            return Ok(());
        }
        match value.split_once(':') {
            Some(("mid", value)) => self.mid = Some(value.to_owned()),
            // RFC 8839 §5.4 bounds both from below and above.
            Some(("ice-ufrag", value)) => first(&mut self.ufrag, value, 4)?,
            Some(("ice-pwd", value)) => first(&mut self.pwd, value, 22)?,
            Some(("candidate", _)) => {
                if self.sections == 0 {
                    return Err("a candidate belongs to no m-section");
                }
                if self.fragment.candidates.len() == CANDIDATES {
                    return Err("too many candidates");
                }
                let (mid, attribute) = (self.mid.clone(), value.to_owned());
                self.fragment.candidates.push(Candidate { mid, attribute });
            }
            _ if value == "end-of-candidates" => self.fragment.complete = true,
            _ => {}
        }
        Ok(())
    }

    fn end(self) -> Result<Fragment, &'static str> {
        let credentials = match (self.ufrag, self.pwd) {
            (Some(ufrag), Some(pwd)) => Some(Credentials { ufrag, pwd }),
            (None, None) => None,
            _ => return Err("ice-ufrag and ice-pwd belong together"),
        };
        Ok(Fragment {
            credentials,
            ..self.fragment
        })
    }
}

/// Keeps the first value; others are those of bundled m-sections, and the same.
fn first(place: &mut Option<String>, value: &str, shortest: usize) -> Result<(), &'static str> {
    let is_ice_char = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if !(shortest..=256).contains(&value.len()) || !value.bytes().all(is_ice_char) {
        return Err("ice-ufrag or ice-pwd is none");
    }
    place.get_or_insert_with(|| value.to_owned());
    Ok(())
}

fn line_of(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(line);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        a=ice-options:trickle\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
        a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n\
        a=sendonly\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=bundle-only\r\n";

    fn restart() -> Fragment {
        Fragment {
            credentials: Some(Credentials {
                ufrag: "ysXw".into(),
                pwd: "vw5LmwG4y/e6dPP/zAP9Gp5k".into(),
            }),
            candidates: vec![Candidate {
                mid: Some("0".into()),
                attribute: "candidate:2 1 udp 1 192.0.2.2 5001 typ host".into(),
            }],
            complete: true,
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let fragment = restart();
        let text = fragment.write(OFFER);
        assert_eq!(Fragment::parse(&text), Ok(fragment));
        assert!(
            text.starts_with("a=group:BUNDLE 0 1\r\na=ice-options:trickle\r\nm=audio 9 "),
            "{text}"
        );
        assert!(
            !text.contains("m=video"),
            "bundle-only sections have no transport: {text}"
        );
    }

    #[test]
    fn a_restart_changes_what_ice_says_and_nothing_else() {
        let before = SessionDescription {
            sdp_type: SdpType::Offer,
            sdp: OFFER.to_owned(),
        };
        let after = restart().replace_in(&before, SdpType::Offer).sdp;
        assert_eq!(Fragment::of(&after).credentials, restart().credentials);
        assert_eq!(Fragment::of(&after).candidates, restart().candidates);
        let others = |text: &str| -> Vec<String> {
            let ice = |line: &&str| line.starts_with("a=ice-") || line.starts_with("a=candidate");
            text.lines()
                .filter(|line| !ice(line))
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(others(&after), others(OFFER));
    }

    #[test]
    fn a_description_with_more_than_a_fragment_may_have_keeps_its_credentials() {
        let candidate = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n";
        let many = OFFER.replace("a=sendonly", &candidate.repeat(CANDIDATES));
        let sections = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\n".repeat(SECTIONS);
        for (description, candidates) in [(many, CANDIDATES), (format!("{OFFER}{sections}"), 1)] {
            let said = Fragment::of(&description);
            assert_eq!(said.credentials, Fragment::of(OFFER).credentials);
            assert!(said.credentials.is_some());
            assert_eq!(said.candidates.len(), candidates);
        }
    }

    #[test]
    fn what_is_no_fragment_is_refused() {
        let candidate = "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\n";
        let many = format!("m=audio 9 X 0\r\n{}", candidate.repeat(CANDIDATES + 1));
        for text in [
            "",
            "hello",
            "v=0\r\n",
            "a=mid:0\r\n",
            candidate,
            "a=ice-ufrag:EsAw\r\n",
            "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
            "a=ice-ufrag:E\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
            "a=ice-ufrag:Es w\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
            &many,
            &"m=audio 9 X 0\r\n".repeat(SECTIONS + 1),
        ] {
            assert!(Fragment::parse(text).is_err(), "{text}");
        }
    }
}
