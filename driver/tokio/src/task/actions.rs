//! What the session asks of its host.

use std::sync::Arc;

use duologue_base::Instant;
use duologue_session::{Action, Security};

use super::SessionTask;
use crate::Host;
use crate::mailbox::Input;
use crate::mdns::NameRequest;

impl<H: Host> SessionTask<H> {
    pub(super) fn perform_actions(&mut self, now: Instant) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Bind {
                    bind_id,
                    transport,
                    ip,
                    protocol,
                } => self.bind(now, bind_id, transport, ip, protocol),
                Action::Connect {
                    bind_id,
                    transport,
                    local,
                    security: Security::Datagrams,
                    ..
                } => self.open_datagrams(now, bind_id, transport, local.ip()),
                Action::Connect {
                    bind_id,
                    local,
                    remote,
                    security,
                    ..
                } => self.connect(bind_id, local, remote, security),
                Action::ListInterfaces => self.list_interfaces(now),
                Action::SetUserNames { transport, ufrags } => {
                    self.set_user_names(transport, ufrags);
                }
                Action::SetPath {
                    transport,
                    path,
                    silent,
                } => {
                    for bound in &mut self.sockets {
                        bound.set_path(transport, path, silent);
                    }
                }
                Action::Resolve { host } => self.resolve(host),
                Action::ResolveName { name } => self.request_name(NameRequest::Resolve {
                    name,
                    by: Arc::downgrade(&self.mailbox),
                }),
                Action::AnnounceName { name, ip } => {
                    if !self.names.contains(&name) {
                        self.names.push(name);
                    }
                    self.request_name(NameRequest::Announce { name, ip });
                }
                Action::WithdrawName { name } => {
                    self.names.retain(|known| *known != name);
                    self.request_name(NameRequest::Withdraw { name });
                }
                Action::Unbind { socket } => {
                    self.sockets.retain(|bound| bound.socket.id() != socket);
                    self.streams.close(socket);
                }
                // A kind that this driver does not know is not done.
                _ => {}
            }
        }
    }

    fn request_name(&self, request: NameRequest) {
        self.endpoint.mdns.request(&self.endpoint, request);
    }

    /// Asks the system's resolver, which may take its time. The session has its own patience.
    fn resolve(&self, host: String) {
        let mailbox = Arc::downgrade(&self.mailbox);
        tokio::spawn(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let ips = found.map(|found| found.map(|addr| addr.ip()).collect());
            if let Some(mailbox) = mailbox.upgrade() {
                let ips = ips.unwrap_or_default();
                mailbox.push(Input::Resolved { host, ips });
            }
        });
    }
}
