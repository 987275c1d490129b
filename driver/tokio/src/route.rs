//! Which session a datagram at a shared port is for.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use duologue_base::SocketId;
use duologue_stun::TransactionId;

use crate::limits::{QUESTIONS_PER_SESSION, REMOTES_PER_SESSION};
use crate::mailbox::Mailbox;

/// A use of a shared socket by one transport of one session.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct LeaseId(pub(crate) u64);

/// Where datagrams of a lease go.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) lease: LeaseId,
    /// What the session calls the shared socket.
    pub(crate) socket: SocketId,
    pub(crate) mailbox: Arc<Mailbox>,
    /// The lease has ended; what remembers its routes is to forget them.
    over: Arc<AtomicBool>,
}

impl Route {
    pub(crate) fn new(lease: LeaseId, socket: SocketId, mailbox: Arc<Mailbox>) -> Self {
        Route {
            lease,
            socket,
            mailbox,
            over: Arc::default(),
        }
    }

    /// Its lease has not ended.
    pub(crate) fn is_live(&self) -> bool {
        !self.over.load(Ordering::Acquire)
    }

    /// Its lease ends.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }
}

/// The table of one shared socket: first by source address, for what is known; then by the local
/// ICE user name fragment that a STUN request carries.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    by_remote: HashMap<SocketAddr, Route>,
    /// The oldest first: the transports of an offer share their credentials, and the first one is
    /// likely to stay; one that replaces another may take over its credentials.
    by_ufrag: HashMap<String, Vec<Route>>,
    /// Who asked a STUN server what; several sessions ask one server.
    by_question: HashMap<TransactionId, Route>,
    /// What to forget with a lease: looking through the tables would make the end of a connection
    /// cost more the more others there are.
    owned: HashMap<LeaseId, Owned>,
}

#[derive(Debug, Default)]
struct Owned {
    remotes: Vec<SocketAddr>,
    ufrags: Vec<String>,
    questions: VecDeque<TransactionId>,
}

/// A remote address at this socket belongs to another session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Occupied;

