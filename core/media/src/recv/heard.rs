//! Who is to be heard and seen: what `getSynchronizationSources()` and `getContributingSources()` tell
//! (webrtc-pc §5.3).

use duologue_base::{Instant, TransceiverId};
use duologue_rtp::ext::{CorruptionDetection, ExtensionKind};

use super::route::Purpose;
use super::sources::Sources;
use super::{Inbound, Incoming, Place, Told};
use crate::frame::Contributor;
use crate::limits::{CAPTURE_TIME_KEPT, REPORTS, SOURCE_KEPT, SOURCES_TOLD, TOLD_SOURCES};
use crate::packet::RtpSource;
use crate::report::MediaReport;

/// Those who contribute to what one receiver receives, and when they were told of.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    contributing: Vec<RtpSource>,
    told: Option<Instant>,
}

impl Heard {
    fn contributed(&mut self, source: RtpSource) {
        let known = self.contributing.iter_mut();
        let mut known = known.filter(|it| it.source == source.source);
        if let Some(known) = known.next() {
            *known = source;
            return;
        }
        if self.contributing.len() >= TOLD_SOURCES {
            let all = self.contributing.iter().enumerate();
            if let Some((oldest, _)) = all.min_by_key(|(_, it)| it.received) {
                self.contributing.swap_remove(oldest);
            }
        }
        self.contributing.push(source);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.told.is_none_or(|told| now - told >= SOURCES_TOLD)
    }

    /// §5.3: those of the last 10 seconds, the latest first.
    fn tell(&mut self, now: Instant, receiver: TransceiverId, sources: &Sources) -> Vec<RtpSource> {
        self.told = Some(now);
        let kept = |received: Instant| now - received <= SOURCE_KEPT;
        self.contributing.retain(|it| kept(it.received));
        let of_receiver = sources.iter().filter(|(_, source)| {
            source.route.receiver == receiver && source.route.purpose == Purpose::Media
        });
        let synchronization = of_receiver.filter_map(|(ssrc, source)| {
            let received = source.statistics.last_packet_received?;
            Some(RtpSource {
                source: ssrc,
                contributing: false,
                received,
                timestamp: source.timestamp,
                audio_level: source.audio_level,
                capture_time: source.captured,
            })
        });
        let synchronization = synchronization.filter(|it| kept(it.received));
        let mut told: Vec<RtpSource> = synchronization.collect();
        told.sort_by_key(|it| std::cmp::Reverse(it.received));
        told.truncate(TOLD_SOURCES);
        told.extend_from_slice(&self.contributing);
        told.sort_by_key(|it| std::cmp::Reverse(it.received));
        told
    }
}

impl Inbound {
    /// A packet of media came.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        place: Place,
        incoming: &Incoming<'_>,
        clock_rate: u32,
        told: &mut Told<'_>,
    ) {
        let header = &incoming.packet.header;
        let source = self.sources.get_mut(place.source);
        source.timestamp = header.timestamp;
        // The extension's page: it is about the first contributing source, where there are any.
        let mut contributors = incoming.contributors();
        let first = contributors.next();
        let of = first.map_or(header.ssrc, |first| first.ssrc);
        let said = incoming.extensions.capture_time();
        if let Some(said) = said {
            let clock = &mut source.capture_clock;
            clock.say(of, header.timestamp, said, incoming.arrival);
        }
        let stamp = (header.timestamp, clock_rate);
        let clock = &source.capture_clock;
        let arrival = incoming.arrival;
        let captured = said.or_else(|| clock.interpolate(of, stamp, arrival, CAPTURE_TIME_KEPT));
        source.captured = captured.filter(|_| first.is_none());

        let heard = &mut self.receivers[place.owner].heard;
        for contributor in first.into_iter().chain(contributors) {
            heard.contributed(RtpSource {
                source: contributor.ssrc,
                contributing: true,
                received: incoming.arrival,
                timestamp: header.timestamp,
                audio_level: contributor.audio_level,
                capture_time: captured.filter(|_| contributor.ssrc == of),
            });
        }
        if heard.is_due(now) && told.reports.len() < REPORTS {
            let receiver = &mut self.receivers[place.owner];
            let id = receiver.id;
            let sources = receiver.heard.tell(now, id, &self.sources);
            told.reports.push_back((id, MediaReport::Sources(sources)));
        }
    }
}

impl<'a> Incoming<'a> {
    /// What its frame depends on, if it says so.
    pub(super) fn dependency_descriptor(&self) -> Option<&'a [u8]> {
        self.extensions.dependency_descriptor(self.datagram)
    }

    /// Which layers its sender sends, if it says so.
    pub(super) fn layers_allocation(&self) -> Option<&'a [u8]> {
        let kind = ExtensionKind::VideoLayersAllocation;
        self.extensions.bytes(kind, self.datagram)
    }

    /// Samples of its picture before that was encoded, if it has them.
    pub(super) fn corruption_detection(&self) -> Option<CorruptionDetection> {
        self.extensions.corruption_detection(self.datagram)
    }

    /// Who contributed, and how loud each is (RFC 6465 §3: in the order of the header's list).
    pub(super) fn contributors(&self) -> impl Iterator<Item = Contributor> + use<'_> {
        let mut levels = self.extensions.csrc_audio_levels(self.datagram);
        self.packet.csrcs().map(move |ssrc| Contributor {
            ssrc,
            audio_level: levels.next(),
        })
    }
}
