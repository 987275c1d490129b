//! The dependency descriptor (AV1 RTP payload format, appendix A): what a frame depends on and who
//! needs it, in a header extension, so that forwarders need not look into the payload.
//!
//! A key frame brings a [`DependencyStructure`], whose templates the descriptors of other frames name.
//! [`DependencyReader`] keeps it; [`DependencyStructure::write`] finds the template for a frame.
//!
//! ```
//! use duologue_rtp::ext::{
//!     DependencyReader, DependencyStructure, DescriptorToSend, FrameDependencies, Indication,
//! };
//!
//! // One layer: key frames, and frames that need the one before.
//! let key = FrameDependencies::new(0, 0, &[Indication::Switch], &[], &[0]).unwrap();
//! let delta = FrameDependencies::new(0, 0, &[Indication::Switch], &[1], &[1]).unwrap();
//! let structure = DependencyStructure {
//!     template_id_offset: 0,
//!     decode_targets: 1,
//!     templates: vec![key, delta],
//!     chains: 1,
//!     protected_by: vec![0],
//!     resolutions: vec![(1280, 720)],
//! };
//! let mut frame = DescriptorToSend {
//!     start_of_frame: true,
//!     end_of_frame: true,
//!     frame_number: 7,
//!     dependencies: &key,
//!     active_decode_targets: None,
//!     attach_structure: true,
//! };
//!
//! let mut reader = DependencyReader::default();
//! let mut bytes = Vec::new();
//! assert!(structure.write(&frame, &mut bytes));
//! let first = reader.read(&bytes)?;
//! assert!(first.structure.is_some());
//!
//! frame = DescriptorToSend { frame_number: 8, dependencies: &delta, attach_structure: false, ..frame };
//! bytes.clear();
//! assert!(structure.write(&frame, &mut bytes));
//! assert_eq!(bytes.len(), 3);
//! let second = reader.read(&bytes)?;
//! assert_eq!(second.frame, first.frame + 1);
//! assert_eq!(second.dependencies.frame_diffs(), [1]);
//! # Ok::<(), duologue_rtp::ext::DescriptorError>(())
//! ```

mod read;
mod write;

pub use read::{DependencyDescriptor, DependencyReader, DescriptorError};
pub use write::DescriptorToSend;

use crate::limits::{MAX_CHAINS, MAX_DECODE_TARGETS, MAX_FRAME_DIFFS, MAX_TEMPLATES};

/// What a frame means to one decode target (A.8.3, table A.1).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Indication {
    /// The frame is not for this decode target.
    #[default]
    NotPresent,
    /// No other frame of the decode target needs this one.
    Discardable,
    /// Whoever can decode the frame can decode all that follows of the decode target.
    Switch,
    /// Other frames of the decode target need this one.
    Required,
}

impl Indication {
    const fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Indication::NotPresent,
            1 => Indication::Discardable,
            2 => Indication::Switch,
            _ => Indication::Required,
        }
    }
}

/// The layer of a frame, what it depends on and who needs it; in a structure a template of that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameDependencies {
    /// The spatial layer of the frame, 0 to 3.
    pub spatial: u8,
    /// The temporal layer of the frame, 0 to 7.
    pub temporal: u8,
    /// Two bits for each decode target.
    indications: u64,
    diffs: [u16; MAX_FRAME_DIFFS],
    diff_count: u8,
    chain_count: u8,
    chains: [u8; MAX_CHAINS],
}

impl FrameDependencies {
    /// The dependencies of a frame of the lowest layers that is for no decode target and needs
    /// nothing.
    pub const BASE: FrameDependencies = FrameDependencies::in_layer(0, 0);

    /// The dependencies of a frame in these layers, by the indication for each decode target, the
    /// frame numbers before its own that it needs (1 to 4,096), and for each chain how many numbers
    /// before its own the chain's last frame is (0 if it needs none). `None` if these are out of
    /// range, or more than 32 targets, 8 frames or 32 chains.
    pub fn new(
        spatial: u8,
        temporal: u8,
        indications: &[Indication],
        frame_diffs: &[u16],
        chain_diffs: &[u8],
    ) -> Option<Self> {
        let in_range = spatial <= MAX_SPATIAL
            && temporal <= MAX_TEMPORAL
            && indications.len() <= MAX_DECODE_TARGETS
            && frame_diffs.iter().all(|d| (1..=4_096).contains(d));
        if !in_range {
            return None;
        }

        let mut new = FrameDependencies::in_layer(spatial, temporal);
        for (target, indication) in indications.iter().enumerate() {
            new.set_indication(target, *indication);
        }
        for diff in frame_diffs {
            new.push_frame_diff(*diff)?;
        }
        new.chains
            .get_mut(..chain_diffs.len())?
            .copy_from_slice(chain_diffs);
        new.chain_count = chain_diffs.len() as u8;
        Some(new)
    }

