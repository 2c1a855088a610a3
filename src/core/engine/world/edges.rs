//! What the edges do in a model of the world: orders are carried out, answers and events arrive, in
//! an order that chance decides.

use std::sync::Arc;

use crate::catalog::Memory;
use crate::engine::{Answer, Event, News, Order, OrderId, Repository, Written, judged};
use crate::model::{Kind, Uid};
use crate::plan::facts::Look;
use crate::plan::observed::{HealthFacts, Record};
use crate::plan::{HELD_DIGITS, Outcome, Step};

use super::World;

impl World {
    pub(super) fn do_step(&mut self, step: &Step, uid: Option<&Uid>) -> Answer {
        let (outcome, written) = self.server.carry_out(step, uid);
        if let (Step::Delete { key, .. }, Outcome::Deleted) = (step, &outcome) {
            self.deletions.push(key.clone());
        }
        if self.chance.share() < 0.05 {
            self.server.remember();
        }
        Answer::Step(outcome, written)
    }

    /// Carries out one order.
    pub(super) fn carry_out(&mut self, order: Order) {
        match order {
            Order::Step { solution, .. } if self.server.is_silent(solution.as_str()) => {}
            Order::Step { id, solution: _, step, uid } => {
                let answer = self.do_step(&step, uid.as_ref());
                self.in_flight.remove(&step.key());
                self.answer(id, answer);
            }
            Order::Record { id, applied, root, removals } => {
                if self.server.down {
                    let cause = Err("nobody answers".to_owned());
                    return self.answers.push((id, Answer::Recorded(cause)));
                }
                let applied = Some(applied);
                let record = Record::Kept { applied, root: Some(root), removals };
                self.server.state.version += 1;
                self.server.state.record = Some((record, self.server.state.version));
                let version = self.server.state.version.to_string();
                self.answer(id, Answer::Recorded(Ok(version)));
            }
            // A reader asks until it is answered.
            Order::Lease { id } if self.server.down => self.unread.push(id),
            Order::Lease { id } => {
                let (record, version) = self.server.lease();
                self.answers.push((id, Answer::Lease(record, version)));
            }
            Order::Approval { id, name } => {
                let approval = self.server.state.approvals.get(&name).cloned();
                self.answers.push((id, Answer::Approval(approval)));
            }
            Order::Post { id, hold: _ } if self.server.down => {
                let cause = Err("nobody answers".to_owned());
                self.answers.push((id, Answer::Posted(cause)));
            }
            Order::Post { id, hold } => {
                self.server.post(hold.map(|hold| hold.hash.first(HELD_DIGITS)));
                self.answer(id, Answer::Posted(Ok(())));
            }
            Order::Relist(kind) if self.server.down => drop(self.unlisted.insert(kind)),
            Order::Relist(kind) => {
                self.relists.push(kind);
                self.server.list(kind);
            }
            Order::Ask { id, questions } => {
                self.asked += questions.len();
                let looks = questions.into_iter().map(|question| (question, Look::Absent));
                self.answers.push((id, Answer::Facts(looks.collect())));
            }
            Order::Follow(since) => {
                self.notes_read = false;
                let news = self.remote.follow(since, self.now.wall);
                self.events.push_back(Event::Repository(news));
            }
            Order::Visit => self.visit(),
            Order::Note { id, lines } => {
                self.judge_notes(&lines);
                for (commit, statuses) in lines {
                    let said = self.notes.entry(commit).or_default();
                    said.retain(|old| statuses.iter().all(|new| new.context != old.context));
                    said.extend(statuses);
                }
                let written = Ok(());
                self.answers.push((id, Answer::Noted(written)));
            }
            Order::Tell { id, commit, line } => {
                let reply = self.forge.tell(&commit, line, self.chance.share());
                self.answers.push((id, Answer::Told(reply)));
            }
            Order::Lines { id, commit } => {
                let reply = self.forge.lines(&commit);
                self.answers.push((id, Answer::Has(reply)));
            }
            // No world has pull requests.
            Order::Pulls { .. }
            | Order::Pull { .. }
            | Order::Compare { .. }
            | Order::Review { .. }
            | Order::Images { .. }
            | Order::DryRun { .. }
            | Order::Mark { .. }
            | Order::Comment { .. } => {}
            Order::Judge { id, snapshot } => {
                let catalog = judged(&snapshot, &mut Memory::default());
                self.worked.1 += 1;
                self.answer(id, Answer::Judged(Box::new(catalog)));
            }
            Order::Render { id, work } => {
                let rendered = work.done();
                self.worked.0 += rendered.len();
                self.answer(id, Answer::Rendered(rendered));
            }
            Order::Show(_) => {}
        }
    }

