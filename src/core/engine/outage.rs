//! Outages of the API server: since when it tells nothing, why now, and what of it is told.
//!
//! When a server goes, every watch of it fails at about the same time. That is one piece of news
//! and not twenty: the trouble of one kind is told when it has lasted without being everybody's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::happened::Happened;
use crate::plan::observed::{Problem, Silence};

/// How long one kind's silence may turn out to be everybody's.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// What is known and was told of outages.
#[derive(Default)]
pub(super) struct Outage {
    silence: Option<Silence>,
    /// What is silent and was not told of, with the time at which it is.
    pending: BTreeMap<String, (Problem, Timestamp)>,
    told: BTreeSet<String>,
}

impl Outage {
    /// Since when and why the server tells nothing.
    pub fn silence(&self) -> Option<&Silence> {
        self.silence.as_ref()
    }

    /// Something cannot be read, or can again.
    pub fn turn(
        &mut self,
        what: String,
        problem: Option<Problem>,
        now: Timestamp,
    ) -> Option<Happened> {
        match problem {
            Some(problem) if problem.silence.is_some() => {
                self.pending.insert(what, (problem, now + PATIENCE));
                None
            }
            Some(problem) => {
                self.told.insert(what.clone());
                Some(Happened::Trouble { what, problem: Some(problem.sentence) })
            }
            None => {
                self.pending.remove(&what);
                let was_told = self.told.remove(&what);
                was_told.then_some(Happened::Trouble { what, problem: None })
            }
        }
    }

    /// The server as a whole tells nothing, with this answer to the newest try, or does again.
    /// Returns what happened by that, and whether anything is another than before.
    pub fn hear(&mut self, news: Option<&Problem>, wall: Timestamp) -> (Option<Happened>, bool) {
        match (news, &mut self.silence) {
            (None, None) => (None, false),
            (Some(problem), None) => {
                let cause = problem.silence.clone().unwrap_or_else(|| problem.sentence.clone());
                let next = problem.next.clone();
                self.pending.clear();
                self.silence = Some(Silence { since: wall, cause: cause.clone(), next });
                (Some(Happened::Silent { cause }), true)
            }
            (Some(problem), Some(silence)) => {
                let cause = problem.silence.clone().unwrap_or_else(|| problem.sentence.clone());
                let changed = silence.cause != cause;
                (silence.cause, silence.next) = (cause, problem.next.clone());
                (None, changed)
            }
            (None, Some(silence)) => {
                let since = silence.since;
                self.silence = None;
                (Some(Happened::Answers { since }), true)
            }
        }
    }

    /// What lasted: it is told now.
    pub fn tell(&mut self, now: Timestamp) -> Vec<Happened> {
        if self.silence.is_some() {
            self.pending.clear();
        }
        let due: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, (_, at))| *at <= now)
            .map(|(what, _)| what.clone())
            .collect();
        let mut news = Vec::new();
        for what in due {
            if let Some((problem, _)) = self.pending.remove(&what) {
                self.told.insert(what.clone());
                news.push(Happened::Trouble { what, problem: Some(problem.sentence) });
            }
        }
        news
    }

    /// When the next one is told.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.pending.values().map(|(_, at)| *at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn refused() -> Problem {
        Problem {
            sentence: "services cannot be watched: connection refused".to_owned(),
            silence: Some("connection refused".to_owned()),
            next: "look whether it runs".to_owned(),
        }
    }

    #[test]
    fn a_server_that_goes_is_one_line_and_its_return_another() {
        let mut outage = Outage::default();
        for what in ["services", "pods", "deployments.apps"] {
            assert_eq!(outage.turn(what.to_owned(), Some(refused()), NOW), None);
        }
        let (told, changed) = outage.hear(Some(&refused()), NOW);
        assert_eq!(told, Some(Happened::Silent { cause: "connection refused".to_owned() }));
        assert!(changed);
        assert_eq!(outage.tell(NOW + PATIENCE), []);
        assert_eq!(outage.deadline(), None);
        // Each try says why now; only another answer is news.
        assert_eq!(outage.hear(Some(&refused()), NOW + PATIENCE), (None, false));
        let busy = Problem { silence: Some("it answered 500".to_owned()), ..refused() };
        assert_eq!(outage.hear(Some(&busy), NOW + PATIENCE), (None, true));
        let silence = outage.silence().cloned();
        assert_eq!(silence.map(|s| (s.since, s.cause)), Some((NOW, "it answered 500".to_owned())));
        for what in ["services", "pods", "deployments.apps"] {
            assert_eq!(outage.turn(what.to_owned(), None, NOW), None);
        }
        assert_eq!(outage.hear(None, NOW), (Some(Happened::Answers { since: NOW }), true));
        assert_eq!(outage.silence(), None);
    }

    #[test]
    fn the_silence_of_one_is_told_when_it_lasts_and_a_missing_right_at_once() {
        let mut outage = Outage::default();
        let trouble = |what: &str, problem: Option<&str>| Happened::Trouble {
            what: what.to_owned(),
            problem: problem.map(str::to_owned),
        };
        outage.turn("services".to_owned(), Some(refused()), NOW);
        assert_eq!(outage.tell(NOW), []);
        let lasts = [trouble("services", Some("services cannot be watched: connection refused"))];
        assert_eq!(outage.tell(NOW + PATIENCE), lasts);
        let again = outage.turn("services".to_owned(), None, NOW);
        assert_eq!(again, Some(trouble("services", None)));
        // A hiccup is told neither at its begin nor at its end.
        outage.turn("pods".to_owned(), Some(refused()), NOW);
        assert_eq!(outage.turn("pods".to_owned(), None, NOW), None);
        assert_eq!(outage.tell(NOW + PATIENCE), []);
        let right = Problem::of_one("no right", "give it");
        let told = outage.turn("secrets".to_owned(), Some(right), NOW);
        assert_eq!(told, Some(trouble("secrets", Some("no right"))));
    }
}
