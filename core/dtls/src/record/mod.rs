//! The record layer: both directions of all epochs of one association, for both versions.
//!
//! Records are opened where they lie and sealed into the datagram that leaves.

mod header;
mod keys;
mod seal;
mod window;

use std::fmt;

pub(crate) use header::{Header, RECORD_HEADER, content};
pub(crate) use keys::Keys;

use self::header::{EPOCH_BITS, UNIFIED_HEADER};
use self::keys::{EXPLICIT_NONCE, Form, TAG};
use self::seal::seal_plain;
use self::window::Window;
use crate::limits::{EPOCHS, RECORD_BYTES, RECORD_NUMBERS};
use crate::{DtlsError, Version};

/// A record's epoch and its number in it (RFC 9147 §4).
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct RecordNumber {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
}

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Read<'a> {
    /// In plaintext if its epoch is 0, authentic otherwise.
    Record {
        content: u8,
        at: RecordNumber,
        body: &'a mut [u8],
    },
    /// Its keys are not there yet. Nothing was changed in it.
    Early(&'a [u8]),
    /// Forged, repeated, or of keys that are gone.
    Noise,
}

/// Keys of what comes.
#[derive(Debug)]
struct Opening {
    epoch: u64,
    keys: Keys,
    window: Window,
}

/// Keys of what leaves.
#[derive(Debug)]
struct Sealing {
    epoch: u64,
    keys: Keys,
    next: u64,
}

/// The record layer of one association.
pub(crate) struct Records {
    /// Oldest first.
    opening: Vec<Opening>,
    /// Oldest first; the last is for new data.
    sealing: Vec<Sealing>,
    /// The next plaintext record's.
    plain_number: u64,
    /// What the peer takes in a protected record, if it said.
    limit: Option<usize>,
    /// The peer's data may not be read yet.
    holds_data: bool,
    /// Something authentic came.
    has_opened: bool,
    /// Records of DTLS 1.3 that were not authentic, under all keys.
    pub(crate) forged: u64,
}

impl Records {
    /// `plain_number`: where an earlier attempt stopped, so that the peer takes no record for one
    /// that it has seen.
    pub(crate) fn new(plain_number: u64) -> Self {
        Records {
            opening: Vec::new(),
            sealing: Vec::new(),
            plain_number,
            limit: None,
            holds_data: true,
            has_opened: false,
            forged: 0,
        }
    }

    /// The peer has proved who it is, so that its data may be read.
    pub(crate) fn release_data(&mut self) {
        self.holds_data = false;
    }

    /// Whether something authentic came.
    pub(crate) fn has_opened(&self) -> bool {
        self.has_opened
    }

    pub(crate) fn holds_data(&self) -> bool {
        self.holds_data
    }

