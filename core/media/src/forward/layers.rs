//! What a publisher sends: one stream, or several of the same pictures, each perhaps in spatial layers.

use std::ops::Range;
use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::ext::{DependencyDescriptor, DependencyReader, LayersAllocation};
use duologue_rtp::payload::{Boundary, PacketInfo};

use crate::limits::{
    FORWARD_LAYERS, FORWARD_RATE_TIME, FORWARD_SILENCE, FORWARD_SPATIAL_LAYERS,
    FORWARD_TEMPORAL_LAYERS,
};
use crate::packet::RtpPacket;

use super::clock::StreamClock;

/// The layers of a publisher by their index.
#[derive(Debug, Default)]
pub(super) struct Layers {
    known: Vec<Option<Layer>>,
    /// What the publisher says that it sends, if it does.
    told: Option<LayersAllocation>,
}

#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) clock: StreamClock,
    heard: Instant,
    /// Since when bytes are counted, and how many.
    counting: (Instant, PerLayer),
    /// Bits per second, once they were measured; 0 for a layer that is not sent.
    rates: Option<PerLayer>,
    /// The highest of them that is sent.
    pub(super) highest: u8,
    /// The number of its latest picture, extended.
    picture: Option<u64>,
    /// Of its dependency descriptors.
    dependencies: DependencyReader,
    /// The one of the latest packet, if it could be read.
    pub(super) described: Option<DependencyDescriptor>,
}

/// What belongs to each spatial layer of a stream, and in it to each temporal layer, alone.
type PerLayer = [[u64; FORWARD_TEMPORAL_LAYERS]; FORWARD_SPATIAL_LAYERS];

/// What a receiver may get: a layer, and of its spatial and temporal layers those up to one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Rung {
    pub(super) layer: usize,
    pub(super) spatial: u8,
    pub(super) temporal: u8,
}

/// A rung that is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sent {
    rung: Rung,
    /// Bits per second.
    takes: u64,
    /// How many temporal layers it leaves out.
    left_out: u8,
}

