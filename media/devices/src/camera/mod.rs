//! The cameras of the machine.

mod convert;

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use duologue_codec::VideoFrame;
use linuxvideo::format::{FrameIntervals, FrameSizes, PixFormat, PixelFormat};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, Device, Fract};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::convert::{Layout, Shape};
use crate::watch::watch;
use crate::{Backend, Capture, Captured, Changed, DeviceError, InputDevice, VideoMode, limits};

/// Cameras by Video4Linux. Their ids are their files, such as `/dev/video0`.
///
/// Pictures are taken as I420 or NV12 where the camera has them, else as YUYV or Motion JPEG, which are converted.
///
/// ```
/// use duologue_devices::{CameraDevices, MediaDevices};
///
/// let devices = MediaDevices::new([std::sync::Arc::new(CameraDevices::new()) as _]);
/// for camera in devices.input_devices() {
///     println!("{}: {:?}", camera.label, camera.capabilities().width);
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CameraDevices(Arc<()>);

/// A size and a rate, and how the pixels of it come.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Setting {
    mode: VideoMode,
    layout: Layout,
    format: PixelFormat,
}

impl CameraDevices {
    /// The cameras of the machine.
    pub fn new() -> Self {
        CameraDevices::default()
    }

    /// Files that may be cameras, by their numbers.
    fn files(_: &()) -> Vec<String> {
        let files = fs::read_dir("/dev").into_iter().flatten().flatten();
        let number = |name: &str| name.strip_prefix("video")?.parse::<u32>().ok();
        let numbers = files.filter_map(|file| number(file.file_name().to_str()?));
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.sort_unstable();
        numbers.truncate(limits::DEVICES);
        let path = |number| format!("/dev/video{number}");
        numbers.into_iter().map(path).collect()
    }
}

impl Backend for CameraDevices {
    fn devices(&self) -> Vec<InputDevice> {
        let cameras = CameraDevices::files(&()).into_iter().filter_map(|path| {
            let settings = settings(&Device::open(&path).ok()?);
            let modes = modes(&settings);
            let label = label(&path);
            (!modes.is_empty()).then(|| InputDevice::camera(path, label, modes))
        });
        cameras.collect()
    }

    fn open_video(
        &self,
        device_id: &str,
        mode: VideoMode,
    ) -> Result<Box<dyn Capture<VideoFrame>>, DeviceError> {
        // No other file of the machine is opened by its name.
        if !CameraDevices::files(&()).iter().any(|it| it == device_id) {
            return Err(DeviceError::NotFound(device_id.to_owned()));
        }
        let camera = Camera::open(device_id, mode);
        let camera = camera.map_err(|error| DeviceError::of_io(device_id, &error))?;
        Ok(Box::new(camera))
    }

    fn watch(&self, changed: Changed) {
        watch(&self.0, CameraDevices::files, changed);
    }
}

/// What people call it: the driver's name of the card.
fn label(path: &str) -> String {
    let name = path.trim_start_matches("/dev/");
    let card = fs::read(format!("/sys/class/video4linux/{name}/name"));
    let card = card.map(|card| String::from_utf8_lossy(&card).trim().to_owned());
    card.unwrap_or_else(|_| path.to_owned())
}

/// All that a camera can be set to, as far as its pixels are known here.
fn settings(device: &Device) -> Vec<Setting> {
    let mut settings = Vec::new();
    let captures = device.supported_buf_types();
    if !captures.contains(linuxvideo::BufTypes::VIDEO_CAPTURE) {
        return settings;
    }
    let formats = device.formats(BufType::VIDEO_CAPTURE).take(limits::MODES);
    for format in formats.flatten().map(|it| it.pixel_format()) {
        let Some(layout) = Layout::of_fourcc(format.as_fourcc()) else {
            continue;
        };
        for (width, height) in sizes(device, format) {
            let intervals = device.frame_intervals(format, width, height);
            let frame_rate = intervals.map_or(RATE, |it| rate(&it));
            let mode = VideoMode {
                width,
                height,
                frame_rate,
            };
            settings.push(Setting {
                mode,
                layout,
                format,
            });
        }
    }
    settings
}

/// The sizes that it names; of one that takes any, the usual ones.
fn sizes(device: &Device, format: PixelFormat) -> Vec<(u32, u32)> {
    match device.frame_sizes(format) {
        Ok(FrameSizes::Discrete(sizes)) => {
            let sizes = sizes.iter().map(|it| (it.width(), it.height()));
            sizes.take(limits::MODES).collect()
        }
        Ok(any @ (FrameSizes::Stepwise(_) | FrameSizes::Continuous(_))) => {
            let fits = |(width, height): &(u32, u32)| {
                (any.min_width()..=any.max_width()).contains(width)
                    && (any.min_height()..=any.max_height()).contains(height)
            };
            USUAL.into_iter().filter(fits).collect()
        }
        // Some drivers do not tell; what does not fit is refused when it is opened.
        Err(_) => vec![USUAL[0]],
    }
}

/// Pictures a second at most.
fn rate(intervals: &FrameIntervals) -> f64 {
    let shortest = match intervals {
        FrameIntervals::Discrete(list) => list.iter().map(|it| *it.fract()).min_by(|one, other| {
            let [one, other] = [one, other].map(seconds);
            one.total_cmp(&other)
        }),
        FrameIntervals::Stepwise(any) | FrameIntervals::Continuous(any) => Some(*any.min()),
    };
    let rate = shortest.map(|it| 1.0 / seconds(&it));
    let known = rate.filter(|it| it.is_finite() && *it > 0.0);
    known.unwrap_or(RATE).min(limits::FRAME_RATE)
}

