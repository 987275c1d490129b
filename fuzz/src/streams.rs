use duologue_ice::{Deframer, Framing};

use crate::memory;

/// What a stream brings, and into which pieces the network cuts it.
#[derive(Clone, Debug, arbitrary::Arbitrary)]
pub struct StreamScenario {
    between_agents: bool,
    pieces: Vec<u8>,
    bytes: Vec<u8>,
}

/// A stream holds the same messages, and ends at the same place, however it is cut.
pub fn stream(scenario: StreamScenario) {
    let _bound = memory::at_most_kib(256);
    let framing = match scenario.between_agents {
        true => Framing::Length,
        false => Framing::Stun,
    };
    let whole = messages(framing, [&scenario.bytes[..]].into_iter());
    let mut rest = &scenario.bytes[..];
    let mut pieces: Vec<&[u8]> = Vec::new();
    for len in &scenario.pieces {
        let (piece, later) = rest.split_at(usize::from(*len).min(rest.len()));
        pieces.push(piece);
        rest = later;
    }
    pieces.push(rest);
    assert_eq!(messages(framing, pieces.into_iter()), whole);
}

/// The messages, and whether the stream was one to its end.
fn messages<'a>(framing: Framing, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let mut deframer = Deframer::new(framing);
    let mut taken = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let fed = deframer.feed(&mut piece, |message| taken.push(message.to_vec()));
        if fed.is_err() {
            return (taken, false);
        }
    }
    (taken, true)
}