impl Layers {
    /// A packet came. `None` for a layer beyond all that are kept; `Some(true)` if more or other rates are
    /// known than before.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        clock_rate: u32,
        packet: &RtpPacket,
        info: &mut PacketInfo<'_>,
    ) -> Option<bool> {
        let index = packet.encoding;
        if index >= FORWARD_LAYERS {
            return None;
        }
        if index >= self.known.len() {
            self.known.resize_with(index + 1, || None);
        }
        let (timestamp, arrived) = (packet.timestamp, packet.received);
        let new = || Layer::new(now, StreamClock::new(clock_rate, timestamp, arrived));
        let begins = self.known[index].is_none();
        let layer = self.known[index].get_or_insert_with(new);
        if now - layer.heard > FORWARD_SILENCE {
            // It was off, and its time stamps may be others.
            *layer = Layer {
                picture: layer.picture,
                dependencies: std::mem::take(&mut layer.dependencies),
                ..new()
            };
        }
        layer.clock.see(timestamp, arrived);
        layer.heard = now;

        layer.describe(packet, info);
        let measured = layer.count(now, info, packet.payload.len());
        let told = self.hear(packet, begins_key(info));
        Some(begins || measured || told)
    }

    /// A packet may say what is sent of all layers. Whether this one says something new.
    fn hear(&mut self, packet: &RtpPacket, begins_key: bool) -> bool {
        let of_this = |it: &LayersAllocation| usize::from(it.stream) == packet.encoding;
        if packet.layers_allocation.is_empty() {
            // Whoever says it does with each key frame.
            let ends = begins_key && self.told.as_ref().is_some_and(of_this);
            return ends && self.told.take().is_some();
        }
        // Streams are numbered as descriptions have them; of one that is numbered otherwise nothing can
        // be made.
        let said = LayersAllocation::parse(&packet.layers_allocation);
        let said = said.filter(|it| it.streams == 0 || of_this(it));
        if said.is_none() || said == self.told {
            return false;
        }
        self.told = said;
        true
    }

    /// Their pictures are of another codec from now on.
    pub(super) fn forget_pictures(&mut self) {
        for layer in self.known.iter_mut().flatten() {
            layer.picture = None;
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&Layer> {
        self.known.get(index)?.as_ref()
    }

    /// The first one that is there.
    pub(super) fn first(&self) -> Option<usize> {
        self.known.iter().position(Option::is_some)
    }

    /// The extended number of a layer's picture.
    pub(super) fn picture(&mut self, index: usize, number: u16, bits: u32) -> u64 {
        let layer = self.known.get_mut(index).and_then(Option::as_mut);
        let Some(layer) = layer else {
            return number.into();
        };
        let space = 1_u64 << bits;
        let extended = match layer.picture {
            // Far enough from 0 for those that come late.
            None => space + u64::from(number),
            Some(near) => {
                let step = (u64::from(number).wrapping_sub(near)) & (space - 1);
                match step < space / 2 {
                    true => near + step,
                    false => (near + step).saturating_sub(space),
                }
            }
        };
        layer.picture = layer.picture.max(Some(extended));
        extended
    }

    /// The best of what is sent now for a receiver that can take so many bits per second, and wants no
    /// spatial and temporal layer above `most`: of the highest rate that fits and has at least half of the
    /// pictures, else of the highest that fits, else of the lowest. `current` stays until another one fits
    /// with something to spare, or it does not fit itself. All temporal layers that are sent are all that
    /// are wanted: the next ones to come may not have been sent lately.
    pub(super) fn best(
        &self,
        now: Instant,
        bitrate: u64,
        current: Option<Rung>,
        most: (u8, u8),
    ) -> Option<Rung> {
        self.best_of(0..self.known.len(), now, bitrate, current, most)
    }

    /// The same of some layers.
    pub(super) fn best_of(
        &self,
        of: Range<usize>,
        now: Instant,
        bitrate: u64,
        current: Option<Rung>,
        most: (u8, u8),
    ) -> Option<Rung> {
        let sent = of.flat_map(|index| self.sent(now, index, most));
        let kept = current.and_then(|current| {
            let within = (current.spatial.min(most.0), current.temporal.min(most.1));
            self.sent(now, current.layer, within).last()
        });
        let kept = kept.filter(|kept| kept.takes <= bitrate);
        let fits = |it: &Sent| match kept {
            // A tenth to spare, where something is to be lost by coming back.
            Some(kept) => {
                it.rung == kept.rung || it.takes > kept.takes && it.takes + it.takes / 10 <= bitrate
            }
            None => it.takes <= bitrate,
        };
        // Each temporal layer has as many pictures as those below it together.
        let worth = |it: &Sent| (it.left_out <= 1, it.takes, it.rung.layer, it.rung.spatial);
        let best = sent.clone().filter(fits).max_by_key(worth);
        let best = best.or_else(|| sent.min_by_key(|it| (it.takes, it.rung.layer)));
        best.map(|best| Rung {
            temporal: match best.left_out {
                0 => most.1,
                _ => best.rung.temporal,
            },
            ..best.rung
        })
    }

    /// What of a layer is sent now up to these spatial and temporal layers, from the lowest spatial one
    /// up, and in it from the lowest temporal one up.
    fn sent(
        &self,
        now: Instant,
        index: usize,
        (spatial, temporal): (u8, u8),
    ) -> impl Iterator<Item = Sent> + Clone + use<'_> {
        let layer = self.get(index);
        let layer = layer.filter(|layer| now - layer.heard <= FORWARD_SILENCE);
        let rates = layer.map(|layer| layer.rates.unwrap_or_default());
        let rungs = rates.into_iter().flat_map(move |rates| {
            (0..FORWARD_SPATIAL_LAYERS as u8).flat_map(move |at| self.steps(index, at, &rates))
        });
        let left_out = move |it: Sent| {
            // Those that it is not to get are no loss to it.
            let unwanted = (it.rung.temporal + it.left_out).saturating_sub(temporal);
            it.left_out.saturating_sub(unwanted)
        };
        let rungs = rungs.map(move |it| Sent {
            left_out: left_out(it),
            ..it
        });
        rungs.filter(move |it| it.rung.spatial <= spatial && it.rung.temporal <= temporal)
    }

    /// A spatial layer with more and more of its temporal layers, and with those spatial ones that it
    /// needs; nothing if it is not sent.
    fn steps(
        &self,
        layer: usize,
        spatial: u8,
        rates: &PerLayer,
    ) -> impl Iterator<Item = Sent> + Clone + use<> {
        let needed = &rates[..=usize::from(spatial)];
        let of_temporal = |at: usize| needed.iter().map(|rates| rates[at]).sum::<u64>();
        let told = self.told.as_ref();
        let told = told.map(|told| told_rates(told, layer, spatial));

        let mut with_lower = [0; FORWARD_TEMPORAL_LAYERS];
        let mut count = 0;
        match told {
            // It is off.
            Some(None) => {}
            // What an encoder is to make it may be far from making.
            _ if needed[usize::from(spatial)].iter().any(|rate| *rate > 0) => {
                let mut takes = 0;
                for (at, with_lower) in with_lower.iter_mut().enumerate() {
                    let own = of_temporal(at);
                    takes += own;
                    *with_lower = takes;
                    if own > 0 {
                        count = at + 1;
                    }
                }
            }
            Some(Some(told)) => {
                for (with_lower, kbps) in with_lower.iter_mut().zip(told) {
                    *with_lower = u64::from(*kbps) * 1_000;
                    count += 1;
                }
            }
            None => {}
        }

        let with_lower = with_lower.into_iter().take(count).zip(0..);
        with_lower.map(move |(takes, temporal)| Sent {
            rung: Rung {
                layer,
                spatial,
                temporal,
            },
            takes,
            left_out: (count as u8).saturating_sub(temporal + 1),
        })
    }
}

