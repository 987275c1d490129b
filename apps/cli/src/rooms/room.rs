//! Rooms: two seats each, and what is said from one to the other.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use tokio::sync::mpsc;
use tokio_stream::Stream;

use crate::bucket::Source;

/// Rooms at once; one more is refused.
pub(super) const ROOMS: usize = 256;
/// The longest name.
pub(crate) const NAME_BYTES: usize = 128;
/// Words that wait to be read at a seat, …
const WORDS: usize = 512;
/// … and their bytes together.
const WORDS_BYTES: usize = 512 << 10;
/// How long a seat is kept for somebody who does not listen yet.
const SEAT_LIFE: Duration = Duration::from_secs(10);
/// How long a seat is kept for somebody who listens: for who waits for the other one.
const WAIT: Duration = Duration::from_secs(60 * 60);
/// Seats of one source at once.
const SEATS_EACH: usize = 32;

/// Letters, digits, and marks that need no quoting in a shell or a URL.
pub(crate) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sized = (1..=NAME_BYTES).contains(&text.len());
    // A dot or two are no name in a path.
    sized && text.bytes().all(fits) && !text.starts_with('.')
}

/// By it one speaks and hears at a seat, and nobody guesses it.
pub(super) type Key = String;

#[derive(Default)]
pub(super) struct Rooms(Mutex<HashMap<String, Vec<Seat>>>);

struct Seat {
    key: Key,
    source: Option<Source>,
    taken: Instant,
    words: mpsc::Sender<Word>,
    /// Bytes that wait.
    waiting: Arc<AtomicUsize>,
    /// Until somebody listens.
    unheard: Option<mpsc::Receiver<Word>>,
}

/// For who sits at the other seat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Word {
    Said(String),
    /// The other one has gone.
    Left,
}

/// Why something cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    Full,
    TooManyRooms,
    TooManySeats,
    NoSuchSeat,
    Alone,
    NotHeard,
    NoRandomness,
}

impl Rooms {
    /// A seat in the room, and whether the other one is empty.
    pub(super) fn enter(
        &self,
        name: &str,
        source: Option<Source>,
        now: Instant,
    ) -> Result<(Key, bool), Trouble> {
        let mut rooms = self.rooms();
        keep(&mut rooms, |seat| {
            let life = if seat.unheard.is_none() {
                WAIT
            } else {
                SEAT_LIFE
            };
            now - seat.taken < life
        });
        let theirs = rooms.values().flatten();
        let theirs = theirs.filter(|seat| source.is_some() && seat.source == source);
        if theirs.count() == SEATS_EACH {
            return Err(Trouble::TooManySeats);
        }
        if rooms.len() == ROOMS && !rooms.contains_key(name) {
            return Err(Trouble::TooManyRooms);
        }
        if rooms.get(name).is_some_and(|seats| seats.len() == 2) {
            return Err(Trouble::Full);
        }
        let key = random().ok_or(Trouble::NoRandomness)?;
        let (words, unheard) = mpsc::channel(WORDS);
        let seats = rooms.entry(name.to_owned()).or_default();
        seats.push(Seat {
            key: key.clone(),
            source,
            taken: now,
            words,
            waiting: Arc::default(),
            unheard: Some(unheard),
        });
        Ok((key, seats.len() == 1))
    }

    /// What is said at the other seat, once; who drops it leaves.
    pub(super) fn hear(self: &Arc<Self>, key: &str) -> Result<Listening, Trouble> {
        let mut rooms = self.rooms();
        let seat = rooms.values_mut().flatten().find(|seat| seat.key == key);
        let seat = seat.ok_or(Trouble::NoSuchSeat)?;
        Ok(Listening {
            words: seat.unheard.take().ok_or(Trouble::NoSuchSeat)?,
            waiting: seat.waiting.clone(),
            rooms: self.clone(),
            key: key.to_owned(),
        })
    }

    /// To who sits at the other seat.
    pub(super) fn say(&self, key: &str, text: String) -> Result<(), Trouble> {
        let rooms = self.rooms();
        let seats = rooms
            .values()
            .find(|seats| seats.iter().any(|seat| seat.key == key));
        let seats = seats.ok_or(Trouble::NoSuchSeat)?;
        let other = seats
            .iter()
            .find(|seat| seat.key != key)
            .ok_or(Trouble::Alone)?;
        let len = text.len();
        if other.waiting.fetch_add(len, Ordering::Relaxed) + len > WORDS_BYTES {
            other.waiting.fetch_sub(len, Ordering::Relaxed);
            return Err(Trouble::NotHeard);
        }
        let said = other.words.try_send(Word::Said(text));
        said.map_err(|_| {
            other.waiting.fetch_sub(len, Ordering::Relaxed);
            Trouble::NotHeard
        })
    }

