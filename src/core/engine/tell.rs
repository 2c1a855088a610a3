//! What is said: the board for people, the lines for commits, the list for `vitrine approve`, the
//! platform's findings.
//!
//! A solution is planned alone, but the board and the notes are over all of them. So nothing is
//! said while no verdict changed, a burst of changes is said once, and both come after the steps
//! that they speak of were sent.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

use super::checkup::Goes;
use super::desk::{Comment, Errand};
use super::event::Answer;
use super::happened::Happened;
use super::ledger::{Call, Words};
use super::previews::{Todo, Wish};
use super::reviewed::{Images, Reviewing, Tried};
use super::{Engine, Now, Order};
use crate::catalog::Catalog;
use crate::change::{self, DryRun};
use crate::config::{Mode, Safety};
use crate::model::invisible::visible;
use crate::model::{ClaimedName, Kind, Revision, SolutionName};
use crate::plan::HELD_DIGITS;
use crate::plan::facts::Question;
use crate::plan::observed::{KindState, Problem};
use crate::status::{Board, Held, Outage};

/// The least time between two boards, and what each row adds to it.
const BREATH: SignedDuration = SignedDuration::from_millis(50);
const BREATH_A_ROW: SignedDuration = SignedDuration::from_micros(200);

impl Engine {
    /// Says what changed, if it is time to.
    pub(super) fn tell(&mut self, now: Now, orders: &mut Vec<Order>) {
        let steady = self.steady.at(now);
        self.show(now, orders);
        let lasted = self.outage.tell(steady);
        self.happened.extend(lasted);
        let told = self.diary.tell(self.rows.verdicts(), steady);
        self.happened.extend(told);
        if self.can_speak() && self.ledger.is_due(steady) && steady >= self.note_at {
            self.note_at = steady + self.breath();
            self.note(now, orders);
            self.show(now, orders); // that the forge takes nothing, or does again
        }
    }

    /// Shows the board, if something changed and it is time to.
    fn show(&mut self, now: Now, orders: &mut Vec<Order>) {
        let steady = self.steady.at(now);
        if !self.behind || steady < self.show_at {
            return;
        }
        let board = self.compose(now);
        self.behind = false; // also what `compose` itself had to judge is said
        self.show_at = steady + self.breath();
        if *self.board != board {
            self.board = Arc::new(board);
            orders.push(Order::Show(Arc::clone(&self.board)));
        }
    }

    /// Whether commits may be told anything. Where no verdict stands and not all of the cluster was
    /// seen, something may run that no commit asks for: nobody knows whether that is well.
    pub(super) fn can_speak(&self) -> bool {
        let seen = !self.rows.verdicts().is_empty() || self.sight.knows_every_kind();
        !self.idle && seen
    }

    /// The pause after something was said of all solutions.
    fn breath(&self) -> SignedDuration {
        let rows = i32::try_from(self.rows.verdicts().len()).unwrap_or(i32::MAX);
        BREATH + BREATH_A_ROW * rows
    }

    /// Sends off the lines that the notes and the forge lack.
    fn note(&mut self, now: Now, orders: &mut Vec<Order>) {
        let open = self.book.unknown.is_none();
        let steady = self.steady.at(now);
        let before = self.ledger.forge_trouble().cloned();
        let Words { notes, forge } = self.ledger.words(self.rows.verdicts(), open, steady);
        let trouble = self.ledger.forge_trouble().cloned();
        if before != trouble {
            self.happened.push(Happened::Forge(trouble));
            self.behind = true;
        }
        if let Some(lines) = notes {
            let id = self.send(Errand::Note, now);
            orders.push(Order::Note { id, lines });
        }
        for call in forge {
            orders.push(match call {
                Call::Tell(commit, line) => {
                    let id = self.send(Errand::Tell(commit.clone()), now);
                    Order::Tell { id, commit, line }
                }
                Call::Read(commit) => {
                    let id = self.send(Errand::Lines(commit.clone()), now);
                    Order::Lines { id, commit }
                }
            });
        }
    }

