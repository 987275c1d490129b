//! Where frames pass a transform.

use std::any::TypeId;
use std::collections::VecDeque;
use std::fmt;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duologue_base::TransceiverId;
use duologue_session::{EncodedFrame, EncodedFrameInit, RtpPacket, RtpPacketInit};

use crate::connection::ConnectionHandle;
use crate::sframe::SFrameTransform;
use crate::transform::{Origin, Side, Transform, TransformFrame, Transformer};

/// The transforms of one transceiver.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    received: Stage<EncodedFrame>,
    to_send: Stage<EncodedFrameInit>,
}

/// A place for a transform.
pub(crate) struct Stage<T>(Mutex<Passing<T>>);

/// The transform, and what it made that nobody has taken.
pub(crate) struct Passing<T> {
    transform: Option<Box<dyn Transform>>,
    /// Whether it is one of the application, which sees what is in the frames.
    shows: bool,
    pub(super) made: VecDeque<T>,
    enqueued: Vec<TransformFrame>,
}

/// What readers and writers handle: packets do not pass a transform, frames do.
pub(crate) trait Passes: Sized {
    const SIDE: Side;

    fn stage(_: &Stages) -> Option<&Stage<Self>> {
        None
    }

    fn open(self, _: &ConnectionHandle, _: TransceiverId) -> Result<TransformFrame, Self> {
        Err(self)
    }

    /// `None` if it is not of this side.
    fn close(_: TransformFrame) -> Option<Self> {
        None
    }
}

impl Passes for RtpPacket {
    const SIDE: Side = Side::Receiver;
}

impl Passes for RtpPacketInit {
    const SIDE: Side = Side::Sender;
}

impl Passes for EncodedFrame {
    const SIDE: Side = Side::Receiver;

    fn stage(stages: &Stages) -> Option<&Stage<Self>> {
        Some(&stages.received)
    }

    fn open(self, of: &ConnectionHandle, id: TransceiverId) -> Result<TransformFrame, Self> {
        let plan = of.with(|control| {
            let plans = control.peer().media_plans();
            plans.receive(id).map(|(_, plan)| plan.clone())
        });
        Ok(TransformFrame::received(self, plan.as_deref()))
    }

    fn close(frame: TransformFrame) -> Option<Self> {
        let Origin::Received(mut received) = frame.origin else {
            return None;
        };
        received.data = frame.data;
        Some(*received)
    }
}

impl Passes for EncodedFrameInit {
    const SIDE: Side = Side::Sender;

    fn stage(stages: &Stages) -> Option<&Stage<Self>> {
        Some(&stages.to_send)
    }

    fn open(self, of: &ConnectionHandle, id: TransceiverId) -> Result<TransformFrame, Self> {
        let plan = of.with(|control| {
            let plans = control.peer().media_plans();
            plans.send(id).map(|(_, plan)| plan.clone())
        });
        Ok(TransformFrame::to_send(self, plan.as_deref()))
    }

    fn close(frame: TransformFrame) -> Option<Self> {
        let Origin::ToSend(mut to_send) = frame.origin else {
            return None;
        };
        to_send.data = frame.data;
        Some(*to_send)
    }
}

impl<T> Stage<T> {
    pub(super) fn set<F: Transform>(&self, transform: Option<F>) {
        let mut passing = self.lock();
        passing.shows = transform.is_some() && TypeId::of::<F>() != TypeId::of::<SFrameTransform>();
        passing.transform = transform.map(|it| Box::new(it) as Box<dyn Transform>);
    }

    #[cfg(feature = "codecs")]
    pub(super) fn shows(&self) -> bool {
        self.lock().shows
    }

    /// While it is held nobody else takes or hands over anything: frames stay in their order. `None`
    /// where there is nothing to pass.
    pub(super) fn enter(&self) -> Option<MutexGuard<'_, Passing<T>>> {
        let passing = self.lock();
        let open = passing.transform.is_none() && passing.made.is_empty();
        (!open).then_some(passing)
    }

    fn lock(&self) -> MutexGuard<'_, Passing<T>> {
        // A transform may have panicked, in the task of who called it. What it made before counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Passing<T> {
    /// The transform shows the application what passes.
    pub(super) fn shows(&self) -> bool {
        self.shows
    }
}

impl<T: Passes> Passing<T> {
    /// Adds what becomes of an item to what was made.
    pub(super) fn pass(&mut self, item: T, of: &Arc<ConnectionHandle>, id: TransceiverId) {
        let Some(transform) = &mut self.transform else {
            self.made.push_back(item);
            return;
        };
        let frame = match item.open(of, id) {
            Ok(frame) => frame,
            Err(item) => {
                self.made.push_back(item);
                return;
            }
        };
        let mut transformer = Transformer::new(of, id, T::SIDE, &mut self.enqueued);
        transform.transform(frame, &mut transformer);
        let made = take(&mut self.enqueued).into_iter();
        self.made.extend(made.filter_map(T::close));
    }
}

impl<T> Default for Stage<T> {
    fn default() -> Self {
        Stage(Mutex::new(Passing {
            transform: None,
            shows: false,
            made: VecDeque::new(),
            enqueued: Vec::new(),
        }))
    }
}

impl<T> fmt::Debug for Stage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passing = self.lock();
        f.debug_struct("Stage")
            .field("transform", &passing.transform.is_some())
            .field("made", &passing.made.len())
            .finish_non_exhaustive()
    }
}
