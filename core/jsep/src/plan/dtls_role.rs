//! Who begins the DTLS handshake: `a=setup` (RFC 8842 §5).

use duologue_base::DtlsRole;
use duologue_sdp::attr::Setup;

use crate::agreement::DtlsAgreement;
use crate::blueprint::TransportLines;
use crate::{ContentError, Side};

/// This end's DTLS role after an answer (RFC 8842 §5.3, RFC 5763 §5): `answer` is the answer's
/// `a=setup`, on whatever side it was made.
pub(crate) fn agreed(answer: Option<Setup>, side: Side) -> Result<DtlsRole, ContentError> {
    let answerer = match answer {
        // RFC 4145 §4: active is the default.
        Some(Setup::Active) | None => DtlsRole::Client,
        Some(Setup::Passive) => DtlsRole::Server,
        Some(Setup::ActPass | Setup::HoldConn) => return Err(ContentError::Setup),
    };
    Ok(match (side, answerer) {
        (Side::Local, role) => role,
        (Side::Remote, DtlsRole::Client) => DtlsRole::Server,
        (Side::Remote, DtlsRole::Server) => DtlsRole::Client,
    })
}

/// The `a=setup` of an answer to a section. An association that goes on keeps its roles.
pub(crate) fn answer_setup(offered: &TransportLines, running: Option<&DtlsAgreement>) -> Setup {
    let goes_on = running.filter(|dtls| dtls.fingerprints == offered.fingerprints);
    match (offered.setup, goes_on) {
        (Some(Setup::Active), _) => Setup::Passive,
        (Some(Setup::Passive), _) => Setup::Active,
        (_, Some(dtls)) if dtls.role == DtlsRole::Server => Setup::Passive,
        _ => Setup::Active,
    }
}
