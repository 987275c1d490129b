//! What each command does.

use std::collections::HashSet;

use duologue_base::{
    ChannelKey, DtlsRole, Generation, IceCredentials, IceRole, Instant, TransportKey,
};
use duologue_dtls as dtls;
use duologue_ice as ice;
use duologue_identity::{Certificates, Fingerprint};

use crate::gather::HostInterfaces;
use crate::limits::{PREPARED_TRANSPORTS, REMOTE_ADDRESSES, REMOTE_ADDRESSES_REVIEW};
use crate::transport::{Transport, new_agent};
use crate::{
    Action, ChannelCommand, Command, Report, SctpCommand, SctpReport, Session, TransportCommand,
};

impl Session {
    /// Does what the owner says. A command that does not fit is counted and changes nothing.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        self.now = self.now.max(now);
        if self.closed {
            self.counters.ignored_commands += 1;
            return;
        }

        let fits = match command {
            Command::Transport(key, command) => self.apply_to_transport(key, command),
            Command::Sctp(command) => self.apply_to_sctp(command),
            Command::Channel(channel, command) => {
                self.apply_to_channel(channel, command);
                true
            }
            Command::Media(id, command) => self.apply_to_media(id, command),
            Command::SetIceServers {
                servers,
                relay_only,
            } => {
                self.set_ice_servers(servers, relay_only);
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
        };

        if !fits {
            self.counters.ignored_commands += 1;
        }
    }

    fn apply_to_transport(&mut self, key: TransportKey, command: TransportCommand) -> bool {
        let fits = match command {
            TransportCommand::Add {
                generation,
                local,
                role,
                certificates,
            } => self.add_transport(key, generation, local, role, certificates),
            TransportCommand::Prepare { certificates } => self.prepare_transport(key, certificates),
            TransportCommand::RestartDtls {
                role,
                fingerprints,
                certificates,
            } => self.restart_dtls(key, role, fingerprints, certificates),
            TransportCommand::RestartIce { generation, local } => {
                self.restart_ice(key, generation, local)
            }
            TransportCommand::AddRemoteCandidate { ref candidate, .. }
                if !self.may_check(candidate) =>
            {
                self.counters.excess_candidates += 1;
                true
            }
            TransportCommand::Remove => return self.remove_transport(key),
            command => match self.find(key) {
                Some(at) => self.transports[at].apply(self.now, command),
                None => false,
            },
        };
        self.advance_transport(key);
        fits
    }

    fn apply_to_sctp(&mut self, command: SctpCommand) -> bool {
        match command {
            SctpCommand::Move { .. } => self.leftovers.forget_datagram(),
            SctpCommand::Stop => {
                self.leftovers.forget_datagram();
                self.reports.push_back(Report::Sctp(SctpReport::Stopped));
            }
            SctpCommand::Start { .. } | SctpCommand::SetMaxMessageSize { .. } => {}
        }
        let fits = self.sctp.apply(self.now, command);
        self.advance_sctp();
        fits
    }

    fn apply_to_channel(&mut self, channel: ChannelKey, command: ChannelCommand) {
        if let ChannelCommand::Send { data, .. } = &command {
            self.channel_counters.count_sent(channel, data.len());
        }
        self.sctp.apply_to_channel(self.now, channel, command);
        self.advance_sctp();
    }

    fn set_ice_servers(&mut self, servers: Vec<ice::Server>, relay_only: bool) {
        for transport in &mut self.transports {
            transport.agent.set_servers(servers.clone(), relay_only);
            if transport.prepared {
                transport.agent.gather_again(self.now);
            }
        }
        self.config.ice.servers = servers;
        self.config.ice.relay_only = relay_only;
        self.advance_all();
    }

    fn add_transport(
        &mut self,
        key: TransportKey,
        generation: Generation,
        local: IceCredentials,
        role: IceRole,
        certificates: Certificates,
    ) -> bool {
        if let Some(running) = self.sctp.running() {
            running.expect_move(self.now);
        }
        self.need_interfaces();
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
        self.push_transport(key, agent, certificates);
        true
    }

    fn prepare_transport(&mut self, key: TransportKey, certificates: Certificates) -> bool {
        let prepared = self.transports.iter().filter(|t| t.prepared).count();
        if self.find(key).is_some() || prepared >= PREPARED_TRANSPORTS {
            return false;
        }
        self.need_interfaces();
        // These say nothing to anybody: no peer hears of them.
        let local = IceCredentials::generate(&mut self.rng);
        let (role, generation) = (IceRole::Controlling, Generation(0));
        let agent = new_agent(&self.config, role, generation, local, &mut self.rng);
        let at = self.push_transport(key, agent, certificates);
        self.transports[at].prepared = true;
        true
    }

