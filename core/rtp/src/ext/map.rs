use std::fmt;

use super::ExtensionKind;
use crate::ExtensionId;

/// Which id stands for which header extension on one transport or in one m-section, as `a=extmap`
/// agreed on it.
///
/// ```
/// use duologue_rtp::ExtensionId;
/// use duologue_rtp::ext::{ExtensionKind, ExtensionMap, uri};
///
/// let agreed = [(4, uri::MID), (3, uri::TRANSPORT_SEQUENCE), (9, "urn:example:unknown")];
/// let map = ExtensionMap::of(agreed.map(|(id, uri)| (ExtensionId::new(id).unwrap(), uri)), false);
/// assert_eq!(map.kind(4), Some(ExtensionKind::Mid));
/// assert_eq!(map.id(ExtensionKind::TransportSequence).map(ExtensionId::get), Some(3));
/// assert_eq!(map.kind(9), None);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct ExtensionMap {
    kinds: [Option<ExtensionKind>; 256],
    ids: [Option<ExtensionId>; ExtensionKind::ALL.len()],
    mixed: bool,
}

impl ExtensionMap {
    /// The map of these ids and URIs, of which those that are not known are left out. `mixed` says
    /// that `a=extmap-allow-mixed` was agreed on: two-byte elements may be sent (RFC 8285 §6).
    pub fn of<'a>(agreed: impl IntoIterator<Item = (ExtensionId, &'a str)>, mixed: bool) -> Self {
        let mut map = ExtensionMap {
            mixed,
            ..Default::default()
        };
        for (id, uri) in agreed {
            if let Some(kind) = ExtensionKind::from_uri(uri) {
                map.insert(id, kind);
            }
        }
        map
    }

    /// Gives the id this meaning; what either had before is gone.
    pub fn insert(&mut self, id: ExtensionId, kind: ExtensionKind) {
        if let Some(old) = self.ids[kind as usize].replace(id) {
            self.kinds[usize::from(old.get())] = None;
        }
        if let Some(old) = self.kinds[usize::from(id.get())].replace(kind) {
            self.ids[old as usize] = None;
        }
        self.ids[kind as usize] = Some(id);
    }

    /// What an id on the wire stands for.
    #[inline]
    pub fn kind(&self, id: u8) -> Option<ExtensionKind> {
        self.kinds[usize::from(id)]
    }

    /// The id that was agreed on.
    #[inline]
    pub fn id(&self, kind: ExtensionKind) -> Option<ExtensionId> {
        self.ids[kind as usize]
    }

    /// Two-byte elements may be sent where one-byte ones do not do.
    pub fn allows_mixed(&self) -> bool {
        self.mixed
    }

    /// Every known extension, from id 1 on. Only with `mixed` are all of use.
    #[cfg(test)]
    pub(crate) fn all(mixed: bool) -> Self {
        let mut map = ExtensionMap {
            mixed,
            ..Default::default()
        };
        for (id, kind) in (1..).zip(ExtensionKind::ALL.into_iter().rev()) {
            map.insert(ExtensionId::new(id).unwrap(), kind);
        }
        map
    }
}

impl Default for ExtensionMap {
    /// Nothing was agreed on.
    fn default() -> Self {
        ExtensionMap {
            kinds: [None; 256],
            ids: [None; ExtensionKind::ALL.len()],
            mixed: false,
        }
    }
}

impl fmt::Debug for ExtensionMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = ExtensionKind::ALL.into_iter();
        let agreed = known.filter_map(|kind| Some((self.id(kind)?.get(), kind)));
        f.debug_map().entries(agreed).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_meaning_and_a_meaning_one_id() {
        let id = |n| ExtensionId::new(n).unwrap();
        let mut map = ExtensionMap::default();
        map.insert(id(1), ExtensionKind::Mid);
        map.insert(id(1), ExtensionKind::Rid);
        assert_eq!(map.id(ExtensionKind::Mid), None);
        assert_eq!(map.kind(1), Some(ExtensionKind::Rid));

        map.insert(id(2), ExtensionKind::Rid);
        assert_eq!(map.kind(1), None);
        assert_eq!(map.id(ExtensionKind::Rid), Some(id(2)));

        map.insert(id(2), ExtensionKind::Rid);
        assert_eq!(map.kind(2), Some(ExtensionKind::Rid));
        assert_eq!(map.id(ExtensionKind::Rid), Some(id(2)));
    }
}
