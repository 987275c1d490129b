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
    /// Nobody is heard at the other end: an address of its may be another one's by now.
    silent: Arc<AtomicBool>,
}

/// An address of a lease's.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) route: Route,
    /// It is its no more.
    lost: AtomicBool,
}

impl Claim {
    /// Who remembers it need not look it up again.
    pub(crate) fn holds(&self) -> bool {
        !self.lost.load(Ordering::Acquire)
    }
}

impl Route {
    pub(crate) fn new(lease: LeaseId, socket: SocketId, mailbox: Arc<Mailbox>) -> Self {
        Route {
            lease,
            socket,
            mailbox,
            silent: Arc::default(),
        }
    }

    /// Whether its transport does not hear its peer any more.
    pub(crate) fn set_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Release);
    }

    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Acquire)
    }
}

/// The table of one shared socket: first by source address, for what is known; then by the local
/// ICE user name fragment that a STUN request carries.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    by_remote: HashMap<SocketAddr, Arc<Claim>>,
    /// How many claims were lost.
    losses: u64,
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
    /// The oldest first.
    remotes: VecDeque<SocketAddr>,
    ufrags: Vec<String>,
    questions: VecDeque<TransactionId>,
}

/// A remote address at this socket belongs to another session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Occupied {
    /// Which does not hear its peer any more.
    pub(crate) silent: bool,
}

impl Routes {
    /// The owner of the user name in a datagram, or of its source address. A request for one session
    /// from the address of another one's peer is for the first: the peer has begun anew, and who is
    /// meant finds out whether it is the peer's.
    pub(crate) fn find(&self, remote: SocketAddr, ufrag: Option<&str>) -> Option<&Route> {
        let owner = self.owner(remote);
        let named = ufrag.and_then(|ufrag| self.by_ufrag.get(ufrag));
        let Some(named) = named else {
            return owner;
        };
        let is_owners = |route: &&Route| owner.is_some_and(|owner| owner.lease == route.lease);
        named.iter().find(is_owners).or_else(|| named.first())
    }

    /// Whose this address is.
    pub(crate) fn owner(&self, remote: SocketAddr) -> Option<&Route> {
        self.by_remote.get(&remote).map(|claim| &claim.route)
    }

    /// The claim of `lease` to this address.
    pub(crate) fn claim_of(&self, lease: LeaseId, remote: SocketAddr) -> Option<&Arc<Claim>> {
        let claim = self.by_remote.get(&remote);
        claim.filter(|claim| claim.route.lease == lease)
    }

    /// Whether another one than `lease` has this address.
    pub(crate) fn occupied(&self, lease: LeaseId, remote: SocketAddr) -> Result<(), Occupied> {
        match self.owner(remote) {
            Some(owner) if owner.lease != lease => Err(Occupied {
                silent: owner.is_silent(),
            }),
            _ => Ok(()),
        }
    }