fn seconds(fract: &Fract) -> f64 {
    f64::from(fract.numerator()) / f64::from(fract.denominator())
}

/// Each size with the highest of its rates, those nearest to 640x480 at 30 pictures a second first.
fn modes(settings: &[Setting]) -> Vec<VideoMode> {
    let mut modes: Vec<VideoMode> = Vec::new();
    for Setting { mode, .. } in settings {
        let same = |it: &&mut VideoMode| (it.width, it.height) == (mode.width, mode.height);
        match modes.iter_mut().find(same) {
            Some(known) => known.frame_rate = known.frame_rate.max(mode.frame_rate),
            None => modes.push(*mode),
        }
    }
    let far = |mode: &VideoMode| {
        let pixels = f64::from(mode.width) * f64::from(mode.height);
        let (usual, slow) = (640.0 * 480.0, mode.frame_rate < RATE - 1.0);
        let far = (pixels / usual).ln().abs();
        if slow { far + SLOW } else { far }
    };
    modes.sort_by(|one, other| far(one).total_cmp(&far(other)));
    modes
}

/// The setting for a mode: the nearest size, its rate if one has it, pixels that are cheap.
fn setting(settings: &[Setting], mode: VideoMode) -> Option<Setting> {
    let apart = |it: &Setting| {
        let sides = it.mode.width.abs_diff(mode.width) + it.mode.height.abs_diff(mode.height);
        (sides, it.mode.frame_rate + 0.5 < mode.frame_rate, it.layout)
    };
    settings.iter().copied().min_by_key(apart)
}

const RATE: f64 = 30.0;
/// How much further a mode is that gives fewer pictures a second.
const SLOW: f64 = 10.0;
const USUAL: [(u32, u32); 4] = [(640, 480), (320, 240), (1280, 720), (1920, 1080)];

/// An open camera.
struct Camera {
    path: String,
    shape: Shape,
    stream: ReadStream,
    opened: Instant,
    muted: bool,
}

impl Camera {
    fn open(path: &str, mode: VideoMode) -> io::Result<Self> {
        let device = Device::open(path)?;
        let unfit = || io::Error::other("it has no pixels that are known here");
        let setting = setting(&settings(&device), mode).ok_or_else(unfit)?;
        let VideoMode { width, height, .. } = setting.mode;
        let device = device.video_capture(PixFormat::new(width, height, setting.format))?;

        // The driver chose, and need not have chosen what was asked for.
        let chosen = device.format();
        let layout = Layout::of_fourcc(chosen.pixel_format().as_fourcc()).ok_or_else(unfit)?;
        let shape = Shape {
            layout,
            width: chosen.width(),
            height: chosen.height(),
            stride: chosen.bytes_per_line() as usize,
        };
        VideoFrame::check_size(shape.width, shape.height).map_err(io::Error::other)?;
        let wanted = Fract::new(1_000, (mode.frame_rate * 1_000.0).max(1.0) as u32);
        // One that has a rate of its own says so, and gives pictures all the same.
        let _ = device.set_frame_interval(wanted);
        Ok(Camera {
            path: path.to_owned(),
            shape,
            stream: device.into_stream()?,
            opened: Instant::now(),
            muted: false,
        })
    }

    /// Whether a picture comes within the time.
    fn comes(&self, wait: Duration) -> io::Result<bool> {
        let mut fds = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN)];
        let wait = Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: wait.subsec_nanos().into(),
        };
        match poll(&mut fds, Some(&wait)) {
            Ok(0) => Ok(false),
            Ok(_) if fds[0].revents().contains(PollFlags::IN) => Ok(true),
            Ok(_) => Err(io::Error::other("it has gone")),
            Err(error) => Err(error.into()),
        }
    }

    /// A picture, if one comes within the time; one that was damaged on its way is left out: a cable does that now and
    /// then.
    fn picture(&mut self, wait: Duration) -> io::Result<Option<VideoFrame>> {
        if !self.comes(wait)? {
            return Ok(None);
        }
        let (shape, at) = (self.shape, self.opened.elapsed());
        let picture = self.stream.dequeue(|buffer| match buffer.is_error() {
            true => Ok(None),
            false => Ok(shape.picture(&buffer).ok()),
        })?;
        Ok(picture.map(|picture| picture.at(at)))
    }

    fn next(&mut self) -> io::Result<Captured<VideoFrame>> {
        let picture = within(limits::STALL, |wait| self.picture(wait))?;
        Ok(match picture {
            Some(_) if std::mem::take(&mut self.muted) => Captured::Muted(false),
            Some(picture) => Captured::Data(picture),
            None => {
                self.muted = true;
                Captured::Muted(true)
            }
        })
    }
}

/// What comes within a time of one that is told how long it may wait, and may be asked in vain, or interrupted.
fn within<T>(
    time: Duration,
    mut next: impl FnMut(Duration) -> io::Result<Option<T>>,
) -> io::Result<Option<T>> {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match next(left) {
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
        if left.is_zero() {
            return Ok(None);
        }
    }
}

impl Capture<VideoFrame> for Camera {
    fn read(&mut self) -> Result<Option<Captured<VideoFrame>>, DeviceError> {
        match self.next() {
            Ok(captured) => Ok(Some(captured)),
            Err(error) => Err(DeviceError::of_io(&self.path, &error)),
        }
    }
}

#[cfg(test)]
mod tests;
