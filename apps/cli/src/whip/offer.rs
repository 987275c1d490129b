//! What WHIP and WHEP want of an offer (RFC 9725 §4.4), as far as the description says it.

use duologue::{MediaKind, TransceiverDirection};

use super::limits::PULLED_LAYERS;

/// One m-section of media.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Section {
    pub(super) kind: MediaKind,
    pub(super) direction: TransceiverDirection,
    /// The port is 0 and no other m-section has the transport: it is refused (RFC 3264 §6).
    pub(super) refused: bool,
    /// The streams of its `a=msid` lines.
    streams: Vec<String>,
    /// Simulcast layers that it sends (RFC 8853); 1 where there is no such thing.
    pub(super) layers: usize,
}

/// All m-sections of sound and pictures, in order.
pub(super) fn sections(sdp: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut of_media = false;
    for line in sdp.lines() {
        if let Some(media) = line.strip_prefix("m=") {
            let mut words = media.split(' ');
            let kind = match words.next() {
                Some("audio") => Some(MediaKind::Audio),
                Some("video") => Some(MediaKind::Video),
                _ => None,
            };
            of_media = kind.is_some();
            sections.extend(kind.map(|kind| Section {
                kind,
                direction: TransceiverDirection::Sendrecv,
                refused: words.next() == Some("0"),
                streams: Vec::new(),
                layers: 1,
            }));
            continue;
        }
        let Some(section) = sections.last_mut().filter(|_| of_media) else {
            continue;
        };
        match line {
            "a=sendonly" => section.direction = TransceiverDirection::Sendonly,
            "a=recvonly" => section.direction = TransceiverDirection::Recvonly,
            "a=inactive" => section.direction = TransceiverDirection::Inactive,
            "a=bundle-only" => section.refused = false,
            _ => {
                if let Some(simulcast) = line.strip_prefix("a=simulcast:") {
                    let mut words = simulcast.split(' ').skip_while(|word| *word != "send");
                    let list = words.nth(1).unwrap_or_default();
                    section.layers = list.split(';').count();
                }
                let msid = line.strip_prefix("a=msid:");
                let stream = msid.and_then(|msid| msid.split(' ').next());
                section
                    .streams
                    .extend(stream.filter(|id| *id != "-").map(str::to_owned));
            }
        }
    }
    sections
}

/// Which way media goes, seen from the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// WHIP
    Publish,
    /// WHEP
    Play,
}

impl Way {
    /// Where its endpoints are.
    pub(super) fn protocol(self) -> &'static str {
        match self {
            Way::Publish => "whip",
            Way::Play => "whep",
        }
    }
}

/// Who asks for a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Client {
    Viewer,
    /// For its own viewers, for whom it wants all layers: each as a track.
    Relay,
}

impl Client {
    /// How many tracks of pictures its offer may have.
    pub(super) fn pictures(self) -> usize {
        match self {
            Client::Viewer => 1,
            Client::Relay => PULLED_LAYERS,
        }
    }
}

/// Whether the offer is one for this protocol. So many tracks of pictures it may have: the RFC knows one.
///
/// # Errors
/// The clause that it does not keep.
pub(super) fn check(sections: &[Section], way: Way, pictures: usize) -> Result<(), &'static str> {
    if sections.is_empty() {
        return Err("the offer has no track");
    }
    // RFC 9725 §4.4.2: one stream, of at most one track of each kind.
    for (kind, most) in [(MediaKind::Audio, 1), (MediaKind::Video, pictures)] {
        let of_kind = sections.iter().filter(|section| section.kind == kind);
        if of_kind.count() > most {
            return Err("the offer has too many tracks of one kind");
        }
    }
    let mut streams: Vec<&String> = sections
        .iter()
        .flat_map(|section| &section.streams)
        .collect();
    streams.sort_unstable();
    streams.dedup();
    if way == Way::Publish && streams.len() > 1 {
        return Err("the offer has more than one MediaStream");
    }
    // RFC 9725 §4.2 and draft-ietf-wish-whep §4.3.
    let wrong = match way {
        Way::Publish => TransceiverDirection::Recvonly,
        Way::Play => TransceiverDirection::Sendonly,
    };
    let goes =
        |section: &Section| ![wrong, TransceiverDirection::Inactive].contains(&section.direction);
    match sections.iter().all(goes) {
        true => Ok(()),
        false => Err("an m-section of the offer goes the wrong way"),
    }
}

/// The answer with `a=rtcp-mux-only` where there is `a=rtcp-mux` (RFC 9725 §4.4.1): JSEP has it in offers alone.
pub(super) fn with_mux_only(sdp: &str) -> String {
    let mut text = String::with_capacity(sdp.len() + 64);
    let has = sdp.lines().any(|line| line == "a=rtcp-mux-only");
    for line in sdp.lines() {
        text.push_str(line);
        text.push_str("\r\n");
        if line == "a=rtcp-mux" && !has {
            text.push_str("a=rtcp-mux-only\r\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_whip_and_whep_are_kept_by_offers() {
        let offer = |sections: &[(&str, &str)]| -> Vec<Section> {
            let lines = sections
                .iter()
                .map(|(media, lines)| format!("m={media} 9 X 96\r\n{lines}"));
            super::sections(&lines.collect::<String>())
        };
        let good = offer(&[
            ("audio", "a=sendonly\r\na=msid:s t\r\n"),
            ("video", "a=msid:s u\r\n"),
        ]);
        assert_eq!(check(&good, Way::Publish, 1), Ok(()));
        let watch = offer(&[("audio", "a=recvonly\r\n"), ("video", "a=recvonly\r\n")]);
        assert_eq!(check(&watch, Way::Play, 1), Ok(()));

        assert!(check(&watch, Way::Publish, 1).is_err());
        assert!(check(&good, Way::Play, 1).is_err());
        assert!(check(&offer(&[("application", "")]), Way::Play, 1).is_err());
        let twice = offer(&[("video", "a=recvonly\r\n"), ("video", "a=recvonly\r\n")]);
        assert!(check(&twice, Way::Play, 1).is_err());
        // Another relay.
        assert_eq!(check(&twice, Way::Play, 2), Ok(()));
        let streams = offer(&[("audio", "a=msid:s t\r\n"), ("video", "a=msid:r u\r\n")]);
        assert!(check(&streams, Way::Publish, 1).is_err());
        assert!(check(&offer(&[("video", "a=inactive\r\n")]), Way::Publish, 1).is_err());
    }

    #[test]
    fn simulcast_layers_that_are_sent_are_counted() {
        let layers = |lines| sections(lines)[0].layers;
        assert_eq!(layers("m=video 9 X 96\r\n"), 1);
        assert_eq!(layers("m=video 9 X 96\r\na=simulcast:send l;m,n;~h\r\n"), 3);
        assert_eq!(
            layers("m=video 9 X 96\r\na=simulcast:recv a;b send l;h\r\n"),
            2
        );
        assert_eq!(layers("m=video 9 X 96\r\na=simulcast:recv a;b\r\n"), 1);
    }

    #[test]
    fn a_section_without_a_port_is_refused_unless_it_is_bundle_only() {
        let refused = |sdp| sections(sdp)[0].refused;
        assert!(refused("m=video 0 X 96\r\n"));
        assert!(!refused("m=video 0 X 96\r\na=bundle-only\r\n"));
        assert!(!refused("m=video 9 X 96\r\n"));
    }
}