    /// How many claims were lost so far: goes up.
    pub(crate) fn losses(&self) -> u64 {
        self.losses
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
    /// address, never what arrives: a stranger cannot take an address by a forged request. What is
    /// another one's is `selected` and answers this session, while that one hears nothing.
    ///
    /// A session with many addresses gives the oldest one up that is not `selected`.
    pub(crate) fn claim(
        &mut self,
        remote: SocketAddr,
        route: &Route,
        selected: Option<SocketAddr>,
    ) -> Result<Arc<Claim>, Occupied> {
        if let Some(known) = self.claim_of(route.lease, remote) {
            return Ok(known.clone());
        }
        match self.occupied(route.lease, remote) {
            Err(owner) if owner.silent && selected == Some(remote) => self.take(remote),
            other => other?,
        }
        if let Some(owned) = self.owned.get(&route.lease)
            && owned.remotes.len() >= REMOTES_PER_SESSION
        {
            let mut remotes = owned.remotes.iter().copied();
            if let Some(oldest) = remotes.find(|remote| selected != Some(*remote)) {
                self.take(oldest);
            }
        }
        let owned = self.owned.entry(route.lease).or_default();
        owned.remotes.push_back(remote);
        let claim = Arc::new(Claim {
            route: route.clone(),
            lost: AtomicBool::new(false),
        });
        self.by_remote.insert(remote, claim.clone());
        Ok(claim)
    }

    /// Its owner has it no more.
    fn take(&mut self, remote: SocketAddr) {
        let owner = self.owner(remote).map(|owner| owner.lease);
        if let Some(owned) = owner.and_then(|owner| self.owned.get_mut(&owner)) {
            owned.remotes.retain(|known| *known != remote);
        }
        self.lose(remote);
    }

    fn lose(&mut self, remote: SocketAddr) {
        if let Some(claim) = self.by_remote.remove(&remote) {
            claim.lost.store(true, Ordering::Release);
            self.losses += 1;
        }
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
            self.lose(remote);
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

    fn claim(
        routes: &mut Routes,
        remote: SocketAddr,
        route: &Route,
        selected: Option<SocketAddr>,
    ) -> Result<(), Occupied> {
        routes.claim(remote, route, selected).map(drop)
    }

    fn lease_of(routes: &Routes, remote: SocketAddr, ufrag: Option<&str>) -> Option<u64> {
        routes.find(remote, ufrag).map(|route| route.lease.0)
    }

    #[test]
    fn the_user_name_decides_then_the_source() {
        let (near, far) = (
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.2:2".parse().unwrap(),
        );
        let mut routes = Routes::default();
        routes.add_ufrag("aaaa", route(1));
        routes.add_ufrag("bbbb", route(2));
        assert_eq!(lease_of(&routes, near, None), None);
        assert_eq!(lease_of(&routes, near, Some("bbbb")), Some(2));
        assert_eq!(claim(&mut routes, near, &route(1), None), Ok(()));
        assert_eq!(lease_of(&routes, near, None), Some(1));
        assert_eq!(lease_of(&routes, near, Some("cccc")), Some(1));
        // Its peer has begun anew, or somebody says so.
        assert_eq!(lease_of(&routes, near, Some("bbbb")), Some(2));
        assert_eq!(lease_of(&routes, far, Some("bbbb")), Some(2));
    }

    #[test]
    fn a_second_session_cannot_take_an_occupied_address_until_it_is_free() {
        let remote = "192.0.2.1:1".parse().unwrap();
        let mut routes = Routes::default();
        assert_eq!(claim(&mut routes, remote, &route(1), None), Ok(()));
        assert_eq!(claim(&mut routes, remote, &route(1), None), Ok(()));
        let occupied = Err(Occupied { silent: false });
        assert_eq!(
            claim(&mut routes, remote, &route(2), Some(remote)),
            occupied
        );
        routes.release(LeaseId(1));
        assert_eq!(claim(&mut routes, remote, &route(2), None), Ok(()));
    }

    #[test]
    fn the_address_of_a_silent_peer_is_whose_checks_it_answers() {
        let remote = "192.0.2.1:1".parse().unwrap();
        let (dead, new) = (route(1), route(2));
        let mut routes = Routes::default();
        let occupied = |silent| Err(Occupied { silent });
        let first = routes.claim(remote, &dead, Some(remote)).unwrap();
        assert_eq!(
            claim(&mut routes, remote, &new, Some(remote)),
            occupied(false)
        );
        dead.set_silent(true);
        assert_eq!(claim(&mut routes, remote, &new, None), occupied(true));
        assert!(first.holds());
        assert_eq!(claim(&mut routes, remote, &new, Some(remote)), Ok(()));
        assert!(!first.holds());
        dead.set_silent(false);
        assert_eq!(
            claim(&mut routes, remote, &dead, Some(remote)),
            occupied(false)
        );
        routes.release(LeaseId(1));
        assert_eq!(lease_of(&routes, remote, None), Some(2));
    }

    #[test]
    fn a_lease_with_many_addresses_gives_up_the_oldest_but_for_the_one_in_use() {
        let mut routes = Routes::default();
        let remote = |port| SocketAddr::from(([192, 0, 2, 1], port));
        let own = route(1);
        let (used, count) = (remote(0), REMOTES_PER_SESSION as u16);
        for port in 0..2 * count {
            assert_eq!(claim(&mut routes, remote(port), &own, Some(used)), Ok(()));
        }
        assert_eq!(routes.by_remote.len(), REMOTES_PER_SESSION);
        assert_eq!(routes.losses(), u64::from(count));
        assert_eq!(lease_of(&routes, used, None), Some(1));
        assert_eq!(lease_of(&routes, remote(1), None), None);
        assert_eq!(lease_of(&routes, remote(2 * count - 1), None), Some(1));
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
            .claim("192.0.2.1:1".parse().unwrap(), &route(1), None)
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
