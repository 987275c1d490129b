//! Devices are captured, on their threads, as an application sees it.
#![allow(
    clippy::unwrap_used,
    reason = "helpers outside #[test] functions are tests too"
)]

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use duologue_codec::{AudioData, VideoFrame, pattern, tone};
use duologue_devices::{
    Backend, Capture, Captured, ConstrainRange, DeviceError, FakeDevices, InputDevice, LocalTrack,
    MediaDeviceKind, MediaDevices, MediaStreamConstraints, MediaTrackConstraintSet, TrackEvent,
    VideoMode, VideoReader,
};

async fn within<T>(future: impl Future<Output = T>) -> T {
    let limited = tokio::time::timeout(Duration::from_secs(30), future);
    limited.await.expect("it comes in time")
}

fn fake() -> (FakeDevices, MediaDevices) {
    let fake = FakeDevices::new();
    let devices = MediaDevices::new([Arc::new(fake.clone()) as Arc<dyn Backend>]);
    (fake, devices)
}

fn wide(width: u32) -> MediaTrackConstraintSet {
    MediaTrackConstraintSet {
        width: Some(ConstrainRange::exact(width).into()),
        ..Default::default()
    }
}

async fn capture(devices: &MediaDevices, video: MediaTrackConstraintSet) -> LocalTrack {
    let asked = MediaStreamConstraints {
        video: video.into(),
        ..Default::default()
    };
    let stream = devices.get_user_media(&asked).await.unwrap();
    stream.video_track().unwrap().clone()
}

async fn next(pictures: &mut VideoReader) -> VideoFrame {
    within(pictures.recv()).await.expect("it goes on")
}

/// Waits until pictures are as they should be.
async fn until(pictures: &mut VideoReader, fits: impl Fn(&VideoFrame) -> bool) {
    within(async {
        while let Some(picture) = pictures.recv().await {
            if fits(&picture) {
                return;
            }
        }
        panic!("it ended");
    })
    .await;
}

#[tokio::test]
async fn each_track_of_one_camera_gives_pictures_as_it_was_asked_for() {
    let (_, devices) = fake();
    let small = capture(&devices, wide(160)).await;
    let mut of_small = small.video().unwrap();
    assert_eq!(next(&mut of_small).await.width(), 160);
    // The camera is set to more than the first one needs.
    let large = capture(&devices, wide(1280)).await;
    let mut of_large = large.video().unwrap();
    for _ in 0..3 {
        let picture = next(&mut of_large).await;
        assert_eq!((picture.width(), picture.height()), (1280, 720));
        assert!(pattern::number(&picture).is_some());
    }
    assert_eq!(next(&mut of_small).await.width(), 160);
    assert_ne!(small.id(), large.id());
}

#[tokio::test]
async fn constraints_are_changed_while_it_is_captured_or_nothing_is() {
    let (_, devices) = fake();
    let track = capture(&devices, wide(640)).await;
    let mut pictures = track.video().unwrap();
    until(&mut pictures, |it| it.width() == 640).await;
    track.apply_constraints(wide(320).into()).unwrap();
    assert_eq!(track.settings().width, Some(320));
    until(&mut pictures, |it| it.width() == 320).await;

    let before = (track.settings(), track.constraints());
    let refused = track.apply_constraints(wide(9_999).into()).unwrap_err();
    let DeviceError::Overconstrained(refused) = refused else {
        panic!("{refused}");
    };
    assert_eq!(refused.constraint, "width");
    assert_eq!((track.settings(), track.constraints()), before);
}

#[tokio::test]
async fn a_track_that_is_disabled_gives_black_and_its_clone_goes_on() {
    let (_, devices) = fake();
    let track = capture(&devices, wide(320)).await;
    let clone = track.clone_track();
    assert!(clone != track && clone.settings() == track.settings());
    let (mut black, mut seen) = (track.video().unwrap(), clone.video().unwrap());
    track.set_enabled(false);
    until(&mut black, |it| pattern::number(it).is_none()).await;
    for _ in 0..3 {
        let picture = next(&mut black).await;
        assert!(picture.row(0, 20).iter().all(|luma| *luma == 16));
        assert!(pattern::number(&next(&mut seen).await).is_some());
    }
    track.stop();
    assert_eq!(
        within(async { while black.recv().await.is_some() {} }).await,
        ()
    );
    assert!(track.has_ended() && !clone.has_ended());
    assert!(pattern::number(&next(&mut seen).await).is_some());
    assert!(track.clone_track().has_ended());
}

#[tokio::test]
async fn a_device_that_is_pulled_out_ends_its_tracks_and_the_list_changes() {
    let (fake, devices) = fake();
    let mut changes = devices.changes();
    let track = capture(&devices, wide(320)).await;
    let mut events = track.events();
    fake.set_muted(FakeDevices::CAMERA, true);
    assert_eq!(within(events.recv()).await, Some(TrackEvent::Mute));
    assert!(track.muted());
    fake.set_muted(FakeDevices::CAMERA, false);
    assert_eq!(within(events.recv()).await, Some(TrackEvent::Unmute));
    assert!(!track.muted());

    assert!(fake.unplug(FakeDevices::CAMERA));
    assert_eq!(within(events.recv()).await, Some(TrackEvent::Ended));
    assert!(track.has_ended());
    let change = within(changes.recv()).await.unwrap();
    let cameras = |kind| change.devices.iter().filter(|it| it.kind == kind).count();
    assert_eq!(cameras(MediaDeviceKind::VideoInput), 0);
    assert_eq!(change.user_inserted_devices, []);

    fake.plug(FakeDevices::camera());
    let change = within(changes.recv()).await.unwrap();
    let inserted = change.user_inserted_devices.iter();
    let inserted: Vec<_> = inserted.map(|it| &*it.device_id).collect();
    assert_eq!(inserted, [FakeDevices::CAMERA]);
    let mut again = capture(&devices, wide(320)).await.video().unwrap();
    // Its handle was dropped, and so the camera is closed again.
    assert_eq!(
        within(async { while again.recv().await.is_some() {} }).await,
        ()
    );
}

