use std::io::Cursor;

use duologue_files::{Container, FileReader, FileWriter};

use crate::memory;

/// Frames of a short file end, and every frame can be handed to a writer.
pub fn files(bytes: &[u8]) {
    let _bound = memory::at_most_kib(16 << 10);
    let Ok(mut reader) = FileReader::new(Cursor::new(bytes)) else {
        return;
    };
    let tracks = reader.tracks().to_vec();
    let containers = [
        Container::Ivf,
        Container::Ogg,
        Container::AnnexB,
        Container::WebM,
        Container::Mp4,
    ];
    let writers = containers.map(|container| FileWriter::new(Vec::new(), container, &tracks));
    let mut writers: Vec<_> = writers.into_iter().flatten().collect();

    // A frame may be empty, and each takes a byte of the file at least, if only of an index.
    let mut most = MOST_FRAMES;
    while let Ok(Some(frame)) = reader.next_frame() {
        assert!(frame.track < tracks.len());
        assert!(frame.data.len() <= bytes.len() + 4_096);
        for writer in &mut writers {
            // A frame that is not of its format is refused.
            let _ = writer.write_frame(&frame);
        }
        most -= 1;
        if most == 0 {
            break;
        }
    }
    for writer in writers {
        let _ = writer.finish();
    }
}

/// An index may say that there are as many frames without bytes as it likes.
const MOST_FRAMES: usize = 10_000;
