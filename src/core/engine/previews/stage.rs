//! Which pull requests are shown on the cluster, and for how long.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Previews;
use super::label::Label;
use super::staging::{Living, Show, Staging};
use crate::catalog::Platform;
use crate::catalog::platform;
use crate::model::SolutionName;

impl Previews {
    /// Whether anything can have to be shown, taken away or said of it.
    pub fn may_show(&self) -> bool {
        self.settings.is_some() || self.open.values().any(|pull| pull.show != Show::Off)
    }

    /// What should be on the cluster. `platform`: that in force; `None`: it cannot be used.
    /// `living`: what is there.
    pub fn stage(
        &mut self,
        platform: Option<&Platform>,
        living: &BTreeMap<SolutionName, Living>,
        wall: Timestamp,
    ) -> Staging {
        self.ends_at = None;
        let Some(platform) = platform else {
            return Staging { undecided: living.keys().cloned().collect(), ..Staging::default() };
        };
        self.settings = platform.previews.clone().filter(|_| self.is_wanted());
        let Some(settings) = self.settings.clone() else {
            self.open.values_mut().for_each(|pull| pull.show = Show::Off);
            return Staging::default();
        };
        let keep_for = SignedDuration::try_from(settings.keep_for).unwrap_or(SignedDuration::MAX);
        let ends = |name: &SolutionName| -> Option<Timestamp> {
            living.get(name)?.since.map(|since| since.saturating_add(keep_for)).and_then(Result::ok)
        };
        let is_over = |name: &SolutionName| ends(name).is_some_and(|at| at <= wall);
        for (number, pull) in &mut self.open {
            // Another life saw the label being put on.
            if let Some(label @ Label::Unseen) = pull.labels.get_mut(&settings.label)
                && let Some(head) = of(living, *number).find_map(|(_, one)| one.head.clone())
            {
                *label = Label::On(head);
            }
            if pull.labels.contains_key(&settings.label) {
                if of(living, *number).any(|(name, _)| is_over(name)) {
                    pull.over = Some(pull.head.clone());
                }
            } else {
                pull.over = None;
            }
            pull.show = pull.asks(&settings, platform);
        }
        // Whoever is not listed yet, or is listed no more and nobody knows why, is left alone; but
        // for as long as the operator allows. It takes its room meanwhile.
        let undecided = |number: u64| {
            !self.listed
                || self.gone.contains_key(&number)
                || self.open.get(&number).is_some_and(|pull| pull.show == Show::Undecided)
        };
        let left = living.keys().filter(|name| !is_over(name));
        let left = left.filter(|name| name.previews().is_some_and(|(number, _)| undecided(number)));
        let mut staging = Staging { undecided: left.cloned().collect(), ..Staging::default() };
        self.choose(&settings, living, &mut staging);
        let standing = staging.shown.keys().chain(&staging.undecided);
        self.ends_at = standing.filter_map(ends).filter(|at| *at > wall).min();
        staging
    }

    /// Of all that are asked for, as many as the operator allows: those that are there first.
    fn choose(
        &mut self,
        settings: &platform::Previews,
        living: &BTreeMap<SolutionName, Living>,
        staging: &mut Staging,
    ) {
        let mut asked: Vec<u64> = Vec::new();
        for (number, pull) in &self.open {
            if pull.show == Show::Shown {
                asked.push(*number);
            }
        }
        asked.sort_by_key(|number| (of(living, *number).next().is_none(), *number));
        for number in asked {
            let Some(pull) = self.open.get_mut(&number) else { continue };
            let Some(showing) = pull.judged.as_ref().and_then(|judged| judged.showing.as_ref())
            else {
                continue;
            };
            let many = showing.solutions.len();
            if many > settings.at_most {
                pull.show = Show::TooMany(many);
                continue;
            }
            if staging.undecided.len() + staging.shown.len() + many > settings.at_most {
                pull.show = Show::Waits;
                continue;
            }
            let solutions = showing.solutions.iter();
            staging.shown.extend(solutions.map(|one| (one.name.clone(), Arc::clone(one))));
        }
    }

