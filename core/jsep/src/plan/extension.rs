//! Header extensions of an m-section (RFC 8285).

use std::collections::BTreeMap;

use duologue_rtp::ext::uri;
use duologue_rtp::{ExtensionId, HeaderExtensionParameters, MediaKind};

use crate::blueprint::Extension;
use crate::{Capabilities, Direction, HeaderExtensionCapability, TransceiverIntent};

/// The ids of header extensions in one offer. RFC 8285 §5 and RFC 9143 §9.2: an id stands for one
/// extension in a BUNDLE group, and it cannot change while the session lasts.
#[derive(Debug, Default)]
pub(crate) struct ExtensionIds(BTreeMap<ExtensionId, String>);

/// One-byte headers carry ids up to 14; 15 is reserved (RFC 8285 §4.2), larger ones need two-byte
/// headers, which `a=extmap-allow-mixed` announces.
const ONE_BYTE: std::ops::RangeInclusive<u8> = 1..=14;
const TWO_BYTE: std::ops::RangeInclusive<u8> = 16..=255;

impl ExtensionIds {
    /// The ids that were ever given, whatever was rolled back since.
    pub(crate) fn new(known: &BTreeMap<String, ExtensionId>) -> Self {
        let mut ids = ExtensionIds::default();
        for (uri, id) in known {
            ids.0.entry(*id).or_insert_with(|| uri.clone());
        }
        ids
    }

    /// What a section's description says counts more than what was given once.
    pub(crate) fn reserve(&mut self, section: &[Extension]) {
        for extension in section {
            self.0
                .retain(|id, uri| *id == extension.id || *uri != extension.uri);
            self.0.insert(extension.id, extension.uri.clone());
        }
    }

    fn id(&mut self, uri: &str, before: &[Extension]) -> Option<ExtensionId> {
        if let Some(extension) = before.iter().find(|e| e.uri == uri) {
            return Some(extension.id);
        }
        let known = self.0.iter().find(|(_, known)| *known == uri);
        let id = known.map(|(id, _)| *id).or_else(|| {
            ONE_BYTE
                .chain(TWO_BYTE)
                .filter_map(ExtensionId::new)
                .find(|id| !self.0.contains_key(id) && before.iter().all(|e| e.id != *id))
        })?;
        self.0.insert(id, uri.to_owned());
        Some(id)
    }
}

/// The header extensions that a transceiver wants, with their directions.
fn wanted<'a>(
    capabilities: &'a Capabilities,
    transceiver: &'a TransceiverIntent,
) -> Vec<(&'a str, Direction)> {
    let kind: MediaKind = transceiver.kind;
    let list: Vec<&HeaderExtensionCapability> = match &transceiver.header_extensions {
        Some(list) => list.iter().collect(),
        None => capabilities.extensions(kind).collect(),
    };
    list.into_iter()
        .filter_map(|e| Some((e.uri.as_str(), e.direction?)))
        .collect()
}

/// Those that are taken when the other end offers them, though this end does not offer them by itself.
/// As in Chromium 156, which answers with more of what it does not offer: but the dependency descriptor
/// makes browsers send less in VP8's own header, so that an application has to ask for it.
fn taken<'a>(
    capabilities: &'a Capabilities,
    transceiver: &TransceiverIntent,
) -> impl Iterator<Item = (&'a str, Direction)> {
    let stopped = capabilities
        .extensions(transceiver.kind)
        .filter(|known| known.direction.is_none() && TAKEN.contains(&known.uri.as_str()));
    // The application has decided otherwise.
    let undecided = transceiver.header_extensions.is_none();
    let stopped = stopped.filter(move |_| undecided);
    stopped.map(|known| (known.uri.as_str(), Direction::SendRecv))
}

const TAKEN: [&str; 2] = [uri::ABS_CAPTURE_TIME, uri::VIDEO_LAYERS_ALLOCATION];

/// The `a=extmap` lines of an offered m-section; `before` are those of its last description.
pub(crate) fn offer(
    capabilities: &Capabilities,
    transceiver: &TransceiverIntent,
    before: &[Extension],
    ids: &mut ExtensionIds,
) -> Vec<Extension> {
    let mut lines = Vec::new();
    // As Chromium 156 offers it: where there are layers.
    let several = transceiver.sender.rids.len() > 1;
    let agreed = |(uri, _): &(&str, Direction)| {
        let told = several && *uri == uri::VIDEO_LAYERS_ALLOCATION;
        told || before.iter().any(|line| line.uri == *uri)
    };
    let again = taken(capabilities, transceiver).filter(agreed);
    for (uri, direction) in wanted(capabilities, transceiver).into_iter().chain(again) {
        if transceiver.extensions_not_taken.contains(uri) {
            continue;
        }
        if let Some(id) = ids.id(uri, before) {
            lines.push(Extension {
                id,
                uri: uri.to_owned(),
                direction,
            });
        }
    }
    lines.sort_by_key(|line| line.id);
    lines
}

/// The `a=extmap` lines of an answered m-section: those of the offer that are wanted here too,
/// under the offer's ids, in the directions that suit both.
pub(crate) fn answer(
    capabilities: &Capabilities,
    transceiver: &TransceiverIntent,
    offered: &[Extension],
) -> Vec<Extension> {
    let mut wanted = wanted(capabilities, transceiver);
    wanted.extend(taken(capabilities, transceiver));
    let mut lines: Vec<Extension> = Vec::new();
    for extension in offered {
        let Some((_, direction)) = wanted.iter().find(|(uri, _)| *uri == extension.uri) else {
            continue;
        };
        let direction = direction.intersection(extension.direction.reversed());
        if lines.iter().all(|line| line.uri != extension.uri) {
            lines.push(Extension {
                direction,
                ..extension.clone()
            });
        }
    }
    lines
}

/// What an answer agrees on, in the directions as this end sees them: extensions of packets that
/// are sent, and of packets that are received.
pub(crate) fn agree(
    ours: &[Extension],
    theirs: &[Extension],
) -> (
    Vec<HeaderExtensionParameters>,
    Vec<HeaderExtensionParameters>,
) {
    let (mut send, mut receive) = (Vec::new(), Vec::new());
    for (at, line) in ours.iter().enumerate() {
        if ours[..at].iter().any(|before| before.uri == line.uri) {
            continue;
        }
        let Some(other) = theirs.iter().find(|e| e.uri == line.uri) else {
            continue;
        };
        let direction = line.direction.intersection(other.direction.reversed());
        let parameters = HeaderExtensionParameters::new(other.id, &line.uri);
        if direction.sends() {
            send.push(parameters.clone());
        }
        if direction.receives() {
            receive.push(parameters);
        }
    }
    (send, receive)
}