    const fn in_layer(spatial: u8, temporal: u8) -> Self {
        FrameDependencies {
            spatial,
            temporal,
            indications: 0,
            diffs: [0; MAX_FRAME_DIFFS],
            diff_count: 0,
            chain_count: 0,
            chains: [0; MAX_CHAINS],
        }
    }

    fn push_frame_diff(&mut self, diff: u16) -> Option<()> {
        *self.diffs.get_mut(usize::from(self.diff_count))? = diff;
        self.diff_count += 1;
        Some(())
    }

    fn set_indication(&mut self, target: usize, indication: Indication) {
        self.indications &= !(3 << (2 * target));
        self.indications |= (indication as u64) << (2 * target);
    }

    /// What it means to this decode target.
    pub fn indication(&self, target: u8) -> Indication {
        let bits = self.indications.checked_shr(2 * u32::from(target));
        Indication::from_bits(bits.unwrap_or(0))
    }

    /// The frames that it needs: how much lower their numbers are.
    pub fn frame_diffs(&self) -> &[u16] {
        &self.diffs[..self.diff_count.into()]
    }

    /// The distance to the last frame of each chain: how much lower its number is; 0 if the chain
    /// needs none.
    pub fn chain_diffs(&self) -> &[u8] {
        &self.chains[..self.chain_count.into()]
    }
}

/// What descriptors refer to until the next one (A.8.2 `template_dependency_structure`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DependencyStructure {
    /// The id of the first template, 0 to 63. A new structure has other ids than the one before.
    pub template_id_offset: u8,
    /// How many decode targets there are, 1 to 32.
    pub decode_targets: u8,
    /// Up to 64, by spatial layer and in each by temporal layer.
    pub templates: Vec<FrameDependencies>,
    /// How many chains there are, up to the number of targets.
    pub chains: u8,
    /// The chain that protects each decode target; empty if there are no chains.
    pub protected_by: Vec<u8>,
    /// Width and height of each spatial layer, 1 to 65,536; or empty.
    pub resolutions: Vec<(u32, u32)>,
}

impl DependencyStructure {
    /// The highest spatial and temporal layer of a decode target (A.8.2 `decode_target_layers`).
    pub fn layers_of(&self, target: u8) -> (u8, u8) {
        let present = |t: &&FrameDependencies| t.indication(target) != Indication::NotPresent;
        let of_target = self.templates.iter().filter(present);
        of_target.fold((0, 0), |(spatial, temporal), template| {
            (
                spatial.max(template.spatial),
                temporal.max(template.temporal),
            )
        })
    }

    /// All decode targets, as a mask.
    pub fn all_decode_targets(&self) -> u32 {
        u32::MAX >> (MAX_DECODE_TARGETS - usize::from(self.decode_targets).clamp(1, 32))
    }

    /// Templates before this one's end.
    fn template(&self, id: u8) -> Option<&FrameDependencies> {
        // A.8.2: modulo 64.
        let index = usize::from(id.wrapping_sub(self.template_id_offset) & 0x3f);
        self.templates.get(index)
    }

    /// It can be written.
    fn is_valid(&self) -> bool {
        let targets = usize::from(self.decode_targets);
        let layers_follow = self.templates.windows(2).all(|pair| {
            let [a, b] = [pair[0], pair[1]].map(|t| (t.spatial, t.temporal));
            b == a || b == (a.0, a.1 + 1) || b == (a.0 + 1, 0)
        });
        let begins = self.templates.first();
        let highest = self.templates.last().map_or(0, |t| t.spatial);
        let sizes = 1..=65_536;
        (1..=MAX_DECODE_TARGETS).contains(&targets)
            && self.template_id_offset < 64
            && begins.is_some_and(|t| (t.spatial, t.temporal) == (0, 0))
            && self.templates.len() <= MAX_TEMPLATES
            && layers_follow
            && self.templates.iter().all(|t| self.has_template(t))
            && self.chains <= self.decode_targets
            && self.protected_by.len() == if self.chains == 0 { 0 } else { targets }
            && self.protected_by.iter().all(|chain| *chain < self.chains)
            && (self.resolutions.is_empty()
                || self.resolutions.len() == usize::from(highest) + 1
                    && self
                        .resolutions
                        .iter()
                        .all(|(w, h)| sizes.contains(w) && sizes.contains(h)))
    }

    /// A template like this fits in: numbers of four bits, as many chains and targets as there are.
    fn has_template(&self, template: &FrameDependencies) -> bool {
        template.chain_count == self.chains
            && template.frame_diffs().iter().all(|d| *d <= 16)
            && template.chain_diffs().iter().all(|d| *d <= 15)
            && self.has_targets(template)
    }

    /// No indication for a target that is not there.
    fn has_targets(&self, frame: &FrameDependencies) -> bool {
        let beyond = frame
            .indications
            .checked_shr(2 * u32::from(self.decode_targets));
        beyond.unwrap_or(0) == 0
    }
}

/// As two bits and three bits of AV1's OBU headers have them.
const MAX_SPATIAL: u8 = 3;
const MAX_TEMPORAL: u8 = 7;

#[cfg(test)]
mod tests;
