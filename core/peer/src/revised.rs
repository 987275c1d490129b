use std::ops::{Deref, DerefMut};

/// A slot that knows how often it may have been changed: whoever takes it to change it is counted,
/// so that no setter can forget to say so.
#[derive(Debug, Default)]
pub(crate) struct Revised<T> {
    value: T,
    revision: u64,
}

impl<T> Revised<T> {
    pub(crate) fn new(value: T) -> Self {
        Revised { value, revision: 0 }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }
}

impl<T> Deref for Revised<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Revised<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.revision += 1;
        &mut self.value
    }
}

/// Which of a connection's slots may have changed: a host that mirrors them looks at those whose number
/// is not the one that it looked at last.
///
/// ```
/// # use duologue_peer::{Configuration, Env, PeerConnection, MediaKind, TransceiverInit};
/// # let env = Env {
/// #     now: Default::default(),
/// #     epoch: Default::default(),
/// #     rng: duologue_base::Rng::from_u64(1),
/// #     capabilities: Default::default(),
/// #     sctp_init: None,
/// # };
/// let mut pc = PeerConnection::new(Configuration::default(), env)?;
/// let before = pc.revisions();
/// pc.add_transceiver(MediaKind::Audio, TransceiverInit::default())?;
/// assert_ne!(pc.revisions().transceivers, before.transceivers);
/// assert_eq!(pc.revisions().descriptions, before.descriptions);
/// # Ok::<(), duologue_peer::Exception>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Revisions {
    /// The four descriptions, candidates included: to read them takes a pass over their text.
    pub descriptions: u64,
    /// The attributes of transceivers, senders, receivers, and which there are.
    pub transceivers: u64,
    /// The attributes of DTLS and ICE transports, and of the SCTP transport.
    pub transports: u64,
}
