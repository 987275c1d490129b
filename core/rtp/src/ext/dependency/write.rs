use super::{DependencyStructure, FrameDependencies, Indication};

/// What the descriptor of a packet is to say.
#[derive(Clone, Copy, Debug)]
pub struct DescriptorToSend<'a> {
    /// The packet is the first of the frame.
    pub start_of_frame: bool,
    /// The packet is the last of the frame.
    pub end_of_frame: bool,
    /// The frame's number.
    pub frame_number: u16,
    /// Layer, dependencies, and who needs it.
    pub dependencies: &'a FrameDependencies,
    /// Which decode targets flow from now on, if that changes; if the structure is attached and not
    /// all of its targets flow, too.
    pub active_decode_targets: Option<u32>,
    /// Attaches the structure: on the first packet of a key frame.
    pub attach_structure: bool,
}

impl DependencyStructure {
    /// Appends the descriptor of a packet, with the template that leaves least to be said. Nothing,
    /// and `false`, if no template is of the frame's layer, if the frame has other numbers of targets
    /// or chains than the structure, or if the structure itself cannot be written.
    pub fn write(&self, packet: &DescriptorToSend<'_>, out: &mut Vec<u8>) -> bool {
        let frame = packet.dependencies;
        let fits = frame.chain_count == self.chains
            && self.has_targets(frame)
            && (!packet.attach_structure || self.is_valid());
        let Some((index, custom)) = self.closest(frame).filter(|_| fits) else {
            return false;
        };

        // A.8.2: modulo 64.
        let id = (self.template_id_offset + index as u8) & 0x3f;
        let flags = u8::from(packet.start_of_frame) << 7 | u8::from(packet.end_of_frame) << 6;
        out.push(flags | id);
        out.extend_from_slice(&packet.frame_number.to_be_bytes());
        let active = packet.active_decode_targets;
        if !packet.attach_structure && active.is_none() && custom == Custom::default() {
            return true;
        }

        let mut bits = BitWriter { out, free: 0 };
        for flag in [
            packet.attach_structure,
            active.is_some(),
            custom.indications,
            custom.frame_diffs,
            custom.chains,
        ] {
            bits.write(flag.into(), 1);
        }
        if packet.attach_structure {
            self.write_structure(&mut bits);
        }
        if let Some(active) = active {
            bits.write(
                active & self.all_decode_targets(),
                self.decode_targets.into(),
            );
        }
        self.write_custom(frame, custom, &mut bits);
        true
    }

    /// The template of the frame's layer that leaves least to be said.
    fn closest(&self, frame: &FrameDependencies) -> Option<(usize, Custom)> {
        let layer = (frame.spatial, frame.temporal);
        let templates = self.templates.iter().enumerate();
        let of_layer = templates.filter(|(_, t)| (t.spatial, t.temporal) == layer);
        let with_custom = of_layer.map(|(index, template)| {
            let custom = Custom {
                indications: template.indications != frame.indications,
                frame_diffs: template.frame_diffs() != frame.frame_diffs(),
                chains: template.chain_diffs() != frame.chain_diffs(),
            };
            (index, custom)
        });
        with_custom.min_by_key(|(_, custom)| self.cost(frame, *custom))
    }

    /// Bits that are to be written beside the template's id.
    fn cost(&self, frame: &FrameDependencies, custom: Custom) -> u32 {
        let diffs = frame.frame_diffs().iter();
        let diff_bits: u32 = diffs.map(|d| 2 + 4 * nibbles(*d)).sum();
        u32::from(custom.indications) * 2 * u32::from(self.decode_targets)
            + u32::from(custom.frame_diffs) * (2 + diff_bits)
            + u32::from(custom.chains) * 8 * u32::from(self.chains)
    }

    fn write_custom(&self, frame: &FrameDependencies, custom: Custom, bits: &mut BitWriter<'_>) {
        if custom.indications {
            self.write_indications(frame, bits);
        }
        if custom.frame_diffs {
            for diff in frame.frame_diffs() {
                bits.write(nibbles(*diff), 2);
                bits.write(u32::from(*diff) - 1, 4 * nibbles(*diff));
            }
            bits.write(0, 2);
        }
        if custom.chains {
            for chain in frame.chain_diffs() {
                bits.write((*chain).into(), 8);
            }
        }
    }

    fn write_indications(&self, frame: &FrameDependencies, bits: &mut BitWriter<'_>) {
        for target in 0..self.decode_targets {
            let indication: Indication = frame.indication(target);
            bits.write(indication as u32, 2);
        }
    }

    /// `template_dependency_structure` (A.8.2)
    fn write_structure(&self, bits: &mut BitWriter<'_>) {
        bits.write(self.template_id_offset.into(), 6);
        bits.write(u32::from(self.decode_targets) - 1, 5);
        for (n, template) in self.templates.iter().enumerate() {
            let next_layer = match self.templates.get(n + 1) {
                Some(next) if next.spatial != template.spatial => 2,
                Some(next) if next.temporal != template.temporal => 1,
                Some(_) => 0,
                None => 3,
            };
            bits.write(next_layer, 2);
        }
        for template in &self.templates {
            self.write_indications(template, bits);
        }
        for template in &self.templates {
            for diff in template.frame_diffs() {
                bits.write(1, 1);
                bits.write(u32::from(*diff) - 1, 4);
            }
            bits.write(0, 1);
        }

        bits.write_below(self.chains.into(), u32::from(self.decode_targets) + 1);
        for chain in &self.protected_by {
            bits.write_below((*chain).into(), self.chains.into());
        }
        for chain in self.templates.iter().flat_map(|t| t.chain_diffs()) {
            bits.write((*chain).into(), 4);
        }
        bits.write((!self.resolutions.is_empty()).into(), 1);
        for (width, height) in &self.resolutions {
            bits.write(width - 1, 16);
            bits.write(height - 1, 16);
        }
    }
}

/// What a frame has otherwise than its template.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Custom {
    indications: bool,
    frame_diffs: bool,
    chains: bool,
}

/// How many nibbles a difference takes (A.8.3 `next_fdiff_size`).
fn nibbles(diff: u16) -> u32 {
    match diff {
        0..=16 => 1,
        17..=256 => 2,
        _ => 3,
    }
}

/// Appends bits, the highest of each byte first.
struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u32,
}

impl BitWriter<'_> {
    fn write(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            if self.free == 0 {
                self.out.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.out.last_mut() {
                *last |= ((value >> place & 1) as u8) << self.free;
            }
        }
    }

    /// `write_ns(n, v)` (A.8.2)
    fn write_below(&mut self, value: u32, n: u32) {
        let width = u32::BITS - n.leading_zeros();
        let short = (1 << width) - n;
        if value < short {
            self.write(value, width - 1);
        } else {
            self.write(value + short, width);
        }
    }
}
