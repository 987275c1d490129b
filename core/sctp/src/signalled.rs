//! Set-up by signalling (draft-hancke-tsvwg-snap): both ends' INIT chunks are in the descriptions, and
//! nothing of RFC 9260 §5.1 is left to be sent. DTLS has shown who the peer is by then, which the
//! cookie is for.

use duologue_base::{Instant, Rng};

use crate::association::Identity;
use crate::limits::MAX_SIGNALLED_INIT;
use crate::packet::{Chunks, Init, kind};
use crate::{Association, Config};

/// An INIT chunk that goes by signalling: the decoded value of `a=sctp-init`.
///
/// ```
/// use duologue_base::{Instant, Rng};
/// use duologue_sctp::{Association, AssociationState, Config, SignalledInit};
///
/// let (config, mut rng) = (Config::default(), Rng::from_u64(1));
/// let [a, b] = [(); 2].map(|()| SignalledInit::generate(&config, &mut rng));
/// let told = SignalledInit::parse(b.as_bytes()).expect("an INIT");
/// let one = Association::signalled(Instant::ZERO, config, rng, &a, &told);
/// assert_eq!(one.state(), AssociationState::Connected);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignalledInit(Vec<u8>);

impl SignalledInit {
    /// Makes the INIT chunk of this end, for one association. Nothing is begun by it.
    pub fn generate(config: &Config, rng: &mut Rng) -> Self {
        let config = config.clone().normalized();
        let mut chunk = Vec::new();
        Identity::draw(rng).init(&config).write(&mut chunk);
        // The draft's example ends where the chunk's length says, without padding.
        let len = chunk
            .get(2..4)
            .map_or(0, |len| usize::from(len[0]) << 8 | usize::from(len[1]));
        chunk.truncate(len);
        SignalledInit(chunk)
    }

    /// The peer's; `None` for what is not exactly one INIT chunk that would be answered
    /// (RFC 9260 §3.3.2).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_SIGNALLED_INIT {
            return None;
        }
        let init = SignalledInit(bytes.to_vec());
        init.read().is_some().then_some(init)
    }

    /// The chunk, with its header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn read(&self) -> Option<Init<'_>> {
        let mut chunks = Chunks::of(&self.0);
        let chunk = chunks
            .next()?
            .ok()
            .filter(|chunk| chunk.kind == kind::INIT)?;
        let init = Init::parse(chunk)?;
        let alone = chunks.next().is_none();
        let fits = init.tag != 0 && init.outbound_streams != 0 && init.inbound_streams != 0;
        (alone && fits).then_some(init)
    }
}

impl Association {
    /// An association that both ends' INITs have set up: it is connected at once, and the peer's is,
    /// once it knows both. A peer that calls all the same is answered.
    pub fn signalled(
        now: Instant,
        config: Config,
        rng: Rng,
        local: &SignalledInit,
        remote: &SignalledInit,
    ) -> Self {
        let mut association = Association::new(config, rng);
        if let (Some(ours), Some(theirs)) = (local.read(), remote.read()) {
            association.establish_signalled(now, &ours, &theirs);
        }
        association
    }
}
