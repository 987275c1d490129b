use std::collections::{BTreeMap, BTreeSet};

use duologue_base::IceCredentials;
use duologue_identity::Fingerprint;
use duologue_rtp::{
    Codec, CodecParameters, ExtensionId, MediaKind, PayloadType, RtcpFeedback, SourceParameters,
    Ssrc,
};
use duologue_sdp::attr::{self, Direction, Extmap, IceOptions, IcePwd, IceUfrag, RtcpFb, Setup};
use duologue_sdp::{
    Formats, Media, MediaKind as MediaWord, Section as SdpSection, SessionDescription,
};

use super::{
    Blueprint, Content, DataLines, Extension, Port, RtpLines, Section, Streams, TransportLines,
};
use crate::announced_source::AnnouncedSource;
use crate::limits::{
    MAX_EXTENSIONS, MAX_FEEDBACK, MAX_FEEDBACK_BYTES, MAX_FINGERPRINTS, MAX_RIDS, MAX_SOURCES,
    MAX_STREAMS, MAX_URI_BYTES,
};

/// What a description says to JSEP. Everything else in it is ignored (RFC 9429 §5.8).
pub(crate) fn read(description: &SessionDescription) -> Blueprint {
    let session = description.session();
    let groups = |bundle: bool| {
        let wanted = session.groups().filter(move |group| match bundle {
            true => group.is_bundle(),
            false => group.is_lip_sync(),
        });
        wanted.map(|group| group.mids.clone()).collect::<Vec<_>>()
    };
    let inherited = Inherited::of(session);
    let mut medias = description.medias();
    Blueprint {
        // RFC 8839 §5.3 has it at the session level; ZLMediaKit writes it into every section.
        ice_lite: session.ice_lite() || description.medias().any(|media| media.ice_lite()),
        ice_pacing: session.ice_pacing().map(|pacing| pacing.0),
        identity: identity_of(description).map(str::to_owned),
        extmap_allow_mixed: session.extmap_allow_mixed()
            || (medias.len() > 0 && medias.all(|media| media.extmap_allow_mixed())),
        bundles: groups(true).into_iter().filter(|g| !g.is_empty()).collect(),
        lip_sync: groups(false),
        sections: description
            .medias()
            .map(|media| section(media, &inherited))
            .collect(),
    }
}

/// The assertion of a description's `a=identity`; of several, which RFC 8827 §5 does not provide for,
/// the first.
fn identity_of(description: &SessionDescription) -> Option<&str> {
    let first = description.session().identities().next();
    first.map(|identity| identity.assertion.as_str())
}

/// What the session level says for each section that does not say it itself. It is read once, for there
/// may be as many lines of it as there are sections.
struct Inherited<'a> {
    direction: Option<Direction>,
    ice_ufrag: Option<&'a IceUfrag>,
    ice_pwd: Option<&'a IcePwd>,
    ice_options: Option<&'a IceOptions>,
    setup: Option<Setup>,
    fingerprints: Vec<Fingerprint>,
    extensions: Vec<Extension>,
}

impl<'a> Inherited<'a> {
    fn of(session: &'a SdpSection) -> Self {
        Inherited {
            direction: session.direction(),
            ice_ufrag: session.ice_ufrag(),
            ice_pwd: session.ice_pwd(),
            ice_options: session.ice_options(),
            setup: session.setup().copied(),
            fingerprints: fingerprints(session),
            extensions: extensions(Vec::new(), session),
        }
    }
}

fn section(media: Media<'_>, inherited: &Inherited<'_>) -> Section {
    let port = match (media.port(), media.bundle_only()) {
        (0, true) => Port::BundleOnly,
        (0, false) => Port::Rejected,
        _ => Port::Open,
    };
    let content = match media.kind() {
        MediaWord::Audio if media.protocol().is_rtp() => {
            Content::Rtp(rtp(media, MediaKind::Audio, inherited))
        }
        MediaWord::Video if media.protocol().is_rtp() => {
            Content::Rtp(rtp(media, MediaKind::Video, inherited))
        }
        MediaWord::Application if media.protocol().is_sctp() => Content::Data(data(media)),
        _ => Content::Unknown,
    };
    let own_direction = media.section().direction();
    Section {
        word: media.kind().clone(),
        protocol: media.protocol().clone(),
        formats: media.formats().clone(),
        mid: media.mid().cloned(),
        port,
        direction: own_direction.or(inherited.direction).unwrap_or_default(),
        transport: transport(media, inherited),
        content,
    }
}

