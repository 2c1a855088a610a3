//! The check-up: is what the platform file counts on there, and does it work? Asked for each new
//! platform file and every ten minutes, when no step is under way, so that it delays no solution. It
//! does not wait until all is published: where the platform lacks something, that may never be.
//! What may stop without a sign (the pods of KEDA, of its add-on, of the gateway) is asked for every
//! minute, and all of it soon after a CRD changed or a wake failed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::catalog::Platform;
use crate::doctor::{self, Examination, Finding, Grade, Patient};
use crate::model::ContentHash;
use crate::plan::facts::{Facts, Look, Question};
use crate::plan::observed::{GatewayFault, Machines};

/// The pause after an examination: what an operator mends is seen by then.
const PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// The pause after a look at what may stop.
const PULSE: SignedDuration = SignedDuration::from_mins(1);
/// The pause before an examination out of turn, so that many reasons for one are one.
const SOON: SignedDuration = SignedDuration::from_secs(30);

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
    /// When what may stop is asked for again.
    pulse: Option<Timestamp>,
    /// Whether something happened that may change what is found.
    stirred: bool,
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
        /// The machines that were found.
        machines: Machines,
        /// What the Gateway says is wrong with it.
        gateway: Option<GatewayFault>,
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
        if !self.wanted {
            return None;
        }
        if std::mem::take(&mut self.stirred) {
            self.next = self.next.map(|next| next.min(steady + SOON));
        }
        let is_due = |at: Option<Timestamp>| at.is_some_and(|at| at <= steady);
        let known = self.of.as_ref() == Some(&platform.digest);
        if !known || is_due(self.next) {
            self.of = Some(platform.digest.clone());
            self.facts = Facts::default();
            self.next = Some(steady + PAUSE);
        } else if is_due(self.pulse) {
            self.facts.forget(doctor::may_stop);
        } else {
            return None;
        }
        self.open = true;
        Some(self.go_on(platform, namespace, now, steady))
    }

    /// Something happened that may change what is found: a kind came or went, a wake failed.
    pub fn stir(&mut self) {
        self.stirred = true;
    }

    /// When the next one is due.
    pub fn deadline(&self, steady: Timestamp) -> Option<Timestamp> {
        let next = self.next.into_iter().chain(self.pulse).filter(|next| *next > steady).min();
        next.filter(|_| !self.open)
    }

    /// Answers came.
    pub fn learn(&mut self, looks: Vec<(Question, Look)>) {
        self.facts.learn(looks);
    }

    /// Nobody answers: it begins anew when there is time.
    pub fn lost(&mut self) {
        self.of = None;
        self.pulse = None;
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
        self.pulse = Some(steady + PULSE);
        let before = std::mem::take(&mut self.findings);
        let mut news = Vec::new();
        for finding in findings.into_iter().filter(|finding| finding.grade != Grade::Fine) {
            // The same with other numbers (days until a certificate ends) is no news.
            let same = |f: &&Finding| (f.grade, &f.subject) == (finding.grade, &finding.subject);
            let since = before.iter().find(same).map(|before| before.since);
            let finding = Finding { since: since.unwrap_or(Some(now)), ..finding.clone() };
            if since.is_none() {
                news.push(finding.clone());
            }
            self.findings.push(finding);
        }
        let subjects: BTreeSet<&str> = self.findings.iter().map(|f| f.subject.as_str()).collect();
        let mended = before.into_iter().filter(|f| !subjects.contains(f.subject.as_str()));
        let machines = doctor::machines(platform, &self.facts);
        let gateway = doctor::gateway_fault(platform, &self.facts);
        Goes::Ends { news, mended: mended.collect(), machines, gateway }
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
                Goes::Ends { news, mended, .. } => return Some((asked, news, mended)),
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
        for minute in 1..10 {
            assert_eq!(checkup.deadline(at(60 * minute - 1)), Some(at(60 * minute)));
            assert!(examined(&mut checkup, &platform, &[], at(60 * minute - 1)).is_none());
            let (few, news, mended) =
                examined(&mut checkup, &platform, &[], at(60 * minute)).unwrap();
            // Does KEDA run, and is the Gateway well?
            assert_eq!((few, news.len(), mended.len()), (2, 0, 0));
        }
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
    fn a_reason_to_look_again_is_followed_soon_and_many_are_one() {
        let (mut checkup, platform) = (Checkup { wanted: true, ..Checkup::default() }, platform());
        let (asked, ..) = examined(&mut checkup, &platform, &[], at(0)).unwrap();
        for second in [5, 6, 7] {
            checkup.stir();
            assert!(examined(&mut checkup, &platform, &[], at(second)).is_none());
            assert_eq!(checkup.deadline(at(second)), Some(at(35)));
        }
        assert_eq!(examined(&mut checkup, &platform, &[], at(35)).unwrap().0, asked);
        assert_eq!(checkup.deadline(at(35)), Some(at(95)));
    }

    #[test]
    fn a_finding_says_since_when() {
        let (mut checkup, platform) = (Checkup { wanted: true, ..Checkup::default() }, platform());
        examined(&mut checkup, &platform, &[], at(0)).unwrap();
        examined(&mut checkup, &platform, &[], at(60)).unwrap();
        assert!(checkup.findings().iter().all(|finding| finding.since == Some(at(0))));
        let line = checkup.findings()[0].line();
        assert!(line.contains(" (since 1970-01-01 00:00 UTC)"), "{line}");
    }

    #[test]
    fn nobody_is_asked_who_does_not_want_to_know() {
        let mut checkup = Checkup::default();
        assert!(examined(&mut checkup, &platform(), &[], at(0)).is_none());
    }
}
