use proptest::prelude::*;

use super::*;
use Indication::{Discardable as D, NotPresent as N, Required as R, Switch as S};

/// The table of A.10.2.1.
fn l1t3() -> DependencyStructure {
    let frame = |temporal, indications: [Indication; 3], diffs: &[u16], chain| {
        FrameDependencies::new(0, temporal, &indications, diffs, &[chain]).unwrap()
    };
    DependencyStructure {
        template_id_offset: 61,
        decode_targets: 3,
        templates: vec![
            frame(0, [S, S, S], &[], 0),
            frame(0, [S, S, S], &[4], 4),
            frame(1, [S, D, N], &[2], 2),
            frame(2, [D, N, N], &[1], 1),
            frame(2, [D, N, N], &[1], 3),
        ],
        chains: 1,
        protected_by: vec![0, 0, 0],
        resolutions: vec![(640, 480)],
    }
}

fn key(structure: &DependencyStructure) -> DescriptorToSend<'_> {
    DescriptorToSend {
        start_of_frame: true,
        end_of_frame: false,
        frame_number: 100,
        dependencies: &structure.templates[0],
        active_decode_targets: None,
        attach_structure: true,
    }
}

fn written(structure: &DependencyStructure, packet: &DescriptorToSend<'_>) -> Vec<u8> {
    let mut bytes = vec![0xee];
    assert!(structure.write(packet, &mut bytes));
    bytes.remove(0);
    bytes
}

/// A string of bits with anything between them, filled up with zeros.
fn bits(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text.bytes().filter(|b| matches!(b, b'0' | b'1')).collect();
    let byte = |bits: &[u8]| {
        let value = bits
            .iter()
            .fold(0u32, |byte, bit| byte << 1 | u32::from(bit & 1));
        (value << (8 - bits.len())) as u8
    };
    bits.chunks(8).map(byte).collect()
}

#[test]
fn a_structure_is_laid_out_as_in_the_specification() {
    let structure = l1t3();
    // First packet of a frame, template 61, number 100; then the fields of A.8.2 in their order.
    let expected = bits(
        "1 0 111101 0000000001100100 | 1 0 0 0 0 | 111101 00010 |
         00 01 01 00 11 | 101010 101010 100100 010000 010000 |
         0  1 0011 0  1 0001 0  1 0000 0  1 0000 0 |
         01 | 0000 0100 0010 0001 0011 | 1 0000001001111111 0000000111011111",
    );
    assert_eq!(written(&structure, &key(&structure)), expected);
}

#[test]
fn frames_that_follow_a_template_take_three_bytes() {
    let structure = l1t3();
    let mut reader = DependencyReader::default();
    reader.read(&written(&structure, &key(&structure))).unwrap();
    assert_eq!(reader.structure().map(|s| &**s), Some(&structure));
    for (index, template) in structure.templates.iter().enumerate() {
        let packet = DescriptorToSend {
            frame_number: 101,
            dependencies: template,
            attach_structure: false,
            ..key(&structure)
        };
        let bytes = written(&structure, &packet);
        // The ids go on after 63 with 0.
        assert_eq!(bytes, [0x80 | (61 + index as u8) & 0x3f, 0, 101]);
        let read = reader.read(&bytes).unwrap();
        assert_eq!(read.dependencies, *template);
        assert_eq!(read.resolution, Some((640, 480)));
        assert_eq!((read.start_of_frame, read.end_of_frame), (true, false));
        assert_eq!(read.active_decode_targets, None);
    }
}

#[test]
fn what_no_template_has_is_written_out() {
    let structure = l1t3();
    let mut reader = DependencyReader::default();
    let first = reader.read(&written(&structure, &key(&structure))).unwrap();
    assert_eq!(first.active_decode_targets, Some(0b111));
    let frame = FrameDependencies::new(0, 0, &[S, R, S], &[12, 300, 4_096], &[255]).unwrap();
    let packet = DescriptorToSend {
        start_of_frame: false,
        end_of_frame: true,
        frame_number: 99,
        dependencies: &frame,
        active_decode_targets: Some(0b101),
        attach_structure: false,
    };
    let bytes = written(&structure, &packet);
    let expected = bits(
        "0 1 111101 0000000001100011 | 0 1 1 1 1 | 101 | 101110 |
         01 1011  11 000100101011  11 111111111111  00 | 11111111",
    );
    assert_eq!(bytes, expected);
    let read = reader.read(&bytes).unwrap();
    assert_eq!(read.dependencies, frame);
    assert_eq!(read.active_decode_targets, Some(0b101));
    assert_eq!(read.frame, first.frame - 1);
}