    /// Whether pull requests are wanted, and there is something to compare them with.
    pub(super) fn may_preview(&self) -> bool {
        let known = self.book.revision().is_some() && self.book.unknown.is_none();
        self.previews.is_wanted() && known && !self.idle
    }

    /// Does what is next for pull requests.
    pub(super) fn preview(&mut self, now: Now, orders: &mut Vec<Order>) {
        self.review(now, orders);
        let steady = self.steady.at(now);
        let (verdicts, book) = (self.rows.verdicts(), &self.book);
        let ledger = RefCell::new(&mut self.ledger);
        let is_known = |name: &ClaimedName| book.known_as(name).is_some();
        let said = |commit: &Revision, names: &BTreeSet<ClaimedName>| {
            ledger.borrow().last_words(commit, names, verdicts, is_known)
        };
        let may_write = || ledger.borrow_mut().may_write(steady);
        let wish = self.previews.wish(book.revision(), said, may_write, steady);
        let Some(wish) = wish else { return };
        self.previews.sent(wish.clone());
        let id = self.send(Errand::Previews, now);
        orders.push(match wish {
            Wish::List { recent } => Order::Pulls { id, recent },
            Wish::Ask { number } => Order::Pull { id, number },
            Wish::Compare { number, head, base } => Order::Compare { id, number, head, base },
            Wish::Write { number, page, known } => {
                Order::Comment { id, number, comment: Comment::Page { page, known } }
            }
            Wish::Mark { head, check, number: _ } => Order::Mark { id, head, check },
            Wish::Close { number, line } => {
                Order::Comment { id, number, comment: Comment::Last(line) }
            }
        });
    }

    /// What became of something for pull requests.
    pub(super) fn of_previews(&mut self, answer: Answer, now: Now) {
        let steady = self.steady.at(now);
        let before = self.previews.trouble().cloned();
        match answer {
            Answer::Pulls(reply) => self.previews.listed(reply, steady),
            Answer::Pull(reply) => self.previews.fated(reply, steady),
            Answer::Compared(read) => {
                let instance = &self.settings.instance;
                self.previews.compared(read, instance, steady);
            }
            Answer::Reviewed(reviewed) => {
                if let Some(pull) = self.previews.number_judged() {
                    let unseen = reviewed.unseen.iter().cloned();
                    self.happened.extend(unseen.map(|why| Happened::Unseen { pull, why }));
                }
                self.previews.reviewed(Some(*reviewed), steady);
            }
            Answer::Marked(reply) => {
                self.ledger.heed(&reply, steady);
                self.previews.marked(reply, steady);
            }
            Answer::Images(said) => self.previews.asked(said),
            Answer::DryRun(said) => self.previews.tried(said),
            Answer::Commented(reply) => {
                self.ledger.heed(&reply, steady);
                self.previews.written(reply, steady);
            }
            // An answer to something else is no answer.
            _ => self.previews.lost(steady),
        }
        self.tell_heads();
        let trouble = self.previews.trouble().cloned();
        if before != trouble {
            self.happened.push(Happened::Pulls(trouble));
            self.behind = true;
        }
    }

    /// Decides what of previews should be on the cluster.
    pub(super) fn stage(&mut self, now: Now) {
        let Some(catalog) = self.book.catalog() else { return };
        let living = self.sight.previews();
        if living.is_empty() && !self.previews.may_show() && catalog_shows_none(catalog) {
            return;
        }
        let platform = catalog.platform.as_deref().ok();
        let staging = self.previews.stage(platform, &living, now.wall);
        let changed = self.book.stage(staging);
        self.dirty.extend(changed.into_iter().map(ClaimedName::from));
        self.tell_heads();
    }

    /// Hands over what belongs on the heads of pull requests.
    fn tell_heads(&mut self) {
        let previews = self.rows.previews();
        let verdict = |name: &SolutionName| previews.get(name.as_str()).map(|verdict| &**verdict);
        let lines = self.previews.lines(&self.settings.instance, verdict);
        self.ledger.heads(lines);
    }