impl Routes {
    /// The owner of the source address, or of the user name that `ufrag` finds in the datagram.
    pub(crate) fn find<'t>(
        &self,
        remote: SocketAddr,
        ufrag: impl FnOnce() -> Option<&'t str>,
    ) -> Option<&Route> {
        match self.owner(remote) {
            Some(route) => Some(route),
            None => self.by_ufrag.get(ufrag()?)?.first(),
        }
    }

    /// Whose this address is.
    pub(crate) fn owner(&self, remote: SocketAddr) -> Option<&Route> {
        self.by_remote.get(&remote)
    }

    /// Requests with this user name are for `route`.
    pub(crate) fn add_ufrag(&mut self, ufrag: &str, route: Route) {
        let routes = self.by_ufrag.entry(ufrag.to_owned()).or_default();
        if routes.iter().any(|known| known.lease == route.lease) {
            return;
        }
        let owned = self.owned.entry(route.lease).or_default();
        owned.ufrags.push(ufrag.to_owned());
        routes.push(route);
    }

    pub(crate) fn remove_ufrag(&mut self, ufrag: &str, lease: LeaseId) {
        self.forget_ufrag(ufrag, lease);
        if let Some(owned) = self.owned.get_mut(&lease) {
            owned.ufrags.retain(|known| known != ufrag);
        }
    }

    fn forget_ufrag(&mut self, ufrag: &str, lease: LeaseId) {
        if let Some(routes) = self.by_ufrag.get_mut(ufrag) {
            routes.retain(|route| route.lease != lease);
            if routes.is_empty() {
                self.by_ufrag.remove(ufrag);
            }
        }
    }

    /// From now on everything from `remote` is for `route`. Only what a session sends claims an
    /// address, never what arrives: a stranger cannot take an address by a forged request.
    pub(crate) fn claim(&mut self, remote: SocketAddr, route: &Route) -> Result<(), Occupied> {
        if let Some(owner) = self.by_remote.get(&remote) {
            return match owner.lease == route.lease {
                true => Ok(()),
                false => Err(Occupied),
            };
        }
        let owned = self.owned.entry(route.lease).or_default();
        if owned.remotes.len() >= REMOTES_PER_SESSION {
            return Err(Occupied);
        }
        owned.remotes.push(remote);
        self.by_remote.insert(remote, route.clone());
        Ok(())
    }

    /// The answer to this question is for `route`. The oldest one is forgotten for it, if there
    /// are many.
    pub(crate) fn ask(&mut self, question: TransactionId, route: &Route) {
        if self.by_question.contains_key(&question) {
            return;
        }
        let owned = self.owned.entry(route.lease).or_default();
        if owned.questions.len() >= QUESTIONS_PER_SESSION
            && let Some(oldest) = owned.questions.pop_front()
        {
            self.by_question.remove(&oldest);
        }
        owned.questions.push_back(question);
        self.by_question.insert(question, route.clone());
    }

    /// Who asked the question that this answers.
    pub(crate) fn find_asker(&self, question: TransactionId) -> Option<&Route> {
        self.by_question.get(&question)
    }

    /// Answers of STUN servers may arrive.
    pub(crate) fn has_questions(&self) -> bool {
        !self.by_question.is_empty()
    }

    /// No packet made anybody remember anything.
    #[cfg(test)]
    pub(crate) fn is_empty_but_for_user_names(&self) -> bool {
        self.by_remote.is_empty() && self.by_question.is_empty()
    }

    /// Forgets everything of a lease.
    pub(crate) fn release(&mut self, lease: LeaseId) {
        let Owned {
            remotes,
            ufrags,
            questions,
        } = self.owned.remove(&lease).unwrap_or_default();
        for question in questions {
            self.by_question.remove(&question);
        }
        for remote in remotes {
            self.by_remote.remove(&remote);
        }
        for ufrag in ufrags {
            self.forget_ufrag(&ufrag, lease);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(lease: u64) -> Route {
        Route::new(LeaseId(lease), SocketId(0), Arc::new(Mailbox::new()))
    }

    fn lease_of(routes: &Routes, remote: SocketAddr, ufrag: Option<&str>) -> Option<u64> {
        routes.find(remote, || ufrag).map(|route| route.lease.0)
    }

    #[test]
    fn the_source_decides_then_the_user_name() {
        let (near, far) = (
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.2:2".parse().unwrap(),
        );
        let mut routes = Routes::default();
        routes.add_ufrag("aaaa", route(1));
        routes.add_ufrag("bbbb", route(2));
        assert_eq!(lease_of(&routes, near, None), None);
        assert_eq!(lease_of(&routes, near, Some("bbbb")), Some(2));
        assert_eq!(routes.claim(near, &route(1)), Ok(()));
        assert_eq!(lease_of(&routes, near, Some("bbbb")), Some(1));
        assert_eq!(lease_of(&routes, far, Some("bbbb")), Some(2));
    }

    #[test]
    fn a_second_session_cannot_take_an_occupied_address_until_it_is_free() {
        let remote = "192.0.2.1:1".parse().unwrap();
        let mut routes = Routes::default();
        assert_eq!(routes.claim(remote, &route(1)), Ok(()));
        assert_eq!(routes.claim(remote, &route(1)), Ok(()));
        assert_eq!(routes.claim(remote, &route(2)), Err(Occupied));
        routes.release(LeaseId(1));
        assert_eq!(routes.claim(remote, &route(2)), Ok(()));
    }

    #[test]
    fn a_lease_owns_a_bounded_number_of_addresses() {
        let mut routes = Routes::default();
        let remote = |port| SocketAddr::from(([192, 0, 2, 1], port));
        for port in 0..REMOTES_PER_SESSION {
            assert_eq!(routes.claim(remote(port as u16), &route(1)), Ok(()));
        }
        assert_eq!(routes.claim(remote(u16::MAX), &route(1)), Err(Occupied));
    }

    #[test]
    fn a_user_name_given_back_may_be_another_leases() {
        let remote = "192.0.2.1:1".parse().unwrap();
        let mut routes = Routes::default();
        routes.add_ufrag("aaaa", route(1));
        routes.remove_ufrag("aaaa", LeaseId(1));
        routes.add_ufrag("aaaa", route(2));
        routes.release(LeaseId(1));
        assert_eq!(lease_of(&routes, remote, Some("aaaa")), Some(2));
    }

    #[test]
    fn transports_may_have_the_same_credentials() {
        let remote = "192.0.2.1:1".parse().unwrap();
        let mut routes = Routes::default();
        routes.add_ufrag("aaaa", route(1));
        routes.add_ufrag("aaaa", route(2));
        assert_eq!(lease_of(&routes, remote, Some("aaaa")), Some(1));
        routes.release(LeaseId(1));
        assert_eq!(lease_of(&routes, remote, Some("aaaa")), Some(2));
        routes.release(LeaseId(2));
        assert!(routes.by_ufrag.is_empty());
    }

    #[test]
    fn a_released_lease_leaves_nothing_behind() {
        let mut routes = Routes::default();
        routes.add_ufrag("aaaa", route(1));
        routes
            .claim("192.0.2.1:1".parse().unwrap(), &route(1))
            .unwrap();
        routes.release(LeaseId(1));
        assert!(routes.by_remote.is_empty() && routes.by_ufrag.is_empty());
        assert!(routes.owned.is_empty());
    }

    #[test]
    fn several_sessions_ask_one_server_and_each_gets_its_answer() {
        let mut routes = Routes::default();
        let id = |n: u64| TransactionId([n as u8; 12]);
        for lease in 1..=3 {
            routes.ask(id(lease), &route(lease));
        }
        let asker = |routes: &Routes, n| routes.find_asker(id(n)).map(|route| route.lease.0);
        assert_eq!(asker(&routes, 2), Some(2));
        routes.release(LeaseId(2));
        assert_eq!(asker(&routes, 2), None);
        for n in 10..100 {
            routes.ask(id(n), &route(1));
        }
        assert_eq!((asker(&routes, 1), asker(&routes, 99)), (None, Some(1)));
        assert_eq!(asker(&routes, 3), Some(3));
        routes.release(LeaseId(1));
        routes.release(LeaseId(3));
        assert!(!routes.has_questions() && routes.owned.is_empty());
    }
}
