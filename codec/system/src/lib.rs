//! Codecs of the system's libraries, found at run time by their names, without headers: libopus,
//! libvpx (VP8, VP9), OpenH264 (H.264), libaom (AV1, encoding) and dav1d (AV1, decoding). Nothing is
//! linked: a program that was built on a machine without them uses them where they are, and runs
//! where they are not.
//!
//! A library counts as there when its version is one whose structures are known (they are tables of
//! offsets here), when it fills them as they say and writes nothing beyond, and when a picture of 64
//! times 64 pixels, or a tone, comes out of it as it went in. Anything else means that it is not there.
//! Each is loaded once, on first use, and stays.
//!
//! ```
//! let codecs = duologue_system::codecs();
//! for library in duologue_system::libraries() {
//!     match &library.found {
//!         Ok(version) => println!("{} {version}", library.name),
//!         Err(why) => println!("{}: {why}; Debian has it in {}", library.name, library.package),
//!     }
//! }
//! # let _ = codecs;
//! ```
//!
//! `DUOLOGUE_CODECS=none` in the environment means that none is looked for.
#![allow(
    unsafe_code,
    reason = "C libraries that are loaded at run time; each block says why it is sound"
)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod aom;
mod check;
mod dav1d;
mod image;
mod layers;
mod load;
mod openh264;
mod opus;
mod record;
mod vpx;

use std::env;
use std::sync::OnceLock;

use duologue_codec::CodecSet;

pub use load::Missing;

/// A library that may be on the machine: what it is for, and whether it is there.
#[derive(Clone, Debug)]
pub struct Library {
    /// What its project calls it.
    pub name: &'static str,
    /// What is encoded and decoded with it.
    pub purpose: &'static str,
    /// The Debian package that brings it.
    pub package: &'static str,
    /// The version of the library, or why it is not used.
    pub found: Result<String, Missing>,
}

/// What is there, in the order in which it is preferred. The first call looks for it, which takes
/// about a tenth of a second.
pub fn codecs() -> CodecSet {
    static CODECS: OnceLock<CodecSet> = OnceLock::new();
    let find = || {
        let mut set = CodecSet::new();
        if !turned_off() {
            opus::add_to(&mut set);
            vpx::add_to(&mut set);
            openh264::add_to(&mut set);
            dav1d::add_to(&mut set);
            aom::add_to(&mut set);
        }
        set
    };
    CODECS.get_or_init(find).clone()
}

/// All libraries that are looked for, and what was found.
pub fn libraries() -> Vec<Library> {
    type Version = fn() -> Result<String, Missing>;
    let known: [(_, _, _, Version); 5] = [
        ("libopus", "Opus", "libopus0", opus::version),
        ("libvpx", "VP8 and VP9", "libvpx7", vpx::version),
        ("OpenH264", "H.264", "libopenh264-7", openh264::version),
        ("dav1d", "decoding AV1", "libdav1d6", dav1d::version),
        ("libaom", "encoding AV1", "libaom3", aom::version),
    ];
    let known = known.into_iter();
    known
        .map(|(name, purpose, package, version)| Library {
            name,
            purpose,
            package,
            found: match turned_off() {
                true => Err(Missing::TurnedOff),
                false => version(),
            },
        })
        .collect()
}

fn turned_off() -> bool {
    env::var_os("DUOLOGUE_CODECS").is_some_and(|value| value == "none")
}