    /// Has judged what was read of a pull request, or asks first for its images and its objects.
    fn review(&mut self, now: Now, orders: &mut Vec<Order>) {
        let Some((todo, judging)) = self.previews.todo() else { return };
        match todo {
            Todo::Judge => {}
            Todo::Ask(images) => {
                let id = self.send(Errand::Previews, now);
                return orders.push(Order::Images { id, images });
            }
            Todo::Try(_) if self.outage.silence().is_some() => {
                let silent = Some("it does not answer at all".to_owned());
                self.previews.tried(DryRun { silent, ..DryRun::default() });
                return self.review(now, orders);
            }
            Todo::Try(objects) => {
                let revision = judging.head.clone();
                let id = self.send(Errand::Previews, now);
                return orders.push(Order::DryRun { id, revision, objects });
            }
        }
        let Safety { max_removed_share, max_deletions, .. } = self.settings.safety;
        let forge = self.settings.forge.as_ref();
        let asks = forge.and_then(|forge| forge.images.as_ref());
        // Who may only read sends nothing to the API server, nor does a daemon that may not write.
        let tries = forge.is_some_and(|forge| forge.dry_run)
            && self.settings.cluster.mode == Mode::Apply
            && judging.own;
        let work = Reviewing {
            comparison: Arc::clone(&judging.comparison),
            pull: judging.number,
            head: judging.head.clone(),
            root: self.settings.repository.path.clone(),
            instance: self.settings.instance.clone(),
            brake: change::Brake { max_removed_share, max_deletions },
            now: now.wall,
            images: match (&judging.said, asks) {
                (Some(said), _) => Images::Said(Arc::clone(said)),
                (None, Some(asks)) => Images::Wanted(asks.plain_http.clone()),
                (None, None) => Images::Unasked,
            },
            dry_run: match &judging.tried {
                Some(said) => Tried::Said(Arc::clone(said)),
                None if tries => Tried::Wanted,
                None => Tried::Unasked,
            },
        };
        let id = self.send(Errand::Previews, now);
        orders.push(Order::Review { id, work });
    }

    /// Keeps the list of what is held as the brake says.
    pub(super) fn post(&mut self, now: Now, orders: &mut Vec<Order>) {
        let known = self.sight.observed.kinds.get(&Kind::ConfigMap) == Some(&KindState::Synced);
        if !known || self.desk.any(|errand| matches!(errand, Errand::Post(_))) {
            return;
        }
        let shut = self.brake.shut(self.book.heard, self.book.is_complete());
        let decided = self.brake.is_judged() && shut.is_none();
        let hold = self.brake.hold();
        let wanted = hold.map(|hold| hold.hash.first(HELD_DIGITS));
        let (posted, steady) = (self.sight.posted(), self.steady.at(now));
        if self.posting.is_due(wanted.as_deref(), posted, decided, steady) {
            let hold = hold.cloned().map(Box::new);
            let id = self.send(Errand::Post(wanted), now);
            orders.push(Order::Post { id, hold });
        }
    }

