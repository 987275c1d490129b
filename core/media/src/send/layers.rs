//! Which frames of spatial and temporal layers need which, as a scalability mode has it (webrtc-svc §7).

use duologue_rtp::ext::{DependencyStructure, FrameDependencies, Indication};
use duologue_rtp::{InterLayer, ScalabilityMode};
use smallvec::SmallVec;

/// The frames of one stream that has layers, since its last key picture.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    mode: ScalabilityMode,
    /// How many frames there were.
    frames: u64,
    /// How many pictures, with the one that is being made.
    pictures: u64,
    /// The last frame of each temporal layer, of each spatial layer.
    last: [[Option<Sent>; MAX]; MAX],
    /// The last frame of each chain: that of a spatial layer has what all its frames need in the end.
    chains: [Option<u64>; MAX],
}

/// Layers of each kind.
const MAX: usize = 3;

/// A frame that later ones need.
#[derive(Clone, Copy, Debug)]
struct Sent {
    frame: u64,
    picture: u64,
    temporal: u8,
}

/// One frame among the layers: of one spatial layer of a picture.
#[derive(Clone, Debug)]
pub(super) struct LayerFrame {
    pub(super) mode: ScalabilityMode,
    pub(super) spatial: u8,
    pub(super) temporal: u8,
    /// Its picture needs no other.
    key: bool,
    number: u64,
    picture: u64,
    /// The frame of its spatial layer that it needs.
    own: Option<Sent>,
    /// It needs the frame below it in its picture.
    pub(super) inter_layer: bool,
    /// For each chain how many frames before it the chain's last one is, 0 if it needs none.
    chains: SmallVec<[u8; MAX]>,
}

impl Layers {
    /// Before a key picture.
    pub(super) fn new(mode: ScalabilityMode) -> Self {
        Layers {
            mode,
            frames: 0,
            pictures: 0,
            last: Default::default(),
            chains: [None; MAX],
        }
    }

    pub(super) fn mode(&self) -> ScalabilityMode {
        self.mode
    }

    /// The next picture begins.
    pub(super) fn begin_picture(&mut self) {
        self.pictures += 1;
    }

    /// The frame of a spatial layer of the picture, the lowest first. `None` if there is no such layer.
    pub(super) fn frame(&mut self, spatial: u8, temporal: u8, key: bool) -> Option<LayerFrame> {
        let mode = self.mode;
        if spatial >= mode.spatial_layers() || temporal >= mode.temporal_layers() {
            return None;
        }
        let number = self.frames;
        self.frames += 1;
        let layer = &mut self.last[usize::from(spatial)];
        // A lower temporal layer, or the lowest.
        let needed = &layer[..usize::from(temporal.max(1))];
        let own = needed.iter().flatten().max_by_key(|it| it.frame).copied();
        layer[usize::from(temporal)] = Some(Sent {
            frame: number,
            picture: self.pictures,
            temporal,
        });

        let chains = &mut self.chains[..usize::from(mode.spatial_layers())];
        let before = chains.iter().map(|last| {
            let before = last.map_or(0, |last| number - last);
            u8::try_from(before).unwrap_or(u8::MAX)
        });
        let before = before.collect();
        for (chain, last) in (0..).zip(chains) {
            if temporal == 0 && (spatial == chain || spatial < chain && needs_below(mode, key)) {
                *last = Some(number);
            }
        }
        Some(LayerFrame {
            mode,
            spatial,
            temporal,
            key,
            number,
            picture: self.pictures,
            own: own.filter(|_| !key),
            inter_layer: spatial > 0 && needs_below(mode, key),
            chains: before,
        })
    }
}

/// Whether the spatial layers of a picture need those below them.
fn needs_below(mode: ScalabilityMode, key: bool) -> bool {
    match mode.inter_layer() {
        InterLayer::Always => true,
        InterLayer::KeyPictures => key,
        InterLayer::Never => false,
    }
}

impl LayerFrame {
    /// How many pictures before its own the one is that it needs.
    pub(super) fn picture_diff(&self) -> Option<u8> {
        let diff = self.own.map(|own| self.picture - own.picture)?;
        u8::try_from(diff).ok()
    }

