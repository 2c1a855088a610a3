//! What cannot be read: one thing, or all of it because nobody answers.

use super::Sight;
use crate::model::Kind;
use crate::plan::observed::{KindState, Problem};

impl Sight {
    /// Something cannot be read, or can again.
    pub fn trouble(&mut self, what: &str, problem: Option<Problem>) {
        let was = self.problems.get(what);
        self.troubled |= was != problem.as_ref();
        if was.is_some() != problem.is_some() {
            self.turns.push((what.to_owned(), problem.clone()));
        }
        match problem {
            Some(problem) => self.problems.insert(what.to_owned(), problem),
            None => self.problems.remove(what),
        };
    }

    /// Whether one of the problems is another since this was last asked.
    pub fn is_troubled_anew(&mut self) -> bool {
        std::mem::take(&mut self.troubled)
    }

    /// What began to be unreadable (with the problem) or can be read again, told once.
    pub fn turns(&mut self) -> Vec<(String, Option<Problem>)> {
        std::mem::take(&mut self.turns)
    }

    /// A watch says how it stands. The server as a whole is silent when every watch is, until most
    /// are not: while the first come back, nobody can tell, and one kind that stays broken is not
    /// everybody's.
    pub(super) fn listen(&mut self, kind: Kind, problem: Option<&Problem>) {
        match problem.filter(|problem| problem.silence.is_some()) {
            Some(problem) => {
                self.silent.insert(kind);
                let stands = |kind: &Kind| {
                    self.observed.kinds.get(kind) != Some(&KindState::Absent)
                        && !self.silent.contains(kind)
                };
                if self.silence.is_some() || !Kind::RENDERED.iter().any(stands) {
                    self.silence = Some(problem.clone());
                }
            }
            None => {
                self.silent.remove(&kind);
                let kinds = &self.observed.kinds;
                let there = |kind: &&Kind| kinds.get(kind) != Some(&KindState::Absent);
                if self.silent.len() * 2 < Kind::RENDERED.iter().filter(there).count() {
                    self.silence = None;
                }
            }
        }
    }

    /// What the newest try was answered, while the server as a whole tells nothing.
    pub fn silence(&self) -> Option<&Problem> {
        self.silence.as_ref()
    }
}
