use duologue_base::Mid;
use duologue_rtp::{CodecParameters, PayloadType, RtcpFeedback, Ssrc};
use duologue_sdp::attr::{
    Extmap, Fmtp, Group, IceOption, IceOptions, MaxMessageSize, Msid, MsidSemantic, RidAttribute,
    Rtcp, RtcpFb, Rtpmap, SctpInit, SctpPort, Sctpmap, SsrcAttribute, SsrcGroup,
};
use duologue_sdp::{
    Attribute, Formats, MediaBuilder, MediaDescription, MediaLine, NetAddress, Origin,
    SessionDescription, Text, Token, Word,
};

use super::{
    Blueprint, Content, DataLines, Extension, Port, RtpLines, Section, Streams, TransportLines,
};
use crate::Direction;
use crate::announced_source::AnnouncedSource;

/// The description of a blueprint. What this end cannot have put there because it is not legal
/// text (a stream id with a space) is left out.
pub(crate) fn write(blueprint: &Blueprint, origin: Origin) -> SessionDescription {
    let mut builder = SessionDescription::builder(origin);
    if let Some(identity) = &blueprint.identity {
        let line = identity.parse().map(Attribute::Identity);
        builder = builder.attributes(line.ok());
    }
    for mids in &blueprint.bundles {
        builder = builder.attribute(Group::bundle(mids.clone()));
    }
    for mids in &blueprint.lip_sync {
        builder = builder.attribute(Group::lip_sync(mids.clone()));
    }
    if blueprint.ice_lite {
        builder = builder.attribute(Attribute::IceLite);
    }
    if blueprint.extmap_allow_mixed {
        builder = builder.attribute(Attribute::ExtmapAllowMixed);
    }
    // Older ends look here for the streams' ids; RFC 8830 §2 dropped it.
    builder = builder.attribute(MsidSemantic {
        semantic: Token::from_static("WMS"),
        streams: vec![Token::from_static("*")],
    });
    for section in &blueprint.sections {
        builder = builder.media(media(section));
    }
    builder.build()
}

fn media(section: &Section) -> MediaDescription {
    let line = MediaLine {
        kind: section.word.clone(),
        // RFC 8840 §4.1.1: 9, the discard port, stands for a candidate that is not known yet.
        port: if section.port == Port::Open { 9 } else { 0 },
        port_count: None,
        protocol: section.protocol.clone(),
        formats: formats(section),
    };
    let mut builder = MediaDescription::builder(line);
    if let Some(mid) = &section.mid {
        builder = builder.attribute(Attribute::from(Mid::clone(mid)));
    }
    if section.port == Port::BundleOnly {
        builder = builder.attribute(Attribute::BundleOnly);
    }
    builder = transport(builder, section);
    match &section.content {
        Content::Rtp(lines) => rtp(builder.attribute(section.direction), lines),
        Content::Data(lines) if section.is_rejected() => legacy_map(builder, lines),
        Content::Data(lines) => data(legacy_map(builder, lines), lines),
        Content::Unknown => builder,
    }
    .build()
}

/// The payload types of the codecs; what the other end wrote when this end has no codecs to list.
fn formats(section: &Section) -> Formats {
    match &section.content {
        Content::Rtp(rtp) if !section.is_rejected() && !rtp.codecs.is_empty() => {
            Formats::Rtp(rtp.codecs.iter().map(|c| c.payload_type).collect())
        }
        _ => section.formats.clone(),
    }
}

fn transport(mut builder: MediaBuilder, section: &Section) -> MediaBuilder {
    let lines: &TransportLines = &section.transport;
    if let Some(ice) = &lines.ice
        && let (Ok(ufrag), Ok(pwd)) = (ice.ufrag.parse(), ice.pwd.parse())
    {
        builder = builder
            .attribute(Attribute::IceUfrag(ufrag))
            .attribute(Attribute::IcePwd(pwd));
    }

    let mut options = match lines.trickle {
        true => IceOptions::trickle_ice2(),
        false => IceOptions::default(),
    };
    if lines.renomination {
        options.0.push(IceOption::from_static("renomination"));
    }
    if lines.sped {
        options.0.push(IceOption::from_static("sped"));
    }
    if !options.0.is_empty() {
        builder = builder.attribute(options);
    }

    for fingerprint in &lines.fingerprints {
        let line = fingerprint.to_string().parse().map(Attribute::Fingerprint);
        builder = builder.attributes(line.ok());
    }
    if let Some(setup) = lines.setup {
        builder = builder.attribute(setup);
    }

    if lines.rtcp_mux && lines.ice.is_some() {
        // RFC 9429 §5.2.1: the default value, for no candidate is known yet.
        builder = builder.attribute(Rtcp {
            port: 9,
            address: Some(NetAddress::UNSPECIFIED),
        });
    }
    if lines.rtcp_mux {
        builder = builder.attribute(Attribute::RtcpMux);
    }
    if lines.rtcp_mux_only {
        builder = builder.attribute(Attribute::RtcpMuxOnly);
    }
    if lines.reduced_size {
        builder = builder.attribute(Attribute::RtcpRsize);
    }
    if lines.cryptex {
        builder = builder.attribute(Attribute::Cryptex);
    }
    builder
}

