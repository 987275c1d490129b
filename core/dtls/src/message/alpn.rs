//! What the association is for (RFC 7301), by the labels of RFC 8833.

use super::extension::{self, Extensions};
use crate::wire::{Reader, only_vec16, put_vec};
use crate::{Alert, Confidentiality, DtlsError};

/// Media and data, as browsers have them (RFC 8833 §3).
const WEBRTC: &[u8] = b"webrtc";

/// The same, and both ends keep the media from applications.
const CONFIDENTIAL: &[u8] = b"c-webrtc";

/// What a client that offers labels is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocol {
    WebRtc,
    Confidential,
}

impl Protocol {
    fn label(self) -> &'static [u8] {
        match self {
            Protocol::WebRtc => WEBRTC,
            Protocol::Confidential => CONFIDENTIAL,
        }
    }

    /// What an end with this wish offers and takes, the most wanted first.
    fn of(confidentiality: Confidentiality) -> &'static [Protocol] {
        match confidentiality {
            Confidentiality::Accepted => &[Protocol::WebRtc, Protocol::Confidential],
            Confidentiality::Required => &[Protocol::Confidential],
        }
    }

    /// As a server: none where the client offers no labels.
    pub(crate) fn choose(
        extensions: &Extensions<'_>,
        confidentiality: Option<Confidentiality>,
    ) -> Result<Option<Protocol>, DtlsError> {
        let offered = extensions.get(extension::ALPN).zip(confidentiality);
        let Some((body, confidentiality)) = offered else {
            return Ok(None);
        };
        let labels = read(body).ok_or(DtlsError::misbehaved(Alert::DECODE_ERROR))?;
        let mut wanted = Protocol::of(confidentiality).iter();
        let chosen = wanted.find(|protocol| labels.clone().any(|it| it == protocol.label()));
        // RFC 7301 §3.2.
        let none = DtlsError::incompatible(Alert::NO_APPLICATION_PROTOCOL);
        chosen.copied().map(Some).ok_or(none)
    }

    /// As a client: what the server chose of what was offered; `None` if that makes no sense.
    pub(crate) fn chosen(
        extensions: &Extensions<'_>,
        confidentiality: Option<Confidentiality>,
    ) -> Option<Option<Protocol>> {
        let Some(body) = extensions.get(extension::ALPN) else {
            return Some(None);
        };
        // RFC 7301 §3.1: exactly one.
        let mut labels = read(body)?;
        let label = labels.next()?;
        if labels.next().is_some() {
            return None;
        }
        let mut offered = Protocol::of(confidentiality?).iter();
        let chosen = offered.find(|protocol| protocol.label() == label)?;
        Some(Some(*chosen))
    }

    /// As a server.
    pub(crate) fn put(out: &mut Vec<u8>, chosen: Option<Protocol>) {
        if let Some(protocol) = chosen {
            put(out, &[protocol]);
        }
    }

    /// As a client.
    pub(crate) fn put_offer(out: &mut Vec<u8>, confidentiality: Option<Confidentiality>) {
        if let Some(confidentiality) = confidentiality {
            put(out, Protocol::of(confidentiality));
        }
    }
}

/// RFC 7301 §3.1: labels, none of them empty. They stay in the message, which may have thousands.
fn read(body: &[u8]) -> Option<impl Iterator<Item = &[u8]> + Clone> {
    fn labels(mut list: Reader<'_>) -> impl Iterator<Item = &[u8]> + Clone {
        std::iter::from_fn(move || list.vec8().filter(|label| !label.is_empty()))
    }
    let list = only_vec16(body)?;
    let bytes: usize = labels(Reader::new(list)).map(|label| 1 + label.len()).sum();
    (bytes > 0 && bytes == list.len()).then(|| labels(Reader::new(list)))
}

fn put(out: &mut Vec<u8>, protocols: &[Protocol]) {
    extension::put(out, extension::ALPN, |out| {
        put_vec(out, 2, |out| {
            for protocol in protocols {
                put_vec(out, 1, |out| out.extend_from_slice(protocol.label()));
            }
        });
    });
}
