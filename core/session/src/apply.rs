//! What each command does.

use std::collections::HashSet;

use duologue_base::{Generation, Instant, TransportKey};
use duologue_ice as ice;
use duologue_identity::Certificate;

use crate::association::Agreed;
use crate::limits::{PREPARED_TRANSPORTS, REMOTE_ADDRESSES, REMOTE_ADDRESSES_REVIEW};
use crate::transport::{Transport, new_agent};
use crate::{Action, Command, Report, Session};

impl Session {
    /// Does what the owner says. A command that does not fit is counted and changes nothing.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        self.now = self.now.max(now);
        if self.closed {
            self.counters.ignored_commands += 1;
            return;
        }
        let fits = match command {
            Command::AddTransport { .. } => self.add_transport(command),
            Command::PrepareTransport { key, certificate } => {
                self.prepare_transport(key, certificate)
            }
            Command::StartSctp {
                key,
                local_port,
                remote_port,
                max_message_size,
                may_move,
            } => self.sctp.agree(Agreed {
                key,
                local_port,
                remote_port,
                max_message_size,
                may_move,
            }),
            Command::SetIceServers {
                servers,
                relay_only,
            } => {
                for transport in &mut self.transports {
                    transport.agent.set_servers(servers.clone(), relay_only);
                    if transport.prepared {
                        transport.agent.gather_again(self.now);
                    }
                }
                self.config.ice.servers = servers;
                self.config.ice.relay_only = relay_only;
                true
            }
            Command::MoveSctp { key, may_move } => {
                self.leftovers.forget_datagram();
                self.sctp.move_to(key, may_move)
            }
            Command::StopSctp => self.stop_sctp(),
            Command::RestartDtls { .. } => self.restart_dtls(command),
            Command::RemoveTransport { key } => self.remove_transport(key),
            Command::RestartIce {
                key,
                generation,
                local,
            } => self.restart_ice(key, generation, local),
            Command::AddRemoteCandidate { ref candidate, .. } if !self.may_check(candidate) => {
                self.counters.excess_candidates += 1;
                true
            }
            Command::Send {
                channel, ref data, ..
            } => {
                self.channel_counters.count_sent(channel, data.len());
                self.sctp.apply(self.now, command);
                true
            }
            Command::SetMaxMessageSize { .. }
            | Command::OpenChannel { .. }
            | Command::SetChannelPriority { .. }
            | Command::CloseChannel { .. } => {
                self.sctp.apply(self.now, command);
                true
            }
            Command::GetStats { request } => {
                let stats = Box::new(self.stats());
                self.reports.push_back(Report::Stats { request, stats });
                true
            }
            Command::Close => {
                self.close();
                true
            }
            command => self.apply_to_transport(command),
        };
        if !fits {
            self.counters.ignored_commands += 1;
        }
        self.advance_all();
    }

    fn add_transport(&mut self, command: Command) -> bool {
        let Command::AddTransport {
            key,
            generation,
            local,
            role,
            certificate,
        } = command
        else {
            return false;
        };
        if let Some(running) = self.sctp.running() {
            running.expect_move(self.now);
        }
        if let Some(at) = self.find(key) {
            let transport = &mut self.transports[at];
            if std::mem::take(&mut transport.prepared) {
                transport.agent.adopt(self.now, role, generation, local);
                self.finish_gathering(at);
                return true;
            }
            return false;
        }
        let agent = new_agent(&self.config, role, generation, local, &mut self.rng);
        self.push_transport(key, agent, certificate);
        true
    }

    fn prepare_transport(&mut self, key: TransportKey, certificate: Certificate) -> bool {
        let prepared = self.transports.iter().filter(|t| t.prepared).count();
        if self.find(key).is_some() || prepared >= PREPARED_TRANSPORTS {
            return false;
        }
        // These say nothing to anybody: no peer hears of them.
        let local = ice::Credentials::generate(&mut self.rng);
        let (role, generation) = (ice::Role::Controlling, Generation(0));
        let agent = new_agent(&self.config, role, generation, local, &mut self.rng);
        let at = self.push_transport(key, agent, certificate);
        self.transports[at].prepared = true;
        true
    }

    fn push_transport(
        &mut self,
        key: TransportKey,
        agent: ice::Agent,
        certificate: Certificate,
    ) -> usize {
        let transport = Transport::new(&self.config, key, agent, certificate);
        // One is the rule, and a vector would make room for four.
        self.transports.reserve_exact(1);
        self.transports.push(transport);
        let at = self.transports.len() - 1;
        self.bind_new(at);
        self.finish_gathering(at);
        at
    }

    fn apply_to_transport(&mut self, command: Command) -> bool {
        let now = self.now;
        let key = match command {
            Command::SetIceRole { key, .. }
            | Command::DropGeneration { key, .. }
            | Command::SetRemoteIce { key, .. }
            | Command::AddRemoteCandidate { key, .. }
            | Command::EndOfRemoteCandidates { key, .. }
            | Command::StartDtls { key, .. } => key,
            _ => return false,
        };
        let Some(transport) = self.transports.iter_mut().find(|t| t.key == key) else {
            return false;
        };
        let agent = &mut transport.agent;
        match command {
            Command::SetIceRole { role, .. } => agent.set_role(now, role),
            Command::DropGeneration { generation, .. } => agent.drop_generation(now, generation),
            Command::SetRemoteIce {
                generation,
                remote,
                options,
                ..
            } => agent.set_remote_credentials(now, generation, remote, options),
            Command::AddRemoteCandidate {
                generation,
                candidate,
                ..
            } => agent.add_remote_candidate(now, generation, candidate),
            Command::EndOfRemoteCandidates { generation, .. } => {
                agent.end_of_remote_candidates(now, generation);
            }
            Command::StartDtls {
                role, fingerprints, ..
            } => return transport.agree_on_dtls(role, fingerprints),
            _ => return false,
        }
        true
    }

    /// Whoever writes descriptions must not make this host send to everybody.
    fn may_check(&mut self, candidate: &ice::Candidate) -> bool {
        // The agent bounds the names that it asks for.
        if candidate.name.is_some() || self.checked.contains(&candidate.addr) {
            return true;
        }
        let full = self.checked.len() >= REMOTE_ADDRESSES;
        if full && self.now - self.checked_at >= REMOTE_ADDRESSES_REVIEW {
            self.checked_at = self.now;
            let agents = self.transports.iter().map(|transport| &transport.agent);
            let used: HashSet<_> = agents.flat_map(ice::Agent::remote_addresses).collect();
            self.checked.retain(|addr| used.contains(addr));
        }
        let may = self.checked.len() < REMOTE_ADDRESSES;
        may && self.checked.insert(candidate.addr)
    }

    /// What could not be bound may be possible by now.
    fn restart_ice(
        &mut self,
        key: TransportKey,
        generation: Generation,
        local: ice::Credentials,
    ) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        self.bind_new(at);
        let transport = &mut self.transports[at];
        if !transport.binds.is_empty() {
            transport.agent.expect_local_addresses();
        }
        transport.agent.restart(self.now, generation, local);
        self.finish_gathering(at);
        true
    }

    fn restart_dtls(&mut self, command: Command) -> bool {
        let Command::RestartDtls {
            key,
            role,
            fingerprints,
            certificate,
        } = command
        else {
            return false;
        };
        let Some(at) = self.find(key) else {
            return false;
        };
        let Session {
            transports,
            config,
            reports,
            ..
        } = self;
        transports[at].restart_dtls(config, role, fingerprints, certificate, reports);
        if self.sctp.restart(self.now, key) {
            self.leftovers.forget_datagram();
            self.reports.push_back(Report::SctpConnecting);
        }
        true
    }

    fn stop_sctp(&mut self) -> bool {
        self.leftovers.forget_datagram();
        self.reports.push_back(Report::SctpStopped);
        self.sctp.stop(self.now)
    }

    fn remove_transport(&mut self, key: TransportKey) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let mut transport = self.transports.remove(at);
        // Without data there is no farewell: the peer learns it from the descriptions, and Firefox
        // ends its association, which has moved, when it has the alert before the answer.
        if self.sctp.on(key).is_some() {
            self.say_farewell(&mut transport);
        }
        if let Some(running) = self.sctp.on(key) {
            running.end(&mut self.reports);
        }
        self.unbind(&transport);
        true
    }

    fn close(&mut self) {
        for mut transport in std::mem::take(&mut self.transports) {
            self.say_farewell(&mut transport);
            self.unbind(&transport);
        }
        self.withdraw_names(|_| false);
        self.away.clear();
        self.sctp = crate::association::Sctp::new();
        self.reports.clear();
        self.closed = true;
    }

    fn unbind(&mut self, transport: &Transport) {
        let sockets = transport.sockets.iter().map(|bound| bound.socket);
        self.actions
            .extend(sockets.map(|socket| Action::Unbind { socket }));
    }
}
