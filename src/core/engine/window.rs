//! The window: the few solutions whose bodies are there to be sent. What waits for something else
//! gives its place to others.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::form::Bodies;
use crate::model::{ObjectKey, SolutionName};
use crate::render::Body;

/// How many solutions have their bodies at a time. One of the default platform has 16, of about
/// 1.5 KB each.
const PLACES: usize = 512;
/// How long one that has nothing to send keeps its place although others wait: between two waves it
/// waits for controllers, and rendering again costs more than keeping.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

pub(super) struct Window {
    places: usize,
    held: BTreeMap<SolutionName, Held>,
}

impl Default for Window {
    fn default() -> Self {
        Self::of(PLACES)
    }
}

/// The bodies of a solution that has something to write.
struct Held {
    bodies: Bodies,
    /// Since when none of it can be sent, nor is under way.
    idle: Option<Timestamp>,
}

impl Window {
    /// With so many places.
    pub fn of(places: usize) -> Self {
        Self { places, held: BTreeMap::new() }
    }

    pub fn put(&mut self, name: SolutionName, bodies: Bodies) {
        self.held.insert(name, Held { bodies, idle: None });
    }

    pub fn let_go(&mut self, name: &SolutionName) {
        self.held.remove(name);
    }

    /// What is sent of an object; `None` if its solution has no place.
    pub fn body(&self, name: &SolutionName, key: &ObjectKey) -> Option<&Arc<Body>> {
        self.held.get(name)?.bodies.get(key)
    }

    /// Whether a solution has something that can be sent, or is under way.
    pub fn sends(&mut self, name: &SolutionName, sends: bool, now: Timestamp) {
        if let Some(held) = self.held.get_mut(name) {
            held.idle = if sends { None } else { Some(held.idle.unwrap_or(now)) };
        }
    }

    /// How many more solutions may come. `coming`: those that are being rendered for it.
    pub fn room(&self, coming: usize) -> usize {
        self.places.saturating_sub(self.held.len() + coming)
    }

    /// Makes room for others, at most for so many, where somebody had nothing to send for a while.
    pub fn make_room(&mut self, most: usize, now: Timestamp) {
        if most == 0 {
            return;
        }
        let idle = |held: &Held| held.idle.filter(|since| *since + PAUSE <= now);
        let over = self.held.iter().filter_map(|(name, held)| Some((idle(held)?, name.clone())));
        let mut over: Vec<(Timestamp, SolutionName)> = over.collect();
        over.sort_unstable();
        for (_, name) in over.into_iter().take(most) {
            self.held.remove(&name);
        }
    }

    /// When there is room at last, if nobody sends anything in between.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.held.values().filter_map(|held| held.idle).min().map(|idle| idle + PAUSE)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn name(number: usize) -> SolutionName {
        SolutionName::parse(&format!("demo-{number}")).unwrap()
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn full() -> Window {
        let mut window = Window::default();
        (0..PLACES).for_each(|number| window.put(name(number), Bodies::new()));
        window
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let mut window = full();
        assert_eq!(window.room(0), 0);
        window.let_go(&name(7));
        assert_eq!((window.room(0), window.room(1), window.room(2)), (1, 0, 0));
    }

    #[test]
    fn who_sends_keeps_its_place_and_who_waits_gives_it_to_others_after_a_pause() {
        let mut window = full();
        window.make_room(9, at(20_000));
        assert_eq!((window.room(0), window.deadline()), (0, None), "all are at work");
        window.sends(&name(1), false, at(1_000));
        window.sends(&name(2), false, at(1_100));
        window.sends(&name(3), false, at(900));
        window.sends(&name(3), true, at(950));
        window.sends(&name(1), false, at(1_200)); // it is the same pause
        assert_eq!(window.deadline(), Some(at(3_000)));
        window.make_room(9, at(2_999));
        assert_eq!(window.room(0), 0);
        window.make_room(0, at(3_100));
        assert_eq!(window.room(0), 0, "nobody wants it");
        window.make_room(1, at(3_100));
        assert_eq!(window.room(0), 1, "and no more than are wanted");
        window.sends(&name(1), false, at(3_100));
        assert_eq!(window.deadline(), Some(at(3_100)), "the one that waited longest went");
        window.make_room(9, at(3_100));
        assert_eq!((window.room(0), window.deadline()), (2, None));
    }
}
