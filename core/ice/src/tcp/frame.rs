use duologue_stun::ChannelData;

/// How messages follow one another in a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// Framing between agents: two bytes of length before each message (RFC 4571 §2, RFC 6544 §3).
    Length,
    /// Framing to STUN and TURN servers: STUN messages and ChannelData tell their own length, and
    /// the latter are padded to four bytes (RFC 8489 §6.2.2, RFC 8656 §12.5).
    Stun,
    /// Framing to TURN servers over DTLS: the stream brings and takes each message by itself.
    Datagrams,
}

/// Something in a stream is no message: where the next one begins is lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the stream is not made of messages")]
pub struct FramingError;

/// Cuts what a stream brings into messages.
///
/// Messages that arrive whole are given away where they lie. Only the beginning of one that does
/// not is copied; it is at most 64 KiB, which is what the length fields can say.
#[derive(Debug)]
pub struct Deframer {
    framing: Framing,
    partial: Vec<u8>,
}

/// Where a message lies behind one another's bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Extent {
    /// Bytes before it.
    header: usize,
    /// Its own bytes.
    content: usize,
    /// Bytes until the next one.
    total: usize,
}

impl Framing {
    /// Bytes that are put before each message.
    pub const fn header_len(self) -> usize {
        match self {
            Framing::Length => 2,
            Framing::Stun | Framing::Datagrams => 0,
        }
    }

    /// Makes room for what precedes a message that is written next. Where the message begins.
    pub fn open(self, out: &mut Vec<u8>) -> usize {
        out.resize(out.len() + self.header_len(), 0);
        out.len()
    }

    /// Completes the message that begins at `content` and ends with `out`. One of more than 64 KiB,
    /// which nobody makes, is cut.
    pub fn close(self, content: usize, out: &mut Vec<u8>) {
        match self {
            Framing::Length => {
                let len = u16::try_from(out.len() - content).unwrap_or(u16::MAX);
                out.truncate(content + usize::from(len));
                out[content - 2..content].copy_from_slice(&len.to_be_bytes());
            }
            Framing::Stun => {
                let padded = (out.len() - content).next_multiple_of(4);
                out.resize(content + padded, 0);
            }
            Framing::Datagrams => {}
        }
    }

    /// The message at the beginning of `bytes`; none when they do not tell yet.
    fn extent(self, bytes: &[u8]) -> Result<Option<Extent>, FramingError> {
        if let Framing::Datagrams = self {
            return Ok((!bytes.is_empty()).then_some(Extent {
                header: 0,
                content: bytes.len(),
                total: bytes.len(),
            }));
        }
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        if let Framing::Length = self {
            let content = usize::from(u16::from_be_bytes([first, second]));
            return Ok(Some(Extent {
                header: 2,
                content,
                total: 2 + content,
            }));
        }
        let &[_, _, third, fourth, ..] = bytes else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes([third, fourth]));
        let content = match first {
            // RFC 8489 §5: "The message length […] MUST be a multiple of 4".
            0..=3 if len % 4 == 0 => STUN_HEADER_LEN + len,
            64..=79 => ChannelData::HEADER_LEN + len,
            _ => return Err(FramingError),
        };
        Ok(Some(Extent {
            header: 0,
            content,
            total: content.next_multiple_of(4),
        }))
    }
}

impl Deframer {
    /// A reader of a stream that has brought nothing yet.
    pub const fn new(framing: Framing) -> Self {
        Deframer {
            framing,
            partial: Vec::new(),
        }
    }

    /// How the messages of the stream are framed.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Takes what the stream brought next and gives away the messages that are complete.
    ///
    /// # Errors
    /// The stream is of no use any more.
    pub fn feed(
        &mut self,
        mut bytes: &mut [u8],
        mut take: impl FnMut(&mut [u8]),
    ) -> Result<(), FramingError> {
        while !self.partial.is_empty() && !bytes.is_empty() {
            bytes = self.complete(bytes)?;
            if let Some(extent) = self.framing.extent(&self.partial)?
                && self.partial.len() == extent.total
            {
                take(&mut self.partial[extent.header..extent.header + extent.content]);
                self.partial.clear();
            }
        }
        while let Some(extent) = self.framing.extent(bytes)? {
            if bytes.len() < extent.total {
                break;
            }
            let (frame, rest) = bytes.split_at_mut(extent.total);
            take(&mut frame[extent.header..extent.header + extent.content]);
            bytes = rest;
        }
        self.partial.extend_from_slice(bytes);
        if self.partial.is_empty() {
            self.partial.shrink_to(IDLE_CAPACITY);
        }
        Ok(())
    }