    /// An answer comes, or is lost: then it is as if the connection broke.
    fn answer(&mut self, id: OrderId, answer: Answer) {
        if self.lose == 0 {
            return self.answers.push((id, answer));
        }
        self.lose -= 1;
        let lost = match answer {
            Answer::Step(..) => {
                let cause = "the answer broke off".into();
                let outcome = Outcome::Unavailable { cause, retry_after: None };
                Answer::Step(outcome, Written::Nothing)
            }
            Answer::Recorded(_) => Answer::Recorded(Err("the answer broke off".to_owned())),
            Answer::Posted(_) => Answer::Posted(Err("the answer broke off".to_owned())),
            // Whoever worked on it died.
            Answer::Judged(_) | Answer::Rendered(_) => {
                return self.events.push_back(Event::Lost(id));
            }
            other => other,
        };
        self.answers.push((id, lost));
    }

    pub(super) fn visit(&mut self) {
        if self.remote.is_sent() {
            let news = self.remote.visit(self.now.wall);
            self.events.push_back(Event::Repository(news));
        }
    }

    pub(super) fn hear(&mut self, mut event: Event) {
        // What stands in the notes is read with the first commit of an errand.
        if let Event::Repository(Repository::Commit(commit) | Repository::Kept(commit, _)) =
            &mut event
            && !std::mem::replace(&mut self.notes_read, true)
        {
            commit.noted = Some(self.notes.clone());
        }
        match &event {
            Event::Lease(..) => self.lease = true,
            Event::Watched(Kind::HttpRoute, news) => {
                news.iter().for_each(|news| self.was_told(news));
            }
            Event::Repository(Repository::Same) => self.heard = true,
            Event::Answered(_, Answer::Judged(catalog)) => {
                let catalog = (**catalog).clone();
                self.engine.hear(event, self.now);
                // Of two commits on their way, only the newer is put into force.
                if self.engine.book.revision() == Some(&catalog.revision) {
                    self.in_force = Some(catalog);
                    self.heard |= self.remote.has_answered();
                }
                return;
            }
            _ => {}
        }
        let told = match &event {
            Event::Repository(Repository::Commit(commit) | Repository::Kept(commit, _)) => {
                Some(Arc::clone(&commit.snapshot))
            }
            _ => None,
        };
        self.engine.hear(event, self.now);
        // What says the same as the commit before needs no judgement, and is judged here.
        if let Some(told) = told
            && self.engine.book.revision() == Some(&told.revision)
        {
            self.in_force = Some(judged(&told, &mut Memory::default()));
            self.heard |= self.remote.has_answered();
        }
    }

    /// The watch of routes told something.
    fn was_told(&mut self, news: &News) {
        match news {
            News::Present(seen) => {
                if let HealthFacts::Route(facts) = &seen.health {
                    self.told.insert(
                        seen.key(Kind::HttpRoute),
                        facts.addresses.iter().cloned().collect(),
                    );
                }
            }
            News::Deleted(seen) => drop(self.told.remove(&seen.key(Kind::HttpRoute))),
            News::Listing | News::Listed(_) | News::Bookmark(_) | News::State(..) => {}
        }
    }

    /// One thing goes its way: an order is carried out, an answer or an event arrives.
    pub(super) fn step(&mut self) -> bool {
        let choice = self.chance.below(4);
        let mut moved = false;
        for turn in 0..4 {
            moved = match (choice + turn) % 4 {
                0 => match self.orders.pop_front() {
                    Some(order) => {
                        self.carry_out(order);
                        true
                    }
                    None => false,
                },
                1 if !self.answers.is_empty() => {
                    let at = self.chance.below(self.answers.len());
                    let (id, answer) = self.answers.swap_remove(at);
                    self.hear(Event::Answered(id, answer));
                    true
                }
                2 => match self.events.pop_front() {
                    Some(event) => {
                        self.hear(event);
                        true
                    }
                    None => false,
                },
                3 => self.tell_watch(),
                _ => false,
            };
            if moved {
                break;
            }
        }
        self.decide();
        moved
    }

    /// One watch tells some of what it has, in its order.
    fn tell_watch(&mut self) -> bool {
        let waiting = self.server.untold.iter().filter(|(_, news)| !news.is_empty());
        let waiting: Vec<Kind> = waiting.map(|(kind, _)| *kind).collect();
        let at = self.chance.below(waiting.len());
        let Some(kind) = waiting.get(at).copied() else { return false };
        let most = 1 + self.chance.below(40);
        let Some(untold) = self.server.untold.get_mut(&kind) else { return false };
        let news: Vec<News> = untold.drain(..most.min(untold.len())).collect();
        self.hear(Event::Watched(kind, news));
        true
    }
}