    /// Who has the temporal layers below may have this one from here on: it needs nothing of its own
    /// layer, nor do later ones need what was of it before.
    pub(super) fn switches_up(&self) -> bool {
        self.temporal > 0 && self.own.is_some_and(|own| own.temporal == 0)
    }

    /// A higher spatial layer of its picture needs it.
    pub(super) fn is_needed_above(&self) -> bool {
        self.spatial + 1 < self.mode.spatial_layers() && needs_below(self.mode, self.key)
    }

    pub(super) fn dependencies(&self) -> FrameDependencies {
        let own = self.own.map(|own| self.number - own.frame);
        let below = self.inter_layer.then_some(1);
        let diffs = below.into_iter().chain(own);
        let diffs: SmallVec<[u16; 2]> = diffs.filter_map(|it| u16::try_from(it).ok()).collect();
        let mode = self.mode;
        let targets = (0..mode.spatial_layers())
            .flat_map(|spatial| (0..mode.temporal_layers()).map(move |it| (spatial, it)));
        let indications = targets.map(|target| self.indication(target));
        let indications: SmallVec<[Indication; MAX * MAX]> = indications.collect();

        let chains = if has_chains(mode) {
            &self.chains[..]
        } else {
            &[]
        };
        let made =
            FrameDependencies::new(self.spatial, self.temporal, &indications, &diffs, chains);
        made.unwrap_or(FrameDependencies::BASE)
    }

    /// What it means to who wants the layers up to these.
    fn indication(&self, (spatial, temporal): (u8, u8)) -> Indication {
        let below = self.spatial < spatial && needs_below(self.mode, self.key);
        if self.temporal > temporal || !(self.spatial == spatial || below) {
            return Indication::NotPresent;
        }
        match (self.key, below) {
            (true, _) => Indication::Switch,
            (false, true) => Indication::Required,
            // The lowest temporal layer is needed by the next one, others by higher ones.
            (false, false) if self.temporal == 0 || self.temporal < temporal => Indication::Switch,
            (false, false) => Indication::Discardable,
        }
    }
}

/// Of one spatial layer they say nothing that the frames themselves do not, and a structure without them
/// fits one-byte extensions.
fn has_chains(mode: ScalabilityMode) -> bool {
    mode.spatial_layers() > 1
}