    fn push_transport(
        &mut self,
        key: TransportKey,
        agent: ice::Agent,
        certificates: Certificates,
    ) -> usize {
        let mut transport = Transport::new(&self.config, key, agent, certificates);
        transport.agent.set_check_leave(self.check_leave);
        // One is the rule, and a vector would make room for four.
        self.transports.reserve_exact(1);
        self.transports.push(transport);
        let at = self.transports.len() - 1;
        self.bind_new(at);
        self.finish_gathering(at);
        at
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
        local: IceCredentials,
    ) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        self.need_interfaces();
        self.bind_new(at);
        let waits = matches!(self.interfaces, HostInterfaces::Asked);
        let transport = &mut self.transports[at];
        if waits || !transport.binds.is_empty() {
            transport.agent.expect_local_addresses();
        }
        let _in = transport.enter();
        transport.agent.restart(self.now, generation, local);
        self.finish_gathering(at);
        true
    }

    fn restart_dtls(
        &mut self,
        key: TransportKey,
        role: DtlsRole,
        fingerprints: Vec<Fingerprint>,
        certificates: Certificates,
    ) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        let Session {
            transports,
            config,
            reports,
            ..
        } = self;
        transports[at].restart_dtls(config, role, fingerprints, certificates, reports);
        if self.sctp.restart(self.now, key) {
            self.leftovers.forget_datagram();
            self.reports.push_back(Report::Sctp(SctpReport::Connecting));
        }
        true
    }

    fn remove_transport(&mut self, key: TransportKey) -> bool {
        let Some(at) = self.find(key) else {
            return false;
        };
        self.pause_senders_on(key);
        while let Some(report) = self.poll_media_report() {
            self.reports.push_back(report);
        }
        let mut transport = self.transports.remove(at);
        // Without data the peer is told nothing: it learns it from the descriptions, and Firefox
        // ends its association, which has moved, when it has the alert before the answer.
        if self.sctp.on(key).is_some() {
            self.close_transport(&mut transport);
        }
        if let Some(running) = self.sctp.on(key) {
            running.end(&mut self.reports);
        }
        if self.tells_user_names {
            transport.withdraw_user_names(&mut self.actions);
        }
        self.unbind(&transport);
        self.media.forget_transport(key);
        true
    }

    fn close(&mut self) {
        for mut transport in std::mem::take(&mut self.transports) {
            self.close_transport(&mut transport);
            self.unbind(&transport);
        }
        self.withdraw_names(|_| false);
        self.away.clear();
        self.sctp = crate::association::Sctp::new();
        self.media = crate::media::Media::default();
        self.reports.clear();
        self.closed = true;
    }

    fn unbind(&mut self, transport: &Transport) {
        let sockets = transport.sockets.iter().map(|bound| bound.socket);
        self.actions
            .extend(sockets.map(|socket| Action::Unbind { socket }));
    }
}

impl Transport {
    /// What concerns its agent and handshake alone.
    fn apply(&mut self, now: Instant, command: TransportCommand) -> bool {
        let _in = self.enter();
        let agent = &mut self.agent;
        match command {
            TransportCommand::SetIceRole { role } => agent.set_role(now, role),
            TransportCommand::DropGeneration { generation } => {
                agent.drop_generation(now, generation);
            }
            TransportCommand::SetRemoteIce {
                generation,
                remote,
                options,
            } => agent.set_remote_credentials(now, generation, remote, options),
            TransportCommand::AddRemoteCandidate {
                generation,
                candidate,
            } => agent.add_remote_candidate(now, generation, *candidate),
            TransportCommand::EndOfRemoteCandidates { generation } => {
                agent.end_of_remote_candidates(now, generation);
            }
            TransportCommand::Pairs(command) => agent.command_pairs(now, command),
            TransportCommand::RequireConfidentiality => {
                self.confidentiality = dtls::Confidentiality::Required;
            }
            TransportCommand::StartDtls { role, fingerprints } => {
                return self.agree_on_dtls(role, fingerprints);
            }
            // What takes more than the transport is its session's.
            TransportCommand::Add { .. }
            | TransportCommand::Prepare { .. }
            | TransportCommand::RestartIce { .. }
            | TransportCommand::RestartDtls { .. }
            | TransportCommand::Remove => return false,
        }
        true
    }
}