    /// The board has a row for each name that is declared or lives, also before anybody could think
    /// about them: a board without rows looks as if all were well.
    fn compose(&mut self, now: Now) -> Board {
        let is_unjudged = |name: &str| self.rows.verdict(name).is_none();
        let solutions = self.book.published().chain(self.book.shown());
        let solutions = solutions.chain(self.sight.observed.solutions.keys());
        let solutions = solutions.filter(|name| is_unjudged(name.as_str()));
        let others = self.book.left_alone().filter(|name| is_unjudged(name.as_str()));
        let unjudged: BTreeSet<ClaimedName> =
            solutions.map(ClaimedName::from).chain(others.cloned()).collect();
        for name in unjudged {
            self.judge(&name, now);
        }
        Board {
            instance: self.settings.instance.clone(),
            reports: self.settings.cluster.mode == Mode::Report,
            revision: self.book.revision().cloned(),
            repository: visible(&self.settings.repository.shown_url()),
            checked_at: self.checked_at.or(Some(now.wall)),
            unknown: self
                .book
                .unknown
                .as_ref()
                .map(|u| Outage { since: u.since, cause: visible(&u.cause) }),
            cluster: self
                .outage
                .silence()
                .map(|s| Outage { since: s.since, cause: visible(&s.cause) }),
            verdicts: self.rows.list(),
            previews: self.rows.previews().values().cloned().collect(),
            held: self.brake.hold().map(|hold| Held {
                hash: hold.hash.clone(),
                reason: visible(&hold.reason),
                harm: hold.harm.clone(),
                options: String::new(),
            }),
            problems: self.problems().iter().map(|problem| visible(problem)).collect(),
            findings: self.checkup.findings().to_vec(),
        }
    }

    /// The repository was looked at.
    pub(super) fn checked(&mut self, now: Now) {
        self.checked_at = Some(now.wall);
        self.behind = true;
    }

    /// Begins a check-up of the platform if one is due, or goes on with it.
    pub(super) fn check_up(&mut self, now: Now, orders: &mut Vec<Order>) {
        if self.desk.any(|errand| matches!(errand, Errand::Ask)) || !self.looked {
            return;
        }
        let Some(platform) = self.book.catalog().and_then(|c| c.platform.clone().ok()) else {
            return;
        };
        let namespace = self.settings.cluster.namespace.clone();
        let steady = self.steady.at(now);
        let goes = if self.checkup.is_open() {
            Some(self.checkup.go_on(&platform, &namespace, now.wall, steady))
        } else if self.outage.silence().is_some()
            || !self.desk.is_quiet()
            || !self.book.is_quiet()
            || !self.dirty.is_empty()
        {
            None // nobody would answer, or what is to be published comes first
        } else {
            self.checkup.begin(&platform, &namespace, now.wall, steady)
        };
        match goes {
            None => {}
            Some(Goes::Asks(questions)) => self.ask(questions, now, orders),
            Some(Goes::Ends { news, mended, machines, gateway }) => {
                if self.sight.knows_platform(machines, gateway) {
                    self.all_dirty();
                }
                self.happened.extend(news.into_iter().map(Happened::Finding));
                self.happened.extend(mended.into_iter().map(Happened::Mended));
                self.behind = true;
            }
        }
    }

    fn ask(&mut self, questions: BTreeSet<Question>, now: Now, orders: &mut Vec<Order>) {
        let id = self.send(Errand::Ask, now);
        orders.push(Order::Ask { id, questions });
    }

    /// What belongs to no single solution.
    fn problems(&self) -> Vec<String> {
        let faults = self.book.catalog().and_then(|c| c.platform.as_ref().err());
        let told = |what: &str, cause: &Option<String>| {
            cause.as_ref().map(|cause| format!("{what} could not be written: {cause}"))
        };
        // An outage speaks for all that only shares in it.
        let silent = self.outage.silence().is_some();
        let unsaid = |problem: &&Problem| !silent || problem.silence.is_none();
        faults
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .chain(told("the Lease", &self.brake.trouble))
            .chain(told("the list of what is held", &self.posting.trouble))
            .chain(told("the notes", &self.ledger.trouble))
            .chain(told("the statuses of commits", &self.ledger.forge_trouble().cloned()))
            .chain(
                self.previews
                    .trouble()
                    .iter()
                    .map(|why| format!("pull requests cannot be told: {why}")),
            )
            .chain(self.sight.problems.values().filter(unsaid).map(|p| p.sentence.clone()))
            .collect()
    }
}

/// Whether the platform in force shows no pull requests.
fn catalog_shows_none(catalog: &Catalog) -> bool {
    catalog.platform.as_ref().is_ok_and(|platform| platform.previews.is_none())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
#[path = "tell/tests.rs"]
mod tests;