    /// The seat is free for somebody else.
    pub(super) fn leave(&self, key: &str) {
        keep(&mut self.rooms(), |seat| seat.key != key);
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<String, Vec<Seat>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only these seats. Who sits at the other one hears that somebody has left.
fn keep(rooms: &mut HashMap<String, Vec<Seat>>, wanted: impl Fn(&Seat) -> bool) {
    rooms.retain(|_, seats| {
        let before = seats.len();
        seats.retain(&wanted);
        if seats.len() < before {
            for other in seats.iter() {
                // Who has not listened to so much hears of this by silence.
                let _ = other.words.try_send(Word::Left);
            }
        }
        !seats.is_empty()
    });
}

/// 128 bits of the system's randomness, in hexadecimal.
fn random() -> Option<Key> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Somebody at a seat.
pub(super) struct Listening {
    words: mpsc::Receiver<Word>,
    waiting: Arc<AtomicUsize>,
    rooms: Arc<Rooms>,
    key: Key,
}

impl Stream for Listening {
    type Item = Word;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Word>> {
        let word = self.words.poll_recv(cx);
        if let Poll::Ready(Some(Word::Said(text))) = &word {
            self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
        }
        word
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.rooms.leave(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_stream::StreamExt;

    #[tokio::test]
    async fn two_hear_each_other_and_a_third_finds_the_room_full() {
        let (rooms, now) = (Arc::new(Rooms::default()), Instant::now());
        let (alice, first) = rooms.enter("r", None, now).unwrap();
        assert!(first);
        assert_eq!(rooms.say(&alice, "hello?".into()), Err(Trouble::Alone));
        let mut to_alice = rooms.hear(&alice).unwrap();
        let (bob, first) = rooms.enter("r", None, now).unwrap();
        assert!(!first);
        assert_eq!(rooms.enter("r", None, now), Err(Trouble::Full));
        rooms.say(&bob, "hello".into()).unwrap();
        assert_eq!(to_alice.next().await, Some(Word::Said("hello".into())));
        // Nobody else hears at a seat.
        assert!(rooms.hear(&alice).is_err() && rooms.hear("guessed").is_err());

        drop(rooms.hear(&bob).unwrap());
        assert_eq!(to_alice.next().await, Some(Word::Left));
        assert!(!rooms.enter("r", None, now).unwrap().1);
        drop(to_alice);
    }

    #[test]
    fn rooms_are_bounded_and_who_does_not_come_makes_place() {
        let (rooms, now) = (Rooms::default(), Instant::now());
        for n in 0..ROOMS {
            rooms.enter(&n.to_string(), None, now).unwrap();
        }
        assert_eq!(
            rooms.enter("one more", None, now),
            Err(Trouble::TooManyRooms)
        );
        assert!(rooms.enter("one more", None, now + SEAT_LIFE).unwrap().1);
        assert_eq!(rooms.rooms().len(), 1);
    }

    #[tokio::test]
    async fn one_source_takes_not_all_rooms_and_who_waits_does_so_for_an_hour() {
        let (rooms, now) = (Arc::new(Rooms::default()), Instant::now());
        let source = |text: &str| Source::of(text.parse().unwrap());
        let mut waiting = Vec::new();
        for n in 0..SEATS_EACH {
            let from = source(&format!("2001:db8::{n:x}"));
            let (key, _) = rooms.enter(&n.to_string(), from, now).unwrap();
            waiting.push(rooms.hear(&key).unwrap());
        }
        let more = |from, at| {
            rooms
                .enter("more", source(from), at)
                .map(|(_, first)| first)
        };
        assert_eq!(more("2001:db8::ffff", now), Err(Trouble::TooManySeats));
        assert_eq!(more("2001:db8:0:1::1", now), Ok(true));
        // Of the machine itself there are no more than of all.
        assert_eq!(source("127.0.0.1"), None);
        assert_eq!(source("::ffff:127.0.0.1"), None);
        assert_eq!(source("::1"), None);

        assert_eq!(more("2001:db8::ffff", now + WAIT), Ok(true));
        assert_eq!(waiting[0].next().await, None);
        assert_eq!(rooms.rooms().len(), 1);
    }

    #[test]
    fn what_is_not_heard_does_not_pile_up() {
        let (rooms, now) = (Arc::new(Rooms::default()), Instant::now());
        let [alice, _bob] = [(); 2].map(|()| rooms.enter("r", None, now).unwrap().0);
        let said = |len| rooms.say(&alice, "x".repeat(len));
        assert_eq!(said(WORDS_BYTES), Ok(()));
        assert_eq!(said(1), Err(Trouble::NotHeard));
    }

    #[test]
    fn a_name_needs_no_quoting() {
        assert!(is_name("grandma-2.0_x"));
        for wrong in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "ü",
            "a?b",
            &"x".repeat(NAME_BYTES + 1),
        ] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
