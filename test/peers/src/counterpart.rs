//! The counterparts and what is known of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outcome::{Found, Offerer, Outcome, What};

/// Another WebRTC stack.
#[derive(Debug)]
pub(crate) struct Counterpart {
    /// What it is called where it comes from
    pub(crate) name: &'static str,
    /// Said in the table
    pub(crate) note: &'static str,
    program: Program,
    /// Whether it is part of every run of the tests.
    pub(crate) quick: bool,
    /// The part of the table that is known to be lacking there, which it shows itself.
    lacks: &'static [(What, Offerer)],
    /// What video is in.
    pub(crate) codecs: Codecs,
    /// Whether both ends set up SCTP by their descriptions (draft-hancke-tsvwg-snap).
    pub(crate) snap: bool,
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

/// In which codec video is offered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codecs {
    pub(crate) ours: &'static str,
    pub(crate) theirs: &'static str,
}

const VP8: Codecs = Codecs {
    ours: "VP8",
    theirs: "VP8",
};

/// No layers at all.
const NO_SIMULCAST: [(What, Offerer); 2] = [
    (What::Simulcast, Offerer::We),
    (What::Simulcast, Offerer::They),
];

/// Neither that nor ICE restarts.
const NO_SIMULCAST_NO_RESTART: [(What, Offerer); 4] = [
    NO_SIMULCAST[0],
    NO_SIMULCAST[1],
    (What::Restart, Offerer::We),
    (What::Restart, Offerer::They),
];

/// All of them.
pub(crate) const ALL: &[Counterpart] = &[
    Counterpart {
        name: "@roamhq/wrtc",
        note: "",
        program: Program::Node("wrtc.mjs"),
        quick: true,
        lacks: &[(What::Simulcast, Offerer::We)],
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "node-datachannel",
        note: "its candidates are told once it has our description, before which its DTLS may begin and fail \
            (`findings/libdatachannel-begins-dtls-before-it-has-the-fingerprint.sh`)",
        program: Program::Node("node-datachannel.mjs"),
        quick: true,
        lacks: &NO_SIMULCAST_NO_RESTART,
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "werift",
        note: "",
        program: Program::Node("werift.mjs"),
        quick: true,
        lacks: &[(What::Simulcast, Offerer::They)],
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: false,
    },
    Counterpart {
        name: "aiortc",
        note: "",
        program: Program::Python("aiortc_counterpart.py"),
        quick: true,
        lacks: &NO_SIMULCAST_NO_RESTART,
        codecs: Codecs {
            ours: "H264",
            theirs: "VP8",
        },
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "GStreamer webrtcbin",
        note: "its own certificate, with an RSA key",
        program: Program::DebiansPython("webrtcbin.py"),
        quick: true,
        lacks: &NO_SIMULCAST_NO_RESTART,
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: false,
    },
    Counterpart {
        name: "Pion webrtc",
        note: "",
        program: Program::Built("pion"),
        quick: true,
        lacks: &[],
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "webrtc-rs",
        note: "",
        program: Program::Built("rust/debug/webrtc-rs"),
        quick: false,
        lacks: &[],
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "str0m",
        note: "",
        program: Program::Built("rust/debug/str0m"),
        quick: false,
        lacks: &[],
        codecs: VP8,
        snap: false,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "str0m, SNAP",
        note: "both ends with SCTP set up by the descriptions (draft-hancke-tsvwg-snap)",
        program: Program::Built("rust/debug/str0m"),
        quick: false,
        lacks: &[],
        codecs: VP8,
        snap: true,
        is_janus: false,
        says_goodbye: true,
    },
    Counterpart {
        name: "Janus",
        note: "textroom offers, echotest answers; the video room has what it lacks",
        program: Program::Node("janus.mjs"),
        quick: true,
        lacks: &[(What::Simulcast, Offerer::They)],
        codecs: VP8,
        snap: false,
        is_janus: true,
        says_goodbye: true,
    },
];

impl Counterpart {
    /// What works where it was known to be lacking, or the reverse, is a failure: the list is to be mended.
    pub(crate) fn expects(&self, what: What, offerer: Offerer, found: Found) -> Outcome {
        let lacking = self.lacks.contains(&(what, offerer));
        match found {
            Found::Works(_) if lacking => Err(format!("it was known to lack that, and {found}")),
            Found::Lacks(_) if !lacking => Err(found.to_string()),
            found => Ok(found),
        }
    }

    pub(crate) fn command(&self) -> Result<Command, String> {
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
        if self.snap {
            command.arg("snap");
        }
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
