//! What Events say, joined to the pods and ScaledObjects that they are about.

use jiff::Timestamp;

use super::{Batch, Sight};
use crate::model::{Kind, ObjectKey, SolutionName};
use crate::plan::observed::HealthFacts;
use crate::plan::said::{Said, Topic};

impl Sight {
    /// Hears what Events say. `now`: by the clock that does not jump.
    pub fn said(&mut self, said: Vec<Said>, now: Timestamp, batch: &mut Batch) {
        for said in said {
            let (solution, about) = (said.solution.clone(), said.about.clone());
            let topic = said.word.topic();
            let pods = self.observed.pods.get(&solution);
            let troubled = pods.is_some_and(|pods| pods.contains_key(about.as_str()));
            if self.sayings.hear(said, troubled, now) {
                self.retell(&solution, &about, &topic, batch);
            }
        }
    }

    /// Forgets what is too old to count. `now`: as for [`Sight::said`].
    pub fn forget_said(&mut self, now: Timestamp, batch: &mut Batch) {
        let pods = &self.observed.pods;
        let in_trouble = |solution: &SolutionName, pod: &str| {
            pods.get(solution).is_some_and(|pods| pods.contains_key(pod))
        };
        for (solution, about, topic) in self.sayings.expire(now, in_trouble) {
            self.retell(&solution, &about, &topic, batch);
        }
    }

