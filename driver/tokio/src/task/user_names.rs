//! Our user names, by which a shared socket finds this session.

use duologue_base::TransportKey;

use super::SessionTask;
use crate::Host;

/// What the session told of them, by transport.
#[derive(Debug, Default)]
pub(super) struct UserNames(Vec<(TransportKey, Vec<String>)>);

impl UserNames {
    pub(super) fn of(&self, transport: TransportKey) -> &[String] {
        let mut known = self.0.iter();
        let known = known.find(|(key, _)| *key == transport);
        known.map_or(&[], |(_, ufrags)| ufrags)
    }

    /// Returns those of before.
    fn replace(&mut self, transport: TransportKey, ufrags: Vec<String>) -> Vec<String> {
        let known = self.0.iter().position(|(key, _)| *key == transport);
        let before = known.map(|at| self.0.swap_remove(at).1);
        if !ufrags.is_empty() {
            self.0.push((transport, ufrags));
        }
        before.unwrap_or_default()
    }
}

impl<H: Host> SessionTask<H> {
    pub(super) fn set_user_names(&mut self, transport: TransportKey, ufrags: Vec<String>) {
        let before = self.user_names.replace(transport, ufrags);
        let now = self.user_names.of(transport);

        let datagrams = self.sockets.iter().filter_map(|b| b.lease_of(transport));
        for lease in datagrams {
            change(
                now,
                &before,
                |u| lease.add_ufrag(u),
                |u| lease.remove_ufrag(u),
            );
        }
        for lease in self.streams.leases(transport) {
            change(
                now,
                &before,
                |u| lease.add_ufrag(u),
                |u| lease.remove_ufrag(u),
            );
        }
    }
}

/// Those that stay are not touched: a request may come meanwhile.
fn change(now: &[String], before: &[String], add: impl Fn(&str), remove: impl Fn(&str)) {
    for ufrag in now.iter().filter(|ufrag| !before.contains(ufrag)) {
        add(ufrag);
    }
    for ufrag in before.iter().filter(|ufrag| !now.contains(ufrag)) {
        remove(ufrag);
    }
}