/// A decode target for each pair of layers, and what their frames are, in the first eight pictures.
pub(super) fn structure(mode: ScalabilityMode, template_id_offset: u8) -> DependencyStructure {
    let mut layers = Layers::new(mode);
    let mut templates: Vec<FrameDependencies> = Vec::new();
    for picture in 0..8 {
        layers.begin_picture();
        let temporal = mode.temporal_of(picture);
        for spatial in 0..mode.spatial_layers() {
            let frame = layers.frame(spatial, temporal, picture == 0);
            let template = frame.map(|frame| frame.dependencies());
            templates.extend(template.filter(|it| !templates.contains(it)));
        }
    }
    templates.sort_by_key(|it| (it.spatial, it.temporal));

    let chains = if has_chains(mode) {
        mode.spatial_layers()
    } else {
        0
    };
    let of_targets = (0..chains).flat_map(|chain| (0..mode.temporal_layers()).map(move |_| chain));
    DependencyStructure {
        template_id_offset,
        decode_targets: mode.spatial_layers() * mode.temporal_layers(),
        templates,
        chains,
        protected_by: of_targets.collect(),
        resolutions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of so many pictures from a key picture on.
    fn frames(mode: &str, pictures: u64) -> Vec<LayerFrame> {
        let mode: ScalabilityMode = mode.parse().unwrap();
        let mut layers = Layers::new(mode);
        let mut frames = Vec::new();
        for picture in 0..pictures {
            layers.begin_picture();
            for spatial in 0..mode.spatial_layers() {
                let temporal = mode.temporal_of(picture);
                frames.push(layers.frame(spatial, temporal, picture == 0).unwrap());
            }
        }
        frames
    }

    fn diffs(mode: &str, pictures: u64) -> Vec<Vec<u16>> {
        let frames = frames(mode, pictures);
        let diffs = frames
            .iter()
            .map(|it| it.dependencies().frame_diffs().to_vec());
        diffs.collect()
    }

    #[test]
    fn temporal_layers_need_the_last_picture_of_a_lower_one() {
        let expected: [&[u16]; 5] = [&[], &[1], &[2], &[1], &[4]];
        assert_eq!(diffs("L1T3", 5), expected);
        let frames = frames("L1T3", 5);
        let switches = frames.iter().map(LayerFrame::switches_up);
        let expected = [false, true, true, false, false];
        assert_eq!(switches.collect::<Vec<_>>(), expected);
        let of_pictures = frames.iter().map(LayerFrame::picture_diff);
        let expected = [None, Some(1), Some(2), Some(1), Some(4)];
        assert_eq!(of_pictures.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn spatial_layers_need_those_below_always_in_key_pictures_or_never() {
        let full: [&[u16]; 4] = [&[], &[1], &[2], &[1, 2]];
        assert_eq!(diffs("L2T1", 2), full);
        let key: [&[u16]; 4] = [&[], &[1], &[2], &[2]];
        assert_eq!(diffs("L2T1_KEY", 2), key);
        let never: [&[u16]; 4] = [&[], &[], &[2], &[2]];
        assert_eq!(diffs("S2T1", 2), never);
    }

    #[test]
    fn who_wants_fewer_layers_is_not_told_of_the_others() {
        use Indication::{Discardable, NotPresent, Required, Switch};
        let of = |mode: &str, at: usize| {
            let frame = frames(mode, 4)[at].dependencies();
            [0, 1, 2, 3].map(|target| frame.indication(target))
        };
        // Targets: base and half the rate, base, both layers and half the rate, all.
        assert_eq!(of("L2T2", 0), [Switch; 4]);
        assert_eq!(of("L2T2", 1), [NotPresent, NotPresent, Switch, Switch]);
        assert_eq!(
            of("L2T2", 2),
            [NotPresent, Discardable, NotPresent, Required]
        );
        assert_eq!(of("L2T2", 4), [Switch, Switch, Required, Required]);
        assert_eq!(of("L2T2_KEY", 4), [Switch, Switch, NotPresent, NotPresent]);
        assert_eq!(of("S2T2", 1), [NotPresent, NotPresent, Switch, Switch]);
    }

    #[test]
    fn each_chain_has_what_its_layer_cannot_be_without() {
        let chains = |mode: &str| {
            let frames = frames(mode, 3);
            let chains = frames
                .iter()
                .map(|it| it.dependencies().chain_diffs().to_vec());
            chains.collect::<Vec<_>>()
        };
        let expected = [[0, 0], [1, 1], [2, 1], [1, 1], [2, 1], [1, 1]];
        assert_eq!(chains("L2T1"), expected);
        let expected = [[0, 0], [1, 1], [2, 1], [1, 2], [2, 1], [1, 2]];
        assert_eq!(chains("L2T1_KEY"), expected);
        assert!(chains("L1T3").iter().all(Vec::is_empty));
    }

    #[test]
    fn every_mode_has_a_structure_that_can_be_written_and_has_all_its_layers() {
        for mode in ScalabilityMode::all() {
            let structure = structure(mode, 60);
            let mut written = Vec::new();
            let first = structure.templates[0];
            structure.write(
                &duologue_rtp::ext::DescriptorToSend {
                    start_of_frame: true,
                    end_of_frame: true,
                    frame_number: 1,
                    dependencies: &first,
                    active_decode_targets: None,
                    attach_structure: true,
                },
                &mut written,
            );
            let read = duologue_rtp::ext::DependencyReader::default().read(&written);
            let read = read.unwrap_or_else(|error| panic!("{mode}: {error:?}"));
            assert_eq!(read.structure.as_deref(), Some(&structure), "{mode}");
            let highest = structure.layers_of(structure.decode_targets - 1);
            let expected = (mode.spatial_layers() - 1, mode.temporal_layers() - 1);
            assert_eq!(highest, expected, "{mode}");
        }
    }
}