    /// Writes down of an object what is said of it now.
    fn retell(&mut self, solution: &SolutionName, about: &str, topic: &Topic, batch: &mut Batch) {
        let Self { sayings, observed, .. } = self;
        if *topic == Topic::Zone {
            let key = ObjectKey::namespaced(Kind::ScaledObject, solution.namespace(), about);
            let shelf = observed.solutions.get_mut(solution);
            let live = shelf.and_then(|shelf| shelf.get_mut(&key));
            let Some(HealthFacts::ScaledObject(facts)) = live.map(|live| &mut live.health) else {
                return;
            };
            let zone = sayings.zone(solution, about);
            if facts.unknown_zone != zone {
                facts.unknown_zone = zone;
                batch.solution(solution);
            }
            return;
        }
        let pod = observed.pods.get_mut(solution).and_then(|pods| pods.get_mut(about));
        let Some(facts) = pod else { return };
        let told = sayings.of_pod(solution, about, facts.clone());
        if *facts != told {
            *facts = told;
            batch.solution(solution);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::sayings::{LONG, MOST, TURNS};
    use super::*;
    use crate::engine::{Meta, News, Seen};
    use crate::model::InstanceName;
    use crate::plan::observed::{PodFacts, UNREADY};
    use crate::plan::said::{NewMachine, Probed, Word};

    const MESSAGE: &str =
        "Pod ephemeral local storage usage exceeds the total limit of containers 64Mi. ";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn called() -> SolutionName {
        SolutionName::parse("use").unwrap()
    }

    fn sight() -> Sight {
        Sight::new(InstanceName::parse("prod").unwrap(), "vitrine".to_owned(), 7)
    }

    /// A pod as the watch shows it: without a word it is well.
    fn pod(name: &str, word: &str) -> News {
        let facts = PodFacts {
            component: "app".to_owned(),
            word: (!word.is_empty()).then(|| word.into()),
            exit_code: (word == "Succeeded").then_some(0),
            ..PodFacts::default()
        };
        let meta = Meta {
            name: name.into(),
            namespace: Some("sol-use".into()),
            resource_version: "1".into(),
            ..Meta::default()
        };
        News::Present(Box::new(Seen { meta, pod: Some(facts), ..Seen::default() }))
    }

    fn probe(got: Probed) -> Word {
        Word::Probed { container: "app".to_owned(), got }
    }

    impl Sight {
        /// Hears something; says whether the solution has to be thought about.
        fn shows(&mut self, news: News) -> bool {
            let mut batch = Batch::default();
            self.hear(Kind::Pod, news, &mut batch);
            !batch.finish().is_empty()
        }

        fn is_told(&mut self, about: &str, word: Word, second: i64) -> bool {
            let mut batch = Batch::default();
            let said = Said { solution: called(), about: about.to_owned(), word, at: at(second) };
            self.said(vec![said], at(second), &mut batch);
            !batch.finish().is_empty()
        }

        fn forgets(&mut self, second: i64) -> bool {
            let mut batch = Batch::default();
            self.forget_said(at(second), &mut batch);
            !batch.finish().is_empty()
        }

        fn facts(&self, name: &str) -> &PodFacts {
            &self.observed.pods[&called()][name]
        }

        fn kept(&self) -> usize {
            self.sayings.len()
        }
    }

    #[test]
    fn a_pod_that_was_thrown_out_and_obeyed_is_told_by_the_event_whichever_comes_first() {
        for event_first in [true, false] {
            let mut sight = sight();
            let evicted = || Word::Evicted(MESSAGE.into());
            if event_first {
                assert!(!sight.is_told("app-1", evicted(), 0), "nobody knows the pod");
                assert!(sight.shows(pod("app-1", "Succeeded")));
            } else {
                assert!(sight.shows(pod("app-1", "Succeeded")));
                assert!(sight.is_told("app-1", evicted(), 0));
            }
            let facts = sight.facts("app-1");
            assert_eq!((facts.word.as_deref(), facts.exit_code), (Some("Evicted"), None));
            assert_eq!(facts.message.as_str(), MESSAGE.trim());
            // The same again touches nothing, and an hour does not unsay it.
            assert!(!sight.is_told("app-1", evicted(), 5));
            assert!(!sight.shows(pod("app-1", "Succeeded")));
            assert!(!sight.forgets(3605));
            assert!(!sight.shows(pod("app-1", "Succeeded")));
        }
    }

    #[test]
    fn what_a_probe_got_goes_no_step_back_and_does_not_flicker() {
        use Probed::{Late, Refused, Status};
        let mut sight = sight();
        sight.shows(pod("app-1", UNREADY));
        assert!(sight.is_told("app-1", probe(Refused), 0));
        assert!(!sight.is_told("app-1", probe(Refused), 5));
        assert!(sight.is_told("app-1", probe(Status(503)), 10));
        // The container was ended and begins again.
        assert!(!sight.is_told("app-1", probe(Refused), 15));
        assert!(!sight.is_told("app-1", probe(Late), 20));
        let touched = (0..100)
            .filter(|n| sight.is_told("app-1", probe(Status(500 + n % 2)), 30 + i64::from(*n)));
        assert_eq!(touched.count(), usize::from(TURNS) - 1);
        assert!(matches!(sight.facts("app-1").probed, Some(Status(500 | 501))));
        // Of another container nothing is said.
        let mut other = self::sight();
        other.shows(pod("app-1", UNREADY));
        let word = Word::Probed { container: "linkerd-proxy".to_owned(), got: Status(503) };
        assert!(!other.is_told("app-1", word, 0));
        assert_eq!(other.facts("app-1").probed, None);
    }

    #[test]
    fn a_pod_that_is_well_begins_anew() {
        let mut sight = sight();
        sight.shows(pod("app-1", UNREADY));
        sight.is_told("app-1", probe(Probed::Status(503)), 0);
        sight.shows(pod("app-1", ""));
        sight.shows(pod("app-1", UNREADY));
        assert_eq!(sight.facts("app-1").probed, None);
        assert!(sight.is_told("app-1", probe(Probed::Refused), 5));
    }

    #[test]
    fn what_was_said_of_a_well_pod_gives_way_to_any_word() {
        let mut sight = sight();
        // One probe of a pod that stays ready, or what the server tells again after a restart.
        sight.is_told("app-1", probe(Probed::Status(503)), 0);
        sight.shows(pod("app-1", UNREADY));
        assert!(sight.is_told("app-1", probe(Probed::Refused), 5));
        assert_eq!(sight.facts("app-1").probed, Some(Probed::Refused));
        assert!(sight.is_told("app-1", probe(Probed::Status(503)), 10));
        assert!(!sight.is_told("app-1", probe(Probed::Refused), 15), "it is in trouble now");
    }

    #[test]
    fn of_what_the_autoscaler_says_the_newest_counts_and_no_longer_than_an_hour() {
        let mut sight = sight();
        sight.shows(pod("app-1", "Unschedulable"));
        assert!(sight.is_told("app-1", Word::Machine(NewMachine::Coming), 10));
        assert!(!sight.is_told("app-1", Word::Machine(NewMachine::Refused), 5), "it is older");
        assert_eq!(sight.facts("app-1").machine, Some(NewMachine::Coming));
        assert!(sight.is_told("app-1", Word::Machine(NewMachine::Refused), 20));
        assert!(!sight.is_told("app-1", Word::Machine(NewMachine::Refused), 30), "the same again");
        assert!(sight.deadline().is_some_and(|next| next <= at(30) + LONG));
        assert!(!sight.forgets(3629));
        assert!(sight.forgets(3630));
        assert_eq!((sight.facts("app-1").machine, sight.kept()), (None, 0));
    }

    #[test]
    fn little_is_kept_and_nothing_of_a_pod_that_is_gone() {
        let mut sight = sight();
        for n in 0..100 {
            sight.is_told(&format!("app-{n}"), Word::Evicted("disk".into()), n);
        }
        assert_eq!(sight.kept(), MOST);
        // The newest are kept, also against an older one that comes late.
        sight.is_told("late", Word::Evicted("disk".into()), 3);
        assert!(sight.sayings.word(&called(), "app-99", Topic::Eviction).is_some());
        assert!(sight.sayings.word(&called(), "late", Topic::Eviction).is_none());
        let News::Present(seen) = pod("app-99", "") else { unreachable!("it is there") };
        sight.shows(News::Deleted(seen));
        assert_eq!(sight.kept(), MOST - 1);
        // A complete list of pods that holds none of them.
        sight.shows(News::Listing);
        sight.shows(News::Listed("9".to_owned()));
        assert_eq!(sight.kept(), 0);
        assert_eq!(sight.sayings.deadline(), None);
    }

    #[test]
    fn a_zone_that_keda_does_not_know_stands_with_its_scaled_object_until_it_is_not_said_any_more()
    {
        let mut sight = sight();
        let scaled = |version: &str| {
            let meta = Meta {
                name: "app".into(),
                namespace: Some("sol-use".into()),
                resource_version: version.into(),
                labels: [("vitrine.dev/instance".to_owned(), "prod".to_owned())].into(),
                ..Meta::default()
            };
            let health = HealthFacts::ScaledObject(Box::default());
            News::Present(Box::new(Seen { meta, health, ..Seen::default() }))
        };
        let show = |sight: &mut Sight, version: &str| {
            let mut batch = Batch::default();
            sight.hear(Kind::ScaledObject, scaled(version), &mut batch);
        };
        let zone = |sight: &Sight| {
            let key = ObjectKey::namespaced(Kind::ScaledObject, "sol-use", "app");
            match &sight.live(&key).unwrap().health {
                HealthFacts::ScaledObject(facts) => facts.unknown_zone.clone(),
                _ => unreachable!("it is a ScaledObject"),
            }
        };
        let word = || Word::UnknownZone("Europe/Berlin".into());
        show(&mut sight, "1");
        assert!(sight.is_told("app", word(), 0));
        assert!(!sight.is_told("app", word(), 30));
        show(&mut sight, "2");
        assert_eq!(zone(&sight).as_deref(), Some("Europe/Berlin"));
        assert!(sight.forgets(3630));
        assert_eq!(zone(&sight), None);
    }
}