/// A key frame of the lowest spatial layer begins, and with it a picture that needs no other.
pub(super) fn begins_key(info: &PacketInfo<'_>) -> bool {
    info.key == Some(true) && info.begins != Boundary::No && info.spatial.unwrap_or(0) == 0
}

/// What the publisher says that a spatial layer takes with all that it needs, in kbit/s by its temporal
/// layers; `None` for one that is off.
fn told_rates(told: &LayersAllocation, index: usize, spatial: u8) -> Option<&[u32]> {
    let mut layers = told.layers.iter();
    let layer = layers.find(|it| usize::from(it.stream) == index && it.spatial == spatial)?;
    Some(layer.kbps())
}

impl Layer {
    /// The highest temporal layer that was measured.
    pub(super) fn highest_temporal(&self) -> u8 {
        let rates = self.rates.unwrap_or_default();
        let sent = |temporal: &usize| rates.iter().any(|of_spatial| of_spatial[*temporal] > 0);
        let highest = (0..FORWARD_TEMPORAL_LAYERS).rfind(sent);
        highest.map_or(0, |temporal| temporal as u8)
    }

    fn new(now: Instant, clock: StreamClock) -> Self {
        Layer {
            clock,
            heard: now,
            counting: (now, Default::default()),
            rates: None,
            highest: 0,
            picture: None,
            dependencies: DependencyReader::default(),
            described: None,
        }
    }

    /// Adds what a packet's dependency descriptor says: of codecs whose payloads say less, or are
    /// encrypted from end to end.
    fn describe(&mut self, packet: &RtpPacket, info: &mut PacketInfo<'_>) {
        self.described = None;
        if packet.dependency_descriptor.is_empty() {
            return;
        }
        let Ok(said) = self.dependencies.read(&packet.dependency_descriptor) else {
            return;
        };
        info.temporal = info.temporal.or(Some(said.dependencies.temporal));
        info.spatial = info.spatial.or(Some(said.dependencies.spatial));
        let boundary = |certain| match certain {
            true => Boundary::Certain,
            false => Boundary::No,
        };
        info.begins = boundary(said.start_of_frame);
        info.ends = boundary(said.end_of_frame);
        // A.4: the structure comes with the first packet of a key frame.
        if said.structure.is_some() && said.start_of_frame {
            info.key = Some(true);
        }
        self.described = Some(said);
    }