#[tokio::test]
async fn a_track_that_comes_while_its_device_gives_nothing_is_muted_until_it_does() {
    let (fake, devices) = fake();
    let first = capture(&devices, MediaTrackConstraintSet::default()).await;
    let mut events = first.events();
    fake.set_muted(FakeDevices::CAMERA, true);
    assert_eq!(within(events.recv()).await, Some(TrackEvent::Mute));
    let second = capture(&devices, MediaTrackConstraintSet::default()).await;
    assert!(second.muted());
    first.stop();
    let mut events = second.events();
    fake.set_muted(FakeDevices::CAMERA, false);
    assert_eq!(within(events.recv()).await, Some(TrackEvent::Unmute));
    assert!(!second.muted());
}

#[tokio::test]
async fn the_microphone_gives_its_tone_in_as_many_channels_as_asked_for() {
    let (_, devices) = fake();
    let asked = MediaStreamConstraints {
        audio: MediaTrackConstraintSet {
            channel_count: Some(ConstrainRange::exact(2).into()),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    };
    let stream = within(devices.get_user_media(&asked)).await.unwrap();
    let mut reader = stream.audio_track().unwrap().audio().unwrap();
    let mut samples = Vec::new();
    while samples.len() < 2 * 48_000 / 5 {
        let data = within(reader.recv()).await.unwrap();
        assert_eq!((data.channels(), data.frames()), (2, 480));
        samples.extend_from_slice(data.samples());
    }
    let heard = AudioData::new(samples.into(), 48_000, 2).unwrap();
    let hertz = tone::frequency(&heard).unwrap();
    assert!((hertz - FakeDevices::HERTZ).abs() < 2.0, "{hertz}");
    assert_eq!(reader.dropped(), 0);
}

#[tokio::test]
async fn what_cannot_be_captured_is_refused_by_the_names_of_the_w3c() {
    let (fake, devices) = fake();
    let name = |asked: MediaStreamConstraints| {
        let devices = devices.clone();
        async move { devices.get_user_media(&asked).await.unwrap_err().name() }
    };
    assert_eq!(name(MediaStreamConstraints::default()).await, "TypeError");
    let impossible = MediaStreamConstraints {
        video: wide(4_000).into(),
        audio: true.into(),
        ..MediaStreamConstraints::default()
    };
    assert_eq!(name(impossible).await, "OverconstrainedError");
    fake.unplug(FakeDevices::MICROPHONE);
    let both = MediaStreamConstraints::new(true, true);
    assert_eq!(name(both).await, "NotFoundError");
}

/// A camera that counts how often it is open, and that fails when it is told to.
#[derive(Debug, Default)]
struct Counted {
    open: Arc<AtomicUsize>,
}

struct Opened(Arc<AtomicUsize>, VideoFrame);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Capture<VideoFrame> for Opened {
    fn read(&mut self) -> Result<Option<Captured<VideoFrame>>, DeviceError> {
        std::thread::yield_now();
        Ok(Some(Captured::Data(self.1.clone())))
    }
}

impl Backend for Counted {
    fn devices(&self) -> Vec<InputDevice> {
        let mode = |width| VideoMode {
            width,
            height: 48,
            frame_rate: 30.0,
        };
        let broken = InputDevice::camera("broken", "broken", [mode(32)]);
        vec![
            InputDevice::camera("counted", "counted", [mode(64)]),
            broken,
        ]
    }

    fn open_video(
        &self,
        device_id: &str,
        mode: VideoMode,
    ) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
        if device_id == "broken" {
            return Err(DeviceError::NotReadable("broken".into(), "smoke".into()));
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        let black = VideoFrame::black(mode.width, mode.height).unwrap();
        Ok(Box::new(Opened(self.open.clone(), black)))
    }
}

#[tokio::test]
async fn a_device_is_open_once_and_closed_with_its_last_track() {
    let open = Arc::new(AtomicUsize::new(0));
    let backend = Counted { open: open.clone() };
    let devices = MediaDevices::new([Arc::new(backend) as Arc<dyn Backend>]);
    let both = [capture(&devices, wide(64)), capture(&devices, wide(16))];
    let [first, second] = both;
    let (first, second) = tokio::join!(first, second);
    assert_eq!(open.load(Ordering::SeqCst), 1);
    first.stop();
    let mut pictures = second.video().unwrap();
    assert_eq!(next(&mut pictures).await.width(), 16);
    drop(second);
    within(async {
        while open.load(Ordering::SeqCst) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let asked = MediaStreamConstraints {
        video: MediaTrackConstraintSet {
            device_id: Some("broken".into()),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    };
    let refused = devices.get_user_media(&asked).await.unwrap_err();
    assert_eq!(refused.to_string(), "broken cannot be read: smoke");
    assert_eq!(refused.name(), "NotReadableError");
}

#[tokio::test]
async fn a_device_that_is_asked_for_while_its_last_track_ends_is_opened_again() {
    let backend = Counted {
        open: Arc::new(AtomicUsize::new(0)),
    };
    let devices = MediaDevices::new([Arc::new(backend) as Arc<dyn Backend>]);
    for _ in 0..300 {
        capture(&devices, wide(64)).await.stop();
    }
}
