//! Offers, answers and what applying them makes of an agreement: pure functions, one procedure
//! of RFC 9429 §5 per file.

pub(crate) mod answer;
pub(crate) mod apply;
pub(crate) mod associate;
pub(crate) mod bundle;
pub(crate) mod codec;
pub(crate) mod dtls_role;
pub(crate) mod extension;
pub(crate) mod modify;
pub(crate) mod offer;
pub(crate) mod simulcast;
pub(crate) mod transport;
pub(crate) mod verify;

use std::hash::{DefaultHasher, Hash, Hasher};

use duologue_base::TransceiverId;
use duologue_sdp::Origin;

use crate::blueprint::{self, Blueprint};
use crate::{Draft, Ids, SdpType};

/// Writes a planned description. Its version grows by one when it differs from the last one that
/// was created, be that applied, rolled back or forgotten (RFC 9429 §5.2.2).
fn draft(
    ty: SdpType,
    blueprint: &Blueprint,
    transceivers: Vec<Option<TransceiverId>>,
    ids: &mut Ids,
) -> Draft {
    let numbers = &mut ids.origin;
    let mut description =
        blueprint::write(blueprint, Origin::new(numbers.session_id, numbers.version));
    let mut sdp = description.to_string();
    let changed = numbers.last.is_some_and(|last| last != hash(&sdp));
    if changed {
        numbers.version += 1;
        description.set_origin(Origin::new(numbers.session_id, numbers.version));
        sdp = description.to_string();
    }
    numbers.last = Some(hash(&sdp));
    Draft {
        ty,
        sdp,
        transceivers,
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