    /// RFC 8449: the peer takes no longer content in a protected record.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = Some(limit.min(RECORD_BYTES));
    }

    /// What the peer said that it takes.
    pub(crate) fn told_limit(&self) -> Option<usize> {
        self.limit
    }

    /// The longest content of a record of this epoch.
    pub(crate) fn limit(&self, epoch: u64) -> usize {
        match epoch {
            0 => RECORD_BYTES,
            _ => self.limit.unwrap_or(RECORD_BYTES),
        }
    }

    pub(crate) fn plain_number(&self) -> u64 {
        self.plain_number
    }

    /// What comes in this epoch can be read from now on.
    pub(crate) fn install_opening(&mut self, epoch: u64, keys: Keys) {
        if self.opening.len() >= EPOCHS {
            self.opening.remove(0);
        }
        let window = Window::default();
        self.opening.reserve_exact(1);
        self.opening.push(Opening {
            epoch,
            keys,
            window,
        });
    }

    /// New data leaves in this epoch from now on.
    pub(crate) fn install_sealing(&mut self, epoch: u64, keys: Keys) {
        if self.sealing.len() >= EPOCHS {
            self.sealing.remove(0);
        }
        self.sealing.reserve_exact(1);
        self.sealing.push(Sealing {
            epoch,
            keys,
            next: 0,
        });
    }

    /// Forgets the keys of what came before an epoch.
    pub(crate) fn retire_opening(&mut self, before: u64) {
        self.opening.retain(|opening| opening.epoch >= before);
        self.opening.shrink_to_fit();
    }

    /// Forgets the keys of what left before the newest epoch.
    pub(crate) fn retire_sealing(&mut self) {
        let newest = self.sealing_epoch();
        self.sealing.retain(|sealing| sealing.epoch == newest);
        self.sealing.shrink_to_fit();
    }

    /// Whether something came in the newest epoch that can be read.
    pub(crate) fn uses_newest(&self) -> bool {
        let newest = self.opening.last();
        newest.is_some_and(|opening| !opening.window.is_empty())
    }

    /// The newest epoch that can be read; 0 before there are keys.
    pub(crate) fn opening_epoch(&self) -> u64 {
        self.opening.last().map_or(0, |opening| opening.epoch)
    }

    /// The epoch that new data leaves in.
    pub(crate) fn sealing_epoch(&self) -> u64 {
        self.sealing.last().map_or(0, |sealing| sealing.epoch)
    }

    /// Records that left in the newest epoch.
    pub(crate) fn sealed(&self) -> u64 {
        self.sealing.last().map_or(0, |sealing| sealing.next)
    }

    /// Opens the first record of a datagram. Also gives what follows it; `None` for what is no
    /// record.
    pub(crate) fn open<'a>(&mut self, datagram: &'a mut [u8]) -> Option<(Read<'a>, &'a mut [u8])> {
        let header = Header::read(datagram)?;
        let (record, rest) = datagram.split_at_mut(header.total_len());
        let read = match header {
            Header::Plain {
                content,
                epoch: 0,
                number,
                ..
            } => Read::Record {
                content,
                at: RecordNumber { epoch: 0, number },
                body: &mut record[RECORD_HEADER..],
            },
            Header::Plain {
                content,
                epoch,
                number,
                ..
            } => self.open_12(content, epoch.into(), number, record),
            Header::Unified {
                epoch_bits,
                number_len,
                header_len,
                ..
            } => self.open_13(epoch_bits, number_len, header_len, record),
        };
        Some((read, rest))
    }

    fn open_12<'a>(
        &mut self,
        content: u8,
        epoch: u64,
        number: u64,
        record: &'a mut [u8],
    ) -> Read<'a> {
        let mut candidates = self.opening.iter_mut();
        let Some(opening) = candidates.find(|opening| opening.epoch == epoch) else {
            return match self.opening.is_empty() && epoch == 1 {
                true => Read::Early(record),
                false => Read::Noise,
            };
        };
        if self.holds_data && content == content::APPLICATION_DATA {
            return Read::Early(record);
        }
        let explicit = match opening.keys.form() {
            Form::ExplicitNonce => EXPLICIT_NONCE,
            Form::ImplicitNonce => 0,
            Form::Masked(_) => return Read::Noise,
        };
        let (header, body) = record.split_at_mut(RECORD_HEADER);
        let Some(length) = body.len().checked_sub(explicit + TAG) else {
            return Read::Noise;
        };
        if !opening.window.is_new(number) {
            return Read::Noise;
        }

        let (nonce, body) = body.split_at_mut(explicit);
        let whole = epoch << 48 | number;
        // RFC 5288 §3: the sender chooses it. All but a few choose the record's number.
        let nonce = match *nonce {
            [a, b, c, d, e, f, g, h] => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => whole,
        };
        let version = [header[1], header[2]];
        let clear = clear_12(whole, content, version, length);
        let Some(body) = opening.keys.open(nonce, &clear, body) else {
            return Read::Noise;
        };
        opening.window.mark(number);
        self.has_opened = true;
        let at = RecordNumber { epoch, number };
        Read::Record { content, at, body }
    }

    fn open_13<'a>(
        &mut self,
        epoch_bits: u8,
        number_len: usize,
        header_len: usize,
        record: &'a mut [u8],
    ) -> Read<'a> {
        let fits = |opening: &&mut Opening| opening.epoch as u8 & EPOCH_BITS == epoch_bits;
        let Some(opening) = self.opening.iter_mut().rev().find(fits) else {
            return Read::Early(record);
        };
        if record.len() < header_len + TAG + 1 || !matches!(opening.keys.form(), Form::Masked(_)) {
            return Read::Noise;
        }

        let (header, body) = record.split_at_mut(header_len);
        let mask = opening.keys.mask(body);
        let mut low = 0;
        for (byte, mask) in header[1..=number_len].iter_mut().zip(mask) {
            *byte ^= mask;
            low = low << 8 | u64::from(*byte);
        }
        let number = opening.window.complete(low, 8 * number_len as u32);
        if !opening.window.is_new(number) {
            return Read::Noise;
        }

        let Some(body) = opening.keys.open(number, header, body) else {
            self.forged += 1;
            return Read::Noise;
        };
        let epoch = opening.epoch;
        opening.window.mark(number);
        self.has_opened = true;
        // RFC 8446 §5.2: the content, its type, and zeros. A type of zero is none (§5.4).
        let end = body.iter().rposition(|&byte| byte != 0).unwrap_or_default();
        let content = body.get(end).copied().unwrap_or_default();
        Read::Record {
            content,
            at: RecordNumber { epoch, number },
            body: &mut body[..end],
        }
    }

    /// Appends a record of this epoch with what `fill` writes. Its number, or `None` for an epoch
    /// without keys.
    ///
    /// # Errors
    /// The epoch's numbers are used up, or the record is too long.
    pub(crate) fn seal(
        &mut self,
        epoch: u64,
        content: u8,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Option<RecordNumber>, DtlsError> {
        let start = out.len();
        let mut sealing = self.sealing.iter_mut().rev();
        let number = match sealing.find(|sealing| sealing.epoch == epoch) {
            _ if epoch == 0 => {
                let number = self.plain_number;
                self.plain_number += 1;
                seal_plain(number, content, out, fill)?;
                number
            }
            None => return Ok(None),
            Some(sealing) => {
                let number = sealing.next;
                // RFC 6347 §4.1, RFC 9147 §4.2.1: 48 bits.
                if number >= RECORD_NUMBERS {
                    return Err(DtlsError::library());
                }
                sealing.next += 1;
                match sealing.keys.form() {
                    Form::Masked(_) => sealing.seal_13(number, content, out, fill)?,
                    _ => sealing.seal_12(number, content, out, fill)?,
                }
                number
            }
        };
        debug_assert!(out.len() > start);
        Ok(Some(RecordNumber { epoch, number }))
    }

    /// What a record of this epoch adds to its content.
    pub(crate) fn overhead(&self, epoch: u64) -> usize {
        let mut sealing = self.sealing.iter();
        match sealing.find(|sealing| sealing.epoch == epoch) {
            None => RECORD_HEADER,
            Some(sealing) => match sealing.keys.form() {
                Form::ExplicitNonce => RECORD_HEADER + EXPLICIT_NONCE + TAG,
                Form::ImplicitNonce => RECORD_HEADER + TAG,
                Form::Masked(_) => UNIFIED_HEADER + 1 + TAG,
            },
        }
    }

    /// Which version's records are written.
    pub(crate) fn version(&self) -> Option<Version> {
        self.sealing
            .last()
            .map(|sealing| match sealing.keys.form() {
                Form::Masked(_) => Version::V13,
                _ => Version::V12,
            })
    }
}

/// RFC 5246 §6.2.3.3: what is authenticated beside the content.
#[inline]
fn clear_12(number: u64, content: u8, version: [u8; 2], length: usize) -> [u8; RECORD_HEADER] {
    let mut clear = [0; RECORD_HEADER];
    clear[..8].copy_from_slice(&number.to_be_bytes());
    clear[8] = content;
    clear[9..11].copy_from_slice(&version);
    clear[11..].copy_from_slice(&(length as u16).to_be_bytes());
    clear
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("opening", &self.opening_epoch())
            .field("sealing", &self.sealing_epoch())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
