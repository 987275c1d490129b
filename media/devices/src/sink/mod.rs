//! Where pictures and sound go that are not sent: a source is a sink's counterpart.

mod png;
mod wav;
mod y4m;

use std::io;

use duologue_codec::CodecError;

pub use self::png::write_png;
pub use self::wav::WavWriter;
pub use self::y4m::Y4mWriter;

fn unlikely(error: CodecError) -> io::Error {
    io::Error::other(error)
}