    fn count(&mut self, now: Instant, info: &PacketInfo<'_>, bytes: usize) -> bool {
        let (since, counted) = &mut self.counting;
        let at = |layer: Option<u8>, last: usize| usize::from(layer.unwrap_or(0)).min(last);
        let of_spatial = &mut counted[at(info.spatial, FORWARD_SPATIAL_LAYERS - 1)];
        of_spatial[at(info.temporal, FORWARD_TEMPORAL_LAYERS - 1)] += bytes as u64;
        let took: Duration = now - *since;
        if took < FORWARD_RATE_TIME {
            return false;
        }
        let rate = |bytes: u64| {
            let rate = u128::from(bytes) * 8_000 / took.as_millis().max(1);
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        let mut rates = counted.map(|counted| counted.map(rate));
        if let Some(before) = self.rates {
            let both = rates.as_flattened_mut().iter_mut();
            for (rate, before) in both.zip(before.as_flattened()) {
                // Key frames come now and then.
                if *rate > 0 && *before > 0 {
                    *rate = *rate / 2 + *before / 2;
                }
            }
        }
        let is_sent =
            |(_, rates): &(u8, &[u64; FORWARD_TEMPORAL_LAYERS])| rates.iter().any(|it| *it > 0);
        let highest = (0..).zip(&rates).filter(is_sent).last();
        self.highest = highest.map_or(0, |(spatial, _)| spatial);
        self.rates = Some(rates);
        self.counting = (now, Default::default());
        true
    }
}

#[cfg(test)]
mod tests {
    use duologue_rtp::ext::AllocatedLayer;

    use super::*;

    /// A packet of so many bytes, and of a spatial layer.
    fn packet(index: usize, timestamp: u32, now: Instant, bytes: usize) -> RtpPacket {
        RtpPacket {
            encoding: index,
            timestamp,
            received: now,
            payload: vec![0; bytes].into(),
            ..RtpPacket::for_tests()
        }
    }

    fn run(
        layers: &mut Layers,
        ticks: std::ops::Range<u32>,
        rates: &[(usize, u8, u64)],
    ) -> Instant {
        let mut now = Instant::ZERO;
        for n in ticks {
            now = Instant::from_nanos(u64::from(n) * 50_000_000);
            for (index, spatial, rate) in rates {
                let packet = packet(*index, n * 4_500, now, (rate / 8 / 20) as usize);
                let mut info = PacketInfo {
                    spatial: Some(*spatial),
                    ..PacketInfo::default()
                };
                layers.handle(now, 90_000, &packet, &mut info);
            }
        }
        now
    }

    const ALL: (u8, u8) = (u8::MAX, u8::MAX);

    /// No temporal layer is left out, of those as well that are not sent at the moment.
    const NONE_LEFT_OUT: u8 = u8::MAX;

    /// Of the only stream.
    fn rung(spatial: u8, temporal: u8) -> Rung {
        Rung {
            layer: 0,
            spatial,
            temporal,
        }
    }

    /// Simulcast layers of these rates.
    fn layers(rates: &[u64]) -> (Layers, Instant) {
        let mut layers = Layers::default();
        let rates: Vec<_> = (0..).zip(rates).map(|(at, rate)| (at, 0, *rate)).collect();
        let now = run(&mut layers, 0..60, &rates);
        (layers, now)
    }

    fn best(layers: &Layers, now: Instant, bitrate: u64, current: Option<usize>) -> Option<usize> {
        let current = current.map(|layer| Rung {
            layer,
            spatial: 0,
            temporal: 0,
        });
        let best = layers.best(now, bitrate, current, ALL);
        best.map(|rung| rung.layer)
    }

    #[test]
    fn the_highest_layer_that_fits_is_the_best() {
        let (layers, now) = layers(&[2_500_000, 150_000, 500_000]);
        for (bitrate, layer) in [(10_000, 1), (300_000, 1), (800_000, 2), (5_000_000, 0)] {
            assert_eq!(best(&layers, now, bitrate, None), Some(layer), "{bitrate}");
        }
    }

