//! What a transport's ICE agent tells: actions for the host and reports for the owner.

use std::collections::VecDeque;
use std::net::SocketAddr;

use duologue_base::{Generation, IceCredentials, IceRole, Rng, SocketId};
use duologue_ice as ice;

use super::Transport;
use crate::{Action, BindId, Report, SessionConfig, TransportReport};

impl Transport {
    pub(super) fn advance_ice(
        &mut self,
        reports: &mut VecDeque<Report>,
        actions: &mut VecDeque<Action>,
        next_bind: &mut u32,
    ) {
        let key = self.key;
        while let Some(event) = self.agent.poll_event() {
            match event {
                ice::Event::Resolve { host } => actions.push_back(Action::Resolve { host }),
                ice::Event::ResolveName { name } => actions.push_back(Action::ResolveName { name }),
                ice::Event::Connect {
                    id,
                    local,
                    remote,
                    security,
                } => {
                    let bind_id = BindId::next(next_bind);
                    self.connects.push((bind_id, id, remote));
                    actions.push_back(Action::Connect {
                        bind_id,
                        transport: key,
                        local,
                        remote,
                        security,
                    });
                }
                ice::Event::Disconnect { socket } => {
                    self.sockets.retain(|bound| bound.socket != socket);
                    actions.push_back(Action::Unbind { socket });
                }
                _ if self.prepared => {}
                event => {
                    actions.extend(announcement(&event));
                    reports.extend(ice_report(event).map(|report| Report::Transport(key, report)));
                }
            }
        }
    }
}

impl Transport {
    /// Tells a host that shares sockets among sessions by which user names requests for this one are
    /// known, when they have changed.
    pub(crate) fn tell_user_names(&mut self, actions: &mut VecDeque<Action>) {
        let revision = self.agent.user_names_revision();
        if self.prepared || self.user_names_told == Some(revision) {
            return;
        }
        self.user_names_told = Some(revision);
        actions.push_back(Action::SetUserNames {
            transport: self.key,
            ufrags: self.agent.user_names().map(str::to_owned).collect(),
        });
    }

    /// Tells the same host where data goes, and whether the peer is silent, when that has changed. A
    /// `lite` agent takes the other end's word for it, which no other session has to believe.
    pub(crate) fn tell_path(&mut self, lite: bool, actions: &mut VecDeque<Action>) {
        let route = self.agent.route().filter(|_| !lite);
        let told = PathTold {
            path: route.map(|route| (route.socket, route.destination())),
            silent: self.agent.has_lost_peer(),
        };
        if self.prepared || self.path_told == Some(told) {
            return;
        }
        self.path_told = Some(told);
        actions.push_back(Action::SetPath {
            transport: self.key,
            path: told.path,
            silent: told.silent,
        });
    }

    /// There is a socket that knows of no path.
    pub(crate) fn tell_path_anew(&mut self) {
        self.path_told.take_if(|told| *told != PathTold::default());
    }

    /// It ends, and no request is for it.
    pub(crate) fn withdraw_user_names(&self, actions: &mut VecDeque<Action>) {
        if self.user_names_told.is_some() {
            actions.push_back(Action::SetUserNames {
                transport: self.key,
                ufrags: Vec::new(),
            });
        }
    }
}

/// What [`Action::SetPath`] said last.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PathTold {
    path: Option<(SocketId, SocketAddr)>,
    silent: bool,
}

/// Before a candidate is signalled its name is answered for.
fn announcement(event: &ice::Event) -> Option<Action> {
    let ice::Event::LocalCandidate { candidate, .. } = event else {
        return None;
    };
    Some(Action::AnnounceName {
        name: candidate.name?,
        ip: candidate.addr.ip(),
    })
}

fn ice_report(event: ice::Event) -> Option<TransportReport> {
    Some(match event {
        ice::Event::LocalCandidate {
            generation,
            candidate,
        } => TransportReport::LocalCandidate {
            generation,
            candidate: Box::new(candidate),
        },
        ice::Event::Gathering { generation, state } => {
            TransportReport::GatheringState { generation, state }
        }
        ice::Event::State { state, failure } => TransportReport::IceState { state, failure },
        ice::Event::Role(role) => TransportReport::IceRole { role },
        ice::Event::SelectedPair(pair) => TransportReport::SelectedPair {
            pair: Box::new(pair),
        },
        ice::Event::CandidateError(error) => TransportReport::CandidateError { error },
        ice::Event::Pair(event) => TransportReport::Pair { event },
        _ => return None,
    })
}

/// The agent's randomness is its own, so that one transport's draws do not shift another's.
pub(crate) fn new_agent(
    config: &SessionConfig,
    role: IceRole,
    generation: Generation,
    local: IceCredentials,
    rng: &mut Rng,
) -> ice::Agent {
    ice::Agent::new(config.ice.clone(), role, generation, local, rng.fork())
}
