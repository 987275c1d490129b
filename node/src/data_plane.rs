//! The session behind an object of JavaScript's: made when the first command is for it.

use std::mem;
use std::sync::Arc;

use duologue_base::Rng;
use duologue_session::Session;
use duologue_tokio::{ReportQueue, SessionHandle};

use crate::environment::Environment;
use crate::flow::{MediaBatches, MediaRoutes};
use crate::host::{NodeHost, ReadyList};

/// Where the session is.
pub(crate) enum DataPlane {
    /// Nothing was agreed on yet: there is no task for it.
    Idle(Box<Start>),
    Running(SessionHandle),
    /// It was closed.
    Ended,
}

/// What a session is made with.
pub(crate) struct Start {
    /// What the hub names its owner by.
    pub(crate) connection: u32,
    pub(crate) ready: Arc<ReadyList>,
    pub(crate) inbox: Arc<ReportQueue>,
    pub(crate) media: Arc<MediaRoutes>,
    pub(crate) rng: Rng,
}

impl DataPlane {
    pub(crate) fn new(start: Start) -> Self {
        DataPlane::Idle(Box::new(start))
    }

    /// The session, which begins with the first call; none once it was closed.
    pub(crate) fn session(
        &mut self,
        environment: &Environment,
        span: &tracing::Span,
    ) -> Option<&SessionHandle> {
        if matches!(self, DataPlane::Idle(_))
            && let DataPlane::Idle(start) = mem::replace(self, DataPlane::Ended)
        {
            let Start {
                connection,
                ready,
                inbox,
                media,
                rng,
            } = *start;
            let session = Session::new(environment.session.clone(), rng);
            let host = |session: &SessionHandle| NodeHost {
                connection,
                inbox,
                ready,
                session: session.clone(),
                media,
                batches: MediaBatches::default(),
            };
            let _in = span.enter();
            *self = DataPlane::Running(environment.endpoint.spawn(session, host));
        }
        self.running()
    }

    /// The session, if it has begun.
    pub(crate) fn running(&self) -> Option<&SessionHandle> {
        match self {
            DataPlane::Running(handle) => Some(handle),
            DataPlane::Idle(_) | DataPlane::Ended => None,
        }
    }

    pub(crate) fn end(&mut self) {
        *self = DataPlane::Ended;
    }
}