#[test]
fn the_template_that_leaves_least_to_be_said_is_taken() {
    let structure = l1t3();
    // As the last template, but for its frame difference.
    let frame = FrameDependencies::new(0, 2, &[D, N, N], &[3], &[3]).unwrap();
    let packet = DescriptorToSend {
        dependencies: &frame,
        attach_structure: false,
        ..key(&structure)
    };
    let bytes = written(&structure, &packet);
    assert_eq!(bytes[0] & 0x3f, (61 + 4) & 0x3f);
    assert_eq!(bytes.len(), 5);
}

#[test]
fn nothing_is_read_before_a_structure() {
    let mut reader = DependencyReader::default();
    let read = reader.read(&[0xc0, 0, 1]);
    assert_eq!(read, Err(DescriptorError::NoStructure));
    assert_eq!(reader.read(&[0xc0, 0]), Err(DescriptorError::Truncated));
    // Active targets of a structure that is not there.
    let read = reader.read(&[0xc0, 0, 1, 0x40]);
    assert_eq!(read, Err(DescriptorError::NoStructure));
}

#[test]
fn a_template_of_another_structure_is_unknown() {
    let structure = l1t3();
    let mut reader = DependencyReader::default();
    reader.read(&written(&structure, &key(&structure))).unwrap();
    for id in [60, 2, 30] {
        let read = reader.read(&[0xc0 | id, 0, 101]);
        assert_eq!(read, Err(DescriptorError::UnknownTemplate));
    }
}

#[test]
fn an_older_structure_does_not_replace_a_newer_one() {
    let (old, mut new) = (l1t3(), l1t3());
    new.template_id_offset = 10;
    let mut reader = DependencyReader::default();
    let newer = DescriptorToSend {
        frame_number: 200,
        ..key(&new)
    };
    reader.read(&written(&new, &newer)).unwrap();
    // A retransmission of the first key frame can be read, and changes nothing.
    let read = reader.read(&written(&old, &key(&old))).unwrap();
    assert_eq!(read.structure.as_deref(), Some(&old));
    assert_eq!(reader.structure().map(|s| s.template_id_offset), Some(10));
}

#[test]
fn a_decode_target_has_the_layers_of_its_templates() {
    let structure = l1t3();
    let layers: Vec<_> = (0..3).map(|target| structure.layers_of(target)).collect();
    assert_eq!(layers, [(0, 2), (0, 1), (0, 0)]);
}

#[test]
fn what_cannot_be_said_is_not_written() {
    let structure = l1t3();
    let refused = |structure: &DependencyStructure, frame: &FrameDependencies, attach| {
        let packet = DescriptorToSend {
            dependencies: frame,
            attach_structure: attach,
            ..key(structure)
        };
        let mut bytes = Vec::new();
        assert!(!structure.write(&packet, &mut bytes));
        assert!(bytes.is_empty());
    };
    // No such layer, another number of chains, a fourth target.
    let frame = |spatial, indications: &[Indication], chains: &[u8]| {
        FrameDependencies::new(spatial, 0, indications, &[], chains).unwrap()
    };
    refused(&structure, &frame(1, &[S; 3], &[0]), false);
    refused(&structure, &frame(0, &[S; 3], &[0, 0]), false);
    refused(&structure, &frame(0, &[S; 4], &[0]), false);

    let key = structure.templates[0];
    let with = |change: fn(&mut DependencyStructure)| {
        let mut changed = l1t3();
        change(&mut changed);
        refused(&changed, &key, true);
    };
    with(|s| s.template_id_offset = 64);
    with(|s| s.templates.swap(2, 3));
    with(|s| s.protected_by[1] = 1);
    with(|s| s.protected_by.clear());
    with(|s| s.resolutions.push((1, 1)));
    with(|s| s.resolutions[0].0 = 65_537);
    with(|s| s.templates[1].chains[0] = 16);
    with(|s| s.templates[1].diffs[0] = 17);
    with(|s| s.templates.extend([s.templates[4]; 60]));
}

#[test]
fn dependencies_beyond_the_bounds_are_none() {
    assert!(FrameDependencies::new(4, 0, &[], &[], &[]).is_none());
    assert!(FrameDependencies::new(0, 8, &[], &[], &[]).is_none());
    assert!(FrameDependencies::new(0, 0, &[S; 33], &[], &[]).is_none());
    assert!(FrameDependencies::new(0, 0, &[], &[1; 9], &[]).is_none());
    assert!(FrameDependencies::new(0, 0, &[], &[0], &[]).is_none());
    assert!(FrameDependencies::new(0, 0, &[], &[4_097], &[]).is_none());
    assert!(FrameDependencies::new(0, 0, &[], &[], &[0; 33]).is_none());
    let most = FrameDependencies::new(3, 7, &[R; 32], &[4_096; 8], &[255; 32]).unwrap();
    assert_eq!((most.indication(31), most.indication(32)), (R, N));
}

