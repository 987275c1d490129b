//! What changes of a connection that goes on: its ICE credentials, and what it carries.

use duologue::MediaKind;
use serde_json::json;

use crate::cells::FIRST;
use crate::data;
use crate::media;
use crate::outcome::{Found, Offerer, Outcome};
use crate::pair::Pair;
use crate::pattern::MESSAGE;

/// New credentials at both ends and a pair of them in use, or a counterpart that lets the old ones be; data
/// flows on in any case.
pub(crate) async fn restart(pair: &mut Pair, offerer: Offerer) -> Outcome {
    let before = ufrags(pair);
    let known = pair.seen.descriptions;
    match offerer {
        Offerer::We => {
            pair.pc.restart_ice();
            pair.offer().await?;
        }
        Offerer::They => {
            pair.tell(json!({ "do": "offer", "media": [], "channel": null, "restart": true }))?;
        }
    }
    pair.until("answer to the restart", |pair| {
        let answered = pair.seen.descriptions > known && pair.is_stable();
        answered || pair.seen.cannot.is_some() || pair.seen.refused.is_some()
    })
    .await?;
    let refused = pair.seen.refused.take();
    if refused.is_some() {
        pair.roll_back().await?;
    }

    let after = ufrags(pair);
    if after[1] != before[1] {
        on_new_pair(pair, after[0].as_deref()).await?;
    }
    data::exchange_bytes(pair, FIRST, 4 * MESSAGE).await?;
    Ok(match refused {
        Some(why) => Found::Lacks(format!("it refuses the offer ({why}); data flows on")),
        None if after[1] == before[1] => {
            Found::Lacks("it answers with its old credentials; data flows on".to_owned())
        }
        None => Found::Works("64 KiB each way on the new pair".to_owned()),
    })
}

/// The selected pair is one of the new credentials.
pub(crate) async fn on_new_pair(pair: &mut Pair, ufrag: Option<&str>) -> Result<(), String> {
    let new = format!(" ufrag {}", ufrag.unwrap_or_default());
    pair.until("pair of the new generation", |pair| {
        pair.is_connected() && pair.selected().is_some_and(|[ours, _]| ours.contains(&new))
    })
    .await
}

/// The first user name fragment of each end's description: ours, theirs.
pub(crate) fn ufrags(pair: &Pair) -> [Option<String>; 2] {
    let descriptions = [pair.pc.local_description(), pair.pc.remote_description()];
    descriptions.map(|description| {
        let sdp = description?.sdp;
        let line = sdp.lines().find_map(|l| l.strip_prefix("a=ice-ufrag:"));
        line.map(str::to_owned)
    })
}

/// Who offered adds sound and pictures, and offers again.
pub(crate) async fn renegotiate(pair: &mut Pair, offerer: Offerer) -> Outcome {
    let counted = match media::flows(pair, offerer, &[MediaKind::Audio, MediaKind::Video]).await? {
        Found::Works(counted) => counted,
        lacks @ Found::Lacks(_) => return Ok(lacks),
    };
    data::exchange_bytes(pair, FIRST, MESSAGE).await?;
    Ok(Found::Works(format!(
        "{counted}; 16 KiB of data each way after it"
    )))
}
