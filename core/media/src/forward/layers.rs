//! What a publisher sends: one stream, or several of the same pictures.

use std::time::Duration;

use duologue_base::Instant;
use duologue_rtp::ext::DependencyReader;
use duologue_rtp::payload::{Boundary, PacketInfo};

use crate::limits::{FORWARD_LAYERS, FORWARD_RATE_TIME, FORWARD_SILENCE};

use super::clock::StreamClock;

/// The layers of a publisher by their index.
#[derive(Debug, Default)]
pub(super) struct Layers(Vec<Option<Layer>>);

#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub(super) clock: StreamClock,
    heard: Instant,
    /// Since when bytes are counted, and how many.
    counting: (Instant, u64),
    /// Bits per second, once it was measured.
    rate: Option<u64>,
    /// The number of its latest picture, extended.
    picture: Option<u64>,
    /// Of its dependency descriptors.
    dependencies: DependencyReader,
}

impl Layers {
    /// A packet came. `None` for a layer beyond all that are kept; `Some(true)` if rates are known
    /// anew.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        index: usize,
        (rate, timestamp, arrived): (u32, u32, Instant),
        bytes: usize,
    ) -> Option<bool> {
        if index >= FORWARD_LAYERS {
            return None;
        }
        if index >= self.0.len() {
            self.0.resize_with(index + 1, || None);
        }
        let layer = self.0[index].get_or_insert_with(|| Layer::new(now, rate, timestamp, arrived));
        if now - layer.heard > FORWARD_SILENCE {
            // It was off, and its time stamps may be others.
            *layer = Layer {
                picture: layer.picture,
                dependencies: std::mem::take(&mut layer.dependencies),
                ..Layer::new(now, rate, timestamp, arrived)
            };
        }
        layer.clock.see(timestamp, arrived);
        layer.heard = now;
        Some(layer.count(now, bytes))
    }

    /// Adds what a packet's dependency descriptor says: of codecs whose payloads say less, or are
    /// encrypted from end to end.
    pub(super) fn describe(&mut self, index: usize, descriptor: &[u8], info: &mut PacketInfo<'_>) {
        let layer = self.0.get_mut(index).and_then(Option::as_mut);
        let Some(layer) = layer.filter(|_| !descriptor.is_empty()) else {
            return;
        };
        let Ok(said) = layer.dependencies.read(descriptor) else {
            return;
        };
        info.temporal = info.temporal.or(Some(said.dependencies.temporal));
        info.spatial = info.spatial.or(Some(said.dependencies.spatial));
        // A.4: the structure comes with the first packet of a key frame.
        if said.structure.is_some() && said.start_of_frame {
            info.key = Some(true);
            info.begins = Boundary::Certain;
        }
        if said.end_of_frame {
            info.ends = Boundary::Certain;
        }
    }

    /// Their pictures are of another codec from now on.
    pub(super) fn forget_pictures(&mut self) {
        for layer in self.0.iter_mut().flatten() {
            layer.picture = None;
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<&Layer> {
        self.0.get(index)?.as_ref()
    }

    /// The first one that is there.
    pub(super) fn first(&self) -> Option<usize> {
        self.0.iter().position(Option::is_some)
    }

    /// The extended number of a layer's picture.
    pub(super) fn picture(&mut self, index: usize, number: u16, bits: u32) -> u64 {
        let layer = self.0.get_mut(index).and_then(Option::as_mut);
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

    /// The best of the layers that are sent now for a receiver that can take so many bits per second:
    /// the one of the highest rate that fits, else the one of the lowest. `current` stays until
    /// another one fits with something to spare, or it does not fit itself.
    pub(super) fn best(&self, now: Instant, bitrate: u64, current: Option<usize>) -> Option<usize> {
        let rate_of = |index: usize| {
            let layer = self
                .get(index)
                .filter(|layer| now - layer.heard <= FORWARD_SILENCE)?;
            layer.rate.map(|rate| (rate, index))
        };
        let sent = (0..self.0.len()).filter_map(rate_of);
        let kept = current
            .and_then(rate_of)
            .filter(|(rate, _)| *rate <= bitrate);
        let fits = |rate: u64, index: usize| match kept {
            // A tenth to spare, where something is to be lost by coming back.
            Some((now, at)) => index == at || rate > now && rate + rate / 10 <= bitrate,
            None => rate <= bitrate,
        };
        let best = sent
            .clone()
            .filter(|(rate, index)| fits(*rate, *index))
            .max();
        best.or_else(|| sent.min()).map(|(_, index)| index)
    }
}

impl Layer {
    fn new(now: Instant, rate: u32, timestamp: u32, arrived: Instant) -> Self {
        Layer {
            clock: StreamClock::new(rate, timestamp, arrived),
            heard: now,
            counting: (now, 0),
            rate: None,
            picture: None,
            dependencies: DependencyReader::default(),
        }
    }

    fn count(&mut self, now: Instant, bytes: usize) -> bool {
        self.counting.1 += bytes as u64;
        let (since, counted) = self.counting;
        let took: Duration = now - since;
        if took < FORWARD_RATE_TIME {
            return false;
        }
        let measured = u64::try_from(u128::from(counted) * 8_000 / took.as_millis().max(1));
        let measured = measured.unwrap_or(u64::MAX);
        // Key frames come now and then.
        let rate = self
            .rate
            .map_or(measured, |before| before / 2 + measured / 2);
        self.rate = Some(rate);
        self.counting = (now, 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(rates: &[u64]) -> (Layers, Instant) {
        let mut layers = Layers::default();
        let mut now = Instant::ZERO;
        for n in 0..60_u32 {
            now = Instant::from_nanos(u64::from(n) * 50_000_000);
            for (index, rate) in rates.iter().enumerate() {
                let bytes = (rate / 8 / 20) as usize;
                layers.handle(now, index, (90_000, n * 4_500, now), bytes);
            }
        }
        (layers, now)
    }

    #[test]
    fn the_highest_layer_that_fits_is_the_best() {
        let (layers, now) = layers(&[2_500_000, 150_000, 500_000]);
        for (bitrate, best) in [(10_000, 1), (300_000, 1), (800_000, 2), (5_000_000, 0)] {
            assert_eq!(layers.best(now, bitrate, None), Some(best), "{bitrate}");
        }
    }

    #[test]
    fn a_higher_layer_needs_something_to_spare() {
        let (layers, now) = layers(&[150_000, 500_000]);
        assert_eq!(layers.best(now, 530_000, Some(0)), Some(0));
        assert_eq!(layers.best(now, 570_000, Some(0)), Some(1));
        assert_eq!(layers.best(now, 530_000, Some(1)), Some(1));
        assert_eq!(layers.best(now, 450_000, Some(1)), Some(0));
    }

    #[test]
    fn a_layer_that_is_not_sent_any_more_is_not_chosen() {
        let (mut layers, mut now) = layers(&[150_000, 500_000]);
        for n in 60..120_u32 {
            now = Instant::from_nanos(u64::from(n) * 50_000_000);
            layers.handle(now, 0, (90_000, n * 4_500, now), 900);
        }
        assert_eq!(layers.best(now, 5_000_000, Some(1)), Some(0));
    }

    #[test]
    fn numbers_of_pictures_are_extended_through_their_wrap_and_back() {
        let (mut layers, _) = layers(&[100_000]);
        let numbers = [120, 127, 1, 126, 2].map(|number| layers.picture(0, number, 7));
        assert_eq!(numbers, [248, 255, 257, 254, 258]);
    }
}
