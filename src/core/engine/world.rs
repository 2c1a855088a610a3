//! A world to play histories in: a model of the cluster, one of the repository, a clock, and
//! everything that goes wrong between them and the engine. Pure like the engine itself.
//!
//! Whatever the engine orders is looked at when it orders it: a deletion needs a complete commit
//! that lacks the object, a frozen name is not written, an object in flight gets no second step.

mod act;
mod check;
mod edges;
pub mod forge;
pub mod remote;
mod rounds;
pub mod server;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::{Answer, Engine, Event, News, Now, Order, OrderId};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::model::{Kind, ObjectKey, Revision};
use crate::plan::observed::{Approval, KindState, PodFacts, Problem};
use crate::plan::{Address, Harm};
use crate::status::CommitStatus;
use act::DENIABLE;
pub use act::{Act, NAMES};
pub use remote::{Form, Made, Remote};
pub use server::{Server, Stuck};

/// An engine and the world around it.
pub struct World {
    /// The engine under test; a crash puts another in its place.
    pub engine: Engine,
    /// The cluster.
    pub server: Server,
    /// The repository and its reader.
    pub remote: Remote,
    /// The forge, where the settings have one.
    pub forge: forge::Forge,
    /// What the daemon's two clocks show.
    pub now: Now,
    settings: Config,
    /// For how many solutions' bodies there is room, if it is not the usual number.
    places: Option<usize>,
    chance: Chance,
    seed: u64,
    /// Orders that nobody began.
    orders: VecDeque<Order>,
    /// Answers on their way.
    answers: Vec<(OrderId, Answer)>,
    /// Other events on their way.
    events: VecDeque<Event>,
    in_flight: BTreeSet<ObjectKey>,
    lose: u8,
    /// What this engine was told that counts for deletions.
    in_force: Option<Catalog>,
    heard: bool,
    /// Whether this process has read the notes.
    notes_read: bool,
    lease: bool,
    /// Until when the Lease cannot be read.
    late: bool,
    /// When names were removed or moved, by the clock that does not jump; approved ones are left
    /// out.
    removed: Vec<(String, Duration)>,
    /// The addresses of each route, as its watch told them last. Before that nobody knows of them.
    told: BTreeMap<ObjectKey, BTreeSet<Address>>,
    approved: Harm,
    jumped: bool,
    restored: bool,
    /// Lists that were asked for while nobody answered.
    unlisted: BTreeSet<Kind>,
    /// Reads of the Lease that were asked for while nobody answered.
    unread: Vec<OrderId>,
    /// The lists that were asked for, after those of the start.
    pub relists: Vec<Kind>,
    /// What must never happen and did.
    pub wrong: Vec<String>,
    /// Deletions that were carried out.
    pub deletions: Vec<ObjectKey>,
    /// Steps that were ordered.
    pub steps: usize,
    /// What stands on each commit.
    pub notes: BTreeMap<Revision, Vec<CommitStatus>>,
    /// How many questions about the platform were answered.
    pub asked: usize,
    /// How many solutions were rendered, and how many commits judged.
    pub worked: (usize, usize),
}

impl World {
    /// A world with these folders in its first commit, before the engine heard anything.
    pub fn new(folders: &[&str], seed: u64) -> Self {
        Self::with(Config::sample(), folders, seed)
    }

    /// With room for the bodies of so many solutions.
    #[must_use]
    pub fn narrow(mut self, places: usize) -> Self {
        self.places = Some(places);
        self.engine = self.engine.narrow(places);
        self
    }

