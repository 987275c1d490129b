/// A report of a telephone event (RFC 4733 §2.3): a DTMF tone, mostly. All reports of one tone have
/// the time stamp of its start; the last is sent three times.
///
/// Its length is what the last report says, on the clock of its payload type: with 48 kHz audio and
/// an event at 8 kHz, browsers count up faster than that clock and end a tone early, and a short tone
/// has no report before its end.
///
/// ```
/// use duologue_rtp::TelephoneEvent;
///
/// let event = TelephoneEvent::parse(&[5, 0x8a, 0x03, 0xc0]).unwrap();
/// assert_eq!(event.tone(), Some('5'));
/// assert!(event.end);
/// assert_eq!((event.volume, event.duration), (10, 960));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct TelephoneEvent {
    /// Which event: 0 to 15 are the tones (RFC 4733 §3.2).
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// The power of the tone, in dB below 0 dBm0, 0 to 63.
    pub volume: u8,
    /// The time since the start of the event, in ticks of the payload type's clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a report; `None` if it has less than four bytes. What is behind them is left aside.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, d0, d1] = payload.first_chunk()?;
        Some(TelephoneEvent {
            event,
            end: flags & END != 0,
            volume: flags & VOLUME,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// Appends the report; a volume above 63 is written as 63.
    pub fn write(&self, out: &mut Vec<u8>) {
        let [d0, d1] = self.duration.to_be_bytes();
        let flags = (u8::from(self.end) * END) | self.volume.min(VOLUME);
        out.extend_from_slice(&[self.event, flags, d0, d1]);
    }

    /// The number of a tone: `0` to `9`, `*`, `#`, `A` to `D` (RFC 4733 §3.2, table 3).
    pub fn number_of(tone: char) -> Option<u8> {
        TONES.find(tone.to_ascii_uppercase()).map(|n| n as u8)
    }

    /// The tone; `None` if the event is another.
    pub fn tone(&self) -> Option<char> {
        TONES.chars().nth(self.event.into())
    }
}

const END: u8 = 0x80;
const VOLUME: u8 = 0x3f;
/// In the order of their numbers.
const TONES: &str = "0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_four_bytes() {
        for event in [
            TelephoneEvent::default(),
            TelephoneEvent {
                event: 15,
                end: true,
                volume: 63,
                duration: 0xffff,
            },
        ] {
            let mut payload = Vec::new();
            event.write(&mut payload);
            assert_eq!(payload.len(), 4);
            assert_eq!(TelephoneEvent::parse(&payload), Some(event));
            assert_eq!(TelephoneEvent::parse(&payload[..3]), None);
        }
        // The reserved bit is ignored (RFC 4733 §2.3.3).
        let event = TelephoneEvent::parse(&[1, 0x4a, 0, 0]).unwrap();
        assert_eq!((event.end, event.volume), (false, 10));
    }

    #[test]
    fn the_example_of_rfc_4733_reads_as_911() {
        // §5, table 6 and figure 2: the events 9, 1, 1 with volumes 7, 10, 20.
        let read = |payload: [u8; 4]| {
            let event = TelephoneEvent::parse(&payload).unwrap();
            (
                event.tone().unwrap(),
                event.end,
                event.volume,
                event.duration,
            )
        };
        assert_eq!(read([9, 0x87, 0x06, 0x40]), ('9', true, 7, 1_600));
        assert_eq!(read([1, 0x8a, 0x07, 0xd0]), ('1', true, 10, 2_000));
        assert_eq!(read([1, 0x14, 0x01, 0x90]), ('1', false, 20, 400));
    }

    #[test]
    fn sixteen_events_are_tones() {
        for (number, tone) in TONES.chars().enumerate() {
            assert_eq!(TelephoneEvent::number_of(tone), Some(number as u8));
            let event = TelephoneEvent {
                event: number as u8,
                ..Default::default()
            };
            assert_eq!(event.tone(), Some(tone));
        }
        assert_eq!(TelephoneEvent::number_of('d'), Some(15));
        assert_eq!(TelephoneEvent::number_of(','), None);
        let flash = TelephoneEvent {
            event: 16,
            ..Default::default()
        };
        assert_eq!(flash.tone(), None);
    }
}
