use std::fmt;

use duologue_rtp::PayloadType;

use crate::attr::{
    Candidate, Direction, Extmap, Fingerprint, IceOptions, IcePwd, IceUfrag, Identity, Setup, TlsId,
};
use crate::error::ParseError;
use crate::field::{Connection, Origin};
use crate::media_line::{Formats, MediaKind, MediaLine, MediaProtocol};
use crate::section::Section;

/// A whole session description (RFC 8866). See the [crate documentation](crate).
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct SessionDescription {
    /// None when the line has other fields than JSEP's.
    pub(crate) origin: Option<Origin>,
    pub(crate) origin_text: Box<str>,
    pub(crate) session: Section,
    pub(crate) media: Vec<MediaDescription>,
}

impl SessionDescription {
    /// Reads a description. Lines end with CRLF or LF; blank lines at the very end are dropped.
    ///
    /// # Errors
    /// The first line that breaks the grammar, by its number.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        crate::parse::parse(text)
    }

    /// The candidates of each media section, and whether the section says that no more come, of a text that
    /// [`parse`](Self::parse) has read: nothing else of it is read again.
    ///
    /// ```
    /// use duologue_sdp::SessionDescription;
    ///
    /// let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
    ///             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n\
    ///             a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n";
    /// let (candidates, complete) = &SessionDescription::candidates_of(text)[0];
    /// assert_eq!((candidates[0].port, *complete), (9, true));
    /// ```
    pub fn candidates_of(text: &str) -> Vec<(Vec<Candidate>, bool)> {
        crate::parse::candidates(text)
    }

    /// The `o=` line. None if its fields are not those of the grammar, such as an id that is no
    /// number: JSEP does not use what another end has there.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// What stands before the first `m=` line, from `s=` on.
    pub fn session(&self) -> &Section {
        &self.session
    }

    /// One media section, with what it inherits.
    pub fn media(&self, index: usize) -> Option<Media<'_>> {
        (index < self.media.len()).then_some(Media {
            description: self,
            index,
        })
    }

    /// All media sections, with what they inherit.
    pub fn medias(&self) -> impl ExactSizeIterator<Item = Media<'_>> + DoubleEndedIterator {
        (0..self.media.len()).map(|index| Media {
            description: self,
            index,
        })
    }

    /// How many media sections there are.
    pub fn media_count(&self) -> usize {
        self.media.len()
    }

    /// The media section of this mid.
    pub fn media_by_mid(&self, mid: &str) -> Option<Media<'_>> {
        self.medias()
            .find(|media| media.mid().is_some_and(|found| found.as_str() == mid))
    }

    /// The 1-based line of the session level that satisfies the condition: for errors about
    /// meaning.
    pub fn line_of(&self, condition: impl Fn(&crate::Line) -> bool) -> Option<usize> {
        let at = self.session.lines.iter().position(condition)?;
        Some(at + LINES_BEFORE_SECTION + 1)
    }
}

/// `v=` and `o=` come before the first line of [`SessionDescription::session`].
const LINES_BEFORE_SECTION: usize = 2;

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\n{}\r\n", self.origin_text)?;
        write_lines(&self.session, f)?;
        for media in &self.media {
            write!(f, "{}\r\n", media.text)?;
            write_lines(&media.section, f)?;
        }
        Ok(())
    }
}

fn write_lines(section: &Section, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for line in &section.lines {
        f.write_str(line.text())?;
        f.write_str("\r\n")?;
    }
    Ok(())
}

impl fmt::Debug for SessionDescription {
    /// What kind of media there is, and nothing that identifies anybody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionDescription")
            .field("version", &self.origin().map(|o| o.session_version))
            .field("lines", &self.session.lines.len())
            .field("media", &self.media)
            .finish()
    }
}

impl std::str::FromStr for SessionDescription {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

/// One media section: its `m=` line and the lines after it.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct MediaDescription {
    pub(crate) line: MediaLine,
    pub(crate) text: Box<str>,
    pub(crate) section: Section,
}

impl MediaDescription {
    /// The `m=` line.
    pub fn line(&self) -> &MediaLine {
        &self.line
    }

    /// The lines after the `m=` line.
    pub fn section(&self) -> &Section {
        &self.section
    }
}

impl fmt::Debug for MediaDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaDescription")
            .field("kind", &self.line.kind)
            .field("mid", &self.section.mid())
            .field("lines", &(self.section.lines.len() + 1))
            .finish()
    }
}

/// A media section as a reader sees it: with what it inherits from the session level.
///
/// The accessors of attributes that no session level can give are those of [`Section`].
#[derive(Clone, Copy)]
pub struct Media<'a> {
    description: &'a SessionDescription,
    index: usize,
}

impl<'a> Media<'a> {
    /// Which media section: the W3C's `sdpMLineIndex`.
    #[doc(alias = "sdpMLineIndex")]
    pub fn index(self) -> usize {
        self.index
    }