    /// When a preview has to go, by the wall clock.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }
}

/// What is there of a pull request.
fn of(
    living: &BTreeMap<SolutionName, Living>,
    number: u64,
) -> impl Iterator<Item = (&SolutionName, &Living)> {
    living.iter().filter(move |(name, _)| name.previews().is_some_and(|(pull, _)| pull == number))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::judging::Judging;
    use super::*;
    use crate::catalog::platform::Previews as Settings;
    use crate::change::tests::snapshot;
    use crate::change::{Brake, Comparison, How};
    use crate::config::PullRequests;
    use crate::engine::event::{Listing, Opened, Reply};
    use crate::engine::reviewed::{Images, Reviewed, Reviewing, Tried};
    use crate::model::{InstanceName, Revision};

    const SETTINGS: &str = "  previews: {keepFor: 1h, atMost: 2}\n";

    fn commit(digit: char) -> Revision {
        Revision::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn name(text: &str) -> SolutionName {
        SolutionName::read(text).unwrap()
    }

    /// The organ, the platform in force, and what lives.
    struct Stage {
        organ: Previews,
        platform: Platform,
        living: BTreeMap<SolutionName, Living>,
        now: i64,
    }

    impl Stage {
        fn new() -> Self {
            let platform = platform(SETTINGS);
            let organ = Previews::new(PullRequests::Comment, false);
            Self { organ, platform, living: BTreeMap::new(), now: 0 }
        }

        /// Open pull requests, each with its head and whether the label is on it.
        fn lists(&mut self, open: &[(u64, char, bool)]) {
            let open = open.iter().map(|(number, head, on)| Opened {
                number: *number,
                head: commit(*head),
                labels: on.then(|| "preview".to_owned()).into_iter().collect(),
                own: false,
            });
            let listing = Listing { open: open.collect(), merged: Vec::new() };
            self.organ.listed(Reply { result: Ok(Some(listing)), left: None }, at(self.now));
        }

        /// A pull request changes these solutions.
        fn judges(&mut self, number: u64, solutions: &[&str]) {
            let pull = &self.organ.open[&number];
            let (head, base) = (pull.head.clone(), commit('0'));
            let solutions: Vec<_> = solutions.iter().map(|name| (*name, "")).collect();
            let comparison = Comparison {
                base: snapshot("0", SETTINGS, &[]),
                head: snapshot("1", SETTINGS, &solutions),
                how: How::Merged,
                earlier: BTreeMap::new(),
            };
            let work = Reviewing {
                comparison: Arc::new(comparison.clone()),
                instance: InstanceName::parse("prod").unwrap(),
                pull: number,
                head: head.clone(),
                root: ".".to_owned(),
                brake: Brake { max_removed_share: 0.2, max_deletions: 100 },
                now: at(self.now),
                images: Images::Unasked,
                dry_run: Tried::Unasked,
            };
            self.organ.judging = Some(Judging::of(number, head, base, Box::new(comparison), false));
            let reviewed: Reviewed = work.done(&mut crate::catalog::Memory::default());
            self.organ.reviewed(Some(reviewed), at(self.now));
        }

        /// What of previews should be on the cluster; it is there at once.
        fn shows(&mut self) -> Vec<String> {
            let staging = self.organ.stage(Some(&self.platform), &self.living, at(self.now));
            self.living.retain(|name, _| {
                staging.shown.contains_key(name) || staging.undecided.contains(name)
            });
            for (name, shown) in &staging.shown {
                let living = Living { since: Some(at(self.now)), head: shown.preview.clone() };
                self.living.entry(name.clone()).or_insert(living);
            }
            staging.shown.keys().map(ToString::to_string).collect()
        }

        fn leaves_alone(&mut self) -> BTreeSet<SolutionName> {
            self.organ.stage(Some(&self.platform), &self.living, at(self.now)).undecided
        }

        /// A pull request that is shown.
        fn shown(&mut self, number: u64) {
            self.lists(&[(number, '1', false)]);
            self.lists(&[(number, '1', true)]);
            self.judges(number, &["use"]);
            assert_eq!(self.shows(), [format!("pr-{number}--use")]);
        }

        fn says(&self, number: u64) -> String {
            self.organ.open[&number].unsaid(self.organ.settings.as_ref()).unwrap_or_default()
        }
    }

    fn platform(settings: &str) -> Platform {
        let base = snapshot("0", settings, &[]);
        (*crate::catalog::read(&base, &mut crate::catalog::Memory::default()).platform.unwrap())
            .clone()
    }

    #[test]
    fn a_label_shows_the_head_that_it_was_put_on_and_a_push_ends_that() {
        let mut stage = Stage::new();
        stage.lists(&[(42, '1', false)]);
        stage.judges(42, &["use"]);
        assert!(stage.shows().is_empty());
        assert!(stage.says(42).contains("with the label `preview` it can be opened before"));
        stage.lists(&[(42, '1', true)]);
        assert_eq!(stage.shows(), ["pr-42--use"]);
        let said = stage.says(42);
        let words = "**Preview** of 1111111: <https://pr-42--use.demo.example>, asleep until";
        assert!(said.contains(words), "{said}");
        stage.lists(&[(42, '2', true)]);
        assert!(stage.shows().is_empty() && stage.leaves_alone().is_empty());
        stage.judges(42, &["use"]);
        assert!(stage.shows().is_empty());
        assert!(stage.says(42).contains("was put on at 1111111 and counts for that alone"));
        stage.lists(&[(42, '2', false)]);
        stage.lists(&[(42, '2', true)]);
        assert_eq!(stage.shows(), ["pr-42--use"]);
    }

    #[test]
    fn a_preview_ends_with_its_label_its_time_and_its_pull_request() {
        let ends: [fn(&mut Stage); 4] = [
            |stage| stage.lists(&[(7, '1', false)]),
            |stage| stage.now = 3600,
            |stage| {
                stage.lists(&[]);
                assert_eq!(stage.leaves_alone().len(), 1, "nobody knows why it is not listed");
                stage.organ.gone.clear();
            },
            |stage| stage.platform = platform(""),
        ];
        for end in ends {
            let mut stage = Stage::new();
            stage.shown(7);
            stage.now = 3599;
            assert_eq!(stage.shows(), ["pr-7--use"]);
            assert_eq!(stage.organ.ends_at(), Some(at(3600)));
            end(&mut stage);
            assert!(stage.shows().is_empty());
            assert!(stage.living.is_empty());
        }
    }

    #[test]
    fn what_had_its_time_comes_back_with_the_label_and_not_before() {
        let mut stage = Stage::new();
        stage.shown(7);
        stage.now = 3600;
        assert!(stage.shows().is_empty() && stage.shows().is_empty());
        assert!(stage.says(7).contains("it was there for 1h and is gone"), "{}", stage.says(7));
        stage.lists(&[(7, '1', false)]);
        assert!(stage.shows().is_empty());
        stage.lists(&[(7, '1', true)]);
        assert_eq!(stage.shows(), ["pr-7--use"]);
    }

    #[test]
    fn another_life_leaves_alone_what_it_does_not_know_of_and_goes_on_with_it() {
        let mut first = Stage::new();
        first.shown(7);
        let mut stage = Stage { living: first.living.clone(), ..Stage::new() };
        assert_eq!(stage.leaves_alone(), [name("pr-7--use")].into(), "nothing was listed");
        stage.lists(&[(7, '1', true)]);
        assert_eq!(stage.leaves_alone(), [name("pr-7--use")].into(), "it was not judged");
        stage.judges(7, &["use"]);
        assert_eq!(stage.shows(), ["pr-7--use"]);
        // A push while nobody looked: the label was not put on at this one.
        let mut stage = Stage { living: first.living.clone(), ..Stage::new() };
        stage.lists(&[(7, '2', true)]);
        stage.judges(7, &["use"]);
        assert!(stage.shows().is_empty() && stage.living.is_empty());
        // What nobody can ask about has no more time than all others.
        let mut stage = Stage { living: first.living, now: 3600, ..Stage::new() };
        assert!(stage.leaves_alone().is_empty());
    }

    /// Two solutions of 9 are shown, which is all that there may be; 5 waits.
    fn full() -> Stage {
        let mut stage = Stage::new();
        for on in [false, true] {
            stage.lists(&[(5, '5', on), (9, '9', on)]);
        }
        stage.judges(9, &["a", "b"]);
        assert_eq!(stage.shows(), ["pr-9--a", "pr-9--b"]);
        stage.judges(5, &["c"]);
        assert_eq!(stage.shows(), ["pr-9--a", "pr-9--b"]);
        stage
    }

    #[test]
    fn there_are_never_more_than_the_operator_allows_and_those_that_are_there_stay() {
        let mut stage = full();
        assert!(stage.says(5).contains("waits for room, because at most 2 solutions"));
        stage.lists(&[(5, '5', true)]);
        stage.organ.gone.clear();
        assert_eq!(stage.shows(), ["pr-5--c"]);
        // One that never fits is told that, and keeps nobody waiting.
        stage.lists(&[(3, '3', false), (5, '5', true)]);
        stage.lists(&[(3, '3', true), (5, '5', true)]);
        stage.judges(3, &["a", "b", "c"]);
        assert_eq!(stage.shows(), ["pr-5--c"]);
        assert!(stage.says(3).contains("it changes 3 solutions, and at most 2 are shown"));
    }

    #[test]
    fn what_is_judged_anew_for_another_platform_keeps_its_room() {
        let mut stage = full();
        // Any change of the operator's file, and the lower number is judged first.
        let other = stage.platform.digest.clone();
        stage.platform.digest = crate::model::ContentHash::of(b"other");
        assert_eq!(stage.leaves_alone(), [name("pr-9--a"), name("pr-9--b")].into());
        let fifth = stage.organ.open.get_mut(&5).unwrap();
        let showing = fifth.judged.as_mut().unwrap().showing.as_mut().unwrap();
        showing.platform = stage.platform.digest.clone();
        assert!(stage.shows().is_empty(), "5 waits");
        assert_eq!(stage.living.len(), 2);
        stage.platform.digest = other;
        stage.organ.open.get_mut(&5).unwrap().judged = None;
        assert_eq!(stage.shows(), ["pr-9--a", "pr-9--b"]);
    }

    #[test]
    fn without_a_platform_nobody_is_shown_and_nobody_goes() {
        let mut stage = Stage::new();
        stage.shown(7);
        let staging = stage.organ.stage(None, &stage.living, at(0));
        assert_eq!((staging.shown.len(), staging.undecided), (0, [name("pr-7--use")].into()));
        // A platform that says something else: it is judged for it first.
        stage.platform = Platform { ..platform("  previews: {keepFor: 1h, atMost: 3}\n") };
        assert_eq!(stage.leaves_alone(), [name("pr-7--use")].into());
        let settings: Option<&Settings> = stage.organ.settings.as_ref();
        assert_eq!(settings.map(|settings| settings.at_most), Some(3));
    }

    #[test]
    fn where_pull_requests_are_not_looked_at_nothing_is_shown() {
        let mut stage = Stage::new();
        stage.shown(7);
        stage.organ = Previews::new(PullRequests::Off, false);
        assert!(stage.shows().is_empty() && stage.living.is_empty());
    }
}