    /// The same, with these settings. The daemon's namespace stays [`server::DAEMON`].
    pub fn with(settings: Config, folders: &[&str], seed: u64) -> Self {
        let folders = folders.iter().map(|name| ((*name).to_owned(), Form::Good(0))).collect();
        let wall = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365 * 56);
        let now = Now { wall, since_start: Duration::ZERO };
        let engine = Engine::new(settings.clone(), seed, now);
        let mut server = Server::new(settings.instance.clone(), wall);
        server.remember();
        server.list_all();
        let mut world = Self {
            engine,
            places: None,
            server,
            remote: Remote::new(folders),
            forge: forge::Forge::default(),
            now,
            settings,
            chance: Chance::new(seed),
            seed,
            orders: VecDeque::new(),
            answers: Vec::new(),
            events: VecDeque::new(),
            in_flight: BTreeSet::new(),
            lose: 0,
            in_force: None,
            heard: false,
            notes_read: false,
            lease: false,
            late: false,
            removed: Vec::new(),
            told: BTreeMap::new(),
            approved: Harm::default(),
            jumped: false,
            restored: false,
            unlisted: BTreeSet::new(),
            unread: Vec::new(),
            relists: Vec::new(),
            wrong: Vec::new(),
            deletions: Vec::new(),
            steps: 0,
            notes: BTreeMap::new(),
            asked: 0,
            worked: (0, 0),
        };
        world.read_lease();
        world
    }

    /// The same, with everything published and quiet.
    pub fn settled(folders: &[&str]) -> Self {
        let mut world = Self::new(folders, 1);
        world.settle();
        world
    }

    /// The process dies, and its successor has other settings.
    pub fn restart_with(&mut self, settings: Config) {
        self.settings = settings;
        self.crash(false);
    }

    fn read_lease(&mut self) {
        if self.late || self.server.down {
            let problem = Some(Problem::of_one("the Lease cannot be read", ""));
            self.events.push_back(Event::Trouble("leases".to_owned(), problem));
            self.late = true;
        } else {
            let (record, version) = self.server.lease();
            self.events.push_back(Event::Trouble("leases".to_owned(), None));
            self.events.push_back(Event::Lease(record, version));
        }
    }

    /// Something happens to the world.
    pub fn act(&mut self, act: &Act) {
        let name = |n: u8| NAMES[usize::from(n) % NAMES.len()];
        match *act {
            Act::Publish(n, form) => self.edit_folder(name(n), Some(Form::Good(form % 3))),
            Act::Slip(n) => {
                if self.remote.commits[self.remote.head].folders.contains_key(name(n)) {
                    self.edit_folder(name(n), Some(Form::Slip));
                }
            }
            Act::Remove(n) => self.edit_folder(name(n), None),
            Act::RemoveMany(n) => self.remote.commit(false, |made| {
                for name in NAMES.iter().take(usize::from(n % 6) + 1) {
                    made.folders.remove(*name);
                }
            }),
            Act::BreakPlatform => self.remote.commit(false, |made| made.platform = false),
            Act::MendPlatform => self.remote.commit(false, |made| made.platform = true),
            Act::Link(there) => self.remote.commit(false, |made| made.link = there),
            Act::Domain(other) => self.remote.commit(false, |made| made.elsewhere = other),
            Act::Priority(other) => self.remote.commit(false, |made| made.priority = other),
            Act::Rewrite(n, form) => self.remote.commit(true, |made| {
                made.folders.insert(name(n).to_owned(), Form::Good(form % 3));
            }),
            Act::RepositoryDown(down) => self.remote.down = down,
            Act::ServerDown(down) => self.server_down(down),
            Act::Forge { down, moody } => (self.forge.down, self.forge.moody) = (down, moody),
            Act::Deny(n, kind, on) => {
                let denial = (name(n).to_owned(), DENIABLE[usize::from(kind) % DENIABLE.len()]);
                if on {
                    self.server.denied.insert(denial)
                } else {
                    self.server.denied.remove(&denial)
                };
            }
            Act::Definition(there) => self.define(there),
            Act::Sick(n, sick) => self.sick(name(n), sick.then_some(None)),
            Act::Ill(n, what) => self.sick(name(n), Some(Some(server::ill(what)))),
            Act::Crash { late_lease, dark } => {
                self.remote.down |= dark;
                self.crash(late_lease);
            }
            Act::LoseAnswers(n) => self.lose = n % 8,
            Act::Duplicate => {
                for untold in self.server.untold.values_mut() {
                    if let Some(last) = untold.back().cloned() {
                        untold.push_back(last);
                    }
                }
            }
            Act::Restore(back) => {
                // What was answered was answered before.
                for (id, answer) in std::mem::take(&mut self.answers) {
                    self.hear(Event::Answered(id, answer));
                }
                self.server.restore(usize::from(back));
                // The reader of the Lease sees what the store has; so does whoever approved.
                self.restored = true;
            }
            Act::Edit(n, at) => self.on_object(name(n), at, |server, key| server.edit(key)),
            Act::Take(n, at) => self.on_object(name(n), at, |server, key| server.take(key)),
            Act::Scale(n, to) => {
                let namespace = format!("sol-{}", name(n));
                let keys: Vec<ObjectKey> = self.server.state.objects.keys().cloned().collect();
                for key in keys {
                    if key.kind == Kind::Deployment && key.namespace.as_deref() == Some(&namespace)
                    {
                        self.server.scale(&key, i32::from(to % 3));
                    }
                }
            }
            Act::Jump(minutes) => {
                self.now.wall += SignedDuration::from_mins(i64::from(minutes) / 2);
                self.jumped = true;
            }
            Act::Pass(seconds) => self.pass(Duration::from_secs(u64::from(seconds))),
            Act::Hint => self.events.push_back(Event::Hint),
            Act::Go(n) => {
                for _ in 0..u16::from(n) * 4 {
                    self.step();
                }
            }
        }
    }

    fn edit_folder(&mut self, name: &str, form: Option<Form>) {
        self.remote.commit(false, |made| {
            match form {
                Some(form) => made.folders.insert(name.to_owned(), form),
                None => made.folders.remove(name),
            };
        });
    }

    fn on_object(&mut self, name: &str, at: u8, hand: impl Fn(&mut Server, &ObjectKey)) {
        let instance = self.settings.instance.clone();
        let keys: Vec<ObjectKey> = self
            .server
            .ours()
            .map(|(key, _)| key.clone())
            .filter(|key| {
                key.solution(&instance).is_some_and(|home| home.as_str() == name)
                    && key.kind != Kind::Namespace
            })
            .collect();
        if let Some(key) = keys.get(usize::from(at) % keys.len().max(1)) {
            hand(&mut self.server, key);
        }
    }

    /// Pods of a solution come up (`None`) or do not, and say why or nothing.
    fn sick(&mut self, name: &str, ill: Option<Option<PodFacts>>) {
        let Server { sick, ills, .. } = &mut self.server;
        let before = (sick.contains(name), ills.get(name).cloned());
        match &ill {
            Some(facts) => {
                sick.insert(name.to_owned());
                ills.extend(facts.clone().map(|facts| (name.to_owned(), facts)));
            }
            None => {
                sick.remove(name);
                ills.remove(name);
            }
        }
        if before != (sick.contains(name), ills.get(name).cloned()) {
            let namespace = format!("sol-{name}");
            let keys: Vec<ObjectKey> = self.server.state.objects.keys().cloned().collect();
            for key in keys {
                if key.kind == Kind::Deployment && key.namespace.as_deref() == Some(&namespace) {
                    self.server.touch(&key);
                }
            }
        }
    }

    fn define(&mut self, there: bool) {
        let kind = Kind::ScaledObject;
        let changed =
            if there { self.server.absent.remove(&kind) } else { self.server.absent.insert(kind) };
        if !changed {
            return;
        }
        if !there {
            let keys: Vec<ObjectKey> = self.server.state.objects.keys().cloned().collect();
            keys.iter().filter(|key| key.kind == kind).for_each(|key| self.server.take(key));
        }
        self.server.list(kind);
        if there {
            let version = self.server.state.version.to_string();
            self.events.push_back(Event::Defined(kind, version));
        }
    }

    fn server_down(&mut self, down: bool) {
        if self.server.down == down {
            return;
        }
        self.server.down = down;
        for kind in Kind::RENDERED {
            let untold = self.server.untold.entry(kind).or_default();
            if down {
                let problem = Some(Problem {
                    sentence: format!("{kind} cannot be watched: nobody answers"),
                    silence: Some("nobody answers".to_owned()),
                    next: "look whether it runs".to_owned(),
                });
                untold.push_back(News::State(KindState::Unknown, problem));
            } else if self.unlisted.contains(&kind) {
                continue; // it begins with a list, below
            } else if !self.server.absent.contains(&kind) {
                // Each watch goes on where it stood.
                untold.push_back(News::State(KindState::Synced, None));
            } else {
                untold.push_back(News::State(KindState::Absent, None));
            }
        }
        if !down {
            for kind in std::mem::take(&mut self.unlisted) {
                self.server.list(kind);
            }
            for id in std::mem::take(&mut self.unread) {
                self.carry_out(Order::Lease { id });
            }
        }
    }

    fn crash(&mut self, late_lease: bool) {
        let orders: Vec<Order> = std::mem::take(&mut self.orders).into();
        for order in orders {
            match order {
                Order::Step { step, uid, .. } if self.chance.share() < 0.5 => {
                    self.do_step(&step, uid.as_ref());
                }
                Order::Tell { commit, line, .. } if self.chance.share() < 0.5 => {
                    let _ = self.forge.tell(&commit, line, 1.0);
                }
                _ => {}
            }
        }
        self.answers.clear();
        self.events.clear();
        self.in_flight.clear();
        self.unread.clear();
        (self.in_force, self.heard, self.lease) = (None, false, false);
        self.notes_read = false;
        self.late = late_lease;
        self.seed += 1;
        let engine = Engine::new(self.settings.clone(), self.seed, self.now);
        self.engine = match self.places {
            Some(places) => engine.narrow(places),
            None => engine,
        };
        self.remote.restart();
        self.server.list_all();
        self.server_again();
        self.read_lease();
    }

    /// A daemon that starts while nobody answers has nothing but that.
    fn server_again(&mut self) {
        if self.server.down {
            self.server.down = false;
            for untold in self.server.untold.values_mut() {
                untold.clear();
            }
            self.unlisted.extend(Kind::RENDERED.into_iter().chain([Kind::Pod]));
            self.server_down(true);
        }
    }

    fn pass(&mut self, time: Duration) {
        // An edge begins what it is given long before anybody gives it up.
        while time > Duration::from_secs(60)
            && let Some(order) = self.orders.pop_front()
        {
            self.carry_out(order);
        }
        self.now.wall = self.now.wall.checked_add(time).unwrap_or(self.now.wall);
        self.now.since_start += time;
        self.server.now = self.now.wall;
        if self.late && !self.server.down && self.chance.share() < 0.3 {
            self.late = false;
            self.read_lease();
        }
    }

    /// Asks the engine, and looks at what it orders.
    pub fn decide(&mut self) {
        let orders = self.engine.decide(self.now);
        for order in orders {
            self.look_at(&order);
            self.orders.push_back(order);
        }
        let again = self.engine.decide(self.now);
        if !again.is_empty() {
            self.wrong.push(format!("asked twice, it orders more: {again:?}"));
            self.orders.extend(again);
        }
        let _ = self.engine.happened();
    }

    /// Ends everything that goes wrong, and lets the world come to rest. What is held is approved.
    pub fn settle(&mut self) {
        self.remote.down = false;
        (self.forge.down, self.forge.moody) = (false, false);
        self.server_down(false);
        self.server.denied.clear();
        for name in NAMES {
            self.sick(name, None);
        }
        self.define(true);
        self.lose = 0;
        if self.late {
            self.late = false;
            self.read_lease();
        }
        for round in 0..8 {
            if self.rest() && !self.approve() {
                if round > 2 || self.differences().is_empty() {
                    return;
                }
                // What was refused is tried again by the clock.
                self.pass(Duration::from_secs(310));
            }
            if round == 7 {
                self.wrong.push(format!("it does not come to rest: {}", self.unrest()));
            }
        }
    }

    /// Lets everything go its way, however much it is.
    pub fn publish(&mut self) {
        for _ in 0..10_000 {
            if self.rest() {
                return;
            }
        }
        self.wrong.push(format!("it does not come to rest: {}", self.unrest()));
    }

    /// Whether the world came to rest.
    fn rest(&mut self) -> bool {
        self.visit();
        for _ in 0..4000 {
            if self.step() {
                continue;
            }
            // A reader polls, and a deadline comes.
            let wait =
                self.engine.deadline(self.now).map(|at| at.since_start - self.now.since_start);
            if self.engine.is_quiet() && self.remote.is_read() {
                return true;
            }
            self.pass(
                wait.unwrap_or_default().clamp(Duration::from_millis(20), Duration::from_secs(60)),
            );
            self.visit();
        }
        false
    }

    /// A person approves what is held.
    fn approve(&mut self) -> bool {
        let board = self.engine.board().clone();
        let Some(held) = &board.held else { return false };
        let harm = held.harm.clone();
        self.approved.deletions.extend(harm.deletions.iter().cloned());
        self.approved.addresses.extend(harm.addresses.iter().cloned());
        let (hash, created) = (held.hash.clone(), self.now.wall);
        self.server.approve(Approval { hash, harm, created });
        true
    }
}
