//! The check-up: is what the platform file counts on there? Asked for each new platform file and
//! every ten minutes, when no step is under way, so that it delays no solution. It does not wait
//! until all is published: where the platform lacks something, that may never be.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Platform;
use crate::doctor::{self, Examination, Finding, Grade, Patient};
use crate::model::ContentHash;
use crate::plan::facts::{Facts, Look, Question};

/// The pause after an examination: what an operator mends is seen by then.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);

/// What is known of the platform.
#[derive(Default)]
pub(super) struct Checkup {
    /// Whether anybody wants to know.
    pub wanted: bool,
    facts: Facts,
    /// The platform file that was last examined for.
    of: Option<ContentHash>,
    /// When it is examined again, by the clock that does not jump.
    next: Option<Timestamp>,
    /// Whether an examination is under way.
    open: bool,
    /// What is not fine.
    findings: Vec<Finding>,
}

/// How an examination goes on.
pub(super) enum Goes {
    Asks(BTreeSet<Question>),
    /// The findings are complete. What is new among them, and what was found before and is not any
    /// more.
    Ends {
        news: Vec<Finding>,
        mended: Vec<Finding>,
    },
}

impl Checkup {
    /// Whether an examination is under way.
    pub fn is_open(&self) -> bool {
        self.open
    }

    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Begins if there was none for this platform file, or none for ten minutes by `steady`.
    pub fn begin(
        &mut self,
        platform: &Platform,
        namespace: &str,
        now: Timestamp,
        steady: Timestamp,
    ) -> Option<Goes> {
        let known = self.of.as_ref() == Some(&platform.digest);
        if !self.wanted || (known && self.next.is_none_or(|next| next > steady)) {
            return None;
        }
        self.of = Some(platform.digest.clone());
        self.facts = Facts::default();
        self.open = true;
        Some(self.go_on(platform, namespace, now, steady))
    }

    /// When the next one is due.
    pub fn deadline(&self, steady: Timestamp) -> Option<Timestamp> {
        self.next.filter(|next| *next > steady && !self.open)
    }

    /// Answers came.
    pub fn learn(&mut self, looks: Vec<(Question, Look)>) {
        self.facts.learn(looks);
    }

    /// Nobody answers: it begins anew when there is time.
    pub fn lost(&mut self) {
        self.of = None;
        self.open = false;
    }

    /// Asks what is open, or says what was found.
    pub fn go_on(
        &mut self,
        platform: &Platform,
        namespace: &str,
        now: Timestamp,
        steady: Timestamp,
    ) -> Goes {
        let patient = Patient { platform, namespace, demand: None, rights: false, now };
        let Examination { findings, open } = doctor::examine(&patient, &self.facts);
        if !open.is_empty() {
            return Goes::Asks(open);
        }
        self.open = false;
        self.next = Some(steady + PAUSE);
        let findings = findings.into_iter().filter(|finding| finding.grade != Grade::Fine);
        let before = std::mem::replace(&mut self.findings, findings.collect());
        // The same with other numbers (days until a certificate ends) is no news.
        let lacks = |all: &[Finding], one: &Finding| {
            !all.iter().any(|f| (f.grade, &f.subject) == (one.grade, &one.subject))
        };
        let new = self.findings.iter().filter(|finding| lacks(&before, finding));
        let news = new.cloned().collect();
        let subjects: BTreeSet<&str> = self.findings.iter().map(|f| f.subject.as_str()).collect();
        let mended = before.into_iter().filter(|f| !subjects.contains(f.subject.as_str()));
        Goes::Ends { news, mended: mended.collect() }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::catalog::Memory;
    use crate::engine::judged;
    use crate::engine::world::Remote;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn platform() -> std::sync::Arc<Platform> {
        let remote = Remote::new([].into());
        judged(&remote.snapshot(0), &mut Memory::default()).platform.unwrap()
    }

    /// Examines to the end: what is not in `there` is absent.
    fn examined(
        checkup: &mut Checkup,
        platform: &Platform,
        there: &[&str],
        now: Timestamp,
    ) -> Option<(usize, Vec<Finding>, Vec<Finding>)> {
        let mut goes = checkup.begin(platform, "vitrine-system", now, now)?;
        let mut asked = 0;
        loop {
            match goes {
                Goes::Ends { news, mended } => return Some((asked, news, mended)),
                Goes::Asks(questions) => {
                    asked += questions.len();
                    let look = |question: &Question| match question {
                        Question::One { name, .. } if there.contains(&name.as_str()) => {
                            Look::Found(vec![serde_json::json!({"metadata": {"name": name}})])
                        }
                        _ => Look::Absent,
                    };
                    let looks = questions.into_iter().map(|q| (q.clone(), look(&q))).collect();
                    checkup.learn(looks);
                    goes = checkup.go_on(platform, "vitrine-system", now, now);
                }
            }
        }
    }

    #[test]
    fn the_platform_is_looked_at_every_ten_minutes_and_only_what_is_new_is_said() {
        let (mut checkup, platform) = (Checkup { wanted: true, ..Checkup::default() }, platform());
        let (asked, news, mended) = examined(&mut checkup, &platform, &[], at(0)).unwrap();
        assert!(asked > 0 && !news.is_empty() && mended.is_empty());
        assert_eq!(news, checkup.findings());
        assert!(examined(&mut checkup, &platform, &[], at(599)).is_none());
        assert_eq!(checkup.deadline(at(599)), Some(at(600)));
        assert_eq!(checkup.deadline(at(600)), None, "it begins when there is time");
        let (again, news, mended) = examined(&mut checkup, &platform, &[], at(600)).unwrap();
        assert_eq!((again, news.len(), mended.len()), (asked, 0, 0));
    }

    #[test]
    fn what_an_operator_mended_is_found_no_more_and_said_once() {
        let (mut checkup, platform) = (Checkup { wanted: true, ..Checkup::default() }, platform());
        examined(&mut checkup, &platform, &[], at(0)).unwrap();
        let daemons = |finding: &Finding| finding.subject.contains("vitrine-system");
        assert!(checkup.findings().iter().any(daemons), "{:?}", checkup.findings());
        let there = ["vitrine-system"];
        let (_, news, mended) = examined(&mut checkup, &platform, &there, at(600)).unwrap();
        assert!(news.is_empty() && mended.iter().any(daemons), "{mended:?}");
        assert!(!checkup.findings().iter().any(daemons));
        let (_, news, mended) = examined(&mut checkup, &platform, &[], at(1200)).unwrap();
        assert!(news.iter().any(daemons) && mended.is_empty(), "{news:?}");
    }

    #[test]
    fn nobody_is_asked_who_does_not_want_to_know() {
        let mut checkup = Checkup::default();
        assert!(examined(&mut checkup, &platform(), &[], at(0)).is_none());
    }
}
