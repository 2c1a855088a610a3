//! The press: which solutions are rendered next, and whose bodies are at hand.
//!
//! What lives on the cluster comes first and at once, without bodies if there is no room for them:
//! before all of that is known, nobody can tell what the catalogue asks to delete. What is new asks
//! for no deletion and is rendered when there is room, so that it is rendered once, unless it waits
//! so long for a controller that it gives its place to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::form::{Bodies, FormKey};
use super::window::Window;
use crate::model::{ObjectKey, SolutionName};
use crate::render::Body;

#[derive(Default)]
pub(super) struct Press {
    window: Window,
    /// What is being rendered.
    asked: BTreeMap<SolutionName, Asked>,
    /// Solutions that live on the cluster and have no form in force.
    formless: BTreeSet<SolutionName>,
    /// Those of them that nobody was asked for yet.
    unasked: BTreeSet<SolutionName>,
    /// Solutions with a form whose bodies are wanted, and that nobody was asked for yet.
    bodiless: BTreeSet<SolutionName>,
    /// New solutions that nobody was asked for yet.
    new: BTreeSet<SolutionName>,
}

/// What is being rendered of a solution.
struct Asked {
    key: FormKey,
    bodies: bool,
}

impl Press {
    /// With room for so many solutions with bodies.
    #[cfg(any(test, feature = "samples"))]
    pub fn narrow(&mut self, places: usize) {
        self.window = Window::of(places);
    }

    /// A solution has no form in force and should have this one. `live`: something of it is on the
    /// cluster.
    pub fn lacks(&mut self, name: &SolutionName, key: &FormKey, live: bool) {
        self.window.let_go(name);
        self.bodiless.remove(name);
        if live {
            self.formless.insert(name.clone());
            self.new.remove(name);
        }
        if self.asked.get(name).is_none_or(|asked| asked.key != *key) {
            self.asked.remove(name); // what comes of that is nobody's form any more
            self.queue(name);
        }
    }

    fn queue(&mut self, name: &SolutionName) {
        let queue = if self.formless.contains(name) { &mut self.unasked } else { &mut self.new };
        queue.insert(name.clone());
    }

    /// A solution has no form and needs none.
    pub fn forget(&mut self, name: &SolutionName) {
        self.asked.remove(name);
        self.formless.remove(name);
        self.unasked.remove(name);
        self.new.remove(name);
        self.let_go(name);
    }

    /// All of it is in place: lets go of what is only needed to write.
    pub fn let_go(&mut self, name: &SolutionName) {
        self.window.let_go(name);
        self.bodiless.remove(name);
    }

    /// What is sent of an object, if it is at hand. If it is not, it is asked for.
    pub fn body(&mut self, name: &SolutionName, key: &ObjectKey) -> Option<Arc<Body>> {
        let body = self.window.body(name, key).cloned();
        if body.is_none() && self.asked.get(name).is_none_or(|asked| !asked.bodies) {
            self.bodiless.insert(name.clone());
        }
        body
    }

    /// Whether a solution has something that can be sent, or is under way.
    pub fn sends(&mut self, name: &SolutionName, sends: bool, now: Timestamp) {
        self.window.sends(name, sends, now);
    }

    /// Whether every solution that lives has its form of now.
    pub fn is_complete(&self) -> bool {
        self.formless.is_empty()
    }

    /// Whether nothing is to be rendered, or being rendered.
    pub fn is_quiet(&self) -> bool {
        self.asked.is_empty()
            && self.formless.is_empty()
            && self.bodiless.is_empty()
            && self.new.is_empty()
    }

    /// When those who wait for room have to be looked at although nothing happens.
    pub fn deadline(&self) -> Option<Timestamp> {
        let nobody = self.bodiless.is_empty() && self.new.is_empty();
        if nobody { None } else { self.window.deadline() }
    }

    /// Who is to be rendered now, and whether with bodies. `writes`: whether anything will be sent
    /// at all.
    pub fn next(&mut self, writes: bool, now: Timestamp) -> Vec<(SolutionName, bool)> {
        if self.unasked.is_empty() && self.bodiless.is_empty() && self.new.is_empty() {
            return Vec::new();
        }
        let coming = self.asked.values().filter(|asked| asked.bodies).count();
        let waiting = self.bodiless.len() + self.new.len();
        let room = self.window.room(coming);
        self.window.make_room(waiting.saturating_sub(room), now);
        let mut room = if writes { self.window.room(coming) } else { 0 };
        let mut next = Vec::new();
        for name in std::mem::take(&mut self.unasked) {
            next.push((name, room > 0));
            room = room.saturating_sub(1);
        }
        while room > 0
            && let Some(name) = self.bodiless.pop_first().or_else(|| self.new.pop_first())
        {
            next.push((name, true));
            room -= 1;
        }
        if !writes {
            next.extend(std::mem::take(&mut self.new).into_iter().map(|name| (name, false)));
        }
        next
    }

    /// A solution is being rendered.
    pub fn asks(&mut self, name: SolutionName, key: FormKey, bodies: bool) {
        self.asked.insert(name, Asked { key, bodies });
    }

    /// A solution was rendered to this, or will not be.
    pub fn answered(&mut self, name: &SolutionName, key: &FormKey) {
        if self.asked.get(name).is_some_and(|asked| asked.key == *key) {
            self.asked.remove(name);
        }
    }

    /// Nobody rendered a solution. `has_form`: only its bodies were wanted.
    pub fn lost(&mut self, name: &SolutionName, key: &FormKey, has_form: bool) {
        match self.asked.get(name) {
            Some(asked) if asked.key == *key => {}
            _ => return,
        }
        let bodies = self.asked.remove(name).is_some_and(|asked| asked.bodies);
        if !has_form {
            self.queue(name);
        } else if bodies {
            self.bodiless.insert(name.clone());
        }
    }

    /// A solution has its form of now.
    pub fn has_form(&mut self, name: &SolutionName, bodies: Option<Bodies>) {
        self.formless.remove(name);
        self.unasked.remove(name);
        self.new.remove(name);
        if let Some(bodies) = bodies {
            self.window.put(name.clone(), bodies);
            self.bodiless.remove(name);
        }
    }
}
