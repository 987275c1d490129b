use std::sync::Arc;

use duologue_base::Seq16;

use super::{DependencyStructure, FrameDependencies, Indication, MAX_SPATIAL, MAX_TEMPORAL};
use crate::limits::MAX_TEMPLATES;
use crate::payload::bits::Bits;

/// What a packet says of its frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DependencyDescriptor {
    /// The frame's number, extended so that it never wraps. All streams of a simulcast may count
    /// together.
    pub frame: u64,
    /// The packet is the first of the frame.
    pub start_of_frame: bool,
    /// The packet is the last of the frame.
    pub end_of_frame: bool,
    /// The template that it named.
    pub template_id: u8,
    /// Layer, dependencies, and who needs it.
    pub dependencies: FrameDependencies,
    /// Which decode targets flow from this packet on, as a mask; `None` if nothing changes.
    pub active_decode_targets: Option<u32>,
    /// The largest width and height of the frame's layer, if the structure says it.
    pub resolution: Option<(u32, u32)>,
    /// The structure that this packet brought: it is of a key frame.
    pub structure: Option<Arc<DependencyStructure>>,
}

/// A dependency descriptor cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DescriptorError {
    /// The descriptor ends too early.
    #[error("the dependency descriptor is cut off")]
    Truncated,
    /// The descriptor refers to a structure that has not come: until a key frame, nothing can be
    /// read.
    #[error("no dependency structure yet")]
    NoStructure,
    /// The structure has no such template: it is of an older or of a newer one.
    #[error("an unknown dependency template")]
    UnknownTemplate,
    /// The descriptor contradicts itself or is beyond all bounds.
    #[error("the dependency descriptor contradicts itself")]
    Malformed,
}

/// Reads the descriptors of one stream's packets, in any order, with the newest structure.
#[derive(Clone, Debug, Default)]
pub struct DependencyReader {
    structure: Option<Arc<DependencyStructure>>,
    /// The frame that brought it.
    since: u64,
    newest: Option<u64>,
}

impl DependencyReader {
    /// Reads a descriptor. A structure in it counts from now on, unless the frame is older than the
    /// one that brought the present structure.
    ///
    /// # Errors
    /// The bytes are no descriptor, or not one of the present structure.
    pub fn read(&mut self, bytes: &[u8]) -> Result<DependencyDescriptor, DescriptorError> {
        let head = Head::read(bytes)?;
        let frame = match self.newest {
            Some(newest) => head.frame_number.extend(newest),
            // Those before the first one have a number, too.
            None => u64::from(head.frame_number.0) + (1 << 16),
        };
        let descriptor = read(bytes, head, frame, self.structure.as_deref())?;

        self.newest = self.newest.max(Some(frame));
        if let Some(structure) = &descriptor.structure
            && (self.structure.is_none() || frame >= self.since)
        {
            self.structure = Some(structure.clone());
            self.since = frame;
        }
        Ok(descriptor)
    }

    /// The structure that descriptors refer to.
    pub fn structure(&self) -> Option<&Arc<DependencyStructure>> {
        self.structure.as_ref()
    }
}

/// `mandatory_descriptor_fields` (A.8.2)
#[derive(Clone, Copy)]
struct Head {
    start_of_frame: bool,
    end_of_frame: bool,
    template_id: u8,
    frame_number: Seq16,
}

impl Head {
    fn read(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let Some(&[first, n0, n1]) = bytes.first_chunk() else {
            return Err(DescriptorError::Truncated);
        };
        Ok(Head {
            start_of_frame: first & 0x80 != 0,
            end_of_frame: first & 0x40 != 0,
            template_id: first & 0x3f,
            frame_number: Seq16(u16::from_be_bytes([n0, n1])),
        })
    }
}

/// `dependency_descriptor` (A.8.2)
fn read(
    bytes: &[u8],
    head: Head,
    frame: u64,
    present: Option<&DependencyStructure>,
) -> Result<DependencyDescriptor, DescriptorError> {
    let mut input = Input(Bits::new(&bytes[3..]));
    // `sz > 3`: five flags, and what they announce.
    let extended = bytes.len() > 3;
    let mut flag = || if extended { input.bit() } else { Ok(false) };
    let has_structure = flag()?;
    let has_active = flag()?;
    let custom_indications = flag()?;
    let custom_frame_diffs = flag()?;
    let custom_chains = flag()?;
    let mut brought = None;
    if has_structure {
        brought = Some(Arc::new(input.structure()?));
    }

    let structure = brought.as_deref().or(present);
    let structure = structure.ok_or(DescriptorError::NoStructure)?;
    let mut active = brought
        .as_deref()
        .map(DependencyStructure::all_decode_targets);
    if has_active {
        active = Some(input.bits(structure.decode_targets.into())?);
    }

    let template = structure.template(head.template_id);
    let mut dependencies = *template.ok_or(DescriptorError::UnknownTemplate)?;
    if custom_indications {
        input.indications(structure, &mut dependencies)?;
    }
    if custom_frame_diffs {
        input.frame_diffs(&mut dependencies)?;
    }
    if custom_chains {
        for chain in &mut dependencies.chains[..structure.chains.into()] {
            *chain = input.bits(8)? as u8;
        }
    }

    let layer = usize::from(dependencies.spatial);
    Ok(DependencyDescriptor {
        frame,
        start_of_frame: head.start_of_frame,
        end_of_frame: head.end_of_frame,
        template_id: head.template_id,
        dependencies,
        active_decode_targets: active,
        resolution: structure.resolutions.get(layer).copied(),
        structure: brought,
    })
}

