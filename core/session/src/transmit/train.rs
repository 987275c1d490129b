use duologue_base::{Dscp, Transmit};
use duologue_ice as ice;

use super::single;
use crate::limits::TRAIN_BYTES;

/// Datagrams of one size and one mark that lie behind one another and go one way: what leaves with one
/// system call (UDP GSO).
pub(super) struct Train<'a> {
    route: &'a ice::Route,
    out: &'a mut Vec<u8>,
    /// Bytes of each datagram but the last.
    segment: usize,
    /// The mark of all of them.
    dscp: Dscp,
    datagrams: usize,
    /// Bytes of the datagrams, what the path puts around them left out.
    carried: usize,
    /// A shorter datagram ends it.
    ended: bool,
}

impl<'a> Train<'a> {
    pub(super) fn new(route: &'a ice::Route, out: &'a mut Vec<u8>) -> Self {
        Train {
            route,
            out,
            segment: 0,
            dscp: Dscp::DEFAULT,
            datagrams: 0,
            carried: 0,
            ended: false,
        }
    }

    /// Begins with what was left over, then takes what `next` writes behind the train until that
    /// has no more, `max_datagrams` are there, or one does not fit: that one is left over. `next` is
    /// told how much fits, and tells the mark of what it wrote.
    pub(super) fn fill(
        &mut self,
        max_datagrams: usize,
        leftover: &mut Leftover,
        mut next: impl FnMut(usize, &mut Vec<u8>) -> Option<Dscp>,
    ) {
        if !leftover.datagram.is_empty() {
            self.append(|_, out| {
                out.extend_from_slice(&leftover.datagram);
                Some(leftover.dscp)
            });
            leftover.datagram.clear();
        }
        while self.datagrams < max_datagrams && self.takes_another() {
            // As `&mut next` it would be a function by itself, which every datagram calls.
            match self.append(|room, out| next(room, out)) {
                Appended::Datagram => {}
                Appended::Nothing => break,
                Appended::Misfit {
                    begin,
                    content,
                    end,
                    dscp,
                } => {
                    leftover.datagram.extend_from_slice(&self.out[content..end]);
                    leftover.dscp = dscp;
                    self.out.truncate(begin);
                    break;
                }
            }
        }
    }

    /// How many datagrams of how many bytes.
    pub(super) fn carries(&self) -> (u64, usize) {
        (self.datagrams as u64, self.carried)
    }

    /// None: it is empty.
    pub(super) fn finish(self) -> Option<Transmit> {
        let several = self.datagrams > 1;
        (self.datagrams > 0).then(|| Transmit {
            segment_size: several.then_some(self.segment),
            dscp: self.dscp,
            ..single(self.route, self.out)
        })
    }

    fn takes_another(&self) -> bool {
        !self.ended && self.out.len() + self.segment <= TRAIN_BYTES
    }

    fn append(&mut self, write: impl FnOnce(usize, &mut Vec<u8>) -> Option<Dscp>) -> Appended {
        let begin = self.out.len();
        let content = self.route.open(self.out);
        let room = match self.datagrams {
            0 => usize::MAX,
            _ => self.segment.saturating_sub(content - begin),
        };
        let Some(dscp) = write(room, self.out) else {
            self.out.truncate(begin);
            return Appended::Nothing;
        };
        let end = self.out.len();
        self.route.close(content, self.out);

        let len = self.out.len() - begin;
        if self.datagrams == 0 {
            self.segment = len;
            self.dscp = dscp;
        } else if len > self.segment || dscp != self.dscp {
            return Appended::Misfit {
                begin,
                content,
                end,
                dscp,
            };
        }
        self.ended = len < self.segment;
        self.datagrams += 1;
        self.carried += end - content;
        Appended::Datagram
    }
}

/// What was put behind a train.
enum Appended {
    /// One more.
    Datagram,
    Nothing,
    /// One that is longer than those before it, or has another mark: where it begins, its content, and
    /// the end of that.
    Misfit {
        begin: usize,
        content: usize,
        end: usize,
        dscp: Dscp,
    },
}

/// A datagram that did not fit the train before it.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// Empty if there is none.
    pub(crate) datagram: Vec<u8>,
    pub(crate) dscp: Dscp,
}