fn transport(media: Media<'_>, inherited: &Inherited<'_>) -> TransportLines {
    let own = media.section();
    let ufrag = own.ice_ufrag().or(inherited.ice_ufrag);
    let ice = ufrag.zip(own.ice_pwd().or(inherited.ice_pwd));
    let options = own.ice_options().or(inherited.ice_options);
    let has_option = |tag| options.is_some_and(|list| list.contains(tag));
    // RFC 8122 §5: the session level's count for a section that has none.
    let fingerprints = match own.fingerprints().next() {
        Some(_) => fingerprints(own),
        None => inherited.fingerprints.clone(),
    };
    TransportLines {
        ice: ice.map(|(ufrag, pwd)| IceCredentials {
            ufrag: ufrag.as_str().to_owned(),
            pwd: pwd.as_str().to_owned().into(),
        }),
        trickle: has_option("trickle"),
        renomination: has_option("renomination"),
        sped: has_option("sped"),
        fingerprints,
        setup: own.setup().copied().or(inherited.setup),
        rtcp_mux: media.rtcp_mux(),
        rtcp_mux_only: media.rtcp_mux_only(),
        reduced_size: media.rtcp_rsize(),
        cryptex: media.cryptex(),
    }
}

/// RFC 8122 §5: those of hash functions that are not known are no use.
fn fingerprints(section: &SdpSection) -> Vec<Fingerprint> {
    let known = |line: &attr::Fingerprint| line.to_string().parse().ok();
    let known = section.fingerprints().filter_map(known);
    let mut fingerprints: Vec<_> = known.take(MAX_FINGERPRINTS).collect();
    fingerprints.shrink_to_fit();
    fingerprints
}

fn rtp(media: Media<'_>, kind: MediaKind, inherited: &Inherited<'_>) -> RtpLines {
    let (streams, track_id) = streams(media);
    let cname = media.ssrcs().find(|ssrc| ssrc.name == "cname");
    let cname = cname.and_then(|ssrc| ssrc.value.as_ref());
    RtpLines {
        kind,
        codecs: codecs(media, kind),
        extensions: extensions(inherited.extensions.clone(), media.section()),
        streams,
        track_id,
        rids: media
            .rids()
            .take(MAX_RIDS)
            .map(|rid| (rid.id.clone(), rid.direction))
            .collect(),
        simulcast: media.simulcast().cloned(),
        cname: cname.map(|text| text.as_str().to_owned()),
        sources: sources(media),
    }
}

/// The streams and the track that `a=msid` names; when there is none, what the sources' `msid`
/// attributes name, where it stood before RFC 8830.
fn streams(media: Media<'_>) -> (Streams, Option<String>) {
    let lines = media.msids().map(|msid| {
        let stream = msid.stream.as_ref().map(|word| word.as_str());
        (stream, msid.appdata.as_ref().map(|word| word.as_str()))
    });
    let mut lines: Vec<(Option<&str>, Option<&str>)> = lines.collect();
    if lines.is_empty() {
        let values = media.ssrcs().filter(|ssrc| ssrc.name == "msid");
        let values = values
            .filter_map(|ssrc| ssrc.value.as_ref())
            .map(|text| text.as_str());
        lines.extend(values.map(|text| {
            let (stream, track) = text.split_once(' ').unzip();
            (Some(stream.unwrap_or(text)).filter(|id| *id != "-"), track)
        }));
    }
    if lines.is_empty() {
        return (Streams::Unsaid, None);
    }
    let mut known = BTreeSet::new();
    let streams = lines.iter().filter_map(|(stream, _)| *stream);
    let streams = streams.filter(|stream| known.insert(*stream));
    let streams = streams.take(MAX_STREAMS).map(str::to_owned).collect();
    let track = lines.iter().find_map(|(_, track)| *track);
    (Streams::In(streams), track.map(str::to_owned))
}

fn codecs(media: Media<'_>, kind: MediaKind) -> Vec<CodecParameters> {
    let mut codecs: Vec<CodecParameters> = Vec::new();
    for &payload_type in media.formats().payload_types() {
        if codecs.iter().any(|c| c.payload_type == payload_type) {
            continue;
        }
        let Some(codec) = codec(media, kind, payload_type) else {
            continue;
        };
        codecs.push(CodecParameters {
            payload_type,
            codec,
            feedback: feedback(media, payload_type),
        });
    }
    codecs
}

/// Each kind once.
fn feedback(media: Media<'_>, payload_type: PayloadType) -> Vec<RtcpFeedback> {
    let mut feedback: Vec<RtcpFeedback> = Vec::new();
    let words = media.rtcp_fb(payload_type).map(words);
    let known = words.filter(|words| words.len() <= MAX_FEEDBACK_BYTES);
    for kind in known.filter_map(|words| words.parse().ok()) {
        if feedback.len() == MAX_FEEDBACK {
            break;
        }
        if !feedback.contains(&kind) {
            feedback.push(kind);
        }
    }
    feedback
}

fn words(line: &RtcpFb) -> String {
    match &line.parameters {
        Some(parameters) => format!("{} {parameters}", line.feedback),
        None => line.feedback.to_string(),
    }
}

