//! What the tests need from the system: found, installed when root, else named.

use crate::run::{Outcome, command, has, run};

/// A program and the Debian package that brings it.
pub(crate) struct Need {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

pub(crate) const COTURN: &[Need] = &[Need {
    program: "turnserver",
    package: "coturn",
}];

pub(crate) const VALGRIND: &[Need] = &[Need {
    program: "valgrind",
    package: "valgrind",
}];

const CHROMIUM: Need = Need {
    program: "chromium",
    package: "chromium",
};

pub(crate) const NODE: &[Need] = &[
    Need {
        program: "npm",
        package: "npm",
    },
    CHROMIUM,
];

pub(crate) const NETWORKS: &[Need] = &[
    Need {
        program: "ip",
        package: "iproute2",
    },
    Need {
        program: "nft",
        package: "nftables",
    },
    Need {
        program: "turnserver",
        package: "coturn",
    },
];

pub(crate) const BROWSERS: &[Need] = &[
    CHROMIUM,
    Need {
        program: "chromedriver",
        package: "chromium-driver",
    },
    Need {
        program: "firefox-esr",
        package: "firefox-esr",
    },
];

/// Makes the programs available, or says exactly what to install.
pub(crate) fn provide(needs: &[Need]) -> Outcome {
    let missing: Vec<&str> = needs
        .iter()
        .filter(|n| !has(n.program))
        .map(|n| n.package)
        .collect();
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

/// Network namespaces and low ports need root; so does apt-get.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}
