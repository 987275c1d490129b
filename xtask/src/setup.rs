//! What the tests need from the system: found, installed when root, else named.

use std::path::Path;

use crate::run::{Outcome, command, has, run};

/// A program, or a file by its whole path, and the Debian package that brings it.
pub(crate) struct Need {
    pub(crate) at: &'static str,
    pub(crate) package: &'static str,
}

pub(crate) const COTURN: &[Need] = &[need("turnserver", "coturn")];

pub(crate) const NATS: &[Need] = &[need("nats-server", "nats-server")];

pub(crate) const FFMPEG: &[Need] = &[need("ffmpeg", "ffmpeg")];

/// Debian's names of the libraries that `codec/system` looks for, by what tells that they are installed.
pub(crate) const CODECS: &[Need] = &[
    need("/usr/share/doc/libopus0", "libopus0"),
    need("/usr/share/doc/libvpx7", "libvpx7"),
    need("/usr/share/doc/libopenh264-7", "libopenh264-7"),
    need("/usr/share/doc/libaom3", "libaom3"),
    need("/usr/share/doc/libdav1d6", "libdav1d6"),
];

/// The encoder programs of the same libraries.
pub(crate) const ENCODERS: &[Need] = &[need("vpxenc", "vpx-tools"), need("aomenc", "aom-tools")];

pub(crate) const DTLS: &[Need] = &[
    need("openssl", "openssl"),
    need("gnutls-cli", "gnutls-bin"),
    need("/usr/share/doc/libwolfssl-dev", "libwolfssl-dev"),
];

pub(crate) const VALGRIND: &[Need] = &[need("valgrind", "valgrind")];

pub(crate) const NODE: &[Need] = &[
    need("npm", "npm"),
    need("chromium", "chromium"),
    need("firefox-esr", "firefox-esr"),
];

pub(crate) const NETWORKS: &[Need] = &[
    need("ip", "iproute2"),
    need("nft", "nftables"),
    need("turnserver", "coturn"),
];

pub(crate) const BROWSERS: &[Need] = &[
    need("chromium", "chromium"),
    need("chromedriver", "chromium-driver"),
    need("firefox-esr", "firefox-esr"),
    need("ffmpeg", "ffmpeg"),
];

pub(crate) const fn need(at: &'static str, package: &'static str) -> Need {
    Need { at, package }
}

/// Makes them available, or says exactly what to install.
pub(crate) fn provide(needs: &[Need]) -> Outcome {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    if !has("apt-get") || !is_root() {
        let list = missing.join(" ");
        return Err(format!(
            "the tests need {list}; on Debian: apt-get install {list}"
        ));
    }
    run(command("apt-get", ["update", "-qq"]))?;
    let mut install = command(
        "apt-get",
        ["install", "-y", "-qq", "--no-install-recommends"],
    );
    install
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(install)
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    let there = |need: &&Need| match need.at.starts_with('/') {
        true => Path::new(need.at).exists(),
        false => has(need.at),
    };
    let absent = needs.iter().filter(|need| !there(need));
    absent.map(|need| need.package).collect()
}

/// Network namespaces and low ports need root; so does apt-get.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}
