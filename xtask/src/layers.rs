//! The invariants of ARCHITECTURE.md that a build does not enforce by itself: which crate may
//! depend on which, and which third-party crate stays behind which adapter.

use serde_json::Value;

use crate::run::{Outcome, cargo, output};

/// Lowest first: a crate's ordinary dependencies are all below it.
const ORDER: &[&str] = &[
    "duologue-base",
    "duologue-rtp",
    "duologue-sdp",
    "duologue-stun",
    "duologue-identity",
    "duologue-mdns",
    "duologue-ice",
    "duologue-dtls",
    "duologue-sctp",
    "duologue-datachannel",
    "duologue-srtp",
    "duologue-sframe",
    "duologue-media",
    "duologue-playout",
    "duologue-jsep",
    "duologue-session",
    "duologue-peer",
    "duologue-udp",
    "duologue-tokio",
    "duologue-files",
    "duologue-codec",
    "duologue-devices",
    "duologue-g7xx",
    "duologue-safe",
    "duologue-system",
    "duologue-raw",
    "duologue",
];

/// Pairs that must not meet even though the order would allow it, with the reason.
const APART: &[(&str, &str, &str)] = &[
    ("duologue-jsep", "duologue-ice", "jsep knows no packet"),
    ("duologue-jsep", "duologue-sctp", "jsep knows no packet"),
    ("duologue-jsep", "duologue-dtls", "jsep knows no packet"),
    ("duologue-ice", "duologue-sdp", "ice knows no SDP"),
    ("duologue-session", "duologue-sdp", "session knows no SDP"),
    ("duologue-session", "duologue-jsep", "session knows no SDP"),
    (
        "duologue-playout",
        "duologue-media",
        "playout knows no packet on the wire",
    ),
];

/// A third-party crate and the only crates that may name it.
const ADAPTERS: &[(&str, &[&str])] = &[
    ("pcap-file", &["duologue-tokio"]),
    ("rcgen", &["duologue-identity"]),
    ("quinn-udp", &["duologue-udp"]),
    ("if-addrs", &["duologue-udp"]),
    ("rustls", &["duologue-tokio", "duologue-cli"]),
    ("tokio-rustls", &["duologue-tokio", "duologue-cli"]),
    (
        "rustls-platform-verifier",
        &["duologue-tokio", "duologue-cli"],
    ),
    ("netlink-sys", &["duologue-udp"]),
    ("nix", &["duologue-udp"]),
    ("libloading", &["duologue-system"]),
    ("oxideav-vp8", &["duologue-safe"]),
    ("ropus", &["duologue-safe"]),
    ("fast_image_resize", &["duologue-codec"]),
    ("rubato", &["duologue-codec"]),
    ("yuv", &["duologue-codec"]),
    ("simple-dns", &["duologue-mdns"]),
    ("cpal", &["duologue-devices"]),
    ("hound", &["duologue-devices"]),
    ("linuxvideo", &["duologue-devices"]),
    ("png", &["duologue-devices"]),
    ("y4m", &["duologue-devices"]),
    ("zune-jpeg", &["duologue-devices"]),
    ("ogg", &["duologue-files"]),
    ("shiguredo_mp4", &["duologue-files"]),
];

/// Fails with every edge that the architecture forbids.
pub(crate) fn check() -> Outcome {
    let text = output(cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let wrong: Vec<String> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|package| {
            let name = package["name"].as_str().unwrap_or_default();
            dependencies(package)
                .filter_map(|on| forbidden(name, on))
                .collect::<Vec<_>>()
        })
        .collect();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}

fn dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|d| d["kind"].is_null())
        .filter_map(|d| d["name"].as_str())
}

fn forbidden(name: &str, on: &str) -> Option<String> {
    let rank = |n: &str| ORDER.iter().position(|o| *o == n);
    if let (Some(this), Some(other)) = (rank(name), rank(on))
        && other >= this
    {
        return Some(format!(
            "{name} may not depend on {on}: dependencies only point down"
        ));
    }
    if let Some((_, _, why)) = APART.iter().find(|(a, b, _)| *a == name && *b == on) {
        return Some(format!("{name} may not depend on {on}: {why}"));
    }
    let (_, owners) = ADAPTERS.iter().find(|(crate_, _)| *crate_ == on)?;
    let ours = rank(name).is_some() && !owners.contains(&name);
    ours.then(|| {
        format!(
            "{name} may not depend on {on}: it stays behind {}",
            owners.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_that_points_up_or_across_is_forbidden() {
        assert!(forbidden("duologue-ice", "duologue-session").is_some());
        assert!(forbidden("duologue-jsep", "duologue-ice").is_some());
        assert!(forbidden("duologue-ice", "duologue-sdp").is_some());
        assert!(forbidden("duologue-session", "duologue-sdp").is_some());
        assert!(forbidden("duologue-session", "rcgen").is_some());
        assert!(forbidden("duologue-session", "duologue-ice").is_none());
        assert!(forbidden("duologue-identity", "rcgen").is_none());
    }
}