    /// Moves bytes behind the beginning of a message, at most until it is whole, or until it can
    /// tell its length.
    fn complete<'b>(&mut self, bytes: &'b mut [u8]) -> Result<&'b mut [u8], FramingError> {
        let wanted = match self.framing.extent(&self.partial)? {
            Some(extent) => extent.total,
            None if self.framing == Framing::Length => 2,
            None => ChannelData::HEADER_LEN,
        };
        let missing = wanted.saturating_sub(self.partial.len());
        let (more, rest) = bytes.split_at_mut(missing.min(bytes.len()));
        self.partial.extend_from_slice(more);
        Ok(rest)
    }
}

/// RFC 8489 §5
const STUN_HEADER_LEN: usize = 20;
/// What a stream keeps room for between messages: nearly all of them are shorter.
const IDLE_CAPACITY: usize = 2048;

#[cfg(test)]
mod tests {
    use duologue_base::Rng;

    use super::*;

    fn framed(framing: Framing, messages: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for message in messages {
            let content = framing.open(&mut stream);
            stream.extend_from_slice(message);
            framing.close(content, &mut stream);
        }
        stream
    }

    /// STUN messages, ChannelData of lengths that need padding, and some of the largest.
    fn messages(rng: &mut Rng) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        for len in [0_u16, 1, 2, 3, 4, 700, 1, 65_535, 5] {
            let mut data = vec![0x40, 0, (len >> 8) as u8, len as u8];
            data.extend((0..len).map(|_| rng.u64() as u8));
            messages.push(data);
            let len = len & !3;
            let mut stun = vec![0, 1, (len >> 8) as u8, len as u8];
            stun.resize(20 + usize::from(len), 7);
            messages.push(stun);
        }
        messages
    }

    #[test]
    fn messages_come_out_of_a_stream_as_they_went_in_however_it_is_cut() {
        let mut rng = Rng::from_u64(1);
        for framing in [Framing::Length, Framing::Stun] {
            for _ in 0..40 {
                let mut sent = messages(&mut rng);
                if framing == Framing::Length {
                    sent.retain(|message| message.len() <= usize::from(u16::MAX));
                }
                let mut stream = framed(framing, &sent);
                let mut deframer = Deframer::new(framing);
                let mut received: Vec<Vec<u8>> = Vec::new();
                let mut rest = &mut stream[..];
                while !rest.is_empty() {
                    let most = [1, 2, 3, 30, 2000, 200_000][rng.below(6) as usize];
                    let cut = (1 + rng.below(most) as usize).min(rest.len());
                    let (chunk, later) = rest.split_at_mut(cut);
                    let take = |message: &mut [u8]| received.push(message.to_vec());
                    deframer.feed(chunk, take).unwrap();
                    assert!(deframer.partial.len() <= 4 + 65_535 + 20);
                    rest = later;
                }
                assert_eq!(received, sent);
                assert!(deframer.partial.capacity() <= IDLE_CAPACITY);
            }
        }
    }

    #[test]
    fn datagrams_come_out_as_they_went_in() {
        let mut deframer = Deframer::new(Framing::Datagrams);
        let mut received: Vec<Vec<u8>> = Vec::new();
        for datagram in [&b"1"[..], b"", b"SSH-2.0", &[0; 2000]] {
            let mut out = b"before".to_vec();
            let content = Framing::Datagrams.open(&mut out);
            out.extend_from_slice(datagram);
            Framing::Datagrams.close(content, &mut out);
            let take = |message: &mut [u8]| received.push(message.to_vec());
            deframer.feed(&mut out[6..], take).expect("it is whole");
        }
        assert_eq!(received, [&b"1"[..], b"SSH-2.0", &[0; 2000]]);
    }

    #[test]
    fn what_is_neither_stun_nor_channel_data_ends_a_stream() {
        for wrong in [b"SSH-2.0".to_vec(), vec![0, 1, 0, 3, 0], vec![22, 3, 3, 0]] {
            let mut deframer = Deframer::new(Framing::Stun);
            let mut bytes = wrong.clone();
            let fed = deframer.feed(&mut bytes, |_| panic!("no message"));
            assert_eq!(fed, Err(FramingError), "{wrong:?}");
        }
    }
}
