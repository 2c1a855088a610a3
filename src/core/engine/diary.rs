//! The diary: which changes of verdicts are told, so that one that flickers does not fill the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::alarms::Alarms;
use super::happened::{Change, Happened, State};
use crate::model::ClaimedName;
use crate::status::Verdict;

/// The least time between two lines on one solution.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// What was told of each solution, and when.
#[derive(Debug, Default)]
pub(super) struct Diary {
    told: BTreeMap<ClaimedName, (State, Timestamp)>,
    /// Solutions that changed and wait for their turn, since when.
    waiting: BTreeMap<ClaimedName, Timestamp>,
    /// When each has its turn.
    turns: Alarms<ClaimedName>,
}

impl State {
    fn of(verdict: &Verdict) -> Self {
        let Verdict { sync, health, party, .. } = *verdict;
        Self { sync, health, party, cause: verdict.reason.cause }
    }
}

impl Diary {
    /// A verdict changed; it is told when its turn comes.
    pub fn changed(&mut self, name: &ClaimedName, now: Timestamp) {
        self.waiting.entry(name.clone()).or_insert(now);
        self.turns.set(name.clone(), now);
    }

    /// What is to be told now. What passes by itself is told only if it lasts, so that it does not
    /// take the turn of what it passes into.
    pub fn tell(
        &mut self,
        verdicts: &BTreeMap<ClaimedName, Arc<Verdict>>,
        now: Timestamp,
    ) -> Vec<Happened> {
        let mut news = Vec::new();
        for name in self.turns.ring(now) {
            let Some(since) = self.waiting.remove(&name) else { continue };
            let Some(verdict) = verdicts.get(&name) else {
                self.told.remove(&name); // that it is removed is told by itself
                continue;
            };
            let (before, to) = (self.told.get(&name), State::of(verdict));
            if before.is_some_and(|(state, _)| *state == to) {
                continue;
            }
            let lasts = if verdict.is_settled() { since } else { since + PAUSE };
            let turn = before.map_or(lasts, |(_, at)| lasts.max(*at + PAUSE));
            if turn > now {
                self.waiting.insert(name.clone(), since);
                self.turns.set(name, turn);
                continue;
            }
            let from = before.map(|(state, _)| state.clone());
            self.told.insert(name.clone(), (to.clone(), now));
            news.push(Happened::Verdict(Change {
                name,
                from,
                to,
                reason: verdict.reason.text.clone(),
                next: verdict.next.clone(),
            }));
        }
        news
    }

    /// When the next turn comes.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.turns.deadline()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::status::{Cause, Sync, sample};

    /// The words that are told at these seconds, while `use` is first this and then that.
    fn told(course: &[(i64, Sync)]) -> Vec<(i64, Sync)> {
        let course: Vec<_> = course.iter().map(|(at, sync)| (*at, *sync, Cause::Serving)).collect();
        told_with_causes(&course).into_iter().map(|(at, sync, _)| (at, sync)).collect()
    }

    fn told_with_causes(course: &[(i64, Sync, Cause)]) -> Vec<(i64, Sync, Cause)> {
        let mut diary = Diary::default();
        let mut verdicts = BTreeMap::new();
        let board = sample::board();
        let mut lines = Vec::new();
        for second in 0..60 {
            let now = Timestamp::from_second(second).unwrap();
            if let Some((_, sync, cause)) = course.iter().find(|(at, ..)| *at == second) {
                // Each with words of its own: a number in them is no news.
                let reason = cause.says(format!("since second {second}"));
                let verdict = Verdict { sync: *sync, reason, ..board.verdicts[0].clone() };
                let name = ClaimedName::of("use");
                diary.changed(&name, now);
                verdicts.insert(name, Arc::new(verdict));
            }
            for happened in diary.tell(&verdicts, now) {
                let Happened::Verdict(change) = happened else { continue };
                lines.push((second, change.to.sync, change.to.cause));
            }
        }
        assert_eq!(diary.deadline(), None, "nothing is left to tell");
        lines
    }

    #[test]
    fn what_passes_at_once_takes_nobodys_turn() {
        let course = [(1, Sync::Progressing), (2, Sync::Synced)];
        assert_eq!(told(&course), [(2, Sync::Synced)]);
        let course = [(1, Sync::Progressing), (40, Sync::Synced)];
        assert_eq!(told(&course), [(11, Sync::Progressing), (40, Sync::Synced)]);
    }

    #[test]
    fn another_cause_is_told_although_the_three_words_stay_and_other_numbers_are_not() {
        let memory = (1, Sync::Synced, Cause::OutOfMemory);
        let crash = (30, Sync::Synced, Cause::Crashing);
        let course = [memory, (15, Sync::Synced, Cause::OutOfMemory), crash];
        assert_eq!(told_with_causes(&course), [memory, crash]);
    }

    #[test]
    fn a_solution_has_one_line_in_ten_seconds_and_the_last_word() {
        let flicker = [(1, Sync::Synced), (3, Sync::Failed), (4, Sync::Synced), (6, Sync::Failed)];
        assert_eq!(told(&flicker), [(1, Sync::Synced), (11, Sync::Failed)]);
        let back = [(1, Sync::Synced), (3, Sync::Failed), (5, Sync::Synced)];
        assert_eq!(told(&back), [(1, Sync::Synced)], "as it was told");
    }
}