/// The bits behind the first three bytes.
struct Input<'a>(Bits<'a>);

impl Input<'_> {
    fn bits(&mut self, count: u32) -> Result<u32, DescriptorError> {
        self.0.read(count).ok_or(DescriptorError::Truncated)
    }

    fn bit(&mut self) -> Result<bool, DescriptorError> {
        self.0.bit().ok_or(DescriptorError::Truncated)
    }

    /// `ns(n)` (A.8.2): below `n`, which is 1 to 33.
    fn below(&mut self, n: u32) -> Result<u32, DescriptorError> {
        let width = u32::BITS - n.leading_zeros();
        let short = (1 << width) - n;
        let value = self.bits(width - 1)?;
        if value < short {
            return Ok(value);
        }
        Ok((value << 1) - short + u32::from(self.bit()?))
    }

    /// `template_dependency_structure` (A.8.2)
    fn structure(&mut self) -> Result<DependencyStructure, DescriptorError> {
        let template_id_offset = self.bits(6)? as u8;
        let decode_targets = self.bits(5)? as u8 + 1;
        let mut structure = DependencyStructure {
            template_id_offset,
            decode_targets,
            templates: self.layers()?,
            chains: 0,
            protected_by: Vec::new(),
            resolutions: Vec::new(),
        };

        let mut templates = std::mem::take(&mut structure.templates);
        for template in &mut templates {
            self.indications(&structure, template)?;
        }
        for template in &mut templates {
            while self.bit()? {
                let diff = self.bits(4)? as u16 + 1;
                let pushed = template.push_frame_diff(diff);
                pushed.ok_or(DescriptorError::Malformed)?;
            }
        }
        self.chains(&mut structure, &mut templates)?;

        if self.bit()? {
            let highest = templates.last().map_or(0, |t| t.spatial);
            for _ in 0..=highest {
                let (width, height) = (self.bits(16)? + 1, self.bits(16)? + 1);
                structure.resolutions.push((width, height));
            }
        }
        structure.templates = templates;
        Ok(structure)
    }

    /// `template_layers` (A.8.2)
    fn layers(&mut self) -> Result<Vec<FrameDependencies>, DescriptorError> {
        let mut templates = Vec::new();
        let (mut spatial, mut temporal) = (0, 0);
        loop {
            // Ids have six bits.
            if templates.len() == MAX_TEMPLATES || spatial > MAX_SPATIAL || temporal > MAX_TEMPORAL
            {
                return Err(DescriptorError::Malformed);
            }
            templates.push(FrameDependencies::in_layer(spatial, temporal));
            match self.bits(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Ok(templates),
            }
        }
    }

    /// `template_chains` (A.8.2)
    fn chains(
        &mut self,
        structure: &mut DependencyStructure,
        templates: &mut [FrameDependencies],
    ) -> Result<(), DescriptorError> {
        let count = self.below(u32::from(structure.decode_targets) + 1)?;
        structure.chains = count as u8;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..structure.decode_targets {
            structure.protected_by.push(self.below(count)? as u8);
        }
        for template in templates {
            template.chain_count = structure.chains;
            for chain in &mut template.chains[..count as usize] {
                *chain = self.bits(4)? as u8;
            }
        }
        Ok(())
    }

    /// `frame_dtis` (A.8.2)
    fn indications(
        &mut self,
        structure: &DependencyStructure,
        frame: &mut FrameDependencies,
    ) -> Result<(), DescriptorError> {
        for target in 0..structure.decode_targets {
            let indication = Indication::from_bits(self.bits(2)?.into());
            frame.set_indication(target.into(), indication);
        }
        Ok(())
    }

    /// `frame_fdiffs` (A.8.2)
    fn frame_diffs(&mut self, frame: &mut FrameDependencies) -> Result<(), DescriptorError> {
        frame.diff_count = 0;
        frame.diffs = Default::default();
        loop {
            let nibbles = self.bits(2)?;
            if nibbles == 0 {
                return Ok(());
            }
            let diff = self.bits(4 * nibbles)? as u16 + 1;
            let pushed = frame.push_frame_diff(diff);
            pushed.ok_or(DescriptorError::Malformed)?;
        }
    }
}
