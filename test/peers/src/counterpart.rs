//! The counterparts and what is known of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Another WebRTC stack.
#[derive(Debug)]
pub struct Counterpart {
    /// What it is called where it comes from
    pub name: &'static str,
    /// Said in the table
    pub note: &'static str,
    program: Program,
    /// What becomes of an ICE restart that we offer, and of one that they are to offer.
    pub(crate) restarts: Restarts,
    /// A server that does not report what came: what it does with it is to be seen.
    pub(crate) is_janus: bool,
    /// Whether its end of a connection is told, and not only to be guessed from silence.
    pub(crate) says_goodbye: bool,
}

/// How it is run: with which interpreter, and from where.
#[derive(Clone, Copy, Debug)]
enum Program {
    /// A script of `counterparts/` for Node, on packages of npm
    Node(&'static str),
    /// A script of `counterparts/` for Python, on packages of PyPI
    Python(&'static str),
    /// A script of `counterparts/` for Debian's Python, which has Debian's bindings
    DebiansPython(&'static str),
    /// A program that was built
    Built(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Restarts {
    pub(crate) ours: Restart,
    pub(crate) theirs: Restart,
}

/// What becomes of an ICE restart. In each case the connection goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Restart {
    /// Both ends have new credentials, and the selected pair is one of theirs.
    Done,
    /// They answer with their old credentials.
    Ignored,
    /// They do not take the offer, which is rolled back.
    Refused,
    /// Their API has none.
    Impossible,
}

const RESTARTS: Restarts = Restarts {
    ours: Restart::Done,
    theirs: Restart::Done,
};

const NO_RESTARTS: Restarts = Restarts {
    ours: Restart::Ignored,
    theirs: Restart::Impossible,
};

/// All of them.
pub const ALL: &[Counterpart] = &[
    Counterpart {
        name: "@roamhq/wrtc",
        note: "",
        program: Program::Node("wrtc.mjs"),
        restarts: RESTARTS,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "node-datachannel",
        note: "",
        program: Program::Node("node-datachannel.mjs"),
        restarts: Restarts {
            ours: Restart::Refused,
            theirs: Restart::Impossible,
        },
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "werift",
        note: "",
        program: Program::Node("werift.mjs"),
        restarts: RESTARTS,
        is_janus: false,
        says_goodbye: false,
    },
    Counterpart {
        name: "aiortc",
        note: "",
        program: Program::Python("aiortc_counterpart.py"),
        restarts: NO_RESTARTS,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "GStreamer webrtcbin",
        note: "its own certificate, with an RSA key",
        program: Program::DebiansPython("webrtcbin.py"),
        restarts: NO_RESTARTS,
        is_janus: false,
        says_goodbye: false,
    },
    Counterpart {
        name: "Pion webrtc",
        note: "",
        program: Program::Built("pion"),
        restarts: RESTARTS,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "Janus",
        note: "textroom offers, streaming offers media (data one way), echotest answers",
        program: Program::Node("janus.mjs"),
        restarts: RESTARTS,
        is_janus: true,
        says_goodbye: true,
    },
];

impl Counterpart {
    pub(crate) async fn command(&self) -> Result<Command, String> {
        let installed = std::env::var_os(INSTALLED)
            .map(PathBuf::from)
            .ok_or("nothing is installed: cargo xtask test peers")?;
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("counterparts");
        let mut command = match self.program {
            Program::Node(script) => with_script("node".as_ref(), &scripts.join(script)),
            Program::Python(script) => {
                with_script(&installed.join("venv/bin/python"), &scripts.join(script))
            }
            Program::DebiansPython(script) => {
                with_script("/usr/bin/python3".as_ref(), &scripts.join(script))
            }
            Program::Built(name) => Command::new(installed.join(name)),
        };
        // What Python compiles would lie beside the scripts.
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command.env(INSTALLED, installed);
        Ok(command)
    }
}

fn with_script(interpreter: &Path, script: &Path) -> Command {
    let mut command = Command::new(interpreter);
    command.arg(script);
    command
}

/// Where `cargo xtask test peers` put what it installed.
const INSTALLED: &str = "DUOLOGUE_PEERS";
