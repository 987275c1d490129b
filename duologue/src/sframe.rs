//! SFrame (RFC 9605) as a transform: webrtc-encoded-transform §6.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_sframe::{
    CipherSuite, DecryptError, Decrypter, Encrypter, Key, KeyError, clear_bytes,
};

use crate::limits::SFRAME_FAILURES;
use crate::transform::Side;
use crate::{Transform, TransformFrame, Transformer};

/// Encrypts the frames of senders and decrypts those of receivers, from end to end, by the same keys: `SFrameTransform`
/// (webrtc-encoded-transform §6, RFC 9605). Cheap to clone; clones are one transform.
///
/// Nothing goes by as it is: without a key nothing is sent, and what cannot be decrypted is left out and
/// [told of](Self::take_failure). RTP has no payload format for encrypted frames, so that what packetizers read stays in the clear,
/// authenticated: nothing of sound, three or ten bytes of VP8. Pictures of other codecs do not pass.
///
/// ```
/// use duologue::{RtpReceiver, RtpSender, SFrameCipherSuite, SFrameTransform};
///
/// fn attach(sender: &RtpSender, receiver: &RtpReceiver, keys: [&[u8]; 2]) -> Result<(), duologue::SFrameKeyError> {
///     let suite = SFrameCipherSuite::Aes128GcmSha256_128;
///     let (ours, theirs) = (SFrameTransform::new(suite), SFrameTransform::new(suite));
///     ours.set_encryption_key(keys[0], 0)?;
///     theirs.set_encryption_key(keys[1], 0)?;
///     sender.set_transform(Some(ours));
///     receiver.set_transform(Some(theirs));
///     Ok(())
/// }
/// ```
///
/// # Keys
/// Two transforms that encrypt need two keys, or two key ids: the counter of each begins at zero, and two frames of one key
/// and one counter give both away (RFC 9605 §7.5). Clones share theirs.
#[doc(alias = "SFrameEncrypterStream")]
#[doc(alias = "SFrameDecrypterStream")]
#[derive(Clone, Debug)]
pub struct SFrameTransform(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    suite: CipherSuite,
    encrypter: Option<Encrypter>,
    decrypter: Decrypter,
    /// The last ones.
    failures: VecDeque<SFrameFailure>,
}

/// Why a frame was left out: `SFrameTransformErrorEvent`.
#[doc(alias = "SFrameTransformErrorEvent")]
#[doc(alias = "SFrameTransformErrorEventType")]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SFrameFailure {
    /// `authentication`, `keyID` or `syntax`: what came was not decrypted.
    #[error(transparent)]
    Decrypt(#[from] DecryptError),
    /// `keyID`: there is no key to encrypt with, or its counter has run out.
    #[error("there is no key to encrypt with")]
    NoKey,
    /// `syntax`: packetizers read more than the beginning of this codec's frames.
    #[error("frames of this codec cannot be encrypted whole")]
    Codec,
}

impl SFrameTransform {
    /// A transform without a key.
    pub fn new(suite: CipherSuite) -> Self {
        SFrameTransform(Arc::new(Mutex::new(State {
            suite,
            encrypter: None,
            decrypter: Decrypter::default(),
            failures: VecDeque::new(),
        })))
    }

    /// `setEncryptionKey(key, keyID)`: encrypts by it from now on, and decrypts what names it by `id`. Earlier ones still decrypt.
    ///
    /// # Errors
    /// A key that is too long, more than there is room for.
    #[doc(alias = "setEncryptionKey")]
    pub fn set_encryption_key(&self, base_key: &[u8], id: u64) -> Result<(), KeyError> {
        let mut state = self.lock();
        let key = || Key::derive(state.suite, id, base_key);
        let (ours, theirs) = (key()?, key()?);
        state.decrypter.insert(theirs)?;
        match &mut state.encrypter {
            Some(encrypter) => encrypter.set_key(ours),
            none => *none = Some(Encrypter::new(ours)),
        }
        Ok(())
    }

    /// Why a frame was left out, the oldest of the last few that nobody asked for; none if there is none.
    pub fn take_failure(&self) -> Option<SFrameFailure> {
        self.lock().failures.pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transform for SFrameTransform {
    fn transform(&mut self, mut frame: TransformFrame, transformer: &mut Transformer<'_>) {
        let mut state = self.lock();
        match state.change(&frame, transformer.side()) {
            Ok(data) => {
                frame.data = data.into();
                drop(state);
                transformer.enqueue(frame);
            }
            Err(failure) => {
                if state.failures.len() >= SFRAME_FAILURES {
                    state.failures.pop_front();
                }
                state.failures.push_back(failure);
            }
        }
    }
}

impl State {
    fn change(&mut self, frame: &TransformFrame, side: Side) -> Result<Vec<u8>, SFrameFailure> {
        let metadata = frame.metadata();
        let codec = metadata.mime_type.as_deref().unwrap_or_default();
        let clear = clear_bytes(codec, metadata.key).ok_or(SFrameFailure::Codec)?;
        let (front, rest) = frame.data.split_at(clear.min(frame.data.len()));

        let changed = match (side, &mut self.encrypter) {
            (Side::Receiver, _) => self.decrypter.decrypt(rest, front)?,
            (Side::Sender, None) => return Err(SFrameFailure::NoKey),
            (Side::Sender, Some(encrypter)) => {
                let sealed = encrypter.encrypt(rest, front);
                sealed.map_err(|_| SFrameFailure::NoKey)?
            }
        };
        Ok([front, &changed].concat())
    }
}