fn codec(media: Media<'_>, kind: MediaKind, pt: PayloadType) -> Option<Codec> {
    let (name, clock_rate, channels) = match media.rtpmap(pt) {
        Some(map) => (
            map.encoding.as_str(),
            map.clock_rate,
            map.channels.and_then(|n| u8::try_from(n).ok()),
        ),
        None => static_format(pt.get())?,
    };
    // RFC 8866 §6.6: no number of audio channels is one.
    let channels = match kind {
        MediaKind::Audio => channels.or(Some(1)),
        MediaKind::Video => None,
    };
    let fmtp = media.fmtp(pt);
    Some(Codec {
        kind,
        name: name.to_owned(),
        clock_rate,
        channels,
        sdp_fmtp_line: fmtp.map(|line| line.as_str().to_owned()),
    })
}

/// The payload types that RFC 3551 §6 assigned for good and that anybody still uses.
fn static_format(payload_type: u8) -> Option<(&'static str, u32, Option<u8>)> {
    match payload_type {
        0 => Some(("PCMU", 8_000, None)),
        8 => Some(("PCMA", 8_000, None)),
        9 => Some(("G722", 8_000, None)),
        13 => Some(("CN", 8_000, None)),
        _ => None,
    }
}

/// Those of a section behind those that are there: the first line of each id and URI.
fn extensions(mut extensions: Vec<Extension>, section: &SdpSection) -> Vec<Extension> {
    for line in section.extmaps().filter_map(extension) {
        if extensions.len() == MAX_EXTENSIONS {
            break;
        }
        let same = |known: &Extension| known.id == line.id && known.uri == line.uri;
        if !extensions.iter().any(same) {
            extensions.push(line);
        }
    }
    extensions
}

fn extension(line: &Extmap) -> Option<Extension> {
    let extension = Extension {
        // Ids from 4096 on ask the answerer to choose one (RFC 8285 §7); nobody offers them.
        id: u8::try_from(line.id()).ok().and_then(ExtensionId::new)?,
        uri: match (&line.attributes, line.uri.as_str()) {
            // RFC 6904 §4: the extension that is encrypted stands in the attributes.
            (Some(inner), ENCRYPT) => format!("{ENCRYPT} {inner}"),
            (_, uri) => uri.to_owned(),
        },
        direction: line.direction.unwrap_or(Direction::SendRecv),
    };
    Some(extension).filter(|it| it.uri.len() <= MAX_URI_BYTES)
}

const ENCRYPT: &str = "urn:ietf:params:rtp-hdrext:encrypt";

/// The sources of `a=ssrc` lines in their order, each with those that repair it.
fn sources(media: Media<'_>) -> Vec<AnnouncedSource> {
    let rtx = repairs(media, "FID");
    let fec = repairs(media, "FEC-FR");
    let repairs: BTreeSet<Ssrc> = rtx.values().chain(fec.values()).copied().collect();

    let mut places: BTreeMap<Ssrc, usize> = BTreeMap::new();
    let mut sources: Vec<AnnouncedSource> = Vec::new();
    for line in media.ssrcs().filter(|line| !repairs.contains(&line.ssrc)) {
        let place = *places.entry(line.ssrc).or_insert(sources.len());
        if place == MAX_SOURCES {
            break;
        }
        if place == sources.len() {
            let ssrc = line.ssrc;
            let source = SourceParameters {
                ssrc,
                rtx: rtx.get(&ssrc).copied(),
                fec: fec.get(&ssrc).copied(),
            };
            sources.push(AnnouncedSource {
                source,
                cname: None,
            });
        }
        if line.name == "cname" {
            let text = line.value.as_ref().map(|text| text.as_str().to_owned());
            sources[place].cname = text;
        }
    }
    sources
}

/// Which source repairs which by groups of these semantics: `FID` for retransmissions (RFC 4588
/// §8.8), `FEC-FR` for forward error correction (RFC 5956 §4.3).
fn repairs(media: Media<'_>, semantics: &str) -> BTreeMap<Ssrc, Ssrc> {
    let mut repairs = BTreeMap::new();
    for group in media.ssrc_groups().filter(|g| g.semantics == semantics) {
        if let [ssrc, repair] = *group.ssrcs.as_slice()
            && ssrc != repair
        {
            repairs.entry(ssrc).or_insert(repair);
        }
    }
    repairs
}

/// The older form has the SCTP port as the format, and a map for it.
fn data(media: Media<'_>) -> DataLines {
    let port = media.sctp_port().map(|port| port.0);
    let mapped = media.sctpmaps().map(|map| map.port);
    let format = match media.formats() {
        Formats::Other(formats) => formats.iter().find_map(|f| f.as_str().parse().ok()),
        Formats::Rtp(_) => None,
    };
    let older: Option<u16> = mapped.chain(format).next();
    DataLines {
        port: port.or(older).unwrap_or(DEFAULT_SCTP_PORT),
        max_message_size: media.max_message_size().map(|size| size.0),
        legacy: port.is_none() && older.is_some(),
        init: media.sctp_init().and_then(|init| init.chunk()),
    }
}

/// What libwebrtc assumes of an end that does not say.
const DEFAULT_SCTP_PORT: u16 = 5000;