    #[test]
    fn a_higher_layer_needs_something_to_spare() {
        let (layers, now) = layers(&[150_000, 500_000]);
        assert_eq!(best(&layers, now, 530_000, Some(0)), Some(0));
        assert_eq!(best(&layers, now, 570_000, Some(0)), Some(1));
        assert_eq!(best(&layers, now, 530_000, Some(1)), Some(1));
        assert_eq!(best(&layers, now, 450_000, Some(1)), Some(0));
    }

    #[test]
    fn a_layer_that_is_not_sent_any_more_is_not_chosen() {
        let (mut layers, _) = layers(&[150_000, 500_000]);
        let now = run(&mut layers, 60..120, &[(0, 0, 150_000)]);
        assert_eq!(best(&layers, now, 5_000_000, Some(1)), Some(0));
    }

    #[test]
    fn a_spatial_layer_takes_what_those_below_it_take_as_well() {
        let mut layers = Layers::default();
        let rates = [(0, 0, 100_000), (0, 1, 300_000), (0, 2, 900_000)];
        let now = run(&mut layers, 0..60, &rates);
        for (bitrate, spatial) in [(10_000, 0), (390_000, 0), (410_000, 1), (1_400_000, 2)] {
            let best = layers.best(now, bitrate, None, ALL);
            assert_eq!(best, Some(rung(spatial, NONE_LEFT_OUT)), "{bitrate}");
        }
        // As high as it wants, and as it is sent.
        let best = layers.best(now, 1_400_000, None, (1, u8::MAX));
        assert_eq!(best, Some(rung(1, NONE_LEFT_OUT)));
        assert_eq!(layers.get(0).unwrap().highest, 2);
        run(&mut layers, 60..120, &rates[..2]);
        assert_eq!(layers.get(0).unwrap().highest, 1);
    }

    /// A stream of three temporal layers in each of two spatial ones: 50, 20 and 30 kbit/s, and three times
    /// that.
    fn svc() -> (Layers, Instant) {
        let mut layers = Layers::default();
        let mut now = Instant::ZERO;
        for n in 0..60 {
            now = Instant::from_nanos(u64::from(n) * 50_000_000);
            for (temporal, bytes) in [(0, 312), (1, 125), (2, 188)] {
                for spatial in 0..2 {
                    let bytes = bytes * (1 + 2 * usize::from(spatial));
                    let packet = packet(0, n * 4_500, now, bytes);
                    let mut info = PacketInfo {
                        spatial: Some(spatial),
                        temporal: Some(temporal),
                        ..PacketInfo::default()
                    };
                    layers.handle(now, 90_000, &packet, &mut info);
                }
            }
        }
        (layers, now)
    }

    #[test]
    fn temporal_layers_are_left_out_before_half_of_the_pictures_would_be_missing() {
        let (layers, now) = svc();
        for (bitrate, best) in [
            (10_000, rung(0, 0)),
            (60_000, rung(0, 0)),
            (80_000, rung(0, 1)),
            (150_000, rung(0, NONE_LEFT_OUT)),
            // A quarter of the larger pictures takes 200 kbit/s, a half 280, all of them 400.
            (250_000, rung(0, NONE_LEFT_OUT)),
            (300_000, rung(1, 1)),
            (500_000, rung(1, NONE_LEFT_OUT)),
        ] {
            let chosen = layers.best(now, bitrate, None, ALL);
            assert_eq!(chosen, Some(best), "{bitrate}");
        }
    }

    #[test]
    fn a_temporal_layer_that_is_not_wanted_is_not_missed() {
        let (layers, now) = svc();
        let chosen = layers.best(now, 250_000, None, (u8::MAX, 0));
        assert_eq!(chosen, Some(rung(1, 0)));
    }

    #[test]
    fn a_higher_temporal_layer_needs_something_to_spare_too() {
        let (layers, now) = svc();
        for (bitrate, current, best) in [
            (105_000, rung(0, 1), rung(0, 1)),
            (112_000, rung(0, 1), rung(0, NONE_LEFT_OUT)),
            (101_000, rung(0, NONE_LEFT_OUT), rung(0, NONE_LEFT_OUT)),
            (90_000, rung(0, NONE_LEFT_OUT), rung(0, 1)),
            (390_000, rung(1, NONE_LEFT_OUT), rung(1, 1)),
        ] {
            let chosen = layers.best(now, bitrate, Some(current), ALL);
            assert_eq!(chosen, Some(best), "{bitrate}");
        }
    }