    /// The section without what it inherits.
    pub fn description(self) -> &'a MediaDescription {
        &self.description.media[self.index]
    }

    /// The lines after the `m=` line.
    pub fn section(self) -> &'a Section {
        &self.description().section
    }

    fn session(self) -> &'a Section {
        &self.description.session
    }

    /// The `m=` line.
    pub fn line(self) -> &'a MediaLine {
        &self.description().line
    }

    /// `<media>` of the `m=` line.
    pub fn kind(self) -> &'a MediaKind {
        &self.line().kind
    }

    /// `<port>` of the `m=` line.
    pub fn port(self) -> u16 {
        self.line().port
    }

    /// `<proto>` of the `m=` line.
    pub fn protocol(self) -> &'a MediaProtocol {
        &self.line().protocol
    }

    /// `<fmt> ...` of the `m=` line.
    pub fn formats(self) -> &'a Formats {
        &self.line().formats
    }

    /// Whether the section is rejected, or not used any more: port 0 without `a=bundle-only`
    /// (RFC 9143 §6).
    pub fn is_rejected(self) -> bool {
        self.port() == 0 && !self.bundle_only()
    }

    /// The 1-based line of the `m=` line: for errors about meaning.
    pub fn line_number(self) -> usize {
        let before = &self.description.media[..self.index];
        let lines_before = before.iter().map(|m| m.section.lines.len() + 1);
        LINES_BEFORE_SECTION + self.session().lines.len() + lines_before.sum::<usize>() + 1
    }

    /// The 1-based line of the section's first line that satisfies the condition.
    pub fn line_of(self, condition: impl Fn(&crate::Line) -> bool) -> Option<usize> {
        let at = self.section().lines.iter().position(condition)?;
        Some(self.line_number() + 1 + at)
    }

    /// `a=sendrecv` and so on, or the session level's, or `sendrecv` (RFC 8866 §6.7).
    pub fn direction(self) -> Direction {
        let inherited = || self.session().direction();
        self.section()
            .direction()
            .or_else(inherited)
            .unwrap_or_default()
    }

    /// The `c=` line, or the session level's.
    pub fn connection(self) -> Option<&'a Connection> {
        let inherited = || self.session().connection();
        self.section().connection().or_else(inherited)
    }

    /// `a=ice-ufrag`, or the session level's.
    pub fn ice_ufrag(self) -> Option<&'a IceUfrag> {
        let inherited = || self.session().ice_ufrag();
        self.section().ice_ufrag().or_else(inherited)
    }

    /// `a=ice-pwd`, or the session level's.
    pub fn ice_pwd(self) -> Option<&'a IcePwd> {
        let inherited = || self.session().ice_pwd();
        self.section().ice_pwd().or_else(inherited)
    }

    /// `a=ice-options`, or the session level's.
    pub fn ice_options(self) -> Option<&'a IceOptions> {
        let inherited = || self.session().ice_options();
        self.section().ice_options().or_else(inherited)
    }

    /// `a=setup`, or the session level's.
    pub fn setup(self) -> Option<Setup> {
        let inherited = || self.session().setup();
        self.section().setup().or_else(inherited).copied()
    }

    /// `a=tls-id`, or the session level's.
    pub fn tls_id(self) -> Option<&'a TlsId> {
        let inherited = || self.session().tls_id();
        self.section().tls_id().or_else(inherited)
    }

    /// `a=fingerprint` lines; the session level's if the section has none (RFC 8122 §5).
    pub fn fingerprints(self) -> impl Iterator<Item = &'a Fingerprint> {
        let own = self.section().fingerprints().next().is_some();
        let source = if own { self.section() } else { self.session() };
        source.fingerprints()
    }

    /// `a=extmap` lines of the session level and of the section (RFC 8285 §6).
    pub fn extmaps(self) -> impl Iterator<Item = &'a Extmap> {
        self.session().extmaps().chain(self.section().extmaps())
    }

    /// `a=identity` lines of the session level.
    pub fn identities(self) -> impl Iterator<Item = &'a Identity> {
        self.session().identities()
    }

    /// `a=rtpmap` of a payload type; of several the last one.
    pub fn rtpmap(self, payload_type: PayloadType) -> Option<&'a crate::attr::Rtpmap> {
        let of_type = |map: &&crate::attr::Rtpmap| map.payload_type == payload_type;
        self.rtpmaps().filter(of_type).last()
    }

    /// The parameters of a payload type's `a=fmtp`; those of several lines joined.
    pub fn fmtp(self, payload_type: PayloadType) -> Option<crate::attr::FmtpParameters> {
        let lines = self.fmtps().filter(|f| f.payload_type == payload_type);
        crate::attr::FmtpParameters::join(lines.map(|fmtp| &fmtp.parameters))
    }

    /// The `a=rtcp-fb` lines of a payload type, with those for all (`*`).
    pub fn rtcp_fb(
        self,
        payload_type: PayloadType,
    ) -> impl Iterator<Item = &'a crate::attr::RtcpFb> {
        self.rtcp_fbs()
            .filter(move |fb| fb.payload_type.is_none_or(|found| found == payload_type))
    }
}

impl fmt::Debug for Media<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.description().fmt(f)
    }
}