fn rtp(mut builder: MediaBuilder, lines: &RtpLines) -> MediaBuilder {
    // RFC 8888 §6: for all payload types at once.
    let mut codecs = lines.codecs.iter();
    if codecs.any(|codec| codec.feedback.contains(&RtcpFeedback::Ccfb)) {
        builder = builder.attributes(feedback_line(None, &RtcpFeedback::Ccfb));
    }
    for codec in &lines.codecs {
        builder = builder.attributes(codec_lines(codec));
    }
    let extensions = lines.extensions.iter().filter_map(extmap);
    builder = builder.attributes(extensions.map(Attribute::from));
    builder = builder.attributes(msids(lines));
    for (id, direction) in &lines.rids {
        builder = builder.attribute(RidAttribute::new(id.clone(), *direction));
    }
    if let Some(simulcast) = &lines.simulcast {
        builder = builder.attribute(simulcast.clone());
    }
    builder.attributes(sources(lines))
}

fn extmap(extension: &Extension) -> Option<Extmap> {
    let mut line = Extmap::new(u16::from(extension.id.get()), extension.uri.parse().ok()?)?;
    line.direction = Some(extension.direction).filter(|d| *d != Direction::SendRecv);
    Some(line)
}

fn codec_lines(entry: &CodecParameters) -> Vec<Attribute> {
    let payload_type = entry.payload_type;
    let mut lines = Vec::new();
    if let Ok(encoding) = entry.codec.name.parse() {
        lines.push(Attribute::from(Rtpmap {
            payload_type,
            encoding,
            clock_rate: entry.codec.clock_rate,
            channels: entry.codec.channels.filter(|n| *n > 1).map(u16::from),
        }));
    }
    let feedback = entry.feedback.iter();
    let feedback = feedback.filter(|feedback| **feedback != RtcpFeedback::Ccfb);
    lines.extend(feedback.filter_map(|it| feedback_line(Some(payload_type), it)));
    if let Some(Ok(parameters)) = entry.codec.sdp_fmtp_line.as_ref().map(|line| line.parse()) {
        lines.push(Attribute::from(Fmtp {
            payload_type,
            parameters,
        }));
    }
    lines
}

/// Of one payload type, or of all.
fn feedback_line(payload_type: Option<PayloadType>, feedback: &RtcpFeedback) -> Option<Attribute> {
    let words = feedback.as_str();
    let (kind, parameters) = match words.split_once(' ') {
        Some((kind, parameters)) => (kind, parameters.parse().ok()),
        None => (words, None),
    };
    Some(Attribute::from(RtcpFb {
        payload_type,
        feedback: kind.parse().ok()?,
        parameters,
    }))
}

/// One `a=msid` per stream; `-` when the track is in none (RFC 8830 §2). The track's id follows
/// although RFC 9429 dropped it: every end that predates it looks for it.
fn msids(lines: &RtpLines) -> Vec<Attribute> {
    let Streams::In(streams) = &lines.streams else {
        return Vec::new();
    };
    let appdata: Option<Token> = lines.track_id.as_ref().and_then(|id| id.parse().ok());
    let msid = |stream: Option<Token>| {
        Attribute::from(Msid {
            stream: stream.map(Word::from),
            appdata: appdata.clone().map(Word::from),
        })
    };
    let named = streams.iter().filter_map(|id| id.parse().ok());
    let named: Vec<Attribute> = named.map(|stream| msid(Some(stream))).collect();
    match named.is_empty() {
        true => vec![msid(None)],
        false => named,
    }
}

/// Each source with the lines of those that repair it and the groups that say so.
fn sources(lines: &RtpLines) -> Vec<Attribute> {
    // Where the track's streams stood before RFC 8830 (draft-ietf-mmusic-msid-00), in the one form that
    // readers of that know: the first stream.
    let msid = lines.track_id.as_ref().and_then(|track| {
        let stream = match &lines.streams {
            Streams::In(streams) => streams.first().map_or("-", String::as_str),
            Streams::Unsaid => return None,
        };
        format!("{stream} {track}").parse::<Text>().ok()
    });
    let line = |ssrc: Ssrc, name: &'static str, value: &Option<Text>| {
        let value = Some(value.clone()?);
        let name = Token::from_static(name);
        Some(Attribute::from(SsrcAttribute { ssrc, name, value }))
    };
    let group = |semantics: &'static str, ssrc: Ssrc, repair: Option<Ssrc>| {
        Some(Attribute::from(SsrcGroup {
            semantics: Token::from_static(semantics),
            ssrcs: vec![ssrc, repair?],
        }))
    };

    let mut attributes = Vec::new();
    for AnnouncedSource { source, cname } in &lines.sources {
        let cname = cname.as_ref().and_then(|text| text.parse::<Text>().ok());
        for ssrc in source.ssrcs() {
            attributes.extend(line(ssrc, "cname", &cname));
            attributes.extend(line(ssrc, "msid", &msid));
        }
        attributes.extend(group("FID", source.ssrc, source.rtx));
        attributes.extend(group("FEC-FR", source.ssrc, source.fec));
    }
    attributes
}

fn legacy_map(builder: MediaBuilder, lines: &DataLines) -> MediaBuilder {
    match lines.legacy {
        false => builder,
        true => builder.attribute(Sctpmap {
            port: lines.port,
            application: Token::from_static("webrtc-datachannel"),
            streams: Some(1024),
        }),
    }
}

fn data(mut builder: MediaBuilder, lines: &DataLines) -> MediaBuilder {
    if !lines.legacy {
        builder = builder.attribute(SctpPort(lines.port));
    }
    if let Some(size) = lines.max_message_size {
        builder = builder.attribute(MaxMessageSize(size));
    }
    match lines.init.as_deref().and_then(SctpInit::of_chunk) {
        Some(init) => builder.attribute(init),
        None => builder,
    }
}