    /// What a publisher of one stream says of its spatial layers, in kbit/s with all that they need.
    fn telling(layers: &mut Layers, now: Instant, kbps: &[u32], key: bool) -> bool {
        let allocated = (0..)
            .zip(kbps)
            .map(|(at, kbps)| AllocatedLayer::new(0, at, &[kbps / 2, *kbps], None).unwrap());
        let allocation = LayersAllocation {
            stream: 0,
            streams: 1,
            layers: allocated.collect(),
        };
        let mut bytes = Vec::new();
        if !kbps.is_empty() {
            assert!(allocation.write(&mut bytes));
        }
        let packet = RtpPacket {
            layers_allocation: bytes.into(),
            ..packet(0, 0, now, 0)
        };
        let mut info = PacketInfo {
            key: Some(key),
            ..PacketInfo::default()
        };
        layers.handle(now, 90_000, &packet, &mut info).unwrap()
    }

    fn spatial(layers: &Layers, now: Instant, bitrate: u64) -> Option<u8> {
        let best = layers.best(now, bitrate, None, ALL);
        best.map(|rung| rung.spatial)
    }

    #[test]
    fn what_the_publisher_says_of_its_layers_counts_until_it_is_measured() {
        let mut layers = Layers::default();
        assert!(telling(&mut layers, Instant::ZERO, &[200, 800], true));
        // With half of the pictures, and with all.
        for (bitrate, best) in [
            (90_000, rung(0, 0)),
            (300_000, rung(0, NONE_LEFT_OUT)),
            (700_000, rung(1, 0)),
            (900_000, rung(1, NONE_LEFT_OUT)),
        ] {
            let chosen = layers.best(Instant::ZERO, bitrate, None, ALL);
            assert_eq!(chosen, Some(best), "{bitrate}");
        }
        // It makes less than it may.
        let now = run(&mut layers, 0..60, &[(0, 0, 100_000), (0, 1, 300_000)]);
        assert_eq!(spatial(&layers, now, 390_000), Some(0));
        assert_eq!(spatial(&layers, now, 500_000), Some(1));
    }

    #[test]
    fn a_layer_that_the_publisher_says_is_off_is_not_chosen_whatever_still_comes_of_it() {
        let mut layers = Layers::default();
        let now = run(&mut layers, 0..60, &[(0, 0, 100_000), (0, 1, 300_000)]);
        assert!(telling(&mut layers, now, &[200], false));
        assert_eq!(spatial(&layers, now, 900_000), Some(0));
        // It is said again with each key frame, by those who say it.
        assert!(!telling(&mut layers, now, &[], false));
        assert_eq!(spatial(&layers, now, 900_000), Some(0));
        assert!(telling(&mut layers, now, &[], true));
        assert_eq!(spatial(&layers, now, 900_000), Some(1));
    }

    #[test]
    fn an_allocation_of_another_order_of_streams_is_not_used() {
        let (mut layers, now) = layers(&[150_000, 500_000]);
        let layer = AllocatedLayer::new(0, 0, &[9], None).unwrap();
        let allocation = LayersAllocation {
            stream: 0,
            streams: 2,
            layers: vec![layer],
        };
        let mut bytes = Vec::new();
        assert!(allocation.write(&mut bytes));
        let packet = RtpPacket {
            layers_allocation: bytes.into(),
            ..packet(1, 0, now, 0)
        };
        let told = layers.handle(now, 90_000, &packet, &mut PacketInfo::default());
        assert_eq!(told, Some(false));
        assert_eq!(best(&layers, now, 5_000_000, None), Some(1));
    }

    #[test]
    fn numbers_of_pictures_are_extended_through_their_wrap_and_back() {
        let (mut layers, _) = layers(&[100_000]);
        let numbers = [120, 127, 1, 126, 2].map(|number| layers.picture(0, number, 7));
        assert_eq!(numbers, [248, 255, 257, 254, 258]);
    }
}
