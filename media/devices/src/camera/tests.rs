use super::*;
use duologue_codec::{PixelFormat as Pixels, pattern};

fn mode(width: u32, height: u32, frame_rate: f64) -> VideoMode {
    VideoMode {
        width,
        height,
        frame_rate,
    }
}

fn a_setting(fourcc: [u8; 4], mode: VideoMode) -> Setting {
    Setting {
        mode,
        layout: Layout::of_fourcc(fourcc).unwrap(),
        format: PixelFormat::from_fourcc(fourcc),
    }
}

/// A common camera: raw pictures at full rate only when they are small.
fn webcam() -> Vec<Setting> {
    vec![
        a_setting(*b"YUYV", mode(1280, 720, 10.0)),
        a_setting(*b"YUYV", mode(640, 480, 30.0)),
        a_setting(*b"MJPG", mode(640, 480, 30.0)),
        a_setting(*b"MJPG", mode(1280, 720, 30.0)),
        a_setting(*b"MJPG", mode(1920, 1080, 30.0)),
    ]
}

#[test]
fn a_camera_has_each_size_once_and_the_usual_one_first() {
    let modes = modes(&webcam());
    assert_eq!(
        modes,
        [
            mode(640, 480, 30.0),
            mode(1280, 720, 30.0),
            mode(1920, 1080, 30.0)
        ]
    );
}

#[test]
fn pixels_are_compressed_only_where_the_rate_wants_it() {
    let settings = webcam();
    let layout = |mode| setting(&settings, mode).map(|it| it.layout);
    assert_eq!(layout(mode(640, 480, 30.0)), Some(Layout::Yuyv));
    assert_eq!(layout(mode(1280, 720, 30.0)), Some(Layout::Jpeg));
    assert_eq!(layout(mode(1280, 720, 10.0)), Some(Layout::Yuyv));
    assert_eq!(setting(&[], mode(1280, 720, 10.0)), None);
}

#[test]
fn no_file_but_a_camera_is_opened() {
    let cameras = CameraDevices::new();
    for path in ["/dev/null", "/dev/video4711", "fake-camera"] {
        let refused = cameras.open_video(path, mode(640, 480, 30.0)).err();
        assert!(
            matches!(refused, Some(DeviceError::NotFound(_))),
            "{refused:?}"
        );
    }
}

/// The bytes of a picture, with `gap` bytes between rows.
fn buffer(frame: &VideoFrame, gaps: [usize; 3]) -> Vec<u8> {
    let mut data = Vec::new();
    for (plane, gap) in (0..frame.format().planes()).zip(gaps) {
        let (_, rows) = frame
            .format()
            .plane_size(plane, frame.width(), frame.height());
        for row in 0..rows {
            data.extend_from_slice(frame.row(plane, row));
            data.extend(std::iter::repeat_n(77, gap));
        }
    }
    data
}

fn shape(layout: Layout, stride: usize) -> Shape {
    Shape {
        layout,
        width: 320,
        height: 240,
        stride,
    }
}

#[test]
fn planes_with_gaps_between_their_rows_are_the_same_picture() {
    let source = pattern::draw(4711, 320, 240).unwrap();
    let i420 = shape(Layout::I420, 384);
    let picture = i420.picture(&buffer(&source, [64, 32, 32])).unwrap();
    assert_eq!(pattern::number(&picture), Some(4711));
    assert_eq!(
        pattern::psnr(&source, &picture),
        pattern::psnr(&source, &source)
    );

    let colours = (0..120).flat_map(|row| {
        let (u, v) = (source.row(1, row), source.row(2, row));
        u.iter().zip(v).flat_map(|(u, v)| [*u, *v])
    });
    let nv12: Vec<u8> = (0..240)
        .flat_map(|row| source.row(0, row).to_vec())
        .chain(colours)
        .collect();
    let nv12 = VideoFrame::packed(Pixels::Nv12, 320, 240, nv12.into()).unwrap();
    let picture = shape(Layout::Nv12, 320)
        .picture(&buffer(&nv12, [0; 3]))
        .unwrap();
    assert_eq!(pattern::number(&picture), Some(4711));
}

#[test]
fn pairs_of_pixels_are_the_same_picture() {
    let source = pattern::draw(815, 320, 240).unwrap();
    let mut data = Vec::new();
    for row in 0..240 {
        let (u, v) = (source.row(1, row / 2), source.row(2, row / 2));
        for (at, pair) in source.row(0, row).chunks_exact(2).enumerate() {
            data.extend([pair[0], u[at], pair[1], v[at]]);
        }
        data.extend([77; 16]);
    }
    let picture = shape(Layout::Yuyv, 656).picture(&data).unwrap();
    assert_eq!(pattern::number(&picture), Some(815));
    assert_eq!(picture.row(0, 17), source.row(0, 17));
    assert_eq!(picture.row(1, 17), source.row(1, 17));
}

#[test]
fn what_is_too_short_or_no_picture_is_an_error() {
    for layout in [Layout::I420, Layout::Nv12, Layout::Yuyv, Layout::Jpeg] {
        for data in [&[][..], &[0xff, 0xd8, 0xff], &[9; 1000]] {
            assert!(shape(layout, 640).picture(data).is_err(), "{layout:?}");
        }
    }
}

#[test]
fn compressed_pictures_have_their_colours_with_and_without_their_tables() {
    // By FFmpeg, with the usual Huffman tables.
    let jpeg = include_bytes!("red.jpg");
    let tables = jpeg.windows(2).position(|it| it == [0xff, 0xc4]).unwrap();
    let after = tables + 2 + usize::from(u16::from_be_bytes([jpeg[tables + 2], jpeg[tables + 3]]));
    // As cameras send it.
    let bare = [&jpeg[..tables], &jpeg[after..]].concat();
    let shape = Shape {
        layout: Layout::Jpeg,
        width: 64,
        height: 48,
        stride: 0,
    };
    for data in [&jpeg[..], &bare] {
        let picture = shape.picture(data).unwrap();
        assert_eq!(picture.format(), Pixels::I420);
        let [y, u, v] = [0, 1, 2].map(|plane| picture.row(plane, 12)[12]);
        assert!(
            y.abs_diff(81) < 3 && u.abs_diff(90) < 3 && v.abs_diff(240) < 3,
            "{y} {u} {v}"
        );
    }
    // Padded to whole blocks.
    let smaller = Shape {
        width: 50,
        height: 34,
        ..shape
    };
    let picture = smaller.picture(jpeg).unwrap();
    assert_eq!((picture.width(), picture.height()), (50, 34));
    for other in [48, 66] {
        let other = Shape {
            width: other,
            ..shape
        };
        assert!(other.picture(jpeg).is_err());
    }
}

#[test]
fn pictures_that_are_all_damaged_are_waited_for_no_longer_than_none() {
    let nothing: Option<()> = within(Duration::from_millis(2), |_| Ok(None)).unwrap();
    assert_eq!(nothing, None);

    // A signal is no reason to give up.
    let mut asked = 0;
    let came = within(limits::STALL, |_| {
        asked += 1;
        match asked {
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => Ok(None),
            _ => Ok(Some(asked)),
        }
    });
    assert_eq!(came.unwrap(), Some(3));
    let gone = within(limits::STALL, |_| {
        Err::<Option<()>, _>(io::Error::other("gone"))
    });
    assert!(gone.is_err());
}