#[test]
fn endless_templates_are_malformed() {
    // `next_layer_idc` zero for ever, and layers beyond all bounds.
    let endless = [
        &bits("11000000 0000000000000001 10000 000000 00000")[..],
        &[0; 60],
    ]
    .concat();
    let mut reader = DependencyReader::default();
    assert_eq!(reader.read(&endless), Err(DescriptorError::Malformed));
    let layers = "11000000 0000000000000001 10000 000000 00000 01 01 01 01 01 01 01 01 11";
    assert_eq!(reader.read(&bits(layers)), Err(DescriptorError::Malformed));
    let layers = "11000000 0000000000000001 10000 000000 00000 10 10 10 10 11";
    assert_eq!(reader.read(&bits(layers)), Err(DescriptorError::Malformed));
}

fn structures() -> impl Strategy<Value = DependencyStructure> {
    let template = (
        0u8..3,
        any::<u64>(),
        proptest::collection::vec(1u16..=16, 0..=8),
        proptest::collection::vec(0u8..16, 32),
    );
    let templates = proptest::collection::vec(template, 1..=20);
    (
        templates,
        0u8..64,
        1u8..=32,
        any::<u8>(),
        any::<bool>(),
        any::<u32>(),
    )
        .prop_map(
            |(templates, template_id_offset, decode_targets, chains, sized, seed)| {
                let chains = chains % (decode_targets + 1);
                let (mut spatial, mut temporal) = (0, 0);
                let mut first = true;
                let mut all = Vec::new();
                for (step, indications, diffs, chain_diffs) in templates {
                    match step {
                        1 if !first && temporal < MAX_TEMPORAL => temporal += 1,
                        2 if !first && spatial < MAX_SPATIAL => {
                            (spatial, temporal) = (spatial + 1, 0);
                        }
                        _ => {}
                    }
                    first = false;
                    let indications: Vec<_> = (0..decode_targets)
                        .map(|target| Indication::from_bits(indications >> (2 * target)))
                        .collect();
                    let chain_diffs = &chain_diffs[..chains.into()];
                    let template = FrameDependencies::new(
                        spatial,
                        temporal,
                        &indications,
                        &diffs,
                        chain_diffs,
                    );
                    all.push(template.unwrap());
                }
                let protected_by = match chains {
                    0 => Vec::new(),
                    _ => (0..decode_targets).map(|t| t % chains).collect(),
                };
                let sizes = if sized { spatial + 1 } else { 0 };
                DependencyStructure {
                    template_id_offset,
                    decode_targets,
                    templates: all,
                    chains,
                    protected_by,
                    resolutions: (0..sizes)
                        .map(|n| (1 + seed % 65_536, 65_536 >> n))
                        .collect(),
                }
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        structure in structures(),
        numbers: [u16; 2],
        which: prop::sample::Index,
        diffs in proptest::collection::vec(1u16..=4_096, 0..=8),
        chain: u8,
        active: Option<u32>,
    ) {
        let mut reader = DependencyReader::default();
        let packet = DescriptorToSend { frame_number: numbers[0], ..key(&structure) };
        let read = reader.read(&written(&structure, &packet)).unwrap();
        prop_assert_eq!(read.structure.as_deref(), Some(&structure));
        prop_assert_eq!(read.active_decode_targets, Some(structure.all_decode_targets()));

        let mut frame = structure.templates[which.index(structure.templates.len())];
        (frame.diffs, frame.diff_count) = Default::default();
        for diff in &diffs {
            frame.push_frame_diff(*diff).unwrap();
        }
        frame.chains[..structure.chains.into()].fill(chain);
        let packet = DescriptorToSend {
            frame_number: numbers[1],
            dependencies: &frame,
            active_decode_targets: active,
            attach_structure: false,
            ..key(&structure)
        };
        let read = reader.read(&written(&structure, &packet)).unwrap();
        prop_assert_eq!(read.frame as u16, numbers[1]);
        prop_assert_eq!(read.dependencies, frame);
        let active = active.map(|mask| mask & structure.all_decode_targets());
        prop_assert_eq!(read.active_decode_targets, active);
    }

    #[test]
    fn junk_never_panics(
        structure in structures(),
        junk in proptest::collection::vec(any::<u8>(), 0..255),
    ) {
        let mut reader = DependencyReader::default();
        let _ = reader.read(&junk);
        let _ = reader.read(&written(&structure, &key(&structure)));
        if let Ok(read) = reader.read(&junk) {
            prop_assert!(read.dependencies.frame_diffs().len() <= 8);
        }
    }
}
